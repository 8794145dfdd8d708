"""Child processes of the bench: started, waited for, and ended again whatever happens."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 20.0


class BenchFailed(Exception):
    """The bench cannot go on, or an answer was not what it must be."""


@contextmanager
def running(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; what it says goes to the file `log`."""
    with log.open("wb") as said:
        child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**plain_environment(), **(environment or {})},
        )
    try:
        yield child
    finally:
        stop(child)


@contextmanager
def sockets() -> Iterator[Path]:
    """A folder for sockets until the block ends: their paths may have no more than 107 bytes, and
    those of the bench's other files depend on where the project lies.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        yield Path(folder)


def stop(child: subprocess.Popen[bytes]) -> None:
    """Ask a child to end, and end it if it does not."""
    if child.poll() is None:
        child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait(STOP_SECONDS)


def plain_environment() -> dict[str, str]:
    """The environment without settings for the service, which the bench makes itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PDP_")}


def wait_for_line(child: subprocess.Popen[bytes], log: Path, start: str) -> str:
    """The first line of the log that begins with `start`.

    Raises:
        BenchFailed: it did not come in time.
    """
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        ended = child.poll() is not None
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith(start):
                return line
        if ended:
            break
        time.sleep(0.02)
    raise _not_ready(child, log)


def wait_for_socket(child: subprocess.Popen[bytes], log: Path, path: Path) -> None:
    """Wait until something accepts connections at a Unix socket.

    Raises:
        BenchFailed: nothing did in time.
    """
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and child.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except OSError:
                time.sleep(0.02)
            else:
                return
    raise _not_ready(child, log)


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and its children that run now have used; 0 off Linux."""
    return _cpu_seconds(pid) + children_cpu_seconds(pid)


def children_cpu_seconds(pid: int) -> float:
    """Processor time that the children of a process that run now have used; 0 off Linux."""
    return sum(
        _cpu_seconds(int(child))
        for children in Path(f"/proc/{pid}/task").glob("*/children")
        for child in children.read_text().split()
    )


def _cpu_seconds(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    # proc(5): utime and stime, the 14th and 15th field; the second may hold anything.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _not_ready(child: subprocess.Popen[bytes], log: Path) -> BenchFailed:
    said = log.read_text(errors="replace").strip().splitlines()[-8:]
    why = "did not get ready" if child.poll() is None else f"ended with {child.returncode}"
    return BenchFailed("\n".join([f"{Path(str(child.args[0])).name} {why}:", *said]))  # type: ignore[index]
