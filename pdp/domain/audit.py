"""What must hold of a log and of what is kept beside it, checked leaf by leaf from the first.

Whoever can write to the store can change all of it; what they cannot do is keep every one of these
in agreement with a checkpoint that was signed before and lies elsewhere.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from pdp.domain.checkpoint import Checkpoint
from pdp.domain.leaves import LEAF_VERSION, input_commitment
from pdp.domain.merkle import Frontier, leaf_hash
from pdp.domain.records import Leaf

# Hashes are put into the tree in pieces: one by one costs more than hashing does.
_PIECE: Final = 1024


class Fault(Exception):
    """The first thing found wrong: at which leaf (None: not at one), what, and what it may mean."""

    def __init__(self, index: int | None, what: str, meaning: str) -> None:
        self.index = index
        self.what = what
        self.meaning = meaning
        super().__init__(index, what, meaning)

    def __str__(self) -> str:
        return self.what if self.index is None else f"leaf {self.index}: {self.what}"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A checkpoint whose signature was verified, and where it was found."""

    checkpoint: Checkpoint
    place: str


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """What the store answers from for a decision, as it is kept beside its leaf."""

    id: str
    task_id: str
    caller: str
    decision: str
    server: str
    tool: str
    at_us: int


@dataclass(frozen=True, slots=True)
class KeptInput:
    """A decision's input document, as kept beside its leaf."""

    task_id: str
    nonce: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class KeptOutcome:
    """An outcome, as kept beside its leaf at `leaf_index`, whose hash it says is `leaf_hash`."""

    decision_id: str
    status: str
    output_digest: str
    leaf_index: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class KeptEnd:
    """Where the store says that the log ends."""

    frontier: bytes
    last_at_us: int


