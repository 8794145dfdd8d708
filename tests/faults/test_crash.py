"""`kill -9` at any moment under load: what was answered is recorded, and it starts by itself."""

from __future__ import annotations

import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pdp.v1 import decision_pb2
from tests.faults.load import Load, Sent
from tests.faults.world import (
    ALLOW,
    Client,
    Logged,
    assert_in_log,
    engine_pid,
    eventually,
    is_engine,
    logged,
    serve_command,
    verified,
)
from tests.service import Service, start_service

ROUNDS = 5
MANY_ROUNDS = 200
# A log of its own for so many rounds: checking all of it after each stays short.
ROUNDS_PER_LOG = 10
# Two seconds is what is promised, on a machine that is not busy with something else: a first start
# over an empty folder, measured beside it, says how busy it is.
START_SECONDS = 2.0
TIMES_A_FIRST_START = 3.0
REPEATED = 20


def crashed_under_load(service: Service, tasks: list[str], name: str, seconds: float) -> list[Sent]:
    """Calls on their way while the service is killed."""
    engine = engine_pid(service)
    with Load(service, tasks, name=name, timeout=2.0, outcomes=True) as load:
        time.sleep(seconds)
        service.kill()
        sent = load.stop()
    # Nothing of it is left behind: the engine sees its end and ends too.
    eventually(lambda: not is_engine(engine), 5)
    return sent


def interrupted_start(data: Path, catalogue: Path, seconds: float) -> None:
    """Kill a service that has only begun to start."""
    process = subprocess.Popen(
        serve_command(data, catalogue),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def assert_ids_do_not_lie(client: Client, sent: list[Sent], chosen: random.Random) -> None:
    """Ask again: what was answered is answered the same, anything else is decided once."""
    answered = [one for one in sent if one.answer is not None and one.answer.decision_id]
    lost = [one for one in sent if one.answer is None]
    for one in chosen.sample(answered, min(REPEATED, len(answered))) + lost[:REPEATED]:
        again = client.authorize(one.request)
        twice = client.authorize(one.request)
        assert twice.replayed
        assert twice.decision_id == again.decision_id
        assert twice.receipt == again.receipt
        if one.answer is not None:
            assert again.replayed
            expected = decision_pb2.AuthorizeResponse()
            expected.CopyFrom(one.answer)
            expected.replayed = True
            assert again == expected


def crash_rounds(folder: Path, catalogue: Path, rounds: int, seed: int) -> dict[str, float]:
    """Crash after crash over the same data. Each start is the recovery of the crash before."""
    chosen = random.Random(seed)
    first: list[float] = []
    again: list[float] = []
    calls = allows = lost = leaves = 0
    sent: list[Sent] = []
    for number in range(rounds):
        data = folder / f"data-{number // ROUNDS_PER_LOG}"
        if number % ROUNDS_PER_LOG == 0:
            sent = []
        if number % 3 == 2:
            interrupted_start(data, catalogue, chosen.uniform(0.0, 0.5))
        with start_service(data, catalogues=[catalogue]) as service:
            (again if number % ROUNDS_PER_LOG else first).append(service.start_seconds)
            with Client(service) as client:
                assert_ids_do_not_lie(client, sent, chosen)
                tasks = [client.start_task() for _ in range(4)]
            before = sent
            sent = crashed_under_load(service, tasks, f"round-{number}", chosen.uniform(0.0, 0.25))

        log = logged(data)
        answers = [one.answer for one in sent if one.answer is not None]
        for answer in answers:
            assert_in_log(answer, log)
        assert_decided_once(log, [*before, *sent])
        calls += len(sent)
        allows += sum(answer.decision == ALLOW for answer in answers)
        lost += sum(one.answer is None for one in sent)
        leaves = max(leaves, verified(data).leaves)
        if number % ROUNDS_PER_LOG == ROUNDS_PER_LOG - 1:
            verify_with_the_command(data)
    verify_with_the_command(folder / "data-0")
    assert allows > rounds
    return {
        "rounds": rounds,
        "calls": calls,
        "answered allows": allows,
        "calls without an answer": lost,
        "most leaves in one log": leaves,
        "first start median s": round(statistics.median(first), 2),
        "start after a crash median s": round(statistics.median(again), 2),
        "start after a crash slowest s": round(max(again), 2),
    }


def assert_decided_once(log: dict[str, Logged], sent: list[Sent]) -> None:
    """No request id has two decisions."""
    ids = {one.request.request_id for one in sent}
    found = [entry.request_id for entry in log.values() if entry.request_id in ids]
    assert len(found) == len(set(found))


def verify_with_the_command(data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pdp", "audit", "verify", "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def assert_started_in_time(figures: dict[str, float]) -> None:
    allowed = max(START_SECONDS, TIMES_A_FIRST_START * figures["first start median s"])
    assert figures["start after a crash median s"] < allowed


def test_killed_at_any_moment_every_answered_allow_is_in_the_log_and_no_request_id_lies(
    tmp_path: Path, catalogue: Path
) -> None:
    figures = crash_rounds(tmp_path, catalogue, ROUNDS, seed=4)
    print(figures)
    assert_started_in_time(figures)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_kills_lose_no_answered_allow(tmp_path: Path, catalogue: Path) -> None:
    figures = crash_rounds(tmp_path, catalogue, MANY_ROUNDS, seed=32)
    print(figures)
    assert_started_in_time(figures)
