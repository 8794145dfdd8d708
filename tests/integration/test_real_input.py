"""Recorded agents' calls through a real client and server, against imported catalogues."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pdp.v1 import common_pb2, decision_pb2, decision_pb2_grpc, task_pb2, task_pb2_grpc
from tests.service import Service, start_service

AGENT = common_pb2.Subject(type="agent", id="spiffe://example.test/agent/assistant")
PERSON = common_pb2.Subject(type="user", id="person@example.test", issuer="https://id.example.test")

REFERENCE_GOAL = "Send an e-mail to bob@example.com about the meeting on Monday."
REFERENCE_ARGUMENTS = {
    "recipients": ["bob@example.com"],
    "subject": "Monday",
    "body": "The meeting is at ten.",
}


def import_catalogue(folder: Path, server: str, tools: list[dict[str, Any]]) -> Path:
    """Import an MCP `tools/list` result as an operator would."""
    listing = folder / f"{server}.json"
    listing.write_text(json.dumps({"tools": tools}))
    out = folder / f"{server}.yaml"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pdp",
            "catalogue",
            "import",
            str(listing),
            "--server",
            server,
            "-o",
            str(out),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return out


@dataclass
class Replay:
    """The recorded tasks as the service answered them."""

    service: Service
    suites: dict[str, Any]
    answers: list[tuple[str, dict[str, Any], decision_pb2.AuthorizeResponse]] = field(
        default_factory=list
    )
    reference: decision_pb2.AuthorizeResponse = field(
        default_factory=decision_pb2.AuthorizeResponse
    )
    unknown: decision_pb2.AuthorizeResponse = field(default_factory=decision_pb2.AuthorizeResponse)
    tasks: dict[str, int] = field(default_factory=dict)

    @property
    def acts(self) -> int:
        """How many leaves all that should have made."""
        return sum(self.tasks.values())


@pytest.fixture(scope="module")
def replay(
    agentdojo: dict[str, Any],
    github_tools: list[dict[str, Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Replay]:
    """Every recorded task started with its prompt as goal, every call sent with its outcome."""
    folder = tmp_path_factory.mktemp("real")
    suites = agentdojo["suites"]
    catalogues = [import_catalogue(folder, "github", github_tools)]
    for suite, content in suites.items():
        tools = [
            {
                "name": tool["name"],
                "description": tool["description"],
                "inputSchema": tool["schema"],
            }
            for tool in content["tools"]
        ]
        catalogues.append(import_catalogue(folder, suite, tools))
    with start_service(folder / "data", catalogues=catalogues) as service:
        done = Replay(service, suites)
        with service.channel() as channel:
            calls = decision_pb2_grpc.AuthorizationServiceStub(channel)
            tasks = task_pb2_grpc.TaskServiceStub(channel)
            for suite, content in suites.items():
                for recorded in content["user_tasks"]:
                    _play(suite, recorded, calls, tasks, done)
            task_id = _start(REFERENCE_GOAL, tasks)
            done.reference = _authorize(
                task_id, "workspace", "send_email", REFERENCE_ARGUMENTS, calls
            )
            done.unknown = _authorize(task_id, "", "no_such_tool", {}, calls)
            done.tasks[task_id] = 3
        yield done


def _start(goal: str, tasks: Any) -> str:
    started = tasks.StartTask(
        task_pb2.StartTaskRequest(
            subject=AGENT,
            on_behalf_of=PERSON,
            intent=common_pb2.Intent(goal=goal),
            phase=common_pb2.PHASE_EXECUTE,
        ),
        timeout=10,
    )
    assert started.authorization.decision == decision_pb2.DECISION_ALLOW, started
    return str(started.task.id)


def _authorize(
    task_id: str, server: str, tool: str, arguments: dict[str, Any], calls: Any
) -> decision_pb2.AuthorizeResponse:
    answer: decision_pb2.AuthorizeResponse = calls.Authorize(
        decision_pb2.AuthorizeRequest(
            subject=AGENT,
            action=common_pb2.Action(
                name=tool, server=server, arguments_json=json.dumps(arguments).encode()
            ),
            context=decision_pb2.Context(task_id=task_id),
        ),
        timeout=10,
    )
    return answer


def _play(suite: str, recorded: dict[str, Any], calls: Any, tasks: Any, done: Replay) -> None:
    task_id = _start(recorded["prompt"], tasks)
    done.tasks[task_id] = 1
    for call in recorded["calls"]:
        answer = _authorize(task_id, suite, call["tool"], call["args"], calls)
        done.answers.append((suite, call, answer))
        calls.ReportOutcome(
            decision_pb2.ReportOutcomeRequest(
                outcomes=[
                    decision_pb2.Outcome(
                        decision_id=answer.decision_id,
                        status=decision_pb2.OUTCOME_STATUS_SUCCEEDED,
                        output=call["output"].encode(),
                    )
                ]
            ),
            timeout=10,
        )
        done.tasks[task_id] += 2


def test_every_answer_has_a_decision_a_reason_and_a_receipt(replay: Replay) -> None:
    for suite, call, answer in replay.answers:
        what = f"{suite}/{call['tool']}"
        assert answer.decision != decision_pb2.DECISION_UNSPECIFIED, what
        assert answer.reasons, what
        assert answer.reasons[0].code, what
        assert answer.decision_id, what
        assert len(answer.receipt.leaf_hash) == 32, what


def test_every_act_is_one_leaf_of_a_clean_log(replay: Replay) -> None:
    indices = [answer.receipt.leaf_index for _, _, answer in replay.answers]
    assert len(set(indices)) == len(indices)
    verified = subprocess.run(
        [
            sys.executable,
            "-m",
            "pdp",
            "audit",
            "verify",
            "--json",
            "--data",
            str(replay.service.data),
        ],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout.decode() + verified.stderr.decode()
    assert json.loads(verified.stdout)["leaves"] == replay.acts


def test_the_ledger_of_a_task_is_what_was_decided_and_reported(replay: Replay) -> None:
    with replay.service.channel() as channel:
        tasks = task_pb2_grpc.TaskServiceStub(channel)
        for task_id, leaves in replay.tasks.items():
            found = tasks.GetTask(task_pb2.GetTaskRequest(task_id=task_id), timeout=10)
            assert found.task.sequence == leaves


def test_a_recorded_read_within_the_intent_is_allowed(replay: Replay) -> None:
    decisions = Counter(
        decision_pb2.Decision.Name(answer.decision)
        for _, call, answer in replay.answers
        if call["tool"].startswith(("get_", "search_", "list_", "read_"))
    )
    assert set(decisions) == {"DECISION_ALLOW"}, decisions


def test_an_unknown_tool_is_denied(replay: Replay) -> None:
    assert replay.unknown.decision == decision_pb2.DECISION_DENY
    assert "unknown_tool" in {reason.code for reason in replay.unknown.reasons}


def test_the_contracts_reference_call_is_allowed(replay: Replay) -> None:
    assert replay.reference.decision == decision_pb2.DECISION_ALLOW, replay.reference
    assert json.loads(replay.reference.canonical_arguments) == REFERENCE_ARGUMENTS


def test_all_tools_of_a_large_server_are_in_the_catalogue(
    github_tools: list[dict[str, Any]], replay: Replay
) -> None:
    assert len(github_tools) == 117
    listing = replay.service.data.parent / "github.yaml"
    assert listing.read_text().count("inferred") >= 117
