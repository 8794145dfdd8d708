"""The server as a whole: what it answers, where it listens, health, reflection, drain."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import (  # type: ignore[import-untyped]
    reflection_pb2,
    reflection_pb2_grpc,
)

from pdp.domain.answer import Refusal, RefusalKind, Result
from pdp.domain.request import Authorize, Call, ChangePhase, CompleteTask, ReportOutcomes, StartTask
from pdp.domain.values import OutcomeStatus, Phase, TaskState
from pdp.server.grpc_server import CONNECTION_STREAMS, CannotListen
from pdp.v1 import (
    common_pb2,
    decision_pb2,
    decision_pb2_grpc,
    task_pb2,
    task_pb2_grpc,
)
from tests.scripted import TASK, Running, Script, Tasks, allowed, denied

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICES = ["", *(f"pdp.v1.{name}Service" for name in ("Authorization", "Task", "Approval"))]


@pytest.fixture
def running() -> Iterator[Running]:
    with Running() as server:
        yield server


@pytest.fixture
def channel(running: Running) -> Iterator[grpc.Channel]:
    with running.channel() as made:
        yield made


def request_for(tool: str, request_id: str = "") -> decision_pb2.AuthorizeRequest:
    return decision_pb2.AuthorizeRequest(
        request_id=request_id,
        subject=common_pb2.Subject(type="agent", id="spiffe://example.org/mailer"),
        action=common_pb2.Action(name=tool, arguments_json=b'{"a":1}'),
        context=decision_pb2.Context(task_id="t-1"),
    )


def ask(server: Running) -> decision_pb2.AuthorizeResponse:
    with server.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        return stub.Authorize(request_for("read"), timeout=10)


def test_a_call_is_asked_with_its_caller_rpc_digest_and_deadline(
    running: Running, channel: grpc.Channel
) -> None:
    stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
    stub.Authorize(request_for("read", "r-1"), timeout=5)
    stub.Authorize(request_for("read", "r-1"), timeout=5)
    stub.Authorize(request_for("write", "r-1"))
    first, again, other = running.script.calls

    assert isinstance(first.ask, Authorize)
    assert (first.rpc, first.request_id) == ("Authorize", "r-1")
    assert first.caller.verified_by == "development"
    assert first.request_digest == again.request_digest != other.request_digest
    left = first.deadline_us - time.monotonic_ns() // 1000
    assert 0 < left < 5_500_000
    assert other.deadline_us == 0


def test_a_batch_keeps_its_order_and_turns_an_elements_error_into_its_deny() -> None:
    def result(call: Call) -> Result:
        assert isinstance(call.ask, Authorize)
        if call.ask.action.name == "full":
            return Refusal(RefusalKind.RESOURCE_EXHAUSTED, "too many")
        return denied(call) if call.ask.action.name == "no" else allowed(call)

    script = Script(result=result)
    elements = [
        request_for("yes", "e-0"),
        request_for("//admin", "e-1"),
        request_for("no", "e-2"),
        request_for("full", "e-3"),
        request_for("bad\u200b", "\n"),
        request_for("yes", "e-5"),
    ]
    with Running(script=script) as running, running.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        before = time.time()
        responses = stub.AuthorizeBatch(
            decision_pb2.AuthorizeBatchRequest(requests=elements), timeout=10
        ).responses

    assert script.batches == 1
    assert [call.request_id for call in script.calls] == ["e-0", "e-2", "e-3", "e-5"]
    assert {call.rpc for call in script.calls} == {"AuthorizeBatch"}
    assert [response.request_id for response in responses] == [e.request_id for e in elements]
    assert [response.decision for response in responses] == [1, 2, 2, 2, 2, 1]
    codes = [[reason.code for reason in response.reasons] for response in responses]
    assert codes == [
        ["within_intent"],
        ["invalid_argument"],
        ["outside_intent"],
        ["resource_exhausted"],
        ["invalid_argument"],
        ["within_intent"],
    ]
    assert [bool(response.decision_id) for response in responses] == [
        True,
        False,
        True,
        False,
        False,
        True,
    ]
    assert dict(responses[1].reasons[0].metadata) == {
        "field": "action.name",
        "reason": "TEXT_NOT_PLAIN",
    }
    assert all(one.reasons[0].remediation for one in (responses[1], responses[3]))
    assert responses[3].next_action == decision_pb2.NEXT_ACTION_RETRY
    assert responses[1].next_action == decision_pb2.NEXT_ACTION_NONE
    assert responses[1].valid_until.seconds >= int(before) + 60


def test_outcomes_are_recorded_with_their_receipts_and_what_was_cut(
    running: Running, channel: grpc.Channel
) -> None:
    stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
    response = stub.ReportOutcome(
        decision_pb2.ReportOutcomeRequest(
            outcomes=[
                decision_pb2.Outcome(decision_id="d-1", status=1, output=b"x" * (1 << 20)),  # type: ignore[arg-type]
                decision_pb2.Outcome(decision_id="d-2", status=2, output=b"y" * ((1 << 20) + 1)),  # type: ignore[arg-type]
            ]
        ),
        timeout=10,
    )
    told = running.script.calls[0].ask
    assert isinstance(told, ReportOutcomes)
    assert [len(outcome.output) for outcome in told.outcomes] == [1 << 20, 1 << 20]
    assert [outcome.status for outcome in told.outcomes] == [
        OutcomeStatus.SUCCEEDED,
        OutcomeStatus.FAILED,
    ]
    assert list(response.truncated) == [False, True]
    assert [receipt.leaf_index for receipt in response.receipts] == [41, 41]
    assert response.task.sequence == 7


def test_task_actions_answer_with_the_task_only_where_allowed(
    running: Running, channel: grpc.Channel
) -> None:
    stub = task_pb2_grpc.TaskServiceStub(channel)
    subject = common_pb2.Subject(type="agent", id="a")
    started = stub.StartTask(task_pb2.StartTaskRequest(subject=subject), timeout=10)
    moved = stub.ChangePhase(
        task_pb2.ChangePhaseRequest(
            task_id="t-1",
            phase=common_pb2.PHASE_EXECUTE,
            plan=[task_pb2.PlannedCall(action=common_pb2.Action(name="send"))],
        ),
        timeout=10,
    )
    ended = stub.CompleteTask(task_pb2.CompleteTaskRequest(task_id="t-1"), timeout=10)
    running.script.result = denied
    refused = stub.StartTask(task_pb2.StartTaskRequest(subject=subject), timeout=10)

    asks = [call.ask for call in running.script.calls]
    assert [type(ask) for ask in asks] == [StartTask, ChangePhase, CompleteTask, StartTask]
    assert isinstance(asks[1], ChangePhase)
    assert (asks[1].phase, asks[1].plan[0].action.name) == (Phase.EXECUTE, "send")
    assert started.task.id == moved.task.id == "t-1"
    assert ended.authorization.decision == decision_pb2.DECISION_ALLOW
    assert refused.authorization.decision == decision_pb2.DECISION_DENY
    assert not refused.HasField("task")


def test_a_task_reads_as_it_is_now() -> None:
    over = replace(TASK, id="t-2", expires_at_us=1)
    with Running(tasks=Tasks([TASK, over])) as running, running.channel() as channel:
        stub = task_pb2_grpc.TaskServiceStub(channel)
        live = stub.GetTask(task_pb2.GetTaskRequest(task_id="t-1"), timeout=10).task
        ended = stub.GetTask(task_pb2.GetTaskRequest(task_id="t-2"), timeout=10).task
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetTask(task_pb2.GetTaskRequest(task_id="t-3"), timeout=10)
    assert (live.on_behalf_of.id, live.on_behalf_of.issuer) == ("alice", "https://idp.example")
    assert list(live.intent.tools) == ["mail_*"]
    assert live.started_at.ToMicroseconds() == TASK.started_at_us
    assert ended.state == int(TaskState.EXPIRED)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_pages_of_tasks_hold_every_task_once() -> None:
    tasks = [replace(TASK, id=f"t-{number:04}") for number in range(120)]
    with Running(tasks=Tasks(tasks)) as running, running.channel() as channel:
        stub = task_pb2_grpc.TaskServiceStub(channel)

        def pages(size: int) -> list[list[str]]:
            found, token = [], ""
            for _ in range(20):
                page = stub.ListTasks(
                    task_pb2.ListTasksRequest(page_size=size, page_token=token), timeout=10
                )
                found.append([task.id for task in page.tasks])
                token = page.next_page_token
                if not token:
                    return found
            raise AssertionError("the pages do not end")

        wanted = [task.id for task in tasks]
        for size, sizes in ((0, [50, 50, 20]), (60, [60, 60]), (10_000, [120])):
            found = pages(size)
            assert [len(page) for page in found] == sizes
            assert [task_id for page in found for task_id in page] == wanted


def test_a_page_ends_early_rather_than_not_fit_a_clients_message() -> None:
    goal = replace(TASK.intent, goal="g" * 16_000, tools=("x" * 1000,) * 200)
    tasks = [replace(TASK, id=f"t-{number:04}", intent=goal) for number in range(40)]
    with (
        Running(tasks=Tasks(tasks)) as running,
        grpc.insecure_channel(running.address.target) as channel,
    ):
        stub = task_pb2_grpc.TaskServiceStub(channel)
        page = stub.ListTasks(task_pb2.ListTasksRequest(page_size=40), timeout=10)
    assert 1 <= len(page.tasks) < 40
    assert page.next_page_token


def test_port_0_is_reported_as_chosen_and_every_address_answers(tmp_path: Path) -> None:
    with Running("127.0.0.1:0", f"unix:{tmp_path}/pdp.sock", "localhost:0") as running:
        first, second, third = running.server.addresses
        assert not str(first).endswith(":0")
        assert str(third).startswith("127.0.0.1:")
        for address in (first, second, third):
            with grpc.insecure_channel(address.target) as channel:
                stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
                assert stub.Authorize(request_for("read"), timeout=10).decision == 1


def test_a_second_server_on_the_same_port_is_refused(running: Running) -> None:
    with pytest.raises(CannotListen, match="in use"):
        Running(str(running.address))
    port = str(running.address).rpartition(":")[2]
    with pytest.raises(CannotListen, match="in use"):
        Running(f"localhost:{port}")
    assert ask(running).decision == decision_pb2.DECISION_ALLOW


def test_a_second_server_on_the_same_socket_is_refused_and_takes_nothing_away(
    tmp_path: Path,
) -> None:
    address = f"unix:{tmp_path}/pdp.sock"
    with Running(address) as running:
        with pytest.raises(CannotListen, match="another server"):
            Running(address)
        (tmp_path / "pdp.sock.lock").unlink()
        with pytest.raises(CannotListen, match="another server"):
            Running(address)
        assert ask(running).decision == decision_pb2.DECISION_ALLOW
    with Running(address) as again:
        assert ask(again).decision == decision_pb2.DECISION_ALLOW


def test_of_two_servers_that_start_at_once_on_one_socket_one_serves(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/pdp.sock"
    results: list[Running | Exception] = []

    def start() -> None:
        try:
            results.append(Running(address))
        except CannotListen as fault:
            results.append(fault)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    servers = [result for result in results if isinstance(result, Running)]
    assert (len(results), len(servers)) == (4, 1)
    with servers[0]:
        assert ask(servers[0]).decision == decision_pb2.DECISION_ALLOW


def test_a_socket_left_by_a_dead_server_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pdp.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.exists()
    with Running(f"unix:{path}") as running:
        assert ask(running).decision == decision_pb2.DECISION_ALLOW
    assert not path.exists()


def test_a_file_that_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("keep me")
    with pytest.raises(CannotListen, match="not a socket"):
        Running(f"unix:{path}")
    assert path.read_text() == "keep me"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotListen, match=r"none/pdp\.sock: No such file"):
        Running(f"unix:{tmp_path}/none/pdp.sock")


def test_a_socket_belongs_to_its_owner_alone_and_its_path_is_taken_literally(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a b%41#?.sock"
    before = os.umask(0o022)
    try:
        with Running(f"unix:{path}") as running:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert os.umask(0o022) == 0o022
            assert ask(running).decision == decision_pb2.DECISION_ALLOW
    finally:
        os.umask(before)


def test_health_follows_what_the_server_is_told(running: Running, channel: grpc.Channel) -> None:
    stub = health_pb2_grpc.HealthStub(channel)

    def statuses() -> set[int]:
        return {
            stub.Check(health_pb2.HealthCheckRequest(service=name), timeout=10).status
            for name in SERVICES
        }

    assert statuses() == {NOT_SERVING}
    running.set_serving(True)
    assert statuses() == {SERVING}
    listed = stub.List(health_pb2.HealthListRequest(), timeout=10).statuses
    assert sorted(listed) == sorted(SERVICES)
    running.set_serving(False)
    assert statuses() == {NOT_SERVING}
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(health_pb2.HealthCheckRequest(service="pdp.v1.None"), timeout=10)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


def test_a_watch_tells_every_change_and_ends_with_the_drain(running: Running) -> None:
    with running.channel() as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(), timeout=20)
        seen = [next(watch).status]
        running.set_serving(True)
        seen.append(next(watch).status)
        seconds = running.drain(grace_s=10)
        seen += [update.status for update in watch]
    assert seen == [NOT_SERVING, SERVING, NOT_SERVING]
    assert seconds < 5


def test_reflection_lists_the_services_and_their_files(channel: grpc.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(
            file_containing_symbol="pdp.v1.AuthorizationService"
        ),
    ]
    listed, file = list(stub.ServerReflectionInfo(iter(asked), timeout=10))
    names = {service.name for service in listed.list_services_response.service}
    assert {*SERVICES[1:], "grpc.health.v1.Health"} <= names
    assert file.file_descriptor_response.file_descriptor_proto


def test_a_drain_finishes_what_is_in_flight_and_accepts_nothing_more() -> None:
    script = Script(wait_s=0.6)
    with Running(script=script) as running, running.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        slow = stub.Authorize.future(request_for("read"), timeout=20)
        assert script.entered.wait(10)
        seconds = running.drain(grace_s=10)
        assert slow.result(10).decision == decision_pb2.DECISION_ALLOW
        with pytest.raises(grpc.RpcError) as caught:
            ask(running)
    assert seconds < 5
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_drain_ends_with_its_grace_whatever_is_in_flight() -> None:
    script = Script(wait_s=60)
    with Running(script=script) as running, running.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        stuck = stub.Authorize.future(request_for("read"), timeout=20)
        assert script.entered.wait(10)
        seconds = running.drain(grace_s=0.3)
        with pytest.raises(grpc.RpcError):
            stuck.result(10)
    assert seconds < 5


def test_a_client_that_gives_up_cancels_its_call_without_noise(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    script = Script(wait_s=30)
    with Running(script=script) as running, running.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Authorize(request_for("read"), timeout=0.2)
        assert script.cancelled.wait(10)
        script.wait_s = 0
        assert ask(running).decision == decision_pb2.DECISION_ALLOW
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert caplog.records == []
    assert "Traceback" not in "".join(capfd.readouterr())


def test_more_calls_than_one_connection_may_have_wait_at_their_client_for_a_place() -> None:
    script = Script(wait_s=60)
    with Running(script=script) as running, running.channel() as busy, running.channel() as other:
        stub = decision_pb2_grpc.AuthorizationServiceStub(busy)
        waiting = {
            f"r-{number}": stub.Authorize.future(request_for("read", f"r-{number}"), timeout=60)
            for number in range(CONNECTION_STREAMS + 20)
        }
        end = time.monotonic() + 20
        while len(script.calls) < CONNECTION_STREAMS and time.monotonic() < end:
            time.sleep(0.02)
        script.wait_s = 0
        began = time.monotonic()
        decision_pb2_grpc.AuthorizationServiceStub(other).Authorize(request_for("read"), timeout=20)
        seconds = time.monotonic() - began
        assert len(script.calls) == CONNECTION_STREAMS + 1
        # In whatever order the client sent them.
        placed = [call.request_id for call in script.calls[:CONNECTION_STREAMS]]
        for request_id in placed[:20]:
            waiting[request_id].cancel()
        for request_id in waiting.keys() - set(placed):
            assert waiting[request_id].result(20).decision == decision_pb2.DECISION_ALLOW
        for call in waiting.values():
            call.cancel()
    assert seconds < 5


def test_many_callers_at_once_each_get_their_own_answer(running: Running) -> None:
    async def run() -> list[tuple[str, str]]:
        async with grpc.aio.insecure_channel(running.address.target) as channel:
            stub: Any = decision_pb2_grpc.AuthorizationServiceStub(channel)

            async def one(number: int) -> tuple[str, str]:
                request = request_for(f"tool-{number}", f"r-{number}")
                request.action.arguments_json = b'{"n":%d}' % number
                response = await stub.Authorize(request, timeout=20)
                return response.request_id, response.canonical_arguments.decode()

            return list(await asyncio.gather(*(one(number) for number in range(300))))

    assert asyncio.run(run()) == [(f"r-{n}", f'{{"n":{n}}}') for n in range(300)]


def test_a_killed_servers_socket_is_free_for_the_next(tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/pdp.sock"
    code = (
        "import sys, time\n"
        "from tests.scripted import Running\n"
        f"server = Running({address!r})\n"
        "print('up', flush=True)\n"
        "time.sleep(60)\n"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=root
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.kill()
    assert (tmp_path / "pdp.sock").exists()
    with Running(address) as running:
        assert ask(running).decision == decision_pb2.DECISION_ALLOW
