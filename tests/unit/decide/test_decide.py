"""What the six steps do with one batch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pdp.decide import ANSWER_VALID_US, decide
from pdp.domain.answer import Answer, OutcomesRecorded, Refusal, RefusalKind
from pdp.domain.request import (
    ChangePhase,
    CompleteTask,
    PlannedCall,
    ReportOutcomes,
    StartTask,
)
from pdp.domain.values import (
    Action,
    Caller,
    Decision,
    Intent,
    NextAction,
    Outcome,
    OutcomeStatus,
    Phase,
    Resource,
    Sensitivity,
    Subject,
    TaskState,
)
from pdp.ports import EngineFault
from tests.unit.decide.world import (
    AGENT,
    GATEWAY,
    World,
    authorize,
    budgeted,
    call,
    policy_says,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world whose policy allows everything."""
    made = World(tmp_path)
    yield made
    made.store.close()


def codes(result: object) -> set[str]:
    assert isinstance(result, Answer), result
    return {reason.code for reason in result.reasons}


def test_an_allow_carries_the_canonical_arguments_and_a_receipt_for_its_leaf(world: World) -> None:
    world.start()
    answer = world.one(authorize(arguments={"b": 1, "a": "x"}))
    assert answer.decision is Decision.ALLOW
    assert answer.canonical_arguments == b'{"a":"x","b":1}'
    assert answer.receipt is not None
    leaf = world.store.leaves(answer.receipt.leaf_index, 1)[0].leaf
    assert leaf.hash == answer.receipt.leaf_hash
    body = json.loads(leaf.body)
    assert (body["id"], body["decision"], body["task"]) == (answer.decision_id, "allow", "t1")
    assert body["seq"] == 2


def test_a_deny_carries_no_canonical_arguments(world: World) -> None:
    world.start()
    world.engine.policy = lambda _document: policy_says("deny", "outside_intent")
    answer = world.one(authorize())
    assert answer.decision is Decision.DENY
    assert answer.canonical_arguments == b""
    assert codes(answer) == {"outside_intent"}


def test_an_escalate_opens_one_question_and_finds_it_again(world: World) -> None:
    world.start()
    world.engine.policy = lambda _document: policy_says("escalate", "irreversible")
    first, again = world.one(authorize()), world.one(authorize())
    other = world.one(authorize(arguments={"n": 1}))
    assert first.approval is not None
    assert again.approval is not None
    assert first.next_action is NextAction.WAIT_FOR_APPROVAL
    assert first.approval.id == again.approval.id
    assert other.approval is not None
    assert other.approval.id != first.approval.id


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        [],
        "allow",
        True,
        {"decision": "allow"},
        policy_says("ALLOW"),
        policy_says("allow", reasons=[]),
        policy_says("allow", obligations={}),
        policy_says("allow", verdicts=[]),
        policy_says("allow", ""),
        policy_says("allow", terms={"phase": "execute"}),
        policy_says("escalate", escalation=None),
    ],
)
def test_what_is_not_a_well_formed_decision_is_a_deny(world: World, value: object) -> None:
    world.start()
    world.engine.policy = lambda _document: value
    answer = world.one(authorize())
    assert answer.decision is Decision.DENY
    assert codes(answer) == {"policy_error"}
    assert answer.receipt is not None


def test_an_engine_fault_denies_its_own_call_and_no_other(world: World) -> None:
    world.start()
    world.start("t2")
    world.engine.policy = lambda document: (
        EngineFault("policy_timeout", "too slow")
        if document["task"]["id"] == "t2"
        else policy_says("allow")
    )
    mine, late = world.decide(authorize(), authorize(task_id="t2"))
    assert isinstance(mine, Answer)
    assert mine.decision is Decision.ALLOW
    assert codes(late) == {"policy_timeout"}


def test_policy_cannot_allow_what_an_invariant_forbids(world: World) -> None:
    assert codes(world.one(authorize(task_id="nowhere"))) == {"unknown_task"}
    world.start()
    assert codes(world.one(authorize("no_such_tool"))) == {"unknown_tool"}
    assert codes(world.one(authorize(arguments={"n": "text"}))) == {"arguments_invalid"}
    assert codes(world.one(authorize("send", task_id=""))) == {"task_unregistered"}
    world.one(call(CompleteTask("t1")))
    assert codes(world.one(authorize())) == {"task_ended"}


def test_another_subjects_task_is_answered_like_none(world: World) -> None:
    world.start()
    answer = world.one(authorize(subject=replace(AGENT, id="spiffe://example.test/other")))
    assert codes(answer) == {"unknown_task"}
    assert answer.task is None
    assert answer.receipt is not None


def test_a_task_that_is_out_of_time_has_expired(world: World) -> None:
    world.start()
    world.clock.wall_us += 3601 * 1_000_000
    answer = world.one(authorize())
    assert codes(answer) == {"task_ended"}
    assert answer.task is not None
    assert answer.task.state is TaskState.EXPIRED


