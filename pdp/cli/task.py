"""`pdp task`: which tasks there are and what one of them did, read from the data folder."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from pdp.cli.main import FAILED
from pdp.cli.terminal import exact_moment, moment, plain, print_table
from pdp.domain.builtin import PHASE_WORDS, identity
from pdp.domain.task import Task
from pdp.domain.values import Subject
from pdp.ports import StoredLeaf
from pdp.store.reader import SqliteReader, open_reader

task_app = typer.Typer(no_args_is_help=True, help="Read the ledger: which tasks, what they did.")

DataOption = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", envvar="PDP_DATA", help="The service's data folder."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]

_PAGE: Final = 500
# Members that every leaf has and that an entry shows under a name or in a form of its own.
_FRAME: Final = frozenset({"v", "kind", "at", "task", "seq", "prev"})


@task_app.command("list")
def list_tasks(data: DataOption = Path("pdp-data"), as_json: JsonOption = False) -> None:
    """List all tasks by id. It may run beside the service."""
    now_us = time.time_ns() // 1000
    with open_reader(data) as reader:
        if as_json:
            _print_json({"tasks": [_as_json(task, now_us) for task in _tasks(reader)]})
            return
        print_table(
            ("id", "subject", "principal", "state", "phase", "calls", "effects", "denials",
             "escalations", "started", "expires"),
            (_as_line(task, now_us) for task in _tasks(reader)),
        )  # fmt: skip


@task_app.command("show")
def show_task(
    task_id: Annotated[str, typer.Argument(metavar="ID")],
    data: DataOption = Path("pdp-data"),
    as_json: JsonOption = False,
) -> None:
    """Show one task and its ledger: every decision and outcome, in order."""
    now_us = time.time_ns() // 1000
    with open_reader(data) as reader:
        task = reader.task(task_id)
        leaves = reader.task_leaves(task_id)
    if task is None:
        print(
            f"pdp: there is no task {plain(task_id)} in {plain(str(data))}; `pdp task list` shows"
            " those that there are",
            file=sys.stderr,
        )
        raise typer.Exit(FAILED)
    entries = _ledger(leaves)
    if as_json:
        _print_json({"task": _as_json(task, now_us), "ledger": entries})
        return
    for name, value in _facts(task, now_us):
        print(f"{name:<14}{plain(value)}".rstrip())
    print()
    print_table(
        ("seq", "time", "what", "class", "decision", "reasons", "outcome", "decision id"),
        map(_entry_line, entries),
    )


def _tasks(reader: SqliteReader) -> Iterator[Task]:
    after = ""
    while page := reader.list_tasks(after=after, limit=_PAGE):
        yield from page
        after = page[-1].id


def _ledger(leaves: Sequence[StoredLeaf]) -> list[dict[str, Any]]:
    """A task's leaves as entries for readers; a decision also says its outcome, once reported."""
    entries: list[dict[str, Any]] = []
    decisions: dict[str, dict[str, Any]] = {}
    for stored in leaves:
        body = _members(stored)
        at_us = body.get("at")
        entry = {
            "sequence": stored.leaf.sequence,
            "leaf_index": stored.index,
            "leaf_hash": stored.leaf.hash.hex(),
            "at": exact_moment(at_us) if isinstance(at_us, int) else "",
            "kind": stored.leaf.kind,
            **{name: value for name, value in body.items() if name not in _FRAME},
        }
        if stored.leaf.kind == "decision":
            entry["outcome"] = None
            decisions[str(body.get("id"))] = entry
        elif stored.leaf.kind == "outcome":
            decided = decisions.get(str(body.get("decision_id")))
            entry["of_sequence"] = decided["sequence"] if decided is not None else None
            if decided is not None:
                decided["outcome"] = body.get("status")
        entries.append(entry)
    return entries


def _members(stored: StoredLeaf) -> dict[str, Any]:
    try:
        body = json.loads(stored.leaf.body)
    except (ValueError, RecursionError):
        body = None
    # Only `pdp audit verify` judges; here the reader sees what there is.
    return body if isinstance(body, dict) else {"unreadable": True}


