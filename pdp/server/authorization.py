"""AuthorizationService: calls in, decisions out."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from google.protobuf.message import Message

from pdp.domain.answer import Answer, OutcomesRecorded, Refusal, RefusalKind, Result
from pdp.domain.error_reason import ErrorReason
from pdp.domain.limits import BATCH_ELEMENTS, check_count, unset
from pdp.domain.request import Call
from pdp.server import answers, convert
from pdp.server.errors import Refused, refusal_of
from pdp.server.ports import Submitter
from pdp.server.rpc import Asked, Rpc
from pdp.v1 import decision_pb2

# The contract: messages up to 16 MiB, answers too.
MESSAGE_BYTES: Final = 16 * 1024 * 1024


def authorization_rpcs(submitter: Submitter, *, console_url: str = "") -> Mapping[str, Rpc]:
    """The RPCs of AuthorizationService that this version has, by name.

    `console_url` is where people decide what is escalated, if anywhere.
    """

    async def authorize(request: decision_pb2.AuthorizeRequest, asked: Asked) -> Message:
        result = await submitter.submit(_call(request, asked))
        return answers.answer(decided(result), console_url=console_url)

    async def authorize_batch(request: decision_pb2.AuthorizeBatchRequest, asked: Asked) -> Message:
        elements = request.requests
        if not elements:
            raise unset("requests", "is empty", f"send 1 to {BATCH_ELEMENTS}")
        check_count(len(elements), "requests", BATCH_ELEMENTS)
        read = [_call_or_refusal(element, asked) for element in elements]
        results = iter(
            await submitter.submit_many([entry for entry in read if isinstance(entry, Call)])
        )
        now_us = time.time_ns() // 1000
        responses = [
            _element(
                entry if isinstance(entry, Refusal) else next(results),
                element.request_id,
                now_us,
                console_url,
            )
            for element, entry in zip(elements, read, strict=True)
        ]
        response = decision_pb2.AuthorizeBatchResponse(responses=responses)
        if response.ByteSize() > MESSAGE_BYTES:
            raise Refused(
                Refusal(
                    RefusalKind.RESOURCE_EXHAUSTED,
                    "the answers are larger than 16 MiB: send fewer calls at once",
                    "requests",
                    reason=ErrorReason.ANSWER_TOO_LARGE,
                )
            )
        return response

    async def report_outcome(request: decision_pb2.ReportOutcomeRequest, asked: Asked) -> Message:
        report = convert.report(request)
        result = await submitter.submit(
            Call(asked.caller, asked.rpc, report, deadline_us=asked.deadline_us)
        )
        if isinstance(result, OutcomesRecorded):
            return answers.recorded(result)
        raise _unexpected(result)

    return {
        "Authorize": authorize,
        "AuthorizeBatch": authorize_batch,
        "ReportOutcome": report_outcome,
    }


def decided(result: Result) -> Answer:
    """The answer that a result is.

    Raises:
        Refused: it is a refusal.
        TypeError: it is no result of a call that is decided.
    """
    if isinstance(result, Answer):
        return result
    raise _unexpected(result)


def _unexpected(result: Result) -> Exception:
    if isinstance(result, Refusal):
        return Refused(result)
    return TypeError(f"the pipeline answered with {type(result).__name__}")


def _call(request: decision_pb2.AuthorizeRequest, asked: Asked) -> Call:
    return convert.call(
        request,
        convert.authorize(request),
        caller=asked.caller,
        rpc=asked.rpc,
        deadline_us=asked.deadline_us,
    )


def _call_or_refusal(request: decision_pb2.AuthorizeRequest, asked: Asked) -> Call | Refusal:
    try:
        return _call(request, asked)
    except Exception as fault:  # One element's trouble is its own.
        return refusal_of(fault, asked.rpc)


def _element(
    result: Result, request_id: str, now_us: int, console_url: str
) -> decision_pb2.AuthorizeResponse:
    try:
        return answers.answer(decided(result), console_url=console_url)
    except Exception as fault:  # One element's trouble is its own.
        refusal = refusal_of(fault, "AuthorizeBatch")
        return answers.denied(refusal, request_id=request_id, now_us=now_us)
