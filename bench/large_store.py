"""Fills a store with a history, through the Store port and much faster than by asking.

Leaves, chains, sums and commitments are those that the service would have written, so that
`pdp audit verify` finds the result in order. Only the newest input documents are kept, as where an
operator erases old ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeAlias

from bench.calls import BUDGET, GOAL, SERVER, TOOLS, Lane, arguments, is_effect, question
from pdp.clock import SystemClock
from pdp.domain.builtin import identity
from pdp.domain.canonical import JsonValue
from pdp.domain.leaves import Entry, input_commitment, write_leaf
from pdp.domain.records import ApprovalRecord, Changes, DecisionRecord, InputRecord, Leaf
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
from pdp.identity.development import ISSUER
from pdp.store.sqlite import SqliteStore, open_store

#: Leaves in one transaction: memory stays small, and syncing costs nothing beside writing.
BATCH: Final = 10_000
KEPT_INPUTS: Final = 100_000
#: A history lies in the past, with a step between its batches, and its tasks outlive every run.
AGE_US: Final = 3600 * 1_000_000
STEP_US: Final = 1_000_000
LIFE_US: Final = 10 * 365 * 86_400 * 1_000_000

#: Who calls in development mode, and so in the bench.
CALLER: Final = Caller(
    Subject("service", "development", ISSUER), frozenset({"pep", "orchestrator"}), "development"
)

Documents: TypeAlias = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class History:
    """Tasks of so many calls each, and of so many open questions to people after them.

    A task's start is not among its calls.
    """

    lanes: Sequence[Lane]
    calls: int
    questions: int = 0

    @property
    def leaves(self) -> int:
        """How many leaves it makes."""
        return len(self.lanes) * (1 + self.calls + self.questions)


def fill_store(
    data: Path,
    histories: Sequence[History],
    documents: Documents,
    tell: Callable[[str], None],
    asked: ApprovalRecord | None = None,
) -> int:
    """Write the histories into a new store in `data`, and return how many leaves it has.

    `documents` are input documents that a service has recorded, by tool, and `asked` is a question
    of `bench.calls` that it has opened (none is needed where no history has questions): those
    written are like them. Calls of different tasks follow each other, as they would at a service.
    """
    store = open_store(data)
    try:
        total = sum(history.leaves for history in histories)
        _Writer(store, documents, asked, total, tell).write(histories)
        return store.log_state().size
    finally:
        store.close()


class _Writer:
    """Gathers what a batch makes true, and commits it when it is full."""

    def __init__(
        self,
        store: SqliteStore,
        documents: Documents,
        asked: ApprovalRecord | None,
        total: int,
        tell: Callable[[str], None],
    ) -> None:
        self.store = store
        self.documents = documents
        self.asked = asked
        self.total = total
        self.tell = tell
        self.clock = SystemClock()
        self.now_us = self.clock.now_us() - AGE_US
        self.committed = 0
        self.leaves: list[Leaf] = []
        self.decisions: list[DecisionRecord] = []
        self.inputs: list[InputRecord] = []
        self.approvals: list[ApprovalRecord] = []
        self.tasks: dict[str, Task] = {}
        self.changed: set[str] = set()
        # Of the whole history: the batch after next would read them back only to change them.
        self.rollups: dict[str, Rollup] = {}

    def write(self, histories: Sequence[History]) -> None:
        for history in histories:
            for lanes in _pieces(history.lanes, BATCH):
                tasks = [self._start(lane) for lane in lanes]
                for number in range(history.calls):
                    tasks = [
                        self._call(task, number * len(lanes) + at) for at, task in enumerate(tasks)
                    ]
                for number in range(history.questions):
                    tasks = [
                        self._ask(task, number * len(lanes) + at) for at, task in enumerate(tasks)
                    ]
        self._commit()

    def _start(self, lane: Lane) -> Task:
        task = Task(
            id=lane.task_id,
            subject=Subject("agent", lane.agent),
            principal=Subject("user", lane.person, "https://id.example.com"),
            intent=Intent(GOAL, TOOLS, (), Sensitivity.CONFIDENTIAL),
            phase=Phase.EXECUTE,
            state=TaskState.ACTIVE,
            budget=Budget(BUDGET, BUDGET),
            started_at_us=self.now_us,
            expires_at_us=self.now_us + LIFE_US,
            registered=True,
            opened_by=CALLER.identity,
        )
        return self._keep(
            self._record(task, "pdp", "pdp.start_task", {"task_id": task.id}, effect=False)
        )

    def _call(self, task: Task, number: int) -> Task:
        tool, given = arguments(number)
        effect = is_effect(number)
        told = self._record(task, SERVER, tool, given, effect=effect)
        return self._keep(self._summed(told, Decision.ALLOW, effect=effect))

    def _ask(self, task: Task, number: int) -> Task:
        if self.asked is None:
            raise ValueError("a history with questions needs one to be like")
        tool, given = question(number)
        told = self._record(task, SERVER, tool, given, effect=True, decision=Decision.ESCALATE)
        text = _canonical(given)
        self.approvals.append(
            replace(
                self.asked,
                id=self.clock.new_id("a"),
                decision_id=self.decisions[-1].id,
                task_id=task.id,
                binding_digest=_digest(text),
                subject=task.subject,
                principal=task.principal,
                canonical_arguments=text,
                created_at_us=self.now_us,
                expires_at_us=self.now_us + LIFE_US,
            )
        )
        return self._keep(self._summed(told, Decision.ESCALATE, effect=True))

    def _summed(self, task: Task, decision: Decision, *, effect: bool) -> Task:
        """The task with the sums after one more decision; those of its principal are kept too."""

        def add(rollup: Rollup) -> Rollup:
            return rollup.add(
                now_us=self.now_us,
                decision=decision,
                effect=effect,
                taints=False,
                sensitivity=Sensitivity.INTERNAL,
                asks=decision is Decision.ESCALATE,
            )

        for key in task.rollup_keys:
            self.rollups[key] = add(self.rollups.get(key, Rollup()))
            self.changed.add(key)
        return task.with_rollup(add(task.rollup))

    def _keep(self, task: Task) -> Task:
        self.tasks[task.id] = task
        if len(self.leaves) >= BATCH:
            self._commit()
        return task

    def _record(
        self,
        task: Task,
        server: str,
        tool: str,
        given: dict[str, object],
        *,
        effect: bool,
        decision: Decision = Decision.ALLOW,
    ) -> Task:
        """The task with a decision as its newest leaf."""
        decision_id, nonce = self.clock.new_id("d"), self.clock.nonce()
        digest = _digest(_canonical(given))
        index = self.committed + len(self.leaves)
        # What is erased may have been anything: its leaf holds no more than a digest.
        kept = index >= self.total - KEPT_INPUTS
        document = self._document(task, tool, given) if kept else b""
        members: dict[str, JsonValue] = {
            "id": decision_id,
            "rpc": "Authorize",
            "request_id": f"filled-{index}",
            "subject": identity(task.subject),
            "principal": identity(task.principal),
            "server": server,
            "tool": tool,
            "class": "send" if effect else "read",
            "effect": effect,
            "args": digest,
            "binding": digest,
            "decision": decision.value,
            "codes": ["within_intent" if decision is Decision.ALLOW else "sink_unknown"],
            "rules": ["intent" if decision is Decision.ALLOW else "sinks"],
            "shadow": {},
            "revision": "sha256:" + "0" * 64,
            "input": input_commitment(nonce, document),
        }
        leaf, told = write_leaf(Entry("decision", self.now_us, CALLER, members), task)
        self.leaves.append(leaf)
        self.decisions.append(
            DecisionRecord(
                id=decision_id,
                task_id=task.id,
                caller=CALLER.identity.key,
                decision=decision,
                tool_class=ToolClass.SEND if effect else ToolClass.READ,
                output_label=OutputLabel.TRUSTED,
                sensitivity=Sensitivity.INTERNAL,
                server=server,
                tool=tool,
                at_us=self.now_us,
                leaf_index=index,
            )
        )
        if kept:
            self.inputs.append(InputRecord(decision_id, task.id, nonce, document))
        return told if told is not None else task

    def _document(self, task: Task, tool: str, given: dict[str, object]) -> bytes:
        like = self.documents[tool]
        document = {
            **like,
            "task": {**like["task"], "id": task.id},
            "call": {**like["call"], "arguments": given},
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    def _commit(self) -> None:
        if not self.leaves:
            return
        self.store.commit(
            Changes(
                at_us=self.now_us,
                first_index=self.committed,
                leaves=tuple(self.leaves),
                tasks=tuple(self.tasks.values()),
                rollups=tuple((key, self.rollups[key]) for key in sorted(self.changed)),
                decisions=tuple(self.decisions),
                inputs=tuple(self.inputs),
                approvals=tuple(self.approvals),
            )
        )
        self.committed += len(self.leaves)
        for rows in (self.leaves, self.decisions, self.inputs, self.approvals):
            rows.clear()
        self.tasks.clear()
        self.changed.clear()
        self.now_us += STEP_US
        self.tell(f"filling a store: {self.committed:,} of {self.total:,} leaves")


def _canonical(given: dict[str, object]) -> bytes:
    return json.dumps(given, sort_keys=True, separators=(",", ":")).encode()


def _digest(text: bytes) -> str:
    return "sha256:" + sha256(text).hexdigest()


def _pieces(lanes: Sequence[Lane], size: int) -> Iterator[Sequence[Lane]]:
    return (lanes[at : at + size] for at in range(0, len(lanes), size))
