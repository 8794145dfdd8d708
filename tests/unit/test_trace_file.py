"""Traces as files: read strictly, and refused by place."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from pdp.domain.records import GrantTerms
from pdp.domain.request import (
    AppendContext,
    Authorize,
    CancelApproval,
    ChangePhase,
    CompleteTask,
    DecideApproval,
    StartTask,
)
from pdp.domain.values import Decision, OutcomeStatus, Phase, Sensitivity, Trust
from pdp.trace_file import MAX_STEPS, Trace, parse_trace
from pdp.trace_values import TraceRefused

TOOL = {
    "server": "mail", "name": "send", "class": "send", "sensitivity": "internal",
    "output": "untrusted", "reversible": False, "egress": True, "input_schema": {"type": "object"},
}  # fmt: skip
CALL = {"call": "mail/send", "expect": "allow"}


def nothing_beside(name: str) -> bytes:
    raise FileNotFoundError(name)


def trace(steps: Any = (CALL,), **top: Any) -> dict[str, Any]:
    return {"tasks": {"t": {}}, "steps": list(steps), **top}


def parsed(document: Any, beside: Callable[[str], bytes] = nothing_beside) -> Trace:
    return parse_trace(json.dumps(document).encode(), "a_trace.yaml", beside)


def test_a_task_is_started_before_its_first_step() -> None:
    found = parsed(trace([CALL, {"complete": "t"}]))
    assert [(step.number, step.what) for step in found.steps] == [
        (1, "start t"),
        (1, "call mail/send"),
        (2, "complete t"),
    ]
    assert [type(step.ask) for step in found.steps] == [StartTask, Authorize, CompleteTask]
    assert found.steps[0].expected.decision is Decision.ALLOW
    assert found.begins_us == 1_767_603_600_000_000


def test_a_task_that_a_step_starts_is_started_there_and_once() -> None:
    tasks = {"a": {}, "b": {"expect": {"decision": "deny", "codes": ["role_missing"]}}}
    steps = [{**CALL, "task": "a"}, {"start": "b"}, {**CALL, "task": "b"}]
    found = parsed(trace(steps, tasks=tasks))
    assert [step.what for step in found.steps] == [
        *("start a", "call mail/send", "start b", "call mail/send")
    ]
    assert str(found.steps[2].expected) == "deny, role_missing"


def test_every_key_of_a_task_is_told() -> None:
    task = {
        "subject": "agent-1", "principal": "bob", "goal": "g", "tools": ["a*"],
        "resources": ["file:**"], "max_sensitivity": "public", "phase": "prepare", "ttl_s": 60,
        "budget": {"max_calls": 2, "max_effects": 1},
    }  # fmt: skip
    [start, *_] = parsed(trace(tasks={"t": task})).steps
    ask = start.ask
    assert isinstance(ask, StartTask)
    assert (ask.subject.id, ask.on_behalf_of.id, ask.task_id) == ("agent-1", "bob", "t")
    assert (ask.intent.goal, ask.intent.tools, ask.intent.resources) == ("g", ("a*",), ("file:**",))
    assert ask.intent.max_sensitivity is Sensitivity.PUBLIC
    assert (ask.phase, ask.ttl_us) == (Phase.PREPARE, 60_000_000)
    assert (ask.budget.max_calls, ask.budget.max_effects) == (2, 1)


def test_an_unregistered_task_is_started_by_nobody() -> None:
    tasks = {"t": {"registered": False, "goal": "g", "session": "s", "principal": ""}}
    [step] = parsed(trace(tasks=tasks)).steps
    assert isinstance(step.ask, Authorize)
    assert (step.ask.task_id, step.ask.session_id) == ("", "s")
    assert step.ask.intent is not None
    assert step.ask.intent.goal == "g"
    assert not step.ask.on_behalf_of


def test_every_kind_of_step_is_told() -> None:
    steps = [
        {"phase": "execute"},
        {"append": "text", "trust": "untrusted", "source": "letter", "after_s": 5},
        {
            "call": "a/b", "server": "mail", "arguments": {"n": 1}, "schema_digest": "sha256:x",
            "resource": {"type": "file", "id": "/x", "sensitivity": "restricted"},
            "returns": {"k": ["v"]}, "status": "failed",
            "expect": {"decision": "escalate", "codes": ["c"], "origins": {"/n": "unknown"}},
        },
        {"call": "send", "expect": "deny", "returns": "plain"},
    ]  # fmt: skip
    _, phase, append, call, plain = parsed(trace(steps)).steps
    assert phase.ask == ChangePhase("t", Phase.EXECUTE)
    assert append.ask == AppendContext("t", Trust.UNTRUSTED, b"text", "letter")
    assert append.after_us == 5_000_000
    assert isinstance(call.ask, Authorize)
    assert (call.ask.action.server, call.ask.action.name) == ("mail", "a/b")
    assert json.loads(call.ask.action.arguments_json) == {"n": 1}
    assert call.ask.resource.sensitivity is Sensitivity.RESTRICTED
    assert str(call.expected) == "escalate, c, /n unknown"
    assert call.returned is not None
    assert (call.returned.status, call.returned.media_type) == (
        OutcomeStatus.FAILED,
        "application/json",
    )
    assert json.loads(call.returned.output) == {"k": ["v"]}
    assert isinstance(plain.ask, Authorize)
    assert (plain.ask.action.server, plain.what) == ("", "call send")
    assert plain.returned is not None
    assert (plain.returned.output, plain.returned.media_type) == (b"plain", "text/plain")


def test_tools_come_from_a_file_beside_from_entries_and_from_definitions() -> None:
    beside = yaml.safe_dump({"version": 1, "tools": [TOOL]}).encode()
    found = parsed(
        trace(
            catalogue="tools.yaml",
            tools=[{**TOOL, "name": "send_all"}],
            definitions={"calendar": [{"name": "list_events", "inputSchema": {"type": "object"}}]},
        ),
        {"tools.yaml": beside}.__getitem__,
    )
    assert [(tool.server, tool.name) for tool in found.tools] == [
        *(("mail", "send"), ("mail", "send_all"), ("calendar", "list_events"))
    ]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "a_trace.yaml: must be a mapping"),
        ({"steps": [CALL]}, "the key 'tasks' is missing"),
        (trace(about=7), "about: must be text"),
        (trace(step=[]), "unknown key 'step'"),
        (trace(tasks={}), "tasks: is empty"),
        (trace(tasks={"a b": {}}), "tasks.a b"),
        (trace(tasks={"t": {"goals": "x"}}), "tasks.t: unknown key 'goals'"),
        (trace(tasks={"t": {"phase": "EXECUTE"}}), "tasks.t.phase: must be one of plan, prepare"),
        (trace(tasks={"t": {"ttl_s": -1}}), "tasks.t.ttl_s: must be a whole number"),
        (trace(tasks={"t": {"ttl_s": True}}), "tasks.t.ttl_s: must be a whole number"),
        (trace(tasks={"t": {"tools": ["[a"]}}), "tasks.t.tools"),
        (trace(tasks={"t": {"budget": {"calls": 1}}}), "tasks.t.budget: unknown key 'calls'"),
        (trace(tasks={"t": {"registered": "no"}}), "tasks.t.registered: must be true or false"),
        (trace([]), "steps: has 0"),
        (trace([CALL] * (MAX_STEPS + 1)), f"steps: has {MAX_STEPS + 1}"),
        (trace([{"call": "mail/send"}]), "step 1: the key expect is missing"),
        (trace([CALL, {"cal": "x"}]), "step 2: must have exactly one of the keys call, start"),
        (trace([{**CALL, "phase": "plan"}]), "step 1: must have exactly one of the keys"),
        (trace([{**CALL, "argument": {}}]), "step 1: unknown key 'argument'"),
        (trace([{**CALL, "arguments": []}]), "step 1: arguments: must be a mapping"),
        (trace([{**CALL, "task": "u"}]), "step 1: must name one of the tasks t"),
        (trace([CALL], tasks={"a": {}, "b": {}}), "step 1: must name one of the tasks a, b"),
        (trace([{**CALL, "expect": "allowed"}]), "step 1: expect: must be allow, deny or escalate"),
        (trace([{**CALL, "expect": {"codes": []}}]), "expect: the key 'decision' is missing"),
        (
            trace([{**CALL, "expect": {"decision": "deny", "origins": {"/a": "evil"}}}]),
            "step 1: expect.origins: write `/path: origin`",
        ),
        (trace([{**CALL, "status": "done"}]), "step 1: status: must be one of succeeded"),
        (trace([{"append": "x"}]), "step 1: trust: must be principal"),
        (
            trace([{"start": "t"}], tasks={"t": {"registered": False}}),
            "step 1: task t is not registered",
        ),
        (trace(begins="yesterday"), "begins: must be a time such as"),
        (trace(begins="2026-01-05T09:00:00"), "begins: has no time zone"),
        (trace(catalogue="../x.yaml"), "catalogue: must be the name of a file beside"),
        (trace(tools=[{**TOOL, "class": "sends"}]), "tools: entry 1 (mail/send): class"),
        (trace(definitions={"m": [{"name": 1}]}), "definitions.m[0]"),
    ],
)
def test_what_is_no_trace_is_refused_by_place(document: Any, said: str) -> None:
    with pytest.raises(TraceRefused) as caught:
        parsed(document)
    assert str(caught.value).startswith("a_trace.yaml: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"tasks: {t: {}}\nsteps: [&a {call: x}]\n", "line 2: anchors"),
        (b"tasks: {t: {}, t: {}}\n", "line 1: the key 't' appears twice"),
        (b"tasks: [\n", "line 2"),
        (b"\xff", "not UTF-8"),
        (b'tasks: {t: {goal: "\\ud800"}}\nsteps: []\n', "line 1: found invalid Unicode"),
        (b" " * (4 * 1024 * 1024 + 1), "larger than 4 MiB"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: bytes, said: str) -> None:
    with pytest.raises(TraceRefused, match=r"a_trace\.yaml: ") as caught:
        parse_trace(text, "a_trace.yaml", nothing_beside)
    assert said in str(caught.value)


def test_people_answer_the_newest_question_of_a_task() -> None:
    steps = [
        CALL,
        {"approve": "carol", "uses": 2, "for_s": 60},
        {"approve": "carol"},
        {"deny": "dave"},
        {"take_back": "dave"},
    ]
    asked = parsed(trace(steps)).steps[2:]
    assert [step.what for step in asked] == [
        *("approve by carol", "approve by carol", "deny by dave", "take back by dave")
    ]
    assert [step.ask for step in asked] == [
        DecideApproval("", approve=True, grant=GrantTerms(2, 60_000_000)),
        DecideApproval("", approve=True),
        DecideApproval("", approve=False),
        CancelApproval(""),
    ]
    assert {(step.task_id, step.by and step.by.type) for step in asked} == {("t", "user")}


def test_a_change_of_phase_may_carry_a_plan() -> None:
    plan = [{"call": "mail/send", "arguments": {"to": "bob"}, "resource": {"type": "m", "id": "1"}}]
    step = parsed(trace([{"phase": "execute", "plan": plan}])).steps[1]
    assert isinstance(step.ask, ChangePhase)
    [planned] = step.ask.plan
    assert (planned.action.server, planned.action.name) == ("mail", "send")
    assert planned.action.arguments_json == b'{"to": "bob"}'
    assert (planned.resource.type, planned.resource.id) == ("m", "1")
    with pytest.raises(TraceRefused, match="plan\\[0\\]"):
        parsed(trace([{"phase": "execute", "plan": [{"tool": "mail/send"}]}]))
