"""What people fill in, read strictly."""

from __future__ import annotations

import pytest

from pdp.console.forms import BadForm, Form, reason_of, shown_for_edit, terms_of
from pdp.domain.canonical import JsonValue
from pdp.domain.limits import REASON_BYTES
from pdp.domain.records import ArgumentConstraint, GrantTerms

ARGUMENTS: dict[str, JsonValue] = {"a/b": "text", "n": 3, "to": ["x@example.net"]}
COUNTS = {"uses": "4", "minutes": "10"}


def form(**fields: str) -> Form:
    return Form(tuple((name.replace("_", "-"), value) for name, value in fields.items()))


def test_arguments_that_are_left_as_they_are_are_not_spoken_of() -> None:
    assert terms_of(form(**COUNTS, how_0="same", how_1="same"), ARGUMENTS) == GrantTerms(
        max_uses=4, ttl_us=600_000_000
    )


def test_each_argument_is_read_as_its_value_is() -> None:
    terms = terms_of(
        form(
            **COUNTS,
            how_0="values",
            values_0='one\n\n"two"\n',
            how_1="values",
            values_1="3\n4.0",
            how_2="patterns",
            values_2="*@example.net",
        ),
        ARGUMENTS,
    )
    assert terms.constraints == (
        ArgumentConstraint("/a~1b", ('"one"', '"\\"two\\""')),
        ArgumentConstraint("/n", ("3", "4")),
        ArgumentConstraint("/to", (), ("*@example.net",)),
    )


def test_a_value_shown_for_editing_is_read_back_as_it_was() -> None:
    for index, value in enumerate(ARGUMENTS.values()):
        fields = {**COUNTS, f"how_{index}": "values", f"values_{index}": shown_for_edit(value)}
        [constraint] = terms_of(form(**fields), ARGUMENTS).constraints
        assert constraint.values == (['"text"', "3", '["x@example.net"]'][index],)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"minutes": "1"}, "how many calls"),
        ({"uses": "0", "minutes": "1"}, "how many calls"),
        ({"uses": "-1", "minutes": "1"}, "how many calls"),
        ({"uses": "٣", "minutes": "1"}, "how many calls"),
        ({"uses": "1", "minutes": "1e3"}, "how many minutes"),
        ({"uses": "1", "minutes": "9" * 50}, "how many minutes"),
        ({**COUNTS, "how_1": "values", "values_1": "three"}, "is not JSON"),
        ({**COUNTS, "how_1": "values", "values_1": " \n"}, "one a line"),
        ({**COUNTS, "how_1": "any"}, "no such way"),
        ({**COUNTS, "how_0": "values", "values_0": "x\n" * 65}, "more than 64 lines"),
    ],
)
def test_terms_that_cannot_be_used_say_what_to_change(fields: dict[str, str], said: str) -> None:
    with pytest.raises(BadForm, match=said):
        terms_of(form(**fields), ARGUMENTS)


def test_a_reason_of_more_than_a_page_is_refused() -> None:
    assert reason_of(form(reason="  as it should be ")) == "as it should be"
    with pytest.raises(BadForm, match="too long"):
        reason_of(form(reason="x" * (REASON_BYTES + 1)))
