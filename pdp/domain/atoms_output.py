"""Reading what a tool returned: its text, its whole scalar values, and its records."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from pdp.domain.atoms import normalise

#: Values of one output that are looked at; beyond it is a dump of which no value is chosen by hand.
MAX_VALUES: Final = 60_000
#: Fields of one record that can name it or be named with it.
_MAX_FIELDS: Final = 64
#: A value longer than this is prose and no value of a field.
_MAX_CELL: Final = 4096
#: What NFKC may make of one character (up to 18) must not make a long output of a short one.
_MAX_GROWTH: Final = 2

_LINE = re.compile(
    r"^[ \t>*-]{0,40}+(?:[\w ./\"'-]{1,40}?:(?=[ \t])[ \t]*)?+(\S[^\n]{0,511})$", re.M
)
_QUOTED = re.compile(r"(?<!\w)(?:'([^'\n]{1,200})'|\"([^\"\n]{1,200})\")(?!\w)")
_INLINE = re.compile(r"['\"]:[ ]?([0-9]{1,20}(?:\.[0-9]{1,20})?)(?=[,}])")
_ITEM = re.compile(r"^([ ]{0,8})- (?=[\w\"'-]{1,64}:(?:[ \n]|$))", re.M)
_FIELD = re.compile(r"([\w\"' -]{1,64}):[ ]+(\S[^\n]{0,255})")
#: A row of a table, or an object written in a line.
_ROW = re.compile(r"[^,\n]*(?:,(?! )[^,\n]*){2}|\s*[\[{][\"'\w]")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


@dataclass(frozen=True, slots=True)
class Reading:
    """An output taken apart: running text, other text, whole values, records (one object's values).

    `complete` is False where the output holds more than is looked at.
    """

    prose: str
    text: str
    cells: list[str]
    records: list[list[str]]
    complete: bool


def read_output(raw: bytes, media_type: str) -> Reading:
    """Take an output apart. Never fails: what is no JSON is read as lines, tables and prose.

    `media_type` is what the tool says about it; JSON is recognised without being said.
    """
    text = raw.decode("utf-8", "replace")
    seen = normalise(text)
    complete = len(seen) <= _MAX_GROWTH * len(text) + 1024
    seen = seen[: _MAX_GROWTH * len(text) + 1024]
    value = _json(text) if text.lstrip()[:1] in ("{", "[", '"') or "json" in media_type else None
    if value is None:
        if "\\" in seen:
            seen += "\n" + _unescaped(seen)
        prose, rest = _parted(seen.split("\n"))
        return Reading(prose, rest, list(_cells_of_text(seen)), _records_of_text(seen), complete)
    return _read_json(value, complete)


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _unescaped(text: str) -> str:
    """The text with the escapes of JSON undone, as far as they can hide an address."""
    plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return normalise(plain.replace("\\/", "/").replace("\\n", "\n").replace('\\"', '"'))


def _read_json(value: Any, complete: bool) -> Reading:
    texts: list[str] = []
    cells: list[str] = []
    records: list[list[str]] = []
    inner: list[Reading] = []
    envelope = _enveloped(value)
    if envelope:
        inner = [read_output(part.encode("utf-8", "replace"), "") for part in envelope[:64]]
        complete = complete and len(envelope) <= 64
    unwrapped = frozenset(envelope)
    pending = [value]
    visited = 0
    while pending and visited < MAX_VALUES:
        node = pending.pop()
        visited += 1
        if isinstance(node, dict):
            below = list(node.values())
            record = [
                one for one in islice(below, _MAX_FIELDS) if isinstance(one, str) and len(one) < 256
            ]
            if len(record) > 1:
                records.append(record)
            texts.extend(node)
            pending.extend(reversed(below))
        elif isinstance(node, list):
            pending.extend(reversed(node))
        elif isinstance(node, str) and node not in unwrapped:
            cells.append(node)
    prose, rest = _parted(normalise("\n".join((*cells, *texts))).split("\n"))
    flat = [normalise(cell) for cell in cells if len(cell) <= _MAX_CELL]
    for cell in cells:
        if "\n" in cell:
            flat.extend(_cells_of_text(normalise(cell)))
    return Reading(
        "\n".join((prose, *(part.prose for part in inner))),
        "\n".join((rest, *(part.text for part in inner))),
        [*flat, *(cell for part in inner for cell in part.cells)],
        [*records, *(record for part in inner for record in part.records)],
        complete and not pending and all(part.complete for part in inner),
    )


def _parted(lines: list[str]) -> tuple[str, str]:
    """Lines of running text, and the others: fields, items and rows of tables."""
    prose: list[str] = []
    rest: list[str] = []
    for line in lines:
        (prose if _is_prose(line) else rest).append(line)
    return "\n".join(prose), "\n".join(rest)


def _is_prose(line: str) -> bool:
    """Three words or more after a key, or what is indented and has no key; no row of a table."""
    key = line.find(":", 0, 42)
    if key >= 0 and line[key + 1 : key + 2] in (" ", "\t", ""):
        return len(line[key + 1 :].split(None, 3)) > 2
    if len(line.split(None, 3)) < 3:
        return line[:1] == " " and not line.lstrip().startswith("- ")
    return not (line.count("|") > 1 or line.count("\t") > 1 or _ROW.match(line))


def _enveloped(value: Any) -> tuple[str, ...]:
    """The texts of an MCP tool result (`{"content": [{"type": "text", "text": …}]}`)."""
    content = value.get("content") if isinstance(value, dict) else value
    if not isinstance(content, list) or not content:
        return ()
    parts = [one for one in content if isinstance(one, dict) and one.get("type") == "text"]
    texts = tuple(one["text"] for one in parts if isinstance(one.get("text"), str))
    return texts if len(texts) == len(parts) else ()


def _cells_of_text(text: str) -> Iterator[str]:
    """Values after `key:`, list items, table cells, quoted values, and short lines as they are."""
    for line in _LINE.findall(text):
        value = line.rstrip().strip("'\"")
        yield value
        for separator in ("\t", "|", ",", ";"):
            if value.count(separator) > 1 or (separator != "," and separator in value):
                yield from filter(None, (cell.strip(" '\"") for cell in value.split(separator)))
                break
    for single, double in _QUOTED.findall(text):
        yield single or double
    yield from _INLINE.findall(text)


def _records_of_text(text: str) -> list[list[str]]:
    """The items of a YAML-like list: `- key: value` and the lines aligned under its key.

    A line further in belongs to a longer value and is never a field or an item.
    """
    starts = list(islice(_ITEM.finditer(text), MAX_VALUES))
    starts = [start for start in starts if start[1] == starts[0][1]]
    records: list[list[str]] = []
    for at, start in enumerate(starts):
        end = starts[at + 1].start() if at + 1 < len(starts) else len(text)
        indent = " " * (len(start[1]) + 2)
        lines = text[start.end() : min(end, start.end() + 16_384)].split("\n")
        fields = [lines[0]] + [
            line[len(indent) :]
            for line in lines[1:]
            if line.startswith(indent) and line[len(indent) : len(indent) + 1] not in (" ", "")
        ]
        record = [
            match[2].rstrip().strip("'\"")
            for field in fields[:_MAX_FIELDS]
            if (match := _FIELD.fullmatch(field)) is not None
        ]
        if len(record) > 1:
            records.append(record)
    return records
