"""Which argument names the thing that a call is about, guessed from the roles of the arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pdp.domain.argument_guess import ArgumentGuess
from pdp.domain.argument_words import GOODS, PLACES
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, ValueType
from pdp.domain.definition import Definition, Field
from pdp.domain.inference_effect import Effect
from pdp.domain.resource import ResourceRule
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import words

_RESOURCE_TYPES: dict[ValueType, str] = {
    ValueType.EMAIL: "email",
    ValueType.ACCOUNT: "account",
    ValueType.PHONE: "phone",
    ValueType.CHANNEL: "channel",
    ValueType.URL: "url",
    ValueType.PATH: "file",
    ValueType.DOMAIN: "domain",
    ValueType.PERSON: "user",
}


def infer_resource(
    definition: Definition, effect: Effect, guesses: Mapping[str, ArgumentGuess]
) -> tuple[ResourceRule, tuple[str, ...]] | None:
    """How the resource of a call is derived, where an argument names it; None where none does."""
    fields = [field for field in definition.fields if not set("{},") & set(field.path)]
    if any(field.required for field in fields):
        # An optional argument may be missing, and then the call would have no resource.
        needed = [field for field in fields if field.required]
    else:
        needed = fields
    owner = _first(needed, words("owner org organization organisation"))
    repository = _first(needed, words("repo repository"))
    if owner is not None and repository is not None:
        return _rule("repository", f"{{{owner.path}}}/{{{repository.path}}}")
    sinks = [field for field in needed if guesses[field.path].role.kind is ArgumentKind.SINK]
    identifiers = [
        field for field in needed if guesses[field.path].role.kind is ArgumentKind.IDENTIFIER
    ]
    order: Iterable[ValueType] = _RESOURCE_TYPES
    if effect.tool_class is not ToolClass.SEND or identifiers:
        order = (ValueType.URL, ValueType.PATH, ValueType.CHANNEL)
    for holds in order:
        if any(guesses[field.path].role.holds is holds for field in sinks):
            together = [
                field.path
                for field in fields
                if guesses[field.path].role == ArgumentRole(ArgumentKind.SINK, holds)
            ]
            return _rule(_RESOURCE_TYPES[holds], "{" + ",".join(together) + "}")
    for field in identifiers:
        noun = field.words[-2] if len(field.words) > 1 else definition.object_head
        return _rule(noun if noun.isascii() and noun.isalpha() else "thing", f"{{{field.path}}}")
    for field in sinks:
        noun = next((word for word in field.words if word in PLACES | GOODS), "")
        if noun or repository is not None:
            return _rule(noun or "repository", f"{{{field.path}}}")
    for field in sinks:
        named = _RESOURCE_TYPES.get(guesses[field.path].role.holds)
        if named is not None:
            return _rule(named, f"{{{field.path}}}")
    return None


def _first(fields: Iterable[Field], names: frozenset[str]) -> Field | None:
    return next((field for field in fields if field.label in names), None)


def _rule(resource_type: str, template: str) -> tuple[ResourceRule, tuple[str, ...]]:
    return ResourceRule(resource_type, template), (f"schema:{template}",)
