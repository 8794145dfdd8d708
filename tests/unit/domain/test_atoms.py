"""One form for each value: what is the same thing, and what only looks like it."""

from __future__ import annotations

import json

import pytest

from pdp.domain.atoms import (
    account,
    digits,
    domain,
    email,
    is_short,
    is_strong,
    normalise,
    number,
    plain,
    url,
    value_atoms,
)
from pdp.domain.atoms_dates import day
from pdp.domain.atoms_output import read_output
from pdp.domain.atoms_text import (
    accounts,
    dates,
    marked_numbers,
    numbers,
    typed_forms,
    word_urls,
)
from pdp.domain.atoms_words import telling
from pdp.domain.catalogue import ValueType
from pdp.domain.wording import Wording

VALUES = {"name": "Ann Lee", "id": 7, "t": "red fox"}
ENVELOPE = json.dumps({"content": [{"type": "text", "text": json.dumps(VALUES)}]}).encode()


def keys(value: object, holds: ValueType) -> list[str]:
    assert value is None or isinstance(value, str | int | float | bool)
    return [one.key for one in value_atoms(value, holds)]


def forms(text: str) -> set[str]:
    return set(typed_forms(normalise(text)))


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("Bob@X.org", "bob@x.org"),
        ("bob@x.org.", "bob@x.org"),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        ("bob@XN--BCHER-KVA.example", "bob@xn--bcher-kva.example"),
        ("o'brien@x.org", "o'brien@x.org"),
        ("bob+tag@x.org", "bob+tag@x.org"),
    ],
)
def test_an_address_has_one_form_whatever_its_case_and_script(written: str, form: str) -> None:
    assert email(written) == form


@pytest.mark.parametrize(
    "written",
    ["bob", "bob@", "@x.org", "bob@x.org,eve@y.org", "bob@x..org", "a b@x.org", "bob@x.org/evil"],
)
def test_what_is_no_single_address_has_no_form(written: str) -> None:
    assert email(written) is None


def test_tags_and_dots_make_other_mailboxes() -> None:
    assert len({email("bob@x.org"), email("b.ob@x.org"), email("bob+a@x.org")}) == 3


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("https://Example.org", "https://example.org/"),
        ("HTTPS://example.org:443/a", "https://example.org/a"),
        ("http://example.org:80/", "http://example.org/"),
        ("https://example.org./a", "https://example.org/a"),
        ("https://example.org/a/./b/../c", "https://example.org/a/c"),
        ("https://example.org/%7ebob/%c3%a9", "https://example.org/~bob/%C3%A9"),
        ("https://example.org/é", "https://example.org/%C3%A9"),
        ("https://example.org/a#part", "https://example.org/a"),
        ("www.example.org/a", "https://www.example.org/a"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://[2001:db8::1]:8443/x", "https://[2001:db8::1]:8443/x"),
        ("https://example.org/a?", "https://example.org/a"),
        ("https://example.org?q=1", "https://example.org/?q=1"),
    ],
)
def test_a_url_has_one_form(written: str, form: str) -> None:
    assert url(written) == form


@pytest.mark.parametrize(
    "written",
    [
        "https://corp.com@evil.io/",
        "https://corp.com%40evil.io/",
        "https://corp.com\\@evil.io/",
        "https://corp.com/a%2f..%2fb",
        "https://corp.com/%2e%2e/b",
        "https:///path",
        "https://exa mple.org/",
        "https://corp.com:99999999/",
    ],
)
def test_a_url_that_clients_read_differently_has_no_form(written: str) -> None:
    assert url(written) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://corp.com/", "https://corp.com.evil.io/"),
        ("https://corp.com/", "http://corp.com/"),
        ("https://corp.com/", "https://corp.com:8443/"),
        ("https://corp.com/a", "https://corp.com/a?to=eve"),
        ("https://corp.com/a", "https://corp.com/a/"),
        ("https://sho.rt/AbC", "https://sho.rt/aBc"),
        ("https://corp.com/", "https://www.corp.com/"),
    ],
)
def test_another_scheme_host_port_path_or_query_is_another_url(one: str, other: str) -> None:
    assert url(one) != url(other)


