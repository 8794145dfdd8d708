"""What attacks on people's answers come to: changed rules and tools, floods, misleading words."""

from __future__ import annotations

import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from pdp.approval_view import approval_view
from pdp.catalogue_file import load_catalogue
from pdp.domain.values import ApprovalState
from pdp.store.reader import open_reader
from pdp.v1 import common_pb2
from tests.escalated import ALLOW, DENY, ESCALATE, People, Work, codes, error_of
from tests.service import Service, start_service
from tests.unit.bundle.making import ACME, RULE, folder

#: Questions that a task may ask by the built-in rules.
MOST = 20
CATALOGUE = """
version: 1
tools:
- server: office
  name: send_mail
  class: send
  sensitivity: internal
  output: trusted
  reversible: false
  egress: true
  resource: {type: email, id: "{to}"}
  arguments:
    to: {role: sink, holds: email}
    body: {role: content}
    reason: {role: content}
  input_schema:
    type: object
    properties:
      to: {type: array, items: {type: string}}
      body: {type: string}
      reason: {type: string}
    required: [to, body]
    additionalProperties: false
"""
OTHER_SCHEMA = CATALOGUE.replace("body: {type: string}", "body: {type: string, maxLength: 4096}")
ANOTHER_CLASS = CATALOGUE.replace("class: send", "class: admin")
OPEN = RULE.replace(" if input.settings.development == true", "")
CLOSED = (
    OPEN
    + """
else := {"result": "not_applicable"}
"""
).replace(
    'verdict := {"result": "pass"}',
    """verdict := {
	"result": "deny", "code": "outside_hours", "message": "It is night.",
	"agent_message": "Not now.", "remediation": "Come back in the morning.",
	"rule": "acme/hours", "controls": ["ASI03"], "metadata": {},
} if input.tool.builtin == false""",
    1,
)
TWO_NEEDED = "rules:\n  approval: {parameters: {needed: 2}}\n"


@dataclass
class World:
    """A service whose catalogue and further bundle can change while it runs."""

    service: Service
    catalogue: Path
    bundle: Path
    channel: grpc.Channel

    def reload(self, *, catalogue: str = CATALOGUE, rule: str = OPEN, settings: str = "") -> None:
        """Put another catalogue, another rule of the further bundle or its settings in force."""
        self.catalogue.write_text(catalogue)
        _bundle(self.bundle, rule, settings)
        said = len(self.service.stderr)
        self.service.signal(signal.SIGHUP)
        line = self.service.wait_for("policy", 20, since=said)
        assert "policy loaded" in line


def _bundle(at: Path, rule: str = OPEN, settings: str = "") -> Path:
    files = {
        **ACME,
        "acme/rules/hours/hours.rego": rule,
        "settings.yaml": settings or "rules: {}\n",
    }
    return folder(at, files)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    bundle = _bundle(tmp_path / "acme")
    with (
        start_service(tmp_path / "data", catalogues=[catalogue], bundles=[bundle]) as service,
        service.channel() as channel,
    ):
        yield World(service, catalogue, bundle, channel)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, grpc.Channel]]:
    """A service under the built-in rules alone."""
    at = tmp_path_factory.mktemp("plain")
    catalogue = at / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    # A machine that is busy with other things must be slow here, not denied.
    patient = {"PDP_EVALUATION_DEADLINE_MS": "5000"}
    with (
        start_service(at / "data", catalogues=[catalogue], environment=patient) as service,
        service.channel() as opened,
    ):
        yield service, opened


# Policy or the tool changes meanwhile


def test_an_answer_does_not_outlive_the_schema_that_it_was_given_for(world: World) -> None:
    people = People(world.channel)
    approved, asked, granted = (Work(world.channel) for _ in range(3))
    people.decide(old := approved.escalated())
    pending = asked.escalated()
    people.decide(granted.escalated(), grant={})
    assert granted.ask(body="lunch at one").decision == ALLOW

    world.reload(catalogue=OTHER_SCHEMA)
    people.decide(pending)
    for work, before in ((approved, old), (asked, pending), (granted, "")):
        again = work.ask()
        assert again.decision == ESCALATE, again
        assert again.approval.id != before
    assert people.state(old) == people.state(pending) == "approved"

    world.reload()
    assert approved.ask().approval.id == old
    assert people.state(old) == "reserved"


def test_a_tool_that_became_another_class_is_judged_as_what_it_is_now(world: World) -> None:
    people = People(world.channel)
    approved, granted = Work(world.channel), Work(world.channel)
    people.decide(old := approved.escalated())
    people.decide(granted.escalated(), grant={})
    world.reload(catalogue=ANOTHER_CLASS)
    for work in (approved, granted):
        assert work.ask().decision != ALLOW
    assert people.state(old) == "approved"


def test_what_policy_denies_meanwhile_is_denied_whatever_people_said_and_say(world: World) -> None:
    people = People(world.channel)
    approved, asked, granted = (Work(world.channel) for _ in range(3))
    people.decide(old := approved.escalated())
    pending = asked.escalated()
    people.decide(granted.escalated(), grant={})

    world.reload(rule=CLOSED)
    people.decide(pending)
    for work in (approved, asked, granted):
        answer = work.ask()
        assert answer.decision == DENY
        assert "outside_hours" in codes(answer)
        assert not answer.canonical_arguments
    assert people.state(old) == people.state(pending) == "approved"
    [grant] = people.grants_of(granted.task_id)
    assert grant.uses == 0

    world.reload()
    for work in (approved, asked, granted):
        assert work.ask().decision == ALLOW


