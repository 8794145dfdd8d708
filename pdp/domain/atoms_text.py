"""Finding atoms in running text, in time linear in its length."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from string import ascii_letters
from typing import Final

from pdp.domain.atoms import MAX_PLAIN, AtomKind, account, coded_form, digits, email, number
from pdp.domain.atoms_dates import day
from pdp.domain.atoms_url import domain, plain_url, url
from pdp.domain.atoms_words import EDGES, Parts, Telling, is_telling, telling
from pdp.domain.vocabulary import words

#: Different atoms of one text or output that are found: half of what a task keeps, so that one dump
#: leaves room for what comes after.
MAX_FORMS: Final = 8_000
#: So many at once; a portion too many costs less than to look at each.
_PORTION: Final = 512
#: Addresses, counted as often as they stand there.
_MAX_MAILBOXES: Final = 2 * MAX_FORMS
#: URLs that are not in their normal form yet; each takes several times as long as the others.
_MAX_ODD_URLS: Final = 1_500
#: Grouped numbers of one text; a text with more is a table.
_MAX_GROUPED: Final = 2_000
#: Numbers that are looked at for a word that makes them a name.
_MAX_MARKED: Final = 10_000
#: Domains in other scripts that are brought to ASCII; each takes a tenth of a millisecond.
_MAX_IDN: Final = 100
#: Characters that may begin a phone number; a text with more is a table of numbers.
_MAX_PHONES_BEGUN: Final = 200_000

_DECIMAL = re.compile(r"[0-9]{1,20}\.[0-9]{1,20}").fullmatch
# Of what begins with a digit or a sign; two dots are none without a comma.
_AMOUNT = re.compile(
    r"[-+]?(?![^.,]*+\.[^.,]*+\.[^,]*+$)[\d.,'\u2019]++(?:[A-Z]{3}|[$€£¥₹%])?"
).fullmatch
_EMAIL = re.compile(r"(?<![\w.!&'+%~-])[\w.!&'+%~-]{1,64}+@[^\s@,;<>\"'`()\[\]{}\\:/?#&=|]{3,253}")
_HAS_EMAIL = re.compile(r"[^@]{1,512}@[^@\s]{1,253}\.[a-zA-Z]").match
_SIMPLE_EMAIL = re.compile(
    r"[a-z0-9_.+%-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?){1,8}$"
).match
_URL = re.compile(
    r"(?<![A-Za-z0-9+.-])(?:[A-Za-z][A-Za-z0-9+.-]{0,30}+://|[wW]{3}\.)[^\s<>\"`|\\^{}]{1,2048}"
)
_HOST = re.compile(r"[^A-Za-z0-9]*[A-Za-z0-9.-]*\.([A-Za-z]{2,24})(?![A-Za-z0-9.-])").match
_HOST_PATH = re.compile(r"((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?:[:/?#]\S{0,2048})?")
# Searched for by its first digit, of which there are fewer than letters; so is the next.
_ACCOUNT = re.compile(
    r"[0-9](?=[0-9])(?<=[A-Za-z]{2}.)(?<![A-Za-z0-9][A-Za-z]{2}.)[0-9]-?[A-Za-z0-9](?:-?[A-Za-z0-9]){9,29}"
    r"(?![A-Za-z0-9])"
)
#: What may stand before and behind an account in one word; in a longer word it is something else.
_BESIDE: Final = 41
#: With 34 characters of the account, and a hyphen before each but the first.
_LONGEST: Final = 2 * _BESIDE + 68
_IBAN_GROUP = re.compile(r"[^A-Za-z0-9]?[A-Za-z]{2}[0-9]{2}").fullmatch
_IBAN = re.compile(
    r"[0-9](?=[0-9] )(?<=[A-Za-z]{2}.)(?<![A-Za-z0-9][A-Za-z]{2}.)[0-9](?: [A-Za-z0-9]{4}){2,7}"
    r"( (?=[A-Za-z]{0,3}[0-9])[A-Za-z0-9]{1,4})?(?![A-Za-z0-9])"
)
# It begins with a set of characters, which is quick to search for; what may not stand in front of
# them is looked at only then.
_PHONE = re.compile(
    r"[+(0](?<![\w+][+(0])(?:(?<=\+)|(?<=\()\+?|(?<=0)0)[0-9][0-9 ().-]{6,23}[0-9](?!\w)"
)
_GROUPED = re.compile(r"(?<![\w.,+-])[0-9](?:[ -]?[0-9]){5,20}(?![\w])")
_MARKED = re.compile(r"[ #:='\"]([0-9]{1,5}+)(?!\w|\.\w)")
# What stands in front of the mark's last character; quicker than the expression that is sure.
_BEFORE_MARKED: Final = frozenset(ascii_letters + " :#='\"")
# Read from its end: what may stand between, then a word or `#`, each with nothing before it.
_MARK_BACKWARDS = re.compile(r"(?:[ :#='\"]{1,3}([A-Za-z]{2,12})|[ :#='\"]{0,3}(#))(?!\w)").match
_MARKS: Final = words(
    "# id ids number no nr num issue issues pull pr ticket order invoice case alert task event "
    "file message email booking reservation transaction payment version build run job project "
    "record item page row entry document thread comment milestone release patch bug story card"
)
_NUMBER = re.compile(
    r"(?<![\w.,])[-+]?[$€£¥₹]?[ ]?([0-9]{1,3}(?:,[0-9]{3})++(?:\.[0-9]{1,10})?"
    r"|[0-9]{1,3}(?:\.[0-9]{3})++,[0-9]{1,2}|[0-9]{1,3}(?:['\u2019][0-9]{3})++(?:\.[0-9]{1,2})?"
    r"|[0-9]{1,20}(?:[.,][0-9]{1,10})?)(?![\w]|[.,][0-9])"
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DATE = re.compile(
    rf"(?<!\w)(?:[0-9]{{4}}[-/][0-9]{{1,2}}[-/][0-9]{{1,2}}(?![0-9])"
    rf"|{_MONTH}\.? [0-9]{{1,2}}(?:st|nd|rd|th)?(?![0-9:])(?:,? [0-9]{{4}}(?![0-9]))?"
    rf"|[0-9]{{1,2}}(?:st|nd|rd|th|\.)? (?:of )?{_MONTH}(?!\w)\.?(?:,? [0-9]{{4}}(?![0-9]))?)",
    re.IGNORECASE,
)

#: Top-level domains that mail and chat clients make a link of where no scheme is written, and that
#: are not as common as endings of files, fields or sentences.
_LINKED: Final = words(
    "com net org edu gov mil int info biz name pro io app dev ai co cc tv gg ly ru cn xyz site "
    "online website store shop tech club top link click live news blog page space fun icu vip "
    "cloud email finance bank money group agency digital network systems solutions company uk de "
    "fr eu us nl ch jp kr br au ca pl se dk cz pt gr tr ua"
)


@dataclass(frozen=True, slots=True)
class Found:
    """The forms of atoms in a text, each once; `complete` unless it may hold others."""

    forms: list[str]
    complete: bool


def typed_forms(text: str | Telling, *, cells: Iterable[str] = ()) -> list[str]:
    """The forms of the atoms in normalised text, one more than MAX_FORMS at most."""
    read = telling(text) if isinstance(text, str) else text
    return find_forms(read, cells=cells, most=MAX_FORMS + 1).forms


def find_forms(read: Telling, *, cells: Iterable[str] = (), most: int = MAX_FORMS) -> Found:
    """The forms of the atoms in a text, those that reach somebody first, and `most` at most.

    `cells` are whole scalar values of a structured text.
    """
    parts = Parts(read)
    forms: dict[str, None] = {}
    for stage in (
        _emails(parts),
        _urls(parts),
        accounts(read),
        _phones(parts, read.near),
        cell_forms(cells),
        _pieces(parts),
        (f"text:{code}" for code in marked_numbers(read.near)),
        _amounts(read.words),
    ):
        while some := list(islice(stage, _PORTION)):
            forms.update(dict.fromkeys(some))
            if len(forms) > most:
                return Found(list(islice(forms, most)), complete=False)
    return Found(list(forms), parts.complete)


def _phones(parts: Parts, text: str) -> Iterator[str]:
    if not ("+" in text or "(" in text or "00" in text):
        return
    text = parts.within(text, "+(0", _MAX_PHONES_BEGUN)
    for found in parts.first(_PHONE.finditer(text), _MAX_GROUPED):
        code = digits(found[0])
        if code is not None:
            yield f"digits:{code}"


def _emails(parts: Parts) -> Iterator[str]:
    exotic = 0
    for match in parts.first(_EMAIL.finditer(parts.mailing()), _MAX_MAILBOXES):
        written = match[0].strip("'!&%~").rstrip(EDGES).lower()
        if _SIMPLE_EMAIL(written):
            yield f"email:{written}"
            continue
        if not written.isascii():
            exotic += 1
            if exotic > _MAX_IDN:
                parts.complete = False
                continue
        form = email(written)
        if form is not None and "." in form.rpartition("@")[2]:
            yield f"email:{form}"


def _urls(parts: Parts) -> Iterator[str]:
    whole, bare = parts.linking()
    odd = exotic = 0
    for word in chain(whole, filter(_may_be_linked, bare)):
        if plain_url(word):
            yield f"url:{word}"
            continue
        if not word.isascii() and not word.partition("://")[2].partition("/")[0].isascii():
            exotic += 1
        for form, _ in word_urls(word) if exotic <= _MAX_IDN else ():
            odd += 1
            if form is not None:
                yield f"url:{form}"
        if odd > _MAX_ODD_URLS or exotic > _MAX_IDN:
            parts.complete = False
            return


def _may_be_linked(word: str) -> bool:
    host = _HOST(word)
    return host is not None and host[1].lower() in _LINKED


def word_urls(word: str) -> Iterator[tuple[str | None, str]]:
    """The URLs in one word of text as (normal form, as written); None where they have no such form.

    Also those without a scheme that say `www.` or have a host and a path.
    """
    with_scheme = "://" in word
    matches = _URL.findall(word) if with_scheme or "www." in word.lower() else []
    if not matches and not with_scheme and "@" not in word and "." in word:
        bare = _HOST_PATH.fullmatch(word.strip(EDGES))
        if bare is not None and "/" in bare[0] and is_linked(bare[1]):
            matches = [bare[0]]
    for match in matches:
        written = match.rstrip(".,;:!?'*_\u2019\u201d\u00bb\u2026")
        for _ in range(4):
            if written[-1:] in (")", "]") and "(" not in written and "[" not in written:
                written = written[:-1].rstrip(".,;:!?'")
        yield url(written), written


def is_linked(host: str) -> bool:
    """Whether a name like `x.io` in prose is taken for a place on the web."""
    return host.rpartition(".")[2].lower() in _LINKED and domain(host) is not None


def accounts(text: Telling) -> Iterator[str]:
    """IBANs and accounts of that shape, also in groups; an ambiguous last group both ways."""
    long = "\n".join([word for word in text.words if 13 < len(word) < _LONGEST])
    for match in islice(_ACCOUNT.finditer(long), _MAX_GROUPED):
        start, end = match.start() - 2, match.end()
        before, behind = long[max(0, start - _BESIDE) : start], long[end : end + _BESIDE + 1]
        if "\n" in before + "\n"[start > _BESIDE :] and ("\n" in behind or len(behind) <= _BESIDE):
            yield f"account:{long[start:end].upper().replace('-', '')}"
    groups = any(_IBAN_GROUP(word[-5:]) for word in text.words if word[-1] in "0123456789")
    if not groups:
        return
    for match in islice(_IBAN.finditer(text.near), _MAX_GROUPED):
        written = text.near[match.start() - 2 : match.end()]
        readings = [written, written.removesuffix(match[1])] if match[1] else [written]
        for reading in readings:
            form = account(reading)
            if form is not None:
                yield f"account:{form}"


def grouped_digits(text: str) -> Iterator[str]:
    """Long numbers written in groups; for a principal's text, where they are few."""
    for match in (*_PHONE.findall(text), *_GROUPED.findall(text)):
        code = digits(match.strip())
        if code is not None:
            yield f"{AtomKind.DIGITS}:{code}"


