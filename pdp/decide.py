"""The decision: six steps over a batch of calls, one function to read.

    1 Admit    limits, who calls, may it ask this
    2 Resolve  what the PDP knows of the call, not what the agent says
    3 Evaluate policy, in waves: at most one call of a task, one effect of a principal, in each
    4 Constrain what no policy may loosen
    5 Commit   one transaction for the batch; not committed is not allowed
    6 Release  the answers

Whatever goes wrong on the way ends in a deny or a refusal: an allow exists only as the last line
of the path on which everything went right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import structlog

from pdp.admit import Admitted, admit
from pdp.approvals import refused
from pdp.batch import require_batch, waves
from pdp.domain.answer import Answer, OutcomesRecorded, Refusal, RefusalKind, Result
from pdp.domain.approval import Standing
from pdp.domain.catalogue import Catalogue
from pdp.domain.document import input_document
from pdp.domain.error_reason import ErrorReason
from pdp.domain.facts import ActsOf, CheckArguments, Facts, Planned
from pdp.domain.records import ApprovalRecord, RequestRecord
from pdp.domain.request import (
    Call,
    ChangePhase,
    ReportOutcomes,
)
from pdp.domain.task import Rollup, Task
from pdp.domain.tool_acts import read_tool
from pdp.domain.values import Decision, NextAction, Reason
from pdp.domain.verdict import NotADecision, PolicyDecision, parse_decision
from pdp.memory import Memory
from pdp.outcomes import record_outcomes
from pdp.overlay import Overlay
from pdp.plan import planned_calls, planned_of
from pdp.ports import Clock, Engine, EngineFault, Evaluation, Store, StoreError
from pdp.resolve import Desk, gather
from pdp.settle import Decided, broken_invariants, replay, settle, task_reference
from pdp.standing import answered, standings

ENTRYPOINT = "pdp/main/decision"

#: How long an answer, and the request id it was given under, can be relied on: a minute for whoever
#: receives it, and a second for its way there.
ANSWER_VALID_US = 61_000_000

_log = structlog.get_logger()

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parts:
    """What a decision is made with: the ports, and the catalogue and policy in force.

    `tell` is given the approvals that a batch has changed, once that is durable.
    """

    engine: Engine
    store: Store
    clock: Clock
    catalogue: Catalogue
    revision: str
    check_arguments: CheckArguments
    memory: Memory
    acts_of: ActsOf = read_tool
    tell: Callable[[Sequence[ApprovalRecord]], None] = lambda _approvals: None
    development: bool = False


def _never_gone(_index: int) -> bool:
    return False


def decide(
    calls: Sequence[Call], parts: Parts, gone: Callable[[int], bool] = _never_gone
) -> list[Result]:
    """Decide a batch: one result for each call, in order. Raises nothing.

    `gone(i)` says that the client of call i has given up; such a call is dropped before Commit.
    """
    results: list[Result | None] = [None] * len(calls)
    try:
        overlay = _decide_in_overlay(calls, parts, gone, results)
        # 5 Commit: everything the batch makes true, or nothing of it.
        changes = overlay.changes()
        if changes is not None:
            parts.store.commit(changes)
            parts.memory.committed(changes.tasks, overlay.drafts)
            if changes.approvals:
                _tell(changes.approvals, parts)
    except StoreError as error:
        _log.error("not recorded", error=str(error))
        return [not_recorded(call, parts) for call in calls]
    except Exception:
        # A fault of this program. What was decided is forgotten with the overlay.
        _log.exception("batch failed")
        return [_failed() for _ in calls]
    # 6 Release.
    return [result if result is not None else _failed() for result in results]


def _tell(approvals: Sequence[ApprovalRecord], parts: Parts) -> None:
    try:
        parts.tell(approvals)
    except Exception:
        # Whoever waits for news asks again; what is committed stays decided.
        _log.exception("telling of approvals failed")


def open_overlay(parts: Parts) -> Overlay:
    """The ledger as it is now.

    Raises:
        StoreError: the store cannot be read.
    """
    log = parts.store.log_state()
    # Time never goes back, whatever the wall clock does: the log's order is the order of time.
    now_us = max(parts.clock.now_us(), log.last_at_us)
    return Overlay(parts.store, parts.memory, log, now_us)


def _decide_in_overlay(
    calls: Sequence[Call],
    parts: Parts,
    gone: Callable[[int], bool],
    results: list[Result | None],
) -> Overlay:
    overlay = open_overlay(parts)
    # 1 Admit.
    admitted: list[Admitted] = []
    for index, call in enumerate(calls):
        outcome = _guarded(partial(admit, index, call, overlay))
        if isinstance(outcome, Admitted):
            admitted.append(outcome)
        else:
            results[index] = outcome
    require_batch(admitted, overlay)
    for wave in waves(admitted, overlay, parts.catalogue):
        for one in wave:
            if gone(one.index):
                results[one.index] = _gone()
        _decide_wave([one for one in wave if results[one.index] is None], parts, overlay, results)
    return overlay


def _decide_wave(
    wave: Sequence[Admitted], parts: Parts, overlay: Overlay, results: list[Result | None]
) -> None:
    # 2 Resolve.
    resolved: list[tuple[Admitted, Facts]] = []
    for one in wave:
        found = _guarded(partial(resolve, one, parts, overlay))
        if isinstance(found, Facts):
            resolved.append((one, found))
        else:
            results[one.index] = found
    decided = evaluated([facts for _, facts in resolved], parts, overlay)
    for (one, _), done in zip(resolved, decided, strict=True):
        answer = settle(
            done,
            overlay,
            parts.clock,
            parts.catalogue,
            revision=parts.revision,
            valid_until_us=overlay.now_us + ANSWER_VALID_US,
        )
        if one.request_key is not None:
            overlay.add_request(RequestRecord(one.request_key, one.call.request_digest, answer))
        results[one.index] = answer


def evaluated(wave: Sequence[Facts], parts: Parts, overlay: Overlay) -> list[Decided]:
    """Steps 3 and 4 for resolved calls, in order; nothing changes."""
    known = standings(wave, overlay)
    inputs = [
        document_of(facts, said, parts, overlay) for facts, said in zip(wave, known, strict=True)
    ]
    # 3 Evaluate.
    values = evaluate(ENTRYPOINT, inputs, parts.engine)
    decided: list[Decided] = []
    for facts, said, document, value in zip(wave, known, inputs, values, strict=True):
        # 4 Constrain: people's answers and policy can only narrow what the invariants leave.
        policy, answer = answered(policy_decision(value), said, overlay.now_us)
        policy = constrained_by(policy, broken_invariants(facts, overlay.now_us))
        kept = answer if policy.decision is Decision.ALLOW else None
        decided.append(Decided(facts, document, said, policy, kept))
    return decided


def resolve(one: Admitted, parts: Parts, overlay: Overlay) -> Facts | Result:
    """The facts of a call; or the result at once, where there is nothing for policy to decide."""
    call = one.call
    if one.request_key is not None and one.request_key in overlay.requests:
        return replay(
            overlay.requests[one.request_key],
            call,
            overlay,
            partial(_gather, one, parts, overlay),
        )
    outcomes = getattr(call.ask, "outcomes", ())
    if outcomes or isinstance(call.ask, ReportOutcomes):
        recorded = record_outcomes(call.caller, outcomes, overlay)
        if isinstance(recorded, Refusal):
            return recorded
        if isinstance(call.ask, ReportOutcomes):
            return OutcomesRecorded(
                task=task_reference(recorded.task, overlay.now_us) if recorded.task else None,
                receipts=recorded.receipts,
                truncated=recorded.truncated,
            )
    return refused(call, overlay) or _gather(one, parts, overlay)


def _gather(one: Admitted, parts: Parts, overlay: Overlay) -> Facts:
    desk = Desk(overlay, parts.catalogue, parts.check_arguments, parts.acts_of)
    facts = gather(one.call, one.arguments, desk)
    if isinstance(one.call.ask, ChangePhase) and one.call.ask.plan and facts.task is not None:
        return replace(facts, plan=_weighed(one.call, one.call.ask, facts.task, desk, parts))
    return facts


def _weighed(
    call: Call, ask: ChangePhase, task: Task, desk: Desk, parts: Parts
) -> tuple[Planned, ...]:
    """What would be decided now of the calls of a plan, were the task in the phase asked for."""
    later = replace(task, phase=ask.phase)
    wave = [
        replace(gather(planned, arguments, desk), task=later)
        for planned, arguments in planned_calls(call, ask, task)
    ]
    return tuple(map(planned_of, evaluated(wave, parts, desk.overlay)))


def document_of(facts: Facts, known: Standing, parts: Parts, overlay: Overlay) -> bytes:
    """The input document of a call whose keys the overlay has been given."""
    pair = principal = Rollup()
    full = led_before = False
    if facts.task is not None:
        pair, principal = (overlay.rollup(key) for key in facts.task.rollup_keys)
        met = overlay.met(facts.task)
        full, led_before = met.atoms.full, met.led_before
    return input_document(
        facts,
        pair=pair,
        principal=principal,
        known=known,
        full=full,
        led_before=led_before,
        now_us=overlay.now_us,
        development=parts.development,
    )


def evaluate(
    entrypoint: str, inputs: Sequence[bytes], engine: Engine
) -> Sequence[Evaluation | EngineFault]:
    """What an entrypoint says of each input document, in order; raises nothing."""
    if not inputs:
        return []
    try:
        values = engine.evaluate_many(entrypoint, inputs)
    except Exception:
        _log.exception("engine failed")
        values = []
    if len(values) != len(inputs):
        return [EngineFault("policy_error", "the engine gave no answer")] * len(inputs)
    return values


def policy_decision(value: Evaluation | EngineFault) -> PolicyDecision:
    """What policy decides by a value; whatever is not a well-formed decision is a deny."""
    if isinstance(value, EngineFault):
        _log.warning("policy fault", code=value.code, error=value.message)
        return _fault(value.code, "the policy could not be evaluated")
    try:
        return parse_decision(value.value)
    except NotADecision as error:
        _log.warning("policy fault", code="policy_error", error=str(error))
        return _fault("policy_error", f"the policy's answer is not a decision: {error}")


def _fault(code: str, message: str) -> PolicyDecision:
    reason = Reason(
        code=code,
        message=message,
        rule="engine",
        remediation="Try again; if it stays, look at the service's log and test the policy.",
        agent_message="The call could not be checked.",
    )
    return PolicyDecision(decision=Decision.DENY, reasons=(reason,))


def constrained_by(policy: PolicyDecision, broken: Sequence[Reason]) -> PolicyDecision:
    """Step 4: a broken invariant denies, whatever policy says."""
    if not broken or policy.decision is Decision.DENY:
        return policy
    return replace(
        policy,
        decision=Decision.DENY,
        reasons=tuple(broken),
        obligations=(),
        escalation=None,
        terms=None,
    )


def _guarded(step: Callable[[], T]) -> T | Refusal:
    """A step for one call: a fault of this program refuses that call and no other."""
    try:
        return step()
    except StoreError:
        raise
    except Exception:
        _log.exception("call failed")
        return _failed()


def not_recorded(call: Call, parts: Parts) -> Result:
    """The answer to a call whose record is not known to be durable."""
    if isinstance(call.ask, ReportOutcomes):
        return Refusal(
            RefusalKind.UNAVAILABLE,
            "the outcomes could not be recorded; try again",
            reason=ErrorReason.OUTCOMES_NOT_RECORDED,
        )
    now_us = parts.clock.now_us()
    reason = Reason(
        code="not_recorded",
        message="the decision could not be recorded, and what is not recorded is not allowed",
        rule="invariant",
        remediation="Try again; if it stays, look at the data folder's disk.",
        agent_message="The call could not be recorded.",
    )
    return Answer(
        decision=Decision.DENY,
        reasons=(reason,),
        request_id=call.request_id,
        policy_revision=parts.revision,
        evaluated_at_us=now_us,
        valid_until_us=now_us + ANSWER_VALID_US,
        next_action=NextAction.RETRY,
    )


def _gone() -> Refusal:
    return Refusal(
        RefusalKind.DEADLINE_EXCEEDED,
        "the client gave up before the call was decided",
        reason=ErrorReason.CLIENT_GONE,
    )


def _failed() -> Refusal:
    return Refusal(
        RefusalKind.INTERNAL,
        "the request could not be decided; nothing was allowed",
        reason=ErrorReason.INTERNAL,
    )
