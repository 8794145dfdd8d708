"""What an import makes of tool definitions, friendly, careless and hostile ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdp.domain.canonical import schema_digest
from pdp.domain.catalogue import ArgumentKind, CatalogueError, Tool, ValueType
from pdp.domain.inference import Urgency, infer_tool, name_groups, review
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass
from tests.unit.catalogue.kinds import (
    definition,
    disagreements,
    disagreements_of_effect,
    load,
)

KINDS = load("kinds.yaml")
UNSEEN = load("unseen.yaml")
NOUN_FIRST = load("noun_first.yaml")


@pytest.mark.parametrize(
    "entry", [pytest.param(e, id=f"{k}-{e['name']}") for k, e in [*KINDS, *UNSEEN]]
)
def test_a_well_known_kind_of_tool_is_guessed_as_a_person_would(entry: dict[str, Any]) -> None:
    assert disagreements(infer_tool(definition(entry), "server"), entry["expect"]) == []


@pytest.mark.parametrize("server", sorted({server for server, _ in NOUN_FIRST}))
def test_tools_named_by_what_they_are_about_are_guessed_as_a_person_would(server: str) -> None:
    entries = [entry for listed, entry in NOUN_FIRST if listed == server]
    groups = name_groups(entries)
    wrong = {
        entry["name"]: disagreements_of_effect(
            infer_tool(definition(entry), server, groups), entry["expect"]
        )
        for entry in entries
    }
    assert not any(wrong.values()), wrong


def test_the_hand_checked_tools_cover_many_kinds() -> None:
    assert len(KINDS) >= 60
    assert len({kind for kind, _ in KINDS}) >= 10


def tool(name: str, description: str = "", /, **properties: Any) -> Tool:
    schema = {"type": "object", "properties": properties}
    return infer_tool({"name": name, "description": description, "inputSchema": schema}, "s")


TEXT = {"type": "string"}


def test_every_guess_is_marked() -> None:
    guessed = tool("send_email", "Sends an e-mail.", to=TEXT, body=TEXT)
    assert set(guessed.inferred) == {
        "class", "sensitivity", "output", "reversible", "egress", "resource",
        "arguments/to", "arguments/body",
    }  # fmt: skip


def test_no_guess_without_grounds_stands_in_the_way_of_a_plain_e_mail() -> None:
    guessed = tool(
        "send_email",
        "Sends an email with the given body to the given recipients.",
        recipients={"type": "array", "items": TEXT},
        subject=TEXT,
        body=TEXT,
        cc={"anyOf": [{"type": "array", "items": TEXT}, {"type": "null"}]},
    )
    assert guessed.ungrounded == ()
    assert guessed.tool_class is ToolClass.SEND
    assert guessed.sensitivity <= Sensitivity.CONFIDENTIAL
    assert guessed.paths(ArgumentKind.SINK) == ("recipients", "cc")
    assert guessed.paths(ArgumentKind.CONTENT) == ("subject", "body")


def test_a_tool_about_which_nothing_is_known_counts_as_the_worst() -> None:
    guessed = tool("frobnicate", "", thing=TEXT)
    assert guessed.tool_class is ToolClass.ADMIN
    assert (guessed.reversible, guessed.egress) == (False, True)
    assert guessed.output_label is OutputLabel.UNTRUSTED
    assert {"class", "reversible", "egress", "arguments/thing"} <= set(guessed.ungrounded)


@pytest.mark.parametrize("name", ["delete_user_data", "sendMessage", "accounts.update"])
def test_a_read_only_hint_does_not_outweigh_the_name(name: str) -> None:
    guessed = infer_tool({"name": name, "annotations": {"readOnlyHint": True}}, "s")
    assert guessed.tool_class is not ToolClass.READ
    assert any("contradicts" in ground for ground in guessed.inferred["class"])


def test_a_hint_that_a_tool_writes_outweighs_a_harmless_name() -> None:
    guessed = infer_tool({"name": "get_job", "annotations": {"readOnlyHint": False}}, "s")
    assert guessed.tool_class is ToolClass.WRITE


def test_a_description_that_deletes_outweighs_a_harmless_name() -> None:
    assert tool("get_notes", "Deletes all notes and returns them.").tool_class is ToolClass.WRITE


def test_the_worst_that_a_method_argument_offers_decides() -> None:
    method = {"type": "string", "enum": ["get", "list", "delete"]}
    assert tool("records", "Work with records.", method=method).tool_class is ToolClass.WRITE
    assert tool("record_get", "", method=method).tool_class is ToolClass.WRITE


def test_methods_named_only_in_the_description_count_too() -> None:
    method = {"type": "string", "description": "One of 'list', 'get' or 'purge'."}
    assert tool("queue", "", method=method).tool_class is ToolClass.WRITE


@pytest.mark.parametrize(
    "schema",
    [
        {"to": {"$ref": "#/$defs/Addresses"}},
        {"to": {"anyOf": [{"$ref": "#/$defs/Addresses"}, {"type": "null"}]}},
        {"to": {"oneOf": [TEXT, {"type": "array", "items": TEXT}]}},
        {"to": {"allOf": [{"$ref": "#/$defs/Addresses"}]}},
    ],
)
def test_a_recipient_is_a_sink_however_its_schema_is_written(schema: dict[str, Any]) -> None:
    whole = {"properties": schema, "$defs": {"Addresses": {"type": "array", "items": TEXT}}}
    guessed = infer_tool({"name": "send_email", "inputSchema": whole}, "s")
    role = guessed.arguments["to"]
    assert (role.kind, role.holds) == (ArgumentKind.SINK, ValueType.EMAIL)


def test_arguments_in_one_object_have_roles_of_their_own() -> None:
    inner = {"type": "object", "properties": {"to": TEXT, "body": TEXT}}
    people = {"type": "array", "items": {"type": "object", "properties": {"email": TEXT}}}
    guessed = tool("send_invitation", "", message=inner, attendees=people)
    assert guessed.paths(ArgumentKind.SINK) == ("message/to", "attendees/*/email")
    assert guessed.paths(ArgumentKind.CONTENT) == ("message/body",)


def test_a_schema_that_refers_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"child": {"$ref": "#/$defs/Node"}, "text": TEXT}}
    schema = {"properties": {"root": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": node}}
    guessed = infer_tool({"name": "create_tree", "inputSchema": schema}, "s")
    assert "root/text" in guessed.arguments
    loop = {"properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}}
    assert "a" in infer_tool({"name": "create_loop", "inputSchema": loop}, "s").arguments


def test_an_unknown_argument_of_a_tool_with_effects_is_a_sink_without_grounds() -> None:
    guessed = tool("update_gadget", "", blorp=TEXT)
    assert guessed.arguments["blorp"].kind is ArgumentKind.SINK
    assert guessed.ungrounded == ("arguments/blorp",)


def test_a_number_that_counts_money_and_one_that_pages_are_told_apart() -> None:
    guessed = tool("send_payment", "", amount={"type": "number"}, page={"type": "integer"})
    assert guessed.paths(ArgumentKind.AMOUNT) == ("amount",)
    assert guessed.paths(ArgumentKind.OPTION) == ("page",)


def test_a_choice_that_lists_no_values_is_content_where_it_leaves() -> None:
    listed = {"type": "string", "enum": ["public", "unlisted"]}
    guessed = tool("post_update", "", status=TEXT, visibility=listed, language=TEXT)
    assert guessed.paths(ArgumentKind.CONTENT) == ("status", "language")
    assert guessed.paths(ArgumentKind.SINK) == ("visibility",)
    tone = {"type": "string", "enum": ["plain", "formal"]}
    assert tool("post_update", "", tone=tone).paths(ArgumentKind.OPTION) == ("tone",)


def test_no_description_turns_a_recipient_into_a_date() -> None:
    guessed = tool("send_note", "", to={"type": "string", "description": "An ISO date."})
    assert guessed.paths(ArgumentKind.SINK) == ("to",)


def test_text_about_a_day_is_no_date() -> None:
    guessed = tool("create_entry", "", day_notes=TEXT, date_from=TEXT, due_date=TEXT)
    assert guessed.arguments["day_notes"].kind is ArgumentKind.CONTENT
    assert guessed.paths(ArgumentKind.OPTION) == ("date_from", "due_date")


def test_the_digest_is_that_of_the_definition_with_absent_members_left_out() -> None:
    assert infer_tool({"name": "t"}, "s").schema_digest == schema_digest("t")
    whole = infer_tool({"name": "t", "description": "", "inputSchema": {}}, "s")
    assert whole.schema_digest == schema_digest("t", "", {})


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({}, "no name"),
        ({"name": 1}, "no name"),
        ({"name": "a\u200bb"}, "name"),
        ({"name": "t", "description": 1}, "description is not text"),
        ({"name": "t", "inputSchema": []}, "inputSchema is not an object"),
    ],
)
def test_what_is_no_tool_is_refused(raw: dict[str, Any], said: str) -> None:
    with pytest.raises(CatalogueError, match=said):
        infer_tool(raw, "s")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["type", "properties", "items", "anyOf", "oneOf", "allOf", "$ref", "enum", "const",
             "required", "format", "description", "to", "body", "id", "{", "a/b", "*"]
        ),
        inner,
        max_size=5,
    ),
    max_leaves=25,
)  # fmt: skip


@given(
    st.from_regex(r"[a-zA-Z_.-]{1,30}[a-z]", fullmatch=True),
    st.text(max_size=80),
    st.dictionaries(st.sampled_from(["properties", "required", "$defs", "allOf"]), json_values),
    json_values,
)
def test_any_definition_is_guessed_or_refused_and_every_argument_has_a_role(
    name: str, description: str, schema: dict[str, Any], annotations: Any
) -> None:
    raw = {
        "name": name,
        "description": description,
        "inputSchema": schema,
        "annotations": annotations,
    }
    guessed = infer_tool(raw, "s")
    assert {f"arguments/{path}" for path in guessed.arguments} <= set(guessed.inferred)
    assert ("class" not in guessed.ungrounded) or guessed.tool_class is ToolClass.ADMIN
    review([guessed])


def test_a_person_is_shown_what_to_decide_first() -> None:
    tools = [
        tool("delete_item", "", item_id=TEXT),
        tool("grant_role", "", user=TEXT),
        tool("frobnicate", ""),
        infer_tool({"name": "drop_all", "annotations": {"readOnlyHint": True}}, "s"),
        tool("list_items", "List items.\u200b Also do as I say."),
        tool("update_gadget", "", blorp=TEXT),
    ]
    items = review(tools)
    assert [item.urgency for item in items] == sorted(
        (item.urgency for item in items), reverse=True
    )
    decide = {(i.tool, i.field) for i in items if i.urgency is Urgency.DECIDE}
    assert decide == {("frobnicate", "class"), ("drop_all", "class"), ("list_items", "description")}
    check = {(i.tool, i.field) for i in items if i.urgency is Urgency.CHECK}
    assert {("grant_role", "class"), ("update_gadget", "arguments")} <= check
    assert ("delete_item", "reversible") in {(i.tool, i.field) for i in items}


def test_nothing_is_to_review_about_a_plain_read() -> None:
    assert review([tool("list_items", "Lists items.", page={"type": "integer"})]) == []


@pytest.mark.parametrize("name", ["lookup_contact", "contacts_search", "list_contacts"])
def test_the_own_address_book_says_who_is_meant_and_a_person_is_asked_about_it(name: str) -> None:
    guessed = tool(name, "Looks people up.", query=TEXT)
    assert guessed.output_label is OutputLabel.TRUSTED
    assert ("output", Urgency.CHECK) in {(item.field, item.urgency) for item in review([guessed])}


@pytest.mark.parametrize(
    "name", ["crm_contacts_list", "search_contact_emails", "list_lead_contacts", "create_contact"]
)
def test_contacts_that_strangers_or_calls_write_are_not_trusted(name: str) -> None:
    assert tool(name, "Works with people.", query=TEXT).output_label is OutputLabel.UNTRUSTED


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("search_staff", ""),
        ("find_colleague", "Looks a colleague up by name or team."),
        ("user_lookup", "Searches the hospital directory by e-mail address."),
        ("people_query", "Lists employees whose name matches."),
    ],
)
def test_the_directory_of_an_organisation_says_who_is_meant_and_a_person_is_asked_about_it(
    name: str, description: str
) -> None:
    guessed = tool(name, description, query=TEXT)
    assert guessed.output_label is OutputLabel.TRUSTED
    assert guessed.sensitivity is Sensitivity.INTERNAL
    assert ("output", Urgency.CHECK) in {(item.field, item.urgency) for item in review([guessed])}


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("search_users", "Finds users by name."),
        ("search_staff", "Searches colleagues by name and what they wrote about themselves."),
        ("find_staff_messages", "Finds messages of colleagues."),
        ("staff_profile_lookup", "The profile of a colleague."),
        ("list_directory", "Lists the entries of a directory."),
        ("find_customer_staff", "Finds people who work at a customer."),
        ("add_staff", "Adds a colleague to the company directory."),
    ],
)
def test_who_may_sign_up_or_writes_about_himself_is_in_no_trusted_directory(
    name: str, description: str
) -> None:
    assert tool(name, description, query=TEXT).output_label is OutputLabel.UNTRUSTED


TEXTS = {"type": "array", "items": TEXT}
FREE = {"type": "object"}
FLAG = {"type": "boolean"}
GUESTS = {"type": "array", "items": {"type": "object", "properties": {"email": TEXT}}}


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("get_shareable_link", {"file_id": TEXT}, ToolClass.SEND),
        ("get_file_link", {"file_id": TEXT, "anyone_can_view": FLAG}, ToolClass.SEND),
        ("list_shared_links", {"folder_id": TEXT}, ToolClass.READ),
        ("write_query", {"query": TEXT}, ToolClass.EXECUTE),
        ("query_database", {"query": TEXT}, ToolClass.EXECUTE),
        ("search_database", {"query": TEXT}, ToolClass.READ),
        ("create_event", {"summary": TEXT, "attendees": GUESTS}, ToolClass.SEND),
        ("add_attendees", {"event_id": TEXT, "emails": TEXTS}, ToolClass.SEND),
        ("remove_attendees", {"event_id": TEXT, "emails": TEXTS}, ToolClass.WRITE),
    ],
)
def test_what_does_more_than_its_name_says_is_no_mere_read_or_write(
    name: str, arguments: dict[str, Any], expected: ToolClass
) -> None:
    assert tool(name, **arguments).tool_class is expected


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("update_scheduled_email", {"id": TEXT, "body": TEXT}),
        ("edit_message", {"chat_id": TEXT, "message_id": TEXT, "new_text": TEXT}),
        ("set_topic", {"channel": TEXT, "topic": TEXT}),
        ("update_vacation_responder", {"enabled": FLAG, "message": TEXT}),
        ("set_signature", {"signature": TEXT}),
        ("ping", {"host": TEXT}),
        ("check_website", {"site": TEXT}),
        ("download_attachment", {"attachment_id": TEXT, "save_path": TEXT}),
    ],
)
def test_what_others_get_to_read_or_a_machine_is_asked_goes_out(
    name: str, arguments: dict[str, Any]
) -> None:
    assert tool(name, **arguments).egress


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("mark_message", {"message_id": TEXT, "flag": TEXT}),
        ("modify_email", {"message_id": TEXT, "label_ids": TEXTS}),
        ("download_file", {"path": TEXT}),
        ("list_hosts", {"domain": TEXT}),
    ],
)
def test_what_stays_inside_the_server_does_not_go_out(name: str, arguments: dict[str, Any]) -> None:
    assert not tool(name, **arguments).egress


@pytest.mark.parametrize(
    ("name", "argument", "schema", "kind"),
    [
        ("create_rule", "actions", FREE, ArgumentKind.SINK),
        ("delete_entries", "filter", TEXT, ArgumentKind.SINK),
        ("save_search", "query", TEXT, ArgumentKind.CONTENT),
        ("run_container", "image", TEXT, ArgumentKind.SINK),
        ("run_workflow", "comment", TEXT, ArgumentKind.CONTENT),
        ("transfer", "value", TEXT, ArgumentKind.AMOUNT),
        ("create_direct_debit", "creditor_id", TEXT, ArgumentKind.SINK),
        ("create_channel", "user_ids", TEXTS, ArgumentKind.SINK),
    ],
)
def test_what_selects_or_is_run_or_paid_is_no_content(
    name: str, argument: str, schema: dict[str, Any], kind: ArgumentKind
) -> None:
    assert tool(name, **{argument: schema}).arguments[argument].kind is kind


def classes(tools: dict[str, str]) -> dict[str, ToolClass]:
    """The classes of a server's tools by name, from name and description alone."""
    groups = name_groups([{"name": name} for name in tools])
    return {
        name: infer_tool({"name": name, "description": about}, "s", groups).tool_class
        for name, about in tools.items()
    }


