"""One writer for each store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pdp.ports import StoreError, StoreInUse
from pdp.store.lock import take_lock

HOLD = (
    "import sys; from pathlib import Path; from pdp.store.lock import take_lock\n"
    "take_lock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()\n"
)


def test_who_holds_the_lock_is_named_and_where(tmp_path: Path, root: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreInUse) as refused:
            take_lock(path)
        assert f"process {holder.pid} " in str(refused.value)
        assert str(path) in str(refused.value)
        holder.kill()
    # However it died, its lock died with it.
    os.close(take_lock(path))


def test_a_lock_outlives_no_child_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = take_lock(path)
    with subprocess.Popen(["sleep", "30"]) as child:
        os.close(held)
        os.close(take_lock(path))
        child.kill()


def test_the_file_left_by_an_earlier_process_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text("999999999\n and much more")
    held = take_lock(path)
    assert path.read_text() == f"{os.getpid()}\n"
    os.close(held)


def test_a_folder_that_is_not_there_is_an_error_of_the_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        take_lock(tmp_path / "absent" / "lock")
