"""Plays the story against a service: asks, compares what is answered, shows both."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pdp.client import (
    ApprovalFailed,
    AuthorizationClient,
    OutcomeStatus,
    Verdict,
)
from pdp.client.requests import CallOptions
from pdp.demo.story import Step, Yes


@dataclass(frozen=True, slots=True)
class Played:
    """A step as it went. `micros` is the time from asking to having the answer.

    `differs` says how the answer is not the one that the story expects; empty where it is.
    """

    step: Step
    verdict: Verdict
    micros: int
    differs: str


@dataclass(frozen=True, slots=True)
class Voted:
    """A yes as it went: whether it counted, and what the service said."""

    yes: Yes
    counted: bool
    said: str
    micros: int
    differs: str


def play_yes(client: AuthorizationClient, yes: Yes, approval_id: str) -> Voted:
    """Say yes as the person whose client it is."""
    began = time.perf_counter_ns()
    try:
        found = client.approvals.approve(approval_id, reason=yes.reason)
    except ApprovalFailed as fault:
        micros = (time.perf_counter_ns() - began) // 1000
        code = fault.metadata.get("code", fault.code)
        differs = "" if code == yes.code else f"expected {yes.code or 'that it counts'}"
        return Voted(yes, counted=False, said=f"{code}: {fault}", micros=micros, differs=differs)
    micros = (time.perf_counter_ns() - began) // 1000
    said = f"{found.id} is {found.state.name.lower()}"
    differs = f"expected {yes.code}" if yes.code else ""
    return Voted(yes, counted=True, said=said, micros=micros, differs=differs)


def play_step(
    client: AuthorizationClient, task_id: str, step: Step, before: Played | None
) -> Played:
    """Ask what the step asks; where the tool ran, report what it returned.

    Raises:
        NotAllowed: the task could not be completed.
        ReportFailed: an outcome was not recorded.
    """
    options: CallOptions = {"task_id": task_id}
    if step.resource is not None:
        options["resource"] = step.resource
    if step.repeats and before is not None:
        options["request_id"] = before.verdict.request_id
    began = time.perf_counter_ns()
    if step.ends_task:
        verdict = client.complete_task(task_id)
    else:
        verdict = client.authorize(step.tool, step.arguments, **options)
    micros = (time.perf_counter_ns() - began) // 1000
    if verdict.allowed and step.output:
        client.report(verdict.decision_id, OutcomeStatus.SUCCEEDED, step.output)
    return Played(step, verdict, micros, _difference(step, verdict, before))


def _difference(step: Step, verdict: Verdict, before: Played | None) -> str:
    if verdict.decision is not step.expects:
        return f"expected {step.expects.value}"
    if step.code and step.code not in verdict.codes:
        return f"expected the reason {step.code}"
    if verdict.replayed is not step.repeats:
        return "expected the recorded answer" if step.repeats else "expected a fresh decision"
    if step.repeats and before is not None and verdict.decision_id != before.verdict.decision_id:
        return f"expected the decision {before.verdict.decision_id}"
    return ""
