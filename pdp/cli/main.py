"""The command line `pdp`: its commands by name, and errors as one line.

A command's module is imported when that command is called, so that `pdp --help` and
`pdp --version` answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Final

import typer

#: The distribution that this package comes in.
DISTRIBUTION: Final = "taskbound"

#: Each command: the module and the function or typer app in it, and what it is for.
COMMANDS: Final = {
    "serve": ("pdp.cli.serve", "serve", "Run the service."),
    "demo": ("pdp.cli.demo", "demo", "Start a service and watch it decide."),
    "catalogue": (
        "pdp.cli.catalogue", "catalogue_app", "Describe tools: import an MCP server's list.",
    ),
    "task": ("pdp.cli.task", "task_app", "Read the ledger: which tasks, and what they did."),
    "approvals": (
        "pdp.cli.approvals", "approvals_app", "Answer escalated calls: list, show, approve, deny.",
    ),
    "explain": ("pdp.cli.explain", "explain", "Say why a decision is what it is."),
    "policy": ("pdp.cli.policy", "policy_app", "Test policy, or write it for an OPA server."),
    "audit": ("pdp.cli.audit", "audit_app", "Check the log, or take a checkpoint of it."),
    "opa": ("", "", "OPA's own command line, the same binary that decides."),
}  # fmt: skip

#: Exit codes: it ran and failed, or it was called wrongly.
FAILED: Final = 1
USAGE: Final = 2

#: Errors that say what is wrong and what to do, by where they are defined.
ERRORS: Final = {
    "pdp.cli.main.UsageError": USAGE,
    "pdp.settings.SettingsError": USAGE,
    "pdp.identity.address.BadAddress": USAGE,
    "pdp.webhook_event.BadWebhook": USAGE,
    "pdp.domain.limits.InvalidInput": FAILED,
    "pdp.domain.catalogue.CatalogueError": FAILED,
    "pdp.bundle_files.BundleRefused": FAILED,
    "pdp.trace_values.TraceRefused": FAILED,
    "pdp.ports.EngineError": FAILED,
    "pdp.ports.StoreError": FAILED,
    "pdp.demo.service.DemoFailed": FAILED,
    "pdp.client.verdict.NotAllowed": FAILED,
    "pdp.client.approval.ApprovalFailed": FAILED,
    "pdp.client.verdict.ReportFailed": FAILED,
    "subprocess.TimeoutExpired": FAILED,
    "builtins.OSError": FAILED,
}


class UsageError(Exception):
    """The command cannot run as it was called; the message says what to change."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit. Expected errors are one line on standard error."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given[:1] == ["opa"]:
            # Not parsed here: every flag is OPA's, `--help` and `--version` too.
            from pdp.engine.binary import run_opa_cli

            sys.exit(run_opa_cli(given[1:]))
        build_app(_wanted(given))(args=given, prog_name="pdp")
    except BrokenPipeError:
        # Whoever read the output has seen enough, as with `| head`. Python would complain about
        # standard output once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        code = exit_code(error)
        if code is None:
            raise
        for line in _said(error).splitlines() or [type(error).__name__]:
            print(f"pdp: {line}", file=sys.stderr)
        sys.exit(code)


def build_app(wanted: str = "") -> typer.Typer:
    """The command line; only the command `wanted` is imported, of the others the name stands."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help="The policy decision point for AI agents' tool calls. "
        "`pdp COMMAND --help` says more about a command.",
    )
    app.callback()(_top)
    for name, (module, attribute, text) in COMMANDS.items():
        if name == wanted and module:
            found = getattr(import_module(module), attribute)
            if isinstance(found, typer.Typer):
                app.add_typer(found, name=name, help=text)
            else:
                app.command(name)(found)
        else:
            app.command(name, help=text)(_elsewhere)
    return app


def exit_code(error: Exception) -> int | None:
    """The exit code for an error that users can do something about; None for a fault of ours."""
    for name, code in ERRORS.items():
        module, _, kind = name.rpartition(".")
        # Where an error is at hand, the module that defines it is loaded.
        known = getattr(sys.modules.get(module), kind, None)
        if known is not None and isinstance(error, known):
            return code
    return None


def _said(error: Exception) -> str:
    """The error's text; an error of the system names the file first, without its number."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _wanted(arguments: Sequence[str]) -> str:
    """The first word of the arguments: the command, as no option of `pdp` itself takes a value."""
    return next((word for word in arguments if not word.startswith("-")), "")


def _version(asked: bool) -> None:
    if asked:
        print(f"pdp {version(DISTRIBUTION)}")
        raise typer.Exit


def _top(
    _asked: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_version),
    ] = False,
) -> None:
    """The options of `pdp` itself."""


def _elsewhere() -> None:
    """Stands for a command that is not the one being called."""
