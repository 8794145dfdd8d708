"""Approvals and grants as rows and back: columns for what is searched, JSON for the rest.

As in `pdp.store.rows`, reading raises ValueError, TypeError or KeyError where a row is not what
this module writes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from pdp.domain.approval import likeness
from pdp.domain.records import (
    ApprovalRecord,
    ArgumentConstraint,
    GrantRecord,
    GrantTerms,
    PlannedRecord,
    SinkRecord,
    Vote,
)
from pdp.domain.values import ApprovalState, Sensitivity, Subject
from pdp.store.rows import Row, as_json, reason_of, reason_parts, subject_parts

APPROVAL_COLUMNS: Final = (
    "id", "task_id", "binding_digest", "aim", "likeness", "state", "created_at_us",
    "expires_at_us", "body", "canonical_arguments",
)  # fmt: skip
GRANT_COLUMNS: Final = (
    "id", "task_id", "max_uses", "uses", "revoked", "expires_at_us", "body",
)  # fmt: skip


def approval_row(record: ApprovalRecord) -> Row:
    """APPROVAL_COLUMNS of `record`."""
    body = [
        record.decision_id,
        subject_parts(record.subject), subject_parts(record.principal),
        record.server, record.tool, record.resource_type, record.resource_id,
        [reason_parts(reason) for reason in record.reasons],
        record.votes_needed, record.sensitivity, record.definition_digest,
        [_sink(one) for one in record.sinks],
        record.approvers, record.use_us, record.max_uses, record.max_ttl_us,
        [_vote(vote) for vote in record.votes],
        record.used_by,
        [_planned(one) for one in record.plan],
    ]  # fmt: skip
    return (
        record.id, record.task_id, record.binding_digest, record.aim, likeness(record),
        record.state, record.created_at_us, record.expires_at_us, as_json(body),
        record.canonical_arguments,
    )  # fmt: skip


def approval_of(row: Row) -> ApprovalRecord:
    """The approval of APPROVAL_COLUMNS."""
    (
        approval_id, task_id, binding_digest, aim, _, state, created_at_us, expires_at_us,
        body, canonical_arguments,
    ) = row  # fmt: skip
    (
        decision_id, subject, principal, server, tool, resource_type, resource_id, reasons,
        votes_needed, sensitivity, definition_digest, sinks, approvers, use_us, max_uses,
        max_ttl_us, votes, used_by, plan,
    ) = json.loads(body)  # fmt: skip
    return ApprovalRecord(
        id=approval_id,
        state=ApprovalState(state),
        decision_id=decision_id,
        task_id=task_id,
        binding_digest=binding_digest,
        subject=Subject(*subject),
        principal=Subject(*principal),
        server=server,
        tool=tool,
        canonical_arguments=canonical_arguments,
        resource_type=resource_type,
        resource_id=resource_id,
        reasons=tuple(map(reason_of, reasons)),
        votes_needed=votes_needed,
        created_at_us=created_at_us,
        expires_at_us=expires_at_us,
        sensitivity=Sensitivity(sensitivity),
        definition_digest=definition_digest,
        aim=aim,
        sinks=tuple(SinkRecord(*one) for one in sinks),
        approvers=tuple(approvers),
        use_us=use_us,
        max_uses=max_uses,
        max_ttl_us=max_ttl_us,
        votes=tuple(map(_vote_of, votes)),
        used_by=used_by,
        plan=tuple(map(_planned_of, plan)),
    )


def grant_row(record: GrantRecord) -> Row:
    """GRANT_COLUMNS of `record`."""
    body = [
        record.approval_id,
        subject_parts(record.subject), subject_parts(record.principal),
        record.server, record.tool, record.definition_digest,
        [_constraint(one) for one in record.constraints],
        [reason_parts(reason) for reason in record.reasons],
        record.created_at_us,
        [subject_parts(one) for one in record.granted_by],
        record.closed,
    ]  # fmt: skip
    return (
        record.id, record.task_id, record.max_uses, record.uses, record.revoked,
        record.expires_at_us, as_json(body),
    )  # fmt: skip


def grant_of(row: Row) -> GrantRecord:
    """The grant of GRANT_COLUMNS."""
    grant_id, task_id, max_uses, uses, revoked, expires_at_us, body = row
    (
        approval_id, subject, principal, server, tool, definition_digest, constraints, reasons,
        created_at_us, granted_by, closed,
    ) = json.loads(body)  # fmt: skip
    return GrantRecord(
        id=grant_id,
        approval_id=approval_id,
        task_id=task_id,
        subject=Subject(*subject),
        principal=Subject(*principal),
        server=server,
        tool=tool,
        definition_digest=definition_digest,
        constraints=tuple(map(_constraint_of, constraints)),
        reasons=tuple(map(reason_of, reasons)),
        max_uses=max_uses,
        uses=uses,
        created_at_us=created_at_us,
        expires_at_us=expires_at_us,
        granted_by=tuple(Subject(*one) for one in granted_by),
        closed=closed,
        revoked=bool(revoked),
    )


def _sink(one: SinkRecord) -> list[str]:
    return [one.path, one.value, one.origin, one.source]


def _constraint(one: ArgumentConstraint) -> list[Any]:
    return [one.path, one.values, one.patterns, one.whole]


def _constraint_of(parts: Sequence[Any]) -> ArgumentConstraint:
    path, values, patterns, whole = parts
    return ArgumentConstraint(path, tuple(values), tuple(patterns), whole)


def _vote(vote: Vote) -> list[Any]:
    grant = vote.grant
    terms = None
    if grant is not None:
        terms = [grant.max_uses, grant.ttl_us, [_constraint(one) for one in grant.constraints]]
    return [subject_parts(vote.voter), vote.approve, vote.reason, vote.at_us, terms]


def _vote_of(parts: Sequence[Any]) -> Vote:
    voter, approve, reason, at_us, terms = parts
    grant = None
    if terms is not None:
        max_uses, ttl_us, constraints = terms
        grant = GrantTerms(max_uses, ttl_us, tuple(map(_constraint_of, constraints)))
    return Vote(Subject(*voter), approve, reason, at_us, grant)


def _planned(one: PlannedRecord) -> list[Any]:
    return [
        one.server, one.tool, one.definition_digest, one.canonical_arguments.decode(),
        [reason_parts(reason) for reason in one.reasons], [_sink(sink) for sink in one.sinks],
    ]  # fmt: skip


def _planned_of(parts: Sequence[Any]) -> PlannedRecord:
    server, tool, definition_digest, arguments, reasons, sinks = parts
    return PlannedRecord(
        server,
        tool,
        definition_digest,
        arguments.encode(),
        tuple(map(reason_of, reasons)),
        tuple(SinkRecord(*sink) for sink in sinks),
    )
