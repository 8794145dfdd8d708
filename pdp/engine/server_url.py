"""Where an OPA server is: a URL, refused where nothing would prove who answers there."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}


class BadServerUrl(ValueError):
    """A URL that no OPA server is asked at; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """An OPA server: over a Unix socket, plain HTTP on this machine, or HTTPS.

    `socket` is the path of the Unix socket, else empty. `base` goes before every path of the API:
    empty, or `/prefix` without a slash at its end.
    """

    text: str
    host: str = "localhost"
    port: int = 0
    tls: bool = False
    base: str = ""
    socket: str = ""

    def __str__(self) -> str:
        """As it was written."""
        return self.text

    @property
    def authority(self) -> str:
        """The value of the Host header (RFC 9110, section 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if self.port else host


def parse_server_url(text: str) -> ServerUrl:
    """The server that `http://HOST:PORT`, `https://HOST:PORT/PREFIX` or `unix:PATH` means.

    Raises:
        BadServerUrl: it is none of them, or plain HTTP to another machine.
    """
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise BadServerUrl(f"{text!r} is not a URL: use ASCII without spaces")
    if text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        if not path:
            raise BadServerUrl(f"{text!r} has no path: write unix:PATH")
        return ServerUrl(text, socket=path)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadServerUrl(f"{text!r} is not a URL: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BadServerUrl(f"{text!r} is not http://HOST:PORT, https://HOST:PORT or unix:PATH")
    if parts.username is not None or parts.query or parts.fragment:
        raise BadServerUrl(
            "the URL of an OPA server has no user, query or fragment: "
            "a token belongs in the file that --opa-token-file names"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise BadServerUrl(
            f"{text!r} is plain HTTP to another machine, where anybody on the way could answer "
            "allow: use https"
        )
    return ServerUrl(
        text,
        host=parts.hostname,
        port=_PORTS[parts.scheme] if port is None else port,
        tls=parts.scheme == "https",
        base=parts.path.rstrip("/"),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
