"""ApprovalService: people answer escalated calls; reading, waiting and watching decide nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import Message

from pdp.approval_view import STORY_STEPS, story
from pdp.domain.answer import Answer, Refusal, RefusalKind
from pdp.domain.approval import state_at
from pdp.domain.error_reason import ErrorReason
from pdp.domain.records import ApprovalRecord
from pdp.domain.request import Call, CancelApproval
from pdp.domain.task import Task
from pdp.domain.values import ApprovalState, Decision, NextAction
from pdp.feed import ApprovalFeed, FellBehind, Subscription
from pdp.identity.port import Identify
from pdp.ports import Records
from pdp.server import approval_messages as messages
from pdp.server import convert
from pdp.server.authorization import decided
from pdp.server.errors import Refused
from pdp.server.listeners import Listeners, Shared
from pdp.server.pages import check_reader, fill, now_us, page_of
from pdp.server.ports import Submitter
from pdp.server.rpc import Asked, Rpc, Send, StreamRpc
from pdp.server.streams import Places
from pdp.v1 import approval_pb2

# Proxies and load balancers end requests that are silent for about a minute.
WAIT_SECONDS: Final = 60.0
# An answer has to reach a client before that gives up.
DEADLINE_MARGIN_SECONDS: Final = 0.2
# A quarter of the calls that a server holds: waiting must not keep those out that decide.
WAITERS: Final = 4096
# Consoles and gateways of one node. Each of them is written to with every change, and 100 have to
# be told within 100 ms.
WATCHERS: Final = 256
# Open approvals that are read and sent in one piece when a watch begins.
_PAGE: Final = 100

#: Those that read only. A full queue of calls to decide is no reason to refuse them.
READS: Final = frozenset(
    {"GetApproval", "ListApprovals", "WaitApproval", "WatchApprovals", "ListGrants"}
)
#: Those that need a person.
ACTS: Final = frozenset({"DecideApproval", "CancelApproval"})

_NO_SUCH: Final = Refusal(
    RefusalKind.NOT_FOUND,
    "there is no approval of this id",
    "approval_id",
    reason=ErrorReason.APPROVAL_NOT_FOUND,
)
_TOO_MANY: Final = Refusal(
    RefusalKind.RESOURCE_EXHAUSTED,
    f"{WATCHERS} watch the approvals of this server already; use WaitApproval or ListApprovals",
    reason=ErrorReason.TOO_MANY_WATCHES,
)
_TOO_MANY_WAIT: Final = Refusal(
    RefusalKind.RESOURCE_EXHAUSTED,
    f"{WAITERS} wait for approvals already; ask again in a while, with no max_wait",
    reason=ErrorReason.TOO_MANY_WATCHES,
)
_STOPPING: Final = Refusal(
    RefusalKind.UNAVAILABLE,
    "the service is stopping: watch again, on another node",
    reason=ErrorReason.STOPPING,
)
_COME_BACK: Final = Refusal(
    RefusalKind.UNAVAILABLE,
    "a watch ends after a while, so that it moves between nodes: watch again",
    reason=ErrorReason.STREAM_ENDED,
)
_BEHIND: Final = Refusal(
    RefusalKind.UNAVAILABLE,
    "approvals changed faster than this watch was read: watch again",
    reason=ErrorReason.WATCH_BEHIND,
)


@dataclass(frozen=True, slots=True)
class ApprovalService:
    """What a server needs to offer ApprovalService.

    `callers` identify the caller of some RPCs in another way than that of the rest. `end` has every
    wait and watch answered now; new ones end at once.
    """

    rpcs: Mapping[str, Rpc]
    streams: Mapping[str, StreamRpc]
    callers: Mapping[str, Identify]
    end: Callable[[], None]


#: A server without ApprovalService.
NO_APPROVALS: Final = ApprovalService({}, {}, {}, lambda: None)


def approval_service(
    submitter: Submitter,
    records: Records,
    feed: ApprovalFeed,
    person_of: Identify,
    *,
    watch_s: float,
) -> ApprovalService:
    """ApprovalService over a pipeline and the records that it writes.

    `person_of` finds out which person calls where a person has to. A watch ends after `watch_s`
    seconds.
    """
    listeners = Listeners(feed)
    waiters, watchers = Places(WAITERS), Places(WATCHERS)
    reading = _Reading(records)
    shared = Shared(reading.brief)

    async def get_approval(request: approval_pb2.GetApprovalRequest, asked: Asked) -> Message:
        check_reader(asked)
        approval_id = convert.own_id(request.approval_id, "approval_id")
        shown = await asyncio.to_thread(reading.full, approval_id)
        return approval_pb2.GetApprovalResponse(approval=shown)

    async def list_approvals(request: approval_pb2.ListApprovalsRequest, asked: Asked) -> Message:
        check_reader(asked)
        page = page_of(request)

        def read() -> Message:
            open_at_us = now_us() if request.open_only else 0
            found = records.list_approvals(
                before=page.beyond, limit=page.size + 1, open_at_us=open_at_us
            )
            shown, token = fill(page, found, reading.briefly(), lambda one: one.id)
            return approval_pb2.ListApprovalsResponse(approvals=shown, next_page_token=token)

        return await asyncio.to_thread(read)

    async def list_grants(request: approval_pb2.ListGrantsRequest, asked: Asked) -> Message:
        check_reader(asked)
        page = page_of(request)

        def read() -> Message:
            found = records.list_grants(
                before=page.beyond, limit=page.size + 1, live_at_us=now_us()
            )
            shown, token = fill(page, found, messages.grant, lambda one: one.id)
            return approval_pb2.ListGrantsResponse(grants=shown, next_page_token=token)

        return await asyncio.to_thread(read)

    async def decide_approval(request: approval_pb2.DecideApprovalRequest, asked: Asked) -> Message:
        ask = messages.decide(request)
        call = convert.call(
            request, ask, caller=asked.caller, rpc=asked.rpc, deadline_us=asked.deadline_us
        )
        _check_allowed(decided(await submitter.submit(call)))
        shown = await asyncio.to_thread(reading.full, ask.approval_id)
        return approval_pb2.DecideApprovalResponse(approval=shown)

    async def cancel_approval(request: approval_pb2.CancelApprovalRequest, asked: Asked) -> Message:
        ask = CancelApproval(convert.own_id(request.approval_id, "approval_id"))
        call = Call(asked.caller, asked.rpc, ask, deadline_us=asked.deadline_us)
        _check_allowed(decided(await submitter.submit(call)))
        shown = await asyncio.to_thread(reading.full, ask.approval_id)
        return approval_pb2.CancelApprovalResponse(approval=shown)

    async def wait_approval(request: approval_pb2.WaitApprovalRequest, asked: Asked) -> Message:
        check_reader(asked)
        approval_id = convert.own_id(request.approval_id, "approval_id")
        max_wait_s = convert.micros(request.max_wait, "max_wait") / 1_000_000
        until_s = time.monotonic() + min(max_wait_s, WAIT_SECONDS)
        if asked.deadline_us:
            until_s = min(until_s, asked.deadline_us / 1_000_000 - DEADLINE_MARGIN_SECONDS)
        with waiters.place() as taken:
            if not taken:
                raise Refused(_TOO_MANY_WAIT)
            with listeners.listen(approval_id) as changes:
                await _wait(until_s, approval_id, changes, records)
        shown = await asyncio.to_thread(reading.full, approval_id)
        return approval_pb2.WaitApprovalResponse(approval=shown)

    async def watch_approvals(
        _request: approval_pb2.WatchApprovalsRequest, asked: Asked, send: Send
    ) -> None:
        check_reader(asked)
        with watchers.place() as taken:
            if not taken:
                raise Refused(_TOO_MANY)
            try:
                async with asyncio.timeout(watch_s):
                    with listeners.listen() as changes:
                        await _send_open(records, reading, send)
                        async for approval in changes:
                            shown = await shared.of(approval)
                            await send(approval_pb2.WatchApprovalsResponse(approval=shown))
            except TimeoutError:
                raise Refused(_COME_BACK) from None
            except FellBehind:
                raise Refused(_BEHIND) from None
        raise Refused(_STOPPING)

    return ApprovalService(
        rpcs={
            "GetApproval": get_approval,
            "ListApprovals": list_approvals,
            "DecideApproval": decide_approval,
            "CancelApproval": cancel_approval,
            "WaitApproval": wait_approval,
            "ListGrants": list_grants,
        },
        streams={"WatchApprovals": watch_approvals},
        callers=dict.fromkeys(ACTS, person_of),
        end=listeners.end,
    )


class _Reading:
    """Approvals from the store as messages. Blocks: to be used on worker threads."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def full(self, approval_id: str) -> approval_pb2.Approval:
        """One approval with its task's latest decisions.

        Raises:
            Refused: there is none of this id.
            StoreError: it cannot be read.
        """
        found = self._records.approval(approval_id)
        if found is None:
            raise Refused(_NO_SUCH)
        return messages.approval(
            found,
            task=self._records.task(found.task_id),
            now_us=now_us(),
            recent=story(found.task_id, self._records, limit=STORY_STEPS),
        )

    def brief(self, approval: ApprovalRecord) -> approval_pb2.Approval:
        """One approval among others: without its task's decisions, which cost as much to read."""
        task = self._records.task(approval.task_id)
        return messages.approval(approval, task=task, now_us=now_us())

    def briefly(self) -> Callable[[ApprovalRecord], approval_pb2.Approval]:
        """As `brief`, for many: each task is read once."""
        tasks: dict[str, Task | None] = {}

        def brief(approval: ApprovalRecord) -> approval_pb2.Approval:
            if approval.task_id not in tasks:
                tasks[approval.task_id] = self._records.task(approval.task_id)
            return messages.approval(approval, task=tasks[approval.task_id], now_us=now_us())

        return brief


