"""Step 2, Resolve: what the PDP itself knows about a call, put into the policy's input document.

What is only claimed sits under `asserted` in that document and nowhere else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pdp.domain import builtin
from pdp.domain.canonical import JsonValue, canonical
from pdp.domain.catalogue import (
    Ambiguous,
    ArgumentKind,
    Catalogue,
    Found,
    Tool,
    derive_resource,
)
from pdp.domain.leaves import binding_digest
from pdp.domain.records import ApprovalRecord
from pdp.domain.request import Authorize, Call, StartTask
from pdp.domain.task import Rollup, Task
from pdp.domain.values import (
    ApprovalState,
    Budget,
    Intent,
    Phase,
    Resource,
    Sensitivity,
    Subject,
    TaskState,
    ToolClass,
)
from pdp.overlay import Overlay

INPUT_SCHEMA = 1

#: An unregistered task is what a caller gets that starts none; a day covers a working session, and
#: no longer, because nobody vouched for its goal.
UNREGISTERED_TTL_US = 24 * 3600 * 1_000_000

_STATE_WORDS = {state: state.name.lower() for state in TaskState}
_APPROVAL_WORDS = {state: state.name.lower() for state in ApprovalState}


@dataclass(frozen=True, slots=True)
class ArgumentsFinding:
    """Why arguments do not fit their tool's schema: where (RFC 6901 pointer) and what is wrong."""

    path: str
    problem: str


#: Checks arguments against a tool's schema; None where they fit.
CheckArguments = Callable[[Tool, Mapping[str, JsonValue]], ArgumentsFinding | None]


@dataclass(frozen=True, slots=True)
class Facts:
    """One call as the PDP knows it, before policy has seen it.

    `task` is the task the call belongs to: the stored one, or the one that an unregistered call
    opens (not stored yet); None where it is unknown or not the subject's. `tool` is the catalogue's
    entry, None where there is none or the call is of a built-in tool.
    """

    call: Call
    subject: Subject
    principal: Subject
    task: Task | None
    tool: Tool | None
    ambiguous: bool
    server: str
    name: str
    arguments: Mapping[str, JsonValue]
    canonical_arguments: bytes
    arguments_digest: str
    arguments_finding: ArgumentsFinding | None
    definition_changed: bool
    intent_repinned: bool
    task_exists: bool
    resource_type: str
    resource_id: str
    resource_derived: bool
    resource_contradicts: bool
    sensitivity: Sensitivity
    binding_digest: str

    @property
    def is_builtin(self) -> bool:
        """Whether the call is a task action."""
        return not isinstance(self.call.ask, Authorize)

    @property
    def has_effect(self) -> bool:
        """Whether the call changes something, or carries something out."""
        return self.tool is not None and (self.tool.tool_class.has_effect or self.tool.egress)


def unregistered_task_id(call: Call, ask: Authorize) -> str:
    """The id of the task that calls without one share: by caller, subject, principal, session."""
    key = "\x1e".join(
        (call.caller.identity.key, ask.subject.key, ask.on_behalf_of.key, ask.session_id)
    )
    return "unregistered:" + hashlib.sha256(key.encode()).hexdigest()[:32]


def task_id_of(call: Call) -> str:
    """The id of the task that a call belongs to or would open; empty where policy's to choose."""
    ask = call.ask
    if isinstance(ask, Authorize) and not ask.task_id:
        return unregistered_task_id(call, ask)
    return getattr(ask, "task_id", "")


def gather(
    call: Call,
    arguments: dict[str, JsonValue],
    overlay: Overlay,
    catalogue: Catalogue,
    check_arguments: CheckArguments,
) -> Facts:
    """The facts of an Authorize or a task action; the overlay has been given its keys."""
    raw = canonical(arguments)
    digest = "sha256:" + hashlib.sha256(raw).hexdigest()
    if isinstance(call.ask, Authorize):
        return _gather_call(
            call, call.ask, arguments, raw, digest, overlay, catalogue, check_arguments
        )
    return _gather_action(call, arguments, raw, digest, overlay)


