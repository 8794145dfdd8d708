"""Where time goes inside a process: wall and processor time by stage, each moment in one stage."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any


@dataclass(slots=True)
class _Thread:
    """What one thread has spent where, and what it is in the middle of."""

    stages: list[str] = field(default_factory=list)
    wall_ns: dict[str, int] = field(default_factory=dict)
    cpu_ns: dict[str, int] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    wall_mark: int = 0
    cpu_mark: int = 0

    def charge(self) -> None:
        """Charge the time since the last mark to the stage that the thread is in."""
        wall, cpu = time.perf_counter_ns(), time.thread_time_ns()
        if self.stages:
            stage = self.stages[-1]
            self.wall_ns[stage] = self.wall_ns.get(stage, 0) + wall - self.wall_mark
            self.cpu_ns[stage] = self.cpu_ns.get(stage, 0) + cpu - self.cpu_mark
        self.wall_mark, self.cpu_mark = wall, cpu


class Stopwatch:
    """Times functions of any thread; a stage inside another is not counted in that one."""

    def __init__(self) -> None:
        self._threads: dict[int, _Thread] = {}

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time charged to `stage`."""

        @wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            ident = threading.get_ident()
            mine = self._threads.get(ident)
            if mine is None:
                mine = self._threads[ident] = _Thread()
            mine.charge()
            mine.stages.append(stage)
            mine.calls[stage] = mine.calls.get(stage, 0) + 1
            try:
                return function(*args, **kwargs)
            finally:
                mine.charge()
                mine.stages.pop()

        return run

    def snapshot(self) -> dict[str, dict[str, int]]:
        """By stage: `calls`, `wall_ns` and `cpu_ns` of all threads so far."""
        total: dict[str, dict[str, int]] = {}
        for mine in list(self._threads.values()):
            for stage in list(mine.calls):
                sums = total.setdefault(stage, {"calls": 0, "wall_ns": 0, "cpu_ns": 0})
                sums["calls"] += mine.calls[stage]
                sums["wall_ns"] += mine.wall_ns.get(stage, 0)
                sums["cpu_ns"] += mine.cpu_ns.get(stage, 0)
        return total
