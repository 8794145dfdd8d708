"""A task: the unit of authority, and what the ledger adds up to for it and its principal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pdp.domain.values import (
    Budget,
    Decision,
    Intent,
    Phase,
    Sensitivity,
    Subject,
    TaskState,
    ToolClass,
)
from pdp.domain.weight import added

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US

#: From the least to the most that a class of tools can do.
REACH = {one: rank for rank, one in enumerate(ToolClass, start=1)}


@dataclass(frozen=True, slots=True)
class Rollup:
    """Sums over a ledger, kept so that no decision has to scan it.

    The same sums are kept for a task, for a (subject, principal) pair and for a principal. All
    counts are of recorded decisions, those of escalations of questions that were opened; the
    `minute_*` counts are of the epoch minute `minute`, the `hour_*` ones of the epoch hour `hour`.
    `reach` is the rank of the highest class of tool that was allowed (1 read … 6 admin, 0 none
    yet), `hour_final` counts what cannot be taken back, without the messages, and `hour_amount`
    adds up the value that was moved.
    """

    calls: int = 0
    effects: int = 0
    denials: int = 0
    escalations: int = 0
    untrusted: bool = False
    sensitivity: Sensitivity = Sensitivity.UNSPECIFIED
    minute: int = 0
    minute_calls: int = 0
    minute_effects: int = 0
    reach: int = 0
    hour: int = 0
    hour_escalations: int = 0
    hour_final: int = 0
    hour_amount: float = 0.0

    def at(self, now_us: int) -> Rollup:
        """The rollup as it reads at `now_us`: counts of an earlier minute or hour are 0."""
        minute = now_us // MINUTE_US
        if minute == self.minute:
            return self
        hour = now_us // HOUR_US
        same_hour = hour == self.hour
        # Written out: `replace` takes three times as long, and every call reads three rollups.
        return Rollup(
            calls=self.calls,
            effects=self.effects,
            denials=self.denials,
            escalations=self.escalations,
            untrusted=self.untrusted,
            sensitivity=self.sensitivity,
            minute=minute,
            reach=self.reach,
            hour=hour,
            hour_escalations=self.hour_escalations if same_hour else 0,
            hour_final=self.hour_final if same_hour else 0,
            hour_amount=self.hour_amount if same_hour else 0.0,
        )

    def add(
        self,
        *,
        now_us: int,
        decision: Decision,
        effect: bool,
        taints: bool,
        sensitivity: Sensitivity,
        asks: bool = False,
        tool_class: ToolClass | None = None,
        final: bool = False,
        amount: float = 0.0,
    ) -> Rollup:
        """The rollup after one more decision.

        `asks` says that it opened a question to people: one that is only found again is none more.
        An allow counts as executed, and as having returned untrusted material where its tool may
        (`taints`): what is never reported must not weigh less than what is. `final` says
        that it cannot be taken back and is no mere message, `amount` is the value that it moves.
        """
        current = self.at(now_us)
        allowed = decision is Decision.ALLOW
        acted = 1 if allowed and effect else 0
        return Rollup(
            calls=current.calls + (1 if allowed else 0),
            effects=current.effects + acted,
            denials=current.denials + (1 if decision is Decision.DENY else 0),
            escalations=current.escalations + (1 if asks else 0),
            untrusted=current.untrusted or (allowed and taints),
            sensitivity=max(current.sensitivity, sensitivity) if allowed else current.sensitivity,
            minute=current.minute,
            minute_calls=current.minute_calls + (1 if allowed else 0),
            minute_effects=current.minute_effects + acted,
            reach=max(current.reach, REACH[tool_class] if allowed and tool_class else 0),
            hour=current.hour,
            hour_escalations=current.hour_escalations + (1 if asks else 0),
            hour_final=current.hour_final + (1 if allowed and final else 0),
            hour_amount=added(current.hour_amount, amount) if allowed else current.hour_amount,
        )

    def tainted(self) -> Rollup:
        """The rollup once untrusted material has come in by another way than an allowed call."""
        return self if self.untrusted else replace(self, untrusted=True)


@dataclass(frozen=True, slots=True)
class Task:
    """A bounded piece of work. Times are microseconds since the epoch.

    `sequence` counts the task's log leaves and `last_leaf` is the hash of the newest (empty before
    the first); `opened_by` is the caller that opened it.
    """

    id: str
    subject: Subject
    principal: Subject
    intent: Intent
    phase: Phase
    state: TaskState
    budget: Budget
    started_at_us: int
    expires_at_us: int
    registered: bool
    opened_by: Subject
    parent_id: str = ""
    sequence: int = 0
    last_leaf: bytes = b""
    rollup: Rollup = field(default_factory=Rollup)

    def state_at(self, now_us: int) -> TaskState:
        """The state at `now_us`: an active task whose time is up has expired."""
        if self.state is TaskState.ACTIVE and now_us >= self.expires_at_us:
            return TaskState.EXPIRED
        return self.state

    def with_rollup(self, rollup: Rollup) -> Task:
        """The task with other sums."""
        return replace(self, rollup=rollup)

    @property
    def owner(self) -> Subject:
        """Whose work it is: the principal, or the subject itself where it works for no one."""
        return self.principal if self.principal else self.subject

    @property
    def rollup_keys(self) -> tuple[str, str]:
        """The keys of the rollups of its (subject, principal) pair and of its principal."""
        return rollup_keys(self.subject, self.principal)


def rollup_keys(subject: Subject, principal: Subject) -> tuple[str, str]:
    """The keys under which sums roll up beyond a task: the pair's, then the principal's.

    A subject that works for no one is its own principal.
    """
    owner = principal if principal else subject
    return f"pair\x1e{subject.key}\x1e{owner.key}", f"principal\x1e{owner.key}"
