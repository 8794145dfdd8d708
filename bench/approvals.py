"""What people's answers cost: their look-up with each call, the console's queue, and watching."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.answered import measure_answered
from bench.console_queue import measure_queue
from bench.people import SETTINGS
from bench.rounds import Measured, Plan
from bench.service import running_service, verify_log
from bench.stats import Sample
from bench.watching import Watched, measure_watching

PAGES: Final = 100
QUICK_PAGES: Final = 20


@dataclass(frozen=True, slots=True)
class Approvals:
    """`answered` are the rows of `bench.answered`, `queue` the console's pages by name."""

    answered: Mapping[str, Measured]
    queue: Mapping[str, Sample]
    watched: Watched


def measure_approvals(
    client: Path, folder: Path, plan: Plan, *, quick: bool, tell: Callable[[str], None]
) -> Approvals:
    """All three, and then the whole log.

    Raises:
        BenchFailed: something was answered that must not be.
    """
    folder.mkdir()
    data, bundle = folder / "data", _bundle(folder / "bundle")
    with running_service(data, "approvals", options=["--bundle", bundle]) as service:
        answered = measure_answered(client, service, plan, tell)
        watched = measure_watching(service, tell)
    tell("checking the whole log")
    verify_log(data, service.leaves)
    queue = measure_queue(folder / "queue", QUICK_PAGES if quick else PAGES, tell)
    return Approvals(answered, queue, watched)


def _bundle(folder: Path) -> Path:
    """The built-in rules with the settings of `bench.people`."""
    folder.mkdir()
    (folder / ".manifest").write_text('{"roots": ["bench"], "rego_version": 1}')
    (folder / "settings.yaml").write_text(SETTINGS)
    return folder
