"""What the commands print to people: nothing in it can drive their terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

# Beyond any line that a table here can have: what is not read on a terminal is never cut.
_PIPE_COLUMNS: Final = 10_000


def plain(text: str) -> str:
    """`text` with every character that is not plainly visible as a Python escape.

    Agents choose tool names, goals and task ids; control, direction and format characters in them
    could rewrite what the reader sees. A backslash is doubled, so that no text can forge an escape.
    """
    if text.isprintable() and "\\" not in text:
        return text
    return "".join(
        char
        if char.isprintable() and char != "\\"
        else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def moment(at_us: int) -> str:
    """A time (microseconds since the epoch) as RFC 3339 in UTC, to the second."""
    return _utc(at_us, "seconds")


def exact_moment(at_us: int) -> str:
    """A time (microseconds since the epoch) as RFC 3339 in UTC, to the microsecond."""
    return _utc(at_us, "microseconds")


def print_table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Print a table on standard output: all of it, folded only where a terminal is too narrow."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*(Text(plain(cell)) for cell in line))
    console().print(table)


def console(*, stderr: bool = False) -> Console:
    """A console that neither highlights nor reads markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        width=None if stream.isatty() else _PIPE_COLUMNS,
        highlight=False,
        markup=False,
        emoji=False,
    )


def _utc(at_us: int, timespec: str) -> str:
    seconds, micros = divmod(at_us, 1_000_000)
    try:
        found = datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros, tzinfo=None)
    except (OverflowError, ValueError, OSError):
        return f"{at_us}us"
    return found.isoformat(timespec=timespec) + "Z"
