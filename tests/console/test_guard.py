"""What the console refuses before any page runs, asked with plain HTTP as an attacker could."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from pdp.console.guard import BODY_BYTES
from pdp.domain.canonical import JsonValue, canonical
from tests.escalated import People, Work
from tests.service import Service


@dataclass(frozen=True)
class Answer:
    """A response as far as these tests look at it."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass
class Client:
    """Somebody who speaks HTTP and says of itself what it likes."""

    host: str
    port: int
    cookie: str = ""

    def send(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """Send one request; header names are given with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Host": f"{self.host}:{self.port}", "Cookie": self.cookie, **given}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """Read a page."""
        return self.send("GET", path, **headers)

    def post(self, path: str, fields: Mapping[str, Any], **headers: str) -> Answer:
        """Send a form as a page of the console does, unless `headers` say otherwise."""
        own = {
            "Origin": f"http://{self.host}:{self.port}",
            "Sec_Fetch_Site": "same-origin",
            "Content_Type": "application/x-www-form-urlencoded",
        }
        kept = {name: value for name, value in {**own, **headers}.items() if value}
        return self.send("POST", path, urlencode(fields), **kept)

    def token(self, path: str) -> str:
        """The token of a form on a page."""
        found = re.search(r'name="token" value="([^"]+)"', self.get(path).text)
        assert found is not None
        return found[1]

    def sign_in(self, name: str) -> Client:
        """Sign in under a name."""
        shown = self.get("/sign-in")
        self.cookie = shown.headers["set-cookie"].partition(";")[0]
        token = re.search(r'name="token" value="([^"]+)"', shown.text)
        assert token is not None
        done = self.post("/sign-in", {"name": name, "token": token[1]})
        assert done.status == 303, done
        self.cookie = done.headers["set-cookie"].partition(";")[0]
        return self


@pytest.fixture
def client(service: Service) -> Client:
    assert service.console is not None
    parts = urlsplit(service.console)
    assert parts.hostname is not None
    assert parts.port is not None
    return Client(parts.hostname, parts.port)


@pytest.fixture
def bob(client: Client) -> Client:
    return client.sign_in("bob")


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1.:PORT"]
)
def test_a_request_for_another_host_is_refused(client: Client, host: str) -> None:
    answer = client.get("/sign-in", Host=host.replace("PORT", str(client.port)))
    assert answer.status in (400, 421)
    assert "Who are you" not in answer.text


def test_localhost_is_the_same_console(client: Client) -> None:
    assert client.get("/sign-in", Host=f"localhost:{client.port}").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "http://127.0.0.1:1", "Sec_Fetch_Site": "same-site"},
        {"Origin": "http://evil.example", "Sec_Fetch_Site": ""},
        {"Origin": "null", "Sec_Fetch_Site": ""},
        {"Origin": "null", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "", "Sec_Fetch_Site": ""},
        {"Sec_Fetch_Site": "none"},
    ],
)
def test_a_form_of_another_site_decides_nothing_even_with_a_good_token(
    bob: Client, work: Work, people: People, headers: dict[str, str]
) -> None:
    approval = work.escalated("gina@example.net")
    fields = {"verdict": "approve", "token": bob.token(f"/approvals/{approval}")}
    answer = bob.post(f"/approvals/{approval}/decide", fields, **headers)
    assert answer.status == 403
    assert people.state(approval) == "pending"


@pytest.mark.parametrize("made", ["none", "of another session", "changed", "of another time"])
def test_a_form_without_the_token_of_its_session_decides_nothing(
    bob: Client, work: Work, people: People, made: str
) -> None:
    approval = work.escalated("hugo@example.net")
    page = f"/approvals/{approval}"
    own = bob.token(page)
    token = {
        "none": "",
        "of another session": Client(bob.host, bob.port).sign_in("bob").token(page),
        "changed": own[:-1] + ("0" if own[-1] != "0" else "1"),
        "of another time": "1." + own.partition(".")[2],
    }[made]
    answer = bob.post(f"{page}/decide", {"verdict": "approve", "token": token})
    assert answer.status == 400
    assert "not from a page of this session" in answer.text
    assert people.state(approval) == "pending"


def test_nobody_reads_or_decides_without_signing_in(
    client: Client, work: Work, people: People
) -> None:
    approval = work.escalated("ida@example.net")
    for path in ("/", f"/approvals/{approval}", "/tasks", "/grants", "/no/such/page"):
        answer = client.get(path)
        assert (answer.status, answer.headers["location"][:9]) == (303, "/sign-in?")
    assert client.get("/pulse").status == 403
    answer = client.post(f"/approvals/{approval}/decide", {"verdict": "approve"})
    assert answer.status == 303
    assert people.state(approval) == "pending"


def test_a_cookie_that_was_changed_is_nobody(bob: Client) -> None:
    name, _, value = bob.cookie.partition("=")
    payload, _, mac = value.partition(".")
    for changed in (f"{payload}A.{mac}", f"{payload}.{mac[:-1]}x", payload, f".{mac}", "é"):
        bob.cookie = f"{name}={changed}"
        assert bob.get("/").status == 303


def test_the_session_is_kept_from_scripts_and_other_sites_and_ends_with_signing_out(
    bob: Client,
) -> None:
    shown = Client(bob.host, bob.port).get("/sign-in").headers["set-cookie"].lower()
    assert "httponly" in shown
    assert "samesite=strict" in shown
    assert bob.get("/").status == 200
    assert bob.post("/sign-out", {"token": bob.token("/")}).status == 303
    assert bob.get("/").status == 303


def test_a_session_that_was_there_before_signing_in_is_worth_nothing_after(client: Client) -> None:
    before = client.get("/sign-in")
    foisted = before.headers["set-cookie"].partition(";")[0]
    client.sign_in("bob")
    client.cookie = foisted
    assert client.get("/").status == 303


@pytest.mark.parametrize("path", ["/sign-in", "/", "/static/console.js", "/nothing"])
def test_every_response_forbids_what_pages_do_not_need(bob: Client, path: str) -> None:
    headers = bob.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "server" not in headers


def test_signing_in_sends_nobody_to_another_site(client: Client) -> None:
    for path in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"):
        shown = client.get("/sign-in?" + urlencode({"next": path}))
        client.cookie = shown.headers["set-cookie"].partition(";")[0]
        fields = {"name": "bob", "next": path, "token": client.token("/sign-in")}
        assert client.post("/sign-in", fields).headers["location"] == "/"


def test_a_link_from_another_site_finds_the_session_that_strict_cookies_hide(
    client: Client, work: Work
) -> None:
    page = f"/approvals/{work.escalated('jan@example.net')}"
    answer = client.get(page, Sec_Fetch_Site="cross-site")
    assert answer.status == 200
    assert f'content="0;url={page}"' in answer.text
    assert client.get(page, Sec_Fetch_Site="same-origin").status == 303


def test_a_form_that_is_too_large_is_refused(bob: Client) -> None:
    assert bob.post("/choose", {"reason": "x" * BODY_BYTES}).status == 413


def test_a_form_that_is_none_is_refused_in_words(bob: Client) -> None:
    for fields in (
        {},
        {"ids": "", "verdict": "deny"},
        {"ids": "a-1", "verdict": "maybe"},
        {"ids": "a-1", "verdict": "deny"},
        {"ids": ",".join(map(str, range(51))), "verdict": "deny"},
    ):
        answer = bob.post("/choose", {**fields, "token": bob.token("/")})
        assert answer.status == 400
        assert "This was not done" in answer.text
    assert (
        bob.send("POST", "/choose", "%ff=%ff", Origin=f"http://{bob.host}:{bob.port}").status == 400
    )
    assert bob.send("PUT", "/choose", "").status == 405


def test_a_header_that_never_ends_is_cut_off(client: Client) -> None:
    with socket.create_connection((client.host, client.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        try:
            for _ in range(64):
                connection.sendall(b"x" * 4096)
            reply = connection.recv(64)
        except OSError:
            reply = b""
    assert b" 200 " not in reply
    assert client.get("/sign-in").status == 200


def test_a_call_as_large_as_can_be_is_a_page_that_can_be_read(bob: Client, work: Work) -> None:
    body = "\u202e" * 40_000 + "the end"
    guests: list[JsonValue] = [f"guest{number}@example.net" for number in range(200)]
    approval = work.escalated(guests, body)
    page = bob.get(f"/approvals/{approval}")
    assert page.status == 200
    assert len(page.text) < 1_000_000
    assert "150 more values decide where it goes" in page.text
    arguments = bob.get(f"/approvals/{approval}/arguments")
    assert arguments.headers["content-type"] == "text/plain; charset=utf-8"
    assert (
        arguments.text.replace("[U+202E]", "\u202e")
        == canonical({"body": body, "to": guests}).decode()
    )


def test_what_does_not_exist_is_said_and_nothing_internal(bob: Client) -> None:
    for path in ("/approvals/x", "/tasks/x", "/tasks/x/revoke", "/grants/x/revoke", "/%2e%2e/x"):
        answer = bob.get(path)
        assert answer.status == 404, path
        assert "Traceback" not in answer.text
    token = bob.token("/")
    for path in ("/approvals/x/take-back", "/grants/x/revoke", "/approvals/x/decide"):
        answer = bob.post(path, {"token": token, "verdict": "deny"})
        assert answer.status in (404, 409), path
