"""What one value of a call decides, where the catalogue speaks only of what is around it.

An object that takes any members can name somebody in each of them; a flag can open something to
everybody; a choice that lists no values can hold an address.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pdp.domain.argument_words import HOLDS, RECIPIENTS
from pdp.domain.atoms import AtomKind, value_atoms
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, ArgumentValue, ValueType
from pdp.domain.definition import singular, split_words
from pdp.domain.vocabulary import CLOSED_WORDS, OPEN_WORDS, words

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue

#: What a principal says who wants something opened to everybody.
OPENNESS: Final = tuple(sorted(OPEN_WORDS | {"publicly", "everybody", "publish"}))
_CARRIED: Final = frozenset({ArgumentKind.CONTENT, ArgumentKind.OPTION})
_REACHING: Final = frozenset(
    {
        ValueType.EMAIL,
        ValueType.PERSON,
        ValueType.ACCOUNT,
        ValueType.PHONE,
        ValueType.URL,
        ValueType.DOMAIN,
        ValueType.CHANNEL,
    }
)
#: As long as the shortest phone number or account that is compared as one.
_LONG: Final = 6
_VISIBILITY: Final = words("visibility privacy audience sharing")
#: What servers take for whoever is signed in.
_ONESELF: Final = frozenset({"me", "@me", "self", "myself"})
_ADDRESSES: Final = frozenset({AtomKind.EMAIL, AtomKind.URL, AtomKind.ACCOUNT})


def effective_role(leaf: ArgumentValue) -> ArgumentRole | None:
    """The declared role, or that of a sink where the value or the name above it says so.

    A member of an object with any members counts by its own name ("attendees", "forward_to"), a
    choice that is an address by being one.
    """
    role = leaf.role
    if role is not None and _is_oneself(leaf, role):
        return ArgumentRole(ArgumentKind.OPTION)
    if role is None or role.kind not in _CARRIED:
        return role
    if leaf.beneath and _can_reach(leaf.value):
        words = [singular(word) for word in split_words(leaf.beneath)]
        for word in dict.fromkeys((*words[-1:], *words[:1])):
            holds = HOLDS.get(word, ValueType.TEXT)
            if holds in _REACHING or word in RECIPIENTS:
                return ArgumentRole(ArgumentKind.SINK, holds)
    named = split_words(leaf.beneath or leaf.pointer.rpartition("/")[2])
    if named[-1:] and named[-1] in _VISIBILITY and opens(leaf.pointer, leaf.value):
        return ArgumentRole(ArgumentKind.SINK, ValueType.POWER)
    if role.kind is ArgumentKind.OPTION and isinstance(leaf.value, str):
        (*found,) = value_atoms(leaf.value, ValueType.TEXT)
        if any(one.kind in _ADDRESSES for one in found):
            return ArgumentRole(ArgumentKind.SINK)
    return role


def _is_oneself(leaf: ArgumentValue, role: ArgumentRole) -> bool:
    """Whether it names a person by a word for whoever is signed in ("user_id": "me")."""
    if not isinstance(leaf.value, str) or leaf.value.lower() not in _ONESELF:
        return False
    if role.kind not in (ArgumentKind.IDENTIFIER, ArgumentKind.SINK):
        return False
    named = (HOLDS.get(singular(word)) for word in split_words(leaf.pointer.rpartition("/")[2]))
    return role.holds is ValueType.PERSON or ValueType.PERSON in named


def _can_reach(value: JsonValue) -> bool:
    """Whether a value can name somebody: a number of fewer than six digits only counts."""
    return isinstance(value, str) or (not isinstance(value, bool) and len(str(value)) >= _LONG)


def opens(pointer: str, value: JsonValue) -> bool:
    """Whether this value of a flag or choice opens something to everybody ("private": false)."""
    named = {singular(word) for word in split_words(pointer.rpartition("/")[2])}
    if isinstance(value, bool):
        return value if named & OPEN_WORDS or not named & CLOSED_WORDS else not value
    if not isinstance(value, str):
        return True
    said = {singular(word) for word in split_words(value)}
    return bool(said & OPEN_WORDS)
