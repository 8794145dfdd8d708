"""Arguments that say which existing thing is meant, by a name or code that its server minted.

The identifier of a party decides where a send goes and is a sink there; so are numbers that stand
for a person (passport, licence) and codes that open something.
"""

from __future__ import annotations

import re

from pdp.domain.argument_guess import ID_TEXT, Argument, ArgumentGuess, found
from pdp.domain.argument_words import (
    ARTICLES,
    CONTENT,
    GOODS,
    HOLDS,
    IDENTIFIERS,
    NUMBERED,
    OPTIONS,
    PARTIES,
    PARTS,
    POSTAL,
    PROOFS,
    VERSIONS,
)
from pdp.domain.catalogue import ArgumentKind, ValueType
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import MESSAGE_NOUNS, REMOVING_VERBS, words

#: What comes behind the noun of a thing to name one of these things.
_NUMBERS = words("number num no nr num key ref reference code")
_RECORDS = words("customer client member supplier vendor student patient employee policyholder")
#: What is booked for them reaches others.
_BOOKING = words("book reserve order rebook")
_GUARDED = words("lock door gate alarm vault safe garage")
_PERSONAL = words(
    "passport licence license ssn social tax vat insurance identity loyalty membership frequent "
    "nationality visa driver"
)
#: Bare nouns of these are numbers that page, and names of what does the work.
_UNNUMBERED = words("page model version")
#: What stands before a number or key that is no name of a thing of the server's own.
_HELD = (
    HOLDS.keys()
    | GOODS
    | _PERSONAL
    | words("api private ssh public secret access encryption signing")
)
#: Known by their numbers, also where the argument does not say so.
_BY_NUMBER = words(
    "issue ticket invoice booking reservation shipment rma incident subscription pr pull"
)
#: Which end of a link between two things is meant.
_RELATING = words(
    "from to source target parent child duplicate linked related blocking blocked inward outward "
    "first second left right other main master into"
)
_NUMBERED_TEXT = re.compile(
    rf"\b(?:{'|'.join(sorted((NUMBERED | ARTICLES) - _UNNUMBERED))})s?"
    r" (?:id|ids|numbers?|no\.|codes?|references?|refs?|keys?)\b",
    re.IGNORECASE,
)
_ANSWERED = (("reply", "to"), ("in", "reply", "to"), ("parent",), ("thread",))
_TALKS = words("chat thread comment discussion review dm msg toot status note topic forum answer")
_MAILS = words("email mail gmail newsletter campaign smtp mailing")
_SOURCES = words("code snippet script program function source lint sandbox notebook compile")
_SOURCE_TEXT = re.compile(
    r"\b(?:source|snippets?|programs?|scripts?|python|javascript|typescript|sql|html|css|bash"
    r"|code (?:to|block|that))\b",
    re.IGNORECASE,
)
_EXPLAINING = CONTENT | OPTIONS | words("error status exit http country area dialling dial colour")
_REMARKING = words("comment review annotation suggestion remark note")


def by_identifier(one: Argument) -> ArgumentGuess | None:
    """The role of an argument that names an existing thing; None where it names none."""
    for rule in (_minted, _answered, _part, _proof, _code, _version, _described):
        guess = rule(one)
        if guess is not None:
            return guess
    return None


def _identifier(ground: str) -> ArgumentGuess:
    return found(ArgumentKind.IDENTIFIER, ValueType.IDENTIFIER, ground)


def _minted(one: Argument) -> ArgumentGuess | None:
    head, before = one.words[-1], set(one.words[:-1])
    given = head in ("code", "key") and _is_new(one)
    if head in _NUMBERS and before & NUMBERED and not given:
        return _identifier(one.ground)
    if head in _NUMBERS - {"code"} and before & one.definition.nouns - _HELD:
        return _identifier(one.ground)
    if one.words[0] in _BY_NUMBER and len(one.words) == 1 and _chooses(one):
        return _identifier(one.ground)
    related = bool(before) and before <= _RELATING and not (one.field.is_free or one.runs)
    if head in _BY_NUMBER and related and one.effect.has_effect:
        return _identifier(f"{one.ground} is one of its things")
    if one.words == ("number",) and one.definition.nouns & NUMBERED:
        return _identifier(one.ground)
    if head in ARTICLES:
        return _identifier(one.ground)
    if head == "of" and one.field.is_numeric:
        return _identifier(f"{one.ground}, a number")
    of_party = head in _NUMBERS and bool(before & _RECORDS)
    minted = head in IDENTIFIERS or one.field.format == "uuid" or head == "commit"
    if not minted and not of_party:
        return None
    party = one.words[-2] if len(one.words) > 1 else ""
    if not party and len(one.words) == 1:
        words_of_description = set(re.findall(r"[a-z]+", one.field.description.lower()))
        party = min(words_of_description & PARTIES - {"to"}, default="")
    reaches = (
        one.effect.tool_class in (ToolClass.SEND, ToolClass.ADMIN) and one.effect.verb != "draft"
    )
    is_person = HOLDS.get(party) is ValueType.PERSON
    if one.effect.tool_class is ToolClass.WRITE and one.effect.egress:
        # Who is put into a place that others read gets to read it.
        reaches = is_person
    booked = one.effect.verb in _BOOKING
    told = party in PARTIES or ((is_person or party in _RECORDS) and not booked)
    if reaches and told:
        holds = HOLDS.get(party, ValueType.IDENTIFIER)
        ground = f"{one.ground} of a {one.effect.tool_class.value}"
        return found(ArgumentKind.SINK, holds, ground)
    return _identifier(one.ground)


