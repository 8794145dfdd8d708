"""The store in one SQLite file: a batch is one transaction, durable before `commit` returns."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final, TypeVar

from pdp.domain.merkle import Frontier, leaf_hash, root_of
from pdp.domain.records import Changes, InputRecord
from pdp.domain.task import Task
from pdp.ports import (
    CommitUnknown,
    LogState,
    NotRecorded,
    Snapshot,
    StoredLeaf,
    StoreError,
    Wanted,
)
from pdp.store import rows
from pdp.store.connections import connect_writer
from pdp.store.lock import take_lock
from pdp.store.reader import DATABASE, SqliteReader
from pdp.store.schema import bring_up_to_date

LOCK: Final = "lock"

# An answered request id is kept this long after its answer's end: a client that is late by minutes
# is told so. After that it is a new request, and decided as one.
_REQUEST_GRACE_US: Final = 600_000_000
# At least this many expired request ids leave with each commit that brings new ones, and always
# more than it brings, so that they never pile up and no commit pays for many.
_PRUNE_AT_LEAST: Final = 16
# The last full subtree is hashed again at opening if it is no larger than this: under 5 ms.
_OPENING_CHECK_LEAVES: Final = 1024

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


_ADD_LEAF: Final = rows.insert("leaf", rows.LEAF_COLUMNS)
_PUT_TASK: Final = rows.insert("task", rows.TASK_COLUMNS, replace=True)
_PUT_ROLLUP: Final = rows.insert("rollup", rows.ROLLUP_COLUMNS, replace=True)
_ADD_DECISION: Final = rows.insert("decision", rows.DECISION_COLUMNS)
_ADD_INPUT: Final = rows.insert("input", rows.INPUT_COLUMNS)
_ADD_OUTCOME: Final = rows.insert("outcome", rows.OUTCOME_COLUMNS)
_PUT_APPROVAL: Final = rows.insert("approval", rows.APPROVAL_COLUMNS, replace=True)
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
_GET_APPROVAL: Final = rows.select(
    "approval",
    rows.APPROVAL_COLUMNS,
    "task_id = ? AND binding_digest = ? ORDER BY created_at_us DESC, id DESC LIMIT 1",
)
_UNSETTLED: Final = "the result of the last commit is not known yet: settle it first"
_GET_HEAD: Final = "SELECT log_id, frontier, last_at_us, commits FROM meta"


@dataclass(frozen=True, slots=True)
class _Head:
    """The log as last committed, and how many transactions made it."""

    log_id: str
    frontier: Frontier
    last_at_us: int
    commits: int


class SqliteStore:
    """The Store port over one SQLite file. Safe for threads; reads of lists never wait for commits.

    After a failure it opens the file again by itself, and goes on only where the file holds exactly
    what was committed.
    """

    def __init__(self, path: Path, lock_descriptor: int, connection: sqlite3.Connection) -> None:
        """Take over an open, up-to-date store; `open_store` is the way to get one."""
        self._path = path
        self._lock_descriptor = lock_descriptor
        self._connection = connection
        self._lock = Lock()
        self._reader: SqliteReader | None = None
        self._reader_lock = Lock()
        self._head = _read_head(connection)
        self._files = self._file_identities()
        self._must_reopen = False
        self._unsettled = False
        self._closed = False

    def load(self, wanted: Wanted) -> Snapshot:
        """What is known of the keys; outcomes come with the decisions asked for.

        Raises:
            StoreError: it cannot be read.
        """
        with self._lock:
            if self._unsettled:
                raise StoreError(_UNSETTLED)
            self._make_ready()
            one = self._connection.execute
            try:
                # One read transaction: it saves the file locks of each query.
                one("BEGIN")
                try:
                    return Snapshot(
                        tasks=_found(wanted.tasks, lambda k: one(_GET_TASK, (k,)), rows.task_of),
                        rollups=_found(
                            wanted.rollups, lambda k: one(_GET_ROLLUP, (k,)), rows.rollup_of
                        ),
                        requests={
                            key: rows.request_of(key, row)
                            for key in wanted.requests
                            if (row := one(_GET_REQUEST, (rows.request_key(key),)).fetchone())
                        },
                        decisions=_found(
                            wanted.decisions, lambda k: one(_GET_DECISION, (k,)), rows.decision_of
                        ),
                        outcomes=_found(
                            wanted.decisions, lambda k: one(_GET_OUTCOME, (k,)), rows.outcome_of
                        ),
                        approvals=_found(
                            wanted.approvals, lambda k: one(_GET_APPROVAL, k), rows.approval_of
                        ),
                    )
                finally:
                    one("COMMIT")
            except (sqlite3.Error, ValueError, TypeError, KeyError) as fault:
                self._must_reopen = True
                raise StoreError(f"{self._path} cannot be read: {fault}") from fault

    def log_state(self) -> LogState:
        """The log as last committed, from memory."""
        head = self._head
        return LogState(head.log_id, head.frontier.size, head.frontier.root(), head.last_at_us)

    def commit(self, changes: Changes) -> None:
        """Make all of `changes` durable in one transaction, or none of it.

        Raises:
            NotRecorded: nothing was written.
            CommitUnknown: it may or may not have been written.
        """
        with self._lock:
            head = self._head
            if self._unsettled:
                raise NotRecorded(_UNSETTLED)
            if changes.first_index != head.frontier.size:
                raise NotRecorded(
                    f"the log has {head.frontier.size} leaves, the batch begins at"
                    f" {changes.first_index}: it was made for another state of the log"
                )
            try:
                self._make_ready()
            except StoreError as fault:
                raise NotRecorded(str(fault)) from fault
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                after = self._write(head, changes)
            except BaseException as fault:
                self._roll_back(fault)
                if not isinstance(fault, Exception):
                    raise
                raise NotRecorded(f"{self._path}: {fault}") from fault
            try:
                self._connection.execute("COMMIT")
            except BaseException as fault:
                self._commit_failed(fault)
                raise
            self._head = after

    def settle(self, changes: Changes) -> bool:
        """Whether `changes`, whose commit was unknown, did happen.

        It first commits an empty transaction of its own: pages of a failed commit may lie behind
        the end of the write-ahead log, where a recovery after a crash could still find them.

        Raises:
            StoreError: the truth cannot be read yet.
        """
        with self._lock:
            try:
                if self._unsettled or self._must_reopen:
                    self._reopen()
                self._connection.execute("UPDATE meta SET fence = fence + 1")
                head = _read_head(self._connection)
                happened = self._happened(changes, head)
            except sqlite3.Error as fault:
                self._must_reopen = True
                raise StoreError(f"{self._path} cannot be read yet: {fault}") from fault
            self._head = head
            self._unsettled = self._must_reopen = False
            return happened

    def list_tasks(self, *, after: str, limit: int) -> Sequence[Task]:
        """Up to `limit` tasks by id, beginning behind `after` (empty: from the first)."""
        with self._looking() as reader:
            return reader.list_tasks(after=after, limit=limit)

    def task_leaves(self, task_id: str) -> Sequence[StoredLeaf]:
        """A task's leaves in log order."""
        with self._looking() as reader:
            return reader.task_leaves(task_id)

    def leaves(self, start: int, limit: int) -> Sequence[StoredLeaf]:
        """Up to `limit` leaves of the log from index `start`."""
        with self._looking() as reader:
            return reader.leaves(start, limit)

    def checkpoints(self) -> Sequence[str]:
        """All signed checkpoints, oldest first."""
        with self._looking() as reader:
            return reader.checkpoints()

    def input(self, decision_id: str) -> InputRecord | None:
        """The input document of a decision, unless it was never kept or has been erased."""
        with self._looking() as reader:
            return reader.input(decision_id)

    def add_checkpoint(self, size: int, text: str) -> None:
        """Keep a signed checkpoint of the log at `size` leaves.

        Raises:
            StoreError: it was not kept.
        """
        with self._lock:
            if self._unsettled:
                raise StoreError(_UNSETTLED)
            self._make_ready()
            try:
                self._connection.execute(
                    "INSERT INTO checkpoint (size, text) VALUES (?, ?)", (size, text)
                )
            except sqlite3.Error as fault:
                self._must_reopen = True
                raise StoreError(f"{self._path}: {fault}") from fault

    def close(self) -> None:
        """Give the store back; another process may open it."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._close_connections()
            os.close(self._lock_descriptor)

    def _write(self, head: _Head, changes: Changes) -> _Head:
        many = self._connection.executemany
        leaves = changes.leaves
        after = _Head(
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
            many(
                _ADD_INPUT, [rows.input_row(place[one.decision_id], one) for one in changes.inputs]
            )
        if changes.outcomes:
            many(_ADD_OUTCOME, map(rows.outcome_row, changes.outcomes))
        if changes.approvals:
            many(_PUT_APPROVAL, map(rows.approval_row, changes.approvals))
        if changes.requests:
            bite = max(_PRUNE_AT_LEAST, 2 * len(changes.requests))
            self._connection.execute(_PRUNE, (after.last_at_us - _REQUEST_GRACE_US, bite))
            many(_ADD_REQUEST, map(rows.request_row, changes.requests))
        self._connection.execute(
            _SET_HEAD, (after.frontier.to_bytes(), after.last_at_us, after.commits)
        )
        return after

    def _roll_back(self, fault: BaseException) -> None:
        """End the transaction that failed before COMMIT: it can never come true."""
        if isinstance(fault, sqlite3.OperationalError):
            self._must_reopen = True
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as failed:
            self._unsettled = self._must_reopen = True
            raise CommitUnknown(f"{self._path}: {fault}; and no rollback: {failed}") from fault

    def _commit_failed(self, fault: BaseException) -> None:
        self._must_reopen = True
        self._unsettled = True
        if not isinstance(fault, Exception):
            return
        if isinstance(fault, sqlite3.Error) and fault.sqlite_errorcode == sqlite3.SQLITE_FULL:
            # The write itself found no space, and the page that makes the others count is the last
            # to be written: it is not there.
            self._roll_back(fault)
            self._unsettled = False
            raise NotRecorded(f"{self._path}: {fault}") from fault
        raise CommitUnknown(f"{self._path}: {fault}") from fault

    def _happened(self, changes: Changes, head: _Head) -> bool:
        before = self._head
        if self._unsettled:
            if head.commits not in (before.commits, before.commits + 1):
                raise StoreError(
                    f"{self._path} has {head.commits} commits where {before.commits} or one more"
                    " were expected: it was replaced while the service ran; restart the service"
                )
            return head.commits > before.commits
        if not changes.leaves:
            raise StoreError("a batch without leaves can only be settled where it was committed")
        last = changes.first_index + len(changes.leaves) - 1
        found = self._connection.execute("SELECT hash FROM leaf WHERE idx = ?", (last,)).fetchone()
        return found is not None and found[0] == changes.leaves[-1].hash

    def _make_ready(self) -> None:
        """Have a connection to the file that holds what was committed, or raise StoreError."""
        if self._closed:
            raise StoreError("the store is closed")
        if not self._must_reopen and self._file_identities() == self._files:
            return
        self._must_reopen = True
        try:
            self._reopen()
            found = _read_head(self._connection)
        except sqlite3.Error as fault:
            raise StoreError(f"{self._path} cannot be opened again: {fault}") from fault
        if found != self._head:
            raise StoreError(
                f"{self._path} holds {found.frontier.size} leaves, but"
                f" {self._head.frontier.size} were recorded: it was replaced or damaged while the"
                " service ran; put the file back and restart the service"
            )
        self._must_reopen = False

    def _reopen(self) -> None:
        self._close_connections()
        self._connection = connect_writer(self._path, create=False)
        self._files = self._file_identities()

    def _close_connections(self) -> None:
        with self._reader_lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
        # Last, so that what is in the write-ahead log is copied into the database.
        self._connection.close()

    def _file_identities(self) -> tuple[tuple[int, int] | None, ...]:
        """Which files the path and its write-ahead log are: a deleted file takes writes gladly."""
        return tuple(_identity(f"{self._path}{suffix}") for suffix in ("", "-wal"))

    @contextmanager
    def _looking(self) -> Iterator[SqliteReader]:
        with self._reader_lock:
            if self._closed:
                raise StoreError("the store is closed")
            if self._reader is None:
                self._reader = SqliteReader(self._path)
            yield self._reader


def open_store(data: Path) -> SqliteStore:
    """Open the store in the folder `data` for writing; folder and store are made if absent.

    Raises:
        StoreInUse: another process writes to it.
        SchemaTooNew: a newer program wrote it.
        StoreError: it cannot be opened, or what it holds contradicts itself.
    """
    path = data / DATABASE
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise StoreError(f"{data} cannot be made: {fault.strerror}") from fault
    lock = take_lock(data / LOCK)
    try:
        # Made by us so that it and its companions are for this user only.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = connect_writer(path, create=False)
        try:
            bring_up_to_date(connection, f"pdp-log-{secrets.token_hex(8)}", Frontier().to_bytes())
            _sync_folder(data)
            _check_end(connection, path)
            return SqliteStore(path, lock, connection)
        except BaseException:
            connection.close()
            raise
    except BaseException as fault:
        os.close(lock)
        if isinstance(fault, sqlite3.Error | OSError):
            raise StoreError(f"{path} cannot be opened: {fault}") from fault
        raise


def _read_head(connection: sqlite3.Connection) -> _Head:
    row = connection.execute(_GET_HEAD).fetchone()
    if row is None:
        raise StoreError("the store has no record of its log: it is damaged")
    try:
        return _Head(row[0], Frontier.from_bytes(row[1]), row[2], row[3])
    except ValueError as fault:
        raise StoreError(f"the store's record of its log is damaged: {fault}") from fault


def _check_end(connection: sqlite3.Connection, path: Path) -> None:
    """See that the end of the log agrees with the frontier; `pdp audit verify` looks at it all."""
    frontier = _read_head(connection).frontier
    subtree = frontier.size & -frontier.size
    count = subtree if subtree <= _OPENING_CHECK_LEAVES else 1
    found = connection.execute(
        "SELECT idx, hash, body FROM leaf WHERE idx >= ? ORDER BY idx",
        (max(frontier.size - count, 0),),
    ).fetchmany(count + 1)
    places = [index for index, _, _ in found]
    if places != list(range(frontier.size - count, frontier.size))[: len(frontier.nodes) * count]:
        raise StoreError(
            f"{path}: the log's last leaves are not those of a log of {frontier.size}: run"
            " `pdp audit verify` on the data folder"
        )
    hashes = [found_hash for _, found_hash, _ in found]
    bodies_agree = all(leaf_hash(body) == found_hash for _, found_hash, body in found)
    if not bodies_agree or (count == subtree and found and root_of(hashes) != frontier.nodes[-1]):
        raise StoreError(
            f"{path}: the log's last leaves were changed: run `pdp audit verify` on the data folder"
        )


def _found(
    keys: frozenset[_Key],
    query: Callable[[_Key], sqlite3.Cursor],
    read: Callable[[Sequence[Any]], _Value],
) -> dict[_Key, _Value]:
    return {key: read(row) for key in keys if (row := query(key).fetchone()) is not None}


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
