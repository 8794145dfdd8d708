"""Answers of OPA servers: whatever they hold, it is the value asked for or a fault."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.engine.exchange import Reply
from pdp.engine.server_json import check_input, decode, read_revisions, read_value, said
from pdp.ports import EngineFault

PROVENANCE = '"provenance":{"version":"1.0.0","bundles":{"a":{"revision":"r1"}}}'


def decided(result: str) -> str:
    """An answer with this result, of the revision in force."""
    return "{" + PROVENANCE + ',"result":' + result + "}"


def answered(text: str, status: int = 200, most_bytes: int = 1000) -> object:
    return read_value(Reply(status, text.encode()), "r1", most_bytes)


def test_the_result_is_the_value_and_its_integers_are_exact() -> None:
    n = 2**200 + 1
    assert answered(decided(f'{{"n":{n}}}')) == {"n": n}


def test_null_and_false_are_values() -> None:
    assert answered(decided("null")) is None
    assert answered(decided("false")) is False


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{" + PROVENANCE + "}", "undefined"),
        ('{"result":true}', "revision_mismatch"),
        ('{"provenance":{},"result":true}', "revision_mismatch"),
        ('{"provenance":{"bundles":[]},"result":true}', "revision_mismatch"),
        ('{"provenance":{"bundles":{"a":null}},"result":true}', "revision_mismatch"),
        ('{"provenance":{"bundles":{"a":{"revision":"r2"}}},"result":true}', "revision_mismatch"),
        ('{"provenance":{"bundles":{"a":{"revision":["r1"]}}},"result":true}', "revision_mismatch"),
        ('{"provenance":{"revision":"r1"},"result":true}', "revision_mismatch"),
        ('[{"result":true}]', "revision_mismatch"),
        ("true", "revision_mismatch"),
        ("", "result_invalid"),
        ("<html>", "result_invalid"),
        (decided("NaN"), "result_invalid"),
        (decided("1e999"), "result_invalid"),
        (decided('false,"result":true'), "result_invalid"),
        (decided("9" * 65), "result_invalid"),
        (decided('"\\ud800"'), "result_invalid"),
        (decided('"' + "x" * 1000 + '"'), "result_too_large"),
    ],
)
def test_an_answer_that_is_not_a_value_of_the_revision_in_force_is_a_policy_error(
    text: str, code: str
) -> None:
    answer = answered(text)
    assert isinstance(answer, EngineFault)
    assert answer.code == "policy_error"
    assert answer.message.startswith(f"{code}: ")


def test_the_limit_of_results_is_for_the_value_alone() -> None:
    assert answered(decided('"' + "x" * 998 + '"')) == "x" * 998
    many = ",".join(f'"b{n}":{{"revision":"r1"}}' for n in range(100))
    assert answered('{"provenance":{"bundles":{' + many + '}},"result":true}') is True


@pytest.mark.parametrize(
    ("status", "text", "code", "message"),
    [
        (302, "", "policy_error", "redirects are not followed"),
        (401, "", "policy_error", "another token"),
        (403, '{"message":"no"}', "policy_error", "no"),
        (404, "nonsense", "policy_error", "404"),
        (500, '{"errors":[]}', "policy_error", "500"),
        (500, '{"errors":[1]}', "policy_error", "500"),
        (
            500,
            '{"errors":[{"code":"eval_builtin_error","message":"to_number: x"}]}',
            "policy_error",
            "builtin_error: to_number: x",
        ),
        (
            500,
            '{"errors":[{"code":"eval_conflict_error","message":"two"}]}',
            "policy_error",
            "eval_conflict_error: two",
        ),
        (
            500,
            '{"errors":[{"code":"eval_cancel_error","message":"caller cancelled"}]}',
            "policy_timeout",
            "timeout: caller cancelled",
        ),
        (204, decided("true"), "policy_error", "204"),
    ],
)
def test_any_other_status_is_a_fault_that_says_what_the_server_said(
    status: int, text: str, code: str, message: str
) -> None:
    answer = answered(text, status)
    assert isinstance(answer, EngineFault)
    assert answer.code == code
    assert message in answer.message


def test_a_long_error_is_cut_short() -> None:
    answer = answered(json.dumps({"message": "x" * 5000}), 400)
    assert isinstance(answer, EngineFault)
    assert len(answer.message) < 1200


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode), st.integers(100, 599))
def test_nothing_that_a_server_sends_raises_or_passes_for_a_value(body: bytes, status: int) -> None:
    assert isinstance(read_value(Reply(status, body), "r1", 1000), EngineFault)


def test_revisions_are_those_of_all_bundles() -> None:
    text = b'{"provenance":{"bundles":{"b":{"revision":"r2"},"a":{"revision":"r1"},"c":{}}}}'
    assert read_revisions(Reply(200, text)) == ["r1", "r2"]
    assert read_revisions(Reply(200, b"{}")) == []
    assert said(["r1", "r2"]) == "revision r1, r2"
    assert "without a revision" in said([])


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (401, b""), (200, b"<html>")])
def test_an_answer_without_revisions_says_why(status: int, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_revisions(Reply(status, body))


def test_an_input_is_an_object_within_the_limit() -> None:
    check_input(b'{"a":1}', 7)
    with pytest.raises(ValueError, match="at most 6 are allowed"):
        check_input(b'{"a":1}', 6)
    with pytest.raises(ValueError, match="not a JSON object"):
        check_input(b"[1]", 100)


def test_numbers_keep_the_kind_that_they_are_written_in() -> None:
    assert repr(decode(b"[1, 1.0, 1e2, -0.5, %d]" % 10**63)) == f"[1, 1.0, 100.0, -0.5, {10**63}]"
