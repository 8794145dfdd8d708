"""Any bytes at the decoders: refused with a reason, or read as exactly one thing."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import MISSING
from tests.faults.decoding import check_json, check_others, check_request
from tests.faults.mutations import JSON_PIECES, bytes_changed, mutated
from tests.faults.world import NOTE, note, resident_mib

SOME = 6_000
MANY = 900_000
FUZZ_SECONDS = 30
GROWN_MIB = 50


def decode_hostile(count: int, seed: int) -> dict[str, float]:
    """Decode so many random and mutated inputs; returns what became of them."""
    chosen = random.Random(seed)
    read = calls = 0
    before = 0.0
    began = time.monotonic()
    for number in range(count):
        if number == count // 5:
            before = resident_mib(os.getpid())
        match number % 4:
            case 0:
                read += check_json(hostile_json(chosen))
            case 1 | 2:
                calls += check_request(mutated("task", chosen))
            case _:
                raw = note("task").SerializeToString()
                check_others(
                    chosen.randbytes(40) if number % 8 == 3 else bytes_changed(raw, chosen)
                )
    grown = resident_mib(os.getpid()) - before
    return {
        "inputs": count,
        "read as JSON": read,
        "read as calls": calls,
        "grown by MiB": round(grown, 1),
        "seconds": round(time.monotonic() - began, 1),
    }


def hostile_json(chosen: random.Random) -> bytes:
    """JSON with something done to it."""
    raw = NOTE
    for _ in range(chosen.randint(1, 4)):
        at = chosen.randrange(len(raw) + 1)
        match chosen.randrange(3):
            case 0:
                raw = raw[:at] + chosen.choice(JSON_PIECES) + raw[at:]
            case 1:
                raw = bytes_changed(raw, chosen)
            case _:
                raw = b'{"a": [%s, %s]}' % (raw, b"-" * chosen.randrange(2) + b"%d" % at)
    return raw


def assert_both_kinds(figures: dict[str, float]) -> None:
    print(figures)
    assert figures["inputs"] / 100 < figures["read as JSON"] < figures["inputs"] / 4
    assert figures["inputs"] / 100 < figures["read as calls"] < figures["inputs"] / 2
    assert figures["grown by MiB"] < GROWN_MIB


def test_thousands_of_hostile_inputs_are_refused_with_a_reason_or_read_as_one_thing() -> None:
    assert_both_kinds(decode_hostile(SOME, seed=1))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nearly_a_million_hostile_inputs_are_refused_with_a_reason_or_read_as_one_thing() -> None:
    assert_both_kinds(decode_hostile(MANY, seed=2))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_fuzzer_that_looks_for_new_paths_finds_no_fault(tmp_path: Path, root: Path) -> None:
    if importlib.util.find_spec("atheris") is None:
        pytest.skip(f"{MISSING} the package atheris, which fuzzes by coverage")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "json").write_bytes(b"\x00" + NOTE)
    (corpus / "call").write_bytes(b"\x80" + note("task").SerializeToString())
    flags = [f"-max_total_time={FUZZ_SECONDS}", "-max_len=4096", "-rss_limit_mb=1024"]
    flags += ["-timeout=10", f"-artifact_prefix={tmp_path}/", "-print_final_stats=1"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.fuzz_decoders", str(corpus), *flags],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    stats = dict(re.findall(r"stat::(\w+):\s+(\d+)", done.stderr))
    print(stats)
    assert int(stats["number_of_executed_units"]) > 10_000
