"""What the pages work with, and who looks at one: passed to every page, kept nowhere else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from pdp.console.forms import Form
from pdp.console.sessions import Session, Sessions
from pdp.domain.answer import Result
from pdp.domain.catalogue import Catalogue
from pdp.domain.request import Call
from pdp.domain.values import Caller
from pdp.ports import Records

PersonOf: TypeAlias = Callable[[Request], Caller | None]
"""Who sends a request, where somebody has shown who they are. The way to sign in provides it."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What is behind the console. `records` may block, and is used on threads only.

    `submit` never raises: what goes wrong is a Refusal. `catalogue` is the one in force now.
    """

    submit: Callable[[Call], Awaitable[Result]]
    records: Records
    catalogue: Callable[[], Catalogue]
    now_us: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Parts:
    """The console's own parts. `cookie` is the name of its session cookie.

    Browsers send cookies to every port of a host: the name tells two consoles apart.
    """

    behind: Behind
    sessions: Sessions
    person_of: PersonOf
    cookie: str
    development: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a person who has signed in."""

    parts: Parts
    request: Request
    caller: Caller
    session: Session

    @property
    def behind(self) -> Behind:
        """What is behind the console."""
        return self.parts.behind


Page: TypeAlias = Callable[[Visit], Response]
"""Reads and renders a page, on a thread: the event loop has calls to decide."""

Act: TypeAlias = Callable[[Visit, Form], Awaitable[Response]]
"""Does what a form asks for, on the event loop."""
