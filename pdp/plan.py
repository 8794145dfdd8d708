"""The plan that comes with a change of phase: each call in it, as if it were asked for now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pdp.domain.approval import sinks_of
from pdp.domain.canonical import JsonValue, parse_arguments
from pdp.domain.facts import Planned
from pdp.domain.records import PlannedRecord
from pdp.domain.request import Authorize, Call, ChangePhase
from pdp.domain.task import Task
from pdp.domain.values import Decision
from pdp.settle import Decided


def planned_calls(
    call: Call, ask: ChangePhase, task: Task
) -> Iterator[tuple[Call, dict[str, JsonValue]]]:
    """Each planned call as the task's subject would make it, with its arguments."""
    for index, planned in enumerate(ask.plan):
        arguments = parse_arguments(
            planned.action.arguments_json, f"plan[{index}].action.arguments_json"
        )
        asked = Authorize(
            subject=task.subject,
            action=planned.action,
            task_id=task.id,
            resource=planned.resource,
        )
        yield replace(call, ask=asked, request_id=""), arguments


def planned_of(decided: Decided) -> Planned:
    """What a plan says of one call, once it was evaluated."""
    facts, policy = decided.facts, decided.policy
    question = None
    if policy.decision is Decision.ESCALATE and facts.tool is not None:
        question = PlannedRecord(
            server=facts.server,
            tool=facts.name,
            definition_digest=facts.tool.schema_digest,
            canonical_arguments=facts.canonical_arguments,
            reasons=policy.reasons,
            sinks=sinks_of(facts.traces),
        )
    return Planned(
        server=facts.server,
        name=facts.name,
        decision=policy.decision,
        codes=tuple(reason.code for reason in policy.reasons),
        question=question,
        escalation=policy.escalation if question is not None else None,
    )
