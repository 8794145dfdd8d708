"""A store that serves nothing while the result of its last commit is unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from pdp.domain.records import Changes
from pdp.ports import (
    CommitUnknown,
    LogState,
    NotRecorded,
    Snapshot,
    Store,
    StoreError,
    TaskEvent,
    Wanted,
)

T = TypeVar("T")


class GuardedStore:
    """Wraps a store: an unknown commit is looked up first, and `failing` says whether it works.

    Used by the pipeline's thread; `failing` may be read from any.
    """

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._unknown: Changes | None = None
        self.failing = False

    def load(self, wanted: Wanted) -> Snapshot:
        """What the store knows, once it is known what it knows."""
        self._look_up()
        return self._watched(lambda: self._inner.load(wanted))

    def events(self, task_id: str) -> Sequence[TaskEvent]:
        """Everything a task has met."""
        self._look_up()
        return self._watched(lambda: self._inner.events(task_id))

    def log_state(self) -> LogState:
        """The log as last committed."""
        self._look_up()
        return self._watched(self._inner.log_state)

    def commit(self, changes: Changes) -> None:
        """Commit; a result that is unknown is looked up at once.

        Raises:
            NotRecorded: it did not happen.
            StoreError: the truth cannot be read yet; nothing is served until it can.
        """
        self._look_up()
        try:
            self._watched(lambda: self._inner.commit(changes))
        except CommitUnknown:
            self._unknown = changes
            if not self._look_up():
                raise NotRecorded("the commit did not happen") from None
        self.failing = False

    def settle(self, changes: Changes) -> bool:
        """Whether `changes` did happen."""
        return self._inner.settle(changes)

    def probe(self) -> None:
        """Write nothing, durably: whether the store works again.

        Raises:
            StoreError: it does not.
        """
        log = self.log_state()
        self.commit(Changes(at_us=log.last_at_us, first_index=log.size))

    def close(self) -> None:
        """Give the store back."""
        self._inner.close()

    def _look_up(self) -> bool:
        """Whether the unknown commit happened; True also where there is none."""
        if self._unknown is None:
            return True
        unknown = self._unknown
        happened = self._watched(lambda: self._inner.settle(unknown))
        self._unknown = None
        return happened

    def _watched(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except StoreError:
            self.failing = True
            raise
