"""YAML as its JSON subset plus plain scalars: no tags, no anchors, no aliases, no surprises.

Only `true`, `false`, `null` and decimal numbers mean anything but text, so `mode: off` and
`country: no` hold what they look like.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from pdp.domain.canonical import JsonValue

#: Far deeper than anybody writes; the loader and OPA's own visitors recurse.
NESTING_LEVELS: Final = 64


class YamlRefused(ValueError):
    """The text is not YAML of this kind; the message names the line."""


class _Loader(yaml.CSafeLoader):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - as in the base class

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse keys that are not text, and the same key twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                raise _at(key, f"the key {key.value!r} is not text; quote it")
            if key.value in seen:
                raise _at(key, f"the key {key.value!r} appears twice")
            seen.add(key.value)
        return dict(super().construct_mapping(node, deep=deep))


def _at(node: Any, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _finite(loader: _Loader, node: Any) -> float:
    number = float(loader.construct_scalar(node))
    if not math.isfinite(number):
        raise _at(node, f"the number {node.value} is outside the range of a double")
    return number


class _Dumper(yaml.CSafeDumper):
    """Never writes anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the interface is PyYAML's
        """The same object twice is written twice."""
        return True


_Loader.add_constructor("tag:yaml.org,2002:float", _finite)
for _tag, _pattern, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    # Up to 64 digits, as in arguments; Python refuses thousands with an error of its own.
    ("int", r"-?(?:0|[1-9][0-9]{0,63})", list("-0123456789")),
    (
        "float",
        r"-?(?:0|[1-9][0-9]{0,63})(?:\.[0-9]{1,64})?(?:[eE][-+]?[0-9]{1,3})?",
        list("-0123456789"),
    ),
):
    for _reader_or_writer in (_Loader, _Dumper):
        # The writer has to quote what either kind of reader would take for something else.
        _reader_or_writer.add_implicit_resolver(
            f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern})\Z"), _first
        )


def write_yaml(value: object) -> str:
    """YAML that `read_yaml` reads back as it is.

    Everything outside ASCII is written as an escape, so that no text can hide characters from the
    person who reviews it.
    """
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=100)
    return text


def read_yaml(raw: bytes, *, nesting: int = NESTING_LEVELS) -> JsonValue:
    """The value of one document; None where there is nothing but comments.

    Raises:
        YamlRefused: not UTF-8, not one YAML document of this kind, or nested too deep.
    """
    try:
        text = raw.decode("utf-8")
        _check_events(text, nesting)
        value: JsonValue = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except UnicodeDecodeError as error:
        raise YamlRefused(f"not UTF-8 at byte {error.start}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise YamlRefused(f"{where}{getattr(error, 'problem', None) or 'not YAML'}") from None
    return value


def _check_events(text: str, nesting: int) -> None:
    """Refuse what is only visible before values are built, or would cost too much to build."""
    depth = 0
    events: Iterator[Any] = yaml.parse(text, Loader=yaml.CSafeLoader)
    for event in events:
        where = f"line {event.start_mark.line + 1}"
        if getattr(event, "anchor", None) is not None:
            raise YamlRefused(f"{where}: anchors and aliases are not allowed; write it out")
        if getattr(event, "tag", None) is not None:
            raise YamlRefused(f"{where}: the tag {event.tag!r} is not allowed; leave it out")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > nesting:
            raise YamlRefused(f"{where}: nested deeper than {nesting} levels")
