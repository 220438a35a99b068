"""Serves the console: pages for people who are logged in, static files by the hash of their content, the log-in cookie.

A page is a frame; its module asks the API with the same cookie. Nothing is loaded from anywhere else.
"""

import asyncio
import base64
import hmac
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any
from urllib.parse import quote

import orjson
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hotline.console.admin_forms import body_schemas
from hotline.console.entry import ProviderAddress, RefusedSession, SessionEnd, entry_routes, refused_session
from hotline.console.figure_pages import figures_page
from hotline.console.install import install_routes
from hotline.console.model_page import model_page
from hotline.console.pages import PAGES, Page, home_page, menu_pages
from hotline.console.rendering import (
    LANGUAGE,
    THEME,
    THEMES,
    render_page,
    request_language,
    static_files,
    static_version,
)
from hotline.console.report_pages import report_page, reports_page
from hotline.console.session_cookies import device_of, forget_session, keep_session, origin_of
from hotline.console.traditional_names import load_traditional_names
from hotline.locales import LANGUAGES, translate
from hotline.oidc import service as oidc
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import Directory, zone_of
from hotline.organisation.service.accounts import SESSION_COOKIE, authenticate
from hotline.organisation.service.logging_in import LogInAttempt, log_in
from hotline.refusals import Code, Refused
from hotline.reporting import charts
from hotline.server_secret import accepted_secrets
from hotline.tickets.context import Services
from hotline.tickets.lifecycle import ASSIGNMENT_MOVES, TICKET_MOVES
from hotline.tickets.model.vocabulary import (
    AssignmentStatus,
    TicketStatus,
)
from hotline.web.anonymous_limit import leads_to_log_in
from hotline.web.responses import json_reply, pack_reply
from hotline.web.templating import static_reply

# where somebody goes on who is not logged in, or not wholly: by why they were refused
ENTRY_PAGES = {
    Code.UNAUTHENTICATED: "/console/login",
    Code.SECOND_FACTOR_REQUIRED: "/console/factor",
    Code.PASSWORD_CHANGE_REQUIRED: "/console/password",
}
MOST_LOGIN = 4096  # bytes of a log-in's body


PageDataLoader = Callable[[Request, Actor, str], Awaitable[Mapping[str, Any]]]


async def _body_schemas(request: Request, actor: Actor, language: str) -> Mapping[str, Any]:
    """What the forms of people, keys and subscriptions are made of."""
    return {"bodies": escape(orjson.dumps(body_schemas()).decode())}


async def _draft_keys(request: Request, actor: Actor, language: str) -> Mapping[str, Any]:
    """By which this person's browser seals what was typed and not sent yet; of the present secret first."""
    return {"draft_keys": _sealing_keys(request, b"drafts", actor)}


def _sealing_keys(request: Request, purpose: bytes, actor: Actor) -> list[str]:
    services: Services = request.app.state.services
    keys = (hmac.digest(each, purpose + actor.id.encode(), "sha256") for each in accepted_secrets(services.secret))
    return [base64.b64encode(key).decode() for key in keys]


_PAGE_DATA: Mapping[str, PageDataLoader] = {
    "admin": _body_schemas,
    "take": _draft_keys,
    "figures": figures_page,
    "model": model_page,
    "reports": reports_page,
    "report": report_page,
}


def console_routes() -> list[Route]:
    """Every route of the console."""
    return [
        Route("/console", _home, name="console"),
        *entry_routes(),
        *install_routes(),
        Route("/console/session", _session, methods=["POST", "DELETE"], name="console session"),
        Route("/console/language/{language}", _language, name="console language"),
        Route("/console/theme/{theme}", _theme, name="console theme"),
        Route("/console/names/{version:int}.json", _names, name="console names"),
        Route("/console/machine/{machine}.svg", _state_diagram, name="console machine"),
        Route("/console/static/{stamp}/{name}", _static, name="console static"),
        *(Route(page.path, _page_endpoint(page), name=f"console {page.name}") for page in PAGES),
        Route("/console/{rest:path}", _not_found_page, name="console nowhere"),
    ]


async def _static(request: Request) -> Response:
    return static_reply(request, static_files(), static_version())


async def _load_actor(request: Request) -> Actor | None:
    services: Services = request.app.state.services
    try:
        return await authenticate(
            services, request.app.state.actor_cache, request.cookies.get(SESSION_COOKIE), services.clock()
        )
    except Refused as refused:
        if refused.refusal.code not in ENTRY_PAGES:
            raise
        request.state.entry_page = ENTRY_PAGES[refused.refusal.code]
        return None


def _to_entry(request: Request, next_path: str | None = None) -> Response:
    """To the page of the step that the log-in lacks, after `_load_actor` found nobody who is logged in."""
    query = f"?next={quote(next_path)}" if next_path else ""
    answer = RedirectResponse(f"{request.state.entry_page}{query}", 303)
    if request.cookies.get(SESSION_COOKIE) and request.state.entry_page == ENTRY_PAGES[Code.UNAUTHENTICATED]:
        forget_session(request, answer)  # it ran out, or was ended elsewhere
    return answer


@leads_to_log_in
async def _home(request: Request) -> Response:
    actor = await _load_actor(request)
    if actor is None:
        return _to_entry(request)
    page = home_page(actor.roles)
    return RedirectResponse(page.path if page else "/console/login", 303)


