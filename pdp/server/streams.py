"""How many streams may be held, and how long one may go on without sending its message."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any, Final, TypeAlias

import grpc

from pdp.domain.answer import Refusal, RefusalKind
from pdp.domain.error_reason import ErrorReason
from pdp.server.errors import abort

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

# A stream costs about 25 KiB from its headers to its last byte: so many are 400 MiB at most. A
# well-behaved peer is done with a call in well under a second.
STREAMS: Final = 16_384
# A message follows its headers at once; 16 MiB of it take this long at 13 Mbit/s. Whoever is slower
# holds a place.
MESSAGE_SECONDS: Final = 10.0
# More streams without a message than any burst of well-behaved peers leaves for a second are meant
# to be held: then each gets no longer than that.
CROWD: Final = 1024
CROWDED_SECONDS: Final = 1.0

_FULL: Final = Refusal(
    RefusalKind.RESOURCE_EXHAUSTED,
    "the server holds as many calls as it has memory for; try again later, or on another node",
    reason=ErrorReason.TOO_MANY_STREAMS,
)
_LATE: Final = Refusal(
    RefusalKind.DEADLINE_EXCEEDED,
    "the call's message did not come in time; send it with the headers",
    reason=ErrorReason.MESSAGE_LATE,
)


class Places:
    """So many places for streams that stay open. To be used on one event loop.

    What stays open by design has places of its own, so that neither calls nor other streams can
    take them, nor lose theirs to it.
    """

    def __init__(self, most: int) -> None:
        self._free = most

    @contextlib.contextmanager
    def place(self) -> Iterator[bool]:
        """Whether there is a place; it is kept until the block ends."""
        taken = self._free > 0
        self._free -= taken
        try:
            yield taken
        finally:
            self._free += taken


class Streams:
    """The calls of one server that are under way. To be used on its event loop only."""

    def __init__(
        self,
        *,
        most: int = STREAMS,
        message_s: float = MESSAGE_SECONDS,
        crowd: int = CROWD,
        crowded_s: float = CROWDED_SECONDS,
    ) -> None:
        self._most = most
        self._message_s = message_s
        self._crowd = crowd
        self._crowded_s = crowded_s
        self._held = 0
        # Since when each waits for its message; the oldest first.
        self._waiting: dict[Context, float] = {}
        self._watched = False
        self._ending: set[asyncio.Task[None]] = set()

    def enter(self, context: Context) -> Refusal | None:
        """Hold a place for this call until it has ended, or say why there is none."""
        if self._held >= self._most:
            return _FULL
        self._held += 1
        context.add_done_callback(self._left)  # type: ignore[arg-type]  # a protocol in all but name
        return None

    async def message(self, context: Context) -> bytes | None:
        """The call's message; None where the peer ends the call without one.

        Where it does not come in time, the call ends with DEADLINE_EXCEEDED.

        Raises:
            grpc.aio.AbortError: the call has been ended so; to be let through.
        """
        loop = asyncio.get_running_loop()
        self._waiting[context] = loop.time()
        if not self._watched:
            self._watched = True
            loop.call_later(self._crowded_s / 2, self._sweep, loop)
        try:
            read = await context.read()
        finally:
            self._waiting.pop(context, None)
        return None if read is grpc.aio.EOF else read

    def _left(self, _context: Context) -> None:
        self._held -= 1

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """End those that wait too long; one timer for all, and none while nothing waits."""
        crowded = len(self._waiting) > self._crowd
        overdue_s = loop.time() - (self._crowded_s if crowded else self._message_s)
        late: list[Context] = []
        for context, since_s in self._waiting.items():
            if since_s > overdue_s:
                break
            late.append(context)
        for context in late:
            del self._waiting[context]
            # The read ends with the call. Cancelling it instead would leave the call open, and
            # leak what it would have been read into.
            task = loop.create_task(_end(context))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)
        self._watched = bool(self._waiting)
        if self._watched:
            loop.call_later(self._crowded_s / 2, self._sweep, loop)


async def _end(context: Context) -> None:
    # Whatever else goes wrong here: the peer has ended the call by itself.
    with contextlib.suppress(Exception):
        await abort(context, _LATE)
