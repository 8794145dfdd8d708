"""From a decision to its record and its answer: what one decided call makes true."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pdp import approvals, standing
from pdp.domain import asked, constrain, drafts
from pdp.domain.answer import (
    Answer,
    Refusal,
    RefusalKind,
    TaskReference,
)
from pdp.domain.approval import Standing
from pdp.domain.builtin import identity
from pdp.domain.canonical import JsonValue
from pdp.domain.catalogue import Catalogue
from pdp.domain.error_reason import ErrorReason
from pdp.domain.facts import Facts
from pdp.domain.leaves import Entry, input_commitment
from pdp.domain.records import (
    ApprovalRecord,
    DecisionRecord,
    GrantRecord,
    InputRecord,
    RequestRecord,
)
from pdp.domain.request import (
    AppendContext,
    Authorize,
    Call,
    CancelApproval,
    ChangePhase,
    CompleteTask,
    DecideApproval,
    RevokeGrant,
    RevokeTask,
    StartTask,
)
from pdp.domain.task import Rollup, Task
from pdp.domain.values import (
    Budget,
    Decision,
    NextAction,
    OutputLabel,
    Reason,
    TaskState,
    ToolClass,
)
from pdp.domain.verdict import PolicyDecision, Terms
from pdp.domain.weight import amount_moved, is_final
from pdp.outcomes import record_content
from pdp.overlay import Overlay
from pdp.ports import Clock

#: Faults that may be gone at the next try; everything else would be denied again.
_PASSING_CODES = frozenset({"policy_timeout", "policy_error", "not_recorded", "contended"})

_HANDS_OUT = frozenset({ToolClass.DRAFT, ToolClass.WRITE, ToolClass.SEND})


def broken_invariants(facts: Facts, now_us: int) -> list[Reason]:
    """Step 4: every invariant that the call would break, as reasons."""
    if isinstance(facts.call.ask, StartTask):
        return constrain.start_reasons(exists=facts.task_exists)
    reasons = constrain.task_reasons(facts.task, now_us)
    if facts.decides is not None:
        reasons += constrain.person_reasons(facts.decides, facts.call.caller)
    if facts.is_builtin:
        return reasons
    reasons += constrain.tool_reasons(known=facts.tool is not None, ambiguous=facts.ambiguous)
    reasons += constrain.effect_reasons(facts.task, effect=facts.has_effect)
    if facts.arguments_finding is not None:
        finding = facts.arguments_finding
        reasons += constrain.arguments_reasons(finding.path, finding.problem)
    return reasons


@dataclass(frozen=True, slots=True)
class Decided:
    """A call and what was decided of it.

    `known` is what people had said of it, `answer` the approval or grant that an allow rests on.
    """

    facts: Facts
    document: bytes
    known: Standing
    policy: PolicyDecision
    answer: ApprovalRecord | GrantRecord | None


def settle(
    decided: Decided,
    overlay: Overlay,
    clock: Clock,
    catalogue: Catalogue,
    *,
    revision: str,
    valid_until_us: int,
) -> Answer:
    """Put a decision and all it changes into the overlay, and give the answer to it."""
    facts, policy = decided.facts, decided.policy
    call = facts.call
    decision_id = clock.new_id("d")
    nonce = clock.nonce()
    task = _task_after(facts, policy, overlay, clock)
    approval = _approval(decided, task, decision_id, catalogue, overlay, clock)
    answered_by = decided.answer.id if decided.answer is not None else ""
    commitment = input_commitment(nonce, decided.document)
    members = _members(facts, policy, decision_id, revision, commitment)
    if approval is not None:
        members["approval"] = approval.id
        members["approval_state"] = approval.state.name.lower()
    if answered_by:
        members["answered_by"] = answered_by
    entry = Entry(kind="decision", at_us=overlay.now_us, caller=call.caller, members=members)
    receipt, task = overlay.append(entry, task)
    if task is not None:
        asks = approval is not None and approval.decision_id == decision_id
        task = _add_up(decided, task, overlay, asks=asks)
        if policy.decision is Decision.ALLOW and not facts.is_builtin:
            met = overlay.met(task)
            met.atoms.add_arguments(dict(facts.arguments))
            met.atoms.add_call(decision_id, asked.traced(facts.tool, facts.traces))
            if facts.tool is not None and facts.tool.tool_class is ToolClass.DRAFT:
                met.drafted(decision_id, drafts.traced(facts.traces))
            met.followed(decision_id, facts.steering.led, facts.sensitivity)
    tool = facts.tool
    task_id = task.id if task is not None else ""
    overlay.add_decision(
        DecisionRecord(
            id=decision_id,
            task_id=task_id,
            caller=call.caller.identity.key,
            decision=policy.decision,
            tool_class=tool.tool_class if tool is not None else ToolClass.ADMIN,
            output_label=facts.output_label,
            sensitivity=facts.sensitivity,
            server=facts.server,
            tool=facts.name,
            at_us=overlay.now_us,
            leaf_index=receipt.leaf_index,
            answered_by=answered_by,
        ),
        InputRecord(decision_id, task_id, nonce, decided.document),
    )
    allowed = policy.decision is Decision.ALLOW
    if allowed and task is not None and isinstance(call.ask, AppendContext):
        record_content(call.ask, call.caller, decision_id, overlay)
        task = overlay.tasks[task.id]
    return Answer(
        decision=policy.decision,
        reasons=policy.reasons,
        obligations=policy.obligations if allowed else (),
        evaluated_at_us=overlay.now_us,
        valid_until_us=valid_until_us,
        decision_id=decision_id,
        request_id=call.request_id,
        policy_revision=revision,
        approval=approvals.reference(approval, overlay.now_us),
        arguments_digest=facts.arguments_digest,
        binding_digest=facts.binding_digest,
        task=task_reference(task, overlay.now_us) if task is not None else None,
        receipt=receipt,
        next_action=_next_action(policy),
        canonical_arguments=facts.canonical_arguments if allowed else b"",
        task_after=task if allowed and facts.is_builtin else None,
    )


def replay(
    record: RequestRecord, call: Call, overlay: Overlay, gather: Callable[[], Facts]
) -> Answer | Refusal:
    """The recorded answer of a repeated request id, with Constrain run again."""
    if record.digest != call.request_digest:
        return Refusal(
            RefusalKind.ALREADY_EXISTS,
            "another request was answered under this request_id; use a new one",
            field="request_id",
            reason=ErrorReason.REQUEST_ID_REUSED,
        )
    answer = record.answer
    if overlay.now_us >= answer.valid_until_us:
        return Refusal(
            RefusalKind.FAILED_PRECONDITION,
            "the answer under this request_id is no longer valid; use a new request_id",
            field="request_id",
            reason=ErrorReason.REQUEST_ID_EXPIRED,
        )
    if answer.decision is not Decision.ALLOW or not isinstance(call.ask, Authorize):
        return replace(answer, replayed=True)
    facts = gather()
    broken = broken_invariants(facts, overlay.now_us) + standing.taken_back(answer, overlay)
    if not broken:
        return replace(answer, replayed=True)
    members: dict[str, JsonValue] = {
        "id": answer.decision_id,
        "decision": Decision.DENY.value,
        "codes": [reason.code for reason in broken],
    }
    entry = Entry("replay", overlay.now_us, call.caller, members)
    receipt, task = overlay.append(entry, facts.task)
    return replace(
        answer,
        decision=Decision.DENY,
        reasons=tuple(broken),
        obligations=(),
        canonical_arguments=b"",
        replayed=True,
        receipt=receipt,
        task=task_reference(task, overlay.now_us) if task is not None else None,
    )


def task_reference(task: Task, now_us: int) -> TaskReference:
    """A task as an answer names it."""
    return TaskReference(
        id=task.id,
        sequence=task.sequence,
        phase=task.phase,
        state=task.state_at(now_us),
        registered=task.registered,
    )


def _task_after(
    facts: Facts, policy: PolicyDecision, overlay: Overlay, clock: Clock
) -> Task | None:
    """The task the decision belongs to, as an allowed task action leaves it."""
    if policy.decision is not Decision.ALLOW:
        return facts.task
    match facts.call.ask:
        case StartTask() as ask:
            if policy.terms is None:
                raise ValueError("policy allowed a task without terms")
            return _started(facts, ask, policy.terms, overlay, clock)
        case ChangePhase() as ask if facts.task is not None:
            return replace(facts.task, phase=ask.phase)
        case CompleteTask() if facts.task is not None:
            return replace(facts.task, state=TaskState.COMPLETED)
        case RevokeTask() if facts.task is not None:
            return replace(facts.task, state=TaskState.REVOKED)
        case _:
            return facts.task


def _started(facts: Facts, ask: StartTask, terms: Terms, overlay: Overlay, clock: Clock) -> Task:
    """The new task, under the narrower of what was asked for and what policy gives."""
    ttl_us = terms.ttl_s * 1_000_000
    return Task(
        id=ask.task_id or clock.new_id("t"),
        subject=ask.subject,
        principal=ask.on_behalf_of,
        intent=ask.intent,
        phase=min(ask.phase, terms.phase) if ask.phase else terms.phase,
        state=TaskState.ACTIVE,
        budget=Budget(
            max_calls=_narrower(ask.budget.max_calls, terms.max_calls),
            max_effects=_narrower(ask.budget.max_effects, terms.max_effects),
        ),
        started_at_us=overlay.now_us,
        expires_at_us=overlay.now_us + _narrower(ask.ttl_us, ttl_us),
        registered=True,
        opened_by=facts.call.caller.identity,
    )


def _narrower(asked: int, given: int) -> int:
    return min(asked, given) if asked else given


def _approval(
    decided: Decided,
    task: Task | None,
    decision_id: str,
    catalogue: Catalogue,
    overlay: Overlay,
    clock: Clock,
) -> ApprovalRecord | None:
    """What the decision does to people's answers; the approval that it is about, if one is."""
    facts, policy = decided.facts, decided.policy
    if policy.decision is Decision.ESCALATE and policy.escalation is not None and task is not None:
        return approvals.ask_people(
            facts, task, policy, policy.escalation, decided.known, decision_id, overlay, clock
        )
    if policy.decision is not Decision.ALLOW:
        return None
    if decided.answer is not None:
        approvals.use(decided.answer, decision_id, overlay)
        if isinstance(decided.answer, ApprovalRecord) and decided.answer.plan:
            approvals.grant_plan(decided.answer, overlay, clock)
        return overlay.approvals.get(decided.answer.id)
    match facts.call.ask:
        case DecideApproval() as ask:
            return approvals.vote(ask, facts.call.caller, catalogue, overlay, clock)
        case CancelApproval() as ask:
            return approvals.cancel(ask, overlay)
        case RevokeGrant() as ask:
            approvals.revoke_grant(ask, overlay)
        case CompleteTask() | RevokeTask() if task is not None:
            approvals.end_all(task.id, overlay)
        case _:
            pass
    return None


