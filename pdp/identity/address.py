"""Where a server listens: a Unix socket or a host and port, and how gRPC spells it."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import quote

# sun_path of unix(7) holds 108 bytes, one of them the final zero.
SOCKET_PATH_BYTES = 107


class BadAddress(ValueError):
    """An address that cannot be listened on; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A Unix socket by its path in the file system."""

    path: str

    def __str__(self) -> str:
        """As the command line takes it."""
        return f"unix:{self.path}"

    @property
    def target(self) -> str:
        """As gRPC takes it, which reads it as a URI (RFC 3986) and decodes percent signs."""
        return "unix:" + quote(self.path)


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A host (a name or an IP literal, without brackets) and a port, 0 for any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """As the command line takes it; IPv6 literals in brackets (RFC 3986, section 3.2.2)."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def target(self) -> str:
        """As gRPC takes it."""
        return str(self)


Address = UnixAddress | TcpAddress


def parse_address(text: str) -> Address:
    """The address that `unix:PATH` or `HOST:PORT` means.

    Raises:
        BadAddress: it is neither.
    """
    if text.startswith("unix:"):
        return UnixAddress(_socket_path(text.removeprefix("unix:"), text))
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise BadAddress(f"{text!r} is neither unix:PATH nor HOST:PORT")
    if not (port.isascii() and port.isdigit() and int(port) <= 0xFFFF):
        raise BadAddress(f"{text!r} has no port from 0 to 65535")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise BadAddress(f"{text!r} has no IPv6 address in its brackets") from None
    elif ":" in host:
        raise BadAddress(f"{text!r}: write an IPv6 address in brackets, as in [::1]:8443")
    return TcpAddress(host, int(port))


def _socket_path(path: str, text: str) -> str:
    if path.startswith("//"):
        path = path[2:]
    if not path:
        raise BadAddress(f"{text!r} has no path: write unix:PATH")
    if "\x00" in path:
        raise BadAddress(f"{text!r} has a zero byte: abstract sockets have no owner and no mode")
    size = len(path.encode())
    if size > SOCKET_PATH_BYTES:
        raise BadAddress(
            f"{text!r} is a path of {size} bytes, and sockets take {SOCKET_PATH_BYTES}: "
            "choose a shorter one"
        )
    return path
