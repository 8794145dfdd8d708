"""One owner for a Unix socket: the file is cleared only where nobody answers on it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass

# A living server accepts at once; a hung one counts as living.
_PROBE_SECONDS = 1.0


class SocketInUse(OSError):
    """Another server listens there, or the file there is not a stale socket."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to listen at a path, held until `release` or the process ends."""

    lock: int

    def release(self) -> None:
        """Let another server have the path."""
        with contextlib.suppress(OSError):
            os.close(self.lock)


def claim(path: str) -> Claim:
    """Claim the socket path and remove what a dead server left there.

    gRPC removes whatever socket it finds before it binds, also one that is in use. So a lock file
    beside it (`PATH.lock`, kept: removing it would race) settles who owns the path, and whoever
    holds no such lock but answers is found by connecting.

    Raises:
        SocketInUse: see there.
        OSError: the folder is missing or may not be written to.
    """
    lock = os.open(path + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    held = Claim(lock)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SocketInUse(f"another server listens on unix:{path}") from None
        _remove_stale(path)
    except BaseException:
        held.release()
        raise
    return held


@contextlib.contextmanager
def owner_only() -> Iterator[None]:
    """While this holds, files of this process are made with mode 0600 at most.

    A socket gets its mode when it is bound; changing it afterwards leaves a moment in between.
    """
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)


def _remove_stale(path: str) -> None:
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketInUse(
            f"{path} is there already and is not a socket: remove it, or choose another path"
        )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_SECONDS)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
        except FileNotFoundError:
            return
        except OSError as fault:
            raise SocketInUse(f"cannot tell who listens on unix:{path}: {fault}") from fault
    raise SocketInUse(f"another server listens on unix:{path}")
