r"""Which globs an intent may carry; the matching itself is `glob.match` of OPA, in Rego.

The syntax is that of github.com/gobwas/glob, which OPA uses: `*` (anything up to a delimiter),
`**` (anything), `?`, `[abc]`, `[!abc]`, `[a-z]`, `{a,b}` and `\` before a literal character. What
passes here compiles there and means what it looks like. Refused beyond what gobwas refuses: an
empty glob, and spellings that it takes for something else than authors expect (`[^a]` is a set
with a caret, `[a-z0-9]` an error, `[ab-z]` a set with a hyphen), unescaped `]` and `}` without an
opening, and globs that a matcher can try in too many ways: matching goes back and tries again, and
cannot be interrupted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, TypeAlias

from pdp.domain.error_reason import ErrorReason
from pdp.domain.limits import (
    GLOB_BRACES_DEPTH,
    GLOB_BYTES,
    GLOB_LIST_BYTES,
    GLOB_TRIES,
    GLOBS_PER_LIST,
    RESOURCE_ID_BYTES,
    RESOURCE_TYPE_BYTES,
    TOOL_NAME_BYTES,
    InvalidInput,
    check_count,
    check_text,
    shown,
    too_long,
)

DELIMITER: Final = "/"
_SPECIAL: Final = frozenset("*?[{\\")
_RUN: Final = re.compile(r"[^*?\[\]{},\\/]+")
# The longest `type:id`.
_RESOURCE_LENGTH: Final = RESOURCE_TYPE_BYTES + 1 + RESOURCE_ID_BYTES


@dataclass(frozen=True, slots=True)
class _Text:
    """Literal characters; a delimiter always stands alone."""

    literal: str


@dataclass(frozen=True, slots=True)
class _One:
    """`?` or a class: one character."""


@dataclass(frozen=True, slots=True)
class _Star:
    """`*`, or `**` where `crosses` delimiters."""

    crosses: bool


@dataclass(frozen=True, slots=True)
class _Braces:
    """`{…}` with its alternatives."""

    alternatives: tuple[tuple[_Part, ...], ...]


_Part: TypeAlias = _Text | _One | _Star | _Braces


def check_globs(patterns: Sequence[str], field: str, *, delimiters: str) -> None:
    """Raises InvalidInput for a list of globs that is not accepted, naming the element.

    `delimiters` says what they are matched against: none for tool names, `/` for `type:id`.
    """
    check_count(len(patterns), field, GLOBS_PER_LIST)
    if sum(map(len, patterns)) > GLOB_LIST_BYTES:
        raise too_long(field, f"{GLOB_LIST_BYTES:,} bytes in all", "use fewer globs")
    tries = 0
    for index, pattern in enumerate(patterns):
        tries += _checked_tries(pattern, f"{field}[{index}]", delimiters)
    if tries > GLOB_TRIES:
        raise InvalidInput(
            field,
            "can be matched in too many ways in all",
            "use fewer wildcards or fewer globs",
            reason=ErrorReason.GLOB_TOO_COSTLY,
        )


def check_glob(pattern: str, field: str, *, delimiters: str = DELIMITER) -> None:
    """Raises InvalidInput where `pattern` alone is not accepted."""
    _checked_tries(pattern, field, delimiters)


def _checked_tries(pattern: str, field: str, delimiters: str) -> int:
    check_text(pattern, field, GLOB_BYTES, one_line=True)
    if not pattern:
        raise InvalidInput(
            field,
            "is empty and matches nothing",
            "leave it out; an empty list sets no limit",
            reason=ErrorReason.GLOB_INVALID,
        )
    tries = _tries(_Reader(pattern, field).whole(), delimited=bool(delimiters))
    if tries > GLOB_TRIES:
        raise InvalidInput(
            field,
            f"{shown(pattern)} can be matched in too many ways",
            "use one * between two slashes, fewer ** and shorter braces, or several globs",
            reason=ErrorReason.GLOB_TOO_COSTLY,
        )
    return tries


class _Reader:
    """Reads one pattern from its beginning to its end."""

    def __init__(self, pattern: str, field: str) -> None:
        self._pattern = pattern
        self._field = field
        self._at = 0

    def whole(self) -> tuple[_Part, ...]:
        parts = self._sequence(depth=0)
        if self._peek():
            self._refuse(f"has {self._peek()} without an opening", "write \\ before it")
        return parts

    def _sequence(self, depth: int) -> tuple[_Part, ...]:
        parts: list[_Part] = []
        stops = ",}]" if depth else "}]"
        while (char := self._peek()) and char not in stops:
            if char in _SPECIAL:
                self._at += 1
            match char:
                case "*":
                    crosses = self._peek() == "*"
                    self._at += crosses
                    parts.append(_Star(crosses))
                case "?":
                    parts.append(_One())
                case "[":
                    self._class()
                    parts.append(_One())
                case "{":
                    parts.append(self._braces(depth + 1))
                case "\\":
                    parts.append(_Text(self._escaped()))
                case _:
                    parts.append(self._text())
        return tuple(parts)

    def _text(self) -> _Text:
        start = self._at
        run = _RUN.match(self._pattern, start)
        # Delimiters, and commas outside braces, stand alone.
        self._at = run.end() if run else start + 1
        return _Text(self._pattern[start : self._at])

    def _braces(self, depth: int) -> _Braces:
        if depth > GLOB_BRACES_DEPTH:
            self._refuse(f"nests braces more than {GLOB_BRACES_DEPTH} deep", "write several globs")
        alternatives = [self._sequence(depth)]
        while self._peek() == ",":
            self._at += 1
            alternatives.append(self._sequence(depth))
        if self._peek() == "]":
            self._refuse("has ] without an opening", "write \\ before it")
        if self._peek() != "}":
            self._refuse("has { without }", "close it, or write \\ before it")
        self._at += 1
        return _Braces(tuple(alternatives))

    def _class(self) -> None:
        if self._peek() == "!":
            self._at += 1
        if self._peek() == "^":
            self._refuse("has ^ first in a class, where it does not negate", "use [!…]")
        if self._range():
            return
        count = 0
        while (char := self._peek()) != "]":
            if not char:
                self._refuse("has [ without ]", "close it, or write \\ before it")
            if char == "[":
                self._refuse("has [ in a class", "write \\ before it")
            self._at += 1
            if char == "\\":
                char = self._escaped()
                if count == 0 and char == "-":
                    self._refuse("has \\- first in a class", "write - without \\ there")
            elif char == "-" and (count > 0 or self._peek() == "-"):
                self._refuse(
                    "has - inside a class that is not one range such as [a-z]",
                    "write - first, or write several classes in braces: {[a-z],[0-9]}",
                )
            count += 1
        if count == 0:
            self._refuse("has a class of no characters", "name the characters, or use ?")
        self._at += 1

    def _range(self) -> bool:
        body = self._pattern[self._at : self._at + 4]
        if len(body) < 4 or body[1] != "-" or body[3] != "]" or set(body[::2]) & set("\\[]-"):
            return False
        if body[0] > body[2]:
            self._refuse("has a range that ends before it begins", "swap its ends")
        self._at += 4
        return True

    def _escaped(self) -> str:
        char = self._peek()
        if not char:
            self._refuse("ends in a backslash", "write \\\\ for a literal one")
        self._at += 1
        return char

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _refuse(self, problem: str, remedy: str) -> NoReturn:
        place = f"{shown(self._pattern)} {problem} (before character {self._at})"
        raise InvalidInput(self._field, place, remedy, reason=ErrorReason.GLOB_INVALID)


def may_begin(pattern: str, start: str) -> bool:
    """Whether some text that begins with `start` could match the valid glob `pattern`."""
    literal = pattern
    for index, char in enumerate(pattern):
        if char in _SPECIAL:
            literal = pattern[:index]
            break
    else:
        return literal.startswith(start)
    return literal.startswith(start) or start.startswith(literal)


def _tries(parts: tuple[_Part, ...], *, delimited: bool) -> int:
    """How many ways through the whole pattern a matcher may try on the longest text, at most.

    Each wildcard can end at any character, and each alternative be taken, for each way that leads
    there. Three things keep it low. A star that is alone between two delimiters has one end. So
    has a star with only literals behind it. And one that crosses delimiters (without delimiters:
    every one) makes the matcher forget the stars before it, unless alternatives are pending.
    """
    length = _RESOURCE_LENGTH if delimited else TOOL_NAME_BYTES
    wild_in_segment = _wildcards_by_part(parts)
    # Ways through the braces so far, and for each of them, ends of the wildcards so far.
    branches = ends = total = 1
    for index, part in enumerate(parts):
        tries = 1
        if isinstance(part, _Braces):
            branches *= _inner_tries(part, length)
        elif isinstance(part, _Star) and not _is_literal(parts[index + 1 :]):
            tries = length
            if (part.crosses or not delimited) and branches == 1:
                ends = length
            elif part.crosses or not delimited or wild_in_segment[index] > 1:
                ends *= length
        total += branches * max(ends, tries)
    return total


def _inner_tries(braces: _Braces, length: int) -> int:
    total = 0
    for alternative in braces.alternatives:
        ways = 1
        for part in alternative:
            if isinstance(part, _Braces):
                ways *= _inner_tries(part, length)
            elif isinstance(part, _Star):
                ways *= length
        total += ways
    return total


def _wildcards_by_part(parts: tuple[_Part, ...]) -> list[int]:
    """For every part, how many of unknown length stand between the delimiters around it."""
    segment = 0
    segments: list[int] = []
    counts = [0]
    for part in parts:
        if isinstance(part, _Text) and part.literal == DELIMITER:
            segment += 1
            counts.append(0)
        segments.append(segment)
        counts[segment] += isinstance(part, _Star) or (
            isinstance(part, _Braces) and not all(map(_is_plain, part.alternatives))
        )
    return [counts[segment] for segment in segments]


def _is_literal(parts: tuple[_Part, ...]) -> bool:
    return all(isinstance(part, _Text) for part in parts)


def _is_plain(parts: tuple[_Part, ...]) -> bool:
    """Whether it matches nothing but characters between two delimiters, a fixed number of them."""
    return all(
        isinstance(part, _One) or (isinstance(part, _Text) and part.literal != DELIMITER)
        for part in parts
    )
