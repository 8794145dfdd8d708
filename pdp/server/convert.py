"""Protobuf requests to domain values; what the contract forbids is an InvalidInput by field path.

The arguments of a call are checked for their size only: whoever needs their value parses them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from hashlib import sha256
from typing import Final, Protocol, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import ListValue, Struct, Value

from pdp.domain.answer import Refusal, RefusalKind
from pdp.domain.canonical import JsonValue, check_struct
from pdp.domain.error_reason import ErrorReason
from pdp.domain.globs import check_globs
from pdp.domain.limits import (
    ARGUMENTS_BYTES,
    GOAL_BYTES,
    MEDIA_TYPE_BYTES,
    OUTCOMES_PER_REQUEST,
    OUTPUT_BYTES,
    PLANNED_CALLS,
    REASON_BYTES,
    RESOURCE_ID_BYTES,
    RESOURCE_TYPE_BYTES,
    SCHEMA_DIGEST_CHARS,
    SESSION_ID_BYTES,
    STRUCT_BYTES,
    InvalidInput,
    check_count,
    check_request_id,
    check_task_id,
    check_text,
    too_long,
    unset,
)
from pdp.domain.names import check_server_name, check_subject, check_tool_name
from pdp.domain.request import (
    AppendContext,
    Ask,
    Authorize,
    Call,
    ChangePhase,
    CompleteTask,
    PlannedCall,
    ReportOutcomes,
    RevokeGrant,
    RevokeTask,
    StartTask,
)
from pdp.domain.values import (
    Action,
    Budget,
    Caller,
    Intent,
    Outcome,
    OutcomeStatus,
    Phase,
    Resource,
    Sensitivity,
    Subject,
    Trust,
)
from pdp.server.errors import Refused
from pdp.v1 import common_pb2, decision_pb2, task_pb2

# An element of a list takes at most 6 times as many bytes in protobuf as in JSON (a digit and a
# comma against 11 bytes), so whatever is larger than this is too large, and is not even decoded.
_STRUCT_WIRE_BYTES: Final = 8 * STRUCT_BYTES
# google/protobuf/duration.proto: 10,000 years; the seconds then fit 64 bits as microseconds.
_DURATION_SECONDS: Final = 315_576_000_000
# The PDP's own ids are far shorter; whatever is longer was never one.
_OWN_ID_BYTES: Final = 128

_NOBODY: Final = Subject()
_NOTHING: Final = Resource()
_NO_INTENT: Final = Intent()
_NOT_JSON: Final = object()

E = TypeVar("E", bound=Enum)
_SENSITIVITIES: Final = {int(value): value for value in Sensitivity}
_PHASES: Final = {int(value): value for value in Phase}
_TRUSTS: Final = {int(value): value for value in Trust}
_STATUSES: Final = {int(value): value for value in OutcomeStatus}


class Acting(Protocol):
    """A request that the pipeline answers."""

    @property
    def request_id(self) -> str:
        """As in the contract."""

    def SerializeToString(self, *, deterministic: bool = ...) -> bytes:  # noqa: N802
        """As in protobuf."""


def call(request: Acting, ask: Ask, *, caller: Caller, rpc: str, deadline_us: int) -> Call:
    """One request on its way; its digest covers all of it, and is made only for a request id.

    Raises:
        InvalidInput: the request id is not printable ASCII or too long.
    """
    request_id = request.request_id
    if not request_id:
        return Call(caller, rpc, ask, deadline_us=deadline_us)
    check_request_id(request_id)
    digest = sha256(request.SerializeToString(deterministic=True)).hexdigest()
    return Call(caller, rpc, ask, request_id, digest, deadline_us)


def authorize(request: decision_pb2.AuthorizeRequest) -> Authorize:
    """What an AuthorizeRequest asks.

    Raises:
        InvalidInput: as the contract says, with the field.
    """
    asked = _subject(request.subject, "subject", required=True)
    action = _action(request.action, "action")
    outcomes = _outcomes(request.outcomes) if request.outcomes else ()
    resource = _resource(request.resource, "resource") if request.HasField("resource") else _NOTHING
    principal = (
        _subject(request.on_behalf_of, "on_behalf_of")
        if request.HasField("on_behalf_of")
        else _NOBODY
    )
    if not request.HasField("context"):
        return Authorize(
            asked, action, resource=resource, on_behalf_of=principal, outcomes=outcomes
        )
    context = request.context
    task_id = context.task_id
    if task_id:
        check_task_id(task_id, "context.task_id")
    intent = None
    if context.HasField("intent"):
        if task_id:
            raise InvalidInput(
                "context.intent",
                "is set together with context.task_id",
                "leave it out: a task has its own intent",
                reason=ErrorReason.FIELDS_CONFLICT,
            )
        intent = _intent(context.intent, "context.intent")
    session_id = context.session_id
    if session_id:
        check_text(session_id, "context.session_id", SESSION_ID_BYTES, one_line=True)
    signals = _struct(context.signals, "context.signals") if context.HasField("signals") else {}
    return Authorize(
        asked, action, task_id, resource, intent, principal, session_id, signals, outcomes
    )


def report(request: decision_pb2.ReportOutcomeRequest) -> ReportOutcomes:
    """What a ReportOutcomeRequest tells.

    Raises:
        InvalidInput: as the contract says, with the field.
    """
    if not request.outcomes:
        raise unset("outcomes", "is empty", f"send 1 to {OUTCOMES_PER_REQUEST}")
    return ReportOutcomes(_outcomes(request.outcomes))


def start_task(request: task_pb2.StartTaskRequest) -> StartTask:
    """What a StartTaskRequest asks.

    Raises:
        InvalidInput: as the contract says, with the field.
    """
    if request.task_id:
        check_task_id(request.task_id, "task_id")
    budget = request.budget
    for name, amount in (("max_calls", budget.max_calls), ("max_effects", budget.max_effects)):
        if amount < 0:
            raise InvalidInput(
                f"budget.{name}", "is negative", "send 0 for policy's default, or more"
            )
    return StartTask(
        subject=_subject(request.subject, "subject", required=True),
        intent=_intent(request.intent, "intent") if request.HasField("intent") else _NO_INTENT,
        task_id=request.task_id,
        on_behalf_of=_subject(request.on_behalf_of, "on_behalf_of"),
        phase=enum_of(request.phase, "phase", _PHASES),
        ttl_us=micros(request.ttl, "ttl") if request.HasField("ttl") else 0,
        budget=Budget(budget.max_calls, budget.max_effects),
    )


def change_phase(request: task_pb2.ChangePhaseRequest) -> ChangePhase:
    """What a ChangePhaseRequest asks.

    Raises:
        InvalidInput: as the contract says, with the field.
    """
    check_task_id(request.task_id, "task_id")
    phase = enum_of(request.phase, "phase", _PHASES)
    if phase is Phase.UNSPECIFIED:
        raise unset("phase", "is not set", "send the phase to move to")
    check_text(request.reason, "reason", REASON_BYTES)
    check_count(len(request.plan), "plan", PLANNED_CALLS)
    plan = tuple(
        PlannedCall(
            _action(planned.action, f"plan[{index}].action"),
            _resource(planned.resource, f"plan[{index}].resource"),
        )
        for index, planned in enumerate(request.plan)
    )
    return ChangePhase(request.task_id, phase, request.reason, plan)


def complete_task(request: task_pb2.CompleteTaskRequest) -> CompleteTask:
    """What a CompleteTaskRequest asks.

    Raises:
        InvalidInput: as the contract says, with the field.
    """
    check_task_id(request.task_id, "task_id")
    return CompleteTask(request.task_id)


def revoke(request: task_pb2.RevokeRequest) -> RevokeTask | RevokeGrant:
    """What a RevokeRequest asks, as far as this version has it.

    Raises:
        InvalidInput: as the contract says, with the field.
        Refused: this version revokes nothing by that selector.
    """
    check_text(request.reason, "reason", REASON_BYTES)
    selector = request.WhichOneof("selector")
    if selector is None:
        raise unset("selector", "is not set", "send a task_id or a grant_id")
    if selector not in ("task_id", "grant_id"):
        raise Refused(
            Refusal(
                RefusalKind.UNIMPLEMENTED,
                f"this version does not revoke by {selector}: send a task_id or a grant_id",
                selector,
                reason=ErrorReason.NOT_IMPLEMENTED,
            )
        )
    if request.HasField("until"):
        problem = f"is set with {selector}, which is revoked for good"
        raise InvalidInput("until", problem, "leave it out", reason=ErrorReason.FIELDS_CONFLICT)
    if selector == "task_id":
        check_task_id(request.task_id, "task_id")
        return RevokeTask(request.task_id, request.reason)
    return RevokeGrant(own_id(request.grant_id, "grant_id"), request.reason)


def own_id(value: str, field: str) -> str:
    """An id that the PDP has made: of a decision, an approval or a grant.

    Raises:
        InvalidInput: it cannot be one.
    """
    check_text(value, field, _OWN_ID_BYTES, one_line=True, required=True)
    return value


def append_context(request: task_pb2.AppendContextRequest) -> AppendContext:
    """What an AppendContextRequest asks.

    Raises:
        InvalidInput: as the contract says, with the field.
    """
    check_task_id(request.task_id, "task_id")
    trust = enum_of(request.trust, "trust", _TRUSTS)
    if trust is Trust.UNSPECIFIED:
        raise unset("trust", "is not set", "say who vouches for the content")
    check_text(request.source, "source", REASON_BYTES)
    if not request.content:
        raise unset("content", "is empty", "send the material to append")
    return AppendContext(
        task_id=request.task_id,
        trust=trust,
        content=request.content[:OUTPUT_BYTES],
        source=request.source,
        truncated=len(request.content) > OUTPUT_BYTES,
    )


def _subject(message: common_pb2.Subject, field: str, *, required: bool = False) -> Subject:
    kind, identifier, issuer = message.type, message.id, message.issuer
    check_subject(kind, identifier, issuer, field, required=required)
    if message.HasField("properties"):
        return Subject(kind, identifier, issuer, _struct(message.properties, f"{field}.properties"))
    return Subject(kind, identifier, issuer)


def _action(message: common_pb2.Action, field: str) -> Action:
    name, arguments, server = message.name, message.arguments_json, message.server
    check_tool_name(name, f"{field}.name")
    check_server_name(server, f"{field}.server")
    if len(arguments) > ARGUMENTS_BYTES:
        raise too_long(f"{field}.arguments_json", f"{ARGUMENTS_BYTES:,} bytes", "send less at once")
    check_text(message.schema_digest, f"{field}.schema_digest", SCHEMA_DIGEST_CHARS, one_line=True)
    return Action(name, arguments, server, message.schema_digest)


def _resource(message: common_pb2.Resource, field: str) -> Resource:
    check_text(message.type, f"{field}.type", RESOURCE_TYPE_BYTES, one_line=True)
    check_text(message.id, f"{field}.id", RESOURCE_ID_BYTES, one_line=True)
    sensitivity = enum_of(message.sensitivity, f"{field}.sensitivity", _SENSITIVITIES)
    if message.HasField("properties"):
        properties = _struct(message.properties, f"{field}.properties")
        return Resource(message.type, message.id, sensitivity, properties)
    return Resource(message.type, message.id, sensitivity)


def _intent(message: common_pb2.Intent, field: str) -> Intent:
    check_text(message.goal, f"{field}.goal", GOAL_BYTES)
    tools, resources = tuple(message.tools), tuple(message.resources)
    check_globs(tools, f"{field}.tools", delimiters="")
    check_globs(resources, f"{field}.resources", delimiters="/")
    sensitivity = enum_of(message.max_sensitivity, f"{field}.max_sensitivity", _SENSITIVITIES)
    return Intent(message.goal, tools, resources, sensitivity)


def _outcomes(messages: Sequence[decision_pb2.Outcome]) -> tuple[Outcome, ...]:
    check_count(len(messages), "outcomes", OUTCOMES_PER_REQUEST)
    return tuple(_outcome(message, f"outcomes[{index}]") for index, message in enumerate(messages))


def _outcome(message: decision_pb2.Outcome, field: str) -> Outcome:
    own_id(message.decision_id, f"{field}.decision_id")
    status = enum_of(message.status, f"{field}.status", _STATUSES)
    if status is OutcomeStatus.UNSPECIFIED:
        raise unset(f"{field}.status", "is not set", "send SUCCEEDED, FAILED or NOT_EXECUTED")
    media_type = message.output_media_type
    check_text(media_type, f"{field}.output_media_type", MEDIA_TYPE_BYTES, one_line=True)
    output = message.output
    truncated = len(output) > OUTPUT_BYTES
    if truncated:
        output = output[:OUTPUT_BYTES]
    return Outcome(message.decision_id, status, output, media_type, truncated)


def enum_of(number: int, field: str, members: Mapping[int, E]) -> E:
    """The member of that number.

    Raises:
        InvalidInput: there is none.
    """
    found = members.get(number)
    if found is None:
        known = ", ".join(member.name for member in members.values() if member.value)
        raise InvalidInput(field, f"has the unknown value {number}", f"send one of {known}")
    return found


def micros(message: Duration, field: str) -> int:
    """A duration in microseconds.

    Raises:
        InvalidInput: it is negative or none.
    """
    seconds, nanos = message.seconds, message.nanos
    if not 0 <= seconds <= _DURATION_SECONDS or not 0 <= nanos < 1_000_000_000:
        raise InvalidInput(
            field,
            "is negative or not a valid google.protobuf.Duration",
            "send 0 to 315,576,000,000 seconds and 0 to 999,999,999 nanoseconds",
        )
    # Rounded up, so that the shortest time asked for does not turn into "unset".
    return seconds * 1_000_000 + -(-nanos // 1000)


def _struct(message: Struct, field: str) -> dict[str, JsonValue]:
    if message.ByteSize() > _STRUCT_WIRE_BYTES:
        raise too_long(field, f"{STRUCT_BYTES:,} bytes as JSON", "send less")
    return check_struct(_members(message), field)


# Recursion is bounded: protobuf itself refuses messages nested more than 100 deep.
def _members(message: Struct) -> dict[str, object]:
    return {key: _value(value) for key, value in message.fields.items()}


def _value(message: Value) -> object:
    kind = message.WhichOneof("kind")
    if kind == "struct_value":
        return _members(message.struct_value)
    if kind == "list_value":
        return _elements(message.list_value)
    if kind == "null_value":
        return None
    # A Value with no kind set is an error by struct.proto; check_struct names its place.
    return _NOT_JSON if kind is None else getattr(message, kind)


def _elements(message: ListValue) -> list[object]:
    return [_value(element) for element in message.values]
