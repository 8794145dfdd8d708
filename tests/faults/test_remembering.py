"""What is remembered of tasks is bounded, however many there are and however little they met."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pdp.memory import Memory
from tests.unit.decide.world import World, authorize

KEPT = 1_000
TASKS = 120
# A task without atoms takes some 8 KiB, an atom some 200 bytes.
MOST_TASKS = KEPT // 40


def test_tasks_that_have_met_nothing_do_not_pile_up_in_memory(tmp_path: Path) -> None:
    memory = Memory(kept_atoms=KEPT)
    world = World(tmp_path / "data")
    world.parts = replace(world.parts, memory=memory)
    for number in range(TASKS):
        task_id = world.start(f"t{number}")
        world.one(authorize(task_id=task_id))
    assert 0 < len(memory._kept) <= MOST_TASKS
    world.store.close()