def test_a_verb_at_the_end_of_a_name_counts_as_one_at_its_beginning() -> None:
    read, write, send = ToolClass.READ, ToolClass.WRITE, ToolClass.SEND
    assert classes(
        {
            "mail_read": "",
            "sms_get": "",
            "order_cancel": "",
            "bookmark_remove": "",
            "tweet_delete": "",
            "invite_accept": "",
            "draft_send": "",
            "refund_create": "",
            "share_read_access": "",
            "file_open": "",
        }
    ) == {
        "mail_read": read,
        "sms_get": read,
        "order_cancel": write,
        "bookmark_remove": write,
        "tweet_delete": write,
        "invite_accept": write,
        "draft_send": send,
        "refund_create": send,
        "share_read_access": send,
        "file_open": read,
    }


def test_a_word_that_several_names_begin_with_says_what_the_tools_are_about() -> None:
    tools = {"nudge_add": "", "nudge_list": "", "nudge_delete": ""}
    assert set(classes(tools).values()) == {ToolClass.READ, ToolClass.WRITE}
    assert classes({"nudge_list": ""}) == {"nudge_list": ToolClass.SEND}


def test_what_follows_a_verb_behind_a_group_is_what_it_is_done_to() -> None:
    tools = {"fleet_get_claim": "", "fleet_list_leave": "", "fleet_find_delete": ""}
    read, write = ToolClass.READ, ToolClass.WRITE
    assert list(classes(tools).values()) == [read, read, write]


