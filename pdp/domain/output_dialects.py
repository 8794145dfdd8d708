"""Records as tools print them that write neither JSON nor YAML: Python's literals, Markdown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

#: A longer print is read as lines: quoting it anew takes JSON's encoder 10 ms.
_MAX_PRINTED: Final = 512 * 1024
#: Lines of one Markdown text that are looked at for records.
_MAX_LINES: Final = 4_000
#: Fields of one entry that can name it or be named with it.
_MAX_FIELDS: Final = 64

_PRINTED: Final = re.compile(r"\s*(?:\[\s*)?\{\s*(?:'[^'\n]{1,64}'|\"[^\"\n]{1,64}\")\s*:")
_TOKEN: Final = re.compile(
    r"'((?:[^'\\\n]|\\.)*+)'|\"((?:[^\"\\\n]|\\.)*+)\"|\b(True|False|None)\b|['\"]"
)
_WORDS: Final = {"True": "true", "False": "false", "None": "null"}
_ESCAPED: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
_MEANT: Final = {"n": "\n", "t": "\t", "r": "\r"}

_HEADING: Final = re.compile(r"(#{1,6}) +(\S[^\n]{0,255})")
_BOLD: Final = re.compile(r"[-*] +\*\*([^*\n]{1,255})(?<!:)\*\*(?!:)([^\n]{0,255})")
_FIELD: Final = re.compile(
    r" {0,4}(?:[-*] +)?(?:\*\*([\w' /-]{1,40}):\*\*|\*\*([\w' /-]{1,40})\*\*:|([\w' /-]{1,40}):)"
    r" +(\S[^\n]{0,511})"
)
_ITEM: Final = re.compile(r" {0,8}(?:[-*>|] ?|\d{1,3}\. )")
_ASIDE: Final = re.compile(r"(.{2,200}?) +\(([^()]{1,64})\)")


def python_literal(text: str) -> Any:
    """What `str()` of Python's lists and dictionaries wrote, with numbers as text; else None."""
    if len(text) > _MAX_PRINTED or _PRINTED.match(text) is None:
        return None
    try:
        return json.loads(
            _TOKEN.sub(_quoted, text), parse_int=str, parse_float=str, parse_constant=str
        )
    except (ValueError, RecursionError):
        return None


def _quoted(match: re.Match[str]) -> str:
    if match[3]:
        return _WORDS[match[3]]
    if match[1] is None and match[2] is None:
        # To go on would take a look at the rest of the line for every other one.
        raise ValueError("a quotation mark without another")
    inner = match[1] if match[1] is not None else match[2]
    return json.dumps(_ESCAPED.sub(_unescaped, inner) if "\\" in inner else inner)


def _unescaped(match: re.Match[str]) -> str:
    sign = match[1]
    return chr(int(sign[1:], 16)) if len(sign) > 1 else _MEANT.get(sign, sign)


def markdown_entries(text: str) -> Iterator[list[tuple[str, str]]]:
    """The entries of a Markdown list of things: a heading or a bold item, and its fields.

    Nothing where running text stands between them: whoever wrote that could write entries too.
    What an entry is called is its field `name`, what follows that in parentheses its field `id`.
    """
    entries: dict[str, list[list[tuple[str, str]]]] = {}
    entry: list[tuple[str, str]] | None = None
    for line in text.split("\n", _MAX_LINES)[:_MAX_LINES]:
        bare = line.rstrip()
        if not bare or bare.strip("-") == "":
            continue
        found = _HEADING.fullmatch(bare)
        bold = _BOLD.fullmatch(bare) if found is None else None
        if found is not None or bold is not None:
            level, title = (found[1], found[2]) if found else ("-", bold[1] if bold else "")
            entry = _titled(title)
            entries.setdefault(level, []).append(entry)
            continue
        field = _FIELD.fullmatch(bare)
        if field is None and entry is not None and _ITEM.match(bare) is None:
            return
        if field is not None and entry is not None and len(entry) < _MAX_FIELDS:
            value = field[4].partition(" | ")[0].strip("`'\" ")
            entry.append(((field[1] or field[2] or field[3]).strip(), value))
    for several in entries.values():
        yield from (one for one in several if len(one) > 1)


def _titled(title: str) -> list[tuple[str, str]]:
    bare = title.strip("`* ")
    aside = _ASIDE.fullmatch(bare)
    if aside is None:
        return [("name", bare)]
    return [("name", aside[1].strip("`* ")), ("id", aside[2].strip("`* "))]
