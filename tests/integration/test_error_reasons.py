"""Errors have stable codes: a client can tell what is wrong without reading words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from pdp.domain.answer import Refusal, RefusalKind
from pdp.domain.error_reason import ErrorReason
from pdp.server.errors import reason_of
from pdp.v1 import (
    approval_pb2,
    approval_pb2_grpc,
    common_pb2,
    decision_pb2,
    decision_pb2_grpc,
    task_pb2,
    task_pb2_grpc,
)
from tests.service import start_service

AGENT = common_pb2.Subject(type="agent", id="spiffe://example.org/agent")
CAROL = (("x-pdp-dev-identity", "carol"),)
# google/rpc/error_details.proto, ErrorInfo.reason.
FORM = re.compile(r"[A-Z][A-Z0-9_]+[A-Z0-9]\Z")
_ROW = re.compile(r"^\| `([A-Z_]+)` \| ([A-Z_, ]+) \| (.+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    with start_service(tmp_path_factory.mktemp("reasons")) as service, service.channel() as made:
        yield made


def details_of(error: grpc.RpcError) -> tuple[Any, Any]:
    """The ErrorInfo and the BadRequest of an error; an empty one where there is none."""
    found = (error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest())
    status = rpc_status.from_call(error)
    assert status is not None
    for packed in status.details:
        for detail in found:
            if packed.Is(detail.DESCRIPTOR):
                packed.Unpack(detail)
    return found


def asking(**parts: Any) -> decision_pb2.AuthorizeRequest:
    return decision_pb2.AuthorizeRequest(
        **{"subject": AGENT, "action": common_pb2.Action(name="find_mail"), **parts}
    )


def with_arguments(raw: bytes) -> decision_pb2.AuthorizeRequest:
    return asking(action=common_pb2.Action(name="find_mail", arguments_json=raw))


def with_intent(**parts: Any) -> decision_pb2.AuthorizeRequest:
    return asking(context=decision_pb2.Context(intent=common_pb2.Intent(**parts)))


Send = Callable[[grpc.Channel], object]


def authorize(request: decision_pb2.AuthorizeRequest) -> Send:
    return lambda channel: decision_pb2_grpc.AuthorizationServiceStub(channel).Authorize(request)


def of_tasks(rpc: str, request: object) -> Send:
    return lambda channel: getattr(task_pb2_grpc.TaskServiceStub(channel), rpc)(request)


def of_approvals(rpc: str, request: object, metadata: Any = CAROL) -> Send:
    return lambda channel: getattr(approval_pb2_grpc.ApprovalServiceStub(channel), rpc)(
        request, metadata=metadata
    )


def of_calls(rpc: str, request: object) -> Send:
    return lambda channel: getattr(decision_pb2_grpc.AuthorizationServiceStub(channel), rpc)(
        request
    )


BATCH = decision_pb2.AuthorizeBatchRequest
CASES: dict[str, tuple[Send, str, str]] = {
    "no subject": (
        authorize(decision_pb2.AuthorizeRequest()),
        "subject.type",
        "FIELD_REQUIRED",
    ),
    "an empty batch": (of_calls("AuthorizeBatch", BATCH()), "requests", "FIELD_REQUIRED"),
    "a batch of 65": (
        of_calls("AuthorizeBatch", BATCH(requests=[asking()] * 65)),
        "requests",
        "TOO_MANY_ELEMENTS",
    ),
    "nothing to explain": (
        of_calls("Explain", decision_pb2.ExplainRequest()),
        "explained",
        "FIELD_REQUIRED",
    ),
    "a subject's id of 2,049 bytes": (
        authorize(asking(subject=common_pb2.Subject(type="agent", id="x" * 2049))),
        "subject.id",
        "FIELD_TOO_LONG",
    ),
    "a subject's id with an invisible character": (
        authorize(asking(subject=common_pb2.Subject(type="agent", id="ali\u200bce"))),
        "subject.id",
        "TEXT_NOT_PLAIN",
    ),
    "a session with a line break": (
        authorize(asking(context=decision_pb2.Context(session_id="a\nb"))),
        "context.session_id",
        "TEXT_NOT_PLAIN",
    ),
    "a request id that is not ASCII": (
        authorize(asking(request_id="é")),
        "request_id",
        "FIELD_INVALID",
    ),
    "an intent beside a task": (
        authorize(
            asking(context=decision_pb2.Context(task_id="t-1", intent=common_pb2.Intent(goal="x")))
        ),
        "context.intent",
        "FIELDS_CONFLICT",
    ),
    "a glob that is none": (
        authorize(with_intent(tools=["a["])),
        "context.intent.tools[0]",
        "GLOB_INVALID",
    ),
    "a glob that can be tried in too many ways": (
        authorize(with_intent(resources=["{a,aa}" * 21])),
        "context.intent.resources[0]",
        "GLOB_TOO_COSTLY",
    ),
    "arguments of more than 256 KiB": (
        authorize(with_arguments(b'{"a":"' + b"x" * 256 * 1024 + b'"}')),
        "action.arguments_json",
        "FIELD_TOO_LONG",
    ),
    "arguments that are a list": (
        authorize(with_arguments(b"[]")),
        "action.arguments_json",
        "JSON_INVALID",
    ),
    "arguments that end early": (
        authorize(with_arguments(b'{"a":')),
        "action.arguments_json",
        "JSON_INVALID",
    ),
    "arguments in Latin-1": (
        authorize(with_arguments(b'{"a":"\xe9"}')),
        "action.arguments_json",
        "JSON_INVALID",
    ),
    "a key twice": (
        authorize(with_arguments(b'{"a":1,"a":2}')),
        "action.arguments_json",
        "JSON_KEYS_AMBIGUOUS",
    ),
    "an exponent that no double has": (
        authorize(with_arguments(b'{"a":1e400}')),
        "action.arguments_json",
        "JSON_NUMBER_UNSAFE",
    ),
    "arguments of 65 levels": (
        authorize(with_arguments(b'{"a":' + b"[" * 64 + b"]" * 64 + b"}")),
        "action.arguments_json",
        "JSON_TOO_DEEP",
    ),
    "a page token that was not given": (
        of_tasks("ListTasks", task_pb2.ListTasksRequest(page_token="!")),
        "page_token",
        "PAGE_TOKEN_INVALID",
    ),
    "an outcome of a decision that is not there": (
        of_calls(
            "ReportOutcome",
            decision_pb2.ReportOutcomeRequest(
                outcomes=[
                    decision_pb2.Outcome(
                        decision_id="d-none", status=decision_pb2.OUTCOME_STATUS_FAILED
                    )
                ]
            ),
        ),
        "outcomes[0].decision_id",
        "DECISION_NOT_FOUND",
    ),
    "a task that is not named": (
        of_tasks("CompleteTask", task_pb2.CompleteTaskRequest()),
        "task_id",
        "FIELD_REQUIRED",
    ),
    "a task of another alphabet": (
        of_tasks("CompleteTask", task_pb2.CompleteTaskRequest(task_id="ä")),
        "task_id",
        "FIELD_INVALID",
    ),
    "a task that is not there": (
        of_tasks("GetTask", task_pb2.GetTaskRequest(task_id="t-none")),
        "task_id",
        "TASK_NOT_FOUND",
    ),
    "a grant that is not there": (
        of_tasks("Revoke", task_pb2.RevokeRequest(grant_id="g-none")),
        "grant_id",
        "GRANT_NOT_FOUND",
    ),
    "a revocation of everything": (
        of_tasks("Revoke", task_pb2.RevokeRequest(all=True)),
        "all",
        "NOT_IMPLEMENTED",
    ),
    "a child task": (
        of_tasks("DelegateTask", task_pb2.DelegateTaskRequest()),
        "",
        "NOT_IMPLEMENTED",
    ),
    "a decision that is not there": (
        of_calls("Explain", decision_pb2.ExplainRequest(decision_id="d-none")),
        "decision_id",
        "DECISION_NOT_FOUND",
    ),
    "an approval that is not there": (
        of_approvals("GetApproval", approval_pb2.GetApprovalRequest(approval_id="a-none")),
        "approval_id",
        "APPROVAL_NOT_FOUND",
    ),
    "a vote about nothing": (
        of_approvals(
            "DecideApproval",
            approval_pb2.DecideApprovalRequest(
                approval_id="a-none", verdict=approval_pb2.VERDICT_APPROVE
            ),
        ),
        "approval_id",
        "APPROVAL_NOT_FOUND",
    ),
    "a vote that says nothing": (
        of_approvals("DecideApproval", approval_pb2.DecideApprovalRequest(approval_id="a-none")),
        "verdict",
        "FIELD_REQUIRED",
    ),
    "a vote of nobody": (
        of_approvals("CancelApproval", approval_pb2.CancelApprovalRequest(approval_id="a"), ()),
        "",
        "UNAUTHENTICATED",
    ),
    "a caller that asks about itself": (
        authorize(
            asking(subject=common_pb2.Subject(type="service", id="development", issuer="pdp-dev"))
        ),
        "",
        "CALLER_IS_SUBJECT",
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_what_is_wrong_has_its_code_and_its_field(channel: grpc.Channel, what: str) -> None:
    send, field, reason = CASES[what]
    with pytest.raises(grpc.RpcError) as caught:
        send(channel)
    info, bad = details_of(caught.value)
    assert (info.reason, info.domain) == (reason, "pdp.v1")
    assert [(one.field, one.reason) for one in bad.field_violations] == (
        [(field, reason)] if field else []
    )


def test_a_request_id_says_whether_it_was_reused(channel: grpc.Channel) -> None:
    send = decision_pb2_grpc.AuthorizationServiceStub(channel).Authorize
    send(asking(request_id="r-1"))
    with pytest.raises(grpc.RpcError) as caught:
        send(asking(request_id="r-1", on_behalf_of=common_pb2.Subject(type="user", id="dana")))
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert details_of(caught.value)[0].reason == "REQUEST_ID_REUSED"


def test_another_outcome_of_a_decision_says_that_the_first_one_stays(
    channel: grpc.Channel,
) -> None:
    stub = decision_pb2_grpc.AuthorizationServiceStub(channel)
    decision_id = stub.Authorize(asking()).decision_id

    def report(status: decision_pb2.OutcomeStatus.ValueType) -> None:
        outcome = decision_pb2.Outcome(decision_id=decision_id, status=status)
        stub.ReportOutcome(decision_pb2.ReportOutcomeRequest(outcomes=[outcome]))

    report(decision_pb2.OUTCOME_STATUS_NOT_EXECUTED)
    with pytest.raises(grpc.RpcError) as caught:
        report(decision_pb2.OUTCOME_STATUS_SUCCEEDED)
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert details_of(caught.value)[0].reason == "OUTCOME_FINAL"


def test_the_place_inside_the_arguments_is_in_the_details(channel: grpc.Channel) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        authorize(with_arguments(b'{"to":[{"a":1,"A":2}]}'))(channel)
    assert dict(details_of(caught.value)[0].metadata) == {"pointer": "/to/0"}


def test_in_a_batch_the_code_and_the_place_are_with_the_element(channel: grpc.Channel) -> None:
    elements = [with_arguments(b'{"to":{"a":1e400}}'), asking()]
    answered = decision_pb2_grpc.AuthorizationServiceStub(channel).AuthorizeBatch(
        BATCH(requests=elements)
    )
    (reason,) = answered.responses[0].reasons
    assert reason.code == "invalid_argument"
    assert reason.remediation == "send it as a string"
    assert dict(reason.metadata) == {
        "field": "action.arguments_json",
        "pointer": "/to/a",
        "reason": "JSON_NUMBER_UNSAFE",
    }
    assert answered.responses[1].reasons[0].code == "unknown_tool"


@pytest.mark.parametrize("reason", ErrorReason)
def test_every_code_has_the_form_that_clients_expect(reason: ErrorReason) -> None:
    assert FORM.match(reason)
    assert len(reason) <= 63
    assert reason == reason.name


@pytest.mark.parametrize("made_up", ["", "SELF APPROVAL", "X", "SELF-APPROVAL", "A" * 64, "ZWÖLF"])
def test_a_code_that_has_another_form_gives_way_to_the_status(made_up: str) -> None:
    refusal = Refusal(RefusalKind.PERMISSION_DENIED, "no", reason=made_up)
    assert reason_of(refusal) == "PERMISSION_DENIED"


def test_a_code_of_policy_is_told_in_that_form() -> None:
    refusal = Refusal(RefusalKind.PERMISSION_DENIED, "no", reason="SELF_APPROVAL")
    assert reason_of(refusal) == "SELF_APPROVAL"


def test_every_code_is_in_the_documentation_once_and_no_other(root: Path) -> None:
    text = (root / "docs" / "errors.md").read_text(encoding="utf-8")
    table = text.partition("<!-- reasons -->")[2].partition("<!-- /reasons -->")[0]
    rows = _ROW.findall(table)
    assert sorted(reason for reason, _, _ in rows) == sorted(ErrorReason)
    statuses = {status for _, listed, _ in rows for status in listed.split(", ")}
    assert statuses <= {kind.name for kind in RefusalKind}


def test_the_documentation_gives_each_code_the_status_it_comes_with(
    root: Path, channel: grpc.Channel
) -> None:
    text = (root / "docs" / "errors.md").read_text(encoding="utf-8")
    statuses = {reason: listed.split(", ") for reason, listed, _ in _ROW.findall(text)}
    for send, _, reason in CASES.values():
        with pytest.raises(grpc.RpcError) as caught:
            send(channel)
        assert caught.value.code().name in statuses[reason]
