"""ApprovalService over a real store: who may read, what a refusal becomes, when a watch ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from pdp.domain.answer import Answer, ApprovalReference
from pdp.domain.records import ApprovalRecord
from pdp.domain.request import Call, CancelApproval, DecideApproval
from pdp.domain.values import (
    ApprovalState,
    Caller,
    Decision,
    NextAction,
    Reason,
    Subject,
)
from pdp.feed import BEHIND
from pdp.store.sqlite import SqliteStore, open_store
from pdp.v1 import approval_pb2, approval_pb2_grpc, common_pb2, decision_pb2, decision_pb2_grpc
from tests import samples
from tests.conformance.stores import now
from tests.escalated import error_of, info_of, person
from tests.scripted import Running, Script, allowed, denied

BOB = person("bob")
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
READS = {
    "GetApproval": {"approval_id": "a-1"},
    "ListApprovals": {},
    "WaitApproval": {"approval_id": "a-1"},
    "WatchApprovals": {},
    "ListGrants": {},
}


def approval(name: str = "a-1", **changes: Any) -> ApprovalRecord:
    """A question that was asked just now and is open for an hour."""
    at_us = time.time_ns() // 1000
    return samples.approval(
        name, **{"created_at_us": at_us, "expires_at_us": at_us + 3_600_000_000, **changes}
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def keep(store: SqliteStore, *approvals: ApprovalRecord) -> None:
    store.commit(now(store, approvals=approvals))


def stub(channel: grpc.Channel) -> Any:
    return approval_pb2_grpc.ApprovalServiceStub(channel)


def sent(channel: grpc.Channel, name: str, **fields: Any) -> Any:
    """The response to one RPC, or the first of several."""
    send = getattr(stub(channel), name)
    response = send(getattr(approval_pb2, f"{name}Request")(**fields), timeout=10)
    return next(response) if name == "WatchApprovals" else response


@pytest.mark.parametrize("name", READS)
def test_who_has_no_role_reads_nothing(store: SqliteStore, name: str) -> None:
    keep(store, approval())
    nobody = Caller(Subject("service", "stranger"), frozenset(), "test")
    with (
        Running(records=store, identify=lambda _: nobody) as running,
        running.channel() as channel,
        pytest.raises(grpc.RpcError) as caught,
    ):
        sent(channel, name, **READS[name])
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert "approver" in str(caught.value.details())


@pytest.mark.parametrize("role", ["pep", "orchestrator", "approver", "auditor", "admin"])
def test_every_role_reads(store: SqliteStore, role: str) -> None:
    keep(store, approval())
    caller = Caller(Subject("service", "someone"), frozenset({role}), "test")
    with (
        Running(records=store, identify=lambda _: caller) as running,
        running.channel() as channel,
    ):
        for name, fields in READS.items():
            assert sent(channel, name, **fields) is not None


def decide(channel: grpc.Channel, **fields: Any) -> Any:
    request = approval_pb2.DecideApprovalRequest(
        **{"approval_id": "a-1", "verdict": approval_pb2.VERDICT_APPROVE, **fields}
    )
    return stub(channel).DecideApproval(request, metadata=BOB, timeout=10).approval


def test_the_person_is_the_caller_of_what_a_person_has_to_do(store: SqliteStore) -> None:
    keep(store, approval())
    script = Script()
    with Running(records=store, script=script) as running, running.channel() as channel:
        assert decide(channel, request_id="r-1").id == "a-1"
        request = approval_pb2.CancelApprovalRequest(approval_id="a-1")
        stub(channel).CancelApproval(request, metadata=BOB, timeout=10)
    voted, cancelled = script.calls
    assert voted.ask == DecideApproval("a-1", approve=True)
    assert (voted.rpc, voted.request_id) == ("DecideApproval", "r-1")
    assert voted.request_digest
    assert cancelled.ask == CancelApproval("a-1")
    for call in script.calls:
        assert call.caller.identity == Subject("user", "bob", "pdp-dev")
        assert (call.caller.verified_by, "approver" in call.caller.roles) == ("development", True)
        assert call.deadline_us > 0


def refused(code: str, next_action: NextAction) -> Any:
    def result(call: Call) -> Answer:
        reasons = (Reason(code, "it may not", remediation="Ask another."), Reason("other"))
        return replace(denied(call), reasons=reasons, next_action=next_action)

    return result


@pytest.mark.parametrize(
    ("code", "next_action", "status"),
    [
        ("self_approval", NextAction.NONE, grpc.StatusCode.PERMISSION_DENIED),
        ("not_recorded", NextAction.RETRY, UNAVAILABLE),
        ("policy_timeout", NextAction.RETRY, UNAVAILABLE),
    ],
)
def test_an_act_that_was_not_allowed_is_an_error_with_the_reasons_code(
    store: SqliteStore, code: str, next_action: NextAction, status: grpc.StatusCode
) -> None:
    keep(store, approval())
    script = Script(result=refused(code, next_action))
    with Running(records=store, script=script) as running, running.channel() as channel:
        request = approval_pb2.DecideApprovalRequest(
            approval_id="a-1", verdict=approval_pb2.VERDICT_DENY
        )
        error = error_of(stub(channel).DecideApproval, request, metadata=BOB)
    assert error.code() is status
    assert error.details() == "it may not. Ask another."
    info = info_of(error)
    assert (info.metadata["code"], info.metadata["codes"]) == (code, f"{code}, other")


def test_an_escalated_act_is_not_allowed_either(store: SqliteStore) -> None:
    keep(store, approval())

    def escalated(call: Call) -> Answer:
        return replace(denied(call), decision=Decision.ESCALATE)

    with (
        Running(records=store, script=Script(result=escalated)) as running,
        running.channel() as channel,
    ):
        with pytest.raises(grpc.RpcError) as caught:
            decide(channel)
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_a_store_that_cannot_be_read_is_unavailable(store: SqliteStore) -> None:
    keep(store, approval())
    with Running(records=store) as running, running.channel() as channel:
        store.close()
        for name, fields in READS.items():
            with pytest.raises(grpc.RpcError) as caught:
                sent(channel, name, **fields)
            assert caught.value.code() is UNAVAILABLE, name


def test_an_answer_leads_to_the_page_where_people_decide() -> None:
    def escalated(call: Call) -> Answer:
        reference = ApprovalReference("a-1", ApprovalState.PENDING, 1)
        return replace(allowed(call), decision=Decision.ESCALATE, approval=reference)

    with (
        Running(
            script=Script(result=escalated), console_url="http://127.0.0.1:8080/console"
        ) as running,
        running.channel() as channel,
    ):
        request = decision_pb2.AuthorizeRequest(
            subject=common_pb2.Subject(type="agent", id="a"),
            action=common_pb2.Action(name="send"),
        )
        pep = decision_pb2_grpc.AuthorizationServiceStub(channel)
        batch = decision_pb2.AuthorizeBatchRequest(requests=[request])
        found = [
            pep.Authorize(request, timeout=10),
            *pep.AuthorizeBatch(batch, timeout=10).responses,
        ]
    assert {one.approval.url for one in found} == {"http://127.0.0.1:8080/console/approvals/a-1"}


def test_a_watch_ends_after_a_while_and_says_to_come_back(store: SqliteStore) -> None:
    with Running(records=store, watch_s=0.5) as running, running.channel() as channel:
        began = time.monotonic()
        watch = stub(channel).WatchApprovals(approval_pb2.WatchApprovalsRequest(), timeout=10)
        with pytest.raises(grpc.RpcError) as caught:
            next(watch)
    assert 0.5 <= time.monotonic() - began < 5
    assert caught.value.code() is UNAVAILABLE
    assert "watch again" in str(caught.value.details())
    assert info_of(caught.value).reason == "STREAM_ENDED"


def test_a_watcher_that_does_not_read_keeps_its_place_no_longer_than_any_other(
    store: SqliteStore,
) -> None:
    # Far more than the buffers of a connection hold.
    large = b'{"body":"' + b"x" * 200_000 + b'"}'
    keep(store, *(approval(f"a-{number}", canonical_arguments=large) for number in range(60)))
    with Running(records=store, watch_s=1.0) as running, running.channel() as channel:
        watch = stub(channel).WatchApprovals(approval_pb2.WatchApprovalsRequest(), timeout=20)
        next(watch)
        time.sleep(2.0)
        assert running.listening() == 0
        with pytest.raises(grpc.RpcError) as caught:
            list(watch)
        assert caught.value.code() is UNAVAILABLE


def test_a_watcher_that_falls_behind_is_told_to_begin_anew(store: SqliteStore) -> None:
    with Running(records=store) as running, running.channel() as channel:
        watch = stub(channel).WatchApprovals(approval_pb2.WatchApprovalsRequest(), timeout=20)
        while running.listening() == 0:
            time.sleep(0.01)
        running.feed.publish([approval(f"a-{number}") for number in range(BEHIND + 1)])
        with pytest.raises(grpc.RpcError) as caught:
            list(watch)
    assert caught.value.code() is UNAVAILABLE
    assert "faster" in str(caught.value.details())


class Meanwhile:
    """Records of a store in which an approval is denied right after it was read first."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.publish: Any = None

    def approval(self, approval_id: str) -> ApprovalRecord | None:
        found = self.store.approval(approval_id)
        if found is not None and found.state is ApprovalState.PENDING:
            changed = replace(found, state=ApprovalState.DENIED)
            keep(self.store, changed)
            self.publish([changed])
            # Until it was delivered to whoever listens by now.
            time.sleep(0.1)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def test_what_is_decided_while_a_wait_begins_is_not_missed(store: SqliteStore) -> None:
    keep(store, approval())
    records: Any = Meanwhile(store)
    with Running(records=records) as running, running.channel() as channel:
        records.publish = running.feed.publish
        began = time.monotonic()
        waited = sent(channel, "WaitApproval", approval_id="a-1", max_wait=Duration(seconds=9))
    assert time.monotonic() - began < 5
    assert waited.approval.state == common_pb2.APPROVAL_STATE_DENIED


