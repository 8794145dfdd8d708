"""What an answer says of the one thing that a call looked up or made."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pdp.domain import asked
from pdp.domain.asked import Asked
from pdp.domain.canonical import JsonValue
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, Tool, ValueType
from pdp.domain.provenance import ArgumentTrace, output_label, trace
from pdp.domain.seen import Origin
from pdp.domain.task_atoms import TaskAtoms
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass

LEASE: dict[str, JsonValue] = {
    "lease_no": "LS-20417",
    "tenant": {"id": "p-881", "name": "Noor Halvorsen", "email": "noor@halvorsen.example"},
    "manager": {"name": "Eli Brandt", "email": "e.brandt@rooms.example"},
    "unit": {"floor": "3", "contact": {"email": "desk@rooms.example"}},
    "remarks": [{"from": "gil@elsewhere.example", "text": "call me"}],
    "note": "Rings twice.",
}
GOAL = "Mail the tenant of LS-20417 that the boiler is checked on Monday"
READ = Tool(
    server="s",
    name="get_lease",
    description="",
    tool_class=ToolClass.READ,
    sensitivity=Sensitivity.INTERNAL,
    output_label=OutputLabel.UNTRUSTED,
    reversible=True,
    egress=False,
    arguments_schema={},
    schema_digest="",
    arguments={
        "x": ArgumentRole(ArgumentKind.IDENTIFIER, ValueType.IDENTIFIER),
        "page": ArgumentRole(ArgumentKind.OPTION),
    },
)
SEND = replace(
    READ,
    tool_class=ToolClass.SEND,
    egress=True,
    arguments={
        "to": ArgumentRole(ArgumentKind.SINK, ValueType.EMAIL),
        "text": ArgumentRole(ArgumentKind.CONTENT),
    },
)
WRITE = replace(SEND, tool_class=ToolClass.WRITE)


def call(
    atoms: TaskAtoms, tool: Tool, arguments: dict[str, JsonValue], answer: JsonValue
) -> TaskAtoms:
    """An allowed call and what it returned."""
    decision_id = f"d-{len(atoms)}"
    traces = trace(tool, arguments, atoms)
    atoms.add_arguments(arguments)
    atoms.add_call(decision_id, asked.traced(tool, traces))
    raw = answer if isinstance(answer, str) else json.dumps(answer)
    atoms.add_output(raw.encode(), "", output_label(tool, traces), decision_id)
    return atoms


def task(goal: str = GOAL) -> TaskAtoms:
    atoms = TaskAtoms()
    atoms.add_principal(goal)
    return atoms


def to(atoms: TaskAtoms, address: str) -> ArgumentTrace:
    return trace(SEND, {"to": address}, atoms)[0]


def looked_up(
    goal: str = GOAL, answer: JsonValue = LEASE, chosen: JsonValue = "LS-20417"
) -> TaskAtoms:
    return call(task(goal), READ, {"x": chosen, "page": "1"}, answer)


def test_a_thing_that_was_looked_up_says_who_stands_in_the_relation_that_the_goal_names() -> None:
    found = to(looked_up(), "noor@halvorsen.example")
    assert (found.origin, found.named) == (Origin.TRUSTED, True)
    for other in ("e.brandt@rooms.example", "desk@rooms.example", "gil@elsewhere.example"):
        assert to(looked_up(), other).origin is Origin.UNTRUSTED


@pytest.mark.parametrize(
    ("goal", "answer"),
    [
        ("Write to Noor Halvorsen about LS-20417", LEASE),
        ("Let the tenant of LS-20417 know that it works", LEASE),
        ("Forward the bill of LS-20417 to its new tenant", LEASE),
        (GOAL, {"data": {"lease": LEASE}}),
        (GOAL, [LEASE]),
        (GOAL, {"content": [{"type": "text", "text": json.dumps(LEASE)}]}),
        (GOAL, {"lease_no": "LS-20417", "tenant_email": "noor@halvorsen.example"}),
        (GOAL, "lease: LS-20417\ntenant: noor@halvorsen.example\nnote: Rings twice."),
    ],
)
def test_it_says_so_in_other_words_and_forms_as_well(goal: str, answer: JsonValue) -> None:
    assert to(looked_up(goal, answer), "noor@halvorsen.example").origin is Origin.TRUSTED


@pytest.mark.parametrize(
    ("goal", "answer", "chosen"),
    [
        ("Mail the boiler man about LS-20417", LEASE, "LS-20417"),
        ("Mail Eli why the tenant of LS-20417 is angry", LEASE, "LS-20417"),
        ("Check the tenant's note to LS-20417. Mail it to the insurer", LEASE, "LS-20417"),
        ("Mail the tenant about the boiler", LEASE, "LS-20417"),
        (GOAL, LEASE, "LS-20418"),
        (GOAL, {**LEASE, "lease_no": "LS-20418"}, "LS-20417"),
        (GOAL, [LEASE, {**LEASE, "lease_no": "LS-20418"}], "LS-20417"),
        (GOAL, {**LEASE, "tenant_email": "other@halvorsen.example"}, "LS-20417"),
        (GOAL, {**LEASE, "note": "Ask noor@halvorsen.example for the key first"}, "LS-20417"),
    ],
)
def test_nobody_is_meant_where_that_is_not_sure(
    goal: str, answer: JsonValue, chosen: JsonValue
) -> None:
    assert to(looked_up(goal, answer, chosen), "noor@halvorsen.example").origin is Origin.UNTRUSTED


def test_what_an_untrusted_output_chose_to_look_up_means_nobody() -> None:
    atoms = task("Mail the tenant of the lease in my inbox, LS-20417")
    call(atoms, READ, {"x": "LS-20417"}, {"ref": "LS-20499"})
    call(atoms, READ, {"x": "LS-20499"}, LEASE)
    assert to(atoms, "noor@halvorsen.example").origin is Origin.UNTRUSTED


@pytest.mark.parametrize(
    "tool",
    [
        replace(SEND, arguments={**SEND.arguments, "sum": ArgumentRole(ArgumentKind.AMOUNT)}),
        replace(SEND, tool_class=ToolClass.ADMIN),
        replace(SEND, tool_class=ToolClass.EXECUTE),
        replace(WRITE, reversible=False),
    ],
)
def test_what_a_thing_says_of_somebody_is_enough_to_tell_them_and_for_nothing_graver(
    tool: Tool,
) -> None:
    found = trace(tool, {"to": "noor@halvorsen.example"}, looked_up())[0]
    assert (found.origin, found.named) == (Origin.UNTRUSTED, False)
    told = trace(WRITE, {"to": "noor@halvorsen.example"}, looked_up())[0]
    assert (told.origin, told.named) == (Origin.TRUSTED, True)


def test_an_address_that_the_agent_wrote_into_the_thing_is_not_meant() -> None:
    atoms = call(task(), WRITE, {"to": "noor@halvorsen.example"}, {"status": "changed"})
    call(atoms, READ, {"x": "LS-20417"}, LEASE)
    assert to(atoms, "noor@halvorsen.example").origin is Origin.UNTRUSTED


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (READ, Asked.LOOKED_UP),
        (replace(READ, egress=True), Asked.NOTHING),
        (replace(READ, tool_class=ToolClass.DRAFT), Asked.NOTHING),
        (replace(READ, tool_class=ToolClass.EXECUTE), Asked.NOTHING),
        (replace(READ, tool_class=ToolClass.ADMIN), Asked.NOTHING),
        (replace(READ, tool_class=ToolClass.WRITE), Asked.MADE),
        (replace(READ, tool_class=ToolClass.SEND), Asked.MADE),
    ],
)
def test_only_closed_reads_look_up_and_only_writes_and_sends_make(
    tool: Tool, expected: Asked
) -> None:
    traces = trace(tool, {"x": "LS-20417"}, task())
    assert asked.traced(tool, traces) is expected
    document = {
        "tool": {"class": tool.tool_class.value, "egress": tool.egress},
        "provenance": {"arguments": [{"kind": one.kind, "origin": one.origin} for one in traces]},
    }
    assert asked.recorded(document) is expected


def linked(atoms: TaskAtoms, link: str) -> Origin:
    (found,) = trace(SEND, {"text": f"It is here: {link}"}, atoms)
    (sink,) = found.embedded
    return sink.origin


PAGE = "https://rooms.example/notices/77"
NOTICE: dict[str, JsonValue] = {"id": "n-77", "url": PAGE, "state": "open"}


def test_a_link_to_what_the_task_made_may_be_passed_on_and_decides_nothing_else() -> None:
    atoms = call(task(), WRITE, {"text": "Boiler check"}, NOTICE)
    assert linked(atoms, PAGE) is Origin.TRUSTED
    fetch = replace(SEND, arguments={"to": ArgumentRole(ArgumentKind.SINK, ValueType.URL)})
    assert trace(fetch, {"to": PAGE}, atoms)[0].origin is Origin.UNTRUSTED


@pytest.mark.parametrize(
    "answer",
    [
        {"id": "n-77", "text": f"as {PAGE} says"},
        {"id": "n-77", "text": PAGE},
        {"id": "n-77", "author": {"url": PAGE}},
        {"id": "n-77", "replies": [{"url": PAGE}]},
    ],
)
def test_other_links_that_a_call_returns_are_untrusted(answer: JsonValue) -> None:
    atoms = call(task(), WRITE, {"text": "Boiler check"}, answer)
    assert linked(atoms, PAGE) is Origin.UNTRUSTED


@pytest.mark.parametrize("tool_class", [ToolClass.READ, ToolClass.DRAFT, ToolClass.EXECUTE])
def test_what_reads_drafts_or_runs_makes_no_link(tool_class: ToolClass) -> None:
    tool = replace(SEND, tool_class=tool_class)
    atoms = call(task(), tool, {"text": "Boiler check"}, NOTICE)
    assert linked(atoms, PAGE) is Origin.UNTRUSTED


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({**LEASE, "web_url": PAGE}, Origin.TRUSTED),
        ({**LEASE, "web_url": PAGE, "note": f"It is at {PAGE} now, see there"}, Origin.UNTRUSTED),
        ({**LEASE, "lease_no": "LS-20418", "web_url": PAGE}, Origin.UNTRUSTED),
        ({**LEASE, "tenant": {"homepage_url": PAGE}}, Origin.UNTRUSTED),
        ([LEASE, {**LEASE, "web_url": PAGE}], Origin.UNTRUSTED),
    ],
)
def test_the_link_of_a_thing_that_was_looked_up_for_the_principal_may_be_passed_on(
    answer: JsonValue, expected: Origin
) -> None:
    assert linked(looked_up(GOAL, answer), PAGE) is expected


def test_a_link_that_was_met_or_written_before_is_none_to_what_was_made() -> None:
    met = task()
    met.add_output(f"see {PAGE}".encode(), "", OutputLabel.UNTRUSTED, "d-1")
    call(met, WRITE, {"text": "Boiler check"}, NOTICE)
    assert linked(met, PAGE) is Origin.UNTRUSTED
    written = call(task(), WRITE, {"text": f"Boiler check, {PAGE}"}, NOTICE)
    assert linked(written, PAGE) is Origin.UNTRUSTED


PROFILE: dict[str, JsonValue] = {
    "name": "Noor Halvorsen",
    "email": "noor@halvorsen.example",
    "manager_email": "e.brandt@rooms.example",
    "emergency": {"email": "gil@elsewhere.example"},
    "phones": ["+44 20 7946 0018"],
}
OWN = replace(READ, output_label=OutputLabel.TRUSTED)


@pytest.mark.parametrize(
    ("to", "named"),
    [
        ("noor@halvorsen.example", True),
        ("e.brandt@rooms.example", False),
        ("gil@elsewhere.example", False),
    ],
)
def test_what_the_own_profile_gives_as_its_own_is_the_principals(to: str, named: bool) -> None:
    atoms = call(task(GOAL), OWN, {}, {"profile": PROFILE})
    found = trace(SEND, {"to": to}, atoms)[0]
    assert (found.origin, found.named) == (Origin.TRUSTED, named)


@pytest.mark.parametrize(
    "answer", [[PROFILE, {**PROFILE, "id": "2"}], {"count": "1", "people": [PROFILE]}]
)
def test_a_list_gives_nobody_as_the_principals_own(answer: JsonValue) -> None:
    atoms = call(task(GOAL), OWN, {}, answer)
    assert not trace(SEND, {"to": "noor@halvorsen.example"}, atoms)[0].named


def test_an_untrusted_profile_is_nobodys_word() -> None:
    atoms = call(task(GOAL), READ, {}, PROFILE)
    assert not trace(SEND, {"to": "noor@halvorsen.example"}, atoms)[0].named
