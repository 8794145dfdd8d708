"""A service over an OPA server: it decides as always, and denies while that server is gone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.world import (
    ALLOW,
    DENY,
    Client,
    assert_in_log,
    codes,
    eventually,
    logged,
    look,
    verified,
)
from tests.opa_server import RunningOpa
from tests.service import Service, start_service

# Its own look at the server comes every second and is patient for one.
SEEN_SECONDS = 20.0
# A machine that is busy with other tests takes its time.
PATIENT = {"PDP_EVALUATION_DEADLINE_MS": "2000"}


def pdp(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pdp", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def write_bundle(path: Path, *arguments: str) -> Path:
    done = pdp("policy", "bundle", str(path), *arguments)
    assert done.returncode == 0, done.stderr
    assert "revision sha256:" in done.stdout
    return path


@pytest.fixture
def opa(tmp_path: Path) -> Iterator[RunningOpa]:
    server = RunningOpa(write_bundle(tmp_path / "bundle.tar.gz"))
    yield server
    server.resume()
    server.kill()


@pytest.fixture
def service(tmp_path: Path, catalogue: Path, opa: RunningOpa) -> Iterator[Service]:
    given = ["--engine", "opa-server", "--opa-url", opa.url]
    with start_service(
        tmp_path / "data", catalogues=[catalogue], extra=given, environment=PATIENT
    ) as running:
        yield running


def bring_back(
    stop: Callable[[], None], back: Callable[[], None], client: Client, task: str
) -> set[str]:
    """Stop the server for a while under calls; the codes of what was denied meanwhile."""
    denied: set[str] = set()
    stop()
    end = time.monotonic() + SEEN_SECONDS
    while client.serving():
        assert time.monotonic() < end, "the service still says that it serves"
        answer = client.authorize(look(task))
        assert answer.decision == DENY
        denied |= codes(answer)
    # From then on a call is denied without asking.
    eventually(lambda: codes(client.authorize(look(task))) == {"policy_error"}, SEEN_SECONDS)
    back()
    eventually(client.serving, SEEN_SECONDS)
    eventually(lambda: client.authorize(look(task)).decision == ALLOW, SEEN_SECONDS)
    return denied


def test_it_allows_what_policy_allows_and_records_the_revision_that_decided(
    service: Service, client: Client
) -> None:
    task = client.start_task()
    answers = [client.authorize(look(task)), client.authorize(look(task, "agenda"))]
    assert [answer.decision for answer in answers] == [ALLOW, ALLOW]
    assert codes(client.authorize(look("t-nowhere"))) == {"unknown_task"}
    assert all(answer.policy_revision.startswith("sha256:") for answer in answers)
    log = logged(service.data)
    for answer in answers:
        assert_in_log(answer, log)


def test_while_the_server_hangs_calls_are_denied_in_time_and_health_tells_until_it_goes_on(
    service: Service, client: Client, opa: RunningOpa
) -> None:
    task = client.start_task()
    assert client.authorize(look(task)).decision == ALLOW
    denied = bring_back(opa.pause, opa.resume, client, task)
    assert "policy_timeout" in denied
    assert denied <= {"policy_timeout", "policy_error"}
    assert service.stop() == 0
    verified(service.data)


def test_while_the_server_is_gone_calls_are_denied_and_health_tells_until_it_is_back(
    service: Service, client: Client, opa: RunningOpa
) -> None:
    task = client.start_task()
    assert client.authorize(look(task)).decision == ALLOW
    assert bring_back(opa.kill, opa.restart, client, task) == {"policy_error"}


def test_a_new_policy_decides_once_both_the_server_and_the_service_have_loaded_it(
    opa: RunningOpa, catalogue: Path, tmp_path: Path
) -> None:
    acme = tmp_path / "acme"
    (acme / "acme").mkdir(parents=True)
    (acme / ".manifest").write_text('{"roots": ["acme"]}')
    (acme / "acme" / "data.yaml").write_text("note: first\n")

    def publish() -> None:
        opa.publish(write_bundle(tmp_path / "next.tar.gz", "--bundle", str(acme)).read_bytes())

    publish()
    eventually(lambda: b"sha256:" in opa.get("/v1/data/acme/note?provenance=true"), SEEN_SECONDS)
    given = ["--engine", "opa-server", "--opa-url", opa.url]
    data = tmp_path / "data"
    with (
        start_service(
            data, catalogues=[catalogue], bundles=[acme], extra=given, environment=PATIENT
        ) as service,
        Client(service) as client,
    ):
        task = client.start_task()
        first = client.authorize(look(task))
        assert first.decision == ALLOW
        (acme / "acme" / "data.yaml").write_text("note: second\n")
        service.signal(signal.SIGHUP)
        service.wait_for("the last good one stays")
        assert client.authorize(look(task)).policy_revision == first.policy_revision
        publish()
        eventually(lambda: not client.serving(), SEEN_SECONDS)
        assert codes(client.authorize(look(task))) == {"policy_error"}
        service.signal(signal.SIGHUP)
        service.wait_for("policy loaded")
        eventually(client.serving, SEEN_SECONDS)
        second = client.authorize(look(task))
        assert second.decision == ALLOW
        assert second.policy_revision not in ("", first.policy_revision)


def test_a_service_does_not_start_over_a_server_that_is_not_there_or_has_another_policy(
    tmp_path: Path, opa: RunningOpa
) -> None:
    data = tmp_path / "data"
    given = ("serve", "--dev", "--data", str(data), "--engine", "opa-server")
    assert "give --opa-url" in pdp(*given).stderr
    assert "use https" in pdp(*given, "--opa-url", "http://opa.example:8181").stderr
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".manifest").write_text('{"revision": "other", "roots": ["other"]}')
    other = RunningOpa(tmp_path / "empty")
    refused = pdp(*given, "--opa-url", other.url)
    other.kill()
    assert refused.returncode == 1
    assert "revision other, and not sha256:" in refused.stderr
    assert "pdp policy bundle" in refused.stderr
    gone = pdp(*given, "--opa-url", other.url)
    assert gone.returncode == 1
    assert "cannot be asked" in gone.stderr
    assert len(gone.stderr.splitlines()) < 4
    unneeded = pdp("serve", "--dev", "--data", str(data), "--opa-url", opa.url)
    assert (unneeded.returncode, "--engine opa-server" in unneeded.stderr) == (2, True)
