"""The explanation document of the policy: the decision, and what every rule says about the call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pdp.domain.canonical import JsonValue
from pdp.domain.values import Reason
from pdp.domain.verdict import PolicyDecision


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


def parse_rules(value: JsonValue) -> tuple[RuleVerdict, ...]:
    """What every rule says, from the `rules` of an explanation document, by rule.

    A verdict that is not well formed is told as a deny, which is what it makes of the call.
    """
    if not isinstance(value, list):
        return ()
    told = (_verdict(rule) for rule in value)
    return tuple(sorted(told, key=lambda verdict: verdict.rule))


def _verdict(value: JsonValue) -> RuleVerdict:
    match value:
        case {
            "rule": str(rule),
            "mode": ("enforce" | "shadow" | "off") as mode,
            "grants": bool(grants),
            "result": ("pass" | "not_applicable" | "escalate" | "deny" | "") as result,
            "code": str(code),
            "message": str(message),
            "agent_message": str(agent_message),
            "remediation": str(remediation),
            "controls": [*controls],
            "metadata": {**metadata},
        }:
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
        case {"rule": str(rule), "mode": ("enforce" | "shadow" | "off") as mode}:
            return _malformed(rule, RuleMode(mode))
    return _malformed("", RuleMode.ENFORCE)


def _malformed(rule: str, mode: RuleMode) -> RuleVerdict:
    return RuleVerdict(
        rule=rule,
        mode=mode,
        result=RuleResult.DENY,
        code="policy_error",
        message="what the rule says is not a verdict: compare it with docs/policy.md",
    )
