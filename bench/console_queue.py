"""How long the console takes for a page of its queue when very many questions are open."""

from __future__ import annotations

import http.client
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from bench.calls import lanes
from bench.large_store import History, fill_store
from bench.opa_server import documents_by_tool
from bench.people import ask
from bench.processes import BenchFailed, cpu_seconds
from bench.service import Service, opened_channel, running_service
from bench.stats import Sample, sample
from pdp.domain.records import ApprovalRecord
from pdp.store.reader import open_reader

QUESTIONS: Final = 10_000
#: Of one task: what the rule about floods of questions allows.
PER_TASK: Final = 20
#: How many the console shows on a page; that is checked.
SHOWN: Final = 50
PAGE_SECONDS: Final = 30.0

#: The pages by name: the queue from its newest, from its middle, and what an open page asks for to
#: say that something new waits.
FIRST: Final = "GET /, the newest"
MIDDLE: Final = "GET /, in the middle"
PULSE: Final = "GET /pulse"


def measure_queue(folder: Path, times: int, tell: Callable[[str], None]) -> Mapping[str, Sample]:
    """The pages by name, each loaded so often, one at a time, by somebody who has signed in.

    Raises:
        BenchFailed: a page was not what it must be.
    """
    folder.mkdir()
    data = folder / "data"
    over = lanes("queue", count=QUESTIONS // PER_TASK, principals=QUESTIONS // PER_TASK)
    question, documents = _like(folder / "like")
    leaves = fill_store(data, [History(over, 2, PER_TASK)], documents, tell, question)
    with open_reader(data) as reader:
        # Newest first: this many of the queue stand before its middle.
        newer = reader.list_approvals(before="", limit=QUESTIONS // 2)
    pages = {FIRST: "/", MIDDLE: f"/?before={quote(newer[-1].id)}", PULSE: "/pulse"}
    with running_service(data, "queue", options=["--console", "127.0.0.1:0"]) as service:
        service.leaves = leaves
        tell(f"the console with {QUESTIONS:,} open approvals")
        browser = _Browser(service.console)
        try:
            browser.sign_in("boss@example.com")
            return {
                name: _measure(service, browser, path, times, is_page=name != PULSE)
                for name, path in pages.items()
            }
        except (OSError, http.client.HTTPException) as fault:
            raise BenchFailed(f"the console did not answer: {fault!r}") from fault
        finally:
            browser.close()


def _like(folder: Path) -> tuple[ApprovalRecord, Mapping[str, Mapping[str, object]]]:
    """A question as a service opens it today, and input documents as it writes them."""
    folder.mkdir()
    over = lanes("like", count=4, principals=4)
    with running_service(folder / "data") as service:
        service.start_tasks(over)
        with opened_channel(service) as channel:
            approval_id = ask(service, channel, over[0])
    with open_reader(folder / "data") as reader:
        found = reader.approval(approval_id)
    if found is None:
        raise BenchFailed(f"the question {approval_id} is not in the store")
    return found, documents_by_tool(folder / "data")


def _measure(
    service: Service, browser: _Browser, path: str, times: int, *, is_page: bool
) -> Sample:
    # Not counted: the first page finds nothing in any cache.
    _check(browser.get(path), is_page=is_page)
    took: list[float] = []
    before = cpu_seconds(service.pid)
    for _ in range(times):
        began = time.perf_counter()
        text = browser.get(path)
        took.append((time.perf_counter() - began) * 1e6)
        _check(text, is_page=is_page)
    cpu_us = (cpu_seconds(service.pid) - before) / times * 1e6
    return sample(took, sum(took) / 1e6, cpu_us)


def _check(text: str, *, is_page: bool) -> None:
    shown = text.count('name="ids"')
    is_whole = f"<strong>{QUESTIONS:,}</strong>" in text and shown == SHOWN
    if not (is_whole if is_page else f'"open":{QUESTIONS},' in text):
        raise BenchFailed(f"the console showed {shown} approvals, or another number of open ones")


@dataclass(slots=True)
class _Browser:
    """One connection to the console that keeps its cookies, as a browser does."""

    url: str
    cookies: dict[str, str] = field(default_factory=dict)
    connection: http.client.HTTPConnection | None = None

    def sign_in(self, name: str) -> None:
        """Become somebody."""
        found = re.search(r'name="token" value="([^"]+)"', self.get("/sign-in"))
        if found is None:
            raise BenchFailed("the console's sign-in has no form")
        form = urlencode({"token": found[1], "next": "/", "name": name})
        status, text = self._ask("POST", "/sign-in", form)
        if status != http.client.SEE_OTHER:
            raise BenchFailed(f"nobody could sign in: status {status}, {text[:200]}")

    def get(self, path: str) -> str:
        """A page."""
        status, text = self._ask("GET", path)
        if status != http.client.OK:
            raise BenchFailed(f"the console answered {path} with status {status}: {text[:200]}")
        return text

    def close(self) -> None:
        """End the connection."""
        if self.connection is not None:
            self.connection.close()

    def _ask(self, method: str, path: str, form: str = "") -> tuple[int, str]:
        where = urlsplit(self.url)
        if self.connection is None:
            self.connection = http.client.HTTPConnection(where.netloc, timeout=PAGE_SECONDS)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = f"{where.scheme}://{where.netloc}"
        self.connection.request(method, path, form or None, headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        for line in response.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: one.value for name, one in SimpleCookie(line).items()}
        return response.status, text
