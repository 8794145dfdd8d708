"""The atoms of tasks at work: kept between batches, and told anew from the store when they are not.

Derived data only. What the store holds decides: atoms that are not of exactly a task's newest leaf
are dropped and told again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pdp.domain import builtin
from pdp.domain.task import Task
from pdp.domain.task_atoms import TaskAtoms
from pdp.ports import Store, TaskEvent

#: Atoms kept for all tasks together; about 200 bytes each.
KEPT_ATOMS: Final = 2_000_000


@dataclass(slots=True)
class _Kept:
    sequence: int
    atoms: TaskAtoms

    @property
    def size(self) -> int:
        # A task counts for at least one, so that empty ones do not pile up either.
        return len(self.atoms) + 1


class Memory:
    """Remembers atoms by task, those used last. Used by the pipeline's thread only."""

    def __init__(self, kept_atoms: int = KEPT_ATOMS) -> None:
        self._kept_atoms = kept_atoms
        self._kept: dict[str, _Kept] = {}
        self._size = 0

    def of(self, task: Task, store: Store) -> TaskAtoms:
        """The atoms of a stored task; nobody may add to them but through a draft.

        Raises:
            StoreError: they must be told anew, and the store cannot be read.
        """
        kept = self._drop(task.id)
        # A task that is not stored yet may be asked for again with another goal.
        if kept is None or kept.sequence != task.sequence or not task.sequence:
            atoms = tell(task, store.events(task.id) if task.sequence else ())
            kept = _Kept(task.sequence, atoms)
        self._kept[task.id] = kept
        self._size += kept.size
        return kept.atoms

    def committed(self, tasks: Iterable[Task], drafts: dict[str, TaskAtoms]) -> None:
        """Take over what a batch has made true: its tasks as committed, and its drafts."""
        for task in tasks:
            kept = self._kept.get(task.id)
            if kept is None:
                continue
            if task.id in drafts:
                before = kept.size
                kept.atoms.absorb(drafts[task.id])
                self._size += kept.size - before
            kept.sequence = task.sequence
        while self._size > self._kept_atoms:
            self._drop(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self._size = 0

    def _drop(self, task_id: str) -> _Kept | None:
        kept = self._kept.pop(task_id, None)
        if kept is not None:
            self._size -= kept.size
        return kept


def tell(task: Task, events: Sequence[TaskEvent]) -> TaskAtoms:
    """The atoms of a task, from its goal and everything it has met."""
    atoms = TaskAtoms()
    if task.registered:
        atoms.add_principal(task.intent.goal)
    else:
        atoms.add_asserted(task.intent.goal)
    appended: dict[str, str] = {}
    for event in events:
        if event.input:
            call = json.loads(event.input)
            arguments = call["call"]["arguments"]
            if call["tool"]["server"] != builtin.SERVER:
                atoms.add_arguments(arguments)
            elif call["tool"]["name"] == builtin.APPEND_CONTEXT:
                appended[event.decision_id] = arguments["trust"]
        else:
            tell_output(event, atoms, principal=appended.get(event.decision_id) == "principal")
    return atoms


def tell_output(event: TaskEvent, atoms: TaskAtoms, *, principal: bool) -> None:
    """What a call returned, or what was appended; `principal` where an orchestrator vouched."""
    if principal:
        atoms.add_principal(event.output.decode("utf-8", "replace"), event.decision_id)
    elif event.output:
        atoms.add_output(
            event.output, event.media_type, event.label, event.decision_id, event.sensitivity
        )
