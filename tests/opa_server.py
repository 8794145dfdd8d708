"""A real OPA server for tests: `opa run --server` as a child process on a port the system picks."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

from pdp.engine.binary import find_opa

START_SECONDS = 20.0
LISTEN = "0A"  # the state of a socket in /proc/net/tcp (proc_net(5))


class RunningOpa:
    """An OPA server that serves the bundle in a file, and the next one as soon as it is there."""

    def __init__(
        self,
        bundle: Path,
        *,
        extra: Sequence[str] = (),
        further: Sequence[Path] = (),
        address: str = "127.0.0.1:0",
    ) -> None:
        self._command = [
            str(find_opa()),
            "run",
            "--server",
            f"--addr={address}",
            "--watch",
            "--log-level=error",
            "--skip-version-check",
            *extra,
            "--bundle",
            str(bundle),
            *map(str, further),
        ]
        self.bundle = bundle
        self.process = self._start()
        self.port = 0 if address.startswith("unix") else self._port()

    @property
    def url(self) -> str:
        """Where it is, over plain HTTP."""
        return f"http://127.0.0.1:{self.port}"

    def publish(self, bundle: bytes) -> None:
        """Put another bundle in place of the one there is, as whole."""
        beside = self.bundle.with_suffix(".new")
        beside.write_bytes(bundle)
        beside.rename(self.bundle)

    def get(self, path: str) -> bytes:
        """The answer to a GET request."""
        with urlopen(self.url + path, timeout=10) as answer:  # noqa: S310
            body: bytes = answer.read()
            return body

    def cpu_seconds_within(self, seconds: float) -> float:
        """How much processor time it takes from now on (proc_pid_stat(5))."""
        before = self._cpu_seconds()
        time.sleep(seconds)
        return self._cpu_seconds() - before

    def pause(self) -> None:
        """Let it keep its port and answer nothing."""
        self.process.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self.process.pid}/task")
        end = time.monotonic() + START_SECONDS
        # Each of its threads stops on its own, where it gets to (proc_pid_stat(5)).
        while any(_fields(thread)[0] != "T" for thread in threads.iterdir()):
            assert time.monotonic() < end, "OPA goes on after SIGSTOP"
            time.sleep(0.005)

    def resume(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Start it again on the port it had."""
        self._command = [
            f"--addr=127.0.0.1:{self.port}" if part.startswith("--addr=") else part
            for part in self._command
        ]
        self.process = self._start()
        self._port()

    def _cpu_seconds(self) -> float:
        fields = _fields(Path(f"/proc/{self.process.pid}"))
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={}
        )

    def _port(self) -> int:
        end = time.monotonic() + START_SECONDS
        try:
            while time.monotonic() < end and self.process.poll() is None:
                if port := listening_port(self.process.pid):
                    return port
                time.sleep(0.01)
        except BaseException:
            self.kill()
            raise
        self.kill()
        raise AssertionError(f"OPA does not listen: {' '.join(self._command)}")


def listening_port(pid: int) -> int:
    """The TCP port that a process listens on; 0 where it does not."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        # It opens and closes files while it starts.
        with contextlib.suppress(FileNotFoundError):
            if found := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(descriptor)):
                inodes.add(found[1])
    for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[3] == LISTEN and columns[9] in inodes:
            return int(columns[1].rpartition(":")[2], 16)
    return 0


def _fields(process: Path) -> list[str]:
    """What the kernel tells of a process or thread, from its state on (proc_pid_stat(5))."""
    return (process / "stat").read_text().rpartition(")")[2].split()
