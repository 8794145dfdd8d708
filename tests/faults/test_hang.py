"""A store that neither works nor fails: nobody waits for it for ever, and nothing is allowed."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pdp.domain.answer import Answer, Refusal, RefusalKind
from pdp.domain.records import Changes
from pdp.domain.values import Decision
from pdp.pipeline import Pipeline
from pdp.store.guarded import GuardedStore
from tests.unit.decide.world import World, authorize

PATIENCE_S = 0.3


class HangingStore(GuardedStore):
    """A real store whose commits wait until they are let go."""

    def __init__(self, world: World) -> None:
        super().__init__(world.store)
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def commit(self, changes: Changes) -> None:
        self.entered.set()
        assert self.go_on.wait(30)
        super().commit(changes)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "data")
    made.start()
    return made


def test_a_call_whose_commit_hangs_is_denied_and_later_ones_were_never_decided(
    world: World,
) -> None:
    store = HangingStore(world)
    pipeline = Pipeline(replace(world.parts, store=store), result_s=PATIENCE_S)
    before = world.store.log_state().size

    async def play() -> None:
        first = asyncio.create_task(pipeline.submit(authorize()))
        await asyncio.to_thread(store.entered.wait, 10)
        second = await pipeline.submit(authorize(request_id="second"))
        for result in (await first, second):
            assert isinstance(result, Answer)
            assert result.decision is Decision.DENY
            assert [reason.code for reason in result.reasons] == ["not_recorded"]
            assert not result.decision_id
            assert not result.canonical_arguments
        store.go_on.set()
        third = await pipeline.submit(authorize(request_id="third"))
        assert isinstance(third, Answer)
        assert third.decision is Decision.ALLOW

    pipeline.start()
    try:
        asyncio.run(play())
    finally:
        store.go_on.set()
        pipeline.close()
    # The first was on its way to the disk and is in the log, the second was dropped before.
    assert world.store.log_state().size == before + 2


def test_a_client_that_leaves_while_a_commit_hangs_has_its_waiting_call_dropped(
    world: World,
) -> None:
    store = HangingStore(world)
    pipeline = Pipeline(replace(world.parts, store=store))
    before = world.store.log_state().size

    async def play() -> None:
        first = asyncio.create_task(pipeline.submit(authorize()))
        await asyncio.to_thread(store.entered.wait, 10)
        leaving = asyncio.create_task(pipeline.submit(authorize()))
        await asyncio.sleep(0)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        store.go_on.set()
        result = await first
        assert isinstance(result, Answer)
        assert result.decision is Decision.ALLOW

    pipeline.start()
    try:
        asyncio.run(play())
    finally:
        store.go_on.set()
        pipeline.close()
    assert world.store.log_state().size == before + 1


def test_calls_beyond_the_queue_are_refused_at_once_while_a_commit_hangs(world: World) -> None:
    store = HangingStore(world)
    pipeline = Pipeline(replace(world.parts, store=store), queue_calls=4, batch_calls=2)

    async def play() -> None:
        first = asyncio.create_task(pipeline.submit(authorize()))
        await asyncio.to_thread(store.entered.wait, 10)
        waiting = [asyncio.create_task(pipeline.submit(authorize())) for _ in range(4)]
        await asyncio.sleep(0)
        refused = await asyncio.wait_for(pipeline.submit(authorize()), PATIENCE_S / 2)
        assert isinstance(refused, Refusal)
        assert refused.kind is RefusalKind.RESOURCE_EXHAUSTED
        store.go_on.set()
        assert {type(result) for result in await asyncio.gather(first, *waiting)} == {Answer}
        assert pipeline.waiting == 0

    pipeline.start()
    try:
        asyncio.run(play())
    finally:
        store.go_on.set()
        pipeline.close()
