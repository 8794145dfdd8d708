"""Every limit on what a caller may send, through a real service: at it answered, beyond it refused.

What only the front door checks is in test_grpc_errors.py; here are the limits that need the whole
service, and for each of the others that a value at its limit still is decided.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from pdp.domain import limits
from pdp.domain.canonical import digest
from pdp.domain.error_reason import ErrorReason
from pdp.v1 import common_pb2, decision_pb2, task_pb2
from tests.faults.world import (
    ALLOW,
    DENY,
    Client,
    codes,
    engine_pid,
    look,
    verified,
    write_catalogue,
)
from tests.integration.test_grpc_errors import details_of, error_of
from tests.service import Service, start_service

INVALID = grpc.StatusCode.INVALID_ARGUMENT
ARGUMENTS = "action.arguments_json"
# Refusing costs next to nothing; the rest is room for a machine that is busy with something else.
REFUSED_SECONDS = 2.0

Change = Callable[[decision_pb2.AuthorizeRequest], object]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("limits")
    catalogue = write_catalogue(folder)
    with start_service(folder / "data", catalogues=[catalogue]) as running:
        yield running


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[Client]:
    with Client(service) as made:
        yield made


@pytest.fixture(scope="module")
def task_id(client: Client) -> str:
    return client.start_task()


def arguments(raw: bytes) -> Change:
    return lambda request: setattr(request.action, "arguments_json", raw)


def nested(levels: int) -> bytes:
    """An object with so many levels in it, itself included."""
    return b'{"query": ' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


# Beyond a limit: the change, the field that is named, and what is said of it.
BEYOND: dict[str, tuple[Change, str, str]] = {
    "arguments of 65 levels": (arguments(nested(65)), ARGUMENTS, "64 levels"),
    "arguments of 100,000 levels": (arguments(nested(100_000)), ARGUMENTS, "64 levels"),
    "a number of 65 digits": (arguments(b'{"query": %s}' % (b"9" * 65)), ARGUMENTS, "64 digits"),
    "a number of 200,000 digits": (
        arguments(b'{"query": %s}' % (b"9" * 200_000)),
        ARGUMENTS,
        "64 digits",
    ),
    "an exponent of 309": (arguments(b'{"query": 1e309}'), ARGUMENTS, "exponent"),
    "an exponent of 99999999": (arguments(b'{"query": 1e99999999}'), ARGUMENTS, "exponent"),
    "a number that is none": (arguments(b'{"query": NaN}'), ARGUMENTS, "not finite"),
    "a key twice": (arguments(b'{"query": "a", "query": "b"}'), ARGUMENTS, "twice"),
    "a key in two cases": (arguments(b'{"query": "a", "QUERY": "b"}'), ARGUMENTS, "only in case"),
    "a key in two Unicode forms": (
        arguments('{"\u00e9": 1, "e\u0301": 2}'.encode()),
        ARGUMENTS,
        "Unicode form",
    ),
    "a lone surrogate": (arguments(b'{"query": "\\ud800"}'), ARGUMENTS, "lone surrogate"),
    "bytes that are no UTF-8": (arguments(b'{"query": "\xff"}'), ARGUMENTS, "UTF-8"),
    "a byte order mark": (arguments(b"\xef\xbb\xbf{}"), ARGUMENTS, "byte order mark"),
    "two values": (arguments(b"{}{}"), ARGUMENTS, "not JSON"),
    "no object": (arguments(b"[]"), ARGUMENTS, "not a JSON object"),
    "a subject type of 65 bytes": (
        lambda r: setattr(r.subject, "type", "x" * 65),
        "subject.type",
        "64 bytes",
    ),
    "an issuer of 513 bytes": (
        lambda r: setattr(r.subject, "issuer", "x" * 513),
        "subject.issuer",
        "512 bytes",
    ),
    "a tool name of 257 bytes": (
        lambda r: setattr(r.action, "name", "x" * 257),
        "action.name",
        "256 bytes",
    ),
    "a server name of 257 bytes": (
        lambda r: setattr(r.action, "server", "x" * 257),
        "action.server",
        "256 bytes",
    ),
    "a resource type of 257 bytes": (
        lambda r: setattr(r.resource, "type", "x" * 257),
        "resource.type",
        "256 bytes",
    ),
    "a resource id of 2,049 bytes": (
        lambda r: setattr(r.resource, "id", "x" * 2049),
        "resource.id",
        "2,048 bytes",
    ),
    "a goal of 16,385 bytes": (
        lambda r: open_intent(r, goal="\u00e9" * 8192 + "x"),
        "context.intent.goal",
        "16,384 bytes",
    ),
    "a glob of 1,025 bytes": (
        lambda r: open_intent(r, tools=["x" * 1025]),
        "context.intent.tools[0]",
        "1,024",
    ),
    "globs of more than 64 KiB": (
        lambda r: open_intent(r, resources=["x" * 1024] * 65),
        "context.intent.resources",
        "65,536",
    ),
    "a glob of five nested braces": (
        lambda r: open_intent(r, tools=["{a,{b,{c,{d,{e,f}}}}}"]),
        "context.intent.tools[0]",
        "",
    ),
    "globs that can be matched in too many ways": (
        lambda r: open_intent(r, resources=["**?"] * 256),
        "context.intent.resources",
        "too many ways",
    ),
    "a media type of 257 bytes": (
        lambda r: r.outcomes.add(decision_id="d", status=1, output_media_type="x" * 257),
        "outcomes[0].output_media_type",
        "256 bytes",
    ),
    "a decision id of 129 bytes": (
        lambda r: r.outcomes.add(decision_id="d" * 129, status=1),
        "outcomes[0].decision_id",
        "128 bytes",
    ),
}


def open_intent(request: decision_pb2.AuthorizeRequest, **parts: Any) -> None:
    """An intent in place of the task, for a session of its own."""
    request.context.Clear()
    request.context.session_id = digest(repr(parts).encode())[:80]
    request.context.intent.CopyFrom(common_pb2.Intent(**parts))


@pytest.mark.parametrize("what", BEYOND)
def test_beyond_a_limit_the_field_is_named_at_once(client: Client, task_id: str, what: str) -> None:
    change, field, told = BEYOND[what]
    request = look(task_id)
    change(request)
    began = time.monotonic()
    error = error_of(client.calls.Authorize, request)
    assert time.monotonic() - began < REFUSED_SECONDS
    info, violations = details_of(error)
    assert error.code() is INVALID
    assert [found.split("[")[0] for found, _ in violations] == [field.split("[")[0]]
    assert told in error.details()
    assert ErrorReason(info.reason) is not ErrorReason.INTERNAL
    assert len(error.details()) <= 400


# At a limit: what is decided, and as what.
AT: dict[str, tuple[Change, int, str]] = {
    "arguments of 256 KiB": (
        arguments(b'{"query": "' + b"x" * (limits.ARGUMENTS_BYTES - 13) + b'"}'),
        ALLOW,
        "within_intent",
    ),
    "arguments of 64 levels": (arguments(nested(64)), DENY, "arguments_invalid"),
    "a number of 64 digits": (
        arguments(b'{"query": %s}' % (b"9" * 64)),
        DENY,
        "arguments_invalid",
    ),
    "an exponent of 308": (arguments(b'{"query": 1e308}'), DENY, "arguments_invalid"),
    "no arguments at all": (arguments(b""), DENY, "arguments_invalid"),
    "a request id of 128 characters": (
        lambda r: setattr(r, "request_id", "x" * 128),
        ALLOW,
        "within_intent",
    ),
    "a subject id of 2,048 bytes": (
        lambda r: setattr(r.subject, "id", "x" * 2048),
        DENY,
        "unknown_task",
    ),
    "a tool name of 256 bytes": (
        lambda r: setattr(r.action, "name", "x" * 256),
        DENY,
        "unknown_tool",
    ),
    "a session id of 128 bytes": (
        lambda r: setattr(r.context, "session_id", "x" * 128),
        ALLOW,
        "within_intent",
    ),
    "signals of nearly 64 KiB": (
        lambda r: r.context.signals.update({"text": "x" * (64 * 1024 - 20)}),
        ALLOW,
        "within_intent",
    ),
    "a goal of 16 KiB": (
        lambda r: open_intent(r, goal="x" * limits.GOAL_BYTES, tools=["look_up"]),
        ALLOW,
        "within_intent",
    ),
    "256 globs": (
        lambda r: open_intent(r, tools=[f"tool_{n}" for n in range(255)] + ["look_*"]),
        ALLOW,
        "within_intent",
    ),
}


@pytest.mark.parametrize("what", AT)
def test_at_a_limit_the_call_is_decided(client: Client, task_id: str, what: str) -> None:
    change, decision, code = AT[what]
    request = look(task_id)
    change(request)
    answer = client.authorize(request)
    assert (answer.decision, code in codes(answer)) == (decision, True), answer
    assert answer.decision_id
    if decision == ALLOW and request.action.arguments_json:
        assert json.loads(answer.canonical_arguments) == json.loads(request.action.arguments_json)


def test_the_costliest_globs_that_are_accepted_are_decided_and_hold_up_nobody(
    client: Client, service: Service, task_id: str
) -> None:
    engine = engine_pid(service)
    for glob, name in (("*a" * 60 + "b", "a" * 256), ("*" + "?" * 40 + "b", "a" * 256)):
        request = look(task_id)
        open_intent(request, tools=[glob])
        request.action.name = name
        began = time.monotonic()
        assert client.authorize(request).decision == DENY
        assert client.authorize(look(task_id)).decision == ALLOW
        assert time.monotonic() - began < REFUSED_SECONDS
    assert engine_pid(service) == engine


def test_output_beyond_1_mib_is_cut_said_so_and_recorded(
    client: Client, task_id: str, service: Service
) -> None:
    decisions = [client.authorize(look(task_id)).decision_id for _ in range(2)]
    report = decision_pb2.ReportOutcomeRequest()
    for decision_id, beyond in zip(decisions, (0, 1), strict=True):
        report.outcomes.add(
            decision_id=decision_id,
            status=decision_pb2.OUTCOME_STATUS_SUCCEEDED,
            output=b"x" * (limits.OUTPUT_BYTES + beyond),
        )
    answer = client.calls.ReportOutcome(report, timeout=30)
    assert list(answer.truncated) == [False, True]
    assert len(answer.receipts) == 2
    verified(service.data)


def test_a_message_beyond_16_mib_is_refused_by_the_transport_and_the_connection_goes_on(
    client: Client, task_id: str
) -> None:
    report = decision_pb2.ReportOutcomeRequest()
    for _ in range(17):
        report.outcomes.add(decision_id="d", status=1, output=b"x" * limits.MIB)
    error = error_of(client.calls.ReportOutcome, report)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert client.authorize(look(task_id)).decision == ALLOW


def test_a_batch_of_64_is_answered_and_of_65_refused(client: Client, task_id: str) -> None:
    requests = [look(task_id) for _ in range(limits.BATCH_ELEMENTS + 1)]
    answer = client.calls.AuthorizeBatch(
        decision_pb2.AuthorizeBatchRequest(requests=requests[:-1]), timeout=30
    )
    assert {one.decision for one in answer.responses} == {ALLOW}
    assert len(answer.responses) == limits.BATCH_ELEMENTS
    error = error_of(
        client.calls.AuthorizeBatch, decision_pb2.AuthorizeBatchRequest(requests=requests)
    )
    assert error.code() is INVALID
    assert [field for field, _ in details_of(error)[1]] == ["requests"]


def test_an_element_beyond_a_limit_is_that_elements_deny_alone(
    client: Client, task_id: str
) -> None:
    requests = [look(task_id) for _ in range(3)]
    requests[1].action.arguments_json = nested(65)
    answers = client.calls.AuthorizeBatch(
        decision_pb2.AuthorizeBatchRequest(requests=requests), timeout=30
    ).responses
    assert [one.decision for one in answers] == [ALLOW, DENY, ALLOW]
    assert codes(answers[1]) == {"invalid_argument"}
    assert answers[1].reasons[0].metadata["field"] == ARGUMENTS


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (task_pb2.StartTaskRequest(task_id="x" * 129), "task_id"),
        (task_pb2.StartTaskRequest(intent=common_pb2.Intent(goal="x" * 16_385)), "intent.goal"),
        (task_pb2.StartTaskRequest(intent=common_pb2.Intent(tools=["x"] * 257)), "intent.tools"),
    ],
    ids=["a task id of 129", "a goal of 16,385", "257 globs"],
)
def test_beyond_a_limit_a_task_is_not_started(
    client: Client, request_: task_pb2.StartTaskRequest, field: str
) -> None:
    request_.subject.CopyFrom(look("t").subject)
    error = error_of(client.tasks.StartTask, request_)
    assert error.code() is INVALID
    assert [found for found, _ in details_of(error)[1]] == [field]


def test_names_that_read_as_another_path_never_reach_a_tool(client: Client, task_id: str) -> None:
    for name in (
        "//look_up",
        "/look_up",
        "x/../look_up",
        "look%5fup",
        "%2e%2e/look_up",
        "\\look_up",
    ):
        request = look(task_id)
        request.action.name = name
        error = error_of(client.calls.Authorize, request)
        assert error.code() is INVALID, name
        assert details_of(error)[1][0][0] == "action.name"


def test_names_that_differ_in_case_are_other_tools(client: Client, task_id: str) -> None:
    request = look(task_id)
    request.action.name = "Look_Up"
    assert codes(client.authorize(request)) >= {"unknown_tool"}


def test_after_all_that_the_log_is_whole(client: Client, task_id: str, service: Service) -> None:
    assert client.authorize(look(task_id)).decision == ALLOW
    assert verified(Path(service.data)).leaves > len(AT)
