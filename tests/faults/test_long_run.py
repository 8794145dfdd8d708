"""Load that lasts leaves memory, files, the write-ahead log and the engine as they were."""

from __future__ import annotations

import pytest

from tests.faults.long_run import judge, run, show
from tests.faults.world import ALLOW, Client, look
from tests.service import Service

SECONDS = 120.0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_load_that_lasts_leaves_nothing_behind(service: Service, client: Client) -> None:
    report = run(service, SECONDS)
    show(report)
    assert judge(report) == []
    assert report.ended["DECISION_ALLOW"] > 1000
    assert report.ended["tasks"] > 10
    assert report.ended["mutated"] > 10
    assert client.serving()
    assert client.authorize(look(client.start_task())).decision == ALLOW
