"""Runs Cerbos on a Unix socket, writes its requests, and checks its answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench import wire
from bench.cache import ROOT
from bench.calls import BUDGET, GOAL, SERVER, TOOLS, Lane, arguments, is_effect
from bench.client import Recorded, Target
from bench.processes import BenchFailed, running, sockets, wait_for_socket

METHOD: Final = "/cerbos.svc.v1.CerbosService/CheckResources"
POLICY: Final = ROOT / "cerbos" / "tool_call.yaml"
_ALLOW: Final = 1  # cerbos.effect.v1.Effect


@contextmanager
def running_cerbos(binary: Path, folder: Path, *, audit: bool) -> Iterator[Target]:
    """Cerbos until the block ends, with or without its audit file (`audit.log` in the folder)."""
    folder.mkdir(parents=True)
    policies = folder / "policies"
    policies.mkdir()
    (policies / POLICY.name).write_bytes(POLICY.read_bytes())
    config = folder / "config.yaml"
    log = folder / "cerbos.log"
    command: list[str | Path] = [binary, "server", f"--config={config}", "--log-level=warn"]
    with sockets() as short:
        config.write_text(_config(folder, policies, short, audit=audit))
        with running(command, log, {"CERBOS_NO_TELEMETRY": "1"}) as child:
            wait_for_socket(child, log, short / "grpc.sock")
            yield Target("grpc", f"unix:{short / 'grpc.sock'}", METHOD, child.pid)


def _config(folder: Path, policies: Path, short: Path, *, audit: bool) -> str:
    on = "true" if audit else "false"
    return f"""server:
  grpcListenAddr: "unix:{short / "grpc.sock"}"
  httpListenAddr: "unix:{short / "http.sock"}"
  metricsEnabled: false
storage:
  driver: disk
  disk: {{directory: "{policies}", watchForChanges: false}}
telemetry: {{disabled: true}}
audit:
  enabled: {on}
  accessLogsEnabled: false
  decisionLogsEnabled: {on}
  backend: file
  file: {{path: "{audit_file(folder)}"}}
"""


def audit_file(folder: Path) -> Path:
    """Where Cerbos writes its decisions."""
    return folder / "audit.log"


def requests(run: str, over: list[Lane], count: int) -> list[bytes]:
    """The same calls as `bench.calls.requests`, with what Cerbos has to be told about them."""
    expires = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    return [_request(run, over[n % len(over)], n, expires) for n in range(count)]


def _request(run: str, lane: Lane, number: int, expires: str) -> bytes:
    tool, given = arguments(number)
    effect = is_effect(number)
    attributes: dict[str, object] = {
        "task": {
            "id": lane.task_id,
            "state": "active",
            "phase": "execute",
            "registered": True,
            "goal": GOAL,
            "intent_tools": list(TOOLS),
            "intent_resources": [],
            "max_sensitivity": 3,
            "max_calls": BUDGET,
            "max_effects": BUDGET,
            "expires_at": expires,
        },
        "ledger": {"calls": number // 64 + 8, "effects": number // 256 + 2, "minute_calls": 8},
        "tool": {
            "known": True,
            "ambiguous": False,
            "server": SERVER,
            "name": tool,
            "class": "send" if effect else "read",
            "egress": effect,
            "reversible": not effect,
            "moves_value": False,
            "ungrounded": [],
        },
        "findings": {
            "arguments_valid": True,
            "definition_changed": False,
            "resource_contradicts": False,
        },
        "arguments": given,
        "sensitivity": 2,
    }
    principal = (
        wire.field(1, lane.agent)
        + wire.field(3, ["agent"])
        + wire.entries(4, {"on_behalf_of": lane.person})
    )
    resource = (
        wire.field(1, "tool_call")
        + wire.field(3, "email:bob@example.com" if effect else f"tool:{SERVER}/{tool}")
        + wire.entries(4, attributes)
    )
    entry = wire.field(1, ["call"]) + wire.field(2, resource)
    return wire.field(1, f"{run}-{number}") + wire.field(3, principal) + wire.field(4, entry)


def check(recorded: Recorded) -> None:
    """Hold every answer against what it must be.

    Raises:
        BenchFailed: one does not allow.
    """
    for one in recorded.answers:
        effects = [
            wire.fields(action).get(2)
            for result in wire.messages(wire.fields(one.body), 2)
            for action in wire.messages(wire.fields(result), 2)
        ]
        if effects != [[_ALLOW]]:
            raise BenchFailed(f"Cerbos did not allow a call: {effects}")


def check_audit(file: Path, expected: int) -> None:
    """Hold the number of decisions in the audit file against that of the calls.

    Raises:
        BenchFailed: they differ.
    """
    with file.open("rb") as lines:
        found = sum(1 for line in lines if b'"decision"' in line)
    if found != expected:
        raise BenchFailed(f"Cerbos wrote {found} decisions for {expected} calls")
