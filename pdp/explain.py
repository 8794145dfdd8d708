"""Explain: who may ask why, what they are told, and the record of their asking.

Everything here runs on the pipeline's thread, between two batches, and commits one leaf: that
somebody looked, before it is shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from pdp.admit import ENFORCEMENT_ROLE
from pdp.decide import Parts
from pdp.domain.answer import Answer, Refusal, RefusalKind
from pdp.domain.error_reason import ErrorReason
from pdp.domain.explanation import Explanation
from pdp.domain.request import Call
from pdp.domain.values import Caller, Decision
from pdp.preview import admitted, constrained, explain_all, prepare, record
from pdp.recorded import DecisionRecords, read_decision, recorded_answer
from pdp.settle import task_reference

#: The kind of the leaf that says who looked at what.
LEAF_KIND = "explain"

#: Who may ask about everybody's calls.
_READERS = frozenset({"auditor", "admin"})


@dataclass(frozen=True, slots=True)
class Explained:
    """Why an answer is what it is.

    `revision` is that of the policy whose verdicts these are; `document` the input it saw. Of a
    recorded decision whose input was erased there is only the answer.
    """

    answer: Answer
    revision: str
    explanation: Explanation | None = None
    document: bytes = b""


def explain_request(call: Call, parts: Parts) -> Explained | Refusal:
    """What would be answered to an Authorize that its caller sent now.

    Raises:
        StoreError: the ledger cannot be read, or that it was asked cannot be recorded.
    """
    one = admitted(call, parts, any_role=bool(call.caller.roles & _READERS))
    if isinstance(one, Refusal):
        return one
    found = prepare(one, parts)
    if isinstance(found, Refusal):
        return found
    explained = explain_all([found.document], parts.engine)[0]
    facts = found.facts
    record(LEAF_KIND, call.caller, {"of": "request", "binding": facts.binding_digest}, parts)
    policy = constrained(found, explained.policy)
    allowed = policy.decision is Decision.ALLOW
    answer = Answer(
        decision=policy.decision,
        reasons=policy.reasons,
        obligations=policy.obligations if allowed else (),
        # Nothing can be done with it: it was over when it was given.
        evaluated_at_us=found.now_us,
        valid_until_us=found.now_us,
        request_id=call.request_id,
        policy_revision=parts.revision,
        arguments_digest=facts.arguments_digest,
        binding_digest=facts.binding_digest,
        task=task_reference(facts.task, found.now_us) if facts.task is not None else None,
    )
    return Explained(answer, parts.revision, explained, found.document)


def explain_decision(
    decision_id: str, caller: Caller, records: DecisionRecords, parts: Parts
) -> Explained | Refusal:
    """What was answered, and what the policy in force says of the same input.

    Raises:
        StoreError: the decision cannot be read, or that it was asked cannot be recorded.
    """
    reader = bool(caller.roles & _READERS)
    if not reader and ENFORCEMENT_ROLE not in caller.roles:
        problem = "the caller holds none of the roles auditor, admin and pep"
        record("security_event", caller, {"rpc": "Explain", "problem": problem}, parts)
        return Refusal(
            RefusalKind.PERMISSION_DENIED,
            f"{problem}; ask somebody who does",
            reason=ErrorReason.ROLE_MISSING,
        )
    recorded = read_decision(decision_id, records)
    # Another caller's decision is answered like one that does not exist.
    if recorded is None or not (reader or recorded.decision.caller == caller.identity.key):
        return Refusal(
            RefusalKind.NOT_FOUND,
            "there is no decision of this id, or it was given to another caller",
            field="decision_id",
            reason=ErrorReason.DECISION_NOT_FOUND,
        )
    explained = None
    if recorded.document:
        explained = explain_all([recorded.document], parts.engine)[0]
    record(LEAF_KIND, caller, {"of": "decision", "id": decision_id}, parts)
    same = explained is not None and parts.revision == recorded.revision
    rules = explained.rules if explained is not None and same else ()
    return Explained(recorded_answer(recorded, rules), parts.revision, explained, recorded.document)