def marked_numbers(text: str) -> Iterator[str]:
    """Short numbers that the word before them makes a name: `#12`, `issue 7`, `ID: '13'`."""
    for match in islice(_MARKED.finditer(text), _MAX_MARKED):
        at = match.start()
        if text[at] != "#" and text[at - 1 : at] not in _BEFORE_MARKED:
            continue
        mark = _MARK_BACKWARDS(text[max(0, at - 16) : at + 1][::-1])
        if mark is not None and (mark[2] or mark[1][::-1].lower() in _MARKS):
            yield match[1]


def numbers(text: str) -> Iterator[str]:
    """The canonical decimals in a text."""
    for found in _NUMBER.findall(text):
        form = number(found)
        if form is not None:
            yield form


def dates(text: str) -> Iterator[str]:
    """The dates in a text; one with a year also without it."""
    for found in _DATE.findall(text):
        form = day(found)
        if form is not None:
            yield form
            if form[0] != "-":
                yield f"-{form[4:]}"


def _amounts(found: Iterable[str]) -> Iterator[str]:
    for word in found:
        if word[0].isalpha():
            continue
        bare = word.strip("'\",;:()[]{}$€£%").rstrip(".")
        if not bare or len(bare) > 24 or not (bare[0].isdigit() or bare[0] in "+-"):
            continue
        if bare.isdecimal() and bare.isascii():
            yield f"number:{int(bare)}"
        elif _DECIMAL(bare):
            whole, _, part = bare.partition(".")
            part = part.rstrip("0")
            yield f"number:{whole.lstrip('0') or '0'}{'.' if part else ''}{part}"
        elif _AMOUNT(bare) and (amount := number(bare)) is not None:
            yield f"number:{amount}"


