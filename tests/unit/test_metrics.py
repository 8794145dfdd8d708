"""Metrics: what is counted, and that nothing a caller or policy sends makes them grow."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Sequence

import pytest

from pdp.domain.answer import Answer, OutcomesRecorded, Receipt, Refusal, RefusalKind, Result
from pdp.domain.request import Authorize, Call, CompleteTask, ReportOutcomes
from pdp.domain.values import (
    Action,
    Caller,
    Decision,
    Outcome,
    OutcomeStatus,
    Reason,
    Subject,
)
from pdp.identity.address import TcpAddress
from pdp.metrics import OTHER_CODE, REASON_CODES, Metrics, serve_metrics

CALLER = Caller(Subject("service", "gateway"), frozenset({"pep"}), "development")
RECEIPT = Receipt("log", 0, b"")


def asking(*outcomes: Outcome) -> Call:
    ask = Authorize(Subject("agent", "a"), Action("send_email"), outcomes=outcomes)
    return Call(CALLER, "Authorize", ask)


def answer(decision: Decision, *codes: str, replayed: bool = False) -> Answer:
    reasons = tuple(Reason(code) for code in codes)
    return Answer(decision, reasons, 0, 0, receipt=RECEIPT, replayed=replayed)


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_decisions_are_counted_once_and_each_code_of_them_once() -> None:
    metrics = Metrics()
    denied = answer(Decision.DENY, "outside_phase", "budget_exceeded", "outside_phase")
    metrics.observe([asking(), asking()], [answer(Decision.ALLOW, "within_intent"), denied])
    assert sample(metrics, "pdp_decisions_total", decision="allow") == 1
    assert sample(metrics, "pdp_decisions_total", decision="deny") == 1
    assert sample(metrics, "pdp_decisions_total", decision="escalate") == 0
    for code in ("outside_phase", "budget_exceeded"):
        name = "pdp_decision_reasons_total"
        assert sample(metrics, name, decision="deny", code=code) == 1
    assert sample(metrics, "pdp_batch_calls_sum") == 2


def test_a_repeated_request_is_no_second_decision() -> None:
    metrics = Metrics()
    again = answer(Decision.ALLOW, "within_intent", replayed=True)
    metrics.observe([asking()], [again])
    assert sample(metrics, "pdp_decisions_total", decision="allow") == 0
    assert sample(metrics, "pdp_decisions_replayed_total") == 1


def test_refusals_are_counted_by_kind() -> None:
    metrics = Metrics()
    metrics.observe([asking()], [Refusal(RefusalKind.RESOURCE_EXHAUSTED, "full")])
    assert sample(metrics, "pdp_refusals_total", kind="resource_exhausted") == 1
    assert sample(metrics, "pdp_refusals_total", kind="internal") == 0


def test_what_is_turned_away_before_it_is_read_is_counted_too() -> None:
    metrics = Metrics()
    full = Refusal(RefusalKind.RESOURCE_EXHAUSTED, "too many calls are waiting")
    said = iter([None, full, full])
    refuse = metrics.counted(lambda: next(said))
    assert [refuse(), refuse(), refuse()] == [None, full, full]
    assert sample(metrics, "pdp_refusals_total", kind="resource_exhausted") == 2


def test_outcomes_are_counted_where_they_were_recorded() -> None:
    metrics = Metrics()
    done = Outcome("d-1", OutcomeStatus.SUCCEEDED)
    broken = Outcome("d-2", OutcomeStatus.FAILED)
    reporting = Call(CALLER, "ReportOutcome", ReportOutcomes((done, broken)))
    not_recorded = Answer(Decision.DENY, (Reason("not_recorded"),), 0, 0)
    calls = [asking(done), reporting, asking(done), reporting]
    refused = Refusal(RefusalKind.NOT_FOUND, "no such decision")
    recorded = OutcomesRecorded(None, (RECEIPT, RECEIPT), (False, False))
    metrics.observe(
        calls, [answer(Decision.ALLOW, "within_intent"), recorded, not_recorded, refused]
    )
    assert sample(metrics, "pdp_outcomes_total", status="succeeded") == 2
    assert sample(metrics, "pdp_outcomes_total", status="failed") == 1


def test_codes_that_policy_makes_up_per_call_share_one_series() -> None:
    metrics = Metrics()
    for number in range(REASON_CODES + 50):
        metrics.observe([asking()], [answer(Decision.DENY, f"made_up_{number}")])
    name = "pdp_decision_reasons_total"
    assert sample(metrics, name, decision="deny", code=OTHER_CODE) == 50
    assert metrics.text().count("pdp_decision_reasons_total{") == REASON_CODES + 1
    metrics.observe([asking()], [answer(Decision.DENY, "made_up_0")])
    assert sample(metrics, name, decision="deny", code="made_up_0") == 2


def test_two_services_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.observe([asking()], [answer(Decision.ALLOW, "within_intent")])
    assert sample(other, "pdp_decisions_total", decision="allow") == 0


def test_gauges_are_read_when_the_metrics_are() -> None:
    metrics = Metrics()
    waiting = [3.0]
    metrics.watch(
        queue_calls=lambda: waiting[0],
        engine_restarts=lambda: 1,
        outputs_unread=lambda: 2,
        log_leaves=lambda: 7,
    )
    waiting[0] = 5.0
    assert sample(metrics, "pdp_queue_calls") == 5
    assert sample(metrics, "pdp_engine_restarts") == 1
    assert sample(metrics, "pdp_outputs_unread") == 2
    assert sample(metrics, "pdp_log_leaves") == 7


class Slow:
    """A submitter that takes its time."""

    async def submit(self, call: Call) -> Result:
        return (await self.submit_many([call]))[0]

    async def submit_many(self, calls: Sequence[Call]) -> Sequence[Result]:
        await asyncio.sleep(0.02)
        return [answer(Decision.ALLOW, "within_intent") for _ in calls]


def test_the_time_of_an_authorize_is_measured_around_all_that_is_behind() -> None:
    metrics = Metrics()
    timed = metrics.timed(Slow())
    ending = Call(CALLER, "CompleteTask", CompleteTask("t-1"))

    async def ask() -> None:
        await timed.submit(asking())
        await timed.submit_many([asking(), asking()])
        await timed.submit(ending)

    asyncio.run(ask())
    assert sample(metrics, "pdp_authorize_seconds_count") == 3
    assert sample(metrics, "pdp_authorize_seconds_bucket", le="0.01") == 0
    assert (sample(metrics, "pdp_authorize_seconds_sum") or 0) >= 0.06


def test_metrics_are_served_over_http_until_closed() -> None:
    metrics = Metrics()
    metrics.observe([asking()], [answer(Decision.ALLOW, "within_intent")])
    server = serve_metrics(metrics, TcpAddress("127.0.0.1", 0))
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as got:
            text = got.read().decode()
    finally:
        server.close()
    assert 'pdp_decisions_total{decision="allow"} 1.0' in text


def test_an_address_in_use_is_named() -> None:
    server = serve_metrics(Metrics(), TcpAddress("127.0.0.1", 0))
    try:
        with pytest.raises(OSError, match=f"metrics on 127.0.0.1:{server.port}: Address already"):
            serve_metrics(Metrics(), TcpAddress("127.0.0.1", server.port))
    finally:
        server.close()
