"""What no output may do to how outputs are read, wherever that is done."""

from __future__ import annotations

import asyncio
import json
import unicodedata
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pdp.domain.atoms_words import is_telling, telling
from pdp.domain.normal_form import normal_form
from pdp.domain.output_forms import OutputForms, pack, read_forms, unpack
from pdp.domain.task_atoms import TaskAtoms
from pdp.domain.values import OutputLabel
from pdp.reader.process import ReaderProcess

Read = Callable[[bytes, str], OutputForms]

pieces = st.sampled_from(
    [
        *("Ann Lee", "bob@x.org", "https://x.org/a?b=1", "DE89 3704 0044 0532 0130 00", "issue 7"),
        *("+49 30 1234567", "12.50", "2024-05-15", "/srv/a.txt", "user_name", "#12", "C:\\u0041"),
        *(
            " ",
            " ",
            "\n",
            "\n",
            ", ",
            ": ",
            "- ",
            "|",
            '"',
            "'",
            "\\n",
            "\\u0040",
            "name: ",
            "{",
            "[",
        ),
        *("\u00fc", "\uff41", "\u200b", "\u0301\u0316", "\ufdfa", "\ud83d\ude00", "\x00", "\x85"),
    ]
)
values: st.SearchStrategy[object] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=20), pieces),
    lambda below: st.one_of(
        st.lists(below, max_size=4),
        st.dictionaries(st.sampled_from(["id", "name", "url", "from"]), below, max_size=4),
    ),
    max_leaves=12,
)
texts = st.lists(st.one_of(pieces, st.text(max_size=8)), max_size=24).map("".join)
outputs = st.one_of(
    st.binary(max_size=120),
    texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
    values.map(lambda value: json.dumps(value).encode()),
    values.map(
        lambda value: json.dumps(
            {"content": [{"type": "text", "text": json.dumps(value)}]}
        ).encode()
    ),
)
media_types = st.sampled_from(["", "application/json", "text/csv"])


@pytest.fixture(scope="module")
def read_elsewhere() -> Iterator[Read]:
    loop = asyncio.new_event_loop()
    reader = ReaderProcess()
    reader.start()

    async def read(raw: bytes, media_type: str) -> OutputForms:
        return await reader.read(raw, media_type)

    yield lambda raw, media_type: loop.run_until_complete(read(raw, media_type))
    reader.close()
    loop.close()


@settings(max_examples=200, deadline=None)
@given(outputs, media_types)
def test_an_output_says_the_same_wherever_it_is_read(
    read_elsewhere: Read, raw: bytes, media_type: str
) -> None:
    assert read_elsewhere(raw, media_type) == read_forms(raw, media_type)


@given(outputs, media_types)
def test_what_was_read_comes_back_as_it_was(raw: bytes, media_type: str) -> None:
    read = read_forms(raw, media_type)
    assert unpack(pack(read)) == read


@given(st.binary(max_size=40))
def test_bytes_that_nobody_packed_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="no packed forms"):
        unpack(raw)


@given(st.lists(outputs, max_size=3), texts, st.sampled_from(OutputLabel))
def test_a_task_meets_the_same_whether_its_outputs_were_read_beforehand(
    raws: list[bytes], goal: str, label: OutputLabel
) -> None:
    told = []
    for beforehand in (False, True):
        atoms = TaskAtoms()
        atoms.add_principal(goal)
        for at, raw in enumerate(raws):
            if beforehand:
                atoms.add_reading(unpack(pack(read_forms(raw, ""))), label, f"d-{at}")
            else:
                atoms.add_output(raw, "", label, f"d-{at}")
        told.append((atoms._seen, atoms._exact, atoms.full))
    assert told[0] == told[1]


@given(texts)
def test_the_words_that_can_hold_an_atom_are_all_found(text: str) -> None:
    found = telling(text)
    assert found.words == [word for word in dict.fromkeys(text.split()) if is_telling(word)]
    assert found.complete


@given(texts, st.integers(1, 5))
def test_they_are_found_alike_in_a_text_that_is_full_of_them(text: str, count: int) -> None:
    # Long, and at its beginning full of numbers: then every word is looked at.
    found = telling("12 34 " * 6_000 + text * count)
    assert found.words == ["12", "34", *(word for word in telling("34 " + text * count).words[1:])]


@given(st.text(max_size=60), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_a_normal_form_is_unicodes_where_no_letter_has_more_than_eight_marks(
    text: str, form: str
) -> None:
    assert form in ("NFC", "NFD", "NFKC", "NFKD")
    if not any(map(unicodedata.combining, text)):
        assert normal_form(form, text) == unicodedata.normalize(form, text)  # type: ignore[arg-type]


@given(st.lists(st.sampled_from("\u0301\u0316\u0323\u05b0\u3099"), max_size=8), st.text(max_size=3))
def test_as_many_marks_as_any_script_has_are_in_the_order_of_unicode(
    marks: list[str], after: str
) -> None:
    text = f"e{''.join(marks)}x{after}"
    assert normal_form("NFKC", text) == unicodedata.normalize("NFKC", text)


def test_every_combining_mark_is_one_of_those_that_are_counted() -> None:
    marks = [chr(code) for code in range(0x110000) if unicodedata.combining(chr(code))]
    assert len(marks) > 800
    assert not [mark for mark in marks if mark.isalnum() or mark == "_" or mark.isspace()]
