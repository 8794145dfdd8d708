"""Policy that fails while it decides: its own call is denied with its reason, and no other."""

from __future__ import annotations

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
from tests.service import start_service
from tests.unit.bundle.making import ACME, RULE, folder

HEAD = RULE.partition("\nverdict := ")[0]
READ = 'input.tool.name == "look_up"'
PASS = '{"result": "pass"}'
FOR_EVER = "count([1 | some _ in numbers.range(1, 9000); some _ in numbers.range(1, 9000)]) > 0"

# What the rule says of a read, and the reason that it is denied with. All else passes.
FAULTS = {
    "a builtin fails": (
        f"verdict := {PASS} if {{ {READ}; to_number(input.tool.name) > 0 }}",
        "policy_error",
    ),
    "it takes for ever": (f"verdict := {PASS} if {{ {READ}; {FOR_EVER} }}", "policy_timeout"),
    "its verdict is none": (f'verdict := "allow" if {READ}', "policy_error"),
    "its verdict is a word nobody knows": (
        f'verdict := {{"result": "allow"}} if {READ}',
        "policy_error",
    ),
    "it has no verdict but its default": ("", "policy_error"),
    "it has two verdicts": (
        f'verdict := {PASS} if {READ}\n\nverdict := {{"result": "not_applicable"}} if {READ}',
        "policy_error",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_rule_that_fails_denies_its_own_call_with_its_reason_and_no_neighbour(
    tmp_path: Path, catalogue: Path, fault: str
) -> None:
    body, code = FAULTS[fault]
    text = f"{HEAD}\n{body}\n\nverdict := {PASS} if not {READ}\n"
    bundle = folder(tmp_path / "acme", {**ACME, "acme/rules/hours/hours.rego": text})
    with (
        start_service(tmp_path / "data", catalogues=[catalogue], bundles=[bundle]) as service,
        Client(service) as client,
    ):
        # Of different tasks, so that they are decided in one wave.
        tasks = [client.start_task() for _ in range(3)]
        requests = [note(tasks[0]), look(tasks[1]), note(tasks[2]), look(tasks[2])]
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
