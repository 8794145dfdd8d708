"""Mixed load for long, and what it leaves behind: `python -m tests.faults.long_run --minutes N`.

Reads, sends, denials, refusals, outcomes, batches, tasks that start and end, clients that come and
go, policy loaded again, engines killed. Samples memory, files, the write-ahead log and the engine
from time to time; `judge` says what grew that should not.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import grpc

from pdp.v1 import decision_pb2
from tests.faults.mutations import mutated
from tests.faults.world import (
    ALLOW,
    Client,
    descriptors,
    engine_pid,
    eventually,
    look,
    note,
    resident_mib,
    verified,
    write_catalogue,
)
from tests.service import Service, start_service

THREADS: Final = 6
CALLS_PER_TASK: Final = 40
SAMPLES: Final = 40
# The first part of a run fills caches and pools.
WARM_SHARE: Final = 0.35
# What the store keeps of the log before it is copied (pdp/store/connections.py), twice.
WAL_MIB: Final = 256.0
# What may grow for no reason but garbage collection, and what the service remembers of each task
# until its caches are full (pdp/memory.py and pdp/store/recent.py, together some 450 MiB).
GROWN_MIB: Final = 30.0
TASK_KIB: Final = 30.0
FILES: Final = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """The service at one moment. Sizes in MiB."""

    seconds: float
    calls: int
    service_mib: float
    engine_mib: float
    files: int
    wal_mib: float
    database_mib: float
    engine: int


@dataclass(frozen=True, slots=True)
class Report:
    """A run: how its calls ended, the samples, and how many engines were killed on purpose."""

    ended: dict[str, int]
    samples: list[Sample]
    killed: int
    leaves: int


class Mix:
    """Clients that do what clients do, until told to stop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._end = threading.Event()
        self.ended: list[Counter[str]] = [Counter() for _ in range(THREADS)]
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(THREADS)
        ]

    @property
    def calls(self) -> int:
        """How many calls have ended so far."""
        return sum(sum(part.values()) for part in self.ended)

    def __enter__(self) -> Mix:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, number: int) -> None:
        chosen = random.Random(number)
        ended = self.ended[number]
        while not self._end.is_set():
            # A client for each task, as agents come and go.
            with Client(self._service) as client:
                try:
                    self._work(client, chosen, ended)
                except grpc.RpcError as error:
                    ended[error.code().name] += 1
                    time.sleep(0.01)

    def _work(self, client: Client, chosen: random.Random, ended: Counter[str]) -> None:
        started = client.ask_for_task()
        if started.authorization.decision != ALLOW:
            # Its engine may have been killed under it: refused, and worth another try.
            ended[f"start {decision_pb2.Decision.Name(started.authorization.decision)}"] += 1
            return
        task_id = started.task.id
        raw: Any = client.channel.unary_unary("/pdp.v1.AuthorizationService/Authorize")
        done: list[str] = []

        def read() -> None:
            answers = [client.authorize(look(task_id, "x" * chosen.randrange(2000)))]
            count(answers)

        def send() -> None:
            count([client.authorize(note(task_id, request_id=f"{task_id}/{chosen.random()}"))])

        def repeat() -> None:
            request = note(task_id, request_id=f"{task_id}/again")
            count([client.authorize(request), client.authorize(request)])

        def several() -> None:
            requests = [look(task_id) for _ in range(chosen.randint(2, 16))]
            requests[0].action.name = "no_such_tool"
            batch = decision_pb2.AuthorizeBatchRequest(requests=requests)
            count(client.calls.AuthorizeBatch(batch, timeout=30).responses)

        def report() -> None:
            outcomes = [
                decision_pb2.Outcome(
                    decision_id=done.pop(),
                    status=decision_pb2.OUTCOME_STATUS_SUCCEEDED,
                    output=b'{"found": "%s"}' % (b"y" * chosen.randrange(4000)),
                )
                for _ in range(min(len(done), 8))
            ]
            if outcomes:
                client.calls.ReportOutcome(
                    decision_pb2.ReportOutcomeRequest(outcomes=outcomes), timeout=30
                )
                ended["reported"] += 1

        def attack() -> None:
            raw(mutated(task_id, chosen), timeout=30)
            ended["mutated"] += 1

        def leave() -> None:
            client.calls.Authorize.future(look(task_id), timeout=30).cancel()
            ended["left"] += 1

        def count(answers: Sequence[decision_pb2.AuthorizeResponse]) -> None:
            for answer in answers:
                ended[decision_pb2.Decision.Name(answer.decision)] += 1
                if answer.decision == ALLOW and not answer.replayed:
                    done.append(answer.decision_id)

        ways: list[Callable[[], None]] = [read, read, read, send, repeat, several, report]
        for turn in itertools.count():
            if turn > CALLS_PER_TASK or self._end.is_set():
                break
            try:
                chosen.choice([*ways, attack, leave])()
            except grpc.RpcError as error:
                ended[error.code().name] += 1
        client.end_task(task_id)
        ended["tasks"] += 1


