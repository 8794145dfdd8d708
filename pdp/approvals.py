"""People's answers in the ledger: questions are opened, voted on, taken back, used and used up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pdp.domain import approval as rules
from pdp.domain.answer import ApprovalReference, Refusal, RefusalKind
from pdp.domain.approval import Standing
from pdp.domain.canonical import parse_arguments
from pdp.domain.catalogue import RESERVED_SERVER, Catalogue, Found
from pdp.domain.constraint import unmet
from pdp.domain.error_reason import ErrorReason
from pdp.domain.facts import Facts, Planned
from pdp.domain.records import (
    ApprovalRecord,
    ArgumentConstraint,
    DecisionRecord,
    GrantRecord,
    GrantTerms,
    PlannedRecord,
    Vote,
)
from pdp.domain.request import Call, CancelApproval, DecideApproval, RevokeGrant
from pdp.domain.task import Task
from pdp.domain.values import (
    ApprovalState,
    Caller,
    OutcomeStatus,
)
from pdp.domain.verdict import Escalation, PolicyDecision
from pdp.overlay import Overlay
from pdp.ports import Clock
from pdp.standing import aim_of, open_question

#: Every live grant of a task is looked at with each of its calls that escalates.
GRANTS_PER_TASK = 64


def ask_people(
    facts: Facts,
    task: Task,
    policy: PolicyDecision,
    escalation: Escalation,
    known: Standing,
    decision_id: str,
    overlay: Overlay,
    clock: Clock,
) -> ApprovalRecord:
    """The open question about exactly this call and these reasons: found again, or opened now."""
    already = open_question(known, policy, overlay.now_us)
    if already is not None:
        return already
    tool = facts.tool
    escalation, plan = _strictest(escalation, facts.plan)
    ends_us = overlay.now_us + escalation.ttl_s * 1_000_000
    opened = ApprovalRecord(
        id=clock.new_id("a"),
        state=ApprovalState.PENDING,
        decision_id=decision_id,
        task_id=task.id,
        binding_digest=facts.binding_digest,
        subject=facts.subject,
        principal=facts.principal,
        server=facts.server,
        tool=facts.name,
        canonical_arguments=facts.canonical_arguments,
        resource_type=facts.resource_type,
        resource_id=facts.resource_id,
        reasons=policy.reasons,
        votes_needed=max(1, escalation.needed),
        created_at_us=overlay.now_us,
        expires_at_us=min(ends_us, task.expires_at_us),
        sensitivity=facts.sensitivity,
        definition_digest=tool.schema_digest if tool is not None else "",
        aim=aim_of(facts),
        sinks=rules.sinks_of(facts.traces),
        approvers=escalation.approvers,
        use_us=escalation.use_s * 1_000_000,
        max_uses=escalation.max_uses if tool is not None else 1,
        max_ttl_us=escalation.max_ttl_s * 1_000_000,
        plan=plan,
    )
    overlay.put_approval(opened)
    return opened


def _strictest(
    escalation: Escalation, plan: Sequence[Planned]
) -> tuple[Escalation, tuple[PlannedRecord, ...]]:
    """Who answers for a plan: those, and as many, as may answer for each of its calls.

    A call that none of them may answer for is left out, and asked about when it is made.
    """
    asked: list[PlannedRecord] = []
    for one in plan:
        if one.question is None or one.escalation is None:
            continue
        both = tuple(name for name in escalation.approvers if name in one.escalation.approvers)
        if not both:
            continue
        asked.append(one.question)
        escalation = replace(
            escalation,
            approvers=both,
            needed=max(escalation.needed, one.escalation.needed),
            ttl_s=min(escalation.ttl_s, one.escalation.ttl_s),
            use_s=min(escalation.use_s, one.escalation.use_s),
        )
    return escalation, tuple(asked)


def use(answer: ApprovalRecord | GrantRecord, decision_id: str, overlay: Overlay) -> None:
    """Take an answer for an allow: nothing else can rest on it from here on."""
    if isinstance(answer, ApprovalRecord):
        reserved = replace(answer, state=ApprovalState.RESERVED, used_by=decision_id)
        overlay.put_approval(reserved)
    else:
        overlay.put_grant(replace(answer, uses=answer.uses + 1))


def use_up(status: OutcomeStatus, decision: DecisionRecord, overlay: Overlay) -> None:
    """Do what an outcome does to the answer that its decision rested on.

    Only a call that was not made gives its answer back. One that failed may have had its effect.
    """
    answer_id = decision.answered_by
    approval, grant = overlay.approvals.get(answer_id), overlay.grants.get(answer_id)
    if approval is not None and approval.used_by == decision.id:
        if status is OutcomeStatus.NOT_EXECUTED:
            overlay.put_approval(replace(approval, state=ApprovalState.APPROVED, used_by=""))
        elif status is OutcomeStatus.SUCCEEDED:
            overlay.put_approval(replace(approval, state=ApprovalState.CONSUMED))
    elif grant is not None and status is OutcomeStatus.NOT_EXECUTED:
        overlay.put_grant(replace(grant, uses=max(0, grant.uses - 1)))


def refused(call: Call, overlay: Overlay) -> Refusal | None:
    """Why a person's act cannot happen whatever policy says; None for every other call."""
    match call.ask:
        case DecideApproval() as ask:
            return _refused_vote(ask, call.caller, overlay)
        case CancelApproval() as ask:
            return _refused_cancel(ask, overlay)
        case RevokeGrant() as ask:
            # One that is over may be revoked too.
            if ask.grant_id in overlay.grants:
                return None
            return _unknown("grant", ErrorReason.GRANT_NOT_FOUND)
        case _:
            return None


