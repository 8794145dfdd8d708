"""What is printed to people: visible characters only, and a bar where the wait is long."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.cli import audit
from pdp.cli.terminal import exact_moment, moment, plain


@given(st.text())
def test_shown_text_has_no_character_that_is_not_plainly_visible(text: str) -> None:
    refused = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not {unicodedata.category(char) for char in plain(text)} & refused


@given(st.text(), st.text())
def test_two_texts_never_look_the_same(one: str, other: str) -> None:
    assert (plain(one) == plain(other)) == (one == other)


def test_ordinary_text_of_any_language_is_left_as_it_is() -> None:
    for text in ("Pay the bill, 100 €", "naïve — Ω 数据 עברית", ""):
        assert plain(text) == text


def test_times_are_utc_and_never_fail() -> None:
    at_us = 1_764_000_000_123_456
    assert moment(at_us) == "2025-11-24T16:00:00Z"
    assert exact_moment(at_us) == "2025-11-24T16:00:00.123456Z"
    assert moment(2**62) == f"{2**62}us"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("patience", "shown"), [(0.0, True), (60.0, False)])
def test_a_bar_is_shown_where_a_person_waits_for_long(
    monkeypatch: pytest.MonkeyPatch, patience: float, shown: bool
) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(audit, "_PROGRESS_AFTER_S", patience)
    with audit._progress() as tell:
        tell(1, 4)
        tell(4, 4)
    assert ("checking leaves" in screen.getvalue()) is shown


def test_no_bar_goes_into_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(audit, "_PROGRESS_AFTER_S", 0.0)
    with audit._progress() as tell:
        tell(1, 4)
    assert screen.getvalue() == ""
