"""Reading lists: who may, how much of it comes at once, and where the next page begins."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from google.protobuf.message import Message

from pdp.domain.answer import Refusal, RefusalKind
from pdp.domain.error_reason import ErrorReason
from pdp.domain.limits import InvalidInput, check_task_id
from pdp.server.errors import Refused
from pdp.server.rpc import Asked

# A screenful; a caller that wants more says so.
DEFAULT_PAGE: Final = 50
# One page is read and built in one piece.
MAX_PAGE: Final = 500
# Clients accept messages of 4 MiB unless told otherwise; a page ends early rather than fail there.
PAGE_BYTES: Final = 3 * 1024 * 1024
# Goals, names and calls of other people's work are not for everyone who can connect.
_READERS: Final = frozenset({"pep", "orchestrator", "approver", "auditor", "admin"})

T = TypeVar("T")
M = TypeVar("M", bound=Message)


class Paged(Protocol):
    """A request for one page."""

    @property
    def page_size(self) -> int:
        """How many at most; 0 for the default."""

    @property
    def page_token(self) -> str:
        """Where to begin; empty for the first page."""


@dataclass(frozen=True, slots=True)
class Page:
    """Up to `size` entries beyond the one whose id is `beyond` (empty: from the start)."""

    size: int
    beyond: str


def page_of(request: Paged) -> Page:
    """The page that a request asks for.

    Raises:
        InvalidInput: the size is negative, or the token was not made here.
    """
    if request.page_size < 0:
        raise InvalidInput("page_size", "is negative", "send 0 for the default, or more")
    return Page(min(request.page_size or DEFAULT_PAGE, MAX_PAGE), _id_of(request.page_token))


def fill(
    page: Page, found: Sequence[T], made: Callable[[T], M], id_of: Callable[[T], str]
) -> tuple[list[M], str]:
    """Messages of what was found, and the token of the next page (empty: there is none).

    `found` has one entry more than the page where there is a next one.
    """
    messages: list[M] = []
    room = PAGE_BYTES
    for entry in found[: page.size]:
        message = made(entry)
        room -= message.ByteSize()
        if room < 0 and messages:
            break
        messages.append(message)
    if len(messages) < len(found):
        return messages, _token(id_of(found[len(messages) - 1]))
    return messages, ""


def check_reader(asked: Asked) -> None:
    """Raises Refused where the caller has no role that may read what others do."""
    if not asked.caller.roles & _READERS:
        raise Refused(
            Refusal(
                RefusalKind.PERMISSION_DENIED,
                f"{asked.rpc} needs one of the roles {', '.join(sorted(_READERS))}",
                reason=ErrorReason.ROLE_MISSING,
            )
        )


def now_us() -> int:
    """The wall clock, microseconds since the epoch."""
    return time.time_ns() // 1000


def _token(entry_id: str) -> str:
    return base64.urlsafe_b64encode(entry_id.encode()).decode().rstrip("=")


def _id_of(token: str) -> str:
    if not token:
        return ""
    try:
        padded = token + "=" * (-len(token) % 4)
        found = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        # Ids of approvals and grants have no other characters either.
        check_task_id(found, "page_token")
    except (binascii.Error, ValueError):  # InvalidInput is a ValueError too.
        raise InvalidInput(
            "page_token",
            "was not made by this server",
            "send next_page_token as it came",
            reason=ErrorReason.PAGE_TOKEN_INVALID,
        ) from None
    return found
