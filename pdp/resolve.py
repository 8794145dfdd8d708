"""Step 2, Resolve: what the PDP itself knows about a call, not what the agent says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pdp.domain import builtin
from pdp.domain.canonical import JsonValue, canonical
from pdp.domain.catalogue import Ambiguous, Catalogue, Found, Tool, derive_resource
from pdp.domain.facts import ActsOf, CheckArguments, Facts
from pdp.domain.goal import GoalActs, Stance, stance
from pdp.domain.goal_objects import is_about, is_meant
from pdp.domain.leaves import binding_digest
from pdp.domain.provenance import ArgumentTrace, output_label, trace
from pdp.domain.request import (
    AppendContext,
    Authorize,
    Call,
    CancelApproval,
    DecideApproval,
    RevokeGrant,
    StartTask,
)
from pdp.domain.steering import NOT_LED, Steering, steering
from pdp.domain.task import Task
from pdp.domain.tool_acts import ToolActs
from pdp.domain.values import (
    Budget,
    Intent,
    OutputLabel,
    Phase,
    Sensitivity,
    Subject,
    TaskState,
    ToolClass,
    Trust,
)
from pdp.memory import Met
from pdp.overlay import Overlay

#: An unregistered task is what a caller gets that starts none; a day covers a working session, and
#: no longer, because nobody vouched for its goal.
UNREGISTERED_TTL_US = 24 * 3600 * 1_000_000


def unregistered_task_id(call: Call, ask: Authorize) -> str:
    """The id of the task that calls without one share: by caller, subject, principal, session."""
    key = "\x1e".join(
        (call.caller.identity.key, ask.subject.key, ask.on_behalf_of.key, ask.session_id)
    )
    return "unregistered:" + hashlib.sha256(key.encode()).hexdigest()[:32]


def task_id_of(call: Call, overlay: Overlay) -> str:
    """The id of the task that a call belongs to or would open; empty where it is not known yet.

    The overlay has been given the ids of approvals and grants.
    """
    match call.ask:
        case Authorize(task_id="") as ask:
            return unregistered_task_id(call, ask)
        case DecideApproval() | CancelApproval() as ask:
            approval = overlay.approvals.get(ask.approval_id)
            return approval.task_id if approval is not None else ""
        case RevokeGrant() as ask:
            grant = overlay.grants.get(ask.grant_id)
            return grant.task_id if grant is not None else ""
        case ask:
            return getattr(ask, "task_id", "")


@dataclass(frozen=True, slots=True)
class Desk:
    """What a call is looked up in."""

    overlay: Overlay
    catalogue: Catalogue
    check_arguments: CheckArguments
    acts_of: ActsOf


def gather(call: Call, arguments: dict[str, JsonValue], desk: Desk) -> Facts:
    """The facts of an Authorize or a task action; the overlay has been given its keys."""
    raw = canonical(arguments)
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    if isinstance(call.ask, Authorize):
        return _gather_call(call, call.ask, arguments, raw, digest, desk)
    return _gather_action(call, arguments, raw, digest, desk.overlay)


def _gather_call(
    call: Call,
    ask: Authorize,
    arguments: dict[str, JsonValue],
    raw: bytes,
    digest: str,
    desk: Desk,
) -> Facts:
    overlay = desk.overlay
    task = _task_of(call, ask, overlay)
    found = desk.catalogue.find(ask.action.server, ask.action.name)
    tool = found.tool if isinstance(found, Found) else None
    server = tool.server if tool is not None else ask.action.server
    resource = _resource(tool, ask, arguments)
    sensitivity = max(
        Sensitivity.PUBLIC,
        ask.resource.sensitivity,
        tool.sensitivity if tool is not None else Sensitivity.UNSPECIFIED,
    )
    if task is not None and tool is not None and tool.has_effect:
        # What goes out may carry what the task has seen.
        sensitivity = max(sensitivity, task.rollup.sensitivity)
    claimed = ask.action.schema_digest
    met = overlay.met(task) if task is not None else Met()
    traces = trace(tool, arguments, met.atoms) if tool is not None else ()
    does = desk.acts_of(tool) if tool is not None else ToolActs()
    return Facts(
        call=call,
        subject=ask.subject,
        principal=task.principal if task is not None else ask.on_behalf_of,
        task=task,
        tool=tool,
        ambiguous=isinstance(found, Ambiguous),
        server=server,
        name=ask.action.name,
        arguments=arguments,
        canonical_arguments=raw,
        arguments_digest=digest,
        arguments_finding=desk.check_arguments(tool, arguments) if tool is not None else None,
        definition_changed=bool(claimed) and tool is not None and claimed != tool.schema_digest,
        intent_repinned=(
            task is not None
            and not task.registered
            and ask.intent is not None
            and ask.intent != task.intent
        ),
        task_exists=False,
        resource_type=resource.type,
        resource_id=resource.id,
        resource_derived=resource.derived,
        resource_contradicts=resource.contradicts,
        sensitivity=sensitivity,
        binding_digest=binding_digest(
            task_id=task.id if task is not None else "",
            subject=ask.subject,
            principal=task.principal if task is not None else ask.on_behalf_of,
            server=server,
            tool=ask.action.name,
            definition_digest=tool.schema_digest if tool is not None else "",
            resource_type=resource.type,
            resource_id=resource.id,
            sensitivity=sensitivity,
            arguments=raw,
        ),
        traces=traces,
        output_label=OutputLabel.UNTRUSTED if tool is None else output_label(tool, traces),
        steering=_steering(task, tool, arguments, traces, resource.id, overlay),
        goal=met.goal,
        tool_acts=does.acts,
        stance=_stance(tool, traces, does, met.goal),
        about=tool is not None and is_about(tool, traces, does, met.goal, met.atoms.says),
    )


def _stance(
    tool: Tool | None, traces: Sequence[ArgumentTrace], does: ToolActs, goal: GoalActs
) -> Stance:
    found = stance(goal, does)
    if found is Stance.UNSURE and tool is not None and is_meant(tool, traces, does, goal):
        return Stance.ASKED
    return found


def _steering(
    task: Task | None,
    tool: Tool | None,
    arguments: Mapping[str, JsonValue],
    traces: Sequence[ArgumentTrace],
    resource_id: str,
    overlay: Overlay,
) -> Steering:
    if task is None or tool is None or tool.tool_class is not ToolClass.READ:
        return NOT_LED
    return steering(
        tool,
        arguments,
        traces,
        overlay.met(task).atoms,
        resource_id=resource_id,
        tainted=task.rollup.untrusted or overlay.rollup(task.rollup_keys[0]).untrusted,
    )


def _gather_action(
    call: Call, arguments: dict[str, JsonValue], raw: bytes, digest: str, overlay: Overlay
) -> Facts:
    ask = call.ask
    if isinstance(ask, StartTask):
        task, subject, principal = None, ask.subject, ask.on_behalf_of
        exists = bool(ask.task_id) and ask.task_id in overlay.tasks
    else:
        task, exists = overlay.tasks.get(task_id_of(call, overlay)), False
        subject = task.subject if task is not None else Subject()
        principal = task.principal if task is not None else Subject()
    name = builtin.tool_name(ask)  # type: ignore[arg-type]  # outcomes never come here
    resource_id = task_id_of(call, overlay)
    decides = None
    if isinstance(ask, DecideApproval | CancelApproval):
        decides = overlay.approvals[ask.approval_id]
    return Facts(
        call=call,
        subject=subject,
        principal=principal,
        task=task,
        tool=None,
        ambiguous=False,
        server=builtin.SERVER,
        name=name,
        arguments=arguments,
        canonical_arguments=raw,
        arguments_digest=digest,
        arguments_finding=None,
        definition_changed=False,
        intent_repinned=False,
        task_exists=exists,
        resource_type="task",
        resource_id=resource_id,
        resource_derived=True,
        resource_contradicts=False,
        sensitivity=Sensitivity.PUBLIC,
        output_label=_content_label(ask),
        binding_digest=binding_digest(
            task_id=task.id if task is not None else "",
            subject=subject,
            principal=principal,
            server=builtin.SERVER,
            tool=name,
            definition_digest="",
            resource_type="task",
            resource_id=resource_id,
            sensitivity=Sensitivity.PUBLIC,
            arguments=raw,
        ),
        decides=decides,
    )


def _content_label(ask: object) -> OutputLabel:
    """What is appended is worth what the orchestrator says; actions return nothing of others."""
    if isinstance(ask, AppendContext) and ask.trust is Trust.UNTRUSTED:
        return OutputLabel.UNTRUSTED
    return OutputLabel.TRUSTED


def _task_of(call: Call, ask: Authorize, overlay: Overlay) -> Task | None:
    """The task, if it is this subject's (and principal's, where one is named).

    Another's task is answered like one that does not exist: the difference is nobody's business.
    """
    task = overlay.tasks.get(task_id_of(call, overlay))
    if task is not None:
        mine = task.subject == ask.subject and (
            not ask.on_behalf_of or task.principal == ask.on_behalf_of
        )
        return task if mine and task.registered == bool(ask.task_id) else None
    if ask.task_id:
        return None
    return Task(
        id=unregistered_task_id(call, ask),
        subject=ask.subject,
        principal=ask.on_behalf_of,
        intent=ask.intent if ask.intent is not None else Intent(),
        phase=Phase.PREPARE,
        state=TaskState.ACTIVE,
        budget=Budget(),
        started_at_us=overlay.now_us,
        expires_at_us=overlay.now_us + UNREGISTERED_TTL_US,
        registered=False,
        opened_by=call.caller.identity,
    )


@dataclass(frozen=True, slots=True)
class _ResolvedResource:
    type: str
    id: str
    derived: bool
    contradicts: bool


def _resource(
    tool: Tool | None, ask: Authorize, arguments: Mapping[str, JsonValue]
) -> _ResolvedResource:
    """The resource that the arguments name; a claimed one may repeat it, and no more."""
    if tool is None:
        return _ResolvedResource("tool", f"{ask.action.server}/{ask.action.name}", False, False)
    derived = derive_resource(tool, arguments)
    claimed = ask.resource
    contradicts = derived.from_arguments and (
        (bool(claimed.type) and claimed.type != derived.type)
        or (bool(claimed.id) and claimed.id != derived.id)
    )
    return _ResolvedResource(derived.type, derived.id, derived.from_arguments, contradicts)
