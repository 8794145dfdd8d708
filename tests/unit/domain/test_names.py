"""Identities and names that could pass for others are refused and never folded."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from pdp.domain.limits import InvalidInput
from pdp.domain.names import check_identity, check_server_name, check_subject, check_tool_name


@pytest.mark.parametrize(
    "value",
    [
        "agent-7",
        "spiffe://example.org/ns/prod/sa/mailer",
        "https://issuer.example.com",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "bob@example.com",
        "Alice Smith",
        "Zoë",
        "日本語",
        "мария",
        "क्षि",
    ],
)
def test_identities_of_many_kinds_are_accepted_as_they_are(value: str) -> None:
    check_identity(value, "subject.id", 512)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is empty"),
        ("x" * 513, "longer than 512 bytes"),
        (" agent", "white space"),
        ("agent ", "white space"),
        ("agent\u3000", "white space"),
        ("a\u00a0b", r"U\+00A0"),
        ("a\u2003b", r"U\+2003"),
        ("a\tb", r"U\+0009"),
        ("a\x00", r"U\+0000"),
        ("a\u200bb", r"U\+200B"),
        ("a\u200db", r"U\+200D"),
        ("a\ufeffb", r"U\+FEFF"),
        ("a\u00adb", r"U\+00AD"),
        ("a\u202eb", r"U\+202E"),
        ("a\u2066b", r"U\+2066"),
        ("a\u3164b", r"U\+3164"),
        ("a\u2800b", r"U\+2800"),
        ("a\ufe0fb", r"U\+FE0F"),
        ("a\U000e0041b", r"U\+E0041"),
        ("a\ue000b", r"U\+E000"),
        ("a\u0378b", r"U\+0378"),
        ("a\ud800b", r"U\+D800"),
        ("Zoe\u0308", "normal form C"),
        ("\u212bngstrom", "normal form C"),
        ("\uff41gent", "compatibility character"),
        ("o\ufb03ce", "compatibility character"),
        ("agent\u00b2", "compatibility character"),
        ("a\u2024b", "compatibility character"),
    ],
)
def test_a_spelling_that_could_pass_for_another_is_refused(value: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as caught:
        check_identity(value, "subject.id", 512)
    assert caught.value.field == "subject.id"


def test_no_accepted_character_is_invisible_or_changes_under_normalisation() -> None:
    accepted = []
    for code in range(sys.maxunicode + 1):
        try:
            check_identity(f"a{chr(code)}b", "subject.id", 512)
        except InvalidInput:
            continue
        accepted.append(chr(code))
    assert {unicodedata.category(char) for char in accepted if char != " "}.isdisjoint(
        {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}
    )
    assert all(unicodedata.normalize("NFKC", char) == char for char in accepted)
    # Letters, digits and punctuation of the world are not lost with the rest.
    assert len(accepted) > 100_000
    assert set(map(chr, range(0x20, 0x7F))) <= set(accepted)


def test_case_makes_another_identity_and_is_not_refused() -> None:
    check_identity("Agent", "subject.id", 512)
    check_identity("agent", "subject.id", 512)


def test_a_subject_has_a_type_and_an_id_and_may_have_an_issuer() -> None:
    check_subject("agent", "a-1", "", "subject")
    check_subject("user", "bob", "https://issuer.example.com", "subject")
    for parts, field in [
        (("", "a-1", ""), "subject.type"),
        (("agent", "", ""), "subject.id"),
        (("agent", "a-1", "x\u200b"), "subject.issuer"),
    ]:
        with pytest.raises(InvalidInput) as caught:
            check_subject(*parts, "subject")
        assert caught.value.field == field


def test_a_subject_that_is_not_required_is_absent_as_a_whole_or_complete() -> None:
    check_subject("", "", "", "on_behalf_of", required=False)
    for parts in [("user", "", ""), ("", "bob", ""), ("", "", "issuer")]:
        with pytest.raises(InvalidInput, match="on_behalf_of"):
            check_subject(*parts, "on_behalf_of", required=False)


@pytest.mark.parametrize(
    "value", ["send_email", "files/read", "pdp.start_task", "Search Files", "a..b", "x-1", "100%"]
)
def test_names_of_tools_are_accepted(value: str) -> None:
    check_tool_name(value, "action.name")


TRAVERSALS = [
    "../secrets",
    "files/../admin",
    "files/..",
    "./files",
    "/admin",
    "//admin",
    "files//read",
    "files/",
    "..",
    ".",
    "/",
    "files\\read",
    "..\\admin",
    "files%2fread",
    "files%2Fread",
    "%2e%2e",
    "a%00",
]


@pytest.mark.parametrize("value", TRAVERSALS)
def test_a_tool_name_that_reads_as_another_path_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"action\.name: has"):
        check_tool_name(value, "action.name")


@pytest.mark.parametrize(
    "value",
    ["", "mail", "mail.example.com:8443", "https://mcp.example.com/mcp", "spiffe://td/ns/a"],
)
def test_names_of_servers_are_accepted_with_a_scheme_and_without(value: str) -> None:
    check_server_name(value, "action.server")


@pytest.mark.parametrize("value", [*TRAVERSALS, "https://", "https:///a", "https://a//b", "1://a"])
def test_a_server_name_that_reads_as_another_path_is_refused(value: str) -> None:
    with pytest.raises(InvalidInput, match=r"action\.server: has"):
        check_server_name(value, "action.server")


def test_an_empty_tool_name_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"action\.name: is empty"):
        check_tool_name("", "action.name")
