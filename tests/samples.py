"""Records that tests begin with and change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from pdp.domain.records import ApprovalRecord
from pdp.domain.values import ApprovalState, Subject

#: Far beyond any clock of a test.
FAR_US: Final = 2**60


def approval(name: str = "a-1", **changes: Any) -> ApprovalRecord:
    """A question about a mail that nobody has answered yet."""
    made = ApprovalRecord(
        id=name,
        state=ApprovalState.PENDING,
        decision_id="d-1",
        task_id="t-1",
        binding_digest="sha256:1",
        subject=Subject("agent", "spiffe://example.org/a"),
        principal=Subject("user", "alice"),
        server="mail",
        tool="send",
        canonical_arguments=b"{}",
        resource_type="email",
        resource_id="x",
        reasons=(),
        votes_needed=1,
        created_at_us=1,
        expires_at_us=FAR_US,
    )
    return replace(made, **changes)
