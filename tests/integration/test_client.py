"""The Python client against a real server: what it says yes to, and that all else is a deny."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct, Value

from pdp.client import (
    AsyncAuthorizationClient,
    AuthorizationClient,
    Budget,
    CallDenied,
    CallEscalated,
    Decision,
    Intent,
    NotAllowed,
    OutcomeStatus,
    Phase,
    Reason,
    ReportFailed,
    Resource,
    Sensitivity,
    Subject,
    Verdict,
)
from pdp.domain.answer import Answer, ApprovalReference, Refusal, RefusalKind, Result
from pdp.domain.request import Authorize, Call, ChangePhase, CompleteTask, ReportOutcomes, StartTask
from pdp.domain.values import ApprovalState, NextAction, Obligation, Outcome
from pdp.v1 import decision_pb2
from tests.scripted import Running, allowed, denied

AGENT = "spiffe://example.org/mailer"

# A client made either way, as blocking calls: `ask(client_options, method, *args, **kwargs)`.
Ask = Callable[..., Any]


@pytest.fixture
def running() -> Iterator[Running]:
    with Running() as server:
        yield server


@pytest.fixture(params=["blocking", "asyncio"])
def ask(request: pytest.FixtureRequest) -> Ask:
    """Calls one method of one client, of either kind."""

    def blocking(address: str, method: str, *args: Any, **kwargs: Any) -> Any:
        options = {"subject": AGENT, **kwargs.pop("client", {})}
        with AuthorizationClient(address, **options) as client:
            return getattr(client, method)(*args, **kwargs)

    def on_a_loop(address: str, method: str, *args: Any, **kwargs: Any) -> Any:
        options = {"subject": AGENT, **kwargs.pop("client", {})}

        async def run() -> Any:
            async with AsyncAuthorizationClient(address, **options) as client:
                return await getattr(client, method)(*args, **kwargs)

        return asyncio.run(run())

    return blocking if request.param == "blocking" else on_a_loop


def address_of(running: Running) -> str:
    return str(running.address)


def only(running: Running) -> Call:
    (call,) = running.script.calls
    return call


def test_an_allow_carries_the_canonical_arguments(ask: Ask, running: Running) -> None:
    verdict: Verdict = ask(
        address_of(running), "authorize", "send_email", {"to": ["bob"], "n": 1}, task_id="t-1"
    )
    assert verdict
    assert verdict.allowed
    assert verdict.arguments == {"to": ["bob"], "n": 1}
    assert (verdict.decision_id, verdict.task_id, verdict.task_sequence) == ("d-1", "t-1", 7)
    assert verdict.codes == {"within_intent"}
    ask_ = only(running).ask
    assert isinstance(ask_, Authorize)
    assert ask_.subject == Subject("agent", AGENT)
    assert (ask_.task_id, ask_.action.name) == ("t-1", "send_email")
    assert only(running).request_id == verdict.request_id != ""


def test_everything_that_can_be_said_of_a_call_arrives(ask: Ask, running: Running) -> None:
    ask(
        address_of(running),
        "authorize",
        "send_email",
        b'{"to": "bob"}',
        subject=Subject("agent", "other", "idp", {"team": "a"}),
        server="mail",
        intent=Intent("g", ("a*",), ("b:*",), Sensitivity.INTERNAL),
        on_behalf_of="alice",
        session_id="s-1",
        resource=Resource("email", "bob", Sensitivity.PUBLIC, {"x": [1, None]}),
        schema_digest="sha256:" + "0" * 64,
        signals={"risk": 0.5},
        outcomes=[Outcome("d-0", OutcomeStatus.FAILED, b"no", "text/plain")],
        request_id="mine",
    )
    call = only(running)
    asked = call.ask
    assert isinstance(asked, Authorize)
    assert call.request_id == "mine"
    assert (asked.subject.id, asked.subject.issuer) == ("other", "idp")
    assert asked.subject.properties == {"team": "a"}
    assert asked.action.arguments_json == b'{"to": "bob"}'
    assert asked.action.server == "mail"
    assert asked.intent == Intent("g", ("a*",), ("b:*",), Sensitivity.INTERNAL)
    assert asked.on_behalf_of == Subject("user", "alice")
    assert asked.session_id == "s-1"
    assert asked.resource.properties == {"x": [1.0, None]}
    assert asked.signals == {"risk": 0.5}
    assert asked.outcomes == (Outcome("d-0", OutcomeStatus.FAILED, b"no", "text/plain"),)


def test_a_deny_is_a_falsy_verdict_with_its_reasons(ask: Ask, running: Running) -> None:
    running.script.result = denied
    verdict: Verdict = ask(address_of(running), "authorize", "x", {})
    assert not verdict
    assert verdict.reasons[0].code == "outside_intent"
    assert str(verdict) == "deny (outside_intent: no glob matches)"
    with pytest.raises(CallDenied, match="outside_intent"):
        verdict.require()
    with pytest.raises(NotAllowed):
        _ = verdict.arguments


def escalated(call: Call) -> Answer:
    return replace(
        denied(call),
        decision=Decision.ESCALATE,
        approval=ApprovalReference("a-1", ApprovalState.PENDING, 1, "https://pdp.example/a-1"),
        next_action=NextAction.WAIT_FOR_APPROVAL,
    )


def test_an_escalation_names_its_approval_and_is_not_an_allow(ask: Ask, running: Running) -> None:
    running.script.result = escalated
    verdict: Verdict = ask(address_of(running), "authorize", "x", {})
    assert not verdict
    assert verdict.escalated
    assert (verdict.approval_id, verdict.approval_url) == ("a-1", "https://pdp.example/a-1")
    assert verdict.next_action is NextAction.WAIT_FOR_APPROVAL
    with pytest.raises(CallEscalated):
        verdict.require()


def test_no_server_is_a_deny_within_the_timeout(ask: Ask) -> None:
    with Running() as gone:
        address = address_of(gone)
    began = time.monotonic()
    verdict: Verdict = ask(address, "authorize", "x", {}, client={"timeout": 0.4})
    assert (verdict.decision, set(verdict.codes)) == (Decision.DENY, {"unavailable"})
    assert verdict.reasons[0].rule == "client"
    assert verdict.next_action is NextAction.RETRY
    assert verdict.decision_id == ""
    assert time.monotonic() - began < 3


def test_a_slow_server_is_a_deny_at_the_timeout(ask: Ask, running: Running) -> None:
    running.script.wait_s = 30
    began = time.monotonic()
    verdict: Verdict = ask(address_of(running), "authorize", "x", {}, timeout=0.3)
    assert (verdict.decision, set(verdict.codes)) == (Decision.DENY, {"deadline_exceeded"})
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("kind", list(RefusalKind))
def test_every_refusal_is_a_deny_with_its_status_as_code(
    ask: Ask, running: Running, kind: RefusalKind
) -> None:
    running.script.result = lambda _: Refusal(kind, "because")
    verdict: Verdict = ask(address_of(running), "authorize", "x", {}, timeout=0.3)
    assert verdict.decision is Decision.DENY
    # Asked again until there was no more time, an unavailable server may look slow.
    assert verdict.codes <= {kind.value, *({"deadline_exceeded"} if kind == "unavailable" else ())}


def test_a_request_is_sent_again_under_the_same_id_while_the_server_is_unavailable(
    ask: Ask, running: Running
) -> None:
    def third_time(call: Call) -> Result:
        if len(running.script.calls) < 3:
            return Refusal(RefusalKind.UNAVAILABLE, "starting")
        return allowed(call)

    running.script.result = third_time
    verdict: Verdict = ask(address_of(running), "authorize", "x", {}, timeout=5)
    assert verdict.allowed
    assert {call.request_id for call in running.script.calls} == {verdict.request_id}
    assert len({call.request_digest for call in running.script.calls}) == 1
    assert len(running.script.calls) == 3


def with_obligation(call: Call) -> Answer:
    return replace(
        allowed(call), obligations=(Obligation("o-1", "redact", {"fields": ["iban", 1, None]}),)
    )


def test_an_allow_with_an_obligation_the_caller_does_not_know_is_a_deny(
    ask: Ask, running: Running
) -> None:
    running.script.result = with_obligation
    verdict: Verdict = ask(address_of(running), "authorize", "x", {})
    assert verdict.decision is Decision.DENY
    assert verdict.reasons[0].code == "unknown_obligation"
    assert "redact" in verdict.reasons[0].message
    assert verdict.canonical_arguments == b""
    assert verdict.decision_id == "d-1"


def test_an_allow_with_a_known_obligation_is_an_allow(ask: Ask, running: Running) -> None:
    running.script.result = with_obligation
    verdict: Verdict = ask(
        address_of(running), "authorize", "x", {}, client={"obligations": ["redact"]}
    )
    assert verdict.allowed
    assert verdict.obligations == (Obligation("o-1", "redact", {"fields": ["iban", 1.0, None]}),)


def spoiled(**changes: Any) -> decision_pb2.AuthorizeResponse:
    fields: dict[str, Any] = {
        "decision": 1,
        "request_id": "r",
        "decision_id": "d",
        "canonical_arguments": b"{}",
        "arguments_digest": "sha256:" + hashlib.sha256(b"{}").hexdigest(),
    }
    return decision_pb2.AuthorizeResponse(**{**fields, **changes})


class Canned:
    """A server that answers every Authorize with the same bytes."""

    def __init__(self, response: bytes) -> None:
        from concurrent.futures import ThreadPoolExecutor

        handler: Any = grpc.unary_unary_rpc_method_handler(lambda _request, _context: response)
        self._server = grpc.server(ThreadPoolExecutor(2))
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "pdp.v1.AuthorizationService", {"Authorize": handler}
                ),
            )
        )
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Canned:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0).wait(10)


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (spoiled(decision=0), "unspecified_decision"),
        (spoiled(decision=77), "unspecified_decision"),
        (spoiled(request_id="another"), "malformed_answer"),
        (spoiled(canonical_arguments=b""), "malformed_answer"),
        (spoiled(canonical_arguments=b'{"to":"eve"}'), "malformed_answer"),
        (spoiled(arguments_digest=""), "malformed_answer"),
        (
            spoiled(
                obligations=[
                    decision_pb2.Obligation(
                        properties=Struct(fields={"a": Value(number_value=float("nan"))})
                    )
                ]
            ),
            "malformed_answer",
        ),
    ],
)
def test_an_answer_that_is_not_a_whole_allow_is_a_deny(
    ask: Ask, response: decision_pb2.AuthorizeResponse, code: str
) -> None:
    with Canned(response.SerializeToString()) as server:
        verdict: Verdict = ask(server.address, "authorize", "x", {}, request_id="r", timeout=5)
    assert verdict.decision is Decision.DENY
    assert verdict.reasons[0].code == code
    assert verdict.canonical_arguments == b""


def test_the_same_answer_unspoiled_is_an_allow(ask: Ask) -> None:
    with Canned(spoiled().SerializeToString()) as server:
        verdict: Verdict = ask(server.address, "authorize", "x", {}, request_id="r", timeout=5)
    assert verdict.allowed


def test_bytes_that_are_no_answer_are_a_deny(ask: Ask) -> None:
    with Canned(b"\xff\xff") as server:
        verdict: Verdict = ask(server.address, "authorize", "x", {}, request_id="r", timeout=5)
    assert verdict.decision is Decision.DENY


@pytest.mark.parametrize(
    ("tool", "arguments", "options"),
    [
        ("x", ["a"], {}),
        ("x", {"a": object()}, {}),
        ("x", {"a": float("nan")}, {}),
        (7, {}, {}),
        ("x", {}, {"task_id": None}),
        ("x", {}, {"subject": ""}),
        ("x", {}, {"subject": 3}),
        ("x", {}, {"intent": Intent("g", tools="abc")}),  # type: ignore[arg-type]
    ],
)
def test_a_programming_error_raises_and_nothing_is_asked(
    ask: Ask, running: Running, tool: Any, arguments: Any, options: Any
) -> None:
    with pytest.raises((TypeError, ValueError)):
        ask(address_of(running), "authorize", tool, arguments, **options)
    assert running.script.calls == []


def guarded(ask: Ask, running: Running, execute: Callable[[dict[str, Any]], Any]) -> Any:
    """guarded_call with a blocking `execute`, on either client."""
    name = getattr(ask, "__name__", "")
    if name == "blocking":
        return ask(address_of(running), "guarded_call", "send", {"b": 1, "a": 2}, execute)

    async def execute_later(arguments: dict[str, Any]) -> Any:
        await asyncio.sleep(0)
        return execute(arguments)

    return ask(address_of(running), "guarded_call", "send", {"b": 1, "a": 2}, execute_later)


def reported(running: Running) -> list[Outcome]:
    return [
        outcome
        for call in running.script.calls
        if isinstance(call.ask, ReportOutcomes)
        for outcome in call.ask.outcomes
    ]


@pytest.mark.parametrize(
    ("output", "sent", "media_type"),
    [
        ({"ok": [1]}, b'{"ok": [1]}', "application/json"),
        ("done", b"done", "text/plain"),
        (b"\x00\xff", b"\x00\xff", ""),
        (None, b"", ""),
        (Phase, b"<enum 'Phase'>", "text/plain"),
    ],
)
def test_a_guarded_call_runs_with_the_canonical_arguments_and_reports_the_output(
    ask: Ask, running: Running, output: Any, sent: bytes, media_type: str
) -> None:
    seen = []

    def execute(arguments: dict[str, Any]) -> Any:
        seen.append(arguments)
        return output

    assert guarded(ask, running, execute) == output
    assert seen == [{"a": 2, "b": 1}]
    assert reported(running) == [Outcome("d-1", OutcomeStatus.SUCCEEDED, sent, media_type)]


def test_a_guarded_call_that_fails_is_reported_and_raises(ask: Ask, running: Running) -> None:
    def execute(_: dict[str, Any]) -> Any:
        raise OSError("mailbox full")

    with pytest.raises(OSError, match="mailbox full"):
        guarded(ask, running, execute)
    assert reported(running) == [
        Outcome("d-1", OutcomeStatus.FAILED, b"OSError: mailbox full", "text/plain")
    ]


@pytest.mark.parametrize(("result", "raised"), [(denied, CallDenied), (escalated, CallEscalated)])
def test_a_guarded_call_that_is_not_allowed_does_not_run(
    ask: Ask, running: Running, result: Callable[[Call], Result], raised: type[Exception]
) -> None:
    running.script.result = result
    ran: list[Any] = []
    with pytest.raises(raised) as caught:
        guarded(ask, running, ran.append)
    assert ran == []
    assert isinstance(caught.value, NotAllowed)
    assert caught.value.verdict.reasons == (Reason("outside_intent", "no glob matches"),)
    assert reported(running) == []


def test_an_allow_the_client_turns_down_is_reported_as_not_executed(
    ask: Ask, running: Running
) -> None:
    running.script.result = with_obligation
    ran: list[Any] = []
    with pytest.raises(CallDenied, match="unknown_obligation"):
        guarded(ask, running, ran.append)
    assert ran == []
    assert [outcome.status for outcome in reported(running)] == [OutcomeStatus.NOT_EXECUTED]


def test_an_answer_to_another_request_is_a_deny_that_reports_nothing(
    ask: Ask, running: Running
) -> None:
    running.script.result = lambda call: replace(allowed(call), request_id="another")
    ran: list[Any] = []
    with pytest.raises(CallDenied, match="malformed_answer") as caught:
        guarded(ask, running, ran.append)
    assert ran == []
    assert caught.value.verdict.decision_id == ""
    assert reported(running) == []


def test_an_output_is_not_lost_when_its_report_fails(
    ask: Ask, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    def result(call: Call) -> Result:
        if isinstance(call.ask, ReportOutcomes):
            return Refusal(RefusalKind.INTERNAL, "no")
        return allowed(call)

    running.script.result = result
    with caplog.at_level(logging.WARNING, "pdp.client"):
        assert guarded(ask, running, lambda _: "out") == "out"
    assert "d-1" in caplog.text


def test_a_report_says_whether_it_was_cut_and_raises_where_it_failed(
    ask: Ask, running: Running
) -> None:
    where = address_of(running)
    assert ask(where, "report", "d-1", OutcomeStatus.SUCCEEDED, "x") is False
    assert ask(where, "report", "d-1", OutcomeStatus.SUCCEEDED, b"x" * (2 << 20)) is True
    running.script.result = lambda _: Refusal(RefusalKind.NOT_FOUND, "no such decision")
    with pytest.raises(ReportFailed, match="not_found: no such decision") as caught:
        ask(where, "report", "d-1", OutcomeStatus.SUCCEEDED)
    assert caught.value.code == "not_found"
    with pytest.raises(ValueError, match="decision_id"):
        ask(where, "report", "", OutcomeStatus.SUCCEEDED)


def test_a_task_is_started_moved_and_ended(ask: Ask, running: Running) -> None:
    where = address_of(running)
    task = ask(
        where,
        "start_task",
        "tidy up",
        on_behalf_of="alice",
        phase=Phase.PREPARE,
        ttl_s=90.5,
        budget=Budget(5, 2),
        task_id="mine",
    )
    moved = ask(where, "change_phase", "t-1", Phase.EXECUTE, reason="now")
    ended = ask(where, "complete_task", "t-1")
    start, change, complete = (call.ask for call in running.script.calls)

    assert (task.id, task.phase, task.max_calls) == ("t-1", Phase.EXECUTE, 100)
    assert isinstance(start, StartTask)
    assert (start.intent.goal, start.on_behalf_of.id, start.phase) == (
        "tidy up",
        "alice",
        Phase.PREPARE,
    )
    assert (start.ttl_us, start.budget, start.task_id) == (90_500_000, Budget(5, 2), "mine")
    assert (change, complete) == (ChangePhase("t-1", Phase.EXECUTE, "now"), CompleteTask("t-1"))
    assert moved.allowed
    assert ended.allowed


@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("start_task", ("g",)),
        ("change_phase", ("t-1", Phase.EXECUTE)),
        ("complete_task", ("t-1",)),
    ],
)
def test_a_task_action_that_is_not_allowed_or_not_answered_raises(
    ask: Ask, running: Running, method: str, args: tuple[Any, ...]
) -> None:
    running.script.result = denied
    with pytest.raises(CallDenied, match="outside_intent"):
        ask(address_of(running), method, *args)
    running.script.result = lambda _: Refusal(RefusalKind.PERMISSION_DENIED, "not you")
    with pytest.raises(CallDenied, match="permission_denied: not you"):
        ask(address_of(running), method, *args)
    running.script.result = lambda call: replace(allowed(call), request_id="another")
    with pytest.raises(CallDenied, match="malformed_answer"):
        ask(address_of(running), method, *args)


def test_an_allowed_start_without_a_task_is_no_task(ask: Ask, running: Running) -> None:
    running.script.result = lambda call: replace(allowed(call), task_after=None)
    with pytest.raises(CallDenied, match="malformed_answer"):
        ask(address_of(running), "start_task", "g")


def test_metadata_goes_with_every_call(ask: Ask) -> None:
    from pdp.domain.values import Caller
    from pdp.identity import development
    from pdp.identity.port import Peer

    def identify(peer: Peer) -> Caller:
        return replace(development.identify(peer), identity=development.person(peer))

    with Running(identify=identify) as running:
        ask(
            address_of(running),
            "authorize",
            "x",
            {},
            client={"metadata": [("x-pdp-dev-identity", "carol")]},
        )
        assert only(running).caller.identity == Subject("user", "carol", "pdp-dev")
        without: Verdict = ask(address_of(running), "authorize", "x", {})
    assert without.codes == {"unauthenticated"}


def test_a_server_that_comes_back_is_found_again_within_the_timeout(tmp_path: Any) -> None:
    address = f"unix:{tmp_path}/pdp.sock"
    with AuthorizationClient(address, subject=AGENT, timeout=10) as client:
        with Running(address):
            assert client.authorize("x", {}).allowed
        verdicts: list[Verdict] = []
        thread = threading.Thread(target=lambda: verdicts.append(client.authorize("x", {})))
        thread.start()
        time.sleep(0.3)
        with Running(address):
            thread.join(20)
    assert verdicts[0].allowed


def test_a_client_is_safe_to_share_between_threads(running: Running) -> None:
    results: list[tuple[int, Verdict]] = []
    with AuthorizationClient(address_of(running), subject=AGENT, timeout=20) as client:

        def work(start: int) -> None:
            results.extend(
                (number, client.authorize("x", {"n": number}))
                for number in range(start, start + 25)
            )

        threads = [threading.Thread(target=work, args=(start * 25,)) for start in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(results) == 200
    assert all(verdict.arguments == {"n": number} for number, verdict in results)
