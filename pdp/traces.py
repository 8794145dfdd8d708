"""Traces told to the real pipeline: its six steps, a real engine, a store that is thrown away."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pdp.arguments import argument_checker
from pdp.decide import Parts, decide
from pdp.domain.answer import Answer, Refusal
from pdp.domain.catalogue import Catalogue, CatalogueError, Tool
from pdp.domain.explanation import RuleVerdict
from pdp.domain.limits import OUTPUT_BYTES
from pdp.domain.request import Ask, Call, CancelApproval, DecideApproval, ReportOutcomes
from pdp.domain.values import Caller, Decision, Outcome, Subject
from pdp.memory import Memory
from pdp.ports import Engine
from pdp.preview import explain_all
from pdp.recorded import Origin, origins
from pdp.store.sqlite import SqliteStore, open_store
from pdp.trace_file import Trace
from pdp.trace_steps import Expected, Returned, Step
from pdp.trace_values import TraceRefused

#: Who asks: a gateway that also starts the tasks.
CALLER = Caller(
    Subject("service", "gateway"), frozenset({"pep", "orchestrator"}), verified_by="trace"
)

#: The roles of the people who answer for its calls.
APPROVER = frozenset({"approver"})


@dataclass(slots=True)
class TraceClock:
    """Time as a trace tells it; ids count up, so that the same trace is the same story."""

    wall_us: int
    count: int = 0

    def now_us(self) -> int:
        """The told time."""
        return self.wall_us

    def monotonic_us(self) -> int:
        """The same."""
        return self.wall_us

    def new_id(self, prefix: str) -> str:
        """The next id."""
        self.count += 1
        return f"{prefix}-{self.count:06d}"

    def nonce(self) -> bytes:
        """The next number: nothing here is a secret."""
        self.count += 1
        return self.count.to_bytes(16, "big")


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step as it was decided. `problem` is empty where that is what was expected.

    `rules` and `origins` are told of a step that failed.
    """

    step: Step
    got: str
    problem: str = ""
    rules: tuple[RuleVerdict, ...] = ()
    origins: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class TraceReport:
    """A trace and what became of each step."""

    trace: Trace
    steps: tuple[StepReport, ...]

    @property
    def failed(self) -> tuple[StepReport, ...]:
        """The steps that were not decided as expected."""
        return tuple(step for step in self.steps if step.problem)

    @property
    def passed(self) -> bool:
        """Whether everything was decided as expected."""
        return not self.failed


def run_trace(
    trace: Trace, engine: Engine, *, revision: str, tools: Sequence[Tool] = ()
) -> TraceReport:
    """Tell a trace to the policy that the engine has loaded; `tools` are those of its bundles.

    Raises:
        TraceRefused: its tools do not go with those of the bundles.
        StoreError: no store can be made in the folder for temporary files.
    """
    try:
        catalogue = Catalogue([*tools, *trace.tools])
    except CatalogueError as error:
        raise TraceRefused(f"{trace.source}: {error}") from None
    with tempfile.TemporaryDirectory(prefix="pdp-trace-") as folder:
        store = open_store(Path(folder))
        try:
            clock = TraceClock(trace.begins_us)
            parts = Parts(
                engine=engine,
                store=store,
                clock=clock,
                catalogue=catalogue,
                revision=revision,
                check_arguments=argument_checker(catalogue),
                memory=Memory(),
            )
            story = _Story(parts, store, clock, {"goal": "the task's goal"}, {})
            return TraceReport(trace, tuple(story.tell(step) for step in trace.steps))
        finally:
            store.close()


@dataclass(frozen=True, slots=True)
class _Story:
    """A trace being told; `sources` has every decision so far in words, `questions` by task."""

    parts: Parts
    store: SqliteStore
    clock: TraceClock
    sources: dict[str, str]
    questions: dict[str, str]

    def tell(self, step: Step) -> StepReport:
        """Decide a step, report what it returned, and compare."""
        self.clock.wall_us += step.after_us
        result = self._decide(self._meant(step), self._caller(step))
        if not isinstance(result, Answer):
            got = _refused(result)
            return StepReport(step, got, f"was refused: {got}")
        if result.decision is Decision.ESCALATE and result.approval is not None:
            self.questions[step.task_id] = result.approval.id
        self.sources[result.decision_id] = f"step {step.number}: {step.what}"
        if step.returned is not None and result.decision is Decision.ALLOW:
            self._report(result.decision_id, step.returned)
        kept = self.store.input(result.decision_id) if result.decision_id else None
        document = json.loads(kept.body) if kept is not None else {}
        problem = _problem(step.expected, result, document)
        got = ", ".join([result.decision.value, *(one.code for one in result.reasons)])
        if not problem or kept is None:
            return StepReport(step, got, problem)
        told = [
            replace(one, source=self.sources.get(one.source, one.source))
            for one in origins(document)
        ]
        [explained] = explain_all([kept.body], self.parts.engine)
        return StepReport(step, got, problem, explained.rules, tuple(told))

    def _meant(self, step: Step) -> Ask:
        """A person answers the newest question of the task, whatever its id."""
        if isinstance(step.ask, DecideApproval | CancelApproval):
            return replace(step.ask, approval_id=self.questions.get(step.task_id, ""))
        return step.ask

    def _caller(self, step: Step) -> Caller:
        return CALLER if step.by is None else Caller(step.by, APPROVER, verified_by="trace")

    def _decide(self, ask: Ask, caller: Caller = CALLER) -> object:
        return decide([Call(caller, type(ask).__name__, ask)], self.parts)[0]

    def _report(self, decision_id: str, returned: Returned) -> None:
        output = returned.output[:OUTPUT_BYTES]
        outcome = Outcome(
            decision_id,
            returned.status,
            output,
            returned.media_type,
            truncated=output != returned.output,
        )
        result = self._decide(ReportOutcomes((outcome,)))
        if isinstance(result, Refusal):
            raise TraceRefused(f"what {decision_id} returned was refused: {result.message}")


def _problem(expected: Expected, answer: Answer, document: Mapping[str, Any]) -> str:
    """What is not as expected, in words; empty where everything is."""
    problems: list[str] = []
    if answer.decision is not expected.decision:
        problems.append(f"decision is {answer.decision.value} and not {expected.decision.value}")
    codes = {reason.code for reason in answer.reasons}
    problems += [f"no reason is {code}" for code in expected.codes if code not in codes]
    arguments = document.get("provenance", {}).get("arguments", [])
    found = {one["pointer"]: one["origin"] for one in arguments}
    problems += [
        f"the origin of {pointer} is {found.get(pointer, 'not told')} and not {origin}"
        for pointer, origin in expected.origins.items()
        if found.get(pointer) != origin
    ]
    return "; ".join(problems)


def _refused(result: object) -> str:
    if isinstance(result, Refusal):
        return f"{result.kind.value}: {result.message}"
    return type(result).__name__
