"""The steps of a trace: what is asked, by whom, and what is to be decided of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pdp.domain.canonical import JsonValue
from pdp.domain.records import GrantTerms
from pdp.domain.request import (
    AppendContext,
    Ask,
    Authorize,
    CancelApproval,
    ChangePhase,
    CompleteTask,
    DecideApproval,
    PlannedCall,
    StartTask,
)
from pdp.domain.values import (
    Action,
    Decision,
    OutcomeStatus,
    Phase,
    Resource,
    Sensitivity,
    Subject,
    Trust,
)
from pdp.trace_values import TraceRefused, check_keys, items, mapping, named, text, texts, whole

_ORIGINS: Final = ("none", "principal", "trusted", "untrusted", "unknown")


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be decided: each code must be among the reasons, each origin as said."""

    decision: Decision
    codes: tuple[str, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        parts = [self.decision.value, *self.codes]
        parts += [f"{pointer} {origin}" for pointer, origin in self.origins.items()]
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Returned:
    """What an allowed call did and returned."""

    status: OutcomeStatus
    output: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is asked; `number` is its entry in the file, `after_us` the time before it.

    `by` is the person who answers for the task's newest question, whose id only the story knows.
    """

    number: int
    what: str
    task_id: str
    ask: Ask
    expected: Expected
    returned: Returned | None = None
    after_us: int = 0
    by: Subject | None = None


@dataclass(frozen=True, slots=True)
class TracedTask:
    """A task of a trace: how it is started, and what is to be decided of that."""

    start: StartTask
    registered: bool
    session: str
    expected: Expected

    @property
    def task_id(self) -> str:
        """Its name in the trace."""
        return self.start.task_id


#: Each kind of step and the keys of its own.
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "call": (
        "task", "server", "arguments", "resource", "schema_digest", "returns", "status",
        "media_type",
    ),
    "start": (),
    "phase": ("task", "plan"),
    "append": ("task", "trust", "source"),
    "complete": (),
    "approve": ("task", "uses", "for_s"),
    "deny": ("task",),
    "take_back": ("task",),
}  # fmt: skip


def read_step(
    number: int, kind: str, entry: Mapping[str, JsonValue], task: TracedTask, at: str
) -> Step:
    """Read the entry of a step of one of KINDS.

    Raises:
        TraceRefused, InvalidInput: it is none.
    """
    if kind == "call" and "expect" not in entry:
        raise TraceRefused(f"{at}: the key expect is missing; say what is to be decided")
    if kind == "start" and not task.registered:
        raise TraceRefused(f"{at}: task {task.task_id} is not registered: nobody starts it")
    what, ask = _asked(kind, entry, task, at)
    expected = task.expected if kind == "start" else Expected(Decision.ALLOW)
    if "expect" in entry:
        expected = expected_of(entry["expect"], f"{at}: expect")
    answers = isinstance(ask, DecideApproval | CancelApproval)
    return Step(
        number=number,
        what=what,
        task_id=task.task_id,
        ask=ask,
        expected=expected,
        returned=_returned(entry, at) if kind == "call" else None,
        after_us=whole(entry.get("after_s", 0), f"{at}: after_s") * 1_000_000,
        by=Subject("user", text(entry[kind], f"{at}: {kind}")) if answers else None,
    )


def _asked(kind: str, entry: Mapping[str, JsonValue], task: TracedTask, at: str) -> tuple[str, Ask]:
    """What a step asks, in words and as it is asked."""
    match kind:
        case "call":
            call = _call(entry, task, at)
            return f"call {call.action.server}/{call.action.name}".replace(" /", " "), call
        case "start":
            return f"start {task.task_id}", task.start
        case "phase":
            phase = named(Phase, entry["phase"], f"{at}: phase")
            change = ChangePhase(task.task_id, phase, plan=_plan(entry, task, at))
            return f"phase {phase.name.lower()}", change
        case "append":
            trust = named(Trust, entry.get("trust"), f"{at}: trust")
            if trust is Trust.UNSPECIFIED:
                raise TraceRefused(f"{at}: trust: must be principal, trusted or untrusted")
            content = text(entry["append"], f"{at}: append").encode()
            source = text(entry.get("source", ""), f"{at}: source")
            material = AppendContext(task.task_id, trust, content, source)
            return f"append {trust.name.lower()}", material
        case "approve" | "deny" | "take_back":
            return f"{kind.replace('_', ' ')} by {entry[kind]}", _answer(kind, entry, at)
        case _:
            return f"complete {task.task_id}", CompleteTask(task.task_id)


def _answer(kind: str, entry: Mapping[str, JsonValue], at: str) -> Ask:
    if kind == "take_back":
        return CancelApproval("")
    grant = None
    if entry.keys() & {"uses", "for_s"}:
        grant = GrantTerms(
            whole(entry.get("uses", 0), f"{at}: uses"),
            whole(entry.get("for_s", 0), f"{at}: for_s") * 1_000_000,
        )
    return DecideApproval("", kind == "approve", grant=grant)


def _plan(entry: Mapping[str, JsonValue], task: TracedTask, at: str) -> tuple[PlannedCall, ...]:
    planned: list[PlannedCall] = []
    for index, item in enumerate(items(entry.get("plan", []), f"{at}: plan")):
        place = f"{at}: plan[{index}]"
        call = mapping(item, place)
        check_keys(call, place, required=("call",), optional=("server", "arguments", "resource"))
        ask = _call(call, task, place)
        planned.append(PlannedCall(ask.action, ask.resource))
    return tuple(planned)


def start_step(number: int, task: TracedTask) -> Step:
    """The step that starts a task, where the file has none of its own."""
    return Step(number, f"start {task.task_id}", task.task_id, task.start, task.expected)


def _call(entry: Mapping[str, JsonValue], task: TracedTask, at: str) -> Authorize:
    name = text(entry["call"], f"{at}: call")
    server, _, tool = name.rpartition("/")
    if "server" in entry:
        server, tool = text(entry["server"], f"{at}: server"), name
    arguments = json.dumps(mapping(entry.get("arguments", {}), f"{at}: arguments"))
    resource = mapping(entry.get("resource", {}), f"{at}: resource")
    check_keys(resource, f"{at}: resource", optional=("type", "id", "sensitivity"))
    start = task.start
    return Authorize(
        subject=start.subject,
        action=Action(
            tool,
            arguments.encode(),
            server,
            text(entry.get("schema_digest", ""), f"{at}: schema_digest"),
        ),
        task_id=start.task_id if task.registered else "",
        resource=Resource(
            text(resource.get("type", ""), f"{at}: resource.type"),
            text(resource.get("id", ""), f"{at}: resource.id"),
            named(Sensitivity, resource.get("sensitivity"), f"{at}: resource.sensitivity"),
        ),
        intent=None if task.registered else start.intent,
        on_behalf_of=start.on_behalf_of,
        session_id=task.session,
    )


def _returned(entry: Mapping[str, JsonValue], at: str) -> Returned | None:
    """What the step says came back: text as it is, anything else as JSON."""
    if not entry.keys() & {"returns", "status", "media_type"}:
        return None
    output = entry.get("returns", "")
    status = named(OutcomeStatus, entry.get("status", "succeeded"), f"{at}: status")
    as_text = isinstance(output, str)
    media_type = "text/plain" if as_text else "application/json"
    return Returned(
        status,
        (output if isinstance(output, str) else json.dumps(output)).encode(),
        text(entry.get("media_type", media_type), f"{at}: media_type"),
    )


def expected_of(value: JsonValue, at: str) -> Expected:
    """What is to be decided.

    Raises:
        TraceRefused: it says something else.
    """
    if isinstance(value, str):
        return Expected(_decision(value, at))
    entry = mapping(value, at)
    check_keys(entry, at, required=("decision",), optional=("codes", "origins"))
    origins = mapping(entry.get("origins", {}), f"{at}.origins")
    for pointer, origin in origins.items():
        if origin not in _ORIGINS or not pointer.startswith("/"):
            raise TraceRefused(
                f"{at}.origins: write `/path: origin`, the origin one of {', '.join(_ORIGINS)}"
            )
    return Expected(
        _decision(entry["decision"], f"{at}.decision"),
        texts(entry.get("codes", []), f"{at}.codes"),
        {pointer: str(origin) for pointer, origin in origins.items()},
    )


def _decision(value: JsonValue, at: str) -> Decision:
    if value not in ("allow", "deny", "escalate"):
        raise TraceRefused(f"{at}: must be allow, deny or escalate")
    return Decision(value)
