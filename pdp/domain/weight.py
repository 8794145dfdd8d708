"""How heavy a call is: how much it moves, and whether it can be taken back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from pdp.domain.atoms import number
from pdp.domain.catalogue import ArgumentKind, Tool
from pdp.domain.goal_words import GRAVE, Acts
from pdp.domain.provenance import ArgumentTrace
from pdp.domain.seen import Origin
from pdp.domain.values import ToolClass

#: What cannot be read counts as this much, and nothing counts as more: sums stay finite and exact
#: to a thousandth, and any bound that somebody sets lies below.
LARGEST: Final = 1e12


def moves_value(tool: Tool) -> bool:
    """Whether the tool sends money or the like."""
    return tool.tool_class is ToolClass.SEND and bool(tool.paths(ArgumentKind.AMOUNT))


def amount_moved(tool: Tool | None, traces: Sequence[ArgumentTrace]) -> float:
    """The sum of a call's amounts without their signs, at most LARGEST; 0 where it moves none.

    The unit is the tool's own: sums over tools of several currencies are only as good as a bound
    on them needs to be.
    """
    if tool is None or not moves_value(tool):
        return 0.0
    given = (
        one
        for one in traces
        if one.kind == ArgumentKind.AMOUNT.value and one.origin is not Origin.NONE
    )
    return added(0.0, math.fsum(_read(one.value) for one in given))


def added(before: float, amount: float) -> float:
    """A running sum with one more amount: to a thousandth, and at most LARGEST."""
    return min(round(before + amount, 3), LARGEST)


def is_final(tool: Tool | None, acts: Acts) -> bool:
    """Whether a call cannot be taken back and is more than a message, which hardly ever can be."""
    if tool is None or tool.reversible or not tool.tool_class.has_effect:
        return False
    return tool.tool_class is not ToolClass.SEND or moves_value(tool) or bool(acts & GRAVE)


def _read(value: str) -> float:
    form = number(value)
    try:
        found = abs(float(form if form is not None else value))
    except ValueError:
        return LARGEST
    return LARGEST if math.isnan(found) else min(found, LARGEST)
