"""A sampling profile of the running service, by py-spy, of the threads that hold the GIL."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import calls
from bench.cache import PROJECT, Skipped
from bench.calls import lanes
from bench.client import run_load
from bench.rounds import WARM
from bench.service import running_service

HERTZ: Final = 400
TOP: Final = 25


@dataclass(frozen=True, slots=True)
class Profile:
    """Shares (0 to 1) of the samples in which Python ran.

    `itself` is by the function that ran, `within` by every function on the stack below it, of this
    program only; both hold the largest.
    """

    inflight: int
    samples: int
    threads: Mapping[str, float]
    itself: Mapping[str, float]
    within: Mapping[str, float]


def find_py_spy() -> Path:
    """The py-spy of this environment, else of the PATH.

    Raises:
        Skipped: there is none.
    """
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.is_file() else shutil.which("py-spy")
    if found is None:
        raise Skipped("py-spy is not installed: `.venv/bin/python -m pip install py-spy`")
    return Path(found)


def measure_profile(
    client: Path, folder: Path, seconds: float, tell: Callable[[str], None]
) -> list[Profile]:
    """Profiles at one call at a time and at 32 in flight.

    Raises:
        Skipped: there is no py-spy, or it may not look into another process here.
    """
    py_spy = find_py_spy()
    folder.mkdir()
    with running_service(folder / "data", "profiled") as service:
        over = lanes("profiled")
        service.start_tasks(over)
        found = []
        for inflight in (1, 32):
            tell(f"a sampling profile, {inflight} in flight")
            raw = folder / f"profile-{inflight}"
            watcher = subprocess.Popen(
                [
                    *(py_spy, "record", "--pid", str(service.pid), "--format", "raw"),
                    *("--duration", str(max(1, round(seconds))), "--rate", str(HERTZ)),
                    *("--gil", "--threads", "--nonblocking", "--output", raw),
                ],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            try:
                recorded = run_load(
                    client,
                    service.target,
                    calls.requests(f"profiled-{inflight}", over, WARM + int(seconds * 9000)),
                    inflight=inflight,
                    warm=WARM,
                    seconds=seconds + 1,
                )
                _, said = watcher.communicate(timeout=60)
            finally:
                if watcher.poll() is None:
                    watcher.kill()
                    watcher.wait()
            service.check(recorded)
            if not raw.is_file():
                why = (said.strip().splitlines() or ["no reason given"])[-1]
                raise Skipped(f"py-spy could not look into the service: {why}")
            found.append(read_profile(raw.read_text(), inflight))
        return found


def read_profile(raw: str, inflight: int) -> Profile:
    """A profile of py-spy's raw format: a stack, outermost first, and a count on each line."""
    threads: Counter[str] = Counter()
    itself: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        if not count.isdecimal():
            continue  # A name with a line end in it, as of code that was made while running.
        number = int(count)
        thread, *frames = stack.split(";")
        names = [_function(frame) for frame in frames]
        threads[_thread(thread, names)] += number
        if names:
            itself[names[-1]] += number
        for name in set(names):
            if "(pdp/" in name:
                within[name] += number
    samples = sum(threads.values())
    return Profile(
        inflight,
        samples,
        _shares(threads.most_common(), samples),
        _shares(itself.most_common(TOP), samples),
        _shares(within.most_common(2 * TOP), samples),
    )


def _function(frame: str) -> str:
    """A frame without its line, and without where this project happens to lie."""
    name, _, _ = frame.rpartition(":")
    return (name + ")" if name else frame).replace(f"{PROJECT}/", "")


def _thread(named: str, frames: Sequence[str]) -> str:
    for mark, name in (("Pipeline._run", "decide"), ("_poll_wrapper", "gRPC's poller")):
        if any(mark in frame for frame in frames):
            return name
    if named.rpartition(": ")[2].strip(" \"'") == "MainThread" or any(
        "asyncio" in frame for frame in frames
    ):
        return "event loop"
    return "others"


def _shares(counted: Sequence[tuple[str, int]], samples: int) -> dict[str, float]:
    return {name: number / samples for name, number in counted} if samples else {}
