"""The tool catalogue: what is known about every tool, and how a call finds its entry.

An entry is data of the signed bundle. Fields that an import guessed are named in `Tool.inferred`
together with what the guess rests on; a guess without grounds holds the worst value and is listed
by `Tool.ungrounded`, so that policy can hold up a call where only that guess stands in the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pdp.domain.limits import InvalidInput, shown
from pdp.domain.names import check_server_name, check_tool_name
from pdp.domain.resource import ResourceRule, derive_id

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue
    from pdp.domain.values import OutputLabel, Sensitivity, ToolClass

#: Calls of this server are the PDP's own built-in tools and never come from a catalogue.
RESERVED_SERVER = "pdp"

#: The type of the resource of a call whose tool has no usable resource rule.
TOOL_RESOURCE = "tool"


class CatalogueError(ValueError):
    """A catalogue that cannot be used; the message names the entry and what to change."""


class ArgumentKind(StrEnum):
    """What an argument decides; this is all that the provenance rules need to tell apart.

    sink: where the effect goes or what it reaches (recipient, account, URL, path, channel,
    command). Also everything about which nothing better is known.
    amount: how large the effect is (money, quantity).
    identifier: which existing thing, by a name its server minted (`event_id`, issue number, SHA).
    content: text and data that are carried, not followed (body, title, query).
    option: a choice that can neither name a party nor carry text (enumeration, flag, page, date).
    """

    SINK = "sink"
    AMOUNT = "amount"
    IDENTIFIER = "identifier"
    CONTENT = "content"
    OPTION = "option"


class ValueType(StrEnum):
    """What kind of value an argument holds, as far as its definition says; `text` if it does not.

    It chooses how the value is compared as a typed atom and what its resource is called. `power` is
    a flag or choice that can open something to everybody.
    """

    TEXT = "text"
    EMAIL = "email"
    URL = "url"
    DOMAIN = "domain"
    PATH = "path"
    ACCOUNT = "account"
    PHONE = "phone"
    CHANNEL = "channel"
    PERSON = "person"
    REPOSITORY = "repository"
    COMMAND = "command"
    SECRET = "secret"  # noqa: S105 - a type of value
    NUMBER = "number"
    DATE = "date"
    IDENTIFIER = "identifier"
    POWER = "power"


@dataclass(frozen=True, slots=True)
class ArgumentRole:
    """What one argument decides, and what kind of value it holds."""

    kind: ArgumentKind
    holds: ValueType = ValueType.TEXT


@dataclass(frozen=True, slots=True)
class ArgumentValue:
    """A leaf of a call's arguments: its RFC 6901 pointer, its value, and its declared role.

    `role` is None for an argument that the catalogue does not declare. The value is a scalar or an
    empty container. `beneath` is the innermost member name on the way to it that the catalogue does
    not know, empty where it knows all.
    """

    pointer: str
    value: JsonValue
    role: ArgumentRole | None
    beneath: str = ""


@dataclass(frozen=True, slots=True)
class DerivedResource:
    """The resource of a call. `from_arguments` is False where it is the tool itself."""

    type: str
    id: str
    from_arguments: bool


@dataclass(frozen=True, slots=True)
class Tool:
    """One entry of the catalogue.

    `arguments` maps argument paths to roles. A path is the RFC 6901 pointer into the arguments
    without its leading slash, `*` stands for any item of an array, and a literal `*` in a name is
    written `~2`: `recipients`, `message/to`, `attendees/*/email`. A path covers everything below
    it that has no path of its own. `inferred` maps a field (`class`, `sensitivity`, `output`,
    `reversible`, `egress`, `resource`, `arguments/<path>`) to the grounds of the guess.

    `egress` says that what goes in can reach somebody outside this server's own account: true for
    every send and execute, and for a read that goes out (fetch, web search), which policy treats
    as a send.
    """

    server: str
    name: str
    description: str
    tool_class: ToolClass
    sensitivity: Sensitivity
    output_label: OutputLabel
    reversible: bool
    egress: bool
    arguments_schema: Mapping[str, JsonValue]
    schema_digest: str
    arguments: Mapping[str, ArgumentRole] = field(default_factory=dict)
    resource: ResourceRule | None = None
    inferred: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def has_effect(self) -> bool:
        """Whether a call changes something, or carries something out."""
        return self.tool_class.has_effect or self.egress

    @property
    def ungrounded(self) -> tuple[str, ...]:
        """The guessed fields that rest on nothing, sorted."""
        return tuple(sorted(name for name, grounds in self.inferred.items() if not grounds))

    def paths(self, *kinds: ArgumentKind) -> tuple[str, ...]:
        """The argument paths of these kinds, in declared order."""
        return tuple(path for path, role in self.arguments.items() if role.kind in kinds)


@dataclass(frozen=True, slots=True)
class Found:
    """Exactly one entry answers to the name."""

    tool: Tool


@dataclass(frozen=True, slots=True)
class Unknown:
    """No entry answers to the name (`unknown_tool`)."""

    server: str
    name: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several servers have a tool of this name and the call names none (`tool_ambiguous`)."""

    name: str
    servers: tuple[str, ...]


