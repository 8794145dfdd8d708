"""The queue: open approvals newest first, those that ask the same thing together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import JSONResponse, Response

from pdp.approval_view import sentence_of
from pdp.console.parts import Behind, Visit
from pdp.console.render import page
from pdp.domain.approval import likeness
from pdp.domain.records import ApprovalRecord
from pdp.domain.task import Task

#: What one person looks through at a time.
PAGE: Final = 50
#: Ids are some 30 characters; a cursor is one.
CURSOR_CHARS: Final = 128


@dataclass(frozen=True, slots=True)
class Group:
    """Open approvals that ask the same thing: one tool, the same arguments, the same reasons."""

    approvals: tuple[ApprovalRecord, ...]
    sentence: str
    task: Task | None

    @property
    def first(self) -> ApprovalRecord:
        """The newest of them."""
        return self.approvals[0]

    @property
    def ids(self) -> str:
        """Their ids, as one field of a form."""
        return ",".join(one.id for one in self.approvals)

    @property
    def ends_us(self) -> int:
        """When the first of them ends."""
        return min(one.expires_at_us for one in self.approvals)


@dataclass(frozen=True, slots=True)
class Queue:
    """One page of the queue. `newest` is the newest open one of all, `next` the next cursor."""

    groups: tuple[Group, ...]
    total: int
    newest: str
    next: str


def show_queue(visit: Visit) -> Response:
    """The page `/`."""
    before = visit.request.query_params.get("before", "")[:CURSOR_CHARS]
    return page(visit, "queue.html", queue=read_queue(visit.behind, before), before=before)


def pulse(visit: Visit) -> Response:
    """How many are open, which is the newest, and how many came after the one already seen."""
    seen = visit.request.query_params.get("seen", "")[:CURSOR_CHARS]
    total, ids = _pulse(visit.behind)
    new = ids.index(seen) if seen in ids else len(ids)
    return JSONResponse({"open": total, "newest": ids[0] if ids else "", "new": new})


def read_queue(behind: Behind, before: str) -> Queue:
    """One page of the queue.

    Raises:
        StoreError: it cannot be read.
    """
    now_us, records = behind.now_us(), behind.records
    found = records.list_approvals(before=before, limit=PAGE + 1, open_at_us=now_us)
    shown = found[:PAGE]
    newest = records.list_approvals(before="", limit=1, open_at_us=now_us) if before else shown[:1]
    return Queue(
        groups=grouped(shown, behind),
        total=records.count_open(now_us),
        newest=newest[0].id if newest else "",
        next=shown[-1].id if len(found) > PAGE else "",
    )


def grouped(approvals: Sequence[ApprovalRecord], behind: Behind) -> tuple[Group, ...]:
    """Approvals put together where they ask the same thing, each group where its newest was.

    Raises:
        StoreError: their tasks cannot be read.
    """
    together: dict[str, list[ApprovalRecord]] = {}
    for one in approvals:
        together.setdefault(likeness(one), []).append(one)
    catalogue = behind.catalogue()
    tasks: dict[str, Task | None] = {}
    groups: list[Group] = []
    for alike in together.values():
        first = alike[0]
        if first.task_id not in tasks:
            tasks[first.task_id] = behind.records.task(first.task_id)
        groups.append(Group(tuple(alike), sentence_of(first, catalogue), tasks[first.task_id]))
    return tuple(groups)


def _pulse(behind: Behind) -> tuple[int, list[str]]:
    now_us = behind.now_us()
    newest = behind.records.list_approvals(before="", limit=PAGE, open_at_us=now_us)
    return behind.records.count_open(now_us), [one.id for one in newest]
