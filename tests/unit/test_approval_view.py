"""What people are shown of an approval, over a real store that the pipeline has written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pdp.approval_view import MAX_EXCERPTS, ApprovalView, Excerpt, approval_view, story
from pdp.arguments import argument_checker
from pdp.domain.approval import grant_is_live
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, Catalogue, ValueType
from pdp.domain.records import ApprovalRecord, Changes, GrantTerms, SinkRecord
from pdp.domain.request import (
    CancelApproval,
    ChangePhase,
    DecideApproval,
    PlannedCall,
    ReportOutcomes,
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
    ToolClass,
)
from tests.unit.decide.world import (
    GATEWAY,
    REASON,
    World,
    authorize,
    call,
    policy_says,
    tool,
)

TO = ArgumentRole(ArgumentKind.SINK, ValueType.EMAIL)
BODY = ArgumentRole(ArgumentKind.CONTENT)
SEND = tool(
    "send",
    ToolClass.SEND,
    description="Sends a message. " * 100,
    reversible=False,
    arguments={"to": TO, "body": BODY},
)
CATALOGUE = Catalogue([tool("look"), SEND])
BOSS = Caller(Subject("user", "carol", "https://id.example.test"), frozenset({"approver"}), "test")
CALL = {"to": "bob@example.com", "body": "hi"}
FAR_US = 2**60


def asks(document: dict[str, Any]) -> dict[str, Any]:
    """A policy that wants a person for every send, and for a plan that holds one."""
    sends = document["tool"]["name"] == "send"
    if sends or any(one["decision"] == "escalate" for one in document["plan"]):
        return policy_says(
            "escalate",
            reasons=[{**REASON, "code": "irreversible"}],
            escalation={
                "approvers": ["approver"],
                "needed": 1,
                "ttl_s": 600,
                "max_uses": 10,
                "max_ttl_s": 600,
            },
        )
    return policy_says("allow")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path, policy=asks)
    made.parts = replace(
        made.parts, catalogue=CATALOGUE, check_arguments=argument_checker(CATALOGUE)
    )
    made.start()
    yield made
    made.store.close()


def returned(world: World, output: str | bytes, task_id: str = "t1") -> str:
    """A read that returned `output`; its decision's id."""
    allowed = world.one(authorize("look", {"n": 1}, task_id))
    raw = output.encode() if isinstance(output, str) else output
    outcome = Outcome(allowed.decision_id, OutcomeStatus.SUCCEEDED, raw, "text/plain")
    world.decide(call(ReportOutcomes((outcome,))))
    return allowed.decision_id


def asked(world: World, arguments: Any = None, task_id: str = "t1") -> ApprovalRecord:
    answer = world.one(authorize("send", arguments or CALL, task_id))
    assert answer.approval is not None
    found = world.store.approval(answer.approval.id)
    assert found is not None
    return found


def view(world: World, approval: ApprovalRecord, catalogue: Catalogue = CATALOGUE) -> ApprovalView:
    return approval_view(approval, world.store, catalogue, world.clock.now_us())


def vote(world: World, approval: ApprovalRecord, grant: GrantTerms | None = None) -> ApprovalRecord:
    decided = world.one(call(DecideApproval(approval.id, True, "fine", grant), caller=BOSS))
    assert decided.decision is Decision.ALLOW
    found = world.store.approval(approval.id)
    assert found is not None
    return found


class TestTheCall:
    def test_it_is_told_in_a_sentence_from_catalogue_and_arguments(self, world: World) -> None:
        seen = view(world, asked(world))
        assert seen.sentence == (
            "Send with srv/send to bob@example.com: this goes out and cannot be taken back."
        )
        assert (seen.tool_class, seen.reversible) == ("send", False)
        assert seen.description.startswith("Sends a message.")
        assert len(seen.description) == 401
        assert seen.task is not None
        assert seen.task.id == "t1"

    def test_its_state_is_that_of_the_time_of_looking(self, world: World) -> None:
        approval = asked(world)
        assert view(world, approval).state is ApprovalState.PENDING
        late = approval_view(approval, world.store, CATALOGUE, approval.expires_at_us)
        assert late.state is ApprovalState.EXPIRED

    @pytest.mark.parametrize(
        "catalogue", [Catalogue(), Catalogue([replace(SEND, schema_digest="sha256:new")])]
    )
    def test_of_a_tool_that_is_gone_or_changed_nothing_is_promised(
        self, world: World, catalogue: Catalogue
    ) -> None:
        seen = view(world, asked(world), catalogue)
        assert "of which the catalogue knows nothing" in seen.sentence
        assert (seen.tool_class, seen.reversible, seen.description) == ("", False, "")

    def test_one_whose_task_is_not_in_the_store_is_shown_all_the_same(self, world: World) -> None:
        stray = replace(asked(world), task_id="nowhere")
        seen = view(world, stray)
        assert (seen.task, seen.story) == (None, ())


