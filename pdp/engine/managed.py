"""The managed OPA: a child process that decides, watched and replaced when it fails."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pdp.engine.child import ChildFailed, ChildSilent, OpaChild
from pdp.engine.limits import OpaLimits
from pdp.engine.replies import fault
from pdp.ports import (
    EngineError,
    EngineFault,
    Evaluation,
    PolicyRefused,
    PolicySource,
    RuleInfo,
    accept_any,
)

_log: Final = logging.getLogger("pdp.engine")

# A child that lived this long did not fail because of its policy or its host.
_SETTLED_SECONDS: Final = 5.0
# So many children may fail in a row before the next one has to wait: an input that kills its
# child must not take the engine from everyone else for longer than a restart.
_FAILURES_AT_ONCE: Final = 3
_FIRST_DELAY_SECONDS: Final = 0.1
_LONGEST_DELAY_SECONDS: Final = 2.0
# What is left of a frame when the header and the lengths have their share.
_FRAME_SHARE: Final = 0.9


class ManagedOpa:
    """An Engine over a child process of its own. Thread-safe; one batch at a time.

    Each policy gets a fresh child, so one that is refused, or that takes the child with it, never
    touches the one in force. A child that ends, falls silent, answers nonsense or has an evaluation
    that cannot be stopped is killed, and another starts at once with the last good policy.
    """

    def __init__(self, binary: Path, *, limits: OpaLimits | None = None) -> None:
        """Nothing is started before the first `load`."""
        self._binary = binary
        self._limits = limits or OpaLimits()
        self._loading = threading.Lock()  # one policy at a time
        self._evaluating = threading.Lock()  # one batch at a time
        self._changed = threading.Condition()  # guards all below
        self._children: set[OpaChild] = set()  # all that run
        self._child: OpaChild | None = None  # the one that evaluates
        self._source: PolicySource | None = None
        self._supervisor: threading.Thread | None = None
        self._restarts = 0
        self._closed = False

    @property
    def restarts(self) -> int:
        """How many children have been replaced because they failed."""
        return self._restarts

    @property
    def pid(self) -> int | None:
        """The process that evaluates; None while there is none."""
        child = self._child
        return child.pid if child else None

    def ready(self) -> bool:
        """Whether a policy is in force and a child is there to evaluate it."""
        return self._child is not None

    def load(
        self, source: PolicySource, check: Callable[[Sequence[RuleInfo]], None] = accept_any
    ) -> Sequence[RuleInfo]:
        """See `pdp.ports.Engine.load`; a policy that kills its engine is refused as well."""
        with self._loading:
            child = self._start()
            try:
                rules = child.load(source)
                check(rules)
            except ChildFailed as failure:
                self._end(child)
                raise PolicyRefused(
                    f"the engine failed while it loaded this policy ({failure}); "
                    f"it may need more than {self._limits.memory_bytes >> 20} MiB of memory or "
                    f"{self._limits.load_seconds:g} seconds"
                ) from None
            except BaseException:
                self._end(child)
                raise
            with self._evaluating, self._changed:
                if self._closed:
                    raise EngineError("the engine is closed")
                before, self._child, self._source = self._child, child, source
                if self._supervisor is None:
                    self._supervisor = threading.Thread(
                        target=self._supervise, name="pdp-opa-supervisor", daemon=True
                    )
                    self._supervisor.start()
                self._changed.notify_all()
            if before:
                self._end(before)
            return rules

    def evaluate_many(
        self, entrypoint: str, inputs: Sequence[bytes]
    ) -> Sequence[Evaluation | EngineFault]:
        """See `pdp.ports.Engine.evaluate_many`."""
        answers: list[Evaluation | EngineFault] = []
        for frame in self._frames(inputs):
            if isinstance(frame, EngineFault):
                answers.append(frame)
                continue
            with self._evaluating:
                answers += self._evaluate(entrypoint, frame)
        return answers

    def close(self) -> None:
        """End every child and wait until they are gone."""
        with self._changed:
            self._closed = True
            self._child = None
            children = list(self._children)
            self._changed.notify_all()
        for child in children:
            self._end(child)
        supervisor = self._supervisor
        if supervisor and supervisor is not threading.current_thread():
            supervisor.join()

    def _frames(self, inputs: Sequence[bytes]) -> Iterator[Sequence[bytes] | EngineFault]:
        """The inputs in portions of what one frame may hold; a fault for each that is too large."""
        most_bytes = self._limits.frame_bytes * _FRAME_SHARE
        start = size = 0
        for i, item in enumerate(inputs):
            too_large = len(item) > self._limits.input_bytes
            full = i - start == self._limits.frame_elements or size + len(item) > most_bytes
            if i > start and (too_large or full):
                yield inputs[start:i]
                start, size = i, 0
            size += len(item)
            if too_large:
                limit = self._limits.input_bytes
                message = f"input of {len(item)} bytes, at most {limit} are allowed"
                yield fault("input_invalid", message)
                start, size = i + 1, 0
        if start < len(inputs):
            yield inputs[start:]

    def _evaluate(
        self, entrypoint: str, inputs: Sequence[bytes]
    ) -> Sequence[Evaluation | EngineFault]:
        child = self._awaited_child()
        if child is None:
            return [fault("unavailable", self._why_unavailable())] * len(inputs)
        try:
            answers, replace = child.evaluate(entrypoint, inputs)
        except ChildSilent as failure:
            self._drop(child, str(failure))
            return [fault("timeout", f"the engine was killed: {failure}")] * len(inputs)
        except ChildFailed as failure:
            self._drop(child, str(failure))
            return [fault("unavailable", f"the engine failed: {failure}")] * len(inputs)
        if replace:
            self._drop(child, "an evaluation could not be stopped")
        return answers

    def _awaited_child(self) -> OpaChild | None:
        if self._child is None:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._child or self._closed or self._source is None,
                    timeout=self._limits.restart_wait_seconds,
                )
        return self._child

    def _why_unavailable(self) -> str:
        if self._closed:
            return "the engine is closed"
        return "the engine is restarting" if self._source else "no policy is loaded"

    def _start(self) -> OpaChild:
        with self._changed:
            if self._closed:
                raise EngineError("the engine is closed")
            child = OpaChild(self._binary, self._limits)
            self._children.add(child)
            return child

    def _end(self, child: OpaChild) -> None:
        child.close()
        with self._changed:
            self._children.discard(child)

    def _drop(self, child: OpaChild, why: str) -> None:
        """Kill a child that failed; the supervisor sees its end and starts another."""
        with self._changed:
            if self._child is child:
                self._child = None
        _log.error("the managed OPA (pid %d) is replaced: %s", child.pid, why)
        child.kill()

    def _supervise(self) -> None:
        """Wait for the end of the child in force, start another, for as long as this is open."""
        failures = 0
        while not self._closed:
            child = self._child or self._replacement(failures)
            if child is None:
                failures += 1
                continue
            began = time.monotonic()
            status = child.wait()
            with self._changed:
                failed = not self._closed and self._child in (None, child)
                if failed:
                    self._child = None
            if failed:
                _log.error("the managed OPA (pid %d) ended with status %d", child.pid, status)
                settled = time.monotonic() - began > _SETTLED_SECONDS
                failures = 1 if settled else failures + 1
            self._end(child)

    def _replacement(self, failures: int) -> OpaChild | None:
        """A child in force with the last good policy; None when it failed or is not wanted."""
        delay = 0.0
        if failures > _FAILURES_AT_ONCE:
            doubled = _FIRST_DELAY_SECONDS * 2.0 ** min(failures - _FAILURES_AT_ONCE - 1, 10)
            delay = min(doubled, _LONGEST_DELAY_SECONDS)
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._child, timeout=delay)
            source = self._source
            if self._closed or self._child or source is None:
                return self._child
        try:
            child = self._start()
        except EngineError as error:
            _log.error("the managed OPA does not start: %s", error)
            return None
        try:
            child.load(source)
        except (ChildFailed, PolicyRefused) as error:
            _log.error("the managed OPA does not load the policy it had: %s", error)
            self._end(child)
            return None
        with self._changed:
            wanted = not self._closed and self._child is None and self._source is source
            if wanted:
                self._child = child
                self._restarts += 1
                self._changed.notify_all()
        if not wanted:
            self._end(child)
            return self._child
        _log.warning("the managed OPA runs again (pid %d)", child.pid)
        return child
