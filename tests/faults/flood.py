"""A flood of calls from a process of its own: `python -m tests.faults.flood` with its arguments.

Prints what came back as one JSON object. It speaks HTTP/2 itself, with frames that are made
beforehand and answers of which only the first bytes are looked at: the machine's processors are
for the service, and a gRPC client would take as much of them as the service itself.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.world import look
from tests.integration.test_grpc_hostile import (
    ACK,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PATH,
    PING,
    RST_STREAM,
    SETTINGS,
    frame,
    headers,
)

CONNECTIONS = 4
INFLIGHT = 32
PAUSE_MS = 5
# AuthorizeResponse.decision is field 1, a varint, and is written first: 1 is ALLOW.
ALLOWED = b"\x08\x01"
# What a message has before it: not compressed, its length.
PREFIX = 5
# Windows as wide as there are (RFC 9113, section 6.9.1): answers are small.
WINDOW = 2**31 - 1
WIDE = frame(SETTINGS, 0, 0, struct.pack(">HI", 4, WINDOW)) + frame(
    8, 0, 0, struct.pack(">I", WINDOW - 65_535)
)
MAX_CONCURRENT_STREAMS = 3
BLOCK = headers(PATH)


@dataclass(slots=True)
class Counts:
    """What became of the calls; `refused` holds the seconds that each refusal took."""

    allowed: int = 0
    other: int = 0
    refused: list[float] = field(default_factory=list)
    reset: int = 0


class Connection:
    """One connection, and the calls that are under way or wait for a place on it."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._socket.setblocking(False)
        self._out = bytearray(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + WIDE)
        self._in = bytearray()
        self._streams = 100
        self._next = 1
        self._open: dict[int, tuple[float, bytes]] = {}
        self.waiting = 0

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def busy(self) -> bool:
        return bool(self._open or self.waiting)

    def send(self, bodies: Iterator[bytes]) -> None:
        """Open streams for what waits, as many as the service lets a connection have."""
        while self.waiting and len(self._open) < self._streams:
            body = next(bodies)
            self._out += frame(HEADERS, END_HEADERS, self._next, BLOCK)
            self._out += frame(DATA, END_STREAM, self._next, body)
            self._open[self._next] = time.monotonic(), b""
            self._next += 2
            self.waiting -= 1
        if self._out:
            with contextlib.suppress(BlockingIOError):
                del self._out[: self._socket.send(self._out)]

    def receive(self, counts: Counts) -> None:
        """Take what has come."""
        try:
            read = self._socket.recv(1 << 18)
        except BlockingIOError:
            return
        assert read, "the service closed a connection"
        self._in += read
        at, end = 0, len(self._in)
        while end - at >= 9:
            length = int.from_bytes(self._in[at : at + 3])
            if end - at < 9 + length:
                break
            kind, flags, stream = struct.unpack_from(">BBI", self._in, at + 3)
            self._took(kind, flags, stream, bytes(self._in[at + 9 : at + 9 + length]), counts)
            at += 9 + length
        del self._in[:at]

    def _took(self, kind: int, flags: int, stream: int, payload: bytes, counts: Counts) -> None:
        assert kind != GOAWAY, payload
        if kind == DATA and stream in self._open:
            began, before = self._open[stream]
            if len(before) < PREFIX + len(ALLOWED):
                self._open[stream] = began, before + payload
        elif kind == SETTINGS and not flags & ACK:
            for name, value in struct.iter_unpack(">HI", payload):
                self._streams = value if name == MAX_CONCURRENT_STREAMS else self._streams
            self._out += frame(SETTINGS, ACK, 0)
        elif kind == PING and not flags & ACK:
            self._out += frame(PING, ACK, 0, payload)
        if kind == RST_STREAM and stream in self._open:
            del self._open[stream]
            counts.reset += 1
        if kind == HEADERS and flags & END_STREAM:
            began, message = self._open.pop(stream)
            if not message:
                # A status and no message: what it is, a client of gRPC beside the flood finds out.
                counts.refused.append(time.monotonic() - began)
            elif message[PREFIX:].startswith(ALLOWED):
                counts.allowed += 1
            else:
                counts.other += 1


def bodies_of(tasks: Sequence[str]) -> Iterator[bytes]:
    """Requests in turn, as the data of a stream."""
    raw = [look(task_id).SerializeToString() for task_id in tasks]
    bodies = [struct.pack(">BI", 0, len(one)) + one for one in raw]
    while True:
        yield from bodies


def flood(
    path: str, tasks: Sequence[str], rate: float, seconds: float, connections: int
) -> dict[str, Any]:
    """Send so many calls a second, whatever becomes of those before; 0: 32 in flight instead."""
    counts, bodies = Counts(), bodies_of(tasks)
    peers = [Connection(path) for _ in range(connections)]
    poll = select.poll()
    for peer in peers:
        poll.register(peer, select.POLLIN)
    by_file = {peer.fileno(): peer for peer in peers}
    began = time.monotonic()
    end = began + seconds
    sent = done = 0
    while (now := time.monotonic()) < end or any(peer.busy for peer in peers):
        assert now < end + 100, "the service does not answer"
        due = (int((now - began) * rate) if rate else INFLIGHT + done) if now < end else sent
        for number in range(sent, due):
            peers[number % connections].waiting += 1
        sent = due
        for peer in peers:
            peer.send(bodies)
        for file, _ in poll.poll(PAUSE_MS):
            by_file[file].receive(counts)
        done = counts.allowed + counts.other + len(counts.refused) + counts.reset
    took = time.monotonic() - began
    refused = sorted(counts.refused)
    return {
        "seconds": took,
        "allowed": counts.allowed,
        "other": counts.other,
        "refused": len(refused),
        "refused_p50_s": refused[len(refused) // 2] if refused else 0.0,
        "refused_p99_s": refused[len(refused) * 99 // 100] if refused else 0.0,
        "reset": counts.reset,
        "processor_s": time.process_time(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--task", action="append", required=True)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    given = parser.parse_args()
    path = given.address.removeprefix("unix:")
    found = flood(path, given.task, given.rate, given.seconds, given.connections)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
