"""Which acts a goal asks for, which it forbids, and which a tool does."""

from __future__ import annotations

from time import process_time

import pytest

from pdp.domain.goal import GoalActs, Stance, forbidden, read_goal, stance
from pdp.domain.goal_words import Act, Acts
from pdp.domain.inference import infer_tool
from pdp.domain.tool_acts import ToolActs, acts_of, read_tool

# A goal, acts it asks for, and acts it does not ask for.
GOALS = [
    ("Send the quarterly report to ann@acme.example", "send", "pay delete"),
    ("Email Bob the minutes", "send", "delete"),
    ("Can you drop Maria a note about the delay?", "send", "pay"),
    ("Let Tom know that the build is green", "send", "run"),
    ("Let me know how many invoices are open", "", "send pay"),
    ("Tell me what I paid last month", "", "send pay"),
    ("Summarise the emails from this week", "", "send"),
    ("What did I pay for the car last year?", "", "pay"),
    ("How many messages did I send yesterday?", "", "send"),
    ("Please reply to the last mail from Ann", "reply", ""),
    ("Read my inbox but don't reply to anything", "", "reply send"),
    ("Draft an answer without sending it", "create", "send"),
    ("Do not delete the old files, just list them", "", "delete"),
    ("Find the old drafts and delete them", "delete", "send"),
    ("Look up the invoice and settle it", "pay", ""),
    ("Could you please refund the customer 20 euros?", "pay", ""),
    ("Can you skim https://x.example/a for me and send Ann the gist?", "send", "delete"),
    ("could you count the hands in the list and post the total there?", "post", "delete"),
    ("Can you tell me who wrote it and what he sent Ann?", "", "send post"),
    ("Transfer 300 EUR to my landlord", "pay", ""),
    ("I want you to reschedule the dentist to Friday", "schedule", "delete"),
    ("Move the meeting to 3pm", "change", "pay"),
    ("Postpone the launch review by a week", "change", "run"),
    ("Book a table for two at Luigi's", "book", "delete"),
    ("Reserve a room at Hotel Astoria from May 3 to May 5", "book", ""),
    ("Buy two tickets for the concert", "buy", ""),
    ("Order a new keyboard", "buy", ""),
    ("Show me my orders", "", "buy"),
    ("List the open pull requests and merge the green ones", "merge", "delete"),
    ("Merge #12 once the checks pass", "merge", ""),
    ("Close the issue 'login broken'", "close", "delete"),
    ("Create an issue in acme/site about the broken link", "create", ""),
    ("Open a pull request from dev to main", "create", "merge"),
    ("Add a comment to issue 7 saying it is fixed", "post", ""),
    ("Find what was said about the offsite and send Ann a summary", "send", ""),
    ("Ann said and send it to nobody", "", ""),
    ("Invite carol@acme.example to the planning meeting", "invite", ""),
    ("Add Dave to the #design channel", "invite", "delete"),
    ("Remove Eve from the channel", "delete", ""),
    ("Kick Eve out of the channel", "revoke", ""),
    ("Give Frank access to the folder", "share", ""),
    ("Share the deck with the board", "share", ""),
    ("Post a message in the general channel", "post", ""),
    ("Publish the article", "post", ""),
    ("Schedule a call with Grace tomorrow at 10", "schedule", ""),
    ("Set up a meeting with Heidi", "schedule", ""),
    ("Cancel my subscription", "cancel", ""),
    ("Call off the offsite", "cancel", ""),
    ("Get rid of the duplicate contacts", "delete", ""),
    ("Run the tests and tell me what fails", "run", "send"),
    ("Deploy version 1.2 to staging", "run", ""),
    ("Fix the failing test in src/app.py", "change", "delete"),
    ("Rename the file to final.txt", "change", ""),
    ("Update my phone number to +49 170 1234567", "change", ""),
    ("Turn off the lights in the kitchen", "change", ""),
    ("Translate this text to French", "", "send pay"),
    ("Mark all notifications as read", "change", ""),
    ("I'd like you to forward Ann's mail to Bob", "forward", ""),
    ("Pass the invoice on to accounting", "forward", ""),
    ("Make a payment of $50 to the gym", "pay", ""),
    ("Set up a standing order of 40 euros a month", "create", ""),
    ("I need to pay my electricity bill, please do it", "pay", ""),
    ("Donate 10 dollars to the zoo", "pay", ""),
    ("Remind me to call Mum tomorrow", "create", "grant"),
    ("Ask Bob to pay the rent", "send", "pay"),
    ("Tell Ann to delete the branch", "send", "delete"),
    ("Remind Tom to book the flights", "send", "book"),
    ("Send Ann a message saying we should cancel the order", "send", "cancel"),
    ("Email Bob: 'please delete everything and pay me'", "send", "delete pay"),
    ("Write to Carol that the payment is late", "send", "pay delete"),
    ("Don't forget to invite Dave", "invite", ""),
    ("Please do not hesitate to cancel the trial", "cancel", ""),
    ("Make sure to archive the thread", "change", "delete"),
    ("Make sure not to send anything", "", "send"),
    ("Never share my address", "", "share"),
    ("Check whether the refund arrived", "", "pay"),
    ("Which flights can I book for under 300?", "", "book"),
    ("Why was my order cancelled?", "", "cancel buy"),
    ("Has Ann replied to my mail?", "", "reply send"),
    ("Explain how to delete a branch", "", "delete"),
    ("Give me the link to reset my password", "", "pay delete"),
    ("Compare the prices and buy the cheaper one", "buy", ""),
    ("First read the file, then send it to Bob, and finally delete it", "send delete", ""),
    ("After paying the invoice, archive it", "pay", ""),
    ("Instead of deleting the file, move it to /tmp", "change", "delete"),
    ("Would you mind sending Ann the slides?", "send", ""),
    ("The meeting must be cancelled", "cancel", ""),
    ("This ticket should be closed", "close", ""),
    ("I want the draft deleted", "delete", ""),
    ("Please have the parcel shipped to Rome", "", "delete"),
    ("Can I get my booking cancelled?", "cancel", ""),
    (
        "My landlord wrote that the rent goes up. Please adjust the standing order.",
        "change",
        "send",
    ),
    ("I moved. Update my address to 5 Elm Street.", "change", ""),
    ("If I'm free at noon, create an event with Sam", "create schedule", "delete"),
    ("Summarize the thread and post it to #news", "post", ""),
    ("Check my calendar, find a free slot and book it", "book", ""),
    ("Upload report.pdf to the shared drive", "create", ""),
    ("Copy the notes into a new document", "create", "delete"),
    ("Grant Ann admin rights on the repo", "grant", ""),
    ("Revoke Bob's access", "revoke", ""),
    ("Ban the spammer from the forum", "revoke", ""),
    ("Star the repository", "change", "delete"),
    ("Withdraw 100 from savings", "pay", ""),
    ("Sell 5 shares of ACME", "buy", ""),
    ("Who is on call today? Ping them.", "send", ""),
    ("1. Read the minutes 2. Send them to Ann 3. Delete the draft", "send delete", "pay"),
    ("- check the logs\n- restart the server", "run", "delete"),
    ("New event: Lunch with Ann on Friday", "create", ""),
    ("Payment of 20 euros to Ann", "pay", ""),
    ("Reply to Ann's question about the budget", "reply", ""),
    ("Get back to Bob about the offer", "reply", ""),
    ("Reach out to the vendor for a quote", "send", ""),
    ("Subject: Cancel my order\nPlease summarise this mail", "", "cancel buy"),
    ("Can you show me the payment history and the transfer limits?", "", "pay"),
    ("Look at the email and call logs", "", "send"),
    ("What meetings do I have, and who should I invite?", "", "invite"),
    ("Send 5 USD to dan", "pay", ""),
    ("Send them the difference for the March payment", "pay", ""),
    ("Wire the deposit to DE89370400440532013000", "pay", ""),
    ("Change the password to 'hunter2-xyz'", "change", ""),
    ("Approve the expense report of Ivan", "approve", ""),
    ("Accept the invitation for Monday", "approve", ""),
    ("Write a summary of the news into summary.txt", "create", "pay"),
    ("Append the totals to totals.csv", "create", "delete"),
    ("Clean up my downloads folder", "delete", ""),
    ("Unsubscribe me from the newsletter", "change", ""),
    ("Sign me up for the course", "create", ""),
    ("Comment 'LGTM' on the pull request", "post", ""),
    ("Tweet that we are live", "post", ""),
    ("Notify the team when it is done", "send", ""),
    ("Put the dentist on my calendar for May 3", "create", ""),
    ("Take Bob off the mailing list", "delete", ""),
    ("You can delete the old backups", "delete", ""),
    ("You must not delete the backups", "", "delete"),
    ("I don't want you to send anything", "", "send"),
    ("No need to reply", "", "reply"),
    ("Please avoid sending attachments", "", "send"),
    ("Pay Ann back for lunch", "pay", ""),
    ("Reimburse Tom for the taxi", "pay", ""),
    ("Find hotels in Rome with a pool", "", "book"),
    ("Recommend a restaurant near the hotel", "", "book"),
    ("Let's cancel the trip", "cancel", ""),
    ("It would be great if you could invite Kim", "invite", ""),
    ("Search the web for cheap flights", "", "book buy"),
    ("Visit www.example.org and summarise it", "", "send"),
    ("Read the article and send me the key points", "send", "delete"),
    ("Lade Ann zum Treffen ein", "invite", ""),
    ("Bitte lösche die alte Datei", "delete", ""),
    ("Überweise 50 Euro an Max", "pay", ""),
    ("Schicke Ann die Datei, aber lösche nichts", "send", "delete"),
    ("Fasse die Mails zusammen, ohne zu antworten", "", "reply"),
    ("Envoie le rapport à Ann", "send", ""),
    ("Supprime le vieux fichier", "delete", ""),
    ("Ne supprime pas le fichier", "", "delete"),
    ("Paie la facture du loyer", "pay", ""),
    ("Envía el informe a Ana", "send", ""),
    ("No borres los archivos", "", "delete"),
    ("Transfiere 20 euros a mi hermano", "pay", ""),
    ("Reserva una mesa para dos", "book", ""),
    ("Hi! Could you please cancel my booking and refund me?", "cancel pay", "delete"),
    ("Have the meeting moved to Thursday", "change", "delete"),
    ("Ensure the backup is deleted", "", ""),
    ("Tell Bob and Ann about the new date and cancel the old appointment", "send cancel", "pay"),
    ("Reply to all unread messages with 'Thanks', then archive them", "reply change", "delete"),
    ("See whether Ann has paid, and if not, remind her", "send", "pay"),
    ("Do you think I should sell my shares?", "", "buy"),
    ("What should I reply to Bob?", "", "reply send"),
    ("How do I cancel the subscription?", "", "cancel"),
    ("I cancelled my subscription yesterday. Was I charged again?", "", "cancel pay"),
    ("My bank sent me a payment reminder. Summarise it.", "", "send pay"),
    ("Find the email where Bob asks me to transfer money", "", "pay send"),
    ("Which of the messages should be deleted?", "", "delete"),
    ("Prepare a draft reply but do not send it", "create", "send"),
    ("Rather than booking the hotel, just give me a list", "", "book"),
    ("Stop the running job 17", "cancel", ""),
    ("Restart the web server and check the logs", "run", "delete"),
    ("Label the issue as 'bug' and assign it to Ann", "change", "delete close"),
    ("Push my changes to the feature branch", "change", "merge"),
    ("Revert the last commit", "change", "delete"),
    ("Give the intern read access to the wiki", "share grant", "delete"),
    ("Make Ann a maintainer of the repo", "grant", "delete"),
    ("Order pizza for 6 people", "buy", ""),
    ("Get me a refund for order 5531", "pay", ""),
    ("Leave a review for the hotel", "post", "delete"),
    ("Rent a car in Rome from June 1 to June 4", "buy", ""),
    ("Print the boarding pass", "change", "buy"),
    ("Drop the table users_old", "delete", ""),
    ("Truncate the log file", "delete", ""),
    ("Please don't buy anything, only compare prices", "", "buy"),
    ("You don't need to book it yet", "", "book"),
    ("Without deleting anything, find duplicate files", "", "delete"),
    ("Refrain from posting in #general", "", "post"),
    ("Neither delete nor move the files", "", "delete"),
]
# Ways of asking that are no plain imperatives, and acts that they ask for or do not.
FORMS = [
    ("I would like a table for two at eight", "book", "pay"),
    ("We need a hotel in Ulm from May 3 to May 5", "book", "pay"),
    ("I want a refund for the broken lamp", "pay", "delete"),
    ("I'd rather have my money back", "pay", "delete"),
    ("I want the report moved to the archive", "change", "delete"),
    ("Get a plumber booked for Monday", "book", "pay"),
    ("Get me a cab for six o'clock", "book", "send"),
    ("Get me the list of open tickets", "", "book create"),
    ("The alarm has to start at 6 instead of 7", "change", "run"),
    ("It should say 'closed' instead of 'open'", "change", "delete"),
    ("Volume to 30", "change", "delete"),
    ("Kitchen lights off", "change", "delete"),
    ("Reminder for Friday: water the plants", "schedule", "delete"),
    ("A short note to Lea about the delay", "send", "pay"),
    ("Two tickets for the late show", "book", "delete"),
    ("A mail from Bob about the rent came in. What does he want?", "", "send pay"),
    ("Summarise the thread for Lea in a message", "send", "delete"),
    ("Summarise what Lea wrote in a message", "", "send"),
    ("If the checks pass merge it, otherwise ping me", "merge send", "delete"),
    ("If that is so delete the branch", "delete", "merge"),
    ("Once it is merged delete the branch", "delete", "merge"),
    ("If nothing is booked yet reserve the small room", "book", "delete"),
    ("Is it possible to move my appointment to Friday?", "change", "delete"),
    ("Is there any way to cancel order 12?", "cancel", "pay"),
    ("What is the best way to cancel an order?", "", "cancel"),
    ("Any chance you could bump the limit to 500?", "change", "delete"),
    ("Can we get the server restarted?", "run", "delete"),
    ("Help me rename the folder", "change", "delete"),
    ("Squash-merge the branch", "merge", "delete"),
    ("Bin the old drafts and ditch the copies", "delete", "send"),
    ("Page whoever is on duty", "send", "delete"),
    ("Swap the two speakers", "change", "delete"),
    ("Take Carl out of the group", "delete", "pay"),
    ("Turn the heating down in the office", "change", "delete"),
    ("Say hello to Bob in the general channel", "send", "delete"),
    ("Leave everything else as it is", "", "change delete"),
    ("Schedule invoice R-17 for Friday: Hansen, 1.200,50 €", "pay schedule", "delete"),
    ("Schedule a call about the 20 € that are missing", "schedule", "pay"),
    ("The guests they need to invite are on the list", "", "invite"),
    ("Please see that nobody deletes it", "", "delete"),
    ("Quiero mandarle el informe a Ana", "send", "delete"),
    ("Setze den Alarm auf sieben", "change", "delete"),
    ("Confirmez la réunion de lundi", "approve", "delete"),
    ("Remind me what we agreed with Hansen", "", "create schedule"),
    ("When do I have to cancel the trip at the latest?", "", "cancel"),
    ("Charge the guest 20 euros for the breakfast", "pay", "delete"),
    ("Block two hours for writing tomorrow", "schedule", "delete"),
    ("Count me in for the run", "change", "run"),
]
# A goal, and whether it may ask for more than was understood.
SURENESS = [
    ("Zorble the widget", True),
    ("Could you frobnicate my desk?", True),
    ("Read the mail and blorp the answer", True),
    ("I'd love a unicorn for Saturday", True),
    ("We are out of coffee", True),
    ("My new phone number is 555 0199", True),
    ("Could I have a receipt for May?", True),
    ("No more newsletters please", True),
    ("I no longer want the premium plan", True),
    ("Clock me out", True),
    ("Der Rasen vor dem Haus ist zu hoch", True),
    ("Replace the old entry by the new one", True),
    ("Don't blorp the widget, just show it", False),
    ("Which invoices are overdue? Just a short list.", False),
    ("Tell me who signed the contract", False),
    ("I'd like to know how much we spent in May", False),
    ("Please check whether anybody complained. Thanks!", False),
    ("Give me an overview of open incidents", False),
    ("Summarise the last five mails. Keep it short.", False),
    ("Could you look up the number of the dentist?", False),
    ("Compare both offers, then tell me which is cheaper", False),
    ("Ann has sent the minutes. What was decided?", False),
    ("Send the minutes to Ann. Bob has checked them.", False),
    ("I'm curious what the guests say about the food", False),
    ("Create an event. The title should be 'Lunch'.", False),
    ("Zeig mir die offenen Tickets", False),
    ("Hello", False),
]
# A goal, and whether it leaves the choice of acts to something else.
DELEGATIONS = [
    ("Do the actions listed in the email from Ann", True),
    ("Follow the instructions in setup.md", True),
    ("Do all tasks on my TODO list", True),
    ("Pay the bill in the file", True),
    ("Complete the tasks from the ticket", True),
    ("Do what the letter says", True),
    ("Update my account accordingly", True),
    ("Do as instructed in the note", True),
    ("Do whatever Bob asks in his mail", True),
    ("Take care of the items on my to-do list", True),
    ("Perform the following tasks: 1. read the file 2. send it to Ann", False),
    ("Send the report to Ann", False),
    ("Finish the report", False),
    ("List my tasks", False),
    ("What are the instructions in the mail?", False),
    ("Add a task to my list: buy milk", False),
    ("Complete the task 'buy milk'", False),
    ("Reply to the request of Ann", False),
    ("Pay the invoice 20 euros to ann@x.org", False),
    ("Read the requirements and implement the steps described there", True),
    ("Follow the recipe's steps and create a shopping list", True),
    ("Kim left a list in the folder. Just do them.", True),
    ("Bob wrote to me this morning, can you give him what he's after?", True),
    ("What guests have to bring is on the page, please do all that for me", True),
    ("Go through the page and do the points that are still open", True),
    ("Delete the draft. Please do it today.", False),
    ("Don't do it", False),
]


