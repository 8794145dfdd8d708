"""An approval as text for a person: everything to decide on, and nothing that drives a terminal."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from pdp.cli.terminal import exact_moment, moment, plain
from pdp.domain.builtin import PHASE_WORDS
from pdp.domain.values import OutcomeStatus, Sensitivity, Subject, TaskState

if TYPE_CHECKING:
    from pdp.client.approval import Approval, LedgerStep, LiveGrant, Sink

_LABEL: Final = 14
#: In front of every line of a text that others wrote, so that none of it can pass for ours.
_GUTTER: Final = "  | "
_ORIGINS: Final = {
    "principal": "from the principal's own words",
    "trusted": "from a trusted source",
    "untrusted": "from untrusted content, which anybody may have written",
    "unknown": "from nobody known: neither the principal nor an output of the task has it",
}


def lines_of(approval: Approval, width: int) -> Iterator[str]:
    """What a person has to know to decide, in lines of at most `width` columns (80 or more)."""
    call = f"{approval.server}/{approval.tool}" if approval.server else approval.tool
    yield from _fact("approval", approval.id, width)
    yield from _fact("state", f"{state_word(approval)}, {votes_of(approval)}", width)
    yield from _fact("time left", time_left(approval), width)
    yield from _fact("call", call, width)
    yield from _fact("resource", _resource(approval), width)
    yield from _fact("subject", _named(approval.subject), width)
    yield from _fact("principal", _named(approval.on_behalf_of), width)
    task = approval.task
    if task.id:
        state = "" if task.state is TaskState.ACTIVE else f", {task.state.name.lower()}"
        yield from _fact("task", f"{task.id}, phase {PHASE_WORDS[task.phase]}{state}", width)
        yield from _fact("goal", task.goal, width)
    yield ""
    yield "What will be done: the call above with exactly these arguments"
    yield from quoted(visible_json(approval.arguments), width)
    yield ""
    yield "Where its effect goes, and where that came from"
    for sink in approval.sinks:
        yield from _sink(sink, approval, width)
    if not approval.sinks:
        yield "  no argument says"
    yield ""
    yield "Why a person is asked"
    for reason in approval.reasons:
        yield from _folded(f"{reason.code}: {reason.message}", "  ", "    ", width)
        if reason.remediation:
            yield from _folded(reason.remediation, "    ", "    ", width)
    yield ""
    yield "Votes" if approval.votes else "No votes yet"
    for vote in approval.votes:
        said = "yes" if vote.approve else "no"
        words = f"{moment(vote.at_us)}  {said}  {_named(vote.voter)}"
        yield from _folded(words + (f": {vote.reason}" if vote.reason else ""), "  ", "    ", width)
    if approval.recent:
        yield ""
        yield "The task so far, newest first"
        for step in approval.recent:
            yield from _step(step, width)


def line_of(approval: Approval) -> str:
    """One approval on one line, as it is now."""
    codes = ", ".join(dict.fromkeys(reason.code for reason in approval.reasons))
    whose = f" for {approval.on_behalf_of.id}" if approval.on_behalf_of else ""
    rest = f", {votes_of(approval)}, {time_left(approval)}" if approval.is_open else ""
    return plain(
        f"{state_word(approval):<9}  {approval.id}  {approval.server}/{approval.tool}{whose}: "
        f"{codes}{rest}"
    )


def state_word(approval: Approval) -> str:
    """The state in one word."""
    return approval.state.name.lower()


def votes_of(approval: Approval) -> str:
    """How many have said yes, of how many that must."""
    return f"{sum(vote.approve for vote in approval.votes)} of {approval.votes_needed} votes"


def time_left(approval: Approval) -> str:
    """How long it can still be answered or used."""
    left_s = approval.expires_at_us // 1_000_000 - int(time.time())
    until = moment(approval.expires_at_us)
    if left_s <= 0:
        return f"none, it ended {until}"
    minutes, seconds = divmod(left_s, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h"] * (hours > 0) + [f"{minutes} min"] * (minutes > 0)
    return " ".join(parts or [f"{seconds} s"]) + f", until {until}"


def visible_json(value: Any) -> str:
    """`value` as indented JSON in which everything that is not plainly visible is an escape."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # JSON's own line ends are the only control characters that are not escapes already, and what
    # stands outside strings is ASCII.
    return "".join(char if char.isprintable() or char == "\n" else _escape(char) for char in text)


def quoted(text: str, width: int) -> Iterator[str]:
    """Lines that others wrote, folded, each behind the gutter."""
    for line in text.split("\n"):
        for part in _chopped(line, width - len(_GUTTER)):
            yield _GUTTER + part


