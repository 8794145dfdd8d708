"""What the bench makes of its samples."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from google.protobuf.struct_pb2 import Struct
from hypothesis import given
from hypothesis import strategies as st

from bench import svg, wire
from bench.calls import TASKS, is_effect
from bench.sampling import read_profile
from bench.stats import middle, percentile, ratio, sample


def test_percentiles_are_values_that_were_measured() -> None:
    ordered = [float(value) for value in range(1, 101)]
    assert [percentile(ordered, share) for share in (0.5, 0.9, 0.99, 1.0)] == [50, 90, 99, 100]
    assert percentile([7.0], 0.5) == 7


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_the_middle_of_samples_is_the_median_of_each_figure() -> None:
    slow, usual, fast = (sample([us] * 10, us) for us in (40.0, 20.0, 10.0))
    found = middle([slow, fast, usual])
    assert found.p50 == 20
    assert found.rate == pytest.approx(usual.rate)


def test_a_ratio_compares_what_was_measured_in_the_same_round() -> None:
    # In the second round the machine was busy: both were slow, and the ratio is what it was.
    found = ratio([100, 10, 90], [50, 5, 30])
    assert (found.low, found.median, found.high) == (2, 2, 3)


def test_every_task_has_its_share_of_effects() -> None:
    for task in range(TASKS):
        numbers = range(task, TASKS * 8, TASKS)
        assert sum(is_effect(number) for number in numbers) == 2


@given(st.integers(0, 2**63 - 1), st.text(max_size=40), st.binary(max_size=300))
def test_messages_written_by_hand_are_read_back(number: int, text: str, raw: bytes) -> None:
    message = wire.field(1, number) + wire.field(2, text) + wire.field(300, raw)
    assert wire.fields(message) == {1: [number], 2: [text.encode()], 300: [raw]}


def test_a_message_that_is_cut_short_is_an_error() -> None:
    with pytest.raises(ValueError, match="byte"):
        wire.fields(wire.field(1, b"12345")[:-1])


def test_attributes_are_the_values_that_protobuf_writes() -> None:
    struct = Struct()
    struct.update({"a": 1, "b": ["x", True]})
    # A Struct's fields are such a map under the number 1.
    read = Struct.FromString(wire.entries(1, {"a": 1, "b": ["x", True]}))
    assert read == struct


def test_a_profile_counts_a_function_once_for_each_stack() -> None:
    raw = (
        "thread (1): decide;Pipeline._run (pdp/pipeline.py:1);f (pdp/a.py:2);f (pdp/a.py:3) 3\n"
        "thread (2): MainThread;g (asyncio/runners.py:7) 1\n"
    )
    found = read_profile(raw, 32)
    assert found.samples == 4
    assert found.threads == {"decide": 0.75, "event loop": 0.25}
    assert found.itself == {"f (pdp/a.py)": 0.75, "g (asyncio/runners.py)": 0.25}
    assert found.within == {"Pipeline._run (pdp/pipeline.py)": 0.75, "f (pdp/a.py)": 0.75}


def test_plots_are_well_formed_whatever_their_labels_are() -> None:
    plots = [
        svg.bars("a < b", "calls/s", {"<&>": {"one": 1.0, "two": 0.0}}),
        svg.stacked("a", "µs", {"x": {'"quoted"': 3.0, "y": 100.0}}),
        svg.lines("a", "leaves", "µs", {"p50": [(0.0, 3.0), (10.0, 4.0), (1000.0, 5.0)]}),
    ]
    for plot in plots:
        assert ET.fromstring(plot).tag.endswith("svg")  # noqa: S314
