"""What the SQLite store does when the disk, the file or whoever handles it lets it down."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pdp.domain.records import Changes
from pdp.ports import CommitUnknown, NotRecorded, StoreError, Wanted
from pdp.store import connections
from pdp.store.reader import open_reader
from pdp.store.sqlite import SqliteStore, open_store
from tests.conformance.changes import History


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(data: Path) -> Iterator[SqliteStore]:
    opened = open_store(data)
    yield opened
    opened.close()


@contextmanager
def failing_writes() -> Iterator[None]:
    """The kernel refuses to write any file beyond its first page: the disk's error at COMMIT."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_error_at_commit_is_unknown_until_the_disk_works_again(
    store: SqliteStore, data: Path
) -> None:
    history = History()
    history.step(store, "t1")
    batch = history.decide("t1", "t2")
    with failing_writes():
        with pytest.raises(CommitUnknown):
            store.commit(batch)
        for _ in range(3):
            with pytest.raises(StoreError):
                store.settle(batch)
        # Until then nothing is served, neither from memory nor from the file.
        with pytest.raises(NotRecorded):
            store.commit(batch)
        with pytest.raises(StoreError):
            store.load(Wanted(tasks=frozenset({"t1"})))
        with pytest.raises(StoreError):
            store.add_checkpoint(1, "signed")
    assert not store.settle(batch)
    assert store.log_state().size == 1
    store.commit(batch)
    assert store.log_state().size == 3
    with open_reader(data) as reader:
        assert reader.log_state() == store.log_state()


def test_a_batch_without_leaves_is_settled_too(store: SqliteStore) -> None:
    empty = Changes(at_us=1, first_index=0)
    with failing_writes(), pytest.raises(CommitUnknown):
        store.commit(empty)
    assert not store.settle(empty)
    store.commit(empty)


def test_a_commit_that_reached_the_disk_is_found_to_have_happened(
    store: SqliteStore, data: Path
) -> None:
    history = History()
    history.step(store, "t1")
    batch = history.decide("t1")
    # As if the disk had done its work and only the answer to COMMIT had been lost.
    before = store._head
    store.commit(batch)
    store._head, store._unsettled = before, True
    assert store.settle(batch)
    assert store.log_state().size == 2
    with open_reader(data) as reader:
        assert store.log_state() == reader.log_state()


def test_what_a_failed_commit_left_in_the_log_file_cannot_come_back_after_a_crash(
    store: SqliteStore, data: Path, tmp_path: Path
) -> None:
    history = History()
    history.step(store, "t1")
    lost = history.decide("t1", "t2")
    # With somebody looking on, the log file is not begun anew when the store opens it again.
    with open_reader(data) as reader, reader.at_one_moment():
        whole = log_file_after(lost, copied(data, tmp_path / "elsewhere"))
        with failing_writes(), pytest.raises(CommitUnknown):
            store.commit(lost)
        assert not store.settle(lost)
        # The worst case: the failed commit had written all its pages, and only the answer was an
        # error. What the store has written since must have made them worthless.
        crashed = copied(data, tmp_path / "crashed")
        end = (crashed / "pdp.db-wal").stat().st_size
        assert end < len(whole)
        with (crashed / "pdp.db-wal").open("ab") as file:
            file.write(whole[end:])
    again = open_store(crashed)
    assert again.log_state() == store.log_state()
    assert again.log_state().size == 1
    again.close()


def copied(data: Path, to: Path) -> Path:
    """The store's files as a crash would leave them."""
    shutil.copytree(data, to)
    (to / "pdp.db-shm").unlink()
    return to


def log_file_after(changes: Changes, data: Path) -> bytes:
    """The write-ahead log of the store in `data` once it holds `changes` too."""
    store = open_store(data)
    store.commit(changes)
    raw = (data / "pdp.db-wal").read_bytes()
    store.close()
    return raw


