"""Approvals and grants as clients see them: values read from the contract's messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, TypeVar

import grpc
from google.protobuf.message import DecodeError
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from pdp.client.verdict import reason_of, status_of
from pdp.domain.values import (
    ApprovalState,
    OutcomeStatus,
    Phase,
    Reason,
    Resource,
    Sensitivity,
    Subject,
    TaskState,
)
from pdp.v1 import approval_pb2, common_pb2, decision_pb2

_DETAILS: Final = "grpc-status-details-bin"
_WITH_TRAILERS: Final = (grpc.Call, grpc.aio.AioRpcError)
E = TypeVar("E", bound=IntEnum)


class ApprovalFailed(Exception):
    """It was not done or not read.

    `code` is the gRPC status in lower case, `metadata` what the service says beside its message,
    such as the `state` that an approval is in.
    """

    def __init__(self, code: str, message: str, metadata: Mapping[str, str]) -> None:
        self.code = code
        self.metadata = dict(metadata)
        super().__init__(message or code)


@dataclass(frozen=True, slots=True)
class Sink:
    """An argument that decides where the effect goes.

    `path` is a JSON Pointer (RFC 6901), `value` a string as it is or any other value as canonical
    JSON, `origin` one of principal, trusted, untrusted, unknown, `source_decision_id` the decision
    whose output held the value first (empty: none did).
    """

    path: str
    value: str
    origin: str
    source_decision_id: str


@dataclass(frozen=True, slots=True)
class CastVote:
    """One person's answer; the time is in microseconds since the epoch."""

    voter: Subject
    approve: bool
    reason: str
    at_us: int


@dataclass(frozen=True, slots=True)
class LedgerStep:
    """One earlier decision of the task. `arguments_json` is empty once erased."""

    sequence: int
    at_us: int
    server: str
    tool: str
    tool_class: str
    decision: str
    codes: tuple[str, ...]
    status: OutcomeStatus
    arguments_json: bytes
    decision_id: str


@dataclass(frozen=True, slots=True)
class ApprovalTask:
    """The task that a call belongs to."""

    id: str = ""
    goal: str = ""
    phase: Phase = Phase.UNSPECIFIED
    state: TaskState = TaskState.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Approval:
    """One escalated call and people's answers to it. A state that is not known is UNSPECIFIED.

    `arguments_json` are the canonical arguments: what will be done, not what the agent says of it.
    """

    id: str
    state: ApprovalState
    decision_id: str
    task: ApprovalTask
    subject: Subject
    on_behalf_of: Subject
    server: str
    tool: str
    arguments_json: bytes
    resource: Resource
    sinks: tuple[Sink, ...]
    reasons: tuple[Reason, ...]
    votes: tuple[CastVote, ...]
    votes_needed: int
    expires_at_us: int
    recent: tuple[LedgerStep, ...]
    binding_digest: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The canonical arguments, loaded."""
        loaded: dict[str, Any] = json.loads(self.arguments_json or b"{}")
        return loaded

    @property
    def is_open(self) -> bool:
        """Whether it waits for people's answers."""
        return self.state is ApprovalState.PENDING

    @property
    def is_usable(self) -> bool:
        """Whether the call may be authorized again now, and rest on it."""
        return self.state is ApprovalState.APPROVED


@dataclass(frozen=True, slots=True)
class Constraint:
    """What one argument has to be: one of `values`, or what one of `patterns` (globs) matches.

    `path` is a JSON Pointer (RFC 6901); a value is a string as it is, any other as JSON.
    """

    path: str
    values: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """A yes for several calls: how many, for how many seconds, with which arguments.

    0 leaves a bound to policy. Arguments without a constraint have to be those of the call that is
    approved; content is free.
    """

    max_uses: int = 0
    ttl_s: float = 0
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveGrant:
    """A grant that can still be used; times in microseconds since the epoch."""

    id: str
    approval_id: str
    task_id: str
    subject: Subject
    on_behalf_of: Subject
    server: str
    tool: str
    max_uses: int
    uses: int
    expires_at_us: int
    constraints: tuple[Constraint, ...] = field(default=())


#: Of so many that are over a watcher knows that it was told; what comes twice comes soon.
_OVER: Final = 1000


