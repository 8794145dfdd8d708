"""One batch in SQL: reading what it wants to know, writing what it makes true."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

from pdp.domain.records import ApprovalRecord, Changes, GrantRecord
from pdp.domain.values import ApprovalState, OutputLabel, Sensitivity
from pdp.ports import Snapshot, TaskEvent, Wanted
from pdp.store import answer_rows, rows
from pdp.store.head import Head

# An answered request id is kept this long after its answer's end: whatever queue a late repeat
# comes out of, it is told so. After that it is a new request, and decided as one.
_REQUEST_GRACE_US: Final = 24 * 3600 * 1_000_000
# At least this many expired request ids leave with each commit that brings new ones, and always
# more than it brings, so that they never pile up and no commit pays for many.
_PRUNE_AT_LEAST: Final = 16

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_ADD_LEAF: Final = rows.insert("leaf", rows.LEAF_COLUMNS)
_PUT_TASK: Final = rows.insert("task", rows.TASK_COLUMNS, replace=True)
_PUT_ROLLUP: Final = rows.insert("rollup", rows.ROLLUP_COLUMNS, replace=True)
_ADD_DECISION: Final = rows.insert("decision", rows.DECISION_COLUMNS)
_ADD_INPUT: Final = rows.insert("input", rows.INPUT_COLUMNS)
_ADD_OUTCOME: Final = rows.insert("outcome", rows.OUTCOME_COLUMNS)
_PUT_APPROVAL: Final = rows.insert("approval", answer_rows.APPROVAL_COLUMNS, replace=True)
_PUT_GRANT: Final = rows.insert("granted", answer_rows.GRANT_COLUMNS, replace=True)
_ADD_READING: Final = rows.insert("reading", rows.READING_COLUMNS)
_ADD_REQUEST: Final = rows.insert("request", rows.REQUEST_COLUMNS)
_PRUNE: Final = (
    "DELETE FROM request WHERE number IN"
    " (SELECT number FROM request WHERE valid_until_us < ? ORDER BY valid_until_us LIMIT ?)"
)
_SET_HEAD: Final = "UPDATE meta SET frontier = ?, last_at_us = ?, commits = ?"

_GET_TASK: Final = rows.select("task", rows.TASK_COLUMNS, "id = ?")
_GET_ROLLUP: Final = rows.select("rollup", rows.ROLLUP_COLUMNS, "key = ?")
_GET_DECISION: Final = rows.select("decision", rows.DECISION_COLUMNS, "id = ?")
_GET_OUTCOME: Final = rows.select("outcome", rows.OUTCOME_COLUMNS, "decision_id = ?")
_GET_REQUEST: Final = rows.select("request", rows.REQUEST_COLUMNS, "key = ?")


def _approval_where(where: str) -> str:
    return rows.select("approval", answer_rows.APPROVAL_COLUMNS, where)


_GET_APPROVAL: Final = _approval_where("id = ?")
_GET_CALL: Final = _approval_where(
    "task_id = ? AND binding_digest = ? ORDER BY created_at_us DESC, id DESC LIMIT 1"
)
_GET_AIM: Final = _approval_where(
    f"task_id = ? AND aim = ? AND state = {int(ApprovalState.DENIED)}"
    " ORDER BY created_at_us DESC, id DESC LIMIT 1"
)
_GET_QUESTIONS: Final = _approval_where(
    f"task_id = ? AND state IN ({int(ApprovalState.PENDING)}, {int(ApprovalState.APPROVED)})"
)
_GET_GRANT: Final = rows.select("granted", answer_rows.GRANT_COLUMNS, "id = ?")
_GET_GRANTS_OF: Final = rows.select(
    "granted", answer_rows.GRANT_COLUMNS, "task_id = ? AND revoked = 0 AND uses < max_uses"
)

# By the task's leaves, whose index there is; an outcome stands at its own leaf.
_GET_EVENTS: Final = (
    "SELECT d.leaf_index AS place, d.id, d.output_label, d.sensitivity, i.body, NULL, '', NULL"
    " FROM leaf AS l JOIN decision AS d ON d.leaf_index = l.idx"
    " JOIN input AS i ON i.leaf_index = d.leaf_index"
    " WHERE l.task_id = ?1 AND l.task_id <> '' AND d.decision = 'allow'"
    " UNION ALL"
    " SELECT o.leaf_index, d.id, d.output_label, d.sensitivity, NULL,"
    " CASE WHEN r.body IS NULL THEN o.output END, o.media_type, r.body"
    " FROM leaf AS l JOIN decision AS d ON d.leaf_index = l.idx"
    " JOIN outcome AS o ON o.decision_id = d.id"
    " LEFT JOIN reading AS r ON r.leaf_index = o.leaf_index"
    " WHERE l.task_id = ?1 AND l.task_id <> ''"
    " ORDER BY place"
)


def read_events(connection: sqlite3.Connection, task_id: str) -> Sequence[TaskEvent]:
    """Everything a task has met, in the order of its log.

    Raises:
        sqlite3.Error, ValueError: it cannot be read.
    """
    return [
        TaskEvent(
            decision_id=row[1],
            label=OutputLabel(row[2]),
            sensitivity=Sensitivity(row[3]),
            input=row[4] or b"",
            output=row[5] or b"",
            media_type=row[6],
            read=None if row[7] is None else rows.reading_of(row[7]),
        )
        for row in connection.execute(_GET_EVENTS, (task_id,))
    ]


def read_wanted(connection: sqlite3.Connection, wanted: Wanted) -> Snapshot:
    """What is known of the keys, as of one moment.

    Raises:
        sqlite3.Error, ValueError, TypeError, KeyError: it cannot be read.
    """

    def found(
        query: str, keys: Iterable[_Key], read: Callable[[Sequence[Any]], _Value]
    ) -> dict[_Key, _Value]:
        return {
            key: read(row)
            for key in keys
            if (row := connection.execute(query, _places(key)).fetchone()) is not None
        }

    # One read transaction: it saves the file locks of each query.
    connection.execute("BEGIN")
    try:
        requests = {
            key: rows.request_of(key, row)
            for key in wanted.requests
            if (row := connection.execute(_GET_REQUEST, (rows.request_key(key),)).fetchone())
        }
        return Snapshot(
            tasks=found(_GET_TASK, wanted.tasks, rows.task_of),
            rollups=found(_GET_ROLLUP, wanted.rollups, rows.rollup_of),
            requests=requests,
            decisions=found(_GET_DECISION, wanted.decisions, rows.decision_of),
            outcomes=found(_GET_OUTCOME, wanted.decisions, rows.outcome_of),
            approvals={one.id: one for one in _approvals(connection, wanted)},
            grants={one.id: one for one in _grants(connection, wanted)},
        )
    finally:
        connection.execute("COMMIT")


def _approvals(connection: sqlite3.Connection, wanted: Wanted) -> Iterator[ApprovalRecord]:
    """The approvals that are wanted, in whichever way; one may come twice."""
    for query, keys in (
        (_GET_APPROVAL, wanted.approvals),
        (_GET_CALL, wanted.calls),
        (_GET_AIM, wanted.aims),
        (_GET_QUESTIONS, wanted.questions),
    ):
        for key in keys:
            yield from map(answer_rows.approval_of, connection.execute(query, _places(key)))


def _grants(connection: sqlite3.Connection, wanted: Wanted) -> Iterator[GrantRecord]:
    for query, keys in ((_GET_GRANT, wanted.grants), (_GET_GRANTS_OF, wanted.grants_of)):
        for key in keys:
            yield from map(answer_rows.grant_of, connection.execute(query, _places(key)))


def write_changes(connection: sqlite3.Connection, head: Head, changes: Changes) -> Head:
    """Write `changes` inside the open transaction, and return the head of the log after them.

    Raises:
        sqlite3.Error: the database refuses, as for a decision id that is there already.
        ValueError, KeyError, UnicodeError: the changes contradict themselves or cannot be written.
    """
    many = connection.executemany
    leaves = changes.leaves
    after = Head(
        head.log_id,
        head.frontier.extend(leaf.hash for leaf in leaves) if leaves else head.frontier,
        max(head.last_at_us, changes.at_us),
        head.commits + 1,
    )
    many(_ADD_LEAF, map(rows.leaf_row, range(changes.first_index, after.frontier.size), leaves))
    many(_PUT_TASK, map(rows.task_row, changes.tasks))
    many(_PUT_ROLLUP, [rows.rollup_row(key, rollup) for key, rollup in changes.rollups])
    many(_ADD_DECISION, map(rows.decision_row, changes.decisions))
    if changes.inputs:
        place = {record.id: record.leaf_index for record in changes.decisions}
        many(_ADD_INPUT, [rows.input_row(place[one.decision_id], one) for one in changes.inputs])
    if changes.outcomes:
        many(_ADD_OUTCOME, map(rows.outcome_row, changes.outcomes))
        many(_ADD_READING, map(rows.reading_row, changes.readings))
    if changes.approvals:
        many(_PUT_APPROVAL, map(answer_rows.approval_row, changes.approvals))
    if changes.grants:
        many(_PUT_GRANT, map(answer_rows.grant_row, changes.grants))
    if changes.requests:
        bite = max(_PRUNE_AT_LEAST, 2 * len(changes.requests))
        connection.execute(_PRUNE, (after.last_at_us - _REQUEST_GRACE_US, bite))
        many(_ADD_REQUEST, map(rows.request_row, changes.requests))
    connection.execute(_SET_HEAD, (after.frontier.to_bytes(), after.last_at_us, after.commits))
    return after


def _places(key: object) -> tuple[object, ...]:
    return key if isinstance(key, tuple) else (key,)
