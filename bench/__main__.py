"""`python -m bench`: measures, prints tables, keeps JSON and plots."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from bench import machine
from bench.approvals import measure_approvals
from bench.breakdown import measure_breakdown
from bench.cache import CACHE, Skipped, cache_folder
from bench.client import build_client
from bench.engine import measure_engine_over
from bench.growth import measure_growth
from bench.peers import running_side_by_side
from bench.plots import write_plots
from bench.processes import BenchFailed
from bench.results import Results
from bench.rounds import Plan, measure
from bench.sampling import measure_profile
from bench.service import verify_log
from bench.tables import show
from pdp.ports import EngineError

PARTS: Final = ("peers", "engine", "breakdown", "profile", "growth", "approvals")


def main() -> int:
    """Measure what is asked for; 0 where it could be measured, whatever was found."""
    asked = _arguments()
    began = time.monotonic()
    errors = Console(stderr=True)

    def tell(text: str) -> None:
        errors.print(f"[{time.monotonic() - began:5.0f} s] {text}", markup=False, highlight=False)

    # Beside the stores in the cache: on the disk whose cost is to be measured, not in memory.
    work = Path(tempfile.mkdtemp(prefix="run-", dir=cache_folder("runs")))
    plan = _plan(asked)
    results = Results(
        machine.describe_machine(work),
        f"{plan.rounds} rounds, {plan.seconds:g} s for each load of a row",
    )
    failed = False
    try:
        _measure(asked, plan, work, results, tell)
    except (BenchFailed, EngineError) as fault:
        # What was measured before is as good as ever.
        errors.print(f"the bench failed: {fault}", markup=False)
        errors.print(f"what the servers said is in {work}", markup=False)
        failed = True
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    if not failed:
        shutil.rmtree(work)
    folder = asked.out
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(results.as_json(), indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(text + "\n")
    write_plots(results, asked.plots or folder)
    if asked.json:
        print(text)
    else:
        show(Console(width=None if sys.stdout.isatty() else 150), results)
    tell(f"results.json and plots are in {folder}")
    return 1 if failed else 0


def _plan(asked: argparse.Namespace) -> Plan:
    return Plan(
        rounds=asked.rounds or (2 if asked.quick else 5),
        seconds=asked.seconds or (0.5 if asked.quick else 1.5),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="fewer, smaller: about 90 seconds")
    parser.add_argument("--rounds", type=int, help="of each comparison")
    parser.add_argument("--seconds", type=float, help="of each load")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--out", type=Path, default=CACHE / "last", help="folder for the results")
    parser.add_argument("--plots", type=Path, help="folder for the plots, if another")
    parser.add_argument("--envoy-opa", type=Path, metavar="PATH", help="binary of opa-envoy-plugin")
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if (asked.rounds or 1) < 1 or (asked.seconds or 1.0) <= 0:
        parser.error("rounds and seconds must be positive")
    return asked


def _measure(
    asked: argparse.Namespace,
    plan: Plan,
    work: Path,
    results: Results,
    tell: Callable[[str], None],
) -> None:
    """Put into `results` what is asked for, part by part."""
    parts = set(asked.parts or PARTS)
    rounds, seconds = plan.rounds, plan.seconds
    tell("building the load client")
    client = build_client()
    if parts & {"peers", "engine"}:
        with running_side_by_side(work, asked.envoy_opa) as compared:
            results.skipped |= compared.skipped
            if "peers" in parts:
                results.compared = measure(client, compared.rows, plan, tell)
        tell("checking the whole log")
        verify_log(compared.service.data, compared.service.leaves)
        if "engine" in parts:
            results.engine = measure_engine_over(compared.service.data, rounds, seconds / 4, tell)
    if "breakdown" in parts:
        results.breakdown = measure_breakdown(client, work / "timed", 2 * seconds, tell)
    if "profile" in parts:
        try:
            results.profile = measure_profile(client, work / "profiled", 3 * seconds, tell)
        except Skipped as why:
            results.skipped["sampling profile"] = str(why)
    if "growth" in parts:
        shorter = Plan(max(2, rounds - 2), min(seconds, 1.0))
        results.growth = measure_growth(
            client, work / "growth", shorter, quick=asked.quick, tell=tell
        )
    if "approvals" in parts:
        results.approvals = measure_approvals(
            client, work / "approvals", plan, quick=asked.quick, tell=tell
        )


if __name__ == "__main__":
    sys.exit(main())
