"""Bundles put together: what the engine loads, which rules decide, and the revision of it all."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pdp.bundle_content import BUILTIN_ROOT, BundleContent, read_content
from pdp.bundle_files import BundleRefused
from pdp.domain.canonical import JsonValue
from pdp.ports import PolicyRefused, PolicySource, RuleInfo

__all__ = ["Bundle", "BundleRefused", "Rule", "check_rules", "default_bundle_path", "load_bundles"]

MODES: Final = ("enforce", "shadow", "off")

_DEFAULT: Final = '`default verdict := {"result": "deny", "code": "policy_error"}`'
_RULE_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the manifest. Its id is its name, with the root before it in further bundles."""

    id: str
    root: str
    name: str
    mode: str
    grants: bool

    @property
    def path(self) -> str:
        """Where its package is: `pdp/rules/task_alive`."""
        return f"{self.root}/rules/{self.name}"


@dataclass(frozen=True, slots=True)
class Bundle:
    """Several bundles as one policy.

    `revision` is `sha256:` and 64 hexadecimal digits over everything that is served from. `tests`
    are Rego text by path and not part of `source`. `catalogues` are (name, YAML text).
    """

    source: PolicySource
    rules: Mapping[str, Rule]
    tests: Mapping[str, str]
    catalogues: tuple[tuple[str, str], ...]
    revision: str


def default_bundle_path() -> Path:
    """Where the built-in bundle is: in the installed package, or in the checkout beside it."""
    package = Path(__file__).resolve().parent
    packaged = package / "_rego"
    return packaged if packaged.is_dir() else package.parent / "rego"


def load_bundles(
    paths: Sequence[Path], *, entrypoints: tuple[str, ...], allow_grants: bool = False
) -> Bundle:
    """Read the built-in bundle, the first of `paths`, and all that add to it.

    Rules of further bundles only narrow, unless `allow_grants` lets them grant. The settings of
    every bundle apply to the rules of all.

    Raises:
        BundleRefused: one of them cannot be used, or they do not go together.
    """
    contents = [read_content(path) for path in paths]
    if not contents or contents[0].root != BUILTIN_ROOT:
        raise BundleRefused(f"the first bundle must be the built-in one, of root {BUILTIN_ROOT!r}")
    by_root: dict[str, BundleContent] = {}
    for content in contents:
        other = by_root.setdefault(content.root, content)
        if other is not content:
            raise BundleRefused(
                f"{content.path}: its root {content.root!r} is that of {other.path} too; "
                "give each bundle a root of its own"
            )
    rules = {rule.id: rule for content in contents for rule in _rules(content, allow_grants)}
    data: dict[str, JsonValue] = {}
    for content in contents:
        data.update(content.data)
    rules = _apply_settings(contents, rules, data)
    builtin = data.get(BUILTIN_ROOT)
    if isinstance(builtin, dict):
        builtin["manifest"] = _manifest(rules.values())
    revision = _revision(contents)
    return Bundle(
        source=PolicySource(
            revision=revision,
            modules={path: text for content in contents for path, text in content.modules.items()},
            data=data,
            entrypoints=entrypoints,
        ),
        rules=rules,
        tests={path: text for content in contents for path, text in content.tests.items()},
        catalogues=tuple(one for content in contents for one in content.catalogues),
        revision=revision,
    )


def check_rules(bundle: Bundle, infos: Sequence[RuleInfo]) -> None:
    """Hold the rules that the engine has found against the manifest.

    Raises:
        PolicyRefused: a rule of the manifest has no verdict, no default of deny for it, or no
            METADATA that says what it defends and which codes it gives; or a rule is not in the
            manifest.
    """
    found = {info.path: info for info in infos}
    problems: list[str] = []
    for rule in bundle.rules.values():
        verdict = found.get(f"{rule.path}/verdict")
        if verdict is None:
            problems.append(
                f"rule {rule.id}: {_dotted(rule.path)} has no rule `verdict`; write it, or take "
                "the rule out of the manifest"
            )
            continue
        if not verdict.default:
            problems.append(f"rule {rule.id}: its verdict has no default; add {_DEFAULT}")
        elif not _denies(verdict.default_value):
            problems.append(
                f"rule {rule.id}: its default does not deny, so a misspelt field would never be "
                f"noticed; make it {_DEFAULT}, and say when it passes in a rule of its own"
            )
        custom = verdict.annotations.get("custom")
        said = custom if isinstance(custom, dict) else {}
        problems += [
            f"rule {rule.id}: its METADATA has no custom.{key}; list them"
            for key in ("controls", "codes")
            if not _texts(said.get(key))
        ]
    known = {rule.path for rule in bundle.rules.values()}
    packages = {"/".join(path.split("/")[:3]) for path in found if _is_rule(path)}
    problems += [
        f"{_dotted(package)} is not in the manifest; list it there, or move it out of rules"
        for package in sorted(packages - known)
    ]
    if problems:
        raise PolicyRefused("\n".join(problems))


def _denies(verdict: JsonValue) -> bool:
    return isinstance(verdict, dict) and verdict.get("result") == "deny"


def _is_rule(path: str) -> bool:
    """Whether a manifest has to list it; every path begins with a bundle's root."""
    parts = path.split("/")
    return (
        len(parts) > 2
        and parts[1] == "rules"
        and not any(part.endswith("_test") for part in parts[:-1])
    )


