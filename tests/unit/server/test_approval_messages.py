"""Answers of people become values, and grants become messages, without a change of meaning."""

from __future__ import annotations

from dataclasses import replace

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.canonical import JsonValue, canonical
from pdp.domain.records import ArgumentConstraint, GrantRecord, GrantTerms
from pdp.domain.request import DecideApproval
from pdp.domain.values import Subject
from pdp.server import approval_messages as messages
from pdp.v1 import approval_pb2

GRANT = GrantRecord(
    id="g-1",
    approval_id="a-1",
    task_id="t-1",
    subject=Subject("agent", "spiffe://example.org/mailer"),
    principal=Subject(),
    server="mail",
    tool="send",
    definition_digest="",
    constraints=(),
    reasons=(),
    max_uses=3,
    uses=1,
    created_at_us=1_000_000,
    expires_at_us=61_500_000,
    granted_by=(),
)


def constraint(**fields: object) -> ArgumentConstraint:
    """What a constraint on the wire becomes."""
    made = approval_pb2.ArgumentConstraint(**{"path": "/to", **fields})  # type: ignore[arg-type]
    request = approval_pb2.DecideApprovalRequest(
        approval_id="a-1",
        verdict=approval_pb2.VERDICT_APPROVE,
        grant=approval_pb2.Grant(constraints=[made]),
    )
    terms = messages.decide(request).grant
    assert terms is not None
    return terms.constraints[0]


def test_a_vote_is_read_whole() -> None:
    request = approval_pb2.DecideApprovalRequest(
        approval_id="a-1",
        verdict=approval_pb2.VERDICT_APPROVE,
        reason="they asked\nfor it",
        grant=approval_pb2.Grant(
            max_uses=4,
            ttl=Duration(seconds=2, nanos=1),
            constraints=[approval_pb2.ArgumentConstraint(path="/a~1b/0", patterns=["*"])],
        ),
    )
    assert messages.decide(request) == DecideApproval(
        "a-1",
        approve=True,
        reason="they asked\nfor it",
        grant=GrantTerms(4, 2_000_001, (ArgumentConstraint("/a~1b/0", (), ("*",)),)),
    )


def test_a_no_is_no_yes_and_no_grant_is_none() -> None:
    request = approval_pb2.DecideApprovalRequest(
        approval_id="a-1", verdict=approval_pb2.VERDICT_DENY
    )
    assert messages.decide(request) == DecideApproval("a-1", approve=False)


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("bob@example.com", ['"bob@example.com"']),
        ("5", ['"5"', "5"]),
        ("5.0", ['"5.0"', "5"]),
        ("true", ['"true"', "true"]),
        ("null", ['"null"', "null"]),
        ('{"b": 1, "a": 2}', ['"{\\"b\\": 1, \\"a\\": 2}"', '{"a":2,"b":1}']),
        ('["a"]', ['"[\\"a\\"]"', '["a"]']),
        ('"a"', ['"\\"a\\""']),
        ("", ['""']),
        ("NaN", ['"NaN"']),
        ('{"a":1,"a":2}', ['"{\\"a\\":1,\\"a\\":2}"']),
        ("1e999", ['"1e999"']),
    ],
)
def test_a_value_is_the_string_as_sent_or_the_json_that_it_is(sent: str, meant: list[str]) -> None:
    assert list(constraint(values=[sent]).values) == meant


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
).filter(lambda value: "\x00" not in repr(value) and "\\x00" not in repr(value))


@given(JSON)
def test_every_value_can_be_sent_and_comes_back_as_it_was_sent(value: JsonValue) -> None:
    sent = value if isinstance(value, str) else canonical(value).decode()
    read = constraint(values=[sent])
    assert canonical(value).decode() in read.values
    shown = messages.grant(replace(GRANT, constraints=(read,))).grant.constraints[0]
    assert sent in shown.values
    # What is shown means no more than what was sent.
    assert set(constraint(values=list(shown.values)).values) == set(read.values)


def test_a_grant_is_shown_with_its_bounds_and_how_much_of_them_is_used() -> None:
    shown = messages.grant(GRANT)
    assert (shown.id, shown.approval_id, shown.task_id) == ("g-1", "a-1", "t-1")
    assert (shown.server, shown.tool, shown.uses, shown.grant.max_uses) == ("mail", "send", 1, 3)
    assert (shown.grant.ttl.seconds, shown.grant.ttl.nanos) == (60, 500_000_000)
    assert shown.expires_at.ToMicroseconds() == 61_500_000
    assert not shown.HasField("on_behalf_of")
