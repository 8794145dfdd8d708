"""Approvals and grants as messages of the contract, and what is asked about them as values."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

from google.protobuf.duration_pb2 import Duration

from pdp.approval_view import ShownStep
from pdp.domain.approval import state_at
from pdp.domain.canonical import canonical, parse_value
from pdp.domain.limits import (
    CONSTRAINT_BYTES,
    CONSTRAINT_PATTERNS,
    CONSTRAINT_VALUES,
    CONSTRAINTS_PER_GRANT,
    REASON_BYTES,
    InvalidInput,
    check_count,
    check_text,
    unset,
)
from pdp.domain.records import (
    ApprovalRecord,
    ArgumentConstraint,
    GrantRecord,
    GrantTerms,
    SinkRecord,
    Vote,
)
from pdp.domain.request import DecideApproval
from pdp.domain.task import Task
from pdp.domain.values import Decision
from pdp.server import answers, convert
from pdp.v1 import approval_pb2, common_pb2, decision_pb2

_VERDICTS: Final = {
    int(value): value for value in (approval_pb2.VERDICT_APPROVE, approval_pb2.VERDICT_DENY)
}
_CLASSES: Final = {
    "read": approval_pb2.TOOL_CLASS_READ,
    "draft": approval_pb2.TOOL_CLASS_DRAFT,
    "write": approval_pb2.TOOL_CLASS_WRITE,
    "send": approval_pb2.TOOL_CLASS_SEND,
    "execute": approval_pb2.TOOL_CLASS_EXECUTE,
    "admin": approval_pb2.TOOL_CLASS_ADMIN,
}
_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)+\Z")


def decide(request: approval_pb2.DecideApprovalRequest) -> DecideApproval:
    """What a DecideApprovalRequest says.

    Raises:
        InvalidInput: as the contract says, with the field.
    """
    approval_id = convert.own_id(request.approval_id, "approval_id")
    if request.verdict not in _VERDICTS:
        raise unset("verdict", "is not set", "send VERDICT_APPROVE or VERDICT_DENY")
    check_text(request.reason, "reason", REASON_BYTES)
    return DecideApproval(
        approval_id=approval_id,
        approve=request.verdict == approval_pb2.VERDICT_APPROVE,
        reason=request.reason,
        grant=_terms(request.grant, "grant") if request.HasField("grant") else None,
    )


def approval(
    value: ApprovalRecord,
    *,
    task: Task | None,
    now_us: int,
    recent: Sequence[ShownStep] = (),
) -> approval_pb2.Approval:
    """The Approval message as it reads at `now_us` (microseconds since the epoch)."""
    return approval_pb2.Approval(
        id=value.id,
        state=common_pb2.ApprovalState.ValueType(state_at(value, now_us)),
        decision_id=value.decision_id,
        task=answers.task(task, now_us=now_us) if task is not None else None,
        subject=answers.subject(value.subject),
        on_behalf_of=answers.subject(value.principal) if value.principal else None,
        action=common_pb2.Action(
            name=value.tool,
            server=value.server,
            arguments_json=value.canonical_arguments,
            schema_digest=value.definition_digest,
        ),
        resource=common_pb2.Resource(
            type=value.resource_type,
            id=value.resource_id,
            sensitivity=common_pb2.Sensitivity.ValueType(value.sensitivity),
        ),
        sinks=[_sink(one) for one in value.sinks],
        reasons=[answers.reason(one) for one in value.reasons],
        votes=[_vote(one) for one in value.votes],
        votes_needed=value.votes_needed,
        expires_at=answers.timestamp(value.expires_at_us),
        recent=[_entry(step) for step in recent],
        binding_digest=value.binding_digest,
    )


def grant(value: GrantRecord) -> approval_pb2.LiveGrant:
    """The LiveGrant message of a grant."""
    seconds, rest = divmod(value.expires_at_us - value.created_at_us, 1_000_000)
    return approval_pb2.LiveGrant(
        id=value.id,
        approval_id=value.approval_id,
        task_id=value.task_id,
        subject=answers.subject(value.subject),
        on_behalf_of=answers.subject(value.principal) if value.principal else None,
        server=value.server,
        tool=value.tool,
        grant=approval_pb2.Grant(
            max_uses=value.max_uses,
            ttl=Duration(seconds=seconds, nanos=rest * 1000),
            constraints=[_sent(one) for one in value.constraints],
        ),
        uses=value.uses,
        expires_at=answers.timestamp(value.expires_at_us),
    )


def _terms(message: approval_pb2.Grant, field: str) -> GrantTerms:
    if message.max_uses < 0:
        raise InvalidInput(
            f"{field}.max_uses", "is negative", "send 0 for policy's default, or more"
        )
    check_count(len(message.constraints), f"{field}.constraints", CONSTRAINTS_PER_GRANT)
    return GrantTerms(
        max_uses=message.max_uses,
        ttl_us=convert.micros(message.ttl, f"{field}.ttl") if message.HasField("ttl") else 0,
        constraints=tuple(
            _constraint(one, f"{field}.constraints[{index}]")
            for index, one in enumerate(message.constraints)
        ),
    )


def _constraint(message: approval_pb2.ArgumentConstraint, field: str) -> ArgumentConstraint:
    check_text(message.path, f"{field}.path", CONSTRAINT_BYTES, required=True)
    if _POINTER.match(message.path) is None:
        raise InvalidInput(
            f"{field}.path",
            "is no JSON Pointer (RFC 6901)",
            "begin it with / and write ~ as ~0, / within a name as ~1",
        )
    check_count(len(message.values), f"{field}.values", CONSTRAINT_VALUES)
    check_count(len(message.patterns), f"{field}.patterns", CONSTRAINT_PATTERNS)
    for name, texts in (("values", message.values), ("patterns", message.patterns)):
        for index, text in enumerate(texts):
            check_text(text, f"{field}.{name}[{index}]", CONSTRAINT_BYTES)
    values = dict.fromkeys(one for text in message.values for one in _meant_by(text))
    return ArgumentConstraint(message.path, tuple(values), tuple(message.patterns))


def _meant_by(text: str) -> list[str]:
    """The canonical JSON of the values that a text on the wire may mean.

    A string is sent as it is, any other value as JSON; so `5` is both the string and the number.
    """
    meant = [canonical(text).decode()]
    try:
        value = parse_value(text.encode(), "value")
    except InvalidInput:
        return meant
    return meant if isinstance(value, str) else [*meant, canonical(value).decode()]


def _sent(constraint: ArgumentConstraint) -> approval_pb2.ArgumentConstraint:
    values = dict.fromkeys(
        str(json.loads(text)) if text.startswith('"') else text for text in constraint.values
    )
    return approval_pb2.ArgumentConstraint(
        path=constraint.path, values=values, patterns=constraint.patterns
    )


def _sink(sink: SinkRecord) -> approval_pb2.Sink:
    return approval_pb2.Sink(
        path=sink.path, value=sink.value, origin=sink.origin, source_decision_id=sink.source
    )


def _vote(vote: Vote) -> approval_pb2.Vote:
    verdict = approval_pb2.VERDICT_APPROVE if vote.approve else approval_pb2.VERDICT_DENY
    return approval_pb2.Vote(
        voter=answers.subject(vote.voter),
        verdict=verdict,
        reason=vote.reason,
        at=answers.timestamp(vote.at_us),
    )


def _entry(step: ShownStep) -> approval_pb2.LedgerEntry:
    return approval_pb2.LedgerEntry(
        sequence=step.sequence,
        at=answers.timestamp(step.at_us),
        server=step.server,
        tool=step.tool,
        tool_class=_CLASSES.get(step.tool_class, approval_pb2.TOOL_CLASS_UNSPECIFIED),
        decision=answers.DECISION[Decision(step.decision)],
        reason_codes=step.codes,
        status=(
            decision_pb2.OutcomeStatus.ValueType(step.status)
            if step.status is not None
            else decision_pb2.OUTCOME_STATUS_UNSPECIFIED
        ),
        arguments_json=step.arguments_json,
        decision_id=step.decision_id,
    )
