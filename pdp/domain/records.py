"""What is kept: log leaves, decisions, outcomes, approvals, grants and answered request ids."""

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
    """A decision as outcomes and explanations refer to it; the leaf holds the rest.

    `answered_by` is the id of the approval or grant that an allow rests on, empty for most.
    """

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
    answered_by: str = ""


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
class ReadingRecord:
    """What was read of the output of the outcome at place `leaf_index` of the log, as packed bytes.

    Kept of large outputs: to read them again takes long, and they tell the same ever after.
    """

    leaf_index: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class InputRecord:
    """The input document of a decision; the log commits to SHA-256(nonce ‖ body)."""

    decision_id: str
    task_id: str
    nonce: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class SinkRecord:
    """An argument that decides where a call's effect goes, as it was when a person was asked.

    `path` is an RFC 6901 pointer, `value` a string as it is or any other value as canonical JSON,
    `origin` the word of an Origin, `source` the decision whose output held it (empty: none did).
    """

    path: str
    value: str
    origin: str
    source: str


@dataclass(frozen=True, slots=True)
class ArgumentConstraint:
    """What one argument of the calls under a grant must be.

    `path` is an RFC 6901 pointer, `values` are canonical JSON, `patterns` globs over strings (of a
    string that lists several with commas, semicolons or line ends, each part has to fit too). One
    of them has to fit, with neither nothing does; of a list it is enough that each item fits,
    unless `whole` says that the values are meant as they stand.
    """

    path: str
    values: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """What an approver gives for several calls; 0 in `max_uses` or `ttl_us` is policy's default."""

    max_uses: int = 0
    ttl_us: int = 0
    constraints: tuple[ArgumentConstraint, ...] = ()


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's answer. `grant` is set where it is meant for several calls."""

    voter: Subject
    approve: bool
    reason: str
    at_us: int
    grant: GrantTerms | None = None


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """One call of a plan that asks for a person, and the reasons why it does."""

    server: str
    tool: str
    definition_digest: str
    canonical_arguments: bytes
    reasons: tuple[Reason, ...]
    sinks: tuple[SinkRecord, ...]


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """A question to people about one exact call of one task, and their answers.

    `aim` digests what a "no" is about: tool and sinks. `approvers` are the roles (or `user:ID`) of
    those who may answer, `votes_needed` how many must say yes. `use_us` is how long a yes may be
    used, `max_uses` and `max_ttl_us` bound a grant that is given instead (1 use: none can be).
    `used_by` is the decision that reserved it. `plan` are the calls that a plan asks for; empty for
    a question about a single call.
    """

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
    sensitivity: Sensitivity = Sensitivity.UNSPECIFIED
    definition_digest: str = ""
    aim: str = ""
    sinks: tuple[SinkRecord, ...] = ()
    approvers: tuple[str, ...] = ()
    use_us: int = 0
    max_uses: int = 1
    max_ttl_us: int = 0
    votes: tuple[Vote, ...] = ()
    used_by: str = ""
    plan: tuple[PlannedRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class GrantRecord:
    """A bounded answer for several calls of one task and one tool.

    `reasons` are those that it answers and no others. `closed` says that content is bound as well:
    the calls of a plan are just those. `uses` counts allows that were not reported as not executed.
    """

    id: str
    approval_id: str
    task_id: str
    subject: Subject
    principal: Subject
    server: str
    tool: str
    definition_digest: str
    constraints: tuple[ArgumentConstraint, ...]
    reasons: tuple[Reason, ...]
    max_uses: int
    uses: int
    created_at_us: int
    expires_at_us: int
    granted_by: tuple[Subject, ...]
    closed: bool = False
    revoked: bool = False


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
    grants: tuple[GrantRecord, ...] = ()
    requests: tuple[RequestRecord, ...] = ()
    readings: tuple[ReadingRecord, ...] = ()
