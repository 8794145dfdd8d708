"""FilterTools and Explain: what would be decided, or was, without deciding anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final, TypeVar

from google.protobuf.message import Message

from pdp.decide import Parts
from pdp.domain.answer import Refusal, RefusalKind
from pdp.domain.error_reason import ErrorReason
from pdp.domain.explanation import Explanation, RuleMode, RuleResult, RuleVerdict
from pdp.domain.limits import check_count, check_text, unset
from pdp.domain.names import check_server_name, check_tool_name
from pdp.domain.request import Authorize, Call
from pdp.domain.values import Action
from pdp.explain import Explained, explain_decision, explain_request
from pdp.preview import Prepared, Visibility, admitted, explain_all, prepare_tools, visibility
from pdp.recorded import DecisionRecords
from pdp.server import answers, convert
from pdp.server.errors import Refused
from pdp.server.ports import BetweenBatches
from pdp.server.rpc import Asked, Rpc
from pdp.v1 import common_pb2, decision_pb2

#: A gateway shows an agent a few hundred tools at most; each is an evaluation.
MAX_TOOLS: Final = 1024
#: Calls wait while tools are resolved, about 0.1 ms for each: no longer than for a batch.
PORTION_TOOLS: Final = 64
#: A call waits for at most this many portions, however many previews there are.
AT_ONCE: Final = 2
#: Those that wait their turn take a little of a second each; more would give up first.
WAITING: Final = 64
#: As long as a call waits for its result.
WAIT_SECONDS: Final = 10.0

# The PDP's own ids are far shorter; whatever is longer was never one.
_DECISION_ID_BYTES: Final = 128
_VISIBILITY: Final = {
    Visibility.VISIBLE: decision_pb2.VISIBILITY_VISIBLE,
    Visibility.ESCALATES: decision_pb2.VISIBILITY_ESCALATES,
    Visibility.HIDDEN: decision_pb2.VISIBILITY_HIDDEN,
}
_RESULT: Final = {
    RuleResult.PASS: decision_pb2.RuleVerdict.VERDICT_PASS,
    RuleResult.NOT_APPLICABLE: decision_pb2.RuleVerdict.VERDICT_NOT_APPLICABLE,
    RuleResult.ESCALATE: decision_pb2.RuleVerdict.VERDICT_ESCALATE,
    RuleResult.DENY: decision_pb2.RuleVerdict.VERDICT_DENY,
    RuleResult.NONE: decision_pb2.RuleVerdict.VERDICT_UNSPECIFIED,
}
_MODE: Final = {
    RuleMode.ENFORCE: decision_pb2.RuleVerdict.MODE_ENFORCE,
    RuleMode.SHADOW: decision_pb2.RuleVerdict.MODE_SHADOW,
    RuleMode.OFF: decision_pb2.RuleVerdict.MODE_OFF,
}

T = TypeVar("T")


def preview_rpcs(batches: BetweenBatches, records: DecisionRecords) -> Mapping[str, Rpc]:
    """FilterTools and Explain, by name."""
    places = asyncio.Semaphore(AT_ONCE)
    waiting = 0

    @asynccontextmanager
    async def turn() -> AsyncIterator[None]:
        nonlocal waiting
        if waiting >= WAITING:
            raise _refused(
                RefusalKind.RESOURCE_EXHAUSTED,
                "too many previews are waiting; try again later",
                ErrorReason.TOO_MANY_PREVIEWS,
            )
        waiting += 1
        try:
            async with places:
                yield
        finally:
            waiting -= 1

    async def between(work: Callable[[Parts], T | Refusal]) -> T:
        """The result of `work` on the pipeline's thread, between two batches."""
        done = asyncio.wrap_future(batches.between_batches(lambda parts: (parts, work(parts))))
        try:
            result = await asyncio.wait_for(done, WAIT_SECONDS)
        except TimeoutError:
            raise _refused(
                RefusalKind.UNAVAILABLE,
                "it was not done in time; try again",
                ErrorReason.PREVIEW_LATE,
            ) from None
        if isinstance(result, Refusal):
            raise Refused(result)
        return result

    async def filter_tools(request: decision_pb2.FilterToolsRequest, asked: Asked) -> Message:
        template = _template(request, asked)
        names = _named(request)
        async with turn():
            keys = await between(partial(_tools, template, request.server, names))
            shown: list[decision_pb2.ToolVisibility] = []
            for start in range(0, len(keys), PORTION_TOOLS):
                calls = [_call_of(template, *key) for key in keys[start : start + PORTION_TOOLS]]
                prepared, parts = await between(partial(_prepared, calls))
                documents = [one.document for one in prepared]
                explained = await asyncio.to_thread(explain_all, documents, parts.engine)
                shown += map(_shown, prepared, explained)
        return decision_pb2.FilterToolsResponse(tools=shown)

    async def explain(request: decision_pb2.ExplainRequest, asked: Asked) -> Message:
        work: Callable[[Parts], Explained | Refusal]
        match request.WhichOneof("explained"):
            case "request":
                call = Call(asked.caller, asked.rpc, convert.authorize(request.request))
                work = partial(explain_request, call)
            case "decision_id":
                check_text(
                    request.decision_id, "decision_id", _DECISION_ID_BYTES,
                    one_line=True, required=True,
                )  # fmt: skip
                work = partial(explain_decision, request.decision_id, asked.caller, records)
            case _:
                raise unset("explained", "is not set", "send a request or a decision_id")
        async with turn():
            return _explained(await between(work))

    return {"FilterTools": filter_tools, "Explain": explain}