def _refused_vote(ask: DecideApproval, caller: Caller, overlay: Overlay) -> Refusal | None:
    found = overlay.approvals.get(ask.approval_id)
    if found is None:
        return _unknown("approval", ErrorReason.APPROVAL_NOT_FOUND)
    state = rules.state_at(found, overlay.now_us)
    if state is not ApprovalState.PENDING:
        return Refusal(
            RefusalKind.FAILED_PRECONDITION,
            f"the approval is {state.name.lower()} and takes no more votes",
            field="approval_id",
            metadata=(("state", state.name.lower()),),
            reason=ErrorReason.APPROVAL_NOT_PENDING,
        )
    if any(rules.same_person(vote.voter, caller.identity) for vote in found.votes):
        return Refusal(
            RefusalKind.FAILED_PRECONDITION,
            "you have voted already; another person has to",
            field="approval_id",
            reason=ErrorReason.ALREADY_VOTED,
        )
    if ask.grant is None:
        return None
    return _refused_grant(ask, ask.grant, found, overlay)


def _refused_grant(
    ask: DecideApproval, terms: GrantTerms, found: ApprovalRecord, overlay: Overlay
) -> Refusal | None:
    arguments = parse_arguments(found.canonical_arguments, "arguments")
    if not ask.approve:
        problem = "a grant comes with APPROVE only; leave it out"
    elif found.server == RESERVED_SERVER:
        problem = "a plan is answered as it is; leave the grant out"
    elif found.max_uses <= 1:
        problem = "policy wants every such call answered for itself; leave the grant out"
    elif len(overlay.grants_of(found.task_id)) >= GRANTS_PER_TASK:
        problem = f"the task has {GRANTS_PER_TASK} grants already; revoke one"
    elif (path := unmet(terms.constraints, arguments)) is not None:
        problem = f"the call that is asked about does not fit the constraint on {path}; correct it"
        return Refusal(
            RefusalKind.INVALID_ARGUMENT,
            problem,
            field="grant.constraints",
            reason=ErrorReason.CONSTRAINT_UNMET,
        )
    else:
        return None
    return Refusal(
        RefusalKind.FAILED_PRECONDITION,
        problem,
        field="grant",
        reason=ErrorReason.GRANT_NOT_POSSIBLE,
    )


def _refused_cancel(ask: CancelApproval, overlay: Overlay) -> Refusal | None:
    found = overlay.approvals.get(ask.approval_id)
    if found is None:
        return _unknown("approval", ErrorReason.APPROVAL_NOT_FOUND)
    state = rules.state_at(found, overlay.now_us)
    if state in (ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.DENIED):
        return None
    return Refusal(
        RefusalKind.FAILED_PRECONDITION,
        f"the approval is {state.name.lower()}: there is nothing to take back",
        field="approval_id",
        metadata=(("state", state.name.lower()),),
        reason=ErrorReason.NOTHING_TO_CANCEL,
    )


def _unknown(what: str, reason: ErrorReason) -> Refusal:
    return Refusal(
        RefusalKind.NOT_FOUND, f"there is no {what} of this id", field=f"{what}_id", reason=reason
    )


