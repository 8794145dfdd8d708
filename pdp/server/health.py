"""The standard health service (grpc.health.v1), with watches that end when the server drains.

grpcio-health-checking's own servicer keeps a watch open until the client leaves, so that one
watching load balancer would hold up every drain for its whole grace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]

from pdp.domain.answer import Refusal, RefusalKind
from pdp.domain.error_reason import ErrorReason
from pdp.server.errors import abort
from pdp.server.streams import Context, Places, Streams

NAME: Final = "grpc.health.v1.Health"
# Longer than any service name; a watch keeps what it was asked for.
_NAME_CHARS: Final = 256

_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN: Final = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN

_MALFORMED: Final = Refusal(
    RefusalKind.INVALID_ARGUMENT,
    f"send a grpc.health.v1.HealthCheckRequest, its service at most {_NAME_CHARS} characters",
    "service",
    reason=ErrorReason.MESSAGE_MALFORMED,
)
_TOO_MANY: Final = Refusal(
    RefusalKind.RESOURCE_EXHAUSTED,
    "too many watch the health of this server; use Check",
    reason=ErrorReason.TOO_MANY_WATCHES,
)
_NO_SUCH: Final = Refusal(
    RefusalKind.NOT_FOUND,
    "there is no service of this name",
    "service",
    reason=ErrorReason.SERVICE_NOT_FOUND,
)


class Health:
    """The status of the named services and of the server as a whole (the empty name).

    Not serving at first. To be used on the server's event loop only.
    """

    def __init__(self, services: Iterable[str], streams: Streams, watches: int) -> None:
        """Messages come in by `streams`; at most so many `watches` are open at once."""
        self._streams = streams
        self._watches = Places(watches)
        self._services = frozenset({"", *services})
        self._serving = False
        self._ended = False
        self._changed = asyncio.Event()

    def set_serving(self, serving: bool) -> None:
        """Tell everyone who asks or watches; without effect once it has ended."""
        if not self._ended and serving != self._serving:
            self._serving = serving
            self._wake()

    def end(self) -> None:
        """NOT_SERVING from now on; every watch is told so and ends."""
        self._serving = False
        self._ended = True
        self._wake()

    def handler(self) -> grpc.GenericRpcHandler:
        """The service, to add to a server."""
        return grpc.method_handlers_generic_handler(
            NAME,
            {
                "Check": grpc.stream_unary_rpc_method_handler(self._check, None, _serialized),
                "List": grpc.stream_unary_rpc_method_handler(self._list, None, _serialized),
                "Watch": grpc.stream_stream_rpc_method_handler(self._watch, None, _serialized),
            },
        )

    async def _check(self, _messages: object, context: Context) -> Any:
        service = await self._asked(context)
        if service not in self._services:
            return await abort(context, _NO_SUCH)
        return health_pb2.HealthCheckResponse(status=self._status(service))

    async def _list(self, _messages: object, _context: Context) -> Any:
        response = health_pb2.HealthListResponse()
        for service in self._services:
            response.statuses[service].status = self._status(service)
        return response

    async def _watch(self, _messages: object, context: Context) -> None:
        service = await self._asked(context)
        with self._watches.place() as taken:
            if not taken:
                await abort(context, _TOO_MANY)
            await self._tell(service, context)

    async def _asked(self, context: Context) -> str:
        """The service that the message names; where it names none, the call ends here."""
        service = _parsed_check(await self._streams.message(context))
        return await abort(context, _MALFORMED) if service is None else service

    async def _tell(self, service: str, context: Context) -> None:
        told = None
        while True:
            changed = self._changed
            status = self._status(service)
            if status != told:
                await context.write(health_pb2.HealthCheckResponse(status=status))
                told = status
                continue  # It may have changed while that was written.
            if self._ended:
                return
            await changed.wait()

    def _status(self, service: str) -> Any:
        if service not in self._services:
            return _UNKNOWN
        return _SERVING if self._serving else _NOT_SERVING

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _parsed_check(raw: bytes | None) -> str | None:
    """The service asked for, or None where the message is missing or malformed."""
    try:
        service: str = health_pb2.HealthCheckRequest.FromString(raw).service
    except Exception:
        return None
    return service if len(service) <= _NAME_CHARS else None


def _serialized(message: Any) -> bytes:
    raw: bytes = message.SerializeToString()
    return raw
