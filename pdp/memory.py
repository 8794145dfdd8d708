"""What tasks at work have met: kept between batches, and told anew from the store when it is not.

Derived data only. What the store holds decides: what is not of exactly a task's newest leaf is
dropped and told again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pdp.domain import asked, builtin, drafts
from pdp.domain.catalogue import ArgumentKind
from pdp.domain.drafts import DraftArgument
from pdp.domain.goal import GoalActs, read_goal
from pdp.domain.output_forms import read_forms
from pdp.domain.steering import Led
from pdp.domain.task import Task
from pdp.domain.task_atoms import TaskAtoms
from pdp.domain.values import Sensitivity, ToolClass
from pdp.ports import Store, TaskEvent

#: Atoms kept for all tasks together; about 200 bytes each.
KEPT_ATOMS: Final = 2_000_000
# What a task takes besides its atoms counts as so many: about 8 KiB.
_TASK_ATOMS: Final = 40


@dataclass(slots=True)
class Met:
    """What one task has met: its atoms, and the acts that its principal's words ask for.

    `led` are the decisions about reads that untrusted content led to, `led_before` says that it led
    to a resource above PUBLIC in one of them.
    """

    atoms: TaskAtoms = field(default_factory=TaskAtoms)
    goal: GoalActs = field(default_factory=GoalActs)
    led: frozenset[str] = frozenset()
    led_before: bool = False

    def draft(self) -> Met:
        """A view that can be added to and dropped, or absorbed once it is sure."""
        return Met(self.atoms.draft(), self.goal, self.led, self.led_before)

    def absorb(self, draft: Met) -> None:
        """Keep what a draft over this has added."""
        self.atoms.absorb(draft.atoms)
        self.goal, self.led, self.led_before = draft.goal, draft.led, draft.led_before

    def hear(self, text: str, source: str) -> None:
        """The principal's words, which an orchestrator vouches for."""
        self.atoms.add_principal(text, source)
        self.goal = self.goal.and_also(read_goal(text))

    def drafted(self, decision_id: str, arguments: Sequence[DraftArgument]) -> None:
        """A draft was made or changed: what sends it by its identifier reaches whom it names."""
        vouched = drafts.vouched(arguments)
        if vouched is not None:
            changed = [one.value for one in arguments if one.kind == ArgumentKind.IDENTIFIER]
            self.atoms.add_draft(decision_id, changed, vouched=vouched)

    def followed(self, decision_id: str, led: str, sensitivity: int) -> None:
        """A read was allowed to which untrusted content led as far as `led` (a `Led`) says."""
        if led != Led.NOTHING:
            self.led |= {decision_id}
        if led == Led.RESOURCE and sensitivity > Sensitivity.PUBLIC:
            self.led_before = True

    def see(self, event: TaskEvent) -> None:
        """What a call returned, or material that was appended."""
        if event.output or event.read is not None:
            read = event.read
            if read is None:
                read = read_forms(event.output, event.media_type)
            self.atoms.add_reading(
                read,
                event.label,
                event.decision_id,
                event.sensitivity,
                led=event.decision_id in self.led,
            )


@dataclass(slots=True)
class _Kept:
    sequence: int
    met: Met

    @property
    def size(self) -> int:
        # Tasks that have met little must not pile up either.
        return len(self.met.atoms) + _TASK_ATOMS


class Memory:
    """Remembers what tasks have met, those used last. Used by the pipeline's thread only."""

    def __init__(self, kept_atoms: int = KEPT_ATOMS) -> None:
        self._kept_atoms = kept_atoms
        self._kept: dict[str, _Kept] = {}
        self._size = 0

    def of(self, task: Task, store: Store) -> Met:
        """What a stored task has met; nobody may add to it but through a draft.

        Raises:
            StoreError: it must be told anew, and the store cannot be read.
        """
        kept = self._drop(task.id)
        # A task that is not stored yet may be asked for again with another goal.
        if kept is None or kept.sequence != task.sequence or not task.sequence:
            kept = _Kept(task.sequence, tell(task, store.events(task.id) if task.sequence else ()))
        self._kept[task.id] = kept
        self._size += kept.size
        return kept.met

    def committed(self, tasks: Iterable[Task], drafts: dict[str, Met]) -> None:
        """Take over what a batch has made true: its tasks as committed, and its drafts."""
        for task in tasks:
            kept = self._kept.get(task.id)
            if kept is None:
                continue
            if task.id in drafts:
                before = kept.size
                kept.met.absorb(drafts[task.id])
                self._size += kept.size - before
            kept.sequence = task.sequence
        while self._size > self._kept_atoms:
            self._drop(next(iter(self._kept)))

    def _drop(self, task_id: str) -> _Kept | None:
        kept = self._kept.pop(task_id, None)
        if kept is not None:
            self._size -= kept.size
        return kept


def tell(task: Task, events: Sequence[TaskEvent]) -> Met:
    """What a task has met, from its goal and everything on record since."""
    met = Met()
    if task.registered:
        met.hear(task.intent.goal, "goal")
    else:
        met.atoms.add_asserted(task.intent.goal)
    appended: dict[str, str] = {}
    for event in events:
        if event.input:
            call = json.loads(event.input)
            arguments = call["call"]["arguments"]
            if call["tool"]["server"] != builtin.SERVER:
                met.atoms.add_arguments(arguments)
                met.atoms.add_call(event.decision_id, asked.recorded(call))
                if call["tool"]["class"] == ToolClass.DRAFT:
                    met.drafted(event.decision_id, drafts.recorded(call))
                # Records of before it was looked at do not say.
                led = call["provenance"].get("led", Led.NOTHING)
                met.followed(event.decision_id, led, call["sensitivity"])
            elif call["tool"]["name"] == builtin.APPEND_CONTEXT:
                appended[event.decision_id] = arguments["trust"]
        elif appended.get(event.decision_id) == "principal":
            met.hear(event.output.decode("utf-8", "replace"), event.decision_id)
        else:
            met.see(event)
    return met
