"""Webhooks: tells endpoints of approvals, again and again until each has taken it or time is over.

Every endpoint has a thread with an event loop of its own: whatever it does, neither a decision nor
another endpoint waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from pdp.domain.records import ApprovalRecord
from pdp.engine.exchange import AnswerTooLarge, ExchangeFailed, Exchanges, Request
from pdp.feed import ApprovalFeed, FellBehind, OpenApprovals
from pdp.ports import StoreError
from pdp.webhook_event import Event, WebhookUrl, event_of, headers_of

#: Enough for a receiver that takes its time; more at once would be load that nobody asked for.
_CONNECTIONS: Final = 4
#: Of an answer the status counts; a body is read this far only so that its connection is kept.
_ANSWER_BYTES: Final = 4096
#: Approvals that wait for one endpoint. Policy caps open questions far below it; more means that
#: the endpoint has been gone for long, and those that are still open are told at the next start.
_LANES: Final = 1000
#: What a service that stops waits for deliveries under way.
_GRACE_SECONDS: Final = 2.0
_GONE: Final = 410
_PAGE: Final = 500
#: A store that cannot be read is tried again after this time.
_RETRY_SECONDS: Final = 1.0

_log = structlog.get_logger("pdp.webhooks")


@dataclass(frozen=True, slots=True)
class Pace:
    """How often and how long one event is tried: seconds, but for `attempts`.

    `attempt_s` bounds one attempt from name resolution to the last byte of the answer (the
    specification recommends 15 to 30). Pauses double from `first_s` to `longest_s`; with 18
    attempts that is about an hour, which is how long a question is open by default.
    """

    attempt_s: float = 15.0
    first_s: float = 1.0
    longest_s: float = 300.0
    attempts: int = 18
    age_s: float = 3600.0

    def pause_s(self, attempt: int) -> float:
        """How long to wait after attempt number `attempt` (from 1): half of it is chance.

        Without chance, all that failed together would come back together.
        """
        most = min(self.first_s * 2.0 ** (attempt - 1), self.longest_s)
        return most * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, keeps no secret


@dataclass(slots=True, eq=False)
class _Lane:
    """What is to be told of one approval: only the newest; what it overtakes is not told late."""

    newest: Event | None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Webhooks:
    """Tells every endpoint what becomes of approvals. Thread-safe."""

    def __init__(
        self,
        urls: Sequence[WebhookUrl],
        keys: Sequence[bytes],
        *,
        pages: str = "",
        pace: Pace | None = None,
    ) -> None:
        """`keys` sign (see `read_secrets`). People decide an approval at `pages` and its id."""
        self._pages = pages
        self._endpoints = [_Endpoint(url, tuple(keys), pace or Pace()) for url in urls]

    def tell(self, approval: ApprovalRecord) -> None:
        """Tell of an approval as it is now. Returns at once and raises nothing."""
        if not self._endpoints:
            return
        try:
            url = self._pages and self._pages + approval.id
            event = event_of(approval, time.time_ns() // 1000, url)
        except Exception:
            # News that cannot be written must not stop those that can.
            _log.exception("webhook not written", approval=approval.id)
            return
        if event is not None:
            for endpoint in self._endpoints:
                endpoint.tell(event)

    def close(self) -> None:
        """Give deliveries under way a moment, then end. What is open is told at the next start."""
        for endpoint in self._endpoints:
            endpoint.end()
        for endpoint in self._endpoints:
            endpoint.join()


class _Endpoint:
    """One endpoint, its thread, and what waits for it."""

    def __init__(self, url: WebhookUrl, keys: tuple[bytes, ...], pace: Pace) -> None:
        self._url = url
        self._keys = keys
        self._pace = pace
        tls = ssl.create_default_context() if url.server.tls else None
        self._exchanges = Exchanges(url.server, tls, most=_CONNECTIONS)
        self._turns = asyncio.Semaphore(_CONNECTIONS)
        self._lanes: dict[str, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failing = False
        self._gone = False
        self._full = False
        self._ended = threading.Lock()  # held for good once it ends
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"webhook {url}", daemon=True)
        self._thread.start()

    def tell(self, event: Event) -> None:
        with contextlib.suppress(RuntimeError):  # The loop is closed: it has ended.
            self._loop.call_soon_threadsafe(self._take, event)

    def end(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stop)

    def join(self) -> None:
        self._thread.join(2 * _GRACE_SECONDS)

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _stop(self) -> None:
        if self._ended.acquire(blocking=False):
            self._spawn(self._finish())

    async def _finish(self) -> None:
        under_way = self._tasks - {asyncio.current_task()}
        if under_way and not self._failing:
            await asyncio.wait(under_way, timeout=_GRACE_SECONDS)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._exchanges.close()
        self._loop.stop()

    def _take(self, event: Event) -> None:
        if self._gone or self._ended.locked():
            return
        lane = self._lanes.get(event.approval_id)
        if lane is not None:
            lane.newest = event
            lane.changed.set()
        elif len(self._lanes) < _LANES:
            lane = self._lanes[event.approval_id] = _Lane(event)
            self._spawn(self._drive(event.approval_id, lane))
        elif not self._full:
            self._full = True
            _log.error("webhooks dropped: too many wait", endpoint=str(self._url), most=_LANES)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drive(self, approval_id: str, lane: _Lane) -> None:
        try:
            while lane.newest is not None and not self._gone:
                event, lane.newest = lane.newest, None
                lane.changed.clear()
                await self._deliver(event, lane)
        except Exception:
            _log.exception("webhook failed", endpoint=str(self._url), approval=approval_id)
        finally:
            del self._lanes[approval_id]
            self._full = False

    async def _deliver(self, event: Event, lane: _Lane) -> None:
        """Try until it is taken, something newer is to be told, or it is too late."""
        began = time.monotonic()
        attempt = 0
        while lane.newest is None and not self._gone:
            if event.expires_at_us and time.time_ns() // 1000 >= event.expires_at_us:
                return  # Nobody can answer any more.
            attempt += 1
            problem = await self._attempt(event)
            self._note(event, attempt, problem)
            if not problem or self._gone:
                return
            pause_s = self._pace.pause_s(attempt)
            late = time.monotonic() + pause_s - began > self._pace.age_s
            if late or attempt >= self._pace.attempts:
                _log.error(
                    "webhook given up",
                    endpoint=str(self._url),
                    event_id=event.id,
                    attempts=attempt,
                    error=problem,
                )
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lane.changed.wait(), pause_s)

    async def _attempt(self, event: Event) -> str:
        """Send it once; why it was not taken, empty where it was."""
        async with self._turns:
            # Signed when its turn has come: receivers refuse what was signed minutes ago.
            headers = headers_of(event, self._keys, int(time.time()))
            request = Request("POST", self._url.target, event.body, headers=headers)
            try:
                reply = await self._exchanges.ask(
                    request, seconds=self._pace.attempt_s, most_bytes=_ANSWER_BYTES
                )
            except AnswerTooLarge as large:
                status = large.status
            except ExchangeFailed as error:
                return str(error)
            else:
                status = reply.status
        if status == _GONE:
            self._gone = True
        # A redirect is a failure too: whoever moves an endpoint says so in the settings.
        return "" if 200 <= status < 300 else f"status {status}"

    def _note(self, event: Event, attempt: int, problem: str) -> None:
        """Say when the endpoint begins to fail and when it works again, not every attempt."""
        where = str(self._url)
        if self._gone:
            _log.error("webhook endpoint is gone (410): not told any more", endpoint=where)
        elif problem and not self._failing:
            _log.warning("webhook endpoint fails", endpoint=where, error=problem, event_id=event.id)
        elif not problem and self._failing:
            _log.info("webhook endpoint works again", endpoint=where)
        self._failing = bool(problem)
        if not problem:
            _log.debug("webhook delivered", endpoint=where, event_id=event.id, attempts=attempt)


async def tell_approvals(
    webhooks: Webhooks, feed: ApprovalFeed, records: OpenApprovals, now_us: Callable[[], int]
) -> None:
    """Tell of what is open now, and from then on of every change, until cancelled.

    To be used on the feed's event loop. `now_us` is the wall clock, microseconds since the epoch.
    """
    while True:
        try:
            with feed.subscribe() as changes:
                await _tell_open(webhooks, records, now_us())
                async for approval in changes:
                    webhooks.tell(approval)
                return
        except FellBehind:
            continue
        except StoreError as error:
            _log.warning("open approvals are not told now", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)


async def _tell_open(webhooks: Webhooks, records: OpenApprovals, now_us: int) -> None:
    before = ""
    while True:
        page = await asyncio.to_thread(
            records.list_approvals, before=before, limit=_PAGE, open_at_us=now_us
        )
        for approval in page:
            webhooks.tell(approval)
        if len(page) < _PAGE:
            return
        before = page[-1].id
