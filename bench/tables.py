"""The results as tables for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from bench.answered import COMPARED
from bench.approvals import Approvals
from bench.breakdown import OPA, STAGES, TRANSPORT, Breakdown
from bench.peers import SERVICE
from bench.results import Results, ratio_of
from bench.rounds import Measured
from bench.stats import Ratio, middle


def show(console: Console, results: Results) -> None:
    """Print every part that was measured."""
    facts = _table("Machine", "", "")
    for name, text in {**results.machine, "plan": results.plan}.items():
        facts.add_row(name, text)
    console.print(facts)
    if results.compared:
        console.print(_compared(results))
    for what, why in results.skipped.items():
        console.print(f"skipped: {what}: {why}", markup=False)
    if results.engine:
        console.print(_engine(results))
    if results.breakdown:
        console.print(_breakdown(results.breakdown))
    for profile in results.profile:
        for heading, shares in (
            (f"Python by thread, {profile.inflight} in flight", profile.threads),
            (f"Functions themselves, {profile.inflight} in flight", profile.itself),
            (f"Functions with what they call, {profile.inflight} in flight", profile.within),
        ):
            console.print(_shares(heading, shares))
    if results.growth is not None:
        console.print(_grown("Tasks and log", results.growth.stores))
        console.print(_grown("A task's ledger", results.growth.ledgers))
        first = _table("A task's first call after a restart; µs", "earlier calls", "p50", "p99")
        for length, one in results.growth.first.items():
            first.add_row(f"{length:,}", f"{one.p50:,.0f}", f"{one.p99:,.0f}")
        console.print(first)
    if results.approvals is not None:
        console.print(_answered(results.approvals))
        console.print(_queue(results.approvals))
        console.print(_watched(results.approvals))
    console.print(_targets(results))


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right" if name else "left")
    return table


def _compared(results: Results) -> Table:
    table = _table(
        "Side by side: medians of the rounds; latencies, and the server's processor time for each"
        " call, in µs; in brackets the smallest and largest ratio of a round",
        "",
        *("in flight", "calls/s", "p50", "p90", "p99", "processor", "service's calls/s to this"),
    )
    inflights = sorted({n for one in results.compared.values() for n in one.samples})
    for inflight in inflights:
        for key, measured in results.compared.items():
            one = middle(measured.samples[inflight])
            found = results.ratio(SERVICE, key, inflight)
            ratio = (
                f"{found.median:.2f} ({found.low:.2f} to {found.high:.2f})"
                if found is not None and key != SERVICE
                else ""
            )
            table.add_row(
                measured.row.title,
                *(f"{inflight}", f"{one.rate:,.0f}", f"{one.p50:,.0f}"),
                *(f"{one.p90:,.0f}", f"{one.p99:,.0f}", f"{one.cpu_us:,.0f}", ratio),
            )
        table.add_section()
    return table


def _engine(results: Results) -> Table:
    table = _table("The engine alone", "batch", "evaluations/s", "µs each", "µs inside OPA")
    for one in results.engine:
        table.add_row(
            str(one.batch), f"{one.rate:,.0f}", f"{one.micros:,.0f}", f"{one.inside:,.0f}"
        )
    return table


def _breakdown(found: Sequence[Breakdown]) -> Table:
    """On the clock for one at a time, where every stage waits for the one before; on the processor
    too, which is what many in flight compete for.
    """
    columns = [
        name
        for one in found
        for name in (
            f"{one.inflight}: µs on the clock",
            "share",
            f"{one.inflight}: µs of processor",
            "share",
        )
    ]
    table = _table("Where the time goes, for each call", "stage", *columns)
    for stage in (*STAGES, OPA):
        cells = []
        for one in found:
            # Calls overlap when many are in flight: what one waits is not what it costs.
            latency = one.latency_us if one.inflight == 1 else 1e6 / one.rate
            wall = one.wall.get(stage)
            if wall is None or (one.inflight > 1 and stage == TRANSPORT):
                cells += ["", ""]
            else:
                cells += [f"{wall:,.0f}", f"{wall / latency:.0%}"]
            cells += [f"{one.cpu[stage]:,.0f}", f"{one.cpu[stage] / sum(one.cpu.values()):.0%}"]
        table.add_row(stage, *cells)
    table.add_section()
    table.add_row(
        "in all (clock: latency, or time for each call)",
        *(
            text
            for one in found
            for text in (
                f"{one.latency_us if one.inflight == 1 else 1e6 / one.rate:,.0f}",
                "",
                f"{sum(one.cpu.values()):,.0f}",
                "",
            )
        ),
    )
    return table


def _shares(title: str, shares: Mapping[str, float]) -> Table:
    table = _table(title, "", "share")
    for name, share in shares.items():
        table.add_row(name, f"{share:.1%}")
    return table


def _grown(title: str, rows: Mapping[int, Measured]) -> Table:
    table = _table(
        f"{title}: medians of the rounds; latencies in µs",
        "",
        *("in flight", "calls/s", "p50", "p90", "p99", "p50 to the smallest"),
    )
    smallest = rows[min(rows)]
    for inflight in sorted(smallest.samples):
        for measured in rows.values():
            one = middle(measured.samples[inflight])
            found = ratio_of(measured, smallest, inflight, "p50")
            table.add_row(
                measured.row.title,
                *(f"{inflight}", f"{one.rate:,.0f}", f"{one.p50:,.0f}", f"{one.p90:,.0f}"),
                f"{one.p99:,.0f}",
                "" if measured is smallest else f"{found.median:.2f}",
            )
        table.add_section()
    return table


def _answered(found: Approvals) -> Table:
    table = _table(
        "Where people have answered: medians of the rounds; p50 and processor in µs; each beside"
        " the row that never asked, in brackets the smallest and largest ratio of a round",
        "",
        *("in flight", "calls/s", "p50", "processor", "time to it", "p50 to it", "processor to it"),
    )
    for inflight in sorted(next(iter(found.answered.values())).samples):
        for key, measured in found.answered.items():
            one = middle(measured.samples[inflight])
            ratios = ["", "", ""]
            if key in COMPARED:
                never = found.answered[COMPARED[key]]
                ratios = [
                    _text(ratio_of(never, measured, inflight, "rate")),
                    _text(ratio_of(measured, never, inflight, "p50")),
                    _text(ratio_of(measured, never, inflight, "cpu_us")),
                ]
            table.add_row(
                measured.row.title,
                *(f"{inflight}", f"{one.rate:,.0f}", f"{one.p50:,.0f}", f"{one.cpu_us:,.0f}"),
                *ratios,
            )
        table.add_section()
    return table


def _text(found: Ratio) -> str:
    return f"{found.median:.2f} ({found.low:.2f} to {found.high:.2f})"


def _queue(found: Approvals) -> Table:
    table = _table("The console with 10,000 open approvals; ms", "", "p50", "p99", "processor")
    for name, one in found.queue.items():
        cells = (f"{us / 1000:,.1f}" for us in (one.p50, one.p99, one.cpu_us))
        table.add_row(name, *cells)
    return table


def _watched(found: Approvals) -> Table:
    watched = found.watched
    table = _table(
        f"Until {watched.watchers} watchers have heard of an answer, of"
        f" {len(watched.from_sent_ms)}; ms",
        *("", "median", "worst", "processor, for question and answer"),
    )
    for name, took, cpu in (
        ("from when it was sent", watched.from_sent_ms, f"{watched.cpu_us / 1000:,.1f}"),
        ("from when whoever sent it was answered", watched.from_answer_ms, ""),
    ):
        table.add_row(name, f"{median(took):,.1f}", f"{max(took):,.1f}", cpu)
    return table


def _targets(results: Results) -> Table:
    table = _table("Targets", "", "aim", "found", "")
    for one in results.targets():
        aim = f"{'≥' if one.at_least else '≤'} {one.bound:,g}"
        if one.found is None:
            table.add_row(one.text, aim, "not measured", "")
            continue
        found = f"{one.found:,.0f}" if one.found >= 100 else f"{one.found:.2f}"
        table.add_row(one.text, aim, found, "met" if one.met else "MISSED")
    return table
