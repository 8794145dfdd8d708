"""`pdp policy test` as its users run it: a process, a real engine, real bundles."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pdp.bundle import default_bundle_path
from tests.unit.bundle.making import ACME, archive, folder

TESTED = {
    **ACME,
    "acme/rules/hours/hours_test.rego": """package acme.rules.hours_test

import data.acme.rules.hours
import data.pdp.lib.sample_test as sample

test_development_passes if {
	said := hours.verdict with input as sample.but(sample.send, {"settings": {"development": true}})
	said.result == "pass"
}

test_anything_else_denies if {
	said := hours.verdict with input as sample.send
	said.result == "deny"
}
""",
}


def pdp(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pdp", "policy", "test", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def report(*arguments: str | Path, **environment: str) -> dict[str, Any]:
    done = pdp("--json", *arguments, **environment)
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["passed"] else 1)
    return found


def problems(found: dict[str, Any]) -> dict[str, str]:
    return {test["name"]: test["problem"] for test in found["tests"] if not test["passed"]}


def with_test(tmp_path: Path, body: str, **more: str) -> Path:
    """The bundle with one test more."""
    text = f"package acme.more_test\n\n{body}\n"
    return folder(tmp_path / "acme", {**TESTED, "acme/more_test.rego": text, **more})


def test_the_built_in_bundle_passes_its_own_tests_and_each_rule_has_some() -> None:
    done = pdp()
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d{3,} passed, 0 failed$", done.stdout, re.MULTILINE)
    assert "warning" not in done.stdout
    assert done.stderr == ""


def test_a_bundle_is_tested_together_with_the_built_in_one(tmp_path: Path) -> None:
    for bundle in (
        folder(tmp_path / "acme", TESTED),
        archive(tmp_path / "acme.tar.gz", *TESTED.items()),
    ):
        found = report(bundle)
        assert found["passed"]
        assert found["untested"] == []
        assert [test["name"] for test in found["tests"]] == [
            "data.acme.rules.hours_test.test_anything_else_denies",
            "data.acme.rules.hours_test.test_development_passes",
            "data.acme.rules.hours.verdict on an empty input",
        ]
        assert re.fullmatch("sha256:[0-9a-f]{64}", found["revision"])


def test_a_copy_of_the_built_in_bundle_takes_its_place(tmp_path: Path) -> None:
    text = (default_bundle_path() / "pdp" / "data.yaml").read_text()
    files = {
        str(path.relative_to(default_bundle_path())): path.read_text()
        for path in default_bundle_path().rglob("*")
        if path.is_file()
    }
    changed = {
        **files,
        "pdp/data.yaml": text.replace("calls_per_minute: 600", "calls_per_minute: 5"),
    }
    found = report(folder(tmp_path / "pdp", changed), "--run", "rate_test")
    assert len(found["tests"]) > 3
    assert set(problems(found)) == {
        "data.pdp.rules.rate_test.test_a_principal_within_its_rates_passes",
        "data.pdp.rules.rate_test.test_too_many_calls_in_a_minute_deny",
        "data.pdp.rules.rate_test.test_too_many_effects_in_a_minute_deny_what_has_an_effect",
    }


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ("test_it if 1 == 2", "something in it is false or undefined"),
        ("test_it if input.nothing", "something in it is false or undefined"),
        ("test_it := false", "is false and not true"),
        ('test_it := {"a": 1}', 'is {"a": 1} and not true'),
        ("test_it if 1 / count([]) == 1", "divide by zero"),
        (
            "test_it if count([1 | some i in xs; some j in xs]) > 0\nxs := numbers.range(1, 99999)",
            "took longer than the server allows",
        ),
    ],
)
def test_a_test_that_is_not_true_fails_and_says_why(
    tmp_path: Path, body: str, problem: str
) -> None:
    bundle = with_test(tmp_path, body)
    found = report(bundle)
    assert set(problems(found)) == {"data.acme.more_test.test_it"}
    assert problem in problems(found)["data.acme.more_test.test_it"]
    done = pdp(bundle)
    assert done.returncode == 1
    assert "data.acme.more_test.test_it" in done.stdout
    assert "3 passed, 1 failed" in done.stdout


def test_the_deadline_is_that_of_the_server(tmp_path: Path) -> None:
    # About a second's work on the slowest of machines, and far more than 10 ms on the fastest.
    bundle = with_test(
        tmp_path,
        "test_it if count([1 | some i in xs; some j in xs]) > 0\nxs := numbers.range(1, 400)",
    )
    assert report(bundle, PDP_EVALUATION_DEADLINE_MS="10000")["passed"]
    slow = problems(report(bundle, PDP_EVALUATION_DEADLINE_MS="10"))
    assert "took longer" in slow["data.acme.more_test.test_it"]


def test_a_rule_that_passes_an_empty_input_fails(tmp_path: Path) -> None:
    rule = TESTED["acme/rules/hours/hours.rego"].replace(
        "if input.settings.development == true", "if not input.settings.frozen"
    )
    bundle = folder(tmp_path / "acme", {**TESTED, "acme/rules/hours/hours.rego": rule})
    found = problems(report(bundle, "--run", "data.acme.rules.hours.*"))
    assert list(found) == ["data.acme.rules.hours.verdict on an empty input"]


def test_a_rule_without_a_test_is_warned_about(tmp_path: Path) -> None:
    bundle = folder(tmp_path / "acme", ACME)
    assert report(bundle)["untested"] == ["acme/hours"]
    done = pdp(bundle)
    assert done.returncode == 0
    assert "warning: rule acme/hours has no test" in done.stdout


def test_no_test_at_all_is_a_failure(tmp_path: Path) -> None:
    done = pdp(folder(tmp_path / "acme", TESTED), "--run", "nothing_of_the_kind")
    assert done.returncode == 1
    assert "no test matches" in done.stdout


def test_what_only_tests_define_is_not_there_when_rules_are_served(tmp_path: Path) -> None:
    rule = TESTED["acme/rules/hours/hours.rego"].replace(
        "if input.settings.development == true", "if data.acme.more_test.helper(1) == 1"
    )
    bundle = with_test(tmp_path, "helper(x) := x", **{"acme/rules/hours/hours.rego": rule})
    done = pdp(bundle)
    assert done.returncode == 1
    assert "data.acme.more_test.helper" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_test_cannot_use_what_the_server_does_not_offer(tmp_path: Path) -> None:
    done = pdp(with_test(tmp_path, "test_it if time.now_ns() > 0"))
    assert done.returncode == 1
    assert "time.now_ns" in done.stderr


def test_a_bundle_that_is_refused_is_one_clear_line(tmp_path: Path) -> None:
    done = pdp(folder(tmp_path / "acme", {"acme/rule.rego": "package acme"}))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("pdp: ")
    assert done.stderr.count("\n") == 1
    assert ".manifest: is missing" in done.stderr


def test_the_bundle_of_the_documentation_works_as_it_stands(root: Path, tmp_path: Path) -> None:
    text = (root / "docs" / "policy.md").read_text()
    named = re.findall(r"`([\w./]+)`[^`]*?:\n\n```\w+\n(.*?)```", text, re.DOTALL)
    files = {name: body for name, body in named if name == ".manifest" or name.startswith("acme/")}
    assert set(files) == {
        ".manifest",
        "acme/data.yaml",
        "acme/rules/hours/hours.rego",
        "acme/rules/hours/hours_test.rego",
    }
    found = report(folder(tmp_path / "acme", files))
    assert problems(found) == {}
    assert len(found["tests"]) == 6
    assert found["untested"] == []


def test_the_settings_of_the_documentation_are_accepted(root: Path, tmp_path: Path) -> None:
    text = (root / "docs" / "policy.md").read_text()
    settings = re.search(r"```yaml\n(rules:.*?)```", text, re.DOTALL)
    assert settings is not None
    assert report(folder(tmp_path / "acme", {**TESTED, "settings.yaml": settings[1]}))["passed"]


def test_the_documentation_gives_the_parameters_their_real_defaults(root: Path) -> None:
    text = (root / "docs" / "policy.md").read_text().replace(",000", "000").replace("3,600", "3600")
    text = text.replace("86,400", "86400")
    data = (default_bundle_path() / "pdp" / "data.yaml").read_text()
    parameters = re.findall(r"^    (\w+): (.+)$", data.partition("parameters:")[2], re.MULTILINE)
    assert len(parameters) == 23
    for name, value in parameters:
        assert f"`{name}` {value}" in text, name
