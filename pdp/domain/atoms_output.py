"""Reading what a tool returned: its text, its whole scalar values, and its records."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeAlias

from pdp.domain.atoms import normalise

#: Values of one output that are looked at; beyond it is a dump of which no value is chosen by hand.
MAX_VALUES: Final = 30_000
#: Different lines that are read for values; each gives an atom or more.
MAX_LINES: Final = 10_000
#: A longer line is prose.
_MAX_LINE: Final = 512
#: Records of one output that can be known by a name the principal gave them.
MAX_RECORDS: Final = 1_000
#: Fields of one record that can name it or be named with it.
_MAX_FIELDS: Final = 64
#: A value longer than this is prose and no value of a field.
_MAX_CELL: Final = 4096
#: What NFKC may make of one character (up to 18) must not make a long output of a short one.
_MAX_GROWTH: Final = 2
_CHUNK: Final = 65_536

_QUOTED = re.compile(r"'(?<!\w')([^'\n]{1,200})'(?!\w)|\"(?<!\w\")([^\"\n]{1,200})\"(?!\w)")
_INLINE = re.compile(r"['\"]:[ ]?([0-9]{1,20}(?:\.[0-9]{1,20})?)(?=[,}])")
_ITEM = re.compile(r"^([ ]{0,8})- (?=[\w\"'-]{1,64}:(?:[ \n]|$))", re.M)
_FIELD = re.compile(r"([\w\"' -]{1,64}):[ ]+(\S[^\n]{0,255})")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


#: The values of one object with the names of their fields.
Record: TypeAlias = list[tuple[str, str]]
#: One object that holds a link: its short values, those of objects in it too, and its texts.
Linking: TypeAlias = tuple[Record, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """An output taken apart: running text, other text, whole values, records.

    `complete` is False where the output holds more than is looked at. `whole` is its JSON, or the
    fields that it begins with. `linking` are the records that hold a link.
    """

    prose: str
    text: str
    cells: list[str]
    records: list[Record]
    complete: bool
    whole: Any = None
    linking: Sequence[Linking] = ()


def read_output(raw: bytes, media_type: str) -> Reading:
    """Take an output apart. Never fails: what is no JSON is read as lines, tables and prose.

    `media_type` is what the tool says about it; JSON is recognised without being said.
    """
    text = raw.decode("utf-8", "replace")
    seen, complete = _normalised(text)
    value = _json(text) if text.lstrip()[:1] in ("{", "[", '"') or "json" in media_type else None
    if value is None:
        if "\\" in seen:
            seen += "\n" + _unescaped(seen)
        lines = _read_lines(seen)
        items = list(_items_of_text(seen)) if "- " in seen else []
        return Reading(
            lines.prose,
            lines.rest,
            lines.cells,
            [record for record, _ in items if len(record) > 1],
            complete and lines.complete,
            _fields_of_text(seen),
            [item for item in items if "://" in item[1]],
        )
    return _read_json(value, complete)


def _normalised(text: str) -> tuple[str, bool]:
    """The text as a reader sees it, and whether that is all of it."""
    if text.isascii() or unicodedata.is_normalized("NFKC", text):
        return normalise(text), True
    room = _MAX_GROWTH * len(text) + _CHUNK
    parts: list[str] = []
    for start in range(0, len(text), _CHUNK):
        parts.append(normalise(text[start : start + _CHUNK]))
        room -= len(parts[-1])
        if room < 0:
            return "".join(parts), False
    return "".join(parts), True


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _unescaped(text: str) -> str:
    """The text with the escapes of JSON undone, as far as they can hide an address."""
    parts = _ESCAPED.split(text)
    parts[1::2] = [chr(int(code, 16)) for code in parts[1::2]]
    return normalise("".join(parts).replace("\\/", "/").replace("\\n", "\n").replace('\\"', '"'))


def _read_json(value: Any, complete: bool) -> Reading:
    texts: list[str] = []
    cells: list[str] = []
    records: list[Record] = []
    linking: list[Linking] = []
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
            if len(records) < MAX_RECORDS and len(below) > 1:
                fields = islice(node.items(), _MAX_FIELDS)
                found = [(key, one) for key, one in fields if isinstance(one, str)]
                records.append([(key, one) for key, one in found if len(one) < 256])
                if links := "\n".join(one for _, one in found if "://" in one):
                    linking.append(([*records[-1], *_inner_fields(node)], links))
            texts.extend(node)
            pending.extend(reversed(below))
        elif isinstance(node, list):
            pending.extend(reversed(node))
        elif isinstance(node, str) and node not in unwrapped:
            cells.append(node)
    distinct = list(dict.fromkeys(cells))
    flat = [normalise(cell) for cell in distinct if "\n" not in cell and len(cell) <= _MAX_CELL]
    long = normalise("\n".join(cell for cell in distinct if "\n" in cell or len(cell) > _MAX_CELL))
    lines = _read_lines(long)
    prose = "\n".join((lines.prose, *(cell for cell in flat if cell.count(" ") > 1)))
    rest = "\n".join(
        (lines.rest, *(cell for cell in flat if cell.count(" ") < 2), *dict.fromkeys(texts))
    )
    flat.extend(lines.cells)
    return Reading(
        "\n".join((prose, *(part.prose for part in inner))),
        "\n".join((rest, *(part.text for part in inner))),
        [*flat, *(cell for part in inner for cell in part.cells)],
        [*records, *(record for part in inner for record in part.records)],
        complete and lines.complete and not pending and all(part.complete for part in inner),
        inner[0].whole if len(inner) == 1 else value,
        [*linking, *(one for part in inner for one in part.linking)],
    )


def _inner_fields(node: dict[str, Any]) -> Record:
    """The short values of the objects in an object, under the names of both."""
    return [
        (f"{key} {name}", value)
        for key, below in islice(node.items(), _MAX_FIELDS)
        if isinstance(below, dict)
        for name, value in islice(below.items(), _MAX_FIELDS)
        if isinstance(value, str) and len(value) < 256
    ]


def _enveloped(value: Any) -> tuple[str, ...]:
    """The texts of an MCP tool result (`{"content": [{"type": "text", "text": …}]}`)."""
    content = value.get("content") if isinstance(value, dict) else value
    if not isinstance(content, list) or not content:
        return ()
    parts = [one for one in content if isinstance(one, dict) and one.get("type") == "text"]
    texts = tuple(one["text"] for one in parts if isinstance(one.get("text"), str))
    return texts if len(texts) == len(parts) else ()


@dataclass(frozen=True, slots=True)
class _Lines:
    prose: str
    rest: str
    cells: list[str]
    complete: bool


def _read_lines(text: str) -> _Lines:
    """Running text apart from the rest, and the values: after a key, items, cells, in quotes."""
    lines: dict[str, None] = {}
    beyond = text
    while beyond and len(lines) <= MAX_LINES:
        some = beyond.split("\n", MAX_LINES)
        beyond = some.pop() if len(some) > MAX_LINES else ""
        lines.update(dict.fromkeys(some))
    prose: list[str] = []
    rest: list[str] = []
    cells: list[str] = []
    for line in islice(lines, MAX_LINES):
        bare = line.strip().removeprefix("- ")
        if not bare:
            continue
        key = bare.find(":", 0, 42)
        value = bare[key + 1 :].lstrip() if key > 0 and bare[key + 1 : key + 2] in _GAP else bare
        several = value.find(" ", value.find(" ") + 1) > 0
        if value is bare and several:
            is_prose = not _is_row(bare)
        else:
            is_prose = several or (value is bare and line[0] == " " and line.find("- ") < 0)
        (prose if is_prose else rest).append(line)
        if len(value) < _MAX_LINE:
            cells.append(value.strip("'\""))
            if not is_prose or "," in value:
                cells.extend(_cells_of_row(value))
    prose.extend(islice(lines, MAX_LINES, None))
    prose.append(beyond)
    if "'" in text or '"' in text:
        cells.extend(found[1] or found[2] for found in islice(_QUOTED.finditer(text), MAX_LINES))
        cells.extend(found[1] for found in islice(_INLINE.finditer(text), MAX_LINES))
    return _Lines("\n".join(prose), "\n".join(rest), cells, len(lines) <= MAX_LINES)


_GAP: Final = (" ", "\t", "")


def _is_row(line: str) -> bool:
    """A row of a table, or an object written in one line."""
    if line[0] in "{[|" or line.count("|") > 1 or line.count("\t") > 1:
        return True
    return line.count(",") - line.count(", ") > 1


def _cells_of_row(value: str) -> list[str]:
    for separator in ("\t", "|", ",", ";"):
        if separator in value and (separator != "," or value.count(",") > 1):
            return [part for cell in value.split(separator) if (part := cell.strip(" '\""))]
    return []


def _fields_of_text(text: str) -> dict[str, str]:
    """The `key: value` lines at the margin of a text that begins with one."""
    fields: dict[str, str] = {}
    for line in text[:_CHUNK].split("\n", _MAX_FIELDS)[:_MAX_FIELDS]:
        match = _FIELD.fullmatch(line)
        if match is not None and line[0] not in " -":
            fields.setdefault(match[1].strip(" '\""), match[2].rstrip().strip("'\""))
        elif not fields:
            break
    return fields


def _items_of_text(text: str) -> Iterator[tuple[Record, str]]:
    """The items of a YAML-like list: `- key: value` and the lines aligned under it, and the text.

    A line further in belongs to a longer value and is never a field or an item.
    """
    starts = list(islice(_ITEM.finditer(text), MAX_RECORDS + 1))
    starts = [start for start in starts if start[1] == starts[0][1]]
    for at, start in enumerate(starts[:MAX_RECORDS]):
        end = starts[at + 1].start() if at + 1 < len(starts) else len(text)
        indent = " " * (len(start[1]) + 2)
        item = text[start.end() : min(end, start.end() + 16_384)]
        lines = item.split("\n")
        fields = [lines[0]] + [
            line[len(indent) :]
            for line in lines[1:]
            if line.startswith(indent) and line[len(indent) : len(indent) + 1] not in (" ", "")
        ]
        record = [
            (match[1].strip(" '\""), match[2].rstrip().strip("'\""))
            for field in fields[:_MAX_FIELDS]
            if (match := _FIELD.fullmatch(field)) is not None
        ]
        yield record, item
