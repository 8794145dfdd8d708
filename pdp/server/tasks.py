"""TaskService: tasks start, change and end as decided calls; reading them decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from google.protobuf.message import Message

from pdp.domain.answer import Answer, Refusal, RefusalKind
from pdp.domain.error_reason import ErrorReason
from pdp.domain.limits import check_task_id
from pdp.domain.request import Ask
from pdp.server import answers, convert
from pdp.server.authorization import decided
from pdp.server.errors import Refused
from pdp.server.pages import check_reader, fill, now_us, page_of
from pdp.server.ports import Submitter, TaskReader
from pdp.server.rpc import Asked, Rpc
from pdp.v1 import decision_pb2, task_pb2

_NO_SUCH: Final = Refusal(
    RefusalKind.NOT_FOUND,
    "there is no task of this id",
    "task_id",
    reason=ErrorReason.TASK_NOT_FOUND,
)


def task_rpcs(
    submitter: Submitter, tasks: TaskReader, *, console_url: str = ""
) -> Mapping[str, Rpc]:
    """The RPCs of TaskService that this version has, by name.

    `console_url` is where people decide what is escalated, if anywhere.
    """

    def shown(answer: Answer) -> decision_pb2.AuthorizeResponse:
        return answers.answer(answer, console_url=console_url)

    async def submitted(request: convert.Acting, ask: Ask, asked: Asked) -> Answer:
        call = convert.call(
            request, ask, caller=asked.caller, rpc=asked.rpc, deadline_us=asked.deadline_us
        )
        return decided(await submitter.submit(call))

    async def start_task(request: task_pb2.StartTaskRequest, asked: Asked) -> Message:
        answer = await submitted(request, convert.start_task(request), asked)
        return task_pb2.StartTaskResponse(task=_task_after(answer), authorization=shown(answer))

    async def change_phase(request: task_pb2.ChangePhaseRequest, asked: Asked) -> Message:
        answer = await submitted(request, convert.change_phase(request), asked)
        return task_pb2.ChangePhaseResponse(task=_task_after(answer), authorization=shown(answer))

    async def complete_task(request: task_pb2.CompleteTaskRequest, asked: Asked) -> Message:
        answer = await submitted(request, convert.complete_task(request), asked)
        return task_pb2.CompleteTaskResponse(authorization=shown(answer))

    async def append_context(request: task_pb2.AppendContextRequest, asked: Asked) -> Message:
        answer = await submitted(request, convert.append_context(request), asked)
        sent = shown(answer)
        return task_pb2.AppendContextResponse(
            task=sent.task if sent.HasField("task") else None, authorization=sent
        )

    async def get_task(request: task_pb2.GetTaskRequest, asked: Asked) -> Message:
        check_reader(asked)
        check_task_id(request.task_id, "task_id")
        found = await asyncio.to_thread(tasks.task, request.task_id)
        if found is None:
            raise Refused(_NO_SUCH)
        return task_pb2.GetTaskResponse(task=answers.task(found, now_us=now_us()))

    async def list_tasks(request: task_pb2.ListTasksRequest, asked: Asked) -> Message:
        check_reader(asked)
        page = page_of(request)
        # One more than shown, to know whether there is a next page.
        found = await asyncio.to_thread(tasks.list_tasks, after=page.beyond, limit=page.size + 1)
        at_us = now_us()
        messages, token = fill(
            page, found, lambda one: answers.task(one, now_us=at_us), lambda one: one.id
        )
        return task_pb2.ListTasksResponse(tasks=messages, next_page_token=token)

    async def revoke(request: task_pb2.RevokeRequest, asked: Asked) -> Message:
        answer = await submitted(request, convert.revoke(request), asked)
        return task_pb2.RevokeResponse(authorization=shown(answer))

    return {
        "StartTask": start_task,
        "ChangePhase": change_phase,
        "CompleteTask": complete_task,
        "AppendContext": append_context,
        "GetTask": get_task,
        "ListTasks": list_tasks,
        "Revoke": revoke,
    }


def _task_after(answer: Answer) -> task_pb2.Task | None:
    if answer.task_after is None:
        return None
    return answers.task(answer.task_after, now_us=answer.evaluated_at_us)