class TestSinks:
    def test_a_value_is_shown_in_the_output_it_came_from(self, world: World) -> None:
        source = returned(world, "x" * 500 + " Please write to Bob@Example.com! " + "y" * 500)
        (sink,) = view(world, asked(world)).sinks
        assert (sink.path, sink.value, sink.origin) == ("/to", "bob@example.com", "untrusted")
        assert (sink.source, sink.source_tool) == (source, "srv/look")
        assert sink.excerpt is not None
        assert sink.excerpt.match == "Bob@Example.com"
        assert sink.excerpt.before.startswith("…xxx")
        assert sink.excerpt.before.endswith(" Please write to ")
        assert len(sink.excerpt.before) == 121
        assert sink.excerpt.after.startswith("! yyy")
        assert sink.excerpt.after.endswith("y…")

    def test_at_the_edges_of_an_output_nothing_is_clipped(self, world: World) -> None:
        returned(world, "bob@example.com")
        (sink,) = view(world, asked(world)).sinks
        assert sink.excerpt == Excerpt("", "bob@example.com", "")

    def test_an_output_that_is_no_text_does_no_harm(self, world: World) -> None:
        returned(world, b"\xff\x00 bob@example.com \xfe")
        (sink,) = view(world, asked(world)).sinks
        assert sink.excerpt == Excerpt("\ufffd\x00 ", "bob@example.com", " \ufffd")

    def test_a_value_that_nobody_is_known_for_has_no_excerpt(self, world: World) -> None:
        returned(world, "nothing of interest")
        (sink,) = view(world, asked(world)).sinks
        assert (sink.origin, sink.source, sink.source_tool) == ("unknown", "", "")
        assert sink.excerpt is None

    def test_a_value_of_the_goal_is_shown_in_the_goal(self, world: World) -> None:
        task = world.store.task("t1")
        assert task is not None
        goal = replace(task.intent, goal="Tell bob@example.com about Monday.")
        state = world.store.log_state()
        world.store.commit(
            Changes(state.last_at_us, state.size, tasks=(replace(task, intent=goal),))
        )
        principal = SinkRecord("/to", "bob@example.com", "principal", "")
        (sink,) = view(world, replace(asked(world), sinks=(principal,))).sinks
        assert sink.excerpt == Excerpt("Tell ", "bob@example.com", " about Monday.")

    def test_a_source_that_is_gone_or_does_not_hold_the_value_gives_no_excerpt(
        self, world: World
    ) -> None:
        source = returned(world, "something else")
        sinks = tuple(
            SinkRecord("/to", "bob@example.com", "untrusted", one) for one in (source, "d-unknown")
        )
        seen = view(world, replace(asked(world), sinks=sinks)).sinks
        assert [(one.source_tool, one.excerpt) for one in seen] == [("srv/look", None), ("", None)]

    def test_of_very_many_sinks_only_the_first_are_looked_for(self, world: World) -> None:
        source = returned(world, "bob@example.com")
        sink = SinkRecord("/to", "bob@example.com", "untrusted", source)
        seen = view(world, replace(asked(world), sinks=(sink,) * (MAX_EXCERPTS + 5))).sinks
        assert len(seen) == MAX_EXCERPTS + 5
        assert sum(one.excerpt is not None for one in seen) == MAX_EXCERPTS


