"""Serves the console: pages for people who are logged in, static files by the hash of their content, the log-in cookie.

A page is a frame; its module asks the API with the same cookie. Nothing is loaded from anywhere else.
"""

import gzip
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hotline.console.admin_forms import body_schemas
from hotline.console.figure_pages import figures_page, report_page, reports_page
from hotline.console.model_page import model_page
from hotline.console.pages import PAGES, Page, home_page, menu_pages
from hotline.locales import LANGUAGES, negotiate_language, text_keys, translate
from hotline.organisation.model.actors import AREA_WIDE_ROLES, Actor
from hotline.organisation.model.directory import zone_of
from hotline.organisation.model.sessions import SessionStage
from hotline.organisation.model.vocabulary import Channel, Kind, Level, Priority
from hotline.organisation.service.accounts import SESSION_COOKIE, authenticate
from hotline.organisation.service.logging_in import DEVICE_COOKIE, KNOWN_PLACE_TTL, LogInAttempt, log_in
from hotline.organisation.service.sessions import log_out
from hotline.refusals import Code, Refused
from hotline.replies import reply_type
from hotline.reporting import charts
from hotline.reporting.service.figures import load_hourly_counts
from hotline.text.bidi import isolate_text
from hotline.tickets.context import Services
from hotline.tickets.lifecycle import ASSIGNMENT_MOVES, TICKET_MOVES
from hotline.tickets.model.vocabulary import (
    AssignmentStatus,
    DeclineReason,
    DepartureReason,
    Fault,
    Funding,
    Reached,
    ReturnReason,
    Satisfaction,
    TicketStatus,
    VoidReason,
)
from hotline.web.problems import STATUS
from hotline.web.responses import json_reply

LANGUAGE = "hotline_language"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ORDERED_VOCABULARIES: Mapping[str, type[StrEnum]] = {
    "status": TicketStatus,
    "kind": Kind,
    "priority": Priority,
    "level": Level,
    "channel": Channel,
    "satisfaction": Satisfaction,
    "reached": Reached,
    "fault": Fault,
    "funding": Funding,
    "decline_reason": DeclineReason,
    "void_reason": VoidReason,
    "return_reason": ReturnReason,
    "departure_reason": DepartureReason,
}
# texts no module asks for: what a broken rule says comes with the refusal, figures and drawings come ready made
_SERVED = (
    "acd.", "alarm.", "chart.", "doctor.", "drift_alarm.", "figures.", "forbidden.", "gate_reason.", "incident_field.",
    "incident_say.", "language.", "message_template.", "message_part.", "measure.",
    "model.", "model_state.", "moment.", "outcome.",
    "open311_action.", "open311_said.", "public_action.", "public_status.", "reach.", "reports.", "rule.", "weekday.",
    "lowered.", "place_role.", "system_text.", "unit.",  # in `reasons.<language>.json`
)  # fmt: skip
_REASON_WORDS = ("lowered.", "place_role.", "unit.")
# where somebody goes on who is not logged in, or not wholly: by why they were refused
ENTRY_PAGES = {
    Code.UNAUTHENTICATED: "/console/login",
    Code.SECOND_FACTOR_REQUIRED: "/console/login",
    Code.PASSWORD_CHANGE_REQUIRED: "/console/password",
}
MOST_LOGIN = 4096  # bytes of a log-in's body


@reply_type()
class SessionEnd:
    expires_at: datetime
    stage: SessionStage


@reply_type()
class RefusedSession:
    """Why nobody was signed in; the page says it in its own language."""

    code: Code


def _isolate_value(value: Any) -> Any:
    """A value for a template, isolated by direction: text that people wrote must not reverse what is beside it."""
    return isolate_text(value) if type(value) is str else value  # not what is markup already