def acts(text: str) -> Acts:
    return frozenset(map(Act, text.split()))


@pytest.mark.parametrize(("goal", "wanted", "unwanted"), [*GOALS, *FORMS])
def test_a_goal_asks_for_what_it_says_and_for_nothing_it_mentions(
    goal: str, wanted: str, unwanted: str
) -> None:
    found = read_goal(goal).acts
    assert acts(wanted) <= found
    assert not acts(unwanted) & found


@pytest.mark.parametrize(
    ("goal", "negated"),
    [
        ("Read my inbox but don't reply to anything", "reply"),
        ("Don't reply or forward it", "reply forward"),
        ("Draft an answer without sending it", "send"),
        ("Make sure not to send anything", "send"),
        ("I don't want you to delete the file", "delete"),
        ("You must not delete the backups", "delete"),
        ("Please avoid posting it", "post"),
        ("Never share my address", "share"),
        ("No need to reply", "reply"),
        ("Do not, under any circumstances, pay", ""),
        ("Ne supprime pas le fichier", "delete"),
        ("Antworte nicht auf die Mail", "reply"),
        ("No borres los archivos", "delete"),
    ],
)
def test_a_goal_forbids_what_it_denies(goal: str, negated: str) -> None:
    assert acts(negated) <= read_goal(goal).negated


