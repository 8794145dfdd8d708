"""A tool's definition as an MCP server lists it, cut into words and arguments for inference."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pdp.domain.catalogue import escape, escape_star
from pdp.domain.vocabulary import MODIFIERS, NOUNS_TOO, STRONG_VERBS, words

#: Deeper arguments than this have no path of their own and share that of the object around them.
MAX_DEPTH = 5

#: More arguments than this in one tool are a generated schema; the rest stay undeclared.
MAX_FIELDS = 400

#: A description says what a tool does in its first sentences; some go on for whole manuals.
MAX_DESCRIPTION = 4000

#: A schema that refers to itself is followed this far.
_MAX_REFERENCES = 8

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+(?:[0-9]+[a-z]*)?|[0-9]+")
_SINGULAR_AS_IS = words(
    "status address access process canvas news sms dns https aws s3 series class business analysis "
    "basis alias bonus bus gas js css cors has is this always kubernetes k8s sentry redis"
)
_SHORT_PLURALS = words("ids prs dms vms pdfs")
PREPOSITIONS = words("to from in on for by with of at into onto as via using under")


@dataclass(frozen=True, slots=True)
class Field:
    """One argument: its path in the catalogue, and what its schema says about it.

    `words` are those of its own name, singular and in lower case; `types` are JSON Schema types,
    those of the items where it is an array; `choice` says that only listed values are allowed.
    """

    path: str
    words: tuple[str, ...]
    types: frozenset[str]
    format: str
    choices: tuple[Any, ...]
    description: str
    required: bool
    is_array: bool

    @property
    def head(self) -> str:
        """The last word of the name, which says what it is."""
        return self.words[-1] if self.words else ""

    @property
    def label(self) -> str:
        """The words of the name, joined."""
        return "_".join(self.words)

    @property
    def is_numeric(self) -> bool:
        """Whether it holds numbers and nothing else."""
        return bool(self.types) and self.types <= {"integer", "number"}

    @property
    def is_free(self) -> bool:
        """Whether it takes an object with any members."""
        return "object" in self.types


@dataclass(frozen=True, slots=True)
class Definition:
    """One tool as `tools/list` gives it, with its name cut into words.

    `grouped` says that the first word is what several tools of the server are about, whatever else
    it could mean (`remind_add`, `remind_drop`).
    """

    name: str
    words: tuple[str, ...]
    description: str
    annotations: Mapping[str, Any]
    schema: Mapping[str, Any]
    fields: tuple[Field, ...]
    grouped: bool = False

    @property
    def nouns(self) -> frozenset[str]:
        """The singular words of the name."""
        return frozenset(singular(word) for word in self.words)

    @property
    def object_head(self) -> str:
        """What the tool acts on: the last word before a preposition (`send_email_to_user`)."""
        for index, word in enumerate(self.words):
            if word in PREPOSITIONS and index > 1:
                return singular(self.words[index - 1])
        if self._ends_with_its_verb():
            return singular(self.words[-2])
        return singular(self.words[-1]) if self.words else ""

    def _ends_with_its_verb(self) -> bool:
        """Whether the name has the verb behind what it acts on (`comment_create`)."""
        if len(self.words) < 2 or self.words[-1] not in STRONG_VERBS.keys() | {"schedule"}:
            return False
        return self.words[0] not in STRONG_VERBS or self.words[0] in NOUNS_TOO or self.grouped


def read_definition(
    name: str,
    description: str,
    schema: Mapping[str, Any],
    annotations: Mapping[str, Any],
    groups: Collection[str] = (),
) -> Definition:
    """Cut a definition into words and arguments. Reads whatever shape the schema has.

    `groups` are the words that several names of the server begin with, what they are about.
    """
    telling = telling_words(name)
    return Definition(
        name=name,
        words=telling,
        description=" ".join(description[:MAX_DESCRIPTION].split()),
        annotations=annotations,
        schema=schema,
        fields=tuple(_fields(schema)),
        grouped=len(telling) > 1 and telling[0] in groups,
    )


def telling_words(name: str) -> tuple[str, ...]:
    """The words of a tool's name from the first that says what it does."""
    tokens = split_words(name)
    start = next((at for at, word in enumerate(tokens) if word not in MODIFIERS), 0)
    return tokens[start:]


def split_words(name: str) -> tuple[str, ...]:
    """The words of a snake, camel, kebab or dotted name, in lower case."""
    return tuple(word.lower() for word in _WORD.findall(name))


