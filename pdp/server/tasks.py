"""TaskService: tasks start, change and end as decided calls; reading them decides nothing."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from collections.abc import Mapping
from typing import Final

from google.protobuf.message import Message

from pdp.domain.answer import Answer, Refusal, RefusalKind
from pdp.domain.limits import InvalidInput, check_task_id
from pdp.domain.request import Ask
from pdp.server import answers, convert
from pdp.server.authorization import decided
from pdp.server.errors import Refused
from pdp.server.ports import Submitter, TaskReader
from pdp.server.rpc import Asked, Rpc
from pdp.v1 import task_pb2

# A screenful; a caller that wants more says so.
DEFAULT_PAGE: Final = 50
# One page is read and built in one piece.
MAX_PAGE: Final = 500
# Clients accept messages of 4 MiB unless told otherwise; a page ends early rather than fail there.
_PAGE_BYTES: Final = 3 * 1024 * 1024
# Goals and names of other people's work are not for everyone who can connect.
_READERS: Final = frozenset({"pep", "orchestrator", "approver", "auditor", "admin"})


def task_rpcs(submitter: Submitter, tasks: TaskReader) -> Mapping[str, Rpc]:
    """The RPCs of TaskService that this version has, by name."""

    async def submitted(request: convert.Acting, ask: Ask, asked: Asked) -> Answer:
        call = convert.call(
            request, ask, caller=asked.caller, rpc=asked.rpc, deadline_us=asked.deadline_us
        )
        return decided(await submitter.submit(call))

    async def start_task(request: task_pb2.StartTaskRequest, asked: Asked) -> Message:
        answer = await submitted(request, convert.start_task(request), asked)
        return task_pb2.StartTaskResponse(
            task=_task_after(answer), authorization=answers.answer(answer)
        )

    async def change_phase(request: task_pb2.ChangePhaseRequest, asked: Asked) -> Message:
        answer = await submitted(request, convert.change_phase(request), asked)
        return task_pb2.ChangePhaseResponse(
            task=_task_after(answer), authorization=answers.answer(answer)
        )

    async def complete_task(request: task_pb2.CompleteTaskRequest, asked: Asked) -> Message:
        answer = await submitted(request, convert.complete_task(request), asked)
        return task_pb2.CompleteTaskResponse(authorization=answers.answer(answer))

    async def append_context(request: task_pb2.AppendContextRequest, asked: Asked) -> Message:
        answer = await submitted(request, convert.append_context(request), asked)
        sent = answers.answer(answer)
        return task_pb2.AppendContextResponse(
            task=sent.task if sent.HasField("task") else None, authorization=sent
        )

    async def get_task(request: task_pb2.GetTaskRequest, asked: Asked) -> Message:
        _check_reader(asked)
        check_task_id(request.task_id, "task_id")
        found = await asyncio.to_thread(tasks.task, request.task_id)
        if found is None:
            raise Refused(Refusal(RefusalKind.NOT_FOUND, "there is no task of this id", "task_id"))
        return task_pb2.GetTaskResponse(task=answers.task(found, now_us=_now_us()))

    async def list_tasks(request: task_pb2.ListTasksRequest, asked: Asked) -> Message:
        _check_reader(asked)
        if request.page_size < 0:
            raise InvalidInput("page_size", "is negative", "send 0 for the default, or more")
        after = _after(request.page_token)
        size = min(request.page_size or DEFAULT_PAGE, MAX_PAGE)
        # One more than shown, to know whether there is a next page.
        found = await asyncio.to_thread(tasks.list_tasks, after=after, limit=size + 1)
        response = task_pb2.ListTasksResponse()
        now_us, room = _now_us(), _PAGE_BYTES
        for entry in found[:size]:
            message = answers.task(entry, now_us=now_us)
            room -= message.ByteSize()
            if room < 0 and response.tasks:
                break
            response.tasks.append(message)
        if len(response.tasks) < len(found):
            response.next_page_token = _token(response.tasks[-1].id)
        return response

    return {
        "StartTask": start_task,
        "ChangePhase": change_phase,
        "CompleteTask": complete_task,
        "AppendContext": append_context,
        "GetTask": get_task,
        "ListTasks": list_tasks,
    }


def _check_reader(asked: Asked) -> None:
    if not asked.caller.roles & _READERS:
        raise Refused(
            Refusal(
                RefusalKind.PERMISSION_DENIED,
                f"{asked.rpc} needs one of the roles {', '.join(sorted(_READERS))}",
            )
        )


def _task_after(answer: Answer) -> task_pb2.Task | None:
    if answer.task_after is None:
        return None
    return answers.task(answer.task_after, now_us=answer.evaluated_at_us)


def _token(task_id: str) -> str:
    return base64.urlsafe_b64encode(task_id.encode()).decode().rstrip("=")


def _after(token: str) -> str:
    if not token:
        return ""
    try:
        padded = token + "=" * (-len(token) % 4)
        after = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        check_task_id(after, "page_token")
    except (binascii.Error, ValueError):  # InvalidInput is a ValueError too.
        raise InvalidInput(
            "page_token", "was not made by this server", "send next_page_token as it came"
        ) from None
    return after


def _now_us() -> int:
    return time.time_ns() // 1000
