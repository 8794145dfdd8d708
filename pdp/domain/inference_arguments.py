"""What each argument of a tool decides, guessed from its name, format and description.

The words of an argument's own name weigh most. In a tool with effects, an argument that nothing is
known about is a sink without grounds.
"""

from __future__ import annotations

import re

from pdp.domain.argument_guess import (
    CONTENT_TEXT,
    DATE_TEXT,
    EMAIL_TEXT,
    IBAN_TEXT,
    ID_TEXT,
    PATH_TEXT,
    URL_TEXT,
    Argument,
    ArgumentGuess,
    found,
)
from pdp.domain.argument_words import (
    ADJECTIVES,
    AMOUNTS,
    BOUNDS,
    CONTENT,
    COUNTED,
    GOODS,
    HOLDS,
    IDENTIFIERS,
    LOOSE,
    NARRATING,
    NUMBERED_ALONE,
    OPTIONS,
    PARTIES,
    PLACES,
    POSITIONS,
    POSTAL,
    POWERS,
    RECIPIENTS,
    SELECTING,
)
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, ValueType
from pdp.domain.definition import Definition, Field, singular, split_words
from pdp.domain.inference_effect import Effect
from pdp.domain.inference_identifiers import by_identifier
from pdp.domain.inference_parties import name, new_place, recipient, value_of_field
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import (
    CLOSED_WORDS,
    MONEY_NOUNS,
    OPEN_WORDS,
    PAYING_VERBS,
    REMOVING_VERBS,
    SHARED_NOUNS,
    words,
)

#: An `origin` is where a journey begins, unless it is one of the web's.
_ORIGIN_TEXT = re.compile(r"\b(?:urls?|uris?|cors|https?|web|allowed|scheme)\b", re.IGNORECASE)
_TAKING = words("delete remove purge destroy erase wipe clear truncate drop trash discard rm empty")
_RUN = words("query input argument arg expression body function source program")
_LOOKED_FOR = words("find search match pattern text string str content old")
_PUT_THERE = words("replace replacement new with substitute")


def infer_arguments(definition: Definition, effect: Effect) -> dict[str, ArgumentGuess]:
    """The role of every argument, by its path."""
    return {field.path: _guess(definition, effect, field) for field in definition.fields}


def _guess(definition: Definition, effect: Effect, field: Field) -> ArgumentGuess:
    if effect.has_effect and _can_open(field):
        return found(ArgumentKind.SINK, ValueType.POWER, f"name:{field.label} can open it to all")
    if field.types == {"boolean"}:
        return found(ArgumentKind.OPTION, ValueType.TEXT, "schema:boolean")
    if field.choices:
        return found(ArgumentKind.OPTION, ValueType.TEXT, "schema:enum")
    by_format = _by_format(field)
    if by_format is not None:
        return by_format
    telling = tuple(word for word in field.words if word not in ADJECTIVES) or field.words or ("",)
    one = Argument(definition, effect, field, telling)
    for rule in (by_identifier, _by_reserved, _by_number, _by_name, _by_description):
        guess = rule(one)
        if guess is not None:
            return guess
    if effect.tool_class is ToolClass.READ and not effect.egress:
        return found(ArgumentKind.CONTENT, ValueType.TEXT, "class:read inside the server")
    return ArgumentGuess(ArgumentRole(ArgumentKind.SINK), ())


def _can_open(field: Field) -> bool:
    """Whether a flag or a listed choice can open something to everybody."""
    if field.types == {"boolean"}:
        return not (OPEN_WORDS | CLOSED_WORDS).isdisjoint(field.words)
    chosen = (singular(word) for one in field.choices for word in split_words(str(one)))
    return not OPEN_WORDS.isdisjoint(chosen)


def _by_format(field: Field) -> ArgumentGuess | None:
    ground = f"schema:format={field.format}"
    if field.format in ("email", "idn-email"):
        return found(ArgumentKind.SINK, ValueType.EMAIL, ground)
    if field.format in ("uri", "url", "iri", "uri-reference"):
        return found(ArgumentKind.SINK, ValueType.URL, ground)
    if field.format in ("hostname", "idn-hostname", "ipv4", "ipv6"):
        return found(ArgumentKind.SINK, ValueType.DOMAIN, ground)
    if field.format in ("date", "date-time", "time", "duration"):
        return found(ArgumentKind.OPTION, ValueType.DATE, ground)
    return None


