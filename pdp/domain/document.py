"""The policy's input document: the facts of one call, every key of the schema present.

What is only claimed sits under `asserted` and nowhere else.
"""

from __future__ import annotations

import json

from pdp.domain import builtin
from pdp.domain.approval import Standing, is_party, state_at
from pdp.domain.canonical import JsonValue
from pdp.domain.facts import Facts
from pdp.domain.goal import Stance
from pdp.domain.request import Authorize
from pdp.domain.task import Rollup, Task
from pdp.domain.values import (
    ApprovalState,
    Budget,
    Intent,
    Resource,
    Sensitivity,
    TaskState,
)
from pdp.domain.weight import amount_moved, is_final, moves_value

#: The version of the input document, published as `rego/input.schema.json`.
INPUT_SCHEMA = 1

# Made once; `json.dumps` would make an encoder for every document.
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode

_STATE_WORDS = {state: state.name.lower() for state in TaskState}
_APPROVAL_WORDS = {state: state.name.lower() for state in ApprovalState}


def input_document(
    facts: Facts,
    *,
    pair: Rollup,
    principal: Rollup,
    known: Standing,
    full: bool,
    led_before: bool,
    now_us: int,
    development: bool,
) -> bytes:
    """The policy's input as JSON.

    `pair` and `principal` are what rolls up beyond the task, `known` what people have said; `full`
    says that the task has met more atoms than are kept, `led_before` that untrusted content led it
    to something that it has read.
    """
    task = facts.task
    ask = facts.call.ask
    caller = facts.call.caller
    document: dict[str, JsonValue] = {
        "schema": INPUT_SCHEMA,
        "now_ns": now_us * 1000,
        "settings": {"development": development},
        "caller": {
            **builtin.identity(caller.identity),
            "roles": [*sorted(caller.roles)],
            "verified_by": caller.verified_by,
        },
        "subject": builtin.identity(facts.subject),
        "principal": builtin.identity(facts.principal),
        "task": _task_section(task, facts.intent_repinned, now_us),
        "ledger": {
            "task": _rollup_section(task.rollup.at(now_us) if task else Rollup()),
            "pair": _rollup_section(pair),
            "principal": _rollup_section(principal),
        },
        "tool": _tool_section(facts),
        "call": {
            "arguments": dict(facts.arguments),
            "arguments_digest": facts.arguments_digest,
            "binding_digest": facts.binding_digest,
            "amount": amount_moved(facts.tool, facts.traces),
            "final": is_final(facts.tool, facts.tool_acts),
        },
        "findings": {
            "arguments": {
                "valid": facts.arguments_finding is None,
                "path": facts.arguments_finding.path if facts.arguments_finding else "",
                "problem": facts.arguments_finding.problem if facts.arguments_finding else "",
            },
            "definition": {
                "given": isinstance(ask, Authorize) and bool(ask.action.schema_digest),
                "changed": facts.definition_changed,
            },
            "resource": {
                "given": isinstance(ask, Authorize) and bool(ask.resource.id or ask.resource.type),
                "contradicts": facts.resource_contradicts,
            },
            "task_exists": facts.task_exists,
        },
        "resource": {
            "type": facts.resource_type,
            "id": facts.resource_id,
            "derived": facts.resource_derived,
        },
        "sensitivity": int(facts.sensitivity),
        "provenance": _provenance_section(facts, full=full, led_before=led_before),
        "goal": _goal_section(facts),
        "approval": _approval_section(facts, known, now_us),
        "plan": [
            {
                "server": one.server,
                "tool": one.name,
                "decision": one.decision.value,
                "codes": list(one.codes),
            }
            for one in facts.plan
        ],
        "asserted": _asserted_section(ask),
    }
    return _json(document).encode()


def _approval_section(facts: Facts, known: Standing, now_us: int) -> dict[str, JsonValue]:
    """The question that is answered or taken back; of other calls, what was said of them."""
    found = facts.decides or known.refusal or known.approval
    grant = known.grants[0].id if known.grants else ""
    if found is None:
        return {
            "id": "",
            "state": "none",
            "grant": grant,
            "approvers": [],
            "needed": 0,
            "voters": [],
            "party": False,
        }
    return {
        "id": found.id,
        "state": _APPROVAL_WORDS[state_at(found, now_us)],
        "grant": grant,
        "approvers": list(found.approvers),
        "needed": found.votes_needed,
        "voters": [builtin.identity(vote.voter) for vote in found.votes],
        "party": is_party(facts.call.caller.identity, found),
    }


