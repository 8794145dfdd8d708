"""Addresses mean one thing, and development mode listens only where no other machine reaches."""

from __future__ import annotations

import socket

import pytest

from pdp.identity.address import BadAddress, TcpAddress, UnixAddress, parse_address
from pdp.identity.development import local_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:data/pdp.sock", UnixAddress("data/pdp.sock")),
        ("unix:/run/pdp.sock", UnixAddress("/run/pdp.sock")),
        ("unix:///run/pdp.sock", UnixAddress("/run/pdp.sock")),
        ("127.0.0.1:8443", TcpAddress("127.0.0.1", 8443)),
        ("[::1]:0", TcpAddress("::1", 0)),
        ("pdp.example:443", TcpAddress("pdp.example", 443)),
    ],
)
def test_an_address_is_a_unix_socket_or_a_host_and_port(text: str, address: object) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["127.0.0.1:8443", "[::1]:0", "unix:/run/pdp.sock"])
def test_an_address_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_address(text)) == text


def test_grpc_is_given_a_path_that_it_decodes_to_the_same() -> None:
    assert UnixAddress("/a b%41").target == "unix:/a%20b%2541"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "neither"),
        ("8443", "neither"),
        (":8443", "neither"),
        ("host:", "no port"),
        ("host:http", "no port"),
        ("host:65536", "no port"),
        ("host:-1", "no port"),
        ("host:٣", "no port"),
        ("::1:8443", "brackets"),
        ("[localhost]:1", "IPv6"),
        ("unix:", "no path"),
        ("unix:\x00abstract", "abstract"),
        ("unix:/" + "x" * 107, "108 bytes"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(BadAddress, match=problem):
        parse_address(text)


@pytest.mark.parametrize("text", ["127.0.0.1:1", "127.9.8.7:1", "[::1]:1", "unix:/run/x"])
def test_development_mode_listens_on_loopback_and_unix_sockets(text: str) -> None:
    assert str(local_address(parse_address(text))) == text


def test_localhost_is_pinned_to_what_it_resolved_to() -> None:
    assert local_address(parse_address("localhost:5")) == TcpAddress("127.0.0.1", 5)


@pytest.mark.parametrize(
    "text",
    ["0.0.0.0:1", "[::]:1", "10.1.2.3:1", "192.168.0.1:1", "[fe80::1]:1", "8.8.8.8:1"],
)
def test_development_mode_refuses_an_address_that_others_reach(text: str) -> None:
    with pytest.raises(BadAddress, match="development mode has no authentication"):
        local_address(parse_address(text))


def test_development_mode_refuses_a_name_that_resolves_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def resolve(*_: object, **__: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.7", 1)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(BadAddress, match=r"10\.0\.0\.7"):
        local_address(parse_address("mixed.example:1"))


def test_development_mode_refuses_a_name_that_does_not_resolve() -> None:
    with pytest.raises(BadAddress, match="does not resolve"):
        local_address(parse_address("nowhere.invalid:1"))
