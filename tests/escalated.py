"""Tasks whose calls a person has to decide, and the people who do, against a running service."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from pdp.v1 import (
    approval_pb2,
    approval_pb2_grpc,
    common_pb2,
    decision_pb2,
    decision_pb2_grpc,
    task_pb2,
    task_pb2_grpc,
)
from tests.unit.bundle.making import ACME, folder

ALLOW = decision_pb2.DECISION_ALLOW
DENY = decision_pb2.DECISION_DENY
ESCALATE = decision_pb2.DECISION_ESCALATE
APPROVE = approval_pb2.VERDICT_APPROVE
REFUSE = approval_pb2.VERDICT_DENY
AGENT = "spiffe://example.test/agent"
BOB, CAROL = "bob", "carol"

_numbers = itertools.count(1)


def person(name: str) -> Any:
    """The metadata of a call that this person makes."""
    return (("x-pdp-dev-identity", name),)


def bundle(at: Path, **parameters: int) -> Path:
    """A bundle that changes parameters of the rule about approvals."""
    text = ", ".join(f"{name}: {value}" for name, value in parameters.items())
    settings = f"rules:\n  approval: {{parameters: {{{text}}}}}\n"
    return folder(at, {**ACME, "settings.yaml": settings})


def office(name: str, at: Path, root: Path) -> Path:
    """The catalogue of tests, as that of a server of another name."""
    text = (root / "tests" / "golden" / "catalogue.yaml").read_text()
    path = at / f"{name}.yaml"
    path.write_text(text.replace("server: office", f"server: {name}"))
    return path


def error_of(send: Any, *arguments: Any, **options: Any) -> Any:
    """The error that a call ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        send(*arguments, timeout=10, **options)
    return caught.value


def info_of(error: Any) -> Any:
    """The ErrorInfo of an error."""
    status = rpc_status.from_call(error)
    assert status is not None
    for packed in status.details:
        info = error_details_pb2.ErrorInfo()
        if packed.Is(info.DESCRIPTOR):
            packed.Unpack(info)
            return info
    raise AssertionError("there is no ErrorInfo")


def codes(answer: decision_pb2.AuthorizeResponse) -> set[str]:
    """The codes of an answer's reasons."""
    return {reason.code for reason in answer.reasons}


class People:
    """Those who decide, over one channel."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.stub: Any = approval_pb2_grpc.ApprovalServiceStub(channel)
        self.tasks: Any = task_pb2_grpc.TaskServiceStub(channel)

    def get(self, approval_id: str) -> approval_pb2.Approval:
        """The approval as it is now."""
        request = approval_pb2.GetApprovalRequest(approval_id=approval_id)
        response = self.stub.GetApproval(request, timeout=10)
        assert isinstance(response.approval, approval_pb2.Approval)
        return response.approval

    def state(self, approval_id: str) -> str:
        """The approval's state in words, as `pending`."""
        name = common_pb2.ApprovalState.Name(self.get(approval_id).state)
        return name.removeprefix("APPROVAL_STATE_").lower()

    def decide(
        self, approval_id: str, verdict: Any = APPROVE, *, by: str = BOB, **fields: Any
    ) -> approval_pb2.Approval:
        """The approval after a vote."""
        request = approval_pb2.DecideApprovalRequest(
            approval_id=approval_id, verdict=verdict, **fields
        )
        response = self.stub.DecideApproval(request, metadata=person(by), timeout=10)
        assert isinstance(response.approval, approval_pb2.Approval)
        return response.approval

    def decide_error(self, approval_id: str, verdict: Any = APPROVE, **fields: Any) -> Any:
        """The error that a vote ends with."""
        by = fields.pop("by", BOB)
        request = approval_pb2.DecideApprovalRequest(
            approval_id=approval_id, verdict=verdict, **fields
        )
        return error_of(self.stub.DecideApproval, request, metadata=person(by))

    def cancel(self, approval_id: str, *, by: str = BOB) -> approval_pb2.Approval:
        """The approval after it was taken back."""
        request = approval_pb2.CancelApprovalRequest(approval_id=approval_id)
        response = self.stub.CancelApproval(request, metadata=person(by), timeout=10)
        assert isinstance(response.approval, approval_pb2.Approval)
        return response.approval

    def grants(self) -> list[approval_pb2.LiveGrant]:
        """All live grants, newest first."""
        found: list[approval_pb2.LiveGrant] = []
        token = ""
        while True:
            request = approval_pb2.ListGrantsRequest(page_size=2, page_token=token)
            response = self.stub.ListGrants(request, timeout=10)
            found += response.grants
            token = response.next_page_token
            if not token:
                return found

    def grants_of(self, task_id: str) -> list[approval_pb2.LiveGrant]:
        """The live grants of one task."""
        return [one for one in self.grants() if one.task_id == task_id]

    def revoke(self, **selector: Any) -> decision_pb2.AuthorizeResponse:
        """The decision on a revocation."""
        response = self.tasks.Revoke(task_pb2.RevokeRequest(**selector), timeout=10)
        assert isinstance(response.authorization, decision_pb2.AuthorizeResponse)
        return response.authorization


