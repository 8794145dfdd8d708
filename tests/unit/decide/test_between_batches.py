"""Work between two batches: it runs alone, and whoever gives up on it harms nobody."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from pdp.decide import Parts
from pdp.domain.answer import Answer
from pdp.pipeline import Pipeline
from tests.unit.decide.world import World, authorize


def test_work_that_nobody_waits_for_any_more_is_not_done_and_calls_go_on(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.start()
    pipeline = Pipeline(world.parts)
    done: list[str] = []
    entered, leave = threading.Event(), threading.Event()

    def hold(parts: Parts) -> tuple[Parts, str]:
        entered.set()
        assert leave.wait(10)
        return parts, "held"

    def note(parts: Parts) -> tuple[Parts, str]:
        done.append("noted")
        return parts, "noted"

    pipeline.start()
    try:
        held = pipeline.between_batches(hold)
        assert entered.wait(10)
        waiting = pipeline.between_batches(note)
        # What runs cannot be called off any more, what waits can.
        assert not held.cancel()
        assert waiting.cancel()
        leave.set()
        assert held.result(10) == "held"
        assert pipeline.between_batches(note).result(10) == "noted"
        assert done == ["noted"]
        result = asyncio.run(pipeline.submit(authorize()))
        assert isinstance(result, Answer)
    finally:
        leave.set()
        pipeline.close()
        world.store.close()