class Catalogue:
    """All entries, found in constant time by (server, name). Immutable once built."""

    __slots__ = ("_by_key", "_servers")

    def __init__(self, tools: Iterable[Tool] = ()) -> None:
        """Take the entries.

        Raises CatalogueError for two entries of one (server, name), for the reserved server and
        for names that no call could carry.
        """
        by_key: dict[tuple[str, str], Tool] = {}
        servers: dict[str, tuple[str, ...]] = {}
        for tool in tools:
            check_names(tool.server, tool.name)
            if tool.server == RESERVED_SERVER:
                raise CatalogueError(
                    f"tool {tool.name!r}: the server name {RESERVED_SERVER!r} is reserved for "
                    "built-in tools; name the server differently"
                )
            if (tool.server, tool.name) in by_key:
                raise CatalogueError(
                    f"tool {tool.name!r} of server {tool.server!r} appears twice; keep one entry"
                )
            by_key[tool.server, tool.name] = tool
            servers[tool.name] = (*servers.get(tool.name, ()), tool.server)
        self._by_key = by_key
        self._servers = servers

    def __iter__(self) -> Iterator[Tool]:
        """Walk the entries in the order they were given."""
        return iter(self._by_key.values())

    def __len__(self) -> int:
        """How many entries there are."""
        return len(self._by_key)

    def find(self, server: str, name: str) -> Found | Unknown | Ambiguous:
        """Look an entry up; an empty server is fine where one entry has that name.

        Names are compared byte for byte: a name that differs in case or in Unicode form is
        another name, and unknown.
        """
        if not server:
            servers = self._servers.get(name, ())
            if len(servers) > 1:
                return Ambiguous(name, tuple(sorted(servers)))
            if servers:
                return Found(self._by_key[servers[0], name])
            return Unknown(server, name)
        tool = self._by_key.get((server, name))
        return Found(tool) if tool is not None else Unknown(server, name)


def check_names(server: str, name: str) -> None:
    """Raise CatalogueError unless a call could carry both names (the limits of the contract)."""
    try:
        check_server_name(server, "server")
        check_tool_name(name, "name")
    except InvalidInput as error:
        raise CatalogueError(f"tool {shown(name)} of server {shown(server)}: {error}") from error
    if not server:
        raise CatalogueError(f"tool {shown(name)}: server is empty; name the tool's server")


def derive_resource(tool: Tool, arguments: Mapping[str, JsonValue]) -> DerivedResource:
    """Say what a call acts on.

    Where the tool has no rule, or the rule finds an argument missing or unusable, the resource is
    the tool itself, `tool:<server>/<name>`: an intent limited to the resources it needs then does
    not cover the call.
    """
    if tool.resource is not None:
        found = derive_id(tool.resource, arguments)
        if found is not None:
            return DerivedResource(tool.resource.type, found, from_arguments=True)
    return DerivedResource(TOOL_RESOURCE, f"{tool.server}/{tool.name}", from_arguments=False)


def argument_values(tool: Tool, arguments: Mapping[str, JsonValue]) -> list[ArgumentValue]:
    """Every leaf of a call's arguments with the role of the nearest path that covers it.

    Null counts as not given and is left out. The caller has bounded depth and size already.
    """
    found: list[ArgumentValue] = []
    pending: list[tuple[str, str, JsonValue, ArgumentRole | None, str]] = [
        (f"/{escape(name)}", escape_star(escape(name)), value, None, "")
        for name, value in reversed(list(arguments.items()))
    ]
    while pending:
        pointer, path, value, above, beneath = pending.pop()
        role = tool.arguments.get(path)
        role, beneath = (above, beneath) if role is None else (role, "")
        if isinstance(value, Mapping) and value:
            pending.extend(
                (
                    f"{pointer}/{escape(name)}",
                    f"{path}/{escape_star(escape(name))}",
                    below,
                    role,
                    name,
                )
                for name, below in reversed(list(value.items()))
            )
        elif isinstance(value, list | tuple) and value:
            pending.extend(
                (f"{pointer}/{index}", f"{path}/*", value[index], role, beneath)
                for index in range(len(value) - 1, -1, -1)
            )
        elif value is not None:
            found.append(ArgumentValue(pointer, value, role, beneath))
    return found


def escape(name: str) -> str:
    """A name as a reference token of a JSON Pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def escape_star(token: str) -> str:
    """A reference token as a step of an argument path, where a bare `*` means any item."""
    return token.replace("*", "~2")