def _gather_call(
    call: Call,
    ask: Authorize,
    arguments: dict[str, JsonValue],
    raw: bytes,
    digest: str,
    overlay: Overlay,
    catalogue: Catalogue,
    check_arguments: CheckArguments,
) -> Facts:
    task = _task_of(call, ask, overlay)
    found = catalogue.find(ask.action.server, ask.action.name)
    tool = found.tool if isinstance(found, Found) else None
    server = tool.server if tool is not None else ask.action.server
    resource = _resource(tool, ask, arguments)
    sensitivity = max(
        Sensitivity.PUBLIC,
        ask.resource.sensitivity,
        tool.sensitivity if tool is not None else Sensitivity.UNSPECIFIED,
    )
    if task is not None and tool is not None and (tool.tool_class.has_effect or tool.egress):
        # What goes out may carry what the task has seen.
        sensitivity = max(sensitivity, task.rollup.sensitivity)
    claimed = ask.action.schema_digest
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
        arguments_finding=check_arguments(tool, arguments) if tool is not None else None,
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
    )


def _gather_action(
    call: Call, arguments: dict[str, JsonValue], raw: bytes, digest: str, overlay: Overlay
) -> Facts:
    ask = call.ask
    if isinstance(ask, StartTask):
        task, subject, principal = None, ask.subject, ask.on_behalf_of
        exists = bool(ask.task_id) and ask.task_id in overlay.tasks
    else:
        task, exists = overlay.tasks.get(task_id_of(call)), False
        subject = task.subject if task is not None else Subject()
        principal = task.principal if task is not None else Subject()
    name = builtin.tool_name(ask)  # type: ignore[arg-type]  # outcomes never come here
    resource_id = task_id_of(call)
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
    )


def _task_of(call: Call, ask: Authorize, overlay: Overlay) -> Task | None:
    """The task, if it is this subject's (and principal's, where one is named).

    Another's task is answered like one that does not exist: the difference is nobody's business.
    """
    task = overlay.tasks.get(task_id_of(call))
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


def input_document(
    facts: Facts, overlay: Overlay, *, development: bool, approval: ApprovalRecord | None
) -> bytes:
    """The policy's input as JSON, every key of its schema present."""
    task = facts.task
    ask = facts.call.ask
    caller = facts.call.caller
    pair, principal = (
        (overlay.rollup(key) for key in task.rollup_keys) if task else (Rollup(), Rollup())
    )
    document: dict[str, JsonValue] = {
        "schema": INPUT_SCHEMA,
        "now_ns": overlay.now_us * 1000,
        "settings": {"development": development},
        "caller": {
            **builtin.identity(caller.identity),
            "roles": [*sorted(caller.roles)],
            "verified_by": caller.verified_by,
        },
        "subject": builtin.identity(facts.subject),
        "principal": builtin.identity(facts.principal),
        "task": _task_section(task, facts.intent_repinned, overlay.now_us),
        "ledger": {
            "task": _rollup_section(task.rollup.at(overlay.now_us) if task else Rollup()),
            "pair": _rollup_section(pair),
            "principal": _rollup_section(principal),
        },
        "tool": _tool_section(facts),
        "call": {
            "arguments": dict(facts.arguments),
            "arguments_digest": facts.arguments_digest,
            "binding_digest": facts.binding_digest,
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
        "approval": {
            "id": approval.id if approval else "",
            "state": _APPROVAL_WORDS[approval.state] if approval else "none",
        },
        "asserted": _asserted_section(ask),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _task_section(task: Task | None, intent_repinned: bool, now_us: int) -> dict[str, JsonValue]:
    intent = task.intent if task is not None else Intent()
    budget = task.budget if task is not None else Budget()
    return {
        "known": task is not None,
        "id": task.id if task else "",
        "registered": task.registered if task else False,
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
            "inferred": {},
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
        "moves_value": tool.tool_class is ToolClass.SEND and bool(tool.paths(ArgumentKind.AMOUNT)),
        "inferred": {name: [*grounds] for name, grounds in tool.inferred.items()},
        "ungrounded": [*tool.ungrounded],
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