@dataclass(slots=True)
class Audit:
    """Takes every leaf in order, then what is kept beside them; raises the first Fault.

    `sealed` are checkpoints of this log. Memory grows with the number of tasks and not of leaves.
    """

    sealed: Iterable[Sealed] = ()
    leaves: int = 0
    inputs: int = 0
    inputs_erased: int = 0
    outcomes: int = 0
    _due: deque[Sealed] = field(init=False)
    _frontier: Frontier = field(default_factory=Frontier, init=False)
    _pending: list[bytes] = field(default_factory=list, init=False)
    _at_us: int = field(default=0, init=False)
    _chains: dict[str, tuple[int, int, bytes]] = field(default_factory=dict, init=False)
    _outcome_leaves: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._due = deque(sorted(self.sealed, key=lambda one: one.checkpoint.size))
        self._reach_checkpoints()

    @property
    def tasks(self) -> int:
        """How many tasks have leaves."""
        return len(self._chains)

    @property
    def root(self) -> bytes:
        """The root over all leaves taken so far."""
        self._grow()
        return self._frontier.root()

    def take(
        self, index: int, leaf: Leaf, decision: KeptDecision | None, document: KeptInput | None
    ) -> None:
        """The next leaf, with the decision and the input kept beside it, if any."""
        if index != self.leaves:
            raise Fault(
                self.leaves,
                f"it is missing; the next one is leaf {index}",
                "it was deleted from the log",
            )
        if leaf_hash(leaf.body) != leaf.hash:
            raise Fault(
                index,
                f"its body has the hash {leaf_hash(leaf.body).hex()}, and {leaf.hash.hex()} was"
                " recorded",
                "the leaf was edited after it was written",
            )
        body = _body(index, leaf.body)
        _check_columns(index, leaf, body)
        at_us = body["at"]
        if at_us < self._at_us:
            raise Fault(
                index,
                f"its time is {_time(at_us)}, and the leaf before it is of {_time(self._at_us)}",
                "leaves were put in another order, or one was replaced",
            )
        self._at_us = at_us
        self._check_chain(index, leaf, body)
        self._check_kept(index, leaf, body, decision, document)
        self._pending.append(leaf.hash)
        self.leaves += 1
        if len(self._pending) >= _PIECE:
            self._grow()
        self._reach_checkpoints()

    def take_outcome(self, kept: KeptOutcome, leaf: Leaf | None) -> None:
        """An outcome kept beside the log, and the leaf at its place, if there is one."""
        body = _body(kept.leaf_index, leaf.body) if leaf is not None else {}
        says = (body.get("decision_id"), body.get("status"), body.get("output"))
        if (
            leaf is None
            or leaf.kind != "outcome"
            or leaf.hash != kept.leaf_hash
            or says != (kept.decision_id, kept.status, kept.output_digest)
        ):
            raise Fault(
                kept.leaf_index,
                f"it does not say what is kept as the outcome of decision {kept.decision_id}",
                "the kept outcome was edited or invented",
            )
        self.outcomes += 1

    def end(self, kept: KeptEnd) -> None:
        """After the last leaf: where the store says that the log ends."""
        frontier = self._read_frontier(kept)
        if frontier.size > self.leaves:
            raise Fault(
                self.leaves,
                f"it is missing; the store has recorded {frontier.size} leaves",
                "the end of the log was cut off",
            )
        self._grow()
        if frontier != self._frontier:
            raise Fault(
                None,
                f"the tree over all {self.leaves} leaves has the root"
                f" {self._frontier.root().hex()}, and the store has recorded"
                f" {frontier.root().hex()} over {frontier.size}",
                "leaves were edited together with their hashes, or added past the program",
            )
        if kept.last_at_us < self._at_us:
            raise Fault(
                self.leaves - 1,
                f"its time is {_time(self._at_us)}, and the store's last time is"
                f" {_time(kept.last_at_us)}",
                "the store's clock was set back by hand",
            )
        if self._due:
            missing = self._due[0]
            raise Fault(
                self.leaves,
                f"it is missing; {missing.place} was signed over {missing.checkpoint.size} leaves",
                "the end of the log was cut off, or the store put back to an older copy",
            )

    def end_outcomes(self) -> None:
        """After the last outcome: there is one for each leaf that records one."""
        if self.outcomes != self._outcome_leaves:
            raise Fault(
                None,
                f"the log records {self._outcome_leaves} outcomes, and {self.outcomes} are kept",
                "kept outcomes were deleted",
            )

    def end_tasks(self, kept: Iterable[tuple[str, int, bytes]]) -> None:
        """After the last leaf: each kept task's id, sequence and hash of its newest leaf."""
        left = dict(self._chains)
        for task_id, sequence, last_leaf in kept:
            number, index, newest = left.pop(task_id, (0, None, b""))
            if (sequence, last_leaf) != (number, newest):
                raise Fault(
                    index,
                    f"task {task_id} has {number} leaves, and the store says {sequence}"
                    + ("" if sequence != number else " but with another newest one"),
                    "the end of the task's leaves was cut off, or the task was edited",
                )
        for task_id, (number, index, _) in left.items():
            raise Fault(
                index,
                f"task {task_id} has {number} leaves, and the store has no such task",
                "the task was deleted",
            )

    def _check_chain(self, index: int, leaf: Leaf, body: Mapping[str, Any]) -> None:
        if not leaf.task_id:
            return
        number, before, newest = self._chains.get(leaf.task_id, (0, -1, b""))
        if leaf.sequence != number + 1:
            raise Fault(
                index,
                f"it is number {leaf.sequence} of task {leaf.task_id}, where number {number + 1}"
                " is due",
                "a leaf of this task was dropped or moved, or comes from another history",
            )
        if body["prev"] != newest.hex():
            named = f"leaf {before}" if number else "none"
            raise Fault(
                index,
                f"it names {body['prev'] or 'none'} as the leaf before it of task {leaf.task_id},"
                f" and that is {named} with the hash {newest.hex() or 'of none'}",
                f"{named if number else 'this leaf'} was edited together with its hash, or"
                " comes from another history",
            )
        self._chains[leaf.task_id] = (leaf.sequence, index, leaf.hash)

    def _check_kept(
        self,
        index: int,
        leaf: Leaf,
        body: Mapping[str, Any],
        decision: KeptDecision | None,
        document: KeptInput | None,
    ) -> None:
        if leaf.kind == "outcome":
            self._outcome_leaves += 1
        if leaf.kind != "decision":
            if decision is not None or document is not None:
                raise Fault(
                    index,
                    "it records no decision, and one is kept beside it",
                    "a decision was invented, or the leaf put in another's place",
                )
            return
        if decision is None:
            raise Fault(
                index,
                f"the decision {body.get('id')} that it records is not kept beside it",
                "the kept decision was deleted",
            )
        for name, kept, logged in (
            ("id", decision.id, body.get("id")),
            ("task", decision.task_id, leaf.task_id),
            ("caller", decision.caller, _key(body.get("caller"))),
            ("decision", decision.decision, body.get("decision")),
            ("server", decision.server, body.get("server")),
            ("tool", decision.tool, body.get("tool")),
            ("time", decision.at_us, body["at"]),
        ):
            if kept != logged:
                raise Fault(
                    index,
                    f"it says {logged!r} as {name}, and {kept!r} is kept beside it",
                    "the kept decision was edited, or the leaf put in another's place",
                )
        if document is None:
            self.inputs_erased += 1
            return
        fits = input_commitment(document.nonce, document.body) == body.get("input")
        if not fits or document.task_id != leaf.task_id:
            raise Fault(
                index,
                "the input kept beside it is not the one that it commits to",
                "the input was changed after the decision was made on it",
            )
        self.inputs += 1

    def _reach_checkpoints(self) -> None:
        while self._due and self._due[0].checkpoint.size == self.leaves:
            sealed = self._due.popleft()
            if sealed.checkpoint.root != self.root:
                raise Fault(
                    None,
                    f"the tree over the first {self.leaves} leaves has the root {self.root.hex()},"
                    f" and {sealed.place} was signed over {sealed.checkpoint.root.hex()}",
                    "leaves were changed after it was signed, or two histories were shown",
                )

    def _grow(self) -> None:
        if self._pending:
            self._frontier = self._frontier.extend(self._pending)
            self._pending.clear()

    def _read_frontier(self, kept: KeptEnd) -> Frontier:
        try:
            return Frontier.from_bytes(kept.frontier)
        except ValueError as fault:
            raise Fault(
                None,
                f"the store's record of where the log ends makes no sense: {fault}",
                "it was edited",
            ) from None


