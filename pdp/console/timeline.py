"""A task's story in words: what people and orchestrators did is said, calls are named."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pdp.approval_view import ShownStep
from pdp.domain import builtin
from pdp.domain.catalogue import RESERVED_SERVER


@dataclass(frozen=True, slots=True)
class Event:
    """A decision of the task. `text` says what a built-in tool did; empty for a real call.

    `approval_id` is the approval it is about, empty for most.
    """

    step: ShownStep
    text: str
    approval_id: str


def timeline(steps: Sequence[ShownStep]) -> list[Event]:
    """The steps as events, in their order."""
    return [_event(step) for step in steps]


def _event(step: ShownStep) -> Event:
    if step.server != RESERVED_SERVER:
        return Event(step, "", "")
    arguments: Mapping[str, Any] = json.loads(step.arguments_json or b"{}")
    return Event(step, _text(step, arguments), str(arguments.get("approval_id", "")))


def _text(step: ShownStep, arguments: Mapping[str, Any]) -> str:
    """What a built-in tool was asked to do; its arguments are as the decision recorded them."""
    who, reason = step.caller.id, str(arguments.get("reason", ""))
    because = f": “{reason}”" if reason else ""
    match step.tool:
        case builtin.START_TASK:
            return f"{who} started the task"
        case builtin.CHANGE_PHASE:
            return f"{who} asked for the phase {arguments.get('phase', '')}{because}"
        case builtin.COMPLETE_TASK:
            return f"{who} completed the task"
        case builtin.APPEND_CONTEXT:
            trust, source = arguments.get("trust", ""), arguments.get("source", "")
            return f"{who} added {trust} material from “{source}”"
        case builtin.DECIDE_APPROVAL:
            verdict = "yes" if arguments.get("verdict") == "approve" else "no"
            several = " for several calls" if arguments.get("grant") else ""
            return f"{who} said {verdict}{several}{because}"
        case builtin.CANCEL_APPROVAL:
            return f"{who} took a question or an answer back"
        case builtin.REVOKE_GRANT:
            return f"{who} revoked a grant{because}"
        case builtin.REVOKE_TASK:
            return f"{who} revoked the task{because}"
        case _:
            return ""
