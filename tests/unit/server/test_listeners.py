"""What all watchers are told is made once, and all of them can be ended."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pdp.domain.records import ApprovalRecord
from pdp.feed import ApprovalFeed
from pdp.ports import StoreError
from pdp.server.listeners import Listeners, Shared
from tests.conformance.test_store_answers import approval


def run(what: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await what()

    asyncio.run(main())


class Making:
    """Makes ids of approvals, as slowly as `go` says, and counts how often."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.made = 0

    def __call__(self, one: ApprovalRecord) -> str:
        self.made += 1
        self.go.wait(10)
        return one.id


def test_what_many_ask_for_is_made_once() -> None:
    async def check() -> None:
        making = Making()
        shared = Shared(making)
        one, other = approval("a-1"), approval("a-2")
        asked = [asyncio.create_task(shared.of(one)) for _ in range(10)]
        asked.append(asyncio.create_task(shared.of(other)))
        making.go.set()
        assert await asyncio.gather(*asked) == ["a-1"] * 10 + ["a-2"]
        assert making.made == 2
        # A record of the same approval is another state of it.
        assert await shared.of(approval("a-1")) == "a-1"
        assert making.made == 3

    run(check)


def test_one_who_gives_up_takes_it_from_nobody() -> None:
    async def check() -> None:
        making = Making()
        shared, one = Shared(making), approval("a-1")
        first, second = (asyncio.create_task(shared.of(one)) for _ in range(2))
        await asyncio.sleep(0.05)
        first.cancel()
        await asyncio.sleep(0.05)
        making.go.set()
        assert await second == "a-1"
        assert first.cancelled()

    run(check)


def test_what_cannot_be_made_fails_for_everybody() -> None:
    async def check() -> None:
        def fail(_: ApprovalRecord) -> str:
            raise StoreError("the disk is gone")

        shared, one = Shared(fail), approval("a-1")
        for _ in range(2):
            with pytest.raises(StoreError):
                await shared.of(one)

    run(check)


def test_only_so_much_is_remembered() -> None:
    async def check() -> None:
        making = Making()
        making.go.set()
        shared = Shared(making)
        for number in range(500):
            await shared.of(approval(f"a-{number}"))
        assert len(shared._made) <= 64

    run(check)


def test_whoever_listens_is_ended_and_whoever_comes_later_too() -> None:
    async def check() -> None:
        feed = ApprovalFeed(asyncio.get_running_loop())
        listeners = Listeners(feed)
        with listeners.listen() as changes, listeners.listen("a-1") as one:
            feed.publish([approval("a-1")])
            await asyncio.sleep(0.01)
            listeners.end()
            assert [change.id async for change in changes] == ["a-1"]
            assert [change.id async for change in one] == ["a-1"]
        with listeners.listen() as later:
            assert [change.id async for change in later] == []

    run(check)
