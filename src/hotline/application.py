"""The FastAPI application: routes, errors, OpenAPI. Its services are passed in."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from hotline.composition import routers
from hotline.open311.routes.application import BASE, Open311
from hotline.openapi import openapi_document, paths_without_credential
from hotline.operations import docs
from hotline.organisation.service.accounts import ActorCache
from hotline.public.pages import public_routes
from hotline.public.rendering import STATIC
from hotline.refusals import Refused
from hotline.tickets.context import Services
from hotline.web.addresses import LOOPBACK, Network
from hotline.web.anonymous_limit import AnonymousLimiter, open_pages, open_paths
from hotline.web.forwarded import ForwardedClient
from hotline.web.guard import RequestGuard
from hotline.web.https import HttpsOutside
from hotline.web.operations_port import OperationsGate
from hotline.web.paging import PageCache
from hotline.web.problems import handle_http_exception, handle_refused, handle_validation_error

VERSION = "1.0.0"
DESCRIPTION = """Ticketing for a 24/7 residents' hotline: calls, texts and reports are logged (受理), triaged (梳理),
dispatched to the responsible department (派单), followed up against their deadlines and closed after a call-back
(回访).

2xx means committed. Errors are RFC 9457 problem documents with a stable `type`. Send `Idempotency-Key` with every
POST and repeat the request if the answer is lost; send `If-Match` with every action. What you may not see is answered
404. A query parameter that an operation of `/v1` does not have is refused by name (422); hooks ignore what a provider
adds.

Open311 GeoReport v2 is served under `/open311/v2`, with the errors of that standard."""
ServicesFactory = Callable[[], AbstractAsyncContextManager[Services]]


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """`proxies`: whose X-Forwarded-For is believed. `operators`: from where figures, readiness and documentation may be
    asked for at the port that serves everything else. `public_url`: our address as clients know it. `body_seconds`:
    within which a body is whole. `anonymous_requests`: a minute from one address, without a log-in; 0: no limit."""

    proxies: Sequence[Network] = ()
    operators: Sequence[Network] = LOOPBACK
    public_url: str = ""
    body_seconds: float | None = None
    anonymous_requests: int = 0


def build_app(
    open_services: ServicesFactory, *, with_docs: bool = True, edge: EdgeSettings = EdgeSettings()
) -> FastAPI:
    """The app over services that `open_services` opens at start-up and closes at the end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_services() as services:
            app.state.services = services
            app.state.actor_cache = ActorCache()
            app.state.pages = PageCache()
            yield

    app = FastAPI(
        title="Hotline",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,  # `docs` serves it
        redirect_slashes=False,
        # /metrics is ours; asking for a tracer costs 5 % of a request
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },
    )
    app.add_exception_handler(Refused, handle_refused)
    app.add_exception_handler(RequestValidationError, handle_validation_error)
    app.add_exception_handler(HTTPException, handle_http_exception)
    for router in routers():
        app.router.routes.extend(router.routes)  # flat: an included router is asked twice for each request
    app.router.routes.extend(public_routes())
    if with_docs:
        docs.serve(app)
    app.router.routes.append(Mount(BASE, app=Open311(app.state)))
    # the last one sees a request first
    app.add_middleware(OperationsGate, allowed=edge.operators)
    app.add_middleware(
        AnonymousLimiter,
        most=edge.anonymous_requests,
        find_open=lambda: open_paths([*open_pages(app.routes), *paths_without_credential(app)]),
        unlimited=(BASE, "/console/static/", f"{STATIC}/"),
    )
    app.add_middleware(RequestGuard, slowest_body=edge.body_seconds)
    app.add_middleware(HttpsOutside, public_url=edge.public_url)
    app.add_middleware(ForwardedClient, proxies=edge.proxies)
    app.openapi = lambda: openapi_document(app)  # type: ignore[method-assign]
    return app
