"""Bundles put together: roots, manifest, settings, revision, and rules against the manifest."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pdp.bundle import (
    Bundle,
    BundleRefused,
    Rule,
    check_rules,
    default_bundle_path,
    load_bundles,
)
from pdp.domain.canonical import JsonValue
from pdp.ports import PolicyRefused, RuleInfo
from tests.unit.bundle.making import ACME, BUILTIN, archive, folder

ENTRYPOINTS = ("pdp/main/decision",)
CUSTOM: dict[str, JsonValue] = {"custom": {"controls": ["ASI03"], "codes": ["outside_hours"]}}
DENY: dict[str, JsonValue] = {"result": "deny", "code": "policy_error"}
SOUND = (
    RuleInfo("pdp/rules/phase/verdict", True, CUSTOM, DENY),
    RuleInfo("acme/rules/hours/verdict", True, CUSTOM, DENY),
    RuleInfo("acme/rules/hours/in_time", False, {}),
    RuleInfo("pdp/lib/result/deny", False, {}),
)


@pytest.fixture
def builtin(tmp_path: Path) -> Path:
    return folder(tmp_path / "builtin", BUILTIN)


def load(builtin: Path, acme: Mapping[str, str] = ACME, *, allow_grants: bool = False) -> Bundle:
    made = folder(builtin.parent / "acme", acme)
    return load_bundles([builtin, made], entrypoints=ENTRYPOINTS, allow_grants=allow_grants)


def settings(text: str) -> dict[str, str]:
    return {**ACME, "settings.yaml": text}


def manifest(text: str) -> dict[str, str]:
    return {**ACME, "acme/data.yaml": f"manifest:\n{text}"}


def test_the_built_in_bundle_is_found_and_loads() -> None:
    bundle = load_bundles([default_bundle_path()], entrypoints=ENTRYPOINTS)
    assert bundle.rules["phase"] == Rule("phase", "pdp", "phase", "enforce", grants=False)
    assert bundle.rules["intent"].grants
    assert bundle.tests
    assert not any(path.endswith("_test.rego") for path in bundle.source.modules)


def test_bundles_become_one_source_and_one_manifest(builtin: Path) -> None:
    bundle = load(builtin)
    assert set(bundle.rules) == {"phase", "acme/hours"}
    assert bundle.rules["acme/hours"].path == "acme/rules/hours"
    assert len(bundle.source.modules) == 2
    assert bundle.source.entrypoints == ENTRYPOINTS
    assert bundle.source.revision == bundle.revision
    pdp = bundle.source.data["pdp"]
    assert isinstance(pdp, dict)
    assert pdp["manifest"] == {
        "enforce": {
            "acme/hours": {"root": "acme", "name": "hours"},
            "phase": {"root": "pdp", "name": "phase"},
        },
        "shadow": {},
        "off": {},
        "grants": ["phase"],
    }


def test_the_first_bundle_must_be_the_built_in_one(builtin: Path) -> None:
    acme = folder(builtin.parent / "acme", ACME)
    for paths in ([], [acme], [acme, builtin]):
        with pytest.raises(BundleRefused, match="built-in"):
            load_bundles(paths, entrypoints=ENTRYPOINTS)


def test_two_bundles_of_one_root_are_refused(builtin: Path) -> None:
    first = folder(builtin.parent / "first", ACME)
    second = folder(builtin.parent / "second", ACME)
    with pytest.raises(BundleRefused, match=r"second.*first"):
        load_bundles([builtin, first, second], entrypoints=ENTRYPOINTS)
    other = folder(builtin.parent / "other", BUILTIN)
    with pytest.raises(BundleRefused, match="root 'pdp'"):
        load_bundles([builtin, other], entrypoints=ENTRYPOINTS)


def test_further_bundles_only_narrow_unless_the_deployment_lets_them_grant(builtin: Path) -> None:
    granting = manifest("  enforce:\n    hours: {root: acme, name: hours}\n  grants: [hours]\n")
    with pytest.raises(BundleRefused, match="only narrow"):
        load(builtin, granting)
    assert load(builtin, granting, allow_grants=True).rules["acme/hours"].grants


@pytest.mark.parametrize(
    "text",
    [
        "  enforce:\n    hours: {root: pdp, name: hours}\n",
        "  enforce:\n    phase: {root: pdp, name: phase}\n",
        "  enforce:\n    hours: {root: acme, name: other}\n",
        "  enforce:\n    hours: {root: acme}\n",
        "  enforce:\n    hours: {root: acme, name: hours, mode: off}\n",
        "  enforce:\n    ../hours: {root: acme, name: ../hours}\n",
        "  enforce:\n    hours/verdict: {root: acme, name: hours/verdict}\n",
        "  enforce:\n    Hours: {root: acme, name: Hours}\n",
        "  enforce: [hours]\n",
        "  grants: hours\n",
        "  grants: [1]\n",
        "  rules: {}\n",
        "  enforce: {h: {root: acme, name: h}}\n  shadow: {h: {root: acme, name: h}}\n",
    ],
)
def test_a_manifest_that_could_mean_anything_else_is_refused(builtin: Path, text: str) -> None:
    with pytest.raises(BundleRefused, match=r"data acme\.manifest"):
        load(builtin, manifest(text))


def test_a_grant_for_a_rule_that_is_not_there_is_refused(builtin: Path) -> None:
    with pytest.raises(BundleRefused, match="no rule 'minutes'"):
        load(builtin, manifest("  grants: [minutes]\n"), allow_grants=True)


@pytest.mark.parametrize("mode", ["enforce", "shadow", "off"])
def test_settings_move_rules_of_every_bundle_to_a_mode(builtin: Path, mode: str) -> None:
    bundle = load(
        builtin, settings(f"rules:\n  phase: {{mode: {mode}}}\n  acme/hours: {{mode: {mode}}}")
    )
    assert {rule.mode for rule in bundle.rules.values()} == {mode}
    pdp = bundle.source.data["pdp"]
    assert isinstance(pdp, dict)
    assert isinstance(pdp["manifest"], dict)
    both = {"phase", "acme/hours"}
    for listed in ("enforce", "shadow", "off"):
        rules = pdp["manifest"][listed]
        assert isinstance(rules, dict)
        assert set(rules) == (both if listed == mode else set())


def test_settings_override_parameters_and_leave_the_others(builtin: Path) -> None:
    text = (
        "rules:\n  phase: {parameters: {limit: 9}}\n  acme/hours: {parameters: {days: [tue, wed]}}"
    )
    data = load(builtin, settings(text)).source.data
    assert data["pdp"]["parameters"] == {"phase": {"limit": 9}}  # type: ignore[index, call-overload]
    assert data["acme"]["parameters"]["hours"] == {  # type: ignore[index, call-overload]
        "first": 8,
        "days": ["tue", "wed"],
        "strict": True,
        "note": "text",
    }


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("rules: {phse: {mode: off}}", "did you mean phase"),
        ("rules: {hours: {mode: off}}", "no such rule"),
        ("rules: {phase: {mode: loud}}", "must be one of"),
        ("rules: {phase: {mode: false}}", "must be one of"),
        ("rules: {phase: off}", "mode and parameters"),
        ("rules: {phase: {grants: true}}", "mode and parameters"),
        ("rules: [phase]", "must be an object"),
        ("manifest: {}", "`rules` only"),
        ("rules: {phase: {parameters: {limt: 1}}}", "did you mean limit"),
        ("rules: {phase: {parameters: [limit]}}", "must be an object"),
        ('rules: {phase: {parameters: {limit: "9"}}}', "kind of its default, 3"),
        ("rules: {phase: {parameters: {limit: null}}}", "kind of its default"),
        ("rules: {phase: {parameters: {limit: true}}}", "kind of its default"),
        ("rules: {phase: {parameters: {limit: 1.5}}}", "kind of its default"),
        ("rules: {acme/hours: {parameters: {strict: 1}}}", "kind of its default"),
        ("rules: {acme/hours: {parameters: {days: mon}}}", "kind of its default"),
        ("rules: {acme/hours: {parameters: {days: [1]}}}", "kind of its default"),
    ],
)
def test_settings_that_set_nothing_or_something_else_are_refused(
    builtin: Path, text: str, problem: str
) -> None:
    with pytest.raises(BundleRefused, match=re.escape(problem)):
        load(builtin, settings(text))


def test_two_bundles_may_not_set_the_same_rule(builtin: Path) -> None:
    (builtin / "settings.yaml").write_text("rules: {phase: {mode: shadow}}")
    with pytest.raises(BundleRefused, match=r"is set in .*builtin too"):
        load(builtin, settings("rules: {phase: {mode: enforce}}"))


def test_the_revision_is_of_everything_that_is_served_from_and_of_nothing_else(
    builtin: Path,
) -> None:
    first = load(builtin).revision
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", first)
    made = builtin.parent / "acme"
    for unserved in ("README.md", "acme/rules/hours/hours_test.rego"):
        (made / unserved).write_text("package acme.rules.hours_test")
        assert load(builtin, {}).revision == first
    seen = {first}
    for served in (
        "acme/rules/hours/hours.rego",
        "acme/data.yaml",
        "settings.yaml",
        "catalogue/mail.yaml",
    ):
        folder(made, {served: (ACME.get(served, "") + "\n# changed\n")})
        seen.add(load(builtin, {}).revision)
    assert len(seen) == 5


def test_the_revision_is_the_same_wherever_and_in_whatever_order_bundles_lie(
    builtin: Path,
) -> None:
    acme = folder(builtin.parent / "acme", ACME)
    packed = archive(builtin.parent / "packed.tar.gz", *reversed(list(ACME.items())))
    renamed = {
        name.replace("acme", "zeta"): text.replace("acme", "zeta") for name, text in ACME.items()
    }
    zeta = folder(builtin.parent / "zeta", renamed)
    orders = ([builtin, acme, zeta], [builtin, zeta, acme], [builtin, packed, zeta])
    assert len({load_bundles(paths, entrypoints=()).revision for paths in orders}) == 1


def test_rules_that_match_their_manifest_are_accepted(builtin: Path) -> None:
    check_rules(load(builtin), SOUND)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (None, r"data\.acme\.rules\.hours has no rule `verdict`"),
        (RuleInfo("acme/rules/hours/verdict", False, CUSTOM), "no default"),
        (RuleInfo("acme/rules/hours/verdict", True, CUSTOM), "default does not deny"),
        (RuleInfo("acme/rules/hours/verdict", True, CUSTOM, "deny"), "default does not deny"),
        (
            RuleInfo("acme/rules/hours/verdict", True, CUSTOM, {"result": "pass"}),
            "default does not deny",
        ),
        (RuleInfo("acme/rules/hours/verdict", True, {}), "no custom.controls"),
        (
            RuleInfo("acme/rules/hours/verdict", True, {"custom": {"controls": []}}),
            "no custom.controls",
        ),
        (
            RuleInfo("acme/rules/hours/verdict", True, {"custom": {"controls": ["ASI03"]}}),
            "no custom.codes",
        ),
        (RuleInfo("acme/rules/hours/verdict", True, {"custom": "ASI03"}), "no custom.controls"),
    ],
)
def test_a_rule_that_is_not_what_the_manifest_promises_is_refused(
    builtin: Path, changed: RuleInfo | None, problem: str
) -> None:
    infos = [info for info in SOUND if info.path != "acme/rules/hours/verdict"]
    with pytest.raises(PolicyRefused, match=problem):
        check_rules(load(builtin), infos if changed is None else [*infos, changed])


@pytest.mark.parametrize("path", ["acme/rules/minutes/verdict", "pdp/rules/extra/helper"])
def test_a_rule_that_is_in_no_manifest_is_refused(builtin: Path, path: str) -> None:
    dotted = "data." + ".".join(path.split("/")[:3])
    with pytest.raises(PolicyRefused, match=rf"{re.escape(dotted)} is not in the manifest"):
        check_rules(load(builtin), [*SOUND, RuleInfo(path, True, CUSTOM)])


@pytest.mark.parametrize("path", ["acme/rules/hours/verdict", "acme/rules/hours"])
def test_a_rule_of_a_bundle_without_a_manifest_is_refused(builtin: Path, path: str) -> None:
    unlisted = {name: text for name, text in ACME.items() if name != "acme/data.yaml"}
    infos = [SOUND[0], RuleInfo(path, True, CUSTOM)]
    with pytest.raises(PolicyRefused, match=r"data\.acme\.rules\.hours is not in the manifest"):
        check_rules(load(builtin, unlisted), infos)


def test_a_rule_that_is_off_is_held_to_its_manifest_too(builtin: Path) -> None:
    bundle = load(builtin, settings("rules: {acme/hours: {mode: off}}"))
    infos = [replace(info, default=False) for info in SOUND]
    with pytest.raises(PolicyRefused, match="rule acme/hours: its verdict has no default"):
        check_rules(bundle, infos)


def test_all_that_is_wrong_is_said_at_once(builtin: Path) -> None:
    with pytest.raises(PolicyRefused) as refused:
        check_rules(load(builtin), [])
    assert str(refused.value).count("\n") == 1
