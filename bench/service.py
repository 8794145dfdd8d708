"""The service that is measured, as anyone would start it, and the checks of what it answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from bench.cache import ROOT
from bench.calls import EARLIER_CALLS, Lane, requests, start_request
from bench.client import Recorded, Target
from bench.processes import BenchFailed, running, sockets, wait_for_line
from pdp.v1 import decision_pb2, decision_pb2_grpc, task_pb2_grpc

CATALOGUE: Final = ROOT / "catalogue.yaml"
METHOD: Final = "/pdp.v1.AuthorizationService/Authorize"
#: A log of a million leaves takes about a minute.
VERIFY_SECONDS: Final = 600.0
CALL_SECONDS: Final = 20.0
#: A machine that is busy with other things must be slow here, not denied.
_PATIENT: Final = {"PDP_EVALUATION_DEADLINE_MS": "5000"}
#: Calls in one AuthorizeBatch; the contract allows 64.
BATCH: Final = 64


@dataclass(slots=True)
class Service:
    """A running service. `leaves` is how many its log must have: it has answered for each.

    `console` is its console's URL, where it has one.
    """

    data: Path
    address: str
    pid: int
    leaves: int = 0
    console: str = ""

    @property
    def target(self) -> Target:
        """Where its Authorize is."""
        return Target("grpc", self.address, METHOD, self.pid)

    def start_tasks(self, lanes: Sequence[Lane], earlier: int = EARLIER_CALLS) -> None:
        """Start a task for each lane and make so many earlier calls in it.

        Raises:
            BenchFailed: one of them was not allowed, or not answered at all.
        """
        try:
            self._start_tasks(lanes, earlier)
        except grpc.RpcError as fault:
            raise BenchFailed(f"tasks could not be started: {fault}") from fault

    def _start_tasks(self, lanes: Sequence[Lane], earlier: int) -> None:
        with opened_channel(self) as channel:
            tasks = task_pb2_grpc.TaskServiceStub(channel)
            calls = decision_pb2_grpc.AuthorizationServiceStub(channel)
            for lane in lanes:
                started = tasks.StartTask(start_request(lane), timeout=CALL_SECONDS)
                _must_allow(started.authorization)
                self.count(started.authorization.receipt.leaf_index)
            made = requests(f"earlier-{lanes[0].task_id}", lanes, earlier * len(lanes))
            for at in range(0, len(made), BATCH):
                batch = decision_pb2.AuthorizeBatchRequest(
                    requests=map(decision_pb2.AuthorizeRequest.FromString, made[at : at + BATCH])
                )
                answered = calls.AuthorizeBatch(batch, timeout=CALL_SECONDS)
                for response in answered.responses:
                    _must_allow(response)
                # A batch of one principal's effects is recorded in another order than asked.
                places = sorted(response.receipt.leaf_index for response in answered.responses)
                for place in places:
                    self.count(place)

    def check(self, recorded: Recorded, *, reported: int = 0) -> None:
        """Hold every answer of a load against what it must be, and count its leaves.

        All allow, none repeated, and their places in the log, with those of so many `reported`
        outcomes between them, are the next ones without a gap.

        Raises:
            BenchFailed: something else was answered.
        """
        places: set[int] = set()
        for one in recorded.answers:
            response = decision_pb2.AuthorizeResponse.FromString(one.body)
            _must_allow(response)
            places.add(response.receipt.leaf_index)
        answers = len(recorded.answers)
        grown = answers + reported
        expected = range(self.leaves, self.leaves + grown)
        if len(places) != answers or min(places) < expected.start or max(places) >= expected.stop:
            raise BenchFailed(
                f"{answers} calls were answered and {reported} outcomes reported; their places in"
                f" the log are {len(places)} from {min(places)} to {max(places)}, expected within"
                f" {expected.start} to {expected.stop - 1}"
            )
        self.leaves += grown

    def count(self, leaf_index: int) -> None:
        """Count the leaf of one more answer, which must be the next one.

        Raises:
            BenchFailed: it is another one.
        """
        if self.leaves and leaf_index != self.leaves:
            raise BenchFailed(f"leaf {leaf_index} was answered, {self.leaves} is the next one")
        self.leaves = leaf_index + 1


@contextmanager
def opened_channel(service: Service) -> Iterator[grpc.Channel]:
    """A connection of its own to a service until the block ends."""
    with grpc.insecure_channel(
        service.address, options=[("grpc.use_local_subchannel_pool", 1)]
    ) as channel:
        yield channel


@contextmanager
def running_service(
    data: Path,
    name: str = "service",
    *,
    module: str = "pdp",
    options: Sequence[str | Path] = (),
) -> Iterator[Service]:
    """Run a service over `data` until the block ends.

    `module` is what is run as `… serve`, `options` are what is on its command line besides.
    """
    log = data.parent / f"{name}.log"
    with sockets() as folder:
        command: list[str | Path] = [
            *(sys.executable, "-m", module, "serve", "--dev", "--data", data),
            *("--catalogue", CATALOGUE, "--listen", f"unix:{folder / 'pdp.sock'}"),
            *options,
        ]
        with running(command, log, _PATIENT) as child:
            line = wait_for_line(child, log, "ready ")
            yield Service(data, line.split()[1], child.pid, console=_console(log))


def verify_log(data: Path, leaves: int) -> None:
    """Hold the whole log against the number of leaves that were answered for.

    Raises:
        BenchFailed: it is not in order, or has another number of leaves.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pdp", "audit", "verify", "--json", "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=VERIFY_SECONDS,
        check=False,
    )
    if done.returncode:
        raise BenchFailed(f"the log is not in order: {done.stdout.strip()} {done.stderr.strip()}")
    found = json.loads(done.stdout)["leaves"]
    if found != leaves:
        raise BenchFailed(f"the log has {found} leaves, and {leaves} were answered for")


def _console(log: Path) -> str:
    """The URL of a service's console, which is said before it is ready; empty where it has none."""
    said = (line.split() for line in log.read_text(errors="replace").splitlines())
    return next((words[1] for words in said if words[:1] == ["console"]), "")


def _must_allow(response: decision_pb2.AuthorizeResponse) -> None:
    if response.decision != decision_pb2.DECISION_ALLOW or response.replayed:
        codes = [reason.code for reason in response.reasons]
        raise BenchFailed(f"a call was not allowed: {codes}, replayed: {response.replayed}")
