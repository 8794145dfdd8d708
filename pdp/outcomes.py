"""Outcomes of earlier calls: whose they are, that they come once, and what they taint."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from pdp.approvals import use_up
from pdp.domain.answer import Receipt, Refusal, RefusalKind
from pdp.domain.canonical import JsonValue
from pdp.domain.error_reason import ErrorReason
from pdp.domain.leaves import Entry
from pdp.domain.records import DecisionRecord, OutcomeRecord
from pdp.domain.request import AppendContext
from pdp.domain.task import Task
from pdp.domain.values import Caller, Outcome, OutcomeStatus, OutputLabel, Trust
from pdp.overlay import Overlay
from pdp.ports import TaskEvent


@dataclass(frozen=True, slots=True)
class Recorded:
    """Reported outcomes as taken: their receipts in order, and the task of the last."""

    receipts: tuple[Receipt, ...]
    truncated: tuple[bool, ...]
    task: Task | None


def record_outcomes(
    caller: Caller, outcomes: Sequence[Outcome], overlay: Overlay
) -> Recorded | Refusal:
    """Take all outcomes of one request into the overlay, or none of them.

    The overlay has been given the decisions' and their tasks' keys.
    """
    digests = [_digest(outcome) for outcome in outcomes]
    refusal = _refusal(caller, outcomes, digests, overlay)
    if refusal is not None:
        return refusal
    receipts: list[Receipt] = []
    truncated: list[bool] = []
    task: Task | None = None
    for outcome, digest in zip(outcomes, digests, strict=True):
        decision = overlay.decisions[outcome.decision_id]
        known = overlay.outcomes.get(outcome.decision_id)
        if known is None:
            known = _record(caller, outcome, digest, decision, overlay)
        receipts.append(known.receipt)
        truncated.append(known.truncated)
        task = overlay.tasks.get(decision.task_id)
    return Recorded(receipts=tuple(receipts), truncated=tuple(truncated), task=task)


def record_content(ask: AppendContext, caller: Caller, decision_id: str, overlay: Overlay) -> None:
    """Take material that was allowed into a task: it is kept, and traced, like an output."""
    outcome = Outcome(
        decision_id,
        OutcomeStatus.SUCCEEDED,
        ask.content,
        truncated=ask.truncated,
        read=ask.read,
    )
    decision = overlay.decisions[decision_id]
    _record(
        caller, outcome, _digest(outcome), decision, overlay, principal=ask.trust is Trust.PRINCIPAL
    )


def _refusal(
    caller: Caller, outcomes: Sequence[Outcome], digests: Sequence[str], overlay: Overlay
) -> Refusal | None:
    seen: dict[str, str] = {}
    for index, (outcome, digest) in enumerate(zip(outcomes, digests, strict=True)):
        decision = overlay.decisions.get(outcome.decision_id)
        # Another caller's decision is answered like one that does not exist.
        if decision is None or decision.caller != caller.identity.key:
            return Refusal(
                RefusalKind.NOT_FOUND,
                "no decision of this id was given to this caller; report an outcome to the "
                "decision_id of your own Authorize",
                field=f"outcomes[{index}].decision_id",
                reason=ErrorReason.DECISION_NOT_FOUND,
            )
        known = overlay.outcomes.get(outcome.decision_id)
        earlier = known.digest if known is not None else seen.get(outcome.decision_id, digest)
        if earlier != digest:
            return Refusal(
                RefusalKind.ALREADY_EXISTS,
                "another outcome was reported for this decision; an outcome is final",
                field=f"outcomes[{index}].decision_id",
                reason=ErrorReason.OUTCOME_FINAL,
            )
        seen[outcome.decision_id] = digest
    return None


def _record(
    caller: Caller,
    outcome: Outcome,
    digest: str,
    decision: DecisionRecord,
    overlay: Overlay,
    *,
    principal: bool = False,
) -> OutcomeRecord:
    members: dict[str, JsonValue] = {
        "decision_id": decision.id,
        "decision": decision.decision.value,
        "status": outcome.status.name.lower(),
        "output": hashlib.sha256(outcome.output).hexdigest(),
        "truncated": outcome.truncated,
    }
    if decision.answered_by:
        members["answered_by"] = decision.answered_by
        use_up(outcome.status, decision, overlay)
    entry = Entry("outcome", overlay.now_us, caller, members)
    receipt, task = overlay.append(entry, overlay.tasks.get(decision.task_id))
    record = OutcomeRecord(
        decision_id=decision.id,
        status=outcome.status,
        digest=digest,
        output=outcome.output,
        output_media_type=outcome.output_media_type,
        truncated=outcome.truncated,
        at_us=overlay.now_us,
        receipt=receipt,
    )
    # A principal's words are heard, not read, and are heard again from the content itself.
    kept = outcome.read if not principal else None
    overlay.add_outcome(record, kept.packed if kept is not None else b"")
    if task is not None and principal:
        overlay.met(task).hear(outcome.output.decode("utf-8", "replace"), decision.id)
    elif task is not None:
        overlay.met(task).see(
            TaskEvent(
                decision.id,
                decision.output_label,
                decision.sensitivity,
                output=outcome.output,
                media_type=outcome.output_media_type,
                read=outcome.read,
            )
        )
    if task is not None and _taints(outcome, decision):
        _taint(task, overlay)
    return record


def _taints(outcome: Outcome, decision: DecisionRecord) -> bool:
    """Whether untrusted material came in: also with a failure's text, or after a deny."""
    if decision.output_label is OutputLabel.TRUSTED:
        return False
    return outcome.status is not OutcomeStatus.NOT_EXECUTED or bool(outcome.output)


def _taint(task: Task, overlay: Overlay) -> None:
    for key in task.rollup_keys:
        overlay.put_rollup(key, overlay.rollup(key).tainted())
    overlay.put_task(task.with_rollup(task.rollup.at(overlay.now_us).tainted()))


def _digest(outcome: Outcome) -> str:
    head = f"{int(outcome.status)}\x00{outcome.output_media_type}\x00{int(outcome.truncated)}\x00"
    return hashlib.sha256(head.encode() + outcome.output).hexdigest()
