"""Logs: one event a line, whatever its values hold."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from pdp.logs import configure_logs


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_value_cannot_forge_a_line_or_a_colour(form: str) -> None:
    out = io.StringIO()
    configure_logs("info", "json" if form == "json" else "text", out)
    structlog.get_logger().info("task started", task="t-1\n2030 [error] forged \x1b[31m")
    logging.getLogger("grpc").error("first\nsecond")
    assert len(out.getvalue().splitlines()) == 2
    assert "\x1b" not in out.getvalue()


def test_json_is_one_object_for_each_event() -> None:
    out = io.StringIO()
    configure_logs("info", "json", out)
    structlog.get_logger().info("ready", leaves=3)
    logging.getLogger("grpc").error("broken: %s", "x")
    own, library = map(json.loads, out.getvalue().splitlines())
    assert (own["event"], own["level"], own["leaves"]) == ("ready", "info", 3)
    assert own["timestamp"].endswith("Z")
    assert (library["library"], library["text"]) == ("grpc", "broken: x")


def test_events_below_the_level_are_not_written() -> None:
    out = io.StringIO()
    configure_logs("warning", "text", out)
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud")
    assert "quiet" not in out.getvalue()
    assert "loud" in out.getvalue()


def test_colours_are_for_terminals() -> None:
    plain, terminal = io.StringIO(), Terminal()
    for out in (plain, terminal):
        configure_logs("info", "text", out)
        structlog.get_logger().warning("policy fault", code="policy_error")
    assert "\x1b" not in plain.getvalue()
    assert "\x1b" in terminal.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_trace_does_not_show_what_callers_sent(form: str) -> None:
    out = io.StringIO()
    configure_logs("info", "json" if form == "json" else "text", out)
    argument = "hunter" + str(2)
    try:
        raise ValueError(len(argument))
    except ValueError:
        structlog.get_logger().exception("batch failed")
    assert "ValueError" in out.getvalue()
    assert "hunter2" not in out.getvalue()
