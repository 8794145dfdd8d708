"""A real service with its console, and a real browser: Debian's Chromium, never one downloaded."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.conftest import MISSING
from tests.escalated import People, Work, bundle, office
from tests.service import Service, start_service

#: Longer than any page takes on a busy machine.
WAIT_MS = 10_000
expect.set_options(timeout=WAIT_MS)


@dataclass
class Seat:
    """A person's browser, with what it complained about."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    def sign_in(self, name: str) -> Seat:
        """Sign in under a name."""
        self.go("/sign-in")
        self.page.fill("#name", name)
        self.page.click("button.primary")
        self.page.wait_for_url(self.url)
        return self

    def go(self, path: str = "/") -> Any:
        """Open a page of the console; the response."""
        return self.page.goto(self.url.rstrip("/") + path)

    def read(self) -> None:
        """Look at the page for as long as an answer needs to be counted."""
        self.page.wait_for_timeout(750)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all of these tests, gone when the last of them is done."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip(f"{MISSING} chromium (Debian's package of this name)")
    with sync_playwright() as playwright:
        # Chromium's own sandbox needs what containers do not give; it shows our own pages only.
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Service]:
    """One service with a console, under a policy that asks one person."""
    with serving(tmp_path_factory.mktemp("one"), root) as started:
        yield started


def serving(folder: Path, root: Path, **parameters: int) -> Service:
    """A service with a console, and these parameters of the rule about approvals."""
    return start_service(
        folder / "data",
        catalogues=[root / "tests" / "golden" / "catalogue.yaml", office("shop", folder, root)],
        bundles=[bundle(folder / "bundle", **parameters)] if parameters else [],
        # How fast policy is on a busy machine is not what these tests are about.
        environment={"PDP_EVALUATION_DEADLINE_MS": "5000"},
        console=True,
    )


@pytest.fixture(scope="package")
def channel(service: Service) -> Iterator[grpc.Channel]:
    """A channel to the service."""
    with service.channel() as opened:
        yield opened


@pytest.fixture
def work(channel: grpc.Channel) -> Work:
    """A task whose calls a person has to decide."""
    return Work(channel)


@pytest.fixture
def people(channel: grpc.Channel) -> People:
    """Those who decide, over gRPC: what the console did must be what they see."""
    return People(channel)


class Seats:
    """Makes people with a browser profile each; those who signed in already keep their seat."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self._signed_in: dict[tuple[str, str], Seat] = {}
        self.made: list[Seat] = []

    def new(self, service: Service, **options: Any) -> Seat:
        """A browser profile of its own that has opened nothing yet."""
        assert service.console is not None
        context = self._browser.new_context(**options)
        context.set_default_timeout(WAIT_MS)
        self._contexts.append(context)
        seat = Seat(context.new_page(), service.console)

        def heard(message: ConsoleMessage) -> None:
            # A status that a test asks for is no complaint.
            if message.type in ("error", "warning") and "status of" not in message.text:
                seat.complaints.append(message.text)

        seat.page.on("console", heard)
        seat.page.on("pageerror", lambda error: seat.complaints.append(str(error)))
        self.made.append(seat)
        return seat

    def of(self, service: Service, name: str) -> Seat:
        """The seat of somebody who has signed in."""
        key = (service.addresses[0], name)
        if key not in self._signed_in:
            self._signed_in[key] = self.new(service).sign_in(name)
        return self._signed_in[key]

    def close(self) -> None:
        """End every profile."""
        for context in self._contexts:
            context.close()


@pytest.fixture(scope="package")
def all_seats(browser: Browser) -> Iterator[Seats]:
    """Everybody's seats."""
    made = Seats(browser)
    yield made
    made.close()


@pytest.fixture
def seats(all_seats: Seats) -> Iterator[Seats]:
    """Makes people with a browser each; at the end, no page may have complained."""
    yield all_seats
    assert [complaint for seat in all_seats.made for complaint in seat.complaints] == []


@pytest.fixture
def bob(seats: Seats, service: Service) -> Seat:
    """Bob, signed in."""
    return seats.of(service, "bob")


def notice(seat: Seat) -> str:
    """What the page says happened."""
    return re.sub(r"\s+", " ", seat.page.locator("#notices .notice").first.inner_text()).strip()
