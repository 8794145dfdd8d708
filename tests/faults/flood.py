"""A flood of calls from a process of its own: `python -m tests.faults.flood` with its arguments.

Prints what came back as one JSON object. Answers are not decoded here beyond their first field, so
that the flood costs the machine as little as it can.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from typing import Any

import grpc
import uvloop

from tests.faults.world import look

PATH = "/pdp.v1.AuthorizationService/Authorize"
# AuthorizeResponse.decision is field 1, a varint, and is written first: 1 is ALLOW.
ALLOWED = b"\x08\x01"
REFUSED = grpc.StatusCode.RESOURCE_EXHAUSTED
CONNECTIONS = 4
INFLIGHT = 32
PAUSE_S = 0.005


async def flood(address: str, tasks: list[str], rate: float, seconds: float) -> dict[str, Any]:
    """Send so many calls a second, whatever becomes of those before; 0: 32 in flight instead."""
    requests = [look(task_id).SerializeToString() for task_id in tasks]
    channels = [
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(CONNECTIONS)
    ]
    calls: list[Any] = [channel.unary_unary(PATH) for channel in channels]
    allowed = other = 0
    refused: list[float] = []
    statuses: dict[str, int] = {}

    async def one(number: int) -> None:
        nonlocal allowed, other
        began = time.monotonic()
        try:
            answer = await calls[number % CONNECTIONS](requests[number % len(requests)], timeout=60)
        except grpc.aio.AioRpcError as error:
            if error.code() is REFUSED:
                refused.append(time.monotonic() - began)
            else:
                name = error.code().name
                statuses[name] = statuses.get(name, 0) + 1
        else:
            allowed += answer.startswith(ALLOWED)
            other += not answer.startswith(ALLOWED)

    async def again_and_again(number: int) -> None:
        while time.monotonic() < end:
            await one(number)

    async def at_the_rate() -> None:
        sent = 0
        running: set[asyncio.Task[None]] = set()
        while (now := time.monotonic()) < end:
            due = int((now - began) * rate)
            while sent < due:
                task = asyncio.create_task(one(sent))
                running.add(task)
                task.add_done_callback(running.discard)
                sent += 1
            await asyncio.sleep(PAUSE_S)
        await asyncio.gather(*running)

    began = time.monotonic()
    end = began + seconds
    if rate:
        await at_the_rate()
    else:
        await asyncio.gather(*(again_and_again(number) for number in range(INFLIGHT)))
    took = time.monotonic() - began
    for channel in channels:
        await channel.close()
    refused.sort()
    return {
        "seconds": took,
        "allowed": allowed,
        "other": other,
        "refused": len(refused),
        "refused_p50_s": refused[len(refused) // 2] if refused else 0.0,
        "refused_p99_s": refused[len(refused) * 99 // 100] if refused else 0.0,
        "statuses": statuses,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--task", action="append", required=True)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    json.dump(uvloop.run(flood(given.address, given.task, given.rate, given.seconds)), sys.stdout)


if __name__ == "__main__":
    main()
