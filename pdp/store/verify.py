"""Checks a whole store offline: reads it from the first leaf to the last and stops at a fault."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pdp.domain.audit import (
    Audit,
    Fault,
    KeptDecision,
    KeptEnd,
    KeptInput,
    KeptOutcome,
    Sealed,
)
from pdp.domain.checkpoint import Checkpoint, CheckpointError, parse_signed, verify_signed
from pdp.domain.records import Leaf
from pdp.domain.values import OutcomeStatus
from pdp.ports import StoreError
from pdp.store.keys import is_signed
from pdp.store.reader import SqliteReader

_WALK: Final = """
SELECT leaf.idx, leaf.hash, leaf.body, leaf.kind, leaf.task_id, leaf.sequence,
       decision.id, decision.task_id, decision.caller, decision.decision, decision.server,
       decision.tool, decision.at_us,
       input.task_id, input.nonce, input.body
FROM leaf
LEFT JOIN decision ON decision.leaf_index = leaf.idx
LEFT JOIN input ON input.leaf_index = leaf.idx
ORDER BY leaf.idx
"""
_OUTCOMES: Final = """
SELECT decision_id, status, output, leaf_index, leaf_hash,
       leaf.hash, leaf.body, leaf.kind, leaf.task_id, leaf.sequence
FROM outcome LEFT JOIN leaf ON leaf.idx = outcome.leaf_index
"""
_BEYOND: Final = {
    "decision": "SELECT min(leaf_index) FROM decision WHERE leaf_index NOT BETWEEN 0 AND ?",
    "input": "SELECT min(leaf_index) FROM input WHERE leaf_index NOT BETWEEN 0 AND ?",
}
_STATUS_WORDS: Final = {int(status): status.name.lower() for status in OutcomeStatus}
# How often progress is told: often enough for a bar that moves, too seldom to cost anything.
_PROGRESS_EVERY: Final = 2_000


@dataclass(frozen=True, slots=True)
class Verified:
    """What was found in order. `against` is the size of the checkpoint given, None without one."""

    log_id: str
    leaves: int
    root: bytes
    checkpoints: int
    tasks: int
    inputs: int
    inputs_erased: int
    outcomes: int
    against: int | None


def verify_store(
    reader: SqliteReader,
    public_key: bytes | None,
    *,
    against: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Verified:
    """Check the store that `reader` looks at, as of one moment.

    `public_key` is the log's key (32 bytes), which every checkpoint must be signed with; `against`
    a signed checkpoint kept elsewhere. `progress` is told leaves done and leaves in all.

    Raises:
        Fault: the first thing that is wrong.
        CheckpointError: `against` is not a checkpoint at all.
        StoreError: the store cannot be read, or there is no key to check its checkpoints with.
    """
    if against is not None:
        # Text of another form is a mistake of whoever gave it, and not a fault of the log.
        parse_signed(against)
    with reader.at_one_moment() as connection:
        log_id, frontier, last_at_us = connection.execute(
            "SELECT log_id, frontier, last_at_us FROM meta"
        ).fetchone()
        texts = [
            text for (text,) in connection.execute("SELECT text FROM checkpoint ORDER BY number")
        ]
        sealed = list(_sealed(log_id, texts, public_key))
        given = None
        if against is not None:
            given = _given(log_id, against, public_key)
            sealed.append(given)
        audit = Audit(sealed)
        (total,) = connection.execute("SELECT count(*) FROM leaf").fetchone()
        _walk(connection, audit, total, progress)
        audit.end(KeptEnd(frontier, last_at_us))
        audit.end_tasks(connection.execute("SELECT id, sequence, last_leaf FROM task ORDER BY id"))
        _check_outcomes(connection, audit)
        for what, query in _BEYOND.items():
            (beyond,) = connection.execute(query, (audit.leaves - 1,)).fetchone()
            if beyond is not None:
                raise Fault(
                    beyond,
                    f"it does not exist, and the {what} of one is kept",
                    f"the {what} was invented, or the end of the log was cut off",
                )
        return Verified(
            log_id=log_id,
            leaves=audit.leaves,
            root=audit.root,
            checkpoints=len(texts),
            tasks=audit.tasks,
            inputs=audit.inputs,
            inputs_erased=audit.inputs_erased,
            outcomes=audit.outcomes,
            against=given.checkpoint.size if given is not None else None,
        )


def _walk(
    connection: sqlite3.Connection,
    audit: Audit,
    total: int,
    progress: Callable[[int, int], None],
) -> None:
    for row in connection.execute(_WALK):
        decision = KeptDecision(*row[6:13]) if row[6] is not None else None
        document = KeptInput(*row[13:16]) if row[13] is not None else None
        audit.take(row[0], Leaf(*row[1:6]), decision, document)
        if audit.leaves % _PROGRESS_EVERY == 0:
            progress(audit.leaves, total)
    progress(audit.leaves, total)


def _check_outcomes(connection: sqlite3.Connection, audit: Audit) -> None:
    for decision_id, status, output, leaf_index, leaf_hash, *leaf in connection.execute(_OUTCOMES):
        word = _STATUS_WORDS.get(status, str(status))
        digest = sha256(output).hexdigest()
        kept = KeptOutcome(decision_id, word, digest, leaf_index, leaf_hash)
        audit.take_outcome(kept, Leaf(*leaf) if leaf[0] is not None else None)
    audit.end_outcomes()


def _sealed(log_id: str, texts: list[str], public_key: bytes | None) -> Iterator[Sealed]:
    if texts and public_key is None:
        raise StoreError(
            "there is no log.pub in the data folder to check the log's checkpoints with: put it"
            " back"
        )
    for number, text in enumerate(texts, start=1):
        place = f"checkpoint {number} of the store"
        try:
            checkpoint = _verified(log_id, text, public_key or b"")
        except CheckpointError as fault:
            raise Fault(
                None,
                f"{place} is not one of this log: {fault}",
                "it was forged, or the log's key was replaced",
            ) from None
        yield Sealed(checkpoint, place)


def _given(log_id: str, text: str, public_key: bytes | None) -> Sealed:
    if public_key is None:
        raise StoreError(
            "there is no log.pub in the data folder to check the given checkpoint with: put it back"
        )
    place = "the checkpoint given"
    try:
        return Sealed(_verified(log_id, text, public_key), place)
    except CheckpointError as fault:
        raise Fault(
            None,
            f"{place} is not one of this log: {fault}",
            "it is of another log, it was forged, or this log was replaced together with its key",
        ) from None


def _verified(log_id: str, text: str, public_key: bytes) -> Checkpoint:
    checkpoint = verify_signed(
        text, log_id, public_key, lambda signature, body: is_signed(public_key, signature, body)
    )
    if checkpoint.origin != log_id:
        raise CheckpointError(f"its origin is {checkpoint.origin} and the log is {log_id}")
    return checkpoint
