"""When a checkpoint is written, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pdp.checkpointing import Checkpointer, open_log_key
from pdp.domain.checkpoint import parse_signed, verify_signed
from pdp.ports import StoreError
from pdp.store.keys import is_signed
from pdp.store.sqlite import SqliteStore, open_store
from tests.conformance.changes import History


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = open_store(tmp_path)
    yield opened
    opened.close()


def test_a_checkpoint_is_written_whenever_the_log_has_grown(
    store: SqliteStore, tmp_path: Path
) -> None:
    checkpointer = Checkpointer(open_log_key(tmp_path), store)
    history = History()
    written = [checkpointer.write()]
    for names in (("t1",), (), ("t1", "t2")):
        history.step(store, *names)
        written.append(checkpointer.write())
    assert [text and parse_signed(text)[0].size for text in written] == [None, 1, None, 3]
    assert store.checkpoints() == [text for text in written if text]


def test_it_says_the_size_and_root_of_the_log_under_the_logs_key(
    store: SqliteStore, tmp_path: Path
) -> None:
    key = open_log_key(tmp_path)
    History().step(store, "t1", "t2", "t3")
    text = Checkpointer(key, store).write()
    state = store.log_state()
    assert text is not None
    found = verify_signed(
        text, state.log_id, key.public, lambda signed, body: is_signed(key.public, signed, body)
    )
    assert (found.origin, found.size, found.root) == (state.log_id, state.size, state.root)


def test_one_that_could_not_be_kept_is_written_the_next_time(
    store: SqliteStore, tmp_path: Path
) -> None:
    checkpointer = Checkpointer(open_log_key(tmp_path), store)
    History().step(store, "t1")
    store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError):
        checkpointer.write()
    assert checkpointer.write() is not None
    assert len(store.checkpoints()) == 1
