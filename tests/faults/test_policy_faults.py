"""Policy that fails while it decides: its own call is denied with its reason, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pdp.v1 import decision_pb2
from tests.faults.world import (
    ALLOW,
    DENY,
    Client,
    assert_in_log,
    codes,
    logged,
    look,
    note,
    verified,
)
from tests.service import Service, start_service
from tests.unit.bundle.making import ACME, RULE, folder

HEAD = RULE.partition("\nverdict := ")[0]
PASS = '{"result": "pass"}'
FOR_EVER = "count([1 | some _ in numbers.range(1, 9000); some _ in numbers.range(1, 9000)]) > 0"
READ = 'input.tool.name == "look_up"'


def when(query: str) -> str:
    """True of the reads that ask for this."""
    return f'input.call.arguments.query == "{query}"'


# What the rule says where a read asks for the name on the left, and the reason that it is denied
# with. Where it asks for nothing of the kind, it passes.
FAULTS = {
    "a builtin fails": (
        f"verdict := {PASS} if {{ {when('a builtin fails')}; to_number(input.tool.name) > 0 }}",
        "policy_error",
    ),
    "it takes for ever": (
        f"verdict := {PASS} if {{ {when('it takes for ever')}; {FOR_EVER} }}",
        "policy_timeout",
    ),
    "its verdict is none": (f'verdict := "allow" if {when("its verdict is none")}', "policy_error"),
    "its verdict is a word nobody knows": (
        f'verdict := {{"result": "allow"}} if {when("its verdict is a word nobody knows")}',
        "policy_error",
    ),
    "it has no verdict but its default": ("", "policy_error"),
    "it has two verdicts": (
        "\n\n".join(
            f'verdict := {{"result": "{word}"}} if {when("it has two verdicts")}'
            for word in ("pass", "not_applicable")
        ),
        "policy_error",
    ),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Iterator[Service]:
    place = tmp_path_factory.mktemp("faults")
    bodies = [body for body, _ in FAULTS.values()]
    text = "\n\n".join([HEAD, *bodies, f"verdict := {PASS} if not {READ}\n"])
    bundle = folder(place / "acme", {**ACME, "acme/rules/hours/hours.rego": text})
    with start_service(place / "data", catalogues=[catalogue], bundles=[bundle]) as running:
        yield running


@pytest.mark.parametrize("fault", FAULTS)
def test_a_rule_that_fails_denies_its_own_call_with_its_reason_and_no_neighbour(
    service: Service, client: Client, fault: str
) -> None:
    _, code = FAULTS[fault]
    # Of different tasks, so that they are decided in one wave.
    tasks = [client.start_task() for _ in range(3)]
    requests = [note(tasks[0]), look(tasks[1], fault), note(tasks[2]), look(tasks[2], fault)]
    answers = client.calls.AuthorizeBatch(
        decision_pb2.AuthorizeBatchRequest(requests=requests), timeout=30
    ).responses
    assert [answer.decision for answer in answers] == [ALLOW, DENY, ALLOW, DENY]
    for answer in (answers[1], answers[3]):
        assert codes(answer) == {code}
        assert answer.next_action == decision_pb2.NEXT_ACTION_RETRY
        assert not answer.canonical_arguments
    log = logged(service.data)
    for answer in answers:
        assert_in_log(answer, log)
    assert client.serving()
    verified(service.data)
