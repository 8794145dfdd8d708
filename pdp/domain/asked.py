"""What a call was for, as far as its answer may be relied on beyond its label for that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pdp.domain.catalogue import ArgumentKind, Tool
from pdp.domain.seen import Origin
from pdp.domain.values import ToolClass

if TYPE_CHECKING:
    from pdp.domain.provenance import ArgumentTrace


class Asked(StrEnum):
    """What a call was for.

    looked_up: a read within a closed world that nothing but the principal's own values chose.
    own: such a read that nothing chose: what it returns is about the account itself.
    made: a write or send; what it made has a link that the server gave it.
    """

    NOTHING = "nothing"
    LOOKED_UP = "looked_up"
    OWN = "own"
    MADE = "made"


def traced(tool: Tool | None, traces: Iterable[ArgumentTrace]) -> Asked:
    """What a call that is being decided is for."""
    if tool is None:
        return Asked.NOTHING
    return _asked(tool.tool_class.value, tool.egress, ((one.kind, one.origin) for one in traces))


def recorded(document: Mapping[str, Any]) -> Asked:
    """The same of a call on record, from the input document that it was decided by."""
    arguments = document["provenance"]["arguments"]
    tool = document["tool"]
    return _asked(
        tool["class"], tool["egress"], ((one["kind"], one["origin"]) for one in arguments)
    )


def _asked(tool_class: str, egress: bool, arguments: Iterable[tuple[str, str]]) -> Asked:
    if tool_class in (ToolClass.WRITE, ToolClass.SEND):
        return Asked.MADE
    if tool_class != ToolClass.READ or egress:
        return Asked.NOTHING
    choosing = {origin for kind, origin in arguments if kind != ArgumentKind.OPTION}
    choosing.discard(Origin.NONE.value)
    if not choosing:
        return Asked.OWN
    return Asked.LOOKED_UP if choosing == {Origin.PRINCIPAL.value} else Asked.NOTHING