def _entry_line(entry: dict[str, Any]) -> Sequence[str]:
    what = entry["kind"]
    if what == "decision":
        server, tool = str(entry.get("server", "")), str(entry.get("tool", ""))
        what = f"{server}/{tool}" if server else tool
        caller = entry.get("caller")
        if isinstance(caller, dict) and caller.get("type") == "user":
            what += f" by {caller.get('id', '?')}"
    elif what == "outcome":
        what = f"outcome of {entry['of_sequence'] or entry.get('decision_id', '?')}"
    codes = entry.get("codes")
    return (
        str(entry["sequence"]),
        str(entry["at"]),
        str(what),
        str(entry.get("class", "")),
        str(entry.get("decision", "")) if entry["kind"] != "outcome" else "",
        ", ".join(map(str, codes)) if isinstance(codes, list) else "",
        str(entry.get("outcome") or entry.get("status") or ""),
        str(entry.get("id", "")) if entry["kind"] == "decision" else "",
    )


def _as_line(task: Task, now_us: int) -> Sequence[str]:
    sums = task.rollup
    return (
        task.id,
        task.subject.id,
        task.principal.id,
        task.state_at(now_us).name.lower(),
        PHASE_WORDS[task.phase],
        *map(str, (sums.calls, sums.effects, sums.denials, sums.escalations)),
        moment(task.started_at_us),
        moment(task.expires_at_us),
    )


def _facts(task: Task, now_us: int) -> Iterator[tuple[str, str]]:
    intent, budget, sums = task.intent, task.budget, task.rollup
    yield "task", task.id + ("" if task.registered else " (unregistered)")
    if task.parent_id:
        yield "parent", task.parent_id
    yield "subject", _named(task.subject)
    yield "principal", _named(task.principal) if task.principal else "none"
    yield "opened by", _named(task.opened_by)
    yield "goal", intent.goal
    yield "tools", ", ".join(intent.tools) or "any"
    yield "resources", ", ".join(intent.resources) or "any"
    highest = intent.max_sensitivity
    yield "sensitivity", f"up to {highest.name.lower()}" if highest else "policy's default"
    yield "state", task.state_at(now_us).name.lower()
    yield "phase", PHASE_WORDS[task.phase]
    yield "calls", _of(sums.calls, budget.max_calls)
    yield "effects", _of(sums.effects, budget.max_effects)
    yield "denials", str(sums.denials)
    yield "escalations", str(sums.escalations)
    yield "untrusted", "has seen untrusted content" if sums.untrusted else "no"
    yield "started", moment(task.started_at_us)
    yield "expires", moment(task.expires_at_us)


def _of(count: int, budget: int) -> str:
    return f"{count} of {budget}" if budget else str(count)


def _named(subject: Subject) -> str:
    return f"{subject.type} {subject.id}" + (f" ({subject.issuer})" if subject.issuer else "")


def _as_json(task: Task, now_us: int) -> dict[str, Any]:
    intent, budget, sums = task.intent, task.budget, task.rollup
    return {
        "id": task.id,
        "subject": identity(task.subject),
        "on_behalf_of": identity(task.principal),
        "opened_by": identity(task.opened_by),
        "intent": {
            "goal": intent.goal,
            "tools": intent.tools,
            "resources": intent.resources,
            "max_sensitivity": intent.max_sensitivity.name.lower(),
        },
        "state": task.state_at(now_us).name.lower(),
        "phase": PHASE_WORDS[task.phase],
        "budget": {"max_calls": budget.max_calls, "max_effects": budget.max_effects},
        "calls": sums.calls,
        "effects": sums.effects,
        "denials": sums.denials,
        "escalations": sums.escalations,
        "untrusted": sums.untrusted,
        "sequence": task.sequence,
        "started_at": exact_moment(task.started_at_us),
        "expires_at": exact_moment(task.expires_at_us),
        "parent_id": task.parent_id,
        "registered": task.registered,
    }


def _print_json(document: dict[str, Any]) -> None:
    # ASCII: what is invisible or drives a terminal is an escape here too.
    print(json.dumps(document, indent=2))