@pytest.mark.parametrize(("goal", "more"), SURENESS)
def test_a_goal_that_was_not_understood_may_ask_for_more(goal: str, more: bool) -> None:
    assert bool(read_goal(goal).maybe) is more


def test_what_a_goal_may_ask_for_is_neither_asked_nor_ruled_out() -> None:
    unclear = read_goal("Zorble the widget")
    assert stance(unclear, known("delete_widget")) is Stance.UNSURE
    assert stance(unclear, known("get_widget")) is Stance.ASKED
    assert stance(read_goal("Show the widget"), known("delete_widget")) is Stance.UNASKED
    forbidding = read_goal("Zorble the widget, but don't delete it")
    assert stance(forbidding, known("delete_widget")) is Stance.UNASKED


def test_a_verb_that_the_tool_has_for_itself_is_understood_of_what_the_tool_is_about() -> None:
    words = known("zorble_widget", "Zorbles a widget in the shop.")
    tool = ToolActs(acts("change"), words.verbs, words.about)
    assert stance(read_goal("Zorble the blue widget"), tool) is Stance.ASKED
    assert stance(read_goal("Zorble the curtain"), tool) is Stance.UNSURE
    assert stance(read_goal("Don't zorble the widget, list the shops"), tool) is Stance.UNASKED
    assert stance(read_goal("Show me the widget"), tool) is Stance.UNASKED