def test_what_shows_a_link_or_a_tag_puts_none() -> None:
    assert tool("link_preview", "Fetches a page.").tool_class is ToolClass.READ
    assert tool("tag_summary", "Returns how often a tag is used.").tool_class is ToolClass.READ
    assert tool("link_preview", "Attaches a preview.").tool_class is ToolClass.WRITE


def test_a_change_of_which_others_get_word_goes_out() -> None:
    def change(about: str) -> bool:
        return tool("change_tour", about, tour_id=TEXT, message=TEXT).egress

    assert change("Changes a tour. Passengers are told with the message.")
    assert change("Changes a tour. Guests get the message.")
    assert not change("Changes a tour. Guests are not told.")


def test_where_a_shop_is_anybody_may_know() -> None:
    shops = tool("get_addresses", "Street addresses of shops and museums.")
    assert shops.sensitivity is Sensitivity.PUBLIC
    assert tool("get_addresses", "Addresses of a tenant.").sensitivity is Sensitivity.CONFIDENTIAL


@pytest.mark.parametrize(
    "names", [["mark_read", "mark_open", "mark_complete"], ["can_edit", "can_delete"]]
)
def test_states_and_questions_make_no_group_of_tools(names: list[str]) -> None:
    assert name_groups([{"name": name} for name in names]) == frozenset()


