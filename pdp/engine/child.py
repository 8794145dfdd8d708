"""One process of the managed OPA: its start, its requests, its end. Who replaces it: managed.py."""

from __future__ import annotations

import json
import logging
import math
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pdp.engine.frames import FrameError, FrameTimeout, encode_frame, receive, send
from pdp.engine.limits import OpaLimits
from pdp.engine.replies import MalformedReply, read_answer, read_load
from pdp.ports import EngineError, EngineFault, Evaluation, PolicyRefused, PolicySource, RuleInfo

# Nothing of the PDP's own environment, which may hold secrets.
_ENVIRONMENT: Final[dict[str, str]] = {}
# What the two processes and the socket between them may need besides the evaluations.
_SLACK_SECONDS: Final = 0.1
# A whole batch of ordinary inputs fits, so that neither side waits for the other to read.
_SOCKET_BUFFER_BYTES: Final = 1 << 20
# A reply holds one result for each input and little else.
_REPLY_OVERHEAD_BYTES: Final = 4096
# The reply to `load` lists the rules; ten thousand with all their metadata stay below this.
_MOST_LOAD_REPLY_BYTES: Final = 64 << 20
# A failing Go program traces every goroutine; what went wrong is at the beginning.
_LOGGED_LINES: Final = 3
_LOGGED_LINE_BYTES: Final = 500

_log: Final = logging.getLogger("pdp.engine")


class ChildFailed(Exception):
    """The process did not answer as agreed and must be replaced."""


class ChildSilent(ChildFailed):
    """The process did not answer in time."""


