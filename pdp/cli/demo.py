"""`pdp demo`: a service in a fresh folder, a story it decides, and the record it leaves."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pdp.cli.main import FAILED, UsageError
from pdp.identity.address import parse_address

if TYPE_CHECKING:
    from rich.console import Console

TOOLS: Final = Path(__file__).resolve().parent.parent / "demo" / "tools.json"

#: No command of the demo takes more than a second; one that hangs is ended.
COMMAND_SECONDS: Final = 30.0


def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A new or empty folder for what the demo leaves. [default: one in the folder "
            "for temporary files]",
        ),
    ] = None,
) -> None:
    """Start a service and watch it decide what an agent wants to do.

    Exits 0 only if every answer was the expected one.
    """
    folder = _fresh(data)
    as_expected = run(folder)
    if not as_expected:
        print("pdp: the demo did not go as it should; see above", file=sys.stderr)
        raise typer.Exit(FAILED)


def run(folder: Path) -> bool:
    """Play the demo with its files in `folder`; whether all went as expected."""
    from pdp.client import AuthorizationClient, Phase
    from pdp.demo import show
    from pdp.demo.play import Played, play_step, play_yes
    from pdp.demo.service import running_service
    from pdp.demo.story import AGENT, INTENT, PERSON, SERVER, STORY, Yes

    console = show.make_console()
    catalogue = folder / "tools.yaml"
    console.print(
        "An agent works through somebody's mail. Before every call of a tool, its gateway asks "
        "whether it may. All answers below are really given, by a service that starts now."
    )

    show.show_heading(console, "The tools it has, as their MCP server lists them")
    command = ["catalogue", "import", str(TOOLS), "--server", SERVER, "-o", str(catalogue)]
    good = _run(console, command)
    if not good:
        return False

    show.show_heading(console, "The service")
    arguments = ["--dev", "--data", str(folder), "--catalogue", str(catalogue)]
    show.show_command(console, ["pdp", "serve", *arguments])
    began = time.perf_counter()
    with running_service(arguments, folder / "service.log") as address:
        seconds = time.perf_counter() - began
        console.print(f"ready {address}\nafter {seconds:.1f} s; its log is service.log there")
        with AuthorizationClient(address, subject=AGENT, server=SERVER, timeout=5.0) as client:
            show.show_heading(console, "The task that an orchestrator starts")
            task = client.start_task(INTENT, on_behalf_of=PERSON, phase=Phase.EXECUTE)
            show.show_task(console, task, PERSON, AGENT, INTENT)
            show.show_heading(console, "What the agent wants to do, and what it may")
            before: Played | None = None
            for number, step in enumerate(STORY, start=1):
                if isinstance(step, Yes):
                    question = before.verdict.approval_id if before is not None else ""
                    with AuthorizationClient(address, person=step.person) as someone:
                        voted = play_yes(someone, step, question)
                    show.show_yes(console, number, voted)
                    good = good and not voted.differs
                else:
                    before = play_step(client, task.id, step, before)
                    show.show_step(console, number, before)
                    good = good and not before.differs

    show.show_heading(console, "What is on record, now that the service has stopped")
    good &= _run(console, ["task", "show", task.id, "--data", str(folder)])
    console.print()
    good &= _run(console, ["audit", "verify", "--data", str(folder)])

    show.show_heading(console, "Your turn")
    console.print("The record stays where it is. Look again, or serve it again:")
    program = _program()
    for words in (
        ["task", "show", task.id, "--data", str(folder)],
        ["audit", "verify", "--data", str(folder)],
        ["serve", *arguments],
    ):
        show.show_command(console, [*program, *words])
    console.print("README.md goes on from here: your own tools, your own rule.")
    return good


def _run(console: Console, words: list[str]) -> bool:
    """Show a command of `pdp` and run it, on the same terminal; whether it succeeded."""
    from pdp.demo.service import pdp_command, plain_environment
    from pdp.demo.show import show_command

    show_command(console, ["pdp", *words])
    sys.stdout.flush()
    done = subprocess.run(  # noqa: S603 - this program, with arguments of the demo
        pdp_command(*words),
        stderr=subprocess.STDOUT,
        env=plain_environment(),
        timeout=COMMAND_SECONDS,
        check=False,
    )
    return done.returncode == 0


def _fresh(data: Path | None) -> Path:
    """The folder for the demo: new or empty, and short enough for the socket in it.

    Raises:
        UsageError: it is neither.
        BadAddress: it is too long.
    """
    if data is None:
        return Path(tempfile.mkdtemp(prefix="pdp-demo-"))
    parse_address(f"unix:{data}/pdp.sock")
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise UsageError(f"{data} is not empty: the demo starts from nothing, name a new folder")
    data.mkdir(parents=True, exist_ok=True)
    return data


def _program() -> list[str]:
    """How whoever called this program can call it again."""
    called = Path(sys.argv[0])
    found = shutil.which("pdp")
    if found is not None and Path(found).resolve() == called.resolve():
        return ["pdp"]
    if called.name == "pdp" and os.access(called, os.X_OK):
        return [str(called)]
    return [sys.executable, "-m", "pdp"]
