"""How soon everybody who watches approvals has heard of an answer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import grpc
import grpc.aio

from bench.calls import Lane, lanes, question, request
from bench.people import BOSS, opened, yes
from bench.processes import BenchFailed, cpu_seconds
from bench.service import CALL_SECONDS, Service
from pdp.v1 import approval_pb2, approval_pb2_grpc, common_pb2, decision_pb2_grpc

WATCHERS: Final = 100
DECISIONS: Final = 20
#: All of it takes seconds; this only bounds it.
WATCH_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Watched:
    """Milliseconds until the last watcher had heard of each decision, in the order of decisions.

    `from_sent_ms` counts from when the decision was sent, `from_answer_ms` from when whoever sent
    it had the answer (0 where all had heard by then). `cpu_us` is the service's processor time for
    one question and its answer, both told to all watchers.
    """

    watchers: int
    from_sent_ms: Sequence[float]
    from_answer_ms: Sequence[float]
    cpu_us: float

    @property
    def usual_ms(self) -> float:
        """The median from when it was sent."""
        return median(self.from_sent_ms)


@dataclass(slots=True)
class _Heard:
    """When each watcher first heard of an approval in a state, by the watcher's number."""

    times: dict[tuple[str, int], dict[int, float]] = field(default_factory=dict)
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, watcher: int, approval: approval_pb2.Approval) -> None:
        """A watcher has heard of an approval as it is now."""
        now = time.perf_counter()
        heard = self.times.setdefault((approval.id, approval.state), {})
        heard.setdefault(watcher, now)
        if len(heard) == WATCHERS:
            self.woken.set()

    async def last(self, approval_id: str, state: int) -> float:
        """When the last watcher heard, once it has."""
        async with asyncio.timeout(CALL_SECONDS):
            while len(heard := self.times.get((approval_id, state), {})) < WATCHERS:
                self.woken.clear()
                await self.woken.wait()
        return max(heard.values())


def measure_watching(service: Service, tell: Callable[[str], None]) -> Watched:
    """Have people answer questions while each of so many watchers has a connection of its own.

    Raises:
        BenchFailed: a watcher did not hear of something, or a call was not answered.
    """
    over = lanes("watched", count=DECISIONS, principals=DECISIONS)
    service.start_tasks(over, earlier=1)
    tell(f"{WATCHERS} watch while {DECISIONS} questions are answered")
    try:
        return asyncio.run(_measure(service, over))
    except TimeoutError:
        raise BenchFailed("a watcher was not told of an approval") from None
    except grpc.RpcError as fault:
        raise BenchFailed(f"approvals could not be watched or answered: {fault}") from fault


async def _measure(service: Service, over: Sequence[Lane]) -> Watched:
    heard = _Heard()
    async with AsyncExitStack() as held:
        channels = [
            await held.enter_async_context(
                grpc.aio.insecure_channel(
                    service.address, options=[("grpc.use_local_subchannel_pool", 1)]
                )
            )
            for _ in range(WATCHERS + 1)
        ]
        own = channels.pop()
        watches = [
            asyncio.create_task(_watch(channel, heard, number))
            for number, channel in enumerate(channels)
        ]
        try:
            # Not counted: that everybody hears of it shows that every watch has begun.
            await _tell(service, own, heard, over[0], 1)
            before = cpu_seconds(service.pid)
            took = [await _tell(service, own, heard, lane, 0) for lane in over]
            cpu_us = (cpu_seconds(service.pid) - before) / len(over) * 1e6
        finally:
            for watch in watches:
                watch.cancel()
            await asyncio.gather(*watches, return_exceptions=True)
    from_sent_ms, from_answer_ms = zip(*took, strict=True)
    return Watched(WATCHERS, from_sent_ms, from_answer_ms, cpu_us)


async def _watch(channel: grpc.aio.Channel, heard: _Heard, number: int) -> None:
    people: Any = approval_pb2_grpc.ApprovalServiceStub(channel)
    stream = people.WatchApprovals(approval_pb2.WatchApprovalsRequest(), timeout=WATCH_SECONDS)
    async for response in stream:
        heard.note(number, response.approval)


async def _tell(
    service: Service, channel: grpc.aio.Channel, heard: _Heard, lane: Lane, number: int
) -> tuple[float, float]:
    """Have a question asked and answered: milliseconds until all heard, from sent, from answer."""
    calls: Any = decision_pb2_grpc.AuthorizationServiceStub(channel)
    people: Any = approval_pb2_grpc.ApprovalServiceStub(channel)
    asked = request(f"told-{number}-{lane.task_id}", lane, question(number))
    response = await calls.Authorize(asked, timeout=CALL_SECONDS)
    service.count(response.receipt.leaf_index)
    approval_id = opened(response)
    await heard.last(approval_id, common_pb2.APPROVAL_STATE_PENDING)
    sent = time.perf_counter()
    await people.DecideApproval(yes(approval_id), metadata=BOSS, timeout=CALL_SECONDS)
    answered = time.perf_counter()
    service.count(service.leaves)
    last = await heard.last(approval_id, common_pb2.APPROVAL_STATE_APPROVED)
    return (last - sent) * 1000, max(0.0, last - answered) * 1000
