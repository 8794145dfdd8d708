"""What people's answers do to calls, in the pipeline and over a real store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pdp.domain.answer import Answer, Refusal, RefusalKind
from pdp.domain.records import ArgumentConstraint, GrantTerms
from pdp.domain.request import (
    CancelApproval,
    ChangePhase,
    CompleteTask,
    DecideApproval,
    PlannedCall,
    ReportOutcomes,
    RevokeGrant,
    RevokeTask,
)
from pdp.domain.values import (
    Action,
    ApprovalState,
    Caller,
    Decision,
    Outcome,
    OutcomeStatus,
    Phase,
    Subject,
    TaskState,
)
from pdp.ports import Wanted
from pdp.store.sqlite import open_store
from tests.unit.decide.world import AGENT, PERSON, REASON, World, authorize, call, policy_says

MINUTE_US = 60_000_000


def person(name: str, issuer: str = "https://id.example.test") -> Caller:
    return Caller(Subject("user", name, issuer), frozenset({"approver"}), "test")


BOSS, OTHER_BOSS = person("carol"), person("dave")


def asks(document: dict[str, Any]) -> dict[str, Any]:
    """A policy that wants a person for every send, and lets everything else go."""
    if document["tool"]["name"] != "send" or document["tool"]["builtin"]:
        return policy_says("allow")
    return escalating("irreversible")


def escalating(*codes: str, **escalation: Any) -> dict[str, Any]:
    terms = {"approvers": ["approver"], "needed": 1, "ttl_s": 600, "use_s": 300}
    return policy_says(
        "escalate",
        reasons=[{**REASON, "code": code, "rule": code} for code in codes],
        escalation={**terms, "max_uses": 10, "max_ttl_s": 600, **escalation},
    )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, policy=asks)
    made.start()
    yield made
    made.store.close()


def send(**changed: Any) -> Any:
    return authorize("send", {"to": "bob", "n": 1}, **changed)


def asked(world: World, wanted: Any = None) -> str:
    """Ask for a call that a person has to answer; the id of the question."""
    answer = world.one(wanted or send())
    assert answer.decision is Decision.ESCALATE, answer
    assert answer.approval is not None
    return answer.approval.id


def vote(
    world: World,
    approval_id: str,
    *,
    who: Caller = BOSS,
    approve: bool = True,
    grant: GrantTerms | None = None,
) -> Any:
    ask = DecideApproval(approval_id, approve, "because", grant)
    return world.decide(call(ask, caller=who))[0]


def state(world: World, approval_id: str) -> ApprovalState:
    return world.store.load(Wanted(approvals=frozenset({approval_id}))).approvals[approval_id].state


def codes(answer: Any) -> set[str]:
    assert isinstance(answer, Answer), answer
    return {reason.code for reason in answer.reasons}


def report(world: World, decision_id: str, status: OutcomeStatus) -> None:
    world.decide(call(ReportOutcomes((Outcome(decision_id, status, b"", ""),))))


def test_an_approved_call_is_allowed_once(world: World) -> None:
    approval_id = asked(world)
    voted = vote(world, approval_id)
    assert voted.decision is Decision.ALLOW
    assert voted.approval.state is ApprovalState.APPROVED
    allowed = world.one(send())
    assert allowed.decision is Decision.ALLOW
    assert codes(allowed) == {"approved"}
    assert allowed.canonical_arguments == b'{"n":1,"to":"bob"}'
    assert allowed.reasons[0].metadata["approvers"] == "carol"
    assert state(world, approval_id) is ApprovalState.RESERVED
    again = world.one(send())
    assert again.decision is Decision.ESCALATE
    assert again.approval is not None
    assert again.approval.id != approval_id


@pytest.mark.parametrize(
    "changed",
    [
        authorize("send", {"to": "bob", "n": 2}),
        authorize("send", {"to": "bob ", "n": 1}),
        authorize("send", {"to": "bob", "n": 1, "cc": "eve"}),
        authorize("send", {"to": "bob"}),
        authorize("send", {"to": "bob", "n": 1}, task_id="t2"),
    ],
)
def test_another_call_is_not_covered(world: World, changed: Any) -> None:
    world.start("t2")
    vote(world, asked(world))
    assert world.one(changed).decision is Decision.ESCALATE


def test_of_many_uses_in_one_batch_exactly_one_wins(world: World) -> None:
    vote(world, asked(world))
    answers = world.decide(*[send() for _ in range(64)])
    allowed = [one for one in answers if isinstance(one, Answer) and one.decision is Decision.ALLOW]
    assert len(allowed) == 1


def test_success_uses_an_approval_up(world: World) -> None:
    approval_id = asked(world)
    vote(world, approval_id)
    report(world, world.one(send()).decision_id, OutcomeStatus.SUCCEEDED)
    assert state(world, approval_id) is ApprovalState.CONSUMED


def test_only_a_call_that_was_not_made_gives_its_approval_back(world: World) -> None:
    approval_id = asked(world)
    vote(world, approval_id)
    report(world, world.one(send()).decision_id, OutcomeStatus.NOT_EXECUTED)
    assert state(world, approval_id) is ApprovalState.APPROVED
    report(world, world.one(send()).decision_id, OutcomeStatus.FAILED)
    assert state(world, approval_id) is ApprovalState.RESERVED
    assert world.one(send()).decision is Decision.ESCALATE


def test_another_callers_report_gives_nothing_back(world: World) -> None:
    approval_id = asked(world)
    vote(world, approval_id)
    decision_id = world.one(send()).decision_id
    ask = ReportOutcomes((Outcome(decision_id, OutcomeStatus.NOT_EXECUTED, b"", ""),))
    stranger = replace(BOSS, roles=frozenset({"pep"}))
    refusal = world.decide(call(ask, caller=stranger))[0]
    assert isinstance(refusal, Refusal)
    assert refusal.kind is RefusalKind.NOT_FOUND
    assert state(world, approval_id) is ApprovalState.RESERVED


def test_a_new_reason_asks_again(world: World) -> None:
    approval_id = asked(world)
    vote(world, approval_id)
    world.engine.policy = lambda document: (
        policy_says("allow") if document["tool"]["builtin"] else escalating("irreversible", "sinks")
    )
    answer = world.one(send())
    assert answer.decision is Decision.ESCALATE
    assert answer.approval is not None
    assert answer.approval.id != approval_id


def test_what_policy_denies_today_stays_denied(world: World) -> None:
    vote(world, asked(world))
    world.engine.policy = lambda _document: policy_says("deny", "outside_intent")
    assert codes(world.one(send())) == {"outside_intent"}


def test_what_policy_allows_today_leaves_the_approval_unused(world: World) -> None:
    approval_id = asked(world)
    vote(world, approval_id)
    world.engine.policy = lambda _document: policy_says("allow")
    assert world.one(send()).decision is Decision.ALLOW
    assert state(world, approval_id) is ApprovalState.APPROVED


@pytest.mark.parametrize(
    "who",
    [
        Caller(AGENT, frozenset({"approver"}), "test"),
        Caller(PERSON, frozenset({"approver"}), "test"),
        person("alice", "pdp-dev"),
        person("ALICE"),
        person("alice", ""),
    ],
)
def test_nobody_approves_a_call_of_their_own(world: World, who: Caller) -> None:
    approval_id = asked(world)
    answer = vote(world, approval_id, who=who)
    assert answer.decision is Decision.DENY
    assert codes(answer) == {"self_approval"}
    assert state(world, approval_id) is ApprovalState.PENDING
    assert world.one(send()).decision is Decision.ESCALATE


def test_a_namesake_of_another_issuer_is_another_person(world: World) -> None:
    answer = vote(world, asked(world), who=person("alice", "https://other.example.test"))
    assert answer.decision is Decision.ALLOW


def test_as_many_people_as_policy_wants_have_to_say_yes(world: World) -> None:
    world.engine.policy = lambda document: (
        policy_says("allow") if document["tool"]["builtin"] else escalating("grave", needed=2)
    )
    approval_id = asked(world)
    assert vote(world, approval_id).approval.state is ApprovalState.PENDING
    twice = vote(world, approval_id)
    assert isinstance(twice, Refusal)
    assert twice.kind is RefusalKind.FAILED_PRECONDITION
    assert world.one(send()).decision is Decision.ESCALATE
    assert vote(world, approval_id, who=OTHER_BOSS).approval.state is ApprovalState.APPROVED
    assert world.one(send()).decision is Decision.ALLOW


def test_a_no_holds_for_the_task_the_tool_and_the_sinks_until_it_is_taken_back(
    world: World, tmp_path: Path
) -> None:
    approval_id = asked(world)
    assert vote(world, approval_id, approve=False).approval.state is ApprovalState.DENIED
    assert codes(world.one(send())) == {"approval_denied"}
    late = vote(world, approval_id, who=OTHER_BOSS)
    assert isinstance(late, Refusal)
    assert late.kind is RefusalKind.FAILED_PRECONDITION
    # Another task may ask, and so may this one for another place.
    world.start("t2")
    assert world.one(send(task_id="t2")).decision is Decision.ESCALATE
    elsewhere = authorize("send", {"to": "erin", "n": 1})
    assert world.one(elsewhere).decision is Decision.ESCALATE
    # It survives a restart.
    world.store.close()
    world.store = open_store(tmp_path)
    world.parts = replace(world.parts, store=world.store)
    assert codes(world.one(send())) == {"approval_denied"}
    reopened = world.decide(call(CancelApproval(approval_id), caller=BOSS))[0]
    assert isinstance(reopened, Answer)
    assert world.one(send()).decision is Decision.ESCALATE


def test_a_yes_that_nobody_uses_in_time_is_over(world: World) -> None:
    vote(world, asked(world))
    world.clock.wall_us += 301 * 1_000_000
    assert world.one(send()).decision is Decision.ESCALATE


def test_a_question_that_nobody_answers_in_time_takes_no_vote(world: World) -> None:
    approval_id = asked(world)
    world.clock.wall_us += 601 * 1_000_000
    late = vote(world, approval_id)
    assert isinstance(late, Refusal)
    assert late.kind is RefusalKind.FAILED_PRECONDITION
    assert "expired" in late.message
    assert asked(world) != approval_id


def test_a_yes_can_be_taken_back_before_it_is_used(world: World) -> None:
    approval_id = asked(world)
    vote(world, approval_id)
    world.decide(call(CancelApproval(approval_id), caller=BOSS))
    assert world.one(send()).decision is Decision.ESCALATE


def test_a_repeated_question_is_counted_once(world: World) -> None:
    for _ in range(5):
        asked(world)
    task = world.store.load(Wanted(tasks=frozenset({"t1"}))).tasks["t1"]
    assert task.rollup.escalations == 1
    assert task.rollup.hour_escalations == 1


def test_a_grant_answers_as_many_calls_as_it_says(world: World) -> None:
    vote(world, asked(world), grant=GrantTerms(max_uses=2))
    assert world.one(send()).decision is Decision.ALLOW
    assert world.one(authorize("send", {"to": "bob", "n": 2})).decision is Decision.ESCALATE
    last = world.one(send())
    assert last.decision is Decision.ALLOW
    assert world.one(send()).decision is Decision.ESCALATE
    report(world, last.decision_id, OutcomeStatus.NOT_EXECUTED)
    assert world.one(send()).decision is Decision.ALLOW


def test_a_grant_covers_what_its_constraints_say_and_nothing_else(world: World) -> None:
    terms = GrantTerms(constraints=(ArgumentConstraint("/n", ("1", "2")),))
    vote(world, asked(world), grant=terms)
    assert world.one(authorize("send", {"to": "bob", "n": 2})).decision is Decision.ALLOW
    for arguments in (
        {"to": "bob", "n": 3},
        {"to": "eve", "n": 2},
        {"to": "bob", "n": 2, "cc": "eve"},
        {"n": 2},
    ):
        assert world.one(authorize("send", arguments)).decision is Decision.ESCALATE, arguments


def test_a_grant_that_does_not_fit_the_call_that_is_asked_about_is_refused(world: World) -> None:
    terms = GrantTerms(constraints=(ArgumentConstraint("/to", (), ("*@example.com",)),))
    refusal = vote(world, asked(world), grant=terms)
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.field) == (RefusalKind.INVALID_ARGUMENT, "grant.constraints")
    assert "/to" in refusal.message


def test_a_person_under_another_spelling_has_voted_already(world: World) -> None:
    world.engine.policy = lambda document: (
        policy_says("allow") if document["tool"]["builtin"] else escalating("grave", needed=2)
    )
    approval_id = asked(world)
    vote(world, approval_id)
    refusal = vote(world, approval_id, who=person("CAROL", "pdp-dev"))
    assert isinstance(refusal, Refusal)
    assert refusal.kind is RefusalKind.FAILED_PRECONDITION


def test_a_revoked_grant_answers_nothing(world: World) -> None:
    approval_id = asked(world)
    vote(world, approval_id, grant=GrantTerms(max_uses=5))
    [grant] = world.store.load(Wanted(grants_of=frozenset({"t1"}))).grants.values()
    assert grant.approval_id == approval_id
    assert world.one(send()).decision is Decision.ALLOW
    world.decide(call(RevokeGrant(grant.id), caller=BOSS))
    assert world.one(send()).decision is Decision.ESCALATE


def test_an_answer_that_rests_on_a_revoked_grant_is_not_repeated(world: World) -> None:
    vote(world, asked(world), grant=GrantTerms(max_uses=5))
    assert world.one(send(request_id="r-1")).decision is Decision.ALLOW
    repeated = world.one(send(request_id="r-1"))
    assert (repeated.decision, repeated.replayed) == (Decision.ALLOW, True)
    [grant] = world.store.load(Wanted(grants_of=frozenset({"t1"}))).grants.values()
    world.decide(call(RevokeGrant(grant.id), caller=BOSS))
    late = world.one(send(request_id="r-1"))
    assert (late.decision, late.replayed) == (Decision.DENY, True)
    assert codes(late) == {"revoked"}


def test_where_policy_wants_more_people_today_the_old_answer_is_not_enough(world: World) -> None:
    vote(world, asked(world))
    world.engine.policy = lambda document: (
        policy_says("allow")
        if document["tool"]["builtin"]
        else escalating("irreversible", needed=2)
    )
    assert world.one(send()).decision is Decision.ESCALATE


def test_a_grant_ends_with_its_time(world: World) -> None:
    vote(world, asked(world), grant=GrantTerms(ttl_us=10 * 1_000_000))
    world.clock.wall_us += 11 * 1_000_000
    assert world.one(send()).decision is Decision.ESCALATE


def test_several_people_give_no_more_than_the_strictest_of_them(world: World) -> None:
    world.engine.policy = lambda document: (
        policy_says("allow") if document["tool"]["builtin"] else escalating("grave", needed=2)
    )
    approval_id = asked(world)
    vote(world, approval_id, grant=GrantTerms(max_uses=5))
    vote(world, approval_id, who=OTHER_BOSS)
    assert world.one(send()).decision is Decision.ALLOW
    assert world.one(send()).decision is Decision.ESCALATE


def test_where_policy_wants_each_call_answered_no_grant_is_taken(world: World) -> None:
    world.engine.policy = lambda document: (
        policy_says("allow") if document["tool"]["builtin"] else escalating("grave", max_uses=1)
    )
    refusal = vote(world, asked(world), grant=GrantTerms(max_uses=5))
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.field) == (RefusalKind.FAILED_PRECONDITION, "grant")


@pytest.mark.parametrize("ending", [CompleteTask("t1"), RevokeTask("t1", "enough")])
def test_with_the_task_its_questions_and_grants_end(world: World, ending: Any) -> None:
    open_id = asked(world)
    vote(world, asked(world, authorize("send", {"to": "erin"})), grant=GrantTerms(max_uses=5))
    ended = world.one(call(ending))
    assert ended.task is not None
    assert ended.task.state in (TaskState.COMPLETED, TaskState.REVOKED)
    assert state(world, open_id) is ApprovalState.CANCELLED
    assert world.store.load(Wanted(grants_of=frozenset({"t1"}))).grants == {}
    assert isinstance(vote(world, open_id), Refusal)


def test_an_approved_plan_becomes_a_grant_for_just_its_calls(world: World) -> None:
    def policy(document: dict[str, Any]) -> dict[str, Any]:
        if document["plan"]:
            return escalating("plan_escalates")
        return asks(document)

    world.engine.policy = policy
    world.start("t3", phase=Phase.PREPARE)
    planned = [
        PlannedCall(Action("send", server="srv", arguments_json=b'{"to": "bob"}')),
        PlannedCall(Action("send", server="srv", arguments_json=b'{"to": "bob"}')),
        PlannedCall(Action("look", server="srv", arguments_json=b"{}")),
    ]
    change = ChangePhase("t3", Phase.EXECUTE, "do it", tuple(planned))
    first = world.one(call(change))
    assert first.decision is Decision.ESCALATE
    assert first.approval is not None
    assert world.engine.batches[-1][0]["plan"] == [
        {"server": "srv", "tool": "send", "decision": "escalate", "codes": ["irreversible"]},
        {"server": "srv", "tool": "send", "decision": "escalate", "codes": ["irreversible"]},
        {"server": "srv", "tool": "look", "decision": "allow", "codes": ["scripted"]},
    ]
    vote(world, first.approval.id)
    changed = world.one(call(change))
    assert changed.decision is Decision.ALLOW
    assert changed.task_after is not None
    assert changed.task_after.phase is Phase.EXECUTE
    for _ in range(2):
        assert world.one(authorize("send", {"to": "bob"}, task_id="t3")).decision is Decision.ALLOW
    again = world.one(authorize("send", {"to": "bob"}, task_id="t3"))
    other = world.one(authorize("send", {"to": "eve"}, task_id="t3"))
    assert again.decision is Decision.ESCALATE
    assert other.decision is Decision.ESCALATE


def test_another_plan_is_another_question(world: World) -> None:
    world.engine.policy = lambda document: (
        escalating("plan_escalates") if document["plan"] else asks(document)
    )
    world.start("t3", phase=Phase.PREPARE)

    def change(arguments: bytes) -> Any:
        plan = (PlannedCall(Action("send", server="srv", arguments_json=arguments)),)
        return call(ChangePhase("t3", Phase.EXECUTE, "do it", plan))

    first = world.one(change(b'{"to": "bob"}'))
    assert first.approval is not None
    vote(world, first.approval.id)
    assert world.one(change(b'{"to": "eve"}')).decision is Decision.ESCALATE


def test_a_plan_is_answered_by_as_many_as_each_of_its_calls_wants(world: World) -> None:
    def policy(document: dict[str, Any]) -> dict[str, Any]:
        if document["plan"]:
            return escalating("plan_escalates", approvers=["approver", "auditor"])
        if document["tool"]["name"] == "send":
            return escalating("grave", needed=2)
        return policy_says("allow")

    world.engine.policy = policy
    world.start("t3", phase=Phase.PREPARE)
    plan = (PlannedCall(Action("send", server="srv", arguments_json=b'{"to": "bob"}')),)
    first = world.one(call(ChangePhase("t3", Phase.EXECUTE, "do it", plan)))
    assert first.approval is not None
    opened = world.store.load(Wanted(approvals=frozenset({first.approval.id}))).approvals
    assert opened[first.approval.id].votes_needed == 2
    assert opened[first.approval.id].approvers == ("approver",)
    assert vote(world, first.approval.id).approval.state is ApprovalState.PENDING


def test_a_vote_of_somebody_whom_policy_does_not_want_changes_nothing(world: World) -> None:
    approval_id = asked(world)
    world.engine.policy = lambda _document: policy_says("deny", "not_an_approver")
    answer = vote(world, approval_id)
    assert answer.decision is Decision.DENY
    assert state(world, approval_id) is ApprovalState.PENDING


def test_an_approval_of_no_one_is_not_found(world: World) -> None:
    refusal = vote(world, "a-unknown")
    assert isinstance(refusal, Refusal)
    assert refusal.kind is RefusalKind.NOT_FOUND


def test_every_answer_of_a_person_is_in_the_tasks_log(world: World) -> None:
    approval_id = asked(world)
    vote(world, approval_id)
    world.one(send())
    bodies = [leaf.leaf.body.decode() for leaf in world.store.task_leaves("t1")]
    told = [body for body in bodies if f'"approval":"{approval_id}"' in body]
    assert len(told) == 3
    assert '"approval_state":"pending"' in told[0]
    assert '"approval_state":"approved"' in told[1]
    assert '"id":"carol"' in told[1]
    assert '"approval_state":"reserved"' in told[2]


def test_changed_approvals_are_told_once_they_are_durable(world: World) -> None:
    told: list[ApprovalState] = []
    tell = lambda found: told.extend(one.state for one in found)  # noqa: E731
    world.parts = replace(world.parts, tell=tell)
    approval_id = asked(world)
    vote(world, approval_id)
    world.one(send())
    assert told == [ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.RESERVED]