def run(service: Service, seconds: float) -> Report:
    """Load a service for so long."""
    samples: list[Sample] = []
    began = time.monotonic()
    killed = 0
    with Mix(service) as mix:
        for number in range(1, SAMPLES + 1):
            time.sleep(max(0.0, began + seconds * number / SAMPLES - time.monotonic()))
            samples.append(sample(service, mix, time.monotonic() - began))
            if number % 8 == 3:
                service.signal(signal.SIGHUP)
            if number % 16 == 7:
                pid = samples[-1].engine
                os.kill(pid, signal.SIGKILL)
                killed += 1
                eventually(lambda pid=pid: engine_pid(service) not in (0, pid), 30)  # type: ignore[misc]
    total: Counter[str] = Counter()
    for part in mix.ended:
        total += part
    return Report(dict(total), samples, killed, verified(service.data).leaves)


def sample(service: Service, mix: Mix, seconds: float) -> Sample:
    """The service as it is now."""
    pid = service.process.pid
    eventually(lambda: engine_pid(service) != 0, 30)
    engine = engine_pid(service)
    database = service.data / "pdp.db"
    return Sample(
        round(seconds, 1),
        mix.calls,
        round(resident_mib(pid), 1),
        round(resident_mib(engine), 1),
        descriptors(pid),
        _mib(database.with_name("pdp.db-wal")),
        _mib(database),
        engine,
    )


def _mib(path: Path) -> float:
    return round(path.stat().st_size / (1024 * 1024), 1) if path.exists() else 0.0


def judge(report: Report) -> list[str]:
    """What grew that should not have; empty where all is flat."""
    warm = report.samples[int(len(report.samples) * WARM_SHARE) :]
    early, late = warm[: len(warm) // 3], warm[-(len(warm) // 3) :]
    found: list[str] = []

    def middle(part: list[Sample], name: str) -> float:
        return statistics.median(float(getattr(one, name)) for one in part)

    tasks = report.ended["tasks"] * (middle(late, "calls") - middle(early, "calls"))
    remembered = tasks / report.samples[-1].calls * TASK_KIB / 1024
    for name, allowed in (("service_mib", GROWN_MIB + remembered), ("engine_mib", GROWN_MIB)):
        grown = middle(late, name) - middle(early, name)
        if grown > allowed:
            found.append(f"{name} grew by {grown:.0f} MiB")
    if middle(late, "files") - middle(early, "files") > FILES:
        found.append("files grew")
    if max(one.wal_mib for one in report.samples) > WAL_MIB:
        found.append("the write-ahead log grew beyond its limit")
    engines = len({one.engine for one in report.samples})
    # Each kill and each policy that is loaded brings another engine; nothing else does.
    expected = 1 + report.killed + SAMPLES // 8
    if engines > expected:
        found.append(f"{engines} engines where {expected} were expected")
    return found + [
        f"{report.ended[name]} calls ended with {name}"
        for name in ("INTERNAL", "UNKNOWN", "DATA_LOSS")
        if report.ended.get(name)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--json", type=Path, help="where to write all samples")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pdp-long-run-") as scratch:
        folder = Path(scratch)
        with start_service(folder / "data", catalogues=[write_catalogue(folder)]) as service:
            report = run(service, given.minutes * 60)
    if given.json:
        given.json.write_text(json.dumps(asdict(report), indent=1))
    show(report)
    grew = judge(report)
    print("\n".join(grew) or "flat")
    sys.exit(1 if grew else 0)


def show(report: Report) -> None:
    """The run as a table of text."""
    print(report.ended, f"{report.leaves} leaves, {report.killed} engines killed")
    print("seconds    calls  service MiB  engine MiB  files  WAL MiB  database MiB")
    for one in report.samples[:: max(1, len(report.samples) // 10)] + report.samples[-1:]:
        print(
            f"{one.seconds:7.1f} {one.calls:8d} {one.service_mib:12.1f} {one.engine_mib:11.1f}"
            f" {one.files:6d} {one.wal_mib:8.1f} {one.database_mib:13.1f}"
        )


if __name__ == "__main__":
    main()
