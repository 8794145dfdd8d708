"""A call's arguments as text that people read: exact, and over several lines."""

from __future__ import annotations

from typing import Final

from pdp.domain.canonical import JsonValue, canonical, parse_value
from pdp.domain.limits import InvalidInput

#: Some lines of a text are enough to see what it is; all of it is in the exact arguments.
LONGEST_SCALAR: Final = 400


def exact(raw: bytes) -> str:
    """Canonical JSON as text; what is not UTF-8 shows as escapes."""
    return raw.decode("utf-8", "backslashreplace")


def indented(raw: bytes, longest: int = LONGEST_SCALAR) -> str:
    """Canonical JSON over several lines, each scalar as it stands there; as it is if it is none.

    Of a scalar longer than `longest` characters the beginning is shown, and how long it is, so that
    one long text hides no other argument.
    """
    try:
        return _lines(parse_value(raw, "arguments"), 0, longest)
    except InvalidInput:
        return exact(raw)


def _lines(value: JsonValue, level: int, longest: int) -> str:
    inner = "  " * (level + 1)
    if isinstance(value, dict) and value:
        lines = [
            f"{inner}{canonical(name).decode()}: {_lines(one, level + 1, longest)}"
            for name, one in value.items()
        ]
        return "{\n" + ",\n".join(lines) + "\n" + "  " * level + "}"
    if isinstance(value, list) and value:
        items = [inner + _lines(one, level + 1, longest) for one in value]
        return "[\n" + ",\n".join(items) + "\n" + "  " * level + "]"
    text = canonical(value).decode()
    if len(text) <= longest:
        return text
    return f"{text[:longest]}… ({len(text):,} characters)"