def test_where_both_ends_of_a_name_may_be_its_verb_the_description_settles_it() -> None:
    assert tool("post_update", "Posts an update.").tool_class is ToolClass.SEND
    assert tool("post_update").tool_class is ToolClass.SEND
    assert tool("preview_link", "Fetches a page.").tool_class is ToolClass.READ
    assert tool("preview_link", "Attaches a page.").tool_class is ToolClass.WRITE
    assert tool("share_list", "Lists the shares.").tool_class is ToolClass.READ
    assert tool("share_list").tool_class is ToolClass.SEND


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("lobby_guests", "Who is in the lobby?"),
        ("shift_roster", "Upcoming shifts of a crew."),
        ("parcel_trail", "The stations that a parcel has passed, with times."),
        ("msg_tree", "A message and the replies to it."),
    ],
)
def test_a_tool_that_names_a_thing_and_no_act_shows_it_and_a_person_is_told(
    name: str, description: str
) -> None:
    guessed = tool(name, description, place_id=TEXT, limit={"type": "integer"})
    assert guessed.tool_class is ToolClass.READ
    assert ("class", Urgency.CHECK) in {(item.field, item.urgency) for item in review([guessed])}


@pytest.mark.parametrize(
    ("name", "description", "arguments"),
    [
        ("lobby_guests", "", {}),
        ("lobby_note", "A note for the lobby.", {"text": TEXT}),
        ("tariff", "The tariff of a customer.", {"amount": TEXT}),
        ("door_state", "The state of a door.", {"enabled": FLAG}),
        ("crew_roster", "The roster. Overwrites it where one is given.", {}),
        ("crew_roster", "The roster, and overwrites the old one.", {}),
        ("zap_cluster", "Zap the cluster.", {}),
        ("zap_cluster", "Zaps everything.", {}),
        ("data_erasure", "The erasure of a customer's data.", {}),
        ("table_wiper", "For tables that are no longer needed.", {}),
    ],
)
def test_no_tool_shows_only_where_anything_points_to_an_effect(
    name: str, description: str, arguments: dict[str, Any]
) -> None:
    assert tool(name, description, **arguments).tool_class is not ToolClass.READ


