"""What the Python client does with approvals, blocking and on an event loop, at a real service."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from pdp.client import (
    Approval,
    ApprovalFailed,
    ApprovalState,
    AsyncAuthorizationClient,
    AuthorizationClient,
    CallDenied,
    Constraint,
    GrantTerms,
    Phase,
)
from pdp.client import approval_requests as requests
from tests.escalated import AGENT, BOB, CAROL, office
from tests.service import Service, start_service

GOAL = "Send an e-mail about lunch to the guests"
MAIL = {"to": ["dora@example.com"], "body": "lunch at noon"}

# `ask(service, method, *args, person=…, first=…, **kwargs)`: one method of one client, of either
# kind; of an iterator the `first` so many, by default all.
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def service(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    data = tmp_path_factory.mktemp("client")
    with start_service(data, catalogues=[office("office", data, root)]) as running:
        yield running


@pytest.fixture(params=["blocking", "asyncio"])
def ask(request: pytest.FixtureRequest) -> Ask:
    def blocking(
        service: Service, method: str, *args: Any, person: str = BOB, first: int | None = None,
        **kwargs: Any,
    ) -> Any:  # fmt: skip
        with AuthorizationClient(service.address, person=person, subject=AGENT, timeout=10) as pdp:
            found = attrgetter(method)(pdp)(*args, **kwargs)
            return list(islice(found, first)) if isinstance(found, Iterator) else found

    def on_a_loop(
        service: Service, method: str, *args: Any, person: str = BOB, first: int | None = None,
        **kwargs: Any,
    ) -> Any:  # fmt: skip
        async def run() -> Any:
            async with AsyncAuthorizationClient(
                service.address, person=person, subject=AGENT, timeout=10
            ) as pdp:
                found = attrgetter(method)(pdp)(*args, **kwargs)
                if not hasattr(found, "__aiter__"):
                    return await found
                several: list[Any] = []
                async with aclosing(found) as stream:
                    while first is None or len(several) < first:
                        try:
                            several.append(await anext(stream))
                        except StopAsyncIteration:
                            break
                return several

        return asyncio.run(run())

    return blocking if request.param == "blocking" else on_a_loop


class Work:
    """A task whose mail a person has to decide."""

    def __init__(self, service: Service) -> None:
        self.pdp = AuthorizationClient(service.address, subject=AGENT, timeout=10)
        self.task = self.pdp.start_task(
            GOAL, on_behalf_of=f"alice-{time.monotonic_ns()}", phase=Phase.EXECUTE
        )

    def mail(self, to: str = "dora@example.com") -> Any:
        return self.pdp.authorize("send_mail", {**MAIL, "to": [to]}, task_id=self.task.id)

    def escalated(self, to: str = "dora@example.com") -> str:
        verdict = self.mail(to)
        assert verdict.escalated, verdict
        return str(verdict.approval_id)


@pytest.fixture
def work(service: Service) -> Iterator[Work]:
    made = Work(service)
    yield made
    made.pdp.close()


@contextmanager
def later(act: Callable[[], object], seconds: float = 0.3) -> Iterator[None]:
    """Have something happen after a while; at the end it has happened."""
    timer = threading.Timer(seconds, act)
    timer.start()
    try:
        yield
    finally:
        timer.join(30)


def test_an_approval_says_all_that_a_person_decides_on(
    ask: Ask, service: Service, work: Work
) -> None:
    approval_id = work.escalated()
    found: Approval = ask(service, "approvals.get", approval_id)
    assert (found.id, found.state, found.is_open) == (approval_id, ApprovalState.PENDING, True)
    assert (found.server, found.tool, found.arguments) == ("office", "send_mail", MAIL)
    assert (found.subject.id, found.task.id, found.task.goal) == (AGENT, work.task.id, GOAL)
    assert found.task.phase is Phase.EXECUTE
    assert [sink.path for sink in found.sinks] == ["/to/0"]
    assert found.sinks[0].origin == "unknown"
    assert "sink_unknown" in {reason.code for reason in found.reasons}
    assert (found.votes, found.votes_needed) == ((), 1)
    assert found.expires_at_us > time.time_ns() // 1000
    assert [step.tool for step in found.recent][:1] == ["send_mail"]
    assert found.recent[0].decision == "escalate"
    assert found.recent[0].tool_class == "send"


def test_a_gateway_waits_for_the_yes_and_then_makes_the_call(
    ask: Ask, service: Service, work: Work
) -> None:
    approval_id = work.escalated()
    with AuthorizationClient(service.address, person=CAROL, timeout=10) as carol:
        began = time.monotonic()
        with later(lambda: carol.approvals.approve(approval_id, reason="they are invited")):
            found: Approval = ask(service, "approvals.wait", approval_id, timeout=20)
        assert time.monotonic() - began < 10
    assert found.is_usable
    (vote,) = found.votes
    assert (vote.voter.id, vote.approve, vote.reason) == (CAROL, True, "they are invited")
    assert work.mail().allowed
    assert not work.mail().allowed


def test_a_wait_is_over_in_time_and_says_so(ask: Ask, service: Service, work: Work) -> None:
    approval_id = work.escalated()
    began = time.monotonic()
    found: Approval = ask(service, "approvals.wait", approval_id, timeout=0.5)
    assert 0.4 < time.monotonic() - began < 5
    assert found.is_open


def test_a_wait_longer_than_one_call_goes_on(
    ask: Ask, service: Service, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "WAIT_SECONDS", 0.2)
    approval_id = work.escalated()
    with (
        AuthorizationClient(service.address, person=CAROL, timeout=10) as carol,
        later(lambda: carol.approvals.deny(approval_id), 1.0),
    ):
        found: Approval = ask(service, "approvals.wait", approval_id, timeout=20)
    assert found.state is ApprovalState.DENIED


def test_a_no_can_be_taken_back(ask: Ask, service: Service, work: Work) -> None:
    approval_id = work.escalated()
    assert ask(service, "approvals.deny", approval_id).state is ApprovalState.DENIED
    assert "approval_denied" in work.mail().codes
    assert ask(service, "approvals.cancel", approval_id).state is ApprovalState.CANCELLED
    assert work.mail().escalated


def test_a_grant_covers_several_calls_until_it_is_revoked(
    ask: Ask, service: Service, work: Work
) -> None:
    approval_id = work.escalated()
    terms = GrantTerms(3, 600, (Constraint("/to", patterns=("*@example.com",)),))
    assert ask(service, "approvals.approve", approval_id, grant=terms).is_usable
    (grant,) = [one for one in ask(service, "approvals.grants") if one.approval_id == approval_id]
    assert (grant.max_uses, grant.uses, grant.tool) == (3, 0, "send_mail")
    assert grant.constraints[0] == Constraint("/to", patterns=("*@example.com",))
    assert work.mail("emil@example.com").allowed
    assert not work.mail("emil@example.net").allowed
    assert ask(service, "revoke", grant_id=grant.id).allowed
    assert not work.mail("frida@example.com").allowed
    assert grant.id not in {one.id for one in ask(service, "approvals.grants")}


def test_a_revoked_task_is_over(ask: Ask, service: Service, work: Work) -> None:
    approval_id = work.escalated()
    assert ask(service, "revoke", task_id=work.task.id, reason="stop").allowed
    assert work.mail().codes == {"revoked"}
    assert ask(service, "approvals.get", approval_id).state is ApprovalState.CANCELLED


def test_a_revocation_names_one_thing(ask: Ask, service: Service) -> None:
    for selector in ({}, {"task_id": "t-1", "grant_id": "g-1"}):
        with pytest.raises(ValueError, match="a task or a grant"):
            ask(service, "revoke", **selector)
    with pytest.raises(CallDenied, match="not_found"):
        ask(service, "revoke", grant_id="g-unknown")


def test_a_list_goes_on_over_pages(
    ask: Ask, service: Service, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "PAGE", 2)
    ids = [work.escalated(f"guest{number}@example.com") for number in range(5)]
    assert [one.id for one in ask(service, "approvals.list", first=5)] == ids[::-1]


@pytest.mark.parametrize(
    ("person", "code", "why"),
    [("", "unauthenticated", "needs a person"), ("PRINCIPAL", "permission_denied", "party")],
)
def test_who_may_not_decide_is_told_why(
    ask: Ask, service: Service, work: Work, person: str, code: str, why: str
) -> None:
    approval_id = work.escalated()
    principal = ask(service, "approvals.get", approval_id).on_behalf_of.id
    with pytest.raises(ApprovalFailed, match=why) as caught:
        ask(service, "approvals.approve", approval_id, person=person and principal)
    assert caught.value.code == code
    assert caught.value.metadata.get("code", "") == ("self_approval" if person else "")


def test_what_cannot_be_done_is_told_with_the_state_it_is_in(
    ask: Ask, service: Service, work: Work
) -> None:
    approval_id = work.escalated()
    ask(service, "approvals.deny", approval_id)
    with pytest.raises(ApprovalFailed, match="takes no more votes") as caught:
        ask(service, "approvals.approve", approval_id, person=CAROL)
    assert caught.value.code == "failed_precondition"
    assert caught.value.metadata["state"] == "denied"
    with pytest.raises(ApprovalFailed, match="no approval of this id") as caught:
        ask(service, "approvals.get", "a-unknown")
    assert caught.value.code == "not_found"


def test_a_vote_that_is_sent_again_counts_once(ask: Ask, service: Service, work: Work) -> None:
    approval_id = work.escalated()
    for _ in range(2):
        found: Approval = ask(service, "approvals.approve", approval_id, request_id=approval_id)
        assert len(found.votes) == 1


@pytest.mark.parametrize("person", ["Zoë", "a\nb", " bob"])
def test_a_name_that_cannot_be_sent_is_refused_before_anything_is(
    ask: Ask, service: Service, person: str
) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        ask(service, "approvals.get", "a-1", person=person)


def test_a_watch_tells_what_is_open_and_then_each_change_once(
    ask: Ask, service: Service, work: Work
) -> None:
    known = {one.id for one in ask(service, "approvals.list") if one.is_open}
    before = work.escalated()

    def act() -> None:
        work.escalated("emil@example.com")
        with AuthorizationClient(service.address, person=CAROL, timeout=10) as carol:
            carol.approvals.deny(before)

    with later(act, 1.0):
        told = ask(service, "approvals.watch", first=len(known) + 3)
    assert {one.id for one in told[: len(known) + 1]} == known | {before}
    new, denied = told[-2:]
    assert (new.state, new.sinks[0].value) == (ApprovalState.PENDING, "emil@example.com")
    assert (denied.id, denied.state) == (before, ApprovalState.DENIED)


def test_a_watch_comes_back_after_a_restart_and_tells_nothing_twice(
    ask: Ask, root: Path, tmp_path: Path
) -> None:
    catalogues = [office("office", tmp_path, root)]
    data = tmp_path / "data"
    services = [start_service(data, catalogues=catalogues)]
    try:
        work = Work(services[0])
        first, second = work.escalated(), work.escalated("emil@example.com")

        def restart() -> None:
            services[0].stop()
            services.append(start_service(data, catalogues=catalogues))
            with AuthorizationClient(services[1].address, person=CAROL, timeout=10) as carol:
                carol.approvals.approve(second)
            work.escalated("frida@example.com")

        with later(restart, 1.0):
            told = ask(services[0], "approvals.watch", first=4)
    finally:
        services[-1].stop()
        work.pdp.close()
    assert [(one.id, one.state.name) for one in told[:3]] == [
        (second, "PENDING"),
        (first, "PENDING"),
        (second, "APPROVED"),
    ]
    assert told[3].sinks[0].value == "frida@example.com"


def test_a_watch_comes_back_only_where_that_may_help(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    patience = requests.Patience()
    assert patience.is_over("permission_denied")
    assert not patience.is_over("unavailable")
    for _ in range(5):
        patience.begin()
        now += requests.PATIENCE_SECONDS / 4
    assert patience.is_over("unavailable")
    patience.heard()
    assert not patience.is_over("unavailable")
    patience.begin()
    now += 300  # A stream that was held so long was there, though nothing changed.
    assert not patience.is_over("unavailable")
