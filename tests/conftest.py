"""What all tests share: the root folder, the shared cases, the rule on missing counterparts."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MISSING = "missing counterpart:"


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of recorded cases beside the repository; they are not part of it."""
    folder = ROOT.parent / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip(f"{MISSING} no folder shared/cases beside the repository")
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under PDP_CI, a test that skips because its counterpart is missing has failed."""
    report = yield
    fail_if_missing(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for a module that skips as a whole."""
    report = yield
    fail_if_missing(report)
    return report


def fail_if_missing(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn the report of a skip into a failure where the skip's reason begins with `MISSING`."""
    if not os.environ.get("PDP_CI") or not report.skipped:
        return
    where = report.longrepr
    reason = where[2] if isinstance(where, tuple) else str(where)
    if reason.removeprefix("Skipped: ").startswith(MISSING):
        report.outcome = "failed"
        report.longrepr = f"{reason}: under PDP_CI it has to be there"