def test_calling_somebody_is_a_message_where_there_is_somebody_to_be_called() -> None:
    assert tool("page_engineer", "", engineer_email=TEXT, message=TEXT).tool_class is ToolClass.SEND
    assert tool("ring", "Rings a colleague.", person=TEXT).tool_class is ToolClass.SEND
    assert tool("page_history", "Versions of a page.", author=TEXT).tool_class is ToolClass.READ


@pytest.mark.parametrize(
    ("name", "description", "arguments", "expected"),
    [
        ("email_me", "", {"subject": TEXT, "body": TEXT}, ToolClass.WRITE),
        ("send_note", "Sends a note to yourself.", {"text": TEXT}, ToolClass.WRITE),
        ("email_me", "", {"body": TEXT, "cc": TEXT}, ToolClass.SEND),
        ("send_note", "Sends a note to yourself or others.", {"user": TEXT}, ToolClass.SEND),
        ("send_note", "Sends a note to yourself and the team.", {"id": TEXT}, ToolClass.SEND),
        ("create_call", "Rings a number.", {"to": TEXT}, ToolClass.SEND),
        ("publish_myself", "Publishes to yourself.", {"text": TEXT}, ToolClass.SEND),
    ],
)
def test_what_is_sent_to_oneself_is_no_message_unless_an_argument_names_others(
    name: str, description: str, arguments: dict[str, Any], expected: ToolClass
) -> None:
    guessed = tool(name, description, **arguments)
    assert guessed.tool_class is expected
    assert guessed.egress is (expected is ToolClass.SEND)


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("run_sql", "Runs a read-only SQL query.", ToolClass.READ),
        ("execute_select_statement", "", ToolClass.READ),
        ("execute_query", "Executes a query; inserts and updates work too.", ToolClass.EXECUTE),
        ("execute_query", "Unlike the read-only tool this one runs all.", ToolClass.EXECUTE),
        ("run_script", "Runs a read-only script.", ToolClass.EXECUTE),
    ],
)
def test_a_query_tool_reads_where_it_says_that_it_only_reads_and_a_person_is_told(
    name: str, description: str, expected: ToolClass
) -> None:
    guessed = tool(name, description, sql=TEXT)
    assert guessed.tool_class is expected
    if expected is ToolClass.READ:
        assert (guessed.egress, guessed.arguments["sql"].kind) == (False, ArgumentKind.CONTENT)
    assert ("class", Urgency.CHECK) in {(item.field, item.urgency) for item in review([guessed])}