def test_one_who_waits_too_many_is_told_so(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pdp.server.approvals.WAITERS", 1)
    keep(store, approval())
    request = approval_pb2.WaitApprovalRequest(approval_id="a-1", max_wait=Duration(seconds=30))
    with Running(records=store) as running, running.channel() as channel:
        waiting = stub(channel).WaitApproval.future(request, timeout=20)
        while running.listening() == 0:
            time.sleep(0.01)
        error = error_of(stub(channel).WaitApproval, request)
        waiting.cancel()
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_client_that_leaves_is_not_told_any_more(store: SqliteStore) -> None:
    keep(store, approval())
    with Running(records=store) as running, running.channel() as channel:
        watch = stub(channel).WatchApprovals(approval_pb2.WatchApprovalsRequest(), timeout=20)
        request = approval_pb2.WaitApprovalRequest(approval_id="a-1", max_wait=Duration(seconds=30))
        waiting = stub(channel).WaitApproval.future(request, timeout=20)
        next(watch)
        while running.listening() < 2:
            time.sleep(0.01)
        watch.cancel()
        waiting.cancel()
        end = time.monotonic() + 10
        while running.listening():
            assert time.monotonic() < end
            time.sleep(0.01)


def test_a_page_ends_early_rather_than_grow_too_large(store: SqliteStore) -> None:
    large = b'{"body":"' + b"x" * 250_000 + b'"}'
    keep(store, *(approval(f"a-{number:02}", canonical_arguments=large) for number in range(20)))
    with Running(records=store) as running, running.channel() as channel:
        found: list[str] = []
        token = ""
        while True:
            page = sent(channel, "ListApprovals", page_size=20, page_token=token)
            assert page.ByteSize() < 4 * 1024 * 1024
            found += [one.id for one in page.approvals]
            token = page.next_page_token
            if not token:
                break
    assert found == [f"a-{number:02}" for number in reversed(range(20))]
