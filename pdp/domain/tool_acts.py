"""Which acts a call of a tool does, read from its name, its description and its class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pdp.domain.catalogue import ArgumentKind, Tool, ValueType
from pdp.domain.definition import singular, split_words
from pdp.domain.goal_grammar import SMALL_WORDS
from pdp.domain.goal_words import NOUN_ACTS, Act, Acts, phrasal_acts, verb_acts
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import (
    MEMBER_NOUNS,
    MESSAGE_NOUNS,
    MONEY_NOUNS,
    MONEY_VERBS,
    OPENING_WORDS,
    REMOVING_VERBS,
    STRONG_VERBS,
    WEAK_VERBS,
    words,
)

#: A description says in its first characters what the tool does.
MAX_OPENING: Final = 200
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_NO_ACTS: Final[Acts] = frozenset()


@dataclass(frozen=True, slots=True)
class ToolActs:
    """What a call of a tool does: its acts, and the tool's own words for them.

    `verbs` are verbs of its name and of the beginning of its description, in their base form;
    `about` is what it acts on and takes, singular. Both are in lower case.
    """

    acts: Acts = frozenset()
    verbs: frozenset[str] = frozenset()
    about: frozenset[str] = frozenset()


def read_tool(tool: Tool) -> ToolActs:
    """What a call of this tool does, and in which words the tool says so."""
    spoken = split_words(tool.name)
    opening = [word.lower() for word in _WORD.findall(tool.description[:MAX_OPENING])]
    taken = (word for path in tool.arguments for word in split_words(path))
    about = {*map(singular, spoken), *map(singular, opening[1:]), *map(singular, taken)}
    verbs = {*spoken[:1], *spoken[-1:], *(stem for word in opening[:1] for stem in _stems(word))}
    return ToolActs(acts_of(tool), frozenset(verbs), frozenset(about - SMALL_WORDS))


def acts_of(tool: Tool) -> Acts:
    """What a call of this tool does, from its name, its description and its class."""
    if tool.tool_class in (ToolClass.READ, ToolClass.DRAFT):
        return frozenset({Act.LOOK})
    spoken = split_words(tool.name)
    nouns = frozenset(map(singular, spoken))
    verbs = _verbs(spoken, tool.tool_class)
    acts = _NO_ACTS.union(*(phrasal_acts(*pair) for pair in pairwise(spoken)))
    if not acts:
        acts = _NO_ACTS.union(*map(verb_acts, verbs))
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


def _verbs(spoken: Sequence[str], tool_class: ToolClass) -> list[str]:
    """What a name says is done: the first verb of its class, and what "or" and "and" join to it."""
    strong = [at for at, word in enumerate(spoken) if word in STRONG_VERBS]
    of_class = [at for at in strong if STRONG_VERBS[spoken[at]] is tool_class]
    if not strong:
        return [word for word in spoken if word in WEAK_VERBS][:1]
    first = (of_class or strong)[0]
    joined = [at for at in of_class if at > first and spoken[at - 1] in ("or", "and")]
    return [spoken[first], *(spoken[at] for at in joined)]


def _described(word: str) -> Acts:
    """The acts of the first word of a description ("Deletes a file")."""
    return next((acts for acts in map(verb_acts, _stems(word)) if acts), _NO_ACTS)


def _stems(word: str) -> tuple[str, ...]:
    """What a verb in the third person may be the form of."""
    return word, word.removesuffix("s"), word.removesuffix("es")


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
    if verb not in _TAKING_AWAY and (
        nouns & {"sharing", "share"} or ("link" in nouns and nouns & (OPENING_WORDS | {"public"}))
    ):
        # Setting who may see a thing also takes them off it.
        acts = acts - ({Act.CREATE} if verb in _EDITING else {Act.CREATE, Act.CHANGE}) | {Act.SHARE}
    if Act.CREATE in acts and nouns & {"event", "meeting", "appointment", "reminder", "remind"}:
        acts |= {Act.SCHEDULE}
    return acts


_TAKING_AWAY: Final = REMOVING_VERBS | words("disable stop end undo")
_EDITING: Final = words("update modify edit set manage")
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