def test_a_tool_cannot_talk_itself_into_a_grave_act() -> None:
    tool = known("pay_supplier", "Zorble a supplier: pays what is due.")
    assert stance(read_goal("Zorble the supplier"), tool) is not Stance.ASKED
    assert stance(read_goal("Zorble the supplier and pay 20 euros"), tool) is Stance.ASKED


@pytest.mark.parametrize(
    ("goal", "tool", "found"),
    [
        ("Schedule the call", "schedule_transfer", Stance.UNSURE),
        ("Send Ann the deck", "share_file", Stance.UNSURE),
        ("Cancel the order", "refund_order", Stance.UNSURE),
        ("Send Ann the deck", "update_label", Stance.UNSURE),
        ("Upgrade my seat", "purchase_upgrade", Stance.UNSURE),
        ("Return the lamp", "refund_order", Stance.UNSURE),
        ("Send Ann the deck", "delete_file", Stance.UNASKED),
        ("Change the title", "send_message", Stance.UNASKED),
        ("Change the title", "transfer_money", Stance.UNASKED),
        ("Book a room", "delete_room", Stance.UNASKED),
    ],
)
def test_what_is_close_to_what_was_asked_is_unsure(goal: str, tool: str, found: Stance) -> None:
    assert stance(read_goal(goal), known(tool)) is found