async def _wait(until_s: float, approval_id: str, changes: Subscription, records: Records) -> None:
    """Return once the approval is not pending, at `until_s` (monotonic), or when `changes` end."""
    while True:
        # Read after subscribing: what happens from here on is among the changes.
        found = await asyncio.to_thread(records.approval, approval_id)
        if found is None:
            raise Refused(_NO_SUCH)
        at_us, left_s = now_us(), until_s - time.monotonic()
        if left_s <= 0 or state_at(found, at_us) is not ApprovalState.PENDING:
            return
        try:
            async with asyncio.timeout(min(left_s, (found.expires_at_us - at_us) / 1_000_000)):
                await anext(changes)
        except TimeoutError:
            continue
        except StopAsyncIteration:
            return


async def _send_open(records: Records, reading: _Reading, send: Send) -> None:
    """Send every approval that is pending, newest first."""
    before, brief = "", reading.briefly()

    def read() -> tuple[list[approval_pb2.Approval], str]:
        found = records.list_approvals(before=before, limit=_PAGE, open_at_us=now_us())
        return [brief(one) for one in found], found[-1].id if len(found) == _PAGE else ""

    while True:
        page, before = await asyncio.to_thread(read)
        for shown in page:
            await send(approval_pb2.WatchApprovalsResponse(approval=shown))
        if not before:
            return


def _check_allowed(answer: Answer) -> None:
    """Raises Refused where a person's act was not allowed, with the code of the reason."""
    if answer.decision is Decision.ALLOW:
        return
    first = answer.reasons[0]
    passing = answer.next_action is NextAction.RETRY
    raise Refused(
        Refusal(
            RefusalKind.UNAVAILABLE if passing else RefusalKind.PERMISSION_DENIED,
            f"{first.message}. {first.remediation}" if first.remediation else first.message,
            metadata=(
                ("code", first.code),
                ("codes", ", ".join(dict.fromkeys(reason.code for reason in answer.reasons))),
                ("decision_id", answer.decision_id),
            ),
            reason=first.code.upper(),
        )
    )
