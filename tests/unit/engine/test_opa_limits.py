"""Limits that make no sense are refused where they are written down."""

from __future__ import annotations

import pytest

from pdp.engine.limits import LEAST_MEMORY_BYTES, OpaLimits


def test_the_limits_as_they_come_are_accepted() -> None:
    assert OpaLimits().evaluation_seconds == OpaLimits().evaluation_ms / 1000


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"evaluation_ms": 0}, "evaluation_ms"),
        ({"evaluation_ms": 60_001}, "evaluation_ms"),
        ({"memory_bytes": LEAST_MEMORY_BYTES - 1}, "memory_bytes"),
        ({"input_bytes": 0}, "input_bytes"),
        ({"result_bytes": 0}, "result_bytes"),
        ({"frame_elements": 0}, "frame_elements"),
        ({"workers": -1}, "workers"),
        ({"frame_bytes": 4 << 20}, "frame_bytes"),
        ({"load_seconds": 0}, "load_seconds"),
        ({"restart_wait_seconds": -1}, "restart_wait_seconds"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_by_name(limits: dict[str, int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        OpaLimits(**limits)
