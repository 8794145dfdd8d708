"""Arguments against their tool's schema: what does not fit, and what cannot be checked."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from pdp.arguments import MAX_PROBLEM_CHARS, argument_checker
from pdp.domain.catalogue import Catalogue
from pdp.domain.facts import ArgumentsFinding
from pdp.domain.inference import infer_tool


def check(schema: dict[str, Any], arguments: dict[str, Any]) -> ArgumentsFinding | None:
    tool = infer_tool({"name": "t", "inputSchema": schema}, "s")
    return argument_checker(Catalogue([tool]))(tool, arguments)


def test_arguments_that_fit_give_no_finding() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert check(schema, {"n": 1}) is None


@pytest.mark.parametrize(
    ("arguments", "path", "said"),
    [
        ({}, "", "required"),
        ({"a/b": ["x"]}, "/a~1b/0", "integer"),
        ({"a/b": [1], "extra": 1}, "", "extra"),
        ({"a/b": [None]}, "/a~1b/0", "null"),
    ],
)
def test_a_finding_names_the_place(arguments: dict[str, Any], path: str, said: str) -> None:
    schema = {
        "type": "object",
        "properties": {"a/b": {"type": "array", "items": {"type": "integer"}}},
        "required": ["a/b"],
        "additionalProperties": False,
    }
    found = check(schema, arguments)
    assert found is not None
    assert found.path == path
    assert said in found.problem


def test_integers_beyond_a_double_are_compared_exactly() -> None:
    schema = {"properties": {"n": {"maximum": 10**40}}}
    assert check(schema, {"n": 10**40}) is None
    assert check(schema, {"n": 10**40 + 1}) is not None


def test_a_long_value_is_cut_in_the_finding() -> None:
    found = check({"properties": {"a": {"type": "integer"}}}, {"a": "x" * 100_000})
    assert found is not None
    assert len(found.problem) == MAX_PROBLEM_CHARS


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "strnig"},
        {"$ref": "#/$defs/none"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$schema": "https://example.com/own-draft"},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": {"a": {"minimum": "1"}}},
    ],
)
def test_a_schema_that_cannot_be_used_lets_no_call_through(schema: dict[str, Any]) -> None:
    found = check(schema, {"a": "x"})
    assert found is not None
    assert found.problem.startswith("the tool's schema cannot be used")


def test_a_tool_of_another_catalogue_lets_no_call_through() -> None:
    tool = infer_tool({"name": "t"}, "s")
    stranger = replace(tool, name="other")
    assert argument_checker(Catalogue([tool]))(stranger, {}) is not None


def test_arguments_that_break_the_validator_do_not_pass() -> None:
    schema = {"properties": {"a": {"type": "string", "pattern": "."}}}
    assert check(schema, {"a": object()}) == ArgumentsFinding("", "the arguments cannot be checked")
    assert check(schema, {"a": "\ud800"}) == ArgumentsFinding("", "the arguments cannot be checked")


@pytest.mark.parametrize(
    ("draft", "valid"),
    [
        ("http://json-schema.org/draft-07/schema#", [1, 2]),
        ("https://json-schema.org/draft/2020-12/schema", ["x"]),
    ],
)
def test_the_draft_follows_the_schema(draft: str, valid: list[Any]) -> None:
    # In draft 7 a list of `items` is a tuple; in 2020-12 that is `prefixItems`.
    items: dict[str, Any] = {"items": [{"type": "integer"}]}
    if "2020" in draft:
        items = {"prefixItems": [{"type": "string"}]}
    schema = {"$schema": draft, "properties": {"a": items}}
    assert check(schema, {"a": valid}) is None
    assert check(schema, {"a": [None]}) is not None


def test_formats_are_not_asserted() -> None:
    assert check({"properties": {"a": {"format": "email"}}}, {"a": "no address"}) is None


@pytest.mark.parametrize("pattern", ["^(a+)+$", "^((?=a)a+)+$"])
@pytest.mark.parametrize("negated", [False, True])
def test_a_pattern_that_explodes_ends_soon_and_never_lets_through(
    pattern: str, negated: bool
) -> None:
    rule: dict[str, Any] = {"pattern": pattern}
    schema = {"properties": {"a": {"not": rule} if negated else rule}}
    started = time.monotonic()
    found = check(schema, {"a": "a" * 5000 + "!"})
    assert time.monotonic() - started < 5
    if negated and "?" not in pattern:
        assert found is None, "an engine in linear time knows that this does not match"
    else:
        assert found is not None
