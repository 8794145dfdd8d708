"""The bundle for an OPA server, and what tells it from another."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace

import pytest

from pdp.domain.canonical import JsonValue
from pdp.engine.server_bundle import difference, encode_bundle, roots
from pdp.ports import PolicySource, RuleInfo

SOURCE = PolicySource(
    "r1",
    {"/somewhere/a/rule.rego": "package a.b\nx := 1\n", "rule.rego": "package a.c\ny := 2\n"},
    {"a": {"n": 10**40}, "d": {}},
    ("a/b/x",),
)
RULES = [RuleInfo("a/b/x", False, {}), RuleInfo("a/c/y", False, {})]


def files(packed: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        found = {}
        for member in archive:
            file = archive.extractfile(member)
            assert file is not None
            found[member.name] = file.read().decode()
        return found


def module(text: str, package: str = "a", name: str = "m.rego") -> JsonValue:
    path: list[JsonValue] = [{"type": "var", "value": "data"}, {"type": "string", "value": package}]
    return {"id": name, "raw": text, "ast": {"package": {"path": path}}}


def listed(*modules: JsonValue) -> JsonValue:
    return {"result": [*modules]}


SERVED = [module(text) for text in SOURCE.modules.values()]


def test_a_bundle_holds_the_policy_its_revision_and_the_roots_it_owns() -> None:
    found = files(encode_bundle(SOURCE, RULES))
    assert json.loads(found.pop(".manifest")) == {
        "revision": "r1",
        "roots": ["a", "d"],
        "rego_version": 1,
    }
    assert json.loads(found.pop("data.json")) == {"a": {"n": 10**40}, "d": {}}
    assert sorted(found.values()) == sorted(SOURCE.modules.values())


def test_a_bundle_does_not_tell_where_it_was_made_nor_when() -> None:
    elsewhere = replace(SOURCE, modules={f"/else/{p}": t for p, t in SOURCE.modules.items()})
    assert encode_bundle(SOURCE, RULES) == encode_bundle(elsewhere, RULES)
    assert not any("somewhere" in name for name in files(encode_bundle(SOURCE, RULES)))


def test_roots_are_where_rules_or_data_are() -> None:
    assert roots(SOURCE, RULES) == {"a", "d"}


def test_a_server_with_exactly_the_modules_does_not_differ() -> None:
    assert difference(SOURCE, RULES, listed(*SERVED)) == ""


def test_modules_of_other_teams_outside_of_the_roots_are_none_of_its_business() -> None:
    assert difference(SOURCE, RULES, listed(*SERVED, module("package z", "z"))) == ""


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (listed(), "it lacks rule.rego, rule.rego"),
        (listed(SERVED[0]), "it lacks rule.rego"),
        (listed(*SERVED, module("package a.more", name="new.rego")), "it has new.rego besides"),
        (listed(SERVED[0], module("package a.c\ny := 3")), "lacks rule.rego and it has m.rego"),
        (listed(*SERVED, {"id": "odd"}), "it has odd besides"),
        (listed(*SERVED, {"id": "odd", "raw": "", "ast": {}}), "it has odd besides"),
        ({}, "it lacks"),
        ([], "it lacks"),
        ({"result": {}}, "it lacks"),
    ],
)
def test_whatever_the_server_has_more_or_less_is_named(answer: JsonValue, told: str) -> None:
    assert told in difference(SOURCE, RULES, answer)


def test_of_many_differences_some_are_named() -> None:
    many = [module(f"package a\nx{n} := 1", name=f"{n}.rego") for n in range(9)]
    assert "and 4 more besides" in difference(SOURCE, RULES, listed(*SERVED, *many))
