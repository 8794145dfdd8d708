"""The ledger as a batch so far leaves it: what the store knows, under what will be committed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pdp.domain.answer import Receipt
from pdp.domain.leaves import Entry, write_leaf
from pdp.domain.records import (
    ApprovalRecord,
    Changes,
    DecisionRecord,
    GrantRecord,
    InputRecord,
    Leaf,
    OutcomeRecord,
    ReadingRecord,
    RequestKey,
    RequestRecord,
)
from pdp.domain.task import Rollup, Task
from pdp.memory import Memory, Met
from pdp.ports import LogState, Store, Wanted

_NOTHING = Wanted()


@dataclass(slots=True)
class Overlay:
    """Reads through to the store, keeps what the batch adds, and hands that over as one change.

    Later waves of a batch see what earlier waves will commit; nothing else sees it before it is
    durable. Used by one thread, for one batch.
    """

    store: Store
    memory: Memory
    log: LogState
    now_us: int
    tasks: dict[str, Task] = field(default_factory=dict)
    rollups: dict[str, Rollup] = field(default_factory=dict)
    requests: dict[RequestKey, RequestRecord] = field(default_factory=dict)
    decisions: dict[str, DecisionRecord] = field(default_factory=dict)
    outcomes: dict[str, OutcomeRecord] = field(default_factory=dict)
    approvals: dict[str, ApprovalRecord] = field(default_factory=dict)
    grants: dict[str, GrantRecord] = field(default_factory=dict)
    drafts: dict[str, Met] = field(default_factory=dict)
    _stored: dict[str, Task] = field(default_factory=dict)
    _asked: Wanted = field(default_factory=Wanted)
    _leaves: list[Leaf] = field(default_factory=list)
    _inputs: list[InputRecord] = field(default_factory=list)
    _new_decisions: list[DecisionRecord] = field(default_factory=list)
    _new_outcomes: list[OutcomeRecord] = field(default_factory=list)
    _new_readings: list[ReadingRecord] = field(default_factory=list)
    _new_requests: list[RequestRecord] = field(default_factory=list)
    _changed_tasks: set[str] = field(default_factory=set)
    _changed_rollups: set[str] = field(default_factory=set)
    _changed_approvals: set[str] = field(default_factory=set)
    _changed_grants: set[str] = field(default_factory=set)

    def require(self, wanted: Wanted) -> None:
        """Read what the batch does not know yet of the keys, in one go.

        Raises:
            StoreError: the store cannot be read.
        """
        if wanted == _NOTHING:
            return
        asked = self._asked
        missing = Wanted(
            tasks=wanted.tasks - asked.tasks,
            rollups=wanted.rollups - asked.rollups,
            requests=wanted.requests - asked.requests,
            decisions=wanted.decisions - asked.decisions,
            approvals=wanted.approvals - asked.approvals,
            calls=wanted.calls - asked.calls,
            aims=wanted.aims - asked.aims,
            questions=wanted.questions - asked.questions,
            grants=wanted.grants - asked.grants,
            grants_of=wanted.grants_of - asked.grants_of,
        )
        if missing == _NOTHING:
            return
        found = self.store.load(missing)
        # What the batch itself has added is newer than anything the store can know.
        self.tasks = {**found.tasks, **self.tasks}
        self._stored.update(found.tasks)
        self.rollups = {**found.rollups, **self.rollups}
        self.requests = {**found.requests, **self.requests}
        self.decisions = {**found.decisions, **self.decisions}
        self.outcomes = {**found.outcomes, **self.outcomes}
        self.approvals = {**found.approvals, **self.approvals}
        self.grants = {**found.grants, **self.grants}
        self._asked = Wanted(
            tasks=asked.tasks | missing.tasks,
            rollups=asked.rollups | missing.rollups,
            requests=asked.requests | missing.requests,
            decisions=asked.decisions | missing.decisions,
            approvals=asked.approvals | missing.approvals,
            calls=asked.calls | missing.calls,
            aims=asked.aims | missing.aims,
            questions=asked.questions | missing.questions,
            grants=asked.grants | missing.grants,
            grants_of=asked.grants_of | missing.grants_of,
        )

    def rollup(self, key: str) -> Rollup:
        """The sums under `key` as of now; an unknown key has none yet."""
        return self.rollups.get(key, Rollup()).at(self.now_us)

    def met(self, task: Task) -> Met:
        """What a task has met as the batch so far leaves it; what is added here is a draft.

        Raises:
            StoreError: it must be told anew, and the store cannot be read.
        """
        draft = self.drafts.get(task.id)
        if draft is None:
            before = self._stored.get(task.id, replace(task, sequence=0))
            draft = self.drafts[task.id] = self.memory.of(before, self.store).draft()
        return draft

    def append(self, entry: Entry, task: Task | None) -> tuple[Receipt, Task | None]:
        """Put a leaf at the end of the log, and as the newest of `task` where there is one."""
        leaf, task_after = write_leaf(entry, task)
        receipt = Receipt(
            log_id=self.log.log_id,
            leaf_index=self.log.size + len(self._leaves),
            leaf_hash=leaf.hash,
        )
        self._leaves.append(leaf)
        if task_after is not None:
            self.put_task(task_after)
        return receipt, task_after

    def put_task(self, task: Task) -> None:
        """Replace or add a task."""
        self.tasks[task.id] = task
        self._changed_tasks.add(task.id)

    def put_rollup(self, key: str, rollup: Rollup) -> None:
        """Replace or add the sums under a key."""
        self.rollups[key] = rollup
        self._changed_rollups.add(key)

    def put_approval(self, approval: ApprovalRecord) -> None:
        """Replace or add an approval."""
        self.approvals[approval.id] = approval
        self._changed_approvals.add(approval.id)

    def put_grant(self, grant: GrantRecord) -> None:
        """Replace or add a grant."""
        self.grants[grant.id] = grant
        self._changed_grants.add(grant.id)

    def approvals_of(self, task_id: str) -> list[ApprovalRecord]:
        """The approvals of a task that are known here, newest first."""
        found = [one for one in self.approvals.values() if one.task_id == task_id]
        return sorted(found, key=lambda one: (one.created_at_us, one.id), reverse=True)

    def grants_of(self, task_id: str) -> list[GrantRecord]:
        """The grants of a task that are known here, oldest first."""
        found = [one for one in self.grants.values() if one.task_id == task_id]
        return sorted(found, key=lambda one: one.id)

    def add_decision(self, decision: DecisionRecord, document: InputRecord) -> None:
        """Add a decision and the input it was made from."""
        self.decisions[decision.id] = decision
        self._new_decisions.append(decision)
        self._inputs.append(document)

    def add_outcome(self, outcome: OutcomeRecord, packed: bytes = b"") -> None:
        """Add what was reported for a decision; `packed` is what was read of it beforehand."""
        self.outcomes[outcome.decision_id] = outcome
        self._new_outcomes.append(outcome)
        if packed:
            self._new_readings.append(ReadingRecord(outcome.receipt.leaf_index, packed))

    def add_request(self, request: RequestRecord) -> None:
        """Add the answer given under a request id."""
        self.requests[request.key] = request
        self._new_requests.append(request)

    def changes(self) -> Changes | None:
        """All that the batch makes true; None where it makes nothing true."""
        if not self._leaves and not self._new_requests:
            return None
        return Changes(
            at_us=self.now_us,
            first_index=self.log.size,
            leaves=tuple(self._leaves),
            tasks=tuple(self.tasks[key] for key in sorted(self._changed_tasks)),
            rollups=tuple((key, self.rollups[key]) for key in sorted(self._changed_rollups)),
            decisions=tuple(self._new_decisions),
            inputs=tuple(self._inputs),
            outcomes=tuple(self._new_outcomes),
            approvals=tuple(self.approvals[key] for key in sorted(self._changed_approvals)),
            grants=tuple(self.grants[key] for key in sorted(self._changed_grants)),
            requests=tuple(self._new_requests),
            readings=tuple(self._new_readings),
        )
