"""People answer in a browser what a running service asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.conftest import Seat, Seats, notice, serving
from tests.escalated import ALLOW, DENY, ESCALATE, REFUSE, People, Work, codes
from tests.service import Service


def test_an_approved_call_is_allowed_when_it_is_asked_again(
    bob: Seat, work: Work, people: People
) -> None:
    approval = work.escalated("gina@example.net")
    bob.go(f"/approvals/{approval}")
    expect(bob.page.locator("h1")).to_contain_text("gina@example.net")
    bob.read()
    bob.page.click("#approve")
    expect(bob.page.locator("#notices")).to_contain_text("Approved: Send with office/send_mail")
    assert people.state(approval) == "approved"
    assert work.ask("gina@example.net").decision == ALLOW


def test_a_denied_call_stays_denied_for_the_reason_that_is_told(
    bob: Seat, work: Work, people: People
) -> None:
    approval = work.escalated("hugo@example.net")
    bob.go(f"/approvals/{approval}")
    bob.page.fill("#reason", "Nobody here knows Hugo.")
    bob.read()
    bob.page.click("#deny")
    expect(bob.page.locator("#notices")).to_contain_text("Denied:")
    [vote] = people.get(approval).votes
    assert (vote.voter.id, vote.reason) == ("bob", "Nobody here knows Hugo.")
    again = work.ask("hugo@example.net")
    assert (again.decision, codes(again)) == (DENY, {"approval_denied"})


def test_a_no_that_is_taken_back_lets_the_agent_ask_again(
    bob: Seat, work: Work, people: People
) -> None:
    approval = work.escalated("ida@example.net")
    people.decide(approval, REFUSE, by="carol")
    bob.go(f"/approvals/{approval}")
    bob.page.click("text=Take the no back")
    expect(bob.page.locator("#notices")).to_contain_text("Taken back")
    assert people.state(approval) == "cancelled"
    assert work.ask("ida@example.net").decision == ESCALATE


def test_a_grant_answers_the_calls_it_was_given_for_and_no_others(
    bob: Seat, work: Work, people: People
) -> None:
    approval = work.escalated("jan@example.net")
    bob.go(f"/approvals/{approval}")
    page = bob.page
    page.click("summary:has-text('Grant several')")
    page.fill("#uses", "3")
    page.fill("#minutes", "10")
    to = page.locator("fieldset", has=page.locator("legend", has_text="to"))
    to.locator("select").select_option("patterns")
    to.locator("textarea").fill("*@example.net")
    bob.read()
    page.click("button:has-text('Grant')")
    expect(page.locator("#notices")).to_contain_text("Approved")
    [grant] = people.grants_of(work.task_id)
    assert (grant.grant.max_uses, grant.tool) == (3, "send_mail")
    assert [list(one.patterns) for one in grant.grant.constraints] == [["*@example.net"]]
    assert work.ask("kim@example.net").decision == ALLOW
    assert work.ask("kim@example.org").decision == ESCALATE


def test_a_grant_pins_every_argument_that_the_form_leaves_as_it_is(
    bob: Seat, work: Work, people: People
) -> None:
    approval = work.escalated("lea@example.net")
    bob.go(f"/approvals/{approval}")
    bob.page.click("summary:has-text('Grant several')")
    bob.read()
    bob.page.click("button:has-text('Grant')")
    expect(bob.page.locator("#notices")).to_contain_text("Approved")
    assert work.ask("lea@example.net", "another text").decision == ALLOW
    assert work.ask("leo@example.net").decision == ESCALATE
    bob.go("/grants")
    row = bob.page.locator("tr", has_text="lea@example.net")
    expect(row).to_contain_text("1 of 5")
    row.locator("a", has_text="Revoke").click()
    bob.page.click("button:has-text('Revoke the grant')")
    expect(bob.page.locator("#notices")).to_contain_text("Revoked")
    assert people.grants_of(work.task_id) == []
    assert work.ask("lea@example.net").decision == ESCALATE


def test_a_grant_that_cannot_be_given_says_what_to_change(bob: Seat, work: Work) -> None:
    approval = work.escalated("mia@example.net")
    bob.go(f"/approvals/{approval}")
    page = bob.page
    page.click("summary:has-text('Grant several')")
    to = page.locator("fieldset", has=page.locator("legend", has_text="to"))
    to.locator("select").select_option("values")
    to.locator("textarea").fill("not json")
    bob.read()
    page.click("button:has-text('Grant')")
    expect(page.locator("main")).to_contain_text("is not JSON, as its value here is: not json")


def test_what_is_ticked_in_the_queue_is_seen_once_more_and_then_answered_together(
    bob: Seat, work: Work, people: People
) -> None:
    alike = [work.escalated("nina@example.net", task_id=work.start()) for _ in range(3)]
    other = work.escalated("otto@example.net")
    bob.go()
    box = bob.page.get_by_label("Choose these 3: Send with office/send_mail to nina@example.net")
    box.check()
    bob.page.get_by_label("Choose: Send with office/send_mail to otto@example.net").check()
    bob.page.click("text=Approve ticked")
    expect(bob.page.locator("h1")).to_have_text("Approve 4 calls?")
    assert {people.state(one) for one in alike} == {"pending"}
    bob.read()
    bob.page.click("button:has-text('Approve 4')")
    expect(bob.page.locator("#notices")).to_contain_text("Approved: 4 of 4.")
    assert {people.state(one) for one in (*alike, other)} == {"approved"}


def test_of_several_those_that_cannot_be_answered_are_named(
    bob: Seat, work: Work, people: People
) -> None:
    first, second = work.escalated("paul@example.net"), work.escalated("quinn@example.net")
    bob.go()
    for name in ("paul", "quinn"):
        bob.page.get_by_label(f"Choose: Send with office/send_mail to {name}@").check()
    bob.page.click("text=Deny ticked")
    people.decide(first, by="carol")
    bob.read()
    bob.page.click("button:has-text('Deny 2')")
    expect(bob.page.locator("main")).to_contain_text("Denied: 1 of 2.")
    expect(bob.page.locator(".failed li")).to_have_count(1)
    expect(bob.page.locator(".failed li")).to_contain_text("takes no more votes")
    assert (people.state(first), people.state(second)) == ("approved", "denied")


def test_two_people_who_answer_at_once_get_one_answer_and_one_explanation(
    seats: Seats, service: Service, work: Work, people: People
) -> None:
    approval = work.escalated("rosa@example.net")
    bob, carol = (seats.of(service, name) for name in ("bob", "carol"))
    for seat in (bob, carol):
        seat.go(f"/approvals/{approval}")
    carol.read()
    bob.page.click("#approve")
    expect(bob.page.locator("#notices")).to_contain_text("Approved")
    carol.page.click("#deny")
    expect(carol.page.locator("h1")).to_have_text("Meanwhile, this has changed")
    expect(carol.page.locator("main")).to_contain_text("The approval is approved")
    carol.page.click("text=See where it stands")
    expect(carol.page.locator(".votes")).to_contain_text("yes from bob")
    assert people.state(approval) == "approved"


def test_the_person_whom_the_call_is_for_cannot_answer_it(
    seats: Seats, service: Service, work: Work, people: People
) -> None:
    approval = work.escalated("sara@example.net")
    owner = seats.of(service, work.principal)
    owner.go(f"/approvals/{approval}")
    expect(owner.page.locator(".why-not")).to_contain_text("another person has to answer")
    expect(owner.page.locator("#approve")).to_have_count(0)


def test_the_second_click_of_a_double_click_answers_nothing(
    bob: Seat, work: Work, people: People
) -> None:
    first, second = work.escalated("tina@example.net"), work.escalated("ute@example.net")
    bob.go(f"/approvals/{second}")
    bob.read()
    bob.page.click("#approve")
    expect(bob.page.locator("h1")).to_contain_text("tina@example.net")
    bob.page.click("#approve")
    expect(bob.page.locator("h1")).to_have_text("Not counted")
    assert (people.state(first), people.state(second)) == ("pending", "approved")


def test_a_revoked_task_ends_with_its_questions(bob: Seat, work: Work, people: People) -> None:
    approval = work.escalated("vera@example.net")
    bob.go(f"/tasks/{work.task_id}")
    bob.page.click("text=Revoke…")
    bob.page.fill("#reason", "It was a test.")
    bob.page.click("button:has-text('Revoke the task')")
    expect(bob.page.locator("#notices")).to_contain_text("Revoked")
    expect(bob.page.locator("main")).to_contain_text("bob revoked the task: “It was a test.”")
    assert people.state(approval) == "cancelled"
    assert work.ask("vera@example.net").decision == DENY


@pytest.fixture(scope="module")
def two_in_a_hurry(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Service]:
    """A service where two people have to say yes, within three seconds."""
    with serving(tmp_path_factory.mktemp("two"), root, needed=2, ttl_s=3) as started:
        yield started


def test_a_question_that_expires_while_it_is_looked_at_takes_no_vote(
    seats: Seats, two_in_a_hurry: Service
) -> None:
    with two_in_a_hurry.channel() as channel:
        approval = Work(channel).escalated("wanda@example.net")
        bob = seats.of(two_in_a_hurry, "bob")
        bob.go(f"/approvals/{approval}")
        expect(bob.page.locator(".state time")).to_have_text("time is over")
        bob.page.click("#approve")
        expect(bob.page.locator("main")).to_contain_text("The approval is expired")
        assert People(channel).state(approval) == "expired"


def test_votes_are_counted_until_there_are_enough(seats: Seats, two_in_a_hurry: Service) -> None:
    with two_in_a_hurry.channel() as channel:
        approval = Work(channel).escalated("xenia@example.net")
        bob = seats.of(two_in_a_hurry, "bob")
        bob.go(f"/approvals/{approval}")
        bob.read()
        bob.page.click("#approve")
        assert notice(bob).startswith("Your yes is counted, 1 of 2 votes: Send with")
        bob.go(f"/approvals/{approval}")
        expect(bob.page.locator(".why-not")).to_contain_text("You have voted already")
