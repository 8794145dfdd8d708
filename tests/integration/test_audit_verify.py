"""The verifier names whatever was done to a log: each way of lying about the past, by its name."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdp.checkpointing import Checkpointer, open_log_key, signed_checkpoint
from pdp.domain.audit import Fault
from pdp.domain.merkle import leaf_hash
from pdp.store.keys import read_public_key
from pdp.store.reader import open_reader
from pdp.store.sqlite import open_store
from pdp.store.verify import Verified, verify_store
from tests.conformance.changes import History

# Leaves 0 to 11: t1, t2, t1, t2, … in batches of two, then the outcome of leaf 0 (t1), then t3.
NAMES = ("t1", "t2")
OUTCOME = 12
LAST = 13


def build(data: Path) -> list[str]:
    """A store with 14 leaves of three tasks; returns its two checkpoints, over 6 and 14 leaves."""
    store = open_store(data)
    checkpointer = Checkpointer(open_log_key(data), store)
    history = History(store.log_state().log_id)
    first = history.step(store, *NAMES)
    for _ in range(2):
        history.step(store, *NAMES)
    made = [checkpointer.write()]
    for _ in range(3):
        history.step(store, *NAMES)
    report = history.report(first.decisions[0])
    store.commit(report)
    history.committed(report)
    history.step(store, "t3")
    made.append(checkpointer.write())
    store.close()
    return [text for text in made if text is not None]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    folder = tmp_path_factory.mktemp("original") / "data"
    return folder, build(folder)


@pytest.fixture
def data(original: tuple[Path, list[str]], tmp_path: Path) -> Path:
    shutil.copytree(original[0], tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def checkpoint(original: tuple[Path, list[str]]) -> str:
    """The last checkpoint, as somebody else has kept it."""
    return original[1][-1]


def check(data: Path, against: str | None = None) -> Verified:
    with open_reader(data) as reader:
        return verify_store(reader, read_public_key(data), against=against)


def fault_in(data: Path, against: str | None = None) -> Fault:
    with pytest.raises(Fault) as found:
        check(data, against)
    return found.value


def tamper(data: Path, *statements: str, **values: object) -> None:
    """What somebody who can write the file may do to it."""
    connection = sqlite3.connect(data / "pdp.db")
    with connection:
        for statement in statements:
            connection.execute(statement, values)
    connection.close()


def body_of(data: Path, index: int) -> dict[str, object]:
    connection = sqlite3.connect(data / "pdp.db")
    (raw,) = connection.execute("SELECT body FROM leaf WHERE idx = ?", (index,)).fetchone()
    connection.close()
    body = json.loads(raw)
    assert isinstance(body, dict)
    return body


def rewrite(data: Path, index: int, *, with_hash: bool, **members: object) -> bytes:
    """Edit a leaf's body, and its hash too if asked; returns the new hash."""
    raw = json.dumps(
        {**body_of(data, index), **members}, sort_keys=True, separators=(",", ":")
    ).encode()
    new = leaf_hash(raw)
    tamper(data, "UPDATE leaf SET body = :raw WHERE idx = :index", raw=raw, index=index)
    if with_hash:
        tamper(data, "UPDATE leaf SET hash = :new WHERE idx = :index", new=new, index=index)
    return new


def exchange(*tables: str) -> list[str]:
    """Statements that exchange the places 4 and 5 of the log."""
    columns = {"leaf": "idx", "decision": "leaf_index", "input": "leaf_index"}
    return [
        f"UPDATE {table} SET {columns[table]} = {to} WHERE {columns[table]} = {place}"  # noqa: S608
        for table in tables
        for place, to in ((4, 1000), (5, 4), (1000, 5))
    ]


