"""Reads what the managed OPA answers, and takes nothing for granted about it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any, Final, Literal

from pdp.domain.canonical import JsonValue
from pdp.ports import EngineFault, Evaluation, PolicyRefused, RuleInfo


class MalformedReply(Exception):
    """What the engine answered is not what was agreed; it cannot be trusted with another."""


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is beyond the range of a double")
    return number


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


_decode: Final = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse).decode
_RULE_KEYS: Final = {"path", "default", "annotations"}
_DEFAULT_VALUE: Final = "default_value"


def read_answer(element: memoryview) -> Evaluation | EngineFault:
    """One element of a reply to `evaluate`. Raises MalformedReply."""
    answer = _object(element)
    micros = answer.get("us")
    if len(answer) != 2 or type(micros) is not int or micros < 0:
        raise MalformedReply("an answer is not a result or an error with its time")
    if "result" in answer:
        return Evaluation(answer["result"], micros)
    match answer.get("error"):
        case {"code": str(code), "message": str(message)}:
            return fault(code, message)
    raise MalformedReply("an answer holds neither a result nor an error")


def fault(code: str, message: str) -> EngineFault:
    """The engine's own code and message as a fault; only a timeout is a timeout."""
    kind: Literal["policy_error", "policy_timeout"]
    kind = "policy_timeout" if code == "timeout" else "policy_error"
    return EngineFault(kind, f"{code}: {message}")


def read_load(header: dict[str, Any], elements: Sequence[memoryview]) -> list[RuleInfo]:
    """The reply to `load`. Raises PolicyRefused with the engine's words, MalformedReply."""
    if len(elements) != 1:
        raise MalformedReply(f"a reply to load with {len(elements)} elements")
    body = _object(elements[0])
    match header.get("ok"), body:
        case True, {"rules": list(rules)}:
            return [_rule(rule) for rule in rules]
        case False, {"error": str(message)}:
            raise PolicyRefused(message)
    raise MalformedReply("a reply to load holds neither rules nor an error")


def _rule(rule: JsonValue) -> RuleInfo:
    if isinstance(rule, dict) and rule.keys() - {_DEFAULT_VALUE} == _RULE_KEYS:
        path, default, annotations = rule["path"], rule["default"], rule["annotations"]
        if annotations is None:
            annotations = {}
        if isinstance(path, str) and isinstance(default, bool) and isinstance(annotations, dict):
            return RuleInfo(path, default, annotations, rule.get(_DEFAULT_VALUE))
    raise MalformedReply("a rule of a reply to load is malformed")


def _object(element: memoryview) -> dict[str, JsonValue]:
    try:
        value = _decode(str(element, "utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedReply(f"an element is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise MalformedReply("an element is not a JSON object")
    return value
