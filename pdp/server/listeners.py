"""Subscriptions of those who wait or watch over gRPC, all of which end when the server drains."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from pdp.domain.records import ApprovalRecord
from pdp.feed import ApprovalFeed, Subscription

# What is told to everyone at about the same time; each holds the message of one approval.
_SHARED: Final = 64

T = TypeVar("T")


class Listeners:
    """Subscribes to a feed until it is ended. To be used on the feed's event loop."""

    def __init__(self, feed: ApprovalFeed) -> None:
        self._feed = feed
        self._open: set[Subscription] = set()
        self._ended = False

    @contextmanager
    def listen(self, approval_id: str = "") -> Iterator[Subscription]:
        """As `ApprovalFeed.subscribe`; the iteration ends with `end`."""
        with self._feed.subscribe(approval_id) as changes:
            self._open.add(changes)
            if self._ended:
                changes.close()
            try:
                yield changes
            finally:
                self._open.discard(changes)

    def end(self) -> None:
        """End every subscription, and from now on each as it begins."""
        self._ended = True
        for changes in self._open:
            changes.close()


class Shared(Generic[T]):
    """Makes something of each approval once, however many ask at about the same time.

    `make` runs on another thread. To be used on one event loop.
    """

    def __init__(self, make: Callable[[ApprovalRecord], T]) -> None:
        self._make = make
        # By identity; the record is held, so that no other one takes its place.
        self._made: dict[int, tuple[ApprovalRecord, asyncio.Future[T]]] = {}

    async def of(self, approval: ApprovalRecord) -> T:
        """What is made of this very record. Raises what making it raised."""
        found = self._made.get(id(approval))
        if found is None:
            if len(self._made) >= _SHARED:
                del self._made[next(iter(self._made))]
            found = (approval, asyncio.ensure_future(asyncio.to_thread(self._make, approval)))
            self._made[id(approval)] = found
        # One who gives up must not take it from the others.
        return await asyncio.shield(found[1])
