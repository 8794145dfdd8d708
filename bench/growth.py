"""What a call costs as tasks, log and ledger grow."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from bench import calls
from bench.cache import PROJECT, ROOT, cache_folder
from bench.calls import Lane, lanes
from bench.client import run_load
from bench.large_store import History, fill_store
from bench.opa_server import documents_by_tool
from bench.rounds import Measured, Plan, Row, measure
from bench.service import Service, running_service
from bench.stats import Sample, sample

#: Leaves of a task in the large stores: its start and nine calls.
CALLS_OF_A_TASK: Final = 9
SIZES: Final = (10_000, 100_000, 1_000_000)
QUICK_SIZES: Final = (10_000,)
#: Earlier calls of the tasks whose ledgers are compared, and how many tasks have so many. There are
#: enough with short ledgers that the calls of a run do not make them long.
LEDGERS: Final = {8: 512, 100: 64, 1000: 64}
QUICK_LEDGERS: Final = {8: 256, 100: 64}


def _format() -> str:
    """Changes with whatever decides what a filled store looks like."""
    written_by = (
        *("pdp/store/schema.py", "pdp/store/rows.py"),
        *("pdp/domain/leaves.py", "pdp/domain/document.py"),
    )
    files = [ROOT / "large_store.py", ROOT / "calls.py", *(PROJECT / one for one in written_by)]
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


#: As this process writes stores: read now, and not when a file may have changed since.
_FORMAT: Final = _format()
#: All tasks are called once; this only bounds it.
FIRST_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Growth:
    """Rows by size: `stores` by leaves at the start (0: empty), `ledgers` by earlier calls.

    `first` is the first call of each task after the service has started, when it has to be read
    what the task has met; by earlier calls.
    """

    stores: Mapping[int, Measured]
    ledgers: Mapping[int, Measured]
    first: Mapping[int, Sample]


def measure_growth(
    client: Path, folder: Path, plan: Plan, *, quick: bool, tell: Callable[[str], None]
) -> Growth:
    """The same load over stores of different sizes, and over ledgers of different lengths."""
    folder.mkdir()
    stores = _measure_stores(client, folder, plan, QUICK_SIZES if quick else SIZES, tell)
    lengths = QUICK_LEDGERS if quick else LEDGERS
    ledgers, first = _measure_ledgers(client, folder, plan, lengths, tell)
    return Growth(stores, ledgers, first)


def _measure_stores(
    client: Path, folder: Path, plan: Plan, sizes: tuple[int, ...], tell: Callable[[str], None]
) -> dict[int, Measured]:
    with ExitStack() as held:
        rows = {}
        for size in (0, *sizes):
            data = folder / f"store-{size}"
            if size:
                count = size // (1 + CALLS_OF_A_TASK)
                filled = History(lanes("filled", count=count, principals=count), CALLS_OF_A_TASK)
                _copy(_kept(f"tasks-{size}", [filled], tell), data, tell)
            service = held.enter_context(running_service(data, f"store-{size}"))
            over = lanes("grown")
            service.start_tasks(over)
            name = f"{size:,} leaves, {size // (1 + CALLS_OF_A_TASK):,} tasks before"
            rows[size] = _row(f"store-{size}", name, service, over)
        measured = measure(client, list(rows.values()), plan, tell)
    for size in (0, *sizes):
        shutil.rmtree(folder / f"store-{size}")
    return {size: measured[row.key] for size, row in rows.items()}


def _measure_ledgers(
    client: Path, folder: Path, plan: Plan, ledgers: Mapping[int, int], tell: Callable[[str], None]
) -> tuple[dict[int, Measured], dict[int, Sample]]:
    histories = [
        History(lanes(f"ledger-{length}", count=count, principals=count), length)
        for length, count in ledgers.items()
    ]
    data = folder / "ledgers"
    _copy(_kept("ledgers-" + "-".join(map(str, ledgers)), histories, tell), data, tell)
    with running_service(data, "ledgers") as service:
        service.leaves = sum(history.leaves for history in histories)
        rows = {
            length: _row(
                f"ledger-{length}", f"{length:,} earlier calls in the task", service, history.lanes
            )
            for length, history in zip(ledgers, histories, strict=True)
        }
        first = {length: _first_calls(client, row, ledgers[length]) for length, row in rows.items()}
        measured = measure(client, list(rows.values()), plan, tell)
    shutil.rmtree(data)
    return {length: measured[row.key] for length, row in rows.items()}, first


def _first_calls(client: Path, row: Row, tasks: int) -> Sample:
    """One call of each task, one after another."""
    requests = row.make(f"{row.key}-first", tasks)
    recorded = run_load(client, row.target, requests, inflight=1, warm=0, seconds=FIRST_SECONDS)
    row.check(recorded)
    return sample([one.took_us for one in recorded.timed], recorded.seconds)


def _row(key: str, title: str, service: Service, over: Sequence[Lane]) -> Row:
    return Row(
        key,
        title,
        service.target,
        lambda run, count: calls.requests(run, over, count),
        service.check,
    )


def _kept(name: str, histories: list[History], tell: Callable[[str], None]) -> Path:
    """A store with the histories from the cache, filled now if it is not there."""
    folder = cache_folder("stores") / f"{name}-{_FORMAT}"
    if not folder.is_dir():
        for old in folder.parent.glob(f"{name}-*"):
            shutil.rmtree(old)
        making = folder.with_name(f"making-{folder.name}-{time.time_ns()}")
        documents = _documents(making.with_name(f"{making.name}-like"))
        fill_store(making, histories, documents, tell)
        making.rename(folder)
    return folder


def _documents(folder: Path) -> dict[str, dict[str, Any]]:
    """An input document of each tool, as a service writes it today."""
    folder.mkdir()
    try:
        with running_service(folder / "data") as service:
            service.start_tasks(lanes("like", count=4, principals=4))
        return documents_by_tool(folder / "data")
    finally:
        shutil.rmtree(folder)


def _copy(source: Path, target: Path, tell: Callable[[str], None]) -> None:
    tell(f"copying a store to {target.name}")
    shutil.copytree(source, target)
