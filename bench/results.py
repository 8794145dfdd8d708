"""All that one run of the bench has found, as values and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.answered import APPROVED, GRANTED, NEVER
from bench.approvals import Approvals
from bench.breakdown import Breakdown
from bench.console_queue import FIRST, MIDDLE
from bench.engine import EngineFigure
from bench.growth import Growth
from bench.peers import CERBOS_AUDIT, NOOP, SERVICE
from bench.rounds import Measured
from bench.sampling import Profile
from bench.stats import Ratio, middle, ratio


@dataclass(frozen=True, slots=True)
class Target:
    """What is aimed at and what was found. `found` is None where it could not be measured."""

    text: str
    bound: float
    at_least: bool
    found: float | None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where it is not known."""
        if self.found is None:
            return None
        return self.found >= self.bound if self.at_least else self.found <= self.bound


@dataclass(slots=True)
class Results:
    """What was measured. A part that was not asked for, or not possible, is empty."""

    machine: Mapping[str, str]
    plan: str
    compared: Mapping[str, Measured] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    engine: Sequence[EngineFigure] = ()
    breakdown: Sequence[Breakdown] = ()
    profile: Sequence[Profile] = ()
    growth: Growth | None = None
    approvals: Approvals | None = None

    def ratio(self, ours: str, theirs: str, inflight: int, of: str = "rate") -> Ratio | None:
        """The rounds' ratios of two rows; `of` is `rate`, `p50`, `p90` or `p99`."""
        rows = (self.compared.get(ours), self.compared.get(theirs))
        if rows[0] is None or rows[1] is None:
            return None
        return ratio_of(rows[0], rows[1], inflight, of)

    def targets(self) -> list[Target]:
        """The targets, each with what was found."""

        def compared(text: str, bound: float, theirs: str, inflight: int, of: str) -> Target:
            found = self.ratio(SERVICE, theirs, inflight, of)
            return Target(text, bound, of == "rate", found.median if found else None)

        in_batches = next((one.rate for one in self.engine if one.batch == 32), None)
        targets = [
            Target("engine: evaluations/s in batches of 32", 8000, True, in_batches),
            compared(
                "calls/s at 32 in flight, of Cerbos with its audit file",
                *(0.6, CERBOS_AUDIT, 32, "rate"),
            ),
            compared("calls/s at 32 in flight, of the no-op", 0.4, NOOP, 32, "rate"),
            compared(
                "p50 of one call, of Cerbos's with its audit file", 2.2, CERBOS_AUDIT, 1, "p50"
            ),
        ]
        if self.growth is not None:
            stores, ledgers = self.growth.stores, self.growth.ledgers
            targets += [
                _grown("p50 of one call over the largest store, of the empty one's", 1.3, stores),
                _grown("p50 of one call with the longest ledger, of the short one's", 1.5, ledgers),
            ]
        if self.approvals is not None:
            targets += _of_approvals(self.approvals)
        return targets

    def as_json(self) -> dict[str, Any]:
        """Everything, every round of it, as JSON values."""
        return {
            "machine": dict(self.machine),
            "plan": self.plan,
            "targets": [{**asdict(one), "met": one.met} for one in self.targets()],
            "compared": {key: _row(one) for key, one in self.compared.items()},
            "skipped": self.skipped,
            "engine": [asdict(one) for one in self.engine],
            "breakdown": [asdict(one) for one in self.breakdown],
            "profile": [asdict(one) for one in self.profile],
            "growth": self.growth
            and {
                "stores": {size: _row(one) for size, one in self.growth.stores.items()},
                "ledgers": {length: _row(one) for length, one in self.growth.ledgers.items()},
                "first": {length: asdict(one) for length, one in self.growth.first.items()},
            },
            "approvals": self.approvals
            and {
                "answered": {key: _row(one) for key, one in self.approvals.answered.items()},
                "queue": {name: asdict(one) for name, one in self.approvals.queue.items()},
                "watched": asdict(self.approvals.watched),
            },
        }


def ratio_of(ours: Measured, theirs: Measured, inflight: int, of: str) -> Ratio:
    """The rounds' ratios of two rows that were measured together."""
    return ratio(
        [float(getattr(one, of)) for one in ours.samples[inflight]],
        [float(getattr(one, of)) for one in theirs.samples[inflight]],
    )


def _grown(text: str, bound: float, rows: Mapping[int, Measured]) -> Target:
    found = ratio_of(rows[max(rows)], rows[min(rows)], 1, "p50").median
    return Target(f"{text} ({max(rows):,} against {min(rows):,})", bound, False, found)


def _of_approvals(found: Approvals) -> list[Target]:
    rows = found.answered

    def worst(inflight: int, of: str) -> float:
        """The larger of both rows' ratios; of a rate, that of the row which never asked to it."""
        pairs = [(rows[key], rows[NEVER]) for key in (APPROVED, GRANTED)]
        if of == "rate":
            pairs = [(theirs, ours) for ours, theirs in pairs]
        return max(ratio_of(*pair, inflight, of).median for pair in pairs)

    page_ms = max(found.queue[name].p50 for name in (FIRST, MIDDLE)) / 1000
    return [
        Target("p50 of one call where something was answered", 1.15, False, worst(1, "p50")),
        Target("time for each call so, 32 in flight", 1.15, False, worst(32, "rate")),
        Target("processor for each call so, 32 in flight", 1.15, False, worst(32, "cpu_us")),
        Target("a page of 10,000 open approvals, ms", 200, False, page_ms),
        Target("until 100 watchers have heard, ms", 100, False, found.watched.usual_ms),
    ]


def _row(measured: Measured) -> dict[str, Any]:
    return {
        "title": measured.row.title,
        "inflight": {
            inflight: {
                "median": {**asdict(middle(samples)), "rate": middle(samples).rate},
                "rounds": [{**asdict(one), "rate": one.rate} for one in samples],
            }
            for inflight, samples in measured.samples.items()
        },
    }
