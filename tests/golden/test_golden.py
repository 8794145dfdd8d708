"""Golden cases: the default bundle's answer to a call, and what the log then says of it.

Each file under `cases/` is one story of one task, decided by real OPA over the real pipeline.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pdp.app import load_policy
from pdp.arguments import argument_checker
from pdp.decide import Parts, decide
from pdp.domain.answer import Answer
from pdp.domain.request import (
    AppendContext,
    Authorize,
    CancelApproval,
    ChangePhase,
    CompleteTask,
    DecideApproval,
    StartTask,
)
from pdp.domain.values import (
    Action,
    Budget,
    Caller,
    Intent,
    Phase,
    Resource,
    Sensitivity,
    Subject,
    Trust,
)
from pdp.engine.binary import find_opa
from pdp.engine.managed import ManagedOpa
from pdp.memory import Memory
from pdp.ports import Engine
from pdp.store.sqlite import SqliteStore, open_store
from tests.unit.decide.world import ToldClock, call

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.yaml"))
AGENT = Subject(type="agent", id="spiffe://example.test/agent")
PERSON = Subject(type="user", id="alice", issuer="https://id.example.test")
GATEWAY = Caller(
    Subject(type="service", id="gateway"), frozenset({"pep", "orchestrator"}), "golden"
)


@pytest.fixture(scope="module")
def engine() -> Iterator[ManagedOpa]:
    """One managed OPA for all cases."""
    opa = ManagedOpa(find_opa())
    yield opa
    opa.close()


@dataclass
class Story:
    """A case being told: its parts, and the task it has started."""

    parts: Parts
    store: SqliteStore
    task_id: str = ""
    approval_id: str = ""


def _tell(step: dict[str, Any], story: Story) -> Answer:
    caller = GATEWAY
    if "roles" in step:
        caller = Caller(GATEWAY.identity, frozenset(step["roles"]), "golden")
    if "by" in step:
        person = Subject("user", step["by"], PERSON.issuer)
        caller = Caller(person, frozenset(step.get("roles", ["approver"])), "golden")
    result = decide([call(_ask(step, story), caller=caller)], story.parts)[0]
    assert isinstance(result, Answer), result
    if result.task_after is not None:
        story.task_id = result.task_after.id
    if result.approval is not None:
        story.approval_id = result.approval.id
    return result


def _ask(step: dict[str, Any], story: Story) -> Any:
    task_id = step.get("task", story.task_id)
    match step["do"]:
        case "start":
            return StartTask(
                subject=AGENT,
                on_behalf_of=PERSON,
                task_id=step.get("id", ""),
                intent=_intent(step),
                phase=Phase[step.get("phase", "UNSPECIFIED")],
                ttl_us=step.get("ttl_s", 0) * 1_000_000,
                budget=Budget(**step.get("budget", {})),
            )
        case "phase":
            return ChangePhase(task_id, Phase[step["phase"]])
        case "append":
            return AppendContext(task_id, Trust[step["trust"]], step["content"].encode())
        case "approve" | "deny":
            return DecideApproval(story.approval_id, step["do"] == "approve", step.get("why", ""))
        case "take back":
            return CancelApproval(story.approval_id)
        case "complete":
            return CompleteTask(task_id)
        case tool:
            server, _, name = tool.rpartition("/")
            return Authorize(
                subject=Subject("agent", step.get("subject", AGENT.id)),
                action=Action(
                    name,
                    json.dumps(step.get("arguments", {})).encode(),
                    server,
                    step.get("schema_digest", ""),
                ),
                task_id=task_id,
                resource=_resource(step.get("resource", {})),
                intent=_intent(step) if not task_id else None,
            )


def _intent(step: dict[str, Any]) -> Intent:
    return Intent(
        goal=step.get("goal", ""),
        tools=tuple(step.get("tools", ())),
        resources=tuple(step.get("resources", ())),
        max_sensitivity=Sensitivity[step.get("max_sensitivity", "UNSPECIFIED")],
    )


def _resource(given: dict[str, Any]) -> Resource:
    return Resource(
        given.get("type", ""),
        given.get("id", ""),
        Sensitivity[given.get("sensitivity", "UNSPECIFIED")],
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_golden_case_is_answered_and_recorded_as_written(
    path: Path, engine: Engine, tmp_path: Path
) -> None:
    policy = load_policy(engine, [], [HERE / "catalogue.yaml"])
    store = open_store(tmp_path)
    story = Story(
        Parts(
            engine=engine,
            store=store,
            clock=ToldClock(),
            catalogue=policy.catalogue,
            revision=policy.revision,
            check_arguments=argument_checker(policy.catalogue),
            memory=Memory(),
        ),
        store,
    )
    for number, step in enumerate(yaml.safe_load(path.read_text())["steps"], start=1):
        answer = _tell(step, story)
        expected, where = step["expect"], f"{path.stem}, step {number} ({step['do']})"
        said = [reason.code for reason in answer.reasons]
        assert answer.decision.value == expected["decision"], f"{where}: {answer.reasons}"
        assert set(said) == set(expected["codes"]), f"{where}: {answer.reasons}"
        assert answer.receipt is not None, where
        record = json.loads(store.leaves(answer.receipt.leaf_index, 1)[0].leaf.body)
        assert record["decision"] == expected["decision"], where
        assert record["codes"] == said, where
        assert record["revision"] == policy.revision, where
        for name, value in expected.get("record", {}).items():
            assert record[name] == value, f"{where}: record {name}"
    store.close()


def test_there_are_golden_cases() -> None:
    assert len(CASES) >= 8
