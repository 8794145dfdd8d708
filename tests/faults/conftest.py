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
