"""One argument in its tool, what is guessed of it, and what its description says that it holds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pdp.domain.catalogue import ArgumentKind, ArgumentRole, ValueType
from pdp.domain.definition import Definition, Field
from pdp.domain.inference_effect import Effect
from pdp.domain.values import ToolClass

DATE_TEXT = re.compile(
    r"\biso(?:[- ]?8601)?\b|yyyy|\bdate\b|\btimestamp\b|rfc ?3339|\btime (?:of|when|in)\b", re.I
)
ID_TEXT = re.compile(
    r"\b(?:unique )?(?:id|ids|identifiers?|sha|uuid)\b(?: (?:of|for)\b|\W|$)", re.I
)
EMAIL_TEXT = re.compile(r"\be-?mails?\b(?:\s+address(?:es)?)?", re.I)
URL_TEXT = re.compile(r"\b(?:urls?|uris?|hyperlink|web address)\b", re.I)
PATH_TEXT = re.compile(r"\b(?:file ?path|path (?:to|of|where)|absolute path|file ?name)\b", re.I)
IBAN_TEXT = re.compile(r"\biban\b|\baccount number\b|\bbank account\b|\bwallet address\b", re.I)
PHONE_TEXT = re.compile(r"\bphone\b|\be\.?164\b|\bmobile number\b", re.I)
CHANNEL_TEXT = re.compile(r"\bchannels?\b|\bconversation\b|\bchat\b", re.I)
PERSON_TEXT = re.compile(r"\busers?(?:name)?\b|\bperson\b|\bhandle\b|\bmembers?\b", re.I)
CONTENT_TEXT = re.compile(
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
class Argument:
    """An argument in its tool; `words` are those of its name that tell something."""

    definition: Definition
    effect: Effect
    field: Field
    words: tuple[str, ...]

    @property
    def ground(self) -> str:
        """The ground of a guess that rests on the argument's name."""
        return f"name:{self.field.label}"

    @property
    def runs(self) -> bool:
        """Whether what the tool is given is run."""
        return self.effect.tool_class is ToolClass.EXECUTE

    @property
    def others(self) -> tuple[Field, ...]:
        """The arguments of the same object, or of the objects around it."""
        above = self.field.path.rpartition("/")[0]
        return tuple(
            field
            for field in self.definition.fields
            if field is not self.field and above.startswith(field.path.rpartition("/")[0])
        )


def found(kind: ArgumentKind, holds: ValueType, *grounds: str) -> ArgumentGuess:
    """A guess with grounds."""
    return ArgumentGuess(ArgumentRole(kind, holds), grounds)
