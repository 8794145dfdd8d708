"""Where the stores of the conformance tests live, and what those tests ask and commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pdp.domain.merkle import leaf_hash
from pdp.domain.records import Changes, Leaf
from pdp.ports import Wanted
from pdp.store.sqlite import SqliteStore, open_store
from tests.conformance.changes import START_US


@dataclass
class SqlitePlace:
    """A folder with a SQLite file. A place is where a store lives and what can happen to it."""

    folder: Path

    def open(self) -> SqliteStore:
        """Open the store, made at the first time."""
        return open_store(self.folder)

    @contextmanager
    def full(self, store: SqliteStore) -> Iterator[None]:
        """There is no room for more, until the store opens its file anew."""
        connection = store._connection
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        yield
        assert store._must_reopen


PLACES = {"sqlite": SqlitePlace}


def everything(changes: Changes) -> Wanted:
    """The keys of all that a batch makes true."""
    return Wanted(
        tasks=frozenset(one.id for one in changes.tasks),
        rollups=frozenset(key for key, _ in changes.rollups),
        requests=frozenset(one.key for one in changes.requests),
        decisions=frozenset(
            [one.id for one in changes.decisions] + [one.decision_id for one in changes.outcomes]
        ),
        approvals=frozenset(one.id for one in changes.approvals),
        grants=frozenset(one.id for one in changes.grants),
    )


def now(store: SqliteStore, **changes: object) -> Changes:
    """A batch that goes on from where the store stands."""
    state = store.log_state()
    made = Changes(at_us=max(state.last_at_us, START_US), first_index=state.size)
    return replace(made, **changes)  # type: ignore[arg-type]


def leaf(text: str) -> Leaf:
    """A leaf of no task."""
    return Leaf(leaf_hash(text.encode()), text.encode(), "note")
