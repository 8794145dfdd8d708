"""Who waits for an approval, or watches them all, is told in time and of everything."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from pdp.server.approvals import WATCHERS
from pdp.v1 import approval_pb2, common_pb2, task_pb2
from tests.escalated import CAROL, REFUSE, People, Work, bundle, error_of, office
from tests.service import Service, start_service

PENDING = common_pb2.APPROVAL_STATE_PENDING
APPROVED = common_pb2.APPROVAL_STATE_APPROVED
DENIED = common_pb2.APPROVAL_STATE_DENIED
EXPIRED = common_pb2.APPROVAL_STATE_EXPIRED


@pytest.fixture(scope="module")
def service(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    data = tmp_path_factory.mktemp("waiting")
    with start_service(data, catalogues=[office("office", data, root)]) as running:
        yield running


@pytest.fixture(scope="module")
def channel(service: Service) -> Iterator[grpc.Channel]:
    with service.channel() as opened:
        yield opened


@pytest.fixture(scope="module")
def people(channel: grpc.Channel) -> People:
    return People(channel)


@pytest.fixture
def work(channel: grpc.Channel) -> Work:
    return Work(channel)


def wait(people: People, approval_id: str, seconds: float = 30.0) -> Any:
    """A wait that has begun."""
    max_wait = Duration()
    max_wait.FromMicroseconds(int(seconds * 1_000_000))
    request = approval_pb2.WaitApprovalRequest(approval_id=approval_id, max_wait=max_wait)
    return people.stub.WaitApproval.future(request, timeout=60)


class Watch:
    """A watch that is read on a thread of its own; `told` holds what came, and when."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.call: Any = People(channel).stub.WatchApprovals(
            approval_pb2.WatchApprovalsRequest(), timeout=100
        )
        self.told: queue.SimpleQueue[tuple[float, Any]] = queue.SimpleQueue()
        self.error: Any = None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            for response in self.call:
                self.told.put((time.monotonic(), response.approval))
        except grpc.RpcError as error:
            self.error = error

    def until(self, wanted: Callable[[Any], bool], seconds: float = 20.0) -> tuple[float, Any]:
        """The first approval told that is wanted, and when it came."""
        end = time.monotonic() + seconds
        while True:
            told = self.told.get(timeout=max(0.0, end - time.monotonic()))
            if wanted(told[1]):
                return told

    def state(self, approval_id: str, state: Any) -> float:
        """When the approval was told to be in that state."""
        return self.until(lambda one: (one.id, one.state) == (approval_id, state))[0]

    def ended(self) -> Any:
        """The error that it ended with."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.error


@contextmanager
def watching(channel: grpc.Channel) -> Iterator[Watch]:
    watch = Watch(channel)
    try:
        yield watch
    finally:
        watch.call.cancel()
        watch.ended()


# Waiting


def test_a_wait_for_no_time_answers_at_once(people: People, work: Work) -> None:
    approval_id = work.escalated()
    began = time.monotonic()
    request = approval_pb2.WaitApprovalRequest(approval_id=approval_id)
    assert people.stub.WaitApproval(request, timeout=10).approval.state == PENDING
    assert wait(people, approval_id, 0).result().approval.state == PENDING
    assert time.monotonic() - began < 5


def test_a_wait_ends_with_the_question_still_open(people: People, work: Work) -> None:
    approval_id = work.escalated()
    began = time.monotonic()
    assert wait(people, approval_id, 0.5).result().approval.state == PENDING
    assert 0.5 <= time.monotonic() - began < 5


def test_a_wait_ends_as_soon_as_somebody_answers(people: People, work: Work) -> None:
    approval_id = work.escalated()
    waiting = [wait(people, approval_id) for _ in range(3)]
    time.sleep(0.3)
    assert not any(one.done() for one in waiting)
    people.decide(approval_id)
    began = time.monotonic()
    shown = [one.result().approval for one in waiting]
    assert time.monotonic() - began < 5
    assert [one.state for one in shown] == [APPROVED] * 3
    assert [len(one.votes) for one in shown] == [1] * 3


def test_no_answer_is_missed_however_close_it_comes_to_the_wait(
    people: People, channel: grpc.Channel
) -> None:
    for number in range(15):
        approval_id = Work(channel).escalated()
        with ThreadPoolExecutor(1) as threads:
            decided = threads.submit(people.decide, approval_id)
            time.sleep(number * 0.0005)
            began = time.monotonic()
            assert wait(people, approval_id).result().approval.state == APPROVED
            assert time.monotonic() - began < 5
            decided.result()


def test_what_is_answered_already_is_not_waited_for(people: People, work: Work) -> None:
    approval_id = work.escalated()
    people.decide(approval_id, REFUSE)
    assert wait(people, approval_id).result().approval.state == DENIED


def test_a_wait_answers_before_its_client_gives_up(people: People, work: Work) -> None:
    request = approval_pb2.WaitApprovalRequest(
        approval_id=work.escalated(), max_wait=Duration(seconds=60)
    )
    assert people.stub.WaitApproval(request, timeout=1.5).approval.state == PENDING


def test_a_wait_for_less_than_nothing_is_refused(people: People, work: Work) -> None:
    request = approval_pb2.WaitApprovalRequest(
        approval_id=work.escalated(), max_wait=Duration(seconds=-1)
    )
    error = error_of(people.stub.WaitApproval, request)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.details().startswith("max_wait")


# Watching


def test_a_watch_begins_with_what_is_open_and_goes_on_with_what_changes(
    people: People, channel: grpc.Channel, work: Work
) -> None:
    before, denied = work.escalated(), work.escalated("eve@example.com")
    people.decide(denied, REFUSE)
    with watching(channel) as watch:
        told = watch.until(lambda one: one.id == before)[1]
        assert told.state == PENDING
        assert told.action.arguments_json == b'{"body":"lunch at noon","to":["dora@example.com"]}'
        assert told.task.id == work.task_id
        later = work.escalated("fay@example.com")
        assert watch.until(lambda one: one.id in (denied, later))[1].id == later
        people.decide(before)
        watch.state(before, APPROVED)
        assert work.ask().approval.id == before
        watch.state(before, common_pb2.APPROVAL_STATE_RESERVED)
        people.cancel(denied)
        watch.state(denied, common_pb2.APPROVAL_STATE_CANCELLED)
        people.tasks.CompleteTask(task_pb2.CompleteTaskRequest(task_id=work.task_id))
        watch.state(later, common_pb2.APPROVAL_STATE_CANCELLED)


def test_a_hundred_watchers_are_told_at_once(
    people: People, channel: grpc.Channel, work: Work
) -> None:
    approval_id = work.escalated()
    watches = [Watch(channel) for _ in range(100)]
    try:
        for watch in watches:
            watch.state(approval_id, PENDING)
        took: list[float] = []
        # The best of some: this machine does other work, too, and the watchers are on it.
        for number in range(5):
            another = work.escalated(f"guest{number}@example.com")
            for watch in watches:
                watch.state(another, PENDING)
            people.decide(another, REFUSE)
            answered = time.monotonic()
            times = [watch.state(another, DENIED) for watch in watches]
            took.append(max(times) - min(answered, *times))
        assert min(took) < 0.1, took
    finally:
        for watch in watches:
            watch.call.cancel()


def test_what_ends_by_itself_is_told_too_and_also_after_a_restart(
    root: Path, tmp_path: Path
) -> None:
    catalogue = office("office", tmp_path, root)
    rules = bundle(tmp_path / "acme", ttl_s=5, use_s=1)
    options: Any = {"catalogues": [catalogue], "bundles": [rules]}
    with start_service(tmp_path, **options) as service, service.channel() as channel:
        work, people = Work(channel), People(channel)
        open_still = work.escalated()
        answered = work.escalated("eve@example.com")
        with watching(channel) as watch:
            people.decide(answered)
            watch.state(answered, APPROVED)
            watch.state(answered, EXPIRED)
    with (
        start_service(tmp_path, **options) as service,
        service.channel() as channel,
        watching(channel) as watch,
    ):
        watch.state(open_still, EXPIRED)


def test_watches_and_waits_end_when_the_service_drains(root: Path, tmp_path: Path) -> None:
    catalogue = office("office", tmp_path, root)
    with start_service(tmp_path, catalogues=[catalogue]) as service, service.channel() as channel:
        approval_id = Work(channel).escalated()
        watch = Watch(channel)
        watch.state(approval_id, PENDING)
        waiting = wait(People(channel), approval_id)
        time.sleep(0.3)
        began = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - began < 5
        assert waiting.result().approval.state == PENDING
        error = watch.ended()
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert "watch again" in error.details()


def test_one_watcher_too_many_is_told_so_and_a_place_that_was_left_is_free_again(
    root: Path, tmp_path: Path
) -> None:
    catalogue = office("office", tmp_path, root)
    with start_service(tmp_path, catalogues=[catalogue]) as service:
        # A connection has 128 streams at most.
        channels = [service.channel() for _ in range(3)]
        try:
            approval_id = Work(channels[0]).escalated()
            watches = [Watch(channels[number // 100]) for number in range(WATCHERS)]
            for watch in watches:
                watch.state(approval_id, PENDING)
            error = Watch(channels[2]).ended()
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "WaitApproval" in error.details()
            watches[0].call.cancel()
            watches[0].ended()
            end = time.monotonic() + 10
            while True:
                another = Watch(channels[2])
                try:
                    another.until(lambda one: one.id == approval_id, 0.5)
                    break
                except queue.Empty:
                    assert time.monotonic() < end
        finally:
            for channel in channels:
                channel.close()


def test_two_votes_are_two_changes(root: Path, tmp_path: Path) -> None:
    rules = bundle(tmp_path / "acme", needed=2)
    catalogue = office("office", tmp_path, root)
    with (
        start_service(tmp_path, catalogues=[catalogue], bundles=[rules]) as service,
        service.channel() as channel,
    ):
        people, approval_id = People(channel), Work(channel).escalated()
        with watching(channel) as watch:
            watch.state(approval_id, PENDING)
            waiting = wait(people, approval_id)
            people.decide(approval_id)
            told = watch.until(lambda one: one.id == approval_id)[1]
            assert (told.state, len(told.votes)) == (PENDING, 1)
            assert not waiting.done()
            people.decide(approval_id, by=CAROL)
            watch.state(approval_id, APPROVED)
            assert waiting.result().approval.state == APPROVED
