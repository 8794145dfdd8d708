"""What the contract forbids is answered with its status, the field's name and details."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from pdp.domain.answer import Answer, Refusal, RefusalKind
from pdp.domain.error_reason import ErrorReason
from pdp.domain.request import Call
from pdp.domain.values import Caller
from pdp.identity.port import Peer, Unauthenticated
from pdp.ports import StoreError
from pdp.v1 import (
    approval_pb2,
    approval_pb2_grpc,
    common_pb2,
    decision_pb2,
    decision_pb2_grpc,
    task_pb2,
    task_pb2_grpc,
)
from tests.scripted import Running, Script, Tasks

MIB = 1024 * 1024
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running() as server:
        yield server


@pytest.fixture(scope="module")
def channel(running: Running) -> Iterator[grpc.Channel]:
    with running.channel() as made:
        yield made


def plain_request() -> decision_pb2.AuthorizeRequest:
    return decision_pb2.AuthorizeRequest(
        request_id="r-1",
        subject=common_pb2.Subject(type="agent", id="spiffe://example.org/mailer"),
        action=common_pb2.Action(name="send_email", server="mail", arguments_json=b'{"to":"x"}'),
        resource=common_pb2.Resource(type="email", id="x"),
        context=decision_pb2.Context(task_id="t-1"),
    )


def details_of(error: grpc.RpcError) -> tuple[Any, list[tuple[str, str]]]:
    """The ErrorInfo and the (field, description) pairs of an error."""
    status = rpc_status.from_call(error)
    assert status is not None
    info, violations = error_details_pb2.ErrorInfo(), []
    for packed in status.details:
        if packed.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            packed.Unpack(info)
        bad = error_details_pb2.BadRequest()
        if packed.Is(bad.DESCRIPTOR):
            packed.Unpack(bad)
            violations += [(entry.field, entry.description) for entry in bad.field_violations]
    return info, violations


def error_of(send: Callable[..., object], request: object, **options: Any) -> Any:
    with pytest.raises(grpc.RpcError) as caught:
        send(request, timeout=10, **options)
    return caught.value


def number(value: float) -> Struct:
    return Struct(fields={"risk": Value(number_value=value)})


def outcome(**fields: Any) -> decision_pb2.Outcome:
    return decision_pb2.Outcome(**{"decision_id": "d-1", "status": 1, **fields})


Change = Callable[[decision_pb2.AuthorizeRequest], object]

AUTHORIZE_CASES: dict[str, tuple[Change, str]] = {
    "a request id of 129 characters": (
        lambda r: setattr(r, "request_id", "x" * 129),
        "request_id",
    ),
    "a request id that is not printable": (
        lambda r: setattr(r, "request_id", "a\nb"),
        "request_id",
    ),
    "a request id that is not ASCII": (
        lambda r: setattr(r, "request_id", "é"),
        "request_id",
    ),
    "no subject": (lambda r: r.ClearField("subject"), "subject.type"),
    "a subject without an id": (lambda r: r.subject.ClearField("id"), "subject.id"),
    "a subject without a type": (lambda r: r.subject.ClearField("type"), "subject.type"),
    "a subject with a zero-width space": (
        lambda r: setattr(r.subject, "id", "ali\u200bce"),
        "subject.id",
    ),
    "a subject in another Unicode form": (
        lambda r: setattr(r.subject, "id", "e\u0301"),
        "subject.id",
    ),
    "a subject with fullwidth letters": (
        lambda r: setattr(r.subject, "id", "\uff41lice"),
        "subject.id",
    ),
    "a subject of 2049 bytes": (lambda r: setattr(r.subject, "id", "x" * 2049), "subject.id"),
    "a subject with an unknown number": (
        lambda r: r.subject.properties.CopyFrom(number(float("nan"))),
        "subject.properties",
    ),
    "no action": (lambda r: r.ClearField("action"), "action.name"),
    "a tool name that climbs": (lambda r: setattr(r.action, "name", "a/../b"), "action.name"),
    "a tool name with an empty segment": (
        lambda r: setattr(r.action, "name", "//admin"),
        "action.name",
    ),
    "a tool name with an encoded slash": (
        lambda r: setattr(r.action, "name", "a%2fb"),
        "action.name",
    ),
    "a server name with a backslash": (
        lambda r: setattr(r.action, "server", "a\\b"),
        "action.server",
    ),
    "arguments beyond 256 KiB": (
        lambda r: setattr(r.action, "arguments_json", b" " * (256 * 1024 + 1)),
        "action.arguments_json",
    ),
    "a schema digest that is no digest's length": (
        lambda r: setattr(r.action, "schema_digest", "sha256:" + "0" * 65),
        "action.schema_digest",
    ),
    "a resource id with a line break": (
        lambda r: setattr(r.resource, "id", "a\nb"),
        "resource.id",
    ),
    "an unknown sensitivity": (
        lambda r: setattr(r.resource, "sensitivity", 9),
        "resource.sensitivity",
    ),
    "an infinite number in a resource": (
        lambda r: r.resource.properties.CopyFrom(number(float("inf"))),
        "resource.properties",
    ),
    "a task id with a slash": (lambda r: setattr(r.context, "task_id", "a/b"), "context.task_id"),
    "a task id of 129 characters": (
        lambda r: setattr(r.context, "task_id", "x" * 129),
        "context.task_id",
    ),
    "an intent beside a task id": (
        lambda r: r.context.intent.CopyFrom(common_pb2.Intent(goal="g")),
        "context.intent",
    ),
    "an invalid tool glob": (
        lambda r: r.context.CopyFrom(
            decision_pb2.Context(intent=common_pb2.Intent(tools=["ok", "a[b"]))
        ),
        "context.intent.tools[1]",
    ),
    "an invalid resource glob": (
        lambda r: r.context.CopyFrom(
            decision_pb2.Context(intent=common_pb2.Intent(resources=["{a"]))
        ),
        "context.intent.resources[0]",
    ),
    "257 globs": (
        lambda r: r.context.CopyFrom(
            decision_pb2.Context(intent=common_pb2.Intent(tools=["a"] * 257))
        ),
        "context.intent.tools",
    ),
    "a goal beyond 16 KiB": (
        lambda r: r.context.CopyFrom(
            decision_pb2.Context(intent=common_pb2.Intent(goal="x" * (16 * 1024 + 1)))
        ),
        "context.intent.goal",
    ),
    "an intent of unknown sensitivity": (
        lambda r: r.context.CopyFrom(
            decision_pb2.Context(
                intent=common_pb2.Intent(max_sensitivity=77)  # type: ignore[arg-type]
            )
        ),
        "context.intent.max_sensitivity",
    ),
    "a session id of 129 bytes": (
        lambda r: setattr(r.context, "session_id", "x" * 129),
        "context.session_id",
    ),
    "signals beyond 64 KiB": (
        lambda r: r.context.signals.CopyFrom(Struct(fields={"a": Value(string_value="x" * 65536)})),
        "context.signals",
    ),
    "signals of a million elements": (
        lambda r: r.context.signals.CopyFrom(
            Struct(
                fields={"a": Value(list_value=ListValue(values=[Value(bool_value=True)] * 200_000))}
            )
        ),
        "context.signals",
    ),
    "a signal of no kind": (
        lambda r: r.context.signals.CopyFrom(Struct(fields={"a": Value()})),
        "context.signals",
    ),
    "signals whose keys differ only in case": (
        lambda r: r.context.signals.CopyFrom(
            Struct(fields={"a": Value(bool_value=True), "A": Value(bool_value=True)})
        ),
        "context.signals",
    ),
    "a principal with a type and no id": (
        lambda r: setattr(r.on_behalf_of, "type", "user"),
        "on_behalf_of.id",
    ),
    "65 outcomes": (lambda r: r.outcomes.extend([outcome()] * 65), "outcomes"),
    "an outcome without a decision": (
        lambda r: r.outcomes.extend([outcome(), outcome(decision_id="")]),
        "outcomes[1].decision_id",
    ),
    "an outcome without a status": (
        lambda r: r.outcomes.extend([outcome(status=0)]),
        "outcomes[0].status",
    ),
    "an outcome of unknown status": (
        lambda r: r.outcomes.extend([outcome(), outcome(), outcome(status=9)]),
        "outcomes[2].status",
    ),
    "a media type with a line break": (
        lambda r: r.outcomes.extend([outcome(output_media_type="a\nb")]),
        "outcomes[0].output_media_type",
    ),
}


@pytest.mark.parametrize("name", AUTHORIZE_CASES)
def test_a_malformed_request_is_invalid_argument_naming_the_field(
    running: Running, channel: grpc.Channel, name: str
) -> None:
    change, field = AUTHORIZE_CASES[name]
    request = plain_request()
    change(request)
    before = len(running.script.calls)

    error = error_of(decision_pb2_grpc.AuthorizationServiceStub(channel).Authorize, request)

    info, violations = details_of(error)
    assert error.code() is INVALID
    assert [found for found, _ in violations] == [field]
    assert error.details().startswith(field)
    assert ErrorReason(info.reason) is not ErrorReason.INTERNAL
    assert info.domain == "pdp.v1"
    assert len(running.script.calls) == before


def test_a_struct_nested_a_thousand_deep_is_refused_and_the_server_goes_on(
    channel: grpc.Channel,
) -> None:
    # By hand: no generated client writes a thousand levels.
    raw = b"\x09" + b"\x00" * 8
    for _ in range(1000):
        element = b"\x0a" + _varint(len(raw)) + raw
        raw = b"\x32" + _varint(len(element)) + element
    entry = b"\x0a\x01a\x12" + _varint(len(raw)) + raw
    struct = b"\x0a" + _varint(len(entry)) + entry
    context = b"\x22" + _varint(len(struct)) + struct
    message = plain_request()
    message.ClearField("context")
    message_raw = message.SerializeToString() + b"\x2a" + _varint(len(context)) + context
    send: Any = channel.unary_unary("/pdp.v1.AuthorizationService/Authorize")
    stub = decision_pb2_grpc.AuthorizationServiceStub(channel)

    assert error_of(send, message_raw).code() is INVALID
    assert stub.Authorize(plain_request(), timeout=10).decision == decision_pb2.DECISION_ALLOW


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (task_pb2.StartTaskRequest(task_id="a b"), "task_id"),
        (task_pb2.StartTaskRequest(), "subject.type"),
        (task_pb2.StartTaskRequest(phase=9), "phase"),  # type: ignore[arg-type]
        (task_pb2.StartTaskRequest(ttl=Duration(seconds=-1)), "ttl"),
        (task_pb2.StartTaskRequest(ttl=Duration(nanos=-1)), "ttl"),
        (task_pb2.StartTaskRequest(ttl=Duration(seconds=1, nanos=1_000_000_000)), "ttl"),
        (task_pb2.StartTaskRequest(ttl=Duration(seconds=2**62)), "ttl"),
        (task_pb2.StartTaskRequest(budget=task_pb2.Budget(max_calls=-1)), "budget.max_calls"),
        (task_pb2.StartTaskRequest(budget=task_pb2.Budget(max_effects=-1)), "budget.max_effects"),
        (task_pb2.StartTaskRequest(intent=common_pb2.Intent(tools=["["])), "intent.tools[0]"),
        (task_pb2.ChangePhaseRequest(phase=common_pb2.PHASE_PLAN), "task_id"),
        (task_pb2.ChangePhaseRequest(task_id="t"), "phase"),
        (task_pb2.ChangePhaseRequest(task_id="t", phase=4), "phase"),  # type: ignore[arg-type]
        (
            task_pb2.ChangePhaseRequest(
                task_id="t", phase=common_pb2.PHASE_PLAN, reason="x" * 4097
            ),
            "reason",
        ),
        (
            task_pb2.ChangePhaseRequest(
                task_id="t", phase=common_pb2.PHASE_PLAN, plan=[task_pb2.PlannedCall()] * 65
            ),
            "plan",
        ),
        (
            task_pb2.ChangePhaseRequest(
                task_id="t", phase=common_pb2.PHASE_PLAN, plan=[task_pb2.PlannedCall()]
            ),
            "plan[0].action.name",
        ),
        (task_pb2.CompleteTaskRequest(), "task_id"),
        (task_pb2.CompleteTaskRequest(task_id="t", request_id="\x7f"), "request_id"),
        (task_pb2.GetTaskRequest(task_id="/"), "task_id"),
        (task_pb2.ListTasksRequest(page_size=-1), "page_size"),
        (task_pb2.ListTasksRequest(page_token="%%%"), "page_token"),
        (task_pb2.ListTasksRequest(page_token="AAAA"), "page_token"),
    ],
)
def test_a_malformed_task_request_names_the_field(
    channel: grpc.Channel, request_: Any, field: str
) -> None:
    if isinstance(request_, task_pb2.StartTaskRequest) and field != "subject.type":
        request_.subject.CopyFrom(common_pb2.Subject(type="agent", id="a"))
    stub = task_pb2_grpc.TaskServiceStub(channel)
    rpc = type(request_).__name__.removesuffix("Request")

    error = error_of(getattr(stub, rpc), request_)

    assert (error.code(), [found for found, _ in details_of(error)[1]]) == (INVALID, [field])


def test_a_report_needs_one_to_64_outcomes(channel: grpc.Channel) -> None:
    stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
    for outcomes in ([], [outcome()] * 65):
        error = error_of(stub.ReportOutcome, decision_pb2.ReportOutcomeRequest(outcomes=outcomes))
        assert (error.code(), details_of(error)[1][0][0]) == (INVALID, "outcomes")


def test_a_batch_needs_one_to_64_elements(channel: grpc.Channel) -> None:
    stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
    for requests in ([], [plain_request()] * 65):
        error = error_of(stub.AuthorizeBatch, decision_pb2.AuthorizeBatchRequest(requests=requests))
        assert (error.code(), details_of(error)[1][0][0]) == (INVALID, "requests")


@pytest.mark.parametrize("kind", list(RefusalKind))
def test_every_kind_of_refusal_is_the_grpc_status_of_its_name(kind: RefusalKind) -> None:
    def refuse(_: Call) -> Refusal:
        return Refusal(kind, "because", "outcomes[3].decision_id", (("wanted", "this"),))

    with Running(script=Script(result=refuse)) as running, running.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        for send, request in (
            (stub.Authorize, plain_request()),
            (stub.ReportOutcome, decision_pb2.ReportOutcomeRequest(outcomes=[outcome()])),
        ):
            error = error_of(send, request)
            info, violations = details_of(error)
            assert error.code() is grpc.StatusCode[kind.name]
            assert error.details() == "because"
            assert (info.reason, dict(info.metadata)) == (kind.name, {"wanted": "this"})
            assert violations == [("outcomes[3].decision_id", "because")]


def test_an_unexpected_exception_tells_the_caller_an_incident_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: Call) -> Answer:
        raise ZeroDivisionError("secret-of-the-house")

    with Running(script=Script(result=fail)) as running, running.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        error = error_of(stub.Authorize, plain_request())
    info, _ = details_of(error)
    incident = info.metadata["incident"]
    logged = "".join(capsys.readouterr())

    assert error.code() is grpc.StatusCode.INTERNAL
    assert incident in error.details()
    assert "secret" not in error.details()
    assert "Zero" not in error.details()
    assert incident in logged
    assert "secret-of-the-house" in logged


def test_a_store_that_cannot_be_read_is_unavailable() -> None:
    tasks = Tasks(fault=StoreError("disk /dev/secret"))
    with Running(tasks=tasks) as running, running.channel() as channel:
        stub = task_pb2_grpc.TaskServiceStub(channel)
        error = error_of(stub.GetTask, task_pb2.GetTaskRequest(task_id="t-1"))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "secret" not in error.details()


def test_an_unverified_peer_is_unauthenticated_whatever_it_sends() -> None:
    def nobody(_: Peer) -> Caller:
        raise Unauthenticated("no certificate was presented")

    with Running(identify=nobody) as running, running.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        raw: Any = channel.unary_unary("/pdp.v1.AuthorizationService/Authorize")
        batch = decision_pb2.AuthorizeBatchRequest(requests=[plain_request()])
        errors = [
            error_of(stub.Authorize, plain_request()),
            error_of(stub.AuthorizeBatch, batch),
            error_of(raw, b"\xff\xff"),
        ]
        assert running.script.calls == []
    assert {error.code() for error in errors} == {grpc.StatusCode.UNAUTHENTICATED}


def test_a_caller_without_a_role_reads_no_task() -> None:
    from pdp.domain.values import Subject

    def guest(_: Peer) -> Caller:
        return Caller(Subject("service", "guest"), frozenset(), "test")

    with Running(identify=guest) as running, running.channel() as channel:
        stub = task_pb2_grpc.TaskServiceStub(channel)
        errors = [
            error_of(stub.GetTask, task_pb2.GetTaskRequest(task_id="t-1")),
            error_of(stub.ListTasks, task_pb2.ListTasksRequest()),
        ]
    assert {error.code() for error in errors} == {grpc.StatusCode.PERMISSION_DENIED}


def test_bytes_that_are_no_message_are_invalid_argument_without_noise(
    channel: grpc.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    for raw in (b"\xff\xff", b"\x0a\x02\xff\xff", b"\x12\x05ab"):
        error = error_of(channel.unary_unary("/pdp.v1.AuthorizationService/Authorize"), raw)
        assert error.code() is INVALID
        assert "pdp.v1.AuthorizeRequest" in error.details()
    assert caplog.records == []


def test_a_message_beyond_16_mib_is_refused_by_the_transport(channel: grpc.Channel) -> None:
    request = plain_request()
    request.outcomes.append(outcome(output=b"x" * (16 * MIB)))
    stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
    assert error_of(stub.Authorize, request).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_answers_to_a_batch_beyond_16_mib_are_refused_and_the_caller_is_told() -> None:
    from dataclasses import replace

    from tests.scripted import allowed

    def large(call: Call) -> Answer:
        return replace(allowed(call), canonical_arguments=b"x" * MIB)

    with Running(script=Script(result=large)) as running, running.channel() as channel:
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        batch = decision_pb2.AuthorizeBatchRequest(requests=[plain_request()] * 20)
        error = error_of(stub.AuthorizeBatch, batch)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "fewer" in error.details()


def test_a_very_long_refusal_still_fits_the_trailers() -> None:
    def refuse(_: Call) -> Refusal:
        return Refusal(
            RefusalKind.INVALID_ARGUMENT,
            "\u20ac" * 100_000,
            "f" * 5000,
            (("pointer", "/é" * 9999),),
        )

    # The client has the default limits on what it receives.
    with (
        Running(script=Script(result=refuse)) as running,
        grpc.insecure_channel(running.address.target) as channel,
    ):
        stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
        error = error_of(stub.Authorize, plain_request())
    assert error.code() is INVALID
    assert details_of(error)[0].reason == "INVALID_ARGUMENT"


def test_what_is_not_built_yet_is_unimplemented_and_names_the_rpc(channel: grpc.Channel) -> None:
    tasks = task_pb2_grpc.TaskServiceStub(channel)
    error = error_of(tasks.DelegateTask, task_pb2.DelegateTaskRequest())
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error.details().startswith("pdp.v1.")
    assert "DelegateTask" in error.details()


def test_a_server_without_approvals_answers_so(channel: grpc.Channel) -> None:
    approvals = approval_pb2_grpc.ApprovalServiceStub(channel)
    later: list[tuple[Any, Any, str]] = [
        (approvals.GetApproval, approval_pb2.GetApprovalRequest(), "GetApproval"),
        (approvals.DecideApproval, approval_pb2.DecideApprovalRequest(), "DecideApproval"),
        (
            lambda request, timeout: list(approvals.WatchApprovals(request, timeout=timeout)),
            approval_pb2.WatchApprovalsRequest(),
            "WatchApprovals",
        ),
    ]
    for send, request, name in later:
        error = error_of(send, request)
        assert error.code() is grpc.StatusCode.UNIMPLEMENTED
        assert name in error.details()


@pytest.mark.parametrize(
    ("selector", "value"),
    [
        ("subject", common_pb2.Subject(type="agent", id="a")),
        ("on_behalf_of", common_pb2.Subject(type="user", id="a")),
        ("caller", common_pb2.Subject(type="service", id="a")),
        ("server", "mail"),
        ("tool", "send"),
        ("all", True),
    ],
)
def test_what_cannot_be_revoked_yet_is_refused_and_says_what_can(
    channel: grpc.Channel, running: Running, selector: str, value: Any
) -> None:
    before = len(running.script.calls)
    send = task_pb2_grpc.TaskServiceStub(channel).Revoke
    error = error_of(send, task_pb2.RevokeRequest(**{selector: value}))
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "task_id or a grant_id" in error.details()
    assert details_of(error)[1][0][0] == selector
    assert len(running.script.calls) == before


REVOKE_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "no selector": ({}, "selector"),
    "no task id": ({"task_id": ""}, "task_id"),
    "no grant id": ({"grant_id": ""}, "grant_id"),
    "a grant id with a line break": ({"grant_id": "g-1\n"}, "grant_id"),
    "a grant id beyond any": ({"grant_id": "g" * 129}, "grant_id"),
    "an end of what is for good": ({"task_id": "t-1", "until": Timestamp(seconds=1)}, "until"),
    "a reason beyond 4 KiB": ({"task_id": "t-1", "reason": "x" * 4097}, "reason"),
}


@pytest.mark.parametrize("case", REVOKE_CASES)
def test_a_revocation_the_contract_forbids_is_invalid_argument(
    channel: grpc.Channel, case: str
) -> None:
    fields, field = REVOKE_CASES[case]
    send = task_pb2_grpc.TaskServiceStub(channel).Revoke
    error = error_of(send, task_pb2.RevokeRequest(**fields))
    assert error.code() is INVALID
    assert details_of(error)[1][0][0] == field


def test_an_unknown_field_is_ignored(channel: grpc.Channel) -> None:
    raw = plain_request().SerializeToString() + b"\xba\x3e\x03abc"
    send: Any = channel.unary_unary("/pdp.v1.AuthorizationService/Authorize")
    response = decision_pb2.AuthorizeResponse.FromString(send(raw, timeout=10))
    assert response.decision == decision_pb2.DECISION_ALLOW
