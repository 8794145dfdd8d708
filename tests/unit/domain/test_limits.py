"""What a caller may send, and how it is told what it may not."""

from __future__ import annotations

import pytest

from pdp.domain.limits import (
    InvalidInput,
    check_count,
    check_request_id,
    check_task_id,
    check_text,
    shown,
)


def test_a_refusal_names_field_place_problem_and_remedy() -> None:
    fault = InvalidInput("resource.id", "is too long", "shorten it", pointer="/a")
    assert isinstance(fault, ValueError)
    assert str(fault) == "resource.id at /a: is too long; shorten it"
    assert str(InvalidInput("goal", "is empty", "set it")) == "goal: is empty; set it"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", '"plain"'),
        ('a"b', '"a\\"b"'),
        ("line\nbreak", '"line\\nbreak"'),
        ("\u202eright to left", '"\\u202eright to left"'),
        ("\ud800", '"\\ud800"'),
        ("x" * 64, '"' + "x" * 64 + '"'),
        ("x" * 65, '"' + "x" * 64 + '"…'),
    ],
)
def test_a_shown_value_is_escaped_and_clipped(value: str, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("value", ["", "a", "x" * 128, "req 1/2~!", "~"])
def test_a_request_id_of_printable_ascii_is_accepted(value: str) -> None:
    check_request_id(value)


@pytest.mark.parametrize("value", ["x" * 129, "é", "a\n", "a\x00", "\x7f", "\t"])
def test_any_other_request_id_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="request_id: is not at most 128 printable ASCII"):
        check_request_id(value)


@pytest.mark.parametrize("value", ["t", "T-1.2_3:4", "x" * 128])
def test_a_task_id_of_the_allowed_characters_is_accepted(value: str) -> None:
    check_task_id(value, "task_id")


@pytest.mark.parametrize("value", ["", "x" * 129, "a b", "a/b", "a\n", "é", "../a", "a%2fb"])
def test_any_other_task_id_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"context\.task_id: is not 1 to 128 characters of"):
        check_task_id(value, "context.task_id")


def test_a_list_may_have_as_many_elements_as_its_limit() -> None:
    check_count(64, "outcomes", 64)
    with pytest.raises(InvalidInput, match="outcomes: has 65 elements; send at most 64"):
        check_count(65, "outcomes", 64)


@pytest.mark.parametrize("value", ["x" * 8, "é" * 4, "\U0001f600" * 2, "two\nrows"])
def test_a_text_of_as_many_bytes_as_its_limit_is_accepted(value: str) -> None:
    check_text(value, "goal", 8)


@pytest.mark.parametrize("value", ["x" * 9, "é" * 4 + "x", "\U0001f600" * 3, "\x00" * 9])
def test_a_text_of_more_bytes_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match="goal: is longer than 8 bytes; shorten it"):
        check_text(value, "goal", 8)


@pytest.mark.parametrize("code", [0x0000, 0xD800, 0xDFFF])
def test_a_text_that_cannot_be_stored_is_refused(code: int) -> None:
    with pytest.raises(InvalidInput, match=rf"goal: has U\+{code:04X} at character 1"):
        check_text("a" + chr(code), "goal", 8)


@pytest.mark.parametrize("char", "\x00\t\n\r\x1b\x7f\x85\u2028\u2029\ud800")
def test_one_line_has_no_control_characters_and_no_line_separators(char: str) -> None:
    with pytest.raises(InvalidInput, match="has U"):
        check_text(f"a{char}b", "resource.id", 100, one_line=True)


def test_an_empty_text_is_refused_only_where_one_is_required() -> None:
    check_text("", "goal", 8)
    with pytest.raises(InvalidInput, match="goal: is empty; set it"):
        check_text("", "goal", 8, required=True)