def _template(request: decision_pb2.FilterToolsRequest, asked: Asked) -> Call:
    """The call that every tool is tried with, but for its action."""
    as_call = decision_pb2.AuthorizeRequest(
        subject=request.subject,
        # Any name that is one: it is replaced.
        action=common_pb2.Action(name="tool"),
        context=request.context if request.HasField("context") else None,
        on_behalf_of=request.on_behalf_of if request.HasField("on_behalf_of") else None,
    )
    return Call(asked.caller, asked.rpc, convert.authorize(as_call))


def _named(request: decision_pb2.FilterToolsRequest) -> Sequence[str]:
    check_server_name(request.server, "server")
    check_count(len(request.tools), "tools", MAX_TOOLS)
    for index, name in enumerate(request.tools):
        check_tool_name(name, f"tools[{index}]")
    return request.tools


def _tools(
    template: Call, server: str, names: Sequence[str], parts: Parts
) -> list[tuple[str, str]] | Refusal:
    """Server and name of each tool that is asked about."""
    one = admitted(template, parts)
    if isinstance(one, Refusal):
        return one
    if names:
        return [(server, name) for name in names]
    keys = [(tool.server, tool.name) for tool in parts.catalogue if server in ("", tool.server)]
    if len(keys) > MAX_TOOLS:
        return Refusal(
            RefusalKind.INVALID_ARGUMENT,
            f"tools: there are {len(keys)}; name a server, or at most {MAX_TOOLS} tools",
            field="tools",
            reason=ErrorReason.TOO_MANY_ELEMENTS,
        )
    return sorted(keys, key=lambda key: (key[1], key[0]))


def _call_of(template: Call, server: str, name: str) -> Call:
    if not isinstance(template.ask, Authorize):
        raise TypeError("the template is no call of a tool")
    return replace(template, ask=replace(template.ask, action=Action(name, b"", server)))


def _prepared(calls: Sequence[Call], parts: Parts) -> tuple[list[Prepared], Parts]:
    return prepare_tools(calls, parts), parts


def _shown(one: Prepared, explained: Explanation) -> decision_pb2.ToolVisibility:
    found, reasons = visibility(one, explained)
    return decision_pb2.ToolVisibility(
        server=one.facts.server,
        name=one.facts.name,
        visibility=_VISIBILITY[found],
        reasons=map(answers.reason, reasons),
    )


def _explained(value: Explained) -> decision_pb2.ExplainResponse:
    explanation = value.explanation
    return decision_pb2.ExplainResponse(
        response=answers.answer(value.answer),
        rules=[_rule(rule) for rule in explanation.rules] if explanation is not None else [],
        input_json=value.document,
        policy_revision=value.revision,
        policy_decision=(
            answers.DECISION[explanation.policy.decision]
            if explanation is not None
            else decision_pb2.DECISION_UNSPECIFIED
        ),
    )


def _rule(verdict: RuleVerdict) -> decision_pb2.RuleVerdict:
    return decision_pb2.RuleVerdict(
        rule=verdict.rule,
        verdict=_RESULT[verdict.result],
        mode=_MODE[verdict.mode],
        code=verdict.code,
        message=verdict.message,
        controls=verdict.controls,
        metadata=verdict.metadata,
    )


def _refused(kind: RefusalKind, message: str, reason: ErrorReason) -> Refused:
    return Refused(Refusal(kind, message, reason=reason))