class TestAWholeLog:
    def test_is_found_whole_and_counted(self, data: Path) -> None:
        found = check(data)
        assert (found.leaves, found.checkpoints, found.tasks) == (14, 2, 3)
        assert (found.inputs, found.inputs_erased, found.outcomes) == (13, 0, 1)
        assert found.against is None

    def test_is_consistent_with_any_of_its_checkpoints(
        self, data: Path, original: tuple[Path, list[str]]
    ) -> None:
        assert [check(data, text).against for text in original[1]] == [6, 14]

    def test_may_be_empty(self, tmp_path: Path) -> None:
        open_store(tmp_path / "data").close()
        assert check(tmp_path / "data").leaves == 0

    def test_may_be_checked_while_the_service_writes_on(self, data: Path, checkpoint: str) -> None:
        store = open_store(data)
        history = History.continuing(store, "t1")
        with open_reader(data) as reader:
            key = read_public_key(data)
            told: list[tuple[int, int]] = []

            def writes_on(done: int, total: int) -> None:
                told.append((done, total))
                history.step(store, "t1")

            found = verify_store(reader, key, against=checkpoint, progress=writes_on)
            assert found.leaves == 14
            assert told == [(14, 14)]
            assert verify_store(reader, key).leaves == 15
        store.close()

    def test_stays_whole_when_inputs_are_erased(self, data: Path) -> None:
        tamper(data, "DELETE FROM input WHERE task_id = 't1'")
        found = check(data)
        assert (found.inputs, found.inputs_erased) == (7, 6)


class TestALeaf:
    def test_whose_body_was_edited_is_named(self, data: Path) -> None:
        rewrite(data, 4, with_hash=False, decision="deny")
        fault = fault_in(data)
        assert fault.index == 4
        assert "its body has the hash" in fault.what
        assert "edited" in fault.meaning

    def test_whose_body_and_hash_were_edited_breaks_its_tasks_chain(self, data: Path) -> None:
        rewrite(data, 7, with_hash=True, revision="r2")
        fault = fault_in(data)
        assert fault.index == 9
        assert "as the leaf before it of task t2" in fault.what
        assert "leaf 7 was edited together with its hash" in fault.meaning

    def test_that_is_its_tasks_last_and_was_edited_with_its_hash_misses_the_checkpoint(
        self, data: Path
    ) -> None:
        rewrite(data, LAST, with_hash=True, revision="r2")
        fault = fault_in(data)
        assert "the tree over the first 14 leaves" in fault.what
        assert "checkpoint 2 of the store" in fault.what

    def test_edited_with_all_that_hangs_on_it_misses_the_recorded_root(self, data: Path) -> None:
        new = rewrite(data, LAST, with_hash=True, revision="r2")
        tamper(
            data,
            "DELETE FROM checkpoint",
            "UPDATE task SET last_leaf = :new WHERE id = 't3'",
            new=new,
        )
        fault = fault_in(data)
        assert "the store has recorded" in fault.what
        assert "edited together with their hashes" in fault.meaning

    def test_that_was_dropped_is_named(self, data: Path) -> None:
        tamper(data, "DELETE FROM leaf WHERE idx = 5")
        fault = fault_in(data)
        assert (fault.index, fault.what) == (5, "it is missing; the next one is leaf 6")
        assert "deleted" in fault.meaning

    def test_dropped_with_the_others_moved_up_leaves_a_gap_in_its_task(self, data: Path) -> None:
        tamper(
            data,
            "DELETE FROM leaf WHERE idx = 5",
            "DELETE FROM decision WHERE leaf_index = 5",
            "DELETE FROM input WHERE leaf_index = 5",
            *(
                f"UPDATE {table} SET {column} = {place - 1} WHERE {column} = {place}"  # noqa: S608
                for place in range(6, 14)
                for table, column in (
                    ("leaf", "idx"),
                    ("decision", "leaf_index"),
                    ("input", "leaf_index"),
                )
            ),
        )
        # With one leaf fewer, the checkpoint over the first six is the first to notice.
        assert "the tree over the first 6 leaves" in fault_in(data).what
        tamper(data, "DELETE FROM checkpoint")
        fault = fault_in(data)
        assert fault.index == 6
        assert fault.what == "it is number 4 of task t2, where number 3 is due"
        assert "dropped" in fault.meaning

    def test_two_of_which_were_exchanged_are_named(self, data: Path) -> None:
        tamper(data, *exchange("leaf"))
        fault = fault_in(data)
        assert fault.index == 4
        assert "is kept beside it" in fault.what

    def test_two_of_which_were_exchanged_with_all_beside_them_miss_the_checkpoint(
        self, data: Path
    ) -> None:
        tamper(data, *exchange("leaf", "decision", "input"))
        fault = fault_in(data)
        assert "the tree over the first 6 leaves" in fault.what
        assert "checkpoint 1 of the store" in fault.what

    def test_of_one_task_exchanged_with_another_breaks_the_count(self, data: Path) -> None:
        tamper(
            data,
            "UPDATE leaf SET idx = 1000 WHERE idx = 2",
            "UPDATE leaf SET idx = 2 WHERE idx = 4",
            "UPDATE leaf SET idx = 4 WHERE idx = 1000",
        )
        fault = fault_in(data)
        assert fault.index == 2
        assert fault.what == "it is number 3 of task t1, where number 2 is due"

    def test_that_is_older_than_the_one_before_it_is_named(self, tmp_path: Path) -> None:
        data = tmp_path / "data"
        store = open_store(data)
        history = History(store.log_state().log_id)
        history.step(store, "t1")
        history.at_us -= 1_000_000
        history.step(store, "t1")
        store.close()
        fault = fault_in(data)
        assert fault.index == 1
        assert "the leaf before it is of 20" in fault.what

    @pytest.mark.parametrize(
        ("column", "value", "said"),
        [("kind", "note", "as kind"), ("task_id", "t2", "as task"), ("sequence", 9, "as number")],
    )
    def test_that_is_listed_as_something_else_is_named(
        self, data: Path, column: str, value: object, said: str
    ) -> None:
        tamper(data, f"UPDATE leaf SET {column} = :value WHERE idx = 4", value=value)  # noqa: S608
        fault = fault_in(data)
        assert fault.index == 4
        assert said in fault.what

    @pytest.mark.parametrize(
        "raw", [b"", b"[]", b"{", b"\xff", b'{"v":1}', b"[" * 100_000, b'{"v":true}']
    )
    def test_that_is_no_leaf_of_ours_is_named(self, data: Path, raw: bytes) -> None:
        tamper(
            data,
            "UPDATE leaf SET body = :raw, hash = :new WHERE idx = 0",
            raw=raw,
            new=leaf_hash(raw),
        )
        fault = fault_in(data)
        assert (fault.index, fault.what) == (0, "its body is not that of a leaf")

    def test_of_a_newer_version_asks_for_the_newer_program(self, data: Path) -> None:
        rewrite(data, 0, with_hash=True, v=2)
        fault = fault_in(data)
        assert "version 2" in fault.what
        assert "newer version" in fault.meaning

    @settings(max_examples=40, deadline=None)
    @given(index=st.integers(0, 13), position=st.integers(0, 10**6), bit=st.integers(0, 7))
    def test_with_any_one_bit_changed_is_named(
        self,
        original: tuple[Path, list[str]],
        tmp_path_factory: pytest.TempPathFactory,
        index: int,
        position: int,
        bit: int,
    ) -> None:
        data = tmp_path_factory.mktemp("bit") / "data"
        shutil.copytree(original[0], data)
        connection = sqlite3.connect(data / "pdp.db")
        query = "SELECT body FROM leaf WHERE idx = ?"
        raw = bytearray(connection.execute(query, (index,)).fetchone()[0])
        connection.close()
        raw[position % len(raw)] ^= 1 << bit
        tamper(data, "UPDATE leaf SET body = :raw WHERE idx = :index", raw=bytes(raw), index=index)
        assert fault_in(data).index == index


