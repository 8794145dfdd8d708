"""Tools that name a thing and no act ("Who is in a room?", "Pending reminders"): they show it.

So only where nothing at all points to an effect: no verb in the name, a description that begins as
one names or asks for something and goes on without acts, and no argument that would carry anything.
"""

from __future__ import annotations

import re

from pdp.domain.argument_words import AMOUNTS, CONTENT, HOLDS, SELECTING
from pdp.domain.catalogue import ValueType
from pdp.domain.definition import Definition, Field
from pdp.domain.inference_signs import NAMES_A_THING, Sign, infinitive
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import NOUNS_TOO, STRONG_VERBS, WEAK_VERBS, words

#: The ground of such a guess, which a person is asked to look at.
THING_GROUND = "description:names a thing and no act"

_SEEN = words(
    "pending current recent latest upcoming unread active available past full complete detailed "
    "own new previous next last first daily weekly monthly past detail details basic general "
    "public live aggregated combined short brief raw free open vacant booked planned scheduled "
    "closed archived unpaid paid overdue due common popular top best nearby similar related"
)
_JOINING = words("of for in with and from per by between on about within at or without")
_REACHING = (
    ValueType.COMMAND, ValueType.SECRET, ValueType.URL, ValueType.ACCOUNT, ValueType.PHONE,
    ValueType.EMAIL,
)  # fmt: skip
_BEFORE_VERBS = words(". ? ! ; : , ( & and or then also to will can that which it you")
#: "Messages, replies and changes of a day"
_COUNTED = words("update change edit return move expense")
_LISTING = words(". , and or")
_WORD = re.compile(r"[A-Za-z][A-Za-z-]*|[.,:;?!&/()]")
#: Acts as nouns: what such a tool is about is done and not shown.
_ACTS_AS_NOUNS = words(
    "creation deletion removal modification cancellation transmission publication execution "
    "submission installation activation deactivation termination shutdown destruction erasure "
    "wipe purge payment transfer sending editing upload rollback broadcast"
)
#: What an argument of these would carry, name for somebody else, or set.
_CARRYING = (
    CONTENT
    - SELECTING
    - words(
        "q search keyword term phrase question topic location place venue label tag info "
        "information contain context pattern regex detail property attribute relation record "
        "entity row cell metadata"
    )
)
_SETTING = words("enabled enable disabled active on off confirm dry_run force new")


def thing_sign(definition: Definition) -> Sign | None:
    """That the tool shows what it names, or None where anything points to an effect."""
    tokens = [word.lower() for word in _WORD.findall(definition.description)]
    spoken = [word for word in tokens if word[0].isalpha()]
    if not spoken or not _names(definition, spoken) or any(map(_carries, definition.fields)):
        return None
    if any(word in _ACTS_AS_NOUNS for word in (*definition.words, *spoken[:3])):
        return None
    for before, word in zip([".", *tokens], tokens, strict=False):
        verb = infinitive(word)
        effect = STRONG_VERBS.get(verb, ToolClass.READ) is not ToolClass.READ
        counted = word != verb and verb in NOUNS_TOO | _COUNTED and before in _LISTING
        if effect and before in _BEFORE_VERBS and not counted:
            return None
    return Sign(ToolClass.READ, "", THING_GROUND, strong=False)


def _names(definition: Definition, spoken: list[str]) -> bool:
    """Whether the description begins with a thing, an adjective before one, or a question."""
    if NAMES_A_THING.match(definition.description):
        return True
    first, second = spoken[0], spoken[1] if len(spoken) > 1 else ""
    if (
        first in definition.words[:1]
        and infinitive(first) in STRONG_VERBS.keys() | WEAK_VERBS.keys()
    ):
        return False
    listed = definition.description[len(first) :].startswith(",")
    participle = first.endswith("ed") and infinitive(first) == first
    return first in _SEEN or second in _JOINING or listed or participle


def _carries(field: Field) -> bool:
    """Whether the argument would carry text, an amount or a command somewhere, or set something."""
    if field.is_numeric:
        return any(word in AMOUNTS for word in field.words)
    holds = HOLDS.get(field.head)
    return (
        field.head in _CARRYING
        or field.head in _SETTING
        or field.is_free
        or field.head in AMOUNTS
        or holds in _REACHING
    )
