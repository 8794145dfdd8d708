"""One store for each test, or for many examples of one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pdp.store.sqlite import SqliteStore
from tests.conformance.stores import PLACES, SqlitePlace


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> SqlitePlace:
    return PLACES[request.param](tmp_path / "data")


@pytest.fixture
def store(place: SqlitePlace) -> Iterator[SqliteStore]:
    opened = place.open()
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=PLACES)
def roomy(request: pytest.FixtureRequest) -> Iterator[SqliteStore]:
    """One store for many examples: each commits on top of the others."""
    with tempfile.TemporaryDirectory() as folder:
        opened = PLACES[request.param](Path(folder) / "data").open()
        yield opened
        opened.close()