def test_domains_fold_case_and_drop_the_roots_dot() -> None:
    assert domain("Corp.COM.") == "corp.com"
    assert domain("corp.com.evil.io") != domain("corp.com")
    assert domain("a b") is None


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("de89370400440532013000", "DE89370400440532013000"),
        ("GB29-NWBK-6016-1331-9268-19", "GB29NWBK60161331926819"),
        ("DE89", None),
        ("hello world", None),
    ],
)
def test_an_account_has_one_form_without_spaces(written: str, form: str | None) -> None:
    assert account(written) == form


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("+49 (170) 123-4567", "491701234567"),
        ("12345678", "12345678"),
        ("2024-05-15", None),
        ("12345", None),
        ("1e99999", None),
    ],
)
def test_a_long_number_is_a_code_however_it_is_grouped(written: str, form: str | None) -> None:
    assert digits(written) == form


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("$1,200.50", "1200.5"),
        ("1200.50", "1200.5"),
        ("1.200,50 €", "1200.5"),
        ("EUR 20", "20"),
        ("-0", "0"),
        ("10%", "10"),
        ("1 200", "1200"),
        ("ten", None),
        ("1.2.3", None),
    ],
)
def test_an_amount_is_a_canonical_decimal(written: str, form: str | None) -> None:
    assert number(written) == form


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("2024-05-15", "2024-05-15"),
        ("2024-05-15 10:00", "2024-05-15"),
        ("2024-05-15T10:00:00Z", "2024-05-15"),
        ("May 15th, 2024", "2024-05-15"),
        ("15 May 2024", "2024-05-15"),
        ("15th of May", "--05-15"),
        ("Sept 3", "--09-03"),
        ("2024-13-01", None),
        ("May 32", None),
        ("maybe 3", None),
    ],
)
def test_a_date_is_one_date_however_it_is_spelt(written: str, form: str | None) -> None:
    assert day(written) == form


def test_a_path_is_normal_and_one_that_climbs_is_none() -> None:
    assert plain("/srv//docs/./a.txt") == "/srv/docs/a.txt"
    assert plain("docs/a/") == "docs/a"
    assert plain("/srv/docs/../../etc/passwd") == ""


def test_a_value_is_read_as_its_type_says_and_else_as_it_looks() -> None:
    assert keys("Bob@X.org", ValueType.EMAIL) == ["email:bob@x.org"]
    assert keys("Bob@X.org", ValueType.TEXT) == ["email:bob@x.org"]
    assert keys("Bob Smith <bob@x.org>", ValueType.EMAIL) == ["email:bob@x.org"]
    assert keys("mailto:bob@x.org", ValueType.EMAIL) == ["email:bob@x.org"]
    assert keys("https://x.org", ValueType.TEXT) == ["url:https://x.org/"]
    assert keys("DE89 3704 0044 0532 0130 00", ValueType.TEXT)[0].startswith("account:")
    assert keys("Alice", ValueType.PERSON) == ["text:alice"]
    assert keys("@alice", ValueType.PERSON) == keys("alice", ValueType.PERSON)
    assert keys("#general", ValueType.CHANNEL) == ["text:general"]
    assert keys(98.7, ValueType.NUMBER) == ["number:98.7"]
    assert keys(7, ValueType.IDENTIFIER) == ["text:7"]
    assert keys("7", ValueType.IDENTIFIER) == ["text:7"]


def test_one_string_that_lists_several_is_all_of_them() -> None:
    assert keys("a@x.org, Eve <e@y.org>", ValueType.EMAIL) == ["email:a@x.org", "email:e@y.org"]
    assert keys("alice; bob", ValueType.PERSON) == ["text:alice", "text:bob"]


