"""The service with a stopwatch on its steps: `python -m bench.timed_service serve …`.

The steps are timed from outside, by putting a stopwatch around the functions that take them, so the
service itself has no line for it. Whoever connects to the socket COUNTERS gets the sums so far, as
JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import socket
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any, Final

from bench.processes import children_cpu_seconds
from bench.stopwatch import Stopwatch

#: The environment variable with the path of the socket to answer on.
COUNTERS: Final = "BENCH_COUNTERS"

#: What is timed: module, name in it, stage. The name is looked up where it is called from.
STEPS: Final = (
    ("pdp.server.convert", "authorize", "decode"),
    ("pdp.server.convert", "call", "decode"),
    ("pdp.server.answers", "answer", "answer"),
    ("pdp.server.rpc", "_serialized", "answer"),
    ("pdp.pipeline", "decide", "decide, the rest"),
    ("pdp.decide", "admit", "admit"),
    ("pdp.decide", "require_batch", "resolve"),
    ("pdp.decide", "waves", "resolve"),
    ("pdp.decide", "resolve", "resolve"),
    ("pdp.decide", "document_of", "encode"),
    ("pdp.decide", "policy_decision", "engine: read the decision"),
    ("pdp.decide", "broken_invariants", "constrain"),
    ("pdp.decide", "settle", "settle"),
    ("pdp.engine.managed:ManagedOpa", "evaluate_many", "engine: frames and JSON"),
    ("pdp.engine.child", "receive", "engine: wait for OPA"),
    ("pdp.overlay:Overlay", "require", "resolve"),
    ("pdp.overlay:Overlay", "changes", "commit: write rows"),
    ("pdp.store.sqlite:SqliteStore", "load", "resolve: read the store"),
    ("pdp.store.sqlite:SqliteStore", "commit", "commit: make durable"),
    ("pdp.store.sqlite", "write_changes", "commit: write rows"),
    ("pdp.metrics:Metrics", "observe", "metrics"),
)


def install(stopwatch: Stopwatch) -> None:
    """Put the stopwatch around every step.

    Raises:
        AttributeError: a step is not where it was; STEPS has to follow the program.
    """
    for place, name, stage in STEPS:
        module, _, inside = place.partition(":")
        owner: Any = importlib.import_module(module)
        if inside:
            owner = getattr(owner, inside)
        setattr(owner, name, stopwatch.timed(stage, getattr(owner, name)))
    rpc: Any = importlib.import_module("pdp.server.rpc")
    message_class = rpc.GetMessageClass
    rpc.GetMessageClass = lambda kind: SimpleNamespace(
        FromString=stopwatch.timed("decode", message_class(kind).FromString)
    )


def answer_on(path: str, stopwatch: Stopwatch) -> None:
    """Answer every connection to a Unix socket with the sums so far, on a thread of its own."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()

    def run() -> None:
        while True:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(json.dumps(_sums(stopwatch)).encode())

    threading.Thread(target=run, name="counters", daemon=True).start()


def _sums(stopwatch: Stopwatch) -> dict[str, Any]:
    threads = {
        thread.name: time.clock_gettime_ns(time.pthread_getcpuclockid(thread.ident))
        for thread in threading.enumerate()
        if thread.ident is not None
    }
    return {
        "stages": stopwatch.snapshot(),
        "threads_cpu_ns": threads,
        "process_cpu_ns": time.process_time_ns(),
        "children_cpu_ns": round(children_cpu_seconds(os.getpid()) * 1e9),
    }


def main() -> None:
    """Run the service's command line with a stopwatch in it."""
    from pdp.cli.main import main as run

    stopwatch = Stopwatch()
    install(stopwatch)
    answer_on(os.environ[COUNTERS], stopwatch)
    sys.argv[0] = "pdp"
    run()


if __name__ == "__main__":
    main()