async def _page_context(request: Request, actor: Actor, name: str) -> dict[str, Any]:
    """The context of every page for a person who is signed in."""
    directory = await _directory(request)
    return {
        "actor": actor,
        "person": {
            "id": actor.id,
            "name": actor.name,
            "roles": sorted(actor.roles),
            "departments": sorted(actor.departments),
        },
        "roles": ", ".join(translate(f"role.{role}", request_language(request)) for role in sorted(actor.roles)),
        "menu": menu_pages(actor.roles),
        "name": name,
        "given": {key: value for key, value in request.path_params.items() if key != "rest"},
        "zone": zone_of(directory).key,  # whatever the browser's own zone
        "directory_version": directory.version,
        "queue_keys": _sealing_keys(request, b"queue", actor),
        "idle_seconds": int(request.app.state.services.account_rules.session_idle.total_seconds()),
    }


def _page_endpoint(page: Page) -> Callable[[Request], Awaitable[Response]]:
    @leads_to_log_in
    async def serve(request: Request) -> Response:
        actor, language = await _load_actor(request), request_language(request)
        if actor is None:
            return _to_entry(request, request.url.path)
        frame = await _page_context(request, actor, page.name)
        if not page.roles & actor.roles:
            return render_page(request, "forbidden.html", language, 403, **frame)
        if (more := _PAGE_DATA.get(page.name)) is not None:
            try:
                frame |= await more(request, actor, language)
            except Refused as refused:
                if refused.refusal.code not in (Code.NOT_FOUND, Code.INVALID):
                    raise
                frame |= {"errors": refused.refusal.errors, "code": refused.refusal.code}
                status = 404 if refused.refusal.code is Code.NOT_FOUND else 422
                return render_page(request, "refused.html", language, status, **frame)
        return render_page(request, f"{page.name}.html", language, **frame)

    return serve


async def _directory(request: Request) -> Directory:
    services: Services = request.app.state.services
    return await services.directory.now(services.clock())


@leads_to_log_in
async def _names(request: Request) -> Response:
    """The directory's names in traditional characters, where they differ. A page names the version it was made at, so
    the answer is kept."""
    if await _load_actor(request) is None:
        return Response(status_code=401)
    directory = await _directory(request)
    kept = directory.version == request.path_params["version"]
    cache = "private, max-age=31536000, immutable" if kept else "no-store"
    names = orjson.dumps(await load_traditional_names(directory))
    reply = Response(names, headers={"cache-control": cache}, media_type="application/json")
    return await asyncio.to_thread(pack_reply, request, reply, is_repeated=True)  # of a large city half a megabyte


@leads_to_log_in
async def _not_found_page(request: Request) -> Response:
    """An unknown address: a page with the menu, not a problem document."""
    actor, language = await _load_actor(request), request_language(request)
    if actor is None:
        return _to_entry(request)
    return render_page(request, "nowhere.html", language, 404, **await _page_context(request, actor, "nowhere"))


async def _session(request: Request) -> Response:
    """Sign in and out. The cookie is HttpOnly and SameSite=Strict."""
    services: Services = request.app.state.services
    if request.method == "DELETE":
        return await _end_session(request)
    body = await request.body()
    try:
        given: Any = orjson.loads(body[:MOST_LOGIN])
        login, password = str(given["login"]), str(given["password"])
    except (ValueError, TypeError, KeyError):
        return json_reply(RefusedSession(Code.BAD_REQUEST), 400)
    device, origin = device_of(request), origin_of(request)
    try:
        attempt = LogInAttempt(login[:200], password[:400], origin.address, device, origin.user_agent, origin.previous)
        session = await log_in(services, attempt, services.clock())
    except Refused as refused:
        return refused_session(refused)
    return keep_session(request, json_reply(SessionEnd(session.expires_at, session.stage)), session.token, device)


async def _end_session(request: Request) -> Response:
    """204, or 200 with the address at which a session ends that began at an identity provider."""
    services: Services = request.app.state.services
    address = None
    if token := request.cookies.get(SESSION_COOKIE):
        address = await oidc.log_out(services, request.app.state.actor_cache, token, "/console/login", services.clock())
    gone = json_reply(ProviderAddress(address)) if address is not None else Response(status_code=204)
    return forget_session(request, gone)


async def _language(request: Request) -> Response:
    return _keep_choice(request, LANGUAGE, request.path_params["language"], LANGUAGES)


async def _theme(request: Request) -> Response:
    return _keep_choice(request, THEME, request.path_params["theme"], THEMES)


def _keep_choice(request: Request, cookie: str, chosen: str, choices: Collection[str]) -> Response:
    """Keeps in this browser for a year what was chosen, and goes back to the page it was chosen on."""
    back = request.query_params.get("back", "/console")
    if not back.startswith("/console"):  # a link may send nobody elsewhere
        back = "/console"
    answer = RedirectResponse(back, 303)
    if chosen in choices:
        answer.set_cookie(cookie, chosen, max_age=365 * 86400, path="/console", samesite="lax")
    return answer


@leads_to_log_in
async def _state_diagram(request: Request) -> Response:
    """One of the two state machines as SVG, drawn from its table, with the present state highlighted."""
    if await _load_actor(request) is None:
        return Response(status_code=401)
    language, at = request_language(request), request.query_params.get("at", "")
    if request.path_params["machine"] == "ticket":
        drawn = charts.state_diagram(
            TICKET_MOVES,
            TicketStatus,
            at,
            lambda s: translate(f"status.{s}", language),
            translate("chart.ticket_machine", language),
        )
    elif request.path_params["machine"] == "assignment":
        drawn = charts.state_diagram(
            ASSIGNMENT_MOVES,
            AssignmentStatus,
            at,
            lambda s: translate(f"order.{s}", language),
            translate("chart.order_machine", language),
        )
    else:
        return Response(status_code=404)
    return Response(
        drawn,
        headers={"cache-control": "private, max-age=600", "vary": "cookie, accept-language"},
        media_type="image/svg+xml",
    )
