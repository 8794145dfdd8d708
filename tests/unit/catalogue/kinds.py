"""Tool definitions in shorthand, and what a person expects of the guesses about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pdp.domain.catalogue import ArgumentKind, Tool

_FORMATS = {"email", "uri", "date", "date-time", "uuid"}
_TYPES = {"int": "integer", "bool": "boolean", "number": "number", "object": "object"}


def load(file: str) -> list[tuple[str, dict[str, Any]]]:
    """(kind, entry) for every entry of a shorthand file next to this one."""
    kinds = yaml.safe_load((Path(__file__).parent / file).read_text("utf-8"))
    return [(kind, entry) for kind, entries in kinds.items() for entry in entries]


def definition(entry: dict[str, Any]) -> dict[str, Any]:
    """The MCP definition that a shorthand entry stands for."""
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, shorthand in entry["args"].items():
        if shorthand.endswith("!"):
            required.append(name)
        word = shorthand.rstrip("!")
        schema = _schema(word.removesuffix("[]"))
        properties[name] = {"type": "array", "items": schema} if word.endswith("[]") else schema
    return {
        "name": entry["name"],
        "description": entry["about"],
        "inputSchema": {"type": "object", "properties": properties, "required": required},
        "annotations": entry.get("hints", {}),
    }


def _schema(word: str) -> dict[str, Any]:
    if "|" in word:
        return {"type": "string", "enum": word.split("|")}
    if word in _FORMATS:
        return {"type": "string", "format": word}
    return {"type": _TYPES.get(word, "string")}


def disagreements_of_effect(tool: Tool, expect: dict[str, Any]) -> list[str]:
    """Where class and egress are not what the person expects."""
    found = {"class": tool.tool_class.value, "out": tool.egress}
    return [
        f"{key}: {found[key]}, expected {expect[key]}" for key in found if found[key] != expect[key]
    ]


def disagreements(tool: Tool, expect: dict[str, Any]) -> list[str]:
    """Where the guess is not what the person expects."""
    effectful = tool.tool_class.has_effect or tool.egress
    found: dict[str, Any] = {
        "class": tool.tool_class.value,
        "undo": tool.reversible,
        "out": tool.egress,
        "trusted": tool.output_label.value == "trusted",
        "sensitivity": tool.sensitivity.name.lower(),
    }
    wrong = [
        f"{key}: {found[key]}, expected {expect[key]}"
        for key in found
        if key in expect and found[key] != expect[key]
    ]
    if "trusted" not in expect and found["trusted"]:
        wrong.append("trusted, expected untrusted")
    if set(expect.get("ungrounded", ())) - set(tool.ungrounded):
        wrong.append(f"ungrounded: {tool.ungrounded}, expected {expect['ungrounded']}")
    if not effectful and tool.tool_class.value == "read":
        return wrong
    maybe = set(expect.get("maybe", ()))
    for kind, key in (
        (ArgumentKind.SINK, "sinks"),
        (ArgumentKind.AMOUNT, "amounts"),
        (ArgumentKind.IDENTIFIER, "ids"),
    ):
        have, want = set(tool.paths(kind)) - maybe, set(expect.get(key, ()))
        if have != want:
            wrong.append(f"{key}: {sorted(have)}, expected {sorted(want)}")
    return wrong
