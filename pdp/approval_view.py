"""An approval as people see it: what would happen, where values came from, the story so far.

All text in these values is plain and partly hostile: whoever shows it escapes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pdp.domain.approval import state_at
from pdp.domain.catalogue import Catalogue
from pdp.domain.records import ApprovalRecord, GrantRecord
from pdp.domain.task import Task
from pdp.domain.values import ApprovalState, OutcomeStatus, Reason, Subject
from pdp.ports import Records

#: The decisions of the task that are shown at first; a person pages on from there.
STORY_STEPS: Final = 20


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The text around a value in the output that held it, clipped; empty where there is none."""

    before: str
    match: str
    after: str


@dataclass(frozen=True, slots=True)
class ShownSink:
    """Where the effect goes, and where that value came from.

    `path` is an RFC 6901 pointer, `origin` the word of an Origin, `source` the decision whose
    output held the value, `source_tool` that decision's `server/tool` (empty: not known).
    """

    path: str
    value: str
    origin: str
    source: str
    source_tool: str
    excerpt: Excerpt | None


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One decision of the task. `sequence` is its place in the task, `status` how the call ended.

    `decision` is "allow", "deny" or "escalate"; `arguments_json` is empty once erased.
    """

    sequence: int
    at_us: int
    server: str
    tool: str
    tool_class: str
    decision: str
    codes: tuple[str, ...]
    status: OutcomeStatus | None
    arguments_json: bytes
    decision_id: str
    caller: Subject
    rpc: str


@dataclass(frozen=True, slots=True)
class ShownPlanned:
    """One call of a plan that asks for a person."""

    sentence: str
    server: str
    tool: str
    arguments_json: bytes
    reasons: tuple[Reason, ...]
    sinks: tuple[ShownSink, ...]


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """An approval with all that a person needs to answer it.

    `task` is None where the store has none. `description` is the catalogue's, clipped. `story` is
    newest first. `grants` came from it. `alike` are other open approvals with the same server,
    tool, canonical arguments and reason codes.
    """

    approval: ApprovalRecord
    state: ApprovalState
    task: Task | None
    sentence: str
    tool_class: str
    reversible: bool
    description: str
    sinks: tuple[ShownSink, ...]
    plan: tuple[ShownPlanned, ...]
    story: tuple[ShownStep, ...]
    grants: tuple[GrantRecord, ...]
    alike: tuple[str, ...]


def approval_view(
    approval: ApprovalRecord, records: Records, catalogue: Catalogue, now_us: int
) -> ApprovalView:
    """All that a person needs to answer an approval, as of `now_us`.

    Raises:
        StoreError: the records cannot be read.
    """
    return ApprovalView(
        approval=approval,
        state=state_at(approval, now_us),
        task=records.task(approval.task_id),
        sentence="",
        tool_class="",
        reversible=False,
        description="",
        sinks=(),
        plan=(),
        story=story(approval.task_id, records),
        grants=(),
        alike=(),
    )


def story(
    task_id: str, records: Records, *, before: int = 0, limit: int = STORY_STEPS
) -> tuple[ShownStep, ...]:
    """Up to `limit` decisions of a task, newest first, of log places before `before` (0: all).

    Raises:
        StoreError: the records cannot be read.
    """
    return ()