def approval_json(approval: Approval) -> dict[str, Any]:
    """An approval for programs; names as in the contract, times as RFC 3339."""
    task = approval.task
    return {
        "id": approval.id,
        "state": state_word(approval),
        "decision_id": approval.decision_id,
        "task": {
            "id": task.id,
            "goal": task.goal,
            "phase": PHASE_WORDS[task.phase],
            "state": task.state.name.lower(),
        },
        "subject": _subject_json(approval.subject),
        "on_behalf_of": _subject_json(approval.on_behalf_of),
        "server": approval.server,
        "tool": approval.tool,
        "arguments": approval.arguments,
        "arguments_json": approval.arguments_json.decode("utf-8", "replace"),
        "resource": {
            "type": approval.resource.type,
            "id": approval.resource.id,
            "sensitivity": approval.resource.sensitivity.name.lower(),
        },
        "sinks": [
            {
                "path": sink.path,
                "value": sink.value,
                "origin": sink.origin,
                "source_decision_id": sink.source_decision_id,
            }
            for sink in approval.sinks
        ],
        "reasons": [
            {
                "code": reason.code,
                "message": reason.message,
                "rule": reason.rule,
                "remediation": reason.remediation,
                "controls": list(reason.controls),
                "metadata": dict(reason.metadata),
            }
            for reason in approval.reasons
        ],
        "votes": [
            {
                "voter": _subject_json(vote.voter),
                "verdict": "approve" if vote.approve else "deny",
                "reason": vote.reason,
                "at": exact_moment(vote.at_us),
            }
            for vote in approval.votes
        ],
        "votes_needed": approval.votes_needed,
        "expires_at": exact_moment(approval.expires_at_us),
        "recent": [
            {
                "sequence": step.sequence,
                "at": exact_moment(step.at_us),
                "server": step.server,
                "tool": step.tool,
                "class": step.tool_class,
                "decision": step.decision,
                "reason_codes": list(step.codes),
                "status": _status(step.status),
                "arguments_json": step.arguments_json.decode("utf-8", "replace"),
                "decision_id": step.decision_id,
            }
            for step in approval.recent
        ],
        "binding_digest": approval.binding_digest,
    }


def grant_json(grant: LiveGrant) -> dict[str, Any]:
    """A grant for programs."""
    return {
        "id": grant.id,
        "approval_id": grant.approval_id,
        "task_id": grant.task_id,
        "subject": _subject_json(grant.subject),
        "on_behalf_of": _subject_json(grant.on_behalf_of),
        "server": grant.server,
        "tool": grant.tool,
        "max_uses": grant.max_uses,
        "uses": grant.uses,
        "expires_at": exact_moment(grant.expires_at_us),
        "constraints": [
            {"path": one.path, "values": list(one.values), "patterns": list(one.patterns)}
            for one in grant.constraints
        ],
    }


def _sink(sink: Sink, approval: Approval, width: int) -> Iterator[str]:
    yield from _folded(sink.path, "  ", "    ", width)
    yield from quoted(visible_json(sink.value), width)
    origin = _ORIGINS.get(sink.origin, f"origin {sink.origin}")
    if sink.source_decision_id:
        tool = next(
            (
                f"{step.server}/{step.tool}, "
                for step in approval.recent
                if step.decision_id == sink.source_decision_id
            ),
            "",
        )
        origin += f", first in the output of {tool}{sink.source_decision_id}"
    yield from _folded(origin, "    ", "    ", width)
    strange = dict.fromkeys(char for char in sink.value if not char.isascii())
    if strange:
        # Some of them look like letters that they are not.
        listed = ", ".join(f"U+{ord(char):04X}" for char in list(strange)[:8])
        more = ", …" if len(strange) > 8 else ""
        yield from _folded(f"look closely, it is not plain ASCII: {listed}{more}", "    ", "    ",
                           width)  # fmt: skip


def _step(step: LedgerStep, width: int) -> Iterator[str]:
    facts = [
        f"{step.sequence}",
        moment(step.at_us),
        f"{step.server}/{step.tool}",
        f"{step.tool_class or 'no class'}: {step.decision or 'no decision'}",
        f"({', '.join(step.codes)})",
        _status(step.status),
    ]
    yield from _folded("  ".join(fact for fact in facts if fact), "  ", "     ", width)
    if step.arguments_json:
        text = plain_json(step.arguments_json)
        room = width - 5
        yield "     " + (_chopped(text, room - 1)[0] + "…" if _wide(text) > room else text)


def plain_json(raw: bytes) -> str:
    """Canonical JSON on one line, with escapes for what is not plainly visible."""
    text = raw.decode("utf-8", "replace")
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _fact(name: str, value: str, width: int) -> Iterator[str]:
    yield from _folded(value or "none", f"{name:<{_LABEL}}", " " * _LABEL, width)


def _folded(text: str, first: str, rest: str, width: int) -> Iterator[str]:
    """`text` made visible and folded; the parts behind the first are indented like `rest`."""
    for number, part in enumerate(_chopped(plain(text), width - len(rest))):
        yield ((rest if number else first) + part).rstrip()


def _chopped(text: str, room: int) -> list[str]:
    """Parts of at most `room` columns, at spaces where there are any; nothing is left out."""
    from rich.cells import chop_cells

    parts: list[str] = []
    at = 0
    while at < len(text):
        part = chop_cells(text[at : at + room], room)[0]
        space = part.rfind(" ")
        if at + len(part) < len(text) and space > len(part) // 2:
            part = part[: space + 1]
        parts.append(part)
        at += len(part)
    return parts or [""]


def _wide(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1]


def _resource(approval: Approval) -> str:
    found = approval.resource
    if not found.type and not found.id:
        return ""
    level = found.sensitivity
    return f"{found.type}:{found.id}" + (
        f" ({level.name.lower()})" if level is not Sensitivity.UNSPECIFIED else ""
    )


def _named(subject: Subject) -> str:
    if not subject:
        return ""
    return f"{subject.type} {subject.id}" + (f" ({subject.issuer})" if subject.issuer else "")


def _subject_json(subject: Subject) -> dict[str, str] | None:
    if not subject:
        return None
    return {"type": subject.type, "id": subject.id, "issuer": subject.issuer}


def _status(status: OutcomeStatus) -> str:
    return "" if status is OutcomeStatus.UNSPECIFIED else status.name.lower()