def _by_reserved(one: Argument) -> ArgumentGuess | None:
    """Arguments whose meaning depends on the tool: recipients, names, what is run, paging."""
    head, ground = one.words[-1], f"name:{one.field.label}"
    if one.words in (
        ("page", "token"),
        ("next", "token"),
        ("sync", "token"),
        ("continuation", "token"),
    ):
        return found(ArgumentKind.OPTION, ValueType.TEXT, ground)
    set_value = value_of_field(one) or new_place(one) or _edited(one)
    if set_value is not None:
        return set_value
    if one.words == ("time", "zone"):
        return found(ArgumentKind.CONTENT, ValueType.TEXT, f"{ground}, as free text")
    if _is_date(one):
        return found(ArgumentKind.OPTION, ValueType.DATE, ground)
    if (
        head == "address"
        or one.words[0] in RECIPIENTS
        or head in RECIPIENTS
        or one.words in (("from",), ("with",), ("share", "with"), ("shared", "with"))
    ):
        return recipient(one)
    if head in ("owner", "org", "organization", "organisation") and _has_repository(one):
        return found(ArgumentKind.SINK, ValueType.REPOSITORY, ground)
    if one.runs and head in _RUN:
        return found(ArgumentKind.SINK, ValueType.COMMAND, ground)
    if head in ("sql", "script", "statement") and not one.runs and not one.effect.egress:
        return found(ArgumentKind.CONTENT, ValueType.TEXT, ground)
    if head == "origin" and _ORIGIN_TEXT.search(one.field.description):
        return found(ArgumentKind.SINK, ValueType.URL, ground)
    if (
        head == "key"
        and len(one.words) > 1
        and one.words[-2] in ("api", "private", "ssh", "public", "secret")
    ):
        return found(ArgumentKind.SINK, ValueType.SECRET, ground)
    if head == "name":
        return name(one)
    if one.words in (("method",), ("action",), ("operation",)) and not one.field.is_free:
        return found(ArgumentKind.OPTION, ValueType.TEXT, ground)
    return None


def _edited(one: Argument) -> ArgumentGuess | None:
    """What is looked for in a text to put something else in its place."""
    if one.words[-1] not in _LOOKED_FOR or one.field.is_numeric or one.runs:
        return None
    replaced = any(not _PUT_THERE.isdisjoint(field.words) for field in one.others)
    return (
        found(ArgumentKind.CONTENT, ValueType.TEXT, f"name:{one.field.label}") if replaced else None
    )


def _is_date(one: Argument) -> bool:
    if one.field.types and not one.field.types & {"string", "integer", "number"}:
        return False
    first, last = one.words[0], one.words[-1]
    if HOLDS.get(last) is ValueType.DATE:
        return True
    if last not in BOUNDS:
        return False
    if one.words in (("to",), ("from",)) and one.effect.tool_class is not ToolClass.READ:
        # No wording of a description turns the one who receives into a date.
        return False
    return (
        last in ("at", "when")
        or HOLDS.get(first) is ValueType.DATE
        or bool(DATE_TEXT.search(one.field.description))
    )


def _has_repository(one: Argument) -> bool:
    return any(field.head in ("repo", "repository") for field in one.definition.fields)


def _by_number(one: Argument) -> ArgumentGuess | None:
    """Numbers that say how much, and numbers that merely page, place or format."""
    if not one.field.is_numeric and not (one.field.types <= {"string", "integer", "number"}):
        return None
    head, ground = one.words[-1], f"name:{one.field.label}"
    if head == "value" and one.effect.tool_class is ToolClass.SEND and _pays(one):
        return found(ArgumentKind.AMOUNT, ValueType.NUMBER, f"{ground} of what is paid")
    if any(word in AMOUNTS for word in one.words) and (
        one.field.is_numeric or head in ("amount", "price")
    ):
        return found(ArgumentKind.AMOUNT, ValueType.NUMBER, ground)
    if one.field.is_numeric and head == "limit" and "limit" in one.definition.nouns:
        return found(ArgumentKind.AMOUNT, ValueType.NUMBER, ground)
    if one.field.is_numeric and head in POSITIONS and one.effect.verb in REMOVING_VERBS:
        return found(ArgumentKind.IDENTIFIER, ValueType.IDENTIFIER, f"{ground} of what is removed")
    if one.field.is_numeric and any(word in OPTIONS | COUNTED for word in one.words):
        return found(ArgumentKind.OPTION, ValueType.NUMBER, ground)
    if one.field.is_numeric and head in PARTIES | PLACES | SHARED_NOUNS | NUMBERED_ALONE:
        return found(ArgumentKind.IDENTIFIER, ValueType.IDENTIFIER, f"{ground}, a number")
    if one.field.is_numeric and HOLDS.get(head) is ValueType.PERSON:
        # "guests: 2" counts them and names none.
        return found(ArgumentKind.OPTION, ValueType.NUMBER, f"{ground}, a number")
    if one.field.is_numeric:
        return found(ArgumentKind.AMOUNT, ValueType.NUMBER, "schema:number")
    return None


