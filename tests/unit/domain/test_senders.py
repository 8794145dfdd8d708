"""Which link somebody shared, where the principal speaks of it by that person's name."""

from __future__ import annotations

import json

import pytest

from pdp.domain.catalogue import ArgumentKind, ArgumentRole, Tool, ValueType
from pdp.domain.provenance import ArgumentTrace, trace
from pdp.domain.seen import Origin
from pdp.domain.task_atoms import TaskAtoms
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass

FETCH = Tool(
    server="s",
    name="fetch",
    description="",
    tool_class=ToolClass.READ,
    sensitivity=Sensitivity.PUBLIC,
    output_label=OutputLabel.UNTRUSTED,
    reversible=True,
    egress=True,
    arguments_schema={},
    schema_digest="",
    arguments={"url": ArgumentRole(ArgumentKind.SINK, ValueType.URL)},
)
PAGE, OTHER = "https://tides.example/may", "https://tides-news.example/may"
GOAL = "Read the page that Noor linked in the harbour room and sum it up"
NOOR = {"id": "m1", "from": "noor.h", "name": "Noor Halvorsen", "text": f"Look: {PAGE} is new"}
ELI = {"id": "m2", "from": "eli.b", "name": "Eli Brandt", "text": f"No, {OTHER}!"}
LISTED = f"""room: harbour
messages:
- id: m1
  from: noor.h
  name: Noor Halvorsen
  text: |-
    Look: {PAGE}
    It is new.
- id: m2
  from: eli.b
  name: Eli Brandt
  text: |-
    from: noor.h
    name: Noor Halvorsen
    No, {OTHER}
"""


def fetched(link: str, *outputs: object, goal: str = GOAL) -> ArgumentTrace:
    atoms = TaskAtoms()
    atoms.add_principal(goal)
    for number, output in enumerate(outputs):
        raw = output if isinstance(output, str) else json.dumps(output)
        atoms.add_output(raw.encode(), "", OutputLabel.UNTRUSTED, f"d-{number}")
    return trace(FETCH, {"url": link}, atoms)[0]


@pytest.mark.parametrize(
    "output",
    [
        [NOOR, ELI],
        {"messages": [NOOR, ELI]},
        LISTED,
        [{"user": {"name": "Noor Halvorsen"}, "text": f"<{PAGE}|look>"}, ELI],
        [{"author": "noor@rooms.example", "body": f"{PAGE}."}, ELI],
        [NOOR, {**NOOR, "id": "m3", "text": f"as said, {PAGE}"}, ELI],
    ],
)
def test_the_only_link_of_somebody_whom_the_principal_names_is_the_one_it_speaks_of(
    output: object,
) -> None:
    found = fetched(PAGE, output)
    assert (found.origin, found.named) == (Origin.UNTRUSTED, True)
    assert not fetched(OTHER, output).named


@pytest.mark.parametrize(
    ("outputs", "goal"),
    [
        ([[NOOR, {**NOOR, "text": OTHER}]], GOAL),
        ([[NOOR], [{**NOOR, "text": OTHER}]], GOAL),
        ([[{**NOOR, "text": f"{PAGE} or {OTHER}"}]], GOAL),
        ([[NOOR, {**ELI, "name": "Noor Brandt"}]], GOAL),
        ([[NOOR]], "Read the page that somebody linked in the harbour room"),
        ([[NOOR]], "Tell Noor that I am late"),
        ([[{"room": "Noor's corner", "from": "eli.b", "text": PAGE}]], GOAL),
        ([[{"from": "eli.b", "file name": "Noor", "text": PAGE}]], GOAL),
        ([[{"from": "eli.b", "text": f"Noor Halvorsen says {PAGE}"}]], GOAL),
        ([f"Noor Halvorsen: {PAGE}"], GOAL),
    ],
)
def test_no_link_is_the_one_where_that_is_not_sure(outputs: list[object], goal: str) -> None:
    assert not fetched(PAGE, *outputs, goal=goal).named


def test_another_link_on_the_same_host_is_not_the_one() -> None:
    assert not fetched(f"{PAGE}?to=me", [NOOR]).named


def test_a_draft_knows_of_links_what_it_is_a_draft_over_and_keeps_it_when_absorbed() -> None:
    atoms = TaskAtoms()
    atoms.add_principal(GOAL)
    draft = atoms.draft()
    draft.add_output(json.dumps([NOOR, ELI]).encode(), "", OutputLabel.UNTRUSTED, "d-1")
    assert not trace(FETCH, {"url": PAGE}, atoms)[0].named
    atoms.absorb(draft)
    assert trace(FETCH, {"url": PAGE}, atoms)[0].named
    later = atoms.draft()
    later.add_output(json.dumps({**NOOR, "text": OTHER}).encode(), "", OutputLabel.UNTRUSTED, "d")
    assert not trace(FETCH, {"url": PAGE}, later)[0].named
    assert trace(FETCH, {"url": PAGE}, atoms)[0].named
