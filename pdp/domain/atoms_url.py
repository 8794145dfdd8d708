"""Hosts and URLs in the one form in which they are compared."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

import idna

#: Longer values of one argument are no address, account or name of anything.
MAX_VALUE: Final = 4096
#: The longest domain (RFC 5321, section 4.5.3.1.2, without the root's dot).
_MAX_DOMAIN: Final = 253
_MAX_PORT: Final = 65_535

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_URL_START = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://")
_PLAIN_URL = re.compile(
    r"https?://[a-z0-9]+(?:[.-][a-z0-9]+)+((?:/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*)*+/?)"
    r"(?:\?[A-Za-z0-9_~.=&-]+)?"
)
_URL_PARTS = re.compile(
    r"([A-Za-z][A-Za-z0-9+.-]{0,30})://([A-Za-z0-9._-]+)(?::([0-9]{0,5}))?(/[^?#]*|)(?:\?([^#]*))?"
    r"(?:#.*)?",
    re.DOTALL,
)
_NOT_IN_URL = re.compile('[\\\\ "<>^`{|}\x00-\x1f\x7f-\x9f\ud800-\udfff]')
_HIDDEN_STEP = re.compile(r"%(?:2e|2f|5c|00)", re.IGNORECASE)
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORT = {"http": 80, "https": 443, "ws": 80, "wss": 443, "ftp": 21}
_ADDRESS = re.compile(r"\[[0-9A-Fa-f:.]+\](?::[0-9]*)?")


def domain(text: str) -> str | None:
    """A domain name or IPv4 address in lower-case ASCII without the root's dot, or None."""
    host = text.removesuffix(".")
    if not host or len(host) > _MAX_DOMAIN:
        return None
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    host = host.lower()
    return host if all(map(_LABEL.fullmatch, host.split("."))) else None


def url(text: str) -> str | None:
    """Scheme, host, port, path and query in the normal form of RFC 3986, section 6.2.

    A fragment is left out: it is not sent. Without a scheme it is `https`. None for what clients
    read differently: userinfo, backslashes, spaces, an encoded dot or slash, a missing host.
    """
    if "://" not in text[:40]:
        text = "https://" + text
    plain = _PLAIN_URL.fullmatch(text)
    if plain is not None and len(text) <= MAX_VALUE:
        return text if plain[1] else text.replace("?", "/?", 1) if "?" in text else text + "/"
    # A lone surrogate stands for no character, so nothing could be sent for it.
    if len(text) > MAX_VALUE or _NOT_IN_URL.search(text):
        return None
    found = _URL_PARTS.fullmatch(text)
    if found is None:
        return _odd_url(text)
    scheme, name, port, path, query = found.groups()
    if port and int(port) > _MAX_PORT:
        return None
    return _url(scheme.lower(), domain(name), int(port) if port else None, path, query)


def _odd_url(text: str) -> str | None:
    """As `url`, for what `urlsplit` has to take apart: an address for a host, or other letters."""
    if not _URL_START.match(text):
        return None
    try:
        split = urlsplit(text)
        port = split.port
    except ValueError:
        return None
    if "@" in split.netloc or "%" in split.netloc or not split.hostname:
        return None
    if "[" in split.netloc and _ADDRESS.fullmatch(split.netloc) is None:
        return None
    host = f"[{split.hostname}]" if ":" in split.hostname else domain(split.hostname)
    return _url(split.scheme, host, port, split.path, split.query)


def _url(
    scheme: str, host: str | None, port: int | None, path: str, query: str | None
) -> str | None:
    if host is None or ("%" in path and _HIDDEN_STEP.search(path)):
        return None
    shown = "" if port is None or port == _DEFAULT_PORT.get(scheme) else f":{port}"
    asked = f"?{_escapes(query)}" if query else ""
    return f"{scheme}://{host}{shown}{_dot_segments(_escapes(path))}{asked}"


def plain_url(text: str) -> bool:
    """Whether a text is a URL in its normal form already: quick, and often no where it is one."""
    found = _PLAIN_URL.fullmatch(text)
    return found is not None and bool(found[1]) and len(text) <= MAX_VALUE


def _escapes(text: str) -> str:
    """Percent-encoding as RFC 3986, section 6.2.2, normalises it; other characters encoded."""

    def plain(match: re.Match[str]) -> str:
        character = unquote_to_bytes(match[0]).decode("latin-1")
        return character if character in _UNRESERVED else match[0].upper()

    if "%" in text:
        text = _ESCAPE.sub(plain, text)
    return text if text.isascii() else quote(text, safe="%/?:@!$&'()*+,;=~-._[]")


def _dot_segments(path: str) -> str:
    """RFC 3986, section 5.2.4."""
    if path and "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
