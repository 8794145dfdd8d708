"""One yes is one call: many at once, many gateways, and a service that is killed in between."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from pathlib import Path

import grpc
import pytest

from pdp.store.reader import open_reader
from pdp.v1 import (
    approval_pb2,
    approval_pb2_grpc,
    common_pb2,
    decision_pb2,
    task_pb2,
)
from tests.faults.world import (
    AGENT,
    ALLOW,
    PERSON,
    TIMEOUT_S,
    Client,
    assert_in_log,
    codes,
    logged,
    verified,
)
from tests.service import Service, start_service

ESCALATE = decision_pb2.DECISION_ESCALATE
AT_ONCE = 100
KILLS = 6
CATALOGUE = """
version: 1
tools:
- server: desk
  name: send_note
  class: send
  sensitivity: internal
  output: trusted
  reversible: false
  egress: true
  arguments:
    to: {role: sink, holds: email}
    text: {role: content}
  input_schema:
    type: object
    properties: {to: {type: string}, text: {type: string}}
    required: [to, text]
    additionalProperties: false
"""


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.yaml"
    path.write_text(CATALOGUE)
    return path


def start_task(client: Client) -> str:
    started = client.tasks.StartTask(
        task_pb2.StartTaskRequest(
            subject=AGENT,
            on_behalf_of=PERSON,
            intent=common_pb2.Intent(goal="Send a note to whoever asked for one."),
            phase=common_pb2.PHASE_EXECUTE,
        ),
        timeout=TIMEOUT_S,
    )
    assert started.authorization.decision == ALLOW, started
    return str(started.task.id)


def note(
    task_id: str, request_id: str = "", to: str = "erin@example.net"
) -> decision_pb2.AuthorizeRequest:
    arguments = {"to": to, "text": "Here it is."}
    return decision_pb2.AuthorizeRequest(
        request_id=request_id,
        subject=AGENT,
        action=common_pb2.Action(
            name="send_note", server="desk", arguments_json=json.dumps(arguments).encode()
        ),
        context=decision_pb2.Context(task_id=task_id),
    )


def approved(client: Client, task_id: str) -> str:
    """Ask for the note, and have somebody else say yes; the id of the approval."""
    asked = client.authorize(note(task_id))
    assert asked.decision == ESCALATE, asked
    stub = approval_pb2_grpc.ApprovalServiceStub(client.channel)
    answer = stub.DecideApproval(
        approval_pb2.DecideApprovalRequest(
            approval_id=asked.approval.id, verdict=approval_pb2.VERDICT_APPROVE, reason="fine"
        ),
        timeout=TIMEOUT_S,
        metadata=(("x-pdp-dev-identity", "boss@example.test"),),
    )
    assert answer.approval.state == common_pb2.APPROVAL_STATE_APPROVED
    return str(asked.approval.id)


def at_once(
    service: Service, task_id: str, name: str, count: int
) -> list[decision_pb2.AuthorizeResponse]:
    """The same call from many gateways at the same moment; those answers that came."""
    ready = threading.Barrier(count)
    answers: list[decision_pb2.AuthorizeResponse] = []

    def ask(number: int) -> None:
        with Client(service) as client:
            with contextlib.suppress(grpc.FutureTimeoutError):
                grpc.channel_ready_future(client.channel).result(2)
            ready.wait(30)
            # It may be killed before it answers.
            with contextlib.suppress(grpc.RpcError):
                answers.append(client.authorize(note(task_id, f"{name}-{number}")))

    threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_of_a_hundred_uses_of_one_approval_at_once_exactly_one_wins(
    tmp_path: Path, catalogue: Path
) -> None:
    with start_service(tmp_path / "data", catalogues=[catalogue]) as service:
        with Client(service) as client:
            task_id = start_task(client)
            approved(client, task_id)
        answers = at_once(service, task_id, "use", AT_ONCE)
    assert len(answers) == AT_ONCE
    allowed = [one for one in answers if one.decision == ALLOW]
    assert len(allowed) == 1
    assert codes(allowed[0]) == {"approved"}
    assert all(one.decision == ESCALATE for one in answers if one is not allowed[0])


def test_an_approval_is_used_once_also_when_the_service_is_killed_meanwhile(
    tmp_path: Path, catalogue: Path
) -> None:
    chosen = random.Random(7)
    data = tmp_path / "data"
    task_ids: list[str] = []
    answered: list[decision_pb2.AuthorizeResponse] = []
    for number in range(KILLS):
        with start_service(data, catalogues=[catalogue]) as service:
            with Client(service) as client:
                task_ids.append(start_task(client))
                approved(client, task_ids[-1])
            killer = threading.Timer(0.15 + chosen.uniform(0.0, 0.1), service.kill)
            killer.start()
            answered += at_once(service, task_ids[-1], f"before-{number}", 8)
            killer.join()
        # It starts over the same data, and everybody tries again, under new ids.
        with start_service(data, catalogues=[catalogue]) as service:
            answered += at_once(service, task_ids[-1], f"after-{number}", 8)
    log = logged(data)
    for answer in answered:
        assert_in_log(answer, log)
    uses_in_log = [
        body for body in _decisions(data) if body["decision"] == "allow" and "answered_by" in body
    ]
    by_answer = [body["answered_by"] for body in uses_in_log]
    assert len(by_answer) == len(set(by_answer)), "an approval was used twice"
    assert sorted(body["task"] for body in uses_in_log) == sorted(task_ids)
    assert verified(data).leaves > 0


def _decisions(data: Path) -> list[dict[str, str]]:

    with open_reader(data) as reader:
        leaves = reader.leaves(0, 100_000)
    return [json.loads(one.leaf.body) for one in leaves if one.leaf.kind == "decision"]


def test_a_no_survives_a_kill(tmp_path: Path, catalogue: Path) -> None:
    data = tmp_path / "data"
    with start_service(data, catalogues=[catalogue]) as service:
        with Client(service) as client:
            task_id = start_task(client)
            asked = client.authorize(note(task_id))
            approval_pb2_grpc.ApprovalServiceStub(client.channel).DecideApproval(
                approval_pb2.DecideApprovalRequest(
                    approval_id=asked.approval.id, verdict=approval_pb2.VERDICT_DENY
                ),
                timeout=TIMEOUT_S,
                metadata=(("x-pdp-dev-identity", "boss@example.test"),),
            )
        service.kill()
    with start_service(data, catalogues=[catalogue]) as service, Client(service) as client:
        assert codes(client.authorize(note(task_id))) == {"approval_denied"}
        assert client.authorize(note(task_id, to="frank@example.net")).decision == ESCALATE
