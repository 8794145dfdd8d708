"""The blocking client, for gateways without an event loop. Safe to share between threads."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar, Unpack

import grpc

from pdp.client import approval_requests, requests, verdict
from pdp.client.approvals import Approvals
from pdp.client.requests import Arguments, CallOptions, Identity
from pdp.client.verdict import ReportFailed, StartedTask, Verdict
from pdp.domain.values import Budget, Intent, OutcomeStatus, Phase, Trust
from pdp.identity.address import parse_address
from pdp.v1 import decision_pb2, decision_pb2_grpc, task_pb2_grpc

_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 0.2

_log = logging.getLogger("pdp.client")

Q = TypeVar("Q")
R = TypeVar("R")


class AuthorizationClient:
    """Asks one policy decision point.

    `address` is `unix:PATH` or `HOST:PORT`; `subject` and `server` are used where a call names
    none; `timeout` is in seconds and for one call; `obligations` are the types of obligation that
    the caller carries out: an allow with any other is a deny. Without `credentials` the connection
    is not encrypted, which is for Unix sockets and loopback. `person` is who asks, for a service in
    development mode. What people have to answer is under `approvals`.
    """

    def __init__(
        self,
        address: str,
        *,
        subject: Identity = "",
        server: str = "",
        timeout: float = 1.0,
        obligations: Collection[str] = (),
        metadata: Sequence[tuple[str, str]] = (),
        person: str = "",
        credentials: grpc.ChannelCredentials | None = None,
    ) -> None:
        self._subject = subject
        self._server = server
        self._timeout = timeout
        self._obligations = frozenset(obligations)
        self._metadata = (*metadata, *approval_requests.person_metadata(person))
        target = parse_address(address).target
        self._channel = (
            grpc.insecure_channel(target, requests.OPTIONS)
            if credentials is None
            else grpc.secure_channel(target, credentials, requests.OPTIONS)
        )
        self._authorization = decision_pb2_grpc.AuthorizationServiceStub(self._channel)
        self._tasks = task_pb2_grpc.TaskServiceStub(self._channel)
        self.approvals = Approvals(
            self._channel, self._send, timeout=timeout, metadata=self._metadata
        )

    def authorize(self, tool: str, arguments: Arguments, **options: Unpack[CallOptions]) -> Verdict:
        """Whether the call may be made now. No answer, for whatever reason, is a deny.

        Raises:
            TypeError, ValueError: a value has the wrong type or is no JSON; nothing was asked.
        """
        request = requests.authorize(
            tool, arguments, options, subject=self._subject, server=self._server
        )
        try:
            response = self._send(self._authorization.Authorize, request, options.get("timeout"))
        except grpc.RpcError as error:
            return verdict.failed(error, request.request_id)
        return verdict.read(response, request.request_id, self._obligations)

    def report(
        self,
        decision_id: str,
        status: OutcomeStatus,
        output: object = None,
        media_type: str = "",
    ) -> bool:
        """Tell what a call did and returned; true where its output was cut at 1 MiB.

        Bytes are sent as they are, text as UTF-8, anything else as JSON.

        Raises:
            ReportFailed: it was not recorded.
            TypeError, ValueError: a value has the wrong type or is no JSON; nothing was sent.
        """
        return self._report(requests.outcome(decision_id, status, output, media_type))

    def guarded_call(
        self,
        tool: str,
        arguments: Arguments,
        execute: Callable[[dict[str, Any]], R],
        **options: Unpack[CallOptions],
    ) -> R:
        """Authorize, run `execute` with the canonical arguments, report, return its output.

        A report that fails is logged and does not lose the output.

        Raises:
            CallDenied, CallEscalated: `execute` was not run.
            Exception: whatever `execute` raises, after it was reported as FAILED.
        """
        found = self.authorize(tool, arguments, **options)
        if verdict.turned_down(found):
            self._try_report(
                requests.outcome(found.decision_id, OutcomeStatus.NOT_EXECUTED, None, "")
            )
        found.require()
        try:
            output = execute(found.arguments)
        except Exception as fault:
            self._try_report(requests.broken(found.decision_id, fault))
            raise
        self._try_report(requests.finished(found.decision_id, output))
        return output

    def start_task(
        self,
        goal: str | Intent,
        *,
        on_behalf_of: Identity | None = None,
        subject: Identity | None = None,
        phase: Phase = Phase.UNSPECIFIED,
        ttl_s: float = 0,
        budget: Budget = requests.POLICY_BUDGET,
        task_id: str = "",
        request_id: str = "",
    ) -> StartedTask:
        """Open a task for a goal in words, or for an Intent that also says what it needs.

        Raises:
            NotAllowed: it was not opened; the verdict says why.
            TypeError, ValueError: a value has the wrong type; nothing was asked.
        """
        request = requests.start_task(
            Intent(goal) if isinstance(goal, str) else goal,
            subject=self._subject if subject is None else subject,
            on_behalf_of=on_behalf_of,
            phase=phase,
            ttl_s=ttl_s,
            budget=budget,
            task_id=task_id,
            request_id=request_id,
        )
        try:
            response = self._send(self._tasks.StartTask, request)
        except grpc.RpcError as error:
            raise verdict.CallDenied(verdict.failed(error, request.request_id)) from error
        return verdict.started(response, self._acted(response.authorization, request.request_id))

    def change_phase(
        self, task_id: str, phase: Phase, *, reason: str = "", request_id: str = ""
    ) -> Verdict:
        """Move a task to another phase.

        Raises:
            NotAllowed: it was not moved; the verdict says why.
            TypeError, ValueError: a value has the wrong type; nothing was asked.
        """
        request = requests.change_phase(task_id, phase, reason, request_id)
        try:
            response = self._send(self._tasks.ChangePhase, request)
        except grpc.RpcError as error:
            raise verdict.CallDenied(verdict.failed(error, request.request_id)) from error
        return self._acted(response.authorization, request.request_id)

    def complete_task(self, task_id: str, *, request_id: str = "") -> Verdict:
        """End a task; every further call of it is denied.

        Raises:
            NotAllowed: it was not ended; the verdict says why.
            TypeError, ValueError: a value has the wrong type; nothing was asked.
        """
        request = requests.complete_task(task_id, request_id)
        try:
            response = self._send(self._tasks.CompleteTask, request)
        except grpc.RpcError as error:
            raise verdict.CallDenied(verdict.failed(error, request.request_id)) from error
        return self._acted(response.authorization, request.request_id)

    def append_context(
        self,
        task_id: str,
        content: str | bytes,
        *,
        trust: Trust,
        source: str = "",
        request_id: str = "",
    ) -> Verdict:
        """Add material to what is known of a task, with who vouches for it.

        What a person writes while the task runs is `Trust.PRINCIPAL`, and only an orchestrator may
        say so; what was pasted or fetched is `Trust.UNTRUSTED`.

        Raises:
            NotAllowed: it was not added; the verdict says why.
            TypeError, ValueError: a value has the wrong type; nothing was asked.
        """
        request = requests.append_context(task_id, content, trust, source, request_id)
        try:
            response = self._send(self._tasks.AppendContext, request)
        except grpc.RpcError as error:
            raise verdict.CallDenied(verdict.failed(error, request.request_id)) from error
        return self._acted(response.authorization, request.request_id)

    def revoke(
        self, *, task_id: str = "", grant_id: str = "", reason: str = "", request_id: str = ""
    ) -> Verdict:
        """End a task with all that it was given, or one grant, for good.

        Raises:
            NotAllowed: it goes on; the verdict says why.
            ValueError: neither is named, or both are.
        """
        request = approval_requests.revoke(task_id, grant_id, reason, request_id)
        try:
            response = self._send(self._tasks.Revoke, request)
        except grpc.RpcError as error:
            raise verdict.CallDenied(verdict.failed(error, request.request_id)) from error
        return self._acted(response.authorization, request.request_id)

    def close(self) -> None:
        """Close the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _acted(self, response: decision_pb2.AuthorizeResponse, request_id: str) -> Verdict:
        found = verdict.read(response, request_id, self._obligations, has_arguments=False)
        found.require()
        return found

    def _report(self, outcome: decision_pb2.Outcome) -> bool:
        request = decision_pb2.ReportOutcomeRequest(outcomes=[outcome])
        try:
            response = self._send(self._authorization.ReportOutcome, request)
        except grpc.RpcError as error:
            code, message = verdict.status_of(error)
            raise ReportFailed(code.name.lower(), message) from error
        return any(response.truncated)

    def _try_report(self, outcome: decision_pb2.Outcome) -> None:
        try:
            self._report(outcome)
        except ReportFailed as fault:
            _log.warning("outcome of %s was not recorded: %s", outcome.decision_id, fault)

    def _send(
        self,
        method: grpc.UnaryUnaryMultiCallable[Q, R],
        request: Q,
        timeout: float | None = None,
    ) -> R:
        """Send, and send the same again while the server is unavailable and there is time."""
        end = time.monotonic() + (self._timeout if timeout is None else timeout)
        pause = _FIRST_PAUSE_S
        while True:
            left = max(end - time.monotonic(), 0.001)
            try:
                return method(request, timeout=left, metadata=self._metadata)
            except grpc.RpcError as error:
                code, _ = verdict.status_of(error)
                if code is not grpc.StatusCode.UNAVAILABLE or time.monotonic() + pause >= end:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_S)
