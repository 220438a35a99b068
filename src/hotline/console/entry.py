"""The ways in beside the password: the second step's page, passkeys, and identity providers."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hotline.console.rendering import render_page, request_language
from hotline.console.session_cookies import keep_session, origin_of, present_session
from hotline.oidc import service as oidc
from hotline.oidc.providers import Providers
from hotline.organisation.dependencies import is_same_origin
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.schemas.second_factors import CeremonyOut, PasskeyLogIn
from hotline.organisation.service.passkeys import log_in_options, relying_party
from hotline.organisation.service.second_step import log_in_by_passkey
from hotline.refusals import Code, Refused
from hotline.replies import reply_type
from hotline.tickets.context import Services
from hotline.web.problems import STATUS
from hotline.web.responses import json_reply

OIDC_COOKIE = "hotline_oidc"  # on the way to an identity provider and back
OIDC_PATH = "/console/oidc"
MOST_BODY = 64 * 1024  # bytes of a passkey's answer, or of a logout token


@reply_type()
class RefusedSession:
    """Why nobody was signed in; the page says it in its own language."""

    code: Code


@reply_type()
class SessionEnd:
    expires_at: datetime
    stage: SessionStage


@reply_type()
class ProviderAddress:
    """Where the browser goes on at the identity provider: to log in there, or to end its session there, too."""

    location: str


def entry_routes() -> list[Route]:
    return [
        Route("/console/login", _login_page, name="console login"),
        Route("/console/password", _password_page, name="console password"),
        Route("/console/factor", _factor_page, name="console factor"),
        Route("/console/session/passkey/options", _passkey_options, methods=["POST"], name="console passkey options"),
        Route("/console/session/passkey", _passkey_session, methods=["POST"], name="console passkey"),
        Route(f"{OIDC_PATH}/{{provider}}", _begin_at_provider, methods=["POST"], name="console oidc"),
        Route(f"{OIDC_PATH}/{{provider}}/callback", _callback, name="console oidc callback"),
        Route(f"{OIDC_PATH}/{{provider}}/logout", _end_from_provider, methods=["POST"], name="console oidc logout"),
    ]


def refused_session(refused: Refused) -> Response:
    answer = json_reply(RefusedSession(refused.refusal.code), STATUS[refused.refusal.code])
    if refused.refusal.retry_after is not None:
        answer.headers["retry-after"] = str(refused.refusal.retry_after)
    return answer


async def _password_page(request: Request) -> Response:
    """Also for a log-in that is not whole before the first password is replaced."""
    return render_page(request, "password.html", request_language(request), name="password")


async def _login_page(request: Request) -> Response:
    services: Services = request.app.state.services
    try:
        providers = [p.provider for p in await services.part(Providers).all(services) if p.provider.active]
    except Refused:  # the database is away: the page is there, and says so when somebody logs in
        providers = []
    try:
        passkeys = bool(relying_party(services.public_url))
    except Refused:
        passkeys = False
    query = f"?next={quote(_next(request))}" if "next" in request.query_params else ""
    language = request_language(request)
    return render_page(
        request, "login.html", language, name="login", providers=providers, passkeys=passkeys, query=query
    )


async def _factor_page(request: Request) -> Response:
    return render_page(request, "factor.html", request_language(request), name="factor")


def _next(request: Request) -> str:
    """The page that was wanted; none but ours."""
    wanted = request.query_params.get("next", "/console")[:500]
    return wanted if wanted.startswith("/console") else "/console"


async def _passkey_options(request: Request) -> Response:
    services: Services = request.app.state.services
    try:
        begun = await log_in_options(services, None, services.clock())
    except Refused as refused:
        return refused_session(refused)
    return json_reply(CeremonyOut(begun.options, begun.state))


async def _passkey_session(request: Request) -> Response:
    """Sign in by a passkey that names its user, without a password."""
    services: Services = request.app.state.services
    if not is_same_origin(request):
        return json_reply(RefusedSession(Code.BAD_REQUEST), 400)
    try:
        given = PasskeyLogIn.model_validate_json((await request.body())[:MOST_BODY])
        session = await log_in_by_passkey(services, given.answer(), origin_of(request), services.clock())
    except ValidationError:
        return json_reply(RefusedSession(Code.BAD_REQUEST), 400)
    except Refused as refused:
        return refused_session(refused)
    return keep_session(request, json_reply(SessionEnd(session.expires_at, session.stage)), session.token)


async def _begin_at_provider(request: Request) -> Response:
    """The address at an identity provider where the browser logs in. Only a page of ours can ask: a link from elsewhere
    logs nobody in. Nothing is stored here: what the callback needs goes along, sealed."""
    services: Services = request.app.state.services
    if not is_same_origin(request):
        return json_reply(RefusedSession(Code.BAD_REQUEST), 400)
    try:
        wanted = oidc.LogInTarget(_next(request), present_session(request))
        begun = await oidc.begin_log_in(services, request.path_params["provider"], wanted, services.clock())
    except Refused as refused:
        return refused_session(refused)
    answer = json_reply(ProviderAddress(begun.address))
    answer.set_cookie(
        OIDC_COOKIE,
        begun.cookie.translate(_TO_COOKIE),
        max_age=int(oidc.LOG_IN_LIFETIME.total_seconds()),
        path="/",  # as every cookie that is to have the prefix of its host
        secure=services.public_url.startswith("https://"),
        httponly=True,
        samesite="lax",  # it comes back by a link of the provider's
    )
    return answer


_TO_COOKIE = str.maketrans("+/=", "-_~")  # without signs that are quoted in a cookie
_FROM_COOKIE = str.maketrans("-_~", "+/=")


def _unavailable(refused: Refused) -> str:
    return "unknown" if refused.refusal.code is Code.NOT_FOUND else "unavailable"


def _refused_page(request: Request, failure: str, refused: Refused | None = None) -> Response:
    status = STATUS[refused.refusal.code] if refused is not None else 403
    language = request_language(request)
    page = render_page(request, "oidc_refused.html", language, status, name="login", failure=failure)
    page.headers["cache-control"] = "no-store"
    return page


async def _callback(request: Request) -> Response:
    """Back from an identity provider. The page leads on by itself: a redirect would still count as the provider's, and
    browsers send it no cookie that is ours alone."""
    services: Services = request.app.state.services
    returned = oidc.Callback(
        dict(request.query_params), request.cookies.get(OIDC_COOKIE, "")[:4096].translate(_FROM_COOKIE)
    )
    code = request.path_params["provider"]
    try:
        result = await oidc.complete_log_in(services, code, returned, origin_of(request), services.clock())
    except oidc.LogInFailed as failed:
        return _refused_page(request, failed.failure)
    except Refused as refused:
        return _refused_page(request, _unavailable(refused), refused)
    pending = result.session.stage is SessionStage.PENDING_FACTOR
    next_page = f"/console/factor?next={quote(result.next)}" if pending else result.next
    page = render_page(request, "oidc_done.html", request_language(request), name="login", next=next_page)
    page.headers["cache-control"] = "no-store"
    page.delete_cookie(
        OIDC_COOKIE, path="/", secure=services.public_url.startswith("https://"), httponly=True, samesite="lax"
    )
    return keep_session(request, page, result.session.token)


async def _end_from_provider(request: Request) -> Response:
    """A provider says that somebody has logged out there (OpenID Connect Back-Channel Logout)."""
    services: Services = request.app.state.services
    headers = {"cache-control": "no-store"}
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return Response(status_code=415, headers=headers)
    form: Any = await request.form()
    token = form.get("logout_token")
    if not isinstance(token, str):
        return Response(status_code=400, headers=headers)
    actor_cache, code = request.app.state.actor_cache, request.path_params["provider"]
    try:
        await oidc.log_out_from_provider(services, actor_cache, code, token, services.clock())
    except Refused as refused:
        return Response(status_code=STATUS[refused.refusal.code], headers=headers)
    return Response(status_code=200, headers=headers)
