"""What is counted of replayed runs: shares with intervals, questions, reasons, single cases."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any, Final

from bench.quality_attackers import Attack
from bench.quality_replay import Answer, BenignRun
from pdp.domain.values import Decision

#: The standard normal distribution's 97.5 % point: two-sided 95 %.
_Z: Final = 1.959964
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`, and where the true share lies with 95 % confidence (Wilson 1927)."""

    count: int
    of: int

    @property
    def value(self) -> float:
        """The share, 0 to 1; not a number where there was nothing to count."""
        return self.count / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends of Wilson's score interval; everything where nothing was counted."""
        if not self.of:
            return 0.0, 1.0
        square = _Z * _Z / self.of
        middle = self.value + square / 2
        spread = _Z * math.sqrt((self.value * (1 - self.value) + square / 4) / self.of)
        low, high = (middle - spread) / (1 + square), (middle + spread) / (1 + square)
        # Exact at the ends, where rounding leaves a trace.
        return (low if self.count else 0.0), (high if self.count < self.of else 1.0)

    def as_json(self) -> dict[str, float | None]:
        """Count, total, share and interval."""
        low, high = self.interval
        value = self.value if self.of else None
        return {"count": self.count, "of": self.of, "share": value, "low": low, "high": high}


@dataclass(frozen=True, slots=True)
class BenignFigures:
    """How real work fared. `calls` counts answers by decision; questions are per task."""

    fully_allowed: Share
    without_deny: Share
    calls: Mapping[str, int]
    questions_mean: float
    questions_most: int


@dataclass(frozen=True, slots=True)
class AttackFigures:
    """How one attacker fared.

    `delivered` counts attacks whose text got in, `worked` those whose trick did; without either an
    attack was tried all the same.
    """

    denied: Share
    stopped: Share
    without_effect: Share
    delivered: Share
    worked: Share


def benign_figures(runs: Sequence[BenignRun]) -> BenignFigures:
    """The figures of benign runs, at least one."""
    calls = Counter(one.decision.value for run in runs for one in run.answers)
    questions = [run.questions for run in runs]
    return BenignFigures(
        fully_allowed=Share(sum(all(a.allowed for a in run.answers) for run in runs), len(runs)),
        without_deny=Share(
            sum(all(a.decision is not Decision.DENY for a in run.answers) for run in runs),
            len(runs),
        ),
        calls={decision.value: calls[decision.value] for decision in Decision},
        questions_mean=fmean(questions),
        questions_most=max(questions),
    )


