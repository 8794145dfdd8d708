"""Sessions: what is believed, for how long, and whose forms."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.console.sessions import IDLE_SECONDS, LONGEST_SECONDS, SECOND_US, Sessions

START_US = 1_700_000_000_000_000


@dataclass
class Told:
    """A clock that says what it is told."""

    us: int = START_US

    def __call__(self) -> int:
        return self.us

    def later(self, seconds: float) -> None:
        self.us += int(seconds * SECOND_US)


@pytest.fixture
def clock() -> Told:
    return Told()


@pytest.fixture
def sessions(clock: Told) -> Sessions:
    return Sessions(clock)


def test_a_cookie_is_read_as_the_session_it_was_made_for(sessions: Sessions) -> None:
    session = sessions.begin("bob")
    assert sessions.read(sessions.cookie(session)) == session


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_nothing_that_was_not_signed_here_is_a_session(text: str) -> None:
    sessions = Sessions(Told())
    session = sessions.begin("bob")
    assert sessions.read(text) is None
    assert sessions.token_age_us(session, text) is None
    assert sessions.unseal(session, text) == ""


def test_another_key_signs_nothing_that_is_believed(sessions: Sessions, clock: Told) -> None:
    other = Sessions(clock)
    session = other.begin("bob")
    assert sessions.read(other.cookie(session)) is None
    assert sessions.token_age_us(session, other.token(session)) is None


def test_what_was_signed_for_one_purpose_serves_no_other(sessions: Sessions) -> None:
    session = sessions.begin("bob")
    sealed = sessions.seal(session, "notice")
    for one in (sealed, sessions.token(session)):
        assert sessions.read(one) is None
    for one in (sealed, sessions.cookie(session)):
        assert sessions.token_age_us(session, one) is None


def test_a_session_ends_when_its_person_leaves_the_desk(sessions: Sessions, clock: Told) -> None:
    cookie = sessions.cookie(sessions.begin("bob"))
    clock.later(IDLE_SECONDS - 1)
    assert sessions.read(cookie) is not None
    clock.later(1)
    assert sessions.read(cookie) is None


def test_work_keeps_a_session_for_a_working_day_and_no_longer(
    sessions: Sessions, clock: Told
) -> None:
    session = sessions.begin("bob")
    while sessions.read(sessions.cookie(session)) is not None:
        clock.later(IDLE_SECONDS / 2)
        session = sessions.renewed(session) or session
        assert clock.us < START_US + 2 * LONGEST_SECONDS * SECOND_US
    assert clock.us == pytest.approx(
        START_US + LONGEST_SECONDS * SECOND_US, abs=IDLE_SECONDS * SECOND_US
    )


def test_a_session_is_not_renewed_with_every_page(sessions: Sessions, clock: Told) -> None:
    session = sessions.begin("bob")
    clock.later(1)
    assert sessions.renewed(session) is None


def test_a_session_that_was_ended_is_over_however_it_was_renewed(
    sessions: Sessions, clock: Told
) -> None:
    session = sessions.begin("bob")
    clock.later(IDLE_SECONDS / 2)
    renewed = sessions.renewed(session)
    assert renewed is not None
    sessions.end(session)
    assert sessions.read(sessions.cookie(session)) is None
    assert sessions.read(sessions.cookie(renewed)) is None


def test_a_token_says_how_old_its_page_is_and_is_its_sessions_own(
    sessions: Sessions, clock: Told
) -> None:
    session = sessions.begin("bob")
    token = sessions.token(session)
    clock.later(2.5)
    assert sessions.token_age_us(session, token) == 2_500_000
    assert sessions.token_age_us(sessions.begin("bob"), token) is None


def test_a_token_stays_good_when_its_session_is_renewed(sessions: Sessions, clock: Told) -> None:
    session = sessions.begin("bob")
    token = sessions.token(session)
    clock.later(IDLE_SECONDS / 2)
    renewed = sessions.renewed(session)
    assert renewed is not None
    assert sessions.token_age_us(renewed, token) is not None


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_sealed_text_is_opened_by_its_session_alone(text: str) -> None:
    sessions = Sessions(Told())
    session = sessions.begin("bob")
    sealed = sessions.seal(session, text)
    assert sessions.unseal(session, sealed) == text
    assert sessions.unseal(sessions.begin("bob"), sealed) == ""
