"""Answers become responses with every field that the contract names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.answer import Answer, ApprovalReference
from pdp.domain.values import (
    ApprovalState,
    Decision,
    NextAction,
    Obligation,
    Phase,
    Reason,
    Subject,
    TaskState,
)
from pdp.server import answers
from pdp.v1 import common_pb2, decision_pb2
from tests.scripted import AT_US, RECEIPT, REFERENCE, TASK

ANSWER = Answer(
    decision=Decision.ESCALATE,
    reasons=(
        Reason("sink_unknown", "m", "sinks", "ask", ("ASI01", "ASI02"), {"path": "/to"}, "no"),
        Reason("irreversible"),
    ),
    evaluated_at_us=AT_US,
    valid_until_us=AT_US + 61_000_001,
    obligations=(Obligation("o-1", "log", {"n": 1, "deep": [{"x": None, "y": True}]}),),
    decision_id="d-9",
    request_id="r-9",
    policy_revision="rev",
    approval=ApprovalReference("a-1", ApprovalState.PENDING, AT_US, "https://pdp.example"),
    arguments_digest="sha256:aa",
    binding_digest="sha256:bb",
    task=REFERENCE,
    receipt=RECEIPT,
    next_action=NextAction.WAIT_FOR_APPROVAL,
    canonical_arguments=b"{}",
    replayed=True,
)


def test_every_field_of_an_answer_is_sent() -> None:
    response = answers.answer(ANSWER)
    assert response.decision == decision_pb2.DECISION_ESCALATE
    first, second = response.reasons
    assert (first.code, first.message, first.rule, first.remediation, first.agent_message) == (
        "sink_unknown",
        "m",
        "sinks",
        "ask",
        "no",
    )
    assert list(first.controls) == ["ASI01", "ASI02"]
    assert dict(first.metadata) == {"path": "/to"}
    assert second.code == "irreversible"
    assert MessageToDict(response.obligations[0].properties) == {
        "n": 1.0,
        "deep": [{"x": None, "y": True}],
    }
    assert (response.obligations[0].id, response.obligations[0].type) == ("o-1", "log")
    assert (response.decision_id, response.request_id) == ("d-9", "r-9")
    assert response.policy_revision == "rev"
    assert (response.approval.id, response.approval.url) == ("a-1", "https://pdp.example")
    assert response.approval.state == common_pb2.APPROVAL_STATE_PENDING
    assert response.approval.expires_at.ToMicroseconds() == AT_US
    assert (response.arguments_digest, response.binding_digest) == ("sha256:aa", "sha256:bb")
    assert (response.task.id, response.task.sequence, response.task.registered) == ("t-1", 7, True)
    assert response.task.phase == common_pb2.PHASE_EXECUTE
    assert response.task.state == common_pb2.TASK_STATE_ACTIVE
    assert response.evaluated_at.ToMicroseconds() == AT_US
    assert response.valid_until.ToMicroseconds() == AT_US + 61_000_001
    assert (response.receipt.log_id, response.receipt.leaf_index) == ("log-a", 41)
    assert response.receipt.leaf_hash == b"\x11" * 32
    assert response.next_action == decision_pb2.NEXT_ACTION_WAIT_FOR_APPROVAL
    assert response.canonical_arguments == b"{}"
    assert response.replayed


def test_what_an_answer_does_not_have_stays_unset() -> None:
    response = answers.answer(Answer(Decision.DENY, (), 1, 2))
    assert [field.name for field, _ in response.ListFields()] == [
        "decision",
        "evaluated_at",
        "valid_until",
        "next_action",
    ]


def test_a_task_is_sent_whole_and_expired_once_its_time_is_up() -> None:
    task = replace(TASK, subject=Subject("agent", "a", "i", {"k": [1, "x"]}), parent_id="t-0")
    message = answers.task(task, now_us=AT_US)
    assert MessageToDict(message.subject.properties) == {"k": [1.0, "x"]}
    assert (message.on_behalf_of.type, message.on_behalf_of.id) == ("user", "alice")
    assert (message.intent.goal, list(message.intent.resources)) == (
        "tidy the inbox",
        ["email:**"],
    )
    assert (message.budget.max_calls, message.budget.max_effects) == (100, 20)
    assert (message.sequence, message.parent_id, message.registered) == (7, "t-0", True)
    assert message.expires_at.ToMicroseconds() == TASK.expires_at_us
    assert message.state == common_pb2.TASK_STATE_ACTIVE
    late = answers.task(task, now_us=TASK.expires_at_us)
    assert late.state == common_pb2.TASK_STATE_EXPIRED


def test_a_task_that_works_for_no_one_has_no_principal() -> None:
    message = answers.task(replace(TASK, principal=Subject()), now_us=AT_US)
    assert not message.HasField("on_behalf_of")


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (Decision, decision_pb2.Decision, "DECISION_"),
        (NextAction, decision_pb2.NextAction, "NEXT_ACTION_"),
        (Phase, common_pb2.Phase, "PHASE_"),
        (TaskState, common_pb2.TaskState, "TASK_STATE_"),
        (ApprovalState, common_pb2.ApprovalState, "APPROVAL_STATE_"),
    ],
)
def test_names_and_numbers_are_the_contracts(ours: Any, theirs: Any, prefix: str) -> None:
    named = {prefix + member.name: member.value for member in ours if isinstance(member.value, int)}
    if named:
        assert named == dict(theirs.items())
    else:
        sent = {
            answers.answer(replace(ANSWER, decision=member)).decision: prefix + member.name
            for member in ours
        }
        assert {theirs.Name(number): name for number, name in sent.items()} == {
            name: name for name in dict(theirs.items()) if not name.endswith("UNSPECIFIED")
        }


@given(st.integers(min_value=0, max_value=253_402_300_799_999_999))
def test_times_are_sent_to_the_microsecond(micros: int) -> None:
    response = answers.answer(replace(ANSWER, evaluated_at_us=micros))
    assert response.evaluated_at.ToMicroseconds() == micros
