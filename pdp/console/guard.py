"""What every request to the console must pass, and what every response carries.

Browsers send whatever pages of others tell them to: a name that a stranger rebound to this address
(DNS rebinding), a form that a stranger's page posts. Both are refused here, before any page runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: A grant's form with a page of values; arguments are never posted.
BODY_BYTES: Final = 128 * 1024
#: Whoever sends a form more slowly is not a browser on this machine.
BODY_SECONDS: Final = 10.0
#: An approval's id, a cursor and what little else stands in an address here.
QUERY_BYTES: Final = 4 * 1024

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cache-Control": "no-store",
}


class Guard:
    """An ASGI application around the console's."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        """`hosts` are the values of the Host header that are answered, in lower case."""
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None and scope["method"] == "POST":
            body = await _body(receive)
            if body is None:
                refusal = PlainTextResponse("The form is too large, or came too slowly.", 413)
            else:
                receive = _replayed(body, receive)
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            names = ", ".join(sorted(self._hosts))
            return PlainTextResponse(f"This console answers to {names} only.", 421)
        if len(scope["query_string"]) > QUERY_BYTES:
            return PlainTextResponse("The address is too long.", 414)
        if scope["method"] in ("GET", "HEAD"):
            return None
        if scope["method"] != "POST":
            return PlainTextResponse("Pages are read with GET and forms sent with POST.", 405)
        if not _is_own_form(headers, hosts[0]):
            return PlainTextResponse("A form of another site was refused: open the console.", 403)
        return None


def _is_own_form(headers: Headers, host: str) -> bool:
    """Whether a POST comes from a page of the console, by what only a browser can set.

    Every browser sends Origin with a POST (Fetch, section 3.2); those that send Sec-Fetch-Site must
    agree. Another port of this machine is another origin, though not another site. With the
    Referrer-Policy of these pages a browser may send `null` for Origin, and then Sec-Fetch-Site
    has to say it.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("origin", "")
    if origin == "null":
        return site == "same-origin"
    return origin.lower() == f"http://{host.lower()}"


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None where it is too large, too slow, or its sender has gone."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return None
                body += message.get("body", b"")
                if len(body) > BODY_BYTES:
                    return None
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        return None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What gives `body` once, and then what still comes."""
    given = False

    async def read() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return read
