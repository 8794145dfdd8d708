"""What the pipeline answers: a decision with its reasons, or a refusal of the request itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pdp.domain.limits import InvalidInput
from pdp.domain.task import Task
from pdp.domain.values import (
    ApprovalState,
    Decision,
    NextAction,
    Obligation,
    Phase,
    Reason,
    TaskState,
)


@dataclass(frozen=True, slots=True)
class TaskReference:
    """A task as an answer names it."""

    id: str
    sequence: int
    phase: Phase
    state: TaskState
    registered: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """A record's place in the append-only log; `leaf_index` counts from 0 within `log_id`."""

    log_id: str
    leaf_index: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class ApprovalReference:
    """The question to a person that an escalation opened or found."""

    id: str
    state: ApprovalState
    expires_at_us: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one call. Times are microseconds since the epoch.

    `task_after` is the whole task for the answers of task actions (unset unless allowed).
    """

    decision: Decision
    reasons: tuple[Reason, ...]
    evaluated_at_us: int
    valid_until_us: int
    obligations: tuple[Obligation, ...] = ()
    decision_id: str = ""
    request_id: str = ""
    policy_revision: str = ""
    approval: ApprovalReference | None = None
    arguments_digest: str = ""
    binding_digest: str = ""
    task: TaskReference | None = None
    receipt: Receipt | None = None
    next_action: NextAction = NextAction.NONE
    canonical_arguments: bytes = b""
    replayed: bool = False
    task_after: Task | None = None


@dataclass(frozen=True, slots=True)
class OutcomesRecorded:
    """The answer to a report of outcomes, in the order of the report."""

    task: TaskReference | None
    receipts: tuple[Receipt, ...]
    truncated: tuple[bool, ...]


class RefusalKind(StrEnum):
    """Why a request as such was refused; each is one gRPC status."""

    INVALID_ARGUMENT = "invalid_argument"
    NOT_FOUND = "not_found"
    ALREADY_EXISTS = "already_exists"
    FAILED_PRECONDITION = "failed_precondition"
    PERMISSION_DENIED = "permission_denied"
    UNAUTHENTICATED = "unauthenticated"
    RESOURCE_EXHAUSTED = "resource_exhausted"
    UNAVAILABLE = "unavailable"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    UNIMPLEMENTED = "unimplemented"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that got no decision. `field` is the contract's path of what was wrong.

    `reason` is the stable code of what is wrong, an ErrorReason or in upper case the code of the
    reason that decided; where nothing more is known than `kind`, empty. `remedy` is what to do,
    where `message` has more than that.
    """

    kind: RefusalKind
    message: str
    field: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    reason: str = ""
    remedy: str = ""


def refusal_of_input(fault: InvalidInput) -> Refusal:
    """The refusal of a request that says what cannot be accepted."""
    return Refusal(
        RefusalKind.INVALID_ARGUMENT,
        str(fault),
        fault.field,
        (("pointer", fault.pointer),) if fault.pointer else (),
        fault.reason,
        fault.remedy,
    )


Result = Answer | OutcomesRecorded | Refusal
