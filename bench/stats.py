"""Percentiles, medians, and the ratios of pairs that were measured in the same round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Sample:
    """One load of one server in one round: calls per second and latencies in microseconds.

    `cpu_us` is the processor time that the server took for each call, its children's included.
    """

    calls: int
    seconds: float
    p50: float
    p90: float
    p99: float
    cpu_us: float = 0.0

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.calls / self.seconds


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the rounds' ratios, and the smallest and largest of them."""

    median: float
    low: float
    high: float


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the ordered values do not exceed (nearest rank)."""
    if not ordered:
        raise ValueError("no values")
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def sample(latencies_us: Sequence[float], seconds: float, cpu_us: float = 0.0) -> Sample:
    """A sample of the latencies of calls that took `seconds` together."""
    ordered = sorted(latencies_us)
    return Sample(
        calls=len(ordered),
        seconds=seconds,
        p50=percentile(ordered, 0.50),
        p90=percentile(ordered, 0.90),
        p99=percentile(ordered, 0.99),
        cpu_us=cpu_us,
    )


def middle(samples: Sequence[Sample]) -> Sample:
    """A sample of medians over the rounds, each figure on its own."""
    return Sample(
        calls=round(median(one.calls for one in samples)),
        # So that the rate of the result is the median of the rates.
        seconds=round(median(one.calls for one in samples)) / median(one.rate for one in samples),
        p50=median(one.p50 for one in samples),
        p90=median(one.p90 for one in samples),
        p99=median(one.p99 for one in samples),
        cpu_us=median(one.cpu_us for one in samples),
    )


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Ours divided by theirs, round by round: what disturbs a whole round disturbs both."""
    pairs = [a / b for a, b in zip(ours, theirs, strict=True)]
    return Ratio(median(pairs), min(pairs), max(pairs))
