"""Server reflection (grpc.reflection.v1alpha), with a limit on its streams and on their age."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2  # type: ignore[import-untyped]

from pdp.domain.answer import Refusal, RefusalKind
from pdp.domain.error_reason import ErrorReason
from pdp.server.errors import abort
from pdp.server.streams import Context, Places


def reflection_handler(
    services: Sequence[str], most: int, seconds: float
) -> grpc.GenericRpcHandler:
    """Reflection of `services` and of itself.

    A stream that would be more than `most` ends with RESOURCE_EXHAUSTED, one older than `seconds`
    with DEADLINE_EXCEEDED.
    """
    places = Places(most)
    servicer = reflection.aio.ReflectionServicer([*services, reflection.SERVICE_NAME])
    full = Refusal(
        RefusalKind.RESOURCE_EXHAUSTED,
        "too many ask for reflection; try again later",
        reason=ErrorReason.TOO_MANY_STREAMS,
    )
    old = Refusal(
        RefusalKind.DEADLINE_EXCEEDED,
        f"reflection lasts {seconds:g} seconds; ask again",
        reason=ErrorReason.STREAM_ENDED,
    )

    async def info(requests: AsyncIterator[Any], context: Context) -> None:
        with places.place() as taken:
            if not taken:
                await abort(context, full)
            try:
                async with asyncio.timeout(seconds):
                    async for response in servicer.ServerReflectionInfo(requests, context):
                        await context.write(response)
            except TimeoutError:
                await abort(context, old)

    return grpc.method_handlers_generic_handler(
        reflection.SERVICE_NAME,
        {
            "ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(
                info,
                reflection_pb2.ServerReflectionRequest.FromString,
                reflection_pb2.ServerReflectionResponse.SerializeToString,
            )
        },
    )
