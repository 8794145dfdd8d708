"""Killed at any moment: what was reported as committed is there, and the log is whole."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from pdp.domain.merkle import root_of
from pdp.store.keys import read_public_key
from pdp.store.reader import open_reader
from pdp.store.sqlite import open_store
from pdp.store.verify import verify_store
from tests.conformance.changes import History

ROUNDS = 20
START_SECONDS = 30.0


def killed_after(seconds: float, data: Path, root: Path) -> tuple[int, list[int]]:
    """Let the writer work for so long after it has opened, kill it, and return what it reported."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.integration.crashing_writer", str(data)],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
    ) as writer:
        assert writer.stdout is not None
        watchdog = threading.Timer(START_SECONDS, writer.kill)
        watchdog.start()
        try:
            word, _, size = writer.stdout.readline().partition(" ")
            assert word == "open"
            time.sleep(seconds)
            writer.kill()
            # A line without its end was not reported.
            reported = [int(line) for line in writer.stdout if line.endswith("\n")]
        finally:
            watchdog.cancel()
    return int(size), reported


def test_killed_at_any_moment_everything_reported_is_there_and_verifies(
    tmp_path: Path, root: Path
) -> None:
    data = tmp_path / "data"
    moments = random.Random(20251123)
    known = 0
    reports = 0
    for number in range(ROUNDS):
        opened_at, reported = killed_after(moments.uniform(0, 0.15), data, root)
        assert opened_at >= known, f"round {number}: opened with less than was reported"
        known = max([opened_at, *reported])
        reports += len(reported)
        with open_reader(data) as reader:
            found = verify_store(reader, read_public_key(data))
        assert found.leaves >= known, f"round {number}: reported leaves are missing"
        known = found.leaves
    # Otherwise the kills came before there was anything to lose.
    assert reports > 0
    # It opens by itself, once more, and goes on.
    store = open_store(data)
    history = History.continuing(store, "t1")
    assert history.size >= known
    history.step(store, "t1")
    store.close()
    with open_reader(data) as reader:
        assert verify_store(reader, read_public_key(data)).leaves == history.size


@pytest.mark.parametrize("seed", range(4))
def test_a_log_file_cut_anywhere_opens_as_a_beginning_of_the_log(tmp_path: Path, seed: int) -> None:
    # As a loss of power leaves it, where the disk had written less than it was asked to.
    data = tmp_path / "data"
    store = open_store(data)
    history = History(store.log_state().log_id)
    sizes = [0]
    for turn in range(12):
        history.step(store, *[f"t{name}" for name in range(turn % 3 + 1)])
        sizes.append(history.size)
    leaves = [one.leaf for one in store.leaves(0, 1000)]
    cuts = random.Random(seed)
    for number in range(8):
        crashed = tmp_path / f"crashed-{number}"
        shutil.copytree(data, crashed)
        (crashed / "pdp.db-shm").unlink()
        log = crashed / "pdp.db-wal"
        # The tables themselves are in the log file's first pages.
        with log.open("r+b") as file:
            file.truncate(cuts.randint(40 * 4120, log.stat().st_size))
        opened = open_store(crashed)
        state = opened.log_state()
        opened.close()
        assert state.size in sizes
        assert state.root == root_of(one.hash for one in leaves[: state.size])
        with open_reader(crashed) as reader:
            assert verify_store(reader, None).leaves == state.size
    store.close()
