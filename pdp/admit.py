"""Step 1, Admit: may this caller ask this at all, and are the arguments JSON to be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from pdp.domain.answer import Refusal, RefusalKind, refusal_of_input
from pdp.domain.builtin import arguments_of
from pdp.domain.canonical import JsonValue, parse_arguments
from pdp.domain.error_reason import ErrorReason
from pdp.domain.leaves import Entry
from pdp.domain.limits import InvalidInput
from pdp.domain.records import RequestKey
from pdp.domain.request import Ask, Authorize, Call, ReportOutcomes
from pdp.overlay import Overlay

#: Who stands between the agent and its tools; only such a caller asks about calls and reports them.
ENFORCEMENT_ROLE = "pep"


@dataclass(frozen=True, slots=True)
class Admitted:
    """A call that may be decided: its place in the batch and its parsed arguments."""

    index: int
    call: Call
    arguments: dict[str, JsonValue]
    request_key: RequestKey | None


def admit(index: int, call: Call, overlay: Overlay) -> Admitted | Refusal:
    """Check who asks and parse what is asked; a caller out of place becomes a security event."""
    ask = call.ask
    if isinstance(ask, Authorize | ReportOutcomes) and ENFORCEMENT_ROLE not in call.caller.roles:
        problem = f"the caller does not hold the {ENFORCEMENT_ROLE} role"
        return _out_of_place(call, overlay, problem, ErrorReason.ROLE_MISSING)
    if isinstance(ask, Authorize) and ask.subject == call.caller.identity:
        problem = "a subject may not authorize its own calls"
        return _out_of_place(call, overlay, problem, ErrorReason.CALLER_IS_SUBJECT)
    try:
        arguments = _arguments(ask)
    except InvalidInput as error:
        return refusal_of_input(error)
    request_key = None
    if call.request_id:
        request_key = RequestKey(call.caller.identity.key, call.rpc, call.request_id)
    return Admitted(index=index, call=call, arguments=arguments, request_key=request_key)


def _arguments(ask: Ask) -> dict[str, JsonValue]:
    match ask:
        case Authorize():
            return parse_arguments(ask.action.arguments_json, "action.arguments_json")
        case ReportOutcomes():
            return {}
        case _:
            return arguments_of(ask)


def _out_of_place(call: Call, overlay: Overlay, problem: str, reason: ErrorReason) -> Refusal:
    members: dict[str, JsonValue] = {"rpc": call.rpc, "problem": problem}
    overlay.append(Entry("security_event", overlay.now_us, call.caller, members), None)
    return Refusal(
        RefusalKind.PERMISSION_DENIED,
        f"{problem}; use the identity of an enforcement point",
        reason=reason,
    )
