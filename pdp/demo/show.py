"""How the demo looks: plain and aligned at 80 columns, coloured only on a terminal."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from pdp.client import Decision, Intent, StartedTask
from pdp.demo.play import Played, Voted

#: Wider lines are harder to read, not nicer.
WIDTH: Final = 100

_STYLES: Final = {
    Decision.ALLOW: "bold green",
    Decision.DENY: "bold red",
    Decision.ESCALATE: "bold yellow",
}


def make_console() -> Console:
    """A console on standard output."""
    console = Console(highlight=False, soft_wrap=False)
    console.width = min(console.width, WIDTH)
    return console


def show_heading(console: Console, text: str) -> None:
    """The title of a section."""
    console.print()
    console.print(Text(text, "bold underline"))


def show_facts(console: Console, facts: Sequence[tuple[str, str]]) -> None:
    """Names on the left, what they are on the right."""
    width = max(len(name) for name, _ in facts) + 2
    for name, value in facts:
        _hanging(console, Text(name.ljust(width), "dim"), Text(value))


def show_command(console: Console, words: Sequence[str]) -> None:
    """A command on a line of its own, unwrapped, so that it can be copied."""
    console.print(Text("$ " + shlex.join(words), "bold"), soft_wrap=True)


def show_task(console: Console, task: StartedTask, person: str, agent: str, intent: Intent) -> None:
    """What the task is and may do."""
    limits = f"{task.max_calls} calls, {task.max_effects} of them with effects"
    show_facts(
        console,
        [
            ("task", task.id),
            ("for", person),
            ("agent", agent),
            ("goal", intent.goal),
            ("tools", " ".join(intent.tools)),
            ("data", f"at most {intent.max_sensitivity.name}"),
            ("phase", f"{task.phase.name}; {limits}"),
        ],
    )


def show_step(console: Console, number: int, played: Played) -> None:
    """One call: the story, what was asked, what was answered and why, and how long it took."""
    step, verdict = played.step, played.verdict
    console.print()
    _hanging(console, Text(f"{number:>2} ", "dim"), Text(step.says))
    if step.tool:
        asked = json.dumps(dict(step.arguments), ensure_ascii=False)
        _hanging(console, Text(" " * 3), Text(f"{step.tool} {asked}", "cyan"))
    answer = Text(f"   {verdict.decision.value.upper():<9}", _STYLES[verdict.decision])
    answer.append(f"{played.micros / 1000:>7.1f} ms  ", "not bold default")
    for reason in verdict.reasons:
        _hanging(console, answer, Text(f"{reason.code}: {reason.message}"))
        answer = Text(" " * len(answer))
    if verdict.replayed:
        _hanging(console, answer, Text("replayed: the answer recorded before, no new decision"))
    if verdict.approval_id and verdict.decision is Decision.ESCALATE:
        _hanging(console, answer, Text(f"it waits for {verdict.approval_id}"))
    if played.differs:
        _hanging(console, Text("   NOT AS THE STORY GOES: ", "bold red"), Text(played.differs))


def show_yes(console: Console, number: int, voted: Voted) -> None:
    """One yes: the story, who says it and why, and whether it counts."""
    console.print()
    _hanging(console, Text(f"{number:>2} ", "dim"), Text(voted.yes.says))
    said = f"{voted.yes.person} says yes: {voted.yes.reason}"
    _hanging(console, Text(" " * 3), Text(said, "cyan"))
    word, style = ("APPROVED", "bold green") if voted.counted else ("REFUSED", "bold red")
    answer = Text(f"   {word:<9}", style)
    answer.append(f"{voted.micros / 1000:>7.1f} ms  ", "not bold default")
    _hanging(console, answer, Text(voted.said))
    if voted.differs:
        _hanging(console, Text("   NOT AS THE STORY GOES: ", "bold red"), Text(voted.differs))


def _hanging(console: Console, head: Text, body: Text) -> None:
    """`head` once, and `body` beside it, wrapped in a column of its own."""
    lines = body.wrap(console, max(console.width - len(head), 20))
    for line in lines:
        line.rstrip()
        console.print(head + line, soft_wrap=True)
        head = Text(" " * len(head))