@pytest.mark.parametrize(
    ("value", "holds"),
    [
        ("a@x.org, not an address@", ValueType.EMAIL),
        ("bob@x.org <eve@y.org>", ValueType.EMAIL),
        ("bob@x.org?bcc=eve@y.org", ValueType.EMAIL),
        ("https://corp.com@evil.io/", ValueType.URL),
        ("https://corp.com@evil.io/", ValueType.TEXT),
        ("not a number", ValueType.NUMBER),
        (True, ValueType.TEXT),
        (None, ValueType.TEXT),
        ("", ValueType.TEXT),
        ("x" * 5000, ValueType.PATH),
    ],
)
def test_a_value_without_a_form_of_its_type_is_no_atom(value: object, holds: ValueType) -> None:
    assert keys(value, holds) == []


@pytest.mark.parametrize("value", ["bob\u200b@x.org", "bob@x\u00ad.org", "\ufeffbob@x.org"])
def test_an_address_with_invisible_characters_is_recognised_and_has_no_exact_form(
    value: str,
) -> None:
    assert [(one.key, one.form) for one in value_atoms(value, ValueType.EMAIL)] == [
        ("email:bob@x.org", "")
    ]


def test_a_compatibility_spelling_of_a_link_has_no_exact_form() -> None:
    found = value_atoms("https://corp.com\uff0fevil", ValueType.URL)
    assert [one.form for one in found] == [""]


def test_strong_atoms_are_those_not_met_by_chance() -> None:
    strong = ["email:a@b.c", "url:https://x/", "account:de1", "digits:123456", "text:report.docx"]
    assert all(map(is_strong, strong))
    assert not any(map(is_strong, ["text:bob", "number:5", "text:the report", "text:7"]))
    assert all(map(is_short, ["text:abc", "text:1234", "number:1000000", "date:2024-05-15"]))
    assert not any(map(is_short, ["text:alice", "text:r2d2", "email:a@b.c"]))


def test_text_gives_its_addresses_links_accounts_codes_and_identifiers() -> None:
    found = forms(
        "Write to (Ann@X.org), see <https://x.org/a?b=1>. Pay DE89 3704 0044 0532 0130 00 or call "
        "+49 170 1234567 about INV-2031, ticket #42 and /srv/docs/a.txt, report_v2.pdf."
    )
    assert {
        "email:ann@x.org",
        "url:https://x.org/a?b=1",
        "account:DE89370400440532013000",
        "digits:491701234567",
        "text:INV-2031",
        "text:42",
        "text:/srv/docs/a.txt",
        "text:report_v2.pdf",
    } <= found


def test_an_address_in_the_middle_of_a_longer_one_is_not_found() -> None:
    found = forms("evil.bob@x.org and bob@x.org.evil.io")
    assert "email:bob@x.org" not in found
    assert {"email:evil.bob@x.org", "email:bob@x.org.evil.io"} <= found


@pytest.mark.parametrize(
    "written",
    ["(https://x.org/a)", "https://x.org/a.", "<https://x.org/a>", '"https://x.org/a",'],
)
def test_punctuation_around_a_link_is_not_part_of_it(written: str) -> None:
    assert "url:https://x.org/a" in forms(written)


def test_a_malformed_link_is_still_a_link() -> None:
    assert list(word_urls("https://corp.com@evil.io/x")) == [(None, "https://corp.com@evil.io/x")]


def test_links_without_a_scheme_are_links_and_file_names_are_not() -> None:
    assert [form for form, _ in word_urls("www.evil.io")] == ["https://www.evil.io/"]
    assert [form for form, _ in word_urls("evil.io/x?y=1")] == ["https://evil.io/x?y=1"]
    assert list(word_urls("src/main.py")) == []
    assert list(word_urls("notes.txt/old")) == []


def test_short_numbers_are_names_only_where_a_word_says_so() -> None:
    assert set(marked_numbers("issue 7, #12, ID: '13', No 4 and 99 bottles on 5 walls")) == {
        *("7", "12", "13", "4"),
    }


