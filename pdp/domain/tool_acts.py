"""Which acts a call of a tool does, read from its name, its description and its class."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from pdp.domain.catalogue import ArgumentKind, Tool, ValueType
from pdp.domain.definition import singular, split_words
from pdp.domain.goal_words import NOUN_ACTS, Act, Acts, phrasal_acts, verb_acts
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import (
    MEMBER_NOUNS,
    MESSAGE_NOUNS,
    MONEY_NOUNS,
    MONEY_VERBS,
    OPENING_WORDS,
    STRONG_VERBS,
    WEAK_VERBS,
    words,
)

_NO_ACTS: Final[Acts] = frozenset()


def acts_of(tool: Tool) -> Acts:
    """What a call of this tool does, from its name, its description and its class."""
    if tool.tool_class in (ToolClass.READ, ToolClass.DRAFT):
        return frozenset({Act.LOOK})
    spoken = split_words(tool.name)
    nouns = frozenset(map(singular, spoken))
    verbs = [word for word in spoken if word in STRONG_VERBS] or [
        word for word in spoken if word in WEAK_VERBS
    ]
    acts = _NO_ACTS.union(*(phrasal_acts(*pair) for pair in pairwise(spoken)))
    if not acts and verbs:
        # The first word says what is done; the others are mostly what it is done to.
        acts = verb_acts(verbs[0])
    if not acts - {Act.LOOK}:
        opening = re.match(r"[A-Za-z]+", tool.description)
        acts = _described(opening[0].lower()) if opening else _NO_ACTS
    acts = _with_object(verbs[0] if verbs else "", nouns, acts - {Act.LOOK})
    if tool.tool_class is ToolClass.ADMIN and nouns & _POWERS and not acts & _TAKING:
        acts |= {Act.GRANT}
    if tool.tool_class is ToolClass.EXECUTE and any(
        role.kind is ArgumentKind.SINK and role.holds is ValueType.COMMAND
        for role in tool.arguments.values()
    ):
        acts |= {Act.RUN}
    return acts or frozenset({_OF_CLASS[tool.tool_class]})


def _described(word: str) -> Acts:
    """The acts of the first word of a description ("Deletes a file")."""
    return (
        verb_acts(word) or verb_acts(word.removesuffix("s")) or verb_acts(word.removesuffix("es"))
    )


def _with_object(verb: str, nouns: frozenset[str], acts: Acts) -> Acts:
    """What the object makes of the act: making a payment pays, adding a member invites."""
    if verb in MONEY_VERBS - _EDITING and nouns & _MONEY:
        named = _NO_ACTS.union(*(NOUN_ACTS.get(noun, _NO_ACTS) for noun in nouns & _MONEY))
        return acts - {Act.SEND, Act.CREATE} | (named or {Act.PAY})
    if verb in ("add", "create", "make", "write"):
        acts -= {Act.INVITE}
        if nouns & MESSAGE_NOUNS - {"invite", "invitation", "text"}:
            acts |= {Act.POST}
        if nouns & (MEMBER_NOUNS | _GUESTS):
            acts |= {Act.INVITE}
        if nouns & OPENING_WORDS:
            acts |= {Act.SHARE}
    if Act.CREATE in acts and nouns & {"event", "meeting", "appointment", "reminder"}:
        acts |= {Act.SCHEDULE}
    return acts


_EDITING: Final = words("update modify edit set")
_MONEY: Final = MONEY_NOUNS | words("money fund cash")
_GUESTS: Final = words("participant attendee guest invitee collaborator")
_POWERS: Final = words(
    "permission role access collaborator privilege admin scope policy visibility"
)
_TAKING: Final[Acts] = frozenset({Act.REVOKE, Act.DELETE})
_OF_CLASS: Final = {
    ToolClass.WRITE: Act.CHANGE,
    ToolClass.SEND: Act.SEND,
    ToolClass.EXECUTE: Act.RUN,
    ToolClass.ADMIN: Act.GRANT,
}