def _members(
    facts: Facts, policy: PolicyDecision, decision_id: str, revision: str, commitment: str
) -> dict[str, JsonValue]:
    """What the log says of a decision; the input document holds the rest."""
    tool = facts.tool
    return {
        "id": decision_id,
        "rpc": facts.call.rpc,
        "request_id": facts.call.request_id,
        "subject": identity(facts.subject),
        "principal": identity(facts.principal),
        "server": facts.server,
        "tool": facts.name,
        "class": "task" if facts.is_builtin else (tool.tool_class.value if tool else ""),
        "effect": facts.has_effect,
        "args": facts.arguments_digest,
        "binding": facts.binding_digest,
        "decision": policy.decision.value,
        "codes": [reason.code for reason in policy.reasons],
        "rules": [reason.rule for reason in policy.reasons],
        "shadow": dict(policy.shadow),
        "revision": revision,
        "input": commitment,
    }


def _add_up(decided: Decided, task: Task, overlay: Overlay, *, asks: bool) -> Task:
    """Count the decision in its task and in everything that rolls up beyond it.

    `asks` says that it opened a question to people. Task actions count for nothing else.
    """
    facts, decision = decided.facts, decided.policy.decision
    if facts.is_builtin and not asks:
        return task
    # What drafts, writes and sends return is the agent's own material come back.
    brings_in = facts.tool is not None and facts.tool.tool_class not in _HANDS_OUT
    taints = brings_in and facts.output_label is OutputLabel.UNTRUSTED
    final = is_final(facts.tool, facts.tool_acts)
    amount = amount_moved(facts.tool, facts.traces)

    def more(rollup: Rollup) -> Rollup:
        return rollup.add(
            now_us=overlay.now_us,
            decision=decision,
            asks=asks,
            effect=facts.has_effect,
            taints=taints,
            sensitivity=facts.sensitivity,
            tool_class=facts.tool.tool_class if facts.tool is not None else None,
            final=final,
            amount=amount,
        )

    for key in task.rollup_keys:
        overlay.put_rollup(key, more(overlay.rollup(key)))
    counted = task.with_rollup(more(task.rollup))
    overlay.put_task(counted)
    return counted


def _next_action(policy: PolicyDecision) -> NextAction:
    if policy.decision is Decision.ESCALATE:
        return NextAction.WAIT_FOR_APPROVAL
    if policy.decision is Decision.DENY and policy.reasons[0].code in _PASSING_CODES:
        return NextAction.RETRY
    return NextAction.NONE
