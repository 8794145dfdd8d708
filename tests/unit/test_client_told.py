"""A watcher is told of each change once, also of those that happen while it begins anew."""

from __future__ import annotations

import pytest

from pdp.client.approval import Told, read_approval
from pdp.v1 import approval_pb2, common_pb2

PENDING = common_pb2.APPROVAL_STATE_PENDING
APPROVED = common_pb2.APPROVAL_STATE_APPROVED
RESERVED = common_pb2.APPROVAL_STATE_RESERVED


def is_news(told: Told, state: common_pb2.ApprovalState.ValueType, name: str = "a-1") -> bool:
    return told.is_news(read_approval(approval_pb2.Approval(id=name, state=state)))


def test_each_change_is_news_once() -> None:
    told = Told()
    said = [is_news(told, state) for state in (PENDING, PENDING, APPROVED, APPROVED, RESERVED)]
    assert said == [True, False, True, False, True]
    assert is_news(told, APPROVED), "given back: that is another change"


def test_what_was_read_before_and_comes_late_is_no_news() -> None:
    told = Told()
    assert is_news(told, PENDING)
    assert is_news(told, APPROVED)
    assert not is_news(told, PENDING)


def test_only_what_is_open_is_asked_for_when_a_watch_begins_anew() -> None:
    told = Told()
    is_news(told, PENDING, "a-1")
    is_news(told, PENDING, "a-2")
    is_news(told, APPROVED, "a-1")
    assert told.waiting == ("a-2",)


def test_what_is_over_is_forgotten_when_much_else_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pdp.client.approval._OVER", 2)
    told = Told()
    assert all(is_news(told, APPROVED, name) for name in ("a-1", "a-2", "a-3"))
    assert not is_news(told, APPROVED, "a-3")
    assert is_news(told, APPROVED, "a-1")
