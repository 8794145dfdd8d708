"""No path from an exception to an allow: a fault is put into every step and every port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import pdp.decide
from pdp.decide import decide
from pdp.domain.answer import Answer, Refusal
from pdp.domain.values import Decision, Outcome, OutcomeStatus
from pdp.ports import CommitUnknown, NotRecorded, StoreError
from pdp.store.guarded import GuardedStore
from tests.unit.decide.world import World, authorize


class Boom(Exception):
    """Something nobody foresaw."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world with a task, whose policy allows everything."""
    made = World(tmp_path)
    made.start()
    yield made
    made.store.close()


class Failing:
    """Wraps a port; the named method raises."""

    def __init__(self, inner: Any, method: str, error: BaseException) -> None:
        self._inner = inner
        self._method = method
        self._error = error

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            return self._raise
        return getattr(self._inner, name)

    def _raise(self, *_: object, **__: object) -> Any:
        raise self._error


def assert_nothing_allowed(results: list[Any]) -> None:
    assert len(results) == 2
    for result in results:
        assert isinstance(result, Refusal) or result.decision is Decision.DENY, result


PORTS = [
    ("engine", "evaluate_many"),
    ("store", "log_state"),
    ("store", "load"),
    ("store", "commit"),
    ("clock", "now_us"),
    ("clock", "new_id"),
    ("clock", "nonce"),
]


@pytest.mark.parametrize(("port", "method"), PORTS)
@pytest.mark.parametrize("error", [Boom("x"), MemoryError(), RecursionError(), KeyError("x")])
def test_a_port_that_raises_allows_nothing(
    world: World, port: str, method: str, error: Exception
) -> None:
    failing: Any = Failing(getattr(world.parts, port), method, error)
    parts = replace(world.parts, **{port: failing})
    size = world.store.log_state().size
    assert_nothing_allowed(decide([authorize(), authorize("send")], parts))
    if port != "engine":
        assert world.store.log_state().size == size


@pytest.mark.parametrize("error", [StoreError("x"), NotRecorded("x"), CommitUnknown("x")])
@pytest.mark.parametrize("method", ["log_state", "load", "commit"])
def test_a_store_that_fails_answers_not_recorded(
    world: World, method: str, error: Exception
) -> None:
    failing: Any = Failing(world.store, method, error)
    parts = replace(world.parts, store=failing)
    for result in decide([authorize(), authorize("send")], parts):
        assert isinstance(result, Answer)
        assert result.decision is Decision.DENY
        assert [reason.code for reason in result.reasons] == ["not_recorded"]
        assert not result.decision_id


STEPS = [
    "admit",
    "waves",
    "gather",
    "record_outcomes",
    "input_document",
    "broken_invariants",
    "settle",
    "parse_decision",
    "evaluate",
    "constrained_by",
    "require_batch",
]


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_raises_allows_nothing(
    world: World, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def boom(*_: object, **__: object) -> Any:
        raise Boom(step)

    monkeypatch.setattr(pdp.decide, step, boom)
    carried = (Outcome("d-1", OutcomeStatus.SUCCEEDED),) if step == "record_outcomes" else ()
    calls = [authorize(outcomes=carried), authorize("send", outcomes=carried)]
    assert_nothing_allowed(decide(calls, world.parts))


@pytest.mark.parametrize("wrong", [[], [None], ["allow"] * 2, None, [{}] * 3])
def test_an_engine_that_answers_out_of_shape_allows_nothing(world: World, wrong: Any) -> None:
    world.engine.evaluate_many = lambda *_: wrong  # type: ignore[method-assign]
    assert_nothing_allowed(decide([authorize(), authorize("send")], world.parts))


class Forgetful(Failing):
    """A store whose commit's result is lost, whether it happened or not."""

    def __init__(self, inner: Any, *, happens: bool, answers: bool) -> None:
        super().__init__(inner, "", Boom())
        self._happens = happens
        self._answers = answers

    def commit(self, changes: Any) -> None:
        if self._happens:
            self._inner.commit(changes)
        raise CommitUnknown("lost")

    def settle(self, changes: Any) -> bool:
        if not self._answers:
            raise StoreError("still gone")
        settled: bool = self._inner.settle(changes)
        return settled


def _guarded(world: World, **how: bool) -> tuple[GuardedStore, Callable[[], list[Any]]]:
    forgetful: Any = Forgetful(world.store, **how)
    store = GuardedStore(forgetful)
    parts = replace(world.parts, store=store)
    return store, lambda: list(decide([authorize()], parts))


def test_a_commit_that_turns_out_to_have_happened_is_answered_as_decided(world: World) -> None:
    store, ask = _guarded(world, happens=True, answers=True)
    assert ask()[0].decision is Decision.ALLOW
    assert not store.failing


def test_a_commit_that_turns_out_not_to_have_happened_is_a_deny(world: World) -> None:
    _store, ask = _guarded(world, happens=False, answers=True)
    assert [reason.code for reason in ask()[0].reasons] == ["not_recorded"]


def test_nothing_is_served_while_the_truth_of_a_commit_is_unknown(world: World) -> None:
    store, ask = _guarded(world, happens=True, answers=False)
    for _ in range(3):
        assert [reason.code for reason in ask()[0].reasons] == ["not_recorded"]
    assert store.failing
    assert world.store.log_state().size == 2
