"""What a caller can ask the pipeline to do, as values; each kind is one plain record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pdp.domain.canonical import JsonValue
from pdp.domain.output_forms import OutputForms
from pdp.domain.records import GrantTerms
from pdp.domain.values import (
    Action,
    Budget,
    Caller,
    Intent,
    Outcome,
    Phase,
    Resource,
    Subject,
    Trust,
)


@dataclass(frozen=True, slots=True)
class Authorize:
    """May this call happen now? `intent` is set only where there is no `task_id`."""

    subject: Subject
    action: Action
    task_id: str = ""
    resource: Resource = field(default_factory=Resource)
    intent: Intent | None = None
    on_behalf_of: Subject = field(default_factory=Subject)
    session_id: str = ""
    signals: Mapping[str, JsonValue] = field(default_factory=dict)
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportOutcomes:
    """What earlier calls did and returned."""

    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class StartTask:
    """Open a registered task. 0 in `ttl_us`, `budget` and `phase` leaves it to policy."""

    subject: Subject
    intent: Intent
    task_id: str = ""
    on_behalf_of: Subject = field(default_factory=Subject)
    phase: Phase = Phase.UNSPECIFIED
    ttl_us: int = 0
    budget: Budget = field(default_factory=Budget)


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """One call the agent intends, shown when it asks for a later phase."""

    action: Action
    resource: Resource = field(default_factory=Resource)


@dataclass(frozen=True, slots=True)
class ChangePhase:
    """Move a task to another phase."""

    task_id: str
    phase: Phase
    reason: str = ""
    plan: tuple[PlannedCall, ...] = ()


@dataclass(frozen=True, slots=True)
class CompleteTask:
    """End a task: its authority is over."""

    task_id: str


@dataclass(frozen=True, slots=True)
class AppendContext:
    """Add material to what is known of a task, with who vouches for it.

    `content` is cut at the limit of outputs already; `source` says in words where it came from.
    `read` is what was read of the content beforehand; None where that is still to be done.
    """

    task_id: str
    trust: Trust
    content: bytes
    source: str = ""
    truncated: bool = False
    read: OutputForms | None = None


@dataclass(frozen=True, slots=True)
class DecideApproval:
    """One person's answer to an escalated call; the caller is that person."""

    approval_id: str
    approve: bool
    reason: str = ""
    grant: GrantTerms | None = None


@dataclass(frozen=True, slots=True)
class CancelApproval:
    """Take back what stands: a question, a yes that is not used yet, or a no."""

    approval_id: str


@dataclass(frozen=True, slots=True)
class RevokeTask:
    """End a task for good, with all that it was given."""

    task_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RevokeGrant:
    """End a grant before its time."""

    grant_id: str
    reason: str = ""


Ask = (
    Authorize
    | ReportOutcomes
    | StartTask
    | ChangePhase
    | CompleteTask
    | AppendContext
    | DecideApproval
    | CancelApproval
    | RevokeTask
    | RevokeGrant
)


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through the pipeline.

    `rpc` and the caller span the space of `request_id`; `request_digest` covers the whole request
    and is empty where `request_id` is. `deadline_us` (monotonic microseconds, 0: none) is when the
    client gives up.
    """

    caller: Caller
    rpc: str
    ask: Ask
    request_id: str = ""
    request_digest: str = ""
    deadline_us: int = 0
