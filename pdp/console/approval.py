"""The page of one approval: all that a person needs to answer it, and the forms to do so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import PlainTextResponse, Response

from pdp.approval_view import ApprovalView, approval_view
from pdp.console.forms import shown_for_edit
from pdp.console.json_text import exact
from pdp.console.parts import Behind, Visit
from pdp.console.problems import not_found
from pdp.console.render import page
from pdp.console.words import plain
from pdp.domain.approval import is_party, pinned
from pdp.domain.canonical import JsonValue, parse_arguments
from pdp.domain.catalogue import RESERVED_SERVER, Found, escape
from pdp.domain.limits import InvalidInput
from pdp.domain.records import ApprovalRecord
from pdp.domain.values import ApprovalState, Subject

#: A grant's default length in the form, where policy allows as long.
_MINUTES: Final = 30
#: A call of more arguments is granted at the command line: nobody fills in such a form.
_GRANT_ARGUMENTS: Final = 40
#: Nobody reads more rows; how many there are is said.
_SINKS: Final = 50
#: And its number of calls.
_USES: Final = 5
_MINUTE_US: Final = 60_000_000

#: How many of the next ones are looked through for one that this person can answer.
_NEXT: Final = 20


@dataclass(frozen=True, slots=True)
class GrantArgument:
    """An argument as the grant's form shows it. `free` where policy leaves it open as content."""

    name: str
    free: bool
    line: str
    is_text: bool
    is_list: bool


@dataclass(frozen=True, slots=True)
class GrantForm:
    """What can be given for several calls, with what stands in the form at first."""

    arguments: tuple[GrantArgument, ...]
    most_uses: int
    uses: int
    most_minutes: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Answering:
    """What this person can do now. `why_not` says why they cannot vote; empty where they can."""

    why_not: str
    grant: GrantForm | None
    take_back: str


def show_approval(visit: Visit) -> Response:
    """The page `/approvals/ID`."""
    behind, person = visit.behind, visit.caller.identity
    approval = behind.records.approval(visit.request.path_params["id"])
    if approval is None:
        return not_found(visit, "approval")
    view = approval_view(approval, behind.records, behind.catalogue(), behind.now_us())
    return page(
        visit,
        "approval.html",
        view=view,
        answering=answering_of(view, person, behind),
        later=next_open(approval.id, person, behind),
        most_sinks=_SINKS,
    )


def show_arguments(visit: Visit) -> Response:
    """All of a call's arguments as plain text, where they are too long for the page.

    Characters that do not show are marked: `[U+202E]`.
    """
    approval = visit.behind.records.approval(visit.request.path_params["id"])
    call = visit.request.query_params.get("call", "")
    if approval is None:
        return not_found(visit, "approval")
    raw = approval.canonical_arguments
    if call:
        index = int(call) if call.isascii() and call.isdigit() and len(call) < 4 else -1
        if not 0 <= index < len(approval.plan):
            return not_found(visit, "planned call")
        raw = approval.plan[index].canonical_arguments
    return PlainTextResponse(plain(exact(raw)))


def answering_of(view: ApprovalView, person: Subject, behind: Behind) -> Answering:
    """What `person` can do with an approval now; policy has the last word when they do it."""
    return Answering(
        why_not=_why_not(view, person),
        grant=_grant_form(view.approval, behind),
        take_back=_TAKE_BACK.get(view.state, ""),
    )


_TAKE_BACK: Final = {
    ApprovalState.PENDING: "Withdraw the question",
    ApprovalState.APPROVED: "Take the yes back",
    ApprovalState.DENIED: "Take the no back",
}


def _why_not(view: ApprovalView, person: Subject) -> str:
    if view.state is not ApprovalState.PENDING:
        return "It takes no more votes."
    if is_party(person, view.approval):
        return "The call is made for you, or by you: another person has to answer."
    if any(vote.voter == person for vote in view.approval.votes):
        return "You have voted already; another person has to."
    return ""


def _grant_form(approval: ApprovalRecord, behind: Behind) -> GrantForm | None:
    """The form for several calls; None where policy wants each answered for itself."""
    entry = behind.catalogue().find(approval.server, approval.tool)
    if approval.max_uses <= 1 or approval.server == RESERVED_SERVER or not isinstance(entry, Found):
        return None
    try:
        arguments = parse_arguments(approval.canonical_arguments, "arguments")
    except InvalidInput:
        return None
    if len(arguments) > _GRANT_ARGUMENTS:
        return None
    fixed = {one.path for one in pinned(entry.tool, arguments, ())}
    most_minutes = max(1, approval.max_ttl_us // _MINUTE_US)
    return GrantForm(
        arguments=tuple(
            _argument(name, value, f"/{escape(name)}" not in fixed)
            for name, value in arguments.items()
        ),
        most_uses=approval.max_uses,
        uses=min(_USES, approval.max_uses),
        most_minutes=most_minutes,
        minutes=min(_MINUTES, most_minutes),
    )


def _argument(name: str, value: JsonValue, free: bool) -> GrantArgument:
    return GrantArgument(
        name=name,
        free=free,
        line=shown_for_edit(value),
        is_text=isinstance(value, str),
        is_list=isinstance(value, list),
    )


def next_open(approval_id: str, person: Subject, behind: Behind) -> str:
    """The next open approval that `person` can answer: an older one, else the newest; or none.

    Raises:
        StoreError: they cannot be read.
    """
    for before in (approval_id, ""):
        found = behind.records.list_approvals(
            before=before, limit=_NEXT, open_at_us=behind.now_us()
        )
        for one in found:
            own = is_party(person, one) or any(vote.voter == person for vote in one.votes)
            if one.id != approval_id and not own:
                return one.id
    return ""
