"""A real service for tests: `pdp serve --dev` as a child process on a Unix socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc

START_SECONDS = 30.0
STOP_SECONDS = 20.0


@dataclass
class Service:
    """A running service. `stderr` holds what it has said so far, `console` is its console's URL."""

    data: Path
    process: subprocess.Popen[str]
    addresses: tuple[str, ...]
    start_seconds: float
    stderr: list[str] = field(default_factory=list)
    readers: list[threading.Thread] = field(default_factory=list)
    console: str | None = None

    @property
    def address(self) -> str:
        """The first address, as gRPC clients take it."""
        return self.addresses[0]

    def channel(self) -> grpc.Channel:
        """A new channel to the service."""
        return grpc.insecure_channel(
            self.address,
            options=[
                ("grpc.use_local_subchannel_pool", 1),
                ("grpc.max_receive_message_length", 16 * 1024 * 1024),
            ],
        )

    def signal(self, number: int) -> None:
        """Send a signal to the service's own process."""
        self.process.send_signal(number)

    def wait_for(self, text: str, seconds: float = 10.0, *, since: int = 0) -> str:
        """The first line of standard error, from line `since` on, that contains `text`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.stderr[since:]:
                if text in line:
                    return line
            time.sleep(0.02)
        said = "\n".join(self.stderr[-40:])
        raise AssertionError(f"nothing said {text!r} within {seconds} s:\n{said}")

    def stop(self) -> int:
        """Ask it to stop and wait; returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self._close()

    def _close(self) -> None:
        self.process.wait(STOP_SECONDS)
        for reader in self.readers:
            reader.join(STOP_SECONDS)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self._close()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_service(
    data: Path,
    *,
    catalogues: Sequence[Path] = (),
    bundles: Sequence[Path] = (),
    extra: Sequence[str] = (),
    environment: dict[str, str] | None = None,
    console: bool = False,
) -> Service:
    """Start a service over `data` and wait until it is ready."""
    command = [sys.executable, "-m", "pdp", "serve", "--dev", "--data", str(data)]
    for path in catalogues:
        command += ["--catalogue", str(path)]
    for path in bundles:
        command += ["--bundle", str(path)]
    if console:
        command += ["--console", "127.0.0.1:0"]
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, *extra],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    said: list[str] = []
    readers = [_reader(process.stderr, said)]
    addresses, console_url = _wait_ready(process, said)
    took = time.monotonic() - began
    # What comes on standard output later must not fill the pipe.
    readers.append(_reader(process.stdout, []))
    return Service(data, process, addresses, took, said, readers, console_url)


def _reader(stream: object, lines: list[str]) -> threading.Thread:
    thread = threading.Thread(target=_collect, args=(stream, lines), daemon=True)
    thread.start()
    return thread


def _wait_ready(
    process: subprocess.Popen[str], said: list[str]
) -> tuple[tuple[str, ...], str | None]:
    found: list[str] = []
    consoles: list[str] = []
    ready = threading.Event()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("console "):
                consoles.append(line.split()[1])
            if line.startswith("ready "):
                found.extend(line.split()[1:])
                break
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    if not ready.wait(START_SECONDS) or not found:
        process.kill()
        process.wait(STOP_SECONDS)
        time.sleep(0.1)
        raise AssertionError("the service did not get ready:\n" + "\n".join(said[-40:]))
    return tuple(found), consoles[0] if consoles else None


def _collect(stream: object, lines: list[str]) -> None:
    # Line by line: what was said must be there while the service still runs.
    lines.extend(line.rstrip("\n") for line in stream)  # type: ignore[attr-defined]
