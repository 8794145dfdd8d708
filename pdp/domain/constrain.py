"""Step 4, Constrain: what no policy may loosen. Pure rules; policy can only narrow them further."""

from __future__ import annotations

from pdp.domain.approval import is_party
from pdp.domain.records import ApprovalRecord
from pdp.domain.task import Task
from pdp.domain.values import Caller, Reason, TaskState

RULE = "invariant"


def task_reasons(task: Task | None, now_us: int) -> list[Reason]:
    """Why nothing may happen in this task any more; empty where it is alive."""
    if task is None:
        return [
            _reason(
                "unknown_task",
                "no such task for this subject",
                "Start the task first, or correct context.task_id and subject.",
            )
        ]
    match task.state_at(now_us):
        case TaskState.ACTIVE:
            return []
        case TaskState.REVOKED:
            return [
                _reason("revoked", "the task was revoked", "Ask an operator why, then start anew.")
            ]
        case _:
            return [
                _reason(
                    "task_ended",
                    "the task is completed or has expired",
                    "Start a new task, or use a new session_id.",
                )
            ]


def tool_reasons(*, known: bool, ambiguous: bool) -> list[Reason]:
    """Why a call has no catalogue entry to go by; empty where it has one."""
    if known:
        return []
    if ambiguous:
        return [
            _reason(
                "tool_ambiguous",
                "several servers have a tool of this name",
                "Set action.server.",
            )
        ]
    return [
        _reason(
            "unknown_tool",
            "the tool is not in the catalogue",
            "Import the server's tools with `pdp catalogue import` and load the catalogue.",
        )
    ]


def arguments_reasons(path: str, problem: str) -> list[Reason]:
    """The reason for arguments that do not fit the tool's schema."""
    return [
        Reason(
            code="arguments_invalid",
            message=f"arguments do not fit the tool's schema at {path or '/'}: {problem}",
            rule=RULE,
            remediation="Send arguments that fit the tool's schema.",
            metadata={"path": path},
            agent_message="The arguments do not fit the tool's schema.",
        )
    ]


def effect_reasons(task: Task | None, *, effect: bool) -> list[Reason]:
    """Why an effect may not happen here: nobody vouched for an unregistered task."""
    if task is None or task.registered or not effect:
        return []
    return [
        _reason(
            "task_unregistered",
            "an unregistered task may read and draft only",
            "Have an orchestrator start the task with StartTask.",
        )
    ]


def person_reasons(approval: ApprovalRecord, caller: Caller) -> list[Reason]:
    """Why this caller may not answer for the call, whatever policy says of approvers."""
    if not is_party(caller.identity, approval):
        return []
    return [
        Reason(
            code="self_approval",
            message="the call is the approver's own: its subject's, or its principal's",
            rule=RULE,
            remediation="Somebody who is neither the agent nor the person it works for decides.",
            metadata={"approval": approval.id},
            agent_message="Another person has to decide this.",
        )
    ]


def start_reasons(*, exists: bool) -> list[Reason]:
    """Why a task cannot be started under the wanted id."""
    if not exists:
        return []
    return [
        _reason("task_exists", "a task of this id exists", "Choose another id, or leave it unset.")
    ]


def _reason(code: str, message: str, remediation: str) -> Reason:
    return Reason(
        code=code,
        message=message,
        rule=RULE,
        remediation=remediation,
        agent_message="This call is not possible in this task.",
    )
