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
from pdp.server.errors import abort
from pdp.server.rpc import Context

NAME: Final = "grpc.health.v1.Health"
# Longer than any service name; a watch keeps what it was asked for.
_NAME_CHARS: Final = 256

_SERVING: Final = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING: Final = health_pb2.HealthCheckResponse.NOT_SERVING
_UNKNOWN: Final = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class Health:
    """The status of the named services and of the server as a whole (the empty name).

    Not serving at first. To be used on the server's event loop only.
    """

    def __init__(self, services: Iterable[str]) -> None:
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
        request = _parsed_check
        return grpc.method_handlers_generic_handler(
            NAME,
            {
                "Check": grpc.unary_unary_rpc_method_handler(self._check, request, _serialized),
                "List": grpc.unary_unary_rpc_method_handler(
                    self._list, response_serializer=_serialized
                ),
                "Watch": grpc.unary_stream_rpc_method_handler(self._watch, request, _serialized),
            },
        )

    async def _check(self, service: str | None, context: Context) -> Any:
        if service is None:
            return await _abort_malformed(context)
        if service not in self._services:
            text = "there is no service of this name"
            return await abort(context, Refusal(RefusalKind.NOT_FOUND, text, "service"))
        return health_pb2.HealthCheckResponse(status=self._status(service))

    async def _list(self, _request: bytes, _context: Context) -> Any:
        response = health_pb2.HealthListResponse()
        for service in self._services:
            response.statuses[service].status = self._status(service)
        return response

    async def _watch(self, service: str | None, context: Context) -> None:
        if service is None:
            await _abort_malformed(context)
            return
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


def _parsed_check(raw: bytes) -> str | None:
    """The service asked for, or None where the message is malformed."""
    try:
        service: str = health_pb2.HealthCheckRequest.FromString(raw).service
    except Exception:
        return None
    return service if len(service) <= _NAME_CHARS else None


async def _abort_malformed(context: Context) -> None:
    text = f"send a grpc.health.v1.HealthCheckRequest, its service at most {_NAME_CHARS} characters"
    await abort(context, Refusal(RefusalKind.INVALID_ARGUMENT, text, "service"))


def _serialized(message: Any) -> bytes:
    raw: bytes = message.SerializeToString()
    return raw
