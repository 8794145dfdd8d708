"""An approval as people see it: what would happen, where values came from, the story so far.

All text in these values is plain and partly hostile: whoever shows it escapes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pdp.domain.approval import likeness, state_at
from pdp.domain.canonical import JsonValue, canonical
from pdp.domain.catalogue import RESERVED_SERVER, Catalogue, Found, Tool
from pdp.domain.find_value import find_value
from pdp.domain.records import ApprovalRecord, GrantRecord, PlannedRecord, SinkRecord
from pdp.domain.seen import Origin
from pdp.domain.sentence import sentence
from pdp.domain.task import Task
from pdp.domain.values import ApprovalState, OutcomeStatus, Reason, Subject
from pdp.ports import Records, StoryEntry

#: The decisions of the task that are shown at first; a person pages on from there.
STORY_STEPS: Final = 20
#: More questions that are alike are answered in a second round.
MAX_ALIKE: Final = 100
#: Sinks of one view whose text is looked for; nobody reads more, and each may take 0.1 s.
MAX_EXCERPTS: Final = 32
#: A catalogue's description comes from the tool's server and may be a document.
MAX_DESCRIPTION: Final = 400
#: Enough of a text to see who says it.
_AROUND: Final = 120
_MAX_MATCH: Final = 256
_PAGE: Final = 200


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
    output held the value (empty: none did), `source_tool` that decision's `server/tool` (empty: not
    known). The excerpt is from that output, or from the goal where the principal gave the value
    there; None where the value does not stand in the text as it is kept.
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

    `decision` is "allow", "deny" or "escalate", `tool_class` a ToolClass's word, "task" for an
    action on the task itself, empty for an unknown tool. `arguments_json` is canonical, and empty
    once erased. `place` is that in the log, for `story(before=…)`.
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
    place: int


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

    `task` is None where the store has none. `tool_class`, `reversible` and `description` (clipped)
    are the catalogue's; where it does not have the tool as it was when this was asked, the class is
    empty. `story` is newest first. `grants` came from it. `alike` are other open approvals, at most
    100, with the same server, tool, canonical arguments and reason codes.
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
    tool = _tool(catalogue, approval.server, approval.tool, approval.definition_digest)
    task = records.task(approval.task_id)
    sources = _Sources(records, task)
    builtin = approval.server == RESERVED_SERVER
    return ApprovalView(
        approval=approval,
        state=state_at(approval, now_us),
        task=task,
        sentence=_sentence(approval, tool),
        tool_class="task" if builtin else tool.tool_class.value if tool is not None else "",
        reversible=builtin or (tool is not None and tool.reversible),
        description=_clipped(tool.description, MAX_DESCRIPTION) if tool is not None else "",
        sinks=tuple(map(sources.shown, approval.sinks)),
        plan=tuple(_planned(one, catalogue, sources) for one in approval.plan),
        story=story(approval.task_id, records),
        grants=_grants(approval, records),
        alike=_alike(approval, records, now_us),
    )


def sentence_of(approval: ApprovalRecord, catalogue: Catalogue) -> str:
    """What will happen if it is approved, by the catalogue's entry that was asked about."""
    return _sentence(
        approval, _tool(catalogue, approval.server, approval.tool, approval.definition_digest)
    )


def _sentence(approval: ApprovalRecord, tool: Tool | None) -> str:
    return sentence(
        tool,
        approval.server,
        approval.tool,
        _arguments(approval.canonical_arguments),
        approval.resource_type,
        approval.resource_id,
    )


def story(
    task_id: str, records: Records, *, before: int = 0, limit: int = STORY_STEPS
) -> tuple[ShownStep, ...]:
    """Up to `limit` decisions of a task, newest first, of log places before `before`.

    `before` 0 begins with the newest, and the `place` of the last step gives the next page; a step
    of sequence 1 is the task's first, and has none.

    Raises:
        StoreError: the records cannot be read.
    """
    return tuple(map(_step, records.story(task_id, before=before, limit=limit)))


