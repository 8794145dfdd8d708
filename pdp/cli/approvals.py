"""`pdp approvals`: people read and answer escalated calls, over gRPC."""

from __future__ import annotations

import getpass
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pdp.cli import approval_text as text
from pdp.cli.main import FAILED, UsageError
from pdp.cli.terminal import moment, plain, print_table

if TYPE_CHECKING:
    from pdp.client import (
        Approval,
        ApprovalFailed,
        AuthorizationClient,
        Constraint,
        GrantTerms,
    )

approvals_app = typer.Typer(
    no_args_is_help=True, help="Answer escalated calls, at a service that runs."
)

#: A person waits no longer for one answer.
_TIMEOUT_SECONDS: Final = 5.0
#: More than anybody reads; a grant lives for hours, so those that matter are among the newest.
_LOOKED_AT: Final = 5000
_SHOWN: Final = 100
_DURATION: Final = re.compile(r"([0-9]{1,6})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

AddressOption = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="ADDRESS",
        help="Where the service is: unix:PATH or HOST:PORT. [default: unix:DATA/pdp.sock]",
    ),
]
DataOption = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", envvar="PDP_DATA", help="The service's data folder."),
]
AsOption = Annotated[
    str | None,
    typer.Option(
        "--as",
        metavar="NAME",
        help="Who you are, for a service in development mode. [default: your login name]",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
Ids = Annotated[list[str], typer.Argument(metavar="ID...")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why, in words; it is recorded.")]

_DATA: Final = Path("pdp-data")


@approvals_app.command("list")
def list_approvals(
    address: AddressOption = None,
    data: DataOption = _DATA,
    name: AsOption = None,
    as_json: JsonOption = False,
    all_states: Annotated[
        bool, typer.Option("--all", help="Those that are answered or over, too.")
    ] = False,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many at most, the newest.")
    ] = _SHOWN,
) -> None:
    """List approvals, newest first: those that wait for an answer, or --all."""
    with _connected(address, data, name) as client:
        found = list(islice(client.approvals.list(open_only=not all_states), limit))
    if as_json:
        print(json.dumps({"approvals": [text.approval_json(one) for one in found]}, indent=2))
        return
    if not found:
        print("no approvals" if all_states else "no approvals are open; --all shows the others")
        return
    print_table(
        ("id", "state", "votes", "call", "principal", "reasons", "ends"),
        (
            (
                one.id,
                text.state_word(one),
                text.votes_of(one).removesuffix(" votes"),
                f"{one.server}/{one.tool}",
                one.on_behalf_of.id,
                ", ".join(dict.fromkeys(reason.code for reason in one.reasons)),
                moment(one.expires_at_us),
            )
            for one in found
        ),
    )


@approvals_app.command("show")
def show(
    ids: Ids,
    address: AddressOption = None,
    data: DataOption = _DATA,
    name: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show all that there is to know before answering: the call, where values came from, why."""
    width = max(80, shutil.get_terminal_size((80, 24)).columns)
    shown: list[Approval] = []
    with _connected(address, data, name) as client:
        failed = _each(ids, lambda one: shown.append(client.approvals.get(one)))
    if as_json:
        documents = [text.approval_json(one) for one in shown]
        if documents:
            print(json.dumps(documents[0] if len(ids) == 1 else documents, indent=2))
    else:
        for number, one in enumerate(shown):
            print("\n" * (number > 0) + "\n".join(text.lines_of(one, width)))
    _exit(failed)


@approvals_app.command("approve")
def approve(
    ids: Ids,
    address: AddressOption = None,
    data: DataOption = _DATA,
    name: AsOption = None,
    reason: ReasonOption = "",
    uses: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Grant so many calls instead of this one."),
    ] = None,
    time_span: Annotated[
        str, typer.Option("--for", metavar="TIME", help="Grant calls for 90s, 30m, 8h or 1d.")
    ] = "",
    constrain: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=VALUE",
            help="A value that this argument may have in granted calls, such as "
            "/recipients/0=bob@example.com; repeatable.",
        ),
    ] = None,
    constrain_pattern: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH=GLOB", help="What it may look like, such as /path=/reports/*; repeatable."
        ),
    ] = None,
) -> None:
    """Say yes: to this very call once, or with one of the options below to several like it."""
    terms = _terms(uses or 0, time_span, constrain or (), constrain_pattern or ())
    with _connected(address, data, name) as client:

        def answer(one: str) -> None:
            found = client.approvals.approve(one, reason=reason, grant=terms)
            _say(found)
            if terms is not None and found.is_usable:
                _say_grant(client, one)

        _exit(_each(ids, answer))


@approvals_app.command("deny")
def deny(
    ids: Ids,
    address: AddressOption = None,
    data: DataOption = _DATA,
    name: AsOption = None,
    reason: ReasonOption = "",
) -> None:
    """Say no. It stays so for the same task, tool and sinks until somebody cancels it."""
    with _connected(address, data, name) as client:
        _exit(_each(ids, lambda one: _say(client.approvals.deny(one, reason=reason))))


@approvals_app.command("cancel")
def cancel(
    ids: Ids, address: AddressOption = None, data: DataOption = _DATA, name: AsOption = None
) -> None:
    """Take back what stands: a question, a yes that is not used yet, or a no."""
    with _connected(address, data, name) as client:
        _exit(_each(ids, lambda one: _say(client.approvals.cancel(one))))


@approvals_app.command("watch")
def watch(
    address: AddressOption = None,
    data: DataOption = _DATA,
    name: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a line for each open approval, then for each change, until Ctrl-C."""
    with _connected(address, data, name) as client:
        next(client.approvals.list(), None)  # Whether anybody answers there, said at once.
        for found in client.approvals.watch():
            line = json.dumps(text.approval_json(found)) if as_json else text.line_of(found)
            print(line, flush=True)


@approvals_app.command("grants")
def grants(
    address: AddressOption = None,
    data: DataOption = _DATA,
    name: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """List grants that can still be used, newest first."""
    with _connected(address, data, name) as client:
        found = list(islice(client.approvals.grants(), _LOOKED_AT))
    if as_json:
        print(json.dumps({"grants": [text.grant_json(one) for one in found]}, indent=2))
        return
    if not found:
        print("no grants can be used")
        return
    print_table(
        ("id", "task", "call", "uses", "ends", "with"),
        (
            (
                one.id,
                one.task_id,
                f"{one.server}/{one.tool}",
                f"{one.uses} of {one.max_uses}",
                moment(one.expires_at_us),
                ", ".join(map(_constraint_words, one.constraints)),
            )
            for one in found
        ),
    )


@approvals_app.command("revoke-grant")
def revoke_grant(
    ids: Ids,
    address: AddressOption = None,
    data: DataOption = _DATA,
    name: AsOption = None,
    reason: ReasonOption = "",
) -> None:
    """End a grant before its time."""
    with _connected(address, data, name) as client:

        def end(one: str) -> None:
            client.revoke(grant_id=one, reason=reason)
            print(f"{plain(one)}: revoked")

        _exit(_each(ids, end))


@contextmanager
def _connected(address: str | None, data: Path, name: str | None) -> Iterator[AuthorizationClient]:
    """A client of the service, for this person; what it cannot be told is a mistake in the call."""
    from pdp.client import ApprovalFailed, AuthorizationClient

    where = address or f"unix:{data}/pdp.sock"
    try:
        person = _login_name() if name is None else name
        client = AuthorizationClient(where, person=person, timeout=_TIMEOUT_SECONDS)
    except ValueError as fault:
        raise UsageError(plain(str(fault))) from None
    with client:
        try:
            if where.startswith("unix:") and not Path(where.removeprefix("unix:")).exists():
                # No need to try until the time is over.
                raise ApprovalFailed("unavailable", "", {})
            yield client
        except ApprovalFailed as fault:
            raise ApprovalFailed(fault.code, _said(fault, where), fault.metadata) from None


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        # As in some containers. To read, nobody in particular is enough.
        return ""


def _each(ids: Sequence[str], act: Callable[[str], None]) -> bool:
    """Do it for each id, whatever becomes of the others; whether one of them failed."""
    from pdp.client import ApprovalFailed, NotAllowed

    failed = False
    for one in dict.fromkeys(ids):
        try:
            act(one)
        except ApprovalFailed as fault:
            if fault.code == "unavailable":
                raise  # It would be so for the others, too.
            problem = _problem(fault)
        except NotAllowed as fault:
            problem = "; ".join(
                f"{reason.message}. {reason.remediation}" if reason.remediation else reason.message
                for reason in fault.verdict.reasons
            )
        else:
            continue
        failed = True
        named = f"{plain(one)}: " if one else ""
        print(f"pdp: {named}{plain(problem)}", file=sys.stderr)
    return failed


def _exit(failed: bool) -> None:
    if failed:
        raise typer.Exit(FAILED)


def _said(fault: ApprovalFailed, where: str) -> str:
    if fault.code == "unavailable":
        return (
            f"no service answers at {plain(where)}: start one with `pdp serve`, or say with "
            "--address where it is"
        )
    return plain(_problem(fault))


def _problem(fault: ApprovalFailed) -> str:
    if fault.code == "unauthenticated":
        return f"{fault}; say who you are with --as NAME"
    return str(fault)


def _say(approval: Approval) -> None:
    votes = f", {text.votes_of(approval)}" if approval.is_open else ""
    call = f"{approval.server}/{approval.tool}"
    print(plain(f"{approval.id}: {text.state_word(approval)}{votes} ({call})"))


def _say_grant(client: AuthorizationClient, approval_id: str) -> None:
    for grant in islice(client.approvals.grants(), _SHOWN):
        if grant.approval_id == approval_id:
            until = moment(grant.expires_at_us)
            print(plain(f"{grant.id}: grants {grant.max_uses} calls until {until}"))


def _constraint_words(constraint: Constraint) -> str:
    either = [json.dumps(one, ensure_ascii=False) for one in constraint.values]
    either += [f"like {pattern}" for pattern in constraint.patterns]
    return f"{constraint.path} {' or '.join(either) or 'nothing'}"


def _terms(
    uses: int, time_span: str, values: Sequence[str], patterns: Sequence[str]
) -> GrantTerms | None:
    """The grant that the options describe; None where there are none.

    Raises:
        UsageError: an option says nothing that can be granted.
    """
    from pdp.client import Constraint, GrantTerms

    if not (uses or time_span or values or patterns):
        return None
    found: dict[str, tuple[list[str], list[str]]] = {}
    for flag, given, place in (
        ("--constrain", values, 0),
        ("--constrain-pattern", patterns, 1),
    ):
        for one in given:
            path, equals, wanted = one.partition("=")
            if not equals or not path.startswith("/"):
                raise UsageError(
                    f"{flag} {plain(one)}: write PATH=VALUE with a JSON Pointer as PATH, "
                    "such as /recipients/0=bob@example.com"
                )
            found.setdefault(path, ([], []))[place].append(wanted)
    return GrantTerms(
        uses,
        _seconds(time_span) if time_span else 0,
        tuple(Constraint(path, tuple(v), tuple(p)) for path, (v, p) in found.items()),
    )


def _seconds(time_span: str) -> int:
    match = _DURATION.fullmatch(time_span)
    if match is None or not int(match[1]):
        raise UsageError(f"--for {plain(time_span)}: write a time such as 90s, 30m, 8h or 1d")
    return int(match[1]) * _SECONDS[match[2]]
