"""What holds for the canonical form of every value."""

from __future__ import annotations

import json
import math
import struct

from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.canonical import JsonValue, canonical, parse_value
from pdp.domain.limits import InvalidInput

# Keys that stay apart when case and Unicode form are ignored, some of them beyond U+FFFF.
keys = st.text(st.sampled_from('abcde019_~/"\\ \u20ac\u4e00\ufb33\U0001f600\U00010fff'), max_size=4)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
integers = st.integers(min_value=-(10**64) + 1, max_value=10**64 - 1)
doubles = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: number == 0 or abs(number) >= 1e-308
)
values: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | integers | doubles | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=20,
)


def shuffled(value: JsonValue, draw_order: list[int]) -> JsonValue:
    """The same value, the members of every object in another order."""
    if isinstance(value, list):
        return [shuffled(element, draw_order) for element in value]
    if isinstance(value, dict):
        order = sorted(enumerate(value), key=lambda one: draw_order[one[0] % len(draw_order)])
        return {key: shuffled(value[key], draw_order) for _, key in order}
    return value


def same(first: JsonValue, second: JsonValue) -> bool:
    """Whether two values are equal with their types: 1 is neither 1.0 nor True."""
    return repr(first) == repr(second)


@given(values)
def test_reading_the_canonical_form_and_writing_it_again_changes_nothing(value: JsonValue) -> None:
    written = canonical(value)
    assert canonical(parse_value(written, "value")) == written


@given(values)
def test_what_is_parsed_is_what_the_canonical_form_says(value: JsonValue) -> None:
    parsed = parse_value(json.dumps(value, sort_keys=True).encode(), "value")
    again = parse_value(canonical(parsed), "value")
    assert again == parsed
    assert same(again, json.loads(canonical(parsed)))


@given(values, st.lists(st.integers(), min_size=1, max_size=5))
def test_the_order_of_members_does_not_matter(value: JsonValue, order: list[int]) -> None:
    assert canonical(shuffled(value, order)) == canonical(value)


@given(values, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_spelling_and_white_space_do_not_matter(
    value: JsonValue, ascii_only: bool, indent: int | str | None
) -> None:
    spelled = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    assert canonical(parse_value(spelled, "value")) == canonical(value)


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_every_finite_double_reads_back_bit_for_bit(bits: int) -> None:
    number = struct.unpack(">d", bits.to_bytes(8, "big"))[0]
    if not math.isfinite(number):
        return
    assert float(canonical(number)) == number


@given(st.dictionaries(keys, st.integers(), min_size=2))
def test_members_are_in_the_order_of_utf_16_code_units(value: dict[str, JsonValue]) -> None:
    # A float beside the integers takes the other of the two ways to write.
    for chosen in (value, value | {"0": 0.5}):
        found = list(json.loads(canonical(chosen)))
        assert found == sorted(chosen, key=lambda key: key.encode("utf-16-be"))


@given(
    st.binary(max_size=200) | st.text(st.sampled_from('[]{},:"\\0e-.ntu \ud7ff')).map(str.encode)
)
def test_any_bytes_are_parsed_or_refused_and_nothing_else_happens(raw: bytes) -> None:
    try:
        value = parse_value(raw, "value")
    except InvalidInput as fault:
        message = str(fault)
        assert message.startswith("value")
    else:
        assert json.loads(raw) == value