_ENVIRONMENT = Environment(
    loader=PackageLoader("hotline.console"),
    autoescape=True,
    finalize=_isolate_value,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
PageDataLoader = Callable[[Request, Actor, str], Awaitable[Mapping[str, Any]]]


async def _body_schemas(request: Request, actor: Actor, language: str) -> Mapping[str, Any]:
    """What the forms of people, keys and subscriptions are made of."""
    return {"bodies": escape(orjson.dumps(body_schemas()).decode())}


_PAGE_DATA: Mapping[str, PageDataLoader] = {
    "admin": _body_schemas,
    "figures": figures_page,
    "model": model_page,
    "reports": reports_page,
    "report": report_page,
}


def console_routes() -> list[Route]:
    """Every route of the console."""
    return [
        Route("/console", _home, name="console"),
        Route("/console/login", _login_page, name="console login"),
        Route("/console/session", _session, methods=["POST", "DELETE"], name="console session"),
        Route("/console/language/{language}", _language, name="console language"),
        Route("/console/machine/{machine}.svg", _state_diagram, name="console machine"),
        Route("/console/hours.svg", _hours, name="console hours"),
        Route("/console/static/{stamp}/{name}", _static, name="console static"),
        *(Route(page.path, _page_endpoint(page), name=f"console {page.name}") for page in PAGES),
        Route("/console/{rest:path}", _not_found_page, name="console nowhere"),
    ]


def request_language(request: Request) -> str:
    """The language chosen, else the browser's first language with a catalogue, else simplified Chinese."""
    chosen = request.cookies.get(LANGUAGE)
    if chosen in LANGUAGES:
        return chosen
    return negotiate_language(request.headers.get("accept-language", ""))


@lru_cache(maxsize=1)
def _static_files() -> Mapping[str, tuple[bytes, bytes, str]]:
    """The static files: bytes, compressed bytes, media type; one of them for the texts of each language."""
    found: dict[str, tuple[bytes, str]] = {}
    kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
    for file in (files("hotline.console") / "static").iterdir():
        kind = kinds.get(file.name.rpartition(".")[2])
        if kind is not None:
            found[file.name] = (file.read_bytes(), kind)
    for language in LANGUAGES:
        # a list is offered in the order of the vocabulary: by meaning, not by the letters of its codes
        first = [f"{family}.{word}" for family, words in ORDERED_VOCABULARIES.items() for word in words]
        keys = (key for key in (*first, *text_keys()) if not key.startswith(_SERVED))
        # what a figure counts is told by pages that come ready made
        words = {key: translate(key, language) for key in keys if not fnmatchcase(key, "figure.*.note")}
        found[f"words.{language}.json"] = (orjson.dumps(words), "application/json")
        found[f"reasons.{language}.json"] = (orjson.dumps(_reason_texts(language)), "application/json")
    return {name: (data, gzip.compress(data, 9, mtime=0), kind) for name, (data, kind) in found.items()}


def _reason_texts(language: str) -> Mapping[str, Any]:
    """The templates of what the system writes into histories and explanations, as stored and in a language, and the
    words that stand in them."""
    return {
        "templates": [(translate(key, "en"), translate(key, language)) for key in text_keys("system_text.")],
        "words": {key: translate(key, language) for prefix in _REASON_WORDS for key in text_keys(prefix)},
    }


@lru_cache(maxsize=1)
def static_version() -> str:
    """A hash of all static files, part of their address: browsers may cache them for ever."""
    digest = hashlib.sha256()
    for name, (data, _, _) in sorted(_static_files().items()):
        digest.update(name.encode() + b"\0" + data)
    return digest.hexdigest()[:16]


async def _static(request: Request) -> Response:
    found = _static_files().get(request.path_params["name"])
    if found is None or request.path_params["stamp"] != static_version():
        return Response(status_code=404)
    data, packed, kind = found
    headers = {"cache-control": "public, max-age=31536000, immutable", "vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"], data = "gzip", packed
    return Response(data, headers=headers, media_type=kind)


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
    return RedirectResponse(f"{request.state.entry_page}{query}", 303)


def _render_page(request: Request, template: str, language: str, status: int = 200, **more: Any) -> Response:
    page = _ENVIRONMENT.get_template(template).render(
        t=lambda key, **values: translate(key, language, **values),
        language=language,
        languages=LANGUAGES,
        static=f"/console/static/{static_version()}",
        path=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        **more,
    )
    return Response(page, status, {"content-security-policy": POLICY}, media_type="text/html")


async def _home(request: Request) -> Response:
    actor = await _load_actor(request)
    if actor is None:
        return _to_entry(request)
    page = home_page(actor.roles)
    return RedirectResponse(page.path if page else "/console/login", 303)


async def _login_page(request: Request) -> Response:
    return _render_page(request, "login.html", request_language(request), name="login")


async def _page_context(request: Request, actor: Actor, name: str) -> dict[str, Any]:
    """The context of every page for a person who is signed in."""
    return {
        "actor": actor,
        "person": {
            "id": actor.id,
            "name": actor.name,
            "roles": sorted(actor.roles),
            "departments": sorted(actor.departments),
        },
        "menu": menu_pages(actor.roles),
        "name": name,
        "given": {key: value for key, value in request.path_params.items() if key != "rest"},
        "zone": await _zone(request),
    }


def _page_endpoint(page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        actor, language = await _load_actor(request), request_language(request)
        if actor is None:
            return _to_entry(request, request.url.path)
        frame = await _page_context(request, actor, page.name)
        if not page.roles & actor.roles:
            return _render_page(request, "forbidden.html", language, 403, **frame)
        if (more := _PAGE_DATA.get(page.name)) is not None:
            try:
                frame |= await more(request, actor, language)
            except Refused as refused:
                if refused.refusal.code not in (Code.NOT_FOUND, Code.INVALID):
                    raise
                frame |= {"errors": refused.refusal.errors, "code": refused.refusal.code}
                status = 404 if refused.refusal.code is Code.NOT_FOUND else 422
                return _render_page(request, "refused.html", language, status, **frame)
        return _render_page(request, f"{page.name}.html", language, **frame)

    return serve


async def _zone(request: Request) -> str:
    """The organisation's time zone, in which every page shows times, whatever the browser's own zone."""
    services: Services = request.app.state.services
    return zone_of(await services.directory.now(services.clock())).key


async def _not_found_page(request: Request) -> Response:
    """An unknown address: a page with the menu, not a problem document."""
    actor, language = await _load_actor(request), request_language(request)
    if actor is None:
        return _to_entry(request)
    return _render_page(request, "nowhere.html", language, 404, **await _page_context(request, actor, "nowhere"))


async def _session(request: Request) -> Response:
    """Sign in and out. The cookie is HttpOnly and SameSite=Strict."""
    services: Services = request.app.state.services
    secure = services.public_url.startswith("https://")
    if request.method == "DELETE":
        if token := request.cookies.get(SESSION_COOKIE):
            await log_out(services, request.app.state.actor_cache, token, services.clock())
        gone = Response(status_code=204)
        gone.delete_cookie(SESSION_COOKIE, path="/", secure=secure, httponly=True, samesite="strict")
        return gone
    body = await request.body()
    try:
        given: Any = orjson.loads(body[:MOST_LOGIN])
        login, password = str(given["login"]), str(given["password"])
    except (ValueError, TypeError, KeyError):
        return json_reply(RefusedSession(Code.BAD_REQUEST), 400)
    device = request.cookies.get(DEVICE_COOKIE, "")[:100] or secrets.token_urlsafe(32)
    client = request.client
    try:
        user_agent = request.headers.get("user-agent", "")
        attempt = LogInAttempt(login[:200], password[:400], client.host if client else None, device, user_agent)
        session = await log_in(services, attempt, services.clock())
    except Refused as refused:
        status = STATUS[refused.refusal.code]
        answer = json_reply(RefusedSession(refused.refusal.code), status)
        if refused.refusal.retry_after is not None:
            answer.headers["retry-after"] = str(refused.refusal.retry_after)
        return answer
    answer = json_reply(SessionEnd(session.expires_at, session.stage))
    for name, value, kept in (
        (SESSION_COOKIE, session.token, services.account_rules.session_lifetime),
        (DEVICE_COOKIE, device, KNOWN_PLACE_TTL),
    ):
        seconds = int(kept.total_seconds())
        answer.set_cookie(name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="strict")
    return answer


async def _language(request: Request) -> Response:
    chosen, back = request.path_params["language"], request.query_params.get("back", "/console")
    if not back.startswith("/console"):  # a link may send nobody elsewhere
        back = "/console"
    answer = RedirectResponse(back, 303)
    if chosen in LANGUAGES:
        answer.set_cookie(LANGUAGE, chosen, max_age=365 * 86400, path="/console", samesite="lax")
    return answer


async def _hours(request: Request) -> Response:
    """The heat map by hour, for the wallboard."""
    actor, language = await _load_actor(request), request_language(request)
    if actor is None or not actor.roles & AREA_WIDE_ROLES:
        return Response(status_code=401 if actor is None else 403)
    services: Services = request.app.state.services
    days = await load_hourly_counts(services, actor, services.clock())
    drawn = charts.hourly_heat_map(translate("wall.hours", language), [(d.day, d.hours) for d in days])
    return Response(drawn, media_type="image/svg+xml")


async def _state_diagram(request: Request) -> Response:
    """One of the two state machines as SVG, drawn from its table, with the present state highlighted."""
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
