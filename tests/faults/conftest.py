"""Services for fault tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.world import Client, write_catalogue
from tests.service import Service, start_service


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalogue(tmp_path_factory.mktemp("catalogue"))


@pytest.fixture
def service(tmp_path: Path, catalogue: Path) -> Iterator[Service]:
    with start_service(tmp_path / "data", catalogues=[catalogue]) as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service) as made:
        yield made


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory, catalogue: Path) -> Iterator[Service]:
    """One service for all tests of a module that leave it as they found it."""
    data = tmp_path_factory.mktemp("shared") / "data"
    with start_service(data, catalogues=[catalogue]) as running:
        yield running
