"""Whom a draft reaches once it is sent by its identifier: whether the principal chose that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pdp.domain.catalogue import ArgumentKind
from pdp.domain.provenance import ArgumentTrace
from pdp.domain.seen import Origin

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue

_CHOSEN = frozenset({Origin.PRINCIPAL.value, Origin.TRUSTED.value})


class DraftArgument(NamedTuple):
    """What matters of one argument of a draft; `embedded` are the origins of what is inside it."""

    kind: str
    origin: str
    named: bool
    exists: bool
    embedded: tuple[str, ...]
    more: bool
    value: str


def traced(traces: Iterable[ArgumentTrace]) -> list[DraftArgument]:
    """The arguments of a call that is being decided."""
    return [
        DraftArgument(
            one.kind,
            one.origin.value,
            one.named,
            one.exists,
            tuple(sink.origin.value for sink in one.embedded),
            one.more,
            one.value,
        )
        for one in traces
    ]


def recorded(document: Mapping[str, Any]) -> list[DraftArgument]:
    """The same of a call on record, from the input document that it was decided by."""
    arguments = document["call"]["arguments"]
    return [
        DraftArgument(
            one["kind"],
            one["origin"],
            one["named"],
            one["exists"],
            tuple(sink["origin"] for sink in one["embedded"]),
            one["more"],
            _at(arguments, one["pointer"]),
        )
        for one in document["provenance"]["arguments"]
    ]


def vouched(arguments: Iterable[DraftArgument]) -> bool | None:
    """True where the principal named everybody the draft goes to, and it holds no link of others.

    False where nobody is known to have chosen one of them. None where no argument says whom it
    reaches.
    """
    reached = False
    for one in arguments:
        if one.more or not _CHOSEN.issuperset(one.embedded):
            return False
        if one.kind == ArgumentKind.SINK and one.origin != Origin.NONE.value:
            reached = True
            if not _is_named(one):
                return False
        if one.kind == ArgumentKind.IDENTIFIER and one.origin != Origin.PRINCIPAL.value:
            if not one.exists:
                return False
            reached = reached or one.named
    return reached or None


def _is_named(one: DraftArgument) -> bool:
    return one.origin == Origin.PRINCIPAL.value or (
        one.origin == Origin.TRUSTED.value and one.named
    )


def _at(arguments: JsonValue, pointer: str) -> str:
    """The text of the value under an RFC 6901 pointer; empty where it is none."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(arguments, dict):
            arguments = arguments.get(name)
        elif isinstance(arguments, list) and name.isdecimal() and int(name) < len(arguments):
            arguments = arguments[int(name)]
        else:
            return ""
    return arguments if isinstance(arguments, str) else str(arguments)
