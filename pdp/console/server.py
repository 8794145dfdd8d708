"""The console's HTTP server: uvicorn on the service's own event loop, on one loopback address."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import structlog
import uvicorn
from starlette.types import ASGIApp

from pdp.identity.address import TcpAddress

#: People with a browser each; what comes beyond is told to try again.
CONNECTIONS: Final = 256
_log = structlog.get_logger()

_KEEP_ALIVE_SECONDS: Final = 15
_HEADER_BYTES: Final = 16 * 1024


class CannotServeConsole(OSError):
    """The console's address cannot be listened on; the message says which and why."""


class _Server(uvicorn.Server):
    """A server that leaves signals to the process it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


@dataclass(frozen=True, slots=True)
class Listener:
    """An address that is bound and not served yet, so that its port is known."""

    socket: socket.socket
    address: TcpAddress

    @property
    def hosts(self) -> frozenset[str]:
        """What a browser on this machine puts into its Host header to get here."""
        local = TcpAddress("localhost", self.address.port)
        names = {str(self.address), str(local)}
        if self.address.port == 80:
            # The default port is left out (RFC 9110, section 7.2).
            names |= {name.removesuffix(":80") for name in names}
        return frozenset(names)


def listen(address: TcpAddress) -> Listener:
    """Bind a loopback IP literal; port 0 takes any free one.

    Raises:
        CannotServeConsole: it is in use or cannot be bound.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A restarted service takes its port back at once; a port in use is still refused.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address.host, address.port))
        bound.listen(128)
        bound.setblocking(False)
    except OSError as fault:
        bound.close()
        why = fault.strerror or str(fault)
        raise CannotServeConsole(f"cannot serve the console on {address}: {why}") from fault
    return Listener(bound, TcpAddress(address.host, bound.getsockname()[1]))


class ConsoleServer:
    """A console being served."""

    def __init__(self, url: str, server: uvicorn.Server, task: asyncio.Task[None]) -> None:
        self.url = url
        self._server = server
        self._task = task

    async def close(self) -> None:
        """Take no more connections, let requests in hand finish for the grace given, and end."""
        self._server.should_exit = True
        await asyncio.gather(self._task, return_exceptions=True)


def serve_console(listener: Listener, app: ASGIApp, grace_s: float) -> ConsoleServer:
    """Serve `app` on the running event loop."""
    config = uvicorn.Config(
        app,
        loop="none",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, int(grace_s)),
        h11_max_incomplete_event_size=_HEADER_BYTES,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener.socket]))
    task.add_done_callback(_look)
    return ConsoleServer(f"http://{listener.address}/", server, task)


def _look(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.error("the console has ended", error=str(task.exception()))
