"""Requests that nobody's client would send: answered or refused, and never allowed by mistake."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdp.v1 import decision_pb2
from tests.faults.mutations import is_the_seeds_call, mutated
from tests.faults.world import (
    ALLOW,
    DENY,
    Client,
    assert_in_log,
    codes,
    engine_pid,
    eventually,
    logged,
    look,
    note,
    resident_mib,
    verified,
)
from tests.service import Service

AUTHORIZE = "/pdp.v1.AuthorizationService/Authorize"
SOME = 4_000
MANY = 60_000
AT_ONCE = 64
# Caches fill up and allocators keep some; what is kept for each request would be far more.
GROWN_MIB = 120
# How a request may end without an answer. INTERNAL would be a fault of the service.
REFUSALS = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}


async def send_mutated(
    address: str, task_id: str, count: int, seed: int
) -> tuple[Counter[str], list[str]]:
    """Send so many; returns how they ended, and what must not be."""
    chosen = random.Random(seed)
    found: Counter[str] = Counter()
    wrong: list[str] = []
    left = count

    async def worker(call: Any) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            raw = mutated(task_id, chosen)
            try:
                answer = decision_pb2.AuthorizeResponse.FromString(await call(raw, timeout=60))
            except grpc.aio.AioRpcError as error:
                found[error.code().name] += 1
                if error.code() not in REFUSALS:
                    wrong.append(f"{error.code()} {error.details()}: {raw!r}")
                continue
            name = decision_pb2.Decision.Name(answer.decision)
            found[name] += 1
            if answer.decision == ALLOW and not is_the_seeds_call(raw, task_id):
                wrong.append(f"allowed: {raw!r}")
            for code in codes(answer) - {"within_intent"}:
                found[code] += 1
            if codes(answer) & {"policy_error", "policy_timeout", "not_recorded"}:
                found["faults"] += 1

    async with grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(AUTHORIZE)
        await asyncio.gather(*(worker(call) for _ in range(AT_ONCE)))
    return found, wrong


def bombard(service: Service, client: Client, count: int, seed: int) -> None:
    task_id = client.start_task()
    pid, engine = service.process.pid, engine_pid(service)
    # Caches and pools have their size by then.
    warm, wrong = asyncio.run(send_mutated(service.address, task_id, count // 5, seed))
    before = resident_mib(pid), resident_mib(engine)
    found, more = asyncio.run(send_mutated(service.address, task_id, count, seed + 1))
    after = resident_mib(pid), resident_mib(engine)
    print({"sent": count + count // 5, **(warm + found)}, "MiB before and after", before, after)
    assert not wrong + more, (wrong + more)[0]
    assert found["DECISION_ALLOW"] > count / 100
    assert found["DECISION_DENY"] > count / 100
    assert found["INVALID_ARGUMENT"] > count / 100
    # A machine that is busy may miss a deadline now and then; a request must not cause it.
    assert found["faults"] < count / 100
    assert engine_pid(service) == engine
    assert after[0] - before[0] < GROWN_MIB
    assert after[1] - before[1] < GROWN_MIB
    assert client.authorize(note(task_id)).decision == ALLOW
    verified(service.data)


def test_a_mutated_request_is_allowed_only_where_it_still_is_the_seeds_call(
    service: Service, client: Client
) -> None:
    bombard(service, client, SOME, seed=6)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_tens_of_thousands_of_mutated_requests_allow_nothing_else_and_leave_nothing_behind(
    service: Service, client: Client
) -> None:
    bombard(service, client, MANY, seed=2026)


def test_whatever_json_the_arguments_are_the_answer_is_a_decision_or_names_the_field(
    service: Service, client: Client
) -> None:
    task_id = client.start_task()
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    values = st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner)
    )

    @settings(
        max_examples=150,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(
        values.map(_as_json)
        | st.binary(max_size=200)
        | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
    def ask(raw: bytes) -> None:
        request = note(task_id)
        request.action.arguments_json = raw
        code, field, answer = outcome_of(client, request)
        if answer is None:
            assert code is grpc.StatusCode.INVALID_ARGUMENT
            assert field == "action.arguments_json"
        else:
            assert answer.decision == DENY
            assert "arguments_invalid" in codes(answer)
            assert answer.decision_id

    ask()


def outcome_of(
    client: Client, request: decision_pb2.AuthorizeRequest
) -> tuple[grpc.StatusCode, str, decision_pb2.AuthorizeResponse | None]:
    """How a call ended: its status, the field that an error's text begins with, the answer."""
    try:
        return grpc.StatusCode.OK, "", client.authorize(request)
    except grpc.RpcError as error:
        return error.code(), re.split("[: ]", error.details() or "")[0], None


def _as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def test_rapid_cancels_leave_no_call_and_no_file_behind(service: Service, client: Client) -> None:
    task_id = client.start_task()
    for round_ in range(20):
        calls = [client.calls.Authorize.future(look(task_id), timeout=30) for _ in range(60)]
        for number, call in enumerate(calls):
            if (number + round_) % 3:
                call.cancel()
        for call in calls:
            if not call.cancelled():
                assert call.result().decision == ALLOW
    eventually(lambda: client.authorize(look(task_id)).decision == ALLOW, 5)
    answer = client.authorize(look(task_id))
    assert_in_log(answer, logged(service.data))
    verified(service.data)