class TestTheEnd:
    def test_cut_off_is_noticed_by_the_stores_own_record(self, data: Path) -> None:
        tamper(data, "DELETE FROM leaf WHERE idx >= 12", "DELETE FROM checkpoint")
        fault = fault_in(data)
        assert (fault.index, fault.what) == (
            12,
            "it is missing; the store has recorded 14 leaves",
        )
        assert "cut off" in fault.meaning

    def test_cut_off_cleanly_is_noticed_only_against_a_checkpoint_kept_elsewhere(
        self, tmp_path: Path
    ) -> None:
        data, older = tmp_path / "data", tmp_path / "older"
        store = open_store(data)
        open_log_key(data)
        history = History(store.log_state().log_id)
        history.step(store, "t1", "t2")
        store.close()
        shutil.copytree(data, older)
        store = open_store(data)
        history.step(store, "t1")
        elsewhere = Checkpointer(open_log_key(data), store).write()
        store.close()
        assert check(older).leaves == 2
        fault = fault_in(older, elsewhere)
        assert fault.index == 2
        assert "the checkpoint given was signed over 3 leaves" in fault.what
        assert "cut off" in fault.meaning

    def test_cut_off_but_for_a_checkpoint_in_the_store_is_noticed_by_it(self, data: Path) -> None:
        tamper(
            data,
            "INSERT INTO checkpoint (size, text) VALUES (15, :text)",
            text=signed(data, size=15),
        )
        fault = fault_in(data)
        assert fault.index == 14
        assert "checkpoint 3 of the store was signed over 15 leaves" in fault.what

    def test_with_a_leaf_added_past_the_program_is_noticed(self, data: Path) -> None:
        tamper(
            data,
            "INSERT INTO leaf SELECT 14, hash, body, kind, task_id, sequence"
            " FROM leaf WHERE idx = 13",
        )
        assert fault_in(data).index == 14

    def test_with_its_record_made_senseless_is_noticed(self, data: Path) -> None:
        tamper(data, "UPDATE meta SET frontier = x'0102'")
        assert "makes no sense" in fault_in(data).what

    def test_with_its_clock_set_back_is_noticed(self, data: Path) -> None:
        tamper(data, "UPDATE meta SET last_at_us = 5")
        fault = fault_in(data)
        assert fault.index == LAST
        assert "set back" in fault.meaning


