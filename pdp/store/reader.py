"""Looking into a SQLite store without writing: everything that `pdp.ports.Records` reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self

from pdp.domain.merkle import Frontier
from pdp.domain.records import (
    ApprovalRecord,
    DecisionRecord,
    GrantRecord,
    InputRecord,
    OutcomeRecord,
)
from pdp.domain.task import Task
from pdp.domain.values import OutcomeStatus
from pdp.ports import LogState, StoredLeaf, StoreError, StoryEntry
from pdp.store import answer_rows, rows
from pdp.store.connections import connect_reader
from pdp.store.schema import VERSION, check_version

#: The name of the database in the data folder.
DATABASE: Final = "pdp.db"

_TASK: Final = rows.select("task", rows.TASK_COLUMNS, "id = ?")
_TASKS: Final = rows.select("task", rows.TASK_COLUMNS, "id > ? ORDER BY id LIMIT ?")
_LEAVES: Final = rows.select("leaf", rows.LEAF_COLUMNS, "idx >= ? ORDER BY idx LIMIT ?")
# The second condition repeats that of the index, or it would not be used.
_TASK_LEAVES: Final = rows.select(
    "leaf", rows.LEAF_COLUMNS, "task_id = ? AND task_id <> '' ORDER BY idx"
)
_DECISION: Final = rows.select("decision", rows.DECISION_COLUMNS, "id = ?")
_INPUT: Final = rows.select(
    "input",
    rows.INPUT_COLUMNS,
    "leaf_index = (SELECT leaf_index FROM decision WHERE id = ?)",
)
_OUTCOME: Final = rows.select("outcome", rows.OUTCOME_COLUMNS, "decision_id = ?")
_STORY: Final = (
    f"SELECT {', '.join(f'l.{name}' for name in rows.LEAF_COLUMNS)},"  # noqa: S608
    f" {', '.join(f'd.{name}' for name in rows.DECISION_COLUMNS)}, i.body, o.status"
    " FROM leaf AS l JOIN decision AS d ON d.leaf_index = l.idx"
    " LEFT JOIN input AS i ON i.leaf_index = l.idx"
    " LEFT JOIN outcome AS o ON o.decision_id = d.id"
    " WHERE l.task_id = ? AND l.task_id <> '' AND l.idx < ? ORDER BY l.idx DESC LIMIT ?"
)
_APPROVAL: Final = rows.select("approval", answer_rows.APPROVAL_COLUMNS, "id = ?")
_GRANT: Final = rows.select("granted", answer_rows.GRANT_COLUMNS, "id = ?")
# As the indexes of those that are open or live say it, or they would not be used.
_IS_OPEN: Final = "state = 1 AND expires_at_us > ?"
_IS_LIVE: Final = "revoked = 0 AND uses < max_uses AND expires_at_us > ?"
_COUNT_OPEN: Final = f"SELECT count(*) FROM approval WHERE {_IS_OPEN}"  # noqa: S608
#: Beyond every place in a log (the largest integer of SQLite).
_NEWEST: Final = 2**63 - 1


class SqliteReader:
    """What is committed in a store, whether or not a service runs on it. Safe for threads.

    Reading blocks no writer. Every method raises StoreError where the store cannot be read.
    """

    def __init__(self, path: Path) -> None:
        """Open the database file at `path`.

        Raises:
            SchemaTooNew: a newer program wrote it.
            StoreError: it is absent, no store, or cannot be read.
        """
        self._path = path
        self._lock = Lock()
        try:
            self._connection = connect_reader(path)
        except sqlite3.Error as fault:
            if not path.exists():
                raise StoreError(
                    f"there is no store at {path}: name the data folder of the service"
                ) from fault
            raise StoreError(f"{path} cannot be read: {fault}") from fault
        try:
            with _reading(path):
                if check_version(self._connection) < VERSION:
                    raise StoreError(
                        f"{path} has the tables of an older version of this program: start the"
                        " service once, it migrates them"
                    )
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def log_state(self) -> LogState:
        """The log as last committed."""
        with self._lock, _reading(self._path):
            log_id, frontier, last_at_us = self._connection.execute(
                "SELECT log_id, frontier, last_at_us FROM meta"
            ).fetchone()
            tree = Frontier.from_bytes(frontier)
            return LogState(log_id, tree.size, tree.root(), last_at_us)

    def list_tasks(self, *, after: str, limit: int) -> Sequence[Task]:
        """Up to `limit` tasks by id, beginning behind `after` (empty: from the first)."""
        found = self._all(_TASKS, (after, limit))
        with _reading(self._path):
            return [rows.task_of(row) for row in found]

    def task(self, task_id: str) -> Task | None:
        """One task, if there is one of that id."""
        found = self._all(_TASK, (task_id,))
        with _reading(self._path):
            return rows.task_of(found[0]) if found else None

    def task_leaves(self, task_id: str) -> Sequence[StoredLeaf]:
        """A task's leaves in log order."""
        return self._leaves(_TASK_LEAVES, (task_id,))

    def leaves(self, start: int, limit: int) -> Sequence[StoredLeaf]:
        """Up to `limit` leaves of the log from index `start`."""
        return self._leaves(_LEAVES, (start, limit))

    def checkpoints(self) -> Sequence[str]:
        """All signed checkpoints, oldest first."""
        return [text for (text,) in self._all("SELECT text FROM checkpoint ORDER BY number", ())]

    def newest_checkpoint(self) -> str | None:
        """The signed checkpoint that was written last, if any was."""
        found = self._all("SELECT text FROM checkpoint ORDER BY number DESC LIMIT 1", ())
        return str(found[0][0]) if found else None

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """One decision, if there is one of that id."""
        found = self._all(_DECISION, (decision_id,))
        with _reading(self._path):
            return rows.decision_of(found[0]) if found else None

    def input(self, decision_id: str) -> InputRecord | None:
        """The input document of a decision, unless it was never kept or has been erased."""
        found = self._all(_INPUT, (decision_id,))
        return rows.input_of(decision_id, found[0]) if found else None

    def outcome(self, decision_id: str) -> OutcomeRecord | None:
        """What was reported for a decision, if anything was."""
        found = self._all(_OUTCOME, (decision_id,))
        with _reading(self._path):
            return rows.outcome_of(found[0]) if found else None

    def story(self, task_id: str, *, before: int, limit: int) -> Sequence[StoryEntry]:
        """Up to `limit` decisions of a task, newest first, of leaves before index `before`.

        `before` 0 begins with the newest.
        """
        found = self._all(_STORY, (task_id, before or _NEWEST, limit))
        with _reading(self._path):
            return list(map(_story_entry, found))

    def approval(self, approval_id: str) -> ApprovalRecord | None:
        """One approval, if there is one of that id."""
        found = self._all(_APPROVAL, (approval_id,))
        with _reading(self._path):
            return answer_rows.approval_of(found[0]) if found else None

    def list_approvals(
        self, *, before: str, limit: int, open_at_us: int = 0, task_id: str = "", like: str = ""
    ) -> Sequence[ApprovalRecord]:
        """Up to `limit` approvals, newest first, of ids before `before` (empty: from the newest).

        With `open_at_us` only those that are PENDING and not expired then; with `task_id` only
        those of that task; with `like` only those of that `pdp.domain.approval.likeness`.
        """
        found = self._page(
            "approval",
            answer_rows.APPROVAL_COLUMNS,
            {_IS_OPEN: open_at_us, "task_id = ?": task_id, "likeness = ?": like},
            before,
            limit,
        )
        with _reading(self._path):
            return list(map(answer_rows.approval_of, found))

    def count_open(self, at_us: int) -> int:
        """How many approvals are PENDING and not expired at `at_us`."""
        return int(self._all(_COUNT_OPEN, (at_us,))[0][0])

    def grant(self, grant_id: str) -> GrantRecord | None:
        """One grant, if there is one of that id."""
        found = self._all(_GRANT, (grant_id,))
        with _reading(self._path):
            return answer_rows.grant_of(found[0]) if found else None

    def list_grants(
        self, *, before: str, limit: int, live_at_us: int = 0, task_id: str = ""
    ) -> Sequence[GrantRecord]:
        """Up to `limit` grants, newest first, of ids before `before` (empty: from the newest).

        With `live_at_us` only those that could be used then: uses left, not expired, not revoked.
        """
        found = self._page(
            "granted",
            answer_rows.GRANT_COLUMNS,
            {_IS_LIVE: live_at_us, "task_id = ?": task_id},
            before,
            limit,
        )
        with _reading(self._path):
            return list(map(answer_rows.grant_of, found))

    @contextmanager
    def at_one_moment(self) -> Iterator[sqlite3.Connection]:
        """The connection, seeing one state of the store throughout.

        While it lasts the writer's write-ahead log cannot shrink: keep it as short as the work
        allows. Errors of reading become StoreError.
        """
        with self._lock, _reading(self._path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Give back the connection."""
        with self._lock:
            self._connection.close()

    def _leaves(self, query: str, values: tuple[object, ...]) -> Sequence[StoredLeaf]:
        return [StoredLeaf(row[0], rows.leaf_of(row)) for row in self._all(query, values)]

    def _page(
        self,
        table: str,
        columns: Sequence[str],
        where: Mapping[str, object],
        before: str,
        limit: int,
    ) -> list[Any]:
        """The newest rows, by id, for which each condition holds whose value is given."""
        given = {condition: value for condition, value in where.items() if value}
        # The plus sign keeps the index of ids out where a narrower one serves: most of all that was
        # ever asked is over.
        place = "+id" if given else "id"
        if before:
            given[f"{place} < ?"] = before
        conditions = " AND ".join(given) or "1"
        # The ids alone come from an index; only the rows of the page are read.
        inner = rows.select(table, ("id",), f"{conditions} ORDER BY {place} DESC LIMIT ?")
        query = rows.select(table, columns, f"id IN ({inner}) ORDER BY id DESC")
        return self._all(query, (*given.values(), limit))

    def _all(self, query: str, values: tuple[object, ...]) -> list[Any]:
        with self._lock, _reading(self._path):
            return self._connection.execute(query, values).fetchall()


def open_reader(data: Path) -> SqliteReader:
    """Look into the store of the data folder `data`.

    Raises:
        SchemaTooNew: a newer program wrote it.
        StoreError: there is none, or it cannot be read.
    """
    return SqliteReader(data / DATABASE)


def _story_entry(row: Sequence[Any]) -> StoryEntry:
    after_leaf = len(rows.LEAF_COLUMNS)
    *decision, body, status = row[after_leaf:]
    return StoryEntry(
        leaf=StoredLeaf(row[0], rows.leaf_of(row)),
        decision=rows.decision_of(decision),
        input=body or b"",
        status=OutcomeStatus(status) if status is not None else None,
    )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What can go wrong while rows are read and understood is a StoreError."""
    try:
        yield
    except (sqlite3.Error, ValueError, TypeError, KeyError) as fault:
        raise StoreError(f"{path} cannot be read: {fault}") from fault
