"""Requests become domain values without loss, and only what the contract allows."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.limits import InvalidInput
from pdp.domain.request import Authorize
from pdp.domain.values import (
    Action,
    Intent,
    Outcome,
    OutcomeStatus,
    Phase,
    Resource,
    Sensitivity,
    Subject,
)
from pdp.identity.development import identify
from pdp.server import convert
from pdp.v1 import common_pb2, decision_pb2, task_pb2

CALLER = identify(None)  # type: ignore[arg-type]


def struct(**members: Any) -> Struct:
    made = Struct()
    made.update(members)
    return made


def full_request() -> decision_pb2.AuthorizeRequest:
    return decision_pb2.AuthorizeRequest(
        request_id="r-1",
        subject=common_pb2.Subject(
            type="agent", id="spiffe://example.org/a", issuer="i", properties=struct(team="x")
        ),
        action=common_pb2.Action(
            name="send_email",
            arguments_json=b'{"b":1,"a":2}',
            server="mail",
            schema_digest="sha256:" + "0" * 64,
        ),
        resource=common_pb2.Resource(
            type="email",
            id="b",
            sensitivity=common_pb2.SENSITIVITY_CONFIDENTIAL,
            properties=struct(n=1.5),
        ),
        context=decision_pb2.Context(
            task_id="t-1", session_id="s", signals=struct(risk=0.1, flags=[True, None, {"x": "y"}])
        ),
        on_behalf_of=common_pb2.Subject(type="user", id="alice", issuer="idp"),
        outcomes=[
            decision_pb2.Outcome(
                decision_id="d-0",
                status=decision_pb2.OUTCOME_STATUS_NOT_EXECUTED,
                output=b"x",
                output_media_type="text/plain",
            )
        ],
    )


def test_every_field_of_a_request_arrives() -> None:
    assert convert.authorize(full_request()) == Authorize(
        subject=Subject("agent", "spiffe://example.org/a", "i", {"team": "x"}),
        action=Action("send_email", b'{"b":1,"a":2}', "mail", "sha256:" + "0" * 64),
        task_id="t-1",
        resource=Resource("email", "b", Sensitivity.CONFIDENTIAL, {"n": 1.5}),
        intent=None,
        on_behalf_of=Subject("user", "alice", "idp"),
        session_id="s",
        signals={"risk": 0.1, "flags": [True, None, {"x": "y"}]},
        outcomes=(Outcome("d-0", OutcomeStatus.NOT_EXECUTED, b"x", "text/plain"),),
    )
    assert convert.authorize(full_request()).subject.properties == {"team": "x"}


def test_what_is_left_out_is_empty() -> None:
    request = decision_pb2.AuthorizeRequest(
        subject=common_pb2.Subject(type="agent", id="a"), action=common_pb2.Action(name="read")
    )
    ask = convert.authorize(request)
    assert ask == Authorize(Subject("agent", "a"), Action("read"))
    assert ask.intent is None
    assert not ask.on_behalf_of


def test_an_intent_without_a_task_opens_an_unregistered_one() -> None:
    request = full_request()
    request.context.ClearField("task_id")
    request.context.intent.CopyFrom(
        common_pb2.Intent(
            goal="g\nh",
            tools=["a*"],
            resources=["b:**"],
            max_sensitivity=common_pb2.SENSITIVITY_INTERNAL,
        )
    )
    ask = convert.authorize(request)
    assert ask.intent == Intent("g\nh", ("a*",), ("b:**",), Sensitivity.INTERNAL)


def test_arguments_are_carried_byte_for_byte_and_not_parsed() -> None:
    request = full_request()
    request.action.arguments_json = b"not json \xff"
    assert convert.authorize(request).action.arguments_json == b"not json \xff"


def test_arguments_of_256_kib_pass_and_one_byte_more_does_not() -> None:
    request = full_request()
    request.action.arguments_json = b" " * (256 * 1024)
    convert.authorize(request)
    request.action.arguments_json += b" "
    with pytest.raises(InvalidInput) as caught:
        convert.authorize(request)
    assert caught.value.field == "action.arguments_json"


def test_output_beyond_1_mib_is_cut_and_marked() -> None:
    request = full_request()
    request.outcomes[0].output = b"x" * (1 << 20)
    (whole,) = convert.authorize(request).outcomes
    request.outcomes[0].output += b"y"
    (cut,) = convert.authorize(request).outcomes
    assert (len(whole.output), whole.truncated) == (1 << 20, False)
    assert (len(cut.output), cut.truncated) == (1 << 20, True)


def call_of(request: decision_pb2.AuthorizeRequest) -> Any:
    ask = convert.authorize(request)
    return convert.call(request, ask, caller=CALLER, rpc="Authorize", deadline_us=5)


def test_the_digest_covers_the_whole_request_and_only_where_there_is_an_id() -> None:
    base = call_of(full_request())
    assert base.request_digest == call_of(full_request()).request_digest
    assert (base.rpc, base.request_id, base.deadline_us) == ("Authorize", "r-1", 5)

    changed = []
    for field in ("subject", "action", "resource", "context", "on_behalf_of", "outcomes"):
        request = full_request()
        if field in ("subject", "action"):
            getattr(request, field).MergeFromString(b"\xba\x3e\x01x")
        else:
            request.ClearField(field)
        changed.append(call_of(request).request_digest)
    request = full_request()
    request.context.signals["risk"] = 0.2
    changed.append(call_of(request).request_digest)
    assert base.request_digest not in changed
    assert len(set(changed)) == len(changed)

    request = full_request()
    request.request_id = ""
    assert call_of(request).request_digest == ""


@given(st.permutations(["a", "b", "c", "d", "e"]))
def test_the_digest_does_not_depend_on_the_order_of_map_keys(keys: list[str]) -> None:
    request = full_request()
    request.context.signals.Clear()
    for key in keys:
        request.context.signals[key] = ord(key)
    reread = decision_pb2.AuthorizeRequest.FromString(request.SerializeToString())
    plain = full_request()
    plain.context.signals.Clear()
    for key in sorted(keys):
        plain.context.signals[key] = ord(key)
    assert call_of(reread).request_digest == call_of(plain).request_digest


# Of plain lower-case keys, as those that differ only in case or form are refused, and of numbers
# that a double and their canonical form hold alike.
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(-(2.0**53), 2.0**53).filter(lambda x: x == 0 or abs(x) > 1e-300)
    | st.text(st.characters(codec="utf-8"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcxyz_", max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abcxyz_", max_size=4), JSON, max_size=5))
def test_any_json_in_a_struct_arrives_as_it_is(members: dict[str, Any]) -> None:
    request = full_request()
    request.context.signals.Clear()
    request.context.signals.update(members)
    assert convert.authorize(request).signals == members


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_a_request_converts_or_is_refused_by_field(raw: bytes) -> None:
    request = full_request()
    try:
        request.MergeFromString(raw)
    except Exception:
        return
    found = "converted"
    try:
        call_of(request)
    except InvalidInput as fault:
        found = fault.field
    assert found


@pytest.mark.parametrize(
    ("duration", "micros"),
    [
        (Duration(), 0),
        (Duration(seconds=90, nanos=500_000_000), 90_500_000),
        (Duration(nanos=1), 1),
        (Duration(nanos=1001), 2),
        (Duration(seconds=315_576_000_000), 315_576_000_000_000_000),
    ],
)
def test_a_time_to_live_becomes_microseconds_rounded_up(duration: Duration, micros: int) -> None:
    request = task_pb2.StartTaskRequest(
        subject=common_pb2.Subject(type="agent", id="a"), ttl=duration
    )
    assert convert.start_task(request).ttl_us == micros


def test_a_start_with_nothing_but_a_subject_leaves_all_to_policy() -> None:
    ask = convert.start_task(
        task_pb2.StartTaskRequest(subject=common_pb2.Subject(type="agent", id="a"))
    )
    assert (ask.task_id, ask.phase, ask.ttl_us) == ("", Phase.UNSPECIFIED, 0)
    assert (ask.budget.max_calls, ask.budget.max_effects) == (0, 0)
    assert ask.intent == Intent()