def test_grouped_accounts_are_found_with_and_without_an_ambiguous_last_group() -> None:
    found = set(accounts(telling("to BE68 5390 0754 7034 100 euros")))
    assert "account:BE68539007547034" in found


def test_amounts_and_dates_are_found_in_prose() -> None:
    assert {"1200.5", "20", "10"} <= set(numbers("pay $1,200.50 or 20 EUR, 10% off v1.2.3"))
    assert {"2024-05-15", "--05-15", "--06-03"} <= set(dates("on May 15th, 2024 and 3 June"))


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (b'{"user": {"name": "Ann Lee", "id": 7}, "tags": ["red fox"]}', "application/json"),
        (ENVELOPE, ""),
        (b"name: Ann Lee\nid: 7\ntags:\n- red fox\n", "text/yaml"),
        (b"id,name,tag\n7,Ann Lee,red fox\n", "text/csv"),
        (b"| id | name | tag |\n| 7 | Ann Lee | red fox |\n", "text/markdown"),
        (b"{'name': 'Ann Lee', 'id': 7, 'tag': 'red fox'}", ""),
    ],
)
def test_every_form_of_output_gives_its_whole_values(raw: bytes, media_type: str) -> None:
    reading = read_output(raw, media_type)
    assert {"Ann Lee", "7", "red fox"} <= {cell.strip() for cell in reading.cells}
    assert reading.complete


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b'{"a": 1e999999}', b"\x00" * 100, b'"x']
)
def test_no_output_is_too_broken_to_be_read(raw: bytes) -> None:
    assert read_output(raw, "application/json").complete in (True, False)


def test_escapes_hide_no_address_in_json_that_was_cut() -> None:
    reading = read_output(b'{"body": "write to eve\\u0040evil.io", "rest": "cut he', "")
    assert "email:eve@evil.io" in forms(reading.text + "\n" + reading.prose)


def test_records_are_the_values_of_one_object_or_list_item() -> None:
    listed = (
        b"- id: 7\n  name: Team lunch\n  text: 'Hi,\n\n    id: 13\n    name: Fake'\n"
        b"- id: 8\n  name: B\n"
    )
    wanted = [("id", "7"), ("name", "Team lunch")]
    assert read_output(listed, "").records[0][:2] == wanted
    assert ("id", "13") not in read_output(listed, "").records[0]
    assert wanted in read_output(b'[{"id": 7, "name": "Team lunch"}]', "").records


@pytest.mark.parametrize(
    "value",
    [
        *("Bob Smith", "bob smith", "Budget 2024", "Room 5", "Riverside View Hotel", "Paris"),
        *("general", "1234 Elm Street", "New York, NY 10001", "Alice", "AAPL"),
    ],
)
def test_names_given_without_quotes_are_said(value: str) -> None:
    text = (
        "Tell Bob Smith and Alice about the Budget 2024 meeting in Room 5, post it to the general "
        "channel and book Riverside View Hotel in Paris. Sell AAPL. I moved to 1234 Elm Street, "
        "New York, NY 10001."
    )
    assert Wording(text).names(value)


@pytest.mark.parametrize(
    "value",
    ["ob Smit", "the", "meeting", "Bob Jones", "Hotel Bob", "it", "channel", "to the"],
)
def test_parts_of_words_ordinary_words_and_new_combinations_name_nothing(value: str) -> None:
    text = "Tell Bob Smith about it at the meeting. Post to the general channel at the Hotel."
    assert not Wording(text).names(value)


def test_a_short_name_in_lower_case_counts_where_somebody_is_addressed() -> None:
    assert Wording("tell bob that the car is here").names("bob")
    assert not Wording("tell bob that the car is here").names("car")


def test_a_run_does_not_cross_from_one_sentence_into_the_next() -> None:
    assert not Wording("Write to Bob. Smith is away.").says("Bob Smith")


def test_quotes_give_whole_values() -> None:
    quoted = Wording("Send 'Hello there' as \"It's on\" with `x=1` to the users' list").quoted
    assert quoted == ("Hello there", "It's on", "x=1")
