"""Plain Python values to requests about approvals, and how a client waits and comes back."""

from __future__ import annotations

import time
from typing import Final

from google.protobuf.duration_pb2 import Duration

from pdp.client.approval import GrantTerms
from pdp.client.requests import new_request_id
from pdp.v1 import approval_pb2, task_pb2

PERSON_METADATA: Final = "x-pdp-dev-identity"

#: How many come with one call; the service gives less where they are large.
PAGE: Final = 100
#: One call waits no longer, so that a peer that vanished is noticed; then it is asked again.
WAIT_SECONDS: Final = 30.0
#: A service that does not wait at all is not asked more often than this.
ROUND_SECONDS: Final = 0.2
#: A watch that a vanished peer left open is noticed after this time.
WATCH_SECONDS: Final = 600.0
#: After how long a watch that was cut tries again, and for how long in vain.
BACK_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 60.0
#: Whoever held a stream for so long was there.
_HELD_SECONDS: Final = 30.0

#: How a service ends a watch that may be begun again; the last two are what a connection that goes
#: away in the middle of a message can look like.
_COME_BACK: Final = frozenset(
    {
        "unavailable",
        "aborted",
        "deadline_exceeded",
        "resource_exhausted",
        "unknown",
        "internal",
    }
)


class Patience:
    """How long a watch comes back to a service that is not there."""

    def __init__(self) -> None:
        self._began = self._heard = time.monotonic()

    def begin(self) -> None:
        """The watch is begun, or begun again."""
        self._began = time.monotonic()

    def heard(self) -> None:
        """The service has said something."""
        self._heard = time.monotonic()

    def is_over(self, code: str) -> bool:
        """Whether a watch that ended with this status (in lower case) is not begun again."""
        now = time.monotonic()
        if now - self._began > _HELD_SECONDS:
            self._heard = now
        return code not in _COME_BACK or now - self._heard > PATIENCE_SECONDS


def person_metadata(person: str) -> tuple[tuple[str, str], ...]:
    """The metadata that says who asks, in development mode; none for nobody.

    Raises:
        ValueError: gRPC metadata cannot hold the name.
    """
    if not person:
        return ()
    if not (person.isascii() and person.isprintable()) or person != person.strip():
        raise ValueError(
            f"{person!r} cannot be sent as a person's name: use printable ASCII without space at "
            "its ends"
        )
    return ((PERSON_METADATA, person),)


def get(approval_id: str) -> approval_pb2.GetApprovalRequest:
    """A GetApprovalRequest."""
    return approval_pb2.GetApprovalRequest(approval_id=approval_id)


def listed(token: str, *, open_only: bool) -> approval_pb2.ListApprovalsRequest:
    """A ListApprovalsRequest for the page that begins with `token`."""
    return approval_pb2.ListApprovalsRequest(page_size=PAGE, page_token=token, open_only=open_only)


def grants(token: str) -> approval_pb2.ListGrantsRequest:
    """A ListGrantsRequest for the page that begins with `token`."""
    return approval_pb2.ListGrantsRequest(page_size=PAGE, page_token=token)


def decide(
    approval_id: str, *, approve: bool, reason: str, grant: GrantTerms | None, request_id: str
) -> approval_pb2.DecideApprovalRequest:
    """A DecideApprovalRequest; with its request id it can be sent again without voting twice."""
    return approval_pb2.DecideApprovalRequest(
        approval_id=approval_id,
        verdict=approval_pb2.VERDICT_APPROVE if approve else approval_pb2.VERDICT_DENY,
        reason=reason,
        grant=_terms(grant) if grant is not None else None,
        request_id=request_id or new_request_id(),
    )


def cancel(approval_id: str) -> approval_pb2.CancelApprovalRequest:
    """A CancelApprovalRequest."""
    return approval_pb2.CancelApprovalRequest(approval_id=approval_id)


def wait(approval_id: str, left_s: float) -> tuple[approval_pb2.WaitApprovalRequest, float]:
    """A WaitApprovalRequest for one round of a wait that has `left_s`, and the round's seconds."""
    round_s = min(max(left_s, 0.0), WAIT_SECONDS)
    return (
        approval_pb2.WaitApprovalRequest(approval_id=approval_id, max_wait=_duration(round_s)),
        round_s,
    )


def watch() -> approval_pb2.WatchApprovalsRequest:
    """A WatchApprovalsRequest."""
    return approval_pb2.WatchApprovalsRequest()


def revoke(task_id: str, grant_id: str, reason: str, request_id: str) -> task_pb2.RevokeRequest:
    """A RevokeRequest for one task or one grant.

    Raises:
        ValueError: neither is named, or both are.
    """
    if bool(task_id) == bool(grant_id):
        raise ValueError("name a task or a grant to revoke, one of them")
    request_id = request_id or new_request_id()
    if task_id:
        return task_pb2.RevokeRequest(request_id=request_id, task_id=task_id, reason=reason)
    return task_pb2.RevokeRequest(request_id=request_id, grant_id=grant_id, reason=reason)


def _terms(terms: GrantTerms) -> approval_pb2.Grant:
    return approval_pb2.Grant(
        max_uses=terms.max_uses,
        ttl=_duration(terms.ttl_s) if terms.ttl_s else None,
        constraints=[
            approval_pb2.ArgumentConstraint(path=one.path, values=one.values, patterns=one.patterns)
            for one in terms.constraints
        ],
    )


def _duration(seconds: float) -> Duration:
    whole, micros = divmod(round(seconds * 1_000_000), 1_000_000)
    return Duration(seconds=whole, nanos=micros * 1000)
