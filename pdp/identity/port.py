"""What the front door asks of any way to verify callers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeAlias

from pdp.domain.values import Caller


class Unauthenticated(Exception):
    """The peer is nobody that was verified; the message is safe to send back to it."""


class Peer(Protocol):
    """What is known of the other end of a call: a part of grpc.aio.ServicerContext."""

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """The call's metadata, keys in lower case."""

    def peer(self) -> str:
        """The transport address, such as `ipv4:127.0.0.1:50000` or `unix:`."""

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """What the transport verified; empty without TLS."""


Identify: TypeAlias = Callable[[Peer], Caller]
"""The caller on a connection; raises Unauthenticated where nobody was verified."""