def _pays(one: Argument) -> bool:
    return one.effect.verb in PAYING_VERBS or bool(one.definition.nouns & MONEY_NOUNS)


def _by_name(one: Argument) -> ArgumentGuess | None:
    """What the last word of the name says, or the first where the last says nothing."""
    ground = f"name:{one.field.label}"
    carries = one.effect.tool_class in (ToolClass.READ, ToolClass.DRAFT) or one.effect.creates
    for word in dict.fromkeys((one.words[-1], one.words[0])):
        if word in LOOSE and one.field.is_free:
            continue
        holds = HOLDS.get(word)
        if holds is ValueType.PERSON and EMAIL_TEXT.search(one.field.description):
            holds = ValueType.EMAIL
        if holds is ValueType.COMMAND and one.effect.tool_class is not ToolClass.EXECUTE:
            holds = None
        if holds is not None and holds is not ValueType.DATE:
            return found(ArgumentKind.SINK, holds, ground)
        if (word in CONTENT or word in OPTIONS) and _selects_what_goes(one):
            return found(ArgumentKind.SINK, ValueType.TEXT, f"{ground} selects what is removed")
        if word in SELECTING and one.effect.has_effect and not carries:
            return found(ArgumentKind.SINK, ValueType.TEXT, f"{ground} selects what it acts on")
        if word in CONTENT:
            if one.runs and word not in NARRATING:
                return found(ArgumentKind.SINK, ValueType.TEXT, f"{ground} of what is run")
            return found(ArgumentKind.CONTENT, ValueType.TEXT, ground)
        if word in POWERS and one.effect.tool_class is ToolClass.ADMIN:
            return found(ArgumentKind.SINK, ValueType.TEXT, f"{ground} is what is given away")
        if word in OPTIONS and (one.effect.tool_class is not ToolClass.ADMIN or word not in POWERS):
            if _could_carry_text(one):
                # A choice that lists no values takes any text out with it.
                return found(ArgumentKind.CONTENT, ValueType.TEXT, f"{ground}, as free text")
            return found(ArgumentKind.OPTION, ValueType.TEXT, ground)
        if word in GOODS and not (carries and one.effect.tool_class is not ToolClass.SEND):
            return found(ArgumentKind.SINK, ValueType.TEXT, ground)
        if word in PLACES | POSTAL:
            return found(ArgumentKind.SINK, ValueType.TEXT, ground)
    return None


def _selects_what_goes(one: Argument) -> bool:
    """Whether nothing else says what is taken away ("delete_messages": `status`)."""
    if one.effect.verb not in _TAKING or one.field.is_numeric or set(one.words) & NARRATING:
        return False
    if not one.effect.tool_class.has_effect:
        return False
    return not any(
        field.head in IDENTIFIERS | PLACES | GOODS | SELECTING
        or HOLDS.get(field.head, ValueType.DATE) is not ValueType.DATE
        for field in one.others
    )


def _could_carry_text(one: Argument) -> bool:
    """Whether whatever the argument holds leaves the agent's hands as it was written."""
    inside = one.effect.tool_class is ToolClass.READ and not one.effect.egress
    return not inside and not one.field.is_numeric


def _by_description(one: Argument) -> ArgumentGuess | None:
    text = one.field.description
    for pattern, kind, holds in (
        (IBAN_TEXT, ArgumentKind.SINK, ValueType.ACCOUNT),
        (CONTENT_TEXT, ArgumentKind.CONTENT, ValueType.TEXT),
        (EMAIL_TEXT, ArgumentKind.SINK, ValueType.EMAIL),
        (URL_TEXT, ArgumentKind.SINK, ValueType.URL),
        (PATH_TEXT, ArgumentKind.SINK, ValueType.PATH),
        (ID_TEXT, ArgumentKind.IDENTIFIER, ValueType.IDENTIFIER),
        (DATE_TEXT, ArgumentKind.OPTION, ValueType.DATE),
    ):
        said = pattern.search(text)
        if said is not None:
            return found(kind, holds, f"description:{said[0].strip().lower()}")
    return None
