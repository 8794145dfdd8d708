"""How heavy calls are, and how the ledger adds that up by the hour."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.catalogue import ArgumentKind, ArgumentRole, ValueType
from pdp.domain.goal_words import Act
from pdp.domain.provenance import ArgumentTrace
from pdp.domain.seen import Origin
from pdp.domain.task import HOUR_US, Rollup
from pdp.domain.values import Decision, Sensitivity, ToolClass
from pdp.domain.weight import LARGEST, amount_moved, is_final, moves_value
from tests.unit.decide.world import tool

PAY = tool(
    "pay",
    ToolClass.SEND,
    reversible=False,
    arguments={"amount": ArgumentRole(ArgumentKind.AMOUNT, ValueType.NUMBER)},
)
NOTHING: frozenset[Act] = frozenset()
NOW = 10 * HOUR_US


def amount(value: str, origin: Origin = Origin.UNKNOWN) -> ArgumentTrace:
    return ArgumentTrace("/amount", ArgumentKind.AMOUNT.value, ValueType.NUMBER, value, origin)


def after(rollup: Rollup, decision: Decision = Decision.ALLOW, **more: object) -> Rollup:
    given = {"now_us": NOW, "effect": True, "taints": False, "sensitivity": Sensitivity.INTERNAL}
    return rollup.add(decision=decision, **{**given, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "moved"),
    [("12", 12.0), ("-12.5", 12.5), ("1,200.50", 1200.5), ("1e3", 1000.0), ("0", 0.0)],
)
def test_an_amount_counts_without_its_sign(value: str, moved: float) -> None:
    assert amount_moved(PAY, (amount(value),)) == moved


@pytest.mark.parametrize("value", ["all of it", "nan", "inf", "9" * 64, ""])
def test_an_amount_that_cannot_be_read_counts_as_the_largest(value: str) -> None:
    assert amount_moved(PAY, (amount(value),)) == LARGEST


def test_several_amounts_add_up_and_one_that_chooses_nothing_is_none() -> None:
    given = (amount("0.1"), amount("0.2"), amount("", Origin.NONE))
    assert amount_moved(PAY, given) == 0.3


def test_only_a_send_with_amounts_moves_value() -> None:
    assert moves_value(PAY)
    assert not moves_value(tool("send", ToolClass.SEND))
    buys = tool("set", ToolClass.WRITE, arguments=PAY.arguments)
    assert amount_moved(buys, (amount("12"),)) == 0.0
    assert amount_moved(None, (amount("12"),)) == 0.0


def test_what_cannot_be_taken_back_is_final_unless_it_is_a_mere_message() -> None:
    assert is_final(PAY, NOTHING)
    assert is_final(tool("wipe", ToolClass.WRITE, reversible=False), NOTHING)
    assert not is_final(tool("send", ToolClass.SEND, reversible=False), frozenset({Act.SEND}))
    assert is_final(tool("cancel", ToolClass.SEND, reversible=False), frozenset({Act.CANCEL}))
    assert not is_final(tool("look", reversible=False), NOTHING)
    assert not is_final(tool("rename", ToolClass.WRITE), NOTHING)
    assert not is_final(None, NOTHING)


def test_an_allowed_call_raises_the_hours_sums_and_how_far_it_reached() -> None:
    found = after(Rollup(), tool_class=ToolClass.SEND, final=True, amount=12.5)
    found = after(found, tool_class=ToolClass.READ, amount=0.25)
    assert (found.hour_final, found.hour_amount, found.reach) == (1, 12.75, 4)
    assert found.hour_escalations == 0


@pytest.mark.parametrize("decision", [Decision.DENY, Decision.ESCALATE])
def test_what_was_not_allowed_moves_nothing(decision: Decision) -> None:
    asks = decision is Decision.ESCALATE
    found = after(
        Rollup(), decision, asks=asks, tool_class=ToolClass.ADMIN, final=True, amount=12.5
    )
    assert (found.hour_final, found.hour_amount, found.reach) == (0, 0.0, 0)
    assert found.hour_escalations == (1 if decision is Decision.ESCALATE else 0)


def test_another_hour_begins_at_zero_and_another_minute_does_not() -> None:
    found = after(Rollup(), tool_class=ToolClass.EXECUTE, final=True, amount=5.0)
    found = after(found, Decision.ESCALATE, asks=True)
    later = found.at(NOW + HOUR_US - 1)
    assert (later.hour_final, later.hour_amount, later.hour_escalations) == (1, 5.0, 1)
    assert later.minute_calls == 0
    next_hour = found.at(NOW + HOUR_US)
    assert (next_hour.hour_final, next_hour.hour_amount, next_hour.hour_escalations) == (0, 0.0, 0)
    assert next_hour.reach == 5


@given(st.lists(st.floats(min_value=0, max_value=LARGEST), max_size=40))
def test_the_hours_amount_is_the_sum_to_a_thousandth_and_never_beyond_the_largest(
    amounts: list[float],
) -> None:
    rollup = Rollup()
    for one in amounts:
        rollup = after(rollup, amount=one)
    expected = min(math.fsum(round(one, 3) for one in amounts), LARGEST)
    assert rollup.hour_amount == pytest.approx(expected, abs=0.001 * (len(amounts) + 1))
