"""A call's arguments as text that people read: exact, and over several lines."""

from __future__ import annotations

from pdp.domain.canonical import JsonValue, canonical, parse_value
from pdp.domain.limits import InvalidInput


def exact(raw: bytes) -> str:
    """Canonical JSON as text; what is not UTF-8 shows as escapes."""
    return raw.decode("utf-8", "backslashreplace")


def indented(raw: bytes) -> str:
    """Canonical JSON over several lines, each scalar as it stands there; as it is if it is none."""
    try:
        return _lines(parse_value(raw, "arguments"), 0)
    except InvalidInput:
        return exact(raw)


def _lines(value: JsonValue, level: int) -> str:
    inner = "  " * (level + 1)
    if isinstance(value, dict) and value:
        lines = [
            f"{inner}{canonical(name).decode()}: {_lines(one, level + 1)}"
            for name, one in value.items()
        ]
        return "{\n" + ",\n".join(lines) + "\n" + "  " * level + "}"
    if isinstance(value, list) and value:
        items = [inner + _lines(one, level + 1) for one in value]
        return "[\n" + ",\n".join(items) + "\n" + "  " * level + "]"
    return canonical(value).decode()
