"""Peers that connect and keep what they get: bounded, and nobody else waits for them."""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from pdp.server.grpc_server import CONNECTION_STREAMS
from pdp.server.streams import MESSAGE_SECONDS
from pdp.v1 import decision_pb2
from tests.faults.world import (
    ALLOW,
    Client,
    descriptors,
    eventually,
    look,
    resident_mib,
    unix_connection,
)
from tests.integration.test_grpc_hostile import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PATH,
    RST_STREAM,
    SETTINGS,
    frame,
    headers,
)
from tests.service import Service, start_service

IDLE = 2000
HALF_SENT = 400
# As many as a connection may have, and together far more than may wait for a decision.
PEERS, HELD = 24, CONNECTION_STREAMS
# No window for any answer (RFC 9113, section 6.5.2: SETTINGS_INITIAL_WINDOW_SIZE).
STREAMS = range(1, 2 * HELD, 2)
NO_WINDOW = frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0))
# An idle connection costs the transport about 20 KiB of state and buffers.
IDLE_MIB = 200
# 3,072 held calls at some 25 KiB, and what their messages take.
HELD_MIB = 200
SERVED_SECONDS = 5.0
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0)


@contextmanager
def files_of_this_process(count: int) -> Iterator[None]:
    """Let this process, and those it starts, open so many files by default."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"this user may open {hard} files only")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def assert_served(service: Service, task_id: str) -> None:
    """A newcomer is answered soon."""
    began = time.monotonic()
    with Client(service) as newcomer:
        assert newcomer.authorize(look(task_id)).decision == ALLOW
        assert newcomer.serving()
    assert time.monotonic() - began < SERVED_SECONDS


def message_of(request: decision_pb2.AuthorizeRequest) -> bytes:
    """A request as gRPC sends it: not compressed, its length, itself."""
    raw = request.SerializeToString()
    return struct.pack(">BI", 0, len(raw)) + raw


def opened(stream: int, message: bytes, flags: int = 0) -> bytes:
    """The frames of a call, its message in pieces of what one may hold (RFC 9113, section 4.2)."""
    pieces = [message[at : at + 16_000] for at in range(0, len(message), 16_000)]
    body = b"".join(
        frame(DATA, flags if part is pieces[-1] else 0, stream, part) for part in pieces
    )
    return frame(HEADERS, END_HEADERS, stream, headers(PATH)) + body


def ended_streams(peer: socket.socket, wanted: int, seconds: float) -> int:
    """How many streams the service ends within the time, waiting for no more than `wanted`."""
    end = time.monotonic() + seconds
    found: set[int] = set()
    buffer = b""
    peer.settimeout(1)
    while len(found) < wanted and time.monotonic() < end:
        with suppress(TimeoutError):
            if not (read := peer.recv(65536)):
                break
            buffer += read
        while len(buffer) >= 9 and len(buffer) >= 9 + (length := int.from_bytes(buffer[:3])):
            kind, flags, stream = struct.unpack(">BBI", buffer[3:9])
            if kind == RST_STREAM or (kind == HEADERS and flags & END_STREAM):
                found.add(stream)
            buffer = buffer[9 + length :]
    return len(found)


def test_thousands_of_idle_connections_cost_little_and_are_given_back(
    service: Service, client: Client
) -> None:
    task_id = client.start_task()
    pid = service.process.pid
    files, memory = descriptors(pid), resident_mib(pid)
    with files_of_this_process(IDLE + 1000), ExitStack() as held:
        for number in range(IDLE):
            peer = held.enter_context(unix_connection(service))
            if number % 2:
                peer.sendall(PREFACE)
        eventually(lambda: descriptors(pid) > files + IDLE // 2, 10)
        assert_served(service, task_id)
        grown = resident_mib(pid) - memory
        print({"idle connections": IDLE, "grown by MiB": round(grown, 1)})
        assert grown < IDLE_MIB
    eventually(lambda: descriptors(pid) < files + 20, 20)
    assert_served(service, task_id)


def test_calls_that_are_never_sent_whole_hold_up_nobody(service: Service, client: Client) -> None:
    task_id = client.start_task()
    request = look(task_id).SerializeToString()
    message = struct.pack(">BI", 0, len(request)) + request
    with ExitStack() as held:
        slow: list[socket.socket] = []
        for number in range(HALF_SENT):
            peer = held.enter_context(unix_connection(service))
            peer.sendall(PREFACE + frame(HEADERS, END_HEADERS, 1, headers(PATH)))
            peer.sendall(frame(DATA, 0, 1, message[: 1 + number % len(message)]))
            slow.append(peer)
        assert_served(service, task_id)
        # One byte more from each, and others are served in between.
        for peer in slow:
            peer.sendall(frame(DATA, 0, 1, b"\0"))
        assert_served(service, task_id)
    assert_served(service, task_id)


@pytest.mark.parametrize(
    "part", [0.0, 0.9], ids=["only their headers", "all but the end of their message"]
)
def test_connections_full_of_calls_that_are_never_sent_whole_hold_up_nobody(
    service: Service, client: Client, part: float
) -> None:
    task_id = client.start_task()
    pid = service.process.pid
    memory = resident_mib(pid)
    message = message_of(look(task_id))
    sent = message[: int(part * len(message))]
    with ExitStack() as held:
        peers = [held.enter_context(unix_connection(service)) for _ in range(PEERS)]
        for peer in peers:
            peer.sendall(PREFACE + b"".join(opened(stream, sent) for stream in STREAMS))
        # A client that was there before, and newcomers: for as long as these hold what they have.
        for _ in range(5):
            assert client.authorize(look(task_id)).decision == ALLOW
            assert_served(service, task_id)
        # They lose it soon, although their connections stay.
        for peer in peers:
            assert ended_streams(peer, HELD, MESSAGE_SECONDS + 5) == HELD
        assert resident_mib(pid) - memory < HELD_MIB
        assert_served(service, task_id)
    assert_served(service, task_id)


def test_peers_that_never_read_their_answers_hold_up_nobody(
    service: Service, client: Client
) -> None:
    task_id = client.start_task()
    pid = service.process.pid
    memory = resident_mib(pid)
    message = message_of(look(task_id))
    with ExitStack() as held:
        for _ in range(PEERS):
            peer = held.enter_context(unix_connection(service))
            peer.sendall(PREFACE + NO_WINDOW)
            peer.sendall(b"".join(opened(stream, message, END_STREAM) for stream in STREAMS))
        # What they ask for is decided first, as much of it as may wait; then they only hold it.
        eventually(lambda: client.authorize(look(task_id)).decision == ALLOW, 20)
        for _ in range(5):
            assert_served(service, task_id)
        assert resident_mib(pid) - memory < HELD_MIB
    assert_served(service, task_id)


def test_peers_that_do_not_read_at_all_hold_up_nobody(service: Service, client: Client) -> None:
    task_id = client.start_task()
    pid = service.process.pid
    memory = resident_mib(pid)
    message = message_of(look(task_id, "x" * 20_000))
    with ExitStack() as held:
        for _ in range(PEERS):
            peer = held.enter_context(unix_connection(service))
            peer.settimeout(0.2)
            # Flow control: what nobody reads stops what is sent, or ends the connection.
            with suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
                peer.sendall(PREFACE)
                for stream in STREAMS:
                    peer.sendall(opened(stream, message, END_STREAM))
        eventually(lambda: client.authorize(look(task_id)).decision == ALLOW, 20)
        assert_served(service, task_id)
        assert resident_mib(pid) - memory < HELD_MIB
    assert_served(service, task_id)


def test_a_service_takes_all_the_files_that_it_is_given(tmp_path: Path, catalogue: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (
        files_of_this_process(min(1024, hard)),
        start_service(tmp_path / "data", catalogues=[catalogue]) as service,
    ):
        assert resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
