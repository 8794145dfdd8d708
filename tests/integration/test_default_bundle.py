"""The built-in bundle in the engine that serves it, fed by the real pipeline."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from structlog.testing import capture_logs

from pdp.arguments import argument_checker
from pdp.bundle import Bundle, check_rules, default_bundle_path, load_bundles
from pdp.decide import ENTRYPOINT, Parts, decide
from pdp.domain.answer import Answer
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, Catalogue, ValueType
from pdp.domain.request import Call, ChangePhase, CompleteTask, StartTask
from pdp.domain.values import (
    Action,
    Budget,
    Caller,
    Decision,
    Intent,
    Phase,
    Resource,
    Sensitivity,
    Subject,
    ToolClass,
)
from pdp.engine.binary import find_opa
from pdp.engine.managed import ManagedOpa
from pdp.memory import Memory
from pdp.ports import Engine, EngineFault, Evaluation, PolicyRefused, PolicySource, RuleInfo
from pdp.store.sqlite import open_store
from tests.unit.bundle.making import ACME, folder
from tests.unit.decide.world import AGENT, GATEWAY, PERSON, ToldClock, authorize, call, tool

SAMPLES = ("send", "read", "pay", "unregistered_read", "start_task", "change_phase")


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundles([default_bundle_path()], entrypoints=(ENTRYPOINT,))


@pytest.fixture(scope="module")
def engine(bundle: Bundle) -> Iterator[ManagedOpa]:
    engine = ManagedOpa(find_opa())
    try:
        # With the tests, whose samples are used here.
        engine.load(replace(bundle.source, modules={**bundle.source.modules, **bundle.tests}))
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="module")
def schema() -> jsonschema_rs.Draft202012Validator:
    text = (default_bundle_path() / "input.schema.json").read_text()
    return jsonschema_rs.Draft202012Validator(json.loads(text))


def ask(engine: Engine, documents: Sequence[Any], entrypoint: str = ENTRYPOINT) -> list[Any]:
    """What policy says of each; a fault as its code."""
    answers = engine.evaluate_many(entrypoint, [json.dumps(one).encode() for one in documents])
    return [one.value if isinstance(one, Evaluation) else one.code for one in answers]


def sample(engine: Engine, name: str) -> dict[str, Any]:
    [document] = ask(engine, [{}], f"pdp/lib/sample_test/{name}")
    assert isinstance(document, dict), document
    return document


# What the bundle is.


def test_the_rules_are_those_of_the_manifest(bundle: Bundle) -> None:
    engine = ManagedOpa(find_opa())
    try:
        infos = engine.load(bundle.source, lambda infos: check_rules(bundle, infos))
        assert {rule.path for rule in bundle.rules.values()} <= {
            info.path.removesuffix("/verdict") for info in infos
        }
    finally:
        engine.close()


@pytest.mark.parametrize(
    "command",
    [
        ["check", "--strict", "--schema", "input.schema.json", "."],
        ["fmt", "--list", "--fail", "."],
    ],
)
def test_opas_own_checks_find_nothing(command: list[str]) -> None:
    done = subprocess.run(
        [find_opa(), *command],
        cwd=default_bundle_path(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_schema_catches_a_misspelt_key_in_a_rule(tmp_path: Path) -> None:
    rule = default_bundle_path() / "pdp" / "rules" / "task_alive" / "task_alive.rego"
    misspelt = rule.read_text().replace("input.task.state ==", "input.task.stat ==")
    made = folder(tmp_path, {"rule.rego": misspelt})
    schema = default_bundle_path() / "input.schema.json"
    done = subprocess.run(
        [find_opa(), "check", "--schema", schema, made, default_bundle_path() / "pdp" / "lib"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "undefined ref: input.task.stat" in done.stderr


def metadata(text: str) -> set[str]:
    """The codes that a rule's METADATA lists."""
    listed = re.search(r"#\s+codes:\n((?:#\s+- \w+\n)+)", text)
    assert listed is not None
    return set(re.findall(r"- (\w+)", listed[1]))


