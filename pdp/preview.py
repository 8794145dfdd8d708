"""Deciding without committing: what policy would say of calls, with every rule's verdict.

`prepare` and `prepare_tools` read the ledger and run on the pipeline's thread, between two batches;
what they put into their overlay is forgotten with it. `explain_all` asks the engine only and runs
on any thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from pdp.admit import ENFORCEMENT_ROLE, Admitted, admit
from pdp.batch import require_batch
from pdp.decide import (
    Parts,
    constrained_by,
    document_of,
    evaluate,
    open_overlay,
    policy_decision,
    resolve,
)
from pdp.domain.answer import Refusal
from pdp.domain.approval import Standing
from pdp.domain.canonical import JsonValue
from pdp.domain.explanation import Explanation, RuleResult, RuleVerdict, parse_rules
from pdp.domain.facts import ArgumentsFinding, Facts
from pdp.domain.globs import may_begin
from pdp.domain.leaves import Entry
from pdp.domain.request import Call
from pdp.domain.values import Caller, Reason
from pdp.domain.verdict import PolicyDecision
from pdp.ports import Engine, EngineFault, Evaluation
from pdp.settle import broken_invariants
from pdp.standing import answered, standings

ENTRYPOINT = "pdp/main/explanation"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A call as policy would see it: facts, people's answers, input document, the time in it."""

    facts: Facts
    known: Standing
    document: bytes
    now_us: int


class Visibility(Enum):
    """What a task could do with a tool now."""

    VISIBLE = "visible"
    ESCALATES = "escalates"
    HIDDEN = "hidden"


def admitted(call: Call, parts: Parts, *, any_role: bool = False) -> Admitted | Refusal:
    """Step 1 for a call that is not going to be decided; who is out of place is still recorded.

    `any_role` admits callers that are no enforcement point.

    Raises:
        StoreError: it cannot be recorded.
    """
    overlay = open_overlay(parts)
    asked = call
    if any_role:
        roles = call.caller.roles | {ENFORCEMENT_ROLE}
        asked = replace(call, caller=replace(call.caller, roles=roles))
    found = admit(0, asked, overlay)
    changes = overlay.changes()
    if changes is not None:
        parts.store.commit(changes)
    return found if isinstance(found, Refusal) else Admitted(0, call, found.arguments, None)


def record(kind: str, caller: Caller, members: dict[str, JsonValue], parts: Parts) -> None:
    """Put what somebody looked at into the log, before it is shown.

    Raises:
        StoreError: it is not recorded.
    """
    overlay = open_overlay(parts)
    overlay.append(Entry(kind, overlay.now_us, caller, members), None)
    changes = overlay.changes()
    if changes is not None:
        parts.store.commit(changes)


def prepare(one: Admitted, parts: Parts) -> Prepared | Refusal:
    """Resolve a call as it would be decided now; outcomes that it carries count and are not kept.

    Raises:
        StoreError: the store cannot be read.
    """
    overlay = open_overlay(parts)
    require_batch([one], overlay)
    facts = resolve(one, parts, overlay)
    if not isinstance(facts, Facts):
        return _refused(facts)
    [known] = standings([facts], overlay)
    return Prepared(facts, known, document_of(facts, known, parts, overlay), overlay.now_us)


def prepare_tools(calls: Sequence[Call], parts: Parts) -> list[Prepared]:
    """Resolve calls of one task and different tools, whose arguments are not known yet.

    They have no arguments, fit their schema and have no provenance. A resource that would follow
    from the arguments is taken as one that the intent covers, where some could be.

    Raises:
        StoreError: the store cannot be read.
    """
    overlay = open_overlay(parts)
    batch = [Admitted(index, call, {}, None) for index, call in enumerate(calls)]
    require_batch(batch[:1], overlay)
    unchecked = replace(parts, check_arguments=_any_arguments)
    prepared: list[Prepared] = []
    for one in batch:
        found = resolve(one, unchecked, overlay)
        if not isinstance(found, Facts):
            raise TypeError(f"a tool was resolved to {type(found).__name__}")
        facts = _any_resource(found)
        known = Standing()
        document = document_of(facts, known, parts, overlay)
        prepared.append(Prepared(facts, known, document, overlay.now_us))
    return prepared


def explain_all(documents: Sequence[bytes], engine: Engine) -> list[Explanation]:
    """What policy says of input documents, and every rule; raises nothing."""
    return [_explanation(value) for value in evaluate(ENTRYPOINT, documents, engine)]


def constrained(one: Prepared, policy: PolicyDecision) -> PolicyDecision:
    """Step 4 for a prepared call."""
    policy, _ = answered(policy, one.known, one.now_us)
    return constrained_by(policy, broken_invariants(one.facts, one.now_us))


def visibility(one: Prepared, explained: Explanation) -> tuple[Visibility, tuple[Reason, ...]]:
    """What could be done with the tool of a prepared call, and why that is not everything.

    A rule that comes to no verdict misses the arguments: it hides nothing.
    """
    if not explained.rules:
        return Visibility.HIDDEN, explained.policy.reasons
    rules = [rule for rule in explained.rules if rule.counts]
    denials = _reasons(r for r in rules if r.result is RuleResult.DENY and not r.silent)
    if denials:
        return Visibility.HIDDEN, denials
    broken = broken_invariants(one.facts, one.now_us)
    if broken:
        return Visibility.HIDDEN, tuple(broken)
    if not any(r.grants and (r.result is RuleResult.PASS or r.silent) for r in rules):
        return Visibility.HIDDEN, explained.policy.reasons
    escalations = _reasons(r for r in rules if r.result is RuleResult.ESCALATE)
    if escalations:
        return Visibility.ESCALATES, escalations
    return Visibility.VISIBLE, ()


def _explanation(value: Evaluation | EngineFault) -> Explanation:
    if isinstance(value, EngineFault):
        return Explanation(policy_decision(value))
    told = value.value if isinstance(value.value, dict) else {}
    decision = replace(value, value=told.get("decision"))
    return Explanation(policy_decision(decision), parse_rules(told.get("rules")))


def _any_arguments(_tool: object, _arguments: object) -> ArgumentsFinding | None:
    return None


def _any_resource(facts: Facts) -> Facts:
    task, tool = facts.task, facts.tool
    if task is None or tool is None or tool.resource is None or facts.resource_derived:
        return facts
    wanted = f"{tool.resource.type}:"
    if not any(may_begin(glob, wanted) for glob in task.intent.resources):
        return facts
    intent = replace(task.intent, resources=("**",))
    return replace(facts, task=replace(task, intent=intent))


def _reasons(rules: Iterable[RuleVerdict]) -> tuple[Reason, ...]:
    return tuple(rule.reason() for rule in rules)


def _refused(result: object) -> Refusal:
    if isinstance(result, Refusal):
        return result
    raise TypeError(f"a call was resolved to {type(result).__name__}")
