"""Runs of agents against a real service: tasks started, calls asked about, outcomes reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.processes import BenchFailed
from bench.quality_cases import Call, Suite, UserTask
from pdp.client import AsyncAuthorizationClient, NotAllowed, ReportFailed
from pdp.domain.catalogue import Catalogue, Found, Tool
from pdp.domain.values import Decision, Intent, OutcomeStatus, Phase, Reason, Subject

AGENT: Final = Subject(type="agent", id="spiffe://example.test/agent/assistant")
ISSUER: Final = "https://id.example.test"
#: Generous: a figure must not depend on how busy the machine is.
CALL_SECONDS: Final = 60.0
#: Denials that say something about the machine, not about the call: no figure may rest on them.
FAULTS: Final = frozenset({"policy_error", "policy_timeout", "not_recorded", "contended"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What was decided about one call. `approval_id` is the question to a person, if it is one."""

    tool: str
    decision: Decision
    reasons: Sequence[Reason]
    approval_id: str
    has_effect: bool

    @property
    def allowed(self) -> bool:
        """Whether the call may be made."""
        return self.decision is Decision.ALLOW

    @property
    def codes(self) -> list[str]:
        """The distinct codes of the reasons, in their order."""
        return list(dict.fromkeys(reason.code for reason in self.reasons))

    @property
    def is_fault(self) -> bool:
        """Whether something failed, so that this is no judgement."""
        return not FAULTS.isdisjoint(self.codes)


@dataclass(frozen=True, slots=True)
class World:
    """A service and the catalogue that it serves."""

    client: AsyncAuthorizationClient
    catalogue: Catalogue

    def tool(self, server: str, name: str) -> Tool | None:
        """What the catalogue says of a tool; None where it has no such tool."""
        found = self.catalogue.find(server, name)
        return found.tool if isinstance(found, Found) else None

    def has_effect(self, server: str, name: str) -> bool:
        """Whether a call changes something or carries something out; an unknown tool may."""
        tool = self.tool(server, name)
        return tool is None or tool.has_effect


@dataclass(slots=True)
class Session:
    """One task of the service, and what was answered in it."""

    world: World
    task_id: str
    answers: list[Answer] = field(default_factory=list)

    async def call(
        self,
        server: str,
        tool: str,
        arguments: Mapping[str, Any],
        output: str,
        *,
        failed: bool = False,
    ) -> Answer:
        """Ask about a call, and where it is allowed report that it returned `output`.

        A call that is not allowed is not made: nothing is reported, and nothing learnt from it.

        Raises:
            BenchFailed: the service did not answer, or did not take the outcome.
        """
        asked = await self.world.client.authorize(
            tool, arguments, server=server, task_id=self.task_id
        )
        if any(reason.rule == "client" for reason in asked.reasons):
            raise BenchFailed(f"{server}/{tool}: no answer that counts: {asked}")
        answer = Answer(
            tool,
            asked.decision,
            asked.reasons,
            asked.approval_id,
            self.world.has_effect(server, tool),
        )
        self.answers.append(answer)
        if answer.allowed:
            status = OutcomeStatus.FAILED if failed else OutcomeStatus.SUCCEEDED
            try:
                await self.world.client.report(asked.decision_id, status, output.encode())
            except ReportFailed as fault:
                raise BenchFailed(f"{server}/{tool}: the outcome was not taken: {fault}") from fault
        return answer

    async def replay(self, server: str, calls: Sequence[Call]) -> list[Answer]:
        """Make recorded calls one after the other, whatever is answered."""
        return [
            await self.call(server, call.tool, call.arguments, call.output, failed=call.failed)
            for call in calls
        ]


async def start(world: World, person: str, goal: str) -> Session:
    """Start a task of the agent for `person`, in EXECUTE, with nothing but the goal as intent.

    Raises:
        BenchFailed: it was not started.
    """
    try:
        started = await world.client.start_task(
            Intent(goal=goal),
            subject=AGENT,
            on_behalf_of=Subject(type="user", id=person, issuer=ISSUER),
            phase=Phase.EXECUTE,
        )
    except NotAllowed as refused:
        raise BenchFailed(f"the task was not started: {refused.verdict}") from refused
    return Session(world, started.id)


@dataclass(frozen=True, slots=True)
class BenignRun:
    """A person's task without any injection, and the answer to each of its calls."""

    suite: str
    task: UserTask
    answers: Sequence[Answer]

    @property
    def faults(self) -> list[Answer]:
        """Answers that are no judgement."""
        return [one for one in self.answers if one.is_fault]

    @property
    def questions(self) -> int:
        """How many questions a person would be asked."""
        return len({one.approval_id for one in self.answers if one.decision is Decision.ESCALATE})


async def benign(world: World, suite: Suite, task: UserTask, person: str) -> BenignRun:
    """Replay a task of `person` as it was recorded.

    A call that is held up or denied returns nothing, and the agent goes on with its recorded calls
    all the same: what would have followed from a person's approval is not counted in favour.
    """
    session = await start(world, person, task.prompt)
    return BenignRun(suite.name, task, await session.replay(suite.name, task.calls))
