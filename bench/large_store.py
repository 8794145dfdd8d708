"""Fills a store with a history, through the Store port and much faster than by asking.

Leaves, chains, sums and commitments are those that the service would have written, so that
`pdp audit verify` finds the result in order. Only the newest input documents are kept, as where an
operator erases old ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Final

from bench.calls import BUDGET, GOAL, SERVER, TOOLS, Lane, arguments, is_effect
from pdp.clock import SystemClock
from pdp.domain.builtin import identity
from pdp.domain.canonical import JsonValue
from pdp.domain.leaves import Entry, input_commitment
from pdp.domain.records import DecisionRecord, InputRecord
from pdp.domain.task import Rollup, Task
from pdp.domain.values import (
    Budget,
    Caller,
    Decision,
    Intent,
    OutputLabel,
    Phase,
    Sensitivity,
    Subject,
    TaskState,
    ToolClass,
)
from pdp.overlay import Overlay
from pdp.store.sqlite import SqliteStore, open_store

#: Leaves in one transaction: memory stays small, and syncing costs nothing beside writing.
BATCH: Final = 10_000
KEPT_INPUTS: Final = 100_000
#: A history lies in the past, with a step between its batches, and its tasks outlive every run.
AGE_US: Final = 3600 * 1_000_000
LIFE_US: Final = 10 * 365 * 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class History:
    """Tasks of so many calls each; a task's start is not among its calls."""

    lanes: Sequence[Lane]
    calls: int

    @property
    def leaves(self) -> int:
        """How many leaves it makes."""
        return len(self.lanes) * (1 + self.calls)


def fill_store(
    data: Path, histories: Sequence[History], caller: Caller, tell: Callable[[str], None]
) -> int:
    """Write the histories into a new store in `data`; `caller` made all calls. Returns its leaves.

    Calls of different tasks follow each other, as they would at a service.
    """
    store = open_store(data)
    try:
        total = sum(history.leaves for history in histories)
        _Writer(store, caller, total, tell).write(histories)
        return store.log_state().size
    finally:
        store.close()


class _Writer:
    def __init__(
        self, store: SqliteStore, caller: Caller, total: int, tell: Callable[[str], None]
    ) -> None:
        self.store = store
        self.caller = caller
        self.total = total
        self.tell = tell
        self.clock = SystemClock()
        self.first_us = self.clock.now_us() - AGE_US
        self.written = 0
        self.rollups: dict[str, Rollup] = {}
        self.overlay = self._fresh()

    def write(self, histories: Sequence[History]) -> None:
        for history in histories:
            for lanes in _pieces(history.lanes, BATCH):
                # All in memory: the batch after next would read them back only to change them.
                tasks = [self._start(lane) for lane in lanes]
                for number in range(history.calls):
                    tasks = [
                        self._call(task, number * len(lanes) + at) for at, task in enumerate(tasks)
                    ]
        self._commit()

    def _fresh(self) -> Overlay:
        at_us = self.first_us + self.written // BATCH * 1_000_000
        return Overlay(self.store, self.store.log_state(), at_us)

    def _start(self, lane: Lane) -> Task:
        overlay = self._room()
        task = Task(
            id=lane.task_id,
            subject=Subject("agent", lane.agent),
            principal=Subject("user", lane.person, "https://id.example.com"),
            intent=Intent(GOAL, TOOLS, (), Sensitivity.CONFIDENTIAL),
            phase=Phase.EXECUTE,
            state=TaskState.ACTIVE,
            budget=Budget(BUDGET, BUDGET),
            started_at_us=overlay.now_us,
            expires_at_us=overlay.now_us + LIFE_US,
            registered=True,
            opened_by=self.caller.identity,
        )
        return self._record(task, "pdp", "pdp.start_task", {"task_id": task.id}, effect=False)

    def _call(self, task: Task, number: int) -> Task:
        tool, given = arguments(number)
        effect = is_effect(number)
        told = self._record(task, SERVER, tool, given, effect=effect)
        overlay = self.overlay
        for key in task.rollup_keys:
            self.rollups[key] = self._add(self.rollups.get(key, Rollup()), effect=effect)
            overlay.put_rollup(key, self.rollups[key])
        counted = told.with_rollup(self._add(told.rollup, effect=effect))
        overlay.put_task(counted)
        return counted

    def _add(self, rollup: Rollup, *, effect: bool) -> Rollup:
        return rollup.add(
            now_us=self.overlay.now_us,
            decision=Decision.ALLOW,
            effect=effect,
            taints=False,
            sensitivity=Sensitivity.INTERNAL,
        )

    def _record(
        self, task: Task, server: str, tool: str, given: dict[str, object], *, effect: bool
    ) -> Task:
        overlay = self._room()
        decision_id, nonce = self.clock.new_id("d"), self.clock.nonce()
        document = self._document(task, tool, given)
        text = json.dumps(given, sort_keys=True, separators=(",", ":")).encode()
        digest = "sha256:" + sha256(text).hexdigest()
        members: dict[str, JsonValue] = {
            "id": decision_id,
            "rpc": "Authorize",
            "request_id": f"filled-{self.written}",
            "subject": identity(task.subject),
            "principal": identity(task.principal),
            "server": server,
            "tool": tool,
            "class": "send" if effect else "read",
            "effect": effect,
            "args": digest,
            "binding": digest,
            "decision": Decision.ALLOW.value,
            "codes": ["within_intent"],
            "rules": ["intent"],
            "shadow": {},
            "revision": "sha256:" + "0" * 64,
            "input": input_commitment(nonce, document),
        }
        entry = Entry("decision", overlay.now_us, self.caller, members)
        receipt, told = overlay.append(entry, task)
        overlay.add_decision(
            DecisionRecord(
                id=decision_id,
                task_id=task.id,
                caller=self.caller.identity.key,
                decision=Decision.ALLOW,
                tool_class=ToolClass.SEND if effect else ToolClass.READ,
                output_label=OutputLabel.TRUSTED,
                sensitivity=Sensitivity.INTERNAL,
                server=server,
                tool=tool,
                at_us=overlay.now_us,
                leaf_index=receipt.leaf_index,
            ),
            InputRecord(decision_id, task.id, nonce, document),
        )
        self.written += 1
        return told if told is not None else task

    def _document(self, task: Task, tool: str, given: dict[str, object]) -> bytes:
        # As long as those that the service writes; what is in it is never read.
        filling = "x" * 1700
        return json.dumps(
            {"task": task.id, "tool": tool, "call": given, "filling": filling}
        ).encode()

    def _room(self) -> Overlay:
        if self.written and self.written % BATCH == 0 and self.overlay.changes() is not None:
            self._commit()
        return self.overlay

    def _commit(self) -> None:
        changes = self.overlay.changes()
        if changes is None:
            return
        if self.written < self.total - KEPT_INPUTS:
            changes = replace(changes, inputs=())
        self.store.commit(changes)
        self.overlay = self._fresh()
        self.tell(f"filling a store: {self.written:,} of {self.total:,} leaves")


def _pieces(lanes: Sequence[Lane], size: int) -> Iterator[Sequence[Lane]]:
    return (lanes[at : at + size] for at in range(0, len(lanes), size))
