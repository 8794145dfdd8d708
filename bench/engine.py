"""The managed OPA alone: evaluations per second by the size of the batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench.processes import BenchFailed
from pdp.app import load_policy
from pdp.decide import ENTRYPOINT
from pdp.engine.binary import find_opa
from pdp.engine.managed import ManagedOpa
from pdp.ports import Evaluation

BATCHES: Final = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class EngineFigure:
    """Evaluations per second in batches of one size, and microseconds of each.

    `inside` is what one evaluation took inside OPA, where several run at a time.
    """

    batch: int
    rate: float
    micros: float
    inside: float


def measure_engine(
    inputs: Sequence[bytes], rounds: int, seconds: float, tell: Callable[[str], None]
) -> list[EngineFigure]:
    """Medians over interleaved rounds, with the built-in bundle and recorded inputs.

    Raises:
        BenchFailed: an evaluation did not allow.
    """
    engine = ManagedOpa(find_opa())
    try:
        load_policy(engine, [], [])
        found: dict[int, list[EngineFigure]] = {batch: [] for batch in BATCHES}
        for number in range(rounds):
            tell(f"round {number + 1} of {rounds}: the engine alone")
            for batch in BATCHES:
                found[batch].append(_measure(engine, inputs, batch, seconds))
    finally:
        engine.close()
    return [
        EngineFigure(
            batch,
            median(one.rate for one in figures),
            median(one.micros for one in figures),
            median(one.inside for one in figures),
        )
        for batch, figures in found.items()
    ]


def _measure(
    engine: ManagedOpa, inputs: Sequence[bytes], batch: int, seconds: float
) -> EngineFigure:
    batches = [inputs[at : at + batch] for at in range(0, len(inputs) - batch + 1, batch)]
    if not batches:
        raise BenchFailed(f"{len(inputs)} inputs are too few for batches of {batch}")
    done = inside = 0
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        for answer in engine.evaluate_many(ENTRYPOINT, batches[done // batch % len(batches)]):
            if not isinstance(answer, Evaluation) or not _allows(answer):
                raise BenchFailed(f"an evaluation did not allow: {answer}")
            inside += answer.micros
        done += batch
    return EngineFigure(batch, done / passed, passed / done * 1e6, inside / done)


def _allows(answer: Evaluation) -> bool:
    return isinstance(answer.value, dict) and answer.value.get("decision") == "allow"


def measure_engine_over(
    data: Path, rounds: int, seconds: float, tell: Callable[[str], None]
) -> list[EngineFigure]:
    """As measure_engine, with the inputs that a service has recorded in `data`."""
    from bench.opa_server import recorded_inputs

    return measure_engine(recorded_inputs(data, 1024), rounds, seconds, tell)
