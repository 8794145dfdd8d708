"""Policy that may not be in force never is: refused at start, and at SIGHUP the last good stays."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.load import Load
from tests.faults.world import (
    ALLOW,
    CATALOGUE,
    DENY,
    Client,
    assert_in_log,
    codes,
    engine_pid,
    eventually,
    logged,
    look,
    serve_command,
    verified,
    write_catalogue,
)
from tests.service import Service, start_service
from tests.unit.bundle.making import ACME, RULE, archive, folder, special

REFUSED = 1
RELOADS = 6
RULE_PATH = "acme/rules/hours/hours.rego"
PASS = RULE.replace(" if input.settings.development == true", "")
CLOSED = PASS.replace(
    '{"result": "pass"}',
    '{"result": "deny", "code": "outside_hours", "message": "m", "agent_message": "a",'
    ' "remediation": "r", "rule": "acme/hours", "controls": ["ASI03"], "metadata": {}}',
)


def with_rule(body: str) -> dict[str, str]:
    """The rule with a body of its own in place of its verdict."""
    head, _, _ = RULE.partition("\nverdict := ")
    return {RULE_PATH: f"{head}\n{body}"}


# What is wrong with a bundle: the files that differ from one that is good, and what is said of it.
BROKEN: dict[str, tuple[dict[str, str], str]] = {
    "text that is no Rego": ({RULE_PATH: RULE + "\n}{"}, "hours.rego"),
    "a call to the network": (
        with_rule('verdict := http.send({"method": "get", "url": "http://localhost"})'),
        "http.send",
    ),
    "a call to the network through with": (
        with_rule(
            "f(_) := 1\nask := f(1)\nverdict := {} if { x := ask with f as http.send; x == 1 }"
        ),
        "http.send",
    ),
    "a look at the host": (with_rule("verdict := opa.runtime()"), "opa.runtime"),
    "name resolution": (with_rule('verdict := net.lookup_ip_addr("localhost")'), "net."),
    "a rule that the manifest does not list": (
        {"acme/rules/other/other.rego": RULE.replace("rules.hours", "rules.other")},
        "not in the manifest",
    ),
    "a rule of the manifest that is not there": ({RULE_PATH: ""}, "hours"),
    "a verdict without a default": (
        {RULE_PATH: RULE.replace("default verdict", "unused")},
        "default",
    ),
    "a verdict that passes by default": (
        {RULE_PATH: RULE.replace('"result": "deny"', '"result": "pass"')},
        "default does not deny",
    ),
    "a rule that grants": (
        {
            "acme/data.yaml": "manifest:\n  enforce:\n    hours: {root: acme, name: hours}\n"
            "  grants: [hours]\n"
        },
        "may only narrow",
    ),
    "a setting of a rule that does not exist": (
        {"settings.yaml": "rules:\n  hour: {mode: off}\n"},
        "no such rule",
    ),
    "a package of another root": (
        {"acme/x.rego": "package pdp.rules.intent\n\nverdict := 1\n"},
        "outside the bundle's root",
    ),
    "a manifest that is no JSON": ({".manifest": "{"}, ".manifest"),
    "no manifest": ({".manifest": ""}, ".manifest"),
}


def make_bundle(at: Path, changed: dict[str, str] | None = None) -> Path:
    """A good bundle with files changed; those that become empty are left out."""
    if at.exists():
        shutil.rmtree(at)
    files = {**ACME, RULE_PATH: PASS, **(changed or {})}
    return folder(at, {name: content for name, content in files.items() if content})


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalogue(tmp_path_factory.mktemp("catalogue"))


def refusal(data: Path, catalogue: Path, *more: str) -> str:
    """What a service says that refuses to start."""
    command = serve_command(data, catalogue, *more)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == REFUSED, done.stderr
    assert "ready" not in done.stdout
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("pdp: ")
    return done.stderr


# What is refused at a reload is refused at start, by the same means: some of each of them.
@pytest.mark.parametrize(
    "what",
    [
        "text that is no Rego",
        "a call to the network through with",
        "a rule of the manifest that is not there",
        "no manifest",
    ],
)
def test_a_service_does_not_start_with_a_bundle_that_may_not_be_in_force(
    tmp_path: Path, catalogue: Path, what: str
) -> None:
    changed, told = BROKEN[what]
    bundle = make_bundle(tmp_path / "bundle", changed)
    said = refusal(tmp_path / "data", catalogue, "--bundle", str(bundle))
    assert told in said


def test_a_service_does_not_start_with_an_archive_that_holds_a_link(
    tmp_path: Path, catalogue: Path
) -> None:
    members = [(name, content) for name, content in ACME.items()]
    bundle = archive(
        tmp_path / "acme.tar.gz", *members, special("acme/link.rego", b"2", "/etc/passwd")
    )
    assert "link" in refusal(tmp_path / "data", catalogue, "--bundle", str(bundle))


def test_a_service_does_not_start_without_its_bundle_or_with_a_broken_catalogue(
    tmp_path: Path, catalogue: Path
) -> None:
    missing = tmp_path / "nowhere"
    assert str(missing) in refusal(tmp_path / "data", catalogue, "--bundle", str(missing))
    broken = tmp_path / "broken.yaml"
    broken.write_text(CATALOGUE.replace("class: send", "class: sent"))
    assert str(broken) in refusal(tmp_path / "data", broken)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundles") / "acme")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalogue that tests may change."""
    return write_catalogue(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, own: Path, bundle: Path) -> Iterator[Service]:
    data = tmp_path_factory.mktemp("reload") / "data"
    with start_service(data, catalogues=[own], bundles=[bundle]) as service:
        yield service


