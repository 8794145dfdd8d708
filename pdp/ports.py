"""What the decision needs from outside, each as one protocol with its own family of errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pdp.domain.canonical import JsonValue
from pdp.domain.output_forms import OutputForms
from pdp.domain.records import (
    ApprovalRecord,
    Changes,
    DecisionRecord,
    GrantRecord,
    InputRecord,
    Leaf,
    OutcomeRecord,
    RequestKey,
    RequestRecord,
)
from pdp.domain.task import Rollup, Task
from pdp.domain.values import OutcomeStatus, OutputLabel, Sensitivity


class EngineError(Exception):
    """The engine cannot do what was asked of it as a whole."""


class PolicyRefused(EngineError):
    """The policy was not loaded; the message is for its author. The last good one stays."""


@dataclass(frozen=True, slots=True)
class PolicySource:
    """What an engine loads: Rego by path, data, and the entrypoints it must answer."""

    revision: str
    modules: Mapping[str, str]
    data: Mapping[str, JsonValue]
    entrypoints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """One rule of the loaded policy, by its path such as `pdp/rules/task_alive/verdict`.

    `default_value` is what the default says; None where there is none, or one that policy computes.
    """

    path: str
    default: bool
    annotations: Mapping[str, JsonValue]
    default_value: JsonValue = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The value of an entrypoint for one input, and the microseconds it took."""

    value: JsonValue
    micros: int


@dataclass(frozen=True, slots=True)
class EngineFault:
    """Why there is no value for one input; the message is for operators."""

    code: Literal["policy_error", "policy_timeout"]
    message: str


def accept_any(_rules: Sequence[RuleInfo]) -> None:
    """A check of rules that refuses none."""


class Engine(Protocol):
    """Evaluates policy. Safe to call from several threads."""

    def load(
        self, source: PolicySource, check: Callable[[Sequence[RuleInfo]], None] = accept_any
    ) -> Sequence[RuleInfo]:
        """Put `source` in force and list its rules; `check` sees them before they are in force.

        Raises:
            PolicyRefused: it does not compile or uses what is not allowed, or `check` raised it;
                nothing has changed.
            EngineError: the engine is not there.
        """

    def evaluate_many(
        self, entrypoint: str, inputs: Sequence[bytes]
    ) -> Sequence[Evaluation | EngineFault]:
        """The value of `entrypoint` for each input (JSON documents), in order, one for each.

        An element's trouble is its own EngineFault and never another element's, nor an exception.
        """

    def ready(self) -> bool:
        """Whether a policy is in force and would be evaluated now."""

    def close(self) -> None:
        """Give back what the engine holds. Further calls answer with faults."""


class StoreError(Exception):
    """The store cannot read or write."""


class NotRecorded(StoreError):
    """The transaction did not happen: nothing of it is, or ever will be, in the store."""


class CommitUnknown(StoreError):
    """Whether the transaction happened is not known; ask `settle` before anything is served."""


class StoreInUse(StoreError):
    """Another process writes to this store."""


