"""`pdp serve` from outside: where it listens, what it says where, and how it ends."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import grpc

from pdp.v1 import common_pb2, decision_pb2, decision_pb2_grpc, task_pb2, task_pb2_grpc
from tests.service import start_service

STOP_SECONDS = 20.0


def answers_at(address: str) -> bool:
    with grpc.insecure_channel(address) as channel:
        task_pb2_grpc.TaskServiceStub(channel).ListTasks(task_pb2.ListTasksRequest(), timeout=10)
    return True


def run_until_ready(folder: Path, arguments: Sequence[str]) -> tuple[list[str], list[str], int]:
    """Lines of standard output and standard error, and the exit code, of a short service."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pdp", "serve", "--dev", "--data", str(folder / "data"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        rest, said = process.communicate(timeout=STOP_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(STOP_SECONDS)
    return (first + rest).splitlines(), said.splitlines(), process.returncode


def test_every_listener_answers_and_a_port_is_told_as_chosen(tmp_path: Path) -> None:
    socket = tmp_path / "pdp.sock"
    extra = ["--listen", "127.0.0.1:0", "--listen", f"unix:{socket}", "--listen", "127.0.0.1:0"]
    with start_service(tmp_path / "data", extra=extra) as service:
        one, two, three = service.addresses
        assert two == f"unix:{socket}"
        ports = [re.fullmatch(r"127\.0\.0\.1:([1-9][0-9]*)", found) for found in (one, three)]
        assert all(ports)
        assert one != three
        assert all(answers_at(address) for address in service.addresses)


def test_every_answer_is_valid_for_more_than_a_minute_after_it_was_decided(tmp_path: Path) -> None:
    subject = common_pb2.Subject(type="agent", id="spiffe://example.org/agent")
    asked = decision_pb2.AuthorizeRequest(
        subject=subject, action=common_pb2.Action(name="no_such_tool")
    )
    with start_service(tmp_path / "data") as service, service.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        batch = decision_pb2.AuthorizeBatchRequest(
            requests=[asked, decision_pb2.AuthorizeRequest()]
        )
        answers = [stub.Authorize(asked), *stub.AuthorizeBatch(batch).responses]
        started = task_pb2_grpc.TaskServiceStub(channel).StartTask(
            task_pb2.StartTaskRequest(subject=subject)
        )
        for answer in (*answers, started.authorization):
            ahead = answer.valid_until.ToNanoseconds() - answer.evaluated_at.ToNanoseconds()
            assert ahead > 60 * 10**9


def test_standard_output_has_the_ready_line_and_everything_else_is_on_standard_error(
    tmp_path: Path,
) -> None:
    out, said, code = run_until_ready(tmp_path, ["--listen", "127.0.0.1:0", "--log-level", "debug"])
    assert [line.split()[0] for line in out] == ["ready"]
    assert any("stopping" in line for line in said)
    assert code == 0


def test_development_mode_warns_of_the_addresses_where_anybody_may_speak(tmp_path: Path) -> None:
    out, said, _ = run_until_ready(tmp_path, ["--listen", "127.0.0.1:0"])
    (warning,) = [line for line in said if "DEVELOPMENT MODE: nobody is authenticated" in line]
    assert f"Whoever reaches {out[0].removeprefix('ready ')} may speak" in warning


def test_a_service_that_cannot_start_says_why_and_nothing_else(tmp_path: Path) -> None:
    out, said, code = run_until_ready(tmp_path, ["--bundle", str(tmp_path / "none")])
    assert (out, code) == ([], 1)
    assert [line.split(":")[0] for line in said] == ["pdp"]
