"""Whatever way concurrent calls fall into batches, their order rules hold."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdp.domain.answer import Answer
from pdp.domain.values import Decision
from tests.unit.decide.world import World, authorize, budgeted, policy_says

EXAMPLES = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: For each batch, the tasks that its calls belong to.
batches = st.lists(st.lists(st.sampled_from(["t1", "t2"]), max_size=12), max_size=6)


@EXAMPLES
@given(batches=batches, budget=st.integers(min_value=1, max_value=10))
def test_no_interleaving_gets_more_calls_than_the_budget(
    batches: list[list[str]], budget: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), budgeted)
        for task_id in ("t1", "t2"):
            world.start(task_id, max_calls=budget)
        allowed = {"t1": 0, "t2": 0}
        asked = {"t1": 0, "t2": 0}
        for batch in batches:
            results = world.decide(*[authorize(task_id=task_id) for task_id in batch])
            for task_id, result in zip(batch, results, strict=True):
                assert isinstance(result, Answer)
                asked[task_id] += 1
                allowed[task_id] += result.decision is Decision.ALLOW
        world.store.close()
    assert allowed == {key: min(budget, count) for key, count in asked.items()}


def one_effect_of_a_principal(document: dict[str, Any]) -> dict[str, Any]:
    """A policy with a rule over all tasks of one principal."""
    if document["tool"]["builtin"] or document["tool"]["class"] == "read":
        return policy_says("allow")
    if document["ledger"]["principal"]["effects"] < 2:
        return policy_says("allow")
    return policy_says("deny", "split_act")


calls = st.lists(
    st.tuples(st.sampled_from(["t1", "t2", "t3"]), st.sampled_from(["look", "send"])), max_size=12
)


@EXAMPLES
@given(batches=st.lists(calls, max_size=5))
def test_no_interleaving_gets_past_a_rule_over_one_principals_tasks(
    batches: list[list[tuple[str, str]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), one_effect_of_a_principal)
        for task_id in ("t1", "t2", "t3"):
            world.start(task_id)
        sends = 0
        for batch in batches:
            results = world.decide(*[authorize(name, task_id=task) for task, name in batch])
            for (_task, name), result in zip(batch, results, strict=True):
                assert isinstance(result, Answer)
                if name == "send":
                    sends += result.decision is Decision.ALLOW
                else:
                    assert result.decision is Decision.ALLOW
        world.store.close()
    asked = sum(name == "send" for batch in batches for _task, name in batch)
    assert sends == min(2, asked)


@EXAMPLES
@given(
    names=st.lists(st.sampled_from(["look", "send", "no_such_tool"]), min_size=1, max_size=8),
    repeats=st.lists(st.integers(min_value=0, max_value=7), max_size=8),
)
def test_a_repeated_request_never_adds_to_the_log(names: list[str], repeats: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.start()
        requests = [
            authorize(name, arguments={"n": index}, request_id=f"r{index}")
            for index, name in enumerate(names)
        ]
        again = [requests[index % len(requests)] for index in repeats]
        results = world.decide(*requests, *again)
        ids = {
            result.request_id: result.decision_id
            for result in results[: len(requests)]
            if isinstance(result, Answer)
        }
        for result in results[len(requests) :]:
            assert isinstance(result, Answer)
            assert result.replayed
            assert result.decision_id == ids[result.request_id]
        assert world.store.log_state().size == 1 + len(requests)
        world.store.close()


@EXAMPLES
@given(
    decision=st.sampled_from(["allow", "deny", "escalate"]),
    tool=st.sampled_from(["look", "send", "no_such_tool"]),
    task_id=st.sampled_from(["t1", "nowhere", ""]),
    arguments=st.sampled_from([{}, {"n": 1}, {"n": "text"}]),
)
def test_constrain_only_narrows_what_policy_said(
    decision: str, tool: str, task_id: str, arguments: dict[str, Any]
) -> None:
    order = {"deny": 0, "escalate": 1, "allow": 2}
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        world.start()
        world.engine.policy = lambda _document: policy_says(decision)
        answer = world.one(authorize(tool, arguments=arguments, task_id=task_id))
        assert order[answer.decision.value] <= order[decision]
        world.store.close()
