"""Large outputs of one task: others are decided meanwhile, and a killed reader gives no trust."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pdp.store.reader import open_reader
from pdp.v1 import common_pb2, decision_pb2
from tests.faults.world import (
    AGENT,
    ALLOW,
    TIMEOUT_S,
    Client,
    assert_in_log,
    eventually,
    logged,
    verified,
)
from tests.faults.world import look as look_up
from tests.service import Service, start_service

MIB = 1024 * 1024
REPORTS = 12
OTHERS = 4
# A report of a mebibyte takes some 50 ms; the rest is room for a machine that is busy.
REPORT_SECONDS = 8.0
CATALOGUE = """
version: 1
tools:
- server: desk
  name: look_up
  class: read
  sensitivity: internal
  output: trusted
  reversible: true
  egress: false
  arguments:
    query: {role: content}
  input_schema:
    type: object
    properties: {query: {type: string}}
    required: [query]
    additionalProperties: false
- server: desk
  name: send_note
  class: send
  sensitivity: internal
  output: untrusted
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


def output(number: int) -> bytes:
    """A mebibyte with one address in it, which no other has."""
    address = f"Write to {named(number)} about it. ".encode()
    return (address + b"Seven words that say nothing much here. " * 30_000)[:MIB]


def named(number: int) -> str:
    return f"someone{number}@example.net"


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "catalogue.yaml"
    path.write_text(CATALOGUE)
    return path


@pytest.fixture
def service(tmp_path: Path, catalogue: Path) -> Iterator[Service]:
    with start_service(tmp_path / "data", catalogues=[catalogue]) as running:
        yield running


def note(task_id: str, to: str) -> decision_pb2.AuthorizeRequest:
    arguments = json.dumps({"to": to, "text": "See you at ten."}).encode()
    return decision_pb2.AuthorizeRequest(
        subject=AGENT,
        action=common_pb2.Action(name="send_note", server="desk", arguments_json=arguments),
        context=decision_pb2.Context(task_id=task_id),
    )


def report(client: Client, task_id: str, number: int) -> decision_pb2.ReportOutcomeResponse:
    """Have something looked up, and tell that a mebibyte came of it."""
    # What the principal asks for chooses what is read, and so the output can be trusted.
    allowed = client.authorize(look_up(task_id, query="bob@example.com"))
    assert allowed.decision == ALLOW
    answer: decision_pb2.ReportOutcomeResponse = client.calls.ReportOutcome(
        decision_pb2.ReportOutcomeRequest(
            outcomes=[
                decision_pb2.Outcome(
                    decision_id=allowed.decision_id,
                    status=decision_pb2.OUTCOME_STATUS_SUCCEEDED,
                    output=output(number),
                )
            ]
        ),
        timeout=TIMEOUT_S,
    )
    return answer


def told(service: Service, answer: decision_pb2.AuthorizeResponse) -> tuple[str, bool]:
    """Where policy was told the recipient came from, and whether something had been missed."""
    with open_reader(service.data) as reader:
        record = reader.input(answer.decision_id)
    assert record is not None
    provenance: dict[str, Any] = json.loads(record.body)["provenance"]
    (to,) = (one for one in provenance["arguments"] if one["pointer"] == "/to")
    return to["origin"], provenance["full"]


def reader_pid(service: Service) -> int:
    """The process that reads large outputs; 0 while there is none."""
    for listed in Path(f"/proc/{service.process.pid}/task").glob("*/children"):
        for child in listed.read_text().split():
            if b"pdp.reader" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    return 0


def test_large_outputs_of_one_task_leave_the_decisions_of_others_as_they_are(
    service: Service,
) -> None:
    with Client(service) as client, Client(service) as reporting:
        busy = client.start_task()
        others = [client.start_task() for _ in range(OTHERS)]
        done = threading.Event()
        reports: list[decision_pb2.ReportOutcomeResponse] = []

        def report_all() -> None:
            try:
                reports.extend(report(reporting, busy, number) for number in range(REPORTS))
            finally:
                done.set()

        thread = threading.Thread(target=report_all)
        thread.start()
        answers: list[tuple[str, decision_pb2.AuthorizeResponse]] = []
        at = 0
        while not done.is_set() or at < 4 * OTHERS:
            to = ("bob@example.com", named(0))[at % 2]
            answers.append((to, client.authorize(note(others[at // 2 % OTHERS], to))))
            at += 1
        thread.join(TIMEOUT_S)
        assert [list(one.truncated) for one in reports] == [[False]] * REPORTS
        # What the task was told in a mebibyte is known to it, and to no other task.
        for number in range(REPORTS):
            assert told(service, client.authorize(note(busy, named(number))))[0] == "trusted"
        log = logged(service.data)
        for to, answer in answers:
            assert_in_log(answer, log)
            origin = "principal" if to == "bob@example.com" else "unknown"
            assert told(service, answer) == (origin, False)
            assert (answer.decision == ALLOW) is (origin == "principal")
    assert service.stop() == 0
    assert verified(service.data).leaves == len(log) + REPORTS


def test_an_output_whose_reader_is_killed_is_on_record_and_gives_no_trust(
    service: Service, catalogue: Path
) -> None:
    eventually(lambda: reader_pid(service) != 0, REPORT_SECONDS)
    with Client(service) as client:
        task, other = client.start_task(), client.start_task()
        report(client, task, 0)
        killed = reader_pid(service)
        os.kill(killed, signal.SIGSTOP)
        began = threading.Thread(target=report, args=(client, task, 1))
        began.start()
        # The reader has it, and others are decided while it does nothing.
        time.sleep(0.3)
        assert client.authorize(note(other, "bob@example.com")).decision == ALLOW
        assert began.is_alive()
        os.kill(killed, signal.SIGKILL)
        began.join(REPORT_SECONDS)
        assert not began.is_alive()
        report(client, task, 2)
        assert reader_pid(service) not in (0, killed)

        def found() -> list[tuple[str, bool]]:
            return [told(service, client.authorize(note(task, named(at)))) for at in range(3)]

        # What was read before is still relied on; of the one nothing is known, and what came after
        # it might have stood in it first.
        expected = [("trusted", True), ("unknown", True), ("unknown", True)]
        assert found() == expected
        service.wait_for("could not be read")
    assert service.stop() == 0
    with (
        start_service(service.data, catalogues=[catalogue]) as again,
        Client(again) as client,
    ):
        assert [told(again, client.authorize(note(task, named(at)))) for at in range(3)] == expected