def test_time_never_goes_back_in_the_log(world: World) -> None:
    world.start()
    world.clock.wall_us -= 10_000_000
    assert world.one(authorize()).evaluated_at_us == 1_700_000_000_000_000


def test_calls_of_one_task_in_a_batch_see_each_other(tmp_path: Path) -> None:
    world = World(tmp_path, budgeted)
    world.start(max_calls=3)
    results = world.decide(*[authorize() for _ in range(8)])
    allowed = [one for one in results if isinstance(one, Answer) and one.decision == "allow"]
    assert len(allowed) == 3
    assert [len(batch) for batch in world.engine.batches[1:]] == [1] * 8
    world.store.close()


def test_calls_of_different_tasks_share_one_wave_but_effects_of_one_principal_do_not(
    world: World,
) -> None:
    world.start("t1")
    world.start("t2")
    world.decide(authorize(task_id="t1"), authorize(task_id="t2"))
    assert len(world.engine.batches[-1]) == 2
    world.decide(authorize("send", task_id="t1"), authorize("send", task_id="t2"))
    assert [len(batch) for batch in world.engine.batches[-2:]] == [1, 1]


def test_a_repeated_request_id_gets_the_recorded_answer(world: World) -> None:
    world.start()
    first = world.one(authorize(request_id="r1"))
    again = world.one(authorize(request_id="r1"))
    assert replace(again, replayed=False) == first
    assert again.replayed
    assert world.store.log_state().size == 2


def test_a_repeat_within_one_batch_is_a_repeat_too(world: World) -> None:
    world.start()
    first, again = world.decide(authorize(request_id="r1"), authorize(request_id="r1"))
    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert again.replayed
    assert again.decision_id == first.decision_id


def test_another_request_under_a_used_request_id_is_refused(world: World) -> None:
    world.start()
    world.one(authorize(request_id="r1"))
    result = world.decide(authorize(arguments={"n": 2}, request_id="r1"))[0]
    assert isinstance(result, Refusal)
    assert result.kind is RefusalKind.ALREADY_EXISTS


def test_a_request_id_whose_answer_is_no_longer_valid_is_refused(world: World) -> None:
    world.start()
    world.one(authorize(request_id="r1"))
    world.clock.wall_us += ANSWER_VALID_US
    result = world.decide(authorize(request_id="r1"))[0]
    assert isinstance(result, Refusal)
    assert result.kind is RefusalKind.FAILED_PRECONDITION


def test_a_repeat_of_an_allow_is_denied_once_the_task_has_ended(world: World) -> None:
    world.start()
    world.one(authorize(request_id="r1"))
    world.one(call(CompleteTask("t1")))
    again = world.one(authorize(request_id="r1"))
    assert again.replayed
    assert again.decision is Decision.DENY
    assert codes(again) == {"task_ended"}
    assert again.canonical_arguments == b""


def test_an_outcome_is_taken_once_and_only_from_its_caller(world: World) -> None:
    world.start()
    answer = world.one(authorize())
    report = ReportOutcomes((Outcome(answer.decision_id, OutcomeStatus.SUCCEEDED, b"text"),))
    first, again = world.decide(call(report), call(report))
    assert isinstance(first, OutcomesRecorded)
    assert isinstance(again, OutcomesRecorded)
    assert first.receipts == again.receipts
    other = ReportOutcomes((Outcome(answer.decision_id, OutcomeStatus.FAILED, b"text"),))
    refused = world.decide(call(other))[0]
    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.ALREADY_EXISTS
    stranger = Caller(Subject(type="service", id="other"), GATEWAY.roles, "test")
    refused = world.decide(call(report, caller=stranger))[0]
    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.NOT_FOUND


def test_one_bad_outcome_refuses_the_whole_request(world: World) -> None:
    world.start()
    answer = world.one(authorize())
    size = world.store.log_state().size
    outcomes = (
        Outcome(answer.decision_id, OutcomeStatus.SUCCEEDED),
        Outcome("d-unknown", OutcomeStatus.SUCCEEDED),
    )
    refused = world.decide(authorize(outcomes=outcomes))[0]
    assert isinstance(refused, Refusal)
    assert (refused.kind, refused.field) == (RefusalKind.NOT_FOUND, "outcomes[1].decision_id")
    assert world.store.log_state().size == size


def test_outcomes_carried_by_a_call_are_recorded_before_it_is_decided(world: World) -> None:
    world.start()
    first = world.one(authorize())
    carried = (Outcome(first.decision_id, OutcomeStatus.SUCCEEDED, b"text"),)
    second = world.one(authorize(outcomes=carried))
    assert second.task is not None
    assert second.task.sequence == 4
    kinds = [stored.leaf.kind for stored in world.store.leaves(0, 10)]
    assert kinds == ["decision", "decision", "outcome", "decision"]


def test_an_allowed_untrusted_tool_taints_the_task_even_if_never_reported(world: World) -> None:
    world.start()
    world.one(authorize())
    world.one(authorize())
    document = world.engine.batches[-1][0]
    assert document["ledger"]["task"]["untrusted"]
    assert document["ledger"]["pair"]["untrusted"]
    assert document["ledger"]["principal"]["calls"] == 1


