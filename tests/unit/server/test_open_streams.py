"""Streams that stay open have places of their own, and give them back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import (  # type: ignore[import-untyped]
    reflection_pb2,
    reflection_pb2_grpc,
)

from pdp.server.health import Health
from pdp.server.reflection import reflection_handler
from pdp.server.streams import Streams

CHECK = health_pb2.HealthCheckRequest()
LIST = reflection_pb2.ServerReflectionRequest(list_services="")
FOR_EVER = 60.0


@contextlib.asynccontextmanager
async def channel_to(handler: grpc.GenericRpcHandler) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(None)


def run(what: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await what()

    asyncio.run(bounded())


def test_a_watch_of_health_beyond_the_places_is_refused_and_checks_are_answered() -> None:
    async def scene() -> None:
        health = Health(["pdp.v1.TaskService"], Streams(), watches=2)
        async with channel_to(health.handler()) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)
            watches = [stub.Watch(CHECK, timeout=FOR_EVER) for _ in range(2)]
            for watch in watches:
                await watch.read()
            third = stub.Watch(CHECK, timeout=FOR_EVER)
            assert await third.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "use Check" in await third.details()
            health.set_serving(True)
            assert (await stub.Check(CHECK, timeout=FOR_EVER)).status == 1
            watches[0].cancel()
            await asyncio.sleep(0.2)
            assert (await stub.Watch(CHECK, timeout=FOR_EVER).read()).status == 1
            # Every watch that is open is told that the server drains, and ends.
            health.end()
            told = [await watches[1].read() for _ in range(3)]
            assert [one.status for one in told[:2]] == [1, 2]
            assert told[2] is grpc.aio.EOF

    run(scene)


def test_a_health_check_whose_message_does_not_come_ends_too() -> None:
    async def scene() -> None:
        health = Health([], Streams(message_s=0.2, crowded_s=0.1), watches=1)
        async with channel_to(health.handler()) as channel:
            for name in ("Check", "Watch"):
                path = f"/grpc.health.v1.Health/{name}"
                held: Any = channel.stream_unary(path)(timeout=FOR_EVER)
                assert await held.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            stub: Any = health_pb2_grpc.HealthStub(channel)
            assert (await stub.Watch(CHECK, timeout=FOR_EVER).read()).status == 2

    run(scene)


def test_reflection_is_for_a_few_at_once() -> None:
    async def scene() -> None:
        async with channel_to(reflection_handler(["a.B"], 1, FOR_EVER)) as channel:
            stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
            first = stub.ServerReflectionInfo(timeout=FOR_EVER)
            await first.write(LIST)
            listed = (await first.read()).list_services_response.service
            assert "a.B" in {service.name for service in listed}
            second = stub.ServerReflectionInfo(timeout=FOR_EVER)
            assert await second.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            await first.done_writing()
            assert await first.code() is grpc.StatusCode.OK
            third = stub.ServerReflectionInfo(timeout=FOR_EVER)
            await third.write(LIST)
            assert (await third.read()).HasField("list_services_response")

    run(scene)


def test_reflection_that_is_kept_open_ends_with_a_status() -> None:
    async def scene() -> None:
        async with channel_to(reflection_handler([], 1, 0.2)) as channel:
            stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
            kept = stub.ServerReflectionInfo(timeout=FOR_EVER)
            assert await kept.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert "ask again" in await kept.details()

    run(scene)
