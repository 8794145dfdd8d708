"""Load on a running service: threads that call it and remember what they sent and heard."""

from __future__ import annotations

import itertools
import random
import threading
import time
from dataclasses import dataclass

import grpc

from pdp.v1 import decision_pb2
from tests.faults.world import Client, look, note
from tests.service import Service

# After a call that found no service: soon enough to be there when it is back.
_PAUSE_S = 0.005
_JOIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Sent:
    """One call as it went; `answer` is None where it ended with a status."""

    request: decision_pb2.AuthorizeRequest
    answer: decision_pb2.AuthorizeResponse | None
    status: grpc.StatusCode | None
    began: float
    took: float


class Load:
    """Threads that call without pause, each on a connection and with request ids of its own.

    Every second call carries the outcome of the allow before it.
    """

    def __init__(
        self,
        service: Service,
        tasks: list[str],
        *,
        name: str = "load",
        threads: int = 6,
        timeout: float = 5.0,
        outcomes: bool = True,
    ) -> None:
        self._service = service
        self._tasks = tasks
        self._name = name
        self._timeout = timeout
        self._outcomes = outcomes
        self._end = threading.Event()
        self._sent: list[list[Sent]] = [[] for _ in range(threads)]
        self._threads = [
            threading.Thread(target=self._run, args=(number,), daemon=True)
            for number in range(threads)
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def sent(self) -> list[Sent]:
        """All calls that have ended so far."""
        return [one for part in self._sent for one in list(part)]

    @property
    def answered(
        self,
    ) -> list[tuple[decision_pb2.AuthorizeRequest, decision_pb2.AuthorizeResponse]]:
        """Requests and their answers, where there is one."""
        return [(one.request, one.answer) for one in self.sent if one.answer is not None]

    def stop(self) -> list[Sent]:
        """End the load; returns all calls."""
        self._end.set()
        for thread in self._threads:
            thread.join(_JOIN_S)
            assert not thread.is_alive(), "a call did not end"
        return self.sent

    def _run(self, number: int) -> None:
        choose = random.Random(f"{self._name}/{number}")
        allowed = ""
        with Client(self._service) as client:
            for count in itertools.count():
                if self._end.is_set():
                    return
                request_id = f"{self._name}/{number}/{count}"
                task_id = choose.choice(self._tasks)
                make = note if choose.random() < 0.3 else look
                request = make(task_id, request_id=request_id)
                if allowed and self._outcomes:
                    request.outcomes.add(
                        decision_id=allowed,
                        status=decision_pb2.OUTCOME_STATUS_SUCCEEDED,
                        output=b'{"found": "the minutes of Monday"}',
                    )
                sent = _send(client, request, self._timeout)
                self._sent[number].append(sent)
                if sent.answer is None:
                    time.sleep(_PAUSE_S)
                allowed = (
                    sent.answer.decision_id
                    if sent.answer is not None
                    and not allowed
                    and sent.answer.decision == decision_pb2.DECISION_ALLOW
                    else ""
                )


def _send(client: Client, request: decision_pb2.AuthorizeRequest, timeout: float) -> Sent:
    began = time.monotonic()
    try:
        answer = client.authorize(request, timeout)
    except grpc.RpcError as error:
        return Sent(request, None, error.code(), began, time.monotonic() - began)
    return Sent(request, answer, None, began, time.monotonic() - began)
