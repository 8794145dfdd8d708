"""One bundle on its own: its files as modules, tests, data, settings and catalogues."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pdp.bundle_files import FILE_BYTES, BundleRefused, read_bundle_files
from pdp.domain.canonical import JsonValue, parse_value
from pdp.domain.limits import InvalidInput
from pdp.strict_yaml import YamlRefused, read_yaml

#: The root of the built-in bundle.
BUILTIN_ROOT: Final = "pdp"

_DATA_NAMES: Final = frozenset({"data.json", "data.yaml", "data.yml"})
_SETTINGS_NAMES: Final = frozenset({"settings.yaml", "settings.yml"})
_YAML: Final = (".yaml", ".yml")
_MANIFEST_KEYS: Final = frozenset({"roots", "revision", "rego_version", "metadata"})
# One step of `data.<root>.rules`, and a word that Rego lets nobody else use.
_ROOT: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")
_NOT_ROOTS: Final = frozenset(
    {
        *("as", "contains", "data", "default", "else", "every", "false", "if", "import", "in"),
        *("input", "not", "null", "package", "set", "some", "system", "true", "with"),
    }
)
# White space and comments, then the first statement of every module. What OPA reads as the package
# begins with what this matches, so that a module can only be deeper in its root than it looks.
_PACKAGE: Final = re.compile(
    r"(?:[ \t\r\n]++|#[^\n]*+)*+package[ \t]++"
    r"([A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)*+)[ \t\r]*+(?:\n|#|\Z)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class BundleContent:
    """What a bundle holds. Modules and tests are Rego text by the path that errors name.

    `files` has the SHA-256 of every file that is served from, by its path inside the bundle;
    tests and files of other kinds are not among them.
    """

    path: Path
    root: str
    modules: Mapping[str, str]
    tests: Mapping[str, str]
    data: Mapping[str, JsonValue]
    settings: Mapping[str, JsonValue]
    catalogues: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, str], ...]


def read_content(path: Path) -> BundleContent:
    """Read a bundle in OPA's layout: `.manifest`, `*.rego`, `data.json` or `data.yaml` anywhere.

    Besides, `settings.yaml` at the top, and tool catalogues as `catalogue/*.yaml`.

    Raises:
        BundleRefused: it is not one; the message names the file and what to do.
    """
    # What a signature vouches for are these files, before anything in them is believed.
    files = read_bundle_files(path)
    root = _read_root(path, files)
    modules: dict[str, str] = {}
    tests: dict[str, str] = {}
    data: dict[str, JsonValue] = {}
    settings: Mapping[str, JsonValue] = {}
    catalogues: list[tuple[str, str]] = []
    served: list[tuple[str, str]] = []
    for name, content in files.items():
        where = f"{path}/{name}"
        folder, _, base = name.rpartition("/")
        if name.endswith(".rego"):
            text = _text(content, where)
            package = _package(text, where)
            if package[0] != root:
                raise BundleRefused(
                    f"{where}: package {'.'.join(package)} is outside the bundle's root {root!r}; "
                    f"begin it with {root}"
                )
            if base.endswith("_test.rego") or package[-1].endswith("_test"):
                tests[where] = text
                continue
            modules[where] = text
        elif folder == "catalogue" and base.endswith(_YAML):
            catalogues.append((where, _text(content, where)))
        elif base in _DATA_NAMES:
            _merge(data, _mounted(_document(content, where), folder), where)
        elif name in _SETTINGS_NAMES:
            if settings:
                raise BundleRefused(f"{where}: there are two files of settings; keep one")
            settings = _document(content, where)
        elif name != ".manifest":
            continue
        served.append((name, hashlib.sha256(content).hexdigest()))
    for key in data:
        if key != root:
            raise BundleRefused(
                f"{path}: data {key!r} is outside the bundle's root {root!r}; move it below {root}"
            )
    return BundleContent(
        path=path,
        root=root,
        modules=modules,
        tests=tests,
        data=data,
        settings=settings,
        catalogues=tuple(catalogues),
        files=tuple(served),
    )


def _read_root(path: Path, files: Mapping[str, bytes]) -> str:
    """The one root that `.manifest` claims."""
    where = f"{path}/.manifest"
    remedy = 'it must be an object such as {"roots": ["acme"], "rego_version": 1}'
    if ".manifest" not in files:
        raise BundleRefused(f"{where}: is missing; {remedy}")
    manifest = _document(files[".manifest"], where)
    for key in manifest:
        if key not in _MANIFEST_KEYS:
            raise BundleRefused(f"{where}: {key!r} is not supported; remove it")
    if manifest.get("rego_version", 1) != 1:
        raise BundleRefused(f"{where}: rego_version must be 1; rewrite the policy as Rego v1")
    match manifest.get("roots"):
        case [str(root)] if _ROOT.match(root) and root not in _NOT_ROOTS:
            return root
    raise BundleRefused(
        f"{where}: roots must name one word of a-z, 0-9 and _ that Rego does not reserve; {remedy}"
    )


def _package(text: str, where: str) -> list[str]:
    found = _PACKAGE.match(text)
    if found is None:
        raise BundleRefused(
            f"{where}: must begin with a package of plain words on a line of its own, such as "
            "`package acme.rules.hours`"
        )
    return found[1].split(".")


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleRefused(f"{where}: is not UTF-8 at byte {error.start}; save it as UTF-8") from (
            None
        )


def _document(content: bytes, where: str) -> dict[str, JsonValue]:
    """The object that a YAML or JSON file holds; an empty YAML file is an empty one."""
    try:
        if where.endswith(_YAML):
            value = read_yaml(content)
            value = {} if value is None else value
        else:
            value = parse_value(content, where, limit=FILE_BYTES)
    except YamlRefused as error:
        raise BundleRefused(f"{where}: {error}") from None
    except InvalidInput as error:
        raise BundleRefused(str(error)) from None
    if not isinstance(value, dict):
        raise BundleRefused(f"{where}: must hold an object; write `name: value` lines or {{…}}")
    return value


def _mounted(value: dict[str, JsonValue], folder: str) -> dict[str, JsonValue]:
    """A data file's object at the place its folder gives it."""
    for part in reversed(folder.split("/") if folder else []):
        value = {part: value}
    return value


def _merge(into: dict[str, JsonValue], more: Mapping[str, JsonValue], where: str) -> None:
    """Add data to data; objects join, anything else may be said once only."""
    for key, value in more.items():
        there = into.get(key)
        if key not in into:
            into[key] = value
        elif isinstance(there, dict) and isinstance(value, dict):
            _merge(there, value, where)
        else:
            raise BundleRefused(f"{where}: {key!r} is in another data file too; keep one of them")
