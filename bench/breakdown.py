"""Where the time goes: the stages of a call, by counters around the service's own steps."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from bench import calls
from bench.calls import lanes
from bench.client import run_load
from bench.processes import sockets
from bench.rounds import WARM
from bench.service import Service, running_service
from bench.timed_service import COUNTERS

#: The stages in the order in which a call meets them. The first is what no counter stands for: the
#: server's HTTP/2, the event loop, handing over between threads, and the client.
TRANSPORT: Final = "transport, event loop, hand-over"
STAGES: Final = (
    TRANSPORT,
    "decode",
    "admit",
    "resolve",
    "resolve: read the store",
    "encode",
    "engine: frames and JSON",
    "engine: wait for OPA",
    "engine: read the decision",
    "constrain",
    "settle",
    "commit: write rows",
    "commit: make durable",
    "decide, the rest",
    "answer",
    "metrics",
)
OPA: Final = "(OPA's own process)"

#: The stages taken together, for a picture.
GROUPS: Final = {
    "transport": (TRANSPORT,),
    "decode": ("decode",),
    "resolve": ("admit", "resolve", "resolve: read the store"),
    "encode": ("encode",),
    "engine": ("engine: frames and JSON", "engine: wait for OPA", "engine: read the decision"),
    "settle": ("constrain", "settle", "decide, the rest"),
    "commit": ("commit: write rows", "commit: make durable"),
    "answer": ("answer",),
    "metrics": ("metrics",),
    "OPA's process": (OPA,),
}


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Microseconds of one call by stage, on the clock and on the processor.

    `latency_us` is what the client saw on average, and `rate` calls per second while counted.
    `cpu` has a line more than `wall`: OPA's process, for which `wall` waits.
    """

    inflight: int
    rate: float
    latency_us: float
    wall: Mapping[str, float]
    cpu: Mapping[str, float]


def measure_breakdown(
    client: Path, folder: Path, seconds: float, tell: Callable[[str], None]
) -> list[Breakdown]:
    """One call at a time, then 32 in flight, at a service with a stopwatch in it."""
    folder.mkdir()
    with sockets() as short, ExitStack() as held:
        counters = short / "counters.sock"
        os.environ[COUNTERS] = str(counters)
        held.callback(os.environ.pop, COUNTERS)
        with running_service(folder / "data", "timed", module="bench.timed_service") as service:
            service.start_tasks(lanes("timed"))
            found = []
            for inflight in (1, 32):
                tell(f"where the time goes, {inflight} in flight")
                found.append(_measure(client, service, counters, inflight, seconds))
            return found


def _measure(
    client: Path, service: Service, counters: Path, inflight: int, seconds: float
) -> Breakdown:
    count = WARM + int(seconds * 8000)
    before = _read(counters)
    recorded = run_load(
        client,
        service.target,
        calls.requests(f"timed-{inflight}", lanes("timed"), count),
        inflight=inflight,
        warm=WARM,
        seconds=seconds,
    )
    after = _read(counters)
    service.check(recorded)
    # The counters cover the calls to warm up as well.
    made = len(recorded.answers)
    latency = fmean(one.took_us for one in recorded.timed)
    wall = {stage: _per_call(before, after, stage, "wall_ns", made) for stage in STAGES}
    cpu = {stage: _per_call(before, after, stage, "cpu_ns", made) for stage in STAGES}
    process = (after["process_cpu_ns"] - before["process_cpu_ns"]) / made / 1000
    # The answers are not waited for by anyone but the client; metrics by nobody.
    waited = sum(us for stage, us in wall.items() if stage != "metrics")
    wall[TRANSPORT] = max(0.0, latency - waited)
    cpu[TRANSPORT] = max(0.0, process - sum(cpu.values()))
    cpu[OPA] = (after["children_cpu_ns"] - before["children_cpu_ns"]) / made / 1000
    rate = len(recorded.timed) / recorded.seconds
    return Breakdown(inflight, rate, latency, wall, cpu)


def _per_call(
    before: Mapping[str, Any], after: Mapping[str, Any], stage: str, clock: str, made: int
) -> float:
    now = after["stages"].get(stage, {}).get(clock, 0)
    then = before["stages"].get(stage, {}).get(clock, 0)
    return float(now - then) / made / 1000


def _read(path: Path) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(10)
        peer.connect(str(path))
        pieces = []
        while piece := peer.recv(65536):
            pieces.append(piece)
    read: dict[str, Any] = json.loads(b"".join(pieces))
    return read
