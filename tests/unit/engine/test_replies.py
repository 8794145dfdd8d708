"""Replies of the managed OPA are believed only where they are exactly what was agreed."""

from __future__ import annotations

import json

import pytest

from pdp.domain.canonical import JsonValue
from pdp.engine.replies import MalformedReply, read_answer, read_load
from pdp.ports import EngineFault, Evaluation, PolicyRefused, RuleInfo


def element(value: object) -> memoryview:
    return memoryview(json.dumps(value).encode())


def test_a_result_is_an_evaluation_with_exact_integers() -> None:
    answer = read_answer(memoryview(b'{"result":{"n":123456789012345678901234567890},"us":17}'))
    assert answer == Evaluation({"n": 123456789012345678901234567890}, 17)


def test_a_null_result_is_an_evaluation_too() -> None:
    assert read_answer(element({"result": None, "us": 0})) == Evaluation(None, 0)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("timeout", "policy_timeout"),
        ("undefined", "policy_error"),
        ("builtin_error", "policy_error"),
        ("input_invalid", "policy_error"),
        ("result_too_large", "policy_error"),
        ("panic", "policy_error"),
        ("revision_mismatch", "policy_error"),
        ("internal", "policy_error"),
        ("one nobody has thought of", "policy_error"),
    ],
)
def test_only_a_timeout_is_a_timeout_and_the_message_names_the_code(code: str, fault: str) -> None:
    answer = read_answer(element({"error": {"code": code, "message": "why"}, "us": 3}))
    assert isinstance(answer, EngineFault)
    assert (answer.code, answer.message) == (fault, f"{code}: why")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"result":1}',
        b'{"us":1}',
        b'{"result":1,"us":-1}',
        b'{"result":1,"us":1.5}',
        b'{"result":1,"us":true}',
        b'{"result":1,"us":"1"}',
        b'{"result":1,"error":{"code":"timeout","message":"x"},"us":1}',
        b'{"error":{"code":"timeout"},"us":1}',
        b'{"error":{"code":1,"message":"x"},"us":1}',
        b'{"error":"timeout","us":1}',
        b'{"result":NaN,"us":1}',
        b'{"result":Infinity,"us":1}',
        b'{"result":1e999,"us":1}',
        b'{"result":' + b"[" * 100_000 + b',"us":1}',
    ],
)
def test_an_answer_that_is_anything_else_is_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedReply):
        read_answer(memoryview(raw))


DENY: JsonValue = {"result": "deny"}
RULE = {"path": "a/b", "default": True, "default_value": DENY, "annotations": {"title": "B"}}


def test_rules_are_listed_and_missing_metadata_is_empty_metadata() -> None:
    reply = element({"rules": [RULE, {"path": "a/c", "default": False, "annotations": None}]})
    assert read_load({"ok": True}, [reply]) == [
        RuleInfo("a/b", True, {"title": "B"}, DENY),
        RuleInfo("a/c", False, {}),
    ]


def test_a_refused_policy_is_refused_in_the_engines_own_words() -> None:
    with pytest.raises(PolicyRefused, match=r"a\.rego:3: misspelt"):
        read_load({"ok": False}, [element({"error": "a.rego:3: misspelt"})])


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({}, {"rules": []}),
        ({"ok": "true"}, {"rules": []}),
        ({"ok": False}, {"rules": []}),
        ({"ok": True}, {"error": "x"}),
        ({"ok": True}, {"rules": {}}),
        ({"ok": True}, {"rules": [{**RULE, "default": 1}]}),
        ({"ok": True}, {"rules": [{**RULE, "path": None}]}),
        ({"ok": True}, {"rules": [{**RULE, "annotations": []}]}),
        ({"ok": True}, {"rules": [{**RULE, "more": 1}]}),
        ({"ok": True}, {"rules": ["a/b"]}),
    ],
)
def test_a_reply_to_load_that_is_anything_else_is_malformed(
    header: dict[str, object], body: object
) -> None:
    with pytest.raises(MalformedReply):
        read_load(header, [element(body)])


@pytest.mark.parametrize("count", [0, 2])
def test_a_reply_to_load_has_one_element(count: int) -> None:
    with pytest.raises(MalformedReply):
        read_load({"ok": True}, [element({"rules": []})] * count)
