"""Peers that do not play by the rules of HTTP/2 or gRPC cost themselves, and nobody else."""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from pdp.identity.address import TcpAddress
from pdp.v1 import common_pb2, decision_pb2, decision_pb2_grpc
from tests.scripted import Running

# Frame types and flags of RFC 9113, section 6.
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PATH = "/pdp.v1.AuthorizationService/Authorize"
REQUEST = decision_pb2.AuthorizeRequest(
    subject=common_pb2.Subject(type="agent", id="a"), action=common_pb2.Action(name="read")
)


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def headers(path: str) -> bytes:
    """A request's header block: literals without indexing (RFC 7541, section 6.2.2)."""
    fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "localhost"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ]
    return b"".join(
        bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        for name, value in fields
    )


def message() -> bytes:
    raw = REQUEST.SerializeToString()
    return struct.pack(">BI", 0, len(raw)) + raw


class Wire:
    """A connection that sends whatever frames it is told to."""

    def __init__(self, running: Running) -> None:
        address = running.address
        assert isinstance(address, TcpAddress)
        self._socket = socket.create_connection((address.host, address.port), timeout=10)
        self.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))

    def send(self, raw: bytes) -> bool:
        """Send; False where the server has closed the connection."""
        try:
            self._socket.sendall(raw)
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def frames(self, seconds: float) -> Iterator[tuple[int, int, int, bytes]]:
        """Frames as they come, until the server closes or the time is up."""
        end = time.monotonic() + seconds
        buffer = b""
        while time.monotonic() < end:
            while len(buffer) >= 9:
                length = int.from_bytes(buffer[:3])
                if len(buffer) < 9 + length:
                    break
                kind, flags, stream = struct.unpack(">BBI", buffer[3:9])
                yield kind, flags, stream, buffer[9 : 9 + length]
                buffer = buffer[9 + length :]
            self._socket.settimeout(max(end - time.monotonic(), 0.001))
            try:
                read = self._socket.recv(65536)
            except TimeoutError:
                return
            except ConnectionResetError:
                self.closed = True
                return
            if not read:
                self.closed = True
                return
            buffer += read

    closed = False

    def call(self, path: str) -> bool:
        """Send one call on stream 1; whether the server ended that stream within 5 seconds."""
        self.send(
            frame(HEADERS, END_HEADERS, 1, headers(path)) + frame(DATA, END_STREAM, 1, message())
        )
        return any(
            stream == 1 and (kind == RST_STREAM or flags & END_STREAM)
            for kind, flags, stream, _ in self.frames(5)
        )

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@pytest.fixture
def running() -> Iterator[Running]:
    with Running() as server:
        yield server


def assert_others_are_served(running: Running) -> None:
    began = time.monotonic()
    with running.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        assert stub.Authorize(REQUEST, timeout=10).decision == decision_pb2.DECISION_ALLOW
    assert time.monotonic() - began < 5


def test_the_path_of_an_rpc_reaches_it_and_no_other_spelling_does(running: Running) -> None:
    with Wire(running) as wire:
        assert wire.call(PATH)
    assert len(running.script.calls) == 1

    for path in (
        PATH.removeprefix("/"),
        "/" + PATH,
        PATH + "/",
        PATH.lower(),
        PATH.replace("/Authorize", "//Authorize"),
        PATH.replace("/Authorize", "%2FAuthorize"),
        PATH.replace("/Authorize", "/../AuthorizationService/Authorize"),
        "/" + PATH.rpartition("/")[2],
        "",
        "*",
    ):
        with Wire(running) as wire:
            wire.call(path)
        assert len(running.script.calls) == 1, path
    assert_others_are_served(running)


def test_streams_reset_as_fast_as_they_open_do_not_stop_others(running: Running) -> None:
    running.script.wait_s = 30
    with Wire(running) as wire:
        block = headers(PATH)
        for start in range(1, 20_001, 200):
            burst = b"".join(
                frame(HEADERS, END_HEADERS, stream, block)
                + frame(DATA, END_STREAM, stream, message())
                + frame(RST_STREAM, 0, stream, struct.pack(">I", 8))
                for stream in range(start, start + 200, 2)
            )
            if not wire.send(burst):
                break
        running.script.wait_s = 0
        assert_others_are_served(running)


def test_a_flood_of_pings_ends_its_connection(running: Running) -> None:
    with Wire(running) as wire:
        for _ in range(50):
            if not wire.send(frame(PING, 0, 0, b"12345678") * 100):
                break
        kinds = [kind for kind, _, _, _ in wire.frames(10)]
        assert wire.closed
    # ENHANCE_YOUR_CALM, unless the reset overtook it.
    assert GOAWAY in kinds or kinds.count(PING) < 5000
    assert_others_are_served(running)


def test_a_flood_of_continuations_is_not_kept_in_memory(running: Running) -> None:
    filler = bytes([0, 1]) + b"x" + bytes([100]) + b"y" * 100
    piece = frame(CONTINUATION, 0, 1, filler * 150)
    flood = 256 * 1024 * 1024
    with Wire(running) as wire:
        wire.send(frame(HEADERS, 0, 1, headers(PATH)))
        before, sent = resident_bytes(), 0
        while sent < flood and wire.send(piece):
            sent += len(piece)
        # The connection may end or go on; what came over it is gone either way.
        assert resident_bytes() - before < flood // 2
        assert any(kind == RST_STREAM for kind, _, _, _ in wire.frames(2)) or wire.closed
        assert_others_are_served(running)
    assert len(running.script.calls) == 1


def resident_bytes() -> int:
    """The memory of this process, which is the server's too (proc_pid_statm(5))."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_metadata_beyond_its_limit_is_refused(running: Running) -> None:
    with running.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        ordinary = stub.Authorize(REQUEST, timeout=10, metadata=(("x-token", "t" * 4096),))
        with pytest.raises(grpc.RpcError) as caught:
            stub.Authorize(REQUEST, timeout=10, metadata=(("x-token", "t" * 64 * 1024),))
    assert ordinary.decision == decision_pb2.DECISION_ALLOW
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(running.script.calls) == 1


def test_bytes_that_are_no_http_2_do_not_stop_others(running: Running) -> None:
    address = running.address
    assert isinstance(address, TcpAddress)
    for raw in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x00" * 4096, b"\x16\x03\x01" + b"a" * 99):
        with socket.create_connection((address.host, address.port), timeout=10) as peer:
            peer.sendall(raw)
    assert_others_are_served(running)
    assert running.script.calls[1:] == []
