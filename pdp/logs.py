"""What the service says on standard error: events with fields, for people or as JSON."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Literal, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor


def configure_logs(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["text", "json"] = "text",
    stream: TextIO | None = None,
) -> None:
    """Send all events of this process to `stream` (standard error), those of libraries too.

    Text has colours only where `stream` is a terminal. Values are written escaped, so that what a
    caller sent cannot look like a line of its own.
    """
    out = sys.stderr if stream is None else stream
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        ending: list[Processor] = [
            # Without the values of local variables, which hold what callers sent.
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ]
    else:
        ending = [
            structlog.dev.ConsoleRenderer(
                colors=out.isatty(),
                pad_event_to=0,
                repr_native_str=True,
                exception_formatter=structlog.dev.plain_traceback,
                sort_keys=False,
            )
        ]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(out),
        # A logger made at import, before this ran, must follow it too.
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[_library_event, *ending],
        )
    )
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler], force=True)


def _library_event(_logger: Any, _method: str, event: Any) -> Any:
    """An event of the standard library's logging: its text may hold anything, so it is a value."""
    record = event.pop("_record")
    event.pop("_from_structlog", None)
    event["library"] = record.name
    event["text"] = event.pop("event")
    event["event"] = "library"
    return event
