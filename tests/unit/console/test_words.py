"""What the console shows of texts and times."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.console import words
from pdp.console.json_text import exact, indented
from pdp.domain.canonical import canonical

MINUTE_US = 60_000_000

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.text())
def test_what_is_shown_can_be_read_back_and_holds_no_markup_of_its_own(text: str) -> None:
    shown = str(words.visible(text))
    own = re.compile(r'<span class="hidden-char" title="[^"<>]*">U\+([0-9A-F]{4,6})</span>')
    back = own.sub(lambda mark: chr(int(mark[1], 16)), shown)
    assert "<" not in own.sub("", shown)
    assert unescape(back) == text
    assert [char for char in own.sub("", shown) if words.is_hidden(char)] == []


@pytest.mark.parametrize("char", ["\u202e", "\u200b", "\u2066", "\x00", "\x1b", "\ufeff", "\u3164"])
def test_characters_that_hide_are_marked_by_their_code_point(char: str) -> None:
    mark = f"U+{ord(char):04X}"
    assert mark in words.visible(f"a{char}b")
    assert f"a[{mark}]b" == words.plain(f"a{char}b")


def test_marks_piled_on_one_letter_do_not_cover_the_lines_beside() -> None:
    assert words.visible("e\u0301") == "e\u0301"
    assert str(words.visible("e" + "\u0301" * 50)).count("U+0301") == 47


def test_letters_that_could_pass_for_others_are_named() -> None:
    assert words.unusual_letters("p\u0430ul@example.net") == "\u0430 U+0430"
    assert words.unusual_letters("paul@example.net") == ""


@pytest.mark.parametrize(
    ("us", "said"),
    [
        (0, "time is over"),
        (-1, "time is over"),
        (1, "1 s left"),
        (59_000_001, "1 min 0 s left"),
        (61 * MINUTE_US, "1 h 1 min left"),
        (25 * 60 * MINUTE_US, "1 d 1 h left"),
    ],
)
def test_time_is_over_only_when_it_is_over(us: int, said: str) -> None:
    assert words.left(1_000_000_000 + us, 1_000_000_000) == said


def test_a_code_is_said_in_words_and_an_unknown_one_as_it_is() -> None:
    assert words.code("sink_untrusted") == "goes where untrusted output said"
    assert words.code("acme_outside_hours") == "acme outside hours"


@given(st.dictionaries(st.text(), _json))
def test_indenting_changes_nothing_but_the_white_space(value: dict[str, object]) -> None:
    raw = canonical(value)  # type: ignore[arg-type]
    together = "".join(line.lstrip(" ") for line in indented(raw, 10**6).split("\n"))
    assert together.replace('": ', '":') == exact(raw).replace('": ', '":')


def test_one_long_text_hides_no_other_argument() -> None:
    shown = indented(canonical({"body": "x" * 100_000, "to": ["bob@example.com"]}))
    assert "… (100,002 characters)" in shown
    assert '"bob@example.com"' in shown
    assert len(shown) < 1000


def test_what_is_no_json_is_shown_as_it_is() -> None:
    assert indented(b"{not json \xff") == "{not json \\xff"
