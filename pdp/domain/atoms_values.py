"""The values of records and arguments, each taken as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pdp.domain.atoms import value_atoms
from pdp.domain.catalogue import ValueType

if TYPE_CHECKING:
    from pdp.domain.canonical import JsonValue


def whole_forms(values: Iterable[str]) -> Iterable[str]:
    """The forms of whole values."""
    return (one.form for value in values for one in value_atoms(value, ValueType.TEXT))


def scalar_leaves(value: JsonValue) -> Iterable[str]:
    """The strings and numbers of a call's arguments, as text."""
    pending = [value]
    while pending:
        node = pending.pop()
        if isinstance(node, dict):
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)
        elif isinstance(node, str):
            yield node
        elif isinstance(node, int | float) and not isinstance(node, bool):
            yield str(node)
