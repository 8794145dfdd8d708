"""One writer: a lock on a file of the data folder, held for as long as the process lives."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from pdp.ports import StoreError, StoreInUse


def take_lock(path: Path) -> int:
    """Lock `path` (made if absent) and return the file descriptor that holds the lock.

    The lock ends when the descriptor is closed or the process dies, however it dies; the process
    id in the file is for people only.

    Raises:
        StoreInUse: another process holds it.
        StoreError: the file cannot be made, opened or written.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise StoreError(f"{path} cannot be opened: {fault.strerror}") from fault
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        if not isinstance(fault, BlockingIOError):
            raise StoreError(f"{path} cannot be locked: {fault.strerror}") from fault
        by = f"process {holder}" if holder.isdigit() else "another process"
        raise StoreInUse(
            f"{by} writes to this store (it holds {path}): stop it, or use another data folder"
        ) from None
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode("ascii"), 0)
    except OSError as fault:
        os.close(descriptor)
        raise StoreError(f"{path} cannot be written: {fault.strerror}") from fault
    return descriptor
