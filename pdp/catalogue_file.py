"""Catalogues as YAML files: read strictly, written so that a person can review them.

    version: 1
    tools:
    - server: mail
      name: send_email
      class: send                 # read, draft, write, send, execute, admin
      sensitivity: internal       # public, internal, confidential, restricted
      output: untrusted           # trusted, untrusted
      reversible: false
      egress: true
      resource: {type: email, id: "{to,cc}"}
      arguments:
        to: {role: sink, holds: email}
      schema_digest: sha256:…     # optional: computed from name, description, input_schema
      description: …
      input_schema: {…}
      inferred:
        class: ["name:send"]

`pdp.strict_yaml` says what YAML is read.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pdp.domain.canonical import schema_digest
from pdp.domain.catalogue import (
    ArgumentKind,
    ArgumentRole,
    Catalogue,
    CatalogueError,
    Tool,
    ValueType,
)
from pdp.domain.resource import ResourceRule
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass
from pdp.strict_yaml import YamlRefused, read_yaml, write_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pdp.domain.canonical import JsonValue

#: A definition with its schema takes 1 to 4 KiB: room for several thousand tools in one file, and
#: still read in seconds.
MAX_FILE_BYTES: Final = 8 * 1024 * 1024

#: Arguments nest at most 64 deep; a schema needs two levels for each, and a few around it.
MAX_NESTING: Final = 160

FORMAT_VERSION: Final = 1

_REQUIRED: Final = frozenset(
    {"server", "name", "class", "sensitivity", "output", "reversible", "egress", "input_schema"}
)
_OPTIONAL: Final = frozenset({"description", "arguments", "resource", "schema_digest", "inferred"})
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_NAMED: Final = {sensitivity.name.lower(): sensitivity for sensitivity in Sensitivity}
_Member = TypeVar("_Member", bound=Enum)


def load_catalogue(paths: Iterable[Path]) -> Catalogue:
    """Read catalogue files into one catalogue.

    Raises CatalogueError, naming file and entry, for anything that is not a catalogue, and for a
    tool that two files describe.
    """
    tools: list[Tool] = []
    origin: dict[tuple[str, str], Path] = {}
    for path in paths:
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise CatalogueError(f"{path}: cannot be read: {error.strerror}") from error
        for tool in parse_catalogue(raw, str(path)):
            first = origin.setdefault((tool.server, tool.name), path)
            if first is not path:
                raise CatalogueError(
                    f"{path}: tool {tool.name!r} of server {tool.server!r} is already described "
                    f"in {first}; keep one entry"
                )
            tools.append(tool)
    return Catalogue(tools)


def parse_catalogue(raw: bytes, source: str) -> tuple[Tool, ...]:
    """The entries of one catalogue file; `source` names it in errors.

    Raises CatalogueError.
    """
    document = _mapping(_read_yaml(raw, source), source)
    _keys(document, source, required={"version", "tools"}, optional=set())
    if document["version"] != FORMAT_VERSION or isinstance(document["version"], bool):
        raise CatalogueError(f"{source}: version must be {FORMAT_VERSION}")
    tools: list[Tool] = []
    for index, entry in enumerate(_sequence(document["tools"], f"{source}: tools"), start=1):
        tools.append(_tool(_mapping(entry, f"{source}: entry {index}"), source, index))
    try:
        Catalogue(tools)
    except CatalogueError as error:
        raise CatalogueError(f"{source}: {error}") from error
    return tuple(tools)


def dump_catalogue(tools: Iterable[Tool]) -> str:
    """The entries as YAML that parse_catalogue reads back as they are."""
    document = {"version": FORMAT_VERSION, "tools": [_entry(tool) for tool in tools]}
    return write_yaml(document)


def _read_yaml(raw: bytes, source: str) -> Any:
    if len(raw) > MAX_FILE_BYTES:
        raise CatalogueError(
            f"{source}: larger than {MAX_FILE_BYTES // (1024 * 1024)} MiB; split it into files"
        )
    try:
        return read_yaml(raw, nesting=MAX_NESTING)
    except YamlRefused as error:
        raise CatalogueError(f"{source}: {error}") from error


def _tool(entry: Mapping[str, Any], source: str, index: int) -> Tool:
    names = [entry.get(key) for key in ("server", "name")]
    at = f"{source}: entry {index}"
    if all(isinstance(name, str) for name in names):
        at += f" ({names[0]}/{names[1]})"
    _keys(entry, at, required=_REQUIRED, optional=_OPTIONAL)
    description = entry.get("description")
    if description is not None:
        description = _text(description, f"{at}: description")
    schema = _mapping(entry["input_schema"], f"{at}: input_schema")
    name = _text(entry["name"], f"{at}: name")
    arguments = {
        path: _role(role, f"{at}: arguments: {path}")
        for path, role in _mapping(entry.get("arguments", {}), f"{at}: arguments").items()
    }
    digest = entry.get("schema_digest")
    if digest is None:
        digest = schema_digest(name, description, dict(schema))
    elif not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise CatalogueError(
            f"{at}: schema_digest must be sha256: and 64 hexadecimal digits; leave it out to have "
            "it computed"
        )
    return Tool(
        server=_text(entry["server"], f"{at}: server"),
        name=name,
        description=description or "",
        tool_class=_member(ToolClass, entry["class"], f"{at}: class"),
        sensitivity=_sensitivity(entry["sensitivity"], f"{at}: sensitivity"),
        output_label=_member(OutputLabel, entry["output"], f"{at}: output"),
        reversible=_flag(entry["reversible"], f"{at}: reversible"),
        egress=_flag(entry["egress"], f"{at}: egress"),
        arguments_schema=schema,
        schema_digest=digest,
        arguments=arguments,
        resource=_resource(entry.get("resource"), f"{at}: resource"),
        inferred={
            field: tuple(
                _text(ground, f"{at}: inferred: {field}")
                for ground in _sequence(grounds, f"{at}: inferred: {field}")
            )
            for field, grounds in _inferred(entry, arguments, at).items()
        },
    )


def _inferred(
    entry: Mapping[str, Any], arguments: Mapping[str, ArgumentRole], at: str
) -> Mapping[str, Any]:
    """The marks of guesses; one that marks nothing is a misspelling that would hide a guess."""
    fields = {"class", "sensitivity", "output", "reversible", "egress", "resource"}
    known = fields | {f"arguments/{path}" for path in arguments}
    inferred = _mapping(entry.get("inferred", {}), f"{at}: inferred")
    for field in inferred:
        if field not in known:
            raise CatalogueError(f"{at}: inferred: {field!r} is not a field of this entry")
    return inferred


def _role(value: Any, at: str) -> ArgumentRole:
    role = _mapping(value, at)
    _keys(role, at, required={"role"}, optional={"holds"})
    return ArgumentRole(
        _member(ArgumentKind, role["role"], f"{at}: role"),
        _member(ValueType, role.get("holds", ValueType.TEXT.value), f"{at}: holds"),
    )


def _resource(value: Any, at: str) -> ResourceRule | None:
    if value is None:
        return None
    rule = _mapping(value, at)
    _keys(rule, at, required={"type", "id"}, optional=set())
    try:
        return ResourceRule(_text(rule["type"], f"{at}: type"), _text(rule["id"], f"{at}: id"))
    except CatalogueError:
        raise
    except ValueError as error:
        raise CatalogueError(f"{at}: {error}") from error


def _sensitivity(value: Any, at: str) -> Sensitivity:
    found = _NAMED.get(value) if isinstance(value, str) else None
    if found is None or found is Sensitivity.UNSPECIFIED:
        raise CatalogueError(f"{at}: must be public, internal, confidential or restricted")
    return found


def _member(kind: type[_Member], value: Any, at: str) -> _Member:
    for member in kind:
        if isinstance(value, str) and member.value == value:
            return member
    allowed = ", ".join(str(member.value) for member in kind)
    raise CatalogueError(f"{at}: must be one of {allowed}")


def _flag(value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        raise CatalogueError(f"{at}: must be true or false")
    return value


def _text(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise CatalogueError(f"{at}: must be text; quote it")
    return value


def _mapping(value: Any, at: str) -> dict[str, JsonValue]:
    if not isinstance(value, dict):
        raise CatalogueError(f"{at}: must be a mapping")
    return value


def _sequence(value: Any, at: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise CatalogueError(f"{at}: must be a list")
    return value


def _keys(
    mapping: Mapping[str, Any], at: str, *, required: Iterable[str], optional: Iterable[str]
) -> None:
    required = set(required)
    for key in mapping:
        if key not in required and key not in set(optional):
            raise CatalogueError(f"{at}: unknown key {key!r}")
    for key in sorted(required):
        if key not in mapping:
            raise CatalogueError(f"{at}: the key {key!r} is missing")


def _entry(tool: Tool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "server": tool.server,
        "name": tool.name,
        "class": tool.tool_class.value,
        "sensitivity": tool.sensitivity.name.lower(),
        "output": tool.output_label.value,
        "reversible": tool.reversible,
        "egress": tool.egress,
    }
    if tool.resource is not None:
        entry["resource"] = {"type": tool.resource.type, "id": tool.resource.template}
    entry["arguments"] = {
        path: {"role": role.kind.value}
        | ({} if role.holds is ValueType.TEXT else {"holds": role.holds.value})
        for path, role in tool.arguments.items()
    }
    entry["schema_digest"] = tool.schema_digest
    if tool.description:
        entry["description"] = tool.description
    entry["input_schema"] = dict(tool.arguments_schema)
    if tool.inferred:
        entry["inferred"] = {field: list(grounds) for field, grounds in tool.inferred.items()}
    return entry