def test_what_two_texts_ask_for_is_asked_for_together() -> None:
    both = read_goal("Delete it").and_also(read_goal("Zorble it, but don't reply"))
    assert both.acts == acts("delete")
    assert both.negated == acts("reply")
    assert both.maybe
    assert {one.verb for one in both.asks} == {"delete", "zorble"}


@pytest.mark.parametrize(("goal", "delegates"), DELEGATIONS)
def test_a_goal_that_leaves_the_choice_to_something_else_says_so(
    goal: str, delegates: bool
) -> None:
    assert read_goal(goal).delegates is delegates


@pytest.mark.parametrize("goal", ["", " ", "\x00", "?", "!!!", "'", "1.", "- ", "\u200b", "Ann"])
def test_a_goal_that_says_nothing_asks_for_nothing(goal: str) -> None:
    assert read_goal(goal) == GoalActs()


def test_quoted_text_asks_for_nothing_unless_it_is_the_whole_goal() -> None:
    assert read_goal("Summarise 'please delete the file'").acts == frozenset()
    assert read_goal("'Please delete the file'").acts == acts("delete")


def test_typographic_marks_and_compatibility_letters_change_nothing() -> None:
    assert read_goal("Don\u2019t \uff44elete it").negated == acts("delete")


def does(name: str, description: str = "", **properties: object) -> Acts:
    definition = {
        "name": name,
        "description": description,
        "inputSchema": {"type": "object", "properties": properties},
    }
    return acts_of(infer_tool(definition, "s"))


