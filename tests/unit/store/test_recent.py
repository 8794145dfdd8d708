"""A store that remembers answers as the store itself would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pdp.decide import decide
from pdp.domain.answer import Answer
from pdp.domain.request import ReportOutcomes
from pdp.domain.task import Rollup, rollup_keys
from pdp.domain.values import Outcome, OutcomeStatus
from pdp.ports import CommitUnknown, NotRecorded, Snapshot, StoreError, Wanted
from pdp.store.recent import Recent, RecentStore
from tests.unit.decide.world import AGENT, PERSON, World, authorize, call

WANTED = Wanted(tasks=frozenset({"t1", "t2"}), rollups=frozenset(rollup_keys(AGENT, PERSON)))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    made.parts = replace(made.parts, store=RecentStore(made.store))
    made.start("t1")
    made.start("t2")
    yield made
    made.store.close()


def read(world: World) -> tuple[Snapshot, Snapshot]:
    return world.parts.store.load(WANTED), world.store.load(WANTED)


def test_what_is_remembered_is_what_is_stored_after_every_commit(world: World) -> None:
    for task_id in ("t1", "t2", "t1", "nowhere", "t1"):
        world.one(authorize(task_id=task_id))
        remembered, stored = read(world)
        assert remembered == stored


def test_a_key_that_nobody_knows_stays_absent(world: World) -> None:
    for _ in range(2):
        assert not world.parts.store.load(Wanted(tasks=frozenset({"nowhere"}))).tasks


@pytest.mark.parametrize("error", [NotRecorded("x"), CommitUnknown("x"), KeyError("x")])
def test_after_a_failed_commit_nothing_of_it_is_remembered(
    world: World, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_changes: Any) -> None:
        raise error

    world.one(authorize())
    inner: Any = world.store
    store = RecentStore(inner)
    store.load(WANTED)
    monkeypatch.setattr(type(inner), "commit", lambda _self, changes: fails(changes))
    results = decide([authorize()], replace(world.parts, store=store))
    assert not (isinstance(results[0], Answer) and results[0].decision == "allow")
    assert store.load(WANTED) == world.store.load(WANTED)


def test_a_fault_while_reading_forgets_everything(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = world.parts.store
    world.one(authorize())

    def fails(_self: Any, _wanted: Wanted) -> Snapshot:
        raise StoreError("gone")

    monkeypatch.setattr(type(world.store), "load", fails)
    assert store.load(WANTED).tasks.keys() == {"t1", "t2"}
    with pytest.raises(StoreError):
        store.load(Wanted(tasks=frozenset({"t3"})))
    with pytest.raises(StoreError):
        store.load(WANTED)


def test_only_what_was_used_last_is_kept() -> None:
    recent: Recent[Rollup] = Recent(2)
    recent.put({"a": Rollup(calls=1), "b": Rollup(calls=2)})
    recent.take(["a"])
    recent.put({"c": Rollup(calls=3)})
    assert recent.take(["a", "b", "c"]).keys() == {"a", "c"}


def test_the_events_of_a_task_come_in_the_order_of_its_log(world: World) -> None:
    first = world.one(authorize(arguments={"n": 1}))
    report = ReportOutcomes((Outcome(first.decision_id, OutcomeStatus.SUCCEEDED, b"text"),))
    world.one(authorize(task_id="t2"))
    world.decide(call(report))
    second = world.one(authorize(arguments={"n": 2}))
    events = world.parts.store.events("t1")
    told = [(event.decision_id, bool(event.input), event.output) for event in events]
    assert told[1:] == [
        (first.decision_id, True, b""),
        (first.decision_id, False, b"text"),
        (second.decision_id, True, b""),
    ]
    assert json.loads(events[1].input)["call"]["arguments"] == {"n": 1}
    assert world.parts.store.events("") == []
