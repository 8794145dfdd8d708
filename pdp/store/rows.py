"""Domain records as rows of plain columns and back, the same for every SQL store.

A row is a tuple in the order of the `*_COLUMNS` beside it. What has no column of its own is compact
JSON in one of them. Reading raises ValueError, TypeError or KeyError where a row is not what this
module writes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final, TypeAlias

from pdp.domain.answer import Answer, ApprovalReference, Receipt, TaskReference
from pdp.domain.output_forms import UNREAD, OutputForms, unpack
from pdp.domain.records import (
    DecisionRecord,
    InputRecord,
    Leaf,
    OutcomeRecord,
    ReadingRecord,
    RequestKey,
    RequestRecord,
)
from pdp.domain.task import Rollup, Task
from pdp.domain.values import (
    ApprovalState,
    Budget,
    Decision,
    Intent,
    NextAction,
    Obligation,
    OutcomeStatus,
    OutputLabel,
    Phase,
    Reason,
    Sensitivity,
    Subject,
    TaskState,
    ToolClass,
)

Row: TypeAlias = Sequence[Any]

_ROLLUP: Final = (
    "calls", "effects", "denials", "escalations", "untrusted", "sensitivity",
    "minute", "minute_calls", "minute_effects", "reach",
    "hour", "hour_escalations", "hour_final", "hour_amount",
)  # fmt: skip
LEAF_COLUMNS: Final = ("idx", "hash", "body", "kind", "task_id", "sequence")
TASK_COLUMNS: Final = (
    "id",
    "subject_type", "subject_id", "subject_issuer",
    "principal_type", "principal_id", "principal_issuer",
    "opened_by_type", "opened_by_id", "opened_by_issuer",
    "properties", "goal", "globs", "max_sensitivity",
    "phase", "state", "max_calls", "max_effects",
    "started_at_us", "expires_at_us", "registered", "parent_id", "sequence", "last_leaf",
    *_ROLLUP,
)  # fmt: skip
ROLLUP_COLUMNS: Final = ("key", *_ROLLUP)
DECISION_COLUMNS: Final = (
    "leaf_index", "id", "task_id", "caller", "decision", "tool_class", "output_label",
    "sensitivity", "server", "tool", "at_us", "answered_by",
)  # fmt: skip
INPUT_COLUMNS: Final = ("leaf_index", "task_id", "nonce", "body")
OUTCOME_COLUMNS: Final = (
    "decision_id", "status", "digest", "media_type", "truncated", "at_us",
    "log_id", "leaf_index", "leaf_hash", "output",
)  # fmt: skip
READING_COLUMNS: Final = ("leaf_index", "body")
REQUEST_COLUMNS: Final = ("key", "digest", "valid_until_us", "answer", "canonical_arguments")
# Looked up here an enumeration's member costs a tenth of calling the enumeration.
_SENSITIVITIES: Final = {int(one): one for one in Sensitivity}
_PHASES: Final = {int(one): one for one in Phase}
_STATES: Final = {int(one): one for one in TaskState}


def select(table: str, columns: Sequence[str], where: str) -> str:
    """A query for the columns; nothing in it ever comes from a caller but through places (`?`)."""
    return f"SELECT {', '.join(columns)} FROM {table} WHERE {where}"  # noqa: S608


def insert(table: str, columns: Sequence[str], *, replace: bool = False) -> str:
    """A statement that adds a row, or puts it in the place of the one with the same key."""
    verb = "REPLACE" if replace else "INSERT"
    return f"{verb} INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"


# ASCII only, so that no text can be one that a database does not take.
as_json: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def leaf_row(index: int, leaf: Leaf) -> Row:
    """LEAF_COLUMNS of `leaf` at place `index` of the log."""
    return (index, leaf.hash, leaf.body, leaf.kind, leaf.task_id, leaf.sequence)


def leaf_of(row: Row) -> Leaf:
    """The leaf of LEAF_COLUMNS."""
    return Leaf(row[1], row[2], row[3], row[4], row[5])


def task_row(task: Task) -> Row:
    """TASK_COLUMNS of `task`."""
    subject, principal, opened_by = task.subject, task.principal, task.opened_by
    intent, budget, rollup = task.intent, task.budget, task.rollup
    properties = ""
    if subject.properties or principal.properties or opened_by.properties:
        properties = as_json([subject.properties, principal.properties, opened_by.properties])
    globs = as_json([intent.tools, intent.resources]) if intent.tools or intent.resources else ""
    return (
        task.id,
        subject.type, subject.id, subject.issuer,
        principal.type, principal.id, principal.issuer,
        opened_by.type, opened_by.id, opened_by.issuer,
        properties, intent.goal, globs, intent.max_sensitivity,
        task.phase, task.state, budget.max_calls, budget.max_effects,
        task.started_at_us, task.expires_at_us, task.registered, task.parent_id,
        task.sequence, task.last_leaf,
        rollup.calls, rollup.effects, rollup.denials, rollup.escalations, rollup.untrusted,
        rollup.sensitivity, rollup.minute, rollup.minute_calls, rollup.minute_effects,
        rollup.reach, rollup.hour, rollup.hour_escalations, rollup.hour_final,
        rollup.hour_amount,
    )  # fmt: skip


def task_of(row: Row) -> Task:
    """The task of TASK_COLUMNS."""
    (
        task_id,
        subject_type, subject_id, subject_issuer,
        principal_type, principal_id, principal_issuer,
        opened_by_type, opened_by_id, opened_by_issuer,
        properties, goal, globs, max_sensitivity,
        phase, state, max_calls, max_effects,
        started_at_us, expires_at_us, registered, parent_id, sequence, last_leaf,
        *sums,
    ) = row  # fmt: skip
    of_subject, of_principal, of_opener = json.loads(properties) if properties else ({}, {}, {})
    tools, resources = json.loads(globs) if globs else ((), ())
    return Task(
        task_id,
        Subject(subject_type, subject_id, subject_issuer, of_subject),
        Subject(principal_type, principal_id, principal_issuer, of_principal),
        Intent(goal, tuple(tools), tuple(resources), _SENSITIVITIES[max_sensitivity]),
        _PHASES[phase],
        _STATES[state],
        Budget(max_calls, max_effects),
        started_at_us,
        expires_at_us,
        bool(registered),
        Subject(opened_by_type, opened_by_id, opened_by_issuer, of_opener),
        parent_id,
        sequence,
        last_leaf,
        _rollup(sums),
    )


def rollup_row(key: str, rollup: Rollup) -> Row:
    """ROLLUP_COLUMNS of `rollup` under `key`."""
    return (
        key, rollup.calls, rollup.effects, rollup.denials, rollup.escalations, rollup.untrusted,
        rollup.sensitivity, rollup.minute, rollup.minute_calls, rollup.minute_effects,
        rollup.reach, rollup.hour, rollup.hour_escalations, rollup.hour_final,
        rollup.hour_amount,
    )  # fmt: skip


def rollup_of(row: Row) -> Rollup:
    """The rollup of ROLLUP_COLUMNS."""
    return _rollup(row[1:])


def _rollup(sums: Row) -> Rollup:
    calls, effects, denials, escalations, untrusted, sensitivity, *bounded = sums
    return Rollup(
        calls, effects, denials, escalations, bool(untrusted), _SENSITIVITIES[sensitivity],
        *bounded,
    )  # fmt: skip


def decision_row(record: DecisionRecord) -> Row:
    """DECISION_COLUMNS of `record`."""
    return (
        record.leaf_index, record.id, record.task_id, record.caller, record.decision.value,
        record.tool_class.value, record.output_label.value, record.sensitivity, record.server,
        record.tool, record.at_us, record.answered_by,
    )  # fmt: skip


def decision_of(row: Row) -> DecisionRecord:
    """The decision of DECISION_COLUMNS."""
    return DecisionRecord(
        leaf_index=row[0],
        id=row[1],
        task_id=row[2],
        caller=row[3],
        decision=Decision(row[4]),
        tool_class=ToolClass(row[5]),
        output_label=OutputLabel(row[6]),
        sensitivity=Sensitivity(row[7]),
        server=row[8],
        tool=row[9],
        at_us=row[10],
        answered_by=row[11],
    )


def input_row(leaf_index: int, record: InputRecord) -> Row:
    """INPUT_COLUMNS of `record`, whose decision is the leaf at `leaf_index`."""
    return (leaf_index, record.task_id, record.nonce, record.body)


def input_of(decision_id: str, row: Row) -> InputRecord:
    """The input of INPUT_COLUMNS; the decision's id is not among them."""
    return InputRecord(decision_id, row[1], row[2], row[3])


