"""Webhooks to real HTTP receivers: told until taken, signed each time, and in nobody's way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pdp.client import AuthorizationClient, Phase
from pdp.domain.records import ApprovalRecord, Vote
from pdp.domain.values import ApprovalState, Reason, Subject
from pdp.webhook_event import parse_webhook_url
from pdp.webhooks import Pace, Webhooks
from tests.escalated import office
from tests.service import start_service

KEY = bytes(range(32))
QUICK = Pace(attempt_s=5.0, first_s=0.02, longest_s=0.1, attempts=6, age_s=30.0)
SOON = 10.0
AGENT = "spiffe://example.test/agent"

# An answer: status, headers, body, and the seconds before it.
Answer = tuple[int, dict[str, str], bytes, float]
OK: Answer = (204, {}, b"", 0.0)
BROKEN: Answer = (500, {}, b"out of order", 0.0)


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.body)
        return read

    def is_signed(self) -> bool:
        """As a receiver checks it: the signature over what came, and a timestamp of now."""
        at = self.headers["webhook-timestamp"]
        signed = b".".join([self.id.encode(), at.encode(), self.body])
        wanted = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        found = self.headers["webhook-signature"].split()
        return f"v1,{wanted}" in found and abs(time.time() - int(at)) < 60


class Receiver:
    """A webhook receiver on loopback that answers the nth request as `answer(n)` says."""

    def __init__(self, answer: Callable[[int], Answer], port: int = 0) -> None:
        self.received: queue.Queue[Received] = queue.Queue()
        self.count = 0
        lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                with lock:
                    number, outer.count = outer.count, outer.count + 1
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.received.put(Received(self.path, headers, body))
                status, extra, content, pause = answer(number)
                outer.stopped.wait(pause)
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:  # The other side gave up.
                    self.close_connection = True

        self.stopped = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook?token=abc"

    def next(self, seconds: float = SOON) -> Received:
        """The next request; one that does not come fails the test."""
        return self.received.get(timeout=seconds)

    def close(self) -> None:
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(SOON)


Start = Callable[[Callable[[int], Answer]], Receiver]


@pytest.fixture
def receiver() -> Iterator[Start]:
    started: list[Receiver] = []

    def start(answer: Callable[[int], Answer] = lambda _n: OK) -> Receiver:
        started.append(Receiver(answer))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def telling() -> Iterator[Callable[..., Webhooks]]:
    made: list[Webhooks] = []

    def tell(*receivers: Receiver, pace: Pace = QUICK, pages: str = "") -> Webhooks:
        urls = [parse_webhook_url(one.url) for one in receivers]
        made.append(Webhooks(urls, [KEY], pages=pages, pace=pace))
        return made[-1]

    yield tell
    for one in made:
        one.close()


def question(number: int = 1, **changed: Any) -> ApprovalRecord:
    now_us = time.time_ns() // 1000
    made = ApprovalRecord(
        id=f"a-{number}",
        state=ApprovalState.PENDING,
        decision_id="d-1",
        task_id="t-1",
        binding_digest="sha256:" + "b" * 64,
        subject=Subject("agent", AGENT),
        principal=Subject("user", "alice"),
        server="mail",
        tool="send_email",
        canonical_arguments=b'{"to":"eve@example.net"}',
        resource_type="",
        resource_id="",
        reasons=(Reason("sink_unknown", "/to of send_email: from nobody known"),),
        votes_needed=1,
        created_at_us=now_us,
        expires_at_us=now_us + 600_000_000,
    )
    return replace(made, **changed)


def answered(approval: ApprovalRecord, state: ApprovalState) -> ApprovalRecord:
    at_us = time.time_ns() // 1000
    vote = Vote(Subject("user", "carol"), state is ApprovalState.APPROVED, "", at_us)
    return replace(approval, state=state, votes=(vote,))


def test_what_is_not_taken_is_told_again_under_the_same_id_and_signed_anew(
    receiver: Start, telling: Callable[..., Webhooks]
) -> None:
    failing = receiver(lambda number: BROKEN if number < 2 else OK)
    telling(failing, pages="https://pdp.example/approvals/").tell(question())
    attempts = [failing.next() for _ in range(3)]
    assert {one.id for one in attempts} == {"a-1_pending_0"}
    assert len({one.body for one in attempts}) == 1
    assert all(one.is_signed() for one in attempts)
    assert attempts[0].path == "/hook?token=abc"
    assert attempts[0].headers["content-type"] == "application/json"
    assert attempts[0].said["data"]["url"] == "https://pdp.example/approvals/a-1"
    with pytest.raises(queue.Empty):
        failing.next(0.3)


def test_a_redirect_is_not_followed(receiver: Start, telling: Callable[..., Webhooks]) -> None:
    elsewhere = receiver(lambda _n: OK)
    moved = receiver(
        lambda number: (307, {"location": elsewhere.url}, b"", 0.0) if number < 1 else OK
    )
    telling(moved).tell(question())
    assert moved.next().id == moved.next().id
    assert elsewhere.count == 0


def test_a_long_answer_is_not_read_and_counts_by_its_status(
    receiver: Start, telling: Callable[..., Webhooks]
) -> None:
    talkative = receiver(lambda _n: (200, {}, b"x" * 10_000_000, 0.0))
    telling(talkative).tell(question())
    talkative.next()
    with pytest.raises(queue.Empty):
        talkative.next(0.5)


def test_an_endpoint_that_hangs_keeps_no_other_and_nobody_waiting(
    receiver: Start, telling: Callable[..., Webhooks]
) -> None:
    hanging = receiver(lambda _n: (204, {}, b"", 60.0))
    working = receiver(lambda _n: OK)
    webhooks = telling(hanging, working)
    began = time.monotonic()
    for number in range(50):
        webhooks.tell(question(number))
    assert time.monotonic() - began < 1.0
    assert len({working.next().id for _ in range(50)}) == 50
    began = time.monotonic()
    webhooks.close()
    assert time.monotonic() - began < 8.0


def test_an_attempt_that_takes_too_long_is_made_again(
    receiver: Start, telling: Callable[..., Webhooks]
) -> None:
    slow = receiver(lambda number: (204, {}, b"", 60.0 if number < 1 else 0.0))
    telling(slow, pace=replace(QUICK, attempt_s=0.3)).tell(question())
    assert slow.next().id == slow.next().id


def test_what_has_been_overtaken_is_not_told_late(
    receiver: Start, telling: Callable[..., Webhooks]
) -> None:
    broken = threading.Event()
    broken.set()
    later = receiver(lambda _n: BROKEN if broken.is_set() else OK)
    # Pauses so long that only the news can end them.
    webhooks = telling(later, pace=replace(QUICK, first_s=60.0, longest_s=60.0, age_s=600.0))
    asked = question()
    webhooks.tell(asked)
    assert later.next().said["type"] == "approval.pending"
    broken.clear()
    webhooks.tell(answered(asked, ApprovalState.APPROVED))
    assert later.next().said["type"] == "approval.approved"
    with pytest.raises(queue.Empty):
        later.next(0.3)


def test_one_message_that_is_refused_holds_up_no_other(
    receiver: Start, telling: Callable[..., Webhooks]
) -> None:
    refusing = receiver(lambda number: (400, {}, b"", 0.0) if number < 1 else OK)
    webhooks = telling(refusing, pace=replace(QUICK, first_s=60.0, age_s=600.0, longest_s=60.0))
    webhooks.tell(question(1))
    assert refusing.next().id == "a-1_pending_0"
    webhooks.tell(question(2))
    assert refusing.next().id == "a-2_pending_0"


def test_attempts_end(receiver: Start, telling: Callable[..., Webhooks]) -> None:
    failing = receiver(lambda _n: BROKEN)
    telling(failing).tell(question())
    for _ in range(QUICK.attempts):
        failing.next()
    with pytest.raises(queue.Empty):
        failing.next(0.5)


def test_a_question_that_is_over_is_not_told_any_more(
    receiver: Start, telling: Callable[..., Webhooks]
) -> None:
    failing = receiver(lambda _n: BROKEN)
    pace = replace(QUICK, first_s=0.6, longest_s=0.6)
    over_us = time.time_ns() // 1000 + 300_000
    telling(failing, pace=pace).tell(question(expires_at_us=over_us))
    failing.next()
    with pytest.raises(queue.Empty):
        failing.next(1.5)


def test_an_endpoint_that_says_it_is_gone_is_left_alone(
    receiver: Start, telling: Callable[..., Webhooks]
) -> None:
    gone = receiver(lambda _n: (410, {}, b"", 0.0))
    working = receiver(lambda _n: OK)
    webhooks = telling(gone, working)
    webhooks.tell(question(1))
    gone.next()
    working.next()
    time.sleep(0.2)
    webhooks.tell(question(2))
    assert working.next().id == "a-2_pending_0"
    with pytest.raises(queue.Empty):
        gone.next(0.3)


def test_a_receiver_that_is_not_there_yet_is_told_once_it_is(
    receiver: Start, telling: Callable[..., Webhooks]
) -> None:
    gone = receiver(lambda _n: OK)
    port = gone.server.server_port
    gone.close()
    webhooks = telling(gone, pace=replace(QUICK, attempts=100, longest_s=0.1))
    webhooks.tell(question())
    time.sleep(0.3)
    here = Receiver(lambda _n: OK, port)
    try:
        assert here.next().id == "a-1_pending_0"
    finally:
        here.close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("whsec_" + base64.b64encode(KEY).decode() + "\n")
    return file


def test_a_service_tells_what_is_asked_and_answered_and_after_a_restart_what_is_open(
    receiver: Start, root: Path, tmp_path: Path, secret: Path
) -> None:
    heard = receiver(lambda number: BROKEN if number < 1 else OK)
    hanging = receiver(lambda _n: (204, {}, b"", 60.0))
    extra = ["--webhook", heard.url, "--webhook", hanging.url, "--webhook-secret", str(secret)]
    data, catalogue = tmp_path / "data", office("office", tmp_path, root)

    with start_service(data, catalogues=[catalogue], extra=extra) as service:
        with AuthorizationClient(service.address, subject=AGENT, person="bob", timeout=10) as pdp:
            task = pdp.start_task(
                "Send an e-mail about lunch to the guests",
                on_behalf_of="dana@example.com",
                phase=Phase.EXECUTE,
            )
            asked = [
                pdp.authorize("send_mail", {"to": [to], "body": "lunch"}, task_id=task.id)
                for to in ("eve@example.net", "mallory@example.net")
            ]
            first, second = (one.approval_id for one in asked)
            assert first
            assert second
            pending = [heard.next() for _ in range(3)]
            assert {one.said["data"]["approval_id"] for one in pending} == {first, second}
            assert all(one.is_signed() for one in pending)
            assert {one.said["type"] for one in pending} == {"approval.pending"}
            assert all(b"example.net" not in one.body for one in pending)
            pdp.approvals.approve(first)
            approved = heard.next()
            assert approved.said["type"] == "approval.approved"
            assert approved.said["data"]["approval_id"] == first
        # No token of the endpoint's address may end up in the log.
        assert not any("token" in line for line in service.stderr)

    with start_service(data, catalogues=[catalogue], extra=extra):
        again = heard.next()
        assert again.said["data"]["approval_id"] == second
        assert again.id in {one.id for one in pending}
        assert again.is_signed()
        with pytest.raises(queue.Empty):
            heard.next(0.5)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--webhook", "https://hooks.example/in"], "give --webhook-secret"),
        (["--webhook", "http://hooks.example/in"], "use https"),
        (["--webhook-secret", "SECRET"], "is for --webhook"),
        (["--webhook", "http://127.0.0.1:9/", "--webhook-secret", "nowhere"], "cannot be read"),
    ],
)
def test_a_service_that_could_not_tell_safely_does_not_start(
    tmp_path: Path, secret: Path, flags: list[str], said: str
) -> None:
    given = [str(secret) if flag == "SECRET" else flag for flag in flags]
    done = subprocess.run(
        [sys.executable, "-m", "pdp", "serve", "--dev", "--data", str(tmp_path / "data"), *given],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("pdp:")]) == 1
