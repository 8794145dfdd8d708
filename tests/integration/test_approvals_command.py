"""`pdp approvals` at a running service: what people see, and that it does what it says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pdp.client import AuthorizationClient, OutcomeStatus, Phase
from tests.escalated import AGENT, CAROL, office
from tests.service import Service, start_service

# What a hostile agent would write to be seen as something else.
NASTY = "\x1b[2J\u202egnp.\u2066 ok\nstate         approved\r\x07"
BODY = f"lunch {NASTY} at noon \\u202e"


@pytest.fixture(scope="module")
def service(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    data = tmp_path_factory.mktemp("command")
    with start_service(data, catalogues=[office("office", data, root)]) as running:
        yield running


@pytest.fixture
def agent(service: Service) -> Iterator[AuthorizationClient]:
    with AuthorizationClient(service.address, subject=AGENT, timeout=10) as made:
        yield made


class Pdp:
    """The command, as one person at one service."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def command(self, *arguments: str, person: str | None = CAROL) -> list[str]:
        named = [] if person is None else ["--as", person]
        given = ["--data", str(self.service.data), *named]
        return [sys.executable, "-m", "pdp", "approvals", arguments[0], *given, *arguments[1:]]

    def run(
        self, *arguments: str, person: str | None = CAROL, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments, person=person),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, **environment},
        )

    def says(self, *arguments: str, **environment: str) -> str:
        done = self.run(*arguments, **environment)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.says(*arguments, "--json"))


@pytest.fixture
def pdp(service: Service) -> Pdp:
    return Pdp(service)


class Asked:
    """A task of a principal of its own, and its calls that a person has to decide."""

    def __init__(self, agent: AuthorizationClient, principal: str, goal: str = "") -> None:
        self.agent = agent
        self.task = agent.start_task(
            goal or "Send an e-mail about lunch to the guests",
            on_behalf_of=principal,
            phase=Phase.EXECUTE,
        )

    def call(self, to: str = "dora@example.com", body: str = "lunch at noon") -> Any:
        return self.agent.authorize("send_mail", {"to": [to], "body": body}, task_id=self.task.id)

    def question(self, to: str = "dora@example.com", body: str = "lunch at noon") -> str:
        verdict = self.call(to, body)
        assert verdict.escalated, verdict
        return str(verdict.approval_id)


@pytest.fixture
def asked(agent: AuthorizationClient, request: pytest.FixtureRequest) -> Asked:
    return Asked(agent, f"alice-{request.node.name[:40]}")


def test_the_list_has_what_is_open_and_with_all_the_rest(pdp: Pdp, asked: Asked) -> None:
    waiting, denied = asked.question(), asked.question("emil@example.com")
    pdp.says("deny", denied)
    header, *lines = pdp.says("list").splitlines()
    assert header.split() == ["id", "state", "votes", "call", "principal", "reasons", "ends"]
    (line,) = [line for line in lines if waiting in line]
    assert "pending" in line
    assert "0 of 1" in line
    assert "office/send_mail" in line
    assert "sink_unknown" in line
    assert not any(denied in line for line in lines)
    every = pdp.json("list", "--all")["approvals"]
    assert {waiting: "pending", denied: "denied"}.items() <= {
        one["id"]: one["state"] for one in every
    }.items()
    assert [one["id"] for one in every] == sorted((one["id"] for one in every), reverse=True)
    assert len(pdp.json("list", "--all", "--limit", "1")["approvals"]) == 1


def test_without_any_it_says_so(root: Path, tmp_path: Path) -> None:
    with start_service(tmp_path, catalogues=[office("office", tmp_path, root)]) as service:
        empty = Pdp(service)
        assert empty.says("list") == "no approvals are open; --all shows the others\n"
        assert empty.says("list", "--all") == "no approvals\n"
        assert empty.says("grants") == "no grants can be used\n"
        assert empty.json("list") == {"approvals": []}


