"""A service of the demo's own: a child process on a Unix socket, which ends with the demo."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

#: Starting takes about a second; a slow disk and a cold machine are given their time.
START_SECONDS: Final = 30.0
#: A service that has nothing in flight stops at once.
STOP_SECONDS: Final = 15.0


class DemoFailed(Exception):
    """The demo cannot go on; the message says why and where to look."""


def pdp_command(*arguments: str) -> list[str]:
    """The command line of this very program."""
    return [sys.executable, "-m", "pdp", *arguments]


def plain_environment() -> dict[str, str]:
    """The environment without settings for a service: the demo shows its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PDP_")}


@contextmanager
def running_service(arguments: Sequence[str], log: Path) -> Iterator[str]:
    """Run `pdp serve` with `arguments`; the value is the address that it answers on.

    What it says on standard error goes to the file `log`.

    Raises:
        DemoFailed: it did not get ready.
    """
    with (
        log.open("wb") as said,
        subprocess.Popen(  # noqa: S603 - this program, with arguments of the demo
            pdp_command("serve", *arguments),
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env=plain_environment(),
        ) as child,
    ):
        try:
            yield _address(child, log)
        finally:
            _stop(child)


def _address(child: subprocess.Popen[str], log: Path) -> str:
    found: list[str] = []
    reader = threading.Thread(target=_read_ready, args=(child.stdout, found), daemon=True)
    reader.start()
    reader.join(START_SECONDS)
    if found:
        return found[0]
    why = f"was not ready within {START_SECONDS:.0f} s"
    if not reader.is_alive():
        # It has closed its output: it is ending, and the last it says comes on its log.
        why = "ended"
        _stop(child)
    last = log.read_text(errors="replace").strip().splitlines()[-3:]
    raise DemoFailed("\n".join([f"the service {why}; its log is {log}", *last]))


def _read_ready(stream: IO[str], found: list[str]) -> None:
    for line in stream:
        if line.startswith("ready "):
            found.append(line.removeprefix("ready ").rstrip("\n"))
            return


def _stop(child: subprocess.Popen[str]) -> None:
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(STOP_SECONDS)