@pytest.fixture
def service(running: Service, bundle: Path, own: Path) -> Iterator[Service]:
    yield running
    # Each test finds the good bundle in force.
    make_bundle(bundle)
    own.write_text(CATALOGUE)
    assert "policy loaded" in reloaded(running)


def reloaded(service: Service) -> str:
    """Ask for a reload; the one line that is said of it."""
    before = len(service.stderr)
    service.signal(signal.SIGHUP)
    line = service.wait_for("policy", 20, since=before)
    time.sleep(0.05)
    assert len([text for text in service.stderr[before:] if "library" not in text]) == 1
    return line


@pytest.mark.parametrize("what", BROKEN)
def test_at_a_reload_the_last_good_policy_stays_and_one_line_says_why(
    service: Service, bundle: Path, what: str
) -> None:
    changed, told = BROKEN[what]
    with Client(service) as client:
        task_id = client.start_task()
        before = client.authorize(look(task_id))
        engine = engine_pid(service)
        make_bundle(bundle, changed)
        line = reloaded(service)
        assert "the last good one stays" in line
        assert told in line
        after = client.authorize(look(task_id))
        assert after.decision == before.decision == ALLOW
        assert after.policy_revision == before.policy_revision
        assert engine_pid(service) == engine
        assert client.serving()


def test_at_a_reload_a_broken_catalogue_changes_nothing_and_a_good_one_counts(
    service: Service, own: Path
) -> None:
    with Client(service) as client:
        task_id = client.start_task()
        own.write_text(CATALOGUE.replace("class: read", "class: red"))
        assert "the last good one stays" in reloaded(service)
        assert client.authorize(look(task_id)).decision == ALLOW
        own.write_text(CATALOGUE.replace("name: look_up", "name: look_out"))
        assert "policy loaded" in reloaded(service)
        answer = client.authorize(look(task_id))
        assert answer.decision == DENY
        assert codes(answer) == {"unknown_tool"}


def test_a_policy_that_changes_under_load_is_in_force_for_every_later_call_and_loses_none(
    service: Service, bundle: Path
) -> None:
    with Client(service) as client:
        tasks = [client.start_task() for _ in range(4)]
        revisions = [client.authorize(look(tasks[0])).policy_revision]
        make_bundle(bundle, {RULE_PATH: CLOSED})
        assert "policy loaded" in reloaded(service)
        closed = client.authorize(look(tasks[0]))
        assert closed.decision == DENY
        assert codes(closed) == {"outside_hours"}
        revisions.append(closed.policy_revision)
        assert len(set(revisions)) == 2
        with Load(service, tasks, name="reload", threads=4) as load:
            for number in range(RELOADS):
                make_bundle(bundle, {RULE_PATH: PASS if number % 2 else CLOSED})
                began = time.monotonic()
                assert "policy loaded" in reloaded(service)
                now = client.authorize(look(tasks[0]))
                assert now.policy_revision == revisions[0 if number % 2 else 1]
                assert time.monotonic() - began < 20
            sent = load.stop()
        log = logged(service.data)
        for one in sent:
            assert one.answer is not None, one.status
            assert_in_log(one.answer, log)
            # Each answer is the one that its revision gives.
            assert one.answer.policy_revision in revisions
            was_closed = one.answer.policy_revision == revisions[1]
            assert codes(one.answer) == {"outside_hours" if was_closed else "within_intent"}
        assert {one.answer.policy_revision for one in sent if one.answer} == set(revisions)
        verified(service.data)


def test_an_engine_that_dies_after_a_refused_reload_comes_back_with_the_last_good_policy(
    service: Service, bundle: Path
) -> None:
    with Client(service) as client:
        task_id = client.start_task()
        before = client.authorize(look(task_id)).policy_revision
        make_bundle(bundle, {RULE_PATH: CLOSED + "\n}{"})
        assert "the last good one stays" in reloaded(service)
        pid = engine_pid(service)
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: engine_pid(service) not in (0, pid), 10)
        eventually(lambda: client.authorize(look(task_id)).decision == ALLOW, 10)
        assert client.authorize(look(task_id)).policy_revision == before
