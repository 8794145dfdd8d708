"""What webhooks say, how they are signed, and which endpoints and secrets are taken."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.records import ApprovalRecord, SinkRecord, Vote
from pdp.domain.values import ApprovalState, Reason, Subject
from pdp.webhook_event import (
    BadWebhook,
    Event,
    event_of,
    headers_of,
    parse_webhook_url,
    read_secrets,
    sign,
)
from pdp.webhooks import Pace

AT_US = 1_764_000_000_123_456
MINUTE_US = 60_000_000
QUESTION = ApprovalRecord(
    id="a-019ab3",
    state=ApprovalState.PENDING,
    decision_id="d-1",
    task_id="t.1",
    binding_digest="sha256:" + "b" * 64,
    subject=Subject("agent", "spiffe://example.org/mailer"),
    principal=Subject("user", "alice", "https://idp.example"),
    server="mail",
    tool="send_email",
    canonical_arguments=b'{"recipients":["secret@example.net"]}',
    resource_type="email",
    resource_id="secret@example.net",
    reasons=(Reason("sink_unknown", "/recipients/0 of send_email: from nobody known", "sinks"),),
    votes_needed=2,
    created_at_us=AT_US,
    expires_at_us=AT_US + 10 * MINUTE_US,
    sinks=(SinkRecord("/recipients/0", "secret@example.net", "unknown", ""),),
)
YES = Vote(Subject("user", "carol", "pdp-dev"), True, "fine by me", AT_US + MINUTE_US)


def told(approval: ApprovalRecord, now_us: int = AT_US, url: str = "") -> Event:
    event = event_of(approval, now_us, url)
    assert event is not None
    return event


def body(approval: ApprovalRecord, now_us: int = AT_US, url: str = "") -> dict[str, Any]:
    read: dict[str, Any] = json.loads(told(approval, now_us, url).body)
    return read


def test_the_signature_is_that_of_the_published_example() -> None:
    # The example that the Standard Webhooks libraries are tested with.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', key)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(
    st.text("abcdef0123456789-_", min_size=1),
    st.integers(0, 2**40),
    st.binary(),
    st.binary(min_size=24, max_size=64),
)
def test_the_signature_is_an_hmac_by_its_definition(
    message_id: str, at_s: int, content: bytes, key: bytes
) -> None:
    # RFC 2104, written out.
    padded = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + b"%s." % message_id.encode())
    inner.update(b"%d." % at_s + content)
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in padded) + inner.digest()).digest()
    assert sign(message_id, at_s, content, key) == "v1," + base64.b64encode(outer).decode()


def test_while_a_secret_is_replaced_both_sign() -> None:
    event = told(QUESTION)
    keys = (b"n" * 24, b"o" * 24)
    headers = dict(headers_of(event, keys, 1_764_000_000))
    assert headers == {
        "webhook-id": event.id,
        "webhook-timestamp": "1764000000",
        "webhook-signature": " ".join(
            sign(event.id, 1_764_000_000, event.body, key) for key in keys
        ),
    }


def test_a_question_says_who_wants_what_and_why() -> None:
    assert body(QUESTION, url="https://pdp.example/approvals/a-019ab3") == {
        "type": "approval.pending",
        "timestamp": "2025-11-24T16:00:00.123456Z",
        "data": {
            "approval_id": "a-019ab3",
            "state": "pending",
            "task_id": "t.1",
            "server": "mail",
            "tool": "send_email",
            "subject": {"type": "agent", "id": "spiffe://example.org/mailer", "issuer": ""},
            "on_behalf_of": {"type": "user", "id": "alice", "issuer": "https://idp.example"},
            "reasons": [
                {
                    "code": "sink_unknown",
                    "message": "/recipients/0 of send_email: from nobody known",
                }
            ],
            "votes": 0,
            "votes_needed": 2,
            "expires_at": "2025-11-24T16:10:00.123456Z",
            "url": "https://pdp.example/approvals/a-019ab3",
        },
    }


def test_no_argument_of_the_call_is_told() -> None:
    assert b"secret@example.net" not in told(QUESTION).body


@pytest.mark.parametrize("state", ["approved", "denied", "cancelled"])
def test_what_became_of_a_question_is_told(state: str) -> None:
    answered = replace(QUESTION, state=ApprovalState[state.upper()], votes=(YES,))
    said = body(answered, AT_US + MINUTE_US)
    assert (said["type"], said["data"]["state"]) == (f"approval.{state}", state)
    assert said["timestamp"] == "2025-11-24T16:01:00.123456Z"


@pytest.mark.parametrize("state", [ApprovalState.PENDING, ApprovalState.APPROVED])
def test_what_is_over_is_told_to_have_expired(state: ApprovalState) -> None:
    said = body(replace(QUESTION, state=state), QUESTION.expires_at_us + MINUTE_US)
    assert (said["type"], said["data"]["state"]) == ("approval.expired", "expired")
    assert said["timestamp"] == said["data"]["expires_at"]


@pytest.mark.parametrize("state", [ApprovalState.RESERVED, ApprovalState.CONSUMED])
def test_that_an_answer_was_used_is_no_news(state: ApprovalState) -> None:
    assert event_of(replace(QUESTION, state=state), AT_US) is None


def test_the_same_change_is_told_in_the_same_words_under_the_same_id_whenever_it_is() -> None:
    assert told(QUESTION) == told(QUESTION, AT_US + 5 * MINUTE_US)


def test_each_vote_and_each_state_has_an_id_of_its_own() -> None:
    once = replace(QUESTION, votes=(YES,))
    steps = [
        QUESTION,
        once,
        replace(once, state=ApprovalState.APPROVED),
        replace(once, state=ApprovalState.CANCELLED),
        replace(QUESTION, state=ApprovalState.CANCELLED),
    ]
    ids = [told(step, AT_US + MINUTE_US).id for step in steps]
    assert len(set(ids)) == len(ids)
    # A full stop would let one message pass for another that is signed alike.
    assert not any("." in one for one in ids)


def test_a_body_stays_small_whatever_policy_says() -> None:
    reasons = tuple(Reason(f"code_{n}", "ü" * 100_000, "rule") for n in range(64))
    event = told(replace(QUESTION, reasons=reasons))
    assert len(event.body) < 40_000
    assert json.loads(event.body)["data"]["reasons"][0]["message"].endswith("ü…")


def test_a_call_for_nobody_has_no_principal() -> None:
    assert body(replace(QUESTION, principal=Subject()))["data"]["on_behalf_of"] is None


@pytest.mark.parametrize(
    ("url", "shown", "target"),
    [
        ("https://hooks.example/in?token=x", "https://hooks.example", "/in?token=x"),
        ("https://hooks.example:8443", "https://hooks.example:8443", "/"),
        ("http://127.0.0.1:9000/a/", "http://127.0.0.1:9000", "/a/"),
        ("http://[::1]:9000/a", "http://[::1]:9000", "/a"),
        ("http://localhost/a", "http://localhost", "/a"),
    ],
)
def test_an_endpoint_is_shown_without_what_may_be_its_token(
    url: str, shown: str, target: str
) -> None:
    found = parse_webhook_url(url)
    assert (str(found), found.target) == (shown, target)
    assert "token" not in str(found.server)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example/token", "use https"),
        ("http://127.0.0.1.example/token", "use https"),
        ("ftp://hooks.example/token", "https://HOST/PATH"),
        ("hooks.example/token", "https://HOST/PATH"),
        ("https:///token", "https://HOST/PATH"),
        ("https://me:word@hooks.example/token", "no user"),
        ("https://hooks.example/token#part", "no fragment"),
        ("https://hooks.example/token\r\nX: y", "ASCII without spaces"),
        ("https://hööks.example/token", "ASCII without spaces"),
        ("https://hooks.example:http/token", "not a URL"),
    ],
)
def test_an_endpoint_that_cannot_be_told_safely_is_refused_without_its_path(
    url: str, why: str
) -> None:
    with pytest.raises(BadWebhook, match=why) as caught:
        parse_webhook_url(url)
    assert "token" not in str(caught.value)


def secret(size: int) -> str:
    return "whsec_" + base64.b64encode(bytes(range(size))).decode()


def test_a_secret_file_holds_one_secret_or_the_new_and_the_old(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(secret(32) + "\n")
    assert read_secrets(file) == (bytes(range(32)),)
    file.write_text(f"{secret(24)}\n{secret(64)}\n")
    assert read_secrets(file) == (bytes(range(24)), bytes(range(64)))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has 0 secrets"),
        ("\n".join([secret(32)] * 5), "has 5 secrets"),
        (secret(32).removeprefix("whsec_"), "begin with whsec_"),
        ("whsec_" + "*" * 40, "not base64"),
        (secret(23), "23 bytes"),
        (secret(65), "65 bytes"),
        ("x" * 5000, "larger than"),
    ],
)
def test_a_file_that_holds_no_usable_secret_is_refused_without_showing_it(
    tmp_path: Path, text: str, why: str
) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    with pytest.raises(BadWebhook, match=why) as caught:
        read_secrets(file)
    assert str(file) in str(caught.value)
    assert not any(len(line) > 8 and line[6:] in str(caught.value) for line in text.split())


def test_a_secret_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadWebhook, match=r"nowhere: cannot be read: No such file"):
        read_secrets(tmp_path / "nowhere")


@given(st.integers(1, 1000))
def test_pauses_grow_to_a_bound_and_are_never_all_the_same(attempt: int) -> None:
    pace = Pace()
    most = min(2.0 ** (attempt - 1), pace.longest_s)
    pauses = {pace.pause_s(attempt) for _ in range(8)}
    assert all(most / 2 <= pause <= most for pause in pauses)
    assert len(pauses) > 1
