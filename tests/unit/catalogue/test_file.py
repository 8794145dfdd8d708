"""Catalogue files: what is written reads back, and nothing but a catalogue is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.catalogue_file import MAX_FILE_BYTES, dump_catalogue, load_catalogue, parse_catalogue
from pdp.domain.canonical import schema_digest
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, CatalogueError, ValueType
from pdp.domain.inference import infer_tool
from pdp.domain.resource import ResourceRule
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass

ENTRY = """\
version: 1
tools:
- server: mail
  name: send
  class: send
  sensitivity: internal
  output: untrusted
  reversible: false
  egress: true
  resource: {type: email, id: "{to}"}
  arguments:
    to: {role: sink, holds: email}
    body: {role: content}
  description: Sends mail.
  input_schema: {type: object, properties: {to: {type: string}}}
  inferred:
    class: ["name:send"]
    arguments/to: []
"""


def test_an_entry_reads_as_it_is_written() -> None:
    (tool,) = parse_catalogue(ENTRY.encode(), "tools.yaml")
    assert (tool.server, tool.name, tool.tool_class) == ("mail", "send", ToolClass.SEND)
    assert (tool.sensitivity, tool.output_label) == (Sensitivity.INTERNAL, OutputLabel.UNTRUSTED)
    assert (tool.reversible, tool.egress) == (False, True)
    assert tool.resource == ResourceRule("email", "{to}")
    assert tool.arguments == {
        "to": ArgumentRole(ArgumentKind.SINK, ValueType.EMAIL),
        "body": ArgumentRole(ArgumentKind.CONTENT),
    }
    assert tool.inferred == {"class": ("name:send",), "arguments/to": ()}
    assert tool.ungrounded == ("arguments/to",)


def test_a_digest_that_is_left_out_is_that_of_the_entrys_own_definition() -> None:
    (tool,) = parse_catalogue(ENTRY.encode(), "tools.yaml")
    schema: dict[str, Any] = {"type": "object", "properties": {"to": {"type": "string"}}}
    assert tool.schema_digest == schema_digest("send", "Sends mail.", schema)


def test_a_file_that_is_written_reads_back_the_same() -> None:
    tools = parse_catalogue(ENTRY.encode(), "tools.yaml")
    assert parse_catalogue(dump_catalogue(tools).encode(), "again") == tools


schema_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.sampled_from(["yes", "no", "~", "1e3", "0x1f", "1:30", "2024-01-01", "<<", "=", "*a"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["default", "enum", "yes", "1"]), schema_values))
def test_any_schema_survives_the_file(extra: dict[str, Any]) -> None:
    definition = {"name": "t", "inputSchema": {"type": "object", "x": extra}}
    tool = infer_tool(definition, "s")
    assert parse_catalogue(dump_catalogue([tool]).encode(), "f") == (tool,)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_description_survives_the_file_and_is_written_in_ascii(text: str) -> None:
    tool = infer_tool({"name": "t", "description": text}, "s")
    written = dump_catalogue([tool])
    assert written.isascii()
    assert parse_catalogue(written.encode(), "f") == (tool,)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  class: send", "  class: sending", "class: must be one of read, draft"),
        ("  class: send", "  klass: send", "unknown key 'klass'"),
        ("  class: send\n", "", "the key 'class' is missing"),
        ("internal", "unspecified", "sensitivity: must be public"),
        ("internal", "2", "sensitivity: must be public"),
        ("untrusted", "no", "output: must be one of trusted, untrusted"),
        ("reversible: false", "reversible: no", "reversible: must be true or false"),
        ("egress: true", "egress: 'true'", "egress: must be true or false"),
        ("role: sink", "role: sinks", "arguments: to: role: must be one of sink"),
        ("holds: email", "holds: mail", "arguments: to: holds: must be one of text"),
        ("role: content", "roles: content", "arguments: body: unknown key 'roles'"),
        ('id: "{to}"', "id: to", "resource: resource id 'to' names no argument"),
        ("type: email", "type: E-Mail", "resource: resource type"),
        ("    class:", "    clas:", "inferred: 'clas' is not a field of this entry"),
        ("arguments/to:", "arguments/cc:", "inferred: 'arguments/cc' is not a field"),
        ("name: send", "name: 1", "name: must be text; quote it"),
        ("  description:", "  schema_digest: md5:0\n  description:", "schema_digest must be"),
        ("server: mail", "server: pdp", "reserved"),
        ("version: 1", "version: 2", "version must be 1"),
        ("version: 1", "version: true", "version must be 1"),
        ("version: 1", "version: 1\nkind: x", "unknown key 'kind'"),
        ("- server", "-  - server", "entry 1: must be a mapping"),
    ],
)
def test_a_mistake_is_named_with_file_and_place(old: str, new: str, said: str) -> None:
    assert old in ENTRY
    text = ENTRY.replace(old, new, 1)
    if new.startswith("-  -"):
        text = "version: 1\ntools:\n- - server\n"
    with pytest.raises(CatalogueError) as caught:
        parse_catalogue(text.encode(), "tools.yaml")
    assert str(caught.value).startswith("tools.yaml: ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"a: &x 1\nb: *x", "anchors and aliases"),
        (b"a: !!python/object/apply:os.system [x]", "the tag"),
        (b"a: !!str 1", "the tag"),
        (b"a: 1\na: 2", "appears twice"),
        (b"1: 2", "is not text"),
        (b"<<: {a: 1}", "unknown key '<<'"),
        (b"[" * 1000, "nested deeper"),
        (b"a: 1\n---\nb: 2", "another document"),
        (b"a: [1", "line 2: did not find"),
        (b"\xff", "not UTF-8"),
        (b"a: 1e999", "outside the range"),
        (b"", "must be a mapping"),
        (b" " * (MAX_FILE_BYTES + 1), "larger than 8 MiB"),
        ((ENTRY + ENTRY[ENTRY.index("- server") :]).encode(), "appears twice"),
    ],
)
def test_what_is_no_catalogue_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(CatalogueError, match=r"^f\.yaml: ") as caught:
        parse_catalogue(raw, "f.yaml")
    assert said in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_catalogue_or_refused(raw: bytes) -> None:
    try:
        assert parse_catalogue(raw, "f") == ()
    except CatalogueError:
        return


def test_files_together_are_one_catalogue(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ENTRY)
    (tmp_path / "b.yaml").write_text(ENTRY.replace("name: send", "name: post"))
    assert len(load_catalogue([tmp_path / "a.yaml", tmp_path / "b.yaml"])) == 2


def test_a_tool_that_two_files_describe_is_refused_naming_both(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(ENTRY)
    with pytest.raises(CatalogueError, match=r"b\.yaml: .*already described in .*a\.yaml"):
        load_catalogue([tmp_path / "a.yaml", tmp_path / "b.yaml"])


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none\.yaml: cannot be read"):
        load_catalogue([tmp_path / "none.yaml"])