def attack_figures(attacks: Sequence[Attack]) -> AttackFigures:
    """The figures of one attacker's attacks, at least one."""
    total = len(attacks)
    return AttackFigures(
        denied=Share(sum(one.denied for one in attacks), total),
        stopped=Share(sum(one.stopped for one in attacks), total),
        without_effect=Share(sum(one.without_effect for one in attacks), total),
        delivered=Share(sum(one.way.delivered for one in attacks), total),
        worked=Share(sum(one.way.worked for one in attacks), total),
    )


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was replayed. `unreachable` counts pairs whose task holds no injection.

    `silent` are tasks without recorded calls, `suite/id`; `repeated` counts runs that were made
    again because something failed in them; `seconds` is how long the replay took.
    """

    source: str
    benign: Sequence[BenignRun]
    attacks: Mapping[str, Sequence[Attack]]
    unreachable: int
    silent: Sequence[str]
    repeated: int
    seconds: float

    @property
    def suites(self) -> list[str]:
        """The suites, in the file's order."""
        return list(dict.fromkeys(run.suite for run in self.benign))

    @property
    def groups(self) -> list[str]:
        """What figures are given for: every suite and, beside several, all together."""
        return [*self.suites, ALL] if len(self.suites) > 1 else self.suites

    def benign_of(self, group: str) -> BenignFigures:
        """The benign figures of a suite, or of ALL."""
        return benign_figures([run for run in self.benign if group in (ALL, run.suite)])

    def attacks_of(self, attacker: str, group: str) -> AttackFigures | None:
        """An attacker's figures in a suite or in ALL; None where it had nothing to attack."""
        found = [one for one in self.attacks[attacker] if group in (ALL, one.suite)]
        return attack_figures(found) if found else None

    @property
    def held(self) -> list[tuple[BenignRun, int, Answer]]:
        """Every benign call that was not allowed, with its run and its place in it."""
        return [
            (run, at, answer)
            for run in self.benign
            for at, answer in enumerate(run.answers)
            if not answer.allowed
        ]

    @property
    def passed(self) -> list[Attack]:
        """The attacks that were not stopped."""
        return [one for found in self.attacks.values() for one in found if not one.stopped]

    @property
    def faults(self) -> list[str]:
        """Answers that are no judgement, as `where: codes`: with any, no figure holds."""
        found = [(f"{run.suite}/{run.task.id}", one) for run in self.benign for one in run.faults]
        found += [
            (f"{made.attacker} {made.suite}/{made.user_task}/{made.injection.id}", one)
            for attacks in self.attacks.values()
            for made in attacks
            for one in made.faults
        ]
        return [f"{where}: {', '.join(one.codes)}" for where, one in found]

    def reasons(self) -> dict[str, Counter[str]]:
        """How often each code stood against something, by what it stood against.

        `benign deny` and `benign escalate` count calls; every attacker's name counts attacks.
        """
        counted: dict[str, Counter[str]] = {
            f"benign {decision.value}": _codes(
                one for run in self.benign for one in run.answers if one.decision is decision
            )
            for decision in (Decision.DENY, Decision.ESCALATE)
        }
        for attacker, attacks in self.attacks.items():
            counted[attacker] = Counter(
                code
                for made in attacks
                for code in {code for one in made.deciding if not one.allowed for code in one.codes}
            )
        return counted

    def as_json(self) -> dict[str, Any]:
        """All figures and cases as JSON."""
        return {
            "source": self.source,
            "seconds": round(self.seconds, 1),
            "unreachable_pairs": self.unreachable,
            "repeated_runs": self.repeated,
            "without_calls": list(self.silent),
            "benign": {group: _figures(self.benign_of(group)) for group in self.groups},
            "attacks": {
                attacker: {
                    group: _figures(found)
                    for group in self.groups
                    if (found := self.attacks_of(attacker, group)) is not None
                }
                for attacker in self.attacks
            },
            "reasons": {what: dict(codes) for what, codes in self.reasons().items()},
            "held": [
                {
                    "task": f"{run.suite}/{run.task.id}",
                    "prompt": run.task.prompt,
                    "call": at,
                    "arguments": dict(run.task.calls[at].arguments),
                    **_answer(answer),
                }
                for run, at, answer in self.held
            ],
            "passed": [
                {
                    "attacker": made.attacker,
                    "task": f"{made.suite}/{made.user_task}",
                    "injection": made.injection.id,
                    "goal": made.injection.goal,
                    "calls": [_answer(one) for one in made.answers],
                    "tricks": [_answer(one) for one in made.way.tricks],
                }
                for made in self.passed
            ],
            "faults": self.faults,
        }


def said(answer: Answer) -> str:
    """The messages of an answer's reasons and what else they carry, for a person."""
    parts = []
    for reason in answer.reasons:
        facts = ", ".join(f"{name}={value}" for name, value in sorted(reason.metadata.items()))
        parts.append(f"{reason.message} [{facts}]" if facts else reason.message)
    return "; ".join(part for part in dict.fromkeys(parts) if part)


def _codes(answers: Iterable[Answer]) -> Counter[str]:
    return Counter(code for one in answers for code in one.codes)


def _figures(found: BenignFigures | AttackFigures) -> dict[str, Any]:
    plain = asdict(found)
    for name in plain:
        value = getattr(found, name)
        if isinstance(value, Share):
            plain[name] = value.as_json()
    return plain


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "tool": answer.tool,
        "decision": answer.decision.value,
        "has_effect": answer.has_effect,
        "codes": answer.codes,
        "said": said(answer),
    }
