"""Every engine, made the same way, and the policies the conformance suite loads into them."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from pdp.domain.canonical import JsonValue
from pdp.engine.binary import find_opa
from pdp.engine.limits import OpaLimits
from pdp.engine.managed import ManagedOpa
from pdp.engine.opa_server import NotServed, OpaServer
from pdp.engine.server_bundle import encode_bundle
from pdp.engine.server_url import parse_server_url
from pdp.ports import Engine, EngineFault, Evaluation, PolicySource, RuleInfo, accept_any
from tests.opa_server import RunningOpa

ACTIVATION_SECONDS = 20.0


class EngineFactory(Protocol):
    """Makes an engine without a policy."""

    def __call__(self, *, evaluation_ms: int = 2000, result_bytes: int = 4096) -> Engine: ...


def managed(*, evaluation_ms: int = 2000, result_bytes: int = 4096) -> Engine:
    """The managed OPA; the deadline is generous, for machines that are busy with other tests."""
    return ManagedOpa(
        find_opa(), limits=OpaLimits(evaluation_ms=evaluation_ms, result_bytes=result_bytes)
    )


class ServedEngine:
    """An OPA server of its own with the engine that asks it.

    `load` is what an operator does: where the server has another policy, let it load this one.
    """

    def __init__(self, limits: OpaLimits) -> None:
        self._held = contextlib.ExitStack()
        folder = Path(self._held.enter_context(tempfile.TemporaryDirectory()))
        empty = PolicySource("none", {}, {}, ())
        bundle = folder / "bundle.tar.gz"
        bundle.write_bytes(encode_bundle(empty, [RuleInfo("unused", False, {})]))
        self.server = RunningOpa(bundle)
        self._held.callback(self.server.kill)
        url = parse_server_url(self.server.url)
        self.engine = OpaServer(url, find_opa(), limits=limits)
        self._held.callback(self.engine.close)

    def load(
        self, source: PolicySource, check: Callable[[Sequence[RuleInfo]], None] = accept_any
    ) -> Sequence[RuleInfo]:
        found: list[RuleInfo] = []

        def keep(rules: Sequence[RuleInfo]) -> None:
            check(rules)
            found[:] = rules

        end = time.monotonic() + ACTIVATION_SECONDS
        with contextlib.suppress(NotServed):
            return self.engine.load(source, keep)
        self.server.publish(encode_bundle(source, found))
        while True:
            try:
                return self.engine.load(source, check)
            except NotServed:
                if time.monotonic() > end:
                    raise

    def evaluate_many(
        self, entrypoint: str, inputs: Sequence[bytes]
    ) -> Sequence[Evaluation | EngineFault]:
        return self.engine.evaluate_many(entrypoint, inputs)

    def ready(self) -> bool:
        return self.engine.ready()

    def close(self) -> None:
        self._held.close()


def opa_server(*, evaluation_ms: int = 2000, result_bytes: int = 4096) -> Engine:
    """An OPA server, with the same limits."""
    return ServedEngine(OpaLimits(evaluation_ms=evaluation_ms, result_bytes=result_bytes))


FACTORIES: Mapping[str, Callable[..., Engine]] = {"managed": managed, "opa-server": opa_server}


def policy(
    rego: str,
    *,
    revision: str = "r1",
    data: Mapping[str, JsonValue] | None = None,
    entrypoints: tuple[str, ...] = ("probe/value",),
) -> PolicySource:
    """A policy of one module in package `probe`; `rego` is what follows the package."""
    return PolicySource(
        revision, {"probe.rego": f"package probe\n{rego}\n"}, data or {}, entrypoints
    )


def values(answers: object) -> list[JsonValue]:
    """The values of answers that must all be evaluations."""
    assert isinstance(answers, list)
    assert [a for a in answers if not isinstance(a, Evaluation)] == []
    return [a.value for a in answers]


def codes(answers: object) -> list[str]:
    """For each answer "value", or the code of its fault."""
    assert isinstance(answers, list)
    return [a.code if isinstance(a, EngineFault) else "value" for a in answers]