class OpaChild:
    """A running `pdp-opa decide`. One request at a time; `kill` and `close` at any time."""

    def __init__(self, binary: Path, limits: OpaLimits) -> None:
        """Start it. Raises EngineError when it cannot be started."""
        self._limits = limits
        self._workers = 1
        self._requests = 0
        self._talking = threading.Lock()
        self._revision = b'""'  # as JSON
        try:
            self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:
            raise EngineError(f"{binary} gets no socket: {error.strerror}") from error
        with theirs:
            for end in (self._socket, theirs):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER_BYTES)
            descriptor = theirs.fileno()
            command = [str(binary), "decide", f"--fd={descriptor}", *limits.arguments()]
            try:
                self._process = subprocess.Popen(  # noqa: S603
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    pass_fds=(descriptor,),
                    env=_ENVIRONMENT,
                    # A session of its own: Ctrl-C in a terminal is for the PDP to act on.
                    start_new_session=True,
                )
            except OSError as error:
                self._socket.close()
                raise EngineError(f"{binary} cannot be started: {error.strerror}") from error
        self._relay = threading.Thread(target=self._relay_stderr, name="pdp-opa-log", daemon=True)
        try:
            self._relay.start()
        except RuntimeError as error:
            self._process.kill()
            self._process.wait()
            self._socket.close()
            raise EngineError(f"{binary} gets no thread: {error}") from error

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def load(self, source: PolicySource) -> list[RuleInfo]:
        """Compile a policy. Raises PolicyRefused, ChildFailed."""
        try:
            policy = {"modules": dict(source.modules), "data": dict(source.data)}
            body = json.dumps(policy, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise PolicyRefused(f"the policy's data is not JSON: {error}") from None
        about = {"revision": source.revision, "entrypoints": list(source.entrypoints)}
        encoded = json.dumps(about).encode()
        size = len(body) + len(encoded)
        if size > self._limits.frame_bytes - _REPLY_OVERHEAD_BYTES:
            raise PolicyRefused(
                f"the policy is {size} bytes as JSON, at most {self._limits.frame_bytes} are "
                "loaded; move what is not policy out of the bundle's data"
            )
        deadline = time.monotonic() + self._limits.load_seconds
        with self._talking:
            request = self._ask("load", encoded[1:-1], [body], deadline)
            reply, elements = self._answer("load", request, deadline, _MOST_LOAD_REPLY_BYTES)
        try:
            rules = read_load(reply, elements)
        except MalformedReply as error:
            raise ChildFailed(str(error)) from None
        workers = reply.get("workers")
        if type(workers) is not int or workers < 1:
            raise ChildFailed("a reply to load without the number of workers")
        self._workers = workers
        self._revision = json.dumps(source.revision).encode()
        return rules

    def evaluate(
        self, entrypoint: str, inputs: Sequence[bytes]
    ) -> tuple[list[Evaluation | EngineFault], bool]:
        """The answers in order, and whether the process asks to be replaced after them.

        An evaluation has its deadline D; the process answers for one that has not stopped at 2 D.
        So n inputs over w workers take at most 2 D * ceil(n / w), and as long as they take, the
        process says every D / 4 that it lives. Whichever is missed first, 2 D of silence or the
        whole time, it is beyond help.

        Raises ChildSilent, ChildFailed: there is no answer to any of them.
        """
        patience = 2 * self._limits.evaluation_seconds
        whole = patience * math.ceil(len(inputs) / self._workers) + _SLACK_SECONDS
        deadline = time.monotonic() + whole
        most = len(inputs) * (self._limits.result_bytes + _REPLY_OVERHEAD_BYTES)
        most += _REPLY_OVERHEAD_BYTES
        about = b'"revision":%s,"entrypoint":%s,"timeout_ms":%d' % (
            self._revision,
            json.dumps(entrypoint).encode(),
            self._limits.evaluation_ms,
        )
        with self._talking:
            request = self._ask("evaluate", about, inputs, deadline)
            reply: dict[str, Any] = {}
            elements: list[memoryview] = []
            while reply.get("op") != "evaluate":
                heard_by = min(deadline, time.monotonic() + patience + _SLACK_SECONDS)
                reply, elements = self._answer("evaluate", request, heard_by, most)
        if len(elements) != len(inputs):
            raise ChildFailed(f"{len(elements)} answers to {len(inputs)} inputs")
        try:
            return [read_answer(element) for element in elements], reply.get("replace") is True
        except MalformedReply as error:
            raise ChildFailed(str(error)) from None

    def wait(self) -> int:
        """Wait for the end of the process: its exit status, or minus the signal's number."""
        return self._process.wait()

    def kill(self) -> None:
        """End the process at once; whoever waits for an answer of it gets a ChildFailed."""
        self._process.kill()

    def close(self) -> None:
        """End the process and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        # Its end ends the request that may still wait for it, and with that the wait here: a
        # descriptor that is closed under a reader could be another file's by the time it reads.
        with self._talking:
            self._socket.close()
        self._relay.join()

    def _relay_stderr(self) -> None:
        """Log what the process says. When Go dies it says far more than the first lines tell."""
        if (stream := self._process.stderr) is None:
            return
        with stream:
            for number, line in enumerate(stream):
                if number < _LOGGED_LINES:
                    text = line[:_LOGGED_LINE_BYTES].decode(errors="replace").rstrip()
                    _log.error("pdp-opa (pid %d): %s", self.pid, text)

    def _ask(self, op: str, about: bytes, elements: Sequence[bytes], deadline: float) -> int:
        self._requests += 1
        header = b'{"op":"%s","id":%d,%s}' % (op.encode(), self._requests, about)
        try:
            send(self._socket, encode_frame(header, elements), deadline)
        except FrameTimeout as error:
            raise ChildSilent(str(error)) from None
        except FrameError as error:
            raise ChildFailed(str(error)) from None
        return self._requests

    def _answer(
        self, op: str, request: int, deadline: float, most_bytes: int
    ) -> tuple[dict[str, Any], list[memoryview]]:
        try:
            header, elements = receive(self._socket, deadline, most_bytes)
        except FrameTimeout as error:
            raise ChildSilent(str(error)) from None
        except FrameError as error:
            raise ChildFailed(str(error)) from None
        alive = op == "evaluate" and header.get("op") == "progress" and not elements
        if header.get("id") != request or not (alive or header.get("op") == op):
            raise ChildFailed("an answer to a question that was not asked")
        return header, elements
