"""What each argument of a tool decides, guessed from its name, format and description.

The words of an argument's own name weigh most. In a tool with effects, an argument that nothing is
known about is a sink without grounds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pdp.domain.argument_words import (
    ADJECTIVES,
    AMOUNTS,
    BOUNDS,
    CONTENT,
    COUNTED,
    GIVEN_NAMES,
    GOODS,
    HOLDS,
    IDENTIFIERS,
    NARRATING,
    NUMBERED,
    OPTIONS,
    PARTIES,
    PLACES,
    POSTAL,
    POWERS,
    RECIPIENTS,
    SELECTING,
)
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, ValueType
from pdp.domain.definition import Definition, Field, singular, split_words
from pdp.domain.inference_effect import Effect
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import (
    CLOSED_WORDS,
    MONEY_NOUNS,
    OPEN_WORDS,
    PAYING_VERBS,
    SHARED_NOUNS,
)

_DATE_TEXT = re.compile(
    r"\biso(?:[- ]?8601)?\b|yyyy|\bdate\b|\btimestamp\b|rfc ?3339|\btime (?:of|when|in)\b", re.I
)
_ID_TEXT = re.compile(
    r"\b(?:unique )?(?:id|ids|identifiers?|sha|uuid)\b(?: (?:of|for)\b|\W|$)", re.I
)
_EMAIL_TEXT = re.compile(r"\be-?mails?\b(?:\s+address(?:es)?)?", re.I)
_URL_TEXT = re.compile(r"\b(?:urls?|uris?|hyperlink|web address)\b", re.I)
_PATH_TEXT = re.compile(r"\b(?:file ?path|path (?:to|of|where)|absolute path|file ?name)\b", re.I)
_IBAN_TEXT = re.compile(r"\biban\b|\baccount number\b|\bbank account\b|\bwallet address\b", re.I)
_PHONE_TEXT = re.compile(r"\bphone\b|\be\.?164\b|\bmobile number\b", re.I)
_CHANNEL_TEXT = re.compile(r"\bchannels?\b|\bconversation\b|\bchat\b", re.I)
_PERSON_TEXT = re.compile(r"\busers?(?:name)?\b|\bperson\b|\bhandle\b|\bmembers?\b", re.I)
_CONTENT_TEXT = re.compile(
    r"\b(?:contents?|text|body|message|description|markdown)"
    r" (?:of|for|that|to send|to post|to write)\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class ArgumentGuess:
    """The role of one argument and what it rests on; no grounds where it is a sink by default."""

    role: ArgumentRole
    grounds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Argument:
    """An argument in its tool; `words` are those of its name that tell something."""

    definition: Definition
    effect: Effect
    field: Field
    words: tuple[str, ...]


def infer_arguments(definition: Definition, effect: Effect) -> dict[str, ArgumentGuess]:
    """The role of every argument, by its path."""
    return {field.path: _guess(definition, effect, field) for field in definition.fields}


def _guess(definition: Definition, effect: Effect, field: Field) -> ArgumentGuess:
    if effect.has_effect and _can_open(field):
        return _found(ArgumentKind.SINK, ValueType.POWER, f"name:{field.label} can open it to all")
    if field.types == {"boolean"}:
        return _found(ArgumentKind.OPTION, ValueType.TEXT, "schema:boolean")
    if field.choices:
        return _found(ArgumentKind.OPTION, ValueType.TEXT, "schema:enum")
    by_format = _by_format(field)
    if by_format is not None:
        return by_format
    telling = tuple(word for word in field.words if word not in ADJECTIVES) or field.words or ("",)
    one = _Argument(definition, effect, field, telling)
    for rule in (_by_identifier, _by_reserved, _by_number, _by_name, _by_description):
        guess = rule(one)
        if guess is not None:
            return guess
    if effect.tool_class is ToolClass.READ and not effect.egress:
        return _found(ArgumentKind.CONTENT, ValueType.TEXT, "class:read inside the server")
    return ArgumentGuess(ArgumentRole(ArgumentKind.SINK), ())


def _can_open(field: Field) -> bool:
    """Whether a flag or a listed choice can open something to everybody."""
    if field.types == {"boolean"}:
        return not (OPEN_WORDS | CLOSED_WORDS).isdisjoint(field.words)
    chosen = (singular(word) for one in field.choices for word in split_words(str(one)))
    return not OPEN_WORDS.isdisjoint(chosen)


def _found(kind: ArgumentKind, holds: ValueType, *grounds: str) -> ArgumentGuess:
    return ArgumentGuess(ArgumentRole(kind, holds), grounds)


def _by_format(field: Field) -> ArgumentGuess | None:
    ground = f"schema:format={field.format}"
    if field.format in ("email", "idn-email"):
        return _found(ArgumentKind.SINK, ValueType.EMAIL, ground)
    if field.format in ("uri", "url", "iri", "uri-reference"):
        return _found(ArgumentKind.SINK, ValueType.URL, ground)
    if field.format in ("hostname", "idn-hostname", "ipv4", "ipv6"):
        return _found(ArgumentKind.SINK, ValueType.DOMAIN, ground)
    if field.format in ("date", "date-time", "time", "duration"):
        return _found(ArgumentKind.OPTION, ValueType.DATE, ground)
    return None


def _by_identifier(one: _Argument) -> ArgumentGuess | None:
    """Names that servers mint; one of a party decides where a send goes and is a sink there."""
    head = one.words[-1]
    numbered = head in ("number", "num", "no", "key") and bool(set(one.words[:-1]) & NUMBERED)
    if numbered or (one.words == ("number",) and one.definition.nouns & NUMBERED):
        return _found(ArgumentKind.IDENTIFIER, ValueType.IDENTIFIER, f"name:{one.field.label}")
    if head not in IDENTIFIERS and one.field.format != "uuid" and head != "commit":
        return None
    party = one.words[-2] if len(one.words) > 1 else ""
    if not party and len(one.words) == 1:
        words_of_description = set(re.findall(r"[a-z]+", one.field.description.lower()))
        party = min(words_of_description & PARTIES - {"to"}, default="")
    reaches = (
        one.effect.tool_class in (ToolClass.SEND, ToolClass.ADMIN) and one.effect.verb != "draft"
    )
    if one.effect.tool_class is ToolClass.WRITE and one.effect.egress:
        # Who is put into a place that others read gets to read it.
        reaches = HOLDS.get(party) is ValueType.PERSON
    if reaches and party in PARTIES:
        holds = HOLDS.get(party, ValueType.IDENTIFIER)
        ground = f"name:{one.field.label} of a {one.effect.tool_class.value}"
        return _found(ArgumentKind.SINK, holds, ground)
    return _found(ArgumentKind.IDENTIFIER, ValueType.IDENTIFIER, f"name:{one.field.label}")


def _by_reserved(one: _Argument) -> ArgumentGuess | None:
    """Arguments whose meaning depends on the tool: recipients, names, what is run, paging."""
    head, ground = one.words[-1], f"name:{one.field.label}"
    if one.words in (
        ("page", "token"),
        ("next", "token"),
        ("sync", "token"),
        ("continuation", "token"),
    ):
        return _found(ArgumentKind.OPTION, ValueType.TEXT, ground)
    if _is_date(one):
        return _found(ArgumentKind.OPTION, ValueType.DATE, ground)
    if (
        head == "address"
        or one.words[0] in RECIPIENTS
        or head in RECIPIENTS
        or one.words == ("from",)
    ):
        return _recipient(one)
    if head in ("owner", "org", "organization", "organisation") and _has_repository(one):
        return _found(ArgumentKind.SINK, ValueType.REPOSITORY, ground)
    runs = one.effect.tool_class is ToolClass.EXECUTE
    if runs and head in ("query", "input", "argument", "arg", "expression", "body", "function"):
        return _found(ArgumentKind.SINK, ValueType.COMMAND, ground)
    if head in ("code", "sql", "script", "statement") and not runs and not one.effect.egress:
        return _found(ArgumentKind.CONTENT, ValueType.TEXT, ground)
    if head == "code" and not runs:
        return _found(ArgumentKind.CONTENT, ValueType.TEXT, ground)
    if (
        head == "key"
        and len(one.words) > 1
        and one.words[-2] in ("api", "private", "ssh", "public", "secret")
    ):
        return _found(ArgumentKind.SINK, ValueType.SECRET, ground)
    if head == "name":
        return _name(one)
    if one.words in (("method",), ("action",), ("operation",)) and not one.field.is_free:
        return _found(ArgumentKind.OPTION, ValueType.TEXT, ground)
    return None


def _is_date(one: _Argument) -> bool:
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
        or bool(_DATE_TEXT.search(one.field.description))
    )


def _has_repository(one: _Argument) -> bool:
    return any(field.head in ("repo", "repository") for field in one.definition.fields)


def _recipient(one: _Argument) -> ArgumentGuess:
    """What a recipient holds: its own words, else its description, else what the tool sends."""
    ground = f"name:{one.field.label}"
    holds = next((HOLDS[word] for word in reversed(one.words) if word in HOLDS), None)
    nouns = one.definition.nouns | {one.effect.verb}
    if holds is None:
        for pattern, kind in (
            (_IBAN_TEXT, ValueType.ACCOUNT),
            (_EMAIL_TEXT, ValueType.EMAIL),
            (_PHONE_TEXT, ValueType.PHONE),
            (_URL_TEXT, ValueType.URL),
            (_CHANNEL_TEXT, ValueType.CHANNEL),
            (_PERSON_TEXT, ValueType.PERSON),
        ):
            if pattern.search(one.field.description):
                holds = kind
                break
    if holds is None:
        if nouns & {"email", "mail", "gmail"}:
            holds = ValueType.EMAIL
        elif nouns & (MONEY_NOUNS | {"pay", "money", "fund", "wire"}):
            holds = ValueType.ACCOUNT
        elif nouns & {"sms", "call", "phone", "text"}:
            holds = ValueType.PHONE
        elif nouns & {"file", "folder", "directory", "path", "copy", "move", "rename"}:
            holds = ValueType.PATH
        elif nouns & {"message", "dm", "notify", "chat"}:
            holds = ValueType.PERSON
    return _found(ArgumentKind.SINK, holds or ValueType.TEXT, ground)


def _name(one: _Argument) -> ArgumentGuess | None:
    """A name chooses among existing things, or is merely given to a new one."""
    ground = f"name:{one.field.label}"
    if len(one.words) == 1:
        if one.effect.creates and one.effect.tool_class is not ToolClass.ADMIN:
            return _found(ArgumentKind.CONTENT, ValueType.TEXT, f"{ground} of something new")
        if any(other.head in IDENTIFIERS for other in one.definition.fields):
            return _found(ArgumentKind.CONTENT, ValueType.TEXT, f"{ground} beside an identifier")
        return None
    if one.words[-2] in GIVEN_NAMES:
        return _found(ArgumentKind.CONTENT, ValueType.TEXT, ground)
    if one.words[-2] in HOLDS:
        return _found(ArgumentKind.SINK, HOLDS[one.words[-2]], ground)
    if one.words[-2] in ("field", "column", "property", "attribute"):
        return _found(ArgumentKind.OPTION, ValueType.TEXT, ground)
    if one.words[-2] in PLACES | GOODS | SHARED_NOUNS:
        return _found(ArgumentKind.SINK, ValueType.TEXT, ground)
    return None


def _by_number(one: _Argument) -> ArgumentGuess | None:
    """Numbers that say how much, and numbers that merely page, place or format."""
    if not one.field.is_numeric and not (one.field.types <= {"string", "integer", "number"}):
        return None
    head, ground = one.words[-1], f"name:{one.field.label}"
    if head == "value" and one.effect.tool_class is ToolClass.SEND and _pays(one):
        return _found(ArgumentKind.AMOUNT, ValueType.NUMBER, f"{ground} of what is paid")
    if any(word in AMOUNTS for word in one.words) and (
        one.field.is_numeric or head in ("amount", "price")
    ):
        return _found(ArgumentKind.AMOUNT, ValueType.NUMBER, ground)
    if one.field.is_numeric and head == "limit" and "limit" in one.definition.nouns:
        return _found(ArgumentKind.AMOUNT, ValueType.NUMBER, ground)
    if one.field.is_numeric and any(word in OPTIONS | COUNTED for word in one.words):
        return _found(ArgumentKind.OPTION, ValueType.NUMBER, ground)
    if one.field.is_numeric and head in PARTIES | PLACES | SHARED_NOUNS | {"milestone"}:
        return _found(ArgumentKind.IDENTIFIER, ValueType.IDENTIFIER, f"{ground}, a number")
    if one.field.is_numeric and HOLDS.get(head) is ValueType.PERSON:
        # "guests: 2" counts them and names none.
        return _found(ArgumentKind.OPTION, ValueType.NUMBER, f"{ground}, a number")
    if one.field.is_numeric:
        return _found(ArgumentKind.AMOUNT, ValueType.NUMBER, "schema:number")
    return None


def _pays(one: _Argument) -> bool:
    return one.effect.verb in PAYING_VERBS or bool(one.definition.nouns & MONEY_NOUNS)


def _by_name(one: _Argument) -> ArgumentGuess | None:
    """What the last word of the name says, or the first where the last says nothing."""
    ground = f"name:{one.field.label}"
    carries = one.effect.tool_class in (ToolClass.READ, ToolClass.DRAFT) or one.effect.creates
    for word in dict.fromkeys((one.words[-1], one.words[0])):
        holds = HOLDS.get(word)
        if holds is ValueType.PERSON and _EMAIL_TEXT.search(one.field.description):
            holds = ValueType.EMAIL
        if holds is ValueType.COMMAND and one.effect.tool_class is not ToolClass.EXECUTE:
            holds = None
        if holds is not None and holds is not ValueType.DATE:
            return _found(ArgumentKind.SINK, holds, ground)
        if word in SELECTING and one.effect.has_effect and not carries:
            return _found(ArgumentKind.SINK, ValueType.TEXT, f"{ground} selects what it acts on")
        if word in CONTENT:
            runs = one.effect.tool_class is ToolClass.EXECUTE
            if runs and word not in NARRATING:
                return _found(ArgumentKind.SINK, ValueType.TEXT, f"{ground} of what is run")
            return _found(ArgumentKind.CONTENT, ValueType.TEXT, ground)
        if word in OPTIONS and (one.effect.tool_class is not ToolClass.ADMIN or word not in POWERS):
            if _could_carry_text(one):
                # A choice that lists no values takes any text out with it.
                return _found(ArgumentKind.CONTENT, ValueType.TEXT, f"{ground}, as free text")
            return _found(ArgumentKind.OPTION, ValueType.TEXT, ground)
        if word in GOODS and not (carries and one.effect.tool_class is not ToolClass.SEND):
            return _found(ArgumentKind.SINK, ValueType.TEXT, ground)
        if word in PLACES | POSTAL:
            return _found(ArgumentKind.SINK, ValueType.TEXT, ground)
    return None


def _could_carry_text(one: _Argument) -> bool:
    """Whether whatever the argument holds leaves the agent's hands as it was written."""
    inside = one.effect.tool_class is ToolClass.READ and not one.effect.egress
    return not inside and not one.field.is_numeric


def _by_description(one: _Argument) -> ArgumentGuess | None:
    text = one.field.description
    for pattern, kind, holds in (
        (_IBAN_TEXT, ArgumentKind.SINK, ValueType.ACCOUNT),
        (_CONTENT_TEXT, ArgumentKind.CONTENT, ValueType.TEXT),
        (_EMAIL_TEXT, ArgumentKind.SINK, ValueType.EMAIL),
        (_URL_TEXT, ArgumentKind.SINK, ValueType.URL),
        (_PATH_TEXT, ArgumentKind.SINK, ValueType.PATH),
        (_ID_TEXT, ArgumentKind.IDENTIFIER, ValueType.IDENTIFIER),
        (_DATE_TEXT, ArgumentKind.OPTION, ValueType.DATE),
    ):
        found = pattern.search(text)
        if found is not None:
            return _found(kind, holds, f"description:{found[0].strip().lower()}")
    return None
