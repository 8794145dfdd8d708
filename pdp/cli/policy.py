"""`pdp policy`: Rego tests, decided as the server decides; bundles are in policy_bundle.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pdp.cli.policy_bundle import write_policy_bundle
from pdp.cli.terminal import console, plain, print_table

if TYPE_CHECKING:
    from pdp.policy_test import PolicyReport

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
            help="Bundles, folders or .tar.gz, tested together with the built-in one. "
            "[default: the built-in bundle itself]",
            show_default=False,
        ),
    ] = None,
    run: Annotated[
        str, typer.Option(metavar="GLOB", help="Only tests whose name matches, or contains it.")
    ] = "*",
    as_json: Annotated[bool, typer.Option("--json", help="Write the results as JSON.")] = False,
) -> None:
    """Run the tests of policy bundles with the server's engine, strictness and deadline.

    A rule `test_…` passes when it is true. Each rule must also deny an input without keys. Exits 1
    when a test fails, or when there is none.
    """
    from pdp.app import ENTRYPOINTS
    from pdp.engine.binary import find_opa
    from pdp.engine.limits import MEBIBYTE, OpaLimits
    from pdp.engine.managed import ManagedOpa
    from pdp.policy_test import load_for_tests, run_tests
    from pdp.settings import load_settings

    settings = load_settings()
    tested = load_for_tests(paths or [], entrypoints=ENTRYPOINTS)
    engine = ManagedOpa(
        find_opa(),
        limits=OpaLimits(
            evaluation_ms=settings.evaluation_deadline_ms,
            memory_bytes=settings.engine_memory_mib * MEBIBYTE,
        ),
    )
    try:
        report = run_tests(tested, engine, run=run if set(run) & set("*?[") else f"*{run}*")
    finally:
        engine.close()
    if as_json:
        _print_json(report, tested.bundle.revision)
    else:
        _print_tables(report)
    if not report.passed:
        raise typer.Exit(1)


def _print_json(report: PolicyReport, revision: str) -> None:
    document = {
        "revision": revision,
        "passed": report.passed,
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
    }
    json.dump(document, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def _print_tables(report: PolicyReport) -> None:
    failed = [test for test in report.tests if not test.passed]
    counts: dict[str, list[int]] = {}
    for test in report.tests:
        package = test.name.split(" ")[0].rpartition(".")[0]
        count = counts.setdefault(package, [0, 0])
        count[0 if test.passed else 1] += 1
    print_table(
        ("PACKAGE", "PASSED", "FAILED"),
        [(package, str(passed), str(lost)) for package, (passed, lost) in counts.items()],
    )
    if failed:
        console().print()
        print_table(("FAILED", "WHY"), [(test.name, test.problem) for test in failed])
    console().print()
    for rule in report.untested:
        console().print(f"warning: rule {plain(rule)} has no test")
    if not report.tests:
        console().print("no test matches: write rules named test_… in files named *_test.rego")
    else:
        console().print(f"{len(report.tests) - len(failed)} passed, {len(failed)} failed")