def singular(word: str) -> str:
    """The singular of an English noun, by its ending."""
    if word in _SHORT_PLURALS:
        return word[:-1]
    if len(word) < 4 or word in _SINGULAR_AS_IS or not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1]


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    return islice(_walk(schema, schema, "", depth=1, required=True), MAX_FIELDS)


def _walk(
    root: Mapping[str, Any], schema: Mapping[str, Any], prefix: str, *, depth: int, required: bool
) -> Iterator[Field]:
    listed = schema.get("required")
    names = set(listed) if isinstance(listed, list) and all(map(_is_text, listed)) else set()
    for name, raw in _properties(schema).items():
        path = prefix + escape_star(escape(name))
        needed = required and name in names
        found, described = _resolve(root, raw)
        below, step = found, "/"
        is_array = "array" in _types(found)
        if is_array:
            below, item_description = _resolve(root, found.get("items", {}))
            described, step = described or item_description, "/*/"
        if _properties(below) and depth < MAX_DEPTH:
            yield from _walk(root, below, path + step, depth=depth + 1, required=needed)
            continue
        choices = below.get("enum", [below["const"]] if "const" in below else ())
        yield Field(
            path=path,
            words=tuple(singular(word) for word in split_words(name)),
            types=_types(below),
            format=str(below.get("format", "")),
            choices=tuple(choices) if isinstance(choices, list) else (),
            description=described,
            required=needed,
            is_array=is_array,
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties of an object schema, those of `allOf` included."""
    found: dict[str, Any] = {}
    parts = schema.get("allOf")
    for part in [schema, *(parts if isinstance(parts, list) else [])]:
        properties = part.get("properties") if isinstance(part, Mapping) else None
        if isinstance(properties, Mapping):
            found.update(properties)
    return found


def _resolve(root: Mapping[str, Any], raw: object) -> tuple[Mapping[str, Any], str]:
    """A schema with local references followed and `null` alternatives dropped; its description."""
    description = ""
    for _ in range(_MAX_REFERENCES):
        if not isinstance(raw, Mapping):
            return {}, description
        if not description and isinstance(raw.get("description"), str):
            description = " ".join(raw["description"][:MAX_DESCRIPTION].split())
        reference = raw.get("$ref")
        if isinstance(reference, str):
            raw = _follow(root, reference)
            continue
        alternatives = raw.get("anyOf", raw.get("oneOf"))
        if not isinstance(alternatives, Sequence) or isinstance(alternatives, str):
            return raw, description
        real = [one for one in alternatives if not _is_null(one)]
        if len(real) != 1:
            return _union(root, real), description
        raw = real[0]
    return {}, description


def _union(root: Mapping[str, Any], alternatives: Sequence[Any]) -> Mapping[str, Any]:
    """Several alternatives as one schema: their types, and their values where all list values."""
    resolved = [
        _follow(root, one["$ref"]) if isinstance(one.get("$ref"), str) else one
        for one in alternatives
        if isinstance(one, Mapping)
    ]
    types = sorted({kind for one in resolved for kind in _types(one)})
    union: dict[str, Any] = {"type": types}
    if "array" in types:
        items = [one.get("items", {}) for one in resolved if "array" in _types(one)]
        scalars = [one for one in resolved if "array" not in _types(one)]
        if not scalars or all(not _properties(one) for one in scalars):
            union["items"] = items[0] if len(items) == 1 else {}
    values = [_choices(one) for one in resolved]
    if values and all(values):
        union["enum"] = [value for some in values for value in some]
    formats = {one.get("format") for one in resolved} - {None}
    if len(formats) == 1:
        union["format"] = formats.pop()
    return union


def _choices(schema: Mapping[str, Any]) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    values = schema.get("enum")
    return values if isinstance(values, list) else []


def _follow(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    """The part of the schema that a local reference names (RFC 6901, section 6)."""
    if not reference.startswith("#/"):
        return {}
    found: Any = root
    for token in reference[2:].split("/"):
        if not isinstance(found, Mapping):
            return {}
        found = found.get(token.replace("~1", "/").replace("~0", "~"), {})
    return found if isinstance(found, Mapping) else {}


def _is_null(schema: object) -> bool:
    return isinstance(schema, Mapping) and schema.get("type") == "null"


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    if isinstance(kind, list):
        return frozenset(one for one in kind if isinstance(one, str) and one != "null")
    if "properties" in schema:
        return frozenset({"object"})
    return frozenset({"array"}) if "items" in schema else frozenset()
