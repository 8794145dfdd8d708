"""Strict JSON in, one canonical form out, and the digests over it.

The form is the JSON Canonicalization Scheme of RFC 8785 with one difference: a number literal
without fraction or exponent is an integer and is written exactly, however large. Any other number
is an IEEE 754 double, written as RFC 8785 section 3.2.2.3 says. `docs/canonical-json.md` explains
it for clients in any language, with test vectors.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Any, Final, TypeAlias

from pdp.domain.error_reason import ErrorReason
from pdp.domain.limits import (
    ARGUMENTS_BYTES,
    NESTING_LEVELS,
    NUMBER_DIGITS,
    NUMBER_EXPONENT,
    STRUCT_BYTES,
    InvalidInput,
    shown,
    too_long,
)

JsonValue: TypeAlias = bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"] | None

# A whole string literal, or an unfinished one up to the end; possessive, so it never backtracks.
_STRING: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")
_STEP: Final = {"[": 1, "{": 1, "]": -1, "}": -1}
_LONG_DIGITS: Final = re.compile(rf"[0-9]{{{NUMBER_DIGITS + 1}}}")
_SMALLEST: Final = float(f"1e-{NUMBER_EXPONENT}")
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
_ASTRAL: Final = re.compile("[\U00010000-\U0010ffff]")
# The double quote, the backslash and everything below U+0020 (RFC 8785 section 3.2.2.2).
_PLAIN_JSON: Final = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,
).encode
_quoted: Final = json.encoder.encode_basestring


class _Refused(Exception):
    """Something in the text is refused; where it is, a second and slower parse finds out."""


@dataclass(frozen=True, slots=True)
class _Fault:
    """What is refused, and stands in the parsed value in its place."""

    problem: str
    remedy: str
    reason: ErrorReason = ErrorReason.JSON_INVALID

    def at(self, field: str, pointer: str = "") -> InvalidInput:
        return InvalidInput(field, self.problem, self.remedy, pointer=pointer, reason=self.reason)


_DEEP: Final = f"is nested more than {NESTING_LEVELS} levels deep"
_TOO_DEEP: Final = _Fault(_DEEP, "send a flatter value", ErrorReason.JSON_TOO_DEEP)


def parse_value(raw: bytes, field: str, *, limit: int = ARGUMENTS_BYTES) -> JsonValue:
    """The JSON value (RFC 8259) that `raw` is, with the numbers that its canonical form has.

    So `1.0` and `1e0` are the integer 1, as `1` is.

    Raises InvalidInput, naming `field` and where known the place inside, for: more than `limit`
    bytes, anything but UTF-8 without a byte order mark, anything but exactly one JSON value,
    NaN and infinities, more than 64 levels of nesting, numbers of more than 64 digits, with an
    exponent beyond ±308, too large for a double or, other than zero, below 1e-308, lone surrogates,
    and two keys of one object that are equal or differ only in case or Unicode form.
    """
    if len(raw) > limit:
        raise too_long(field, f"{limit:,} bytes", "send less at once")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise _Fault("begins with a byte order mark", "send plain UTF-8").at(field)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        problem = f"is not UTF-8 at byte {fault.start}"
        raise _Fault(problem, "send plain UTF-8").at(field) from None
    _check_nesting(text, field)
    try:
        return _decoded(text, field)
    except json.JSONDecodeError as fault:
        problem = f"is not JSON: {fault.msg.removesuffix(' at')} at character {fault.pos}"
        raise _Fault(problem, "send exactly one JSON value (RFC 8259)").at(field) from None


def parse_object(raw: bytes, field: str, *, limit: int = ARGUMENTS_BYTES) -> dict[str, JsonValue]:
    """As parse_value, and InvalidInput where the value is not an object."""
    value = parse_value(raw, field, limit=limit)
    if not isinstance(value, dict):
        raise _Fault("is not a JSON object", "send an object: {…}").at(field)
    return value


def parse_arguments(raw: bytes, field: str) -> dict[str, JsonValue]:
    """The arguments of a tool call: as parse_object; no bytes at all mean `{}`."""
    return parse_object(raw, field) if raw else {}


def canonical(value: JsonValue | Mapping[str, JsonValue]) -> bytes:
    """The canonical form of `value`, in UTF-8.

    Raises ValueError for non-finite numbers and lone surrogates, which neither parse_value nor
    check_struct lets through.
    """
    if not isinstance(value, dict) and isinstance(value, Mapping):
        value = dict(value)
    if _is_simple(value):
        text = _PLAIN_JSON(value)
        # json sorts by code points, RFC 8785 by UTF-16 code units: only beyond U+FFFF they differ.
        if text.isascii() or _ASTRAL.search(text) is None:
            return text.encode("utf-8")
    return "".join(_written(value)).encode("utf-8")


def digest(raw: bytes) -> str:
    """`sha256:` and the SHA-256 of `raw` in lower-case hexadecimal."""
    return "sha256:" + sha256(raw).hexdigest()


def arguments_digest(arguments: Mapping[str, JsonValue]) -> str:
    """The digest of the canonical form of a call's arguments."""
    return digest(canonical(arguments))


