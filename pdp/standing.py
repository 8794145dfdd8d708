"""What people have said of a call so far, and what it is worth for the decision about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pdp.domain import approval as rules
from pdp.domain.answer import Answer
from pdp.domain.approval import Standing
from pdp.domain.facts import Facts
from pdp.domain.records import (
    ApprovalRecord,
    GrantRecord,
)
from pdp.domain.values import (
    ApprovalState,
    Decision,
    Reason,
    Subject,
)
from pdp.domain.verdict import PolicyDecision
from pdp.overlay import Overlay
from pdp.ports import Wanted

#: The rule that an allow names which rests on a person's answer.
RULE = "approval"

#: The code of the reason that such an allow carries.
APPROVED = "approved"


def standings(all_facts: Sequence[Facts], overlay: Overlay) -> list[Standing]:
    """What people have said of each call, read in one go: only what was asked has answers.

    Raises:
        StoreError: the store cannot be read.
    """
    asked = [_question(facts) for facts in all_facts]
    overlay.require(
        Wanted(
            calls=frozenset((one.task_id, one.binding_digest) for one in asked if one),
            aims=frozenset((one.task_id, one.aim) for one in asked if one and one.aim),
            grants_of=frozenset(one.task_id for one in asked if one and one.aim),
        )
    )
    return [
        Standing() if one is None else _standing(facts, one, overlay)
        for facts, one in zip(all_facts, asked, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Question:
    """What the answers to a call are found by; a task action has no aim."""

    task_id: str
    binding_digest: str
    aim: str


def _question(facts: Facts) -> _Question | None:
    """The question that a call would be; None in a task that never asked anything."""
    task = facts.task
    if task is None or not task.rollup.escalations:
        return None
    return _Question(task.id, facts.binding_digest, aim_of(facts))


def _standing(facts: Facts, question: _Question, overlay: Overlay) -> Standing:
    asked = overlay.approvals_of(question.task_id)
    digest, tool = question.binding_digest, facts.tool
    approval = next((one for one in asked if one.binding_digest == digest), None)
    if tool is None:
        return Standing(approval)
    return Standing(
        approval=approval,
        grants=tuple(
            grant
            for grant in overlay.grants_of(question.task_id)
            if rules.grant_is_live(grant, overlay.now_us)
            and rules.grant_covers(grant, tool, facts.arguments)
        ),
        refusal=next(
            (one for one in asked if one.aim == question.aim and one.state is ApprovalState.DENIED),
            None,
        ),
    )


def aim_of(facts: Facts) -> str:
    """What a "no" to this call is about; empty for a task action."""
    return rules.aim_of(facts.server, facts.name, facts.traces) if facts.tool is not None else ""


def answered(
    policy: PolicyDecision, known: Standing, now_us: int
) -> tuple[PolicyDecision, ApprovalRecord | GrantRecord | None]:
    """What people's answers make of a decision, and the answer that an allow then rests on.

    They answer an escalation and nothing else: a denial stays one, what policy asks today has to
    be among what was shown, and as many people as it wants today have to have said yes. A "no"
    makes the escalation a denial.
    """
    if policy.decision is not Decision.ESCALATE or policy.escalation is None:
        return policy, None
    if known.refusal is not None:
        return _allowed_not(policy, known.refusal), None
    found, needed = known.approval, policy.escalation.needed
    if (
        found is not None
        and rules.is_usable(found, now_us)
        and len(people := rules.approvers_of(found)) >= needed
        and rules.covers_reasons(found.reasons, policy.reasons)
    ):
        return _allowed(policy, found.id, people), found
    for grant in known.grants:
        if len(grant.granted_by) >= needed and rules.covers_reasons(grant.reasons, policy.reasons):
            return _allowed(policy, grant.id, grant.granted_by), grant
    return policy, None


def answers_of(answer: Answer) -> frozenset[str]:
    """The ids of the approval or grant that an allow rests on."""
    return frozenset(
        reason.metadata["answer"] for reason in answer.reasons if reason.code == APPROVED
    )


def taken_back(answer: Answer, overlay: Overlay) -> list[Reason]:
    """Why an allow that is asked for again is none any more: its grant has been revoked since."""
    grants = [overlay.grants[key] for key in answers_of(answer) if key in overlay.grants]
    return [
        Reason(
            code="revoked",
            message=f"the grant {grant.id} was revoked",
            rule=RULE,
            remediation="Ask again under a new request_id; a person decides anew.",
            metadata={"grant": grant.id},
            agent_message="This call is not possible any more.",
        )
        for grant in grants
        if grant.revoked
    ]


def _allowed(policy: PolicyDecision, answer_id: str, people: Iterable[Subject]) -> PolicyDecision:
    codes = sorted({reason.code for reason in policy.reasons})
    names = ", ".join(dict.fromkeys(person.id for person in people))
    reason = Reason(
        code=APPROVED,
        message=f"{names} approved this call ({answer_id})",
        rule=RULE,
        metadata={
            "answer": answer_id,
            "approvers": names,
            "asked": ", ".join(codes),
        },
        agent_message="A person has approved this call.",
    )
    return replace(policy, decision=Decision.ALLOW, reasons=(reason,), escalation=None)


def _allowed_not(policy: PolicyDecision, refusal: ApprovalRecord) -> PolicyDecision:
    reason = Reason(
        code="approval_denied",
        message=f"a person has denied this tool with these sinks in this task: {refusal.id}",
        rule=RULE,
        remediation="Talk to the approver, who can take the answer back.",
        metadata={"approval": refusal.id},
        agent_message="A person has denied this call.",
    )
    return replace(policy, decision=Decision.DENY, reasons=(reason,), escalation=None)


def open_question(known: Standing, policy: PolicyDecision, now_us: int) -> ApprovalRecord | None:
    """The question that is open already and that an escalation would only repeat."""
    found = known.approval
    if found is None or rules.state_at(found, now_us) is not ApprovalState.PENDING:
        return None
    return found if rules.covers_reasons(found.reasons, policy.reasons) else None
