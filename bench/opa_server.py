"""OPA's own REST server as a peer: the same policy, and inputs that the service has recorded."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from bench.client import Recorded, Target
from bench.processes import BenchFailed, running, sockets, wait_for_socket
from pdp.bundle import default_bundle_path, load_bundles
from pdp.decide import ENTRYPOINT
from pdp.engine.binary import find_opa
from pdp.store.reader import DATABASE

PATH: Final = f"/v1/data/{ENTRYPOINT}?strict-builtin-errors=true"
#: Fewer than this are sent again from the beginning; OPA remembers none of them.
INPUTS: Final = 4096


def recorded_inputs(data: Path, count: int = INPUTS) -> list[bytes]:
    """Up to so many input documents of tool calls that a service has recorded, newest first."""
    with closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as store:
        rows = store.execute(
            "SELECT body FROM input WHERE leaf_index IN (SELECT leaf_index FROM decision"
            " WHERE tool_class IN ('read', 'send')) ORDER BY leaf_index DESC LIMIT ?",
            (count,),
        ).fetchall()
    if not rows:
        raise BenchFailed("no input documents were recorded")
    return [row[0] for row in rows]


def documents_by_tool(data: Path) -> dict[str, dict[str, Any]]:
    """An input document of each tool that a service has recorded."""
    with closing(sqlite3.connect(f"file:{data / DATABASE}?mode=ro", uri=True)) as store:
        documents = [json.loads(body) for (body,) in store.execute("SELECT body FROM input")]
    return {document["tool"]["name"]: document for document in documents}


def write_policy(folder: Path) -> None:
    """The built-in bundle as the service loads it, for another OPA to load."""
    source = load_bundles([default_bundle_path()], entrypoints=(ENTRYPOINT,)).source
    for number, text in enumerate(source.modules.values()):
        (folder / f"{number}.rego").write_text(text)
    (folder / "data.json").write_text(json.dumps(source.data))
    (folder / ".manifest").write_text(json.dumps({"revision": "bench", "roots": ["pdp"]}))


@contextmanager
def running_opa(folder: Path) -> Iterator[Target]:
    """OPA's server on a Unix socket until the block ends, with its defaults and no decision log."""
    bundle = folder / "bundle"
    bundle.mkdir(parents=True)
    write_policy(bundle)
    log = folder / "opa.log"
    with sockets() as short:
        socket = short / "opa.sock"
        command: list[str | Path] = [
            *(find_opa(), "run", "--server", "--bundle", bundle, "--addr", f"unix://{socket}"),
            *("--log-level", "error", "--skip-version-check"),
        ]
        with running(command, log) as child:
            wait_for_socket(child, log, socket)
            yield Target("http", f"unix:{socket}", PATH, child.pid)


def requests(inputs: Sequence[bytes], count: int) -> list[bytes]:
    """So many requests with the inputs in turn."""
    bodies = [b'{"input":' + one + b"}" for one in inputs]
    return [bodies[number % len(bodies)] for number in range(count)]


def check(recorded: Recorded) -> None:
    """Hold every answer against what it must be.

    Raises:
        BenchFailed: one does not allow.
    """
    for one in recorded.answers:
        answer = json.loads(one.body)
        if answer.get("result", {}).get("decision") != "allow":
            raise BenchFailed(f"OPA did not allow a call: {one.body[:500]!r}")
