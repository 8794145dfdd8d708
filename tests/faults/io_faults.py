"""A disk that fails on demand: a library preloaded under the service, steered by a test."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.conftest import MISSING

WRITES, SYNCS, TRUNCATES, OPENS = 1, 2, 4, 8
FOREVER = -1

_CONTROL = struct.Struct("=7i")
_SOURCE = Path(__file__).with_name("io_faults.c")


def build_library(folder: Path) -> Path:
    """The library, compiled; skips where the machine has no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip(f"{MISSING} no C compiler to build the failing disk with")
    library = folder / "io_faults.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(_SOURCE), "-ldl"],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return library


class Disk:
    """The disk under one service; in order until told otherwise."""

    def __init__(self, library: Path, control: Path) -> None:
        self._library = library
        self._path = control
        control.write_bytes(bytes(_CONTROL.size))
        with control.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), _CONTROL.size)

    @property
    def environment(self) -> dict[str, str]:
        """What the service is started with."""
        return {"LD_PRELOAD": str(self._library), "IO_FAULTS_CONTROL": str(self._path)}

    @property
    def failed(self) -> int:
        """How many operations have failed."""
        return int(_CONTROL.unpack(self._control[:])[5])

    def fail(
        self,
        kinds: int,
        error: int = errno.EIO,
        *,
        skip: int = 0,
        count: int = FOREVER,
        after: bool = False,
    ) -> None:
        """Let `count` operations of these kinds fail, behind `skip` that do not.

        With `after` they are done, and only their answer is an error.
        """
        self._set(kinds, error, skip, count, 0, int(after))

    def delay(self, kinds: int, milliseconds: int) -> None:
        """Let operations of these kinds take longer."""
        self._set(kinds, 0, 0, 0, milliseconds, 0)

    def mend(self) -> None:
        """All works again."""
        self._set(0, 0, 0, 0, 0, 0)

    def _set(self, kinds: int, error: int, skip: int, count: int, delay: int, after: int) -> None:
        # What fails is said last of all: the other side may look at any moment.
        self._control[0:4] = bytes(4)
        self._control[4:] = _CONTROL.pack(0, error, skip, count, delay, 0, after)[4:]
        self._control[0:4] = struct.pack("=i", kinds)

    def close(self) -> None:
        """Give the control file back."""
        self._control.close()
        os.unlink(self._path)
