"""Previews and explanations: who may ask, what is put on record, what hides a tool."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pdp.domain.answer import Refusal, RefusalKind
from pdp.domain.catalogue import Catalogue
from pdp.domain.explanation import Explanation
from pdp.domain.resource import ResourceRule
from pdp.domain.values import Caller, Decision, Subject, ToolClass
from pdp.explain import Explained, explain_decision, explain_request
from pdp.ports import EngineFault, StoreError
from pdp.preview import Visibility, explain_all, prepare_tools, visibility
from tests.unit.decide.test_faults import Boom, Failing
from tests.unit.decide.world import GATEWAY, World, authorize, policy_says, tool

AUDITOR = Caller(Subject("user", "dora"), frozenset({"auditor"}), "test")
STRANGER = Caller(Subject("service", "other"), frozenset({"orchestrator"}), "test")


def rule(name: str = "intent", result: str = "pass", **more: Any) -> dict[str, Any]:
    """One rule of an explanation document."""
    return {
        "rule": name, "mode": "enforce", "grants": name == "intent", "result": result,
        "code": "", "message": "", "agent_message": "", "remediation": "", "controls": [],
        "metadata": {}, **more,
    }  # fmt: skip


def explaining(*rules: dict[str, Any], decision: str = "allow", code: str = "c") -> Any:
    """A policy whose decision and rules are these, whatever it is asked."""
    return lambda _document: {
        **policy_says(decision, code),
        "decision": policy_says(decision, code),
        "rules": list(rules),
    }


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.start()
    made.engine.policy = explaining(rule())
    return made


def last_leaf(world: World) -> dict[str, Any]:
    size = world.store.log_state().size
    body: dict[str, Any] = json.loads(world.store.leaves(size - 1, 1)[0].leaf.body)
    return body


# Explain


@pytest.mark.parametrize("caller", [GATEWAY, AUDITOR])
def test_an_enforcement_point_and_an_auditor_may_ask_about_a_request(
    world: World, caller: Caller
) -> None:
    size = world.store.log_state().size
    found = explain_request(replace(authorize(), caller=caller), world.parts)
    assert isinstance(found, Explained)
    assert found.answer.decision is Decision.ALLOW
    assert (found.answer.decision_id, found.answer.canonical_arguments) == ("", b"")
    # The document says who really asked.
    assert json.loads(found.document)["caller"]["roles"] == sorted(caller.roles)
    assert world.store.log_state().size == size + 1
    assert last_leaf(world)["kind"] == "explain"
    assert last_leaf(world)["caller"]["id"] == caller.identity.id


def test_nobody_else_may_ask_and_that_they_tried_is_recorded(world: World) -> None:
    found = explain_request(replace(authorize(), caller=STRANGER), world.parts)
    assert isinstance(found, Refusal)
    assert found.kind is RefusalKind.PERMISSION_DENIED
    assert last_leaf(world)["kind"] == "security_event"
    size = world.store.log_state().size
    other = explain_decision("d-1", STRANGER, world.store, world.parts)
    assert isinstance(other, Refusal)
    assert other.kind is RefusalKind.PERMISSION_DENIED
    assert world.store.log_state().size == size + 1
    assert last_leaf(world)["kind"] == "security_event"


def test_an_enforcement_point_is_told_of_its_own_decisions_only(world: World) -> None:
    world.engine.policy = lambda _document: policy_says("deny", "outside_intent")
    answer = world.one(authorize())
    world.engine.policy = explaining(rule(result="deny", code="outside_intent", message="why"))
    mine = explain_decision(answer.decision_id, GATEWAY, world.store, world.parts)
    assert isinstance(mine, Explained)
    assert mine.answer.receipt == answer.receipt
    theirs = replace(GATEWAY, identity=Subject("service", "another"))
    for caller, wanted in ((theirs, answer.decision_id), (AUDITOR, "d-none")):
        found = explain_decision(wanted, caller, world.store, world.parts)
        assert isinstance(found, Refusal)
        assert found.kind is RefusalKind.NOT_FOUND
    assert isinstance(
        explain_decision(answer.decision_id, AUDITOR, world.store, world.parts), Explained
    )


def test_a_decision_of_another_revision_keeps_its_codes_and_gets_no_words(world: World) -> None:
    world.engine.policy = lambda _document: policy_says("deny", "outside_intent")
    answer = world.one(authorize())
    world.engine.policy = explaining(rule("scripted", code="outside_intent", message="new words"))
    now = replace(world.parts, revision="sha256:next")
    found = explain_decision(answer.decision_id, AUDITOR, world.store, now)
    assert isinstance(found, Explained)
    assert (found.answer.policy_revision, found.revision) == ("sha256:test", "sha256:next")
    assert found.answer.decision is Decision.DENY
    assert [(reason.code, reason.message) for reason in found.answer.reasons] == [
        ("outside_intent", "")
    ]
    assert found.explanation is not None
    assert found.explanation.policy.decision is Decision.ALLOW


def test_what_cannot_be_recorded_is_not_explained(world: World) -> None:
    answer = world.one(authorize())
    size = world.store.log_state().size
    broken = replace(world.parts, store=Failing(world.store, "commit", StoreError("full")))
    with pytest.raises(StoreError):
        explain_request(authorize(), broken)
    with pytest.raises(StoreError):
        explain_decision(answer.decision_id, AUDITOR, world.store, broken)
    assert world.store.log_state().size == size


def test_explaining_changes_no_task_and_no_rollup(world: World) -> None:
    before = world.store.task("t1")
    explain_request(authorize(), world.parts)
    explain_request(authorize(task_id=""), world.parts)
    assert world.store.task("t1") == before
    assert [task.id for task in world.store.list_tasks(after="", limit=10)] == ["t1"]


# Visibility


def seen(world: World, name: str = "look", **tool_has: Any) -> tuple[Visibility, set[str]]:
    parts = replace(world.parts, catalogue=Catalogue([tool(name, **tool_has)]))
    [prepared] = prepare_tools([authorize(name)], parts)
    [explained] = explain_all([prepared.document], world.engine)
    found, reasons = visibility(prepared, explained)
    return found, {reason.code for reason in reasons}


def test_a_tool_that_every_rule_passes_is_visible(world: World) -> None:
    assert seen(world) == (Visibility.VISIBLE, set())


def test_a_denial_hides_and_an_escalation_escalates(world: World) -> None:
    ask = rule("irreversible", "escalate", code="irreversible")
    world.engine.policy = explaining(rule(), ask)
    assert seen(world) == (Visibility.ESCALATES, {"irreversible"})
    world.engine.policy = explaining(rule(), ask, rule("phase", "deny", code="outside_phase"))
    assert seen(world) == (Visibility.HIDDEN, {"outside_phase"})


def test_a_rule_that_misses_the_arguments_hides_nothing(world: World) -> None:
    silent = rule("acme/limit", "deny", code="policy_error")
    world.engine.policy = explaining(rule(), silent, decision="deny")
    assert seen(world) == (Visibility.VISIBLE, set())
    # Also where it is the one that could grant.
    world.engine.policy = explaining(rule(result="deny", code="policy_error"), decision="deny")
    assert seen(world) == (Visibility.VISIBLE, set())


def test_rules_in_shadow_hide_nothing(world: World) -> None:
    shadow = rule("acme/hours", "deny", code="outside_hours", mode="shadow")
    world.engine.policy = explaining(rule(), shadow, rule("acme/off", "", mode="off"))
    assert seen(world) == (Visibility.VISIBLE, set())


def test_what_no_rule_grants_is_hidden(world: World) -> None:
    ungranted = rule(grants=False)
    world.engine.policy = explaining(ungranted, decision="deny", code="not_granted")
    assert seen(world) == (Visibility.HIDDEN, {"not_granted"})


@pytest.mark.parametrize(
    "wrong",
    [
        EngineFault("policy_timeout", "slow"),
        None,
        [],
        {"decision": None, "rules": None},
        {"decision": policy_says("allow")},
        {"decision": policy_says("allow"), "rules": []},
    ],
)
def test_policy_that_cannot_be_evaluated_hides(world: World, wrong: Any) -> None:
    world.engine.policy = lambda _document: wrong
    assert seen(world)[0] is Visibility.HIDDEN


def test_an_engine_that_breaks_hides(world: World) -> None:
    def boom(*_: object) -> Any:
        raise Boom

    world.engine.evaluate_many = boom  # type: ignore[assignment, method-assign]
    assert seen(world) == (Visibility.HIDDEN, {"policy_error"})


def test_a_verdict_that_is_none_is_told_as_a_deny(world: World) -> None:
    world.engine.policy = explaining({"rule": "acme/odd", "mode": "enforce", "result": 7})
    [prepared] = prepare_tools([authorize()], world.parts)
    [explained] = explain_all([prepared.document], world.engine)
    assert isinstance(explained, Explanation)
    assert [(said.rule, said.result.value, said.code) for said in explained.rules] == [
        ("acme/odd", "deny", "policy_error")
    ]


def test_an_ended_task_hides_whatever_policy_says(world: World) -> None:
    world.clock.wall_us += 10 * 24 * 3600 * 1_000_000
    found, codes = seen(world)
    assert found is Visibility.HIDDEN
    assert codes == {"task_ended"}


def test_arguments_that_are_not_known_fit_the_schema_and_any_resource(world: World) -> None:
    schema = {"type": "object", "required": ["to"]}
    parts = replace(
        world.parts,
        catalogue=Catalogue(
            [
                tool(
                    "send",
                    ToolClass.SEND,
                    arguments_schema=schema,
                    resource=ResourceRule("email", "{to}"),
                )
            ]
        ),
    )
    for globs, stands_in in (
        ((), []),
        (("email:*@example.com",), ["**"]),
        (("{email,file}:**",), ["**"]),
        (("file:**", "ema*:x"), ["**"]),
        (("file:**",), ["file:**"]),
        (("emails:**",), ["emails:**"]),
    ):
        started = world.store.task("t1")
        assert started is not None
        limited = replace(started, intent=replace(started.intent, resources=globs))
        store = _With(world.store, limited)
        [prepared] = prepare_tools([authorize("send")], replace(parts, store=store))
        document = json.loads(prepared.document)
        assert document["findings"]["arguments"]["valid"] is True
        assert document["call"]["arguments"] == {}
        assert document["provenance"]["arguments"] == []
        assert document["task"]["intent"]["resources"] == stands_in, globs


class _With(Failing):
    """A store in which one task reads otherwise."""

    def __init__(self, inner: Any, task: Any) -> None:
        super().__init__(inner, "", Boom())
        self._task = task

    def load(self, wanted: Any) -> Any:
        """As Store."""
        found = self._inner.load(wanted)
        tasks = {key: self._task if key == self._task.id else t for key, t in found.tasks.items()}
        return replace(found, tasks=tasks)
