"""`pdp catalogue import`: an MCP server's tool list to a catalogue that a person then reviews."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pdp.catalogue_file import MAX_FILE_BYTES, dump_catalogue, parse_catalogue
from pdp.domain.canonical import parse_object
from pdp.domain.catalogue import RESERVED_SERVER, Catalogue, CatalogueError
from pdp.domain.inference import Urgency, infer_tool, name_groups, review

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdp.domain.catalogue import Tool
    from pdp.domain.inference import ReviewItem

#: The fields that an import guesses in every entry.
_GUESSED: Final = frozenset({"class", "sensitivity", "output", "reversible", "egress"})
_STYLE: Final = {Urgency.DECIDE: "bold red", Urgency.CHECK: "yellow", Urgency.LOOK: "dim"}

catalogue_app = typer.Typer(
    no_args_is_help=True, help="Describe tools: import an MCP server's list."
)


@catalogue_app.callback()
def _catalogue() -> None:
    """Describe tools: import an MCP server's list."""


@catalogue_app.command("import")
def import_tools(
    file: Annotated[Path, typer.Argument(help='An MCP tools/list result: {"tools": […]}.')],
    server: Annotated[
        str, typer.Option("--server", help="The server's name in calls. Default: the file's name.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to write. Default: standard output.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the report as JSON.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace OUT even where a person has decided fields.")
    ] = False,
) -> None:
    """Turn an MCP tools/list result into catalogue YAML, every guess marked as inferred.

    What needs a person's eye is reported on standard error.
    """
    name = server or _server_name(file)
    with file.open("rb") as opened:
        raw = opened.read(MAX_FILE_BYTES + 1)
    tools, left_out, incomplete = read_tools_list(raw, str(file), name)
    text = dump_catalogue(tools)
    if out is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        if not force:
            _refuse_to_overwrite_decisions(out)
        _write(out, text)
    items = review(tools)
    if as_json:
        _report_json(tools, items, left_out, incomplete)
    else:
        _report_table(tools, items, left_out, incomplete)


def read_tools_list(raw: bytes, source: str, server: str) -> tuple[list[Tool], list[str], bool]:
    """The entries for a `tools/list` result, bare or in its JSON-RPC response.

    Also what was left out and why (a tool that no call could name is denied as unknown anyway),
    and whether the server said that the list goes on. Raises InvalidInput for what is not JSON and
    CatalogueError for what is no list of tools.
    """
    document: dict[str, Any] = parse_object(raw, source, limit=MAX_FILE_BYTES)
    result = document.get("result")
    listed = result if isinstance(result, dict) and "tools" not in document else document
    definitions = listed.get("tools")
    if not isinstance(definitions, list):
        raise CatalogueError(f'{source}: no "tools" list; give the result of tools/list')
    if server == RESERVED_SERVER:
        raise CatalogueError(f"the server name {RESERVED_SERVER!r} is reserved; choose another")
    tools: list[Tool] = []
    left_out: list[str] = []
    groups = name_groups(definitions)
    for index, definition in enumerate(definitions, start=1):
        try:
            if not isinstance(definition, dict):
                raise CatalogueError("not an object")
            tools.append(infer_tool(definition, server, groups))
        except CatalogueError as error:
            left_out.append(f"tool {index}: {error}")
    Catalogue(tools)
    return tools, left_out, bool(listed.get("nextCursor"))


def _server_name(file: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", file.stem).strip("-.")
    return "default" if not name or name == RESERVED_SERVER else name


def _refuse_to_overwrite_decisions(out: Path) -> None:
    if not out.exists():
        return
    with out.open("rb") as opened:
        existing = opened.read(MAX_FILE_BYTES + 1)
    for tool in parse_catalogue(existing, str(out)) if existing.strip() else ():
        expected = _GUESSED | {f"arguments/{path}" for path in tool.arguments}
        if not expected <= set(tool.inferred):
            raise CatalogueError(
                f"{out}: a person has decided fields of {tool.name!r}; write to another file, or "
                "give --force to lose them"
            )


def _write(out: Path, text: str) -> None:
    """Replace the file in one step, so that a crash leaves the old one or the new one."""
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def _report_json(
    tools: Sequence[Tool], items: Sequence[ReviewItem], left_out: list[str], incomplete: bool
) -> None:
    report = {
        "tools": len(tools),
        "left_out": left_out,
        "incomplete": incomplete,
        "review": [asdict(item) | {"urgency": item.urgency.name.lower()} for item in items],
    }
    sys.stderr.write(json.dumps(report, indent=2) + "\n")


def _report_table(
    tools: Sequence[Tool], items: Sequence[ReviewItem], left_out: list[str], incomplete: bool
) -> None:
    console = Console(stderr=True)
    if items:
        table = Table(title="What needs a person's eye", title_justify="left", show_lines=False)
        for column in ("urgency", "tool", "field", "what"):
            table.add_column(column, overflow="fold")
        for item in items:
            table.add_row(
                item.urgency.name.lower(),
                _shown(item.tool),
                _shown(item.field),
                _shown(item.note),
                style=_STYLE[item.urgency],
            )
        console.print(table)
    for line in left_out:
        console.print(f"left out: {_shown(line)}", style="bold red")
    if incomplete:
        console.print("the server has more tools: the list has a nextCursor", style="bold red")
    urgent = sum(item.urgency is Urgency.DECIDE for item in items)
    counted = "1 tool" if len(tools) == 1 else f"{len(tools)} tools"
    console.print(f"{counted}, every field a guess; {urgent} to decide before use")


def _shown(text: str) -> str:
    """Text of a server for a terminal: no control characters, no markup."""
    return escape("".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text))
