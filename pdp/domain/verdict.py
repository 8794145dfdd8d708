"""The decision document of the policy, read strictly: what is not well formed is not a decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pdp.domain.canonical import JsonValue
from pdp.domain.values import Decision, Obligation, Phase, Reason


class NotADecision(ValueError):
    """The engine's value is no decision document; the message says where, for operators."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Who may answer, how many of them must agree, and for how long the question stands.

    A yes can be used for `use_s`. A grant that is given instead has at most `max_uses` uses (1:
    none can be given) and ends after `max_ttl_s`.
    """

    approvers: tuple[str, ...]
    needed: int
    ttl_s: int
    use_s: int = 900
    max_uses: int = 1
    max_ttl_s: int = 900


@dataclass(frozen=True, slots=True)
class Terms:
    """What a started task gets: the request narrowed to the policy's bounds."""

    phase: Phase
    ttl_s: int
    max_calls: int
    max_effects: int


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """What policy says of one call."""

    decision: Decision
    reasons: tuple[Reason, ...]
    obligations: tuple[Obligation, ...] = ()
    escalation: Escalation | None = None
    terms: Terms | None = None
    verdicts: Mapping[str, str] = field(default_factory=dict)
    shadow: Mapping[str, str] = field(default_factory=dict)


def parse_decision(document: JsonValue) -> PolicyDecision:
    """Read a decision document.

    Raises:
        NotADecision: a member is missing, of another type, or contradicts the decision.
    """
    top = _object(document, "decision document")
    try:
        decision = Decision(_text(top, "decision"))
    except ValueError as error:
        raise NotADecision("decision is not allow, deny or escalate") from error
    reasons = tuple(_reason(_object(item, "reason")) for item in _items(top, "reasons"))
    if not reasons:
        raise NotADecision("reasons is empty")
    obligations = tuple(
        _obligation(_object(item, "obligation")) for item in _items(top, "obligations")
    )
    escalation = None
    if decision is Decision.ESCALATE:
        escalation = _escalation(_object(top.get("escalation"), "escalation"))
    terms = None
    if decision is Decision.ALLOW and top.get("terms") is not None:
        terms = _terms(_object(top["terms"], "terms"))
    return PolicyDecision(
        decision=decision,
        reasons=reasons,
        obligations=obligations,
        escalation=escalation,
        terms=terms,
        verdicts=_texts(top, "verdicts"),
        shadow=_texts(top, "shadow"),
    )


def _reason(value: Mapping[str, JsonValue]) -> Reason:
    controls = _items(value, "controls")
    if not all(isinstance(control, str) for control in controls):
        raise NotADecision("controls is not a list of texts")
    code = _text(value, "code")
    if not code:
        raise NotADecision("code is empty")
    return Reason(
        code=code,
        message=_text(value, "message"),
        rule=_text(value, "rule"),
        remediation=_text(value, "remediation"),
        controls=tuple(str(control) for control in controls),
        metadata=_texts(value, "metadata"),
        agent_message=_text(value, "agent_message"),
    )


def _obligation(value: Mapping[str, JsonValue]) -> Obligation:
    return Obligation(
        id=_text(value, "id"),
        type=_text(value, "type"),
        properties=_object(value.get("properties"), "properties"),
    )


def _escalation(value: Mapping[str, JsonValue]) -> Escalation:
    approvers = _items(value, "approvers")
    if not approvers or not all(isinstance(name, str) for name in approvers):
        raise NotADecision("approvers is not a list of texts")
    return Escalation(
        approvers=tuple(str(name) for name in approvers),
        needed=_whole(value, "needed"),
        ttl_s=_whole(value, "ttl_s"),
        **{
            name: _whole(value, name)
            for name in ("use_s", "max_uses", "max_ttl_s")
            if name in value
        },
    )


_PHASES = {"plan": Phase.PLAN, "prepare": Phase.PREPARE, "execute": Phase.EXECUTE}


def _terms(value: Mapping[str, JsonValue]) -> Terms:
    phase = _PHASES.get(_text(value, "phase"))
    if phase is None:
        raise NotADecision("phase is not plan, prepare or execute")
    return Terms(
        phase=phase,
        ttl_s=_whole(value, "ttl_s"),
        max_calls=_whole(value, "max_calls"),
        max_effects=_whole(value, "max_effects"),
    )


def _object(value: JsonValue, name: str) -> Mapping[str, JsonValue]:
    if not isinstance(value, dict):
        raise NotADecision(f"{name} is not an object")
    return value


def _items(value: Mapping[str, JsonValue], name: str) -> list[JsonValue]:
    items = value.get(name)
    if not isinstance(items, list):
        raise NotADecision(f"{name} is not a list")
    return items


def _text(value: Mapping[str, JsonValue], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str):
        raise NotADecision(f"{name} is not a text")
    return text


def _texts(value: Mapping[str, JsonValue], name: str) -> dict[str, str]:
    texts = _object(value.get(name), name)
    for text in texts.values():
        if not isinstance(text, str):
            raise NotADecision(f"{name} has a value that is not a text")
    return {key: str(text) for key, text in texts.items()}


def _whole(value: Mapping[str, JsonValue], name: str) -> int:
    number = value.get(name)
    # bool is an int in Python, and true is no number in JSON.
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise NotADecision(f"{name} is not a whole number")
    return number
