"""The process that reads: outputs come in over a socket, what they say goes back.

A request is the length of its media type and of the output, then both; an answer is its length,
then packed OutputForms. All lengths are 32 bits, big-endian.
"""

from __future__ import annotations

import gc
import os
import resource
import socket
import struct
from typing import Final

from pdp.domain.output_forms import UNREAD, pack, read_forms

#: Media type and output.
REQUEST: Final = struct.Struct(">II")
ANSWER: Final = struct.Struct(">I")

#: Reading a mebibyte takes at most about 150 MiB. Whoever finds out how to make it take more gets
#: an output that nobody has read.
_MEMORY_BYTES: Final = 1 << 30
#: Who decides goes first where there are not processors enough.
_NICENESS: Final = 5
#: Reading leaves no cycles behind but for those of an exception now and then.
_COLLECT_EVERY: Final = 256


def main(descriptor: int) -> None:
    """Read what comes in over a socket, until that is closed."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICENESS)
    # Looking for garbage takes a fifth of the time, and finds none.
    gc.collect()
    gc.freeze()
    gc.disable()
    with socket.socket(fileno=descriptor) as peer:
        answered = 0
        while (lengths := _receive(peer, REQUEST.size)) is not None:
            media_type, output = (_receive(peer, length) for length in REQUEST.unpack(lengths))
            if media_type is None or output is None:
                return
            answer = _answer(output, media_type.decode("utf-8", "replace"))
            peer.sendall(ANSWER.pack(len(answer)) + answer)
            answered += 1
            if answered % _COLLECT_EVERY == 0:
                gc.collect()


def _receive(peer: socket.socket, size: int) -> bytes | None:
    """So many bytes; None where the peer closes the socket before them."""
    found = peer.recv(size, socket.MSG_WAITALL) if size else b""
    return found if len(found) == size else None


def _answer(output: bytes, media_type: str) -> bytes:
    try:
        return pack(read_forms(output, media_type))
    except (MemoryError, RecursionError):
        return UNREAD.packed