@dataclass
class Work:
    """A task of a principal of its own that is to write to people nobody has named."""

    channel: grpc.Channel
    principal: str = field(default_factory=lambda: f"alice{next(_numbers)}")
    agent: str = AGENT
    task_id: str = ""

    def __post_init__(self) -> None:
        self.pep: Any = decision_pb2_grpc.AuthorizationServiceStub(self.channel)
        self.orchestrator: Any = task_pb2_grpc.TaskServiceStub(self.channel)
        if not self.task_id:
            self.task_id = self.start()

    def start(self) -> str:
        """Another task of the same principal; its id."""
        response = self.orchestrator.StartTask(
            task_pb2.StartTaskRequest(
                subject=common_pb2.Subject(type="agent", id=self.agent),
                on_behalf_of=common_pb2.Subject(type="user", id=self.principal),
                intent=common_pb2.Intent(goal="Send an e-mail about lunch to the guests"),
                phase=common_pb2.PHASE_EXECUTE,
            ),
            timeout=10,
        )
        assert response.authorization.decision == ALLOW
        task_id: str = response.task.id
        return task_id

    def request(
        self,
        to: Any = "dora@example.com",
        body: str = "lunch at noon",
        *,
        server: str = "office",
        tool: str = "send_mail",
        task_id: str = "",
        **more: Any,
    ) -> decision_pb2.AuthorizeRequest:
        """A call that writes to somebody nobody has named."""
        arguments = more.pop("arguments", None)
        if arguments is None:
            arguments = {"to": [to] if isinstance(to, str) else to, "body": body}
        return decision_pb2.AuthorizeRequest(
            subject=common_pb2.Subject(type="agent", id=self.agent),
            action=common_pb2.Action(
                name=tool, server=server, arguments_json=json.dumps(arguments).encode()
            ),
            context=decision_pb2.Context(task_id=task_id or self.task_id),
            **more,
        )

    def ask(self, *arguments: Any, **options: Any) -> decision_pb2.AuthorizeResponse:
        """The answer to such a call."""
        answer = self.pep.Authorize(self.request(*arguments, **options), timeout=10)
        assert isinstance(answer, decision_pb2.AuthorizeResponse)
        return answer

    def escalated(self, *arguments: Any, **options: Any) -> str:
        """The id of the approval that such a call opens."""
        answer = self.ask(*arguments, **options)
        assert answer.decision == ESCALATE, answer
        assert answer.approval.id
        return answer.approval.id

    def report(self, answer: decision_pb2.AuthorizeResponse, status: Any) -> None:
        """Report how an allowed call ended."""
        outcome = decision_pb2.Outcome(decision_id=answer.decision_id, status=status)
        self.pep.ReportOutcome(decision_pb2.ReportOutcomeRequest(outcomes=[outcome]), timeout=10)