class TestTheStory:
    def test_it_tells_who_decided_what_with_which_arguments_newest_first(
        self, world: World
    ) -> None:
        source = returned(world, "hello")
        approval = asked(world)
        newest, read, started = view(world, approval).story
        assert (newest.server, newest.tool, newest.tool_class) == ("srv", "send", "send")
        assert (newest.decision, newest.codes) == ("escalate", ("irreversible",))
        assert newest.arguments_json == b'{"body":"hi","to":"bob@example.com"}'
        assert (newest.decision_id, newest.status) == (approval.decision_id, None)
        assert (newest.caller, newest.rpc) == (GATEWAY.identity, "Authorize")
        assert (read.decision_id, read.status) == (source, OutcomeStatus.SUCCEEDED)
        assert (started.rpc, started.tool_class, started.decision) == ("StartTask", "task", "allow")
        assert (started.sequence, read.sequence, newest.sequence) == (1, 2, 4)
        assert newest.at_us == approval.created_at_us

    def test_it_can_be_read_on_in_pages(self, world: World) -> None:
        for _ in range(30):
            world.one(authorize())
        world.start("t2")
        first = story("t1", world.store)
        second = story("t1", world.store, before=first[-1].place)
        assert (len(first), len(second)) == (20, 11)
        assert [one.sequence for one in (*first, *second)] == list(range(31, 0, -1))
        assert story("t1", world.store, before=first[0].place, limit=2) == first[1:3]


class TestGrants:
    def test_the_grants_it_became_are_shown_and_no_others(self, world: World) -> None:
        other = vote(world, asked(world, {"to": "eve@example.org"}), GrantTerms(max_uses=2))
        approval = vote(world, asked(world), GrantTerms(max_uses=3))
        (grant,) = view(world, approval).grants
        assert (grant.approval_id, grant.max_uses) == (approval.id, 3)
        assert view(world, other).grants != (grant,)

    def test_a_grant_that_is_over_is_still_shown(self, world: World) -> None:
        approval = vote(world, asked(world), GrantTerms(max_uses=3))
        world.one(call(CancelApproval(approval.id), caller=BOSS))
        (grant,) = view(world, approval).grants
        assert not grant_is_live(grant, world.clock.now_us())

    def test_one_that_became_no_grant_has_none(self, world: World) -> None:
        vote(world, asked(world, {"to": "eve@example.org"}), GrantTerms(max_uses=2))
        assert view(world, vote(world, asked(world))).grants == ()


class TestAlike:
    def test_open_questions_of_other_tasks_about_the_same_call_are_named(
        self, world: World
    ) -> None:
        world.start("t2")
        world.start("t3")
        first, second = asked(world), asked(world, task_id="t2")
        asked(world, {"to": "eve@example.org"}, task_id="t2")
        third = asked(world, task_id="t3")
        assert view(world, first).alike == (third.id, second.id)
        vote(world, third)
        assert view(world, first).alike == (second.id,)
        assert approval_view(first, world.store, CATALOGUE, FAR_US).alike == ()

    def test_at_most_a_hundred_are_named(self, world: World) -> None:
        approval = asked(world)
        state = world.store.log_state()
        more = tuple(replace(approval, id=f"a-x{n:03}") for n in range(150))
        world.store.commit(Changes(state.last_at_us, state.size, approvals=more))
        assert len(view(world, approval).alike) == 100
        assert len(view(world, more[-1]).alike) == 100


class TestPlans:
    def test_each_call_of_a_plan_that_asks_for_a_person_is_told(self, world: World) -> None:
        world.start("t4", phase=Phase.PLAN)
        source = returned(world, "write to bob@example.com", "t4")
        plan = (
            PlannedCall(Action("look", b'{"n":1}', "srv")),
            PlannedCall(Action("send", b'{"to":"bob@example.com"}', "srv")),
        )
        answer = world.one(call(ChangePhase("t4", Phase.EXECUTE, "because", plan)))
        assert answer.approval is not None
        approval = world.store.approval(answer.approval.id)
        assert approval is not None
        seen = view(world, approval)
        assert seen.sentence == "Let the task go on to the phase execute, to make 2 planned calls."
        assert (seen.tool_class, seen.reversible) == ("task", True)
        (planned,) = seen.plan
        assert planned.sentence == (
            "Send with srv/send to bob@example.com: this goes out and cannot be taken back."
        )
        assert planned.arguments_json == b'{"to":"bob@example.com"}'
        assert [reason.code for reason in planned.reasons] == ["irreversible"]
        (sink,) = planned.sinks
        assert (sink.source, sink.source_tool) == (source, "srv/look")
        assert sink.excerpt == Excerpt("write to ", "bob@example.com", "")
