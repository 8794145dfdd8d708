"""Protobuf by hand, for the few messages of peers whose generated code is not at hand."""

from __future__ import annotations

from typing import Any, TypeAlias

from google.protobuf.struct_pb2 import Struct

Field: TypeAlias = int | bytes


def field(number: int, value: int | str | bytes | list[str]) -> bytes:
    """One field of a message; a list is a repeated string."""
    if isinstance(value, list):
        return b"".join(field(number, one) for one in value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def entries(number: int, values: dict[str, Any]) -> bytes:
    """A field of type map<string, google.protobuf.Value>; the values are as JSON has them."""
    packed = Struct()
    packed.update(values)
    return b"".join(
        field(number, field(1, key) + field(2, value.SerializeToString()))
        for key, value in packed.fields.items()
    )


def texts(number: int, values: dict[str, str]) -> bytes:
    """A field of type map<string, string>."""
    return b"".join(field(number, field(1, key) + field(2, text)) for key, text in values.items())


def varint(value: int) -> bytes:
    """A number that is not negative, seven bits at a time."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def fields(raw: bytes) -> dict[int, list[Field]]:
    """The fields of a message by number; only varints and what has a length.

    Raises:
        ValueError: it is no such message.
    """
    found: dict[int, list[Field]] = {}
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        value, at = _varint(raw, at)
        if tag & 7 == 0:
            found.setdefault(tag >> 3, []).append(value)
        elif tag & 7 == 2 and at + value <= len(raw):
            found.setdefault(tag >> 3, []).append(raw[at : at + value])
            at += value
        else:
            raise ValueError(f"a field of type {tag & 7} at byte {at}")
    return found


def messages(found: dict[int, list[Field]], number: int) -> list[bytes]:
    """The values of a field that are messages or texts."""
    return [one for one in found.get(number, []) if isinstance(one, bytes)]


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(raw) and shift < 64:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number is cut short")
