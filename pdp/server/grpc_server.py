"""The grpc.aio server: listeners, limits of the transport, health, reflection, drain."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import grpc
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]

from pdp.identity.address import Address, TcpAddress, UnixAddress
from pdp.identity.port import Identify
from pdp.server.authorization import MESSAGE_BYTES, authorization_rpcs
from pdp.server.health import NAME as HEALTH
from pdp.server.health import Health
from pdp.server.ports import Submitter, TaskReader
from pdp.server.rpc import Rpc, service
from pdp.server.tasks import task_rpcs
from pdp.server.unix_socket import Claim, claim, owner_only
from pdp.v1 import approval_pb2, decision_pb2, task_pb2

_AUTHORIZATION: Final = decision_pb2.DESCRIPTOR.services_by_name["AuthorizationService"]
_TASK: Final = task_pb2.DESCRIPTOR.services_by_name["TaskService"]
_APPROVAL: Final = approval_pb2.DESCRIPTOR.services_by_name["ApprovalService"]

# Each call in flight may hold a message; beyond this, RESOURCE_EXHAUSTED at once.
CONCURRENT_RPCS: Final = 1024

OPTIONS: Final = (
    # Two servers must not share a port by accident: each would hold half of the callers.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", MESSAGE_BYTES),
    # Room for a certificate chain's worth of tokens; more is a flood.
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.absolute_max_metadata_size", 16 * 1024),
    # One connection may not take every place that CONCURRENT_RPCS gives.
    ("grpc.max_concurrent_streams", 512),
    ("grpc.max_allowed_incoming_connections", 4096),
    # Whoever connects and says nothing keeps a file descriptor.
    ("grpc.server_handshake_timeout_ms", 10_000),
    # Peers that vanished are noticed, their calls cancelled.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    # Pings more often than this are a flood: after two strikes the connection ends.
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 2),
    # Long-lived connections spread over nodes again, and verify their peers again.
    ("grpc.max_connection_age_ms", 3_600_000),
    ("grpc.max_connection_age_grace_ms", 60_000),
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

    def set_serving(self, serving: bool) -> None:
        """What the health service says of every service and of the whole; at first not serving."""
        self._health.set_serving(serving)

    async def drain(self, grace_s: float) -> None:
        """Stop accepting, let what is in flight finish for up to `grace_s` seconds, then stop."""
        self._health.end()
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
) -> GrpcServer:
    """A server that listens on every one of `addresses`; call `set_serving` once it may be used.

    `previews` are the RPCs of AuthorizationService that decide nothing; without them,
    UNIMPLEMENTED.

    Raises:
        CannotListen: one of them is in use or cannot be bound; nothing listens then.
    """
    services = (_AUTHORIZATION, _TASK, _APPROVAL)
    names = [entry.full_name for entry in services]
    health = Health(names)
    server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=CONCURRENT_RPCS)
    server.add_generic_rpc_handlers(
        (
            service(_AUTHORIZATION, {**authorization_rpcs(submitter), **previews}, identify),
            service(_TASK, task_rpcs(submitter, tasks), identify),
            service(_APPROVAL, {}, identify),
            health.handler(),
        )
    )
    reflection.enable_server_reflection([*names, HEALTH, reflection.SERVICE_NAME], server)
    claims: list[Claim] = []
    try:
        bound = tuple(_bind(server, address, claims) for address in addresses)
        await server.start()
    except BaseException:
        await server.stop(None)
        for held in claims:
            held.release()
        raise
    return GrpcServer(bound, server, health, tuple(claims))


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
