"""Who only prepares, what a plan gives and who answers, by the built-in rules and real parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pdp.arguments import argument_checker
from pdp.bundle import default_bundle_path, load_bundles
from pdp.decide import ENTRYPOINT, Parts, decide
from pdp.domain.answer import Answer
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, Catalogue, ValueType
from pdp.domain.request import (
    Call,
    CancelApproval,
    ChangePhase,
    DecideApproval,
    PlannedCall,
    RevokeTask,
    StartTask,
)
from pdp.domain.values import Action, Caller, Decision, Intent, Phase, Subject, ToolClass
from pdp.engine.binary import find_opa
from pdp.engine.managed import ManagedOpa
from pdp.memory import Memory
from pdp.store.sqlite import open_store
from tests.unit.bundle.making import folder
from tests.unit.decide.world import AGENT, PERSON, ToldClock, authorize, call, tool

CATALOGUE = Catalogue(
    [
        tool("look"),
        tool(
            "send",
            ToolClass.SEND,
            reversible=False,
            arguments={
                "to": ArgumentRole(ArgumentKind.SINK, ValueType.EMAIL),
                "body": ArgumentRole(ArgumentKind.CONTENT, ValueType.TEXT),
            },
        ),
    ]
)
BOB = {"to": "bob@example.com", "body": "On Monday."}
EVE = {"to": "eve@example.net", "body": "On Monday."}

Service = Callable[[Call], Answer]
Serve = Callable[[dict[str, dict[str, Any]]], Service]


def person(name: str, *roles: str) -> Caller:
    """A person as development mode knows one."""
    return Caller(Subject("user", name, "pdp-dev"), frozenset(roles), "development")


CAROL = person("carol", "approver")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Decides calls under the built-in bundle with these parameters of its rules."""
    engine = ManagedOpa(find_opa())
    closing: list[Callable[[], None]] = [engine.close]

    def under(parameters: dict[str, dict[str, Any]]) -> Service:
        settings = {"rules": {rule: {"parameters": set_} for rule, set_ in parameters.items()}}
        made = folder(
            tmp_path / "acme",
            {
                ".manifest": json.dumps({"roots": ["acme"], "rego_version": 1}),
                "settings.yaml": json.dumps(settings),
            },
        )
        paths = [default_bundle_path(), made] if parameters else [default_bundle_path()]
        engine.load(load_bundles(paths, entrypoints=(ENTRYPOINT,)).source)
        store = open_store(tmp_path / "data")
        closing.insert(0, store.close)
        parts = Parts(
            engine=engine,
            store=store,
            clock=ToldClock(),
            catalogue=CATALOGUE,
            revision="sha256:test",
            check_arguments=argument_checker(CATALOGUE),
            memory=Memory(),
        )

        def one(asked: Call) -> Answer:
            [result] = decide([asked], parts)
            assert isinstance(result, Answer), result
            return result

        return one

    yield under
    for close in closing:
        close()


def start(goal: str = "Send an e-mail to bob@example.com about Monday.") -> Call:
    """A task that asks for EXECUTE."""
    return call(
        StartTask(
            subject=AGENT,
            on_behalf_of=PERSON,
            intent=Intent(goal=goal),
            task_id="t1",
            phase=Phase.EXECUTE,
        )
    )


def execute(*planned: tuple[str, dict[str, str]]) -> Call:
    """A change to EXECUTE, with a plan of these calls."""
    plan = tuple(
        PlannedCall(Action(name=name, server="srv", arguments_json=json.dumps(arguments).encode()))
        for name, arguments in planned
    )
    return call(ChangePhase("t1", Phase.EXECUTE, plan=plan))


def said(answer: Answer) -> tuple[Decision, tuple[str, ...]]:
    """The decision, and the codes of its reasons."""
    return answer.decision, tuple(reason.code for reason in answer.reasons)


def question(answer: Answer) -> str:
    """The id of the question that an answer names."""
    assert answer.approval is not None, answer
    return answer.approval.id


def yes(answer: Answer, by: Caller = CAROL) -> Call:
    """A person's yes to the question that an answer names."""
    return call(DecideApproval(question(answer), approve=True), caller=by)


def no(answer: Answer, by: Caller = CAROL) -> Call:
    """A person's no."""
    return call(DecideApproval(question(answer), approve=False), caller=by)


PREPARES_ONLY: dict[str, dict[str, Any]] = {"task_actions": {"prepare_only": ["agent:spiffe://*"]}}
ALLOW, DENY, ESCALATE = Decision.ALLOW, Decision.DENY, Decision.ESCALATE