def _task_section(task: Task | None, intent_repinned: bool, now_us: int) -> dict[str, JsonValue]:
    intent = task.intent if task is not None else Intent()
    budget = task.budget if task is not None else Budget()
    return {
        "known": task is not None,
        "id": task.id if task else "",
        "registered": task.registered if task else False,
        "delegated": bool(task and task.parent_id),
        "state": _STATE_WORDS[task.state_at(now_us)] if task else "",
        "phase": builtin.PHASE_WORDS[task.phase] if task else "",
        "sequence": task.sequence if task else 0,
        "intent": {
            "goal": intent.goal,
            "tools": list(intent.tools),
            "resources": list(intent.resources),
            "max_sensitivity": int(intent.max_sensitivity),
        },
        "intent_repinned": intent_repinned,
        "budget": {"max_calls": budget.max_calls, "max_effects": budget.max_effects},
        "started_ns": task.started_at_us * 1000 if task else 0,
        "expires_ns": task.expires_at_us * 1000 if task else 0,
    }


def _rollup_section(rollup: Rollup) -> dict[str, JsonValue]:
    return {
        "calls": rollup.calls,
        "effects": rollup.effects,
        "denials": rollup.denials,
        "escalations": rollup.escalations,
        "untrusted": rollup.untrusted,
        "sensitivity": int(rollup.sensitivity),
        "minute_calls": rollup.minute_calls,
        "minute_effects": rollup.minute_effects,
        "reach": rollup.reach,
        "hour_escalations": rollup.hour_escalations,
        "hour_final": rollup.hour_final,
        "hour_amount": rollup.hour_amount,
    }


def _tool_section(facts: Facts) -> dict[str, JsonValue]:
    tool = facts.tool
    if tool is None:
        return {
            "known": facts.is_builtin,
            "ambiguous": facts.ambiguous,
            "builtin": facts.is_builtin,
            "server": facts.server,
            "name": facts.name,
            "class": "task" if facts.is_builtin else "",
            "egress": False,
            "sensitivity": int(Sensitivity.PUBLIC),
            "output": "trusted" if facts.is_builtin else "untrusted",
            "reversible": facts.is_builtin,
            "moves_value": False,
            "ungrounded": [],
        }
    return {
        "known": True,
        "ambiguous": False,
        "builtin": False,
        "server": tool.server,
        "name": tool.name,
        "class": tool.tool_class.value,
        "egress": tool.egress,
        "sensitivity": int(tool.sensitivity),
        "output": tool.output_label.value,
        "reversible": tool.reversible,
        "moves_value": moves_value(tool),
        "ungrounded": [*tool.ungrounded],
    }


def _provenance_section(facts: Facts, *, full: bool, led_before: bool) -> dict[str, JsonValue]:
    return {
        "arguments": [
            {
                "pointer": one.pointer,
                "kind": one.kind,
                "holds": one.holds.value,
                "origin": one.origin.value,
                "source": one.source,
                "exists": one.exists,
                "named": one.named,
                "pointed": one.pointed,
                "sensitivity": int(one.sensitivity),
                "embedded": [
                    {
                        "kind": sink.kind.value,
                        "value": sink.value,
                        "origin": sink.origin.value,
                        "source": sink.source,
                        "sensitivity": int(sink.sensitivity),
                    }
                    for sink in one.embedded
                ],
                "more": one.more,
            }
            for one in facts.traces
        ],
        "output": facts.output_label.value,
        "full": full,
        "led": facts.steering.led.value,
        "led_before": led_before,
        "carries": list(facts.steering.carries),
    }


def _goal_section(facts: Facts) -> dict[str, JsonValue]:
    return {
        "acts": [*sorted(facts.goal.acts)],
        "negated": [*sorted(facts.goal.negated)],
        "delegates": facts.goal.delegates,
        "tool_acts": [*sorted(facts.tool_acts)],
        "asked": facts.is_builtin or facts.stance is Stance.ASKED,
        "unsure": facts.stance is Stance.UNSURE,
        "about": facts.about,
    }


def _asserted_section(ask: object) -> dict[str, JsonValue]:
    if not isinstance(ask, Authorize):
        return {
            "subject_properties": {},
            "resource": _asserted_resource(Resource()),
            "signals": {},
            "session_id": "",
        }
    return {
        "subject_properties": dict(ask.subject.properties),
        "resource": _asserted_resource(ask.resource),
        "signals": dict(ask.signals),
        "session_id": ask.session_id,
    }


def _asserted_resource(resource: Resource) -> dict[str, JsonValue]:
    return {
        "type": resource.type,
        "id": resource.id,
        "sensitivity": int(resource.sensitivity),
        "properties": dict(resource.properties),
    }
