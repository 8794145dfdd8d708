"""A real gRPC server in this process whose decisions are scripted, for tests of the front door."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import grpc

from pdp.domain.answer import (
    Answer,
    OutcomesRecorded,
    Receipt,
    Result,
    TaskReference,
)
from pdp.domain.request import Authorize, Call, ReportOutcomes
from pdp.domain.task import Task
from pdp.domain.values import (
    Budget,
    Decision,
    Intent,
    Phase,
    Reason,
    Sensitivity,
    Subject,
    TaskState,
)
from pdp.feed import ApprovalFeed
from pdp.identity import development
from pdp.identity.address import Address, parse_address
from pdp.identity.port import Identify
from pdp.ports import Records
from pdp.server.approvals import NO_APPROVALS, ApprovalService, approval_service
from pdp.server.grpc_server import GrpcServer, start_server

T = TypeVar("T")

AT_US = 1_764_000_000_123_456
REFERENCE = TaskReference("t-1", 7, Phase.EXECUTE, TaskState.ACTIVE, registered=True)
RECEIPT = Receipt("log-a", 41, b"\x11" * 32)
TASK = Task(
    id="t-1",
    subject=Subject("agent", "spiffe://example.org/mailer"),
    principal=Subject("user", "alice", "https://idp.example"),
    intent=Intent("tidy the inbox", ("mail_*",), ("email:**",), Sensitivity.CONFIDENTIAL),
    phase=Phase.EXECUTE,
    state=TaskState.ACTIVE,
    budget=Budget(100, 20),
    started_at_us=AT_US,
    expires_at_us=AT_US + 3_600_000_000,
    registered=True,
    opened_by=Subject("service", "development", "pdp-dev"),
    sequence=7,
)


def allowed(call: Call) -> Answer:
    """A plain allow of whatever is asked."""
    arguments = b""
    if isinstance(call.ask, Authorize):
        arguments = call.ask.action.arguments_json or b"{}"
    return Answer(
        Decision.ALLOW,
        (Reason("within_intent", "it is", "intent", controls=("ASI02",), metadata={"k": "v"}),),
        AT_US,
        AT_US + 60_000_000,
        decision_id="d-1",
        request_id=call.request_id,
        policy_revision="r-1",
        arguments_digest="sha256:" + hashlib.sha256(arguments).hexdigest(),
        binding_digest="sha256:" + "b" * 64,
        task=REFERENCE,
        receipt=RECEIPT,
        canonical_arguments=arguments,
        task_after=TASK,
    )


def denied(call: Call) -> Answer:
    """A plain deny."""
    answer = allowed(call)
    return replace(
        answer,
        decision=Decision.DENY,
        reasons=(Reason("outside_intent", "no glob matches"),),
        canonical_arguments=b"",
        task_after=None,
    )


@dataclass
class Script:
    """Answers calls as `result` says and remembers them; `entered` is set by the first."""

    result: Callable[[Call], Result] = allowed
    calls: list[Call] = field(default_factory=list)
    batches: int = 0
    wait_s: float = 0.0
    entered: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)

    async def submit(self, call: Call) -> Result:
        """As Submitter."""
        self.calls.append(call)
        self.entered.set()
        if self.wait_s:
            try:
                await asyncio.sleep(self.wait_s)
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        if isinstance(call.ask, ReportOutcomes) and self.result is allowed:
            outcomes = call.ask.outcomes
            truncated = tuple(outcome.truncated for outcome in outcomes)
            return OutcomesRecorded(REFERENCE, (RECEIPT,) * len(outcomes), truncated)
        return self.result(call)

    async def submit_many(self, calls: Sequence[Call]) -> Sequence[Result]:
        """As Submitter."""
        self.batches += 1
        return [await self.submit(call) for call in calls]


@dataclass
class Tasks:
    """Reads tasks from a list, ordered by id."""

    tasks: list[Task] = field(default_factory=lambda: [TASK])
    fault: Exception | None = None

    def task(self, task_id: str) -> Task | None:
        """As TaskReader."""
        if self.fault is not None:
            raise self.fault
        return next((task for task in self.tasks if task.id == task_id), None)

    def list_tasks(self, *, after: str, limit: int) -> Sequence[Task]:
        """As TaskReader."""
        return [task for task in self.tasks if task.id > after][:limit]


class Running:
    """A server on an event loop of its own thread, so that tests can block.

    It offers ApprovalService where it has `records`; `feed` tells of what changes in them.
    """

    def __init__(
        self,
        *addresses: str,
        script: Script | None = None,
        tasks: Tasks | None = None,
        identify: Identify = development.identify,
        records: Records | None = None,
        watch_s: float = 60.0,
        console_url: str = "",
    ) -> None:
        self.script = script or Script()
        self.tasks = tasks or Tasks()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._drained = False
        self.feed = ApprovalFeed(self._loop)
        try:
            self.server: GrpcServer = self.do(
                start_server(
                    [parse_address(address) for address in addresses or ("127.0.0.1:0",)],
                    submitter=self.script,
                    tasks=self.tasks,
                    identify=identify,
                    approvals=self._approvals(records, watch_s),
                    console_url=console_url,
                )
            )
        except BaseException:
            self._end_loop()
            raise

    @property
    def address(self) -> Address:
        """The first address, as chosen."""
        return self.server.addresses[0]

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the server's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _approvals(self, records: Records | None, watch_s: float) -> ApprovalService:
        if records is None:
            return NO_APPROVALS
        return approval_service(
            self.script, records, self.feed, development.person_of, watch_s=watch_s
        )

    def listening(self) -> int:
        """How many subscribe to the feed."""

        async def count() -> int:
            return sum(map(len, self.feed._subscribers.values()))

        return self.do(count())

    def set_serving(self, serving: bool) -> None:
        """On the server's loop, as the server asks."""

        async def change() -> None:
            self.server.set_serving(serving)

        self.do(change())

    def drain(self, grace_s: float = 0.2) -> float:
        """Drain and say how many seconds that took."""
        began = time.monotonic()
        self.do(self.server.drain(grace_s))
        self._drained = True
        return time.monotonic() - began

    def channel(self) -> grpc.Channel:
        """A new connection."""
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", 16 * 1024 * 1024),
            ("grpc.max_send_message_length", 64 * 1024 * 1024),
            ("grpc.max_metadata_size", 1024 * 1024),
        ]
        return grpc.insecure_channel(self.address.target, options)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if not self._drained:
                self.drain()
        finally:
            self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
