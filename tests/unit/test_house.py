"""The house rules that a reader of one file cannot see broken."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

# A module of the domain decides from its arguments alone. These would let it read a clock, a file,
# a socket, the environment or chance.
OUTSIDE_WORLD = {
    *("asyncio", "fcntl", "glob", "http", "io", "logging", "mmap", "os", "pathlib", "random"),
    *("secrets", "select", "selectors", "shutil", "signal", "socket", "sqlite3", "ssl"),
    *("subprocess", "sys", "tempfile", "threading", "time", "uuid"),
}
# Where messages meet the wire: the only places that know protobuf and gRPC.
WIRE = ("pdp/server", "pdp/client", "pdp/cli", "pdp/v1")


def modules(root: Path, folder: str = "pdp") -> Iterator[Path]:
    """The Python files under `folder` that people write."""
    generated = root / "pdp" / "v1"
    return (p for p in sorted((root / folder).rglob("*.py")) if generated not in p.parents)


def imported(path: Path) -> set[str]:
    """The absolute names that a file imports, anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def under(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or inside one."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def test_the_domain_imports_only_itself_idna_and_a_standard_library_without_io(root: Path) -> None:
    allowed = (sys.stdlib_module_names - OUTSIDE_WORLD) | {"idna"}
    found = {
        (str(path.relative_to(root)), name)
        for path in modules(root, "pdp/domain")
        for name in imported(path)
        if not under(name, "pdp.domain") and name.partition(".")[0] not in allowed
    }
    assert not found


def test_protobuf_and_grpc_are_known_only_where_messages_meet_the_wire(root: Path) -> None:
    found = {
        (str(path.relative_to(root)), name)
        for path in modules(root)
        for name in imported(path)
        if not path.relative_to(root).as_posix().startswith(WIRE)
        and under(name, "grpc", "google", "grpc_health", "grpc_reflection", "grpc_status", "pdp.v1")
    }
    assert not found


def test_no_import_is_relative(root: Path) -> None:
    relative = {
        str(path.relative_to(root))
        for path in modules(root)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    }
    assert not relative


def test_no_module_is_longer_than_one_sitting(root: Path) -> None:
    # Beyond about 400 lines a module is two things.
    sizes = {str(p.relative_to(root)): len(p.read_text().splitlines()) for p in modules(root)}
    assert sizes
    assert {path: lines for path, lines in sizes.items() if lines > 400} == {}


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, object]:
    return tomllib.loads((root / "pyproject.toml").read_text())


def test_the_locked_build_group_is_what_the_build_requires(project: dict[str, object]) -> None:
    # pip reads the one, the lock is made from the other.
    match project:
        case {"build-system": {"requires": requires}, "dependency-groups": {"build": group}}:
            assert requires == group
        case _:
            pytest.fail("pyproject.toml has no build-system.requires or no dependency-groups.build")


def requirement_files(root: Path) -> list[Path]:
    return sorted((root / "requirements").glob("*.txt"))


def test_every_locked_package_has_one_version_and_hashes(root: Path) -> None:
    for path in requirement_files(root):
        lines = re.sub(r" \\\n\s+", " ", path.read_text()).splitlines()
        packages = [line for line in lines if not line.startswith("#")]
        pinned = r"[a-z0-9-]+==[^ ;]+( ; [^\\#]+?)?( --hash=sha256:[0-9a-f]{64})+"
        assert packages
        assert [line for line in packages if not re.fullmatch(pinned, line)] == []


def test_the_lock_names_no_address_and_no_index(root: Path) -> None:
    # An address in a lock would send every user where one machine happened to download from.
    files = requirement_files(root)
    assert files
    for path in files:
        text = path.read_text()
        assert "://" not in text
        assert not re.search(r"(?m)^\s*--(?!hash=)|^\s*-[a-z]\b|@ ", text)


def test_the_runtime_lock_is_part_of_the_development_lock(root: Path) -> None:
    def pins(name: str) -> set[str]:
        text = (root / "requirements" / name).read_text()
        return set(re.findall(r"(?m)^[a-z0-9-]+==\S+", text))

    assert pins("runtime.txt") <= pins("dev.txt")


@pytest.mark.parametrize("when", ["in the test", "in a fixture", "at import"])
def test_a_skip_for_a_missing_counterpart_fails_under_ci_and_only_there(
    root: Path, tmp_path: Path, when: str
) -> None:
    skip = "pytest.skip('missing counterpart: nothing', allow_module_level=True)"
    bodies = {
        "in the test": f"def test_it():\n    {skip}\n",
        "in a fixture": f"@pytest.fixture\ndef f():\n    {skip}\ndef test_it(f): pass\n",
        "at import": f"{skip}\ndef test_it(): pass\n",
    }
    (tmp_path / "conftest.py").write_text((root / "tests" / "conftest.py").read_text())
    (tmp_path / "test_one.py").write_text(f"import pytest\n{bodies[when]}")
    (tmp_path / "test_two.py").write_text("def test_two(): pass\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    def outcome(**extra: str) -> int:
        environment = {k: v for k, v in os.environ.items() if k != "PDP_CI"} | extra
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, timeout=60, check=False
        )
        return done.returncode

    assert outcome() == 0
    assert outcome(PDP_CI="1") != 0