def test_commits_go_on_after_the_log_file_was_deleted_under_the_service(
    store: SqliteStore, data: Path
) -> None:
    history = History()
    history.step(store, "t1")
    (data / "pdp.db-wal").unlink()
    history.step(store, "t1")
    with open_reader(data) as reader:
        assert reader.log_state() == store.log_state()
        assert reader.log_state().size == 2


def test_nothing_is_recorded_into_a_deleted_database(store: SqliteStore, data: Path) -> None:
    history = History()
    history.step(store, "t1")
    batch = history.decide("t1")
    (data / "pdp.db").unlink()
    for _ in range(2):
        with pytest.raises(NotRecorded, match="cannot be opened again"):
            store.commit(batch)
    assert not (data / "pdp.db").exists()


def test_an_older_copy_put_in_place_under_the_service_is_refused(
    store: SqliteStore, data: Path, tmp_path: Path
) -> None:
    history = History()
    history.step(store, "t1")
    with sqlite3.connect(data / "pdp.db") as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "older.db"),))
    connection.close()
    history.step(store, "t1")
    batch = history.decide("t1")
    (tmp_path / "older.db").replace(data / "pdp.db")
    (data / "pdp.db-wal").unlink()
    for _ in range(2):
        with pytest.raises(NotRecorded, match="holds 1 leaves, but 2 were recorded"):
            store.commit(batch)
    with pytest.raises(StoreError, match="replaced or damaged"):
        store.load(Wanted(tasks=frozenset({"t1"})))


def test_a_text_that_no_database_takes_harms_nobody_else(store: SqliteStore) -> None:
    with pytest.raises(StoreError):
        store.load(Wanted(tasks=frozenset({"\ud800"})))
    History().step(store, "t1")
    assert store.load(Wanted(tasks=frozenset({"t1"}))).tasks


def test_a_closed_store_says_so(data: Path) -> None:
    store = open_store(data)
    store.close()
    batch = History().decide("t1")
    with pytest.raises(NotRecorded, match="closed"):
        store.commit(batch)
    for step in (
        lambda: store.load(Wanted()),
        lambda: store.leaves(0, 1),
        lambda: store.settle(batch),
        lambda: store.add_checkpoint(0, ""),
    ):
        with pytest.raises(StoreError, match="closed"):
            step()


