"""The calls that are measured: tasks, their principals, and one unlike request after another."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from pdp.v1 import common_pb2, decision_pb2, task_pb2

SERVER: Final = "office"
TASKS: Final = 64
EARLIER_CALLS: Final = 8
#: One call in four has an effect.
EFFECT_EVERY: Final = 4

GOAL: Final = (
    "Find what was said about the meeting on Monday and send an e-mail with a summary to "
    "bob@example.com."
)
TOOLS: Final = ("search_messages", "send_email")
#: Far more than any run makes.
BUDGET: Final = 1_000_000_000
TTL_S: Final = 86_400

#: A tool's name and its arguments.
Made: TypeAlias = tuple[str, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Lane:
    """A task, the agent that works in it, and the principal whose work it is."""

    task_id: str
    agent: str
    person: str


def lanes(name: str, *, count: int = TASKS, principals: int = TASKS) -> list[Lane]:
    """Tasks called `name`-…, shared evenly by so many principals with an agent each."""
    return [
        Lane(
            task_id=f"{name}-{index:04}",
            agent=f"spiffe://example.com/agent/{name}-{index % principals:04}",
            person=f"{name}-{index % principals:04}@example.com",
        )
        for index in range(count)
    ]


def start_request(lane: Lane) -> task_pb2.StartTaskRequest:
    """What starts a lane's task."""
    request = task_pb2.StartTaskRequest(
        task_id=lane.task_id,
        subject=agent(lane),
        on_behalf_of=common_pb2.Subject(
            type="user", id=lane.person, issuer="https://id.example.com"
        ),
        intent=common_pb2.Intent(
            goal=GOAL, tools=TOOLS, max_sensitivity=common_pb2.SENSITIVITY_CONFIDENTIAL
        ),
        phase=common_pb2.PHASE_EXECUTE,
        budget=task_pb2.Budget(max_calls=BUDGET, max_effects=BUDGET),
    )
    request.ttl.seconds = TTL_S
    return request


def agent(lane: Lane) -> common_pb2.Subject:
    """The subject of a lane's calls."""
    return common_pb2.Subject(type="agent", id=lane.agent)


def is_effect(number: int, count: int = TASKS) -> bool:
    """Whether call `number` sends an e-mail; over `count` lanes every task has its share."""
    return (number // count + number) % EFFECT_EVERY == 0


def arguments(number: int) -> Made:
    """The tool of call `number` and its arguments, which no other call has."""
    if is_effect(number):
        return send(number)
    return "search_messages", {"query": f"meeting on Monday, item {number}", "limit": 10}


def question(number: int) -> Made:
    """A call that a person is asked about: the e-mail goes to somebody whom nobody has named."""
    return "send_email", {
        "recipients": ["erin@example.net"],
        "subject": f"Summary {number}",
        "body": f"Erin, this is summary {number}: the meeting is on Monday at ten, in room 4.",
    }


def send(number: int) -> Made:
    """As `arguments`, and always an e-mail."""
    return "send_email", {
        "recipients": ["bob@example.com"],
        "subject": f"Summary {number}",
        "body": f"Bob, this is summary {number}: the meeting is on Monday at ten, in room 4.",
    }


def requests(
    run: str, over: Sequence[Lane], count: int, of: Callable[[int], Made] = arguments
) -> list[bytes]:
    """So many AuthorizeRequests over the lanes in turn; `run` makes their request ids unique.

    `of` gives the tool and the arguments of a call of some number.
    """
    return [
        request(f"{run}-{number}", over[number % len(over)], of(number)).SerializeToString()
        for number in range(count)
    ]


def request(request_id: str, lane: Lane, made: Made) -> decision_pb2.AuthorizeRequest:
    """One call in a lane's task."""
    tool, given = made
    return decision_pb2.AuthorizeRequest(
        request_id=request_id,
        subject=agent(lane),
        action=common_pb2.Action(
            name=tool, server=SERVER, arguments_json=json.dumps(given).encode()
        ),
        context=decision_pb2.Context(task_id=lane.task_id),
    )
