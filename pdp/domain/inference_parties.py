"""Arguments that name whoever or whatever is reached: recipients, names, values of addresses."""

from __future__ import annotations

from pdp.domain.argument_guess import (
    CHANNEL_TEXT,
    EMAIL_TEXT,
    IBAN_TEXT,
    PERSON_TEXT,
    PHONE_TEXT,
    URL_TEXT,
    Argument,
    ArgumentGuess,
    found,
)
from pdp.domain.argument_words import (
    FIELDS,
    GIVEN_NAMES,
    GOODS,
    HOLDS,
    IDENTIFIERS,
    PLACES,
    POSTAL,
    POWERS,
    PROOFS,
    RECIPIENTS,
)
from pdp.domain.catalogue import ArgumentKind, ValueType
from pdp.domain.definition import split_words
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import MONEY_NOUNS, SHARED_NOUNS, words

#: Settings under a `name` and a `value`.
_SETTINGS = words(
    "variable env dns record setting config configuration parameter preference header"
)
#: What is said of a thing rather than set.
_SAID_OF = words("tag label annotation metadata cell row sheet column score rating metric")
#: What is ordered or booked goes to a place.
_ORDERED = words("order trade purchase checkout booking reservation")
_STREETS = words("street zip zipcode postcode postal")
_BRINGING = words("create make new build mkdir")
_NEW_PLACES = PLACES - words("remote origin org organization organisation environment region zone")


def recipient(one: Argument) -> ArgumentGuess:
    """What a recipient holds: its own words, else its description, else what the tool sends."""
    ground = f"name:{one.field.label}"
    holds = next((HOLDS[word] for word in reversed(one.words) if word in HOLDS), None)
    nouns = one.definition.nouns | ({one.effect.verb} - {"pay"})
    if holds is None:
        for pattern, kind in (
            (IBAN_TEXT, ValueType.ACCOUNT),
            (EMAIL_TEXT, ValueType.EMAIL),
            (PHONE_TEXT, ValueType.PHONE),
            (URL_TEXT, ValueType.URL),
            (CHANNEL_TEXT, ValueType.CHANNEL),
            (PERSON_TEXT, ValueType.PERSON),
        ):
            if pattern.search(one.field.description):
                holds = kind
                break
    if holds is None:
        if nouns & {"email", "mail", "gmail"}:
            holds = ValueType.EMAIL
        elif nouns & (MONEY_NOUNS - _ORDERED | {"pay", "money", "fund", "wire"}):
            holds = ValueType.ACCOUNT
        elif nouns & {"sms", "call", "phone", "text"}:
            holds = ValueType.PHONE
        elif nouns & {"file", "folder", "directory", "path", "copy", "move", "rename"}:
            holds = ValueType.PATH
        elif nouns & {"message", "dm", "notify", "chat"}:
            holds = ValueType.PERSON
    return found(ArgumentKind.SINK, holds or ValueType.TEXT, ground)


def name(one: Argument) -> ArgumentGuess | None:
    """A name chooses among existing things, or is merely given to a new one."""
    if len(one.words) == 1:
        if any(not _STREETS.isdisjoint(other.words) for other in one.others):
            return found(ArgumentKind.SINK, ValueType.PERSON, f"{one.ground} in an address")
        if one.effect.creates and one.effect.tool_class is not ToolClass.ADMIN:
            return found(ArgumentKind.CONTENT, ValueType.TEXT, f"{one.ground} of something new")
        if one.effect.verb in ("rename", "copy", "duplicate"):
            return found(ArgumentKind.CONTENT, ValueType.TEXT, f"{one.ground} of what is new")
        if any(other.head in IDENTIFIERS for other in one.definition.fields):
            return found(ArgumentKind.CONTENT, ValueType.TEXT, f"{one.ground} beside an identifier")
        return None
    if one.words[-2] in GIVEN_NAMES:
        return found(ArgumentKind.CONTENT, ValueType.TEXT, one.ground)
    if _is_made(one, one.words[:-1]):
        return found(ArgumentKind.CONTENT, ValueType.TEXT, f"{one.ground} of something new")
    if one.words[-2] in HOLDS:
        return found(ArgumentKind.SINK, HOLDS[one.words[-2]], one.ground)
    if one.words[-2] in ("field", "column", "property", "attribute"):
        return found(ArgumentKind.OPTION, ValueType.TEXT, one.ground)
    if one.words[-2] in PLACES | GOODS | SHARED_NOUNS:
        return found(ArgumentKind.SINK, ValueType.TEXT, one.ground)
    return None


def new_place(one: Argument) -> ArgumentGuess | None:
    """The name of the place that the tool makes, given by the place's own noun."""
    if not _is_made(one, one.words) or one.field.is_numeric or one.field.is_free:
        return None
    return found(ArgumentKind.CONTENT, ValueType.TEXT, f"{one.ground} of something new")


def _is_made(one: Argument, place: tuple[str, ...]) -> bool:
    """Whether the tool brings this very place into being ("create_branch": `branch`)."""
    return (
        one.effect.verb in _BRINGING
        and one.effect.tool_class is not ToolClass.ADMIN
        and place == (one.definition.object_head,)
        and place[0] in _NEW_PLACES | {"channel", "room", "tag"}
        and one.field.words == one.words
    )


def value_of_field(one: Argument) -> ArgumentGuess | None:
    """A value whose meaning another argument chooses: it can be an address, a limit, a password.

    Where that lists its choices and none reaches or proves anything, the value is content.
    """
    if one.words[-1] not in ("value", "val") or not one.effect.has_effect:
        return None
    if one.definition.nouns & _SAID_OF or one.field.is_free or one.field.is_numeric:
        return None
    if any(HOLDS.get(word) is ValueType.DATE for word in one.words):
        return None
    chooser = next((field for field in one.others if _chooses(one, field.words)), None)
    if chooser is None:
        return None
    chosen = [word for one in chooser.choices for word in split_words(str(one))]
    if chosen and not any(_matters(word) for word in chosen):
        return found(ArgumentKind.CONTENT, ValueType.TEXT, one.ground)
    return found(ArgumentKind.SINK, ValueType.TEXT, f"{one.ground} of what {chooser.label} chooses")


def _chooses(one: Argument, telling: tuple[str, ...]) -> bool:
    nouns = tuple(word for word in telling if word not in ("name", "id")) or telling
    if nouns == ("name",):
        return bool(one.definition.nouns & _SETTINGS)
    return nouns[-1:] != () and nouns[-1] in FIELDS


def _matters(word: str) -> bool:
    """Whether a field of this name says who is reached, what somebody may, or who somebody is."""
    holds = HOLDS.get(word, ValueType.TEXT)
    return (
        holds not in (ValueType.TEXT, ValueType.DATE)
        or word in RECIPIENTS | POSTAL | POWERS | PROOFS
        or word in ("address", "passport", "limit", "contact", "id")
    )
