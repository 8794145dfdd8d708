"""Many calls at once: answers stay with their requests, and no race gets past a budget."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from pdp.domain.canonical import arguments_digest
from pdp.v1 import common_pb2, decision_pb2
from tests.faults.world import (
    AGENT,
    ALLOW,
    DENY,
    Client,
    assert_in_log,
    codes,
    logged,
    look,
    note,
    verified,
)
from tests.service import Service

THREADS = 16
BATCH = 32


@pytest.fixture
def service(shared_service: Service) -> Service:
    return shared_service


def hostile_neighbours(task_id: str) -> list[decision_pb2.AuthorizeRequest]:
    """Calls that are refused or denied, each in another place of the pipeline."""
    huge = look(task_id)
    huge.action.arguments_json = b'{"query": "' + b"x" * 300_000 + b'"}'
    costly = look(task_id)
    costly.action.arguments_json = b'{"query": 1e99999999}'
    deep = look(task_id)
    deep.action.arguments_json = b'{"query": ' + b"[" * 1000 + b"]" * 1000 + b"}"
    twice = look(task_id)
    twice.action.arguments_json = b'{"query": "a", "Query": "b"}'
    climbing = look(task_id)
    climbing.action.name = "../admin"
    unknown = look(task_id)
    unknown.action.name = "no_such_tool"
    nobody = look(task_id)
    nobody.ClearField("subject")
    stray = look("no-such-task")
    reporting = look(task_id)
    reporting.outcomes.add(decision_id="d-nobody-s", status=decision_pb2.OUTCOME_STATUS_FAILED)
    return [huge, costly, deep, twice, climbing, unknown, nobody, stray, reporting]


def test_answers_never_cross_between_calls_of_batches_with_bad_neighbours(
    service: Service, client: Client
) -> None:
    tasks = [client.start_task() for _ in range(4)]
    kinds: Counter[str] = Counter()
    failures: list[str] = []

    def ask(number: int) -> None:
        chosen = random.Random(number)
        with Client(service) as mine:
            for turn in range(6):
                requests: list[decision_pb2.AuthorizeRequest] = []
                for place in range(BATCH):
                    task_id = chosen.choice(tasks)
                    request = (
                        chosen.choice(hostile_neighbours(task_id))
                        if chosen.random() < 0.3
                        else look(task_id, f"{number}/{turn}/{place}")
                    )
                    request.request_id = f"{number}/{turn}/{place}"
                    requests.append(request)
                if turn % 2:
                    answers = list(
                        mine.calls.AuthorizeBatch(
                            decision_pb2.AuthorizeBatchRequest(requests=requests), timeout=60
                        ).responses
                    )
                else:
                    answers = [answer_of(mine, request) for request in requests]
                for request, answer in zip(requests, answers, strict=True):
                    wrong = mismatch(request, answer, tasks)
                    if wrong:
                        failures.append(f"{request}\n{answer}\n{wrong}")
                    kinds[decision_pb2.Decision.Name(answer.decision)] += 1

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, range(THREADS)))
    assert not failures, failures[0]
    assert kinds["DECISION_ALLOW"] > THREADS * BATCH
    assert kinds["DECISION_DENY"] > THREADS * BATCH / 2
    print(dict(kinds))
    verified(service.data)


def answer_of(
    client: Client, request: decision_pb2.AuthorizeRequest
) -> decision_pb2.AuthorizeResponse:
    """The answer to one call; an error stands as the deny that it would be in a batch."""
    try:
        return client.authorize(request, 60)
    except grpc.RpcError as error:
        return decision_pb2.AuthorizeResponse(
            decision=DENY,
            request_id=request.request_id,
            reasons=[decision_pb2.Reason(code=error.code().name.lower())],
        )


def mismatch(
    request: decision_pb2.AuthorizeRequest,
    answer: decision_pb2.AuthorizeResponse,
    tasks: list[str],
) -> str:
    """How the answer is not one to this request; empty where it is."""
    if answer.request_id != request.request_id:
        return "another request's id"
    good = request.action.arguments_json.startswith(b'{"query": "') and (
        request.action.name == "look_up"
        and len(request.action.arguments_json) < 1000
        and b"Query" not in request.action.arguments_json
        and request.HasField("subject")
        and request.context.task_id in tasks
        and not request.outcomes
    )
    if (answer.decision == ALLOW) is not good:
        return f"decided as {answer.decision}"
    if not good:
        return "arguments of somebody" if answer.canonical_arguments else ""
    arguments = json.loads(request.action.arguments_json)
    if answer.arguments_digest != arguments_digest(arguments):
        return "another call's arguments"
    if json.loads(answer.canonical_arguments) != arguments:
        return "another call's canonical arguments"
    if answer.task.id != request.context.task_id:
        return "another call's task"
    return ""


@pytest.mark.parametrize("budget", [1, 7, 40])
def test_concurrent_calls_on_one_task_are_allowed_exactly_as_often_as_its_budget_says(
    service: Service, client: Client, budget: int
) -> None:
    task_id = client.start_task(max_calls=budget)
    ready = threading.Barrier(THREADS)

    def ask(number: int) -> list[decision_pb2.AuthorizeResponse]:
        with Client(service) as mine:
            ready.wait(10)
            singles = [
                mine.calls.Authorize.future((look, note)[number % 2](task_id), timeout=60)
                for _ in range(4)
            ]
            batch = mine.calls.AuthorizeBatch(
                decision_pb2.AuthorizeBatchRequest(requests=[look(task_id), note(task_id)]),
                timeout=60,
            )
            return [one.result() for one in singles] + list(batch.responses)

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for part in pool.map(ask, range(THREADS)) for answer in part]
    allowed = [answer for answer in answers if answer.decision == ALLOW]
    assert len(answers) == THREADS * 6
    assert len(allowed) == budget
    log = logged(service.data)
    for answer in answers:
        assert_in_log(answer, log)
        assert answer.decision == ALLOW or codes(answer) == {"budget_exceeded"}
    # The task's own order is the log's order, without a gap.
    sequences = sorted(answer.task.sequence for answer in answers)
    assert sequences == list(range(2, len(answers) + 2))
    verified(service.data)


def test_the_same_request_id_sent_at_once_by_many_is_decided_once(
    service: Service, client: Client
) -> None:
    task_id = client.start_task()
    ready = threading.Barrier(THREADS)

    def ask(_number: int) -> decision_pb2.AuthorizeResponse:
        with Client(service) as mine:
            ready.wait(10)
            return mine.authorize(note(task_id, request_id="at-once"))

    with ThreadPoolExecutor(THREADS) as pool:
        answers = list(pool.map(ask, range(THREADS)))
    assert {answer.decision for answer in answers} == {ALLOW}
    assert len({answer.decision_id for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1


def test_a_task_that_is_ended_while_calls_race_allows_nothing_after_its_end(
    service: Service, client: Client
) -> None:
    task_id = client.start_task()
    ready = threading.Barrier(THREADS + 1)

    def ask(_number: int) -> list[decision_pb2.AuthorizeResponse]:
        with Client(service) as mine:
            ready.wait(10)
            return [mine.authorize(look(task_id)) for _ in range(12)]

    with ThreadPoolExecutor(THREADS) as pool:
        asking = [pool.submit(ask, number) for number in range(THREADS)]
        ready.wait(10)
        ended = client.end_task(task_id)
        answers = [answer for one in asking for answer in one.result()]
    assert ended.decision == ALLOW
    for answer in answers:
        if answer.receipt.leaf_index > ended.receipt.leaf_index:
            assert answer.decision == DENY
            assert codes(answer) == {"task_ended"}
    assert any(codes(answer) == {"task_ended"} for answer in answers)


def test_identities_that_look_alike_share_no_task(service: Service, client: Client) -> None:
    task_id = client.start_task()
    for change in (str.upper, lambda text: text.replace("clerk", "Clerk")):
        request = look(task_id)
        request.subject.CopyFrom(common_pb2.Subject(type=AGENT.type, id=change(AGENT.id)))
        answer = client.authorize(request)
        assert answer.decision == DENY
        assert codes(answer) == {"unknown_task"}
