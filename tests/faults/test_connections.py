"""Peers that connect and keep what they get: bounded, and nobody else waits for them."""

from __future__ import annotations

import resource
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

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
    HEADERS,
    PATH,
    SETTINGS,
    frame,
    headers,
)
from tests.service import Service, start_service

IDLE = 2000
HALF_SENT = 400
# Together below the RPCs that the service takes at once; docs/threats.md says what happens beyond.
PEERS, UNREAD = 3, 200
# An idle connection costs the transport about 20 KiB of state and buffers.
IDLE_MIB = 200
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


def test_peers_that_never_read_their_answers_hold_up_nobody(
    service: Service, client: Client
) -> None:
    task_id = client.start_task()
    pid = service.process.pid
    memory = resident_mib(pid)
    request = look(task_id, "x" * 20_000).SerializeToString()
    message = struct.pack(">BI", 0, len(request)) + request
    with ExitStack() as held:
        for _ in range(PEERS):
            peer = held.enter_context(unix_connection(service))
            peer.settimeout(0.5)
            peer.sendall(PREFACE)
            try:
                for stream in range(1, 2 * UNREAD, 2):
                    block = frame(HEADERS, END_HEADERS, stream, headers(PATH))
                    # In pieces of what a frame may hold (RFC 9113, section 4.2).
                    pieces = [message[at : at + 16_000] for at in range(0, len(message), 16_000)]
                    body = b"".join(
                        frame(DATA, int(part is pieces[-1]), stream, part) for part in pieces
                    )
                    peer.sendall(block + body)
            except TimeoutError:
                pass  # Flow control: what nobody reads stops what is sent.
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert_served(service, task_id)
        assert resident_mib(pid) - memory < IDLE_MIB
    assert_served(service, task_id)


def test_a_service_takes_all_the_files_that_it_is_given(tmp_path: Path, catalogue: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (
        files_of_this_process(min(1024, hard)),
        start_service(tmp_path / "data", catalogues=[catalogue]) as service,
    ):
        assert resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE) == (hard, hard)
