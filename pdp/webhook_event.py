"""What a webhook says and how it is signed: the message for one approval, by Standard Webhooks.

The specification (standard-webhooks, version 1.0.0) gives the headers and the signature; the body
is this program's own and holds no arguments, for they may be secret: the receiver looks them up.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from pdp.domain.approval import state_at
from pdp.domain.records import ApprovalRecord
from pdp.domain.values import ApprovalState, Subject
from pdp.engine.server_url import ServerUrl

#: States that people are told of. That an answer was used (RESERVED, CONSUMED) is no news to them:
#: it is in the log.
TOLD: Final = frozenset(
    {
        ApprovalState.PENDING,
        ApprovalState.APPROVED,
        ApprovalState.DENIED,
        ApprovalState.CANCELLED,
        ApprovalState.EXPIRED,
    }
)

#: Bodies stay below the 20 kB that the specification recommends: a handful of reasons, each a
#: sentence or two.
_REASONS: Final = 8
_MESSAGE_CHARS: Final = 500

_PREFIX: Final = "whsec_"
# The specification's bounds of a key, in bytes.
_KEY_BYTES: Final = range(24, 65)
#: The new secret and the old one while receivers change over; more is not a rotation.
_SECRETS: Final = 4
#: Secrets take a line of some 100 characters each.
_SECRET_FILE_BYTES: Final = 4096
# RFC 3339 has no later year than 9999.
_LAST_US: Final = 253_402_300_799_999_999
_PORTS: Final = {"http": 80, "https": 443}


class BadWebhook(ValueError):
    """An endpoint or a secret that cannot be used; the message says what to change."""


@dataclass(frozen=True, slots=True)
class WebhookUrl:
    """Where webhooks go: a server, and the path with the query there."""

    server: ServerUrl
    target: str

    def __str__(self) -> str:
        """Without path and query, which may hold the receiver's token."""
        return str(self.server)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing to tell. The same change of the same approval always has the same `id`.

    `expires_at_us` is when a question is over; 0 for what stays true.
    """

    id: str
    approval_id: str
    body: bytes
    expires_at_us: int = 0


def event_of(approval: ApprovalRecord, now_us: int, url: str = "") -> Event | None:
    """What to tell of an approval as it is at `now_us`; None where that is nothing.

    `url` is where a person decides it, empty where there is no such page.
    """
    found = state_at(approval, now_us)
    if found not in TOLD:
        return None
    state = found.name.lower()
    data: dict[str, Any] = {
        "approval_id": approval.id,
        "state": state,
        "task_id": approval.task_id,
        "server": approval.server,
        "tool": approval.tool,
        "subject": _identity(approval.subject),
        "on_behalf_of": _identity(approval.principal),
        "reasons": [
            {"code": reason.code, "message": _clipped(reason.message)}
            for reason in approval.reasons[:_REASONS]
        ],
        "votes": len(approval.votes),
        "votes_needed": approval.votes_needed,
        "expires_at": _moment(approval.expires_at_us),
        "url": url,
    }
    body = {
        "type": f"approval.{state}",
        "timestamp": _moment(_since_us(approval, found, now_us)),
        "data": data,
    }
    return Event(
        # Without a full stop, which separates it from the rest of what is signed.
        id=f"{approval.id}_{state}_{len(approval.votes)}".replace(".", "_"),
        approval_id=approval.id,
        body=json.dumps(body, separators=(",", ":")).encode(),
        expires_at_us=approval.expires_at_us if found is ApprovalState.PENDING else 0,
    )


def headers_of(event: Event, keys: Sequence[bytes], at_s: int) -> tuple[tuple[str, str], ...]:
    """The headers of one attempt, made at `at_s` (seconds since the epoch)."""
    return (
        ("webhook-id", event.id),
        ("webhook-timestamp", str(at_s)),
        ("webhook-signature", " ".join(sign(event.id, at_s, event.body, key) for key in keys)),
    )


def sign(message_id: str, at_s: int, body: bytes, key: bytes) -> str:
    """The signature `v1,<base64>`: HMAC-SHA256 over id, timestamp and body with dots between."""
    signed = f"{message_id}.{at_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def read_secrets(file: Path) -> tuple[bytes, ...]:
    """The keys in a secret file: a line `whsec_<base64>` for each; all of them sign.

    Raises:
        BadWebhook: it cannot be read or holds something else. No secret is in the message.
    """
    try:
        with file.open("rb") as opened:
            raw = opened.read(_SECRET_FILE_BYTES + 1)
    except OSError as error:
        raise BadWebhook(f"{file}: cannot be read: {error.strerror}") from None
    if len(raw) > _SECRET_FILE_BYTES:
        raise BadWebhook(f"{file}: larger than {_SECRET_FILE_BYTES} bytes: no file of secrets")
    lines = raw.decode("ascii", "replace").split()
    if not 1 <= len(lines) <= _SECRETS:
        raise BadWebhook(
            f"{file}: has {len(lines)} secrets: write one, or the new and the old one on a line "
            "each while receivers change over"
        )
    return tuple(_key(line, f"{file}: secret {number}") for number, line in enumerate(lines, 1))


def _key(text: str, where: str) -> bytes:
    if not text.startswith(_PREFIX):
        raise BadWebhook(f"{where} does not begin with {_PREFIX}")
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise BadWebhook(f"{where} is not base64 behind {_PREFIX}") from None
    if len(key) not in _KEY_BYTES:
        raise BadWebhook(
            f"{where} is a key of {len(key)} bytes: make one of "
            f"{_KEY_BYTES.start} to {_KEY_BYTES.stop - 1} random bytes"
        )
    return key


def parse_webhook_url(text: str) -> WebhookUrl:
    """The endpoint that `https://HOST/PATH?QUERY` means; plain HTTP only on this machine.

    Raises:
        BadWebhook: it is none, or would tell anybody on the way. The message names no path, which
            may hold a token.
    """
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise BadWebhook("a webhook is a URL in ASCII without spaces")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BadWebhook(f"this is not a URL: {error}") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise BadWebhook("a webhook is https://HOST/PATH, or http://127.0.0.1:PORT/PATH")
    if parts.username is not None or parts.fragment:
        raise BadWebhook(
            f"{parts.scheme}://{parts.hostname}: a webhook's URL has no user and no fragment: its "
            "receiver knows it by the signature"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise BadWebhook(
            f"http://{parts.hostname}: webhooks say who asks for what, and plain HTTP shows that "
            "to anybody on the way: use https"
        )
    tls = parts.scheme == "https"
    origin = f"{parts.scheme}://{parts.netloc}"
    server = ServerUrl(origin, parts.hostname, _PORTS[parts.scheme] if port is None else port, tls)
    return WebhookUrl(server, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _since_us(approval: ApprovalRecord, state: ApprovalState, now_us: int) -> int:
    """Since when the approval is as it is; of a withdrawal nothing says when it was."""
    if state is ApprovalState.CANCELLED:
        return now_us
    if state is ApprovalState.EXPIRED:
        return approval.expires_at_us
    return approval.votes[-1].at_us if approval.votes else approval.created_at_us


def _identity(subject: Subject) -> dict[str, str] | None:
    if not subject:
        return None
    return {"type": subject.type, "id": subject.id, "issuer": subject.issuer}


def _clipped(text: str) -> str:
    return text if len(text) <= _MESSAGE_CHARS else text[: _MESSAGE_CHARS - 1] + "…"


def _moment(at_us: int) -> str:
    seconds, micros = divmod(min(at_us, _LAST_US), 1_000_000)
    found = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros, tzinfo=None)
    return found.isoformat(timespec="microseconds") + "Z"