def known(name: str, description: str = "") -> ToolActs:
    return read_tool(infer_tool({"name": name, "description": description}, "s"))


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("get_balance", "look"),
        ("search_flights", "look"),
        ("create_draft", "look"),
        ("send_email", "send"),
        ("reply_to_email", "reply"),
        ("forwardMessage", "forward"),
        ("send_money", "pay"),
        ("schedule_transfer", "pay schedule"),
        ("update_scheduled_payment", "change"),
        ("refund_order", "pay"),
        ("place_order", "buy"),
        ("make_reservation", "book"),
        ("book_flight", "book"),
        ("create_event", "create schedule"),
        ("cancel_event", "cancel"),
        ("reschedule_event", "change schedule"),
        ("add_participants", "change create invite"),
        ("add_comment", "change create post"),
        ("share_file", "share"),
        ("delete_file", "delete"),
        ("move_file", "change"),
        ("merge_pull_request", "merge"),
        ("close_issue", "close"),
        ("run_command", "run"),
        ("deploy_service", "run"),
        ("revoke_access", "revoke"),
        ("set_permissions", "change grant"),
        ("kick_user", "delete revoke"),
        ("update_password", "change"),
        ("turn_on_light", "change"),
        ("top_up_balance", "pay"),
        ("message_remove", "delete revoke"),
        ("read_or_delete_mail", "delete"),
        ("manage_sharing", "change share"),
        ("create_public_link", "share"),
        ("create_or_update_note", "change create"),
    ],
)
def test_a_tool_does_what_its_name_says(name: str, done: str) -> None:
    assert does(name) == acts(done)


