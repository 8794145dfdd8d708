"""What people see instead of the page they wanted: what happened, and what to do now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from pdp.console.parts import Visit
from pdp.console.render import page
from pdp.domain.answer import Answer, Refusal, RefusalKind, Result
from pdp.domain.values import Decision, Reason

_STATUS: Final = {
    RefusalKind.INVALID_ARGUMENT: 400,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.ALREADY_EXISTS: 409,
    RefusalKind.FAILED_PRECONDITION: 409,
    RefusalKind.PERMISSION_DENIED: 403,
    RefusalKind.UNAUTHENTICATED: 403,
    RefusalKind.RESOURCE_EXHAUSTED: 503,
    RefusalKind.UNAVAILABLE: 503,
    RefusalKind.DEADLINE_EXCEEDED: 503,
    RefusalKind.INTERNAL: 500,
}


def problem(
    visit: Visit,
    status: int,
    title: str,
    text: str,
    *,
    reasons: Sequence[Reason] = (),
    back: str = "/",
    back_text: str = "To the queue",
) -> Response:
    """A page that says what went wrong."""
    return page(
        visit,
        "problem.html",
        status,
        title=title,
        text=text,
        reasons=reasons,
        back=back,
        back_text=back_text,
    )


def not_found(visit: Visit, what: str) -> Response:
    """There is no such thing."""
    text = f"There is no {what} of this id. Check the address."
    return problem(visit, 404, f"No such {what}", text)


def problem_of(
    visit: Visit, result: Result, *, back: str = "/", back_text: str = "To the queue"
) -> Response | None:
    """The page for a result that is no allow; None for one that is."""
    if isinstance(result, Refusal):
        # What else cannot be done, such as a grant beyond the bounds, was so before.
        gone = (result.kind, result.field) == (RefusalKind.FAILED_PRECONDITION, "approval_id")
        title = "Meanwhile, this has changed" if gone else "This was not done"
        text = _sentence(result.message)
        status = _STATUS[result.kind]
        return problem(visit, status, title, text, back=back, back_text=back_text)
    if isinstance(result, Answer) and result.decision is not Decision.ALLOW:
        return problem(
            visit,
            403,
            "Policy does not allow this",
            "What you asked for was not done, and that is in the log. The reasons:",
            reasons=result.reasons,
            back=back,
            back_text=back_text,
        )
    return None


def said(result: Result) -> str:
    """Why a result is no allow, in one line; empty for one that is."""
    if isinstance(result, Refusal):
        return result.message
    if isinstance(result, Answer) and result.decision is not Decision.ALLOW:
        return "; ".join(one.message or one.code for one in result.reasons)
    return ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
