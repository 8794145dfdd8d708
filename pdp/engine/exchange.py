"""HTTP/1.1 exchanges with one server over kept connections, each with one deadline for all of it.

One request, one answer: nothing is sent twice, no redirect is followed, no proxy and no password
file of the environment is used.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import Final

import h11

from pdp.engine.server_url import ServerUrl

_READ_BYTES: Final = 65_536


class ExchangeFailed(Exception):
    """There is no whole answer."""


class ExchangeTimeout(ExchangeFailed):
    """There was no whole answer in time."""


class AnswerTooLarge(ExchangeFailed):
    """The answer is larger than what is read; `status` is what it began with."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; `target` is the path below the server's base, with the query.

    `headers` are sent beside those that every request has.
    """

    method: str
    target: str
    body: bytes = b""
    token: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """The status (RFC 9110, section 15) and the whole body of an answer.

    `micros` is how long it took in microseconds, from the moment that its turn came.
    """

    status: int
    body: bytes
    micros: int = 0


@dataclass(frozen=True, slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: h11.Connection

    def usable(self) -> bool:
        return not (self.reader.at_eof() or self.writer.is_closing())


class Exchanges:
    """At most `most` exchanges at a time with one server. To be used on one event loop."""

    def __init__(self, url: ServerUrl, tls: ssl.SSLContext | None, *, most: int) -> None:
        self._url = url
        self._tls = tls
        self._turns = asyncio.Semaphore(most)
        self._kept: list[_Connection] = []

    async def ask(self, request: Request, *, seconds: float, most_bytes: int) -> Reply:
        """The answer to `request`, at most `seconds` after its turn came.

        The deadline holds for name resolution, connecting, TLS, sending and the last byte of the
        answer together, so a server that drips its answer gains nothing.

        Raises:
            ExchangeTimeout, AnswerTooLarge, ExchangeFailed: there is none; the connection is gone.
        """
        async with self._turns:
            began = time.perf_counter()
            try:
                async with asyncio.timeout(seconds):
                    status, body = await self._ask(request, most_bytes)
            except TimeoutError:
                raise ExchangeTimeout(f"no answer within {seconds * 1000:g} ms") from None
            except (OSError, h11.ProtocolError) as error:
                raise ExchangeFailed(str(error) or type(error).__name__) from None
            return Reply(status, body, int((time.perf_counter() - began) * 1e6))

    async def close(self) -> None:
        """Close all connections that are not in use."""
        for connection in self._kept:
            connection.writer.transport.abort()
        self._kept.clear()
        await asyncio.sleep(0)  # a turn of the loop, in which the sockets are closed

    async def _ask(self, request: Request, most_bytes: int) -> tuple[int, bytes]:
        connection = await self._connection()
        keep = False
        try:
            await self._send(connection, request)
            answer = await _receive(connection, most_bytes)
            protocol = connection.protocol
            # Bytes behind the answer would be taken for the answer to the next request.
            keep = protocol.their_state is h11.DONE and protocol.trailing_data == (b"", False)
            if keep:
                protocol.start_next_cycle()
                self._kept.append(connection)
            return answer
        finally:
            if not keep:
                connection.writer.transport.abort()

    async def _connection(self) -> _Connection:
        while self._kept:
            # The latest: those that are not needed any more grow old and are closed by the server.
            connection = self._kept.pop()
            if connection.usable():
                return connection
            connection.writer.transport.abort()
        if self._url.socket:
            opened = await asyncio.open_unix_connection(self._url.socket)
        else:
            opened = await asyncio.open_connection(self._url.host, self._url.port, ssl=self._tls)
        return _Connection(*opened, h11.Connection(h11.CLIENT))

    async def _send(self, connection: _Connection, request: Request) -> None:
        headers = [
            ("Host", self._url.authority),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(request.body))),
            *request.headers,
        ]
        if request.token:
            headers.append(("Authorization", f"Bearer {request.token}"))
        protocol, writer = connection.protocol, connection.writer
        head = h11.Request(
            method=request.method, target=self._url.base + request.target, headers=headers
        )
        writer.write(protocol.send(head) or b"")
        if request.body:
            writer.write(protocol.send(h11.Data(request.body)) or b"")
        protocol.send(h11.EndOfMessage())
        await writer.drain()


async def _receive(connection: _Connection, most_bytes: int) -> tuple[int, bytes]:
    protocol = connection.protocol
    status = 0
    body = bytearray()
    while True:
        event = protocol.next_event()
        if event is h11.NEED_DATA:
            protocol.receive_data(await connection.reader.read(_READ_BYTES))
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > most_bytes:
                raise AnswerTooLarge(
                    f"the answer is larger than the limit of {most_bytes} bytes", status
                )
        elif isinstance(event, h11.EndOfMessage):
            return status, bytes(body)
        elif not isinstance(event, h11.InformationalResponse):
            raise ExchangeFailed("the server closed the connection")