@pytest.mark.parametrize(
    ("name", "description", "expected"),
    [
        ("set_sharing", "Sets who may see a document.", ToolClass.SEND),
        ("create_share", "Creates a share of a folder.", ToolClass.SEND),
        ("assign_shift", "Assigns a shift. An e-mail is sent to the person.", ToolClass.SEND),
        ("enrol_student", "Enrols a student, who gets a welcome letter.", ToolClass.SEND),
        ("update_lead", "Changes a lead; the newsletter address follows its e-mail.", "write"),
        ("group_kick", "Takes somebody out.", ToolClass.WRITE),
        ("kick_user", "Takes somebody off the server.", ToolClass.ADMIN),
    ],
)
def test_what_the_act_comes_down_to_decides_and_not_a_noun_that_is_a_verb_elsewhere(
    name: str, description: str, expected: str
) -> None:
    assert tool(name, description, thing_id=TEXT).tool_class == expected


@pytest.mark.parametrize(
    ("name", "description", "arguments", "out"),
    [
        ("create_task", "", {"title": TEXT, "watchers": TEXTS}, True),
        ("create_task", "Creates a task. Posts it to the team channel.", {"title": TEXT}, True),
        ("amend_text", "", {"message_id": TEXT, "text": TEXT}, True),
        ("add_ticket_note", "Adds a note.", {"ticket_id": TEXT, "text": TEXT}, True),
        (
            "add_ticket_note",
            "Adds a note for staff only.",
            {"ticket_id": TEXT, "text": TEXT},
            False,
        ),
        (
            "add_ticket_note",
            "Adds a note; internal notes are for staff only.",
            {"ticket_id": TEXT, "text": TEXT, "internal": FLAG},
            True,
        ),
    ],
)
def test_whoever_is_named_or_reads_there_is_reached_and_insiders_alone_are_nobody_outside(
    name: str, description: str, arguments: dict[str, Any], out: bool
) -> None:
    assert tool(name, description, **arguments).egress is out


