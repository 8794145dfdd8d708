"""Templates into responses: everything escaped, the session's cookie renewed, notices shown once.

There is no way around escaping: autoescape is on for every template, and none of them uses `safe`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pdp.console import json_text, words
from pdp.console.parts import Parts, Visit
from pdp.console.sessions import LONGEST_SECONDS, Session
from pdp.console.timeline import timeline
from pdp.domain.approval import grant_is_live, state_at

FOLDER: Final = Path(__file__).parent
_NOTICE: Final = "_notice"
#: A notice is for the page that comes next.
_NOTICE_SECONDS: Final = 60
_NOTICE_CHARS: Final = 600


def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "ago": words.ago,
        "approval_state": state_at,
        "clipped": words.clipped,
        "code": words.code,
        "exact": json_text.exact,
        "grant_live": grant_is_live,
        "indented": json_text.indented,
        "left": words.left,
        "machine_moment": words.machine_moment,
        "moment": words.moment,
        "origin": words.origin,
        "outcome": words.outcome,
        "phase": words.phase,
        "plain": words.plain,
        "state": words.state,
        "timeline": timeline,
        "task_state": words.task_state,
        "unusual_letters": words.unusual_letters,
        "visible": words.visible,
        "votes": words.votes,
        "who": words.who,
    }
    made.globals |= {"clipped_chars": words.CLIPPED_CHARS, "block_chars": words.BLOCK_CHARS}
    return made


_TEMPLATES: Final = _templates()


def page(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    """A page for somebody who has signed in."""
    notice = visit.request.cookies.get(visit.parts.cookie + _NOTICE)
    text = visit.parts.sessions.unseal(visit.session, notice)
    shown = render(
        visit.parts,
        template,
        status,
        session=visit.session,
        person=visit.caller.identity,
        notice=text,
        **values,
    )
    if notice is not None:
        shown.delete_cookie(visit.parts.cookie + _NOTICE, path="/")
    return _renewed(visit, shown)


def render(
    parts: Parts, template: str, status: int = 200, *, session: Session | None = None, **values: Any
) -> Response:
    """A page for anybody; `values` win over what every page has."""
    given: Mapping[str, Any] = {
        "development": parts.development,
        "now_us": parts.behind.now_us(),
        "token": parts.sessions.token(session) if session else "",
        "person": None,
        "notice": "",
        **values,
    }
    return HTMLResponse(_TEMPLATES.get_template(template).render(given), status)


def redirect(visit: Visit, path: str, notice: str = "") -> Response:
    """Go on to another page of the console, which shows `notice` once."""
    response = RedirectResponse(path, 303)
    if notice:
        sealed = visit.parts.sessions.seal(visit.session, notice[:_NOTICE_CHARS])
        set_cookie(response, visit.parts.cookie + _NOTICE, sealed, _NOTICE_SECONDS)
    return _renewed(visit, response)


def set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    """Set a cookie of the console's own kind.

    Without `Secure`: in development mode there is no TLS, and loopback only.
    """
    response.set_cookie(
        name, value, max_age=seconds, path="/", httponly=True, samesite="strict", secure=False
    )


def set_session(parts: Parts, response: Response, session: Session) -> None:
    """Have the browser keep a session."""
    set_cookie(response, parts.cookie, parts.sessions.cookie(session), LONGEST_SECONDS)


def _renewed(visit: Visit, response: Response) -> Response:
    session = visit.parts.sessions.renewed(visit.session)
    if session is not None:
        set_session(visit.parts, response, session)
    return response


def is_navigation_from_elsewhere(request: Request) -> bool:
    """Whether a link of another site led here: then a strict cookie is not sent along."""
    return request.headers.get("sec-fetch-site") in ("cross-site", "same-site")
