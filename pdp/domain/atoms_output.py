"""Reading what a tool returned: its text, its whole scalar values, and its records."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final, TypeAlias

from pdp.domain.atoms_words import prefix
from pdp.domain.normal_form import HIDDEN, normal_form
from pdp.domain.output_dialects import markdown_entries, python_literal

#: Values of one output that are looked at; beyond it is a dump of which no value is chosen by hand.
MAX_VALUES: Final = 30_000
#: Different values, and different lines that are read for values: as many as atoms that are kept of
#: one output. What stands behind them is not looked at.
MAX_LINES: Final = 8_000
#: Lists and objects of one output; making so many takes JSON's parser 15 ms. More are read as text.
_MAX_NODES: Final = 60_000
#: Quotation marks of one text; twice as many as its values have.
_MAX_QUOTES: Final = 4 * MAX_LINES
#: Texts of one MCP tool result.
_MAX_PARTS: Final = 64
#: JSON in JSON has its escapes escaped.
_MAX_LEVELS: Final = 3
#: Escaped characters of what is no JSON but looks like it, where not all are well-formed; and words
#: with escapes that are kept as they were.
_MAX_ESCAPED: Final = 5_000
#: Characters that are brought into form NFKC, besides those that are in it already and punctuation
#: that is common in Chinese and Japanese; for some it takes 100 ns each.
_MAX_EXOTIC: Final = 192 * 1024
#: A longer line is prose.
_MAX_LINE: Final = 512
#: Records of one output that can be known by a name the principal gave them.
MAX_RECORDS: Final = 1_000
#: Fields of one record that can name it or be named with it.
_MAX_FIELDS: Final = 64
#: A value longer than this is prose and no value of a field.
_MAX_CELL: Final = 4096
#: Where more than every eighth of some characters is none, it is no text, or one in another
#: encoding; of that so many bytes are looked at.
_MOST_BROKEN: Final = 8
_SAMPLE: Final = 4096
_BINARY: Final = 64 * 1024
#: NFKC makes up to 18 characters of one: what comes of so many at once counts.
_CHUNK: Final = 32_768
#: What NFKC makes of characters that are common in texts which are otherwise in that form.
_COMMON: Final = {
    **{chr(0xFEE0 + ord(mark)): mark for mark in ",.:;!?()/-~"},
    "\u3000": " ",
    "\u00a0": " ",
    "\u2026": "...",
}

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
    fields that it begins with. `linking` are the records that hold a link. `parsed` says that it
    is JSON, or a Python literal.
    """

    prose: str
    text: str
    cells: list[str]
    records: list[Record]
    complete: bool
    whole: Any = None
    linking: Sequence[Linking] = ()
    parsed: bool = False


def read_output(raw: bytes, media_type: str) -> Reading:
    """Take an output apart. Never fails: what is no JSON is read as lines, tables and prose.

    `media_type` is what the tool says about it; JSON is recognised without being said.
    """
    readable = not _is_binary(raw)
    text = (raw if readable else raw[:_BINARY]).decode("utf-8", "replace")
    value = _json(text) if text.lstrip()[:1] in ("{", "[", '"') or "json" in media_type else None
    if value is not None:
        return _read_json(value)
    seen, complete = _normalised(text)
    escaped = _Lines([], [], {}, True)
    if "\\" in seen:
        seen, escaped = _with_unescaped(seen)
    lines = _read_lines(seen)
    items = list(_items_of_text(seen)) if "- " in seen else []
    records = [record for record, _ in items if len(record) > 1]
    if not records and ("**" in seen or "# " in seen):
        records = list(islice(markdown_entries(seen), MAX_RECORDS))
    return Reading(
        "\n".join(lines.prose + escaped.prose),
        "\n".join(lines.rest + escaped.rest),
        list(lines.cells),
        records,
        readable and complete and escaped.complete and lines.complete,
        _fields_of_text(seen),
        [item for item in items if "://" in item[1]],
    )


