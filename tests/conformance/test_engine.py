"""What every engine behind `pdp.ports.Engine` must do."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdp.domain.canonical import JsonValue
from pdp.ports import Engine, EngineFault, Evaluation, PolicyRefused, PolicySource, RuleInfo
from tests.conformance.engines import FACTORIES, EngineFactory, codes, policy, values

ECHO = "value := input"


@pytest.fixture(scope="module", params=sorted(FACTORIES))
def make(request: pytest.FixtureRequest) -> EngineFactory:
    factory: EngineFactory = FACTORIES[request.param]
    return factory


@pytest.fixture
def engine(make: EngineFactory) -> Iterator[Engine]:
    engine = make()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def echo(make: EngineFactory) -> Iterator[Engine]:
    engine = make()
    engine.load(policy(ECHO))
    yield engine
    engine.close()


def ask(engine: Engine, *inputs: JsonValue, entrypoint: str = "probe/value") -> list[object]:
    return list(engine.evaluate_many(entrypoint, [json.dumps(i).encode() for i in inputs]))


def test_every_element_of_a_batch_is_answered_in_its_place(echo: Engine) -> None:
    inputs: list[JsonValue] = [{"n": n} for n in range(1000)]
    assert values(ask(echo, *inputs)) == inputs


def test_an_empty_batch_has_no_answers(echo: Engine) -> None:
    assert ask(echo) == []


def test_an_evaluation_tells_how_long_it_took(echo: Engine) -> None:
    began = time.perf_counter()
    [answer] = ask(echo, {"a": 1})
    took = (time.perf_counter() - began) * 1e6
    assert isinstance(answer, Evaluation)
    assert 0 <= answer.micros <= took


def test_an_undefined_value_is_a_policy_error(engine: Engine) -> None:
    engine.load(policy("value := true if input.ok"))
    answers = ask(engine, {"ok": True}, {"ok": False}, {})
    assert codes(answers) == ["value", "policy_error", "policy_error"]
    assert isinstance(answers[1], EngineFault)
    assert "undefined" in answers[1].message


def test_a_builtin_error_is_a_policy_error_even_where_a_default_would_hide_it(
    engine: Engine,
) -> None:
    engine.load(policy("default value := false\nvalue if to_number(input.s) > 1"))
    answers = ask(engine, {"s": "2"}, {"s": "two"}, {"s": "0"})
    assert codes(answers) == ["value", "policy_error", "value"]


def test_a_rule_with_two_values_is_a_policy_error(engine: Engine) -> None:
    engine.load(policy("value := 1 if input.a\nvalue := 2 if input.b"))
    answers = ask(engine, {"a": True, "b": False}, {"a": True, "b": True}, {"a": False, "b": True})
    assert codes(answers) == ["value", "policy_error", "value"]


def test_an_evaluation_past_its_deadline_is_a_timeout_and_its_neighbours_have_their_values(
    make: EngineFactory,
) -> None:
    engine = make(evaluation_ms=300)
    loop = "count([1 | some i in numbers.range(1, input.n); some j in numbers.range(1, 9000)])"
    engine.load(policy(f"value := {loop}"))
    began = time.perf_counter()
    answers = ask(engine, {"n": 1}, {"n": 100_000}, {"n": 2}, {"n": 100_000}, {"n": 3})
    took = time.perf_counter() - began
    engine.close()
    assert codes(answers) == ["value", "policy_timeout", "value", "policy_timeout", "value"]
    assert values(answers[::2]) == [9000, 18000, 27000]
    assert took < 5


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b"{",
        b'{"a":1}{}',
        b'{"a":1,}',
        b'{"a":01}',
        b'{"a":NaN}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"a":1,"a":2}',
        b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    ],
    ids=lambda bad: bad[:16].decode(errors="replace") or "nothing",
)
def test_an_input_that_is_not_one_strict_json_object_is_a_fault_of_that_element_alone(
    echo: Engine, bad: bytes
) -> None:
    answers = list(echo.evaluate_many("probe/value", [b'{"n":1}', bad, b'{"n":2}']))
    assert codes(answers) == ["value", "policy_error", "value"]
    assert values(answers[::2]) == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize(
    "number", ["1e99999999", "-1E+99999999", "1e-99999999", "1e309", "9" * 65, "0." + "1" * 65]
)
def test_a_number_that_is_too_costly_neither_kills_nor_stalls(engine: Engine, number: str) -> None:
    engine.load(policy("value := input.amount + 1"))
    inputs = [b'{"amount":1}', b'{"amount":%s}' % number.encode(), b'{"amount":2}']
    began = time.perf_counter()
    answers = list(engine.evaluate_many("probe/value", inputs))
    assert time.perf_counter() - began < 1
    assert codes(answers) == ["value", "policy_error", "value"]
    assert values(answers[::2]) == [2, 3]


@pytest.mark.parametrize("text", ["1e99999999", "-1e99999999", "1e-99999999"])
@pytest.mark.parametrize("expression", ["to_number(input.s) + 1", "json.unmarshal(input.s) * 2"])
def test_a_number_a_policy_reads_from_text_neither_kills_nor_stalls(
    engine: Engine, expression: str, text: str
) -> None:
    engine.load(policy(f"value := {expression}"))
    began = time.perf_counter()
    answers = ask(engine, {"s": "1"}, {"s": text}, {"s": "1"})
    assert time.perf_counter() - began < 1
    assert codes(answers[::2]) == ["value", "value"]


def test_integers_are_exact_whatever_their_size(engine: Engine) -> None:
    engine.load(policy('value := {"as_it_came": input.n, "plus_one": input.n + 1}'))
    for n in (2**53 + 1, 2**64 + 1, -(2**200) - 1, 10**63):
        assert values(ask(engine, {"n": n})) == [{"as_it_came": n, "plus_one": n + 1}]


def test_a_result_beyond_the_limit_is_a_policy_error_of_that_element_alone(
    make: EngineFactory,
) -> None:
    engine = make(result_bytes=1000)
    engine.load(policy("value := [input.s | some i in numbers.range(1, input.n)]"))
    answers = ask(engine, {"s": "x" * 90, "n": 10}, {"s": "x" * 90, "n": 11}, {"s": "y", "n": 1})
    engine.close()
    assert codes(answers) == ["value", "policy_error", "value"]
    assert isinstance(answers[1], EngineFault)
    assert "larger than the limit" in answers[1].message


NOT_FOR_POLICY = "is not available to policy"
# The rule, and what the author is told.
REFUSED = {
    "the network": ('value := http.send({"method": "get", "url": "x:"})', NOT_FOR_POLICY),
    "the network in a comprehension": ("value := [x | x := http.send(input)]", NOT_FOR_POLICY),
    "the network, mocked": (
        'ask := 1\nvalue := x if { x := ask with http.send as {"status": 200} }',
        NOT_FOR_POLICY,
    ),
    "the network as a mock": (
        "f(_) := 1\nask := f(1)\nvalue := x if { x := ask with f as http.send }",
        NOT_FOR_POLICY,
    ),
    "the network as a mock, in brackets": (
        'f(_) := 1\nask := f(1)\nvalue := x if { x := ask with f as http["send"] }',
        NOT_FOR_POLICY,
    ),
    "the network as input": (
        "ask := input.y\nvalue := x if { x := ask with input.y as http.send({}) }",
        NOT_FOR_POLICY,
    ),
    "name resolution": ('value := net.lookup_ip_addr("localhost")', NOT_FOR_POLICY),
    "name resolution as a mock of a function": (
        "ask := count([1])\nvalue := x if { x := ask with count as net.lookup_ip_addr }",
        NOT_FOR_POLICY,
    ),
    "addresses": ('value := net.cidr_contains("10.0.0.0/8", input.ip)', NOT_FOR_POLICY),
    "the host": ("value := opa.runtime().env", NOT_FOR_POLICY),
    "the host, mocked": (
        "ask := 1\nvalue := x if { x := ask with opa.runtime as {} }",
        NOT_FOR_POLICY,
    ),
    "the clock": ("value := time.now_ns()", NOT_FOR_POLICY),
    "the clock, mocked": (
        "ask := 1\nvalue := x if { x := ask with time.now_ns as 5 }",
        NOT_FOR_POLICY,
    ),
    "the clock as data": (
        "ask := data.y\nvalue := x if { x := ask with data.y as time.now_ns() }",
        NOT_FOR_POLICY,
    ),
    "chance": ('value := rand.intn("x", 10)', NOT_FOR_POLICY),
    "identifiers by chance": ('value := uuid.rfc4122("x")', NOT_FOR_POLICY),
    "tokens": ("value := io.jwt.decode(input.t)", NOT_FOR_POLICY),
    "certificates": ("value := crypto.x509.parse_certificates(input.c)", NOT_FOR_POLICY),
    "keys": ("value := crypto.hmac.sha256(input.a, input.k)", NOT_FOR_POLICY),
    "signatures": ("value := providers.aws.sign_req({}, {}, 1)", NOT_FOR_POLICY),
    "remote schemas": ("value := json.match_schema(input, {})", NOT_FOR_POLICY),
    "policy as data": ('value := rego.parse_module("x", "package x")', NOT_FOR_POLICY),
    "a syntax error": ("value := {", "unexpected eof"),
    "an unsafe variable": ("value := x", "var x is unsafe"),
    "recursion": ("value := value2\nvalue2 := value", "recursive"),
    "a type error": ('value := 1 + "one"', "plus: invalid argument"),
    "an unused import": ("import input.unused\nvalue := 1", "input.unused unused"),
    "an unused assignment": ("value := 1 if { x := input.x }", "assigned var x unused"),
    "a shadowed input": ("value := input if { input := 1 }", "input"),
    "a function that is nowhere": ("value := nowhere(1)", "undefined function nowhere"),
    "broken metadata": ("# METADATA\n# title: [\nvalue := 1", "yaml"),
    "no rule at the entrypoint": ("other := 1", "no rule at its entrypoint probe/value"),
}


@pytest.mark.parametrize(("rego", "told"), REFUSED.values(), ids=REFUSED)
def test_a_policy_that_is_refused_says_why_and_leaves_the_last_good_one_in_force(
    engine: Engine, rego: str, told: str
) -> None:
    engine.load(policy("value := 1", revision="good"))
    with pytest.raises(PolicyRefused, match=re.escape(told)):
        engine.load(policy(rego, revision="bad"))
    assert engine.ready()
    assert values(ask(engine, {})) == [1]


def test_a_policy_whose_rules_the_caller_refuses_is_never_in_force(engine: Engine) -> None:
    def refuse(rules: Sequence[RuleInfo]) -> None:
        assert [rule.path for rule in rules] == ["probe/value"]
        raise PolicyRefused("not these rules")

    engine.load(policy("value := 1", revision="good"))
    with pytest.raises(PolicyRefused, match="not these rules"):
        engine.load(policy("value := 2", revision="bad"), refuse)
    assert values(ask(engine, {})) == [1]


def test_a_refusal_tells_the_author_where_and_why(engine: Engine) -> None:
    with pytest.raises(PolicyRefused) as refused:
        engine.load(policy("\nvalue := time.now_ns()\n\nother := nowhere(1)"))
    message = str(refused.value)
    assert "probe.rego:3" in message
    assert "the time of the decision is in the input" in message
    assert "probe.rego:5" in message
    assert "nowhere" in message


@pytest.mark.parametrize(
    "data",
    [{"probe": {"value": 2}}, {"probe": {"value": {"deeper": 2}}}, {"probe": 1}],
    ids=["at a rule", "below a rule", "above a rule"],
)
def test_data_where_the_policy_has_rules_is_refused(
    engine: Engine, data: dict[str, JsonValue]
) -> None:
    with pytest.raises(PolicyRefused, match="probe"):
        engine.load(policy("value := 1", data=data))
    assert not engine.ready()


def test_data_is_read_by_the_policy_that_came_with_it(engine: Engine) -> None:
    rego = "value := data.tools[input.tool].class"
    tools: dict[str, JsonValue] = {f"tool_{n}": {"class": n, "exact": 10**40} for n in range(50)}
    engine.load(policy(rego, data={"tools": tools}))
    assert values(ask(engine, {"tool": "tool_7"}, {"tool": "tool_8"})) == [7, 8]
    engine.load(policy(rego, revision="r2", data={"tools": {"tool_7": {"class": "new"}}}))
    answers = ask(engine, {"tool": "tool_7"}, {"tool": "tool_8"})
    assert codes(answers) == ["value", "policy_error"]
    assert values(answers[:1]) == ["new"]


def test_any_rule_can_be_an_entrypoint_whether_announced_or_not(engine: Engine) -> None:
    engine.load(policy("value := 1\ntest_it if input.x == 1\nother.nested := 3"))
    assert values(ask(engine, {"x": 1}, entrypoint="probe/test_it")) == [True]
    assert values(ask(engine, {}, entrypoint="probe/other/nested")) == [3]
    for entrypoint in ("probe/nowhere", "", "/", "probe//value", 'probe/"]|input'):
        assert codes(ask(engine, {}, entrypoint=entrypoint)) == ["policy_error"]


def test_tests_may_replace_input_and_data(engine: Engine) -> None:
    rego = "value := data.limit\ntest_it if data.probe.value == 5 with data.limit as 5"
    engine.load(policy(rego, data={"limit": 1}))
    assert values(ask(engine, {})) == [1]
    assert values(ask(engine, {}, entrypoint="probe/test_it")) == [True]


def test_loading_lists_every_rule_with_its_default_and_its_metadata(engine: Engine) -> None:
    modules = {
        "alive/rule.rego": """# METADATA
