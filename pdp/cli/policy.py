"""`pdp policy`: Rego tests and traces, decided as the server decides; `bundle` is elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdp.cli.policy_bundle import write_policy_bundle
from pdp.cli.terminal import console, plain, print_table
from pdp.cli.verdicts import origins_json, print_origins, print_rules, rules_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdp.policy_test import PolicyReport
    from pdp.traces import TraceReport

policy_app = typer.Typer(no_args_is_help=True, help="Test policy, or write it for an OPA server.")
policy_app.command("bundle")(write_policy_bundle)


@policy_app.callback()
def _policy() -> None:
    """Test policy as the server decides it, or write it as a bundle for an OPA server."""


@policy_app.command("test")
def run_policy_tests(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]…",
            help="Bundles, folders or .tar.gz, tested together with the built-in one; or traces, "
            ".yaml files. [default: the built-in bundle itself]",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str, typer.Option(metavar="GLOB", help="Only tests whose name matches, or contains it.")
    ] = "*",
    as_json: Annotated[bool, typer.Option("--json", help="Write the results as JSON.")] = False,
) -> None:
    """Run the tests and traces of policy bundles with the server's engine, strictness and deadline.

    A rule `test_…` passes when it is true. Each rule must also deny an input without keys. A trace
    passes when every step is decided as it expects. Exits 1 when one fails, or when there is none.
    """
    from pdp.app import ENTRYPOINTS
    from pdp.engine.binary import find_opa
    from pdp.engine.limits import MEBIBYTE, OpaLimits
    from pdp.engine.managed import ManagedOpa
    from pdp.policy_test import (
        PolicyReport,
        find_traces,
        is_trace_file,
        load_for_tests,
        run_tests,
        run_traces,
    )
    from pdp.settings import load_settings

    settings = load_settings()
    given = paths or []
    bundles = [path for path in given if not is_trace_file(path)]
    tested = load_for_tests(bundles, entrypoints=ENTRYPOINTS)
    traces = find_traces(given)
    wanted = run if set(run) & set("*?[") else f"*{run}*"
    engine = ManagedOpa(
        find_opa(),
        limits=OpaLimits(
            evaluation_ms=settings.evaluation_deadline_ms,
            memory_bytes=settings.engine_memory_mib * MEBIBYTE,
        ),
    )
    try:
        report = PolicyReport(tests=(), untested=())
        # Whoever names nothing but traces wants them alone.
        if bundles or not given:
            report = run_tests(tested, engine, run=wanted)
        told = run_traces(traces, tested.bundle, engine, run=wanted)
    finally:
        engine.close()
    if as_json:
        _print_json(report, told, tested.bundle.revision)
    else:
        _print_tables(report, told)
    if not _passed(report, told):
        raise typer.Exit(1)


def _passed(report: PolicyReport, told: Sequence[TraceReport]) -> bool:
    """Whether there was something to run, and all of it holds."""
    tests = all(test.passed for test in report.tests)
    return bool(report.tests or told) and tests and all(trace.passed for trace in told)


def _print_json(report: PolicyReport, told: Sequence[TraceReport], revision: str) -> None:
    document = {
        "revision": revision,
        "passed": _passed(report, told),
        "tests": [
            {
                "name": test.name,
                "passed": test.passed,
                "problem": test.problem,
                "micros": test.micros,
            }
            for test in report.tests
        ],
        "untested": list(report.untested),
        "traces": [_trace_json(trace) for trace in told],
    }
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def _trace_json(report: TraceReport) -> dict[str, Any]:
    return {
        "file": report.trace.source,
        "about": report.trace.about,
        "passed": report.passed,
        "steps": [
            {
                "step": one.step.number,
                "what": one.step.what,
                "expected": str(one.step.expected),
                "got": one.got,
                "problem": one.problem,
                "rules": rules_json(one.rules),
                "provenance": origins_json(one.origins),
            }
            for one in report.steps
        ],
    }


def _print_tables(report: PolicyReport, told: Sequence[TraceReport]) -> None:
    out = console()
    failed = [test for test in report.tests if not test.passed]
    counts: dict[str, list[int]] = {}
    for test in report.tests:
        package = test.name.split(" ")[0].rpartition(".")[0]
        count = counts.setdefault(package, [0, 0])
        count[0 if test.passed else 1] += 1
    if counts:
        print_table(
            ("PACKAGE", "PASSED", "FAILED"),
            [(package, str(passed), str(lost)) for package, (passed, lost) in counts.items()],
        )
        out.print()
    if failed:
        print_table(("FAILED", "WHY"), [(test.name, test.problem) for test in failed])
        out.print()
    if told:
        _print_traces(told)
        out.print()
    for rule in report.untested:
        out.print(f"warning: rule {plain(rule)} has no test")
    if not report.tests and not told:
        out.print(
            "no test matches: write rules named test_… in files named *_test.rego, or traces in "
            "files named *_trace.yaml"
        )
        return
    lost = len(failed) + sum(not trace.passed for trace in told)
    out.print(f"{len(report.tests) + len(told) - lost} passed, {lost} failed")


def _print_traces(told: Sequence[TraceReport]) -> None:
    """A line for each trace; of every step that failed, all that says why."""
    print_table(
        ("TRACE", "STEPS", "FAILED", "ABOUT"),
        [
            (one.trace.source, str(len(one.steps)), str(len(one.failed)), one.trace.about)
            for one in told
        ],
    )
    for trace in told:
        for one in trace.failed:
            place = f"{trace.trace.source}, step {one.step.number}: {one.step.what}"
            print(f"\nFAILED    {plain(place)}")
            print(f"expected  {plain(str(one.step.expected))}")
            print(f"got       {plain(one.got)}")
            print(f"so        {plain(one.problem)}")
            if one.rules:
                print()
                print_rules(one.rules)
            if one.origins:
                print()
                print_origins(one.origins)