def _chooses(one: Argument) -> bool:
    """Whether a bare noun says which thing is acted upon, and not what a new one is like."""
    plain = not one.field.is_free and not one.effect.creates
    return plain and one.effect.has_effect and not one.runs


def _answered(one: Argument) -> ArgumentGuess | None:
    """The message or comment that is answered; in a mail `reply_to` is an address."""
    if one.words not in _ANSWERED or one.field.is_free or not one.effect.has_effect:
        return None
    by_id = ID_TEXT.search(one.field.description) is not None
    if one.words != ("thread",) and not by_id and one.definition.nouns & _MAILS:
        return None
    if by_id or one.definition.nouns & (MESSAGE_NOUNS | _TALKS):
        return _identifier(f"{one.ground} is answered")
    return None


def _part(one: Argument) -> ArgumentGuess | None:
    """A part of what another argument names already: no other thing is reached by it."""
    if not one.effect.has_effect or one.runs:
        return None
    whole = next((f for f in one.others if f.head in IDENTIFIERS | {"number", "no"}), None)
    if whole is None or one.words[-1] in whole.words:
        return None
    remarks = one.words[-1] == "path" and one.definition.nouns & _REMARKING
    lines = any(field.head in ("line", "position") for field in one.others)
    telling = [word for word in one.words if word not in ("name", "title")]
    if not (remarks and lines) and (not telling or telling[-1] not in PARTS):
        return None
    removes = one.effect.verb in REMOVING_VERBS
    if one.field.is_numeric:
        if removes:
            return _identifier(f"{one.ground} of what {whole.label} names")
        return found(ArgumentKind.OPTION, ValueType.NUMBER, one.ground)
    if one.field.is_free:
        return None
    ground = f"{one.ground}, a part of what {whole.label} names"
    if removes:
        return _identifier(ground)
    return found(ArgumentKind.CONTENT, ValueType.TEXT, ground)


def _proof(one: Argument) -> ArgumentGuess | None:
    """Codes that open something, and numbers that stand for a person."""
    head, before = one.words[-1], set(one.words[:-1])
    if head == "code" and (before & PROOFS or one.definition.nouns & _GUARDED):
        return found(ArgumentKind.SINK, ValueType.SECRET, one.ground)
    if head in ("number", "num", "no", "nr") and before & _PERSONAL:
        if any(HOLDS.get(word) is ValueType.PERSON for f in one.others for word in f.words):
            # Whose it is is said beside it, and decides.
            return _identifier(f"{one.ground} of somebody named")
        return found(ArgumentKind.SINK, ValueType.TEXT, f"{one.ground} stands for a person")
    return None


def _code(one: Argument) -> ArgumentGuess | None:
    """A code is source text, part of an address, a symbol, or what somebody issued."""
    if one.words[-1] != "code" or one.runs:
        return None
    before = set(one.words[:-1])
    if before & POSTAL:
        return found(ArgumentKind.SINK, ValueType.TEXT, one.ground)
    issued = one.definition.nouns & NUMBERED
    sources = (one.definition.nouns & _SOURCES and not issued) or _SOURCE_TEXT.search(
        one.field.description
    )
    languages = any(field.head in ("language", "lang") for field in one.others)
    if sources or languages or before & _EXPLAINING or _is_new(one):
        return found(ArgumentKind.CONTENT, ValueType.TEXT, one.ground)
    return _identifier(one.ground)


def _version(one: Argument) -> ArgumentGuess | None:
    """Which of the versions that there are; a new one is named freely."""
    if one.words[-1] not in VERSIONS or one.field.is_free or not one.effect.has_effect:
        return None
    if set(one.words[:-1]) & {"api", "schema", "protocol", "format", "language"}:
        return found(ArgumentKind.CONTENT, ValueType.TEXT, f"{one.ground}, as free text")
    if one.effect.creates and one.definition.nouns & {*VERSIONS, "release", "tag"}:
        return found(ArgumentKind.CONTENT, ValueType.TEXT, f"{one.ground} of something new")
    return _identifier(one.ground)


def _described(one: Argument) -> ArgumentGuess | None:
    """A thing by its bare noun, where the description says that its number is meant.

    What a payer or an orderer writes as reference is read by whoever receives it.
    """
    head, text = one.words[-1], one.field.description
    if one.runs or one.field.is_free:
        return None
    if head == "reference":
        if one.effect.creates or one.effect.tool_class is ToolClass.SEND:
            return found(ArgumentKind.CONTENT, ValueType.TEXT, one.ground)
        if one.definition.nouns & NUMBERED:
            return _identifier(one.ground)
    if head not in NUMBERED | GOODS | {"ref"} or head in _UNNUMBERED or _is_new(one):
        return None
    said = _NUMBERED_TEXT.search(text) or (None if head in PARTIES else ID_TEXT.search(text))
    return _identifier(f"description:{said[0].strip().lower()}") if said is not None else None


def _is_new(one: Argument) -> bool:
    """Whether the tool makes what the argument names ("create_voucher": `voucher_code`)."""
    if not one.effect.creates:
        return False
    about = one.definition.nouns & (set(one.words) | {one.definition.object_head})
    return bool(about & set(one.words)) or len(one.words) == 1