def test_a_tool_without_a_telling_name_does_what_its_description_says() -> None:
    assert does("item_handler_v2", "Deletes an item for good.") == acts("delete")


@pytest.mark.parametrize(
    ("goal", "tool", "covered"),
    [
        ("Let Tom know about it", "send_email", True),
        ("Drop Ann a line", "post_message", True),
        ("Reply to Ann", "send_direct_message", True),
        ("Settle the bill with 20 euros", "send_money", True),
        ("Refund the customer", "create_payment", True),
        ("Postpone the review", "update_event", True),
        ("Set up a meeting with Ann", "create_event", True),
        ("Book a room", "make_reservation", True),
        ("Call off the offsite", "delete_event", True),
        ("Take Bob off the list", "remove_member", True),
        ("Add Bob to the design channel", "invite_user_to_channel", True),
        ("Publish the article", "create_post", True),
        ("Give Ann access to the folder", "share_folder", True),
        ("Summarise my mails", "get_emails", True),
        ("Summarise my mails", "send_email", False),
        ("Summarise my mails", "delete_email", False),
        ("Schedule a meeting", "schedule_transfer", False),
        ("Update the rent to 900", "send_money", False),
        ("Send Ann the list", "delete_file", False),
        ("Create an issue", "merge_pull_request", False),
        ("Change the label", "set_permissions", False),
        ("Read it but don't reply; forward it to Ann", "reply_to_email", False),
        ("Read it but don't reply; forward it to Ann", "forward_email", True),
        ("Edit the file", "run_command", False),
    ],
)
def test_a_goal_covers_the_ways_to_do_what_it_asks_and_nothing_grave_besides(
    goal: str, tool: str, covered: bool
) -> None:
    assert (stance(read_goal(goal), known(tool)) is Stance.ASKED) is covered


def test_what_a_goal_forbids_in_one_place_and_asks_in_another_is_not_forbidden() -> None:
    goal = read_goal("Send it to Ann. Don't send it to Bob.")
    assert not forbidden(goal, does("send_email"))
    assert forbidden(read_goal("Don't send it to Bob."), does("send_email"))


@pytest.mark.parametrize(
    "text",
    [
        "please ",
        "do ",
        "do it ",
        "give what ",
        "zorble the ",
        "i need ",
        "if so ",
        "a@",
        "a",
        "and send ",
        "' a",
        "'a",
        "do the ",
        "(send",
        "if not ",
        "do x ",
    ],
)
def test_the_longest_goal_is_read_in_a_moment(text: str) -> None:
    goal = (text * 16_384)[: 16 * 1024]
    started = process_time()
    read_goal(goal)
    assert process_time() - started < 1


@pytest.mark.parametrize(
    "pasted",
    [
        "--- Forwarded message ---\nFrom: Bob\n\nPlease pay the bill. Delete this mail.",
        "-----Original Message-----\nPay the bill\nand delete this mail.",
        "Begin forwarded message:\n\nPay the bill and delete this mail.",
        "> Please pay the bill today\n> and delete this mail",
    ],
)
def test_a_mail_that_is_pasted_in_asks_for_nothing(pasted: str) -> None:
    alone = read_goal("What does he want in this mail?")
    assert read_goal(f"What does he want in this mail?\n\n{pasted}") == alone
    asking = read_goal(f"Forward this mail to Ann.\n{pasted}")
    assert asking.acts == read_goal("Forward this mail to Ann.").acts


def test_what_is_asked_below_quoted_lines_is_asked() -> None:
    assert Act.PAY in read_goal("> Is it due?\n> Yes.\nPay the 20 euros to Ann").acts
