"""The head of the log as a SQLite store keeps it, and whether the log really ends there."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pdp.domain.merkle import Frontier, leaf_hash, root_of
from pdp.ports import StoreError

_GET_HEAD: Final = "SELECT log_id, frontier, last_at_us, commits FROM meta"
# The last full subtree is hashed again at opening if it is no larger than this: under 5 ms.
_CHECKED_LEAVES: Final = 1024


@dataclass(frozen=True, slots=True)
class Head:
    """The log as last committed, and how many transactions made it."""

    log_id: str
    frontier: Frontier
    last_at_us: int
    commits: int


def read_head(connection: sqlite3.Connection) -> Head:
    """The head of the log.

    Raises:
        StoreError: it is not there or makes no sense.
        sqlite3.Error: it cannot be read.
    """
    row = connection.execute(_GET_HEAD).fetchone()
    if row is None:
        raise StoreError("the store has no record of its log: it is damaged")
    try:
        return Head(row[0], Frontier.from_bytes(row[1]), row[2], row[3])
    except ValueError as fault:
        raise StoreError(f"the store's record of its log is damaged: {fault}") from fault


def check_end(connection: sqlite3.Connection, path: Path) -> None:
    """See that the end of the log agrees with its head; `pdp audit verify` looks at all of it.

    Raises:
        StoreError: it does not.
        sqlite3.Error: it cannot be read.
    """
    frontier = read_head(connection).frontier
    subtree = frontier.size & -frontier.size
    count = subtree if subtree <= _CHECKED_LEAVES else 1
    start = frontier.size - count
    found = connection.execute(
        "SELECT idx, hash, body FROM leaf WHERE idx >= ? ORDER BY idx", (start,)
    ).fetchmany(count + 1)
    if [index for index, _, _ in found] != list(range(start, frontier.size)):
        raise StoreError(
            f"{path}: the log should end with leaf {frontier.size - 1} and does not: run"
            " `pdp audit verify` on the data folder"
        )
    hashes = [kept for _, kept, _ in found]
    as_kept = all(leaf_hash(body) == kept for _, kept, body in found)
    if not as_kept or (count == subtree and found and root_of(hashes) != frontier.nodes[-1]):
        raise StoreError(
            f"{path}: the last leaves of the log were changed: run `pdp audit verify` on the data"
            " folder"
        )
