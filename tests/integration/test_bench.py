"""The bench measures real servers, and notices answers that are not what they must be."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench import calls
from bench.answered import check_unused, check_used
from bench.calls import lanes
from bench.client import Recorded, build_client, run_load
from bench.large_store import History, fill_store
from bench.opa_server import documents_by_tool
from bench.people import answer_once, ask
from bench.processes import BenchFailed
from bench.service import Service, opened_channel, running_service, verify_log
from pdp.store.reader import open_reader
from pdp.v1 import decision_pb2

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def client() -> Path:
    return build_client()


def test_a_load_of_the_service_is_answered_call_by_call_and_counted_in_its_log(
    client: Path, tmp_path: Path
) -> None:
    over = lanes("smoke", count=8, principals=8)
    with running_service(tmp_path / "data") as service:
        service.start_tasks(over)
        recorded = run_load(
            client,
            service.target,
            calls.requests("smoke", over, 64),
            inflight=4,
            warm=8,
            seconds=30,
        )
        service.check(recorded)
        assert len(recorded.timed) == 56
        assert all(one.took_us > 0 for one in recorded.timed)
        assert recorded.seconds > 0

        told = run_load(
            client,
            service.target,
            calls.requests("told", over, 64),
            inflight=4,
            warm=8,
            seconds=30,
            report_lanes=8,
        )
        # Every call but the first of each task carries the outcome of the one before.
        service.check(told, reported=56)
    verify_log(tmp_path / "data", service.leaves)


def test_an_answer_that_is_no_allow_and_a_leaf_that_is_missing_fail_the_bench(
    client: Path, tmp_path: Path
) -> None:
    over = lanes("smoke", count=4, principals=4)
    with running_service(tmp_path / "data") as service:
        service.start_tasks(over, earlier=1)
        good = run_load(
            client, service.target, calls.requests("a", over, 8), inflight=1, warm=0, seconds=30
        )
        unknown = lanes("nobody", count=4, principals=4)
        denied = run_load(
            client, service.target, calls.requests("b", unknown, 8), inflight=1, warm=0, seconds=30
        )
        with pytest.raises(BenchFailed, match="unknown_task"):
            service.check(denied)
        with pytest.raises(BenchFailed, match="places in the log"):
            service.check(Recorded([*good.answers, good.answers[0]], 0))
        late = decision_pb2.AuthorizeResponse.FromString(good.answers[-1].body)
        late.receipt.leaf_index += 100
        with pytest.raises(BenchFailed, match="places in the log"):
            service.check(
                Recorded(
                    [
                        *good.answers[:-1],
                        replace(good.answers[-1], body=late.SerializeToString()),
                    ],
                    0,
                )
            )
        with pytest.raises(BenchFailed, match="status 3"):
            run_load(client, service.target, [b"\xff"], inflight=1, warm=0, seconds=30)


def test_a_filled_store_is_one_that_the_service_could_have_written(
    client: Path, tmp_path: Path
) -> None:
    over = lanes("like", count=4, principals=4)
    with running_service(tmp_path / "like") as service:
        service.start_tasks(over)
        with opened_channel(service) as channel:
            ask(service, channel, over[0])
    histories = [
        History(lanes("many", count=300, principals=300), 3),
        History(lanes("long", count=2, principals=1), 40),
        History(lanes("asks", count=5, principals=5), 1, questions=3),
    ]
    documents = documents_by_tool(tmp_path / "like")
    with open_reader(tmp_path / "like") as reader:
        [asked] = reader.list_approvals(before="", limit=2)
    leaves = fill_store(tmp_path / "data", histories, documents, lambda _text: None, asked)
    assert leaves == 300 * 4 + 2 * 41 + 5 * 5
    verify_log(tmp_path / "data", leaves)
    with running_service(tmp_path / "data") as service:
        service.leaves = leaves
        service.start_tasks(lanes("more", count=4, principals=4))
        # Its tasks are at work: the next call of each is decided from what is on record.
        next_calls = calls.requests("next", histories[1].lanes, 4)
        service.check(run_load(client, service.target, next_calls, inflight=1, warm=0, seconds=30))
        # Its questions are open, and people go on answering in its tasks.
        with open_reader(tmp_path / "data") as reader:
            assert reader.count_open(time.time_ns() // 1000) == 5 * 3
        answer_once(service, histories[2].lanes[:1], grant=True)
    verify_log(tmp_path / "data", service.leaves)


def test_what_peoples_answers_cost_is_measured_and_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench", "--quick", "--rounds", "1", "--seconds", "0.2"),
            *("--json", "--out", str(tmp_path / "out"), "approvals"),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["approvals"]
    assert {"never-asked", "approved", "granted", "grant-used"} <= set(found["answered"])
    for row in found["answered"].values():
        assert all(one["median"]["cpu_us"] > 0 for one in row["inflight"].values())
    assert len(found["queue"]) == 3
    assert all(page["p50"] > 0 for page in found["queue"].values())
    assert len(found["watched"]["from_sent_ms"]) == 20
    assert all(took > 0 for took in found["watched"]["from_sent_ms"])
    targets = {one["text"]: one["found"] for one in json.loads(done.stdout)["targets"]}
    assert targets["until 100 watchers have heard, ms"] > 0


def test_an_answer_that_a_call_needs_or_does_not_need_fails_the_bench(
    client: Path, tmp_path: Path
) -> None:
    over = lanes("granted", count=4, principals=4)
    with running_service(tmp_path / "data") as service:
        service.start_tasks(over, earlier=1)
        answer_once(service, over, grant=True)
        usual, used = (
            run_load(
                client,
                service.target,
                calls.requests(name, over, 8, of),
                inflight=1,
                warm=0,
                seconds=30,
            )
            for name, of in (("usual", calls.arguments), ("used", calls.question))
        )
        check_unused(service, usual)
        check_used(service, used)
        with pytest.raises(BenchFailed, match="does not need"):
            check_unused(before(service, 8), used)
        with pytest.raises(BenchFailed, match="did not rest"):
            check_used(before(service, 16), usual)


def before(service: Service, leaves: int) -> Service:
    """The service as if so many leaves had not been answered for yet."""
    return replace(service, leaves=service.leaves - leaves)


def test_the_whole_bench_runs_and_says_what_it_found(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "bench", "--quick", "--rounds", "1", "--seconds", "0.2"),
            *("--json", "--out", str(tmp_path / "out"), "peers", "engine", "breakdown"),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    assert {"service", "service-one", "service-outcomes", "noop", "opa-server"} <= set(
        found["compared"]
    )
    for row in found["compared"].values():
        assert set(row["inflight"]) == {"1", "32"}
        assert all(one["median"]["rate"] > 0 for one in row["inflight"].values())
    assert [one["batch"] for one in found["engine"]] == [1, 2, 4, 8, 16, 32, 64]
    for one in found["breakdown"]:
        assert {"decode", "resolve", "encode", "commit: make durable", "answer"} <= set(one["cpu"])
        assert all(us > 0 for stage, us in one["cpu"].items() if not stage.startswith("("))
    assert found["targets"]
    assert (tmp_path / "out" / "throughput.svg").read_text().startswith("<svg ")
