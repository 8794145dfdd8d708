"""Commits batch after batch and reports each on standard output; the test kills it at any moment.

Run as `python -m tests.integration.crashing_writer DATA`. After `open SIZE`, each line is the size
of the log after a commit that has returned.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pdp.checkpointing import Checkpointer, open_log_key
from pdp.store import connections
from pdp.store.sqlite import open_store
from tests.conformance.changes import History

NAMES = [f"t{number}" for number in range(5)]


def main(data: Path) -> None:
    """Commit until killed."""
    # Small, so that many a kill comes while the log is copied into the database.
    connections._COPY_AT_PAGES = 40  # type: ignore[misc]
    store = open_store(data)
    checkpointer = Checkpointer(open_log_key(data), store)
    history = History.continuing(store, *NAMES)
    print(f"open {history.size}", flush=True)
    while True:
        turn = history.size % 7
        made = history.step(store, *(NAMES[(turn + step) % 5] for step in range(1 + turn % 4)))
        if turn == 0:
            reported = history.report(made.decisions[0])
            store.commit(reported)
            history.committed(reported)
        print(history.size, flush=True)
        if turn == 3:
            checkpointer.write()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
