"""The load client: a small Go program, built when first needed, and what it recorded."""

from __future__ import annotations

import importlib.util
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from bench.cache import ROOT, cache_folder
from bench.processes import BenchFailed

BUILD_SECONDS: Final = 300.0
#: Over the seconds asked for: connecting, warming up, and calls still in flight.
GRACE_SECONDS: Final = 60.0

_HEAD: Final = struct.Struct(">QQII")
_LENGTH: Final = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Target:
    """Where and how a server takes requests. `path` is a gRPC method or the path of a URL.

    `pid` is the server's process.
    """

    protocol: Literal["grpc", "http"]
    address: str
    path: str
    pid: int

    @property
    def good_status(self) -> int:
        """The status of an answer: gRPC's OK or HTTP's."""
        return 0 if self.protocol == "grpc" else 200


@dataclass(frozen=True, slots=True)
class Answered:
    """One call: start and duration in microseconds, and the body of the answer."""

    start_us: float
    took_us: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Recorded:
    """All calls of one load in the order of its requests; the first `warm` were not timed."""

    answers: Sequence[Answered]
    warm: int

    @property
    def timed(self) -> Sequence[Answered]:
        """The calls that count."""
        return self.answers[self.warm :]

    @property
    def seconds(self) -> float:
        """From the first timed start to the last timed end."""
        last = max(one.start_us + one.took_us for one in self.timed)
        return (last - min(one.start_us for one in self.timed)) / 1e6


def build_client() -> Path:
    """The load client's binary, built with the Go of this environment, or else of the PATH.

    Raises:
        BenchFailed: there is no Go, or it does not build.
    """
    source = ROOT / "load"
    files = sorted(p for p in source.iterdir() if p.name.endswith((".go", ".mod", ".sum")))
    digest = sha256(b"".join(p.name.encode() + p.read_bytes() for p in files)).hexdigest()
    binary = cache_folder("bin") / f"load-{digest[:16]}"
    if binary.is_file():
        return binary
    go, environment = _find_go()
    made = binary.with_suffix(f".{os.getpid()}")
    done = subprocess.run(
        [go, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", made, "."],
        cwd=source,
        env=environment | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"},
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        raise BenchFailed(f"the load client does not build:\n{done.stderr.strip()}")
    made.replace(binary)
    return binary


def _find_go() -> tuple[str, dict[str, str]]:
    package = importlib.util.find_spec("go")
    if package is not None and package.origin is not None:
        root = Path(package.origin).parent
        if (root / "bin" / "go").is_file():
            return str(root / "bin" / "go"), {**os.environ, "GOROOT": str(root)}
    found = shutil.which("go")
    if found is None:
        raise BenchFailed("Go is needed to build the load client: run `make setup`")
    return found, dict(os.environ)


def run_load(
    client: Path,
    target: Target,
    requests: Sequence[bytes],
    *,
    inflight: int,
    warm: int,
    seconds: float,
    report_lanes: int = 0,
) -> Recorded:
    """Send requests for `seconds`, each once and in order, and record what came back.

    With `report_lanes` n, request i carries the outcome of request i - n.

    Raises:
        BenchFailed: a call was not answered well, or the requests did not last.
    """
    with tempfile.TemporaryDirectory(prefix="load-") as scratch:
        source, result = Path(scratch, "requests"), Path(scratch, "answers")
        with source.open("wb") as file:
            file.writelines(part for one in requests for part in (_LENGTH.pack(len(one)), one))
        command = [
            *(str(client), "-protocol", target.protocol, "-target", target.address),
            *("-path", target.path, "-in", str(source), "-out", str(result)),
            *("-inflight", str(inflight), "-warm", str(warm), "-seconds", str(seconds)),
            *("-report", str(report_lanes)),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS, check=False
        )
        if done.returncode:
            raise BenchFailed(done.stderr.strip())
        answers = _read(result.read_bytes(), target.good_status)
    if len(answers) <= warm:
        raise BenchFailed(f"{target.address}: no call was answered within {seconds} s")
    return Recorded(answers, warm)


def _read(raw: bytes, good_status: int) -> list[Answered]:
    answers: list[Answered] = []
    at = 0
    while at < len(raw):
        start, took, status, length = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        body = raw[at : at + length]
        at += length
        if status != good_status:
            text = body[:300].decode(errors="replace")
            raise BenchFailed(f"call {len(answers)} was answered with status {status}: {text}")
        answers.append(Answered(start / 1000, took / 1000, body))
    return answers
