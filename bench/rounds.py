"""Interleaved rounds: every row is loaded in every round, so that all have the same weather."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.client import Recorded, Target, run_load
from bench.processes import BenchFailed, cpu_seconds
from bench.stats import Sample, sample

#: Calls before the clock starts: connections, caches, and every task once.
WARM: Final = 64
#: More requests than any server here has answered; the next round prepares what the last one used.
FIRST_RATE: Final = {1: 3000, 32: 12_000}
MARGIN: Final = 1.5


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a server, the requests it gets, and the check of its answers.

    `make(run, count)` gives requests that no other run has. With `report` n, request i carries the
    outcome of request i - n.
    """

    key: str
    title: str
    target: Target
    make: Callable[[str, int], Sequence[bytes]]
    check: Callable[[Recorded], None]
    report: int = 0


@dataclass(slots=True)
class Measured:
    """The samples of a row by calls in flight, one for each round."""

    row: Row
    samples: dict[int, list[Sample]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often to measure."""

    rounds: int
    seconds: float
    inflight: tuple[int, ...] = (1, 32)


def measure(
    client: Path, rows: Sequence[Row], plan: Plan, tell: Callable[[str], None]
) -> Mapping[str, Measured]:
    """Load every row in every round, and check every answer. By key, in the order of the rows.

    Raises:
        BenchFailed: something was answered that must not be.
    """
    measured = {row.key: Measured(row) for row in rows}
    if len(measured) != len(rows):
        raise ValueError("two rows have the same key")
    for number in range(plan.rounds):
        for inflight in plan.inflight:
            for row in _turned(rows, number):
                tell(f"round {number + 1} of {plan.rounds}, {inflight} in flight: {row.title}")
                done = measured[row.key].samples.setdefault(inflight, [])
                done.append(_load(client, row, plan, inflight, number, done))
    return measured


def _turned(rows: Sequence[Row], by: int) -> Iterator[Row]:
    """The rows, beginning at another one each time: none is always first."""
    return (rows[(index + by) % len(rows)] for index in range(len(rows)))


def _load(
    client: Path, row: Row, plan: Plan, inflight: int, number: int, done: Sequence[Sample]
) -> Sample:
    rate = max((one.rate for one in done), default=0.0) or FIRST_RATE.get(inflight, 12_000)
    count = WARM + int(rate * MARGIN * plan.seconds)
    requests = row.make(f"{row.key}-{number}-{inflight}", count)
    before = cpu_seconds(row.target.pid)
    recorded = run_load(
        client,
        row.target,
        requests,
        inflight=inflight,
        warm=WARM,
        seconds=plan.seconds,
        report_lanes=row.report,
    )
    cpu_us = (cpu_seconds(row.target.pid) - before) / len(recorded.answers) * 1e6
    try:
        row.check(recorded)
    except BenchFailed as fault:
        raise BenchFailed(f"{row.title}: {fault}") from fault
    return sample([one.took_us for one in recorded.timed], recorded.seconds, cpu_us)
