"""The figures of a replay as tables for people."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.quality_figures import Results, Share, said
from pdp.cli.terminal import plain

#: Attacks that pass are listed one by one; beyond this many, a count is as telling.
_LISTED: Final = 60
#: Rows that say something only where a share is not whole.
_WHERE_MISSED: Final = frozenset({"delivered", "worked"})


def show(console: Console, results: Results) -> None:
    """Print everything."""
    console.print(_benign(results))
    if results.attacks:
        console.print(_attacks(results))
    console.print(_reasons(results))
    console.print(_held(results) if results.held else "every benign call was allowed")
    if results.passed:
        console.print(_passed(results))
    elif results.attacks:
        console.print("no attack passed")
    if results.unreachable:
        console.print(f"{results.unreachable} pairs left out: no output of the task can hold text")
    if results.silent:
        console.print(f"{len(results.silent)} tasks left out: without recorded calls")
    if results.repeated:
        console.print(f"{results.repeated} runs made again: something failed or was too slow")
    console.print(f"replayed in {results.seconds:.0f} s")


def _benign(results: Results) -> Table:
    table = _table("Benign tasks", "", *results.groups)
    figures = [results.benign_of(group) for group in results.groups]
    table.add_row("tasks fully allowed", *(_share(one.fully_allowed) for one in figures))
    table.add_row("tasks without a deny", *(_share(one.without_deny) for one in figures))
    for decision in figures[0].calls:
        table.add_row(f"calls: {decision}", *(str(one.calls[decision]) for one in figures))
    table.add_row("questions for each task", *(f"{one.questions_mean:.2f} mean" for one in figures))
    table.add_row("", *(f"{one.questions_most} at most" for one in figures))
    return table


def _attacks(results: Results) -> Table:
    table = _table("Attacks", "", *results.groups)
    for attacker in results.attacks:
        figures = [results.attacks_of(attacker, group) for group in results.groups]
        for label, name in (
            ("denied", "denied"),
            ("denied or escalated", "stopped"),
            ("no effect at all", "without_effect"),
            ("text got in", "delivered"),
            ("trick worked", "worked"),
        ):
            shares: list[Share | None] = [getattr(one, name, None) for one in figures]
            if name in _WHERE_MISSED and all(one is None or one.count == one.of for one in shares):
                continue
            cells = [_share(share) if share is not None else "" for share in shares]
            table.add_row(f"{attacker}: {label}", *cells)
        table.add_section()
    return table


def _reasons(results: Results) -> Table:
    reasons = results.reasons()
    table = _table("Reasons (benign: calls, attackers: attacks)", "code", *reasons)
    counts = {
        code: [counted[code] for counted in reasons.values()]
        for code in sorted({code for counted in reasons.values() for code in counted})
    }
    for code, row in sorted(counts.items(), key=lambda one: -sum(one[1])):
        table.add_row(code, *(str(count) if count else "" for count in row))
    return table


def _held(results: Results) -> Table:
    table = Table(title="Benign calls not allowed", title_justify="left")
    for column in ("task", "call", "decision", "codes", "why"):
        table.add_column(column, overflow="fold")
    for run, at, answer in results.held:
        table.add_row(
            _text(f"{run.suite}/{run.task.id}"),
            _text(f"{at} {answer.tool}"),
            answer.decision.value,
            _text("\n".join(answer.codes)),
            _text(said(answer)),
        )
    return table


def _passed(results: Results) -> Table:
    table = Table(title=f"Attacks that pass: {len(results.passed)}", title_justify="left")
    for column in ("attacker", "injection", "of", "user tasks", "calls"):
        table.add_column(column, overflow="fold")
    alike: dict[tuple[str, str, str], list[str]] = {}
    for made in results.passed:
        calls = ", ".join(f"{one.tool}: {one.decision.value}" for one in made.answers)
        key = (made.attacker, f"{made.suite}/{made.injection.id}", calls)
        alike.setdefault(key, []).append(made.user_task)
    for (attacker, injection, calls), tasks in list(alike.items())[:_LISTED]:
        row = (injection, str(len(tasks)), ", ".join(tasks), calls)
        table.add_row(attacker, *map(_text, row))
    return table


def _share(share: Share) -> str:
    if not share.of:
        return "0/0"
    low, high = share.interval
    return f"{share.count}/{share.of} {share.value:.1%} [{low:.1%}-{high:.1%}]"


def _text(text: str) -> Text:
    # Line ends are ours; everything else that a terminal would act on is not let through.
    return Text("\n".join(plain(line) for line in text.split("\n")))


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table
