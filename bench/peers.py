"""The rows of the comparison: the service in four ways, and its peers. A missing peer is named."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from bench import calls, envoy, opa_server
from bench.cache import Skipped
from bench.calls import TASKS, lanes
from bench.cerbos import server as cerbos
from bench.cerbos.install import VERSION as CERBOS_VERSION
from bench.cerbos.install import find_cerbos
from bench.client import Recorded, Target
from bench.processes import BenchFailed, running, sockets, wait_for_socket
from bench.rounds import Row
from bench.service import METHOD, Service, running_service
from pdp.v1 import decision_pb2

SERVICE: Final = "service"
NOOP: Final = "noop"
CERBOS: Final = "cerbos"
CERBOS_AUDIT: Final = "cerbos-audit"


@dataclass(slots=True)
class Compared:
    """Everything that runs side by side. `skipped` says why a peer is not among the rows."""

    service: Service
    rows: list[Row] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    audited: int = 0


@contextmanager
def running_side_by_side(folder: Path, envoy_opa: Path | None) -> Iterator[Compared]:
    """Start the service and every peer that this machine can have, until the block ends."""
    with ExitStack() as held:
        service = held.enter_context(running_service(folder / "data"))
        compared = Compared(service)
        _add_service(compared)
        compared.rows.append(_noop_row(held.enter_context(_running_noop(folder))))
        inputs = opa_server.recorded_inputs(service.data)
        compared.rows.append(
            Row(
                "opa-server",
                "OPA's REST server, same policy",
                held.enter_context(opa_server.running_opa(folder / "opa")),
                lambda _run, count: opa_server.requests(inputs, count),
                opa_server.check,
            )
        )
        for audit in (False, True):
            _add_cerbos(compared, folder, held, audit=audit)
        for log_decisions in (False, True):
            title = "OPA's Envoy plugin" + (", decision log on" if log_decisions else "")
            key = "envoy-log" if log_decisions else "envoy"
            try:
                target = held.enter_context(
                    envoy.running_plugin(envoy_opa, folder / key, log_decisions=log_decisions)
                )
            except Skipped as why:
                compared.skipped[title] = str(why)
                continue
            compared.rows.append(
                Row(
                    key,
                    title,
                    target,
                    lambda _run, count: envoy.requests(inputs, count),
                    envoy.check,
                )
            )
        yield compared
    if compared.audited:
        # Written out when it has ended.
        cerbos.check_audit(cerbos.audit_file(folder / CERBOS_AUDIT), compared.audited)


def _add_service(compared: Compared) -> None:
    service = compared.service
    many, one = lanes("many"), lanes("one", principals=1)
    told = lanes("told")
    for each in (many, one, told):
        service.start_tasks(each)
    compared.rows += [
        Row(
            SERVICE,
            "the service",
            service.target,
            lambda run, count: calls.requests(run, many, count),
            service.check,
        ),
        Row(
            "service-one",
            "the service, one principal",
            service.target,
            lambda run, count: calls.requests(run, one, count),
            service.check,
        ),
        Row(
            "service-outcomes",
            "the service, outcomes reported",
            service.target,
            lambda run, count: calls.requests(run, told, count),
            lambda recorded: service.check(
                recorded, reported=max(0, len(recorded.answers) - TASKS)
            ),
            report=TASKS,
        ),
    ]


@contextmanager
def _running_noop(folder: Path) -> Iterator[Target]:
    log = folder / "noop.log"
    with sockets() as short:
        socket = short / "noop.sock"
        with running([sys.executable, "-m", "bench.noop", socket], log) as child:
            wait_for_socket(child, log, socket)
            yield Target("grpc", f"unix:{socket}", METHOD, child.pid)


def _noop_row(target: Target) -> Row:
    over = lanes("many")
    return Row(
        NOOP,
        "a no-op on the same transport",
        target,
        lambda run, count: calls.requests(run, over, count),
        _check_noop,
    )


def _check_noop(recorded: Recorded) -> None:
    for one in recorded.answers:
        response = decision_pb2.AuthorizeResponse.FromString(one.body)
        if response.decision != decision_pb2.DECISION_ALLOW:
            raise BenchFailed("the no-op answered something else than allow")


def _add_cerbos(compared: Compared, folder: Path, held: ExitStack, *, audit: bool) -> None:
    key = CERBOS_AUDIT if audit else CERBOS
    title = f"Cerbos {CERBOS_VERSION}, audit file {'on' if audit else 'off'}"
    try:
        binary = find_cerbos()
    except Skipped as why:
        compared.skipped[title] = str(why)
        return
    target = held.enter_context(cerbos.running_cerbos(binary, folder / key, audit=audit))
    over = lanes("many")

    def check(recorded: Recorded) -> None:
        cerbos.check(recorded)
        if audit:
            compared.audited += len(recorded.answers)

    compared.rows.append(Row(key, title, target, partial(_cerbos_requests, over), check))


def _cerbos_requests(over: list[calls.Lane], run: str, count: int) -> list[bytes]:
    return cerbos.requests(run, over, count)
