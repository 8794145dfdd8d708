"""Finding atoms in running text, in time linear in its length."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from pdp.domain.atoms import (
    MAX_PLAIN,
    AtomKind,
    account,
    coded,
    day,
    digits,
    domain,
    email,
    number,
    url,
)
from pdp.domain.vocabulary import words

#: Different words of one text that are looked at; a text with more is a dump, not prose.
MAX_WORDS: Final = 60_000
#: Domains in other scripts that are brought to ASCII; each takes tens of microseconds.
_MAX_IDN: Final = 200

_EDGES: Final = ".,;:!?'\"`()[]{}<>*_=|\u2018\u2019\u201c\u201d\u00ab\u00bb\u2026-"
_TELLING = re.compile(r"[0-9@/\\]|[^\W_][._\-~+][^\W_]").search
_EMAIL = re.compile(r"(?<![\w.!&'+%~-])[\w.!&'+%~-]{1,64}+@[^\s@,;<>\"'`()\[\]{}\\:/?#&=|]{3,253}")
_URL = re.compile(
    r"(?<![A-Za-z0-9+.-])(?:[A-Za-z][A-Za-z0-9+.-]{0,30}+://|[wW]{3}\.)[^\s<>\"`|\\^{}]{1,2048}"
)
_HOST_PATH = re.compile(r"((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?:[:/?#]\S{0,2048})?")
_APART: Final = r"\s,;\"'`<>()\[\]{}|=*:@"
_PIECE = re.compile(rf"(?<![^{_APART}])[^{_APART}]{{2,256}}+(?![^{_APART}])")
_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[A-Za-z0-9]{10,30}|(?:[ -][A-Za-z0-9]{4}){2,7}"
    r"([ -](?=[A-Za-z]{0,3}[0-9])[A-Za-z0-9]{1,4})?)(?![A-Za-z0-9])"
)
_PHONE = re.compile(r"(?<![\w+])(?:\+|\(|00)[0-9 ().-]{7,24}[0-9](?![\w])")
_GROUPED = re.compile(r"(?<![\w.,+-])[0-9](?:[ -]?[0-9]){5,20}(?![\w])")
_MARKED = re.compile(r"(?<!\w)([A-Za-z]{2,12}|#)[ :#='\"]{0,4}(?<=[ :#='\"])([0-9]{1,5})(?![\w.])")
_MARKS: Final = words(
    "# id ids number no nr num issue issues pull pr ticket order invoice case alert task event file "
    "message email booking reservation transaction payment version build run job project record "
    "item page row entry document thread comment milestone release patch bug story card"
)
_NUMBER = re.compile(
    r"(?<![\w.,])[-+]?[$€£¥₹]?[ ]?([0-9]{1,3}(?:,[0-9]{3})++(?:\.[0-9]{1,10})?|[0-9]{1,20}(?:[.,][0-9]{1,10})?)(?![\w]|[.,][0-9])"
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
    "com net org edu gov mil int info biz name pro io app dev ai co cc tv gg ly ru cn xyz site online "
    "website store shop tech club top link click live news blog page space fun icu vip cloud email "
    "finance bank money group agency digital network systems solutions company uk de fr eu us nl ch "
    "jp kr br au ca pl se dk cz pt gr tr ua"
)


def typed_forms(text: str, *, cells: Iterable[str] = ()) -> Iterator[str]:
    """The forms of all atoms in normalised text, the ones that reach somebody first.

    `cells` are whole scalar values of a structured text. Forms may repeat.
    """
    looked_at = dict.fromkeys(islice(text.split(), 4 * MAX_WORDS))
    telling = [word for word in islice(looked_at, MAX_WORDS) if _TELLING(word)]
    yield from _emails(word for word in telling if "@" in word)
    yield from _urls(word for word in telling if "/" in word or word[:4].lower() == "www.")
    yield from accounts(text)
    yield from (
        f"{AtomKind.DIGITS}:{code}" for found in _PHONE.findall(text) if (code := digits(found))
    )
    yield from _cells(cells)
    yield from _pieces(telling)
    yield from (f"{AtomKind.TEXT}:{code}" for code in marked_numbers(text))
    yield from (f"{AtomKind.NUMBER}:{n}" for w in telling if (n := _plain_number(w)) is not None)


def is_complete(text: str) -> bool:
    """Whether `typed_forms` looks at every word of the text."""
    return len(text) <= MAX_WORDS or len(set(text.split())) <= MAX_WORDS


def _emails(found: Iterable[str]) -> Iterator[str]:
    exotic = 0
    for match in _EMAIL.finditer("\n".join(found)):
        written = match[0].strip("'!&%~").rstrip(_EDGES)
        exotic += not written.isascii()
        form = email(written) if exotic <= _MAX_IDN or written.isascii() else None
        if form is not None and "." in form.rpartition("@")[2]:
            yield f"{AtomKind.EMAIL}:{form}"


def _urls(found: Iterable[str]) -> Iterator[str]:
    for word in found:
        for form, _ in word_urls(word):
            if form is not None:
                yield f"{AtomKind.URL}:{form}"


def word_urls(word: str) -> Iterator[tuple[str | None, str]]:
    """The URLs in one word of text as (normal form, as written); None where they have no such form.

    Also those without a scheme that say `www.` or have a host and a path.
    """
    matches = [match[0] for match in _URL.finditer(word)]
    if not matches and "://" not in word and "@" not in word:
        bare = _HOST_PATH.fullmatch(word.strip(_EDGES))
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


def accounts(text: str) -> Iterator[str]:
    """IBANs and accounts of that shape, also in groups; an ambiguous last group both ways."""
    for match in _IBAN.finditer(text):
        readings = [match[0], match[0].removesuffix(match[1])] if match[1] else [match[0]]
        for reading in readings:
            form = account(reading)
            if form is not None:
                yield f"{AtomKind.ACCOUNT}:{form}"


def grouped_digits(text: str) -> Iterator[str]:
    """Long numbers written in groups; for a principal's text, where they are few."""
    for match in (*_PHONE.findall(text), *_GROUPED.findall(text)):
        code = digits(match.strip())
        if code is not None:
            yield f"{AtomKind.DIGITS}:{code}"


def marked_numbers(text: str) -> Iterator[str]:
    """Short numbers that the word before them makes a name: `#12`, `issue 7`, `ID: '13'`."""
    for mark, found in _MARKED.findall(text):
        if mark.lower() in _MARKS:
            yield found


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


def _plain_number(word: str) -> str | None:
    bare = word.strip("'\",;:()[]{}$€£%").rstrip(".")
    return (
        number(bare)
        if bare and bare[-1].isdigit() and len(bare) < 24 and bare[0] in "0123456789-+"
        else None
    )


def _pieces(telling: list[str]) -> Iterator[str]:
    """Identifiers, file names, paths and the like: what stands between white space and marks."""
    stripped = dict.fromkeys(word.strip(_EDGES) for word in telling)
    whole = [word for word in stripped if len(word) <= MAX_PLAIN]
    pieces = dict.fromkeys(_PIECE.findall("\n".join(telling)))
    for piece in (*pieces, *(word for word in whole if word not in pieces)):
        bare = piece.strip(_EDGES)
        if not bare or not _TELLING(bare) or "://" in bare:
            continue
        if not bare.isdigit() or len(bare) > 5:
            form = coded(bare).form
            if form != f"{AtomKind.TEXT}:":
                yield form


def _cells(cells: Iterable[str]) -> Iterator[str]:
    for cell in cells:
        form = coded(cell).form
        if len(form) > 5:
            yield form