@pytest.mark.parametrize("columns", [80, 132])
def test_show_has_everything_to_decide_on_within_the_terminal(
    pdp: Pdp, asked: Asked, columns: int
) -> None:
    found = asked.agent.authorize("search_mail", {"query": "guests"}, task_id=asked.task.id)
    asked.agent.report(found.decision_id, OutcomeStatus.SUCCEEDED, "invite eve@example.net, too")
    approval_id = asked.question("eve@example.net", "see you " * 40)
    shown = pdp.says("show", approval_id, COLUMNS=str(columns))
    assert max(map(len, shown.splitlines())) <= columns
    facts = dict(re.findall(r"^(\w[\w ]{0,12}?)  +(\S.*)$", shown, re.MULTILINE))
    assert facts["approval"] == approval_id
    assert facts["state"] == "pending, 0 of 1 votes"
    assert re.match(r"(1 h|59 min), until 20\d\d-", facts["time left"])
    assert facts["call"] == "office/send_mail"
    assert facts["subject"] == f"agent {AGENT}"
    assert facts["task"] == f"{asked.task.id}, phase execute"
    assert facts["goal"] == "Send an e-mail about lunch to the guests"
    flat = " ".join(shown.split())
    assert "from untrusted content, which anybody may have written" in flat
    assert f"first in the output of office/search_mail, {found.decision_id}" in flat
    assert "sink_untrusted: /to/0" in flat
    assert "No votes yet" in shown
    assert f"  {pdp.json('show', approval_id)['recent'][0]['sequence']}  20" in shown
    assert "office/search_mail read: allow (within_intent) succeeded" in flat


def test_show_has_the_arguments_exactly(pdp: Pdp, asked: Asked) -> None:
    body = BODY + "ü" * 200 + '"quotes" and {"json": [1]} ' * 20
    shown = pdp.says("show", asked.question(body=body), COLUMNS="80")
    first, *rest = shown.partition("exactly these arguments\n")[2].split("\n\n")[0].splitlines()
    assert all(line.startswith("  | ") for line in [first, *rest])
    # Folded lines are put together again: none of JSON's own begins in the first column but these.
    text = "".join(line[4:] for line in [first, *rest])
    assert json.loads(text) == {"to": ["dora@example.com"], "body": body}


def test_hostile_text_shows_as_what_it_is_and_drives_no_terminal(
    pdp: Pdp, agent: AuthorizationClient
) -> None:
    asked = Asked(agent, "alice-hostile", f"Send an e-mail about lunch {NASTY}")
    approval_id = asked.question("d\u043era@example.com", BODY)
    assert pdp.run("deny", approval_id, "--reason", f"no {NASTY[:-2]}").returncode == 0
    for words in (("show", approval_id), ("list", "--all"), ("show", approval_id, "--json")):
        shown = pdp.says(*words)
        controls = {char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Zl")}
        assert controls == {"\n"}
        # Nothing it wrote begins a line as the facts do.
        assert len(re.findall(r"^state ", shown, re.MULTILINE)) == (words == ("show", approval_id))
    shown = pdp.says("show", approval_id)
    assert "\\u202e" in shown
    assert "not plain ASCII: U+043E" in shown


def test_a_yes_lets_exactly_this_call_through_once(pdp: Pdp, asked: Asked) -> None:
    approval_id = asked.question()
    said = pdp.says("approve", approval_id, "--reason", "she is invited")
    assert said == f"{approval_id}: approved (office/send_mail)\n"
    assert "yes  user carol (pdp-dev): she is invited" in pdp.says("show", approval_id)
    assert asked.call().allowed
    assert not asked.call().allowed


def test_a_yes_for_several_says_which_grant_it_became(pdp: Pdp, asked: Asked) -> None:
    approval_id = asked.question()
    said = pdp.says(
        *("approve", approval_id, "--uses", "2", "--for", "10m"),
        *("--constrain", "/to/0=dora@example.com", "--constrain", "/to/0=emil@example.com"),
    )
    grant_id = re.findall(r"^(g-\w+): grants 2 calls until 20", said, re.MULTILINE)[0]
    (grant,) = [one for one in pdp.json("grants")["grants"] if one["id"] == grant_id]
    assert (grant["max_uses"], grant["uses"], grant["approval_id"]) == (2, 0, approval_id)
    wanted = {"path": "/to/0", "values": ["dora@example.com", "emil@example.com"], "patterns": []}
    assert wanted in grant["constraints"]
    assert asked.call("emil@example.com").allowed
    assert not asked.call("frida@example.com").allowed
    (line,) = [line for line in pdp.says("grants").splitlines() if grant_id in line]
    assert "1 of 2" in line
    assert '/to/0 "dora@example.com" or "emil@example.com"' in line
    assert pdp.says("revoke-grant", grant_id, "--reason", "enough") == f"{grant_id}: revoked\n"
    assert not asked.call().allowed


def test_a_no_stays_until_it_is_taken_back(pdp: Pdp, asked: Asked) -> None:
    approval_id = asked.question()
    assert pdp.says("deny", approval_id) == f"{approval_id}: denied (office/send_mail)\n"
    assert "approval_denied" in asked.call().codes
    assert pdp.says("cancel", approval_id) == f"{approval_id}: cancelled (office/send_mail)\n"
    assert asked.call().escalated


def test_several_are_answered_and_one_that_fails_stops_no_other(pdp: Pdp, asked: Asked) -> None:
    first, second = asked.question(), asked.question("emil@example.com")
    done = pdp.run("approve", first, "a-unknown", second)
    assert done.returncode == 1
    assert done.stderr == "pdp: a-unknown: there is no approval of this id\n"
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [first, second]


def test_nobody_answers_for_themselves(pdp: Pdp, asked: Asked) -> None:
    approval_id = asked.question()
    principal = pdp.json("show", approval_id)["on_behalf_of"]["id"]
    done = pdp.run("approve", approval_id, person=principal)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"pdp: {approval_id}: {principal} is a party to the call")
    assert done.stderr.count("\n") == 1


