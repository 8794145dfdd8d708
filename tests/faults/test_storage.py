"""A disk that fails under a running service: nothing is allowed that is not recorded."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pdp.app import CHECKPOINT_SECONDS
from pdp.v1 import decision_pb2
from tests.conftest import MISSING
from tests.faults.io_faults import OPENS, SYNCS, TRUNCATES, WRITES, Disk, build_library
from tests.faults.load import Load
from tests.faults.world import (
    ALLOW,
    DENY,
    Client,
    assert_in_log,
    codes,
    engine_pid,
    eventually,
    is_engine,
    logged,
    look,
    note,
    serve_command,
    verified,
)
from tests.service import Service, start_service

# A second is promised; the rest is room for a machine that is busy with something else.
NOTICED_SECONDS = 5.0
RECOVERED_SECONDS = 10.0
MIB = 1024 * 1024

FAULTS = {
    "writes fail": (WRITES, errno.EIO),
    "no space is left": (WRITES, errno.ENOSPC),
    "syncs fail": (SYNCS, errno.EIO),
    "the file system went read-only": (WRITES | SYNCS | TRUNCATES | OPENS, errno.EROFS),
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def shared_disk(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disk]:
    made = Disk(library, tmp_path_factory.mktemp("shared") / "control")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_service(
    tmp_path_factory: pytest.TempPathFactory, catalogue: Path, shared_disk: Disk
) -> Iterator[Service]:
    """One service over a disk that fails, for all tests that leave both as they found them."""
    data = tmp_path_factory.mktemp("data") / "data"
    with start_service(
        data, catalogues=[catalogue], environment=shared_disk.environment
    ) as running:
        yield running


@pytest.fixture
def disk(shared_disk: Disk) -> Iterator[Disk]:
    yield shared_disk
    shared_disk.mend()


@pytest.fixture
def service(shared_service: Service, disk: Disk) -> Service:
    return shared_service


@dataclass(frozen=True, slots=True)
class Own:
    """A service, a connection to it and a disk for one test, which may end it."""

    service: Service
    client: Client
    disk: Disk


@pytest.fixture
def own(tmp_path: Path, catalogue: Path, library: Path) -> Iterator[Own]:
    disk = Disk(library, tmp_path / "control")
    data = tmp_path / "data"
    with (
        start_service(data, catalogues=[catalogue], environment=disk.environment) as running,
        Client(running) as made,
    ):
        yield Own(running, made, disk)
        disk.mend()
    disk.close()


def assert_denied_until_mended(
    client: Client, task_id: str, service: Service, mend: Iterator[None]
) -> None:
    """Denied while the disk is bad, said by the health service, and over by itself."""
    pid = service.process.pid
    for _ in range(3):
        answer = client.authorize(note(task_id))
        assert answer.decision == DENY
        assert codes(answer) == {"not_recorded"}
        assert answer.next_action == decision_pb2.NEXT_ACTION_RETRY
        assert not answer.decision_id
        assert not answer.canonical_arguments
    eventually(lambda: not client.serving(), NOTICED_SECONDS)
    next(mend)
    eventually(client.serving, RECOVERED_SECONDS)
    assert client.authorize(note(task_id)).decision == ALLOW
    assert service.process.pid == pid
    assert service.process.poll() is None


@pytest.mark.parametrize("fault", FAULTS)
def test_while_the_disk_fails_all_is_denied_and_health_says_so_until_it_works_again(
    service: Service, client: Client, disk: Disk, fault: str
) -> None:
    kinds, error = FAULTS[fault]
    task_id = client.start_task()
    assert client.authorize(look(task_id)).decision == ALLOW

    def mended() -> Iterator[None]:
        assert disk.failed
        disk.mend()
        yield

    disk.fail(kinds, error)
    assert_denied_until_mended(client, task_id, service, mended())
    verified(service.data)


def test_a_single_fault_at_any_operation_of_a_commit_allows_nothing_that_is_not_in_the_log(
    service: Service, client: Client, disk: Disk
) -> None:
    task_id = client.start_task()
    before = len(logged(service.data))
    failed = denied = 0
    for kinds in (WRITES, SYNCS):
        for after in (False, True):
            for skip in range(6):
                disk.fail(kinds, errno.EIO, skip=skip, count=1, after=after)
                answers = [client.authorize(look(task_id)) for _ in range(2)]
                failed += disk.failed
                disk.mend()
                log = logged(service.data)
                for answer in answers:
                    if answer.decision == ALLOW:
                        assert_in_log(answer, log)
                    else:
                        assert codes(answer) == {"not_recorded"}
                        denied += 1
    # Each fault cost one call at most, and the truth was looked up before the next was served.
    assert 0 < denied <= failed
    # What was denied has not happened: all that is in the log has been answered.
    assert len(logged(service.data)) == before + 2 * 24 - denied
    verified(service.data)


def test_faults_that_come_and_go_under_load_lose_no_allow_and_invent_none(
    service: Service, client: Client, disk: Disk
) -> None:
    tasks = [client.start_task() for _ in range(4)]
    with Load(service, tasks, name="faulty") as load:
        for number in range(12):
            kinds = (WRITES, SYNCS)[number % 2]
            disk.fail(kinds, (errno.EIO, errno.ENOSPC)[number // 2 % 2], skip=number)
            time.sleep(0.05)
            disk.mend()
            time.sleep(0.1)
        assert disk.failed == 0  # counted anew after each
        eventually(client.serving, RECOVERED_SECONDS)
        sent = load.stop()
    answers = [one.answer for one in sent if one.answer is not None]
    assert len(answers) == len(sent), [one.status for one in sent if one.answer is None][:5]
    refused = [answer for answer in answers if codes(answer) == {"not_recorded"}]
    assert refused
    log = logged(service.data)
    for answer in answers:
        if answer.decision == ALLOW:
            assert_in_log(answer, log)
        else:
            assert answer in refused
    # A repeat finds what became of each: decided once, and answered as it was decided.
    by_id = {entry.request_id: decision for decision, entry in log.items() if entry.request_id}
    for one in sent:
        if one.answer in refused:
            again = client.authorize(one.request)
            known = by_id.get(one.request.request_id)
            assert again.replayed is (known is not None)
            assert known in (None, again.decision_id)
    verified(service.data)


def test_a_service_killed_while_its_last_commit_is_unknown_starts_with_the_truth(
    own: Own, catalogue: Path
) -> None:
    service, client, disk = own.service, own.client, own.disk
    task_id = client.start_task()
    disk.fail(SYNCS)
    lost = note(task_id, request_id="lost")
    assert codes(client.authorize(lost)) == {"not_recorded"}
    assert codes(client.authorize(lost)) == {"not_recorded"}
    service.kill()
    with start_service(service.data, catalogues=[catalogue]) as again, Client(again) as second:
        answer = second.authorize(lost)
        assert answer.decision == ALLOW
        log = logged(service.data)
        assert_in_log(answer, log)
        assert [entry.request_id for entry in log.values()].count("lost") == 1
        verified(service.data)


def test_a_disk_that_hangs_is_said_by_health_and_over_by_itself(
    service: Service, client: Client, disk: Disk
) -> None:
    task_id = client.start_task()
    disk.delay(SYNCS, 2500)
    waiting = client.calls.Authorize.future(look(task_id), timeout=60)
    eventually(lambda: not client.serving(), NOTICED_SECONDS)
    assert not waiting.done()
    disk.mend()
    assert waiting.result().decision == ALLOW
    eventually(client.serving, RECOVERED_SECONDS)
    assert_in_log(waiting.result(), logged(service.data))


def test_a_service_told_to_stop_while_the_disk_fails_ends_and_says_why(own: Own) -> None:
    service, client, disk = own.service, own.client, own.disk
    engine = engine_pid(service)
    task_id = client.start_task()
    disk.fail(WRITES)
    assert codes(client.authorize(look(task_id))) == {"not_recorded"}
    assert service.stop() in (0, 1)
    assert not is_engine(engine)
    said = "\n".join(service.stderr)
    assert "Traceback" not in said
    assert "pdp.db" in said


@pytest.mark.slow
def test_a_checkpoint_that_cannot_be_written_is_said_and_written_later(own: Own) -> None:
    service, client, disk = own.service, own.client, own.disk
    task_id = client.start_task()
    disk.fail(WRITES)
    service.wait_for("no checkpoint written", 3 * CHECKPOINT_SECONDS)
    assert service.process.poll() is None
    disk.mend()
    eventually(client.serving, RECOVERED_SECONDS)
    assert client.authorize(look(task_id)).decision == ALLOW
    eventually(lambda: verified(service.data).checkpoints > 0, 3 * CHECKPOINT_SECONDS)
    assert service.stop() == 0


@contextmanager
def small_file_system(folder: Path, size: str = "6m") -> Iterator[Path]:
    """A file system in memory of its own; skips where this user may not mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip(f"{MISSING} a small file system: this user may not mount one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True, timeout=30)


def test_a_full_disk_denies_until_there_is_space_again(tmp_path: Path, catalogue: Path) -> None:
    with (
        small_file_system(tmp_path / "disk") as folder,
        start_service(folder / "data", catalogues=[catalogue]) as service,
        Client(service) as client,
    ):
        task_id = client.start_task()
        ballast = folder / "ballast"
        fill(ballast)

        def until_full() -> bool:
            return codes(client.authorize(look(task_id, "x" * 50_000))) == {"not_recorded"}

        eventually(until_full, 20, pause=0)

        def cleared() -> Iterator[None]:
            ballast.unlink()
            yield

        assert_denied_until_mended(client, task_id, service, cleared())
        verified(service.data)
        assert service.stop() == 0


def fill(path: Path) -> None:
    """Take all the space that is left."""
    with path.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(64 * 1024))
            except OSError:
                return


