"""The cookies of a log-in: the session's token, and the mark of a browser in which somebody logged in before."""

import secrets

from starlette.requests import Request
from starlette.responses import Response

from hotline.organisation.dependencies import set_session_cookie
from hotline.organisation.service.accounts import SESSION_COOKIE, session_hash
from hotline.organisation.service.logging_in import DEVICE_COOKIE, KNOWN_PLACE_TTL
from hotline.organisation.service.sessions import LogInOrigin
from hotline.tickets.context import Services
from hotline.web.forwarded import client_address


def device_of(request: Request) -> str:
    """The browser's mark, or a new one."""
    return request.cookies.get(DEVICE_COOKIE, "")[:100] or secrets.token_urlsafe(32)


def origin_of(request: Request) -> LogInOrigin:
    return LogInOrigin(client_address(request), request.headers.get("user-agent", ""), present_session(request))


def present_session(request: Request) -> str | None:
    """The session that the browser has now, by the hash of its token: a new log-in takes its place."""
    return session_hash(request.app.state.services, request.cookies.get(SESSION_COOKIE))


def keep_session(request: Request, answer: Response, token: str, device: str | None = None) -> Response:
    """The answer, with the cookies of a log-in: HttpOnly and SameSite=Strict. The session's goes with the browser, the
    mark of the browser stays."""
    services: Services = request.app.state.services
    secure = services.public_url.startswith("https://")
    set_session_cookie(answer, services, token)
    kept, mark = int(KNOWN_PLACE_TTL.total_seconds()), device or device_of(request)
    answer.set_cookie(DEVICE_COOKIE, mark, max_age=kept, path="/", secure=secure, httponly=True, samesite="strict")
    return answer


def forget_session(request: Request, answer: Response) -> Response:
    """The answer, with which the browser drops the session's cookie and what it keeps of pages. What is in its storage
    is sealed, and is left to whoever typed it."""
    services: Services = request.app.state.services
    secure = services.public_url.startswith("https://")
    answer.delete_cookie(SESSION_COOKIE, path="/", secure=secure, httponly=True, samesite="strict")
    answer.headers["clear-site-data"] = '"cache"'
    return answer
