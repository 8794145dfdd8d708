"""Where every argument of a call came from, and what label its output will have."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pdp.domain.atoms import (
    Atom,
    AtomKind,
    atom,
    is_short,
    is_strong,
    normalise,
    url,
    value_atoms,
)
from pdp.domain.atoms_said import document, spellings, steps
from pdp.domain.atoms_text import cell_forms, find_forms, is_linked, word_urls
from pdp.domain.atoms_words import telling
from pdp.domain.catalogue import (
    ArgumentKind,
    ArgumentRole,
    ArgumentValue,
    Tool,
    ValueType,
    argument_values,
)
from pdp.domain.leaf_roles import OPENNESS, effective_role, opens
from pdp.domain.seen import Origin, Seen
from pdp.domain.task_atoms import TaskAtoms
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue

#: The role kind of an argument that the catalogue does not declare.
UNDECLARED: Final = "undeclared"
#: What is told of one content argument; a person reads no more, and the worst come first.
MAX_EMBEDDED: Final = 32
#: Leaves of one call that are traced; a call with more is a table, and the rest is unknown.
MAX_LEAVES: Final = 2_000
#: A shorter line is met by chance and says nothing about where a text was copied from.
_COPIED_LINE: Final = 16
#: Characters of a value that a trace has.
MAX_SHOWN: Final = 256
_MARKUP: Final = re.compile(r"[=<>\"'()\[\]]|^(?=//)")
_RELATIVE: Final = re.compile(r"//[\w-]{1,63}\.\w")
_SCRIPT: Final = re.compile(
    r"(?<!\w)(?:(?:javascript|vbscript):(?=\S)|data:[a-z]{1,20}/[\w.+-]{1,40}[;,])", re.IGNORECASE
)
_DOTTED: Final = re.compile(r"\S\.\S")

#: From the least to the most that may be relied on.
_RANK: Final = {
    Origin.UNTRUSTED: 0,
    Origin.UNKNOWN: 1,
    Origin.TRUSTED: 2,
    Origin.PRINCIPAL: 3,
    Origin.NONE: 4,
}
#: Compared character by character: another spelling is another command or secret.
_VERBATIM: Final = frozenset({ValueType.COMMAND, ValueType.SECRET})


@dataclass(frozen=True, slots=True)
class Embedded:
    """An address, link or account inside content, and where it came from."""

    kind: AtomKind
    value: str
    origin: Origin
    source: str
    sensitivity: Sensitivity


@dataclass(frozen=True, slots=True)
class ArgumentTrace:
    """One leaf of a call's arguments and where its value came from.

    `pointer` is an RFC 6901 pointer, `kind` the value of an ArgumentKind or `undeclared`, `value`
    at most 256 characters of the value. `source` is the decision that returned it, or the name of
    the principal's text. `exists` says that some output held it, `named` that one held it in a
    record with something the principal named, `pointed` that the running text of an untrusted one
    spoke of it, that only outputs held it to which such text had led, or that the principal said
    another value of its field: content may have selected it. `sensitivity` is the highest of the
    outputs that held it or, for content, a part of it. `embedded` are the sinks inside content, at
    most 32 with the least trusted first; `more` says that there are others.
    """

    pointer: str
    kind: str
    holds: ValueType
    value: str
    origin: Origin
    source: str = ""
    exists: bool = False
    named: bool = False
    pointed: bool = False
    sensitivity: Sensitivity = Sensitivity.UNSPECIFIED
    embedded: tuple[Embedded, ...] = ()
    more: bool = False


def trace(
    tool: Tool, arguments: Mapping[str, JsonValue], atoms: TaskAtoms
) -> tuple[ArgumentTrace, ...]:
    """Trace every leaf of a call's arguments, in their order; nulls are left out."""
    leaves = argument_values(tool, arguments)
    read: dict[str, Sequence[str]] = {}
    tells = _only_tells(tool)
    traces = [_traced(leaf, atoms, read, tells=tells) for leaf in leaves[:MAX_LEAVES]]
    # Should the call be allowed, what was read for tracing it need not be read to be remembered.
    atoms.expect(read)
    if len(leaves) > MAX_LEAVES:
        rest = leaves[MAX_LEAVES]
        kind = ArgumentKind.SINK.value if rest.role is not None else UNDECLARED
        traces.append(
            ArgumentTrace(rest.pointer, kind, ValueType.TEXT, "", Origin.UNKNOWN, more=True)
        )
    return tuple(traces)