def signed(data: Path, **changes: object) -> str:
    """A checkpoint that the log's own key signs, whatever it says."""
    with open_reader(data) as reader:
        state = reader.log_state()
    return signed_checkpoint(open_log_key(data), replace(state, **changes))  # type: ignore[arg-type]


class TestCheckpoints:
    def test_one_edited_in_the_store_is_named(self, data: Path) -> None:
        tamper(
            data,
            "UPDATE checkpoint SET text = replace(text, char(10) || '6' || char(10),"
            " char(10) || '7' || char(10)) WHERE number = 1",
        )
        fault = fault_in(data)
        assert "checkpoint 1 of the store is not one of this log" in fault.what
        assert "does not verify" in fault.what
        assert "forged" in fault.meaning

    def test_one_signed_with_another_key_is_named(self, data: Path, tmp_path: Path) -> None:
        stranger = tmp_path / "stranger"
        stranger.mkdir()
        shutil.copy(data / "pdp.db", stranger)
        tamper(
            data,
            "UPDATE checkpoint SET text = :text WHERE number = 2",
            text=signed(stranger),
        )
        fault = fault_in(data)
        assert "checkpoint 2 of the store is not one of this log" in fault.what

    def test_one_that_is_no_checkpoint_is_named(self, data: Path) -> None:
        tamper(data, "UPDATE checkpoint SET text = 'nothing' WHERE number = 1")
        assert "checkpoint 1 of the store is not one of this log" in fault_in(data).what

    def test_a_replaced_key_makes_all_of_them_foreign(self, data: Path, checkpoint: str) -> None:
        (data / "log.key").unlink()
        (data / "log.pub").unlink()
        open_log_key(data)
        assert "checkpoint 1 of the store" in fault_in(data).what
        tamper(data, "DELETE FROM checkpoint")
        assert check(data).leaves == 14
        fault = fault_in(data, checkpoint)
        assert "the checkpoint given is not one of this log" in fault.what
        assert "replaced together with its key" in fault.meaning

    def test_one_over_another_root_shows_two_histories(self, data: Path, tmp_path: Path) -> None:
        # The same log and key, continued in two ways: each alone is whole.
        one, two = data, tmp_path / "two"
        shutil.copytree(one, two)
        shown = {}
        for folder, name in ((one, "t1"), (two, "t2")):
            store = open_store(folder)
            History.continuing(store, "t1", "t2").step(store, name)
            shown[folder] = Checkpointer(open_log_key(folder), store).write()
            store.close()
            assert check(folder, shown[folder]).against == 15
        for folder, other in ((one, two), (two, one)):
            fault = fault_in(folder, shown[other])
            assert "the checkpoint given was signed over" in fault.what
            assert "two histories" in fault.meaning

    def test_two_in_the_store_over_one_size_show_two_histories(self, data: Path) -> None:
        tamper(
            data,
            "INSERT INTO checkpoint (size, text) VALUES (14, :text)",
            text=signed(data, root=bytes(32)),
        )
        fault = fault_in(data)
        assert "checkpoint 3 of the store was signed over" in fault.what
        assert "two histories" in fault.meaning

    def test_one_of_another_log_is_not_taken_for_one_of_this(
        self, data: Path, tmp_path: Path
    ) -> None:
        [_, other] = build(tmp_path / "other")
        assert "not one of this log" in fault_in(data, other).what


