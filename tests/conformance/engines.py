"""Every engine, made the same way, and the policies the conformance suite loads into them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from pdp.domain.canonical import JsonValue
from pdp.engine.binary import find_opa
from pdp.engine.limits import OpaLimits
from pdp.engine.managed import ManagedOpa
from pdp.ports import Engine, EngineFault, Evaluation, PolicySource


class EngineFactory(Protocol):
    """Makes an engine without a policy."""

    def __call__(self, *, evaluation_ms: int = 2000, result_bytes: int = 4096) -> Engine: ...


def managed(*, evaluation_ms: int = 2000, result_bytes: int = 4096) -> Engine:
    """The managed OPA; the deadline is generous, for machines that are busy with other tests."""
    return ManagedOpa(
        find_opa(), limits=OpaLimits(evaluation_ms=evaluation_ms, result_bytes=result_bytes)
    )


FACTORIES: Mapping[str, Callable[..., Engine]] = {"managed": managed}


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
