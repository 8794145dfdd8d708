"""The console begins and ends with its service."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.console.conftest import serving
from tests.console.test_guard import Client
from tests.escalated import Work


def pdp_serve(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`pdp serve` where it cannot start."""
    environment = {name: value for name, value in os.environ.items() if name[:4] != "PDP_"}
    return subprocess.run(
        [sys.executable, "-m", "pdp", "serve", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--console", "127.0.0.1:0"], "no way to verify who uses the console"),
        (["--dev", "--console", "0.0.0.0:0"], "is not a loopback address"),
        (["--dev", "--console", "unix:console.sock"], "takes HOST:PORT only"),
    ],
)
def test_a_console_that_would_be_open_to_others_is_refused(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = pdp_serve("--data", tmp_path / "data", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = pdp_serve("--dev", "--data", tmp_path / "data", "--console", address)
    assert done.returncode == 1
    assert f"cannot serve the console on {address}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_console_ends_with_its_service_while_browsers_hold_connections(
    tmp_path: Path, root: Path
) -> None:
    service = serving(tmp_path, root)
    assert service.console is not None
    parts = urlsplit(service.console)
    held = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=10)
    held.request("GET", "/sign-in")
    assert held.getresponse().read()
    began = time.monotonic()
    assert service.stop() == 0
    assert time.monotonic() - began < 5
    held.close()
    with pytest.raises(ConnectionError):
        socket.create_connection((str(parts.hostname), parts.port or 0), timeout=5)


def test_a_catalogue_that_is_loaded_anew_is_what_the_console_speaks_by(
    tmp_path: Path, root: Path
) -> None:
    catalogue = tmp_path / "shop.yaml"
    with serving(tmp_path, root) as service, service.channel() as channel:
        assert service.console is not None
        parts = urlsplit(service.console)
        client = Client(str(parts.hostname), parts.port or 0).sign_in("bob")
        approval = Work(channel).escalated(server="shop")
        page = f"/approvals/{approval}"
        assert "Send with shop/send_mail" in client.get(page).text
        catalogue.write_text("version: 1\ntools: []\n")
        service.signal(signal.SIGHUP)
        service.wait_for("policy loaded")
        assert "of which the catalogue knows nothing" in client.get(page).text
        assert "of which the catalogue knows nothing" in client.get("/").text
