"""The application: routes, errors, OpenAPI. It is given its house and knows nothing of how that was built."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from hotline.composition import routers
from hotline.open311.routes import BASE, Open311
from hotline.operations import docs
from hotline.organisation.dependencies import KEY_HEADER, VERSION_HEADER, AccessPolicy
from hotline.organisation.service.accounts import ActorCache
from hotline.refusals import Refused
from hotline.tickets.context import Services
from hotline.web.addresses import Network
from hotline.web.forwarded import ForwardedClient
from hotline.web.guard import RequestGuard
from hotline.web.paging import Pages
from hotline.web.problems import refuse, refuse_http, refuse_malformed
from hotline.webhooks.openapi import EVENT, described

VERSION = "1.0.0"
DESCRIPTION = """A 24365 hotline: residents call, text or write; the matter is taken in (受理), triaged (梳理),
routed to the department that must act (分派) and tracked until it is solved (解决) and the resident has been called
back.

2xx means committed. Errors are RFC 9457 problem documents with a stable `type`. Send `Idempotency-Key` with every
POST and repeat it when an answer is lost; send `If-Match` with every action. What is not yours to see is answered 404.

Open311 GeoReport v2 is served under `/open311/v2`: a standard with errors of its own, not described here."""
Opening = Callable[[], AbstractAsyncContextManager[Services]]


def build_app(opening: Opening, *, with_docs: bool = True, proxies: Sequence[Network] = ()) -> FastAPI:
    """The app over a house that `opening` opens at start-up and closes at the end. `proxies`: whose X-Forwarded-For is
    believed."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with opening() as services:
            app.state.services = services
            app.state.actor_cache = ActorCache()
            app.state.pages = Pages()
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
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
        },  # /metrics is ours; asking for a tracer costs 5 % of a request
    )
    app.add_exception_handler(Refused, refuse)
    app.add_exception_handler(RequestValidationError, refuse_malformed)
    app.add_exception_handler(HTTPException, refuse_http)
    for router in routers():
        app.router.routes.extend(router.routes)  # flat: an included router is asked twice for each request
    if with_docs:
        docs.serve(app)
    app.router.routes.append(Mount(BASE, app=Open311(app.state)))
    app.add_middleware(RequestGuard)
    app.add_middleware(ForwardedClient, proxies=proxies)
    app.openapi = lambda: published(app)  # type: ignore[method-assign]
    return app


def routes_of(app: FastAPI) -> list[APIRoute]:
    """Every operation of the app, in order."""
    contexts = iter_route_contexts(app.router.routes)
    return [c.original_route for c in contexts if isinstance(c.original_route, APIRoute)]


def policy_of(route: APIRoute) -> AccessPolicy | None:
    """The policy a route declares. None: forgotten, and a test fails."""
    return next((d.call for d in route.dependant.dependencies if isinstance(d.call, AccessPolicy)), None)


def published(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document we promise: who may use each operation stands in it too."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        )
        by_id = {r.operation_id: r for r in routes_of(app)}
        document.setdefault("components", {})["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A token of `POST /v1/token` or a key"}
        }
        for path in document["paths"].values():
            for method, operation in path.items():
                policy = policy_of(by_id[operation["operationId"]])
                if policy is not None:
                    operation["x-authz"] = policy.declared()
                    operation["security"] = [{"bearer": []}] if policy.roles is not None else []
                headers = ([KEY_HEADER] if method == "post" else []) + (
                    [VERSION_HEADER] if "428" in operation["responses"] else []
                )
                if headers:
                    operation["parameters"] = [*operation.get("parameters", []), *headers]
                for status, answer in operation["responses"].items():
                    if status.isdigit() and int(status) >= 400:
                        answer["content"] = {k: v for k, v in answer.get("content", {}).items() if "problem" in k}
        document["webhooks"] = described()
        document["components"]["schemas"]["Event"] = EVENT
        document["components"]["schemas"].pop("HTTPValidationError", None)
        document["components"]["schemas"].pop("ValidationError", None)
        app.openapi_schema = document
    return app.openapi_schema
