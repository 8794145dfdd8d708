"""The results as plots in a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import svg
from bench.breakdown import GROUPS, Breakdown
from bench.results import Results
from bench.rounds import Measured
from bench.stats import middle


def write_plots(results: Results, folder: Path) -> list[Path]:
    """Write a plot of every part that was measured; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    plots: dict[str, str] = {}
    if results.compared:
        plots["throughput"] = svg.bars(
            "Throughput", "calls/s", _by_row(results.compared, "rate", "in flight")
        )
        plots["processor"] = svg.bars(
            "The server's processor time for each call",
            "µs",
            _by_row(results.compared, "cpu_us", "in flight"),
        )
        for inflight in sorted(next(iter(results.compared.values())).samples):
            plots[f"latency-{inflight}"] = svg.bars(
                f"Latency, {inflight} in flight",
                "µs",
                {
                    one.row.title: {
                        name: getattr(middle(one.samples[inflight]), name)
                        for name in ("p50", "p90", "p99")
                    }
                    for one in results.compared.values()
                },
            )
    if results.engine:
        plots["engine"] = svg.lines(
            "The engine alone",
            "evaluations in a batch",
            "evaluations/s",
            {"rate": [(one.batch, one.rate) for one in results.engine]},
        )
    if results.breakdown:
        plots["where-the-time-goes"] = svg.stacked(
            "Where the time goes, for each call", "µs", _bars(results.breakdown)
        )
    if results.growth is not None:
        for name, axis, rows in (
            ("growth-store", "leaves in the log, ten for each task", results.growth.stores),
            ("growth-ledger", "earlier calls in the task", results.growth.ledgers),
        ):
            plots[name] = svg.lines("Latency of one call at a time", axis, "µs", _lines(rows))
    written = []
    for name, text in plots.items():
        file = folder / f"{name}.svg"
        file.write_text(text)
        written.append(file)
    return written


def _by_row(rows: Mapping[str, Measured], of: str, unit: str) -> dict[str, dict[str, float]]:
    return {
        one.row.title: {
            f"{inflight} {unit}": float(getattr(middle(samples), of))
            for inflight, samples in one.samples.items()
        }
        for one in rows.values()
    }


def _bars(found: Sequence[Breakdown]) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for one in found:
        if one.inflight == 1:
            rows["1, on the clock"] = _grouped(one.wall)
        rows[f"{one.inflight}, processor"] = _grouped(one.cpu)
    return rows


def _grouped(stages: Mapping[str, float]) -> dict[str, float]:
    return {name: sum(stages.get(one, 0.0) for one in parts) for name, parts in GROUPS.items()}


def _lines(rows: Mapping[int, Measured]) -> dict[str, list[tuple[float, float]]]:
    return {
        name: [
            (float(size), float(getattr(middle(one.samples[1]), name)))
            for size, one in rows.items()
        ]
        for name in ("p50", "p90", "p99")
    }
