"""What a principal's words also mean.

A host is a link, a compound gives the names inside it, and a phone number is dialled from abroad.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from pdp.domain.atoms import Atom, AtomKind, atom, coded, digits, plain, url, value_atoms
from pdp.domain.atoms_dates import ISO_DATE
from pdp.domain.atoms_text import is_linked, word_urls
from pdp.domain.catalogue import ValueType
from pdp.domain.vocabulary import words

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue

_SERVED = re.compile(r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+):[0-9]{2,5}(?:/\S*)?")
# Neither a part of something longer, nor an amount: no sign before it, no unit after it.
_STANDING_NUMBER = re.compile(
    r"(?<![\w.,:/+$\u20ac\u00a3\u00a5\u20b9-])(?<![$\u20ac\u00a3\u00a5\u20b9] )([0-9]{4,5})"
    r"(?![\w/:%-]|[.,][0-9]| ?[%$\u20ac\u00a3\u00a5\u20b9]| [A-Z]{3}\b)"
)
_DOCUMENT: Final = re.compile(r"([A-Za-z][A-Za-z_-]{3,40})\.(?:md|markdown|rst|adoc|txt)")
#: Country calling codes of one and two digits (ITU-T E.164); all others have three.
_CALLING_1: Final = words("1 7")
_CALLING_2: Final = words(
    "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 "
    "65 66 81 82 84 86 90 91 92 93 94 95 98"
)
#: Shorter than this a subscriber's number alone is met by chance.
_SHORTEST_NUMBER: Final = 7
#: People name a folder or two and what is in them.
_MAX_STEPS: Final = 4


def bare_words(text: str) -> Iterable[str]:
    """The words of a text without the marks around them."""
    return (word.strip(".,;:!?'\"`()[]{}<>") for word in text.split())


def places(text: str) -> Iterable[str]:
    """A host or link written without a scheme is meant with either; a host is also a domain."""
    for word in dict.fromkeys(text.split()):
        bare = word.strip(".,;:!?'\"`()[]{}<>")
        if is_linked(bare):
            yield from (
                f"{AtomKind.URL}:{scheme}://{bare.lower()}/" for scheme in ("http", "https")
            )
            continue
        served = url(bare) if _SERVED.fullmatch(bare) is not None else None
        if served is not None:
            yield f"{AtomKind.URL}:{served}"
            yield f"{AtomKind.URL}:http://{served.removeprefix('https://')}"
        for form, written in word_urls(word):
            if form is not None and "://" not in written:
                yield f"{AtomKind.URL}:http://{form.removeprefix('https://')}"
            if form is not None and form.count("/") == 3 and form.endswith("/"):
                yield f"{AtomKind.TEXT}:{form.split('/')[2]}"


def parts(text: str) -> Iterable[str]:
    """The names that a principal's compound gives: `owner/name#7`, the steps of a URL's path."""
    for word in text.split():
        bare = word.strip(".,;:!?'\"`()[]{}<>")
        if "/" not in bare or bare.startswith(("/", ".", "~")) or len(bare) > 2048:
            continue
        path = bare.partition("://")[2].partition("/")[2] if "://" in bare else bare
        for step in path.partition("?")[0].partition("#")[0].split("/"):
            if step:
                yield atom(AtomKind.TEXT, step).form
        number = bare.rpartition("#")[2]
        if number.isdigit():
            yield atom(AtomKind.TEXT, number).form


def standing_numbers(text: str) -> Iterable[str]:
    """Numbers of four or five digits that stand for themselves: postcodes, extensions, rooms.

    Longer ones are codes anyway; shorter ones count things more often than they name them.
    """
    return (atom(AtomKind.TEXT, found).form for found in _STANDING_NUMBER.findall(text))


def spellings(value: JsonValue, holds: ValueType) -> Iterable[Atom]:
    """Other forms in which a principal may have said a value of this type.

    A phone number without its country (`0221 5550977` for `+49 221 5550977`); a path that begins
    at the root of a store without its first slash; a date or a number where any text may stand.
    """
    if holds is ValueType.TEXT and not isinstance(value, str):
        yield from value_atoms(value, ValueType.NUMBER)
    if not isinstance(value, str) or not value.isascii():
        return
    bare = value.strip()
    if holds is ValueType.TEXT and ISO_DATE.fullmatch(bare) is not None:
        yield from value_atoms(bare[:10], ValueType.DATE)
    if holds is ValueType.PHONE and (bare[:1] == "+" or bare[:2] == "00"):
        dialled = (digits(bare) or "").removeprefix("00")
        code = 1 if dialled[:1] in _CALLING_1 else 2 if dialled[:2] in _CALLING_2 else 3
        if len(dialled) - code >= _SHORTEST_NUMBER:
            for said in (dialled, "00" + dialled, "0" + dialled[code:], dialled[code:]):
                yield atom(AtomKind.DIGITS, said)
    elif holds is ValueType.PATH:
        path = plain(bare)
        if path[:1] == "/" and path.count("/") > 1:
            yield atom(AtomKind.TEXT, path[1:])


def steps(value: str) -> list[Atom]:
    """The steps of a path: a folder and the file in it are often said apart."""
    found = [step for step in plain(value.strip()).split("/") if step]
    return [coded(step) for step in found] if 1 < len(found) <= _MAX_STEPS else []


def document(value: str) -> str:
    """What a document is called without its ending (`README` of `README.md`), or nothing."""
    match = _DOCUMENT.fullmatch(value)
    return match[1] if match is not None else ""