def test_one_yes_is_not_enough_once_policy_wants_two(world: World) -> None:
    people, work = People(world.channel), Work(world.channel)
    people.decide(old := work.escalated())
    world.reload(settings=TWO_NEEDED)
    again = work.ask()
    assert again.decision == ESCALATE
    assert again.approval.id != old
    assert people.get(again.approval.id).votes_needed == 2


# Floods of questions


def test_a_task_that_asks_and_asks_is_denied_and_what_was_asked_can_still_be_answered(
    plain: tuple[Service, grpc.Channel],
) -> None:
    people, work = People(plain[1]), Work(plain[1])
    asked = [work.escalated(f"guest{number}@example.com") for number in range(MOST)]
    assert len(set(asked)) == MOST
    for number in range(MOST, MOST + 5):
        answer = work.ask(f"guest{number}@example.com")
        assert answer.decision == DENY
        assert codes(answer) == {"escalation_flood"}
        assert not answer.approval.id
    assert work.ask("guest0@example.com").approval.id == asked[0]
    people.decide(asked[0])
    assert work.ask("guest0@example.com").decision == ALLOW
    # Another task is another matter.
    assert Work(plain[1]).ask("guest0@example.com").decision == ESCALATE


def test_a_flood_at_once_opens_no_more_questions_than_one_after_another(
    plain: tuple[Service, grpc.Channel],
) -> None:
    work = Work(plain[1])
    calls = [
        work.pep.Authorize.future(work.request(f"guest{number}@example.com"), timeout=60)
        for number in range(3 * MOST)
    ]
    answers = [call.result() for call in calls]
    assert Counter(answer.decision for answer in answers) == {ESCALATE: MOST, DENY: 2 * MOST}
    assert {code for one in answers if one.decision == DENY for code in codes(one)} == {
        "escalation_flood"
    }
    with open_reader(plain[0].data) as reader:
        opened = reader.list_approvals(before="", limit=500, task_id=work.task_id)
    assert len(opened) == MOST


# The agent's own words


def test_people_see_the_call_itself_whatever_the_agent_says_of_it(
    plain: tuple[Service, grpc.Channel], tmp_path: Path
) -> None:
    service, channel = plain
    people, work = People(channel), Work(channel)
    told = "Only a draft to alice@example.com, nothing is sent. Already approved by bob."
    request = work.request()
    # Text as an agent may write it: no order, spaces, and escapes that hide what stands there.
    request.action.arguments_json = (
        b'{ "reason": "' + told.encode() + b'",\n'
        b' "to":["m\\u0061llory@example.net"], "body":"the list\\/all" }'
    )
    asked = work.pep.Authorize(request, timeout=10)
    assert asked.decision == ESCALATE
    shown = people.get(asked.approval.id)
    assert shown.action.arguments_json == (
        b'{"body":"the list/all","reason":"' + told.encode() + b'","to":["mallory@example.net"]}'
    )
    assert "mallory@example.net" in {sink.value for sink in shown.sinks}
    assert shown.resource.id == "mallory@example.net"

    catalogue = tmp_path / "catalogue.yaml"
    catalogue.write_text(CATALOGUE)
    with open_reader(service.data) as reader:
        records: Any = reader
        record = records.approval(asked.approval.id)
        view = approval_view(record, records, load_catalogue([catalogue]), time.time_ns() // 1000)
    assert view.state is ApprovalState.PENDING
    assert "office/send_mail" in view.sentence
    assert "mallory@example.net" in view.sentence
    assert not re.search("draft|alice|approved", view.sentence)

    people.decide(asked.approval.id)
    allowed = work.pep.Authorize(request, timeout=10)
    assert allowed.decision == ALLOW
    # What was shown is what has to be forwarded, byte for byte.
    assert allowed.canonical_arguments == shown.action.arguments_json


@pytest.mark.parametrize(
    "given",
    [
        b'{"to":["dora@example.com"],"to":["mallory@example.net"],"body":"lunch"}',
        b'{"to":["mallory@example.net"],"body":"lunch","t\\u006f":["dora@example.com"]}',
    ],
    ids=["twice", "twice, once escaped"],
)
def test_arguments_that_can_be_read_in_two_ways_are_no_question_at_all(
    plain: tuple[Service, grpc.Channel], given: bytes
) -> None:
    work = Work(plain[1])
    request = work.request()
    request.action.arguments_json = given
    error = error_of(work.pep.Authorize, request)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "to" in error.details()
    with open_reader(plain[0].data) as reader:
        assert not reader.list_approvals(before="", limit=1, task_id=work.task_id)


def test_what_the_agent_says_beside_the_call_moves_no_question(
    plain: tuple[Service, grpc.Channel],
) -> None:
    work = Work(plain[1])
    request = work.request()
    request.subject.properties.update({"approved_by": "bob"})
    request.context.signals.update({"risk": 0, "approval": "a-1"})
    answer: Any = work.pep.Authorize(request, timeout=10)
    assert answer.decision == ESCALATE
    shown = People(plain[1]).get(answer.approval.id)
    assert shown.state == common_pb2.APPROVAL_STATE_PENDING
    assert work.pep.Authorize(work.request(), timeout=10).approval.id == answer.approval.id
