"""`pdp catalogue import` on the lists of real servers: YAML out, a report, and sound guesses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pdp.arguments import argument_checker
from pdp.catalogue_file import dump_catalogue, load_catalogue, parse_catalogue
from pdp.domain.catalogue import ArgumentKind, Catalogue, Found, Tool, argument_values
from pdp.domain.inference import infer_tool
from pdp.domain.inference_output import ADDRESS_BOOK_GROUND
from pdp.domain.values import OutputLabel, Sensitivity, ToolClass


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from pdp.cli.main import main; main()", "catalogue"]
    return subprocess.run(
        [*command, *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "160"},
    )


@pytest.fixture
def mail_list(tmp_path: Path) -> Path:
    """A small tools/list result."""
    text = {"type": "string"}
    tools = [
        {
            "name": "send_email",
            "description": "Sends an e-mail.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "recipients": {"type": "array", "items": text},
                    "subject": text,
                    "body": text,
                },
                "required": ["recipients", "subject", "body"],
            },
        },
        {"name": "frobnicate", "description": "[bold]x[/bold]\u202e"},
    ]
    path = tmp_path / "mail.json"
    path.write_text(json.dumps({"tools": tools}))
    return path


@pytest.fixture(scope="session")
def workspace(agentdojo: dict[str, Any]) -> list[Tool]:
    """The tools of every recorded suite, imported without annotations or output types."""
    return [
        infer_tool(
            {
                "name": tool["name"],
                "description": tool["description"],
                "inputSchema": tool["schema"],
            },
            suite,
        )
        for suite, recorded in agentdojo["suites"].items()
        for tool in recorded["tools"]
    ]


@pytest.fixture(scope="session")
def hosted(github_tools: list[dict[str, Any]]) -> list[Tool]:
    """The tools of a large code host."""
    return [infer_tool(tool, "code") for tool in github_tools]


def test_an_import_prints_a_catalogue_and_reports_to_standard_error(
    mail_list: Path, tmp_path: Path
) -> None:
    done = run("import", mail_list, cwd=tmp_path)
    assert done.returncode == 0
    send, unknown = parse_catalogue(done.stdout.encode(), "stdout")
    assert (send.server, send.name, send.tool_class) == ("mail", "send_email", ToolClass.SEND)
    assert unknown.tool_class is ToolClass.ADMIN
    assert "treated as admin" in done.stderr
    assert "2 tools, every field a guess" in done.stderr
    assert "\u202e" not in done.stdout + done.stderr


def test_an_import_writes_to_a_file_under_a_given_server_name(
    mail_list: Path, tmp_path: Path
) -> None:
    done = run("import", mail_list, "--server", "post", "-o", "out.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    catalogue = load_catalogue([tmp_path / "out.yaml"])
    assert isinstance(catalogue.find("post", "send_email"), Found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mail.json", "out.yaml"]


def test_an_import_may_be_repeated_until_a_person_has_decided_something(
    mail_list: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.yaml"
    assert run("import", mail_list, "-o", out, cwd=tmp_path).returncode == 0
    assert run("import", mail_list, "-o", out, cwd=tmp_path).returncode == 0
    out.write_text(out.read_text().replace("    class:\n    - name:send\n", "", 1))
    reviewed = out.read_bytes()
    refused = run("import", mail_list, "-o", out, cwd=tmp_path)
    assert refused.returncode == 1
    assert "a person has decided fields of 'send_email'" in refused.stderr
    assert out.read_bytes() == reviewed
    assert run("import", mail_list, "-o", out, "--force", cwd=tmp_path).returncode == 0
    assert out.read_bytes() != reviewed


def test_the_report_is_available_as_json(mail_list: Path, tmp_path: Path) -> None:
    done = run("import", mail_list, "-o", "out.yaml", "--json", cwd=tmp_path)
    report = json.loads(done.stderr)
    assert report["tools"] == 2
    assert {
        "server": "mail",
        "tool": "frobnicate",
        "field": "class",
        "urgency": "decide",
    }.items() <= (report["review"][0].items())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ("[]", "not a JSON object"),
        ("{}", 'no "tools" list'),
        ('{"tools": {}}', 'no "tools" list'),
        ('{"tools": [{"name": "a"}, {"name": "a"}]}', "appears twice"),
    ],
)
def test_what_is_no_list_of_tools_is_one_line_and_exit_1(
    text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "list.json").write_text(text)
    done = run("import", "list.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_tool_that_no_call_could_name_is_left_out_and_said(tmp_path: Path) -> None:
    tools = [{"name": "list_items"}, {"name": "../x"}, 7]
    response = {"jsonrpc": "2.0", "id": 1, "result": {"tools": tools, "nextCursor": "2"}}
    (tmp_path / "list.json").write_text(json.dumps(response))
    done = run("import", "list.json", "--json", "-o", "out.yaml", cwd=tmp_path)
    report = json.loads(done.stderr)
    assert (done.returncode, report["tools"], len(report["left_out"])) == (0, 1, 2)
    assert report["incomplete"] is True


def test_every_real_tool_has_a_grounded_class_and_survives_the_file(
    workspace: list[Tool], hosted: list[Tool], tmp_path: Path
) -> None:
    tools = [*workspace, *hosted]
    assert [tool.name for tool in tools if "class" in tool.ungrounded] == []
    (tmp_path / "all.yaml").write_text(dump_catalogue(tools))
    assert list(load_catalogue([tmp_path / "all.yaml"])) == tools


def test_what_a_server_marks_as_read_only_is_a_read_and_the_rest_is_not(
    github_tools: list[dict[str, Any]], hosted: list[Tool]
) -> None:
    for raw, tool in zip(github_tools, hosted, strict=True):
        read_only = raw["annotations"].get("readOnlyHint") is True
        assert (tool.tool_class is ToolClass.READ) == read_only, tool.name


def test_what_a_server_marks_as_destructive_cannot_be_undone(
    github_tools: list[dict[str, Any]], hosted: list[Tool]
) -> None:
    for raw, tool in zip(github_tools, hosted, strict=True):
        if raw["annotations"].get("destructiveHint") is True:
            assert not tool.reversible, tool.name


def test_the_repository_is_the_resource_and_its_parts_are_sinks(hosted: list[Tool]) -> None:
    for tool in hosted:
        schema: Any = tool.arguments_schema
        if {"owner", "repo"} <= set(schema.get("required", ())):
            assert tool.resource is not None, tool.name
            assert (tool.resource.type, tool.resource.template) == ("repository", "{owner}/{repo}")
            assert {"owner", "repo"} <= set(tool.paths(ArgumentKind.SINK)), tool.name


def test_no_tool_of_an_everyday_assistant_is_above_the_default_ceiling(
    workspace: list[Tool],
) -> None:
    assert [tool.name for tool in workspace if tool.sensitivity > Sensitivity.CONFIDENTIAL] == []


def test_only_the_systems_own_word_and_the_own_address_book_are_trusted(
    workspace: list[Tool],
) -> None:
    for tool in workspace:
        if tool.output_label is OutputLabel.TRUSTED:
            assert tool.tool_class is ToolClass.READ
            address_book = tool.inferred["output"] == (ADDRESS_BOOK_GROUND,)
            assert tool.arguments == {} or address_book, tool.name


def test_recorded_calls_fit_their_schemas_and_declare_their_arguments(
    agentdojo: dict[str, Any], workspace: list[Tool]
) -> None:
    check = argument_checker(Catalogue(workspace))
    by_name = {tool.name: tool for tool in workspace}
    seen = 0
    for suite in agentdojo["suites"].values():
        for task in suite["user_tasks"]:
            for call in task["calls"]:
                if call["error"] is None:
                    tool = by_name[call["tool"]]
                    assert check(tool, call["args"]) is None, call
                    values = argument_values(tool, call["args"])
                    assert all(value.role is not None for value in values), call
                    seen += 1
    assert seen > 0
