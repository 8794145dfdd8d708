"""What a resource rule makes of arguments, hostile ones above all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.resource import MAX_ID_LENGTH, MAX_VALUES, ResourceRule, derive_id

REPOSITORY = ResourceRule("repository", "{owner}/{repo}")
EMAIL = ResourceRule("email", "{to,cc}")
FILE = ResourceRule("file", "{path}")
URL = ResourceRule("url", "{url}")


def test_parts_are_put_into_the_template() -> None:
    assert derive_id(REPOSITORY, {"owner": "o", "repo": "r"}) == "o/r"
    assert derive_id(ResourceRule("event", "{id}"), {"id": 7}) == "7"


@pytest.mark.parametrize(
    "arguments",
    [
        {"owner": "o"},
        {"owner": "o", "repo": None},
        {"owner": "o", "repo": ""},
        {"owner": "o", "repo": True},
        {"owner": "o", "repo": 1.5},
        {"owner": "o", "repo": {"name": "r"}},
        {"owner": "o", "repo": ["r", "s"]},
        {"owner": "o", "repo": " r"},
        {"owner": "o", "repo": "r\n"},
        {"owner": "o", "repo": "r\u202e"},
        {"owner": "o", "repo": ".."},
        {"owner": "o", "repo": "x" * (MAX_ID_LENGTH + 1)},
    ],
)
def test_a_part_that_is_missing_or_unusable_derives_nothing(arguments: dict[str, Any]) -> None:
    assert derive_id(REPOSITORY, arguments) is None


def test_a_part_cannot_bring_the_delimiter_with_it() -> None:
    assert derive_id(REPOSITORY, {"owner": "good/repo", "repo": "x"}) is None


def test_all_the_recipients_are_in_the_resource() -> None:
    assert derive_id(EMAIL, {"to": "a@x.org"}) == "a@x.org"
    assert derive_id(EMAIL, {"to": "a@x.org", "cc": ["b@y.org"]}) == '["a@x.org","b@y.org"]'


def test_one_string_with_two_addresses_is_two_addresses() -> None:
    assert derive_id(EMAIL, {"to": "evil@y.org, a@x.org"}) == '["evil@y.org","a@x.org"]'


@pytest.mark.parametrize(
    "address",
    [
        "a@x.org b@y.org",
        "A <a@x.org>",
        '"a@x.org"@y.org',
        "a@x.org@y.org",
        "a",
        "@x.org",
        "a@",
        "a@x..org",
        "a@[127.0.0.1]",
    ],
)
def test_an_address_that_readers_disagree_about_derives_nothing(address: str) -> None:
    assert derive_id(EMAIL, {"to": address}) is None


def test_a_domain_has_one_form() -> None:
    assert derive_id(EMAIL, {"to": "a@BÜCHER.example"}) == "a@xn--bcher-kva.example"


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/reports/2024.txt", "/reports/2024.txt"),
        ("/reports//./2024.txt", "/reports/2024.txt"),
        ("notes/", "notes/"),
        (".", "."),
        ("/", "/"),
    ],
)
def test_a_path_has_one_form(path: str, form: str) -> None:
    assert derive_id(FILE, {"path": path}) == form


@pytest.mark.parametrize("path", ["/reports/../etc/passwd", "..", "a/..", "a\\..\\b"])
def test_a_path_that_climbs_derives_nothing(path: str) -> None:
    assert derive_id(FILE, {"path": path}) is None


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("HTTPS://Docs.Example.COM:443/a?b=c#d", "https://docs.example.com/a?b=c"),
        ("https://evil.example?.trusted.example", "https://evil.example/?.trusted.example"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_a_url_has_one_form(url: str, form: str) -> None:
    assert derive_id(URL, {"url": url}) == form


@pytest.mark.parametrize(
    "url",
    [
        "https://trusted.example@evil.example/",
        "https://trusted.example\\@evil.example/",
        "https://example.com/a/../b",
        "https://example.com/%2e%2e/b",
        "https://exa%6dple.com/",
        "https:///path",
        "//example.com",
        "example.com",
        "https://example.com:port/",
        "https://example.com/a b",
    ],
)
def test_a_url_that_clients_disagree_about_derives_nothing(url: str) -> None:
    assert derive_id(URL, {"url": url}) is None


def test_more_targets_than_an_intent_could_name_derive_nothing() -> None:
    many: list[Any] = [f"a{index}@x.org" for index in range(MAX_VALUES + 1)]
    assert derive_id(EMAIL, {"to": many[:-1]}) is not None
    assert derive_id(EMAIL, {"to": many}) is None


def test_values_below_objects_and_in_arrays_are_reached() -> None:
    rule = ResourceRule("email", "{guests/*/email}")
    guests: list[Any] = [{"email": "a@x.org"}, {"email": "b@x.org"}]
    assert derive_id(rule, {"guests": guests}) == '["a@x.org","b@x.org"]'
    assert derive_id(rule, {"guests": ["a@x.org"]}) is None


@pytest.mark.parametrize(
    ("resource_type", "template"),
    [
        ("Email", "{to}"),
        ("", "{to}"),
        ("a:b", "{to}"),
        ("email", "to"),
        ("email", "{}"),
        ("email", "{to,}"),
        ("email", "{to"),
    ],
)
def test_a_rule_that_can_derive_nothing_is_refused(resource_type: str, template: str) -> None:
    with pytest.raises(ValueError, match="resource"):
        ResourceRule(resource_type, template)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values)
def test_different_owners_and_repositories_never_share_an_id(one: Any, other: Any) -> None:
    first = derive_id(REPOSITORY, {"owner": one, "repo": "r"})
    second = derive_id(REPOSITORY, {"owner": other, "repo": "r"})
    if first is not None and first == second:
        # A single value in an array is that value, and a number is its digits.
        assert list(_plain(one)) == list(_plain(other))


def _plain(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _plain(item)
    elif value is not None:
        yield str(value)


@given(st.text(max_size=40))
def test_a_list_of_addresses_never_looks_like_one_address(text: str) -> None:
    found = derive_id(EMAIL, {"to": [text, "b@x.org"]})
    assert found is None or found == "b@x.org" or found.startswith("[")
