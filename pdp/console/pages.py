"""The console as an ASGI application: which page answers which address, and for whom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pdp.console import answers, approval, queue, tasks
from pdp.console.forms import BadForm, Form
from pdp.console.guard import Guard
from pdp.console.parts import Act, Behind, Page, Parts, Visit
from pdp.console.problems import problem
from pdp.console.render import FOLDER
from pdp.console.sessions import Sessions
from pdp.console.sign_in import development_person, sign_in_routes, sign_out, to_sign_in
from pdp.domain.values import Caller
from pdp.ports import StoreError

_STATIC: Final = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

#: Goals, names and calls of other people's work are not for everyone who can sign in.
READERS: Final = frozenset({"approver", "auditor", "admin"})

_log = structlog.get_logger()


def console_app(parts: Parts, hosts: Collection[str]) -> Guard:
    """The console, answering to the names in `hosts` (`127.0.0.1:8080`) only."""
    app = Starlette(
        routes=[
            *_static_routes(),
            *sign_in_routes(parts),
            Route("/", _shown(parts, queue.show_queue), methods=["GET"]),
            Route("/pulse", _pulse(parts), methods=["GET"]),
            Route("/choose", _done(parts, answers.choose), methods=["POST"]),
            Route("/choose/decide", _done(parts, answers.decide_chosen), methods=["POST"]),
            Route("/approvals/{id}", _shown(parts, approval.show_approval), methods=["GET"]),
            Route("/approvals/{id}/arguments", _shown(parts, approval.show_arguments)),
            Route("/approvals/{id}/decide", _done(parts, answers.decide), methods=["POST"]),
            Route("/approvals/{id}/take-back", _done(parts, answers.take_back), methods=["POST"]),
            Route("/tasks", _shown(parts, tasks.show_tasks), methods=["GET"]),
            Route("/tasks/{id}", _shown(parts, tasks.show_task), methods=["GET"]),
            Route("/tasks/{id}/revoke", _shown(parts, tasks.confirm_revoke_task), methods=["GET"]),
            Route("/tasks/{id}/revoke", _done(parts, answers.revoke_task), methods=["POST"]),
            Route("/grants", _shown(parts, tasks.show_grants), methods=["GET"]),
            Route(
                "/grants/{id}/revoke", _shown(parts, tasks.confirm_revoke_grant), methods=["GET"]
            ),
            Route("/grants/{id}/revoke", _done(parts, answers.revoke_grant), methods=["POST"]),
            Route("/sign-out", _done(parts, _sign_out), methods=["POST"]),
            Route("/{path:path}", _shown(parts, _nothing), methods=["GET", "POST"]),
        ],
    )
    return Guard(app, hosts)


def development_console(
    behind: Behind, hosts: Collection[str], port: int, person: Callable[[str], Caller]
) -> Guard:
    """The console of development mode; `person` makes the caller of a name that somebody says."""
    sessions, cookie = Sessions(behind.now_us), f"pdp_console_{port}"
    person_of = development_person(sessions, cookie, person)
    return console_app(Parts(behind, sessions, person_of, cookie, development=True), hosts)


def _static_routes() -> list[Route]:
    return [Route(f"/static/{name}", _file(name), methods=["GET"]) for name in _STATIC]


def _file(name: str) -> Callable[[Request], Awaitable[Response]]:
    content = (FOLDER / "static" / name).read_bytes()

    async def send(_request: Request) -> Response:
        return Response(content, media_type=_STATIC[name])

    return send


def _visit(parts: Parts, request: Request) -> Visit | None:
    """The visit, where somebody has signed in."""
    session = parts.sessions.read(request.cookies.get(parts.cookie))
    caller = parts.person_of(request)
    if session is None or caller is None:
        return None
    return Visit(parts, request, caller, session)


def _shown(parts: Parts, shown: Page) -> Callable[[Request], Awaitable[Response]]:
    """A page for those who have signed in."""
    return _for_people(parts, lambda visit: asyncio.to_thread(shown, visit))


def _done(parts: Parts, act: Act) -> Callable[[Request], Awaitable[Response]]:
    """What those who have signed in do by a form of their own session's pages."""

    async def answer(visit: Visit) -> Response:
        return await act(visit, await answers.posted(visit))

    return _for_people(parts, answer)


def _for_people(
    parts: Parts, answer: Callable[[Visit], Awaitable[Response]]
) -> Callable[[Request], Awaitable[Response]]:
    async def respond(request: Request) -> Response:
        visit = _visit(parts, request)
        if visit is None:
            return to_sign_in(parts, request)
        if not visit.caller.roles & READERS:
            text = "Your roles do not let you see approvals. Ask whoever runs this service."
            return problem(visit, 403, "Not for you", text)
        return await _caught(visit, answer(visit))

    return respond


def _pulse(parts: Parts) -> Callable[[Request], Awaitable[Response]]:
    """The pulse asks by itself: it keeps nobody signed in, and sends nobody to the sign-in."""

    async def answer(request: Request) -> Response:
        visit = _visit(parts, request)
        if visit is None or not visit.caller.roles & READERS:
            return Response(status_code=403)
        try:
            return await asyncio.to_thread(queue.pulse, visit)
        except StoreError:
            return Response(status_code=503)

    return answer


async def _caught(visit: Visit, answer: Awaitable[Response]) -> Response:
    """The answer, or a page that says what went wrong; what is internal goes to the log only."""
    try:
        return await answer
    except BadForm as fault:
        back = visit.request.url.path if visit.request.method == "GET" else "/"
        return problem(visit, 400, "This was not done", str(fault), back=back)
    except StoreError as fault:
        _log.error("console cannot read", error=str(fault))
        text = "The records cannot be read just now. Nothing was changed. Try again in a moment."
        return problem(visit, 503, "Not available", text)
    except Exception:
        _log.exception("console page failed", path=visit.request.url.path)
        text = "Something here went wrong, and is in the service's log. See where it stands."
        return problem(visit, 500, "This page failed", text)


async def _sign_out(visit: Visit, form: Form) -> Response:
    del form
    return await sign_out(visit)


def _nothing(visit: Visit) -> Response:
    return problem(visit, 404, "No such page", "There is no page at this address.")