def output_label(tool: Tool, traces: Sequence[ArgumentTrace]) -> OutputLabel:
    """Who could have written what this call returns: the least trusted of tool and arguments.

    Only a read can return trusted output, and only where the principal or trusted output chose
    what it reads; a value nobody is known for counts as untrusted.
    """
    if tool.tool_class is not ToolClass.READ or tool.output_label is not OutputLabel.TRUSTED:
        return OutputLabel.UNTRUSTED
    relied = (Origin.PRINCIPAL, Origin.TRUSTED, Origin.NONE)
    if all(one.origin in relied and one.kind != UNDECLARED for one in traces):
        return OutputLabel.TRUSTED
    return OutputLabel.UNTRUSTED


def _only_tells(tool: Tool) -> bool:
    """Whether a call at most tells or shows somebody something, and moves nothing of value."""
    if tool.tool_class is ToolClass.SEND:
        return not tool.paths(ArgumentKind.AMOUNT)
    return tool.tool_class is ToolClass.WRITE and tool.reversible


def _traced(
    leaf: ArgumentValue, atoms: TaskAtoms, read: dict[str, Sequence[str]], *, tells: bool
) -> ArgumentTrace:
    role = effective_role(leaf)
    kind = role.kind.value if role is not None else UNDECLARED
    holds = role.holds if role is not None else ValueType.TEXT
    value = leaf.value if isinstance(leaf.value, str) else _scalar(leaf.value)
    shown = value[:MAX_SHOWN]
    if holds is ValueType.POWER and not opens(leaf.pointer, leaf.value):
        return ArgumentTrace(leaf.pointer, kind, holds, shown, Origin.NONE)
    if holds is ValueType.POWER:
        spoken = any(map(atoms.says, OPENNESS))
        origin = Origin.PRINCIPAL if spoken else Origin.UNKNOWN
        return ArgumentTrace(leaf.pointer, kind, holds, shown, origin)
    chooses_nothing = role is not None and role.kind is ArgumentKind.OPTION
    if chooses_nothing or not value.strip() or isinstance(leaf.value, bool):
        # A flag that nobody declared can still decide everything.
        origin = Origin.UNKNOWN if role is None and value.strip() else Origin.NONE
        return ArgumentTrace(leaf.pointer, kind, holds, shown, origin)
    if role is not None and role.kind is ArgumentKind.CONTENT:
        return _content(leaf.pointer, role, value, atoms, read)
    origin, source, seen = _origin(leaf.value, holds, atoms)
    doubtful = kind == ArgumentKind.IDENTIFIER and any(one.doubtful for one in seen)
    unproven = not tells and any(one.related for one in seen)
    if doubtful or (unproven and origin is Origin.TRUSTED):
        origin = Origin.UNTRUSTED
    named = bool(seen) and not (doubtful or unproven) and all(one.named for one in seen)
    if holds is ValueType.URL and origin is Origin.UNTRUSTED:
        named = all(map(atoms.shared, value_atoms(leaf.value, holds)))
    return ArgumentTrace(
        pointer=leaf.pointer,
        kind=kind,
        holds=holds,
        value=shown,
        origin=origin,
        source=source,
        exists=bool(seen) and not doubtful and all(one.outputs for one in seen),
        named=named,
        # A record that the agent wrote itself gives no name to what it wrote into it.
        pointed=any(one.pointed or (one.led and (one.echoed or not one.named)) for one in seen),
        sensitivity=max((one.sensitivity for one in seen), default=Sensitivity.UNSPECIFIED),
    )


def _scalar(value: JsonValue) -> str:
    if isinstance(value, dict | list):
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _origin(
    value: JsonValue, holds: ValueType, atoms: TaskAtoms
) -> tuple[Origin, str, tuple[Seen, ...]]:
    """The least trusted part of a value decides for the whole."""
    if isinstance(value, str) and holds in _VERBATIM:
        source = atoms.verbatim(value)
        if source is not None:
            return Origin.PRINCIPAL, source, ()
        seen = tuple(atoms.find(one) for one in value_atoms(value, ValueType.TEXT))
        untrusted = [one for one in seen if one.origin is Origin.UNTRUSTED]
        return (Origin.UNTRUSTED, untrusted[0].source, seen) if untrusted else (
            Origin.UNKNOWN, "", seen
        )  # fmt: skip
    seen = tuple(atoms.find(one) for one in value_atoms(value, holds))
    origin, source = _worst(seen)
    if _RANK[origin] < _RANK[Origin.TRUSTED]:
        for said in filter(atoms.said, spellings(value, holds)):
            return Origin.PRINCIPAL, atoms.find(said).source, seen
        if isinstance(value, str) and holds is ValueType.TEXT and atoms.composes(value):
            return Origin.PRINCIPAL, "", seen
        # Another form of the same name may be somebody else's: none that content spoke of.
        if (
            isinstance(value, str)
            and holds is ValueType.PERSON
            and not any(one.pointed or one.led for one in seen)
            and any(text.handles(value) for text in atoms.texts())
        ):
            return Origin.PRINCIPAL, "", seen
        if isinstance(value, str) and holds is ValueType.PATH and value.isascii():
            name = document(value)
            written = atoms.verbatim(name) if name else None
            if written is not None:
                return Origin.PRINCIPAL, written, seen
            if (parts := steps(value)) and all(map(atoms.said, parts)):
                return Origin.PRINCIPAL, atoms.find(parts[-1]).source, seen
    return origin, source, seen


