"""The facts of one call: what the PDP itself knows about it, before policy has seen it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pdp.domain.canonical import JsonValue
from pdp.domain.catalogue import Tool
from pdp.domain.goal import GoalActs, Stance
from pdp.domain.goal_words import Acts
from pdp.domain.provenance import ArgumentTrace
from pdp.domain.records import ApprovalRecord, PlannedRecord
from pdp.domain.request import Authorize, Call
from pdp.domain.steering import NOT_LED, Steering
from pdp.domain.task import Task
from pdp.domain.tool_acts import ToolActs
from pdp.domain.values import Decision, OutputLabel, Sensitivity, Subject
from pdp.domain.verdict import Escalation


@dataclass(frozen=True, slots=True)
class ArgumentsFinding:
    """Why arguments do not fit their tool's schema: where (RFC 6901 pointer) and what is wrong."""

    path: str
    problem: str


#: Checks arguments against a tool's schema; None where they fit.
CheckArguments = Callable[[Tool, Mapping[str, JsonValue]], ArgumentsFinding | None]

#: What a call of a tool does, in the words that goals are read with.
ActsOf = Callable[[Tool], ToolActs]


@dataclass(frozen=True, slots=True)
class Planned:
    """What would be decided of one call of a plan, were the task in the phase asked for.

    `question` is what a person is to be asked about it, where it escalates, and `escalation` who
    may answer.
    """

    server: str
    name: str
    decision: Decision
    codes: tuple[str, ...]
    question: PlannedRecord | None = None
    escalation: Escalation | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """One call as the PDP knows it, before policy has seen it.

    `task` is the task the call belongs to: the stored one, or the one that an unregistered call
    opens (not stored yet); None where it is unknown or not the subject's. `tool` is the catalogue's
    entry, None where there is none or the call is of a built-in tool. `traces` say where each
    argument came from, `output_label` who could have written what the call will return, `steering`
    whether untrusted content led to it; `goal` are the acts that the principal asks for,
    `tool_acts` those of this call, `stance` whether the goal asks for these, `about` whether it has
    anything to do with what the call acts on. `decides` is the approval that a person answers or
    takes back, `plan` what would be decided of the calls of a plan.
    """

    call: Call
    subject: Subject
    principal: Subject
    task: Task | None
    tool: Tool | None
    ambiguous: bool
    server: str
    name: str
    arguments: Mapping[str, JsonValue]
    canonical_arguments: bytes
    arguments_digest: str
    arguments_finding: ArgumentsFinding | None
    definition_changed: bool
    intent_repinned: bool
    task_exists: bool
    resource_type: str
    resource_id: str
    resource_derived: bool
    resource_contradicts: bool
    sensitivity: Sensitivity
    binding_digest: str
    traces: tuple[ArgumentTrace, ...] = ()
    output_label: OutputLabel = OutputLabel.UNTRUSTED
    steering: Steering = NOT_LED
    goal: GoalActs = field(default_factory=GoalActs)
    tool_acts: Acts = frozenset()
    stance: Stance = Stance.UNASKED
    about: bool = False
    decides: ApprovalRecord | None = None
    plan: tuple[Planned, ...] = ()

    @property
    def is_builtin(self) -> bool:
        """Whether the call is a task action."""
        return not isinstance(self.call.ask, Authorize)

    @property
    def has_effect(self) -> bool:
        """Whether the call changes something, or carries something out."""
        return self.tool is not None and self.tool.has_effect
