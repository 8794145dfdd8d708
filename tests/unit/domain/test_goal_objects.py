"""Whether a goal has anything to do with what a call acts on."""

from __future__ import annotations

import pytest

from pdp.domain.goal import read_goal
from pdp.domain.goal_objects import is_about, is_meant
from pdp.domain.inference import infer_tool
from pdp.domain.provenance import trace
from pdp.domain.task_atoms import TaskAtoms
from pdp.domain.tool_acts import read_tool
from pdp.domain.values import OutputLabel


def about(goal: str, name: str, returned: str = "", **arguments: str) -> bool:
    """Of a tool of this name that takes these arguments, after one untrusted output."""
    properties = {argument: {"type": "string"} for argument in arguments}
    schema = {"type": "object", "properties": properties}
    tool = infer_tool({"name": name, "inputSchema": schema}, "s")
    atoms = TaskAtoms()
    atoms.add_principal(goal)
    atoms.add_output(returned.encode(), "", OutputLabel.UNTRUSTED, "d-1")
    traces = trace(tool, arguments, atoms)
    return is_about(tool, traces, read_tool(tool), read_goal(goal), atoms.says)


@pytest.mark.parametrize(
    ("goal", "name"),
    [
        ("Delete the newest mail", "delete_email"),
        ("Delete the old documents", "delete_file"),
        ("Cancel my appointment tomorrow", "cancel_event"),
        ("Archive what I have read", "archive_all"),
        ("Change my profile", "update_user_info"),
        ("Lösche die älteste Datei", "delete_file"),
        ("Add a reminder to call Ann", "create_task"),
        ("Fix the failing test in the code", "update_file"),
        ("Book a seat on the early train", "book_ticket"),
        ("Reserve somewhere to stay in Ulm", "reserve_lodging"),
    ],
)
def test_a_goal_that_names_such_a_thing_is_about_it(goal: str, name: str) -> None:
    assert about(goal, name)


@pytest.mark.parametrize(
    ("goal", "name"),
    [
        ("Delete the newest mail", "delete_file"),
        ("Delete the newest mail", "empty_trash"),
        ("Move my meeting to Friday", "disable_two_factor"),
        ("Cancel my appointment tomorrow", "cancel_subscription"),
        ("Update the issue about the login page", "update_vacation_responder"),
        ("Rename the event", "reset_api_key"),
        ("Book a table for two on Friday", "book_flight"),
        ("Rent a van for Saturday", "reserve_room"),
    ],
)
def test_a_goal_about_something_else_is_not(goal: str, name: str) -> None:
    assert not about(goal, name)


def test_an_argument_that_the_principal_named_makes_the_call_the_goals() -> None:
    goal = "Remove everything of 'project-x-2024'"
    assert about(goal, "delete_bucket", bucket_name="project-x-2024")
    assert not about(goal, "delete_bucket", bucket_name="production-2024")


def test_so_does_a_thing_that_was_met_beside_what_the_principal_named() -> None:
    goal = "Delete 'Team lunch'"
    listed = '[{"id": "ev-1001", "title": "Team lunch"}, {"id": "ev-1002", "title": "Board"}]'
    assert about(goal, "delete_entry", listed, entry_id="ev-1001")
    assert not about(goal, "delete_entry", listed, entry_id="ev-1002")


def test_an_act_that_says_what_it_is_done_to_needs_no_noun() -> None:
    assert about("Pay what we owe", "approve_payment")
    assert about("Look it up", "search_files")


def test_what_an_argument_of_the_tool_is_called_counts_where_the_goal_asks_for_it() -> None:
    assert about("Set my nickname to Bee", "update_identity", nickname="Bee")
    assert not about("Set the alarm. What is my nickname?", "update_identity", nickname="Wasp")


def test_a_date_that_the_principal_said_ties_a_small_act_to_the_goal() -> None:
    goal = "Put in 3 to 7 August for me"
    assert about(goal, "request_leave", first_date="2026-08-03")
    assert about("Put in the 3rd of Aug for me", "request_leave", first_date="2026-08-03T00:00")
    assert not about(goal, "request_leave", first_date="2026-09-03")
    assert not about(goal, "request_leave", first_date="2026-08-04")
    assert not about(goal, "request_leave", first_date="2026-13-03")


def test_that_a_thing_exists_does_not_tie_an_act_to_the_goal() -> None:
    listed = '[{"id": "ev-1001", "title": "Board"}, {"id": "ev-1002", "title": "Lunch"}]'
    assert not about("Change what clashes", "update_occasion", listed, occasion_id="ev-1001")


def meant(goal: str, name: str, returned: str = "", **arguments: str) -> bool:
    """Of a tool of this name that takes these arguments, after one untrusted output."""
    properties = {argument: {"type": "string"} for argument in arguments}
    schema = {"type": "object", "properties": properties}
    tool = infer_tool({"name": name, "inputSchema": schema}, "s")
    atoms = TaskAtoms()
    atoms.add_principal(goal)
    atoms.add_output(returned.encode(), "", OutputLabel.UNTRUSTED, "d-1")
    return is_meant(tool, trace(tool, arguments, atoms), read_tool(tool), read_goal(goal))


def test_words_not_understood_mean_a_small_change_of_what_the_principal_named() -> None:
    goal = "Entangle BOAT-12 with BOAT-40"
    assert meant(goal, "link_tickets", from_ticket="BOAT-12", to_ticket="BOAT-40")
    assert meant(goal, "update_ticket", ticket_id="BOAT-12", description="See the other one.")


def test_they_do_not_mean_what_reaches_something_else_or_is_more_than_a_small_change() -> None:
    goal = "Entangle BOAT-12 with BOAT-40"
    listed = '[{"id": "BOAT-77"}]'
    assert not meant(goal, "link_tickets", listed, from_ticket="BOAT-12", to_ticket="BOAT-77")
    assert not meant(goal, "update_ticket", listed, ticket_id="BOAT-77")
    assert not meant(
        goal, "update_ticket", ticket_id="BOAT-12", description="See https://x.example/a?b=1"
    )
    assert not meant(goal, "delete_ticket", ticket_id="BOAT-12")
    assert not meant(goal, "share_ticket", ticket_id="BOAT-12")
    assert not meant(goal, "send_message", recipient="BOAT-12")
    assert not meant(goal, "archive_all")


def test_words_that_were_understood_do_not_mean_what_is_only_close_to_them() -> None:
    assert not meant("Reply to BOAT-12", "update_ticket", ticket_id="BOAT-12")
    assert not meant("Entangle BOAT-12. Don't change it.", "update_ticket", ticket_id="BOAT-12")
