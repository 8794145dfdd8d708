"""The grpc.aio server: listeners, limits of the transport, health, reflection, drain."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

import grpc

from pdp.identity.address import Address, TcpAddress, UnixAddress
from pdp.identity.port import Identify
from pdp.server.approvals import NO_APPROVALS, ApprovalService
from pdp.server.approvals import READS as APPROVAL_READS
from pdp.server.authorization import MESSAGE_BYTES, authorization_rpcs
from pdp.server.health import NAME as HEALTH
from pdp.server.health import Health
from pdp.server.ports import Submitter, TaskReader
from pdp.server.reflection import reflection_handler
from pdp.server.rpc import Overload, Rpc, never, service
from pdp.server.streams import STREAMS, Streams
from pdp.server.tasks import task_rpcs
from pdp.server.unix_socket import Claim, claim, owner_only
from pdp.v1 import approval_pb2, decision_pb2, task_pb2

_AUTHORIZATION: Final = decision_pb2.DESCRIPTOR.services_by_name["AuthorizationService"]
_TASK: Final = task_pb2.DESCRIPTOR.services_by_name["TaskService"]
_APPROVAL: Final = approval_pb2.DESCRIPTOR.services_by_name["ApprovalService"]
# They read what is there: a full queue of calls to decide is no reason to refuse them.
TASK_READS: Final = frozenset({"GetTask", "ListTasks"})

# A gateway has 32 to 128 calls under way over its connection; those beyond wait at the client,
# where they cost this server nothing. One connection may not have much more than its share.
CONNECTION_STREAMS: Final = 128
# Each takes a file descriptor, and about 20 KiB while it is idle.
CONNECTIONS: Final = 4096
# Streams that stay open by design (not calls, and not health watches, which nothing is lost with)
# end by themselves within this time, with a status that says to come back: below the grace that an
# aged connection gives them, so that none is ever cut.
OPEN_STREAM_SECONDS: Final = 300.0
# For people with a command line, a handful at once.
REFLECTIONS: Final = 64

OPTIONS: Final = (
    # Two servers must not share a port by accident: each would hold half of the callers.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    # Room for a certificate chain's worth of tokens; more is a flood.
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 16 * 1024),
    ("grpc.max_concurrent_streams", CONNECTION_STREAMS),
    # Else a stream counts until Python has freed it, and a client that fills its share exactly has
    # calls refused (REFUSED_STREAM, UNAVAILABLE to it) that it could not know to be too many. What
    # has been reset and not yet been freed is bounded by Streams.
    ("grpc.http.overload_protection", 0),
    # What a burst opens before Python gets to it waits for it, to be answered or refused with a
    # status; beyond this the transport ends streams without any (CANCELLED).
    ("grpc.server.max_pending_requests", STREAMS),
    ("grpc.server.max_pending_requests_hard_limit", 2 * STREAMS),
    ("grpc.max_allowed_incoming_connections", CONNECTIONS),
    # Whoever connects and says nothing keeps a file descriptor.
    ("grpc.server_handshake_timeout_ms", 10_000),
    # Peers that vanished are noticed, their calls cancelled.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Pings more often than this are a flood: after two strikes the connection ends.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),
    # Long-lived connections spread over nodes again, and verify their peers again. What a peer
    # holds without reading it is given back by then, too.
    ("grpc.max_connection_age_ms", 1_800_000),
    ("grpc.max_connection_age_grace_ms", int(OPEN_STREAM_SECONDS * 1000) + 60_000),
    ("grpc.max_connection_idle_ms", 1_800_000),
)


class CannotListen(OSError):
    """An address could not be bound; the message says which and why."""


@dataclass(frozen=True, slots=True)
class GrpcServer:
    """A running server. To be used on the event loop it was started on.

    `addresses` are those it listens on, with ports as chosen.
    """

    addresses: tuple[Address, ...]
    _server: grpc.aio.Server
    _health: Health
    _claims: tuple[Claim, ...]
    _approvals: ApprovalService

    def set_serving(self, serving: bool) -> None:
        """What the health service says of every service and of the whole; at first not serving."""
        self._health.set_serving(serving)

    async def drain(self, grace_s: float) -> None:
        """Stop accepting, let what is in flight finish for up to `grace_s` seconds, then stop."""
        self._health.end()
        self._approvals.end()
        try:
            await self._server.stop(grace_s)
        finally:
            for held in self._claims:
                held.release()


async def start_server(
    addresses: Sequence[Address],
    *,
    submitter: Submitter,
    tasks: TaskReader,
    identify: Identify,
    previews: Mapping[str, Rpc] = MappingProxyType({}),
    approvals: ApprovalService = NO_APPROVALS,
    console_url: str = "",
    overload: Overload = never,
) -> GrpcServer:
    """A server that listens on every one of `addresses`; call `set_serving` once it may be used.

    `previews` are the RPCs of AuthorizationService that decide nothing; without them,
    UNIMPLEMENTED. So are those of ApprovalService without `approvals`. `console_url`, without a
    slash at its end, is where people decide (empty: nowhere). What `overload` says, all others are
    refused with before their message is read.

    Raises:
        CannotListen: one of them is in use or cannot be bound; nothing listens then.
    """
    services = (_AUTHORIZATION, _TASK, _APPROVAL)
    names = [entry.full_name for entry in services]
    streams = Streams()
    health = Health(names, streams, CONNECTIONS)
    undecided = {*previews, *TASK_READS, *APPROVAL_READS}
    deciding = partial(_overload_of, overload, undecided)
    authorization = {**authorization_rpcs(submitter, console_url=console_url), **previews}
    task = task_rpcs(submitter, tasks, console_url=console_url)
    # Without grpcio's own limit of calls: it counts those whose message never comes, too, and
    # whoever holds so many keeps everybody else out. What waits is bounded behind this.
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers(
        (
            service(_AUTHORIZATION, authorization, identify, streams, deciding),
            service(_TASK, task, identify, streams, deciding),
            service(
                _APPROVAL,
                approvals.rpcs,
                identify,
                streams,
                deciding,
                streaming=approvals.streams,
                callers=approvals.callers,
            ),
            health.handler(),
            reflection_handler([*names, HEALTH], REFLECTIONS, OPEN_STREAM_SECONDS),
        )
    )
    claims: list[Claim] = []
    try:
        bound = tuple(_bind(server, address, claims) for address in addresses)
        await server.start()
    except BaseException:
        await server.stop(None)
        for held in claims:
            held.release()
        raise
    return GrpcServer(bound, server, health, tuple(claims), approvals)


def _overload_of(overload: Overload, undecided: Set[str], name: str) -> Overload:
    return never if name in undecided else overload


def _bind(server: grpc.aio.Server, address: Address, claims: list[Claim]) -> Address:
    try:
        if isinstance(address, UnixAddress):
            claims.append(claim(address.path))
            with owner_only():
                server.add_insecure_port(address.target)
            return address
        literal = TcpAddress(_first_ip(address), address.port)
        port = server.add_insecure_port(literal.target)
    except (OSError, RuntimeError) as fault:
        raise CannotListen(f"cannot listen on {address}: {_cause(fault)}") from fault
    return TcpAddress(literal.host, port)


def _first_ip(address: TcpAddress) -> str:
    # gRPC binds every address of a name and is content with one: a second server would then share
    # the name with the first. One IP literal is bound or is not.
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    found.sort(key=lambda entry: entry[0] is not socket.AF_INET)
    return str(found[0][4][0])


def _cause(fault: Exception) -> str:
    if isinstance(fault, RuntimeError):
        return "it is in use or may not be bound"
    return fault.strerror or str(fault) if isinstance(fault, OSError) else str(fault)
