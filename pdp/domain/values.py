"""The words of the decision as values: enumerations and the plain records they label.

Names and numbers follow the gRPC contract, whose field names follow OpenID AuthZEN.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pdp.domain.canonical import JsonValue
    from pdp.domain.output_forms import OutputForms


class Decision(StrEnum):
    """What a call may do; anything that is not one of these is a deny."""

    ALLOW = "allow"
    DENY = "deny"
    ESCALATE = "escalate"


class Sensitivity(IntEnum):
    """How much harm the data does in the wrong hands; ordered, so that the highest wins."""

    UNSPECIFIED = 0
    PUBLIC = 1
    INTERNAL = 2
    CONFIDENTIAL = 3
    RESTRICTED = 4


class ToolClass(StrEnum):
    """What kind of effect a tool has, in rising order of danger."""

    READ = "read"
    DRAFT = "draft"
    WRITE = "write"
    SEND = "send"
    EXECUTE = "execute"
    ADMIN = "admin"

    @property
    def has_effect(self) -> bool:
        """Whether a call changes something that a draft could not take back."""
        return self not in (ToolClass.READ, ToolClass.DRAFT)


class OutputLabel(StrEnum):
    """Who could have written what a tool returns."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"


class Phase(IntEnum):
    """How far a task may go: look, draft, or act."""

    UNSPECIFIED = 0
    PLAN = 1
    PREPARE = 2
    EXECUTE = 3


class TaskState(IntEnum):
    """Whether a task still carries authority."""

    UNSPECIFIED = 0
    ACTIVE = 1
    COMPLETED = 2
    REVOKED = 3
    EXPIRED = 4


class OutcomeStatus(IntEnum):
    """What became of a call, as the enforcement point reports it."""

    UNSPECIFIED = 0
    SUCCEEDED = 1
    FAILED = 2
    NOT_EXECUTED = 3


class Trust(IntEnum):
    """Who vouches for material appended to a task."""

    UNSPECIFIED = 0
    PRINCIPAL = 1
    TRUSTED = 2
    UNTRUSTED = 3


class ApprovalState(IntEnum):
    """Where an approval stands on its way from question to use."""

    UNSPECIFIED = 0
    PENDING = 1
    APPROVED = 2
    DENIED = 3
    EXPIRED = 4
    CANCELLED = 5
    RESERVED = 6
    CONSUMED = 7


class NextAction(IntEnum):
    """What the enforcement point does best next."""

    UNSPECIFIED = 0
    NONE = 1
    RETRY = 2
    WAIT_FOR_APPROVAL = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """An identity: an agent workload, a person or a service.

    Two subjects are the same when type, id and issuer are equal byte for byte; `properties` are
    claims about it and never part of who it is.
    """

    type: str = ""
    id: str = ""
    issuer: str = ""
    properties: Mapping[str, JsonValue] = field(default_factory=dict, compare=False, hash=False)

    @property
    def key(self) -> str:
        """The identity as one string, for maps and tables (unit separator cannot occur in one)."""
        return f"{self.type}\x1f{self.id}\x1f{self.issuer}"

    def __bool__(self) -> bool:
        """An unset message of the contract is an empty subject."""
        return bool(self.id or self.type or self.issuer)


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated peer on the connection, and the roles policy gives it."""

    identity: Subject
    roles: frozenset[str]
    verified_by: str


@dataclass(frozen=True, slots=True)
class Intent:
    """The goal in words, and the tools, resources and sensitivity it needs."""

    goal: str = ""
    tools: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    max_sensitivity: Sensitivity = Sensitivity.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Budget:
    """How many calls, and how many of them with effects; 0 leaves it to policy."""

    max_calls: int = 0
    max_effects: int = 0


@dataclass(frozen=True, slots=True)
class Resource:
    """What a call acts on, as `type:id`."""

    type: str = ""
    id: str = ""
    sensitivity: Sensitivity = Sensitivity.UNSPECIFIED
    properties: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """One call of one tool, with the arguments as the agent sent them."""

    name: str
    arguments_json: bytes = b""
    server: str = ""
    schema_digest: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an earlier call really did and returned. `output` is cut at the limit already.

    `read` is what was read of the output beforehand; None where that is still to be done.
    """

    decision_id: str
    status: OutcomeStatus
    output: bytes = b""
    output_media_type: str = ""
    truncated: bool = False
    read: OutputForms | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a decision is what it is, for a machine, an operator, a person and the agent."""

    code: str
    message: str = ""
    rule: str = ""
    remediation: str = ""
    controls: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    agent_message: str = ""


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something the enforcement point must do with the answer; unknown types mean deny."""

    id: str
    type: str
    properties: Mapping[str, JsonValue] = field(default_factory=dict)
