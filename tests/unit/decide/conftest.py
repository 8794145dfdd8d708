"""The pipeline says much when it is hurt on purpose; nobody reads it here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs


@pytest.fixture(autouse=True)
def quiet_logs() -> Iterator[None]:
    """Events are kept from the terminal."""
    with capture_logs():
        yield
