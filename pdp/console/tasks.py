"""The pages of tasks and grants: what there is, what happened, and how to stop it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import RedirectResponse, Response

from pdp.approval_view import ShownStep, story
from pdp.console.parts import Behind, Visit
from pdp.console.problems import not_found
from pdp.console.queue import CURSOR_CHARS, PAGE
from pdp.console.render import page
from pdp.domain.approval import grant_is_live
from pdp.domain.records import ApprovalRecord, GrantRecord
from pdp.domain.task import Task
from pdp.domain.values import TaskState

#: Decisions on a page of a task's story.
STEPS: Final = 50
#: A task's approvals and grants on its page: more are a flood, which policy has stopped by then.
_LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task with what it did, newest first. `older` is the cursor of the next page of steps."""

    task: Task
    state: TaskState
    steps: tuple[ShownStep, ...]
    older: int
    approvals: tuple[ApprovalRecord, ...]
    grants: tuple[GrantRecord, ...]


def show_tasks(visit: Visit) -> Response:
    """The page `/tasks`."""
    query = visit.request.query_params
    wanted = query.get("id", "").strip()[:CURSOR_CHARS]
    if wanted and visit.behind.records.task(wanted) is not None:
        return RedirectResponse(f"/tasks/{wanted}", 303)
    after = query.get("after", "")[:CURSOR_CHARS]
    found = _list_tasks(visit.behind, after)
    shown, more = found[:PAGE], len(found) > PAGE
    return page(
        visit,
        "tasks.html",
        tasks=shown,
        next=shown[-1].id if more else "",
        after=after,
        wanted=wanted,
    )


def _list_tasks(behind: Behind, after: str) -> list[Task]:
    return list(behind.records.list_tasks(after=after, limit=PAGE + 1))


def show_task(visit: Visit) -> Response:
    """The page `/tasks/ID`."""
    before = visit.request.query_params.get("before", "")
    place = int(before) if before.isascii() and before.isdigit() and len(before) < 16 else 0
    found = _read_task(visit.behind, visit.request.path_params["id"], place)
    if found is None:
        return not_found(visit, "task")
    return page(visit, "task.html", view=found, before=place)


def _read_task(behind: Behind, task_id: str, before: int) -> TaskView | None:
    records, now_us = behind.records, behind.now_us()
    task = records.task(task_id)
    if task is None:
        return None
    steps = story(task_id, records, before=before, limit=STEPS)
    return TaskView(
        task=task,
        state=task.state_at(now_us),
        steps=steps,
        older=steps[-1].place if len(steps) == STEPS else 0,
        approvals=tuple(records.list_approvals(before="", limit=_LISTED, task_id=task_id)),
        grants=tuple(records.list_grants(before="", limit=_LISTED, task_id=task_id)),
    )


def confirm_revoke_task(visit: Visit) -> Response:
    """Ask once more before a task is ended."""
    task = visit.behind.records.task(visit.request.path_params["id"])
    if task is None:
        return not_found(visit, "task")
    return page(visit, "revoke_task.html", task=task)


def show_grants(visit: Visit) -> Response:
    """The page `/grants`."""
    before = visit.request.query_params.get("before", "")[:CURSOR_CHARS]
    found = _list_grants(visit.behind, before)
    shown = found[:PAGE]
    next_page = shown[-1].id if len(found) > PAGE else ""
    return page(visit, "grants.html", grants=shown, next=next_page, before=before)


def _list_grants(behind: Behind, before: str) -> list[GrantRecord]:
    return list(
        behind.records.list_grants(before=before, limit=PAGE + 1, live_at_us=behind.now_us())
    )


def confirm_revoke_grant(visit: Visit) -> Response:
    """Ask once more before a grant is ended."""
    grant = visit.behind.records.grant(visit.request.path_params["id"])
    if grant is None:
        return not_found(visit, "grant")
    is_live = grant_is_live(grant, visit.behind.now_us())
    return page(visit, "revoke_grant.html", grant=grant, is_live=is_live)
