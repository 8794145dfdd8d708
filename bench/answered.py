"""What calls cost in tasks whose questions people have answered, beside tasks that never asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from bench.calls import arguments, lanes, question, requests, send
from bench.client import Recorded
from bench.people import answer_once
from bench.processes import BenchFailed
from bench.rounds import Measured, Plan, Row, measure
from bench.service import Service
from pdp.v1 import decision_pb2

NEVER: Final = "never-asked"
APPROVED: Final = "approved"
GRANTED: Final = "granted"
SENDS: Final = "never-asked-sends"
USES: Final = "grant-used"

#: The rows with the one that each is compared with.
COMPARED: Final = {APPROVED: NEVER, GRANTED: NEVER, USES: SENDS}

_TITLES: Final = {
    NEVER: "tasks that never asked",
    APPROVED: "tasks with an approved call that was not made yet",
    GRANTED: "tasks with a live grant",
    SENDS: "tasks that never asked, every call an e-mail",
    USES: "every call an e-mail under a live grant",
}
_MADE: Final = {SENDS: send, USES: question}


def measure_answered(
    client: Path, service: Service, plan: Plan, tell: Callable[[str], None]
) -> Mapping[str, Measured]:
    """The rows by key: approvals and grants are looked up with every call of a task that asked.

    Raises:
        BenchFailed: something was answered that must not be.
    """
    rows = []
    for key, title in _TITLES.items():
        tell(f"starting tasks: {title}")
        over = lanes(key)
        service.start_tasks(over)
        if key in (APPROVED, GRANTED, USES):
            answer_once(service, over, grant=key != APPROVED)
        make = partial(_requests, key)
        check = check_used if key == USES else check_unused
        rows.append(Row(key, title, service.target, make, partial(check, service)))
    return measure(client, rows, plan, tell)


def _requests(key: str, run: str, count: int) -> list[bytes]:
    return requests(run, lanes(key), count, _MADE.get(key, arguments))


def check_unused(service: Service, recorded: Recorded) -> None:
    """Hold answers of calls for which nobody needs to be asked against what they must be.

    Raises:
        BenchFailed: something else was answered, or one of them rests on a person's answer.
    """
    service.check(recorded)
    if any("approved" in codes for codes in _codes(recorded)):
        raise BenchFailed("a call rested on an answer that it does not need")


def check_used(service: Service, recorded: Recorded) -> None:
    """Hold answers of calls under a grant against what they must be.

    Raises:
        BenchFailed: something else was answered, or one of them does not rest on the grant.
    """
    service.check(recorded)
    if _codes(recorded) != {("approved",)}:
        raise BenchFailed("a call did not rest on its task's grant")


def _codes(recorded: Recorded) -> set[tuple[str, ...]]:
    """The codes that answers have."""
    answers = (decision_pb2.AuthorizeResponse.FromString(one.body) for one in recorded.answers)
    return {tuple(reason.code for reason in answer.reasons) for answer in answers}
