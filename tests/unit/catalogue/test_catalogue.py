"""Lookup of tools, and what the catalogue says about a call's arguments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pdp.domain.catalogue import (
    Ambiguous,
    ArgumentKind,
    ArgumentRole,
    Catalogue,
    CatalogueError,
    DerivedResource,
    Found,
    Tool,
    Unknown,
    argument_values,
    derive_resource,
)
from pdp.domain.resource import ResourceRule
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass

SINK = ArgumentRole(ArgumentKind.SINK)
CONTENT = ArgumentRole(ArgumentKind.CONTENT)

SEND = Tool(
    server="mail",
    name="send",
    description="",
    tool_class=ToolClass.SEND,
    sensitivity=Sensitivity.INTERNAL,
    output_label=OutputLabel.UNTRUSTED,
    reversible=False,
    egress=True,
    arguments_schema={"type": "object"},
    schema_digest="sha256:" + "0" * 64,
    arguments={"to": SINK, "message/body": CONTENT, "people/*/email": SINK, "a~1b": CONTENT},
    resource=ResourceRule("email", "{to}"),
)


def test_a_tool_is_found_by_server_and_name() -> None:
    assert Catalogue([SEND]).find("mail", "send") == Found(SEND)


def test_a_tool_is_found_without_a_server_where_one_entry_has_the_name() -> None:
    assert Catalogue([SEND]).find("", "send") == Found(SEND)


def test_a_name_that_two_servers_have_is_ambiguous_without_a_server() -> None:
    other = replace(SEND, server="chat")
    assert Catalogue([SEND, other]).find("", "send") == Ambiguous("send", ("chat", "mail"))
    assert Catalogue([SEND, other]).find("chat", "send") == Found(other)


@pytest.mark.parametrize(
    ("server", "name"),
    [("mail", "Send"), ("Mail", "send"), ("", "sent"), ("chat", "send"), ("", ""), ("mail", "")],
)
def test_a_name_that_differs_in_any_way_is_unknown(server: str, name: str) -> None:
    assert Catalogue([SEND]).find(server, name) == Unknown(server, name)


def test_two_entries_of_one_tool_are_refused() -> None:
    with pytest.raises(CatalogueError, match="twice"):
        Catalogue([SEND, replace(SEND, description="another")])


@pytest.mark.parametrize(
    ("server", "name", "said"),
    [
        ("pdp", "send", "reserved"),
        ("", "send", "server is empty"),
        ("mail", "", "is empty"),
        ("mail", "../send", "segment"),
        ("mail", "se\u200bnd", "name"),
        ("mail", "x" * 257, "longer"),
    ],
)
def test_a_name_that_no_call_could_carry_is_refused(server: str, name: str, said: str) -> None:
    with pytest.raises(CatalogueError, match=said):
        Catalogue([replace(SEND, server=server, name=name)])


def test_every_leaf_of_the_arguments_has_the_role_of_the_nearest_path() -> None:
    values = argument_values(
        SEND,
        {
            "to": ["a", "b"],
            "message": {"body": "text", "footer": "x"},
            "people": [{"email": "c"}, {"email": "d", "name": "D"}],
            "a/b": {"deep": [1]},
            "extra": {},
            "absent": None,
        },
    )
    assert [(value.pointer, value.value, value.role) for value in values] == [
        ("/to/0", "a", SINK),
        ("/to/1", "b", SINK),
        ("/message/body", "text", CONTENT),
        ("/message/footer", "x", None),
        ("/people/0/email", "c", SINK),
        ("/people/1/email", "d", SINK),
        ("/people/1/name", "D", None),
        ("/a~1b/deep/0", 1, CONTENT),
        ("/extra", {}, None),
    ]


def test_an_argument_named_like_the_wildcard_is_not_the_wildcard() -> None:
    tool = replace(SEND, arguments={"list/*": CONTENT})
    (value,) = argument_values(tool, {"list": {"*": "smuggled"}})
    assert value.role is None


def test_the_paths_of_a_kind_come_in_declared_order() -> None:
    assert SEND.paths(ArgumentKind.SINK) == ("to", "people/*/email")


def test_a_field_guessed_without_grounds_is_named_as_ungrounded() -> None:
    guessed = replace(SEND, inferred={"egress": (), "class": ("name:send",), "arguments/to": ()})
    assert guessed.ungrounded == ("arguments/to", "egress")


def test_the_resource_is_derived_from_the_arguments() -> None:
    assert derive_resource(SEND, {"to": "bob@Example.COM"}) == DerivedResource(
        "email", "bob@example.com", from_arguments=True
    )


@pytest.mark.parametrize("arguments", [{}, {"to": None}, {"to": []}, {"to": "no address"}])
def test_the_resource_is_the_tool_itself_where_it_cannot_be_derived(
    arguments: dict[str, object],
) -> None:
    assert derive_resource(SEND, arguments) == DerivedResource(  # type: ignore[arg-type]
        "tool", "mail/send", from_arguments=False
    )
