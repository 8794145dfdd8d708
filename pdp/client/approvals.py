"""What people and gateways do with approvals, blocking; `approvals_aio` is the same for asyncio."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol, TypeVar

import grpc

from pdp.client import approval_requests as requests
from pdp.client.approval import (
    Approval,
    ApprovalFailed,
    GrantTerms,
    LiveGrant,
    Told,
    failure,
    read_approval,
    read_grant,
)
from pdp.v1 import approval_pb2_grpc

Q = TypeVar("Q")
R = TypeVar("R")


class Send(Protocol):
    """How a client sends a request: again while the service is unavailable, for `timeout` s."""

    def __call__(
        self, method: grpc.UnaryUnaryMultiCallable[Q, R], request: Q, timeout: float | None
    ) -> R:
        """The response; raises grpc.RpcError."""


class Approvals:
    """The approvals of one service. What it raises beside what is said: ApprovalFailed.

    Deciding, cancelling and revoking need a person: `person` of the client in development mode.
    """

    def __init__(
        self,
        channel: grpc.Channel,
        send: Send,
        *,
        timeout: float,
        metadata: tuple[tuple[str, str], ...],
    ) -> None:
        """As a client makes it; `timeout` is in seconds and for one call."""
        self._stub = approval_pb2_grpc.ApprovalServiceStub(channel)
        self._send = send
        self._timeout = timeout
        self._metadata = metadata

    def get(self, approval_id: str) -> Approval:
        """One approval as it is now, with the task's latest decisions."""
        response = self._ask(self._stub.GetApproval, requests.get(approval_id))
        return read_approval(response.approval)

    def list(self, *, open_only: bool = False) -> Iterator[Approval]:
        """The approvals that the caller may see, newest first; read page by page.

        With `open_only` those that wait for an answer.
        """
        token = ""
        while True:
            page = self._ask(self._stub.ListApprovals, requests.listed(token, open_only=open_only))
            yield from map(read_approval, page.approvals)
            token = page.next_page_token
            if not token:
                return

    def approve(
        self,
        approval_id: str,
        *,
        reason: str = "",
        grant: GrantTerms | None = None,
        request_id: str = "",
    ) -> Approval:
        """Say yes: to this call once, or with `grant` to several; the approval after it."""
        request = requests.decide(
            approval_id, approve=True, reason=reason, grant=grant, request_id=request_id
        )
        return read_approval(self._ask(self._stub.DecideApproval, request).approval)

    def deny(self, approval_id: str, *, reason: str = "", request_id: str = "") -> Approval:
        """Say no; it stays so for the same task, tool and sinks until somebody cancels it."""
        request = requests.decide(
            approval_id, approve=False, reason=reason, grant=None, request_id=request_id
        )
        return read_approval(self._ask(self._stub.DecideApproval, request).approval)

    def cancel(self, approval_id: str) -> Approval:
        """Take back what stands: a question, a yes that is not used yet, or a no."""
        response = self._ask(self._stub.CancelApproval, requests.cancel(approval_id))
        return read_approval(response.approval)

    def wait(self, approval_id: str, *, timeout: float = 300.0) -> Approval:
        """The approval once it is answered or over, or as it is after `timeout` seconds.

        Look at its state: only where it `is_usable` may the call be authorized again, with a new
        request id.
        """
        end = time.monotonic() + timeout
        while True:
            began = time.monotonic()
            request, round_s = requests.wait(approval_id, end - began)
            response = self._ask(self._stub.WaitApproval, request, round_s)
            found = read_approval(response.approval)
            if not found.is_open or time.monotonic() >= end:
                return found
            time.sleep(max(0.0, began + requests.ROUND_SECONDS - time.monotonic()))

    def watch(self) -> Iterator[Approval]:
        """Every open approval, and from then on each one that changes, without an end.

        It comes back by itself where the service ends the stream or is started anew, and then says
        what happened in between. Close the iterator to end it.

        Raises:
            ApprovalFailed: the service may not be watched, or was not there for a minute.
        """
        told, patience = Told(), requests.Patience()
        while True:
            patience.begin()
            try:
                for found in self._watched(told):
                    patience.heard()
                    yield found
            except ApprovalFailed as fault:
                if patience.is_over(fault.code):
                    raise
            time.sleep(requests.BACK_SECONDS)

    def grants(self) -> Iterator[LiveGrant]:
        """All grants that can still be used, newest first; read page by page."""
        token = ""
        while True:
            page = self._ask(self._stub.ListGrants, requests.grants(token))
            yield from map(read_grant, page.grants)
            token = page.next_page_token
            if not token:
                return

    def _watched(self, told: Told) -> Iterator[Approval]:
        """What one stream tells, and what happened before it to those that were open."""
        stream = self._stub.WatchApprovals(
            requests.watch(), timeout=requests.WATCH_SECONDS, metadata=self._metadata
        )
        try:
            for approval_id in told.waiting:
                found = self.get(approval_id)
                if told.is_news(found):
                    yield found
            for response in stream:
                found = read_approval(response.approval)
                if told.is_news(found):
                    yield found
        except grpc.RpcError as error:
            raise failure(error) from error
        finally:
            stream.cancel()

    def _ask(
        self, method: grpc.UnaryUnaryMultiCallable[Q, R], request: Q, wait_s: float = 0.0
    ) -> R:
        try:
            return self._send(method, request, self._timeout + wait_s)
        except grpc.RpcError as error:
            raise failure(error) from error
