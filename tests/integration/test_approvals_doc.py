"""docs/approvals.md, followed word by word: the gateway waits, a person decides, webhooks come."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.test_readme import Block, Reader, blocks_of, reading_in

SECONDS = 30.0


@pytest.fixture(scope="module")
def blocks(root: Path) -> list[Block]:
    return blocks_of((root / "docs" / "approvals.md").read_text(encoding="utf-8"))


@pytest.fixture
def checkout(tmp_path: Path, root: Path) -> Path:
    """A folder that has what the commands take from a checkout that is set up."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "pdp").symlink_to(root / "pdp")
    return tmp_path


@contextmanager
def running(reader: Reader, command: str) -> Iterator[subprocess.Popen[str]]:
    """A command of the page in a terminal of its own."""
    with subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=reader.folder,
        env={**reader.environment(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wait_for_a_question(reader: Reader) -> None:
    end = time.monotonic() + SECONDS
    while "pending" not in reader.shell(".venv/bin/pdp approvals list"):
        assert time.monotonic() < end, "nobody was asked"


def named(blocks: list[Block], text: str, language: str = "sh") -> str:
    """The one block that has this text."""
    (found,) = [one.text for one in blocks if one.language == language and text in one.text]
    return found


def test_every_command_and_snippet_works_as_the_page_tells_it(
    blocks: list[Block], checkout: Path
) -> None:
    port = str(free_port())
    for name in ("gateway.py", "receiver.py"):
        snippet = named(blocks, f"# {name}\n", "python")
        (checkout / name).write_text(snippet.replace("9100", port))
    decide = named(blocks, "approvals approve")
    run = named(blocks, "python gateway.py").strip()
    promised = named(blocks, "approved", "text")
    serve, serve_telling = [
        one.text.replace("9100", port) for one in blocks if " serve " in one.text
    ]
    with reading_in(checkout) as reader:
        reader.shell(named(blocks, "catalogue import"))
        reader.serve(serve)
        with running(reader, run) as gateway:
            wait_for_a_question(reader)
            said = reader.shell(decide)
            assert "eve@example.net" in said
            assert said.endswith(": approved (desk/send_mail)\n")
            assert gateway.communicate(timeout=SECONDS)[0] == promised

        reader.shell(named(blocks, "umask"))
        assert (checkout / "webhook.secret").stat().st_mode & 0o077 == 0
        with running(reader, ".venv/bin/python receiver.py") as receiver:
            assert receiver.stdout is not None
            reader.serve(serve_telling)
            with running(reader, run):
                wait_for_a_question(reader)
                assert receiver.stdout.readline().startswith("approval.pending a-")
                reader.shell(decide.replace("approve ", "deny "))
                assert receiver.stdout.readline().startswith("approval.denied a-")


def test_no_command_of_the_page_is_left_out(blocks: list[Block]) -> None:
    commands = [one.text for one in blocks if one.language == "sh"]
    assert len(commands) == 6
    assert {one.language for one in blocks} == {"sh", "python", "text", "json", "rego"}


def test_the_receiver_takes_nothing_that_is_not_genuine(
    blocks: list[Block], checkout: Path
) -> None:
    port = free_port()
    (checkout / "receiver.py").write_text(
        named(blocks, "# receiver.py\n", "python").replace("9100", str(port))
    )
    secret = "whsec_" + "A" * 43 + "="
    (checkout / "webhook.secret").write_text(secret + "\n")
    forged = (
        "import urllib.request as u, urllib.error as e, time\n"
        "for headers in ({}, {'webhook-id': 'a', 'webhook-timestamp': str(int(time.time())),"
        " 'webhook-signature': 'v1,AAAA'}):\n"
        f"    r = u.Request('http://127.0.0.1:{port}/', b'{{}}', headers)\n"
        "    try: print(u.urlopen(r, timeout=10).status)\n"
        "    except e.HTTPError as error: print(error.code)\n"
    )
    with reading_in(checkout) as reader, running(reader, ".venv/bin/python receiver.py"):
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        done = subprocess.run(
            [sys.executable, "-c", forged],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
            env={**os.environ, "no_proxy": "*"},
        )
    assert done.stdout == "401\n401\n"
