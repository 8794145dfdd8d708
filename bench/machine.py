"""What the figures were measured on, as far as it changes them."""

from __future__ import annotations

import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

_SYNCS: Final = 100


def describe_machine(folder: Path) -> dict[str, str]:
    """Processor, system, versions, and what it costs to make 4 KiB durable in `folder`."""
    return {
        "processor": f"{_processor()}, {os.cpu_count()} of them",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "grpcio": version("grpcio"),
        "durable 4 KiB": f"{sync_us(folder):.0f} µs (median of {_SYNCS} fdatasync)",
        "load before": f"{os.getloadavg()[0]:.2f} runnable on average in the last minute",
    }


def sync_us(folder: Path) -> float:
    """The median microseconds of appending 4 KiB to a file and making that durable."""
    path = folder / "sync"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    took = []
    try:
        for _ in range(_SYNCS):
            began = time.perf_counter_ns()
            os.write(descriptor, bytes(4096))
            os.fdatasync(descriptor)
            took.append((time.perf_counter_ns() - began) / 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    return median(took)


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
