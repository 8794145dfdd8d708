"""One sentence for people about what a call will do, from the catalogue and its exact arguments."""

from __future__ import annotations

from collections.abc import Mapping

from pdp.domain.canonical import JsonValue
from pdp.domain.catalogue import Tool


def sentence(
    tool: Tool | None,
    server: str,
    name: str,
    arguments: Mapping[str, JsonValue],
    resource_type: str,
    resource_id: str,
) -> str:
    """What will happen if the call is made, as one line of plain text.

    Never the agent's own words as fact: values are quoted, clipped, and what a reader would not see
    in them (control, direction and zero-width characters) is shown as an escape.
    """
    return f"Call {server}/{name}."