class TestWhatIsKeptBeside:
    @pytest.mark.parametrize(
        ("statement", "index", "said"),
        [
            ("UPDATE decision SET decision = 'deny' WHERE leaf_index = 4", 4, "as decision"),
            ("UPDATE decision SET decision = 'bogus' WHERE leaf_index = 4", 4, "as decision"),
            ("UPDATE decision SET task_id = 't2' WHERE leaf_index = 4", 4, "as task"),
            ("UPDATE decision SET caller = 'x' WHERE leaf_index = 4", 4, "as caller"),
            ("UPDATE decision SET server = 'x' WHERE leaf_index = 4", 4, "as server"),
            ("UPDATE decision SET tool = 'x' WHERE leaf_index = 4", 4, "as tool"),
            ("UPDATE decision SET at_us = 1 WHERE leaf_index = 4", 4, "as time"),
            ("UPDATE decision SET id = 'd-x' WHERE leaf_index = 4", 4, "as id"),
            ("DELETE FROM decision WHERE leaf_index = 4", 4, "is not kept beside it"),
            ("UPDATE decision SET leaf_index = 12 WHERE leaf_index = 13", 12, "no decision"),
            ("INSERT INTO input VALUES (12, 't1', x'00', x'00')", 12, "no decision"),
            ("UPDATE input SET body = x'7b7d' WHERE leaf_index = 4", 4, "commits to"),
            ("UPDATE input SET nonce = x'00' WHERE leaf_index = 4", 4, "commits to"),
            ("UPDATE input SET task_id = 't2' WHERE leaf_index = 4", 4, "commits to"),
            ("INSERT INTO input VALUES (99, 't1', x'00', x'00')", 99, "does not exist"),
            (
                "INSERT INTO decision VALUES (-1,'d','','','allow','read','trusted',1,'','',1,'')",
                -1,
                "does not exist",
            ),
            ("UPDATE task SET sequence = 6 WHERE id = 't1'", 12, "has 7 leaves"),
            ("UPDATE task SET last_leaf = zeroblob(32) WHERE id = 't2'", 11, "another newest"),
            ("DELETE FROM task WHERE id = 't3'", 13, "no such task"),
            ("UPDATE task SET id = 't0' WHERE id = 't3'", None, "task t0 has 0 leaves"),
            ("UPDATE outcome SET status = 2", 12, "does not say what is kept"),
            ("UPDATE outcome SET status = 77", 12, "does not say what is kept"),
            ("UPDATE outcome SET output = x'00'", 12, "does not say what is kept"),
            ("UPDATE outcome SET leaf_index = 11", 11, "does not say what is kept"),
            ("UPDATE outcome SET leaf_index = 99", 99, "does not say what is kept"),
            ("UPDATE outcome SET leaf_hash = zeroblob(32)", 12, "does not say what is kept"),
            ("UPDATE outcome SET decision_id = 'd-1'", 12, "does not say what is kept"),
            ("DELETE FROM outcome", None, "records 1 outcomes, and 0 are kept"),
        ],
    )
    def test_a_change_is_named_with_its_leaf(
        self, data: Path, statement: str, index: int | None, said: str
    ) -> None:
        tamper(data, statement)
        fault = fault_in(data)
        assert said in fault.what
        assert fault.index == index