def test_who_only_prepares_acts_by_an_approved_plan_and_no_further(serve: Serve) -> None:
    service = serve(PREPARES_ONLY)
    started = service(start())
    assert started.task_after is not None
    assert started.task_after.phase is Phase.PREPARE
    assert said(service(authorize("send", BOB))) == (DENY, ("outside_phase",))
    assert said(service(execute())) == (DENY, ("prepare_only",))
    assert said(service(execute(("look", {})))) == (DENY, ("prepare_only",))
    plan = execute(("look", {}), ("send", BOB))
    asked = service(plan)
    assert said(asked) == (ESCALATE, ("plan_escalates",))
    assert asked.reasons[0].metadata["codes"] == "prepare_only"
    assert question(service(plan)) == question(asked)
    assert said(service(yes(asked))) == (ALLOW, ("approval_action",))
    moved = service(plan)
    assert said(moved) == (ALLOW, ("approved",))
    assert moved.task_after is not None
    assert moved.task_after.phase is Phase.EXECUTE
    assert said(service(authorize("look"))) == (ALLOW, ("within_intent",))
    changed = authorize("send", {**BOB, "body": "On Tuesday."})
    assert said(service(changed)) == (ESCALATE, ("prepare_only",))
    assert said(service(authorize("send", BOB))) == (ALLOW, ("approved",))
    assert said(service(authorize("send", BOB))) == (ESCALATE, ("prepare_only",))


def test_a_plan_is_asked_about_as_a_whole_where_one_of_its_calls_would_be(serve: Serve) -> None:
    service = serve({})
    service(start("Send an e-mail about Monday to whoever asks for it."))
    service(call(ChangePhase("t1", Phase.PLAN)))
    calm = service(execute(("look", {}), ("conjure", {})))
    assert said(calm) == (ALLOW, ("task_action",))
    assert calm.reasons[0].metadata == {"denied": "srv/conjure (unknown_tool)"}
    service(call(ChangePhase("t1", Phase.PLAN)))
    plan = execute(("look", {}), ("send", EVE), ("send", BOB), ("conjure", {}))
    asked = service(plan)
    assert said(asked) == (ESCALATE, ("plan_escalates",))
    assert asked.reasons[0].message == "2 of 4 planned calls would be asked about: sink_unknown"
    assert asked.reasons[0].metadata["denied"] == "srv/conjure (unknown_tool)"
    service(yes(asked))
    assert said(service(plan)) == (ALLOW, ("approved",))
    for arguments in (EVE, BOB):
        assert said(service(authorize("send", arguments))) == (ALLOW, ("approved",))


def test_a_denied_plan_stays_denied_until_a_person_takes_the_no_back(serve: Serve) -> None:
    service = serve(PREPARES_ONLY)
    service(start())
    plan = execute(("send", BOB))
    asked = service(plan)
    service(no(asked))
    assert said(service(plan)) == (DENY, ("approval_denied",))
    back = call(CancelApproval(question(asked)), caller=CAROL)
    assert said(service(back)) == (ALLOW, ("approval_action",))
    again = service(plan)
    assert said(again) == (ESCALATE, ("plan_escalates",))
    assert question(again) != question(asked)


def test_only_those_who_were_asked_answer_and_never_a_party(serve: Serve) -> None:
    service = serve({"approval": {"approvers": ["user:carol", "owner"], "needed": 2}})
    service(start("Send an e-mail about Monday to whoever asks for it."))
    asked = service(authorize("send", EVE))
    assert said(asked) == (ESCALATE, ("sink_unknown",))
    for stranger in (person("mallory", "approver", "admin"), person("dave")):
        assert said(service(yes(asked, stranger))) == (DENY, ("not_an_approver",))
    for party in ("alice", "Alice", AGENT.id):
        decision, codes = said(service(yes(asked, person(party, "owner"))))
        assert decision is DENY
        assert set(codes) == {"self_approval"}
    assert said(service(yes(asked, person("carol")))) == (ALLOW, ("approval_action",))
    assert said(service(authorize("send", EVE))) == (ESCALATE, ("sink_unknown",))
    assert said(service(yes(asked, person("dave", "owner")))) == (ALLOW, ("approval_action",))
    assert said(service(authorize("send", EVE))) == (ALLOW, ("approved",))


def test_questions_are_bounded_and_answers_count_beyond_the_bound(serve: Serve) -> None:
    service = serve({**PREPARES_ONLY, "escalation_flood": {"per_task": 2}})
    service(start())
    plan = execute(("send", BOB))
    first = service(plan)
    second = service(execute(("send", BOB), ("look", {})))
    assert question(first) != question(second)
    third = service(execute(("look", {}), ("send", BOB)))
    assert said(third) == (DENY, ("escalation_flood",))
    assert question(service(plan)) == question(first)
    service(yes(first))
    assert said(service(plan)) == (ALLOW, ("approved",))
    assert said(service(authorize("send", BOB))) == (ALLOW, ("approved",))
    assert said(service(authorize("send", BOB))) == (DENY, ("escalation_flood",))


def test_a_task_is_stopped_by_whom_policy_lets_and_by_nobody_else(serve: Serve) -> None:
    service = serve({})
    service(start())
    stop = RevokeTask("t1")
    assert said(service(call(stop, caller=person("dave", "pep")))) == (DENY, ("role_missing",))
    assert said(service(call(stop, caller=CAROL))) == (ALLOW, ("approval_action",))
    assert said(service(authorize("look"))) == (DENY, ("revoked",))
