"""Whether untrusted content led a task to what it reads, and what such a read would carry along."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pdp.domain.atoms import Atom, coded, is_strong
from pdp.domain.atoms_dates import ISO_DATE
from pdp.domain.catalogue import ArgumentKind, Tool, ValueType, argument_values
from pdp.domain.provenance import MAX_SHOWN, UNDECLARED, ArgumentTrace
from pdp.domain.seen import Origin
from pdp.domain.task_atoms import TaskAtoms
from pdp.domain.values import ToolClass
from pdp.domain.vocabulary import words
from pdp.domain.wording import share_said

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue

#: The principal chose it, or trusted output did.
_SETTLED: Final = frozenset({Origin.PRINCIPAL, Origin.TRUSTED, Origin.NONE})
_REACHING: Final = frozenset({ArgumentKind.SINK.value, ArgumentKind.IDENTIFIER.value})
_FREE: Final = _REACHING | {ArgumentKind.CONTENT.value, UNDECLARED}
#: Containers that every account, mailbox or repository has: content has no need to name them.
_EVERYWHERE: Final = words(
    "inbox outbox sent draft drafts archive archived spam junk trash bin starred unread main "
    "master trunk root home default primary general lobby everyone all any me self own my"
)
#: What such values name holds things of its own, also where no resource is derived from it.
_CONTAINERS: Final = frozenset({ValueType.CHANNEL, ValueType.REPOSITORY, ValueType.PATH})
_INDEX = re.compile(r"/[0-9]+(?=/|$)")
_WORD = re.compile(r"[^\W_](?:[\w-]*[^\W_])?")
_PART = re.compile(r"[^\W_]+")
#: Who looks for what the principal meant uses mostly its words.
_STRANGE: Final = 0.5
#: A part of a name this long is no word.
_LONG: Final = 25
#: So many characters of parts with letters and digits are a code: a key, a token, an encoded text.
_MIXED: Final = 6
#: The same of all parts with digits; a year, a month and a version have fewer.
_DIGITS: Final = 10


class Led(StrEnum):
    """What of a read untrusted content led to: what it reaches, or only what it looks for."""

    NOTHING = "nothing"
    QUERY = "query"
    RESOURCE = "resource"


@dataclass(frozen=True, slots=True)
class Steering:
    """What led to a read, and the pointers of arguments that may carry what the task has read."""

    led: Led = Led.NOTHING
    carries: tuple[str, ...] = ()


NOT_LED: Final = Steering()


def steering(
    tool: Tool,
    arguments: Mapping[str, JsonValue],
    traces: Sequence[ArgumentTrace],
    atoms: TaskAtoms,
    *,
    resource_id: str,
    tainted: bool,
) -> Steering:
    """Whether untrusted content led to this call, if it is a read; to others it leads nowhere.

    `resource_id` is what the call's resource is called, `tainted` says that untrusted material has
    come into this task, or into another one of the same subject and principal.

    Content led to a resource where the principal and trusted output do not name it and the running
    text of an untrusted output speaks of it; or where nobody is known to have named it, and there
    was untrusted material that could have. It led to a query where there was such material, and the
    principal said no more than half of the words of the query.
    """
    if tool.tool_class is not ToolClass.READ or not tainted:
        return NOT_LED
    aims = [one for one in traces if one.kind in _REACHING and one.origin not in _SETTLED]
    if tool.resource is not None:
        names = {
            f"/{name}".removesuffix("/*") for some in tool.resource.placeholders for name in some
        }
        aims = [one for one in aims if _INDEX.sub("/*", one.pointer).removesuffix("/*") in names]
    whole = tool.resource is not None
    led = [
        one
        for one in aims
        if one.pointed or ((whole or one.holds in _CONTAINERS) and _is_foreign(one, atoms))
    ]
    if not led and aims and whole and atoms.find(coded(resource_id)).pointed:
        # Content writes the name of a thing in one piece that arguments give in several.
        led = aims
    if led:
        return Steering(Led.RESOURCE, tuple(_carrying(tool, arguments, traces, led, atoms)))
    if any(_is_strange_query(one, atoms) for one in traces):
        return Steering(Led.QUERY)
    return NOT_LED


def _is_foreign(one: ArgumentTrace, atoms: TaskAtoms) -> bool:
    """Whether nobody is known to have named it, and it is no place that every account has."""
    if one.origin is not Origin.UNKNOWN:
        return False
    parts = " ".join(re.split(r"[\W_]+", one.value)).strip()
    said = bool(parts) and share_said(atoms.texts(), parts, ordinary=True) == 1
    return not said and parts.casefold() not in _EVERYWHERE


def _is_strange_query(one: ArgumentTrace, atoms: TaskAtoms) -> bool:
    """Whether words or a name are looked for that are mostly not the principal's."""
    if one.kind == ArgumentKind.SINK:
        if one.holds is not ValueType.PERSON or one.origin is not Origin.UNKNOWN:
            return False
    elif one.kind != ArgumentKind.CONTENT or one.origin in _SETTLED:
        return False
    return (
        len(one.value) >= MAX_SHOWN
        or share_said(atoms.texts(), one.value, ordinary=False) <= _STRANGE
    )


def _carrying(
    tool: Tool,
    arguments: Mapping[str, JsonValue],
    traces: Sequence[ArgumentTrace],
    led: Sequence[ArgumentTrace],
    atoms: TaskAtoms,
) -> Iterable[str]:
    """Arguments with a code in them that neither the principal wrote nor who named the resource."""
    sources = {one.source for one in led if one.source}
    for leaf, one in zip(argument_values(tool, arguments), traces, strict=False):
        if one.kind not in _FREE or one.origin in _SETTLED:
            continue
        if one.pointed and one.source in sources:
            continue
        words = [word for word in _WORD.findall(str(leaf.value)) if not ISO_DATE.fullmatch(word)]
        strange = [word for word in map(coded, words) if not _is_given(word, sources, atoms)]
        copied = any(is_strong(word.key) and atoms.find(word).outputs for word in strange)
        if copied or _holds_code(strange):
            yield one.pointer


def _is_given(word: Atom, sources: set[str], atoms: TaskAtoms) -> bool:
    found = atoms.find(word)
    return found.origin in _SETTLED or (found.pointed and found.source in sources)


def _holds_code(words: Iterable[Atom]) -> bool:
    """A key in groups is one, too."""
    parts = [part for word in words for part in _PART.findall(word.form.partition(":")[2])]
    digits = [part for part in parts if any(map(str.isdigit, part))]
    mixed = [part for part in digits if not part.isdigit()]
    return (
        any(len(part) >= _LONG for part in parts)
        or sum(map(len, mixed)) >= _MIXED
        or sum(map(len, digits)) >= _DIGITS
    )
