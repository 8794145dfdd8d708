"""What is kept: log leaves, decisions, outcomes, approvals and answered request ids."""

from __future__ import annotations

from dataclasses import dataclass

from pdp.domain.answer import Answer, Receipt
from pdp.domain.task import Rollup, Task
from pdp.domain.values import (
    ApprovalState,
    Decision,
    OutcomeStatus,
    OutputLabel,
    Reason,
    Sensitivity,
    Subject,
    ToolClass,
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the append-only log.

    `body` is canonical JSON and `hash` its RFC 6962 leaf hash. `task_id` is empty for what belongs
    to no task; `sequence` is the task's count after this leaf.
    """

    hash: bytes
    body: bytes
    kind: str
    task_id: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision as outcomes and explanations refer to it; the leaf holds the rest."""

    id: str
    task_id: str
    caller: str
    decision: Decision
    tool_class: ToolClass
    output_label: OutputLabel
    sensitivity: Sensitivity
    server: str
    tool: str
    at_us: int
    leaf_index: int


@dataclass(frozen=True, slots=True)
class OutcomeRecord:
    """What was reported for a decision; `digest` covers status, output and media type."""

    decision_id: str
    status: OutcomeStatus
    digest: str
    output: bytes
    output_media_type: str
    truncated: bool
    at_us: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class InputRecord:
    """The input document of a decision; the log commits to SHA-256(nonce ‖ body)."""

    decision_id: str
    task_id: str
    nonce: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """A question to a person about one exact call of one task."""

    id: str
    state: ApprovalState
    decision_id: str
    task_id: str
    binding_digest: str
    subject: Subject
    principal: Subject
    server: str
    tool: str
    canonical_arguments: bytes
    resource_type: str
    resource_id: str
    reasons: tuple[Reason, ...]
    votes_needed: int
    created_at_us: int
    expires_at_us: int


@dataclass(frozen=True, slots=True)
class RequestKey:
    """The space in which a `request_id` is unique: one for each caller and RPC."""

    caller: str
    rpc: str
    request_id: str


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """The answer given under a request id; `digest` covers the whole request."""

    key: RequestKey
    digest: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything one batch makes true, committed together or not at all.

    `leaves` are in log order and the first of them takes place `first_index` of the log.
    """

    at_us: int
    first_index: int
    leaves: tuple[Leaf, ...] = ()
    tasks: tuple[Task, ...] = ()
    rollups: tuple[tuple[str, Rollup], ...] = ()
    decisions: tuple[DecisionRecord, ...] = ()
    inputs: tuple[InputRecord, ...] = ()
    outcomes: tuple[OutcomeRecord, ...] = ()
    approvals: tuple[ApprovalRecord, ...] = ()
    requests: tuple[RequestRecord, ...] = ()