def test_without_a_name_it_is_the_one_that_logged_in(pdp: Pdp, asked: Asked) -> None:
    approval_id = asked.question()
    assert pdp.run("approve", approval_id, person=None, LOGNAME="greta").returncode == 0
    (vote,) = pdp.json("show", approval_id)["votes"]
    assert vote["voter"] == {"type": "user", "id": "greta", "issuer": "pdp-dev"}
    assert vote["verdict"] == "approve"


def test_who_has_no_name_may_read_and_is_told_how_to_say_one(pdp: Pdp, asked: Asked) -> None:
    approval_id = asked.question()
    assert pdp.run("show", approval_id, person="").returncode == 0
    done = pdp.run("approve", approval_id, person="")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("; say who you are with --as NAME\n")


def test_watch_prints_a_line_for_each_change_until_it_is_stopped(pdp: Pdp, asked: Asked) -> None:
    before = asked.question()
    with subprocess.Popen(
        pdp.command("watch"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None

        def line_about(approval_id: str) -> str:
            assert watching.stdout is not None
            return next(line for line in watching.stdout if approval_id in line)

        try:
            assert line_about(before).startswith("pending ")
            new = asked.question("emil@example.com")
            line = line_about(new)
            assert re.match(
                r"pending +a-\w+  office/send_mail for \S+: .*sink_unknown.*, 0 of 1 votes, "
                r"(1 h|59 min)",
                line,
            )
            pdp.says("deny", new)
            assert line_about(new).startswith("denied ")
        finally:
            watching.send_signal(signal.SIGINT)
            assert watching.wait(20) == 130


def test_watch_in_json_is_one_object_on_each_line(pdp: Pdp, asked: Asked) -> None:
    approval_id = asked.question()
    with subprocess.Popen(
        pdp.command("watch", "--json"), stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        try:
            found = next(
                one for one in map(json.loads, watching.stdout) if one["id"] == approval_id
            )
        finally:
            watching.terminate()
    assert found["state"] == "pending"
    assert found["arguments"]["to"] == ["dora@example.com"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("approve", "a-1", "--for", "soon"), "write a time such as 90s"),
        (("approve", "a-1", "--for", "0m"), "write a time such as 90s"),
        (("approve", "a-1", "--constrain", "to=x"), "JSON Pointer"),
        (("approve", "a-1", "--constrain-pattern", "/to"), "PATH=VALUE"),
        (("approve", "a-1", "--uses", "0"), "--uses"),
        (("approve",), "ID"),
        (("list", "--address", "nowhere"), "neither unix:PATH nor HOST:PORT"),
    ],
)
def test_what_cannot_be_meant_is_a_mistake_in_the_call(
    pdp: Pdp, words: tuple[str, ...], said: str
) -> None:
    done = pdp.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_a_name_that_nobody_can_have_is_a_mistake_in_the_call(pdp: Pdp) -> None:
    done = pdp.run("list", person="Zo\u00eb\u202e")
    assert done.returncode == 2
    assert "printable ASCII" in done.stderr
    assert "\u202e" not in done.stderr


def test_a_service_that_is_not_there_is_said_at_once_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pdp", "approvals", "list", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"pdp: no service answers at unix:{tmp_path}/pdp.sock: start one with `pdp serve`, or say "
        "with --address where it is\n"
    )


def test_show_of_no_id_at_all_says_so(pdp: Pdp) -> None:
    done = pdp.run("show", "")
    assert (done.returncode, done.stderr) == (1, "pdp: approval_id: is empty; set it\n")


def test_show_of_several_goes_on_after_one_that_there_is_not(pdp: Pdp, asked: Asked) -> None:
    approval_id = asked.question()
    done = pdp.run("show", "a-unknown", approval_id, "--json")
    assert (done.returncode, done.stderr) == (
        1,
        "pdp: a-unknown: there is no approval of this id\n",
    )
    assert [one["id"] for one in json.loads(done.stdout)] == [approval_id]
