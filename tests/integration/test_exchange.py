"""HTTP exchanges with servers that break the rules: one request, one answer or none, in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from pdp.engine.exchange import (
    AnswerTooLarge,
    ExchangeFailed,
    Exchanges,
    ExchangeTimeout,
    Reply,
    Request,
)
from pdp.engine.server_url import parse_server_url

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REQUEST = Request("POST", "/v1/data/x?provenance=true", b'{"input":{}}', "secret")


class Peer:
    """A server that reads each request, keeps it, and does what it was told."""

    def __init__(self, answer: Handler) -> None:
        self.answer = answer
        self.requests: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split()[0])
                self.requests.append(head + await reader.readexactly(length))
                await self.answer(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.transport.abort()


def says(*parts: bytes, pause: float = 0.0, then_close: bool = False) -> Handler:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        if then_close:
            writer.close()

    return answer


def talk(
    peer: Peer,
    *,
    times: int = 1,
    at_once: bool = False,
    most: int = 8,
    between: float = 0.0,
    seconds: float = 2.0,
    base: str = "",
) -> list[Reply | BaseException]:
    """The answers to `times` requests, one after the other or all at once."""

    async def run() -> list[Reply | BaseException]:
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        exchanges = Exchanges(parse_server_url(f"http://127.0.0.1:{port}{base}"), None, most=most)

        async def ask() -> Reply:
            return await exchanges.ask(REQUEST, seconds=seconds, most_bytes=10_000)

        found: list[Reply | BaseException] = []
        if at_once:
            found += await asyncio.gather(*(ask() for _ in range(times)), return_exceptions=True)
        else:
            for _ in range(times):
                found += await asyncio.gather(ask(), return_exceptions=True)
                await asyncio.sleep(between)
        await exchanges.close()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0.05)
        return found

    return asyncio.run(run())


def statuses(found: list[Reply | BaseException]) -> list[int | type[BaseException]]:
    return [one.status if isinstance(one, Reply) else type(one) for one in found]


def test_a_request_is_sent_once_and_whole_with_its_token_below_the_base() -> None:
    peer = Peer(says(OK))
    [reply] = talk(peer, base="/opa/")
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (200, b"{}")
    [sent] = peer.requests
    assert sent.startswith(b"POST /opa/v1/data/x?provenance=true HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret\r\n" in sent
    assert sent.endswith(b'\r\n\r\n{"input":{}}')


def test_one_connection_serves_requests_one_after_the_other() -> None:
    peer = Peer(says(OK))
    assert statuses(talk(peer, times=20)) == [200] * 20
    assert peer.connections == 1


def test_no_more_connections_are_opened_than_agreed() -> None:
    peer = Peer(says(b"", OK, pause=0.01))
    assert statuses(talk(peer, times=30, at_once=True, most=3)) == [200] * 30
    assert peer.connections == 3


def test_a_connection_that_the_server_closed_meanwhile_costs_no_call() -> None:
    peer = Peer(says(OK, then_close=True))
    assert statuses(talk(peer, times=5, between=0.05)) == [200] * 5
    assert (peer.connections, len(peer.requests)) == (5, 5)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    redirect = b"HTTP/1.1 %d x\r\nLocation: /v1/data/y\r\nContent-Length: 0\r\n\r\n" % status
    peer = Peer(says(redirect))
    assert statuses(talk(peer)) == [status]
    assert len(peer.requests) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_nothing_is_sent_twice_whatever_the_status(status: int) -> None:
    peer = Peer(says(b"HTTP/1.1 %d x\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n" % status))
    assert statuses(talk(peer)) == [status]
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    ],
    ids=lambda answer: repr(answer[:40]),
)
def test_an_answer_that_is_cut_short_or_no_http_is_none_and_is_not_asked_for_again(
    answer: bytes,
) -> None:
    peer = Peer(says(answer, then_close=True))
    assert statuses(talk(peer)) == [ExchangeFailed]
    assert len(peer.requests) == 1


def test_a_body_beyond_the_limit_is_not_read_to_its_end() -> None:
    endless = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]
    endless += [b"1000\r\n" + b"x" * 4096 + b"\r\n"] * 10_000
    began = time.monotonic()
    assert statuses(talk(Peer(says(*endless)))) == [AnswerTooLarge]
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "drips",
    [
        [b""],
        [b"H", b"T", b"T", b"P"] * 10,
        [b"HTTP/1.1 100 Continue\r\n\r\n"] * 40,
        [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 40,
        [b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"] + [b"x"] * 39,
    ],
    ids=["nothing", "status line", "interim answers", "headers", "body"],
)
def test_the_deadline_is_for_all_of_an_answer_however_it_drips(drips: list[bytes]) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await says(*drips, pause=0.05)(reader, writer)
        await reader.read()

    began = time.monotonic()
    assert statuses(talk(Peer(answer), seconds=0.4)) == [ExchangeTimeout]
    assert 0.4 <= time.monotonic() - began < 1.2


def test_after_a_timeout_the_late_answer_is_never_taken_for_the_next_one() -> None:
    turns = iter([0.4, 0.0])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pause = next(turns)
        await asyncio.sleep(pause)
        body = b'{"late":1}' if pause else b'{"next":1}'
        await says(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + body)(reader, writer)

    first, second = talk(Peer(answer), times=2, seconds=0.2, between=0.3)
    assert isinstance(first, ExchangeTimeout)
    assert isinstance(second, Reply)
    assert second.body == b'{"next":1}'


def test_bytes_behind_an_answer_are_never_taken_for_the_next_one() -> None:
    allow = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a": 66}'
    found = talk(Peer(says(OK + allow)), times=3)
    assert [one.body for one in found if isinstance(one, Reply)] == [b"{}"] * 3


def test_a_deadline_begins_when_the_turn_of_a_request_comes() -> None:
    peer = Peer(says(b"", OK, pause=0.1))
    assert statuses(talk(peer, times=6, at_once=True, most=1, seconds=0.5)) == [200] * 6


def test_a_server_that_is_not_there_is_said_at_once() -> None:
    async def run() -> None:
        server = await asyncio.start_server(Peer(says(OK)).serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        exchanges = Exchanges(parse_server_url(f"http://127.0.0.1:{port}"), None, most=1)
        with pytest.raises(ExchangeFailed, match="Connect"):
            await exchanges.ask(REQUEST, seconds=5, most_bytes=10)

    began = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - began < 2
