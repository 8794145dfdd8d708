"""What the managed OPA may use: time, memory, sizes. Each limit carries its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEBIBYTE: Final = 1 << 20
# The child refuses less (opa/limits.go): a policy of some size would not compile.
LEAST_MEMORY_BYTES: Final = 256 * MEBIBYTE
# The child refuses a longer deadline (opa/serve.go).
MOST_EVALUATION_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class OpaLimits:
    """Limits of one managed OPA. Raises ValueError when one of them makes no sense.

    evaluation_ms: deadline of one evaluation. An evaluation of the default bundle takes about an
        eighth of a millisecond; the rest is room for a machine that is busy with other things.
    memory_bytes: address space the child may take beyond what Go reserves at its start, which is
        more than a gigabyte by itself (RLIMIT_AS is the sum); beyond it the child dies and is
        replaced.
    input_bytes: largest input. Arguments are at most 256 KiB; task, ledger and provenance around
        them are a few times that.
    result_bytes: largest value of an entrypoint. A decision with all its reasons takes a few KiB.
    frame_bytes: most bytes sent to the child at once, so also the largest policy.
    frame_elements: most evaluations sent at once; a larger batch is sent in several frames.
    workers: evaluations at a time; 0 means one for each processor.
    load_seconds: how long compiling a policy may take.
    restart_wait_seconds: how long a batch waits for a child that is being replaced, before its
        elements become faults. Start and load together take about a fifth of a second.
    """

    evaluation_ms: int = 250
    memory_bytes: int = 1024 * MEBIBYTE
    input_bytes: int = 4 * MEBIBYTE
    result_bytes: int = MEBIBYTE // 4
    frame_bytes: int = 64 * MEBIBYTE
    frame_elements: int = 256
    workers: int = 0
    load_seconds: float = 60.0
    restart_wait_seconds: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.evaluation_ms <= MOST_EVALUATION_MS:
            raise ValueError(f"evaluation_ms must be within 1 and {MOST_EVALUATION_MS}")
        if self.memory_bytes < LEAST_MEMORY_BYTES:
            raise ValueError(
                f"memory_bytes must be at least {LEAST_MEMORY_BYTES}: a policy needs them"
            )
        if min(self.input_bytes, self.result_bytes, self.frame_elements) < 1:
            raise ValueError("input_bytes, result_bytes and frame_elements must be positive")
        if self.workers < 0:
            raise ValueError("workers must not be negative; 0 means one for each processor")
        # Four bytes of length for each element, and the header.
        if self.frame_bytes < self.input_bytes + 4 * self.frame_elements + MEBIBYTE:
            raise ValueError("frame_bytes must hold the largest input and a mebibyte besides")
        if self.load_seconds <= 0 or self.restart_wait_seconds < 0:
            raise ValueError("load_seconds must be positive, restart_wait_seconds not negative")

    @property
    def evaluation_seconds(self) -> float:
        """The deadline of one evaluation in seconds."""
        return self.evaluation_ms / 1000

    def arguments(self) -> list[str]:
        """The limits as command line of `pdp-opa decide`."""
        return [
            f"--memory-bytes={self.memory_bytes}",
            f"--max-frame-bytes={self.frame_bytes}",
            f"--max-elements={self.frame_elements}",
            f"--max-input-bytes={self.input_bytes}",
            f"--max-result-bytes={self.result_bytes}",
            f"--workers={self.workers}",
        ]