def test_a_fresh_task_of_the_same_agent_does_not_forget(world: World) -> None:
    world.start("t1")
    world.one(authorize())
    world.start("t2")
    world.one(authorize(task_id="t2"))
    ledger = world.engine.batches[-1][0]["ledger"]
    assert not ledger["task"]["untrusted"]
    assert ledger["pair"]["untrusted"]
    assert ledger["principal"]["calls"] == 1


def test_claims_reach_policy_as_asserted_and_nowhere_else(world: World) -> None:
    world.start()
    claimed = Resource(type="x", id="y", sensitivity=Sensitivity.RESTRICTED)
    world.one(authorize(resource=claimed, signals={"risk": 0.5}))
    document = world.engine.batches[-1][0]
    assert document["asserted"]["resource"]["id"] == "y"
    assert document["asserted"]["signals"] == {"risk": 0.5}
    assert document["resource"] == {"type": "tool", "id": "srv/look", "derived": False}
    assert document["sensitivity"] == 4


def test_unregistered_calls_share_a_task_pinned_by_the_first(world: World) -> None:
    first = world.one(authorize(task_id="", intent=Intent(goal="Look.")))
    second = world.one(authorize(task_id="", intent=Intent(goal="Other.")))
    other = world.one(authorize(task_id="", session_id="s2"))
    assert first.task is not None
    assert second.task is not None
    assert other.task is not None
    assert first.task.id == second.task.id != other.task.id
    assert not first.task.registered
    assert world.engine.batches[1][0]["task"]["intent_repinned"]
    assert world.engine.batches[1][0]["task"]["intent"]["goal"] == "Look."


def test_a_phase_changes_only_when_it_was_allowed(world: World) -> None:
    world.start(phase=Phase.PLAN)
    world.engine.policy = lambda _document: policy_says("deny", "outside_phase")
    refused = world.one(call(ChangePhase("t1", Phase.EXECUTE)))
    assert refused.task is not None
    assert refused.task.phase is Phase.PLAN
    world.engine.policy = lambda _document: policy_says("allow")
    allowed = world.one(call(ChangePhase("t1", Phase.EXECUTE)))
    assert allowed.task_after is not None
    assert allowed.task_after.phase is Phase.EXECUTE


def test_a_task_gets_the_narrower_of_what_was_asked_and_what_policy_gives(world: World) -> None:
    answer = world.one(
        call(StartTask(AGENT, Intent(goal="x"), ttl_us=10_000_000, phase=Phase.PREPARE))
    )
    task = answer.task_after
    assert task is not None
    assert task.expires_at_us - task.started_at_us == 10_000_000
    assert task.phase is Phase.PREPARE
    assert task.budget.max_calls == 100


def test_a_task_that_exists_is_not_started_again(world: World) -> None:
    world.start()
    answer = world.one(call(StartTask(AGENT, Intent(goal="x"), task_id="t1")))
    assert codes(answer) == {"task_exists"}
    assert answer.task_after is None


def test_a_caller_out_of_place_is_refused_and_the_log_says_so(world: World) -> None:
    stranger = Caller(Subject(type="service", id="other"), frozenset(), "test")
    refused = world.decide(replace(authorize(), caller=stranger))[0]
    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.PERMISSION_DENIED
    selfish = Caller(AGENT, GATEWAY.roles, "test")
    refused = world.decide(replace(authorize(), caller=selfish))[0]
    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.PERMISSION_DENIED
    assert [one.leaf.kind for one in world.store.leaves(0, 9)] == ["security_event"] * 2


def test_a_call_whose_client_gave_up_is_dropped_before_commit(world: World) -> None:
    world.start()
    results = decide([authorize(), authorize()], world.parts, gone=lambda index: index == 0)
    assert isinstance(results[0], Refusal)
    assert results[0].kind is RefusalKind.DEADLINE_EXCEEDED
    assert isinstance(results[1], Answer)
    assert world.store.log_state().size == 2


@pytest.mark.parametrize(
    ("raw", "problem"),
    [(b'{"a":1,"a":2}', "a"), (b"[]", "object"), (b'{"a":1e999}', "expon"), (b"{", "")],
)
def test_arguments_that_are_no_clear_json_refuse_the_request(
    world: World, raw: bytes, problem: str
) -> None:
    world.start()
    refused = world.decide(authorize(action=Action("look", raw, "srv")))[0]
    assert isinstance(refused, Refusal)
    assert refused.kind is RefusalKind.INVALID_ARGUMENT
    assert refused.field == "action.arguments_json"
    assert problem in refused.message
    plan = (PlannedCall(Action("look")), PlannedCall(Action("look", raw)))
    refused = world.decide(call(ChangePhase("t1", Phase.EXECUTE, plan=plan)))[0]
    assert isinstance(refused, Refusal)
    assert refused.field == "plan[1].action.arguments_json"
