"""An MCP tool definition to a catalogue entry in which every guess is marked with its grounds."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from pdp.domain.canonical import schema_digest
from pdp.domain.catalogue import ArgumentKind, CatalogueError, Tool, check_names
from pdp.domain.definition import Definition, read_definition
from pdp.domain.inference_arguments import infer_arguments
from pdp.domain.inference_effect import READ_ONLY_GROUND, infer_effect
from pdp.domain.inference_names import groups_of
from pdp.domain.inference_output import (
    ADDRESS_BOOK_GROUND,
    DIRECTORY_GROUND,
    infer_output_label,
    infer_sensitivity,
)
from pdp.domain.inference_resource import infer_resource
from pdp.domain.inference_things import THING_GROUND
from pdp.domain.values import ToolClass

#: Prefix of a ground that says that signs in the definition contradict each other.
_CONTRADICTION = " contradicts "


class Urgency(IntEnum):
    """How much a person's look at a guess matters, the most urgent highest."""

    LOOK = 1
    CHECK = 2
    DECIDE = 3


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """Something about an entry that a person should look at before relying on it."""

    server: str
    tool: str
    field: str
    urgency: Urgency
    note: str


def name_groups(definitions: Iterable[object]) -> frozenset[str]:
    """The words at the beginning of several names that say what these tools are about."""
    names = (one.get("name") for one in definitions if isinstance(one, Mapping))
    return groups_of(name for name in names if isinstance(name, str))


def infer_tool(definition: Mapping[str, Any], server: str, groups: Collection[str] = ()) -> Tool:
    """The catalogue entry for one element of an MCP `tools/list` result.

    `groups` are the `name_groups` of the whole list, where there is one.

    Reads `name`, `description`, `inputSchema` and `annotations` (MCP 2025-06-18, "Tools"). What a
    server says about itself is evidence and never proof. Raises CatalogueError where the element
    has no usable name or an `inputSchema` that is no object.
    """
    name = definition.get("name")
    if not isinstance(name, str):
        raise CatalogueError("a tool has no name")
    check_names(server, name)
    description = definition.get("description")
    if description is not None and not isinstance(description, str):
        raise CatalogueError(f"tool {name!r}: description is not text")
    schema = definition.get("inputSchema")
    if schema is not None and not isinstance(schema, dict):
        raise CatalogueError(f"tool {name!r}: inputSchema is not an object")
    annotations = definition.get("annotations")
    read = read_definition(
        name,
        description or "",
        schema or {},
        annotations if isinstance(annotations, Mapping) else {},
        groups,
    )
    return _entry(read, server, description or "", schema_digest(name, description, schema))


def _entry(definition: Definition, server: str, description: str, digest: str) -> Tool:
    effect = infer_effect(definition)
    guesses = infer_arguments(definition, effect)
    resource = infer_resource(definition, effect, guesses)
    label, why_label = infer_output_label(definition, effect)
    sensitivity, why_sensitivity = infer_sensitivity(definition, effect)
    inferred = {
        "class": effect.class_grounds,
        "sensitivity": (why_sensitivity,),
        "output": (why_label,),
        "reversible": effect.reversible_grounds,
        "egress": effect.egress_grounds,
    }
    if resource is not None:
        inferred["resource"] = resource[1]
    inferred.update({f"arguments/{path}": guess.grounds for path, guess in guesses.items()})
    return Tool(
        server=server,
        name=definition.name,
        description=description,
        tool_class=effect.tool_class,
        sensitivity=sensitivity,
        output_label=label,
        reversible=effect.reversible,
        egress=effect.egress,
        arguments_schema=definition.schema or {"type": "object"},
        schema_digest=digest,
        arguments={path: guess.role for path, guess in guesses.items()},
        resource=resource[0] if resource is not None else None,
        inferred=inferred,
    )


def review(tools: Iterable[Tool]) -> list[ReviewItem]:
    """What needs a person's eye, the most urgent first."""
    items = [item for tool in tools for item in _review_tool(tool)]
    return sorted(items, key=lambda item: -item.urgency)


def _review_tool(tool: Tool) -> list[ReviewItem]:
    items: list[ReviewItem] = []

    def note(field: str, urgency: Urgency, text: str) -> None:
        items.append(ReviewItem(tool.server, tool.name, field, urgency, text))

    ungrounded = set(tool.ungrounded)
    if "class" in ungrounded:
        note("class", Urgency.DECIDE, "nothing says what it does; treated as admin")
    for ground in tool.inferred.get("class", ()):
        if _CONTRADICTION in ground:
            note("class", Urgency.DECIDE, ground)
    hidden = _hidden_characters(tool.description)
    if hidden:
        note("description", Urgency.DECIDE, f"holds invisible characters: {', '.join(hidden)}")
    if "class" in tool.inferred and "class" not in ungrounded:
        grounds = ", ".join(tool.inferred["class"])
        if tool.tool_class in (ToolClass.ADMIN, ToolClass.EXECUTE):
            note("class", Urgency.CHECK, f"{tool.tool_class.value}: {grounds}")
        elif THING_GROUND in tool.inferred["class"]:
            note("class", Urgency.CHECK, "a read only since nothing says that anything is done")
        elif READ_ONLY_GROUND in tool.inferred["class"]:
            note("class", Urgency.CHECK, "runs what it is given; does the server keep to reading?")
        elif tool.tool_class is ToolClass.READ and tool.egress:
            note("egress", Urgency.LOOK, f"a read that goes out: {grounds}")
    if "reversible" in tool.inferred and "reversible" not in ungrounded and not tool.reversible:
        note("reversible", Urgency.LOOK, f"cannot be undone: {tool.inferred['reversible'][0]}")
    if not {ADDRESS_BOOK_GROUND, DIRECTORY_GROUND}.isdisjoint(tool.inferred.get("output", ())):
        note(
            "output", Urgency.CHECK, "trusted to say who is meant: do strangers get in by mailing?"
        )
    effectful = tool.has_effect
    unknown = [path for path in tool.arguments if f"arguments/{path}" in ungrounded]
    if effectful and unknown:
        note(
            "arguments", Urgency.CHECK, f"a sink only for want of a better guess: {_list(unknown)}"
        )
    sinks = tool.paths(ArgumentKind.SINK, ArgumentKind.AMOUNT, ArgumentKind.IDENTIFIER)
    if effectful and tool.inferred and not sinks and tool.tool_class is not ToolClass.DRAFT:
        note("arguments", Urgency.CHECK, "has effects and no argument that decides where they go")
    if effectful and not tool.arguments and _takes_anything(tool.arguments_schema):
        note("arguments", Urgency.CHECK, "its schema names no argument; calls with any are denied")
    return items


def _list(paths: list[str]) -> str:
    shown = ", ".join(paths[:8])
    return shown if len(paths) <= 8 else f"{shown} and {len(paths) - 8} more"


def _takes_anything(schema: Mapping[str, Any]) -> bool:
    return schema.get("additionalProperties") is not False and "properties" not in schema


def _hidden_characters(text: str) -> list[str]:
    """Code points that a person does not see and a model does: formats, tags, private use."""
    found = {
        character
        for character in text
        if unicodedata.category(character) in ("Cf", "Co", "Cn", "Cc") and character not in "\n\t\r"
    }
    return [f"U+{ord(character):04X}" for character in sorted(found)][:8]
