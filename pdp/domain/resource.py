"""How the resource of a call is derived from its arguments by a catalogue's rule.

What comes out is matched by globs in which only `/` delimits, so a value must not be able to look
like another one: it is brought to one form for its type, or the derivation fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

import idna

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue

#: Room for a long URL or path; beyond that an identifier is of no use in a glob or a message.
MAX_ID_LENGTH = 4096

#: More targets than this in one call are not something an intent names one by one.
MAX_VALUES = 64

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_TYPE = re.compile(r"[a-z][a-z0-9_-]{0,63}")
# An addr-spec without quoting, comments or display name (RFC 5321, section 4.1.2 "Mailbox"); the
# other forms can hide a second address.
_MAILBOX = re.compile(r"([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+)@([^@\s,;<>\"()\[\]:\\]+)")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PLAIN_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
# The longest domain (RFC 5321, section 4.5.3.1.2, without the root's dot).
_MAX_HOST: Final = 253
_DEFAULT_PORT = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class ResourceRule:
    """A resource type and a template for its id.

    `template` is plain text with placeholders. `{path}` stands for the value of one argument (an
    argument path as in the catalogue) and `{to,cc,bcc}` for the values of several, of which at
    least one must be given. A single value is written as it is, several as a JSON array. The types
    `email`, `url` and `file` are brought to one form.

    Raises ValueError for a type or a template that cannot be used.
    """

    type: str
    template: str
    #: The argument paths of each placeholder, in order.
    placeholders: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what could never derive anything."""
        placeholders = tuple(
            tuple(name.strip() for name in match.split(","))
            for match in _PLACEHOLDER.findall(self.template)
        )
        # The only way into a field of a frozen value; read with every call, so not made anew.
        object.__setattr__(self, "placeholders", placeholders)
        if not _TYPE.fullmatch(self.type):
            raise ValueError(
                f"resource type {self.type!r}: use up to 64 of a-z 0-9 _ -, beginning with a letter"
            )
        if not self.placeholders:
            raise ValueError(
                f"resource id {self.template!r} names no argument; write one as {{argument}}"
            )
        if any(not name for names in self.placeholders for name in names):
            raise ValueError(f"resource id {self.template!r} has an empty placeholder")
        if "{" in _PLACEHOLDER.sub("", self.template) or "}" in _PLACEHOLDER.sub("", self.template):
            raise ValueError(f"resource id {self.template!r} has an unmatched brace")


def derive_id(rule: ResourceRule, arguments: Mapping[str, JsonValue]) -> str | None:
    """The id that the rule gives for these arguments, or None where it cannot give one.

    It cannot when an argument is missing, is neither text nor an integer, is malformed for the
    resource's type, or holds a character that the template itself uses between placeholders.
    """
    placeholders = rule.placeholders
    between = set(_PLACEHOLDER.sub("", rule.template)) if len(placeholders) > 1 else set()
    parts: list[str] = []
    for names in placeholders:
        values: list[str] = []
        for name in names:
            for value in _values_at(arguments, name.split("/")):
                normal = None if len(values) >= MAX_VALUES else _normal(rule.type, value)
                if normal is None:
                    return None
                values.extend(normal)
        if not values or (between and (len(values) > 1 or between & set(values[0]))):
            return None
        distinct = list(dict.fromkeys(values))
        parts.append(distinct[0] if len(distinct) == 1 else _array(distinct))
    remaining = iter(parts)
    derived = _PLACEHOLDER.sub(lambda _: next(remaining), rule.template)
    return derived if len(derived) <= MAX_ID_LENGTH else None


def _array(values: list[str]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _values_at(value: Any, steps: list[str]) -> Iterator[JsonValue]:
    """The values at a path, arrays opened; nothing where null or absent."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _values_at(item, steps[1:] if steps and steps[0] == "*" else steps)
    elif steps:
        name = steps[0].replace("~2", "*").replace("~1", "/").replace("~0", "~")
        if isinstance(value, Mapping):
            if name in value:
                yield from _values_at(value[name], steps[1:])
        elif value is not None:
            # A scalar where the path goes deeper: unusable, and _normal says so for a bool.
            yield False
    elif value is not None:
        yield value


def _normal(resource_type: str, value: JsonValue) -> tuple[str, ...] | None:
    """The value in the one form of its type (several, where one string lists several)."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    if not text or len(text) > MAX_ID_LENGTH or not text.isprintable() or text != text.strip():
        return None
    if resource_type == "email":
        return _mailboxes(text)
    if resource_type == "url":
        url = _url(text)
        return None if url is None else (url,)
    if resource_type == "file":
        path = _path(text)
        return None if path is None else (path,)
    if text.startswith("[") or ".." in re.split(r"[/\\]", text):
        # "[" opens the form of several values; ".." would climb out of what a glob covers.
        return None
    return (text,)


def _mailboxes(text: str) -> tuple[str, ...] | None:
    """Addresses with their domains folded; a comma or semicolon separates several."""
    found: list[str] = []
    for part in re.split(r"[,;]", text):
        match = _MAILBOX.fullmatch(part.strip())
        if match is None:
            return None
        host = _host(match[2])
        if host is None:
            return None
        found.append(f"{match[1]}@{host}")
    return tuple(found)


def _host(host: str) -> str | None:
    """A domain name in its lower-case ASCII form (RFC 5891), or None."""
    # Most are in that form already; with `--` it takes a closer look.
    if len(host) <= _MAX_HOST and "--" not in host and _PLAIN_HOST.fullmatch(host):
        return host
    try:
        encoded = idna.encode(host.rstrip("."), uts46=True).decode("ascii").lower()
    except idna.IDNAError:
        return None
    return encoded or None


def _url(text: str) -> str | None:
    """Scheme, host, port, path and query; without fragment and default port (RFC 3986, 6.2).

    Userinfo, backslashes and spaces are refused: clients disagree on where the host ends.
    """
    if any(character in text for character in '\\ "<>^`{|}'):
        return None
    try:
        split: SplitResult = urlsplit(text)
        port = split.port
    except ValueError:
        return None
    if not split.scheme or not split.hostname or "@" in split.netloc or "%" in split.netloc:
        return None
    host = split.hostname if ":" in split.hostname else _host(split.hostname)
    path = _path(split.path or "/")
    if host is None or path is None or re.search(r"%2e|%2f|%5c", path, re.IGNORECASE):
        return None
    shown = f"[{host}]" if ":" in host else host
    shown += "" if port is None or port == _DEFAULT_PORT.get(split.scheme) else f":{port}"
    return f"{split.scheme}://{shown}{path}" + (f"?{split.query}" if split.query else "")


def _path(text: str) -> str | None:
    """A path without `.` and empty segments; one that climbs with `..` is refused.

    Where `..` leads depends on links that nobody here can see.
    """
    if text.startswith("[") or ("\\" in text and ".." in text):
        return None
    segments = text.split("/")
    if ".." in segments:
        return None
    kept = [segment for segment in segments if segment not in ("", ".")]
    root = "/" if text.startswith("/") else ""
    tail = "/" if kept and text.endswith("/") else ""
    return (root + "/".join(kept) + tail) or "."