class _Sources:
    """The texts that the sinks of one view came from, each read once."""

    def __init__(self, records: Records, task: Task | None) -> None:
        self._records = records
        self._goal = task.intent.goal if task is not None else ""
        self._tools: dict[str, str] = {"": ""}
        self._texts: dict[str, str] = {"": ""}
        self._excerpts_left = MAX_EXCERPTS

    def shown(self, sink: SinkRecord) -> ShownSink:
        """A sink with what is known of its source.

        Raises:
            StoreError: the records cannot be read.
        """
        return ShownSink(
            path=sink.path,
            value=sink.value,
            origin=sink.origin,
            source=sink.source,
            source_tool=self._tool(sink.source),
            excerpt=self._excerpt(sink),
        )

    def _tool(self, source: str) -> str:
        if source not in self._tools:
            found = self._records.decision(source)
            self._tools[source] = f"{found.server}/{found.tool}" if found is not None else ""
        return self._tools[source]

    def _excerpt(self, sink: SinkRecord) -> Excerpt | None:
        in_goal = not sink.source and sink.origin == Origin.PRINCIPAL
        text = self._goal if in_goal else self._text(sink.source)
        if not text or not self._excerpts_left:
            return None
        self._excerpts_left -= 1
        found = find_value(text, sink.value)
        return _around(text, *found) if found is not None else None

    def _text(self, source: str) -> str:
        if source not in self._texts:
            found = self._records.outcome(source)
            output = found.output if found is not None else b""
            self._texts[source] = output.decode("utf-8", "replace")
        return self._texts[source]


def _around(text: str, start: int, end: int) -> Excerpt:
    """What stands at a place of a text, and a little of what is beside it."""
    first, last = max(0, start - _AROUND), min(len(text), end + _AROUND)
    return Excerpt(
        before=("…" if first else "") + text[first:start],
        match=_clipped(text[start:end], _MAX_MATCH),
        after=text[end:last] + ("…" if last < len(text) else ""),
    )


def _planned(one: PlannedRecord, catalogue: Catalogue, sources: _Sources) -> ShownPlanned:
    tool = _tool(catalogue, one.server, one.tool, one.definition_digest)
    arguments = _arguments(one.canonical_arguments)
    return ShownPlanned(
        sentence=sentence(tool, one.server, one.tool, arguments, "", ""),
        server=one.server,
        tool=one.tool,
        arguments_json=one.canonical_arguments,
        reasons=one.reasons,
        sinks=tuple(map(sources.shown, one.sinks)),
    )


def _tool(catalogue: Catalogue, server: str, name: str, definition_digest: str) -> Tool | None:
    """The catalogue's entry, if it is still the one that was asked about."""
    found = catalogue.find(server, name)
    if isinstance(found, Found) and found.tool.schema_digest == definition_digest:
        return found.tool
    return None


def _arguments(canonical_arguments: bytes) -> Mapping[str, JsonValue]:
    """Arguments that were canonical when they were recorded: nothing needs to be refused again."""
    arguments: Mapping[str, JsonValue] = json.loads(canonical_arguments or b"{}")
    return arguments


def _clipped(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[:limit] + "…"


def _step(entry: StoryEntry) -> ShownStep:
    said = json.loads(entry.leaf.leaf.body)
    decision, caller = entry.decision, said["caller"]
    return ShownStep(
        sequence=entry.leaf.leaf.sequence,
        at_us=decision.at_us,
        server=decision.server,
        tool=decision.tool,
        tool_class=str(said.get("class", "")),
        decision=decision.decision.value,
        codes=tuple(map(str, said.get("codes", ()))),
        status=entry.status,
        arguments_json=(
            canonical(json.loads(entry.input)["call"]["arguments"]) if entry.input else b""
        ),
        decision_id=decision.id,
        caller=Subject(caller["type"], caller["id"], caller["issuer"]),
        rpc=str(said.get("rpc", "")),
        place=entry.leaf.index,
    )


def _grants(approval: ApprovalRecord, records: Records) -> tuple[GrantRecord, ...]:
    """The grants that an approval became; looked for only where it can have become one."""
    if not any(vote.approve for vote in approval.votes):
        return ()
    found: list[GrantRecord] = []
    before = ""
    while True:
        page = records.list_grants(before=before, limit=_PAGE, task_id=approval.task_id)
        found += [one for one in page if one.approval_id == approval.id]
        if len(page) < _PAGE or page[-1].created_at_us < approval.created_at_us:
            return tuple(found)
        before = page[-1].id


def _alike(approval: ApprovalRecord, records: Records, now_us: int) -> tuple[str, ...]:
    alike = records.list_approvals(
        before="", limit=MAX_ALIKE + 1, open_at_us=now_us, like=likeness(approval)
    )
    return tuple(one.id for one in alike if one.id != approval.id)[:MAX_ALIKE]