def test_a_service_on_a_full_disk_does_not_start_and_says_why(
    tmp_path: Path, catalogue: Path
) -> None:
    with small_file_system(tmp_path / "disk", "64k") as folder:
        fill(folder / "ballast")
        done = refused_start(folder / "data", catalogue)
    assert str(folder / "data") in done


def test_a_service_on_a_read_only_folder_does_not_start_and_says_why(
    tmp_path: Path, catalogue: Path
) -> None:
    with small_file_system(tmp_path / "disk") as folder:
        with start_service(folder / "data", catalogues=[catalogue]) as service:
            with Client(service) as client:
                client.start_task()
            service.stop()
        remount = ["mount", "-o", "remount,ro", str(folder)]
        subprocess.run(remount, check=True, capture_output=True, timeout=30)
        said = refused_start(folder / "data", catalogue)
        assert str(folder / "data") in said
        # What is there can still be read and checked.
        assert verified(folder / "data").leaves == 1


def refused_start(data: Path, catalogue: Path) -> str:
    """What a service says that cannot start."""
    done = subprocess.run(
        serve_command(data, catalogue),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2), done.stderr
    assert "ready" not in done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def test_a_limit_on_file_sizes_denies_until_it_is_lifted(tmp_path: Path, catalogue: Path) -> None:
    with (
        start_service(tmp_path / "data", catalogues=[catalogue]) as service,
        Client(service) as client,
    ):
        task_id = client.start_task()
        pid = service.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (8192, before[1]))

        def lifted() -> Iterator[None]:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
            yield

        assert_denied_until_mended(client, task_id, service, lifted())
        verified(service.data)
