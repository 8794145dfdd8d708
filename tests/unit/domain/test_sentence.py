"""What people are told a call will do."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.canonical import JsonValue
from pdp.domain.catalogue import ArgumentKind, ArgumentRole, Tool, ValueType
from pdp.domain.sentence import MAX_ARGUMENTS, MAX_VALUE, MAX_VALUES, quoted, sentence, visible
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass

EMAIL = ArgumentRole(ArgumentKind.SINK, ValueType.EMAIL)
SINK = ArgumentRole(ArgumentKind.SINK)
ID = ArgumentRole(ArgumentKind.IDENTIFIER, ValueType.IDENTIFIER)
AMOUNT = ArgumentRole(ArgumentKind.AMOUNT, ValueType.NUMBER)
CONTENT = ArgumentRole(ArgumentKind.CONTENT)
OPTION = ArgumentRole(ArgumentKind.OPTION)


def tool(name: str, tool_class: ToolClass, **arguments: ArgumentRole) -> Tool:
    return Tool(
        server="office",
        name=name,
        description="",
        tool_class=tool_class,
        sensitivity=Sensitivity.INTERNAL,
        output_label=OutputLabel.UNTRUSTED,
        reversible=tool_class in (ToolClass.READ, ToolClass.DRAFT),
        egress=tool_class in (ToolClass.SEND, ToolClass.EXECUTE),
        arguments_schema={},
        schema_digest="",
        arguments=arguments,
    )


SEND = tool("send_email", ToolClass.SEND, recipients=EMAIL, cc=EMAIL, body=CONTENT, html=OPTION)


def told(one: Tool, resource: tuple[str, str] = ("", ""), **arguments: JsonValue) -> str:
    return sentence(one, one.server, one.name, arguments, *resource)


class TestWhatIsTold:
    def test_of_a_message_who_gets_it_and_that_it_cannot_be_taken_back(self) -> None:
        assert told(SEND, recipients=["bob@example.com", "carol@example.com"]) == (
            "Send with office/send_email to bob@example.com, carol@example.com:"
            " this goes out and cannot be taken back."
        )

    def test_of_a_message_the_others_who_get_it_too(self) -> None:
        assert " to bob@example.com, cc eve@example.org: " in told(
            SEND, cc="eve@example.org", recipients="bob@example.com"
        )

    def test_of_a_deletion_what_the_identifier_names(self) -> None:
        delete = tool("delete_file", ToolClass.WRITE, id=ID)
        assert told(delete, id=13) == (
            "Delete with office/delete_file what id 13 names: this cannot be taken back."
        )

    def test_of_a_payment_the_account_and_the_amount(self) -> None:
        pay = tool("pay", ToolClass.SEND, amount=AMOUNT, iban=SINK)
        assert told(pay, amount=980.5, iban="DE89370400440532013000") == (
            "Pay with office/pay iban DE89370400440532013000, amount 980.5:"
            " this goes out and cannot be taken back."
        )

    def test_an_account_that_pays_is_not_called_the_one_that_is_paid(self) -> None:
        pay = tool("pay", ToolClass.SEND, sender=SINK, recipient=SINK)
        assert told(pay, sender="A1", recipient="B2").startswith(
            "Pay with office/pay to B2, sender A1:"
        )

    def test_the_agents_text_and_options_are_left_out(self) -> None:
        said = told(SEND, recipients="bob@example.com", body="harmless, approve", html="harmless")
        assert "harmless" not in said

    def test_a_secret_is_not_shown(self) -> None:
        login = tool(
            "login", ToolClass.WRITE, pin=ArgumentRole(ArgumentKind.SINK, ValueType.SECRET)
        )
        assert told(login, pin="4711").startswith("Change with office/login pin (a secret):")

    @pytest.mark.parametrize(
        ("one", "end"),
        [
            (tool("find", ToolClass.READ), "this only looks."),
            (replace(tool("get", ToolClass.READ), egress=True), "what is asked for goes out."),
            (tool("draft", ToolClass.DRAFT), "this is a draft that nobody else sees yet."),
            (tool("rename", ToolClass.WRITE), "this cannot be taken back."),
            (replace(tool("rename", ToolClass.WRITE), reversible=True), "this can be taken back."),
            (
                replace(tool("post", ToolClass.WRITE), egress=True),
                "this goes out and cannot be taken back.",
            ),
            (
                tool("shell", ToolClass.EXECUTE),
                "this runs what it is given and cannot be taken back.",
            ),
            (
                tool("grant", ToolClass.ADMIN),
                "this changes who may do what and cannot be taken back.",
            ),
        ],
    )
    def test_each_class_says_what_it_comes_to(self, one: Tool, end: str) -> None:
        assert told(one).endswith(end)

    def test_the_resource_is_named_where_no_argument_says_it(self) -> None:
        rename = tool("rename", ToolClass.WRITE, text=CONTENT)
        said = told(rename, ("board", "team x"), text="hi")
        assert said.startswith('Change with office/rename on board "team x":')
        assert told(rename, ("tool", "office/rename")).startswith("Change with office/rename:")

    def test_an_argument_that_the_catalogue_does_not_declare_is_called_so(self) -> None:
        assert ', undeclared bcc "x y": ' in told(SEND, recipients="bob@example.com", bcc="x y")

    def test_of_an_unknown_tool_all_arguments_are_told_and_nothing_is_promised(self) -> None:
        assert sentence(None, "s", "t", {"a": "x y", "b": [1]}, "", "") == (
            'Call s/t, of which the catalogue knows nothing, with a "x y", b "[1]".'
        )
        assert sentence(None, "", "t", {}, "", "") == (
            "Call t, of which the catalogue knows nothing."
        )

    def test_a_change_of_phase_tells_the_phase_and_how_many_calls(self) -> None:
        def phase(**arguments: JsonValue) -> str:
            return sentence(None, "pdp", "pdp.change_phase", arguments, "", "")

        assert phase(phase="execute", plan=[{}, {}], reason="trust me") == (
            "Let the task go on to the phase execute, to make 2 planned calls."
        )
        assert phase(phase="execute", plan=[{}]).endswith("to make 1 planned call.")
        assert phase(phase="execute") == "Let the task go on to the phase execute."

    def test_another_action_on_the_task_is_named(self) -> None:
        assert sentence(None, "pdp", "pdp.complete_task", {"task_id": "t1"}, "", "") == (
            "Act on the task itself with pdp/pdp.complete_task, with task_id t1."
        )


class TestHowMuchIsTold:
    def test_a_long_value_is_clipped_and_its_length_told(self) -> None:
        long = "x " * 200
        assert quoted(long) == f'"{long[:MAX_VALUE]}…" (400 characters)'

    def test_more_values_than_fit_are_counted(self) -> None:
        many: list[JsonValue] = [f"u{n}@example.com" for n in range(MAX_VALUES + 7)]
        said = told(SEND, recipients=many)
        assert f"u{MAX_VALUES - 1}@example.com and 7 more:" in said
        assert f"u{MAX_VALUES}@" not in said

    def test_more_arguments_than_fit_are_counted(self) -> None:
        extra: dict[str, JsonValue] = {f"x{n}": "v" for n in range(MAX_ARGUMENTS)}
        extra["recipients"] = "bob@example.com"
        said = sentence(SEND, "office", "send_email", extra, "", "")
        assert said.startswith("Send with office/send_email to bob@example.com, undeclared x0 v,")
        assert ", and 1 more argument:" in said

    @given(
        st.dictionaries(st.text(max_size=300), st.text(max_size=300) | st.integers(), max_size=20)
    )
    def test_no_call_makes_a_sentence_that_nobody_reads(
        self, arguments: dict[str, JsonValue]
    ) -> None:
        assert len(told(SEND, recipients=arguments)) < 20_000
        assert len(sentence(SEND, "s", "t", arguments, "", "")) < 20_000


class TestHostileText:
    def test_a_value_cannot_end_its_quotation(self) -> None:
        said = told(SEND, recipients='bob": this only looks. "')
        assert r'to "bob\": this only looks. \"": this goes out' in said

    @pytest.mark.parametrize(
        ("hidden", "shown"),
        [
            ("a\nb", r'"a\nb"'),
            ("a\u202eb", r'"a\u202eb"'),
            ("a\u200bb", r'"a\u200bb"'),
            ("a\u00a0b", r'"a\xa0b"'),
            ("a\ufe0fb", r'"a\ufe0fb"'),
            ("a\u3164b", r'"a\u3164b"'),
            ("a\u2028b", r'"a\u2028b"'),
            ("a\x1b[2Jb", r'"a\x1b[2Jb"'),
            ("a\U000e0041b", r'"a\U000e0041b"'),
            ("a\\u202eb", r'"a\\u202eb"'),
            ("", '""'),
        ],
    )
    def test_what_a_reader_would_not_see_is_shown(self, hidden: str, shown: str) -> None:
        assert quoted(hidden) == shown

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("bob@ex\u0430mple.com", '"bob@ex\u0430mple.com" (that is bob@xn--exmple-4nf.com)'),
            ("b\u043eb@example.com", '"b\u043eb@example.com" (that is b\\u043eb@example.com)'),
            (
                "https://ex\u0430mple.com/x",
                '"https://ex\u0430mple.com/x" (that is https://xn--exmple-4nf.com/x)',
            ),
            ("Zürich", '"Zürich"'),
        ],
    )
    def test_letters_that_look_like_others_are_told_apart_in_addresses(
        self, value: str, shown: str
    ) -> None:
        assert quoted(value) == shown

    @given(st.text(st.characters(), max_size=30))
    def test_nothing_hides_in_a_visible_text(self, text: str) -> None:
        shown = visible(text)
        categories = {unicodedata.category(one) for one in shown if one != " "}
        assert not categories & {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}
        assert shown.isprintable() or not shown
        assert visible(shown) == shown

    @given(st.text(st.characters(), max_size=120))
    def test_a_sentence_is_one_line_that_ends_with_what_the_catalogue_says(self, text: str) -> None:
        said = told(SEND, recipients=[text], cc={text: text})
        assert said.isprintable()
        assert said.endswith(": this goes out and cannot be taken back.")

    def test_hostile_names_of_tools_and_arguments_are_shown_too(self) -> None:
        said = sentence(None, "s\u202e", "t\n", {"x\u200b": 1}, "", "")
        assert r"Call s\u202e/t\n, " in said
        assert r'with "x\u200b" 1.' in said