class Told:
    """What a watcher was told, so that it is told of each change once, also when it comes back.

    It remembers what is open, which policy bounds, and of what is over the newest: the same change
    may come twice where it happens while a watch begins anew.
    """

    def __init__(self) -> None:
        self._open: dict[str, tuple[ApprovalState, int]] = {}
        self._over: dict[str, tuple[ApprovalState, int]] = {}

    def is_news(self, approval: Approval) -> bool:
        """Whether the watcher does not know this yet; from now on it does."""
        now = (approval.state, len(approval.votes))
        if now in (self._open.get(approval.id), self._over.get(approval.id)):
            return False
        if approval.is_open and approval.id in self._over:
            return False  # Nothing opens again: this was read before, and came late.
        self._open.pop(approval.id, None)
        self._over.pop(approval.id, None)
        if approval.is_open:
            self._open[approval.id] = now
        else:
            self._over[approval.id] = now
            if len(self._over) > _OVER:
                del self._over[next(iter(self._over))]
        return True

    @property
    def waiting(self) -> tuple[str, ...]:
        """The ids of those whose end the watcher has not been told."""
        return tuple(self._open)


def failure(error: grpc.RpcError) -> ApprovalFailed:
    """An RPC error, with what its ErrorInfo says."""
    code, message = status_of(error)
    metadata: dict[str, str] = {}
    trailing: Any = error.trailing_metadata() if isinstance(error, _WITH_TRAILERS) else None
    for key, value in trailing or ():
        if key == _DETAILS:
            metadata.update(_error_info(value))
    return ApprovalFailed(code.name.lower(), message, metadata)


def read_approval(message: approval_pb2.Approval) -> Approval:
    """The value of an Approval message."""
    task, resource = message.task, message.resource
    return Approval(
        id=message.id,
        state=_member(ApprovalState, message.state),
        decision_id=message.decision_id,
        task=ApprovalTask(
            task.id, task.intent.goal, _member(Phase, task.phase), _member(TaskState, task.state)
        ),
        subject=_subject(message.subject),
        on_behalf_of=_subject(message.on_behalf_of),
        server=message.action.server,
        tool=message.action.name,
        arguments_json=message.action.arguments_json,
        resource=Resource(resource.type, resource.id, _member(Sensitivity, resource.sensitivity)),
        sinks=tuple(
            Sink(one.path, one.value, one.origin, one.source_decision_id) for one in message.sinks
        ),
        reasons=tuple(map(reason_of, message.reasons)),
        votes=tuple(
            CastVote(
                _subject(one.voter),
                one.verdict == approval_pb2.VERDICT_APPROVE,
                one.reason,
                _micros(one.at),
            )
            for one in message.votes
        ),
        votes_needed=message.votes_needed,
        expires_at_us=_micros(message.expires_at),
        recent=tuple(map(_step, message.recent)),
        binding_digest=message.binding_digest,
    )


def read_grant(message: approval_pb2.LiveGrant) -> LiveGrant:
    """The value of a LiveGrant message."""
    return LiveGrant(
        id=message.id,
        approval_id=message.approval_id,
        task_id=message.task_id,
        subject=_subject(message.subject),
        on_behalf_of=_subject(message.on_behalf_of),
        server=message.server,
        tool=message.tool,
        max_uses=message.grant.max_uses,
        uses=message.uses,
        expires_at_us=_micros(message.expires_at),
        constraints=tuple(
            Constraint(one.path, tuple(one.values), tuple(one.patterns))
            for one in message.grant.constraints
        ),
    )


def _step(message: approval_pb2.LedgerEntry) -> LedgerStep:
    return LedgerStep(
        sequence=message.sequence,
        at_us=_micros(message.at),
        server=message.server,
        tool=message.tool,
        tool_class=_word(approval_pb2.ToolClass, message.tool_class, "TOOL_CLASS_"),
        decision=_word(decision_pb2.Decision, message.decision, "DECISION_"),
        codes=tuple(message.reason_codes),
        status=_member(OutcomeStatus, message.status),
        arguments_json=message.arguments_json,
        decision_id=message.decision_id,
    )


def _subject(message: common_pb2.Subject) -> Subject:
    return Subject(message.type, message.id, message.issuer)


def _member(kind: type[E], number: int) -> E:
    """The member of that number; what this client does not know is UNSPECIFIED."""
    try:
        return kind(number)
    except ValueError:
        return kind(0)


def _word(kind: Any, number: int, prefix: str) -> str:
    """An enumeration's value as a word; empty where it is unset or not known."""
    if not number or number not in kind.values():
        return ""
    word: str = kind.Name(number).removeprefix(prefix).lower()
    return word


def _micros(at: Timestamp) -> int:
    return at.seconds * 1_000_000 + at.nanos // 1000


def _error_info(raw: object) -> Mapping[str, str]:
    info = error_details_pb2.ErrorInfo()
    try:
        status = status_pb2.Status.FromString(raw if isinstance(raw, bytes) else b"")
        for detail in status.details:
            if detail.Unpack(info):
                return dict(info.metadata)
    except DecodeError:
        pass
    return {}
