"""Where in a text a value stands: as it is written there, or in another spelling of the same atom.

For showing people where a value came from. What decides is `pdp.domain.provenance`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from pdp.domain.atoms import AtomKind, email, normalise, number, url, value_atoms
from pdp.domain.atoms_text import word_urls
from pdp.domain.catalogue import ValueType

#: A person reads what is found at once; a value that stands farther back is not looked for in
#: another spelling. Half a second of work at the very worst.
_MAX_RESPELT: Final = 128 * 1024
#: Candidates of one kind that are brought to their form.
_MAX_CANDIDATES: Final = 5_000
#: Between two parts of a word that is one: `example.com`, `a/b`, `well-known`, `bob@home`.
_JOINING: Final = ".-/@+%~\\"
_ASCII: Final = 128

_SHAPES: Final = (
    *(ValueType.TEXT, ValueType.EMAIL, ValueType.URL, ValueType.ACCOUNT, ValueType.PHONE),
    *(ValueType.NUMBER, ValueType.DOMAIN),
)
_MAILBOX: Final = re.compile(r"[^\s<>\"'`(),;:\[\]{}=|]{1,64}@[^\s<>\"'`(),;:\[\]{}=|/?#]{1,253}")
_WORD: Final = re.compile(r"[^\s<>\"`|]{3,4096}")
_NUMBER: Final = re.compile(r"(?<![\w.,])[-+]?\d[\d.,'\u2019]{0,63}(?!\w)")
#: Between the characters of an account or a phone number.
_GROUPS: Final = r"[ .()\-\u2010-\u2013]{0,3}"


def find_value(text: str, value: str) -> tuple[int, int] | None:
    """The place (start, end) of the first whole occurrence of `value` in `text`, if there is one.

    First as it is written, also as JSON writes it; then whatever is the same typed atom: an
    address in capitals, an account in groups, a URL with a default port.
    """
    if not value.strip():
        return None
    for written in _written(value):
        found = _whole(text, written)
        if found is not None:
            return found
    keys = {one.key for shape in _SHAPES for one in value_atoms(value, shape)}
    kept, places = _readable(text[:_MAX_RESPELT])
    for start, end in _candidates(kept, sorted(keys)):
        return places[start], places[end - 1] + 1
    return None


def _written(value: str) -> Iterator[str]:
    """The value as it is, and as strings of JSON hold it."""
    yield value
    for ascii_only in (False, True):
        escaped = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        if escaped != value:
            yield escaped
        if "/" in escaped:
            yield escaped.replace("/", "\\/")


def _whole(text: str, value: str) -> tuple[int, int] | None:
    """The first occurrence that is no part of a longer word, address or path."""
    start = text.find(value)
    for _ in range(_MAX_CANDIDATES):
        if start < 0:
            return None
        end = start + len(value)
        if _is_whole(text, start, end):
            return start, end
        start = text.find(value, start + 1)
    return None


def _is_whole(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 2) : start][::-1], text[end : end + 2]
    return not (_goes_on(text[start], before) or _goes_on(text[end - 1], after))


def _goes_on(edge: str, beyond: str) -> bool:
    """Whether a word does not end at its edge; `beyond` are the two characters beyond it."""
    if not (_is_wordly(edge) and beyond):
        return False
    return _is_wordly(beyond[0]) or (beyond[0] in _JOINING and _is_wordly(beyond[1:]))


def _is_wordly(character: str) -> bool:
    return character.isalnum() or character == "_"


def _readable(text: str) -> tuple[str, list[int] | range]:
    """The text as `normalise` reads it, and the place in `text` of each of its characters."""
    if text.isascii():
        return text, range(len(text))
    kept: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        read = character if ord(character) < _ASCII else normalise(character)
        kept.append(read)
        places += [place] * len(read)
    return "".join(kept), places


def _candidates(text: str, keys: Iterable[str]) -> Iterator[tuple[int, int]]:
    """The places of what has one of these keys of atoms, kind by kind."""
    for key in keys:
        kind, _, form = key.partition(":")
        match kind:
            case AtomKind.EMAIL:
                yield from _emails(text, form)
            case AtomKind.URL:
                yield from _urls(text, form)
            case AtomKind.NUMBER:
                yield from _numbers(text, form)
            case AtomKind.ACCOUNT | AtomKind.DIGITS:
                yield from _spelt(text, _GROUPS.join(map(re.escape, form)))
            case AtomKind.TEXT if not form.startswith("sha256-"):
                yield from _spelt(text, _spaced(form))
            case _:
                pass


def _emails(text: str, form: str) -> Iterator[tuple[int, int]]:
    local = form.partition("@")[0]
    for match in islice(_MAILBOX.finditer(text), _MAX_CANDIDATES):
        written = match[0].rstrip(".!*_")
        # Bringing a domain to its form is the costly part.
        if written.partition("@")[0].casefold() == local and email(written) == form:
            yield match.start(), match.start() + len(written)


def _urls(text: str, form: str) -> Iterator[tuple[int, int]]:
    words = (match for match in _WORD.finditer(text) if "." in match[0] or "/" in match[0])
    for match in islice(words, _MAX_CANDIDATES):
        for found, written in (*word_urls(match[0]), *_bare(match[0])):
            if found is not None and found.casefold() == form:
                start = match.start() + match[0].find(written)
                yield start, start + len(written)


def _bare(word: str) -> Iterator[tuple[str | None, str]]:
    """A host without a scheme."""
    written = word.strip(".,;:!?'()[]{}*_")
    if "://" not in written:
        yield url(written), written


def _numbers(text: str, form: str) -> Iterator[tuple[int, int]]:
    for match in islice(_NUMBER.finditer(text), _MAX_CANDIDATES):
        written = match[0].rstrip(".,'\u2019")
        if number(written) == form:
            yield match.start(), match.start() + len(written)


def _spelt(text: str, pattern: str) -> Iterator[tuple[int, int]]:
    for match in islice(re.finditer(pattern, text, re.IGNORECASE), _MAX_CANDIDATES):
        if _is_whole(text, *match.span()):
            yield match.span()


def _spaced(form: str) -> str:
    """A pattern for plain text in any spacing; of a path, with empty and `.` steps."""
    if "/" in form and " " not in form:
        steps = [re.escape(step) for step in form.split("/")]
        return r"/(?:\.?/){0,8}".join(steps)
    return r"\s{1,8}".join(map(re.escape, form.split()))
