"""The explanation document of the policy: the decision, and what every rule says about the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pdp.domain.canonical import JsonValue
from pdp.domain.values import Reason
from pdp.domain.verdict import NotADecision, PolicyDecision, parse_decision


class RuleMode(StrEnum):
    """Whether a rule's verdict counts."""

    ENFORCE = "enforce"
    SHADOW = "shadow"
    OFF = "off"


class RuleResult(StrEnum):
    """The one answer that a rule gives; `NONE` where it is off and was not evaluated."""

    PASS = "pass"  # noqa: S105 - a verdict
    NOT_APPLICABLE = "not_applicable"
    ESCALATE = "escalate"
    DENY = "deny"
    NONE = ""


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """What one rule says about one call; `grants` says that a pass of it may allow the call."""

    rule: str
    mode: RuleMode
    result: RuleResult
    grants: bool = False
    code: str = ""
    message: str = ""
    agent_message: str = ""
    remediation: str = ""
    controls: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether the rule is enforced."""
        return self.mode is RuleMode.ENFORCE

    @property
    def silent(self) -> bool:
        """Whether the rule came to no verdict of its own: it is left with its default."""
        return self.result is RuleResult.DENY and self.code in ("", "policy_error")

    def reason(self) -> Reason:
        """The verdict as a reason of a decision."""
        return Reason(
            code=self.code,
            message=self.message,
            rule=self.rule,
            remediation=self.remediation,
            controls=self.controls,
            metadata=self.metadata,
            agent_message=self.agent_message,
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """What policy says of one call, and every rule's verdict, by rule.

    `rules` is empty where the policy could not be evaluated.
    """

    policy: PolicyDecision
    rules: tuple[RuleVerdict, ...] = ()


def parse_explanation(document: JsonValue) -> Explanation:
    """Read an explanation document.

    Raises:
        NotADecision: its decision is none, or a rule is not told as it must be.
    """
    match document:
        case {"decision": decision, "rules": [*rules]}:
            told = [_verdict(rule) for rule in rules]
            return Explanation(
                parse_decision(decision), tuple(sorted(told, key=lambda verdict: verdict.rule))
            )
    raise NotADecision("explanation document has no decision or no list of rules")


def _verdict(value: JsonValue) -> RuleVerdict:
    match value:
        case {
            "rule": str(rule),
            "mode": str(mode),
            "grants": bool(grants),
            "result": str(result),
            "code": str(code),
            "message": str(message),
            "agent_message": str(agent_message),
            "remediation": str(remediation),
            "controls": [*controls],
            "metadata": {**metadata},
        }:
            try:
                return RuleVerdict(
                    rule=rule,
                    mode=RuleMode(mode),
                    result=RuleResult(result),
                    grants=grants,
                    code=code,
                    message=message,
                    agent_message=agent_message,
                    remediation=remediation,
                    controls=tuple(str(control) for control in controls),
                    metadata={str(key): str(said) for key, said in metadata.items()},
                )
            except ValueError as error:
                raise NotADecision(f"rule {rule}: {error}") from error
    raise NotADecision("a rule of the explanation is not told as it must be")
