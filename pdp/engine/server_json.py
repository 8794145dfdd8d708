"""JSON as an OPA server is sent it and answers it: strict on both ways, numbers exactly as written.

A server reads its input with less care than the managed OPA does: of a key that appears twice it
takes one, and versions differ in what a number such as 1e99999999 does to them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any, Final

from pdp.domain.canonical import JsonValue
from pdp.domain.limits import NUMBER_DIGITS, NUMBER_EXPONENT
from pdp.engine.exchange import Reply
from pdp.engine.replies import fault
from pdp.ports import EngineFault

# An error message may quote the policy or the input; operators need its beginning.
_MESSAGE_CHARS: Final = 1000
_LONG_DIGITS: Final = re.compile(rf"[0-9]{{{NUMBER_DIGITS + 1}}}")
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")
# How OPA calls an evaluation that it stopped itself, and a builtin that failed.
_CODES: Final = {"eval_cancel_error": "timeout", "eval_builtin_error": "builtin_error"}


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a key appears twice in one object")
    return members


def _integer(literal: str) -> int:
    if len(literal.lstrip("-")) > NUMBER_DIGITS:
        raise ValueError(f"a number with more than {NUMBER_DIGITS} digits")
    return int(literal)


def _decimal(literal: str) -> float:
    mantissa, _, exponent = literal.lower().partition("e")
    if sum(map(str.isdigit, mantissa)) > NUMBER_DIGITS:
        raise ValueError(f"a number with more than {NUMBER_DIGITS} digits")
    magnitude = exponent.lstrip("+-").lstrip("0")
    if len(magnitude) > 3 or int(magnitude or "0") > NUMBER_EXPONENT:
        raise ValueError(f"a number with an exponent beyond {NUMBER_EXPONENT}")
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError("a number beyond the range of a double")
    return number


def _constant(literal: str) -> float:
    raise ValueError(f"{literal} is not JSON")


def _decoder(**hooks: Any) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_members, parse_float=_decimal, parse_constant=_constant, **hooks
    )


# `int` alone is several times faster than a hook, and safe where no literal is too long.
_decode_short: Final = _decoder().decode
_decode_any: Final = _decoder(parse_int=_integer).decode


def decode(raw: bytes) -> JsonValue:
    """The JSON value that `raw` is; integers are exact.

    Raises:
        ValueError: not UTF-8, not exactly one JSON value, nested too deep for this interpreter, a
            key twice in one object, a lone surrogate, a number with more than 64 digits, with an
            exponent beyond ±308 or beyond a double.
    """
    text = raw.decode("utf-8")
    try:
        value: JsonValue = (_decode_any if _LONG_DIGITS.search(text) else _decode_short)(text)
        if _SURROGATE_ESCAPE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value


def check_input(raw: bytes, most_bytes: int) -> None:
    """Nothing, where `raw` is one strict JSON object that may be sent as it is.

    Raises:
        ValueError: it is not; the message says why, for operators.
    """
    if len(raw) > most_bytes:
        raise ValueError(f"input of {len(raw)} bytes, at most {most_bytes} are allowed")
    if not isinstance(decode(raw), dict):
        raise ValueError("not a JSON object")


def read_value(reply: Reply, revision: str, most_bytes: int) -> JsonValue | EngineFault:
    """The result of an evaluation, or why there is none.

    There is none where the status is not 200, where no bundle of `revision` decided, where the
    value is undefined, and where the value alone is more than `most_bytes` of JSON.
    """
    if reply.status != 200:
        return _refusal(reply)
    try:
        answer = decode(reply.body)
    except ValueError as error:
        return fault("result_invalid", f"the answer is not JSON as it should be: {error}")
    found = _revisions(answer)
    if revision not in found:
        return fault("revision_mismatch", f"{said(found)} decided, and not {revision}")
    if not isinstance(answer, dict) or "result" not in answer:
        return fault("undefined", "the value is undefined")
    value = answer["result"]
    if len(reply.body) > most_bytes and len(_compact(value)) > most_bytes:
        return fault("result_too_large", "the result is larger than the limit")
    return value


def read_revisions(reply: Reply) -> list[str]:
    """The revisions of the bundles in force, from the answer to any request for provenance.

    Raises:
        ValueError: it tells none, for a reason that the message gives.
    """
    if reply.status != 200:
        raise ValueError(_refusal(reply).message)
    return _revisions(decode(reply.body))


def said(revisions: Sequence[str]) -> str:
    """Revisions as text for operators."""
    return f"revision {', '.join(revisions)}" if revisions else "a policy without a revision"


def _revisions(answer: JsonValue) -> list[str]:
    match answer:
        case {"provenance": {"bundles": dict(bundles)}}:
            found = [b.get("revision") for b in bundles.values() if isinstance(b, dict)]
            return sorted(r for r in found if isinstance(r, str))
    return []


def _refusal(reply: Reply) -> EngineFault:
    code, message = "unavailable", f"the server answered with HTTP status {reply.status}"
    if 300 <= reply.status < 400:
        message += ", and redirects are not followed"
    if reply.status in (401, 403):
        message += ": it wants another token, or its authorization policy refuses this request"
    try:
        body = decode(reply.body)
    except ValueError:
        return fault(code, message)
    match body:
        case {"errors": [{"code": str(code), "message": str(why)}, *_]}:
            return fault(_CODES.get(code, code), why[:_MESSAGE_CHARS])
        case {"message": str(why)}:
            return fault(code, f"{message}: {why[:_MESSAGE_CHARS]}")
    return fault(code, message)


def _compact(value: JsonValue) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