def test_every_code_that_a_rule_gives_is_in_its_metadata_and_in_the_documentation(
    bundle: Bundle, root: Path
) -> None:
    documented = (root / "docs" / "policy.md").read_text()
    for rule in bundle.rules.values():
        text = "".join(
            module
            for path, module in bundle.source.modules.items()
            if f"/pdp/rules/{rule.name}/" in path
        )
        given = re.findall(r'(?:rego\.metadata\.chain\(\),|chain,|"code":)\s+"(\w+)"', text)
        codes = {code for code in given if "_" in code or code in ("revoked", "irreversible")}
        assert codes - {"calls", "effects", "policy_error"} == metadata(text), rule.id
        assert all(f"`{code}`" in documented for code in metadata(text)), rule.id


# What the pipeline feeds it.

CATALOGUE = Catalogue(
    [
        tool("look"),
        tool("look_confidential", sensitivity=Sensitivity.CONFIDENTIAL),
        tool("draft", ToolClass.DRAFT),
        tool("send", ToolClass.SEND, reversible=False),
        tool(
            "pay",
            ToolClass.SEND,
            reversible=False,
            arguments={"n": ArgumentRole(ArgumentKind.AMOUNT, ValueType.NUMBER)},
        ),
        tool(
            "guess",
            ToolClass.ADMIN,
            egress=True,
            reversible=False,
            inferred={"class": (), "reversible": ()},
        ),
        tool("look", server="other"),
    ]
)


class Listening:
    """The real engine, remembering what it was asked."""

    def __init__(self, engine: ManagedOpa) -> None:
        self.engine = engine
        self.inputs: list[bytes] = []

    def load(self, _source: PolicySource, _check: Any = None) -> Sequence[RuleInfo]:
        raise AssertionError

    def evaluate_many(
        self, entrypoint: str, inputs: Sequence[bytes]
    ) -> Sequence[Evaluation | EngineFault]:
        self.inputs += inputs
        return self.engine.evaluate_many(entrypoint, inputs)

    def ready(self) -> bool:
        return self.engine.ready()

    def close(self) -> None:
        raise AssertionError


@pytest.fixture
def listening(engine: ManagedOpa) -> Listening:
    return Listening(engine)


