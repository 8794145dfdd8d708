"""What an import makes of arguments: sinks, identifiers, content; by name, neighbours and tool."""

from __future__ import annotations

from typing import Any

import pytest

from pdp.domain.catalogue import ArgumentKind, Tool, ValueType
from pdp.domain.inference import infer_tool

SINK, IDENTIFIER = ArgumentKind.SINK, ArgumentKind.IDENTIFIER
CONTENT, OPTION = ArgumentKind.CONTENT, ArgumentKind.OPTION
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def said(description: str) -> dict[str, str]:
    """A text argument with this description."""
    return {"type": "string", "description": description}


def tool(name: str, /, **properties: Any) -> Tool:
    schema = {"type": "object", "properties": properties}
    return infer_tool({"name": name, "inputSchema": schema}, "s")


def role(name: str, argument: str, schema: Any, **others: Any) -> tuple[ArgumentKind, ValueType]:
    found = tool(name, **{argument: schema}, **others).arguments[argument]
    return found.kind, found.holds


@pytest.mark.parametrize(
    ("name", "argument", "schema"),
    [
        ("change_reservation", "reservation_ref", TEXT),
        ("share_claims", "claim_refs", {"type": "array", "items": TEXT}),
        ("close_policy", "policy_no", TEXT),
        ("cancel_reservation", "reference", TEXT),
        ("add_to_cart", "isbn", TEXT),
        ("swap_article", "new_ean", TEXT),
        ("assign_seat", "asset", said("Asset number")),
        ("redeem_points", "voucher_code", TEXT),
        ("answer_comment", "parent", TEXT),
        ("post_message", "reply_to", TEXT),
        ("add_entry", "in_reply_to", said("The id of the entry that is answered")),
        ("restore_backup", "snapshot", TEXT),
        ("rollout_service", "target_version", TEXT),
        ("link_defect", "duplicate_of", NUMBER),
        ("update_delivery", "customer_number", TEXT),
        ("approve_worklog", "worklog_key", TEXT),
        ("close_ticket", "ticket", TEXT),
        ("apply_promo", "code", TEXT),
    ],
)
def test_what_a_server_minted_is_an_identifier_under_whatever_name(
    name: str, argument: str, schema: dict[str, Any]
) -> None:
    assert role(name, argument, schema)[0] is IDENTIFIER


@pytest.mark.parametrize(
    ("name", "argument", "schema", "holds"),
    [
        ("send_email", "reply_to", TEXT, ValueType.EMAIL),
        ("rotate_api_key", "api_key", TEXT, ValueType.SECRET),
        ("send_gift", "member_number", TEXT, ValueType.PERSON),
        ("text_driver", "driver_id", TEXT, ValueType.PERSON),
        ("evaluate", "source", TEXT, ValueType.COMMAND),
        ("book_ferry", "passport_number", TEXT, ValueType.TEXT),
        ("hire_car", "renter_name", TEXT, ValueType.PERSON),
        ("open_gate", "access_code", TEXT, ValueType.SECRET),
        ("ship_parcel", "postal_code", TEXT, ValueType.TEXT),
        ("set_flag", "key", TEXT, ValueType.TEXT),
        ("update_policy", "allowed_origin", said("Allowed CORS origin"), ValueType.URL),
        ("book_ride", "origin", TEXT, ValueType.TEXT),
    ],
)
def test_what_reaches_stands_for_or_opens_something_is_a_sink(
    name: str, argument: str, schema: dict[str, Any], holds: ValueType
) -> None:
    assert role(name, argument, schema) == (SINK, holds)


@pytest.mark.parametrize(
    ("name", "argument", "schema"),
    [
        ("make_payment", "reference", said("Text for the payee, e.g. an invoice number")),
        ("place_order", "reference", TEXT),
        ("create_voucher", "code", TEXT),
        ("create_voucher", "voucher_code", TEXT),
        ("save_snippet", "code", TEXT),
        ("reserve_cabin", "special_requests", TEXT),
        ("reserve_cabin", "extras", {"type": "array", "items": TEXT}),
        ("update_lead", "segment", TEXT),
        ("ship_parcel", "country", TEXT),
        ("create_queue", "queue", TEXT),
        ("create_branch", "branch_name", TEXT),
        ("rename_album", "name", TEXT),
        ("create_poll", "options", {"type": "array", "items": TEXT}),
        ("create_agenda", "time_zone", TEXT),
    ],
)
def test_what_is_merely_said_or_newly_named_is_content(
    name: str, argument: str, schema: dict[str, Any]
) -> None:
    assert role(name, argument, schema)[0] is CONTENT