def vote(
    ask: DecideApproval, caller: Caller, catalogue: Catalogue, overlay: Overlay, clock: Clock
) -> ApprovalRecord:
    """Count one person's answer; a grant comes with the vote that completes it."""
    before = overlay.approvals[ask.approval_id]
    cast = Vote(caller.identity, ask.approve, ask.reason, overlay.now_us, ask.grant)
    after = rules.voted(before, cast)
    if after.state is ApprovalState.APPROVED:
        terms = rules.grant_terms(after)
        found = catalogue.find(after.server, after.tool)
        if terms is not None and isinstance(found, Found):
            overlay.put_grant(_grant(after, found, terms, overlay, clock))
    overlay.put_approval(after)
    return after


def _grant(
    approval: ApprovalRecord, found: Found, terms: GrantTerms, overlay: Overlay, clock: Clock
) -> GrantRecord:
    arguments = parse_arguments(approval.canonical_arguments, "arguments")
    return _granted(
        approval,
        PlannedRecord(
            approval.server,
            approval.tool,
            approval.definition_digest,
            approval.canonical_arguments,
            approval.reasons,
            approval.sinks,
        ),
        rules.grant_constraints(approval, found.tool, arguments),
        max_uses=terms.max_uses,
        expires_at_us=overlay.now_us + terms.ttl_us,
        overlay=overlay,
        clock=clock,
    )


def _granted(
    approval: ApprovalRecord,
    call: PlannedRecord,
    constraints: tuple[ArgumentConstraint, ...],
    *,
    max_uses: int,
    expires_at_us: int,
    overlay: Overlay,
    clock: Clock,
    closed: bool = False,
) -> GrantRecord:
    task = overlay.tasks[approval.task_id]
    return GrantRecord(
        id=clock.new_id("g"),
        approval_id=approval.id,
        task_id=approval.task_id,
        subject=approval.subject,
        principal=approval.principal,
        server=call.server,
        tool=call.tool,
        definition_digest=call.definition_digest,
        constraints=constraints,
        reasons=call.reasons,
        max_uses=max_uses,
        uses=0,
        created_at_us=overlay.now_us,
        expires_at_us=min(expires_at_us, task.expires_at_us),
        granted_by=rules.approvers_of(approval),
        closed=closed,
    )


def grant_plan(approval: ApprovalRecord, overlay: Overlay, clock: Clock) -> None:
    """An approved plan becomes a grant for each of the calls that were asked about, and no more."""
    keys = [(call.server, call.tool, call.canonical_arguments) for call in approval.plan]
    counted = Counter(keys)
    calls = dict(zip(keys, approval.plan, strict=True))
    for key, call in calls.items():
        overlay.put_grant(
            _granted(
                approval,
                call,
                rules.exactly(parse_arguments(call.canonical_arguments, "plan")),
                max_uses=counted[key],
                expires_at_us=overlay.tasks[approval.task_id].expires_at_us,
                overlay=overlay,
                clock=clock,
                closed=True,
            )
        )


def cancel(ask: CancelApproval, overlay: Overlay) -> ApprovalRecord:
    """Take back a question, an unused yes with the grant that it became, or a no."""
    for grant in overlay.grants_of(overlay.approvals[ask.approval_id].task_id):
        if grant.approval_id == ask.approval_id:
            overlay.put_grant(replace(grant, revoked=True))
    cancelled = replace(overlay.approvals[ask.approval_id], state=ApprovalState.CANCELLED)
    overlay.put_approval(cancelled)
    return cancelled


def revoke_grant(ask: RevokeGrant, overlay: Overlay) -> None:
    """End a grant."""
    overlay.put_grant(replace(overlay.grants[ask.grant_id], revoked=True))


def end_all(task_id: str, overlay: Overlay) -> None:
    """A task is over: nobody needs to be asked, and nothing that was given is left."""
    for approval in overlay.approvals_of(task_id):
        if approval.state in (ApprovalState.PENDING, ApprovalState.APPROVED):
            overlay.put_approval(replace(approval, state=ApprovalState.CANCELLED))
    for grant in overlay.grants_of(task_id):
        if not grant.revoked:
            overlay.put_grant(replace(grant, revoked=True))


def reference(approval: ApprovalRecord | None, now_us: int) -> ApprovalReference | None:
    """An approval as an answer names it."""
    if approval is None:
        return None
    return ApprovalReference(
        id=approval.id,
        state=rules.state_at(approval, now_us),
        expires_at_us=approval.expires_at_us,
    )
