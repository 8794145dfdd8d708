"""People answer in a browser what a running service asks."""

from __future__ import annotations

from playwright.sync_api import expect

from pdp.v1 import decision_pb2
from tests.console.conftest import Seat, notice
from tests.escalated import ALLOW, People, Work, codes


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
