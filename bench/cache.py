"""The folder that keeps what is expensive to make: peers, the load client, large stores."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent
PROJECT: Final = ROOT.parent
#: Ignored by git; may be deleted at any time.
CACHE: Final = ROOT / ".cache"


class Skipped(Exception):
    """Something cannot be measured on this machine; the message says why."""


def cache_folder(name: str) -> Path:
    """A folder in the cache, made if absent."""
    folder = CACHE / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