def _worst(seen: Collection[Seen]) -> tuple[Origin, str]:
    if not seen:
        return Origin.UNKNOWN, ""
    worst = min(seen, key=lambda one: _RANK[one.origin])
    return worst.origin, worst.source


def _content(
    pointer: str,
    role: ArgumentRole,
    value: str,
    atoms: TaskAtoms,
    read: dict[str, Sequence[str]],
) -> ArgumentTrace:
    """Content is traced as a whole, and for what it carries: sinks and parts of outputs."""
    whole = {one: atoms.find(one) for one in value_atoms(value, ValueType.TEXT)}
    origin, source = _worst(whole.values())
    if origin is Origin.UNKNOWN and atoms.says(value):
        origin = Origin.PRINCIPAL
    seen = normalise(value)
    found = find_forms(telling(seen), cells=(seen,))
    forms = found.forms
    if found.complete:
        read[value] = forms
    if others := [part for part in (value, *_lines(seen)) if part != seen]:
        forms = list(dict.fromkeys((*forms, *cell_forms(others))))
    parts = [Atom(form.casefold(), form) for form in forms]
    copied = [one for one in parts if atoms.sensitivity(one) and _is_telling(one)]
    sinks = sorted(_sinks(seen, parts, atoms), key=lambda one: _RANK[one.origin])
    return ArgumentTrace(
        pointer=pointer,
        kind=role.kind.value,
        holds=role.holds,
        value=value[:MAX_SHOWN],
        origin=origin,
        source=source,
        exists=bool(whole) and all(one.outputs for one in whole.values()),
        sensitivity=max(map(atoms.sensitivity, copied), default=Sensitivity.UNSPECIFIED),
        embedded=tuple(sinks[:MAX_EMBEDDED]),
        more=len(sinks) > MAX_EMBEDDED,
    )


def _lines(text: str) -> Iterable[str]:
    return (line for line in map(str.strip, text.split("\n")) if len(line) >= _COPIED_LINE)


def _is_telling(one: Atom) -> bool:
    """Whether meeting the atom again says that it was taken from where it was met."""
    if is_short(one.key):
        return False
    return is_strong(one.key) or (
        one.kind is AtomKind.TEXT and len(one.key) > _COPIED_LINE + len("text:")
    )


def _sinks(text: str, parts: Sequence[Atom], atoms: TaskAtoms) -> Iterable[Embedded]:
    """What in a text reaches somebody: links, also malformed ones, addresses, accounts."""
    for one in parts:
        if one.kind in (AtomKind.EMAIL, AtomKind.ACCOUNT):
            found = atoms.find(one)
            value = one.form.partition(":")[2]
            yield Embedded(one.kind, value, found.origin, found.source, found.sensitivity)
    for script in dict.fromkeys(_SCRIPT.findall(text)):
        yield Embedded(AtomKind.URL, script, Origin.UNKNOWN, "", Sensitivity.UNSPECIFIED)
    if "/" not in text and not _DOTTED.search(text):
        return
    met: set[str] = set()
    for word in dict.fromkeys(text.split()):
        if "/" not in word and "." not in word[1:-1]:
            continue
        for form, written in (*word_urls(word), *_bare_hosts(word), *_in_markup(word)):
            if written in met:
                continue
            met.add(written)
            found = atoms.find(atom(AtomKind.URL, form)) if form is not None else Seen()
            # A link to what was made or looked up is the server's own word for that thing.
            origin = Origin.TRUSTED if found.minted and not found.pointed else found.origin
            yield Embedded(
                AtomKind.URL, written[:MAX_SHOWN], origin, found.source, found.sensitivity
            )


def _in_markup(word: str) -> Iterable[tuple[str | None, str]]:
    """What HTML and Markdown link without a scheme (`src=//x.org/a`, `<a href=x.org>`)."""
    if "://" in word or _MARKUP.search(word) is None:
        return
    for piece in _MARKUP.split(word):
        if _RELATIVE.match(piece):
            yield url(f"https:{piece}"), piece
        elif "/" in piece or "." in piece[1:-1]:
            yield from word_urls(piece)
            yield from _bare_hosts(piece)


def _bare_hosts(word: str) -> Iterable[tuple[str, str]]:
    host = word.strip(".,;:!?'\"`()[]{}<>*_")
    if "/" not in host and "@" not in host and is_linked(host):
        yield f"https://{host.lower()}/", host