def schema_digest(
    name: str, description: str | None = None, input_schema: JsonValue | None = None
) -> str:
    """The digest of a tool's definition as `tools/list` of MCP gives it; None is left out."""
    definition: dict[str, JsonValue] = {"name": name}
    if description is not None:
        definition["description"] = description
    if input_schema is not None:
        definition["inputSchema"] = input_schema
    return digest(canonical(definition))


def check_struct(
    value: Mapping[str, object], field: str, *, limit: int = STRUCT_BYTES
) -> dict[str, JsonValue]:
    """A google.protobuf.Struct, decoded to Python values, as plain JSON.

    Raises InvalidInput, with the place, for numbers that are not finite or, other than zero, below
    1e-308, more than 64 levels of nesting, keys that are equal but for case or Unicode form, lone
    surrogates, values that are no JSON, and more than `limit` bytes in the canonical form.
    """
    checked: dict[str, JsonValue] = {key: _plain(value[key], 2) for key in value}
    _refuse_first_fault(_key_fault(list(checked)) or checked, field)
    if len(canonical(checked)) > limit:
        raise too_long(field, f"{limit:,} bytes as JSON", "send less")
    return checked


def _decoded(text: str, field: str) -> JsonValue:
    # `int` alone is several times faster than a hook, and safe where no literal is too long.
    decode = _decode_any if _LONG_DIGITS.search(text) else _decode_short
    try:
        value: JsonValue = decode(text)
    except _Refused:
        _refuse_first_fault(_decode_marking(text), field)
        raise _Fault("is refused", "send plain JSON").at(field) from None
    if _SURROGATE_ESCAPE.search(text) is not None and not _is_unicode(_PLAIN_JSON(value)):
        _refuse_first_fault(value, field)
    return value


def _check_nesting(text: str, field: str) -> None:
    # Brackets in strings count here too: few enough of all kinds need no closer look.
    if text.count("[") + text.count("{") <= NESTING_LEVELS:
        return
    steps = map(_STEP.__getitem__, _BRACKET.findall(_STRING.sub("", text)))
    if max(accumulate(steps), default=0) > NESTING_LEVELS:
        raise _TOO_DEEP.at(field)


def _key_fault(keys: list[str]) -> _Fault | None:
    """What is wrong with the keys of one object, if anything.

    Two keys are too alike where Unicode's canonical caseless matching (The Unicode Standard,
    section 3.13, D145) makes them equal: readers that ignore case would take either.
    """
    seen: dict[str, str] = {}
    for key in keys:
        folded = key.casefold()
        if not key.isascii():
            folded = unicodedata.normalize("NFD", unicodedata.normalize("NFD", key).casefold())
        if folded not in seen:
            seen[folded] = key
        elif seen[folded] == key:
            problem = f"has the key {shown(key)} twice"
            return _Fault(problem, "send each key once", ErrorReason.JSON_KEYS_AMBIGUOUS)
        else:
            both = f"{shown(seen[folded])} and {shown(key)}"
            problem = f"has the keys {both}, which differ only in case or Unicode form"
            return _Fault(problem, "keep one of them", ErrorReason.JSON_KEYS_AMBIGUOUS)
    return None


def _object(pairs: list[tuple[str, Any]]) -> Any:
    members = dict(pairs)
    # Joined, one call tells for all keys; for ASCII, lower case is the whole of case folding.
    if "".join(members).isascii() and len(set(map(str.lower, members))) == len(pairs):
        return members
    return _key_fault([key for key, _ in pairs]) or members


def _integer(literal: str) -> Any:
    if len(literal.lstrip("-")) > NUMBER_DIGITS:
        return _unsafe_number(f"of more than {NUMBER_DIGITS} digits")
    return int(literal)


def _double(literal: str) -> Any:
    mantissa, _, exponent = literal.lower().partition("e")
    if len(mantissa) - mantissa.count("-") - mantissa.count(".") > NUMBER_DIGITS:
        return _unsafe_number(f"of more than {NUMBER_DIGITS} digits")
    # Short enough first: converting thousands of digits costs their square.
    magnitude = exponent.lstrip("+-").lstrip("0")
    if len(magnitude) > 3 or int(magnitude or "0") > NUMBER_EXPONENT:
        return _unsafe_number(f"with an exponent beyond ±{NUMBER_EXPONENT}")
    number = float(literal)
    if number == 0 and mantissa.strip("-0."):
        return _out_of_range(literal)
    return _read_back(number)


