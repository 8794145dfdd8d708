"""A store that remembers the tasks and rollups it has just seen, so that it need not read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final, Generic, TypeVar

from pdp.domain.records import Changes
from pdp.domain.task import Rollup, Task
from pdp.ports import LogState, Snapshot, Store, TaskEvent, Wanted

# Tasks at work at one time in a large deployment; a few KiB each.
TASKS: Final = 4096
# Two for each task: its principal's, and its subject and principal's.
ROLLUPS: Final = 2 * TASKS

V = TypeVar("V")


class Recent(Generic[V]):
    """The values used last, by key; at most `limit` of them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[str, V] = {}

    def take(self, keys: Iterable[str]) -> dict[str, V]:
        """Those of the keys that are known, which are thereby used last."""
        values = self._values
        found = {}
        for key in keys:
            if key in values:
                found[key] = values[key] = values.pop(key)
        return found

    def put(self, values: Mapping[str, V]) -> None:
        """Remember values, and forget those whose last use is longest ago."""
        for key, value in values.items():
            self._values.pop(key, None)
            self._values[key] = value
        excess = len(self._values) - self._limit
        if excess > 0:
            for key in list(islice(self._values, excess)):
                del self._values[key]

    def clear(self) -> None:
        """Forget all."""
        self._values.clear()


class RecentStore:
    """Wraps the store of a single writer: what that writer has committed is what is there.

    Only what was read or durably committed is remembered, and all of it is forgotten with the
    first fault, whatever it was. A decision is never remembered here.
    """

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._tasks: Recent[Task] = Recent(TASKS)
        self._rollups: Recent[Rollup] = Recent(ROLLUPS)

    def load(self, wanted: Wanted) -> Snapshot:
        """What is known of the keys, read only where it is not remembered."""
        tasks = self._tasks.take(wanted.tasks)
        rollups = self._rollups.take(wanted.rollups)
        missing = wanted
        if tasks or rollups:
            missing = replace(
                wanted, tasks=wanted.tasks - tasks.keys(), rollups=wanted.rollups - rollups.keys()
            )
        if missing == Wanted():
            return Snapshot(tasks=tasks, rollups=rollups)
        try:
            found = self._inner.load(missing)
        except BaseException:
            self._forget()
            raise
        self._tasks.put(found.tasks)
        self._rollups.put(found.rollups)
        if missing is wanted:
            return found
        return replace(found, tasks={**found.tasks, **tasks}, rollups={**found.rollups, **rollups})

    def events(self, task_id: str) -> Sequence[TaskEvent]:
        """Everything a task has met; not remembered here."""
        return self._inner.events(task_id)

    def log_state(self) -> LogState:
        """The log as last committed."""
        return self._inner.log_state()

    def commit(self, changes: Changes) -> None:
        """Commit, and remember what is thereby true."""
        try:
            self._inner.commit(changes)
        except BaseException:
            self._forget()
            raise
        self._tasks.put({task.id: task for task in changes.tasks})
        self._rollups.put(dict(changes.rollups))

    def settle(self, changes: Changes) -> bool:
        """Whether `changes` did happen."""
        self._forget()
        return self._inner.settle(changes)

    def close(self) -> None:
        """Give the store back."""
        self._forget()
        self._inner.close()

    def _forget(self) -> None:
        self._tasks.clear()
        self._rollups.clear()
