"""People answer escalated calls over gRPC: what a yes covers, what a no stops, what a grant is."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from pdp.v1 import approval_pb2, common_pb2, decision_pb2, task_pb2
from tests.escalated import (
    AGENT,
    ALLOW,
    APPROVE,
    BOB,
    CAROL,
    DENY,
    ESCALATE,
    REFUSE,
    People,
    Work,
    bundle,
    codes,
    error_of,
    info_of,
    office,
    person,
)
from tests.service import Service, start_service

SUCCEEDED = decision_pb2.OUTCOME_STATUS_SUCCEEDED
FAILED = decision_pb2.OUTCOME_STATUS_FAILED
NOT_EXECUTED = decision_pb2.OUTCOME_STATUS_NOT_EXECUTED
PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION
FORBIDDEN = grpc.StatusCode.PERMISSION_DENIED
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(scope="module")
def service(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    data = tmp_path_factory.mktemp("approvals")
    catalogues = [office(name, data, root) for name in ("office", "backoffice")]
    with start_service(data, catalogues=catalogues) as running:
        yield running


@pytest.fixture(scope="module")
def channel(service: Service) -> Iterator[grpc.Channel]:
    with service.channel() as opened:
        yield opened


@pytest.fixture(scope="module")
def people(channel: grpc.Channel) -> People:
    return People(channel)


@pytest.fixture
def work(channel: grpc.Channel) -> Work:
    return Work(channel)


@pytest.fixture(scope="module")
def two_of_many(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[grpc.Channel]:
    """A service whose policy wants two people, and gives them little time."""
    data = tmp_path_factory.mktemp("two")
    rules = bundle(data / "acme", needed=2, ttl_s=3, use_s=2)
    with (
        start_service(data, catalogues=[office("office", data, root)], bundles=[rules]) as running,
        running.channel() as opened,
    ):
        yield opened


# A yes to one call


def test_a_call_that_a_second_person_approved_is_allowed_once_and_used_up_by_success(
    people: People, work: Work
) -> None:
    approval_id = work.escalated()
    assert people.state(approval_id) == "pending"
    decided = people.decide(approval_id, reason="they asked for it")
    assert decided.state == common_pb2.APPROVAL_STATE_APPROVED
    answer = work.ask()
    assert answer.decision == ALLOW
    assert codes(answer) == {"approved"}
    assert answer.approval.id == approval_id
    assert people.state(approval_id) == "reserved"
    work.report(answer, SUCCEEDED)
    assert people.state(approval_id) == "consumed"
    again = work.ask()
    assert again.decision == ESCALATE
    assert again.approval.id != approval_id


def test_a_call_that_was_not_made_gives_its_approval_back(people: People, work: Work) -> None:
    approval_id = work.escalated()
    people.decide(approval_id)
    work.report(work.ask(), NOT_EXECUTED)
    assert people.state(approval_id) == "approved"
    assert work.ask().decision == ALLOW
    assert people.state(approval_id) == "reserved"


def test_a_call_that_failed_keeps_its_approval(people: People, work: Work) -> None:
    approval_id = work.escalated()
    people.decide(approval_id)
    work.report(work.ask(), FAILED)
    assert people.state(approval_id) == "reserved"
    assert work.ask().decision == ESCALATE


@pytest.mark.parametrize(
    "change",
    [
        {"to": "dorb@example.com"},
        {"to": ["dora@example.com", "eve@example.com"]},
        {"body": "lunch at noom"},
        {"server": "backoffice"},
        {"tool": "draft_mail"},
    ],
    ids=["a letter of an argument", "one more recipient", "a letter of content", "another server",
         "another tool"],
)  # fmt: skip
def test_an_approval_covers_no_other_call(
    people: People, work: Work, change: dict[str, Any]
) -> None:
    approval_id = work.escalated()
    people.decide(approval_id)
    other = work.ask(**change)
    assert "approved" not in codes(other)
    assert other.approval.id != approval_id
    assert people.state(approval_id) == "approved"


def test_an_approval_covers_no_other_task(people: People, work: Work) -> None:
    approval_id = work.escalated()
    people.decide(approval_id)
    assert work.ask(task_id=work.start()).decision == ESCALATE
    assert people.state(approval_id) == "approved"


def test_arguments_that_mean_the_same_are_the_same_call(people: People, work: Work) -> None:
    people.decide(work.escalated())
    request = work.request()
    request.action.arguments_json = b'{ "body":"lunch at \\u006eoon",\n"to":["dora@example.com"]}'
    assert work.pep.Authorize(request, timeout=10).decision == ALLOW


def test_asking_again_meanwhile_finds_the_same_question(people: People, work: Work) -> None:
    assert work.escalated() == work.escalated()


def test_of_a_hundred_calls_at_once_one_is_allowed(people: People, work: Work) -> None:
    approval_id = work.escalated()
    people.decide(approval_id)
    request = work.request()
    calls = [work.pep.Authorize.future(request, timeout=60) for _ in range(100)]
    decisions = Counter(call.result().decision for call in calls)
    assert decisions == {ALLOW: 1, ESCALATE: 99}
    assert people.state(approval_id) == "reserved"


# Who may answer


def test_who_is_nobody_cannot_answer(people: People, work: Work) -> None:
    approval_id = work.escalated()
    decide = approval_pb2.DecideApprovalRequest(approval_id=approval_id, verdict=APPROVE)
    cancel = approval_pb2.CancelApprovalRequest(approval_id=approval_id)
    for send, request in (
        (people.stub.DecideApproval, decide),
        (people.stub.CancelApproval, cancel),
    ):
        for metadata in ((), person(BOB) * 2, person("")):
            error = error_of(send, request, metadata=metadata)
            assert error.code() is grpc.StatusCode.UNAUTHENTICATED
            assert "x-pdp-dev-identity" in error.details()
    assert people.state(approval_id) == "pending"


@pytest.mark.parametrize("folded", [str, str.upper])
def test_nobody_approves_what_is_done_for_them(
    people: People, work: Work, folded: Callable[[str], str]
) -> None:
    approval_id = work.escalated()
    error = people.decide_error(approval_id, by=folded(work.principal))
    assert error.code() is FORBIDDEN
    info = info_of(error)
    assert (info.reason, info.domain) == ("SELF_APPROVAL", "pdp.v1")
    assert info.metadata["code"] == "self_approval"
    assert info.metadata["decision_id"]
    assert "neither the agent nor the person" in error.details()
    assert people.state(approval_id) == "pending"
    assert work.ask().decision == ESCALATE


def test_an_agent_approves_nothing_of_its_own(channel: grpc.Channel, people: People) -> None:
    work = Work(channel, agent="mailer")
    error = people.decide_error(work.escalated(), by="Mailer")
    assert error.code() is FORBIDDEN
    assert info_of(error).metadata["code"] == "self_approval"


def test_a_party_cannot_reopen_what_was_denied_either(people: People, work: Work) -> None:
    approval_id = work.escalated()
    people.decide(approval_id, REFUSE)
    request = approval_pb2.CancelApprovalRequest(approval_id=approval_id)
    error = error_of(people.stub.CancelApproval, request, metadata=person(work.principal))
    assert error.code() is FORBIDDEN
    assert people.state(approval_id) == "denied"


def test_of_two_who_answer_at_once_one_is_too_late(people: People, work: Work) -> None:
    approval_id = work.escalated()
    start = threading.Barrier(2)

    def answer(name: str) -> Any:
        start.wait(10)
        try:
            people.decide(approval_id, by=name)
        except grpc.RpcError as error:
            return error
        return None

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(answer, (BOB, CAROL)))
    [error] = [one for one in found if one is not None]
    assert error.code() is PRECONDITION
    assert "takes no more votes" in error.details()
    assert info_of(error).metadata["state"] == "approved"
    assert len(people.get(approval_id).votes) == 1


def test_two_have_to_agree_where_policy_says_so(two_of_many: grpc.Channel) -> None:
    people, work = People(two_of_many), Work(two_of_many)
    approval_id = work.escalated()
    assert people.get(approval_id).votes_needed == 2
    assert people.decide(approval_id).state == common_pb2.APPROVAL_STATE_PENDING
    assert people.decide_error(approval_id, by=BOB).code() is PRECONDITION
    assert work.ask().decision == ESCALATE
    decided = people.decide(approval_id, by=CAROL)
    assert decided.state == common_pb2.APPROVAL_STATE_APPROVED
    assert [vote.voter.id for vote in decided.votes] == [BOB, CAROL]
    assert work.ask().decision == ALLOW


def test_a_question_and_a_yes_end_when_their_time_is_over(two_of_many: grpc.Channel) -> None:
    people, work = People(two_of_many), Work(two_of_many)
    unanswered, unused = work.escalated(), work.escalated(body="supper")
    people.decide(unused)
    people.decide(unused, by=CAROL)
    wait = approval_pb2.WaitApprovalRequest(approval_id=unanswered, max_wait=Duration(seconds=20))
    began = time.monotonic()
    waited = people.stub.WaitApproval(wait, timeout=30).approval
    assert time.monotonic() - began < 10
    assert waited.state == common_pb2.APPROVAL_STATE_EXPIRED
    assert people.decide_error(unanswered).code() is PRECONDITION
    assert people.state(unused) == "expired"
    assert work.ask(body="supper").decision == ESCALATE


def test_the_same_vote_sent_twice_counts_once(two_of_many: grpc.Channel) -> None:
    people, work = People(two_of_many), Work(two_of_many)
    approval_id = work.escalated()
    people.decide(approval_id, request_id="v-1")
    assert len(people.decide(approval_id, request_id="v-1").votes) == 1
    error = people.decide_error(approval_id, REFUSE, request_id="v-1")
    assert error.code() is grpc.StatusCode.ALREADY_EXISTS
    # Another person's request ids are their own.
    assert len(people.decide(approval_id, request_id="v-1", by=CAROL).votes) == 2


# A no


def test_a_no_stays_and_is_reopened_by_a_person_only(people: People, work: Work) -> None:
    approval_id = work.escalated()
    denied = people.decide(approval_id, REFUSE, reason="not to her")
    assert denied.state == common_pb2.APPROVAL_STATE_DENIED
    for body in ("lunch at noon", "other words do not help"):
        answer = work.ask(body=body)
        assert answer.decision == DENY
        assert codes(answer) == {"approval_denied"}
    assert people.decide_error(approval_id).code() is PRECONDITION
    assert work.ask("eve@example.com").decision == ESCALATE
    assert people.cancel(approval_id).state == common_pb2.APPROVAL_STATE_CANCELLED
    assert work.ask().decision == ESCALATE


def test_a_no_outlives_the_service(root: Path, tmp_path: Path) -> None:
    catalogue = office("office", tmp_path, root)
    with start_service(tmp_path, catalogues=[catalogue]) as service, service.channel() as channel:
        work = Work(channel)
        approval_id = work.escalated()
        People(channel).decide(approval_id, REFUSE)
        service.kill()
    with start_service(tmp_path, catalogues=[catalogue]) as service, service.channel() as channel:
        later = Work(channel, principal=work.principal, task_id=work.task_id)
        people = People(channel)
        assert people.state(approval_id) == "denied"
        assert codes(later.ask(body="please")) == {"approval_denied"}
        people.cancel(approval_id)
        assert later.ask().decision == ESCALATE


def test_a_question_and_an_unused_yes_can_be_taken_back_and_a_used_one_cannot(
    people: People, work: Work
) -> None:
    question = work.escalated()
    people.cancel(question)
    assert people.state(question) == "cancelled"
    answered = work.escalated()
    assert answered != question
    people.decide(answered)
    people.cancel(answered)
    assert work.ask().decision == ESCALATE
    used = work.escalated()
    people.decide(used)
    work.ask()
    request = approval_pb2.CancelApprovalRequest(approval_id=used)
    error = error_of(people.stub.CancelApproval, request, metadata=person(BOB))
    assert error.code() is PRECONDITION
    assert info_of(error).metadata["state"] == "reserved"


# What ends with a task


@pytest.mark.parametrize("end", ["complete", "revoke"])
def test_what_people_gave_ends_with_its_task(people: People, work: Work, end: str) -> None:
    question, answered = work.escalated(), work.escalated("eve@example.com")
    people.decide(answered)
    given = work.escalated("fay@example.com")
    people.decide(given, grant=approval_pb2.Grant())
    assert len(people.grants_of(work.task_id)) == 1
    if end == "complete":
        work.orchestrator.CompleteTask(task_pb2.CompleteTaskRequest(task_id=work.task_id))
    else:
        authorization = people.revoke(task_id=work.task_id, reason="it went wrong")
        assert authorization.decision == ALLOW
        assert authorization.task.state == common_pb2.TASK_STATE_REVOKED
        assert codes(work.ask()) == {"revoked"}
    assert people.state(question) == people.state(answered) == "cancelled"
    assert people.grants_of(work.task_id) == []
    assert people.decide_error(question).code() is PRECONDITION


def test_revoking_what_is_not_there_is_told(people: People) -> None:
    denied = people.revoke(task_id="t-nobody")
    assert (denied.decision, codes(denied)) == (DENY, {"unknown_task"})
    request = task_pb2.RevokeRequest(grant_id="g-nobody")
    error = error_of(people.tasks.Revoke, request)
    assert error.code() is grpc.StatusCode.NOT_FOUND


# Grants


def anyone_at(domain: str) -> approval_pb2.ArgumentConstraint:
    return approval_pb2.ArgumentConstraint(path="/to", patterns=[f"*@{domain}"])


def test_a_grant_answers_so_many_calls_within_its_constraints(people: People, work: Work) -> None:
    grant = approval_pb2.Grant(max_uses=2, constraints=[anyone_at("example.com")])
    people.decide(work.escalated(), grant=grant)
    [live] = people.grants_of(work.task_id)
    assert (live.grant.max_uses, live.uses, live.tool) == (2, 0, "send_mail")
    first = work.ask("eve@example.com", "other words")
    assert (first.decision, codes(first)) == (ALLOW, {"approved"})
    assert people.grants_of(work.task_id)[0].uses == 1
    assert work.ask("eve@example.org").decision == ESCALATE
    assert work.ask(["fay@example.com", "mallory@evil.example"]).decision == ESCALATE
    assert work.ask("gil@example.com", server="backoffice").decision == ESCALATE
    assert work.ask("gil@example.com", task_id=work.start()).decision == ESCALATE
    second = work.ask("gil@example.com")
    assert second.decision == ALLOW
    assert people.grants_of(work.task_id) == []
    assert work.ask("hal@example.com").decision == ESCALATE
    work.report(second, NOT_EXECUTED)
    assert people.grants_of(work.task_id)[0].uses == 1
    assert work.ask("hal@example.com").decision == ALLOW


def test_a_grant_says_what_it_holds_and_where_it_came_from(people: People, work: Work) -> None:
    approval_id = work.escalated()
    people.decide(
        approval_id,
        grant=approval_pb2.Grant(
            max_uses=3,
            ttl=Duration(seconds=90),
            constraints=[
                approval_pb2.ArgumentConstraint(
                    path="/to", values=["dora@example.com", '["eve@example.com"]', "5"]
                ),
                approval_pb2.ArgumentConstraint(path="/body", patterns=["lunch*"]),
            ],
        ),
    )
    [live] = people.grants_of(work.task_id)
    assert live.approval_id == approval_id
    assert (live.subject.id, live.on_behalf_of.id) == (AGENT, work.principal)
    assert (live.server, live.uses, live.grant.ttl.seconds) == ("office", 0, 90)
    to, body = live.grant.constraints
    assert (to.path, set(to.values)) == (
        "/to",
        {"dora@example.com", '["eve@example.com"]', "5"},
    )
    assert (body.path, list(body.patterns)) == ("/body", ["lunch*"])
    assert work.ask("eve@example.com", "lunch?").decision == ALLOW
    assert work.ask("eve@example.com", "supper?").decision == ESCALATE


def test_a_grant_without_constraints_is_for_the_same_arguments_with_other_content(
    people: People, work: Work
) -> None:
    people.decide(work.escalated(), grant=approval_pb2.Grant())
    assert work.ask(body="and bring a friend").decision == ALLOW
    assert work.ask("eve@example.com").decision == ESCALATE


def test_a_revoked_grant_answers_nothing(people: People, work: Work) -> None:
    people.decide(work.escalated(), grant=approval_pb2.Grant())
    [live] = people.grants_of(work.task_id)
    assert people.revoke(grant_id=live.id).decision == ALLOW
    assert people.grants_of(work.task_id) == []
    assert work.ask().decision == ESCALATE


def test_taking_an_approval_back_takes_its_grant_back(people: People, work: Work) -> None:
    approval_id = work.escalated()
    people.decide(approval_id, grant=approval_pb2.Grant())
    people.cancel(approval_id)
    assert people.grants_of(work.task_id) == []
    assert work.ask().decision == ESCALATE


def test_a_grant_ends_by_itself(people: People, work: Work) -> None:
    people.decide(work.escalated(), grant=approval_pb2.Grant(ttl=Duration(nanos=1_000_000)))
    assert people.grants_of(work.task_id) == []
    assert work.ask().decision == ESCALATE


def test_a_no_with_a_grant_is_refused(people: People, work: Work) -> None:
    approval_id = work.escalated()
    error = people.decide_error(approval_id, REFUSE, grant=approval_pb2.Grant())
    assert error.code() is PRECONDITION
    assert people.state(approval_id) == "pending"


# What is shown


def test_an_approval_shows_what_will_be_made_and_why_and_what_came_before(
    people: People, work: Work
) -> None:
    found = work.ask(tool="search_mail", arguments={"query": "guests"})
    work.pep.ReportOutcome(
        decision_pb2.ReportOutcomeRequest(
            outcomes=[
                decision_pb2.Outcome(
                    decision_id=found.decision_id,
                    status=SUCCEEDED,
                    output=b"guests: dora@example.com",
                )
            ]
        ),
        timeout=10,
    )
    answer = work.ask()
    shown = people.get(answer.approval.id)
    assert (shown.id, shown.decision_id) == (answer.approval.id, answer.decision_id)
    assert (shown.subject.id, shown.on_behalf_of.id) == (AGENT, work.principal)
    assert (shown.action.server, shown.action.name) == ("office", "send_mail")
    assert shown.action.arguments_json == b'{"body":"lunch at noon","to":["dora@example.com"]}'
    assert shown.action.schema_digest.startswith("sha256:")
    assert (shown.resource.type, shown.resource.id) == ("email", "dora@example.com")
    assert shown.binding_digest == answer.binding_digest
    assert {reason.code for reason in shown.reasons} == codes(answer)
    assert "sink_untrusted" in codes(answer)
    [sink] = shown.sinks
    assert (sink.path, sink.value, sink.origin) == ("/to/0", "dora@example.com", "untrusted")
    assert sink.source_decision_id == found.decision_id
    assert shown.votes_needed == 1
    assert not shown.votes
    assert shown.expires_at == answer.approval.expires_at
    assert shown.task.id == work.task_id
    assert shown.task.intent.goal == "Send an e-mail about lunch to the guests"
    voted = people.decide(shown.id, reason="fine")
    [vote] = voted.votes
    assert (vote.voter.type, vote.voter.id, vote.voter.issuer) == ("user", BOB, "pdp-dev")
    assert (vote.verdict, vote.reason) == (APPROVE, "fine")
    assert vote.at.seconds > 1_700_000_000


def test_an_approval_tells_the_tasks_latest_decisions(people: People, work: Work) -> None:
    found = work.ask(tool="search_mail", arguments={"query": "guests"})
    work.report(found, SUCCEEDED)
    answer = work.ask()
    recent = people.get(answer.approval.id).recent
    assert [one.decision_id for one in recent[:2]] == [answer.decision_id, found.decision_id]
    asked, searched = recent[0], recent[1]
    assert (asked.server, asked.tool) == ("office", "send_mail")
    assert asked.tool_class == approval_pb2.TOOL_CLASS_SEND
    assert (asked.decision, set(asked.reason_codes)) == (ESCALATE, codes(answer))
    assert asked.status == decision_pb2.OUTCOME_STATUS_UNSPECIFIED
    assert searched.tool_class == approval_pb2.TOOL_CLASS_READ
    assert (searched.decision, searched.status) == (ALLOW, SUCCEEDED)
    assert json.loads(searched.arguments_json) == {"query": "guests"}
    assert asked.sequence > searched.sequence > 0


def test_approvals_are_listed_newest_first_in_pages(people: People, work: Work) -> None:
    opened = [work.escalated(f"guest{number}@example.com") for number in range(5)]
    people.decide(opened[1], REFUSE)
    listed: list[Any] = []
    token = ""
    while len(listed) < 5:
        request = approval_pb2.ListApprovalsRequest(page_size=2, page_token=token)
        page = people.stub.ListApprovals(request, timeout=10)
        assert len(page.approvals) == min(2, 5 - len(listed)) or page.next_page_token
        listed += page.approvals
        token = page.next_page_token
    assert [one.id for one in listed[:5]] == opened[::-1]
    assert [one.state for one in listed[:5]].count(common_pb2.APPROVAL_STATE_DENIED) == 1
    assert {one.task.id for one in listed[:5]} == {work.task_id}


def test_only_open_approvals_are_listed_where_only_those_are_asked_for(
    people: People, work: Work
) -> None:
    answered, waiting = work.escalated("one@example.com"), work.escalated("two@example.com")
    people.decide(answered)
    found = people.stub.ListApprovals(
        approval_pb2.ListApprovalsRequest(page_size=500, open_only=True), timeout=10
    ).approvals
    ids = {one.id for one in found}
    assert waiting in ids
    assert answered not in ids
    assert {one.state for one in found} == {common_pb2.APPROVAL_STATE_PENDING}


def test_an_answer_names_no_page_where_there_is_no_console(work: Work) -> None:
    assert work.ask().approval.url == ""


def test_an_answer_leads_to_the_page_of_the_console(root: Path, tmp_path: Path) -> None:
    catalogue = office("office", tmp_path, root)
    with (
        start_service(tmp_path, catalogues=[catalogue], console=True) as service,
        service.channel() as channel,
    ):
        reference = Work(channel).ask().approval
        assert reference.url == f"{service.console}approvals/{reference.id}"
        with urllib.request.urlopen(reference.url, timeout=10) as page:  # noqa: S310
            assert page.status == 200


# What is refused


def test_what_is_not_there_is_not_found(people: People) -> None:
    requests: list[tuple[Any, Any]] = [
        (people.stub.GetApproval, approval_pb2.GetApprovalRequest(approval_id="a-nobody")),
        (
            people.stub.WaitApproval,
            approval_pb2.WaitApprovalRequest(approval_id="a-nobody", max_wait=Duration(seconds=60)),
        ),
        (people.stub.CancelApproval, approval_pb2.CancelApprovalRequest(approval_id="a-nobody")),
        (
            people.stub.DecideApproval,
            approval_pb2.DecideApprovalRequest(approval_id="a-nobody", verdict=APPROVE),
        ),
    ]
    for send, request in requests:
        error = error_of(send, request, metadata=person(BOB))
        assert error.code() is grpc.StatusCode.NOT_FOUND
        assert "approval" in error.details()


def constraint(**fields: Any) -> dict[str, Any]:
    made = approval_pb2.ArgumentConstraint(**{"path": "/to", **fields})
    return {"grant": approval_pb2.Grant(constraints=[made])}


DECIDE_CASES: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"approval_id": ""}, "approval_id"),
    "an id beyond any": ({"approval_id": "a" * 129}, "approval_id"),
    "no verdict": ({"verdict": 0}, "verdict"),
    "an unknown verdict": ({"verdict": 7}, "verdict"),
    "a reason beyond 4 KiB": ({"reason": "x" * 4097}, "reason"),
    "a request id with a line break": ({"request_id": "a\n"}, "request_id"),
    "negative uses": ({"grant": approval_pb2.Grant(max_uses=-1)}, "grant.max_uses"),
    "a negative time": ({"grant": approval_pb2.Grant(ttl=Duration(seconds=-1))}, "grant.ttl"),
    "33 constraints": (
        {
            "grant": approval_pb2.Grant(
                constraints=[approval_pb2.ArgumentConstraint(path="/to")] * 33
            )
        },
        "grant.constraints",
    ),
    "a constraint of everything": (constraint(path=""), "grant.constraints[0].path"),
    "a path without a slash": (constraint(path="to"), "grant.constraints[0].path"),
    "a path with a broken escape": (constraint(path="/a~2b"), "grant.constraints[0].path"),
    "a path beyond 1 KiB": (constraint(path="/" + "a" * 1024), "grant.constraints[0].path"),
    "65 values": (constraint(values=["a"] * 65), "grant.constraints[0].values"),
    "65 patterns": (constraint(patterns=["a"] * 65), "grant.constraints[0].patterns"),
    "a value beyond 1 KiB": (
        constraint(values=["a", "b" * 1025]),
        "grant.constraints[0].values[1]",
    ),
    "a pattern beyond 1 KiB": (
        constraint(patterns=["b" * 1025]),
        "grant.constraints[0].patterns[0]",
    ),
}


@pytest.mark.parametrize("case", DECIDE_CASES)
def test_an_answer_the_contract_forbids_names_the_field(people: People, case: str) -> None:
    fields, field = DECIDE_CASES[case]
    request = approval_pb2.DecideApprovalRequest(
        **{"approval_id": "a-1", "verdict": APPROVE, **fields}
    )
    error = error_of(people.stub.DecideApproval, request, metadata=person(BOB))
    assert error.code() is INVALID
    assert error.details().startswith(field)


@pytest.mark.parametrize("name", ["ListApprovals", "ListGrants"])
def test_a_page_that_cannot_be_is_refused(people: People, name: str) -> None:
    made = getattr(approval_pb2, f"{name}Request")
    for request, field in (
        (made(page_size=-1), "page_size"),
        (made(page_token="!"), "page_token"),
        (made(page_token="YSBiCg"), "page_token"),
    ):
        error = error_of(getattr(people.stub, name), request)
        assert error.code() is INVALID
        assert error.details().startswith(field)
