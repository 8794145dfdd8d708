"""What a client may act on: a Verdict, a deny unless the answer is a whole and plain allow."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import grpc
from google.protobuf import json_format

from pdp.domain.values import Decision, NextAction, Obligation, Phase, Reason
from pdp.v1 import decision_pb2, task_pb2

_DECISIONS: Final = {
    decision_pb2.DECISION_ALLOW: Decision.ALLOW,
    decision_pb2.DECISION_DENY: Decision.DENY,
    decision_pb2.DECISION_ESCALATE: Decision.ESCALATE,
}
_PHASES: Final = frozenset(map(int, Phase))
# Statuses after which the same call may be asked again.
_PASSING: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one call. Make the call only where `allowed`, with `arguments`.

    `decision_id` is empty where nothing was recorded. `canonical_arguments` is empty unless
    allowed. A reason whose rule is `client` was found by this client: `unavailable` and other
    gRPC statuses in lower case, `unspecified_decision`, `unknown_obligation`, `malformed_answer`.
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    request_id: str
    decision_id: str = ""
    canonical_arguments: bytes = b""
    approval_id: str = ""
    approval_url: str = ""
    obligations: tuple[Obligation, ...] = ()
    next_action: NextAction = NextAction.NONE
    task_id: str = ""
    task_sequence: int = 0
    policy_revision: str = ""
    binding_digest: str = ""
    valid_until_us: int = 0
    replayed: bool = False

    @property
    def allowed(self) -> bool:
        """Whether the call may be made now, exactly with `arguments`."""
        return self.decision is Decision.ALLOW

    @property
    def escalated(self) -> bool:
        """Whether a person has to approve the call first."""
        return self.decision is Decision.ESCALATE

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments to make the call with.

        Raises:
            NotAllowed: the call may not be made.
        """
        self.require()
        loaded: dict[str, Any] = json.loads(self.canonical_arguments)
        return loaded

    @property
    def codes(self) -> frozenset[str]:
        """The codes of the reasons."""
        return frozenset(reason.code for reason in self.reasons)

    def require(self) -> None:
        """Do nothing where allowed.

        Raises:
            CallDenied, CallEscalated: it is not; both are NotAllowed.
        """
        if self.decision is Decision.ALLOW:
            return
        raise CallEscalated(self) if self.escalated else CallDenied(self)

    def __bool__(self) -> bool:
        """`if verdict:` must not let a deny through."""
        return self.allowed

    def __str__(self) -> str:
        """The decision and its reasons, for logs and people."""
        why = "; ".join(
            f"{reason.code}: {reason.message}" if reason.message else reason.code
            for reason in self.reasons
        )
        return f"{self.decision.value} ({why})" if why else self.decision.value


class NotAllowed(Exception):
    """The call must not be made; `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(str(verdict))


class CallDenied(NotAllowed):
    """The call was denied, or could not be decided, which is the same."""


class CallEscalated(NotAllowed):
    """The call needs a person's approval: `verdict.approval_id`."""


