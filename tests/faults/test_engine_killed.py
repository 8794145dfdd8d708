"""The policy engine killed under a running service: denials for a moment, never a false allow."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from contextlib import ExitStack

import pytest

from tests.faults.load import Load
from tests.faults.world import (
    ALLOW,
    DENY,
    Client,
    assert_in_log,
    codes,
    engine_pid,
    eventually,
    logged,
    look,
    verified,
)
from tests.service import Service

KILLS = 6
# A second is promised; the rest is room for a machine that is busy with something else.
BACK_SECONDS = 5.0
ENGINE_FAULTS = {"policy_error", "policy_timeout"}
# Files that a process of this kind needs to start an engine, and some more.
FILES_LEFT = 3


@pytest.fixture
def service(shared_service: Service) -> Service:
    return shared_service


def replace_engine(service: Service) -> None:
    """Kill the engine and wait until there is another."""
    pid = engine_pid(service)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: engine_pid(service) not in (0, pid), BACK_SECONDS)


def test_an_engine_killed_under_load_denies_and_is_back_within_a_second(
    service: Service, client: Client
) -> None:
    tasks = [client.start_task() for _ in range(4)]
    # No rule of this task's passes: whatever happens to the engine, it may do nothing.
    spent = client.start_task(max_calls=1)
    assert client.authorize(look(spent)).decision == ALLOW
    back: list[float] = []
    pids = {engine_pid(service)}
    with (
        Load(service, tasks, name="engine") as load,
        Load(service, [spent], name="spent", threads=2) as hopeless,
    ):
        for _ in range(KILLS):
            began = time.monotonic()
            replace_engine(service)
            eventually(lambda: client.authorize(look(tasks[0])).decision == ALLOW, BACK_SECONDS)
            back.append(time.monotonic() - began)
            pids.add(engine_pid(service))
        sent, refused = load.stop(), hopeless.stop()
    print({"kills": KILLS, "back after s": sorted(round(one, 3) for one in back)})
    assert len(pids) > KILLS // 2
    log = logged(service.data)
    faults = 0
    for one in sent:
        assert one.answer is not None, one.status
        assert_in_log(one.answer, log)
        if one.answer.decision != ALLOW:
            assert one.answer.decision == DENY
            assert codes(one.answer) <= ENGINE_FAULTS
            faults += 1
    assert faults < len(sent) / 2
    for one in refused:
        assert one.answer is not None, one.status
        assert one.answer.decision == DENY
        assert codes(one.answer) <= ENGINE_FAULTS | {"budget_exceeded"}
    assert any("budget_exceeded" in codes(one.answer) for one in refused if one.answer)
    verified(service.data)


def test_an_idle_service_without_its_engine_says_so_and_has_another_soon(
    service: Service, client: Client
) -> None:
    task_id = client.start_task()
    replace_engine(service)
    eventually(client.serving, BACK_SECONDS)
    assert client.authorize(look(task_id)).decision == ALLOW
    service.wait_for("runs again")


def test_an_engine_stopped_in_its_tracks_is_replaced_and_its_calls_are_denied(
    service: Service, client: Client
) -> None:
    task_id = client.start_task()
    pid = engine_pid(service)
    os.kill(pid, signal.SIGSTOP)
    answer = client.authorize(look(task_id))
    assert answer.decision == DENY
    assert codes(answer) == {"policy_timeout"}
    eventually(lambda: client.authorize(look(task_id)).decision == ALLOW, BACK_SECONDS)
    assert engine_pid(service) != pid


def test_an_engine_lost_while_no_file_can_be_opened_is_back_when_there_are_files_again(
    service: Service, client: Client
) -> None:
    task_id = client.start_task()
    pid = service.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + FILES_LEFT, before[1]))
    with ExitStack() as held:
        for _ in range(64):
            peer = held.enter_context(socket.socket(socket.AF_UNIX))
            peer.settimeout(5)
            peer.connect(service.address.removeprefix("unix:"))
        # Those who are connected are served as ever.
        assert client.authorize(look(task_id)).decision == ALLOW
        os.kill(engine_pid(service), signal.SIGKILL)
        eventually(lambda: not client.serving(), BACK_SECONDS)
        answer = client.authorize(look(task_id))
        assert answer.decision == DENY
        assert codes(answer) <= ENGINE_FAULTS
        time.sleep(1)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    eventually(client.serving, 2 * BACK_SECONDS)
    assert client.authorize(look(task_id)).decision == ALLOW
    with Client(service) as another:
        assert another.authorize(look(task_id)).decision == ALLOW
    verified(service.data)
