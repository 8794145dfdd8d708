"""`pdp audit`: checks the whole log offline, and gives out what it can be checked against later."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pdp.cli.main import FAILED, UsageError
from pdp.cli.task import DataOption, JsonOption
from pdp.cli.terminal import console, plain
from pdp.domain.audit import Fault
from pdp.domain.checkpoint import NOTE_CHARS, CheckpointError
from pdp.ports import StoreError
from pdp.store.keys import read_public_key
from pdp.store.reader import open_reader
from pdp.store.verify import Verified, verify_store

if TYPE_CHECKING:
    from rich.progress import Progress

audit_app = typer.Typer(no_args_is_help=True, help="Check the log, or take a checkpoint of it.")

# A shorter wait needs no bar.
_PROGRESS_AFTER_S: Final = 2.0


@audit_app.command("verify")
def verify(
    data: DataOption = Path("pdp-data"),
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="CHECKPOINT",
            help="A checkpoint of this log that `pdp audit checkpoint` gave, kept elsewhere. "
            "Without one, a log whose end was cut off cleanly looks whole.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check every leaf, the tree, each task's chain, the checkpoints, and what is kept beside them.

    Exits 0 where all is in order, 1 at the first fault, 2 where the check cannot be made. It may
    run beside the service.
    """
    try:
        given = _read_checkpoint(against) if against is not None else None
        with open_reader(data) as reader, _progress() as progress:
            found = verify_store(reader, read_public_key(data), against=given, progress=progress)
    except Fault as fault:
        _print_fault(fault, as_json)
        raise typer.Exit(FAILED) from None
    except StoreError as fault:
        raise UsageError(plain(str(fault))) from fault
    except CheckpointError as fault:
        raise UsageError(f"{against} is not a signed checkpoint: {plain(str(fault))}") from fault
    if as_json:
        print(json.dumps(_as_json(found), indent=2))
    else:
        _print_verified(found)


@audit_app.command("checkpoint")
def checkpoint(data: DataOption = Path("pdp-data")) -> None:
    """Print the log's newest signed checkpoint, to be kept elsewhere.

    `pdp audit verify --against` takes it. The service signs one within ten seconds of a change, and
    when it stops. It may run beside the service.
    """
    try:
        with open_reader(data) as reader:
            found = reader.newest_checkpoint()
    except StoreError as fault:
        raise UsageError(plain(str(fault))) from fault
    if found is None:
        raise UsageError(
            f"{data} has no checkpoint yet: the service signs one within ten seconds of the first "
            "decision, and when it stops"
        )
    print(found, end="")


def _read_checkpoint(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read(NOTE_CHARS + 1)
    except OSError as fault:
        raise UsageError(f"{path}: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise UsageError(f"{path} is not a signed checkpoint: it is not UTF-8") from fault


def _print_verified(found: Verified) -> None:
    print(
        f"ok: {found.leaves} leaves, {found.checkpoints} checkpoints, {found.tasks} tasks,"
        f" {found.inputs} inputs ({found.inputs_erased} erased), {found.outcomes} outcomes"
    )
    print(f"log {plain(found.log_id)}, root {found.root.hex()}")
    if found.against is None:
        print(
            "truncation not checked: give a checkpoint that was kept outside this folder with"
            " --against"
        )
    else:
        print(f"consistent with the given checkpoint over {found.against} leaves")


def _as_json(found: Verified) -> dict[str, object]:
    return {
        "ok": True,
        "log_id": found.log_id,
        "leaves": found.leaves,
        "root": found.root.hex(),
        "checkpoints": found.checkpoints,
        "tasks": found.tasks,
        "inputs": found.inputs,
        "inputs_erased": found.inputs_erased,
        "outcomes": found.outcomes,
        "truncation": "not checked" if found.against is None else "checked",
        "against": found.against,
    }


def _print_fault(fault: Fault, as_json: bool) -> None:
    if as_json:
        what = {"leaf": fault.index, "what": fault.what, "meaning": fault.meaning}
        print(json.dumps({"ok": False, "fault": what}, indent=2))
        return
    print(f"FAULT {plain(str(fault))}")
    print(f"This may mean: {plain(fault.meaning)}.")
    print("Nothing after it was checked.")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Something to tell progress to: shown as a bar where a person waits for long."""
    if not sys.stderr.isatty():
        yield lambda _done, _all: None
        return
    began = time.monotonic()
    shown: list[Progress] = []

    def tell(done: int, total: int) -> None:
        if not shown and time.monotonic() - began > _PROGRESS_AFTER_S:
            from rich.progress import Progress

            bar = Progress(console=console(stderr=True), transient=True)
            bar.add_task("checking leaves", total=total)
            bar.start()
            shown.append(bar)
        for bar in shown:
            bar.update(bar.task_ids[0], completed=done)

    try:
        yield tell
    finally:
        for bar in shown:
            bar.stop()
