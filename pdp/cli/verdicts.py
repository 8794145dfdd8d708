"""Why a call was decided as it was, as tables: every rule's verdict, every argument's origin."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from pdp.cli.terminal import print_table
from pdp.domain.explanation import RuleResult, RuleVerdict

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue
    from pdp.recorded import Origin

#: Enough to recognise a value; a terminal line has no room for more beside the rest.
_SHOWN_CHARS: Final = 60
#: What stands in the way comes first.
_ORDER: Final = (
    RuleResult.DENY,
    RuleResult.ESCALATE,
    RuleResult.PASS,
    RuleResult.NOT_APPLICABLE,
    RuleResult.NONE,
)
#: What the catalogue says arguments are is told by these words; of the principal's own texts the
#: goal is the one that has no decision.
_SOURCES: Final = {"": "", "goal": "the task's goal"}


def print_rules(rules: Iterable[RuleVerdict]) -> None:
    """Print every rule's verdict, denials first."""
    ordered = sorted(rules, key=lambda rule: (_ORDER.index(rule.result), rule.rule))
    print_table(
        ("RULE", "MODE", "VERDICT", "CODE", "MESSAGE"),
        [
            (rule.rule, rule.mode.value, rule.result.value, rule.code, rule.message)
            for rule in ordered
        ],
    )


def print_origins(origins: Sequence[Origin]) -> None:
    """Print where each argument came from; nothing where there are no arguments."""
    if not origins:
        return
    print_table(
        ("ARGUMENT", "VALUE", "KIND", "ORIGIN", "FROM"),
        [
            (one.pointer, shown(one.value), one.kind, one.origin, source_words(one.source))
            for one in origins
        ],
    )


def rules_json(rules: Iterable[RuleVerdict]) -> list[dict[str, Any]]:
    """Every rule's verdict, for programs."""
    return [
        {
            "rule": rule.rule,
            "mode": rule.mode.value,
            "grants": rule.grants,
            "verdict": rule.result.value,
            "code": rule.code,
            "message": rule.message,
            "remediation": rule.remediation,
            "controls": list(rule.controls),
            "metadata": dict(rule.metadata),
        }
        for rule in rules
    ]


def origins_json(origins: Iterable[Origin]) -> list[dict[str, Any]]:
    """Where each argument came from, for programs."""
    return [
        {
            "argument": one.pointer,
            "value": one.value,
            "kind": one.kind,
            "origin": one.origin,
            "from": source_words(one.source),
        }
        for one in origins
    ]


def source_words(source: str) -> str:
    """A source as people read it."""
    return _SOURCES.get(source, source)


def shown(value: JsonValue) -> str:
    """A value in as many characters as a table has room for."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
