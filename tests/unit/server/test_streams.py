"""Calls whose message does not come end by themselves, and only so many are held at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from itertools import islice
from typing import Any, Final

import grpc

from pdp.domain.answer import Refusal, RefusalKind
from pdp.identity.development import identify
from pdp.server.rpc import Asked, never, service
from pdp.server.streams import Places, Streams
from pdp.v1 import decision_pb2

SERVICE: Final = decision_pb2.DESCRIPTOR.services_by_name["AuthorizationService"]
PATH: Final = "/pdp.v1.AuthorizationService/Authorize"
REQUEST: Final = decision_pb2.AuthorizeRequest(request_id="r-1").SerializeToString()
FOR_EVER: Final = 60.0

Call = Callable[[], Any]


async def authorize(request: decision_pb2.AuthorizeRequest, _asked: Asked) -> Any:
    return decision_pb2.AuthorizeResponse(request_id=request.request_id)


@contextlib.asynccontextmanager
async def calling(
    streams: Streams, overload: Callable[[], Refusal | None] = never
) -> AsyncIterator[Call]:
    """Opens calls: each sends its headers, and its message when it is written."""
    server = grpc.aio.server()
    rpcs = {"Authorize": authorize}
    server.add_generic_rpc_handlers(
        (service(SERVICE, rpcs, identify, streams, lambda _name: overload),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield lambda: channel.stream_unary(PATH)(timeout=FOR_EVER)
    finally:
        await server.stop(None)


async def answered(call: Any) -> str:
    await call.write(REQUEST)
    response = decision_pb2.AuthorizeResponse.FromString(await call)
    return response.request_id


async def ended(call: Any) -> tuple[grpc.StatusCode, str]:
    return await call.code(), await call.details()


def run(what: Callable[[], Any]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await what()

    asyncio.run(bounded())


def test_a_call_whose_message_does_not_come_ends_with_a_status_and_others_are_answered() -> None:
    async def scene() -> None:
        async with calling(Streams(message_s=0.3, crowded_s=0.1)) as call:
            began = time.monotonic()
            held = call()
            await held.wait_for_connection()
            assert await answered(call()) == "r-1"
            code, details = await ended(held)
            assert code is grpc.StatusCode.DEADLINE_EXCEEDED
            assert "message did not come in time" in details
            assert 0.2 < time.monotonic() - began < 5

    run(scene)


def test_a_slow_message_is_still_taken_while_nobody_crowds() -> None:
    async def scene() -> None:
        async with calling(Streams(message_s=FOR_EVER, crowd=1, crowded_s=0.05)) as call:
            slow = call()
            await slow.wait_for_connection()
            await asyncio.sleep(0.3)
            assert await answered(slow) == "r-1"

    run(scene)


def test_a_crowd_without_messages_is_ended_long_before_its_time() -> None:
    async def scene() -> None:
        async with calling(Streams(message_s=FOR_EVER, crowd=5, crowded_s=0.1)) as call:
            held = [asyncio.ensure_future(call().code()) for _ in range(20)]
            # Five are no crowd; which of them arrived last is nobody's to say.
            for code in islice(asyncio.as_completed(held), 15):
                assert await code is grpc.StatusCode.DEADLINE_EXCEEDED
            for one in held:
                one.cancel()

    run(scene)


def test_beyond_the_places_there_are_the_next_is_refused_until_one_is_given_back() -> None:
    async def scene() -> None:
        async with calling(Streams(most=3)) as call:
            held = [call() for _ in range(3)]
            for one in held:
                await one.wait_for_connection()
            code, details = await ended(call())
            assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "another node" in details
            assert await answered(held[0]) == "r-1"
            held[1].cancel()
            await asyncio.sleep(0.2)
            assert await answered(call()) == "r-1"
            assert await answered(held[2]) == "r-1"

    run(scene)


def test_a_call_that_overload_refuses_is_refused_without_its_message() -> None:
    refusal = Refusal(RefusalKind.RESOURCE_EXHAUSTED, "too many calls are waiting")
    full: list[Refusal] = [refusal]

    async def scene() -> None:
        async with calling(Streams(), lambda: full[0] if full else None) as call:
            code, details = await ended(call())
            assert (code, details) == (grpc.StatusCode.RESOURCE_EXHAUSTED, refusal.message)
            full.clear()
            assert await answered(call()) == "r-1"

    run(scene)


def test_a_call_that_ends_without_a_message_is_told_what_to_send() -> None:
    async def scene() -> None:
        async with calling(Streams()) as call:
            empty = call()
            await empty.done_writing()
            code, details = await ended(empty)
            assert code is grpc.StatusCode.INVALID_ARGUMENT
            assert "pdp.v1.AuthorizeRequest" in details

    run(scene)


def test_a_place_is_given_back_however_its_block_ends() -> None:
    places = Places(1)
    with contextlib.suppress(KeyError), places.place() as first, places.place() as second:
        assert (first, second) == (True, False)
        raise KeyError
    with places.place() as again:
        assert again
