"""The command line's frame: what it lists, how errors look, what it leaves alone."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from pdp.cli.main import COMMANDS, ERRORS, UsageError, exit_code, main
from pdp.identity.address import BadAddress
from pdp.ports import NotRecorded, PolicyRefused


def pdp(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pdp", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_version_is_that_of_the_package() -> None:
    done = pdp("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"pdp {version('taskbound')}\n", "")


@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_help_and_version_do_not_wait_for_what_they_do_not_need(asked: str) -> None:
    code = (
        "import sys\n"
        "from pdp.cli.main import main\n"
        "try:\n"
        f"    main(['{asked}'])\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'grpc', 'pydantic', 'rich', 'yaml', 'google.protobuf', 'jsonschema_rs'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_help_names_every_command_with_what_it_is_for() -> None:
    said = pdp("--help").stdout
    for name, (_, _, text) in COMMANDS.items():
        line = next(line for line in said.splitlines() if line.startswith(f"  {name} "))
        assert text.removesuffix(".")[:40] in line


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "opa"])
def test_every_command_has_help_of_its_own(name: str) -> None:
    done = pdp(name, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"Usage: pdp {name} ")


def test_without_a_command_it_shows_its_help_and_fails() -> None:
    done = pdp()
    assert done.returncode == 2
    assert "Commands:" in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("nope",), ("serve", "--nope"), ("serve", "stray")])
def test_a_command_line_that_is_none_exits_2_without_a_traceback(
    arguments: tuple[str, ...],
) -> None:
    done = pdp(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_opa_gets_its_arguments_untouched_and_its_exit_code_is_kept() -> None:
    assert "Version:" in pdp("opa", "version").stdout
    assert "opa eval" in pdp("opa", "eval", "--help").stdout
    found = pdp("opa", "eval", "--format", "raw", "--", "1 + 1")
    assert (found.returncode, found.stdout) == (0, "2\n")
    failed = pdp("opa", "eval", "--fail", "data.nothing.here")
    assert failed.returncode == 1


def test_serve_without_an_identity_exits_2_and_says_what_is_missing(tmp_path: Path) -> None:
    done = pdp("serve", folder=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "no way to verify callers is configured" in done.stderr
    assert "--dev" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flag", ["--listen", "--metrics"])
def test_development_mode_refuses_addresses_that_other_machines_reach(
    flag: str, tmp_path: Path
) -> None:
    done = pdp("serve", "--dev", flag, "0.0.0.0:0", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("pdp: 0.0.0.0:0 is not a loopback address")
    assert len(done.stderr.splitlines()) == 1


def test_the_native_transport_is_refused_as_not_there_yet(tmp_path: Path) -> None:
    done = pdp("serve", "--dev", "--transport", "native", folder=tmp_path)
    assert done.returncode == 2
    assert "not in this version" in done.stderr


def test_a_wrong_setting_is_one_line_that_names_it(tmp_path: Path) -> None:
    done = pdp("serve", "--dev", "--log-level", "loud", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("pdp: --log-level: input should be 'debug'")
    assert len(done.stderr.splitlines()) == 1


def test_the_settings_file_can_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PDP_CONFIG", str(tmp_path / "none.toml"))
    done = pdp("serve", folder=tmp_path)
    assert done.returncode == 2
    assert "none.toml: cannot be read" in done.stderr


def test_a_file_that_is_not_there_is_named_without_a_number(tmp_path: Path) -> None:
    done = pdp("catalogue", "import", "none.json", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "pdp: none.json: No such file or directory\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (BadAddress("x"), 2),
        (PolicyRefused("x"), 1),
        (NotRecorded("x"), 1),
        (FileNotFoundError("x"), 1),
        (KeyError("x"), None),
        (ValueError("x"), None),
    ],
)
def test_errors_of_users_have_exit_codes_and_faults_of_ours_have_none(
    error: Exception, code: int | None
) -> None:
    assert exit_code(error) == code


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_it_knows_by_name_exists(name: str) -> None:
    module, _, kind = name.rpartition(".")
    found = getattr(__import__(module, fromlist=[kind]), kind)
    assert issubclass(found, Exception)


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_command: str) -> None:
        raise KeyError("x")

    monkeypatch.setattr("pdp.cli.main.build_app", broken)
    with pytest.raises(KeyError):
        main(["serve"])
