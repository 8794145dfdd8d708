"""Asks the process that reads, starts it, and starts another when it fails: an OutputReader."""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pdp
from pdp.domain.output_forms import UNREAD, OutputForms, unpack
from pdp.reader.child import ANSWER, REQUEST

#: Reading takes some 40 ms. A machine must be very busy for this, and nobody is let wait longer.
READ_SECONDS: Final = 3.0
#: What comes back of one output: 10,000 forms of at most 256 characters, and its records.
_ANSWER_BYTES: Final = 32 << 20
#: An output goes through in one piece, so that neither side waits for the other to read.
_SOCKET_BUFFER_BYTES: Final = 1 << 20
#: The code that this process runs, wherever it is from; no setting and no folder of the user's.
_COMMAND: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from pdp.reader.child import main; main(int(sys.argv[2]))"
)
#: Of this process's environment, which may hold secrets: what the interpreter may need to start.
_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")

_log: Final = logging.getLogger("pdp.reader")


class _Failed(Exception):
    """There is no answer; the process must be replaced."""


@dataclass(frozen=True, slots=True)
class _Asked:
    raw: bytes
    media_type: str
    answer: asyncio.Future[OutputForms]


class ReaderProcess:
    """An OutputReader over a process of its own, for one event loop; one output at a time.

    Whatever goes wrong, an output is UNREAD and not waited for. The process is started by `start`,
    and again by the next output after it has failed.
    """

    def __init__(self, *, read_s: float = READ_SECONDS) -> None:
        self._read_s = read_s
        self._queue: queue.SimpleQueue[_Asked | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="read", daemon=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._closed = False
        #: Outputs that could not be read.
        self.unread = 0

    @property
    def pid(self) -> int | None:
        """The process that reads; None while there is none."""
        process = self._process
        return process.pid if process is not None else None

    def start(self) -> None:
        """Begin to read; outputs that came before wait for this."""
        self._thread.start()

    def close(self) -> None:
        """End the process. What waits is UNREAD."""
        self._closed = True
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join()
        self._end()

    async def read(self, raw: bytes, media_type: str) -> OutputForms:
        """See `pdp.ports.OutputReader.read`."""
        if self._closed:
            return UNREAD
        asked = _Asked(raw, media_type, asyncio.get_running_loop().create_future())
        self._queue.put(asked)
        return await asked.answer

    def _run(self) -> None:
        self._begin()
        while (asked := self._queue.get()) is not None:
            # Whoever has given up must not keep others waiting.
            if not asked.answer.cancelled():
                read = UNREAD if self._closed else self._read(asked)
                self.unread += read is UNREAD
                loop = asked.answer.get_loop()
                try:
                    loop.call_soon_threadsafe(_deliver, asked.answer, read)
                except RuntimeError:
                    _log.warning("the event loop is closed, nobody waits for what was read")

    def _read(self, asked: _Asked) -> OutputForms:
        if self._process is None:
            self._begin()
        try:
            return self._ask(asked)
        except Exception as fault:
            # Fail closed: whatever it was, nobody knows what this output holds.
            _log.error(
                "an output of %d bytes could not be read, its values are unknown: %s",
                len(asked.raw),
                str(fault) or type(fault).__name__,
            )
            self._end()
            return UNREAD

    def _ask(self, asked: _Asked) -> OutputForms:
        if self._socket is None:
            raise _Failed("there is no process to read it")
        deadline = time.monotonic() + self._read_s
        peer = self._socket
        media_type = asked.media_type.encode()
        peer.settimeout(self._read_s)
        peer.sendall(REQUEST.pack(len(media_type), len(asked.raw)) + media_type)
        peer.sendall(asked.raw)
        (length,) = ANSWER.unpack(_receive(peer, ANSWER.size, deadline))
        if length > _ANSWER_BYTES:
            raise _Failed(f"an answer of {length} bytes")
        return unpack(bytes(_receive(peer, length, deadline)))

    def _begin(self) -> None:
        ours: socket.socket | None = None
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            with theirs:
                for end in (ours, theirs):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
                self._process = subprocess.Popen(  # noqa: S603
                    [
                        *(sys.executable, "-I", "-c", _COMMAND),
                        *(str(Path(pdp.__file__).parents[1]), str(theirs.fileno())),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    # What it could say of a failure may show what an output holds.
                    stderr=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
                    # A session of its own: Ctrl-C in a terminal is for the PDP to act on.
                    start_new_session=True,
                )
            self._socket = ours
        except (OSError, ValueError) as fault:
            _log.error("the process that reads large outputs does not start: %s", fault)
            if ours is not None:
                ours.close()

    def _end(self) -> None:
        process, self._process = self._process, None
        peer, self._socket = self._socket, None
        if peer is not None:
            peer.close()
        if process is not None:
            process.kill()
            process.wait()


def _receive(peer: socket.socket, size: int, deadline: float) -> bytearray:
    """So many bytes by `deadline` (`time.monotonic` seconds)."""
    buffer = bytearray(size)
    view = memoryview(buffer)
    at = 0
    while at < size:
        # A timeout of zero would mean: do not wait, which says nothing about the peer.
        peer.settimeout(max(deadline - time.monotonic(), 0.001))
        got = peer.recv_into(view[at:])
        if not got:
            raise _Failed("the process has ended")
        at += got
    return buffer


def _deliver(answer: asyncio.Future[OutputForms], read: OutputForms) -> None:
    if not answer.done():
        answer.set_result(read)