@pytest.fixture
def decided(listening: Listening, tmp_path: Path) -> Iterator[Callable[[Call], Answer]]:
    """Decides a call through the whole pipeline with a real store."""
    store = open_store(tmp_path)
    parts = Parts(
        engine=listening,
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

    with capture_logs():
        yield one
    store.close()


def start(**changed: Any) -> Call:
    ask = StartTask(
        subject=AGENT,
        on_behalf_of=PERSON,
        intent=Intent(goal="Tell Bob about Monday and pay him 5 euros."),
        task_id="t1",
        phase=Phase.EXECUTE,
    )
    return call(replace(ask, **changed))


def codes(answer: Answer) -> tuple[str, ...]:
    return tuple(reason.code for reason in answer.reasons)


def test_a_working_day_is_decided_as_documented(
    decided: Callable[[Call], Answer],
    listening: Listening,
    schema: jsonschema_rs.Draft202012Validator,
) -> None:
    pep = Caller(GATEWAY.identity, frozenset({"pep"}), "test")
    agent = Caller(AGENT, frozenset({"orchestrator"}), "test")
    allow, deny, escalate = Decision.ALLOW, Decision.DENY, Decision.ESCALATE
    day: list[tuple[Call, Decision, tuple[str, ...]]] = [
        (replace(start(), caller=pep), deny, ("role_missing",)),
        (replace(start(), caller=agent), deny, ("caller_is_subject",)),
        (start(phase=Phase.UNSPECIFIED), allow, ("task_action",)),
        (start(), deny, ("task_exists",)),
        (authorize("look"), allow, ("within_intent",)),
        (authorize("draft"), deny, ("outside_phase",)),
        (authorize("send"), deny, ("outside_phase",)),
        (authorize("guess"), escalate, ("inferred_tool",)),
        (call(ChangePhase("t1", Phase.EXECUTE), caller=pep), deny, ("role_missing",)),
        (call(ChangePhase("t1", Phase.EXECUTE)), allow, ("task_action",)),
        (authorize("send"), allow, ("within_intent",)),
        (authorize("pay", {"n": 5}), allow, ("within_intent",)),
        (authorize("pay", {"n": 50_000}), escalate, ("sink_unknown", "split_act")),
        (authorize("pay", {"n": "twelve"}), deny, ("arguments_invalid",)),
        (authorize("conjure"), deny, ("unknown_tool",)),
        (authorize("look", task_id="t9"), deny, ("unknown_task",)),
        (
            authorize("look", resource=Resource(type="tool", id="srv/look")),
            allow,
            ("within_intent",),
        ),
        (call(CompleteTask("t1"), caller=pep), allow, ("task_action",)),
        (authorize("look"), deny, ("task_ended",)),
    ]
    for number, (asked, decision, expected) in enumerate(day):
        answer = decided(asked)
        assert (number, answer.decision, codes(answer)) == (number, decision, expected)
    assert len(listening.inputs) == len(day)
    for raw in listening.inputs:
        schema.validate(json.loads(raw))


def test_what_nobody_started_may_look_and_draft_only(
    decided: Callable[[Call], Answer],
    listening: Listening,
    schema: jsonschema_rs.Draft202012Validator,
) -> None:
    def loose(name: str, **changed: Any) -> Answer:
        more = {"task_id": "", "on_behalf_of": PERSON, **changed}
        return decided(authorize(name, **more))

    assert codes(loose("look")) == ("within_intent",)
    assert codes(loose("draft")) == ("within_intent",)
    assert codes(loose("send")) == ("outside_phase", "task_unregistered")
    assert codes(loose("look", intent=Intent(goal="Another."))) == ("intent_pinned",)
    assert loose("guess").decision is Decision.DENY
    for raw in listening.inputs:
        schema.validate(json.loads(raw))


def test_an_intent_limits_tools_resources_and_sensitivity(
    decided: Callable[[Call], Answer],
) -> None:
    intent = Intent("Look.", ("look*",), ("tool:srv/*",), Sensitivity.INTERNAL)
    decided(start(intent=intent))
    assert codes(decided(authorize("look"))) == ("within_intent",)
    assert set(codes(decided(authorize("send")))) == {"outside_intent", "not_in_goal"}
    assert codes(decided(authorize("look_confidential"))) == ("above_sensitivity",)
    decided(start(task_id="t2", intent=replace(intent, resources=("tool:elsewhere/*",))))
    assert codes(decided(authorize("look", task_id="t2"))) == ("outside_intent",)


def test_a_budget_is_used_up_call_by_call(decided: Callable[[Call], Answer]) -> None:
    decided(start(budget=Budget(max_calls=4, max_effects=2)))
    assert [codes(decided(authorize("send"))) for _ in range(3)] == [
        ("within_intent",),
        ("within_intent",),
        ("budget_exceeded",),
    ]
    assert [codes(decided(authorize("look"))) for _ in range(3)] == [
        ("within_intent",),
        ("within_intent",),
        ("budget_exceeded",),
    ]


def test_one_large_payment_in_small_ones_over_tasks_is_asked_about_at_the_bound(
    decided: Callable[[Call], Answer],
) -> None:
    said = []
    for number in range(8):
        task_id = f"t{number}"
        decided(start(task_id=task_id))
        said.append(codes(decided(authorize("pay", {"n": 1500}, task_id=task_id))))
    assert said == [("within_intent",)] * 6 + [("split_act",)] * 2
    other = replace(PERSON, id="bob")
    decided(start(task_id="t9", on_behalf_of=other))
    asked = authorize("pay", {"n": 1500}, task_id="t9", on_behalf_of=other)
    assert codes(decided(asked)) == ("within_intent",)


def test_questions_of_one_task_end_in_denials(decided: Callable[[Call], Answer]) -> None:
    decided(start())
    said = [codes(decided(authorize("pay", {"n": 9000 + number}))) for number in range(21)]
    assert said == [("sink_unknown",)] * 20 + [("escalation_flood",)]
    assert codes(decided(authorize("send"))) == ("within_intent",)


def test_every_rule_that_asks_is_among_those_whose_questions_are_counted(bundle: Bundle) -> None:
    texts = {
        rule.name: "".join(
            module
            for path, module in bundle.source.modules.items()
            if f"/pdp/rules/{rule.name}/" in path
        )
        for rule in bundle.rules.values()
    }
    asking = {name for name, text in texts.items() if "result.escalate(" in text}
    counted = set(re.findall(r'"(\w+)": \w+\.verdict\.result', texts["escalation_flood"]))
    assert len(asking) > 5
    assert asking == counted


def test_a_name_that_two_servers_have_needs_its_server(decided: Callable[[Call], Answer]) -> None:
    decided(start())
    asked = authorize("look", action=Action(name="look"))
    assert codes(decided(asked)) == ("tool_ambiguous",)


def test_a_definition_that_changed_is_denied(decided: Callable[[Call], Answer]) -> None:
    decided(start())
    action = Action(name="look", server="srv", schema_digest="sha256:" + "1" * 64)
    assert codes(decided(authorize("look", action=action))) == ("tool_changed",)


# What hostile or broken input does to it.


def paths(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of a document."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield (*at, key)
            yield from paths(below, (*at, key))


def changed(document: Any, path: tuple[str, ...], value: Any) -> Any:
    """The document with another value at a path; without the key where the value is `...`."""
    key, *rest = path
    copy = dict(document)
    if rest:
        copy[key] = changed(copy[key], tuple(rest), value)
    elif value is ...:
        del copy[key]
    else:
        copy[key] = value
    return copy


def junk(value: Any) -> list[Any]:
    """Values that cannot stand where this one does."""
    others = [None, "junk", 7, [], {}, ["junk"], {"junk": 1}]
    return [..., *(other for other in others if type(other) is not type(value))]


DENIED: list[dict[str, Any]] = [
    {"task": {"state": "revoked"}},
    {"task": {"state": "expired"}},
    {"task": {"phase": "plan"}},
    {"task": {"registered": False}},
    {
        "task": {"registered": False, "intent_repinned": True},
        "tool": {"class": "read", "egress": False},
    },
    {"task": {"intent": {"tools": ["read_*"]}}},
    {"task": {"intent": {"resources": ["path:**"]}}},
    {"sensitivity": 4},
    {"ledger": {"task": {"calls": 100}}},
    {"ledger": {"task": {"effects": 20}}},
    {"ledger": {"principal": {"minute_calls": 600}}},
    {"findings": {"arguments": {"valid": False}}},
    {"findings": {"resource": {"contradicts": True}}},
    {"findings": {"definition": {"changed": True}}},
    {"approval": {"state": "denied"}},
    {"tool": {"known": False}},
    {"task": {"known": False}},
]


def merged(document: Any, more: Any) -> Any:
    """The document with some of its values changed."""
    if not isinstance(more, dict) or not isinstance(document, dict):
        return more
    return {**document, **{key: merged(document[key], below) for key, below in more.items()}}


@pytest.mark.parametrize("why", DENIED, ids=json.dumps)
def test_no_junk_in_any_key_turns_a_denial_into_an_allow(
    engine: ManagedOpa, why: dict[str, Any]
) -> None:
    denied = merged(sample(engine, "send"), why)
    assert ask(engine, [denied])[0]["decision"] == "deny"
    broken = [
        changed(denied, path, value)
        for path in paths(denied)
        if path[0] != "call"
        for value in junk(_at(denied, path))
    ]
    allowed = [
        document
        for document, said in zip(broken, ask(engine, broken), strict=True)
        if isinstance(said, dict) and said["decision"] == "allow"
    ]
    assert len(broken) > 500
    assert allowed == []


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


@pytest.mark.parametrize("name", SAMPLES)
def test_the_samples_of_the_rules_tests_hold_to_the_schema(
    engine: ManagedOpa, schema: jsonschema_rs.Draft202012Validator, name: str
) -> None:
    document = sample(engine, name)
    schema.validate(document)
    assert ask(engine, [document])[0]["decision"] in ("allow", "escalate")


def test_the_schema_refuses_every_missing_and_every_unknown_key(
    engine: ManagedOpa, schema: jsonschema_rs.Draft202012Validator
) -> None:
    document = sample(engine, "send")
    ours = [path for path in paths(document) if path[:2] != ("call", "arguments") or len(path) == 2]
    for path in ours:
        assert not schema.is_valid(changed(document, path, ...)), path
        if isinstance(_at(document, path), dict) and path not in FREE:
            assert not schema.is_valid(changed(document, (*path, "misspelt"), 1)), path
    assert not schema.is_valid(changed(document, ("misspelt",), 1))


# Objects whose keys others choose.
FREE = {
    ("call", "arguments"),
    ("tool", "inferred"),
    ("asserted", "subject_properties"),
    ("asserted", "signals"),
    ("asserted", "resource", "properties"),
}


# What further bundles can do.


def decision_with(acme: dict[str, str], at: Path, document: Any) -> Any:
    """What is decided with another bundle beside the built-in one."""
    bundle = load_bundles(
        [default_bundle_path(), folder(at / "acme", acme)], entrypoints=(ENTRYPOINT,)
    )
    engine = ManagedOpa(find_opa())
    try:
        engine.load(bundle.source, lambda infos: check_rules(bundle, infos))
        return ask(engine, [document])[0]
    finally:
        engine.close()


def test_a_further_bundle_narrows_in_the_mode_it_is_set_to(
    engine: ManagedOpa, tmp_path: Path
) -> None:
    send = sample(engine, "send")
    said = decision_with(dict(ACME), tmp_path, send)
    assert said["decision"] == "deny"
    assert [reason["rule"] for reason in said["reasons"]] == ["acme/hours"]
    shadow = {"settings.yaml": "rules: {acme/hours: {mode: shadow}}"}
    said = decision_with(shadow, tmp_path, send)
    assert (said["decision"], said["shadow"]) == ("allow", {"acme/hours": "deny"})
    off = {"settings.yaml": "rules: {acme/hours: {mode: off}}"}
    said = decision_with(off, tmp_path, send)
    assert (said["decision"], said["shadow"]) == ("allow", {})
    assert "acme/hours" not in said["verdicts"]


def test_settings_change_what_the_built_in_rules_do(engine: ManagedOpa, tmp_path: Path) -> None:
    text = "rules: {definition: {parameters: {require_digest: true}}}"
    send = changed(sample(engine, "send"), ("findings", "definition", "given"), False)
    assert ask(engine, [send])[0]["decision"] == "allow"
    said = decision_with({**ACME, "settings.yaml": text}, tmp_path, send)
    assert "digest_missing" in [reason["code"] for reason in said["reasons"]]


@pytest.mark.parametrize(
    "line",
    [
        'verdict := {"result": "pass"} if http.send({"method": "get", "url": "http://x"})',
        'verdict := {"result": "pass"} if opa.runtime().env.HOME',
        'verdict := {"result": "pass"} if net.lookup_ip_addr("x")',
        'verdict := {"result": "pass"} if count(input.x) == 1 with count as http.send',
        'verdict := {"result": "pass"} if time.now_ns() > 0',
    ],
)
def test_a_bundle_that_reaches_outside_is_refused(tmp_path: Path, line: str) -> None:
    rule = ACME["acme/rules/hours/hours.rego"].rpartition("verdict :=")[0] + line
    with pytest.raises(PolicyRefused):
        decision_with({**ACME, "acme/rules/hours/hours.rego": rule}, tmp_path, {})


def test_a_rule_that_fails_or_runs_for_ever_denies(engine: ManagedOpa, tmp_path: Path) -> None:
    send = sample(engine, "send")
    failing = 'verdict := {"result": "pass"} if 1 / input.task.intent.max_sensitivity > 0'
    endless = 'verdict := {"result": "pass"} if count([1 | some i in all; some j in all]) > 0'
    endless += "\nall := numbers.range(1, 99999)"
    for line, expected in ((failing, "policy_error"), (endless, "policy_timeout")):
        rule = ACME["acme/rules/hours/hours.rego"].rpartition("verdict :=")[0] + line
        said = decision_with({**ACME, "acme/rules/hours/hours.rego": rule}, tmp_path, send)
        assert said == expected


def test_a_bundle_without_its_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyRefused, match=r"data\.acme\.rules\.hours has no rule"):
        decision_with({**ACME, "acme/rules/hours/hours.rego": "package acme.other"}, tmp_path, {})


def test_identities_of_callers_are_compared_by_id_alone(engine: ManagedOpa) -> None:
    document = sample(engine, "start_task")
    same = merged(document, {"caller": {"id": document["subject"]["id"], "issuer": "elsewhere"}})
    assert [reason["code"] for reason in ask(engine, [same])[0]["reasons"]] == ["caller_is_subject"]
    assert Subject(id=same["caller"]["id"]) == Subject(id=document["subject"]["id"])
