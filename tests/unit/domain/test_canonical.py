"""Strict JSON, its canonical form, and the digests over it."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pdp.domain.canonical import (
    JsonValue,
    arguments_digest,
    canonical,
    check_struct,
    digest,
    parse_arguments,
    parse_object,
    parse_value,
    schema_digest,
)
from pdp.domain.limits import ARGUMENTS_BYTES, STRUCT_BYTES, InvalidInput

VECTORS = Path(__file__).parents[3] / "docs" / "vectors" / "canonical-json.json"
# What the error must say for each reason that the published vectors name.
PROBLEMS = {
    "byte_order_mark": "byte order mark",
    "duplicate_key": "twice",
    "exponent_out_of_range": "exponent beyond",
    "lone_surrogate": "lone surrogate",
    "out_of_range": "not finite, or not zero and below",
    "not_json": "is not JSON",
    "not_utf8": "is not UTF-8",
    "similar_keys": "differ only in case or Unicode form",
    "too_deep": "nested more than 64 levels",
    "too_many_digits": "more than 64 digits",
}


def vectors(kind: str) -> list[object]:
    found = [one for one in json.loads(VECTORS.read_text()) if kind in one]
    return [pytest.param(one, id=one["name"]) for one in found]


def raw_input(vector: dict[str, str]) -> bytes:
    if "input_base64" in vector:
        return base64.b64decode(vector["input_base64"], validate=True)
    return vector["input"].encode()


def refusal(action: Callable[[], object]) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        action()
    return caught.value


@pytest.mark.parametrize("vector", vectors("canonical"))
def test_a_published_vector_has_its_canonical_form_and_digest(vector: dict[str, str]) -> None:
    written = canonical(parse_value(raw_input(vector), "arguments"))
    assert written.decode() == vector["canonical"]
    assert hashlib.sha256(written).hexdigest() == vector["sha256"]


@pytest.mark.parametrize("vector", vectors("refused"))
def test_a_published_vector_is_refused_for_its_reason(vector: dict[str, str]) -> None:
    fault = refusal(lambda: parse_value(raw_input(vector), "arguments"))
    assert PROBLEMS[vector["refused"]] in fault.problem
    assert fault.remedy


def test_a_refusal_names_the_field_and_the_place_inside_it() -> None:
    raw = b'{"a/b": [{"x~y": {"to": 1, "TO": 2}}]}'
    fault = refusal(lambda: parse_arguments(raw, "action.arguments_json"))
    assert fault.field == "action.arguments_json"
    assert fault.pointer == "/a~1b/0/x~0y"
    assert str(fault) == (
        'action.arguments_json at /a~1b/0/x~0y: has the keys "to" and "TO",'
        " which differ only in case or Unicode form; keep one of them"
    )


def test_a_refusal_shows_neither_long_nor_unprintable_keys_in_its_place() -> None:
    long = "k" * 65
    raw = json.dumps({"a": {long: {"b": {"c\n": 1}}}}).replace("1", "1e999").encode()
    assert refusal(lambda: parse_object(raw, "arguments")).pointer == "/a"
    raw = b'{"a": {"line\\u000abreak": {"b": NaN}}}'
    assert refusal(lambda: parse_object(raw, "arguments")).pointer == "/a"


def test_a_refusal_clips_and_escapes_what_it_shows() -> None:
    key = "\\u001b[2J" + "x" * 1000
    fault = refusal(lambda: parse_object(f'{{"{key}":1,"{key}":2}}'.encode(), "arguments"))
    assert "\\x1b" in fault.problem
    assert fault.problem.isprintable()
    assert len(fault.problem) < 200


def test_a_parsed_number_is_the_one_that_its_canonical_form_says() -> None:
    parsed = parse_value(b"[1.0, 1e2, -0.0, 44863323275041968.0, 1e21, 1.5]", "arguments")
    assert repr(parsed) == "[1, 100, 0, 44863323275041970, 1e+21, 1.5]"


def test_the_same_key_may_occur_in_different_objects() -> None:
    raw = b'{"a":{"id":1},"b":{"id":2},"c":[{"id":3},{"ID":4}]}'
    assert canonical(parse_object(raw, "arguments")) == raw


def test_a_refused_number_before_a_syntax_error_is_still_a_refusal() -> None:
    fault = refusal(lambda: parse_value(b'[1e999, {"a":1,"a":2}, oops', "arguments"))
    assert "is not JSON" in fault.problem


def test_arguments_of_no_bytes_are_an_empty_object() -> None:
    assert parse_arguments(b"", "arguments") == {}
    assert parse_arguments(b"{}", "arguments") == {}


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"{}"', b"1", b"true"])
def test_arguments_that_are_no_object_are_refused(raw: bytes) -> None:
    assert "is not a JSON object" in refusal(lambda: parse_arguments(raw, "arguments")).problem


def test_arguments_of_256_kib_are_accepted_and_one_byte_more_is_refused() -> None:
    largest = b'"' + b"x" * (ARGUMENTS_BYTES - 2) + b'"'
    assert canonical(parse_value(largest, "arguments")) == largest
    fault = refusal(lambda: parse_value(largest + b" ", "arguments"))
    assert "longer than 262,144 bytes" in fault.problem


def test_another_limit_may_be_set_for_other_texts() -> None:
    assert parse_value(b"[1,2]", "output", limit=5) == [1, 2]
    refusal(lambda: parse_value(b"[1,2] ", "output", limit=5))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"[" * ARGUMENTS_BYTES, id="openings only"),
        pytest.param(b'{"a":' * 50_000, id="objects without end"),
        pytest.param(b'{"a":"' + b'\\"' * 131_000, id="escaped quotes without end"),
        pytest.param(b"[" * 65 + b'"' * 262_000, id="quotes without end"),
        pytest.param(b"[" + b'"\\ud83d",' * 26_000 + b"1]", id="lone surrogates"),
        pytest.param(b"9" * ARGUMENTS_BYTES, id="one huge integer"),
        pytest.param(b"0." + b"9" * 262_000, id="one huge fraction"),
        pytest.param(b"1e" + b"9" * 262_000, id="one huge exponent"),
        pytest.param(b'{"a":0,' + b'"b":1,' * 40_000 + b'"c":0}', id="one key again and again"),
    ],
)
def test_the_worst_texts_of_256_kib_are_refused_quickly(raw: bytes) -> None:
    started = time.process_time()
    refusal(lambda: parse_value(raw[:ARGUMENTS_BYTES], "arguments"))
    # Linear work takes a few dozen milliseconds; quadratic work takes minutes.
    assert time.process_time() - started < 2


def test_the_canonical_form_takes_a_mapping_that_is_not_a_dict() -> None:
    class Frozen(dict[str, JsonValue]):
        pass

    assert canonical(Frozen(b=1.5, a=[1.0])) == b'{"a":[1],"b":1.5}'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\ud800": 1.5}])
def test_what_has_no_json_form_is_never_written(value: JsonValue) -> None:
    with pytest.raises(ValueError, match=r"JSON|surrogates"):
        canonical(value)


def test_a_value_of_another_type_is_never_written() -> None:
    with pytest.raises(ValueError, match="bytes is not a JSON type"):
        canonical({"a": b"raw"})  # type: ignore[dict-item]


def test_a_digest_is_sha256_in_lower_case_hexadecimal() -> None:
    # FIPS 180-4, the example message "abc".
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest(b"abc") == f"sha256:{expected}"


def test_the_digest_of_arguments_covers_their_canonical_form() -> None:
    first = parse_arguments(b'{"b": 1.0, "a": "\\u0041"}', "arguments")
    second = parse_arguments(b'{"a":"A","b":1e0}', "arguments")
    assert arguments_digest(first) == arguments_digest(second) == digest(b'{"a":"A","b":1}')


def test_the_digest_of_a_definition_leaves_out_absent_members() -> None:
    assert schema_digest("read") == digest(b'{"name":"read"}')
    assert schema_digest("read", "") == digest(b'{"description":"","name":"read"}')
    assert schema_digest("read", "Reads.", {"type": "object"}) == digest(
        b'{"description":"Reads.","inputSchema":{"type":"object"},"name":"read"}'
    )


def test_a_struct_becomes_plain_json() -> None:
    value = {"risk": 0.5, "tags": ["a", None, True], "inner": {"n": 3.0}}
    checked = check_struct(value, "context.signals")
    assert repr(checked["inner"]) == "{'n': 3}"
    assert checked == value
    assert canonical(checked) == b'{"inner":{"n":3},"risk":0.5,"tags":["a",null,true]}'


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), 5e-324])
def test_a_struct_with_a_number_out_of_range_is_refused(number: float) -> None:
    fault = refusal(lambda: check_struct({"risk": [1.0, number]}, "context.signals"))
    assert (fault.field, fault.pointer) == ("context.signals", "/risk/1")


def test_a_struct_of_64_levels_is_accepted_and_65_are_refused() -> None:
    value: dict[str, object] = {"a": 1.0}
    for _ in range(63):
        value = {"a": value}
    check_struct(value, "context.signals")
    fault = refusal(lambda: check_struct({"a": value}, "context.signals"))
    assert "nested more than 64 levels" in fault.problem


def test_a_struct_with_keys_that_differ_only_in_case_is_refused() -> None:
    fault = refusal(lambda: check_struct({"a": {"Role": 1.0, "role": 2.0}}, "subject.properties"))
    assert fault.pointer == "/a"
    assert "differ only in case" in fault.problem


def test_a_struct_with_a_lone_surrogate_is_refused() -> None:
    fault = refusal(lambda: check_struct({"a": "\udc00"}, "subject.properties"))
    assert "lone surrogate" in fault.problem


def test_a_struct_larger_than_its_limit_is_refused() -> None:
    check_struct({"a": "x" * (STRUCT_BYTES - 8)}, "subject.properties")
    fault = refusal(lambda: check_struct({"a": "x" * (STRUCT_BYTES - 7)}, "subject.properties"))
    assert "longer than 65,536 bytes" in fault.problem


def test_a_struct_with_a_value_that_is_not_json_is_refused() -> None:
    fault = refusal(lambda: check_struct({"a": [b"raw"]}, "subject.properties"))
    assert fault.pointer == "/a/0"


def test_the_published_page_shows_the_digest_of_its_example() -> None:
    page = (VECTORS.parents[1] / "canonical-json.md").read_text()
    assert schema_digest("read", None, {"type": "object"}) in page
    for reason in PROBLEMS:
        assert f"`{reason}`" in page