class ReportFailed(Exception):
    """An outcome was not recorded; the PDP goes on counting the call as executed."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}" if message else code)


@dataclass(frozen=True, slots=True)
class StartedTask:
    """A task as it was granted, which may be less than was asked for. Time since the epoch."""

    id: str
    phase: Phase
    max_calls: int
    max_effects: int
    expires_at_us: int
    verdict: Verdict


def refused(code: str, message: str, request_id: str, *, retry: bool = False) -> Verdict:
    """A deny that this client itself gives."""
    return Verdict(
        Decision.DENY,
        (Reason(code, message, rule="client", agent_message="The call could not be authorized."),),
        request_id,
        next_action=NextAction.RETRY if retry else NextAction.NONE,
    )


def failed(error: grpc.RpcError, request_id: str) -> Verdict:
    """The deny that an RPC error is."""
    code, message = status_of(error)
    return refused(
        code.name.lower(),
        message or "the policy decision point did not answer",
        request_id,
        retry=code in _PASSING,
    )


def status_of(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    """The status and message of an RPC error; UNKNOWN where it has none."""
    if isinstance(error, grpc.aio.AioRpcError | grpc.Call):
        return error.code(), error.details() or ""
    return grpc.StatusCode.UNKNOWN, str(error)


def turned_down(verdict: Verdict) -> bool:
    """Whether this client itself denied what was a recorded decision."""
    return bool(verdict.decision_id) and any(reason.rule == "client" for reason in verdict.reasons)


def read(
    response: decision_pb2.AuthorizeResponse,
    request_id: str,
    obligations: Collection[str],
    *,
    has_arguments: bool = True,
) -> Verdict:
    """The verdict of a response; `obligations` are the types that the caller will carry out.

    `has_arguments` is false for task actions, which forward nothing to a tool.
    """
    if response.request_id != request_id:
        # Nothing of it is kept: its decision is another call's, and is not to be reported on.
        return refused("malformed_answer", "the answer is for another request", request_id)
    try:
        verdict = _plain(response, request_id)
    except (json_format.Error, ValueError):
        return refused("malformed_answer", "an obligation holds what is no JSON", request_id)
    fault = _fault(response, obligations, has_arguments=has_arguments)
    if fault is None:
        return verdict
    refusal = refused(*fault, request_id)
    return Verdict(
        Decision.DENY,
        refusal.reasons + verdict.reasons,
        request_id,
        decision_id=verdict.decision_id,
        task_id=verdict.task_id,
        task_sequence=verdict.task_sequence,
        policy_revision=verdict.policy_revision,
        valid_until_us=verdict.valid_until_us,
        replayed=verdict.replayed,
    )


def started(response: task_pb2.StartTaskResponse, verdict: Verdict) -> StartedTask:
    """The task that an allowed StartTask opened.

    Raises:
        NotAllowed: it was not allowed, or came without a task.
    """
    verdict.require()
    task = response.task
    if not task.id:
        raise CallDenied(
            refused("malformed_answer", "an allow came without a task", verdict.request_id)
        )
    return StartedTask(
        id=task.id,
        phase=Phase(task.phase) if task.phase in _PHASES else Phase.UNSPECIFIED,
        max_calls=task.budget.max_calls,
        max_effects=task.budget.max_effects,
        expires_at_us=_micros(task.expires_at.seconds, task.expires_at.nanos),
        verdict=verdict,
    )


def _fault(
    response: decision_pb2.AuthorizeResponse, obligations: Collection[str], *, has_arguments: bool
) -> tuple[str, str] | None:
    """Why the answer is not to be acted on, as code and message."""
    if response.decision not in _DECISIONS:
        return "unspecified_decision", "the answer has no decision that this client knows"
    if response.decision != decision_pb2.DECISION_ALLOW:
        return None
    unknown = {entry.type for entry in response.obligations} - set(obligations)
    if unknown:
        listed = ", ".join(sorted(unknown))
        return "unknown_obligation", f"this gateway does not carry out: {listed}"
    if not has_arguments:
        return None
    canonical = response.canonical_arguments
    if not canonical.startswith(b"{"):
        return "malformed_answer", "an allow came without canonical arguments"
    if response.arguments_digest != "sha256:" + sha256(canonical).hexdigest():
        return "malformed_answer", "the canonical arguments do not match their digest"
    return None


def _plain(response: decision_pb2.AuthorizeResponse, request_id: str) -> Verdict:
    decision = _DECISIONS.get(response.decision, Decision.DENY)
    allowed = decision is Decision.ALLOW
    until = response.valid_until
    return Verdict(
        decision,
        tuple(reason_of(reason) for reason in response.reasons),
        request_id,
        decision_id=response.decision_id,
        canonical_arguments=response.canonical_arguments if allowed else b"",
        approval_id=response.approval.id,
        approval_url=response.approval.url,
        obligations=tuple(_obligation(entry) for entry in response.obligations),
        next_action=_next_action(response.next_action),
        task_id=response.task.id,
        task_sequence=response.task.sequence,
        policy_revision=response.policy_revision,
        binding_digest=response.binding_digest,
        valid_until_us=_micros(until.seconds, until.nanos),
        replayed=response.replayed,
    )


def reason_of(reason: decision_pb2.Reason) -> Reason:
    """The value of a Reason message."""
    return Reason(
        reason.code,
        reason.message,
        reason.rule,
        reason.remediation,
        tuple(reason.controls),
        dict(reason.metadata),
        reason.agent_message,
    )


def _obligation(entry: decision_pb2.Obligation) -> Obligation:
    return Obligation(entry.id, entry.type, json_format.MessageToDict(entry.properties))


def _next_action(number: int) -> NextAction:
    try:
        return NextAction(number)
    except ValueError:
        return NextAction.NONE


def _micros(seconds: int, nanos: int) -> int:
    return seconds * 1_000_000 + nanos // 1000
