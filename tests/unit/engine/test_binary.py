"""The binary that decides is also OPA's own command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pdp.engine import binary
from pdp.engine.binary import find_opa, run_opa_cli
from pdp.ports import EngineError

GOOD = "package a\n\nx := 1\n\ntest_x if x == 1\n"
FAILING = "package a\n\ntest_x if 1 == 2\n"


def test_a_missing_binary_says_how_to_build_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(binary, "_BINARY", tmp_path / "pdp-opa")
    with pytest.raises(EngineError, match="make setup"):
        find_opa()
    (tmp_path / "pdp-opa").write_text("")
    with pytest.raises(EngineError, match="chmod"):
        find_opa()


def test_the_command_line_is_opas_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "good.rego").write_text(GOOD)
    assert run_opa_cli(["version"]) == 0
    assert "Version: 1." in capfd.readouterr().out
    assert run_opa_cli(["eval", "-d", str(tmp_path), "--format", "raw", "data.a.x"]) == 0
    assert capfd.readouterr().out.strip() == "1"
    assert run_opa_cli(["fmt", "--list", "--fail", str(tmp_path)]) == 0
    assert run_opa_cli(["test", str(tmp_path)]) == 0
    assert "PASS: 1/1" in capfd.readouterr().out
    assert run_opa_cli(["build", "-b", str(tmp_path), "-o", str(tmp_path / "b.tar.gz")]) == 0
    assert (tmp_path / "b.tar.gz").stat().st_size > 0


def test_the_command_line_keeps_opas_exit_status(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "failing_test.rego").write_text(FAILING)
    assert run_opa_cli(["test", str(tmp_path)]) == 2
    assert run_opa_cli(["no-such-command"]) == 1
    assert run_opa_cli(["eval", "--fail", "data.nowhere"]) == 1
    capfd.readouterr()


def test_the_capabilities_in_the_repository_are_those_of_the_engine(
    root: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    capabilities = ["--capabilities", str(root / "opa" / "capabilities.json")]
    (tmp_path / "good.rego").write_text(GOOD)
    assert run_opa_cli(["check", "--strict", *capabilities, str(tmp_path)]) == 0
    (tmp_path / "bad.rego").write_text("package b\n\nx := time.now_ns()\n")
    assert run_opa_cli(["check", "--strict", *capabilities, str(tmp_path)]) == 1
    assert "undefined function time.now_ns" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--fd must name an inherited socket"),
        (["--fd=99"], "bad file descriptor"),
        (["--fd=3", "--memory-bytes=100000000"], "is below 268435456, which a policy needs"),
        (["--fd=3", "--max-elements=0"], "limits must be positive"),
        (["--fd=3", "more"], "unexpected argument"),
        (["--nonsense"], "not defined"),
    ],
)
def test_decide_refuses_what_it_cannot_serve_and_says_why(
    arguments: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_opa_cli(["decide", *arguments]) == 2
    assert told in capfd.readouterr().err
