"""`python -m bench.quality FILE`: replays recorded tasks and attacks against a real service.

What the figures mean and how each attacker works: docs/quality.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench.processes import BenchFailed, plain_environment, running, wait_for_line
from bench.quality_attackers import ATTACKERS, DIRECTORY, DIRECTORY_TOOL, Attack, Case, attack
from bench.quality_cases import Suite, load_suites
from bench.quality_figures import Results
from bench.quality_replay import AGENT, CALL_SECONDS, BenignRun, World, benign
from bench.quality_tables import show
from pdp.catalogue_file import dump_catalogue, load_catalogue
from pdp.client import AsyncAuthorizationClient
from pdp.domain.catalogue import Catalogue, Tool
from pdp.domain.values import OutputLabel

#: Runs in flight at once: enough for the service to fill its batches on two cores.
INFLIGHT: Final = 8
#: A machine that is busy with other things makes an evaluation miss its deadline now and then.
TRIES: Final = 3
IMPORT_SECONDS: Final = 120.0
#: Columns where the output is no terminal: room for the reasons.
_COLUMNS: Final = 180

R = TypeVar("R", BenignRun, Attack)


def main(arguments: Sequence[str] | None = None) -> int:
    """Replay and print; 0 where every answer was a judgement, 1 where the bench or one failed."""
    asked = _arguments(arguments)
    errors = Console(stderr=True)
    try:
        suites = load_suites(asked.file, asked.suite or (), asked.limit)
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=errors,
            transient=True,
            disable=not errors.is_terminal,
        )
        with bar:
            results = measure(suites, asked.attackers, source=asked.file.name, tell=_teller(bar))
    except BenchFailed as fault:
        errors.print(f"the bench failed: {fault}", markup=False)
        return 1
    if asked.json:
        print(json.dumps(results.as_json(), indent=1))
    else:
        show(Console(width=None if sys.stdout.isatty() else _COLUMNS), results)
    for answer in results.faults[:10]:
        errors.print(f"no judgement, so no figure holds: {answer}", markup=False)
    return 1 if results.faults else 0


def measure(
    suites: Sequence[Suite],
    attackers: Sequence[str] = tuple(ATTACKERS),
    *,
    source: str = "",
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Results:
    """Replay every user task once as it was, and once under each injection and attacker.

    `tell` is called with the runs that are done and their total.

    Raises:
        BenchFailed: a catalogue could not be imported, or the service did not answer.
    """
    if not any(suite.user_tasks for suite in suites):
        raise BenchFailed("there is no user task with recorded calls")
    with (
        tempfile.TemporaryDirectory(prefix="pdp-quality-") as scratch,
        _running_service(Path(scratch), suites) as (address, catalogue),
    ):
        began = time.monotonic()
        runs, attacks, repeated = asyncio.run(_replay(address, catalogue, suites, attackers, tell))
        seconds = time.monotonic() - began
    return Results(
        source=source,
        benign=runs,
        attacks={name: [one for one in attacks if one.attacker == name] for name in attackers},
        unreachable=sum(
            len(suite.injection_tasks) * sum(task.carrier is None for task in suite.user_tasks)
            for suite in suites
        ),
        silent=[f"{suite.name}/{task}" for suite in suites for task in suite.silent],
        repeated=repeated,
        seconds=seconds,
    )


async def _replay(
    address: str,
    catalogue: Catalogue,
    suites: Sequence[Suite],
    attackers: Sequence[str],
    tell: Callable[[int, int], None],
) -> tuple[list[BenignRun], list[Attack], int]:
    async with AsyncAuthorizationClient(address, subject=AGENT, timeout=CALL_SECONDS) as client:
        world = World(client, catalogue)
        real = [
            partial(benign, world, suite, task) for suite in suites for task in suite.user_tasks
        ]
        tried = [
            partial(attack, name, partial(Case, world, suite, task, injection))
            for name in attackers
            for suite in suites
            for task in suite.user_tasks
            if task.carrier is not None
            for injection in suite.injection_tasks
        ]
        total = len(real) + len(tried)
        runs, again = await run_all(real, "person", lambda done: tell(done, total))
        attacks, more = await run_all(tried, "victim", lambda done: tell(len(real) + done, total))
        return runs, attacks, again + more


async def run_all(
    jobs: Sequence[Callable[[str], Awaitable[R]]], people: str, tell: Callable[[int], None]
) -> tuple[list[R], int]:
    """Do all jobs, a few at a time; returns their results in order and how many were done again.

    Every run has a person of its own, so that none pays for what another did. A run with a fault
    in it is made again from the start. The first job that raises ends it all.
    """
    free = asyncio.Semaphore(INFLIGHT)
    done = repeated = 0

    async def one(number: int, job: Callable[[str], Awaitable[R]]) -> R:
        nonlocal done, repeated
        async with free:
            result = await job(f"{people}-{number}@example.test")
            for again in range(1, TRIES):
                if not result.faults:
                    break
                repeated += 1
                result = await job(f"{people}-{number}-{again}@example.test")
        done += 1
        tell(done)
        return result

    try:
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(one(number, job)) for number, job in enumerate(jobs)]
    except* BenchFailed as faults:
        raise BenchFailed(str(faults.exceptions[0])) from faults
    return [task.result() for task in waiting], repeated


@contextmanager
def _running_service(scratch: Path, suites: Sequence[Suite]) -> Iterator[tuple[str, Catalogue]]:
    """Run `pdp serve --dev` with the imported, unedited catalogues of the suites."""
    files = [_import(scratch / f"suite-{at}", one.name, one.tools) for at, one in enumerate(suites)]
    files.append(_directory(scratch))
    socket = scratch / "pdp.sock"
    log = scratch / "service.log"
    command: list[str | Path] = [
        *(sys.executable, "-m", "pdp", "serve", "--dev", "--data", scratch / "data"),
        *("--listen", f"unix:{socket}"),
    ]
    for file in files:
        command += ["--catalogue", file]
    with running(command, log) as child:
        line = wait_for_line(child, log, "ready ")
        yield line.split()[1], load_catalogue(files)


def _import(base: Path, server: str, tools: Sequence[Mapping[str, Any]]) -> Path:
    listing, out = base.with_suffix(".json"), base.with_suffix(".yaml")
    listing.write_text(json.dumps({"tools": list(tools)}))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pdp", "catalogue", "import", str(listing)),
            *("--server", server, "-o", str(out)),
        ],
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=IMPORT_SECONDS,
        check=False,
    )
    if done.returncode:
        raise BenchFailed(f"the tools of {server} could not be imported:\n{done.stderr.strip()}")
    return out


def _directory(scratch: Path) -> Path:
    """The catalogue of the bench's own directory: what it returns is declared trusted."""
    file = _import(scratch / "directory", DIRECTORY, [DIRECTORY_TOOL])
    file.write_text(dump_catalogue([_trusted(tool) for tool in load_catalogue([file])]))
    return file


def _trusted(tool: Tool) -> Tool:
    # Decided by hand, so no guess any more.
    guessed = {name: why for name, why in tool.inferred.items() if name != "output"}
    return replace(tool, output_label=OutputLabel.TRUSTED, inferred=guessed)


def _teller(bar: Progress) -> Callable[[int, int], None]:
    shown = bar.add_task("replaying", total=None)
    return lambda done, total: bar.update(shown, completed=done, total=total)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="recorded tasks, as JSON")
    parser.add_argument("--suite", action="append", metavar="NAME", help="only this; repeatable")
    parser.add_argument(
        "--attackers",
        type=_names,
        default=tuple(ATTACKERS),
        metavar="NAMES",
        help=f"comma-separated, or none; default: {','.join(ATTACKERS)}",
    )
    parser.add_argument("--limit", type=_positive, metavar="N", help="user tasks of each suite")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args(given)


def _names(text: str) -> tuple[str, ...]:
    if text == "none":
        return ()
    names = tuple(dict.fromkeys(text.split(",")))
    unknown = [name for name in names if name not in ATTACKERS]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no attacker {', '.join(unknown)}; there are {', '.join(ATTACKERS)}"
        )
    return names


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
