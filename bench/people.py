"""People who answer questions at the service that is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import grpc

from bench.calls import Lane, question, request
from bench.processes import BenchFailed
from bench.service import CALL_SECONDS, Service, opened_channel
from pdp.v1 import approval_pb2, approval_pb2_grpc, decision_pb2, decision_pb2_grpc

#: Who says yes: nobody whose calls these are.
BOSS: Final = (("x-pdp-dev-identity", "boss@example.com"),)
#: A grant is for more calls than any run makes; the bundle of this part of the bench allows that.
USES: Final = 1_000_000
#: The rule about approvals, so that what was answered lasts for the whole run.
SETTINGS: Final = (
    f"rules:\n  approval:\n    parameters: {{use_s: 86400, max_uses: {USES}, max_ttl_s: 86400}}\n"
)


def ask(service: Service, channel: grpc.Channel, lane: Lane) -> str:
    """Make the call in a lane's task that a person is asked about; the approval's id.

    Raises:
        BenchFailed: it was allowed or denied.
    """
    calls = decision_pb2_grpc.AuthorizationServiceStub(channel)
    response = calls.Authorize(
        request(f"question-{lane.task_id}", lane, question(0)), timeout=CALL_SECONDS
    )
    service.count(response.receipt.leaf_index)
    return opened(response)


def opened(response: decision_pb2.AuthorizeResponse) -> str:
    """The id of the approval that an answer refers to.

    Raises:
        BenchFailed: the call was not escalated.
    """
    if response.decision != decision_pb2.DECISION_ESCALATE or not response.approval.id:
        raise BenchFailed(f"a call that a person is asked about was answered with {response}")
    return response.approval.id


def yes(approval_id: str, *, grant: bool = False) -> approval_pb2.DecideApprovalRequest:
    """A person's yes to one call, or to all that differ in content only."""
    said = approval_pb2.DecideApprovalRequest(
        approval_id=approval_id, verdict=approval_pb2.VERDICT_APPROVE, reason="as agreed"
    )
    if grant:
        said.grant.max_uses = USES
    return said


def answer_once(service: Service, lanes: Sequence[Lane], *, grant: bool) -> None:
    """Ask one question in the task of each lane, and have it answered with yes.

    Raises:
        BenchFailed: a call was not escalated, or an answer not taken.
    """
    with opened_channel(service) as channel:
        people = approval_pb2_grpc.ApprovalServiceStub(channel)
        try:
            for lane in lanes:
                said = yes(ask(service, channel, lane), grant=grant)
                people.DecideApproval(said, metadata=BOSS, timeout=CALL_SECONDS)
                # A person's answer is a decision too.
                service.count(service.leaves)
        except grpc.RpcError as fault:
            raise BenchFailed(f"a question could not be answered: {fault}") from fault