def test_a_passport_beside_the_one_whose_it_is_only_has_to_exist() -> None:
    passport = role("book_ferry", "passport_number", TEXT, passenger_name=TEXT)
    assert passport[0] is IDENTIFIER
    assert role("store_points", "loyalty_number", TEXT, points=NUMBER)[0] is SINK


def test_a_new_branch_is_named_freely_and_what_it_starts_from_is_not() -> None:
    guessed = tool("create_branch", branch=TEXT, from_branch=TEXT)
    assert guessed.paths(CONTENT) == ("branch",)
    assert guessed.paths(SINK) == ("from_branch",)


def test_the_place_that_somebody_is_added_to_is_not_new() -> None:
    guessed = tool("room_add", room=TEXT, member=TEXT)
    assert guessed.paths(SINK) == ("room", "member")


def test_texts_of_an_edit_are_content_and_what_selects_the_things_to_delete_is_not() -> None:
    edit = tool("update_note", note_id=TEXT, find=TEXT, replace_with=TEXT, append=TEXT)
    assert edit.paths(CONTENT) == ("find", "replace_with", "append")
    assert role("delete_notes", "find", TEXT)[0] is SINK
    assert role("delete_notes", "match", TEXT)[0] is SINK


def test_whatever_alone_says_what_is_taken_away_selects_it() -> None:
    assert role("delete_letters", "status", TEXT)[0] is SINK
    assert role("delete_letters", "status", TEXT, reason=TEXT)[0] is SINK
    assert role("delete_letters", "reason", TEXT)[0] is CONTENT
    assert role("delete_letter", "status", TEXT, letter_id=TEXT)[0] is CONTENT
    assert role("delete_cells", "range", TEXT, book_id=TEXT)[0] is IDENTIFIER


def test_a_part_of_what_an_identifier_names_reaches_nothing_else_but_is_chosen_when_removed() -> (
    None
):
    book = {"book_id": TEXT}
    assert role("append_row", "tab", TEXT, **book)[0] is CONTENT
    assert role("update_row", "row", NUMBER, **book)[0] is OPTION
    assert role("append_row", "tab", TEXT)[0] is SINK
    assert role("delete_row", "tab", TEXT, **book)[0] is IDENTIFIER
    assert role("delete_row", "row", NUMBER, **book)[0] is IDENTIFIER
    assert role("delete_entry", "index", NUMBER)[0] is IDENTIFIER


def test_the_path_that_a_remark_stands_at_is_part_of_what_is_reviewed() -> None:
    beside = {"change_id": TEXT, "line": NUMBER}
    assert role("add_review_comment", "path", TEXT, **beside)[0] is CONTENT
    assert role("add_review_file", "path", TEXT, change_id=TEXT)[0] is SINK


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (TEXT, SINK),
        ({"enum": ["nickname", "recovery_email"]}, SINK),
        ({"enum": ["theme", "spending_limit"]}, SINK),
        ({"enum": ["title", "summary"]}, CONTENT),
    ],
)
def test_a_value_counts_as_whatever_the_field_beside_it_can_make_of_it(
    field: dict[str, Any], kind: ArgumentKind
) -> None:
    assert role("update_account_profile", "new_value", TEXT, field=field)[0] is kind


def test_a_value_with_no_field_to_choose_is_content() -> None:
    assert role("update_cell", "value", TEXT, cell=TEXT)[0] is CONTENT
    assert role("add_tag", "value", TEXT, key=TEXT)[0] is CONTENT


def test_no_value_is_a_date_only_because_its_field_may_be_one() -> None:
    value = said("New value; dates as YYYY-MM-DD")
    assert role("update_record", "value", value, field_name=TEXT)[0] is SINK


def test_who_receives_a_parcel_is_named_beside_the_street() -> None:
    address = {"street": TEXT, "postcode": TEXT, "city": TEXT, "country": TEXT}
    guessed = tool("set_delivery", order_no=TEXT, name=TEXT, extra=TEXT, **address)
    assert guessed.paths(SINK) == ("name", "street", "postcode", "city")
    assert guessed.paths(CONTENT) == ("extra", "country")
    assert guessed.ungrounded == ()


def test_both_ends_of_a_link_are_things_of_the_server() -> None:
    guessed = tool("link_tickets", source_ticket=TEXT, target_ticket=TEXT, kind=TEXT)
    assert guessed.paths(IDENTIFIER) == ("source_ticket", "target_ticket")
