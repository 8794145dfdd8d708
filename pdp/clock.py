"""The clock and chance of the machine."""

from __future__ import annotations

import secrets
import time


class SystemClock:
    """Wall time, monotonic time, and identifiers from the system's random source."""

    def now_us(self) -> int:
        """Microseconds since the epoch."""
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        """Microseconds of a clock that never goes back."""
        return time.monotonic_ns() // 1000

    def new_id(self, prefix: str) -> str:
        """A fresh identifier such as `d-019ab3…`: milliseconds, then 80 random bits, in hex.

        It sorts by time like a UUIDv7 (RFC 9562, section 5.7), so that indexes grow at their end.
        """
        return f"{prefix}-{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"

    def nonce(self) -> bytes:
        """16 random bytes."""
        return secrets.token_bytes(16)