def _read_back(number: float) -> Any:
    """The number that the canonical form of a double says: where that has no point, an integer.

    So all who see the parsed value and all who see its canonical form see the same number.
    """
    if number.is_integer() and abs(number) < 1e21:
        return int(_number(number))
    # The canonical form of a smaller one has an exponent that is refused when it is read again.
    if math.isfinite(number) and abs(number) >= _SMALLEST:
        return number
    return _out_of_range("")


def _out_of_range(_literal: str) -> Any:
    what = f"that is not finite, or not zero and below {_SMALLEST}"
    return _unsafe_number(what, "send a number in this range, or a string")


def _unsafe_number(what: str, remedy: str = "send it as a string") -> _Fault:
    return _Fault(f"has a number {what}", remedy, ErrorReason.JSON_NUMBER_UNSAFE)


def _raising(hook: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def strict(found: Any) -> Any:
        result = hook(found)
        if result.__class__ is _Fault:
            raise _Refused
        return result

    return strict


def _decoder(wrap: Callable[[Callable[[Any], Any]], Callable[[Any], Any]], integer: Any) -> Any:
    return json.JSONDecoder(
        object_pairs_hook=wrap(_object),
        parse_int=integer,
        parse_float=wrap(_double),
        parse_constant=wrap(_out_of_range),
    ).decode


_decode_short: Final = _decoder(_raising, int)
_decode_any: Final = _decoder(_raising, _raising(_integer))
_decode_marking: Final = _decoder(lambda hook: hook, _integer)


def _refuse_first_fault(value: Any, field: str) -> None:
    """Raises InvalidInput for the first fault or lone surrogate in `value`, if there is one."""
    for pointer, part in _walk(value, ""):
        if isinstance(part, _Fault):
            raise part.at(field, pointer)
        if isinstance(part, str) and not _is_unicode(part):
            raise _Fault("has a lone surrogate", "send whole characters").at(field, pointer)


def _walk(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """Every value and key in `value` with its JSON Pointer (RFC 6901), in order.

    A key that is long or not printable is not shown: the pointer stays at the object around it.
    """
    yield pointer, value
    if isinstance(value, dict):
        for key, member in value.items():
            yield pointer, key
            if len(key) <= 64 and key.isprintable():
                token = key.replace("~", "~0").replace("/", "~1")
                yield from _walk(member, f"{pointer}/{token}")
            else:
                yield from ((pointer, part) for _, part in _walk(member, ""))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from _walk(element, f"{pointer}/{index}")


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _plain(value: object, level: int) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return _read_back(value)
    if level > NESTING_LEVELS:
        return _TOO_DEEP
    if isinstance(value, Mapping):
        members = {key: _plain(member, level + 1) for key, member in value.items()}
        return _key_fault(list(members)) or members
    if isinstance(value, list | tuple):
        return [_plain(element, level + 1) for element in value]
    return _Fault("has a value that is not JSON", "send JSON values only")


def _is_simple(value: Any) -> bool:
    """Whether `value` holds nothing but what json already writes as RFC 8785 asks."""
    pending = [value]
    for node in pending:  # and what is appended on the way
        kind = node.__class__
        if kind is dict or kind is list:
            pending.extend(node.values() if kind is dict else node)
        elif kind is not str and kind is not int and kind is not bool and node is not None:
            return False
    return True


def _written(value: Any) -> Iterator[str]:
    if isinstance(value, float):
        yield _number(value)
    elif isinstance(value, dict):
        opening = "{"
        for key in sorted(value, key=_utf16):
            yield f"{opening}{_quoted(key)}:"
            yield from _written(value[key])
            opening = ","
        yield "}" if value else "{}"
    elif isinstance(value, list):
        opening = "["
        for element in value:
            yield opening
            yield from _written(element)
            opening = ","
        yield "]" if value else "[]"
    elif value is None or isinstance(value, bool | int | str):
        yield _PLAIN_JSON(value)
    else:
        raise ValueError(f"{type(value).__name__} is not a JSON type")


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _number(value: float) -> str:
    """ECMAScript's Number::toString (ECMA-262 section 6.1.6.1.20), radix 10."""
    if not math.isfinite(value):
        raise ValueError("a non-finite number has no JSON form")
    if value == 0:
        return "0"
    # repr gives the shortest digits that read back as the same double, as ECMAScript asks for.
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    leading = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or "0") - (len(whole + fraction) - len(leading))
    digits = leading.rstrip("0")
    count = len(digits)
    if count <= point <= 21:
        text = digits + "0" * (point - count)
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = "0." + "0" * -point + digits
    else:
        text = f"{digits[0]}{'.' if count > 1 else ''}{digits[1:]}e{point - 1:+d}"
    return "-" + text if value < 0 else text
