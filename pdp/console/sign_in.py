"""Signing in and out. In development mode anybody says who they are, and the page says so loudly.

Another way to show who one is provides its own `PersonOf` and its own routes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pdp.console import render
from pdp.console.forms import BadForm, read_form
from pdp.console.parts import Parts, PersonOf, Visit
from pdp.console.sessions import LONGEST_SECONDS, Sessions
from pdp.domain.limits import InvalidInput
from pdp.domain.names import check_identity
from pdp.domain.values import Caller

#: Shorter than identities elsewhere: it has to fit a cookie.
NAME_BYTES: Final = 256
#: Names to pick from; any other can be typed.
NAMES: Final = ("alice", "bob", "carol")
_PATH_CHARS: Final = 512


def development_person(
    sessions: Sessions, cookie: str, person: Callable[[str], Caller]
) -> PersonOf:
    """Whoever the session says; `person` makes the caller of a name."""

    def person_of(request: Request) -> Caller | None:
        session = sessions.read(request.cookies.get(cookie))
        return person(session.person) if session is not None and session.person else None

    return person_of


def sign_in_routes(parts: Parts) -> list[Route]:
    """The sign-in of development mode."""

    async def show(request: Request) -> Response:
        return _form(parts, request, request.query_params.get("next", ""))

    async def sign_in(request: Request) -> Response:
        try:
            form = await read_form(request)
        except BadForm as fault:
            return _form(parts, request, "", str(fault), 400)
        name, path = form.text("name").strip(), form.text("next")
        before = parts.sessions.read(request.cookies.get(parts.cookie))
        if before is None or parts.sessions.token_age_us(before, form.text("token")) is None:
            return _form(
                parts, request, path, "The page was too old, or cookies are off. Try again.", 403
            )
        try:
            check_identity(name, "name", NAME_BYTES)
        except InvalidInput as fault:
            return _form(parts, request, path, f"This is no name: {fault}", 400)
        parts.sessions.end(before)
        response = RedirectResponse(local_path(path), 303)
        render.set_session(parts, response, parts.sessions.begin(name))
        return response

    return [
        Route("/sign-in", show, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
    ]


def _form(
    parts: Parts, request: Request, path: str, problem: str = "", status: int = 200
) -> Response:
    session = parts.sessions.read(request.cookies.get(parts.cookie)) or parts.sessions.begin()
    shown = render.render(
        parts,
        "sign_in.html",
        status,
        session=session,
        names=NAMES,
        next=local_path(path),
        problem=problem,
    )
    render.set_cookie(shown, parts.cookie, parts.sessions.cookie(session), LONGEST_SECONDS)
    return shown


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    visit.parts.sessions.end(visit.session)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(visit.parts.cookie, path="/")
    return response


def to_sign_in(parts: Parts, request: Request) -> Response:
    """What somebody sees who has not signed in.

    A strict cookie does not come with a link from another site, so whoever follows one is sent on
    once from this site before they are asked who they are.
    """
    path = local_path(str(request.url.path))
    if request.method == "GET" and render.is_navigation_from_elsewhere(request):
        return render.render(parts, "enter.html", path=path)
    return RedirectResponse("/sign-in?" + urlencode({"next": path}), 303)


def local_path(text: str) -> str:
    """`text` where it is a path of this console, else the queue: nobody is sent elsewhere."""
    is_path = text.startswith("/") and not text.startswith("//") and len(text) <= _PATH_CHARS
    plain = text.isascii() and text.isprintable() and not set(text) & set("\\\"'<>?#% ")
    return text if is_path and plain and not text.startswith("/sign-") else "/"