def _is_binary(raw: bytes) -> bool:
    """Whether these are no characters, or characters in another encoding."""
    if len(raw) <= _BINARY or raw.isascii():
        return False
    # Two places: what comes after some text is as slow to read.
    return any(
        raw[at : at + _SAMPLE].decode("utf-8", "replace").count("\ufffd") > _SAMPLE // _MOST_BROKEN
        for at in (0, len(raw) // 2)
    )


def _normalised(text: str) -> tuple[str, bool]:
    """The text as a reader sees it, and whether that is all of it."""
    if text.isascii():
        return text, True
    room = _MAX_EXOTIC
    parts: list[str] = []
    for start in range(0, len(text), _CHUNK):
        part = HIDDEN.sub("", text[start : start + _CHUNK])
        if not unicodedata.is_normalized("NFKC", part):
            for written, seen in _COMMON.items():
                part = part.replace(written, seen)
            if not unicodedata.is_normalized("NFKC", part):
                if room <= 0:
                    return "".join(parts), False
                part = normal_form("NFKC", part)
                room -= len(part)
        parts.append(part)
    return "".join(parts), True


def _json(text: str) -> Any:
    if text.count("{") + text.count("[") > _MAX_NODES:
        return None
    try:
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return python_literal(text)


def _with_unescaped(text: str) -> tuple[str, _Lines]:
    """The text with the escapes of JSON undone, as far as they can hide an address, and as it was.

    Of a long line, no value of which is the whole of it, only the words with escapes are kept as
    they were, apart from the text.
    """
    kept = _Lines([], [], {}, True)
    complete = True
    short: list[str] = []
    for line in text.split("\n"):
        if "\\" in line and len(line) < _MAX_LINE:
            short.append(line)
        elif "\\" in line:
            words = kept.prose if _value_of(line)[1] else kept.rest
            some = line.split(None, _MAX_ESCAPED)
            words.extend([word for word in some[:_MAX_ESCAPED] if "\\" in word])
            complete = complete and len(some) <= _MAX_ESCAPED
    undone = text
    for _ in range(_MAX_LEVELS):
        undone = undone.replace("\\\\", "\\")
    undone, all_undone = _undone(undone)
    undone = undone.replace("\\/", "/").replace("\\n", "\n").replace('\\"', '"')
    # The marks that came of escapes are no part of other characters; letters may be.
    seen, whole = _normalised(undone) if "\\u" in text else (undone, True)
    return "\n".join((seen, *short)), replace(kept, complete=complete and all_undone and whole)


def _undone(text: str) -> tuple[str, bool]:
    try:
        # Where there is one escape there are often a hundred thousand.
        return text.encode("ascii").decode("raw_unicode_escape"), True
    except UnicodeError:
        parts = _ESCAPED.split(text, _MAX_ESCAPED)
    parts[1::2] = [chr(int(code, 16)) for code in parts[1::2]]
    return "".join(parts), _ESCAPED.search(parts[-1]) is None


def _read_json(value: Any) -> Reading:
    envelope = _enveloped(value)
    inner = [read_output(part.encode("utf-8", "replace"), "") for part in envelope[:_MAX_PARTS]]
    names: dict[str, Any] = {}
    cells: dict[str, None] = {}
    records: list[Record] = []
    linking: list[Linking] = []
    pending: list[Any] = [[value]]
    visited = 0
    while pending and visited < MAX_VALUES and len(cells) <= MAX_LINES:
        node = pending.pop()
        if isinstance(node, dict):
            if len(records) < MAX_RECORDS and len(node) > 1:
                fields = islice(node.items(), _MAX_FIELDS)
                found = [(key, one) for key, one in fields if isinstance(one, str)]
                records.append([(key, one) for key, one in found if len(one) < 256])
                if links := "\n".join(one for _, one in found if "://" in one):
                    linking.append(([*records[-1], *_inner_fields(node)], links))
            names.update(node)
            node = list(node.values())
        visited += 1 + len(node)
        if visited > MAX_VALUES:
            node = node[: MAX_VALUES - visited]
        cells.update(dict.fromkeys([one for one in node if one.__class__ is str]))
        pending.extend([one for one in reversed(node) if one.__class__ in (dict, list)])
    for text in envelope:
        cells.pop(text, None)
    complete = (
        visited <= MAX_VALUES
        and max(len(cells), len(names)) <= MAX_LINES
        and len(envelope) <= _MAX_PARTS
    )
    kept = list(islice(cells, MAX_LINES))
    flat = [cell for cell in kept if "\n" not in cell and len(cell) <= _MAX_CELL]
    long = [cell for cell in kept if "\n" in cell or len(cell) > _MAX_CELL]
    seen, whole = _normalised("\n".join(flat))
    passage, all_of_it = _normalised("\n".join(long))
    flat = seen.split("\n") if flat else []
    lines = _read_lines(passage)
    for cell in flat:
        (lines.prose if cell.count(" ") > 1 else lines.rest).append(cell)
    return Reading(
        "\n".join((*lines.prose, *(part.prose for part in inner))),
        "\n".join((*lines.rest, *islice(names, MAX_LINES), *(part.text for part in inner))),
        [*flat, *lines.cells, *(cell for part in inner for cell in part.cells)],
        [*records, *(record for part in inner for record in part.records)],
        complete and whole and all_of_it and lines.complete and all(p.complete for p in inner),
        inner[0].whole if len(inner) == 1 else value,
        [*linking, *(one for part in inner for one in part.linking)],
        parsed=True,
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
    prose: list[str]
    rest: list[str]
    cells: dict[str, None]
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
    cells: dict[str, None] = {}
    for line in islice(lines, MAX_LINES):
        value, is_prose = _value_of(line)
        if not value and not line.strip():
            continue
        (prose if is_prose else rest).append(line)
        if len(value) < _MAX_LINE:
            cells[value.strip("'\"")] = None
            if (not is_prose or "," in value) and (row := _cells_of_row(value)):
                cells.update(dict.fromkeys(row))
                if len(cells) > MAX_LINES:
                    return _Lines(prose, rest, cells, False)
    if beyond or len(lines) > MAX_LINES:
        return _Lines(prose, rest, cells, False)
    quoting = prefix(text, "'\"", _MAX_QUOTES)
    if "'" in text or '"' in text:
        for pattern in (_QUOTED, _INLINE):
            found = islice(pattern.finditer(quoting), MAX_LINES)
            cells.update(dict.fromkeys([match[match.lastindex or 0] for match in found]))
    complete = len(cells) <= MAX_LINES and len(quoting) == len(text)
    return _Lines(prose, rest, cells, complete)


_GAP: Final = (" ", "\t", "")


def _value_of(line: str) -> tuple[str, bool]:
    """What stands behind the key of a line, if it has one, and whether it is running text."""
    bare = line.strip().removeprefix("- ")
    key = bare.find(":", 0, 42)
    value = bare[key + 1 :].lstrip() if key > 0 and bare[key + 1 : key + 2] in _GAP else bare
    several = value.find(" ", value.find(" ") + 1) > 0
    if value is bare and several:
        return value, not _is_row(bare)
    return value, several or (value is bare and line[:1] == " " and line.find("- ") < 0)


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
