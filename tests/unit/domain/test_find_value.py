"""Where a value stands in a text."""

from __future__ import annotations

import json
from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.find_value import find_value


def found(text: str, value: str) -> str | None:
    place = find_value(text, value)
    return text[slice(*place)] if place is not None else None


@pytest.mark.parametrize(
    ("text", "value", "match"),
    [
        ("write to bob@example.com, please", "bob@example.com", "bob@example.com"),
        ("write to Bob@Example.COM.", "bob@example.com", "Bob@Example.COM"),
        ("<b\u200bob@exa\u00admple.com>", "bob@example.com", "b\u200bob@exa\u00admple.com"),
        ("mail \uff42ob@example.com", "bob@example.com", "\uff42ob@example.com"),
        ("see HTTP://Example.com:80/a, now", "http://example.com/a", "HTTP://Example.com:80/a"),
        ("see example.com.", "https://example.com/", "example.com"),
        (r'{"u": "http:\/\/example.com\/a"}', "http://example.com/a", r"http:\/\/example.com\/a"),
        (r'{"n": "caf\u00e9 \"x\""}', 'café "x"', r"caf\u00e9 \"x\""),
        ("IBAN DE89 3704 0044 0532 0130 00 ok", "DE89370400440532013000", None),
        ("call +1 (555) 123-4567", "+15551234567", "1 (555) 123-4567"),
        ("it costs $1,200.50 today", "1200.5", "1,200.50"),
        ("Jane   DOE came", "jane doe", "Jane   DOE"),
        ("in ./a//b/./c.txt", "a/b/c.txt", "a//b/./c.txt"),
        ("id 2013, id 13", "13", "13"),
        ("Bob: bob@example.com", "Bob <bob@example.com>", "bob@example.com"),
    ],
)
def test_a_value_is_found_as_it_is_written_or_as_the_same_atom(
    text: str, value: str, match: str | None
) -> None:
    assert found(text, value) == (match or "DE89 3704 0044 0532 0130 00")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("bob@example.company", "bob@example.com"),
        ("bob@example.com.evil.example", "bob@example.com"),
        ("jim.bob@example.com", "bob@example.com"),
        ("2013 and 13.5", "13"),
        ("carpet", "car"),
        ("/srv/a/b", "/srv/a"),
        ("nothing of the kind", "bob@example.com"),
        ("text", ""),
        ("a  b", " "),
        ("", "x"),
    ],
)
def test_a_part_of_something_else_is_not_the_value(text: str, value: str) -> None:
    assert find_value(text, value) is None


def test_the_first_whole_occurrence_is_found() -> None:
    assert find_value("xbob@a.io bob@a.io bob@a.io", "bob@a.io") == (10, 18)


@given(st.text(max_size=20), st.text(min_size=1, max_size=10), st.text(max_size=20))
def test_a_value_between_spaces_is_found_as_it_is(before: str, value: str, after: str) -> None:
    text = f"{before} {value} {after}"
    place = find_value(text, value)
    if value.strip():
        assert place is not None
        assert text[slice(*place)] == value


@given(st.text(max_size=20))
def test_a_value_is_found_in_the_json_that_holds_it(value: str) -> None:
    for ascii_only in (False, True):
        place = find_value(json.dumps({"k": value}, ensure_ascii=ascii_only), value)
        assert (place is not None) == bool(value.strip())


@given(st.text("ab.@/ -19\u200b\\é", max_size=60), st.text("ab.@/ -19é", max_size=20))
def test_a_place_lies_in_the_text_and_is_not_empty(text: str, value: str) -> None:
    place = find_value(text, value)
    if place is not None:
        start, end = place
        assert 0 <= start < end <= len(text)


@pytest.mark.parametrize(
    "piece",
    ["bob@exämple.com ", "é", "a", "http://x.io/a ", "12345 ", "x/./", "/", "1-", "Aa ", "\u200b"],
)
@pytest.mark.parametrize(
    "value", ["bob@example.org", "http://x.io/b", "a" * 200, "x/x/x/y", "123456789", "a a a b"]
)
def test_a_hostile_text_of_the_largest_size_costs_little(piece: str, value: str) -> None:
    text = piece * (1_000_000 // len(piece))
    begun = thread_time()
    find_value(text, value)
    # Measured: at most 0.15 s.
    assert thread_time() - begun < 2
