"""Open311 GeoReport v2 under /open311/v2: a surface of its own, with its own errors, formats and content types. What is
public is decided by `open311/model`."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from types import SimpleNamespace
from typing import Any

import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hotline.database.deadlines import database_deadline
from hotline.delivery.payloads import clean_text
from hotline.open311.model import PublicView, published_choices
from hotline.open311.routes import bulk
from hotline.open311.routes.discovery import discovery
from hotline.open311.routes.forms import fields_of, key_ahead, read_form
from hotline.open311.routes.request import Open311Error, Open311Request, error_of
from hotline.open311.routes.requests import report, request, requests
from hotline.open311.routes.services import definition, services
from hotline.open311.routes.tokens import token_result
from hotline.open311.routes.updates import update, updates
from hotline.open311.schemas import Open311Problem
from hotline.open311.serializer import CSV, Document, ListDocument, rendered
from hotline.open311.settings import Open311Settings
from hotline.organisation.model.actors import Actor
from hotline.refusals import Refused
from hotline.tickets.context import Services
from hotline.web.forwarded import client_address
from hotline.web.limits import AddressBudget

BASE = "/open311/v2"
SERVICE_READS = 10  # times as many questions about the services: a client asks for every definition in turn
_PATH = re.compile(r"/(?P<name>.+)\.(?P<form>xml|json|csv)")
CORS = {"Access-Control-Allow-Origin": "*"}
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
log = structlog.get_logger("hotline.open311")

_POSTS: Mapping[str, Callable[[Open311Request, Actor], Awaitable[Document]]] = {
    "requests": report,
    "servicerequestupdates": update,
}
_GETS: Mapping[tuple[str, int], Callable[..., Awaitable[Document]]] = {
    ("discovery", 1): lambda asked: discovery(asked, BASE),
    ("services", 1): services,
    ("services", 2): definition,
    ("requests", 1): requests,
    ("requests", 2): request,
    ("tokens", 2): token_result,
    ("servicerequestupdates", 1): updates,
}


class Open311:
    """Mounted in the application; given the application's own state. Without a key anybody may ask, so often."""

    def __init__(self, state: Any) -> None:
        self._state = state
        self._reads, self._service_reads = AddressBudget(), AddressBudget()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = clean_text(request.scope["path"].removeprefix(BASE))
        found = _PATH.fullmatch(path)
        services: Services = self._state.services
        if (
            not services.part(Open311Settings).is_enabled
            or found is None
            or (found["form"] == "csv" and found["name"] != "requests")
        ):
            return Response("there is nothing at this path", 404, CORS, "text/plain")
        name, form = found["name"], found["form"]
        words = name.split("/")
        request.scope["route"] = SimpleNamespace(path=f"{BASE}/{words[0]}")  # for the metrics; never what was typed
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={**CORS, "Allow": "GET, HEAD, OPTIONS, POST",
                            "Access-Control-Allow-Methods": "GET, HEAD"})  # fmt: skip
        # a page of another site may read what anybody may; never an answer that a key was needed for
        public = request.method in ("GET", "HEAD") and not request.query_params.get("api_key")
        shared = CORS if public else {"Cache-Control": "no-store"}
        try:
            content, kind = await self._reply(request, words, form)
        except Open311Error as wrong:
            return _problem(wrong, form, shared)
        except Refused as refused:
            return _problem(error_of(refused.refusal), form, shared)
        except Exception as fault:  # a client of this surface reads no other errors than this surface's
            log.error("open311.fault", fault=type(fault).__name__, exc_info=fault)
            return _problem(Open311Error(500, "a defect of ours, noted in the log"), form, shared)
        headers = {**shared, "Content-Type": kind}
        if not isinstance(content, bytes):
            return StreamingResponse(content, 200, headers)
        return Response(b"" if request.method == "HEAD" else content, 200, headers)

    async def _reply(
        self, request: Request, words: Sequence[str], form: str
    ) -> tuple[bytes | AsyncIterator[bytes], str]:
        services: Services = self._state.services
        now = services.clock()
        given = ((clean_text(k), clean_text(v)) for k, v in request.query_params.items())
        query = {k: v for k, v in given if v != ""}  # an empty one is as good as none
        open311_request = Open311Request(
            request, services, self._state.actor_cache, await services.directory.now(now), now, query, form
        )
        if request.method == "POST":
            handler = _POSTS.get(words[0]) if len(words) == 1 else None
            if handler is None:
                raise Open311Error(400, "nothing can be posted here")
            return rendered(await self._handle_post(open311_request, handler), form)
        if request.method not in ("GET", "HEAD"):
            raise Open311Error(400, "not this method here")
        key = query.get("api_key")
        if key is None:
            self._count(open311_request, services=words[0] in ("discovery", "services"))
        client = None if key is None else (await self._key_holder(open311_request, key)).id
        open311_request.view = PublicView(published_choices(open311_request.directory), client)
        if form == "csv":
            open311_request.check_jurisdiction(query)
            first = await bulk.first_page(open311_request)
            return (b"" if request.method == "HEAD" else bulk.lines(open311_request, first)), CSV
        reader = _GETS.get((words[0], len(words)))
        if reader is None or not all(words):
            raise Open311Error(404, "there is nothing at this path")
        open311_request.check_jurisdiction(query)
        return rendered(await reader(open311_request, *words[1:]), form)

    def _count(self, request: Open311Request, *, services: bool = False) -> None:
        """Raises Open311Error where the address has asked too often within the minute."""
        most = request.settings.reads
        budget, most = (self._service_reads, most * SERVICE_READS) if services else (self._reads, most)
        wait = budget.spend(client_address(request.request), most, request.now)
        if wait:
            raise Open311Error(429, f"at most {most} questions a minute without a key", retry_after=wait)

    async def _key_holder(self, request: Open311Request, key: str) -> Actor:
        """Whose key it is. A wrong one counts as a question without one: guessing has an end."""
        try:
            return await request.holder_of(key)
        except Open311Error:
            self._count(request)
            raise

    async def _handle_post(
        self, request: Open311Request, handler: Callable[[Open311Request, Actor], Awaitable[Document]]
    ) -> Document:
        """The key comes first, whatever else is wrong; then the form. Without a good key no more of the body is read
        than a key can stand in."""
        key = request.query.get("api_key")
        if not key:
            request.request, key = await key_ahead(request.request)
        async with database_deadline(2 * request.services.deadlines.lookup):
            actor = await self._key_holder(request, key)
        data: FormData | None = None
        try:
            data = await read_form(request.request, request.services.offload)
            request.body, request.files = fields_of(request.query, data)
            request.check_jurisdiction(request.body.fields)
            async with database_deadline(request.services.deadlines.write, writes=True):
                return await handler(request, actor)
        finally:
            if data is not None:
                await data.close()


def _problem(error: Open311Error, form: str, headers: Mapping[str, str]) -> Response:
    problems = [Open311Problem(error.status, description) for description in error.descriptions]
    content, kind = rendered(ListDocument("errors", "error", problems), "xml" if form == "csv" else form)
    wait = error.retry_after or (2 if error.status == 503 else None)
    extra = {} if wait is None else {"Retry-After": str(wait)}
    return Response(content, error.status, {**headers, "Content-Type": kind, **extra})