def outcome_row(record: OutcomeRecord) -> Row:
    """OUTCOME_COLUMNS of `record`."""
    receipt = record.receipt
    return (
        record.decision_id, record.status, record.digest, record.output_media_type,
        record.truncated, record.at_us, receipt.log_id, receipt.leaf_index, receipt.leaf_hash,
        record.output,
    )  # fmt: skip


def outcome_of(row: Row) -> OutcomeRecord:
    """The outcome of OUTCOME_COLUMNS."""
    return OutcomeRecord(
        decision_id=row[0],
        status=OutcomeStatus(row[1]),
        digest=row[2],
        output_media_type=row[3],
        truncated=bool(row[4]),
        at_us=row[5],
        receipt=Receipt(row[6], row[7], row[8]),
        output=row[9],
    )


def reading_row(record: ReadingRecord) -> Row:
    """READING_COLUMNS of `record`."""
    return (record.leaf_index, record.packed)


def reading_of(body: bytes) -> OutputForms:
    """What was read of an output; UNREAD where it was not this program that wrote it."""
    try:
        return unpack(body)
    except ValueError:
        return UNREAD


def request_key(key: RequestKey) -> bytes:
    """16 bytes that stand for the key. Finding two with the same takes 2**64 tries."""
    parts = (key.caller, key.rpc, key.request_id)
    # Lengths, as a separator could occur in a caller's id.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return sha256(text.encode("utf-8")).digest()[:16]


