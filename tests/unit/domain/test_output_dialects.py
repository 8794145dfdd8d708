"""Reading records that are printed as Python's literals or as Markdown."""

from __future__ import annotations

import pytest

from pdp.domain.atoms_output import read_output
from pdp.domain.output_dialects import markdown_entries, python_literal


def test_what_python_prints_of_a_list_has_records_with_numbers_as_text() -> None:
    said = [{"login": "ida.berg", "note": 'it\'s "new"\n', "active": True, "age": 4, "x": None}]
    assert python_literal(str(said)) == [{**said[0], "age": "4"}]
    fields = read_output(str(said).encode(), "").records[0]
    assert ("login", "ida.berg") in fields


@pytest.mark.parametrize("text", ["{'a': 'b", "{'a': x()}", "{'a': 'b'} and more", "[1, 2]", ""])
def test_what_is_no_whole_literal_is_read_as_text(text: str) -> None:
    assert python_literal(text) is None


def test_a_quotation_mark_that_never_ends_costs_one_look() -> None:
    assert python_literal("{'a': " + "\\'" * 200_000) is None


def test_a_heading_and_its_fields_are_one_entry_under_its_name() -> None:
    text = "Found 1\n\n### Ida Berg (E-7)\n- **Title:** Lead\n- **E-mail:** ida@firm.example\n"
    assert list(markdown_entries(text)) == [
        [("name", "Ida Berg"), ("id", "E-7"), ("Title", "Lead"), ("E-mail", "ida@firm.example")]
    ]


def test_a_bold_item_and_the_lines_under_it_are_one_entry() -> None:
    text = "- **Plan.pdf**\n  - id: `f_1` | pdf\n- **Old.pdf**\n  - id: `f_2`\n"
    assert list(markdown_entries(text)) == [
        [("name", "Plan.pdf"), ("id", "f_1")],
        [("name", "Old.pdf"), ("id", "f_2")],
    ]


def test_where_running_text_stands_between_entries_there_are_none() -> None:
    text = "### Ida Berg\n- **E-mail:** ida@firm.example\n\nHello, here is more about me.\n"
    assert list(markdown_entries(text)) == []
