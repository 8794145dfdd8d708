"""Domain answers to protobuf responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from google.protobuf.struct_pb2 import ListValue, NullValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from pdp.decide import ANSWER_VALID_US
from pdp.domain.answer import (
    Answer,
    ApprovalReference,
    OutcomesRecorded,
    Receipt,
    Refusal,
    RefusalKind,
    TaskReference,
)
from pdp.domain.canonical import JsonValue
from pdp.domain.task import Task
from pdp.domain.values import Decision, Obligation, Reason, Subject
from pdp.server.errors import reason_of
from pdp.v1 import common_pb2, decision_pb2, task_pb2

#: Decisions as messages name them.
DECISION: Final = {
    Decision.ALLOW: decision_pb2.DECISION_ALLOW,
    Decision.DENY: decision_pb2.DECISION_DENY,
    Decision.ESCALATE: decision_pb2.DECISION_ESCALATE,
}
# Refusals that may pass by themselves: the same call can be asked again.
_PASSING: Final = frozenset(
    {RefusalKind.RESOURCE_EXHAUSTED, RefusalKind.UNAVAILABLE, RefusalKind.DEADLINE_EXCEEDED}
)
_TRY_AGAIN: Final = "Ask again after a pause, under a new request_id."
_CORRECT: Final = "Correct the request as the message says, and ask again."


def answer(value: Answer, *, console_url: str = "") -> decision_pb2.AuthorizeResponse:
    """The AuthorizeResponse of an answer; `console_url` is where people decide, if anywhere."""
    return decision_pb2.AuthorizeResponse(
        decision=DECISION[value.decision],
        reasons=[reason(one) for one in value.reasons],
        obligations=[_obligation(obligation) for obligation in value.obligations],
        decision_id=value.decision_id,
        request_id=value.request_id,
        policy_revision=value.policy_revision,
        approval=_approval(value.approval, console_url),
        arguments_digest=value.arguments_digest,
        task=_reference(value.task),
        evaluated_at=timestamp(value.evaluated_at_us),
        valid_until=timestamp(value.valid_until_us),
        receipt=_receipt(value.receipt) if value.receipt is not None else None,
        next_action=decision_pb2.NextAction.ValueType(value.next_action),
        binding_digest=value.binding_digest,
        canonical_arguments=value.canonical_arguments,
        replayed=value.replayed,
    )


def denied(refusal: Refusal, *, request_id: str, now_us: int) -> decision_pb2.AuthorizeResponse:
    """The deny that stands for a refused element of a batch; `now_us` since the epoch."""
    passing = refusal.kind in _PASSING
    remedy = refusal.remedy or (_TRY_AGAIN if passing else _CORRECT)
    facts = {**dict(refusal.metadata), "reason": reason_of(refusal)}
    if refusal.field:
        facts["field"] = refusal.field
    return decision_pb2.AuthorizeResponse(
        decision=decision_pb2.DECISION_DENY,
        reasons=[
            decision_pb2.Reason(
                code=refusal.kind.value,
                message=_as_utf8(refusal.message),
                remediation=_as_utf8(remedy),
                metadata={key: _as_utf8(value) for key, value in facts.items()},
                agent_message="The call was not decided.",
            )
        ],
        request_id=request_id,
        evaluated_at=timestamp(now_us),
        valid_until=timestamp(now_us + ANSWER_VALID_US),
        next_action=(decision_pb2.NEXT_ACTION_RETRY if passing else decision_pb2.NEXT_ACTION_NONE),
    )


def _as_utf8(text: str) -> str:
    """`text` as a protobuf string can hold it, which is without lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def recorded(value: OutcomesRecorded) -> decision_pb2.ReportOutcomeResponse:
    """The ReportOutcomeResponse of recorded outcomes."""
    return decision_pb2.ReportOutcomeResponse(
        task=_reference(value.task),
        receipts=[_receipt(receipt) for receipt in value.receipts],
        truncated=value.truncated,
    )


def task(value: Task, *, now_us: int) -> task_pb2.Task:
    """The Task message as it reads at `now_us` (microseconds since the epoch)."""
    return task_pb2.Task(
        id=value.id,
        subject=subject(value.subject),
        on_behalf_of=subject(value.principal) if value.principal else None,
        intent=common_pb2.Intent(
            goal=value.intent.goal,
            tools=value.intent.tools,
            resources=value.intent.resources,
            max_sensitivity=common_pb2.Sensitivity.ValueType(value.intent.max_sensitivity),
        ),
        phase=common_pb2.Phase.ValueType(value.phase),
        state=common_pb2.TaskState.ValueType(value.state_at(now_us)),
        budget=task_pb2.Budget(
            max_calls=value.budget.max_calls, max_effects=value.budget.max_effects
        ),
        sequence=value.sequence,
        started_at=timestamp(value.started_at_us),
        expires_at=timestamp(value.expires_at_us),
        parent_id=value.parent_id,
        registered=value.registered,
    )


def reason(reason: Reason) -> decision_pb2.Reason:
    """The Reason message of a reason."""
    return decision_pb2.Reason(
        code=reason.code,
        message=reason.message,
        rule=reason.rule,
        remediation=reason.remediation,
        controls=reason.controls,
        metadata=reason.metadata,
        agent_message=reason.agent_message,
    )


def _obligation(obligation: Obligation) -> decision_pb2.Obligation:
    return decision_pb2.Obligation(
        id=obligation.id, type=obligation.type, properties=_struct(obligation.properties)
    )


def _approval(
    approval: ApprovalReference | None, console_url: str
) -> decision_pb2.ApprovalReference | None:
    if approval is None:
        return None
    page = f"{console_url}/approvals/{approval.id}" if console_url else ""
    return decision_pb2.ApprovalReference(
        id=approval.id,
        state=common_pb2.ApprovalState.ValueType(approval.state),
        expires_at=timestamp(approval.expires_at_us),
        url=approval.url or page,
    )


def _reference(value: TaskReference | None) -> common_pb2.TaskReference | None:
    if value is None:
        return None
    return common_pb2.TaskReference(
        id=value.id,
        sequence=value.sequence,
        phase=common_pb2.Phase.ValueType(value.phase),
        state=common_pb2.TaskState.ValueType(value.state),
        registered=value.registered,
    )


def _receipt(receipt: Receipt) -> decision_pb2.Receipt:
    return decision_pb2.Receipt(
        log_id=receipt.log_id, leaf_index=receipt.leaf_index, leaf_hash=receipt.leaf_hash
    )


def subject(value: Subject) -> common_pb2.Subject:
    """The Subject message of an identity."""
    return common_pb2.Subject(
        type=value.type,
        id=value.id,
        issuer=value.issuer,
        properties=_struct(value.properties) if value.properties else None,
    )


def timestamp(micros: int) -> Timestamp:
    """A time in microseconds since the epoch as a message."""
    seconds, rest = divmod(micros, 1_000_000)
    return Timestamp(seconds=seconds, nanos=rest * 1000)


def _struct(members: Mapping[str, JsonValue]) -> Struct:
    return Struct(fields={key: _value(member) for key, member in members.items()})


def _value(value: JsonValue) -> Value:
    if value is None:
        return Value(null_value=NullValue.NULL_VALUE)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float):
        return Value(number_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, list):
        return Value(list_value=ListValue(values=[_value(element) for element in value]))
    return Value(struct_value=_struct(value))
