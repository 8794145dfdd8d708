"""Whether the arguments of a call meet the constraints of a grant."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from pdp.domain.canonical import JsonValue, canonical
from pdp.domain.records import ArgumentConstraint

#: An index in an RFC 6901 pointer; none of ten digits is within a value of 256 KiB.
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
#: Where one string may list several; each of them has to fit.
_LISTING = re.compile(r"[,;\r\n]+")


def unmet(
    constraints: Sequence[ArgumentConstraint], arguments: Mapping[str, JsonValue]
) -> str | None:
    """The path of the first constraint that these arguments do not meet; None where all are met."""
    whole: JsonValue = dict(arguments)
    for constraint in constraints:
        found, value = _at(whole, constraint.path)
        if not found or not _fits(value, constraint):
            return constraint.path
    return None


def _at(value: JsonValue, pointer: str) -> tuple[bool, JsonValue]:
    """What stands at an RFC 6901 pointer, and whether anything does."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            return False, None
    return True, value


def _fits(value: JsonValue, constraint: ArgumentConstraint) -> bool:
    """Whether it is one of the values or matches a pattern; of a list, all of it or each item."""
    if _fits_whole(value, constraint):
        return True
    if constraint.whole or not isinstance(value, list) or not value:
        return False
    return all(_fits_whole(item, constraint) for item in value)


def _fits_whole(value: JsonValue, constraint: ArgumentConstraint) -> bool:
    if canonical(value).decode() in constraint.values:
        return True
    return isinstance(value, str) and _fits_pattern(value, constraint.patterns)


def _fits_pattern(text: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern matches the text, and each part of it where it lists several.

    `*@example.com` is not meant to let `eve@example.org, bob@example.com` pass. A pattern that has
    such a separator itself is taken as it is.
    """
    fitting = [pattern for pattern in patterns if _matches(pattern, text)]
    if any(_LISTING.search(pattern) for pattern in fitting) or not fitting:
        return bool(fitting)
    parts = [part.strip() for part in _LISTING.split(text)]
    return all(any(_matches(pattern, part) for pattern in patterns) for part in parts)


def _matches(pattern: str, text: str) -> bool:
    """Whether a glob whose only wildcard is `*`, any characters, matches all of `text`."""
    first, *rest = pattern.split("*")
    if not rest:
        return first == text
    *middle, last = rest
    end = len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or len(first) > end:
        return False
    place = len(first)
    for part in middle:
        place = text.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True