def _rules(content: BundleContent, allow_grants: bool) -> list[Rule]:
    """The rules that a bundle's own data lists, in the form that the combining rule reads."""
    builtin = content.root == BUILTIN_ROOT
    own = content.data.get(content.root)
    manifest = own.get("manifest", {}) if isinstance(own, dict) else {}
    at = f"{content.path}: data {content.root}.manifest"
    if not isinstance(manifest, dict) or not manifest.keys() <= {*MODES, "grants"}:
        raise BundleRefused(f"{at}: must be an object of {', '.join(MODES)} and grants")
    grants = manifest.get("grants", [])
    if not isinstance(grants, list) or (grants and not _texts(grants)):
        raise BundleRefused(f"{at}.grants: must be a list of rule names")
    if grants and not builtin and not allow_grants:
        raise BundleRefused(
            f"{at}.grants: rules of this bundle may only narrow; remove it, or let the deployment "
            "allow it to grant"
        )
    rules: dict[str, Rule] = {}
    for mode in MODES:
        listed = manifest.get(mode, {})
        if not isinstance(listed, dict):
            raise BundleRefused(f"{at}.{mode}: must be an object of rules by name")
        for name, entry in listed.items():
            if not _RULE_NAME.match(name) or entry != {"root": content.root, "name": name}:
                raise BundleRefused(
                    f"{at}.{mode}.{name}: must be written as "
                    f"`hours: {{root: {content.root}, name: hours}}`, the name in a-z, 0-9 and _"
                )
            if name in rules:
                raise BundleRefused(f"{at}: {name} has two modes; keep one")
            rule_id = name if builtin else f"{content.root}/{name}"
            rules[name] = Rule(rule_id, content.root, name, mode, grants=name in grants)
    for granting in grants:
        if granting not in rules:
            raise BundleRefused(f"{at}.grants: there is no rule {granting!r}; correct the name")
    return list(rules.values())


def _apply_settings(
    contents: Sequence[BundleContent], rules: Mapping[str, Rule], data: dict[str, JsonValue]
) -> dict[str, Rule]:
    """The rules in the modes that settings give them; their parameters change in `data`."""
    changed = dict(rules)
    set_by: dict[str, Path] = {}
    for content in contents:
        at = f"{content.path}/settings.yaml"
        if not content.settings.keys() <= {"rules"}:
            raise BundleRefused(f"{at}: may hold `rules` only; remove the rest")
        given = content.settings.get("rules", {})
        if not isinstance(given, dict):
            raise BundleRefused(f"{at}: rules must be an object of settings by rule")
        for rule_id, settings in given.items():
            where = f"{at}: rules.{rule_id}"
            rule = changed.get(rule_id)
            if rule is None:
                raise BundleRefused(f"{where}: there is no such rule{_meant(rule_id, changed)}")
            if rule_id in set_by:
                raise BundleRefused(f"{where}: is set in {set_by[rule_id]} too; keep one")
            set_by[rule_id] = content.path
            if not isinstance(settings, dict) or not settings.keys() <= {"mode", "parameters"}:
                raise BundleRefused(f"{where}: may hold mode and parameters only")
            mode = settings.get("mode", rule.mode)
            if mode not in MODES:
                raise BundleRefused(f"{where}.mode: must be one of {', '.join(MODES)}")
            changed[rule_id] = Rule(rule.id, rule.root, rule.name, str(mode), rule.grants)
            _set_parameters(rule, settings.get("parameters", {}), data, f"{where}.parameters")
    return changed


def _set_parameters(rule: Rule, given: JsonValue, data: dict[str, JsonValue], at: str) -> None:
    own = data.get(rule.root)
    parameters = own.get("parameters") if isinstance(own, dict) else None
    defaults = parameters.get(rule.name, {}) if isinstance(parameters, dict) else {}
    if not isinstance(given, dict):
        raise BundleRefused(f"{at}: must be an object of values by name")
    if not isinstance(defaults, dict):
        raise BundleRefused(f"data {rule.root}.parameters.{rule.name}: must be an object")
    for name, value in given.items():
        if name not in defaults:
            raise BundleRefused(f"{at}.{name}: there is no such parameter{_meant(name, defaults)}")
        # Rego compares anything with anything, so a text for a number would lift a limit.
        if not _same_kind(defaults[name], value):
            default = json.dumps(defaults[name], ensure_ascii=False)
            raise BundleRefused(f"{at}.{name}: must be of the kind of its default, {default}")
        defaults[name] = value


def _same_kind(default: JsonValue, value: JsonValue) -> bool:
    if isinstance(default, list):
        return isinstance(value, list) and all(
            _same_kind(default[0], item) for item in value if default
        )
    if isinstance(default, dict):
        return isinstance(value, dict)
    return type(value) is type(default) or (type(default) is float and type(value) is int)


def _manifest(rules: Iterable[Rule]) -> dict[str, JsonValue]:
    """What the combining rule reads: the rules of all bundles by mode, and those that grant."""
    modes: dict[str, dict[str, JsonValue]] = {mode: {} for mode in MODES}
    grants: list[JsonValue] = []
    for rule in sorted(rules, key=lambda rule: rule.id):
        modes[rule.mode][rule.id] = {"root": rule.root, "name": rule.name}
        if rule.grants:
            grants.append(rule.id)
    return {**modes, "grants": grants}


def _revision(contents: Sequence[BundleContent]) -> str:
    """One digest over every file that is served from, wherever the bundles lie."""
    listed = [
        [content.root, name, digest]
        for content in sorted(contents, key=lambda content: content.root)
        for name, digest in content.files
    ]
    framed = json.dumps(listed, separators=(",", ":")).encode()
    return "sha256:" + hashlib.sha256(framed).hexdigest()


def _texts(value: JsonValue) -> bool:
    """Whether it is a list of texts, and at least one."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, [*known], n=1)
    return f"; did you mean {close[0]}?" if close else "; correct the name"


def _dotted(path: str) -> str:
    return "data." + path.replace("/", ".")