def request_row(record: RequestRecord) -> Row:
    """REQUEST_COLUMNS of `record`."""
    answer = record.answer
    return (
        request_key(record.key), record.digest, answer.valid_until_us, as_json(_answer(answer)),
        answer.canonical_arguments,
    )  # fmt: skip


def request_of(key: RequestKey, row: Row) -> RequestRecord:
    """The answered request of REQUEST_COLUMNS, which hold only a digest of `key`."""
    return RequestRecord(key, row[1], _answer_of(json.loads(row[3]), row[2], row[4]))


def subject_parts(subject: Subject) -> list[Any]:
    """A subject as JSON takes it; `Subject(*parts)` reads it."""
    return [subject.type, subject.id, subject.issuer, subject.properties]


def reason_parts(reason: Reason) -> list[Any]:
    """A reason as JSON takes it."""
    return [
        reason.code, reason.message, reason.rule, reason.remediation, reason.controls,
        reason.metadata, reason.agent_message,
    ]  # fmt: skip


def reason_of(parts: Sequence[Any]) -> Reason:
    """The reason of `reason_parts`."""
    code, message, rule, remediation, controls, metadata, agent_message = parts
    return Reason(code, message, rule, remediation, tuple(controls), metadata, agent_message)


def _answer(answer: Answer) -> list[Any]:
    approval, task, receipt, after = (
        answer.approval, answer.task, answer.receipt, answer.task_after,
    )  # fmt: skip
    return [
        answer.decision.value,
        [reason_parts(reason) for reason in answer.reasons],
        answer.evaluated_at_us,
        [[item.id, item.type, item.properties] for item in answer.obligations],
        answer.decision_id,
        answer.request_id,
        answer.policy_revision,
        approval and [approval.id, approval.state, approval.expires_at_us, approval.url],
        answer.arguments_digest,
        answer.binding_digest,
        task and [task.id, task.sequence, task.phase, task.state, task.registered],
        receipt and [receipt.log_id, receipt.leaf_index, receipt.leaf_hash.hex()],
        answer.next_action,
        answer.replayed,
        after and _task_as_json(after),
    ]


def _answer_of(parts: Sequence[Any], valid_until_us: int, canonical_arguments: bytes) -> Answer:
    (
        decision, reasons, evaluated_at_us, obligations, decision_id, request_id, policy_revision,
        approval, arguments_digest, binding_digest, task, receipt, next_action, replayed, after,
    ) = parts  # fmt: skip
    return Answer(
        decision=Decision(decision),
        reasons=tuple(map(reason_of, reasons)),
        evaluated_at_us=evaluated_at_us,
        valid_until_us=valid_until_us,
        obligations=tuple(Obligation(*item) for item in obligations),
        decision_id=decision_id,
        request_id=request_id,
        policy_revision=policy_revision,
        approval=approval
        and ApprovalReference(approval[0], ApprovalState(approval[1]), approval[2], approval[3]),
        arguments_digest=arguments_digest,
        binding_digest=binding_digest,
        task=task and TaskReference(task[0], task[1], Phase(task[2]), TaskState(task[3]), task[4]),
        receipt=receipt and Receipt(receipt[0], receipt[1], bytes.fromhex(receipt[2])),
        next_action=NextAction(next_action),
        canonical_arguments=canonical_arguments,
        replayed=replayed,
        task_after=after and _task_from_json(after),
    )


_LAST_LEAF: Final = TASK_COLUMNS.index("last_leaf")


def _task_as_json(task: Task) -> list[Any]:
    row = list(task_row(task))
    row[_LAST_LEAF] = task.last_leaf.hex()
    return row


def _task_from_json(parts: list[Any]) -> Task:
    parts[_LAST_LEAF] = bytes.fromhex(parts[_LAST_LEAF])
    return task_of(parts)