class TestTheCommand:
    def pdp(self, *arguments: object, command: str = "verify") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pdp", "audit", command, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def test_a_whole_log_exits_0_and_says_that_its_end_was_not_checked(self, data: Path) -> None:
        done = self.pdp("--data", data)
        assert (done.returncode, done.stderr) == (0, "")
        assert "ok: 14 leaves, 2 checkpoints, 3 tasks" in done.stdout
        assert "truncation not checked" in done.stdout

    def test_against_a_checkpoint_the_end_is_checked(
        self, data: Path, checkpoint: str, tmp_path: Path
    ) -> None:
        (tmp_path / "kept.txt").write_text(checkpoint)
        done = self.pdp("--data", data, "--against", tmp_path / "kept.txt")
        assert done.returncode == 0
        assert "consistent with the given checkpoint over 14 leaves" in done.stdout
        assert "not checked" not in done.stdout

    def test_the_newest_checkpoint_is_printed_as_it_was_signed(
        self, data: Path, checkpoint: str, tmp_path: Path
    ) -> None:
        printed = self.pdp("--data", data, command="checkpoint")
        assert (printed.returncode, printed.stdout, printed.stderr) == (0, checkpoint, "")
        (tmp_path / "kept.txt").write_text(printed.stdout)
        tamper(data, "DELETE FROM checkpoint", "DELETE FROM leaf WHERE idx >= 12")
        assert self.pdp("--data", data, "--against", tmp_path / "kept.txt").returncode == 1

    def test_a_log_without_a_checkpoint_says_when_there_will_be_one(self, data: Path) -> None:
        tamper(data, "DELETE FROM checkpoint")
        done = self.pdp("--data", data, command="checkpoint")
        assert (done.returncode, done.stdout) == (2, "")
        assert "no checkpoint yet" in done.stderr

    def test_a_folder_without_a_log_has_no_checkpoint(self, tmp_path: Path) -> None:
        done = self.pdp("--data", tmp_path / "absent", command="checkpoint")
        assert (done.returncode, done.stdout) == (2, "")
        assert "there is no store" in done.stderr

    def test_a_fault_exits_1_and_says_where_what_and_why(self, data: Path) -> None:
        rewrite(data, 4, with_hash=False, decision="deny")
        done = self.pdp("--data", data)
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout.startswith("FAULT leaf 4: its body has the hash")
        assert "This may mean: the leaf was edited" in done.stdout

    def test_json_says_the_same_to_programs(self, data: Path) -> None:
        whole = json.loads(self.pdp("--data", data, "--json").stdout)
        assert (whole["ok"], whole["leaves"], whole["truncation"]) == (True, 14, "not checked")
        tamper(data, "DELETE FROM leaf WHERE idx = 5")
        done = self.pdp("--data", data, "--json")
        assert done.returncode == 1
        said = json.loads(done.stdout)
        assert said["ok"] is False
        assert said["fault"]["leaf"] == 5

    def test_what_cannot_be_checked_exits_2(self, data: Path, tmp_path: Path) -> None:
        (tmp_path / "note.txt").write_text("a note\n")
        (tmp_path / "noise").mkdir()
        (tmp_path / "noise" / "pdp.db").write_bytes(b"noise" * 1000)
        for arguments, said in (
            (("--data", tmp_path / "absent"), "there is no store"),
            (("--data", tmp_path / "noise"), "cannot be read"),
            (("--data", data, "--against", tmp_path / "note.txt"), "not a signed checkpoint"),
            (("--data", data, "--against", tmp_path / "absent.txt"), "No such file"),
            (("--data", data, "--nonsense"), "No such option"),
        ):
            done = self.pdp(*arguments)
            assert done.returncode == 2, done
            assert said in done.stderr
            assert "Traceback" not in done.stderr
            assert done.stdout == ""

    def test_without_the_public_key_checkpoints_cannot_be_checked(self, data: Path) -> None:
        (data / "log.pub").unlink()
        done = self.pdp("--data", data)
        assert done.returncode == 2
        assert "no log.pub" in done.stderr

    def test_a_name_in_a_fault_cannot_drive_the_terminal(self, data: Path) -> None:
        tamper(data, "UPDATE task SET id = :id WHERE id = 't3'", id="\x1b[2Jt0\u202e")
        done = self.pdp("--data", data)
        assert done.returncode == 1
        assert "\x1b" not in done.stdout
        assert "\u202e" not in done.stdout
        assert "\\x1b[2Jt0\\u202e" in done.stdout


def test_every_fault_has_a_meaning(data: Path) -> None:
    steps: list[Callable[[], None]] = [
        lambda: tamper(data, "UPDATE meta SET frontier = x'00'"),
        lambda: tamper(data, "DELETE FROM outcome"),
        lambda: tamper(data, "DELETE FROM leaf WHERE idx = 3"),
    ]
    for step in steps:
        step()
        assert fault_in(data).meaning
