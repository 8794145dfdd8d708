"""The demo, run as a newcomer runs it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pdp.cli.demo import run
from pdp.client import Decision
from pdp.demo import story
from pdp.demo.service import DemoFailed, running_service

DEMO_SECONDS = 60.0


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="pdp-") as folder:
        yield Path(folder)


def pdp(
    *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pdp", *arguments],
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        env={**os.environ, "COLUMNS": "80", **(environment or {})},
        check=False,
    )


def own_lines(output: str) -> list[str]:
    """The lines of the demo itself: no commands, whose length is theirs, and not what they say."""
    begin = output.index("The service\n")
    end = output.index("What is on record")
    lines = output[begin:end].splitlines()
    return [line for line in lines if not line.startswith(("$ ", "ready "))]


def test_the_demo_goes_as_its_story_says_and_leaves_a_record_that_its_commands_read(
    short_folder: Path,
) -> None:
    # Settings of whoever runs it must not change the demo.
    done = pdp("demo", "--data", str(short_folder), environment={"PDP_QUEUE_CALLS": "nonsense"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert all(len(line) <= 80 and line == line.rstrip() for line in own_lines(done.stdout))

    answers = re.findall(
        r"^   (ALLOW|DENY|ESCALATE) +[\d.]+ ms  (\w+): ", done.stdout, re.MULTILINE
    )
    steps = [step for step in story.STORY if isinstance(step, story.Step)]
    assert [decision for decision, _ in answers] == [step.expects.name for step in steps]
    expected = [step.code for step in steps if step.code]
    assert [code for _, code in answers if code != "task_action"] == expected
    assert done.stdout.count("replayed: ") == 1

    votes = re.findall(r"^   (APPROVED|REFUSED) +[\d.]+ ms  (\S+)", done.stdout, re.MULTILINE)
    assert [word for word, _ in votes] == ["REFUSED", "APPROVED"]
    assert votes[0][1] == "self_approval:"
    assert f"pdp.decide_approval by {story.COLLEAGUE}" in done.stdout
    assert f"{story.COLLEAGUE} approved this call" in done.stdout.replace("\n" + " " * 24, " ")

    for step in steps:
        assert not step.tool or f"{story.SERVER}/{step.tool}" in done.stdout
    assert "ok: " in done.stdout

    commands = done.stdout[done.stdout.index("Your turn") :].splitlines()
    show, verify, serve = (shlex.split(line[2:]) for line in commands if line.startswith("$ "))
    assert "send_mail" in pdp(*show[show.index("task") :]).stdout
    assert pdp(*verify[verify.index("audit") :]).returncode == 0
    again = serve[serve.index("serve") + 1 :]
    with running_service(again, short_folder / "again.log") as address:
        assert address == f"unix:{short_folder}/pdp.sock"


def test_an_answer_that_differs_from_the_story_is_said_and_fails_the_demo(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    steps = [step for step in story.STORY if isinstance(step, story.Step)]
    first = replace(steps[0], expects=Decision.DENY)
    second = replace(steps[1], code="outside_phase")
    # Not sent again under the same id, so it is a decision of its own.
    third = replace(steps[3], repeats=True, code="within_intent")
    monkeypatch.setattr(story, "STORY", (first, second, third))
    assert run(short_folder) is False
    said = capfd.readouterr().out
    assert "NOT AS THE STORY GOES: expected deny" in said
    assert "NOT AS THE STORY GOES: expected the reason outside_phase" in said
    assert said.count("NOT AS THE STORY GOES") == 3


def test_the_demo_starts_from_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("mine")
    done = pdp("demo", "--data", str(tmp_path))
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert (tmp_path / "kept").read_text() == "mine"


def test_a_folder_too_deep_for_a_socket_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    done = pdp("demo", "--data", str(deep))
    assert done.returncode == 2
    assert "choose a shorter one" in done.stderr
    assert not deep.exists()


def test_a_service_that_does_not_start_is_reported_with_the_end_of_its_log(
    short_folder: Path,
) -> None:
    arguments = ["--dev", "--data", str(short_folder), "--catalogue", str(short_folder / "none")]
    log = short_folder / "service.log"
    with (
        pytest.raises(DemoFailed, match=r"(?s)the service ended; its log is .*cannot be read"),
        running_service(arguments, log),
    ):
        pytest.fail("it is not ready")