def _body(index: int, raw: bytes) -> dict[str, Any]:
    """The body as far as the checks rely on it."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    wanted = {"v": int, "kind": str, "at": int, "task": str}
    if isinstance(body, dict) and body.get("task"):
        wanted |= {"seq": int, "prev": str}
    if not isinstance(body, dict) or any(type(body.get(n)) is not t for n, t in wanted.items()):
        raise Fault(
            index, "its body is not that of a leaf", "something else than the program wrote it"
        )
    if body["v"] != LEAF_VERSION:
        raise Fault(
            index,
            f"its body is of version {body['v']}, and this program knows {LEAF_VERSION}",
            "a newer version of the program wrote it: verify with that one",
        )
    return body


def _check_columns(index: int, leaf: Leaf, body: Mapping[str, Any]) -> None:
    for name, kept, logged in (
        ("kind", leaf.kind, body["kind"]),
        ("task", leaf.task_id, body["task"]),
        ("number in its task", leaf.sequence, body.get("seq", 0)),
    ):
        if kept != logged:
            raise Fault(
                index,
                f"it is listed with {kept!r} as {name}, and its body says {logged!r}",
                "the list was edited, to hide the leaf or to show it elsewhere",
            )


def _key(caller: object) -> str | None:
    """A caller as decisions keep it, see Subject.key."""
    if not isinstance(caller, dict):
        return None
    return "\x1f".join(str(caller.get(part, "")) for part in ("type", "id", "issuer"))


def _time(at_us: int) -> str:
    try:
        return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="microseconds")
    except (OverflowError, ValueError, OSError):
        return f"{at_us} µs"
