"""What people do: vote, give a grant, take back, revoke. Each is a call through the pipeline."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.responses import Response

from pdp.approval_view import sentence_of
from pdp.console.approval import next_open
from pdp.console.forms import BadForm, Form, read_form, reason_of, terms_of
from pdp.console.parts import Visit
from pdp.console.problems import not_found, problem, problem_of, said
from pdp.console.queue import PAGE, grouped
from pdp.console.render import page, redirect
from pdp.domain.answer import Result
from pdp.domain.canonical import parse_arguments
from pdp.domain.records import ApprovalRecord
from pdp.domain.request import (
    Ask,
    Call,
    CancelApproval,
    DecideApproval,
    RevokeGrant,
    RevokeTask,
)
from pdp.domain.values import ApprovalState

#: Nobody reads a page in less; the second click of a double click does not answer the next one.
READING_US: Final = 700_000

_SECOND_US: Final = 1_000_000


async def decide(visit: Visit, form: Form) -> Response:
    """Vote on one approval."""
    approval_id = visit.request.path_params["id"]
    back = f"/approvals/{approval_id}"
    too_fast = _too_fast(visit, form, back)
    if too_fast is not None:
        return too_fast
    before = await asyncio.to_thread(visit.behind.records.approval, approval_id)
    if before is None:
        return not_found(visit, "approval")
    result = await _submit(visit, "DecideApproval", _vote(form, before))
    refused = problem_of(visit, result, back=back, back_text="See where it stands")
    if refused is not None:
        return refused
    return await asyncio.to_thread(_to_next, visit, before)


def _vote(form: Form, approval: ApprovalRecord) -> DecideApproval:
    """The vote that a form is.

    Raises:
        BadForm: it is none.
    """
    verdict, reason = form.text("verdict"), reason_of(form)
    if verdict not in ("approve", "deny", "grant"):
        raise BadForm("Say approve, deny or grant.")
    if verdict != "grant":
        return DecideApproval(approval.id, verdict == "approve", reason)
    arguments = parse_arguments(approval.canonical_arguments, "arguments")
    return DecideApproval(approval.id, True, reason, terms_of(form, arguments))


def _to_next(visit: Visit, before: ApprovalRecord) -> Response:
    after = visit.behind.records.approval(before.id) or before
    what = sentence_of(before, visit.behind.catalogue())
    yes = len(after.votes)
    match after.state:
        case ApprovalState.DENIED:
            notice = f"Denied: {what}"
        case ApprovalState.PENDING:
            notice = f"Your yes is counted, {yes} of {after.votes_needed} votes: {what}"
        case _:
            notice = f"Approved: {what}"
    later = next_open(before.id, visit.caller.identity, visit.behind)
    return redirect(visit, f"/approvals/{later}" if later else "/", notice)


async def take_back(visit: Visit, form: Form) -> Response:
    """Withdraw a question, or take an answer back."""
    del form
    approval_id = visit.request.path_params["id"]
    result = await _submit(visit, "CancelApproval", CancelApproval(approval_id))
    back = f"/approvals/{approval_id}"
    refused = problem_of(visit, result, back=back, back_text="See where it stands")
    return refused or redirect(
        visit, back, "Taken back. If the agent asks again, it is asked anew."
    )


async def choose(visit: Visit, form: Form) -> Response:
    """Show what was ticked in the queue, to be answered together; nothing is decided yet."""
    verdict = _bulk_verdict(form)
    chosen = await asyncio.to_thread(_read_chosen, visit, _ids(form))
    if not chosen:
        raise BadForm("None of what was ticked is there. Open the queue again.")
    return await asyncio.to_thread(_show_chosen, visit, chosen, verdict)


async def decide_chosen(visit: Visit, form: Form) -> Response:
    """Vote the same on several approvals, each with a call of its own."""
    too_fast = _too_fast(visit, form, "/")
    if too_fast is not None:
        return too_fast
    approve, reason, ids = _bulk_verdict(form) == "approve", reason_of(form), _ids(form)
    results = await asyncio.gather(
        *(_submit(visit, "DecideApproval", DecideApproval(one, approve, reason)) for one in ids)
    )
    failed = [(one, said(result)) for one, result in zip(ids, results, strict=True) if said(result)]
    done = f"{'Approved' if approve else 'Denied'}: {len(ids) - len(failed)} of {len(ids)}."
    if not failed:
        return redirect(visit, "/", done)
    return page(visit, "chosen.html", 409, done=done, failed=failed)


def _show_chosen(visit: Visit, chosen: list[ApprovalRecord], verdict: str) -> Response:
    groups = grouped(chosen, visit.behind)
    return page(visit, "choose.html", groups=groups, count=len(chosen), verdict=verdict)


def _read_chosen(visit: Visit, ids: list[str]) -> list[ApprovalRecord]:
    found = (visit.behind.records.approval(one) for one in ids)
    return [one for one in found if one is not None]


def _bulk_verdict(form: Form) -> str:
    verdict = form.text("verdict")
    if verdict not in ("approve", "deny"):
        raise BadForm("Say approve or deny.")
    return verdict


def _ids(form: Form) -> list[str]:
    """The approvals that were ticked; one box may stand for several."""
    ids = [one for field in form.all("ids") for one in field.split(",") if one]
    unique = list(dict.fromkeys(ids))
    if not unique:
        raise BadForm("Nothing was chosen: tick what you want to answer first.")
    if len(unique) > PAGE:
        raise BadForm(f"At most {PAGE} can be answered at once.")
    return unique


async def revoke_grant(visit: Visit, form: Form) -> Response:
    """End a grant before its time."""
    ask = RevokeGrant(visit.request.path_params["id"], reason_of(form))
    result = await _submit(visit, "Revoke", ask)
    refused = problem_of(visit, result, back="/grants", back_text="To the grants")
    return refused or redirect(visit, "/grants", "Revoked: nothing can use that grant any more.")


async def revoke_task(visit: Visit, form: Form) -> Response:
    """End a task for good."""
    task_id = visit.request.path_params["id"]
    result = await _submit(visit, "Revoke", RevokeTask(task_id, reason_of(form)))
    back = f"/tasks/{task_id}"
    refused = problem_of(visit, result, back=back, back_text="To the task")
    return refused or redirect(visit, back, "Revoked: nothing can be done in its name any more.")


async def _submit(visit: Visit, rpc: str, ask: Ask) -> Result:
    return await visit.behind.submit(Call(caller=visit.caller, rpc=rpc, ask=ask))


def _too_fast(visit: Visit, form: Form, back: str) -> Response | None:
    age_us = visit.parts.sessions.token_age_us(visit.session, form.text("token")) or 0
    if age_us >= READING_US:
        return None
    text = (
        f"Your answer came {age_us / _SECOND_US:.1f} s after the page: that looks like the second "
        "click of a double click, so it was not counted. Read the page and answer again."
    )
    return problem(visit, 409, "Not counted", text, back=back, back_text="Back to the page")


async def posted(visit: Visit) -> Form:
    """The form of a POST, where it comes from a page of this session.

    Raises:
        BadForm: it does not, or cannot be read.
    """
    form = await read_form(visit.request)
    if visit.parts.sessions.token_age_us(visit.session, form.text("token")) is None:
        raise BadForm("The form is not from a page of this session. Open the page and try again.")
    return form
