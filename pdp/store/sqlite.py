"""The store in one SQLite file: a batch is one transaction, durable before `commit` returns."""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

from pdp.domain.merkle import Frontier
from pdp.domain.records import (
    ApprovalRecord,
    Changes,
    DecisionRecord,
    GrantRecord,
    InputRecord,
    OutcomeRecord,
)
from pdp.domain.task import Task
from pdp.ports import (
    CommitUnknown,
    LogState,
    NotRecorded,
    Snapshot,
    StoredLeaf,
    StoreError,
    StoryEntry,
    TaskEvent,
    Wanted,
)
from pdp.store.batch import read_events, read_wanted, write_changes
from pdp.store.connections import connect_writer
from pdp.store.head import Head, check_end, read_head
from pdp.store.lock import take_lock
from pdp.store.reader import DATABASE, SqliteReader
from pdp.store.schema import bring_up_to_date

LOCK: Final = "lock"

_UNSETTLED: Final = "the result of the last commit is not known yet: settle it first"

_Read = TypeVar("_Read")


class SqliteStore:
    """Store and Records over one SQLite file. Safe for threads; Records never wait for commits.

    After a failure it opens the file again, and goes on only where it holds what was committed.
    """

    def __init__(self, path: Path, lock_descriptor: int, connection: sqlite3.Connection) -> None:
        """Take over an open, up-to-date store; `open_store` is the way to get one."""
        self._path = path
        self._file_names = (str(path), f"{path}-wal")
        self._lock_descriptor = lock_descriptor
        self._connection = connection
        self._lock = Lock()
        self._reader: SqliteReader | None = None
        self._reader_lock = Lock()
        self._head = read_head(connection)
        self._files = self._file_identities()
        self._must_reopen = False
        self._unsettled = False
        self._closed = False

    def load(self, wanted: Wanted) -> Snapshot:
        """What is known of the keys; outcomes come with the decisions asked for.

        Raises:
            StoreError: it cannot be read.
        """
        return self._read(lambda: read_wanted(self._connection, wanted))

    def events(self, task_id: str) -> Sequence[TaskEvent]:
        """Everything a task has met, in the order of its log.

        Raises:
            StoreError: it cannot be read.
        """
        return self._read(lambda: read_events(self._connection, task_id))

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
                after = write_changes(self._connection, head, changes)
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
                if self._unsettled and not self._closed:
                    self._reopen()
                else:
                    self._make_ready()
                self._connection.execute("UPDATE meta SET fence = fence + 1")
                head = read_head(self._connection)
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

    def task(self, task_id: str) -> Task | None:
        """One task, if there is one of that id."""
        with self._looking() as reader:
            return reader.task(task_id)

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

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """One decision, if there is one of that id."""
        with self._looking() as reader:
            return reader.decision(decision_id)

    def input(self, decision_id: str) -> InputRecord | None:
        """The input document of a decision, unless it was never kept or has been erased."""
        with self._looking() as reader:
            return reader.input(decision_id)

    def outcome(self, decision_id: str) -> OutcomeRecord | None:
        """What was reported for a decision, if anything was."""
        with self._looking() as reader:
            return reader.outcome(decision_id)

    def story(self, task_id: str, *, before: int, limit: int) -> Sequence[StoryEntry]:
        """Up to `limit` decisions of a task, newest first; see `pdp.ports.Records`."""
        with self._looking() as reader:
            return reader.story(task_id, before=before, limit=limit)

    def approval(self, approval_id: str) -> ApprovalRecord | None:
        """One approval, if there is one of that id."""
        with self._looking() as reader:
            return reader.approval(approval_id)

    def list_approvals(
        self, *, before: str, limit: int, open_at_us: int = 0, task_id: str = "", like: str = ""
    ) -> Sequence[ApprovalRecord]:
        """Up to `limit` approvals, newest first; see `pdp.ports.Records`."""
        with self._looking() as reader:
            return reader.list_approvals(
                before=before, limit=limit, open_at_us=open_at_us, task_id=task_id, like=like
            )

    def count_open(self, at_us: int) -> int:
        """How many approvals are PENDING and not expired at `at_us`."""
        with self._looking() as reader:
            return reader.count_open(at_us)

    def grant(self, grant_id: str) -> GrantRecord | None:
        """One grant, if there is one of that id."""
        with self._looking() as reader:
            return reader.grant(grant_id)

    def list_grants(
        self, *, before: str, limit: int, live_at_us: int = 0, task_id: str = ""
    ) -> Sequence[GrantRecord]:
        """Up to `limit` grants, newest first; see `pdp.ports.Records`."""
        with self._looking() as reader:
            return reader.list_grants(
                before=before, limit=limit, live_at_us=live_at_us, task_id=task_id
            )

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

    def _read(self, read: Callable[[], _Read]) -> _Read:
        with self._lock:
            if self._unsettled:
                raise StoreError(_UNSETTLED)
            self._make_ready()
            try:
                return read()
            except (sqlite3.Error, ValueError, TypeError, KeyError) as fault:
                self._must_reopen = isinstance(fault, sqlite3.Error)
                raise StoreError(f"{self._path} cannot be read: {fault}") from fault

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

    def _happened(self, changes: Changes, head: Head) -> bool:
        if self._unsettled:
            before = self._head
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
            found = read_head(self._connection)
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
        """Which files the database and its write-ahead log are: a deleted one takes writes too."""
        return tuple(map(_identity, self._file_names))

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
            check_end(connection, path)
            return SqliteStore(path, lock, connection)
        except BaseException:
            connection.close()
            raise
    except BaseException as fault:
        os.close(lock)
        if isinstance(fault, sqlite3.Error | OSError):
            raise StoreError(f"{path} cannot be opened: {fault}") from fault
        raise


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
