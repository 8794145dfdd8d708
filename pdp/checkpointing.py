"""Signs the state of the log from time to time, and keeps what was signed beside the log."""

from __future__ import annotations

from threading import Lock

from pdp.domain.checkpoint import Checkpoint, sign
from pdp.ports import LogState, Records
from pdp.store.keys import LogKey, open_log_key

__all__ = ["Checkpointer", "open_log_key", "signed_checkpoint"]


def signed_checkpoint(key: LogKey, log: LogState) -> str:
    """The log's checkpoint, signed (C2SP tlog-checkpoint); origin and key name are the log's id."""
    checkpoint = Checkpoint(origin=log.log_id, size=log.size, root=log.root)
    return sign(checkpoint, log.log_id, key.public, key.sign)


class Checkpointer:
    """Writes a checkpoint whenever the log has grown since the last one. Safe for threads."""

    def __init__(self, key: LogKey, store: Records) -> None:
        """Sign with `key` what `store` has committed."""
        self._key = key
        self._store = store
        self._lock = Lock()
        self._size = 0

    def write(self) -> str | None:
        """Sign and keep the log's state; None where there is nothing new to sign.

        Raises:
            StoreError: the log cannot be read or the checkpoint not kept; call again later.
        """
        with self._lock:
            log = self._store.log_state()
            if log.size == self._size:
                return None
            text = signed_checkpoint(self._key, log)
            self._store.add_checkpoint(log.size, text)
            self._size = log.size
            return text
