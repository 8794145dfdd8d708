"""What no input may do to provenance."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace

from hypothesis import assume, example, given
from hypothesis import strategies as st

from pdp.domain.asked import Asked
from pdp.domain.atoms import Atom, email, normalise, number, plain, url, value_atoms
from pdp.domain.atoms_output import read_output
from pdp.domain.atoms_text import typed_forms
from pdp.domain.canonical import JsonValue
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, Tool, ValueType
from pdp.domain.goal import GoalActs, Stance, forbidden, read_goal, stance
from pdp.domain.goal_words import Act
from pdp.domain.provenance import ArgumentTrace, output_label, trace
from pdp.domain.seen import Origin
from pdp.domain.task_atoms import TaskAtoms
from pdp.domain.tool_acts import ToolActs
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass

TRUSTED, UNTRUSTED = OutputLabel.TRUSTED, OutputLabel.UNTRUSTED
RELIED = (Origin.PRINCIPAL, Origin.TRUSTED)

words = st.text(st.sampled_from("abcdefgh"), min_size=1, max_size=8)
hosts = st.builds("{}.{}".format, words, st.sampled_from(["com", "io", "org", "co.uk"]))
emails = st.builds("{}@{}".format, words, hosts)
urls = st.builds("https://{}/{}".format, hosts, words)
accounts = st.from_regex(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{12,20}", fullmatch=True)
identifiers = st.from_regex(r"[a-z]{2,4}-[0-9]{3,8}", fullmatch=True)
typed = st.one_of(
    st.tuples(emails, st.just(ValueType.EMAIL)),
    st.tuples(urls, st.just(ValueType.URL)),
    st.tuples(accounts, st.just(ValueType.ACCOUNT)),
    st.tuples(identifiers, st.just(ValueType.TEXT)),
)
texts = st.text(max_size=60)
step = st.tuples(
    st.sampled_from(["trusted", "untrusted", "asserted", "arguments"]),
    st.one_of(texts, emails, urls, accounts, identifiers, words),
)


def send(holds: ValueType, output: OutputLabel = UNTRUSTED) -> Tool:
    return Tool(
        server="s",
        name="t",
        description="",
        tool_class=ToolClass.READ if output is TRUSTED else ToolClass.SEND,
        sensitivity=Sensitivity.INTERNAL,
        output_label=output,
        reversible=True,
        egress=True,
        arguments_schema={},
        schema_digest="",
        arguments={"x": ArgumentRole(ArgumentKind.SINK, holds)},
    )


def traced(atoms: TaskAtoms, value: JsonValue, holds: ValueType) -> ArgumentTrace:
    (found,) = trace(send(holds), {"x": value}, atoms)
    return found


def add(atoms: TaskAtoms, kind: str, text: str) -> None:
    if kind == "asserted":
        atoms.add_asserted(text)
    elif kind == "arguments":
        atoms.add_arguments({"x": text})
    else:
        label = TRUSTED if kind == "trusted" else UNTRUSTED
        atoms.add_output(json.dumps({"v": text}).encode(), "", label, kind)


def after(goal: str, steps: list[tuple[str, str]]) -> TaskAtoms:
    atoms = TaskAtoms()
    atoms.add_principal(goal)
    for kind, text in steps:
        add(atoms, kind, text)
    return atoms


@given(typed, texts, st.lists(step, max_size=6), st.text(max_size=40), st.booleans())
def test_one_more_untrusted_output_never_makes_a_value_relied_on(
    value: tuple[str, ValueType], goal: str, steps: list[tuple[str, str]], more: str, holds_it: bool
) -> None:
    atoms = after(goal, steps)
    before = traced(atoms, *value).origin
    add(atoms, "untrusted", f"{more} {value[0]}" if holds_it else more)
    if before not in RELIED:
        assert traced(atoms, *value).origin not in RELIED


@given(typed, st.lists(step, max_size=6), st.sampled_from(["asserted", "arguments", "untrusted"]))
def test_a_trusted_output_never_makes_trusted_what_was_met_otherwise_before(
    value: tuple[str, ValueType], steps: list[tuple[str, str]], first: str
) -> None:
    atoms = after("", [(first, value[0]), *steps])
    before = traced(atoms, *value).origin
    add(atoms, "trusted", value[0])
    assert before not in RELIED
    assert traced(atoms, *value).origin not in RELIED


def spellings(value: str) -> st.SearchStrategy[str]:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in value)
    return st.one_of(
        st.sampled_from([value.upper(), value.title(), wide, unicodedata.normalize("NFD", value)]),
        st.integers(0, len(value)).map(lambda at: value[:at] + "\u200b" + value[at:]),
        st.integers(0, len(value)).map(lambda at: value[:at] + "\u00ad" + value[at:]),
        st.integers(0, len(value)).map(lambda at: value[:at] + "\ufeff" + value[at:]),
    )


@given(typed.flatmap(lambda value: st.tuples(st.just(value), spellings(value[0]))))
def test_another_spelling_of_an_untrusted_value_does_not_hide_it(
    given_: tuple[tuple[str, ValueType], str],
) -> None:
    (value, holds), spelling = given_
    atoms = after("", [("untrusted", spelling), ("trusted", value)])
    assert traced(atoms, value, holds).origin not in RELIED
    atoms = after("", [("untrusted", value), ("trusted", spelling)])
    assert traced(atoms, spelling, holds).origin not in RELIED


@given(typed.flatmap(lambda value: st.tuples(st.just(value), spellings(value[0]))))
def test_another_spelling_of_the_principals_value_matches_or_gains_nothing(
    given_: tuple[tuple[str, ValueType], str],
) -> None:
    (value, holds), spelling = given_
    found = traced(after(f"use {value} for it", []), spelling, holds)
    if found.origin in RELIED:
        assert normalise(spelling).casefold() == normalise(value).casefold()


AROUND = ["{v}{m}", "{m}{v}", "{v}.{m}", "{m}.{v}", "{v}/{m}", "{v}?{m}=1", "{v}-{m}"]


@given(
    typed,
    st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=5),
    st.sampled_from(AROUND),
)
def test_what_holds_a_trusted_value_is_not_trusted_for_it(
    value: tuple[str, ValueType], more: str, pattern: str
) -> None:
    whole = pattern.format(v=value[0], m=more)
    atoms = after(f"use {value[0]} for it", [("trusted", value[0])])
    same = {one.key for one in value_atoms(whole, value[1])} == {
        one.key for one in value_atoms(value[0], value[1])
    }
    assert same or traced(atoms, whole, value[1]).origin not in RELIED


@given(typed, typed, st.sampled_from(["", ".", " ", "/", "-", "@", "_", ":", "\n"]))
def test_two_trusted_values_put_together_are_not_trusted(
    one: tuple[str, ValueType], other: tuple[str, ValueType], between: str
) -> None:
    whole = f"{one[0]}{between}{other[0]}"
    atoms = after(f"use {one[0]}, but not for long! And {other[0]}", [("trusted", one[0])])
    add(atoms, "trusted", other[0])
    assert traced(atoms, whole, one[1]).origin not in RELIED


@given(hosts, words)
def test_a_host_never_trusts_a_longer_one(host: str, more: str) -> None:
    atoms = after(f"see https://{host}/ and {host}", [("trusted", f"https://{host}/")])
    for longer in (f"{host}.{more}.io", f"{more}{host}", f"{more}.{host}", f"{host}{more}.io"):
        for value, holds in (
            (f"https://{longer}/", ValueType.URL),
            (longer, ValueType.DOMAIN),
            (f"https://{host}@{longer}/", ValueType.URL),
        ):
            assert traced(atoms, value, holds).origin not in RELIED


@given(st.binary(max_size=200), st.sampled_from(["", "application/json", "text/csv"]))
def test_any_bytes_can_be_an_output(raw: bytes, media_type: str) -> None:
    atoms = TaskAtoms()
    atoms.add_principal("a b c")
    atoms.add_output(raw, media_type, UNTRUSTED, "d")
    assert len(atoms) < 2_000


@given(st.text(max_size=200))
def test_any_text_can_be_a_goal_and_content(text: str) -> None:
    atoms = TaskAtoms()
    atoms.add_principal(text)
    atoms.add_asserted(text)
    atoms.add_arguments({text: [text, 1, None]})
    roles = {"x": ArgumentRole(ArgumentKind.CONTENT), "y": ArgumentRole(ArgumentKind.SINK)}
    tool = send(ValueType.TEXT)
    found = trace(
        Tool(**{f: getattr(tool, f) for f in tool.__slots__ if f != "arguments"}, arguments=roles),
        {"x": text, "y": text},
        atoms,
    )
    assert len(found) == 2
    assert read_goal(text).negated <= set(Act)


@given(st.text(max_size=60))
@example("0/\x00\x80")
def test_canonical_forms_are_stable(text: str) -> None:
    for canonical in (email, url, number, lambda value: plain(value) or None):
        form = canonical(text)
        assert form is None or canonical(form) == form


@given(st.lists(st.tuples(words, emails), max_size=8))
def test_every_address_of_an_output_is_found_in_each_of_its_forms(
    rows: list[tuple[str, str]],
) -> None:
    wanted = {f"email:{address}" for _, address in rows}
    for raw in (
        json.dumps([{"name": name, "email": address} for name, address in rows]),
        json.dumps({"content": [{"type": "text", "text": json.dumps(rows)}]}),
        "\n".join(f"- name: {name}\n  email: {address}" for name, address in rows),
        "name,email\n" + "\n".join(f"{name},{address}" for name, address in rows),
        " and ".join(f"{name} <{address}>" for name, address in rows),
    ):
        reading = read_output(raw.encode(), "")
        assert wanted <= set(typed_forms(f"{reading.prose}\n{reading.text}", cells=reading.cells))


@given(st.sampled_from([*RELIED, Origin.UNTRUSTED, Origin.UNKNOWN, Origin.NONE]))
def test_a_trusted_read_stays_trusted_only_for_arguments_relied_on(origin: Origin) -> None:
    one = ArgumentTrace("/x", "sink", ValueType.TEXT, "v", origin)
    expected = TRUSTED if origin in (*RELIED, Origin.NONE) else UNTRUSTED
    assert output_label(send(ValueType.TEXT, TRUSTED), (one,)) is expected


@given(st.lists(step, max_size=3), st.lists(st.one_of(texts, emails, urls, accounts), max_size=3))
def test_arguments_are_remembered_alike_whether_they_were_traced_before_or_not(
    steps: list[tuple[str, str]], parts: list[str]
) -> None:
    tool = replace(send(ValueType.TEXT), arguments={"x": ArgumentRole(ArgumentKind.CONTENT)})
    arguments: dict[str, JsonValue] = {"x": " ".join(parts), "y": "\n".join(parts)}
    traced, untraced = after("", steps), after("", steps)
    trace(tool, arguments, traced)
    traced.add_arguments(arguments)
    untraced.add_arguments(arguments)
    assert len(traced) == len(untraced)
    for form in typed_forms(normalise("\n".join(parts)), cells=map(normalise, parts)):
        assert traced.find(Atom(form.casefold(), form)) == untraced.find(
            Atom(form.casefold(), form)
        )


names = st.from_regex(r"[A-Z][a-z]{3,7}", fullmatch=True).filter(lambda one: one != "Tell")
entries = st.fixed_dictionaries(
    {"name": st.builds("{} {}".format, names, names), "email": emails, "team": words}
)
objects = st.recursive(
    st.one_of(emails, urls, identifiers, words, st.integers(0, 99_999)),
    lambda below: st.one_of(
        st.lists(below, max_size=3),
        st.dictionaries(
            st.sampled_from(["id", "name", "from", "customer", "email", "url", "text"]), below
        ),
    ),
    max_leaves=12,
)


def listed(atoms: TaskAtoms, label: OutputLabel, *entries: object) -> None:
    atoms.add_output(json.dumps(entries).encode(), "", label, "listed")


@given(entries, st.lists(entries, max_size=4), st.lists(objects, max_size=3), st.booleans())
def test_no_untrusted_list_chooses_anybody_by_a_name(
    entry: dict[str, str], others: list[dict[str, str]], before: list[object], whole: bool
) -> None:
    called = entry["name"] if whole else entry["name"].split()[0]
    atoms = after(f"Tell {called} about the page of the customer", [])
    for one in before:
        listed(atoms, UNTRUSTED, one)
    listed(atoms, UNTRUSTED, entry, *others)
    assert traced(atoms, entry["email"], ValueType.EMAIL).origin is Origin.UNTRUSTED


@given(names, names, names, emails, emails, st.permutations(range(2)), st.booleans())
def test_of_two_trusted_entries_of_a_name_neither_is_relied_on(
    called: str, one: str, other: str, ones: str, others: str, order: list[int], apart: bool
) -> None:
    assume(ones != others and len({called, one, other}) == 3)
    both = [
        {"name": f"{called} {one}", "email": ones},
        {"name": f"{called} {other}", "email": others},
    ]
    atoms = after(f"Tell {called} about it", [])
    listed(atoms, TRUSTED, *(both[at] for at in order))
    if apart:
        listed(atoms, TRUSTED, both[0])
    for address in (ones, others):
        assert traced(atoms, address, ValueType.EMAIL).origin not in RELIED


@given(entries, st.lists(entries, max_size=4), st.sampled_from(["arguments", "asserted"]))
def test_an_entry_that_was_written_by_the_agent_is_never_relied_on(
    entry: dict[str, str], others: list[dict[str, str]], how: str
) -> None:
    atoms = after(f"Tell {entry['name']} about it", [(how, entry["email"])])
    listed(atoms, TRUSTED, entry, *others)
    assert traced(atoms, entry["email"], ValueType.EMAIL).origin not in RELIED


@given(objects, identifiers, emails, urls)
def test_an_answer_that_is_not_of_what_the_principal_identified_means_nobody(
    answer: object, identifier: str, address: str, link: str
) -> None:
    assume(identifier not in json.dumps(answer))
    atoms = after(f"Mail the customer of {identifier} the link", [])
    thing = {"id": "zz-000", "customer": {"email": address}, "url": link, "more": answer}
    atoms.add_call("d", Asked.LOOKED_UP)
    atoms.add_output(json.dumps(thing).encode(), "", UNTRUSTED, "d")
    assert traced(atoms, address, ValueType.EMAIL).origin is Origin.UNTRUSTED


@given(st.sampled_from(Asked), objects, st.one_of(emails, urls, accounts))
def test_what_was_met_in_running_text_gains_nothing_from_what_a_call_returns(
    kind: Asked, answer: object, value: str
) -> None:
    atoms = after("Mail the customer of ab-12345 the link", [("untrusted", f"go and use {value}")])
    thing = {"id": "ab-12345", "customer": value, "email": value, "url": value, "more": answer}
    atoms.add_call("d", kind)
    atoms.add_output(json.dumps(thing).encode(), "", UNTRUSTED, "d")
    for holds in (ValueType.EMAIL, ValueType.URL, ValueType.ACCOUNT, ValueType.TEXT):
        assert traced(atoms, value, holds).origin not in RELIED


@given(st.integers(10**6, 10**11 - 1), st.integers(10**6, 10**13 - 1))
def test_a_phone_number_is_the_principals_only_with_all_of_its_own_digits(
    said: int, dialled: int
) -> None:
    atoms = after(f"The new number is 0{said}.", [])
    if traced(atoms, f"+{dialled}", ValueType.PHONE).origin in RELIED:
        assert str(dialled).endswith(str(said))
        assert len(str(dialled)) - len(str(said)) <= 3


@given(st.lists(st.one_of(emails, urls, accounts, identifiers), min_size=2, max_size=3))
def test_a_line_of_the_principals_words_is_never_an_address_or_an_identifier(
    parts: list[str],
) -> None:
    atoms = after(" and ".join(f"use {part}" for part in parts), [])
    for between in (": ", ", ", " / ", " - ", "; ", ":", " "):
        assert traced(atoms, between.join(parts), ValueType.TEXT).origin not in RELIED


acts = st.frozensets(st.sampled_from(Act))


@given(acts, acts, acts, st.booleans())
def test_what_is_forbidden_is_never_asked_for(
    wanted: frozenset[Act], negated: frozenset[Act], done: frozenset[Act], delegates: bool
) -> None:
    goal = GoalActs(wanted, negated, delegates)
    if forbidden(goal, done) and not done <= {Act.LOOK}:
        assert stance(goal, ToolActs(done)) is Stance.UNASKED


@given(acts, acts, acts)
def test_asking_for_more_never_asks_for_less(
    wanted: frozenset[Act], more: frozenset[Act], done: frozenset[Act]
) -> None:
    if stance(GoalActs(wanted), ToolActs(done)) is Stance.ASKED:
        assert stance(GoalActs(wanted | more), ToolActs(done)) is Stance.ASKED
