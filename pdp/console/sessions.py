"""Who has signed in: signed cookies, and the tokens that tie a form to the page it was on.

Nothing is kept for a session but that it was ended before its time. Keys live as long as the
process: a restart signs everybody out.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

SECOND_US: Final = 1_000_000
#: A person who has left the desk is signed out; whoever works sends something more often.
IDLE_SECONDS: Final = 30 * 60
#: A working day, after which everybody shows again who they are.
LONGEST_SECONDS: Final = 10 * 3600
#: A cookie is renewed once a tenth of its time is used, and not with every page.
_RENEW_SECONDS: Final = IDLE_SECONDS // 10
#: Browsers refuse cookies beyond 4 KiB; an identity has up to 2 KiB.
_COOKIE_CHARS: Final = 4096
#: A time and a MAC.
_TOKEN_CHARS: Final = 128


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. `person` is their id, empty before they have signed in.

    Times are microseconds since the epoch.
    """

    id: str
    person: str
    began_us: int
    ends_us: int


class Sessions:
    """Issues cookies and form tokens, and believes none but its own."""

    def __init__(self, now_us: Callable[[], int], key: bytes | None = None) -> None:
        """`key` are 32 random bytes, made here where there are none."""
        self._now_us = now_us
        self._key = key or secrets.token_bytes(32)
        self._ended: dict[str, int] = {}

    def begin(self, person: str = "") -> Session:
        """A new session; signing in always begins one, so that none can be foisted on a person."""
        now_us = self._now_us()
        return Session(secrets.token_urlsafe(16), person, now_us, now_us + IDLE_SECONDS * SECOND_US)

    def renewed(self, session: Session) -> Session | None:
        """The session with more time, where it is due for it."""
        now_us = self._now_us()
        ends_us = now_us + IDLE_SECONDS * SECOND_US
        ends_us = min(ends_us, session.began_us + LONGEST_SECONDS * SECOND_US)
        if ends_us - session.ends_us < _RENEW_SECONDS * SECOND_US:
            return None
        return replace(session, ends_us=ends_us)

    def end(self, session: Session) -> None:
        """Believe this session's cookies no more."""
        now_us = self._now_us()
        last_us = session.began_us + LONGEST_SECONDS * SECOND_US
        self._ended = {known: until for known, until in self._ended.items() if until > now_us}
        self._ended[session.id] = last_us

    def cookie(self, session: Session) -> str:
        """The session as a cookie's value."""
        body = json.dumps([session.id, session.person, session.began_us, session.ends_us])
        payload = base64.urlsafe_b64encode(body.encode()).decode()
        return f"{payload}.{self._mac('session', payload)}"

    def read(self, cookie: str | None) -> Session | None:
        """The session that a cookie's value stands for; None where it is none or over."""
        payload, dot, mac = (cookie or "").partition(".")
        if not dot or len(payload) > _COOKIE_CHARS or not self._is_mac(mac, "session", payload):
            return None
        try:
            parts = json.loads(base64.urlsafe_b64decode(payload))
        except (binascii.Error, ValueError):
            return None
        session = Session(*parts)
        if session.ends_us <= self._now_us() or session.id in self._ended:
            return None
        return session

    def token(self, session: Session) -> str:
        """What a form of a page made now has to carry."""
        made = str(self._now_us())
        return f"{made}.{self._mac('form', session.id, made)}"

    def token_age_us(self, session: Session, token: str) -> int | None:
        """How old the page is that a form was on; None where the token is not this session's."""
        made, dot, mac = token[:_TOKEN_CHARS].partition(".")
        if not dot or not self._is_mac(mac, "form", session.id, made):
            return None
        return max(0, self._now_us() - int(made))

    def seal(self, session: Session, text: str) -> str:
        """`text` as a cookie's value that only this session reads again."""
        payload = base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode()
        return f"{payload}.{self._mac('seal', session.id, payload)}"

    def unseal(self, session: Session, sealed: str | None) -> str:
        """The text that was sealed; empty where none was, or not by this session."""
        payload, dot, mac = (sealed or "").partition(".")
        if not dot or not self._is_mac(mac, "seal", session.id, payload):
            return ""
        return base64.urlsafe_b64decode(payload).decode()

    def _mac(self, *parts: str) -> str:
        # None of the parts can hold a unit separator: they are words, base64 and digits.
        message = "\x1f".join(parts).encode()
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()

    def _is_mac(self, mac: str, *parts: str) -> bool:
        given = mac.encode("ascii", "replace")
        message = "\x1f".join(parts).encode("utf-8", "surrogatepass")
        made = hmac.new(self._key, message, hashlib.sha256).hexdigest().encode()
        return hmac.compare_digest(given, made)
