"""`pdp task`: the ledger, read from the data folder beside a service or without one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pdp.domain.records import Changes
from pdp.domain.values import Decision, TaskState
from pdp.store.sqlite import SqliteStore, open_store
from tests.conformance.changes import START_US, History, task

YEAR_US = 365 * 24 * 3600 * 1_000_000


def pdp(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pdp", "task", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(data: Path) -> Iterator[SqliteStore]:
    opened = open_store(data)
    yield opened
    opened.close()


def worked(store: SqliteStore) -> None:
    """Task t1: allow (reported), deny; t2: escalate, completed."""
    history = History(store.log_state().log_id, padding=0)
    open_long = replace(task("t1"), expires_at_us=START_US + 50 * YEAR_US)
    history.tasks["t1"] = open_long
    history.tasks["t2"] = replace(task("t2"), state=TaskState.COMPLETED)
    first = history.step(store, "t1")
    for name, decision in (("t1", Decision.DENY), ("t2", Decision.ESCALATE)):
        made = history.decide(name, decision=decision)
        store.commit(made)
        history.committed(made)
    report = history.report(first.decisions[0])
    store.commit(report)
    history.committed(report)


def test_the_list_shows_every_task_on_a_line_beside_a_running_service(
    store: SqliteStore, data: Path
) -> None:
    worked(store)
    done = pdp("list", "--data", data)
    assert (done.returncode, done.stderr) == (0, "")
    header, *lines = [line.split() for line in done.stdout.splitlines()]
    assert header == [
        *("id", "subject", "principal", "state", "phase", "calls", "effects", "denials"),
        *("escalations", "started", "expires"),
    ]
    assert [line[0] for line in lines] == ["t1", "t2"]
    assert lines[0][1:9] == [
        *("spiffe://example.org/agent/t1", "t1@example.com", "active", "execute"),
        *("1", "1", "1", "0"),
    ]
    assert lines[1][3:9] == ["completed", "execute", "0", "0", "0", "1"]
    assert lines[0][9] == "2025-11-24T16:00:00Z"


def test_a_task_whose_time_is_up_has_expired(store: SqliteStore, data: Path) -> None:
    late = replace(task("t1"), expires_at_us=START_US + 1)
    store.commit(Changes(at_us=START_US, first_index=0, tasks=(late,)))
    [found] = json.loads(pdp("list", "--data", data, "--json").stdout)["tasks"]
    assert found["state"] == "expired"


def test_more_tasks_than_a_page_are_all_listed(store: SqliteStore, data: Path) -> None:
    many = tuple(task(f"t{number:04}") for number in range(1203))
    store.commit(Changes(at_us=START_US, first_index=0, tasks=many))
    found = json.loads(pdp("list", "--data", data, "--json").stdout)["tasks"]
    assert [one["id"] for one in found] == [one.id for one in many]
    assert len(pdp("list", "--data", data).stdout.splitlines()) == 1204


def test_show_tells_the_task_and_then_its_ledger_in_order(store: SqliteStore, data: Path) -> None:
    worked(store)
    done = pdp("show", "t1", "--data", data)
    assert (done.returncode, done.stderr) == (0, "")
    facts, _, ledger = done.stdout.partition("\n\n")
    assert "goal          Send the report to bob@example.com" in facts
    assert "calls         1 of 100" in facts
    header, *lines = [line.split() for line in ledger.splitlines()]
    assert header == [
        "seq",
        "time",
        "what",
        "class",
        "decision",
        "reasons",
        "outcome",
        "decision",
        "id",
    ]
    assert [line[0] for line in lines] == ["1", "2", "3"]
    first, second = (json.loads(stored.leaf.body)["id"] for stored in store.leaves(0, 2))
    sent = ["mail/send_email", "send"]
    assert lines[0][2:] == [*sent, "allow", "within_intent", "succeeded", first]
    assert lines[1][2:] == [*sent, "deny", "within_intent", second]
    assert lines[2][2:] == ["outcome", "of", "1", "succeeded"]


def test_show_in_json_holds_what_the_log_says(store: SqliteStore, data: Path) -> None:
    worked(store)
    said = json.loads(pdp("show", "t1", "--json", "--data", data).stdout)
    assert said["task"]["id"] == "t1"
    assert said["task"]["on_behalf_of"]["id"] == "t1@example.com"
    assert said["task"]["budget"] == {"max_calls": 100, "max_effects": 20}
    assert [entry["sequence"] for entry in said["ledger"]] == [1, 2, 3]
    assert [entry["leaf_index"] for entry in said["ledger"]] == [0, 1, 3]
    first, second, third = said["ledger"]
    assert (first["decision"], first["codes"], first["outcome"]) == (
        "allow",
        ["within_intent"],
        "succeeded",
    )
    assert (second["decision"], second["outcome"]) == ("deny", None)
    assert (third["kind"], third["of_sequence"]) == ("outcome", 1)
    assert first["at"].endswith("Z")
    assert first["leaf_hash"] == store.leaves(0, 1)[0].leaf.hash.hex()


def test_an_unknown_task_is_said_to_be_unknown(store: SqliteStore, data: Path) -> None:
    worked(store)
    done = pdp("show", "t\x1b[2J", "--data", data)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pdp: there is no task t\\x1b[2J in ")
    assert "`pdp task list`" in done.stderr


def test_a_folder_without_a_store_is_said_to_be_one(data: Path) -> None:
    done = pdp("list", "--data", data)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pdp: there is no store at ")


def test_the_folder_can_come_from_the_environment(
    store: SqliteStore, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked(store)
    monkeypatch.setenv("PDP_DATA", str(data))
    assert pdp("show", "t1").returncode == 0


HOSTILE = (
    "clear\x1b[2J\x9b2J bell\x07 back\b\b line\nnext \u202eesrever\u2066 [red]markup[/red] \\x1b"
)


def test_nothing_an_agent_chose_can_drive_the_terminal(store: SqliteStore, data: Path) -> None:
    history = History(store.log_state().log_id, padding=0)
    history.tasks["t1"] = task("t1", goal=HOSTILE)
    made = history.decide("t1")
    store.commit(made)
    for arguments in (("show", "t1"), ("show", "t1", "--json"), ("list", "--json")):
        said = pdp(*arguments, "--data", data).stdout
        assert not {char for char in said if not char.isprintable()} - {"\n"}
    said = pdp("show", "t1", "--data", data).stdout
    assert "clear\\x1b[2J\\x9b2J bell\\x07 back\\x08\\x08 line\\nnext \\u202eesrever\\u2066" in said
    assert "[red]markup[/red] \\\\x1b" in said


def test_a_leaf_that_was_edited_is_shown_as_far_as_it_can_be(
    store: SqliteStore, data: Path
) -> None:
    worked(store)
    store._connection.execute("UPDATE leaf SET body = x'ff' WHERE idx = 0")
    store._connection.execute("UPDATE leaf SET body = CAST('{\"at\":9e99}' AS BLOB) WHERE idx = 1")
    done = pdp("show", "t1", "--data", data)
    assert done.returncode == 0
    assert len(done.stdout.partition("\n\n")[2].splitlines()) == 4