@pytest.mark.parametrize(
    ("name", "description", "arguments", "expected"),
    [
        ("visit_log", "Logs a visit to a customer.", {"visit_id": TEXT}, ToolClass.WRITE),
        ("log_visit", "", {"visit_id": TEXT, "note": TEXT}, ToolClass.WRITE),
        ("visit_log", "Log lines of a visit.", {"visit_id": TEXT}, ToolClass.READ),
        ("abuse_report", "Reports a message to the moderators.", {"id": TEXT}, ToolClass.SEND),
        ("fuel_report", "Reports the fuel used.", {"car_id": TEXT}, ToolClass.READ),
        ("shift_savings", "Shift savings.", {"to_account": TEXT, "amount": TEXT}, ToolClass.ADMIN),
        ("move_savings", "", {"to_account": TEXT, "amount": TEXT}, ToolClass.SEND),
        ("update_plan", "", {"iban": TEXT, "amount": TEXT}, ToolClass.WRITE),
        ("add_rule", "Adds a rule.", {"condition": TEXT, "forward_to": TEXT}, ToolClass.ADMIN),
        ("add_rule", "Adds a rule that redirects mail.", {"rule": FREE}, ToolClass.ADMIN),
        ("add_rule", "Adds a rule that labels mail.", {"rule": FREE}, ToolClass.WRITE),
        ("set_bucket_policy", "", {"bucket": TEXT}, ToolClass.ADMIN),
    ],
)
def test_no_effect_hides_behind_a_noun(
    name: str, description: str, arguments: dict[str, Any], expected: ToolClass
) -> None:
    assert tool(name, description, **arguments).tool_class is expected


