"""The words of a text that can be or hold an atom, and the pieces that they are put together from.

All in time linear in the text, and never more than so many: what is beyond a limit is said to be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pdp.domain.atoms import MAX_PLAIN

#: Words of one text that can hold an atom: as many different ones as atoms are kept of one output.
#: Each costs some microseconds, and somebody waits for them.
MAX_TELLING: Final = 8_000
#: The same, counted as often as they stand there; a text with more is a table of small numbers.
_MAX_MET: Final = 4 * MAX_TELLING
#: Words of a text that is full of them; and how many different ones.
_MAX_LOOKED_AT: Final = 20 * MAX_TELLING
_MAX_DIFFERENT: Final = 4 * MAX_TELLING
#: So many at once. A shorter text is never taken for one that is full of them; characters of a
#: longer one by which it is.
_PORTION: Final = MAX_TELLING // 4
_LONG: Final = 32 * 1024
_SAMPLE: Final = 4096
#: Different pieces of these words; most words are one.
_MAX_PIECES: Final = 2 * MAX_TELLING
#: The same, counted as often as they stand there.
_MAX_PIECES_MET: Final = 4 * MAX_TELLING
#: Characters that addresses are looked for in; ten thousand addresses have 300,000.
_MAX_MAILING: Final = 384 * 1024
#: No address is nearly as long (RFC 5321, section 4.5.3.1); what has no mark for so long is data.
_MAX_MAILBOXES: Final = 4096

#: Marks that stand in no word; a text with more is drawn, not written.
_MAX_MARKS: Final = 250_000

#: Characters before a word and behind it that an atom which it is part of can have: the word that
#: makes a number a name, the groups of an account.
_BEFORE: Final = 16
_BEHIND: Final = 48

#: What may stand around a word and is no part of it.
EDGES: Final = ".,;:!?'\"`()[]{}<>*_=|\u2018\u2019\u201c\u201d\u00ab\u00bb\u2026-"
#: Whether a word holds a digit or a mark that names have inside.
is_telling = re.compile(r"[0-9@#/\\]|[^\W_][._\-~+][^\W_]").search
# From the first such place to the end of the word. It begins with a set of characters, which is
# quick to search for; what stands around them is looked at only then.
_REST = re.compile(r"[0-9@#/\\._\-~+](?:(?<=[0-9@#/\\])|(?=[^\W_])(?<=[^\W_].))\S*+")
#: What stands in neither part of an address.
_NO_MAIL: Final = ',;<>"`()[]{}\\:/?#=|'
_NO_URL: Final = '<>"`|\\^{}'
_APART: Final = ",;\"'`<>()[]{}|=*:@"


@dataclass(frozen=True, slots=True)
class Telling:
    """The words of a text that can be or hold an atom, each once; `complete` unless too many.

    `near` is what stands around them, in pieces of the text: all that atoms of several words hold.
    """

    near: str
    words: list[str]
    complete: bool


def telling(text: str, most: int = MAX_TELLING) -> Telling:
    """The words of normalised text that hold a digit or a mark inside, `most` at most."""
    seen = prefix(text, "._-~+", _MAX_MARKS)
    found, near, whole = (_among_all if _is_dense(seen) else _among_others)(seen, most)
    complete = whole and len(seen) == len(text) and len(found) <= most
    return Telling(near, list(islice(found, most)), complete)


def _is_dense(text: str) -> bool:
    """Whether it is quicker to look at every word than to look for those that are telling."""
    if len(text) < _LONG:
        return False
    words = text[:_SAMPLE].split()
    return 4 * sum(1 for word in words if is_telling(word)) > len(words)


def _among_others(text: str, most: int) -> tuple[dict[str, None], str, bool]:
    """Words that are telling, what is near them, and whether that is all; a few among many."""
    found: dict[str, None] = {}
    near: list[str] = []
    at = begun = end = 0
    for met, match in enumerate(_REST.finditer(text), 1):
        start, end = match.span()
        before = text[at:start]
        if before and not before[-1].isspace():
            start -= len(before.rsplit(None, 1)[-1])
        found[text[start:end]] = None
        if start - at > _BEFORE + _BEHIND:
            near.append(text[begun : at + _BEHIND])
            begun = start - _BEFORE
        at = end
        if len(found) > most or met > _MAX_MET:
            return found, "\n".join((*near, text[begun:end])), False
    near.append(text[begun : end + _BEHIND])
    return found, "\n".join(near), True


def _among_all(text: str, most: int) -> tuple[dict[str, None], str, bool]:
    """As `_among_others`, where most words are telling."""
    found: dict[str, None] = {}
    different: set[str] = set()
    rest = text
    for _ in range(_MAX_LOOKED_AT // _PORTION):
        some = rest.split(None, _PORTION)
        rest = some.pop() if len(some) > _PORTION else ""
        new = [word for word in dict.fromkeys(some) if word not in different]
        different.update(new)
        found.update(dict.fromkeys(filter(is_telling, new)))
        if not rest or len(found) > most or len(different) > _MAX_DIFFERENT:
            break
    return found, text[: len(text) - len(rest)], not rest


class Parts:
    """Takes words apart; `complete` turns False where there was more than is looked at."""

    __slots__ = ("complete", "words")

    def __init__(self, read: Telling) -> None:
        self.words = read.words
        self.complete = read.complete

    def mailing(self) -> str:
        """What can hold e-mail addresses, each on a line."""
        found = [
            part
            for part in _apart([word for word in self.words if "@" in word], _NO_MAIL)
            if "@" in part
        ]
        short = [part for part in found if len(part) <= _MAX_MAILBOXES]
        text = "\n".join(short)
        self.complete &= len(short) == len(found) and len(text) <= _MAX_MAILING
        return text[:_MAX_MAILING]

    def linking(self) -> tuple[list[str], list[str]]:
        """Parts that hold a URL with its scheme or `www.`, and words that may be one without."""
        linking = [word for word in self.words if "/" in word]
        text = "\n".join(self.words).lower()
        if "www." in text:
            named = (word for word in self.words if word[:4].lower() == "www.")
            linking = list(dict.fromkeys((*linking, *named)))
        whole: list[str] = []
        bare: list[str] = []
        for word in linking:
            (whole if "://" in word or "www." in word.lower() else bare).append(word)
        parts = dict.fromkeys(_apart(whole, _NO_URL))
        return [part for part in parts if "://" in part or "www." in part.lower()], bare

    def pieces(self, words: list[str]) -> list[str]:
        """What stands between white space and marks, and the words themselves, without edges."""
        met = _apart(words, _APART, _MAX_PIECES_MET)
        self.complete &= len(met) <= _MAX_PIECES_MET
        different = dict.fromkeys(met[:_MAX_PIECES_MET])
        whole = [part for part in different if 1 < len(part) <= MAX_PLAIN]
        whole += [word for word in words if word not in different or len(word) == 1]
        self.complete &= len(whole) <= _MAX_PIECES
        found = dict.fromkeys([part.strip(EDGES) for part in whole[:_MAX_PIECES]])
        return [part for part in found if 0 < len(part) <= MAX_PLAIN]

    def within(self, text: str, marks: str, most: int) -> str:
        """So much of a text that it has about so many of the marks."""
        seen = prefix(text, marks, most)
        self.complete &= len(seen) == len(text)
        return seen

    def first(self, matches: Iterator[re.Match[str]], most: int) -> Iterator[re.Match[str]]:
        """So many of what was found."""
        yield from islice(matches, most)
        self.complete &= next(matches, None) is None


def _apart(words: list[str], marks: str, most: int = -1) -> list[str]:
    """The words split at any of the marks: `most` parts and, as one more, what is left."""
    text = "\n".join(words)
    for mark in marks:
        text = text.replace(mark, " ")
    return text.split(None, most)


def prefix(text: str, marks: str, most: int) -> str:
    """As much of a text as has about `most` of the marks, if they are spread evenly."""
    count = sum(map(text.count, marks))
    return text if count <= most else text[: len(text) * most // count]