def test_the_log_file_stays_bounded_however_much_is_written(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_COPY_AT_PAGES", 100)
    store = open_store(data)
    history = History()
    largest = 0
    for _ in range(120):
        history.step(store, "t1", "t2", "t3")
        largest = max(largest, (data / "pdp.db-wal").stat().st_size)
    store.close()
    # 100 pages and the batch that went beyond them.
    assert largest < 200 * 4120
    assert (data / "pdp.db").stat().st_size > 100 * 4096


class TestReaders:
    def test_a_reader_sees_what_is_committed_and_nothing_else(
        self, store: SqliteStore, data: Path
    ) -> None:
        history = History()
        history.step(store, "t1")
        with open_reader(data) as reader:
            writing = store._connection
            writing.execute("BEGIN IMMEDIATE")
            writing.execute("UPDATE task SET goal = 'half done'")
            found = reader.task("t1")
            assert found is not None
            assert found.intent.goal == "Send the report to bob@example.com"
            writing.execute("ROLLBACK")
            history.step(store, "t2")
            assert [one.id for one in reader.list_tasks(after="", limit=9)] == ["t1", "t2"]

    def test_a_reader_in_the_middle_of_reading_holds_no_writer_up(
        self, store: SqliteStore, data: Path
    ) -> None:
        history = History()
        history.step(store, "t1")
        with open_reader(data) as reader:
            with reader.at_one_moment() as connection:
                (before,) = connection.execute("SELECT count(*) FROM leaf").fetchone()
                for _ in range(5):
                    history.step(store, "t1")
                (after,) = connection.execute("SELECT count(*) FROM leaf").fetchone()
            assert (before, after) == (1, 1)
            assert len(reader.task_leaves("t1")) == 6

    def test_a_reader_cannot_write(self, store: SqliteStore, data: Path) -> None:
        History().step(store, "t1")
        with (
            open_reader(data) as reader,
            reader.at_one_moment() as connection,
            pytest.raises(sqlite3.OperationalError, match="readonly"),
        ):
            connection.execute("DELETE FROM leaf")

    def test_a_reader_works_where_no_service_runs(self, data: Path) -> None:
        store = open_store(data)
        History().step(store, "t1")
        store.close()
        with open_reader(data) as reader:
            assert reader.task("t1") is not None
            assert reader.task("t2") is None

    def test_a_reader_works_in_a_folder_it_cannot_write(
        self, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = open_store(data)
        History().step(store, "t1")
        store.close()
        # Root may write everywhere, so SQLite's own refusal is what a reader would see.
        ordinary = connections._checked

        def refused(uri: str) -> sqlite3.Connection:
            if "immutable" not in uri:
                raise sqlite3.OperationalError("unable to open database file")
            return ordinary(uri)

        monkeypatch.setattr(connections, "_checked", refused)
        with open_reader(data) as reader:
            assert reader.task("t1") is not None
        assert sorted(path.name for path in data.iterdir()) == ["lock", "pdp.db"]

    def test_where_there_is_no_store_a_reader_says_so_and_makes_none(self, data: Path) -> None:
        with pytest.raises(StoreError, match="there is no store at"):
            open_reader(data)
        assert not data.exists()

    def test_a_file_that_is_no_database_is_refused(self, data: Path) -> None:
        data.mkdir()
        (data / "pdp.db").write_text("a note")
        with pytest.raises(StoreError, match="cannot be read"):
            open_reader(data)
        with pytest.raises(StoreError, match="cannot be opened"):
            open_store(data)


class TestOpening:
    def tampered(self, data: Path, statement: str) -> None:
        store = open_store(data)
        history = History()
        for _ in range(5):
            history.step(store, "t1")
        store.close()
        connection = sqlite3.connect(data / "pdp.db")
        with connection:
            connection.execute(statement)
        connection.close()

    @pytest.mark.parametrize(
        ("statement", "said"),
        [
            ("DELETE FROM leaf WHERE idx = 4", "should end with leaf 4"),
            ("UPDATE leaf SET idx = 9 WHERE idx = 4", "should end with leaf 4"),
            ("UPDATE leaf SET body = x'7b7d' WHERE idx = 4", "were changed"),
            ("UPDATE leaf SET hash = zeroblob(32) WHERE idx = 4", "were changed"),
            ("UPDATE meta SET frontier = x'00'", "damaged"),
            ("DELETE FROM meta", "damaged"),
        ],
    )
    def test_a_log_whose_end_does_not_fit_is_not_continued(
        self, data: Path, statement: str, said: str
    ) -> None:
        self.tampered(data, statement)
        with pytest.raises(StoreError, match=said):
            open_store(data)
        # And the lock was given back.
        with pytest.raises(StoreError, match=said):
            open_store(data)

    def test_a_leaf_past_the_end_is_noticed(self, data: Path) -> None:
        self.tampered(
            data, "INSERT INTO leaf SELECT idx + 1, hash, body, kind, '', 0 FROM leaf WHERE idx = 4"
        )
        with pytest.raises(StoreError, match="should end with leaf 4"):
            open_store(data)

    def test_the_files_are_for_their_owner_only(self, store: SqliteStore, data: Path) -> None:
        History().step(store, "t1")
        assert data.stat().st_mode & 0o077 == 0
        for path in data.iterdir():
            assert path.stat().st_mode & 0o077 == 0, path

    def test_a_folder_that_cannot_be_made_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreError, match="cannot be made"):
            open_store(tmp_path / "file" / "data")

    def test_the_descriptors_of_a_refused_opening_are_given_back(self, data: Path) -> None:
        self.tampered(data, "DELETE FROM leaf WHERE idx = 4")
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(3):
            with pytest.raises(StoreError):
                open_store(data)
        assert len(os.listdir("/proc/self/fd")) == before