# title: Task alive
# custom:
#   defends: [ASI03]
package pdp.rules.alive

default verdict := {"kind": "deny"}

# METADATA
# description: passes while the task is alive
verdict := {"kind": "pass"} if input.alive

reasons contains "dead" if not input.alive

helper(x) := x
""",
        "main.rego": """package pdp.main

decision := data.pdp.rules.alive.verdict
""",
    }
    rules = engine.load(PolicySource("r", modules, {}, ("pdp/main/decision",)))
    by_path = {rule.path: rule for rule in rules}
    assert sorted(by_path) == [
        "pdp/main/decision",
        "pdp/rules/alive/helper",
        "pdp/rules/alive/reasons",
        "pdp/rules/alive/verdict",
    ]
    assert [path for path, rule in by_path.items() if rule.default] == ["pdp/rules/alive/verdict"]
    assert by_path["pdp/rules/alive/verdict"].default_value == {"kind": "deny"}
    assert by_path["pdp/main/decision"].default_value is None
    assert by_path["pdp/main/decision"].annotations == {}
    annotations = by_path["pdp/rules/alive/verdict"].annotations
    assert annotations["title"] == "Task alive"
    assert annotations["custom"] == {"defends": ["ASI03"]}
    assert annotations["description"] == "passes while the task is alive"


def test_an_engine_without_a_policy_is_not_ready_and_has_no_values(engine: Engine) -> None:
    assert not engine.ready()
    assert codes(ask(engine, {}, {})) == ["policy_error", "policy_error"]


def test_a_closed_engine_answers_with_faults_and_loads_nothing(make: EngineFactory) -> None:
    engine = make()
    engine.load(policy(ECHO))
    engine.close()
    assert not engine.ready()
    assert codes(ask(engine, {}, {})) == ["policy_error", "policy_error"]
    engine.close()


def test_callers_in_several_threads_each_get_their_own_answers(echo: Engine) -> None:
    wrong: list[object] = []

    def call(name: int) -> None:
        for turn in range(40):
            inputs: list[JsonValue] = [{"name": name, "turn": turn, "n": n} for n in range(9)]
            answers = ask(echo, *inputs)
            wrong.extend(a for a, i in zip(answers, inputs, strict=True) if not is_value(a, i))

    threads = [threading.Thread(target=call, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def is_value(answer: object, value: JsonValue) -> bool:
    return isinstance(answer, Evaluation) and answer.value == value


def test_the_same_input_gives_the_same_answer_byte_for_byte(engine: Engine) -> None:
    engine.load(
        policy("value := {x | some x in input.xs} | {{type_name(x): x} | some x in input.xs}")
    )
    inputs: list[JsonValue] = [{"xs": [3, "b", None, {"z": 1, "a": [2]}, 1, "a"]}] * 50
    assert len({json.dumps(v) for v in values(ask(engine, *inputs))}) == 1


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**63), 10**63)
    # Those nearer to zero are written with exponents that are refused (DESIGN section 4).
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not 0 < abs(x) < 1e-300)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), inner)
    ),
    max_leaves=30,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(document=documents, ascii_only=st.booleans(), spaced=st.booleans())
def test_any_json_document_goes_in_and_comes_out_the_same(
    echo: Engine, document: JsonValue, ascii_only: bool, spaced: bool
) -> None:
    text = json.dumps({"it": document}, ensure_ascii=ascii_only, indent=1 if spaced else None)
    [value] = values(list(echo.evaluate_many("probe/value", [text.encode()])))
    assert json.dumps(value, sort_keys=True) == json.dumps({"it": document}, sort_keys=True)
