"""Approvals that change reach those who wait, in time and without piling up."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pdp import feed as feed_module
from pdp.domain.approval import state_at
from pdp.domain.records import ApprovalRecord
from pdp.domain.values import ApprovalState
from pdp.feed import ApprovalFeed, FellBehind, tell_expiries
from pdp.ports import StoreError
from tests.samples import approval


def now_us() -> int:
    return time.time_ns() // 1000


class Open:
    """The records of a store, in a list; `fail` says how often reading fails first."""

    def __init__(self, *approvals: ApprovalRecord, fail: int = 0) -> None:
        self.approvals = {one.id: one for one in approvals}
        self.fail = fail
        self.listed = 0

    def approval(self, approval_id: str) -> ApprovalRecord | None:
        return self.approvals.get(approval_id)

    def list_approvals(
        self, *, before: str, limit: int, open_at_us: int = 0, task_id: str = ""
    ) -> Sequence[ApprovalRecord]:
        assert not task_id
        self.listed += 1
        if self.fail:
            self.fail -= 1
            raise StoreError("the disk is gone")
        found = [
            one
            for one in sorted(self.approvals.values(), key=lambda one: one.id, reverse=True)
            if (not before or one.id < before)
            and state_at(one, open_at_us) is ApprovalState.PENDING
        ]
        return found[:limit]


def run(what: Callable[[ApprovalFeed], Coroutine[Any, Any, None]], **options: int) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await what(ApprovalFeed(asyncio.get_running_loop(), **options))

    asyncio.run(main())


async def settled() -> None:
    """Give what was published the time to arrive."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_what_another_thread_publishes_reaches_every_subscriber_in_order() -> None:
    async def check(feed: ApprovalFeed) -> None:
        with feed.subscribe() as one, feed.subscribe() as other:
            sent = [approval("a-1"), approval("a-2")]
            threading.Thread(target=feed.publish, args=(sent,)).start()
            assert [await anext(one), await anext(one)] == sent
            assert [await anext(other), await anext(other)] == sent

    run(check)


def test_who_subscribed_to_one_approval_hears_of_that_one_only() -> None:
    async def check(feed: ApprovalFeed) -> None:
        with feed.subscribe("a-2") as changes:
            feed.publish([approval("a-1"), approval("a-2"), approval("a-3")])
            assert (await anext(changes)).id == "a-2"
            await settled()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await anext(changes)

    run(check)


def test_a_slow_subscriber_gets_the_newest_state_of_each_approval() -> None:
    async def check(feed: ApprovalFeed) -> None:
        with feed.subscribe() as changes:
            for state in (ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.RESERVED):
                feed.publish([approval("a-1", state=state)])
            feed.publish([approval("a-2")])
            await settled()
            told = [await anext(changes), await anext(changes)]
        assert [(one.id, one.state) for one in told] == [
            ("a-1", ApprovalState.RESERVED),
            ("a-2", ApprovalState.PENDING),
        ]

    run(check)


def test_a_subscriber_that_is_too_far_behind_is_told_so_and_holds_nothing() -> None:
    async def check(feed: ApprovalFeed) -> None:
        with feed.subscribe() as changes:
            feed.publish([approval(f"a-{number}") for number in range(4)])
            await settled()
            with pytest.raises(FellBehind):
                await anext(changes)
            feed.publish([approval("a-9")])
            await settled()
            with pytest.raises(FellBehind):
                await anext(changes)

    run(check, behind=3)


def test_giving_up_a_wait_loses_nothing() -> None:
    async def check(feed: ApprovalFeed) -> None:
        with feed.subscribe() as changes:
            for number in range(20):
                waiting = asyncio.ensure_future(anext(changes))
                await settled()
                feed.publish([approval(f"a-{number}")])
                waiting.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await waiting
                assert (await anext(changes)).id == f"a-{number}"

    run(check)


def test_a_closed_subscription_ends_after_what_was_told() -> None:
    async def check(feed: ApprovalFeed) -> None:
        with feed.subscribe() as changes:
            feed.publish([approval("a-1")])
            await settled()
            changes.close()
            assert [one.id async for one in changes] == ["a-1"]

    run(check)


def test_publishing_to_a_loop_that_has_ended_is_no_error() -> None:
    feeds: list[ApprovalFeed] = []

    async def check(feed: ApprovalFeed) -> None:
        feeds.append(feed)

    run(check)
    feeds[0].publish([approval("a-1")])


def test_an_approval_is_told_when_its_time_is_over_and_only_once() -> None:
    async def check(feed: ApprovalFeed) -> None:
        soon, sooner = now_us() + 300_000, now_us() + 150_000
        records = Open(approval("a-1", expires_at_us=soon), approval("a-3"))
        with feed.subscribe() as changes:
            task = asyncio.create_task(tell_expiries(feed, records, now_us))
            later = approval("a-2", expires_at_us=sooner)
            records.approvals["a-2"] = later
            await asyncio.sleep(0.05)
            feed.publish([later])
            told = [(await anext(changes)).id for _ in range(3)]
            assert now_us() >= soon
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await anext(changes)
            task.cancel()
        assert told == ["a-2", "a-2", "a-1"]

    run(check)


def test_an_approval_that_was_decided_in_time_is_not_told_to_have_expired() -> None:
    async def check(feed: ApprovalFeed) -> None:
        records = Open(approval("a-1", expires_at_us=now_us() + 100_000))
        with feed.subscribe() as changes:
            task = asyncio.create_task(tell_expiries(feed, records, now_us))
            await asyncio.sleep(0.02)
            denied = replace(records.approvals["a-1"], state=ApprovalState.DENIED)
            records.approvals["a-1"] = denied
            feed.publish([denied])
            assert (await anext(changes)).state is ApprovalState.DENIED
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await anext(changes)
            task.cancel()

    run(check)


def test_a_store_that_could_not_be_read_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_RETRY_SECONDS", 0.01)

    async def check(feed: ApprovalFeed) -> None:
        records = Open(approval("a-1", expires_at_us=now_us() + 100_000), fail=2)
        with feed.subscribe() as changes:
            task = asyncio.create_task(tell_expiries(feed, records, now_us))
            assert (await anext(changes)).id == "a-1"
            task.cancel()
        assert records.listed == 3

    run(check)


def test_open_approvals_are_read_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "_PAGE", 2)

    async def check(feed: ApprovalFeed) -> None:
        ends = now_us() + 100_000
        records = Open(*(approval(f"a-{number}", expires_at_us=ends) for number in range(5)))
        with feed.subscribe() as changes:
            task = asyncio.create_task(tell_expiries(feed, records, now_us))
            told = {(await anext(changes)).id for _ in range(5)}
            task.cancel()
        assert told == {f"a-{number}" for number in range(5)}

    run(check)
