"""Large outputs are read before the call that brings them is decided, and elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pdp.admit import ENFORCEMENT_ROLE
from pdp.domain.answer import Refusal, RefusalKind, Result
from pdp.domain.error_reason import ErrorReason
from pdp.domain.limits import KIB
from pdp.domain.request import AppendContext, Authorize, Call, ReportOutcomes
from pdp.domain.values import Outcome, Trust

if TYPE_CHECKING:
    from pdp.ports import OutputReader
    from pdp.server.ports import Submitter

#: What one request brings in outputs is read by those who decide if it is no more than this: it
#: takes them about half a millisecond, as handing it over and taking what was read does.
READ_IN_PLACE: Final = 8 * KIB
#: Requests whose outputs wait to be read, each up to a message (16 MiB). What comes beyond them
#: would wait for seconds.
WAITING: Final = 64

_FULL: Final = Refusal(
    RefusalKind.RESOURCE_EXHAUSTED,
    "too many large outputs are waiting to be read; try again later, or spread the load",
    reason=ErrorReason.QUEUE_FULL,
)


class ReadFirst:
    """A submitter before another one, for one event loop: hands calls on with their outputs read.

    A call with a large output is submitted once that was read; calls that come meanwhile go ahead.
    """

    def __init__(self, behind: Submitter, reader: OutputReader, *, waiting: int = WAITING) -> None:
        self._behind = behind
        self._reader = reader
        self._places = waiting

    async def submit(self, call: Call) -> Result:
        """The result of one call."""
        if _brought([call]) <= READ_IN_PLACE:
            return await self._behind.submit(call)
        (result,) = await self._read_first([call])
        return result

    async def submit_many(self, calls: Sequence[Call]) -> Sequence[Result]:
        """One result for each call, in order; the calls enter together."""
        if _brought(calls) <= READ_IN_PLACE:
            return await self._behind.submit_many(calls)
        return await self._read_first(calls)

    async def _read_first(self, calls: Sequence[Call]) -> Sequence[Result]:
        if not self._places:
            return [_FULL] * len(calls)
        self._places -= 1
        try:
            # One after another: what other requests bring takes its turn between.
            read = [await self._read(call) for call in calls]
        finally:
            self._places += 1
        if len(read) == 1:
            return [await self._behind.submit(read[0])]
        return await self._behind.submit_many(read)

    async def _read(self, call: Call) -> Call:
        match call.ask:
            case Authorize(outcomes=outcomes) | ReportOutcomes(outcomes=outcomes) if outcomes:
                read = tuple([await self._outcome(outcome) for outcome in outcomes])
                return replace(call, ask=replace(call.ask, outcomes=read))
            case AppendContext(content=content):
                forms = await self._reader.read(content, "")
                return replace(call, ask=replace(call.ask, read=forms))
        return call

    async def _outcome(self, outcome: Outcome) -> Outcome:
        if not outcome.output:
            return outcome
        forms = await self._reader.read(outcome.output, outcome.output_media_type)
        return replace(outcome, read=forms)


def _brought(calls: Sequence[Call]) -> int:
    """Bytes of the outputs that calls bring, but for what Admit refuses."""
    count = 0
    for call in calls:
        ask = call.ask
        if isinstance(ask, Authorize | ReportOutcomes):
            if ask.outcomes and ENFORCEMENT_ROLE in call.caller.roles:
                count += sum(len(outcome.output) for outcome in ask.outcomes)
        elif isinstance(ask, AppendContext) and ask.trust is not Trust.PRINCIPAL:
            count += len(ask.content)
    return count
