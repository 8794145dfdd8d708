"""URLs of OPA servers: what they mean, and which of them nobody should ask."""

from __future__ import annotations

import pytest

from pdp.engine.server_url import BadServerUrl, ServerUrl, parse_server_url


@pytest.mark.parametrize(
    ("text", "meant", "authority"),
    [
        ("http://127.0.0.1:8181", ("127.0.0.1", 8181, False, "", ""), "127.0.0.1:8181"),
        ("http://localhost", ("localhost", 80, False, "", ""), "localhost:80"),
        ("http://[::1]:8181/", ("::1", 8181, False, "", ""), "[::1]:8181"),
        ("http://127.8.9.1:1", ("127.8.9.1", 1, False, "", ""), "127.8.9.1:1"),
        ("https://opa.example", ("opa.example", 443, True, "", ""), "opa.example:443"),
        ("https://opa.example:8443/a/b/", ("opa.example", 8443, True, "/a/b", ""), None),
        ("unix:/run/opa.sock", ("localhost", 0, False, "", "/run/opa.sock"), "localhost"),
        ("unix:///run/opa.sock", ("localhost", 0, False, "", "/run/opa.sock"), "localhost"),
    ],
)
def test_a_url_means_a_server_and_where_to_reach_it(
    text: str, meant: tuple[object, ...], authority: str | None
) -> None:
    url = parse_server_url(text)
    assert (url.host, url.port, url.tls, url.base, url.socket) == meant
    assert str(url) == text
    if authority:
        assert url.authority == authority


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://opa.example:8181", "use https"),
        ("http://10.0.0.7", "use https"),
        ("http://localhost.example", "use https"),
        ("http://0x7f000001", "use https"),
        ("ftp://127.0.0.1", "http://HOST:PORT"),
        ("127.0.0.1:8181", "http://HOST:PORT"),
        ("https://", "http://HOST:PORT"),
        ("", "http://HOST:PORT"),
        ("https://me:secret@opa.example", "--opa-token-file"),
        ("https://me@opa.example", "no user"),
        ("https://opa.example?x=1", "no user, query"),
        ("https://opa.example#x", "no user, query or fragment"),
        ("https://opa.example:99999", "not a URL"),
        ("https://opa.example:a", "not a URL"),
        ("https://[::1", "not a URL"),
        ("https://opa.example/a b", "without spaces"),
        ("https://opa.example/\r\nX: y", "without spaces"),
        ("https://öpa.example", "ASCII"),
        ("unix:", "write unix:PATH"),
    ],
)
def test_a_url_that_nobody_should_ask_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(BadServerUrl, match=told):
        parse_server_url(text)


def test_a_refusal_does_not_repeat_a_password() -> None:
    with pytest.raises(BadServerUrl) as refused:
        parse_server_url("https://me:secret@opa.example")
    assert "secret" not in str(refused.value)


def test_the_host_header_of_a_unix_socket_has_no_port() -> None:
    assert ServerUrl("unix:x", socket="x").authority == "localhost"
