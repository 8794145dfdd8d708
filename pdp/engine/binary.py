"""Where the managed OPA's binary is, and OPA's own command line in it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pdp.ports import EngineError

_BINARY: Final = Path(__file__).resolve().parent.parent / "_bin" / "pdp-opa"


def find_opa() -> Path:
    """The binary that came with this package. Raises EngineError saying how to build it."""
    if not _BINARY.is_file():
        raise EngineError(
            f"the managed OPA is missing ({_BINARY}): it is built when this package is installed; "
            "in a checkout run `make setup`"
        )
    if not os.access(_BINARY, os.X_OK):
        raise EngineError(f"the managed OPA is not executable: run `chmod +x {_BINARY}`")
    return _BINARY


def run_opa_cli(arguments: Sequence[str]) -> int:
    """Run OPA's own command line with this process's standard streams; returns its exit status.

    Raises EngineError when the binary is missing.
    """
    status = subprocess.run([find_opa(), *arguments], check=False).returncode  # noqa: S603
    # As shells report the end by a signal.
    return status if status >= 0 else 128 - status
