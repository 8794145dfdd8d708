"""OPA's Envoy plugin as a peer, where its binary is given: ext_authz with the built-in rules.

The plugin decides about HTTP requests, so each call travels as the body of one: the input document
that the service recorded for it, under `parsed_body`. A line of Rego hands that to the same rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench import wire
from bench.cache import Skipped
from bench.client import Recorded, Target
from bench.opa_server import write_policy
from bench.processes import BenchFailed, running, sockets, wait_for_socket

METHOD: Final = "/envoy.service.auth.v3.Authorization/Check"

_ENTRY: Final = """package bench.envoy

allow if {
	decision := data.pdp.main.decision with input as input.parsed_body
	decision.decision == "allow"
}
"""


@contextmanager
def running_plugin(binary: Path | None, folder: Path, *, log_decisions: bool) -> Iterator[Target]:
    """The plugin until the block ends, with or without decisions on its console (a file here).

    Raises:
        Skipped: no binary is given, or it is not there.
    """
    if binary is None:
        raise Skipped("its binary is not given: --envoy-opa PATH")
    if not binary.is_file():
        raise Skipped(f"{binary} is not a file")
    bundle = folder / "bundle"
    bundle.mkdir(parents=True)
    write_policy(bundle)
    (bundle / "envoy.rego").write_text(_ENTRY)
    (bundle / ".manifest").write_text('{"revision": "bench", "roots": ["pdp", "bench"]}')
    log = folder / "plugin.log"
    with sockets() as short:
        socket = short / "grpc.sock"
        settings = [
            f"plugins.envoy_ext_authz_grpc.addr=unix://{socket}",
            "plugins.envoy_ext_authz_grpc.path=bench/envoy/allow",
        ]
        if log_decisions:
            settings.append("decision_logs.console=true")
        command: list[str | Path] = [
            *(binary, "run", "--server", "--bundle", bundle),
            *("--addr", f"unix://{short / 'http.sock'}", "--skip-version-check"),
            *("--log-level", "info" if log_decisions else "error"),
            *(word for setting in settings for word in ("--set", setting)),
        ]
        with running(command, log) as child:
            wait_for_socket(child, log, socket)
            yield Target("grpc", f"unix:{socket}", METHOD, child.pid)


def requests(inputs: Sequence[bytes], count: int) -> list[bytes]:
    """So many CheckRequests with the inputs in turn."""
    bodies = [_request(one) for one in inputs]
    return [bodies[number % len(bodies)] for number in range(count)]


def _request(document: bytes) -> bytes:
    http = (
        wire.field(2, "POST")
        + wire.texts(3, {"content-type": "application/json"})
        + wire.field(4, "/tools/call")
        + wire.field(5, "office.example.com")
        + wire.field(10, "HTTP/1.1")
        + wire.field(11, document)
    )
    return wire.field(1, wire.field(4, wire.field(2, http)))


def check(recorded: Recorded) -> None:
    """Hold every answer against what it must be.

    Raises:
        BenchFailed: one does not allow.
    """
    for one in recorded.answers:
        status = wire.messages(wire.fields(one.body), 1)
        # google.rpc.Status with code OK, which is not written.
        if len(status) != 1 or wire.fields(status[0]).get(1, [0]) != [0]:
            raise BenchFailed(f"the plugin did not allow a call: {one.body[:300]!r}")
