"""The README, followed word by word: every command and snippet, in order, in a fresh folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pdp.cli.main import COMMANDS
from pdp.settings import ENVIRONMENT_PREFIX, Settings

COMMAND_SECONDS = 60.0
START_SECONDS = 30.0
STOP_SECONDS = 20.0

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SETTINGS = re.compile(r"<!-- settings -->\n(.*)<!-- /settings -->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block of the README."""

    language: str
    text: str


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """A folder that has what the README's commands take from a checkout that is set up."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "pdp").symlink_to(root / "pdp")
    return tmp_path


@dataclass
class Reader:
    """Someone who follows the README in a folder, with a service in another terminal."""

    folder: Path
    service: subprocess.Popen[str] | None = None
    port: str = "0"

    def shell(self, text: str) -> str:
        """What a block of commands writes on standard output; it must succeed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def serve(self, text: str) -> None:
        """Stop the service that runs and start the one that a block starts."""
        self.stop()
        self.service = subprocess.Popen(
            ["bash", "-c", f"exec {text}"],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        found: list[str] = []
        reader = threading.Thread(target=self._read_ready, args=(found,), daemon=True)
        reader.start()
        reader.join(START_SECONDS)
        assert found, f"the service did not get ready: {text}"
        ports = re.findall(r"127\.0\.0\.1:(\d+)", found[0])
        self.port = ports[0] if ports else "0"

    def stop(self) -> None:
        """Press Ctrl-C where the service runs."""
        service, self.service = self.service, None
        if service is None:
            return
        service.send_signal(signal.SIGINT)
        try:
            assert service.wait(STOP_SECONDS) == 0
        finally:
            if service.poll() is None:
                service.kill()
                service.wait(STOP_SECONDS)
            if service.stdout is not None:
                service.stdout.close()

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PDP_")}
        return {**kept, "XDG_CACHE_HOME": str(self.folder / ".cache")}

    def _read_ready(self, found: list[str]) -> None:
        assert self.service is not None
        assert self.service.stdout is not None
        for line in self.service.stdout:
            if line.startswith("ready "):
                found.append(line)
                return


@contextmanager
def reading_in(folder: Path) -> Iterator[Reader]:
    reader = Reader(folder)
    try:
        yield reader
    finally:
        reader.stop()


def blocks_of(readme: str) -> list[Block]:
    return [Block(*found) for found in _BLOCK.findall(readme)]


def test_every_command_and_snippet_works_in_the_order_it_is_read(
    readme: str, checkout: Path, root: Path
) -> None:
    said = ""
    with reading_in(checkout) as reader:
        for block in blocks_of(readme):
            # A port of the README's choice may be taken; any free one does.
            text = block.text.replace("127.0.0.1:18443", f"127.0.0.1:{reader.port}")
            if block.language == "python":
                name = re.match(r"# (\w+\.py)\n", text)
                assert name, f"a snippet says which file it is:\n{text}"
                (checkout / name[1]).write_text(text)
            elif block.language == "text":
                assert said == text
            elif text.startswith("make "):
                # Setting up and testing is what runs this test: here, that the targets exist.
                for target in re.findall(r"^make (\S+)", text, re.MULTILINE):
                    subprocess.run(
                        ["make", "--dry-run", target],
                        cwd=root,
                        capture_output=True,
                        timeout=COMMAND_SECONDS,
                        check=True,
                    )
            elif " serve " in text:
                reader.serve(block.text.replace("127.0.0.1:18443", "127.0.0.1:0"))
            else:
                assert block.language == "sh"
                said = reader.shell(text)
                if "buf curl" in text:
                    assert '"decision": "DECISION_ALLOW"' in said


def test_its_python_takes_ten_lines_at_most(readme: str) -> None:
    first = next(block for block in blocks_of(readme) if block.language == "python")
    assert len([line for line in first.text.splitlines() if line and line[0] != "#"]) <= 10


def test_it_names_every_command_and_none_that_does_not_exist(readme: str) -> None:
    named = set(re.findall(r"(?:`|\.venv/bin/)pdp ([a-z]+)", readme))
    assert named | {"demo"} == set(COMMANDS)
    assert "make demo" in readme


def test_every_file_it_points_to_exists(readme: str, root: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", readme)
    assert links
    assert [link for link in links if not (root / link).exists()] == []


def test_every_place_within_it_that_it_points_to_exists(readme: str) -> None:
    headings = re.findall(r"^#+ (.+)$", readme, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", readme)) <= anchors


def test_its_table_of_settings_is_what_the_settings_are(readme: str) -> None:
    table = _SETTINGS.search(readme)
    assert table
    assert table[1].splitlines() == settings_table()


def settings_table() -> list[str]:
    """The README's table of settings."""
    lines = ["| in the file | variable | default | what |", "| --- | --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = "`unix:DATA/pdp.sock`" if name == "listen" else _shown(field.default)
        variable = ENVIRONMENT_PREFIX + name.upper()
        lines.append(f"| `{name}` | `{variable}` | {default} | {field.description} |")
    return lines


def _shown(default: object) -> str:
    if default is None or default == ():
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