def _pieces(parts: Parts) -> Iterator[str]:
    """Identifiers, file names, paths and the like: what stands between white space and marks."""
    words = [
        word
        for word in parts.words
        if "://" not in word and ("@" not in word or not _HAS_EMAIL(word))
    ]
    known = frozenset(words)
    for piece in parts.pieces(words):
        if "://" in piece or (piece not in known and not is_telling(piece)):
            continue
        first = piece[0]
        if first.isalpha() and ("/" not in piece or _is_path(piece)):
            yield f"text:{piece}"
        elif not piece.isdigit() or len(piece) > 5:
            if first == "/" and _is_path(piece):
                yield f"text:{piece}"
            elif (form := coded_form(piece)) != "text:":
                yield form


def _is_path(piece: str) -> bool:
    """Whether a path is in its normal form: quick, and sometimes no where it is."""
    return "//" not in piece and "/." not in piece and piece[-1] != "/"


def cell_forms(cells: Iterable[str]) -> Iterator[str]:
    """The forms of whole scalar values, each once."""
    for cell in dict.fromkeys(cells):
        # Most values are words, and words are their own form.
        if cell[:1].isalpha() and "/" not in cell and "  " not in cell and len(cell) <= MAX_PLAIN:
            yield f"text:{cell.strip()}"
            continue
        form = coded_form(cell)
        if form != "text:":
            yield form
