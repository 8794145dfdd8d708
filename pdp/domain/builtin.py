"""Task actions as calls of built-in tools, so that they take the same six steps as any call."""

from __future__ import annotations

from pdp.domain.canonical import JsonValue, digest, parse_arguments
from pdp.domain.catalogue import RESERVED_SERVER
from pdp.domain.records import GrantTerms
from pdp.domain.request import (
    AppendContext,
    CancelApproval,
    ChangePhase,
    CompleteTask,
    DecideApproval,
    RevokeGrant,
    RevokeTask,
    StartTask,
)
from pdp.domain.values import Phase, Subject

START_TASK = "pdp.start_task"
CHANGE_PHASE = "pdp.change_phase"
COMPLETE_TASK = "pdp.complete_task"
APPEND_CONTEXT = "pdp.append_context"
DECIDE_APPROVAL = "pdp.decide_approval"
CANCEL_APPROVAL = "pdp.cancel_approval"
REVOKE_TASK = "pdp.revoke_task"
REVOKE_GRANT = "pdp.revoke_grant"

#: Input documents name a phase by word; an unset one is left to policy.
PHASE_WORDS = {
    Phase.UNSPECIFIED: "",
    Phase.PLAN: "plan",
    Phase.PREPARE: "prepare",
    Phase.EXECUTE: "execute",
}

SERVER = RESERVED_SERVER

TaskAction = (
    StartTask
    | ChangePhase
    | CompleteTask
    | AppendContext
    | DecideApproval
    | CancelApproval
    | RevokeTask
    | RevokeGrant
)


def tool_name(ask: TaskAction) -> str:
    """The built-in tool that a task action is a call of."""
    match ask:
        case StartTask():
            return START_TASK
        case ChangePhase():
            return CHANGE_PHASE
        case CompleteTask():
            return COMPLETE_TASK
        case AppendContext():
            return APPEND_CONTEXT
        case DecideApproval():
            return DECIDE_APPROVAL
        case CancelApproval():
            return CANCEL_APPROVAL
        case RevokeTask():
            return REVOKE_TASK
        case RevokeGrant():
            return REVOKE_GRANT


def arguments_of(ask: TaskAction) -> dict[str, JsonValue]:
    """A task action's arguments, as policy, the binding and the log see them.

    Raises:
        InvalidInput: the arguments of a planned call are not JSON that can be trusted.
    """
    match ask:
        case StartTask():
            return {
                "task_id": ask.task_id,
                "subject": identity(ask.subject),
                "on_behalf_of": identity(ask.on_behalf_of),
                "intent": {
                    "goal": ask.intent.goal,
                    "tools": list(ask.intent.tools),
                    "resources": list(ask.intent.resources),
                    "max_sensitivity": int(ask.intent.max_sensitivity),
                },
                "phase": PHASE_WORDS[ask.phase],
                # Rounded up: a task asked for 1.5 s must not be asked of policy as unset or less.
                "ttl_s": -(-ask.ttl_us // 1_000_000),
                "budget": {
                    "max_calls": ask.budget.max_calls,
                    "max_effects": ask.budget.max_effects,
                },
            }
        case ChangePhase():
            return {
                "task_id": ask.task_id,
                "phase": PHASE_WORDS[ask.phase],
                "reason": ask.reason,
                "plan": [
                    {
                        "server": planned.action.server,
                        "tool": planned.action.name,
                        "arguments": parse_arguments(
                            planned.action.arguments_json,
                            f"plan[{index}].action.arguments_json",
                        ),
                        "resource": f"{planned.resource.type}:{planned.resource.id}",
                    }
                    for index, planned in enumerate(ask.plan)
                ],
            }
        case CompleteTask():
            return {"task_id": ask.task_id}
        case AppendContext():
            # The material itself is kept like an output; a document in the arguments would be in
            # every copy of the input.
            return {
                "task_id": ask.task_id,
                "source": ask.source,
                "trust": ask.trust.name.lower(),
                "content_digest": digest(ask.content),
                "content_bytes": len(ask.content),
            }
        case DecideApproval():
            return {
                "approval_id": ask.approval_id,
                "verdict": "approve" if ask.approve else "deny",
                "reason": ask.reason,
                "grant": _terms(ask.grant) if ask.grant is not None else None,
            }
        case CancelApproval():
            return {"approval_id": ask.approval_id}
        case RevokeTask():
            return {"task_id": ask.task_id, "reason": ask.reason}
        case RevokeGrant():
            return {"grant_id": ask.grant_id, "reason": ask.reason}


def _terms(terms: GrantTerms) -> dict[str, JsonValue]:
    return {
        "max_uses": terms.max_uses,
        "ttl_s": -(-terms.ttl_us // 1_000_000),
        "constraints": [
            {"path": one.path, "values": list(one.values), "patterns": list(one.patterns)}
            for one in terms.constraints
        ],
    }


def identity(subject: Subject) -> dict[str, JsonValue]:
    """A subject as documents and the log name it: who it is, not what is claimed about it."""
    return {"type": subject.type, "id": subject.id, "issuer": subject.issuer}
