"""What a service counts and measures, for Prometheus: numbers without anyone's name in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import start_http_server

from pdp.domain.answer import Answer, OutcomesRecorded, Refusal, RefusalKind, Result
from pdp.domain.request import Authorize, Call, ReportOutcomes
from pdp.domain.values import Decision, OutcomeStatus

if TYPE_CHECKING:
    from threading import Thread
    from wsgiref.simple_server import WSGIServer

    from pdp.identity.address import TcpAddress
    from pdp.server.ports import Submitter

#: Codes come from policy, which anyone may extend; a policy that makes them up per call must not
#: make a time series for each. The built-in bundle and the pipeline have some forty.
REASON_CODES: Final = 200
OTHER_CODE: Final = "other"

#: From a single call on an idle machine (half a millisecond) to what any client gives up on.
_SECONDS: Final = (
    0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
)  # fmt: skip
_BATCH: Final = (1, 2, 4, 8, 16, 32, 64)

_log = structlog.get_logger()


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._codes: set[str] = set()
        self._decisions = Counter(
            "pdp_decisions",
            "Calls decided and recorded, by decision.",
            ["decision"],
            registry=self.registry,
        )
        self._reasons = Counter(
            "pdp_decision_reasons",
            "Reasons given with decisions; a decision has at least one.",
            ["decision", "code"],
            registry=self.registry,
        )
        self._replayed = Counter(
            "pdp_decisions_replayed",
            "Repeated requests that got the recorded answer; not among the decisions.",
            registry=self.registry,
        )
        self._refusals = Counter(
            "pdp_refusals",
            "Requests that got no decision, in the pipeline or for a full queue, by their status.",
            ["kind"],
            registry=self.registry,
        )
        self._outcomes = Counter(
            "pdp_outcomes",
            "Outcomes of calls that were reported and recorded, by status.",
            ["status"],
            registry=self.registry,
        )
        self._batches = Histogram(
            "pdp_batch_calls",
            "Calls that were decided and committed together.",
            buckets=_BATCH,
            registry=self.registry,
        )
        self._seconds = Histogram(
            "pdp_authorize_seconds",
            "Time from a call's arrival to its answer: waiting, policy, commit.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        # Rates need a first sample: what can be known to come is there from the start, as zero.
        for decision in Decision:
            self._decisions.labels(decision.value)
        for kind in RefusalKind:
            self._refusals.labels(kind.value)
        for status in _STATUSES:
            self._outcomes.labels(_STATUSES[status])

    def observe(self, calls: Sequence[Call], results: Sequence[Result]) -> None:
        """Count a finished batch; one result for each call."""
        self._batches.observe(len(calls))
        for call, result in zip(calls, results, strict=True):
            if isinstance(result, Refusal):
                self._refusals.labels(result.kind.value).inc()
                continue
            if isinstance(result, Answer):
                if result.replayed:
                    self._replayed.inc()
                    continue
                self._decided(result)
            self._reported(call, result)

    def watch(
        self,
        *,
        queue_calls: Callable[[], float],
        engine_restarts: Callable[[], float],
        outputs_unread: Callable[[], float],
        log_leaves: Callable[[], float],
    ) -> None:
        """Read these whenever the metrics are read. To be called once."""
        for name, text, read in (
            ("pdp_queue_calls", "Calls that wait for a decision.", queue_calls),
            ("pdp_engine_restarts", "Times the policy engine was replaced.", engine_restarts),
            (
                "pdp_outputs_unread",
                "Large outputs that could not be read; their values are unknown.",
                outputs_unread,
            ),
            ("pdp_log_leaves", "Leaves of the append-only log.", log_leaves),
        ):
            Gauge(name, text, registry=self.registry).set_function(read)

    def timed(self, behind: Submitter) -> Submitter:
        """A submitter that hands everything to `behind` and measures what that takes."""
        return _Timed(behind, self._seconds)

    def counted(self, refuse: Callable[[], Refusal | None]) -> Callable[[], Refusal | None]:
        """`refuse`, which turns requests away before they are read, with its refusals counted."""

        def refused() -> Refusal | None:
            refusal = refuse()
            if refusal is not None:
                self._refusals.labels(refusal.kind.value).inc()
            return refusal

        return refused

    def text(self) -> str:
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry).decode()

    def _decided(self, answer: Answer) -> None:
        self._decisions.labels(answer.decision.value).inc()
        for code in {self._bounded(reason.code) for reason in answer.reasons}:
            self._reasons.labels(answer.decision.value, code).inc()

    def _bounded(self, code: str) -> str:
        if code not in self._codes:
            if len(self._codes) >= REASON_CODES:
                return OTHER_CODE
            self._codes.add(code)
        return code

    def _reported(self, call: Call, result: Answer | OutcomesRecorded) -> None:
        if isinstance(call.ask, Authorize | ReportOutcomes) and _is_recorded(result):
            for outcome in call.ask.outcomes:
                self._outcomes.labels(_STATUSES.get(outcome.status, "unspecified")).inc()


_STATUSES: Final = {status: status.name.lower() for status in OutcomeStatus if status.value}


def _is_recorded(result: Answer | OutcomesRecorded) -> bool:
    """Answers that could not be committed have no receipt, and neither have their outcomes."""
    return isinstance(result, OutcomesRecorded) or result.receipt is not None


class _Timed:
    """A submitter around another one."""

    def __init__(self, behind: Submitter, seconds: Histogram) -> None:
        self._behind = behind
        self._seconds = seconds

    async def submit(self, call: Call) -> Result:
        """The result of one call."""
        began = perf_counter()
        result = await self._behind.submit(call)
        if isinstance(call.ask, Authorize):
            self._seconds.observe(perf_counter() - began)
        return result

    async def submit_many(self, calls: Sequence[Call]) -> Sequence[Result]:
        """One result for each call, in order."""
        began = perf_counter()
        results = await self._behind.submit_many(calls)
        took = perf_counter() - began
        for call in calls:
            if isinstance(call.ask, Authorize):
                self._seconds.observe(took)
        return results


class MetricsServer:
    """Metrics being served over HTTP, on a thread of their own. `port` is the one it really has."""

    def __init__(self, server: WSGIServer, thread: Thread) -> None:
        self._server = server
        self._thread = thread
        self.port: int = server.server_port

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def serve_metrics(metrics: Metrics, address: TcpAddress) -> MetricsServer:
    """Serve `metrics` at `http://ADDRESS/metrics` until it is closed.

    Raises:
        OSError: the address cannot be listened on; the message says which and why.
    """
    try:
        made = start_http_server(address.port, addr=address.host, registry=metrics.registry)
    except OSError as error:
        raise OSError(f"cannot serve metrics on {address}: {error.strerror}") from error
    server = MetricsServer(*made)
    _log.info("metrics", address=str(replace(address, port=server.port)))
    return server
