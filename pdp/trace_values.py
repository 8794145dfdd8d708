"""Values of a trace file: what is not of the kind that its place wants is refused by place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import IntEnum
from typing import Final, TypeVar

from pdp.domain.canonical import JsonValue

_EXAMPLE: Final = "2026-01-05T09:00:00Z"

_Member = TypeVar("_Member", bound=IntEnum)


class TraceRefused(ValueError):
    """A file that is no trace; the message names the file, the entry and what to change."""


def named(kind: type[_Member], value: JsonValue, at: str) -> _Member:
    """A member of an enumeration by its name in lower case; None is unspecified."""
    names = {member.name.lower(): member for member in kind if member.value}
    if value is None:
        return kind(0)
    if not isinstance(value, str) or value not in names:
        raise TraceRefused(f"{at}: must be one of {', '.join(names)}")
    return names[value]


def moment(value: JsonValue, at: str) -> int:
    """A time as microseconds since the epoch, to the second."""
    try:
        found = datetime.fromisoformat(text(value, at))
    except ValueError:
        raise TraceRefused(f"{at}: must be a time such as {_EXAMPLE}") from None
    if found.tzinfo is None:
        raise TraceRefused(f"{at}: has no time zone; write a time such as {_EXAMPLE}")
    return int(found.astimezone(UTC).timestamp()) * 1_000_000


def whole(value: JsonValue, at: str) -> int:
    """A whole number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
        raise TraceRefused(f"{at}: must be a whole number from 0 on")
    return value


def text(value: JsonValue, at: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise TraceRefused(f"{at}: must be text; quote it")
    return value


def texts(value: JsonValue, at: str) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(text(item, f"{at}[{index}]") for index, item in enumerate(items(value, at)))


def items(value: JsonValue, at: str) -> list[JsonValue]:
    """A list."""
    if not isinstance(value, list):
        raise TraceRefused(f"{at}: must be a list")
    return value


def mapping(value: JsonValue, at: str) -> dict[str, JsonValue]:
    """A mapping."""
    if not isinstance(value, dict):
        raise TraceRefused(f"{at}: must be a mapping")
    return value


def check_keys(
    entry: Mapping[str, JsonValue],
    at: str,
    *,
    required: Iterable[str] = (),
    optional: Iterable[str] = (),
) -> None:
    """Refuse keys that are not known, and missing ones."""
    required = tuple(required)
    known = (*required, *optional)
    for key in entry:
        if key not in known:
            raise TraceRefused(f"{at}: unknown key {key!r}; the keys are {', '.join(known)}")
    for key in required:
        if key not in entry:
            raise TraceRefused(f"{at}: the key {key!r} is missing")
