"""Tells those who wait or watch of approvals that changed, and of those whose time is over."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

import structlog

from pdp.domain.approval import state_at
from pdp.domain.records import ApprovalRecord
from pdp.domain.values import ApprovalState
from pdp.ports import StoreError

#: Approvals of which a subscriber may not have heard yet. Each may hold a call's arguments, up to
#: 256 KiB; whoever is further behind has to look at what there is, and begin anew.
BEHIND: Final = 1024

#: Wall clocks are set; an approval is told to have expired at most this much too late.
LOOK_AGAIN_SECONDS: Final = 60.0

#: A store that cannot be read is tried again after this time.
_RETRY_SECONDS: Final = 1.0
_PAGE: Final = 500
_TIMED: Final = frozenset({ApprovalState.PENDING, ApprovalState.APPROVED})

_log = structlog.get_logger()


class FellBehind(Exception):
    """A subscriber read too slowly, and what it has not read is forgotten."""


class Subscription:
    """An endless iterator over approvals as they change. To be used on the feed's event loop.

    Whoever reads slowly gets the newest state of each approval, and not those in between.
    """

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self._news: dict[str, ApprovalRecord] = {}
        self._lost = False
        self._closed = False
        self._woken = asyncio.Event()

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> ApprovalRecord:
        """The next approval that changed. Cancelling the wait loses nothing.

        Raises:
            FellBehind: something was lost.
            StopAsyncIteration: the subscription was closed.
        """
        while not self._news:
            if self._lost:
                raise FellBehind
            if self._closed:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._news.pop(next(iter(self._news)))

    def put(self, approval: ApprovalRecord) -> None:
        """Have this approval told; for the feed."""
        if self._lost:
            return
        self._news[approval.id] = approval
        if len(self._news) > self._behind:
            self._news.clear()
            self._lost = True
        self._woken.set()

    def close(self) -> None:
        """What was told already can still be read; then the iteration ends."""
        self._closed = True
        self._woken.set()


class ApprovalFeed:
    """Brings approvals from the thread that decides to subscribers on one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, behind: int = BEHIND) -> None:
        self._loop = loop
        self._behind = behind
        # Under "" those who want to hear of every approval.
        self._subscribers: dict[str, set[Subscription]] = {}

    def publish(self, approvals: Sequence[ApprovalRecord]) -> None:
        """Tell of approvals as they are now, in this order. Safe on any thread, never waits."""
        # A closed loop has no subscribers any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._deliver, tuple(approvals))

    @contextlib.contextmanager
    def subscribe(self, approval_id: str = "") -> Iterator[Subscription]:
        """Hear of what changes from now on: of one approval, or (empty) of all.

        To be used on the feed's event loop. Subscribe first and read the store then: so nothing
        that happens in between is missed.
        """
        subscription = Subscription(self._behind)
        self._subscribers.setdefault(approval_id, set()).add(subscription)
        try:
            yield subscription
        finally:
            others = self._subscribers[approval_id]
            others.discard(subscription)
            if not others:
                del self._subscribers[approval_id]

    def _deliver(self, approvals: Sequence[ApprovalRecord]) -> None:
        for approval in approvals:
            for key in (approval.id, ""):
                for subscription in self._subscribers.get(key, ()):
                    subscription.put(approval)


class OpenApprovals(Protocol):
    """What of a store's records is needed to know when approvals end; see `pdp.ports.Records`."""

    def approval(self, approval_id: str) -> ApprovalRecord | None:
        """One approval, if there is one of that id."""

    def list_approvals(
        self, *, before: str, limit: int, open_at_us: int = 0, task_id: str = ""
    ) -> Sequence[ApprovalRecord]:
        """Up to `limit` approvals, newest first, of ids before `before` (empty: the newest)."""


async def tell_expiries(
    feed: ApprovalFeed, records: OpenApprovals, now_us: Callable[[], int]
) -> None:
    """Publish each approval once more when its time is over, until cancelled.

    One timer for all of them. `now_us` is the wall clock, microseconds since the epoch. An approved
    one that nobody used, and whose service was started anew since, ends without being told.
    """
    while True:
        try:
            with feed.subscribe() as changes:
                await _tell_expiries(feed, changes, records, now_us)
        except FellBehind:
            continue
        except StoreError as error:
            _log.warning("expired approvals are not told now", error=str(error))
            await asyncio.sleep(_RETRY_SECONDS)


async def _tell_expiries(
    feed: ApprovalFeed,
    changes: Subscription,
    records: OpenApprovals,
    now_us: Callable[[], int],
) -> None:
    # What was decided in the meantime stays in here until its time, as a few bytes.
    due = await _due(records, now_us())
    heapq.heapify(due)
    while True:
        wait_s = LOOK_AGAIN_SECONDS
        if due:
            wait_s = min(wait_s, max(0.0, (due[0][0] - now_us()) / 1_000_000))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                changed = await anext(changes)
                if state_at(changed, now_us()) in _TIMED:
                    heapq.heappush(due, (changed.expires_at_us, changed.id))
        while due and due[0][0] <= now_us():
            ended = heapq.heappop(due)
            if due and due[0] == ended:
                continue  # It changed before its time, and is in here once for each change.
            found = await asyncio.to_thread(records.approval, ended[1])
            if found is not None and state_at(found, now_us()) is ApprovalState.EXPIRED:
                feed.publish([found])


async def _due(records: OpenApprovals, now_us: int) -> list[tuple[int, str]]:
    """When each open approval ends, and its id."""
    due: list[tuple[int, str]] = []
    before = ""
    while True:
        page = await asyncio.to_thread(
            records.list_approvals, before=before, limit=_PAGE, open_at_us=now_us
        )
        due += [(one.expires_at_us, one.id) for one in page]
        if len(page) < _PAGE:
            return due
        before = page[-1].id