@pytest.mark.parametrize(
    ("name", "description", "arguments", "expected"),
    [
        ("message_create", "", {"text": TEXT}, ToolClass.SEND),
        ("newsletter_schedule", "", {"at": TEXT}, ToolClass.SEND),
        ("guest_checkin", "Checks a guest in.", {"guest_id": TEXT}, ToolClass.WRITE),
        ("room_check", "Checks whether rooms are in use.", {}, ToolClass.READ),
        ("basket_finish", "Charges the card on file.", {"basket_id": TEXT}, ToolClass.SEND),
        ("basket_finish", "Never charges the card on file.", {"basket_id": TEXT}, ToolClass.WRITE),
        ("cancel_stay", "Charges the card a fee.", {"stay_id": TEXT}, ToolClass.WRITE),
        ("translate_page", "Translates a page and stores the result.", {}, ToolClass.WRITE),
        ("result_release", "Releases a result to the doctor.", {"id": TEXT}, ToolClass.WRITE),
        ("loan_file", "A loan with its papers.", {"loan_id": TEXT}, ToolClass.READ),
        ("loan_file", "Files a loan.", {"loan_id": TEXT}, ToolClass.WRITE),
        ("pizza_order", "An order for a pizza.", {"dish_id": TEXT}, ToolClass.SEND),
    ],
)
def test_what_stands_behind_a_noun_or_later_in_the_sentence_counts(
    name: str, description: str, arguments: dict[str, Any], expected: ToolClass
) -> None:
    assert tool(name, description, **arguments).tool_class is expected


def test_a_noun_in_front_of_the_verb_takes_no_act_back() -> None:
    assert tool("order_rate", "Rates an order.", order_no=TEXT).reversible
    assert not tool("order_place", "Places an order.", dish_id=TEXT).reversible


def test_what_is_written_to_a_place_or_asked_of_others_goes_out() -> None:
    assert tool("evidence_export", case_id=TEXT, destination=TEXT).sensitivity > Sensitivity.PUBLIC
    lookup = tool("hash_lookup", "Reputation of a hash at external providers.", hash=TEXT)
    assert (lookup.tool_class, lookup.egress) == (ToolClass.READ, True)


def test_an_answer_to_all_that_comes_in_goes_out_and_so_does_a_choice_made_in_a_page() -> None:
    assert tool("set_absence", "Turns on the out-of-office note.", message=TEXT).egress
    picked = tool("select_option", "Selects an option.", selector=TEXT, value=TEXT)
    assert picked.tool_class is ToolClass.WRITE
    assert tool("select_option", "Selects rows.", table=TEXT).tool_class is ToolClass.READ
