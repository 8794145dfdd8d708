"""What the front door needs behind it: somewhere to hand calls in, and a reader of tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol, TypeVar

from pdp.decide import Parts
from pdp.domain.answer import Result
from pdp.domain.request import Call
from pdp.domain.task import Task

T = TypeVar("T")


class Submitter(Protocol):
    """Decides calls. Never raises: what goes wrong is a Refusal."""

    async def submit(self, call: Call) -> Result:
        """The result of one call."""

    async def submit_many(self, calls: Sequence[Call]) -> Sequence[Result]:
        """One result for each call, in order; the calls enter together."""


class BetweenBatches(Protocol):
    """Runs work on the thread that decides, while no batch is."""

    def between_batches(self, work: Callable[[Parts], tuple[Parts, T]]) -> Future[T]:
        """Run `work`; the parts it returns are in force from then on."""


class TaskReader(Protocol):
    """Reads tasks. Called from worker threads; may block."""

    def task(self, task_id: str) -> Task | None:
        """The task, or None where there is none of that id.

        Raises:
            StoreError: it cannot be read.
        """

    def list_tasks(self, *, after: str, limit: int) -> Sequence[Task]:
        """Up to `limit` tasks in a fixed order, beginning behind the task `after` (empty: first).

        Raises:
            StoreError: they cannot be read.
        """
