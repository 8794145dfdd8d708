"""Natural batching: calls that arrive while a batch is worked on form the next one."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, TypeVar

import structlog

from pdp.decide import Parts, decide, not_recorded
from pdp.domain.answer import Refusal, RefusalKind, Result
from pdp.domain.catalogue import Catalogue
from pdp.domain.error_reason import ErrorReason
from pdp.domain.request import Call

#: One wave is one call into the engine, whose work on two cores is worth waiting for together;
#: larger batches only make their first call wait for their last.
BATCH_CALLS = 64

#: Calls that may wait. At some thousands of calls a second this is well under a second of work;
#: what comes beyond it would time out at its client anyway, so it is told at once.
QUEUE_CALLS = 1024

#: No call waits longer for its result, whatever its client's patience: a disk may hang for minutes
#: and answer after all. Far above what a full queue takes on a slow machine.
RESULT_SECONDS = 10.0

_STOPPING: Final = Refusal(
    RefusalKind.UNAVAILABLE,
    "the service is stopping; ask again, or another node",
    reason=ErrorReason.STOPPING,
)
_FULL: Final = Refusal(
    RefusalKind.RESOURCE_EXHAUSTED,
    "too many calls are waiting; try again later, or spread the load",
    reason=ErrorReason.QUEUE_FULL,
)

_log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A call since when it waits, and the future that its result goes to."""

    call: Call
    future: asyncio.Future[Result]
    since_s: float


@dataclass(frozen=True, slots=True)
class _Errand:
    """Work that must not run beside a batch, such as putting another policy in force."""

    work: Callable[[], object]
    done: Future[object]


class Pipeline:
    """Decides on one thread what one event loop submits; the loop never waits for a disk.

    `observe` is told of every finished batch, on the pipeline's thread.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        observe: Callable[[Sequence[Call], Sequence[Result]], None] = lambda _calls, _results: None,
        queue_calls: int = QUEUE_CALLS,
        batch_calls: int = BATCH_CALLS,
        result_s: float = RESULT_SECONDS,
    ) -> None:
        self._parts = parts
        self._observe = observe
        self._queue_calls = queue_calls
        self._batch_calls = batch_calls
        self._result_s = result_s
        self._began_us = 0
        self._pending: set[_Waiting] = set()
        self._queue: queue.SimpleQueue[_Waiting | _Errand | None] = queue.SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="decide", daemon=True)

    def start(self) -> None:
        """Begin to take calls."""
        self._thread.start()

    def close(self) -> None:
        """Finish what waits and end. Calls submitted afterwards are refused."""
        self._closing = True
        self._queue.put(None)
        self._thread.join()

    @property
    def catalogue(self) -> Catalogue:
        """The tool catalogue in force."""
        return self._parts.catalogue

    @property
    def waiting(self) -> int:
        """How many calls wait, about."""
        return self._queue.qsize()

    @property
    def busy_s(self) -> float:
        """Seconds that the batch or errand in hand has taken so far; 0 while there is none."""
        began_us = self._began_us
        if not began_us:
            return 0.0
        return (self._parts.clock.monotonic_us() - began_us) / 1_000_000

    async def submit(self, call: Call) -> Result:
        """Decide a call. Cancelling the wait drops the call before it is committed."""
        return self.refusal() or await self._enter(call)

    async def submit_many(self, calls: Sequence[Call]) -> list[Result]:
        """Decide calls that arrived together, in order; all of them or none are taken."""
        refusal = self.refusal(len(calls))
        if refusal is not None:
            return [refusal] * len(calls)
        return list(await asyncio.gather(*map(self._enter, calls)))

    def refusal(self, count: int = 1) -> Refusal | None:
        """Why `count` more calls would be refused now, whatever they are; None where not."""
        if self._closing:
            return _STOPPING
        if self._queue.qsize() + count > self._queue_calls:
            return _FULL
        return None

    async def _enter(self, call: Call) -> Result:
        loop = asyncio.get_running_loop()
        one = _Waiting(call, loop.create_future(), loop.time())
        if not self._pending:
            loop.call_later(self._result_s / 4, self._sweep, loop)
        self._pending.add(one)
        self._queue.put(one)
        try:
            return await one.future
        finally:
            self._pending.discard(one)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Answer what has waited too long; one timer for all, and none while nothing waits."""
        overdue_s = loop.time() - self._result_s
        for one in self._pending:
            if one.since_s <= overdue_s and not one.future.done():
                one.future.set_result(not_recorded(one.call, self._parts))
        if self._pending:
            loop.call_later(self._result_s / 4, self._sweep, loop)

    def between_batches(self, work: Callable[[Parts], tuple[Parts, T]]) -> Future[T]:
        """Run `work` while no batch is; the parts it returns are in force from then on."""
        done: Future[T] = Future()

        def run() -> T:
            self._parts, value = work(self._parts)
            return value

        self._queue.put(_Errand(run, done))  # type: ignore[arg-type]
        return done

    def _run(self) -> None:
        while True:
            self._began_us = 0
            first = self._queue.get()
            if first is None:
                return
            self._began_us = self._parts.clock.monotonic_us()
            if isinstance(first, _Errand):
                _do(first)
                continue
            batch, behind = self._fill([first])
            self._decide(batch)
            if isinstance(behind, _Errand):
                _do(behind)
            elif self._closing and self._queue.empty():
                return

    def _fill(self, batch: list[_Waiting]) -> tuple[list[_Waiting], _Errand | None]:
        """Everything that waits already, up to a batch; an errand keeps its place behind it."""
        while len(batch) < self._batch_calls:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                break
            if isinstance(item, _Errand):
                return batch, item
            batch.append(item)
        return batch, None

    def _decide(self, batch: Sequence[_Waiting]) -> None:
        calls = [one.call for one in batch]
        now_us = self._parts.clock.monotonic_us

        def gone(index: int) -> bool:
            deadline_us = calls[index].deadline_us
            return batch[index].future.done() or bool(deadline_us and now_us() > deadline_us)

        results = decide(calls, self._parts, gone)
        try:
            batch[0].future.get_loop().call_soon_threadsafe(_deliver, batch, results)
        except RuntimeError:
            _log.warning("the event loop is closed, nobody waits for a batch", calls=len(batch))
        try:
            self._observe(calls, results)
        except Exception:
            _log.exception("observing failed")


def _deliver(batch: Sequence[_Waiting], results: Sequence[Result]) -> None:
    for one, result in zip(batch, results, strict=True):
        if not one.future.done():
            one.future.set_result(result)


def _do(errand: _Errand) -> None:
    # From here on it cannot be cancelled, or setting its result would end this thread.
    if not errand.done.set_running_or_notify_cancel():
        return
    try:
        errand.done.set_result(errand.work())
    except BaseException as error:
        errand.done.set_exception(error)