class SchemaTooNew(StoreError):
    """The store was written by a newer version of this program."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Keys of what a batch needs to know.

    Approvals are found in four ways: `calls` are (task id, binding digest) and find the newest of
    each; `aims` are (task id, aim) and find the newest that is DENIED; `questions` are task ids and
    find all that are PENDING or APPROVED; `approvals` are ids. Grants are found by id, and by
    `grants_of`, task ids: all that are not revoked and have uses left, whatever the time.
    """

    tasks: frozenset[str] = frozenset()
    rollups: frozenset[str] = frozenset()
    requests: frozenset[RequestKey] = frozenset()
    decisions: frozenset[str] = frozenset()
    approvals: frozenset[str] = frozenset()
    calls: frozenset[tuple[str, str]] = frozenset()
    aims: frozenset[tuple[str, str]] = frozenset()
    questions: frozenset[str] = frozenset()
    grants: frozenset[str] = frozenset()
    grants_of: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the store knows of the keys asked for; what it does not know is absent.

    Approvals and grants stand under their ids, however they were found.
    """

    tasks: Mapping[str, Task] = field(default_factory=dict)
    rollups: Mapping[str, Rollup] = field(default_factory=dict)
    requests: Mapping[RequestKey, RequestRecord] = field(default_factory=dict)
    decisions: Mapping[str, DecisionRecord] = field(default_factory=dict)
    outcomes: Mapping[str, OutcomeRecord] = field(default_factory=dict)
    approvals: Mapping[str, ApprovalRecord] = field(default_factory=dict)
    grants: Mapping[str, GrantRecord] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """Something that a task met, in the order of its log: what atoms are taken from.

    `input` is the input document of an allowed decision (empty once erased), `output` what was
    reported for a decision; one of the two is set. The label and sensitivity are the decision's.
    `read` is what was read of the output when it was reported, where that was kept; the output
    may be left out then.
    """

    decision_id: str
    label: OutputLabel
    sensitivity: Sensitivity
    input: bytes = b""
    output: bytes = b""
    media_type: str = ""
    read: OutputForms | None = None


@dataclass(frozen=True, slots=True)
class StoryEntry:
    """One decision of a task as people are told of it.

    `leaf` is its place in the log, `input` its input document (empty once erased), `status` how the
    call ended (None: not reported).
    """

    leaf: StoredLeaf
    decision: DecisionRecord
    input: bytes
    status: OutcomeStatus | None


@dataclass(frozen=True, slots=True)
class LogState:
    """The log as last committed: its id, number of leaves, root, and the last committed time."""

    log_id: str
    size: int
    root: bytes
    last_at_us: int


@dataclass(frozen=True, slots=True)
class StoredLeaf:
    """A leaf with its place in the log."""

    index: int
    leaf: Leaf


class Store(Protocol):
    """Holds tasks, ledger, decisions, approvals, request ids and the log, for the one writer."""

    def load(self, wanted: Wanted) -> Snapshot:
        """What is known of the keys; outcomes come with the decisions asked for.

        Raises:
            StoreError: it cannot be read.
        """

    def events(self, task_id: str) -> Sequence[TaskEvent]:
        """Everything a task has met, in the order of its log.

        Raises:
            StoreError: it cannot be read.
        """

    def log_state(self) -> LogState:
        """The log as last committed.

        Raises:
            StoreError: it cannot be read.
        """

    def commit(self, changes: Changes) -> None:
        """Make all of `changes` durable, or none of it.

        Raises:
            NotRecorded: nothing was written.
            CommitUnknown: it may or may not have been written.
        """

    def settle(self, changes: Changes) -> bool:
        """Whether `changes`, whose commit was unknown, did happen.

        Raises:
            StoreError: the truth cannot be read yet.
        """

    def close(self) -> None:
        """Give the store back; another process may open it."""


class Records(Protocol):
    """What a store holds, to be read beside the writer and from any thread.

    Every method raises StoreError where it cannot read (or keep) what it is asked for.
    """

    def task(self, task_id: str) -> Task | None:
        """One task, if there is one of that id."""

    def list_tasks(self, *, after: str, limit: int) -> Sequence[Task]:
        """Up to `limit` tasks by id, beginning behind `after` (empty: from the first)."""

    def task_leaves(self, task_id: str) -> Sequence[StoredLeaf]:
        """A task's leaves in log order."""

    def leaves(self, start: int, limit: int) -> Sequence[StoredLeaf]:
        """Up to `limit` leaves of the log from index `start`."""

    def decision(self, decision_id: str) -> DecisionRecord | None:
        """One decision, if there is one of that id."""

    def input(self, decision_id: str) -> InputRecord | None:
        """The input document of a decision, unless it was erased."""

    def outcome(self, decision_id: str) -> OutcomeRecord | None:
        """What was reported for a decision, if anything was."""

    def story(self, task_id: str, *, before: int, limit: int) -> Sequence[StoryEntry]:
        """Up to `limit` decisions of a task, newest first, of leaves before index `before`.

        `before` 0 begins with the newest.
        """

    def approval(self, approval_id: str) -> ApprovalRecord | None:
        """One approval, if there is one of that id."""

    def list_approvals(
        self, *, before: str, limit: int, open_at_us: int = 0, task_id: str = "", like: str = ""
    ) -> Sequence[ApprovalRecord]:
        """Up to `limit` approvals, newest first, of ids before `before` (empty: from the newest).

        With `open_at_us` only those that are PENDING and not expired then; with `task_id` only
        those of that task; with `like` only those of that `pdp.domain.approval.likeness`.
        """

    def count_open(self, at_us: int) -> int:
        """How many approvals are PENDING and not expired at `at_us`."""

    def grant(self, grant_id: str) -> GrantRecord | None:
        """One grant, if there is one of that id."""

    def list_grants(
        self, *, before: str, limit: int, live_at_us: int = 0, task_id: str = ""
    ) -> Sequence[GrantRecord]:
        """Up to `limit` grants, newest first, of ids before `before` (empty: from the newest).

        With `live_at_us` only those that could be used then: uses left, not expired, not revoked.
        """

    def log_state(self) -> LogState:
        """The log as last committed."""

    def add_checkpoint(self, size: int, text: str) -> None:
        """Keep a signed checkpoint of the log at `size` leaves."""

    def checkpoints(self) -> Sequence[str]:
        """All signed checkpoints, oldest first."""


class OutputReader(Protocol):
    """Reads large outputs, so that those who decide need not."""

    async def read(self, raw: bytes, media_type: str) -> OutputForms:
        """What `pdp.domain.output_forms.read_forms` says of an output.

        Raises nothing: where there is no such answer, it is UNREAD.
        """


class Clock(Protocol):
    """Time and chance, so that tests can fix both."""

    def now_us(self) -> int:
        """Wall clock, microseconds since the epoch."""

    def monotonic_us(self) -> int:
        """A clock that never goes back, for deadlines."""

    def new_id(self, prefix: str) -> str:
        """A fresh identifier that sorts by time, such as `d-…`."""

    def nonce(self) -> bytes:
        """16 random bytes."""
