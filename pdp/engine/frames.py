"""The frames spoken with the managed OPA: a JSON header and byte elements, each length-prefixed.

    u32  length of all that follows
    u32  length of the header, then the header: one JSON object
    for each element: u32 length, then its bytes

All integers are big-endian. The Go side is opa/frame.go.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any, Final

_LENGTH: Final = struct.Struct(">I")
_PREFIXES: Final = struct.Struct(">II")


class FrameError(Exception):
    """The peer closed the socket, or what it sent is not a frame."""


class FrameTimeout(FrameError):
    """The peer did not read or answer in time."""


def encode_frame(header: bytes, elements: Sequence[bytes]) -> bytes:
    """The frame as bytes; `header` is an encoded JSON object."""
    pack = _LENGTH.pack
    total = _LENGTH.size * (1 + len(elements)) + len(header) + sum(map(len, elements))
    pieces = [_PREFIXES.pack(total, len(header)), header]
    for element in elements:
        pieces += (pack(len(element)), element)
    return b"".join(pieces)


def send(peer: socket.socket, frame: bytes, deadline: float) -> None:
    """Send a whole frame by `deadline` (`time.monotonic` seconds).

    Raises FrameTimeout, FrameError.
    """
    try:
        peer.settimeout(_remaining(deadline))
        peer.sendall(frame)
    except TimeoutError:
        raise FrameTimeout("the peer did not read in time") from None
    except OSError as error:
        raise FrameError(f"the peer is gone: {error.strerror or error}") from None


def receive(
    peer: socket.socket, deadline: float, most_bytes: int
) -> tuple[dict[str, Any], list[memoryview]]:
    """The next frame, by `deadline` (`time.monotonic` seconds), as header and elements.

    Raises FrameTimeout; FrameError when the peer has closed the socket, when the frame is larger
    than `most_bytes` and when it is not a frame.
    """
    total = _LENGTH.unpack(_read(peer, _LENGTH.size, deadline))[0]
    if total > most_bytes:
        raise FrameError(f"a frame of {total} bytes, at most {most_bytes} are expected")
    pieces = list(_cut(memoryview(_read(peer, total, deadline))))
    if not pieces:
        raise FrameError("a frame without a header")
    try:
        header = json.loads(str(pieces[0], "utf-8"))
    except ValueError:
        raise FrameError("a header that is not JSON") from None
    if not isinstance(header, dict):
        raise FrameError("a header that is not a JSON object")
    return header, pieces[1:]


def _cut(rest: memoryview) -> list[memoryview]:
    pieces = []
    at, end = 0, len(rest)
    while at < end:
        if end - at < _LENGTH.size:
            raise FrameError("a length is cut short")
        (length,) = _LENGTH.unpack_from(rest, at)
        at += _LENGTH.size
        if length > end - at:
            raise FrameError(f"a piece of {length} bytes in a frame that has {end - at} left")
        pieces.append(rest[at : at + length])
        at += length
    return pieces


def _read(peer: socket.socket, size: int, deadline: float) -> bytearray:
    buffer = bytearray(size)
    view = memoryview(buffer)
    at = 0
    while at < size:
        try:
            peer.settimeout(_remaining(deadline))
            got = peer.recv_into(view[at:])
        except TimeoutError:
            raise FrameTimeout("the peer did not answer in time") from None
        except OSError as error:
            raise FrameError(f"the peer is gone: {error.strerror or error}") from None
        if not got:
            raise FrameError("the peer closed the socket")
        at += got
    return buffer


def _remaining(deadline: float) -> float:
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        # A timeout of zero would mean: do not wait, which says nothing about the peer.
        raise TimeoutError
    return remaining
