"""What the console says in words: marks for hidden characters, times, origins, states, reasons."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup, escape

from pdp.domain import sentence
from pdp.domain.values import ApprovalState, OutcomeStatus, Phase, Subject, TaskState

#: Shown at first; the rest is a click away. Some four lines of a wide window.
CLIPPED_CHARS: Final = 320
#: The most of one text on a page: what agents write may be 256 KiB, and each character a mark.
BLOCK_CHARS: Final = 6000

#: No language puts more on one letter; beyond it they paint over the lines above and below.
_COMBINING_IN_A_ROW: Final = 3

_ORIGINS: Final = {
    "principal": "said by the person it is for",
    "trusted": "from trusted output",
    "untrusted": "from untrusted output: anybody could have written it",
    "unknown": "found nowhere: the agent may have made it up",
}
_STATES: Final = {
    ApprovalState.UNSPECIFIED: "unknown",
    ApprovalState.PENDING: "open",
    ApprovalState.APPROVED: "approved, not used yet",
    ApprovalState.DENIED: "denied",
    ApprovalState.EXPIRED: "expired",
    ApprovalState.CANCELLED: "taken back",
    ApprovalState.RESERVED: "in use by a call",
    ApprovalState.CONSUMED: "used",
}
_TASK_STATES: Final = {
    TaskState.UNSPECIFIED: "unknown",
    TaskState.ACTIVE: "active",
    TaskState.COMPLETED: "completed",
    TaskState.REVOKED: "revoked",
    TaskState.EXPIRED: "expired",
}
_PHASES: Final = {
    Phase.UNSPECIFIED: "unknown",
    Phase.PLAN: "plan: look only",
    Phase.PREPARE: "prepare: reversible drafts",
    Phase.EXECUTE: "execute: effects within the intent",
}
#: Codes that people are asked about, and those that they meet most in a story. Every other code is
#: shown as it is, with spaces.
_CODES: Final = {
    "above_sensitivity": "data too sensitive",
    "approval_action": "a person may do this",
    "approval_denied": "a person said no",
    "approved": "people have approved",
    "escalation_flood": "too many questions",
    "inferred_tool": "tool known by guess only",
    "irreversible": "final, and not chosen by whom it is for",
    "not_an_approver": "not an approver",
    "not_in_goal": "not what the goal asks",
    "outside_intent": "outside the intent",
    "outside_phase": "outside the phase",
    "outward_flow": "sensitive data may go out",
    "plan_escalates": "a plan with calls to ask about",
    "privilege_growth": "more power than before",
    "self_approval": "their own call",
    "sink_unknown": "goes where nobody said",
    "sink_untrusted": "goes where untrusted output said",
    "split_act": "many acts that add up",
    "task_action": "the task's own business",
    "within_intent": "within the intent",
}
_OUTCOMES: Final = {
    OutcomeStatus.UNSPECIFIED: "not reported",
    OutcomeStatus.SUCCEEDED: "succeeded",
    OutcomeStatus.FAILED: "failed, and may have had its effect",
    OutcomeStatus.NOT_EXECUTED: "was not made",
}


def visible(text: str) -> Markup:
    """`text` escaped, with every character that does not show, or moves others, as its code point.

    Line feeds stay: the stylesheet decides whether they break the line.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return escape(text)
    return Markup().join(_pieces(text))


def plain(text: str) -> str:
    """`text` with the same marks for where no markup can stand: titles, labels, attributes."""
    return "".join(f"[U+{ord(char):04X}]" if is_hidden(char) else char for char in text)


def _pieces(text: str) -> Iterator[Markup]:
    plain: list[str] = []
    in_a_row = 0
    for char in text:
        in_a_row = in_a_row + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if is_hidden(char) or in_a_row > _COMBINING_IN_A_ROW:
            yield escape("".join(plain))
            plain.clear()
            yield _mark(char)
        else:
            plain.append(char)
    yield escape("".join(plain))


def is_hidden(char: str) -> bool:
    """Whether a character does not show by itself; a line feed counts as shown."""
    return char != "\n" and sentence.visible(char) != char


def _mark(char: str) -> Markup:
    name = unicodedata.name(char, "a control or unassigned character")
    code = f"U+{ord(char):04X}"
    return Markup('<span class="hidden-char" title="{}">{}</span>').format(name.lower(), code)


def unusual_letters(text: str) -> str:
    """The letters of `text` outside ASCII with their code points: some look like ASCII ones."""
    found = dict.fromkeys(char for char in text if not char.isascii() and not is_hidden(char))
    return ", ".join(f"{char} U+{ord(char):04X}" for char in list(found)[:12])


def clipped(text: str) -> str:
    """The beginning of a long text, or all of a short one."""
    return text if len(text) <= CLIPPED_CHARS else text[:CLIPPED_CHARS].rstrip() + "…"


def left(until_us: int, now_us: int) -> str:
    """How much time is left, by its two largest units; the script counts on in the same form."""
    # Rounded up: it is over when it is over, and not in its last second.
    seconds = -((now_us - until_us) // 1_000_000)
    if seconds <= 0:
        return "time is over"
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h left"
    if hours:
        return f"{hours} h {minutes} min left"
    if minutes:
        return f"{minutes} min {rest} s left"
    return f"{rest} s left"


def ago(at_us: int, now_us: int) -> str:
    """How long ago something was, by its largest unit."""
    seconds = max(0, (now_us - at_us) // 1_000_000)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def moment(at_us: int) -> str:
    """A time (microseconds since the epoch) as people read it, in UTC."""
    return _utc(at_us, "%Y-%m-%d %H:%M:%S UTC")


def machine_moment(at_us: int) -> str:
    """A time (microseconds since the epoch) as RFC 3339."""
    return _utc(at_us, "%Y-%m-%dT%H:%M:%SZ")


def _utc(at_us: int, form: str) -> str:
    try:
        return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime(form)
    except (OverflowError, ValueError, OSError):
        return f"{at_us} µs"


def origin(word: str) -> str:
    """Where a value came from, as a person would say it."""
    return _ORIGINS.get(word, word)


def state(value: ApprovalState) -> str:
    """Where an approval stands."""
    return _STATES[value]


def task_state(value: TaskState) -> str:
    """Where a task stands."""
    return _TASK_STATES[value]


def phase(value: Phase) -> str:
    """How far a task may go."""
    return _PHASES[value]


def outcome(value: OutcomeStatus | None) -> str:
    """What became of a call."""
    return _OUTCOMES[value or OutcomeStatus.UNSPECIFIED]


def code(value: str) -> str:
    """A reason's code as words."""
    return _CODES.get(value) or value.replace("_", " ").replace("/", ": ")


def who(subject: Subject) -> str:
    """An identity in one line; the issuer is shown where it is no mere development mode."""
    if not subject:
        return "nobody"
    issuer = f" of {subject.issuer}" if subject.issuer else ""
    return f"{subject.id}{issuer}"


def votes(count: int, needed: int) -> str:
    """How far the votes are."""
    return f"{count} of {needed} votes" if needed > 1 else f"{count} of 1 vote"
