"""FastAPI dependencies: services, the time of the request, the actor and their permissions, Idempotency-Key and
If-Match."""

import inspect
import json
import re
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from email.message import Message
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar
from uuid import uuid4

from fastapi import Depends, Path, Request
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.params import Body
from fastapi.routing import APIRoute
from pydantic_core import PydanticUndefined as Undefined
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from hotline.database.deadlines import database_deadline
from hotline.database.outages import OUTAGES
from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.actors import ANONYMOUS, AREA_WIDE_ROLES, Actor, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.sessions import ONLY_ACTIVE, SessionStage
from hotline.organisation.service.accounts import SESSION_COOKIE, ActorCache, authenticate, recently_authenticated
from hotline.organisation.service.cached_actors import cached_actor
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.web.idempotency import ANSWER_RETENTION, RequestKey, fingerprint_request
from hotline.web.problems import IDENTIFIED_KEY

S = TypeVar("S", bound=OrganisationServices)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
ACTOR_SCOPE_KEY = "hotline.actor"  # in a scope: whose credential was checked before the body was read
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")  # of a parameter that somebody may have misspelt
_VERSION = re.compile(r'"?([0-9]{1,9})"?')


class RequestContext(Generic[S]):
    """Who asks, when, with which services; and the headers that go with it. One object: each further dependency would
    cost its own."""

    __slots__ = ("actor", "actor_cache", "now", "request", "services")
    services: S

    def __init__(self, request: Request, actor: Actor | None) -> None:
        state = request.app.state
        self.request, self.services, self.actor_cache = request, state.services, state.actor_cache
        self.now: datetime = state.services.clock()
        self.actor: Actor = actor or ANONYMOUS
        key = request.headers.get("idempotency-key")
        if key is not None and not _KEY.fullmatch(key):
            rule = "1-255 visible ASCII characters"
            raise Refused(Refusal(Code.INVALID, "the Idempotency-Key will not do", errors=(("Idempotency-Key", rule),)))

    async def recheck_rights(self) -> None:
        """Check the actor's rights again after a wait. Raises Refused where they were lost meanwhile."""
        if (
            await authenticate(self.services, self.actor_cache, credential(self.request), self.services.clock())
            != self.actor
        ):
            raise Refused(Refusal(Code.UNAUTHENTICATED, "your rights have changed meanwhile: ask again"))

    def version(self) -> int:
        """If-Match: the version the caller saw."""
        sent = self.request.headers.get("if-match")
        if sent is None:
            raise Refused(
                Refusal(
                    Code.VERSION_REQUIRED, "send If-Match with the version you saw", errors=(("If-Match", "required"),)
                )
            )
        found = _VERSION.fullmatch(sent.strip())
        if found is None:
            raise Refused(
                Refusal(Code.BAD_REQUEST, "If-Match is no version", errors=(("If-Match", 'a version as "3"'),))
            )
        return int(found[1])

    async def write_request(self, content: bytes | None = None) -> WriteRequest:
        """This request as a service is given it, under the key that was sent, in its owner's name, or one of our own.
        `content`: what distinguishes it from another request under that key; None: its body as it came."""
        if content is None:
            content = await self.request.body()
        key = self.request.headers.get("idempotency-key")
        head = f"{self.request.method} {self.request.scope['path']}\n".encode()
        fingerprint, earlier = fingerprint_request(self.services.secret, head + content)
        owner = f"{self.actor.kind}:{self.actor.id}"
        request_key = RequestKey(owner, key or f"own-{uuid4().hex}", fingerprint, key is not None, earlier)
        return WriteRequest(self.actor, request_key, self.now)


StaffContext = RequestContext[OrganisationServices]


def credential(request: Request) -> str | None:
    """The token or key sent: as Authorization, or as the console's cookie. The cookie counts for what only reads, and
    for what comes from a page of ours: another site's page can make a browser send it, and cannot say it is ours."""
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return given.strip()
    if kind or (request.method not in ("GET", "HEAD") and not is_same_origin(request)):
        return None
    return request.cookies.get(SESSION_COOKIE)


def is_use(request: Request) -> bool:
    """Whether a request counts as a use of its session. A page that reads again by itself, nobody pressing anything,
    says `Session-Use: none`: it keeps no session from ending for want of use."""
    return request.method not in ("GET", "HEAD") or request.headers.get("session-use") != "none"


def set_session_cookie(answer: Response, services: OrganisationServices, token: str) -> None:
    """The cookie of a log-in in a browser: HttpOnly, SameSite=Strict, gone with the browser."""
    secure = services.public_url.startswith("https://")
    answer.set_cookie(SESSION_COOKIE, token, path="/", secure=secure, httponly=True, samesite="strict")


def is_same_origin(request: Request) -> bool:
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    if site is not None and site != "same-origin":
        return False
    public: str = request.app.state.services.public_url  # a proxy may have put its own name into Host
    ours = "/".join(public.split("/")[:3])
    return bool(origin) and (origin == ours or origin.partition("://")[2] == request.headers.get("host"))


class AccessPolicy:
    """Who may use a route. Declared on every one of them; a test fails where it is missing."""

    def __init__(
        self,
        rule: str,
        roles: frozenset[Role] | None,
        *,
        allow_during_outage: bool = False,
        stages: frozenset[SessionStage] = ONLY_ACTIVE,
    ) -> None:
        self.rule, self.roles, self._when_away, self._stages = rule, roles, allow_during_outage, stages

    async def __call__(self, request: Request) -> RequestContext[Any]:
        if self.roles is None:
            return RequestContext(request, None)
        return RequestContext(request, request.scope.get(ACTOR_SCOPE_KEY) or await self.authorize(request))

    async def authorize(self, request: Request) -> Actor:
        """Whoever asks, if they may. Raises Refused."""
        roles = self.roles or frozenset()
        services: OrganisationServices = request.app.state.services
        actor_cache, now = request.app.state.actor_cache, services.clock()
        actor = recently_authenticated(services, actor_cache, credential(request), now)
        if actor is None and self._when_away and services.keeps_for_later():
            actor = await self._authenticate_or_recall(request, services, actor_cache, now)
        elif actor is None:
            actor = await authenticate(
                services, actor_cache, credential(request), now, self._stages, is_use=is_use(request)
            )
        request.scope[IDENTIFIED_KEY] = actor
        if not actor.roles & roles:
            raise Refused(Refusal(Code.NOT_YOUR_ROLE, f"{self.rule} is not for your role"))
        return actor

    async def _authenticate_or_recall(
        self, request: Request, services: OrganisationServices, actor_cache: ActorCache, now: datetime
    ) -> Actor:
        """The actor; where the database is unavailable or too slow, the actor known from its last answer."""
        try:
            async with database_deadline(services.deadlines.lookup):
                return await authenticate(services, actor_cache, credential(request), now)
        except OUTAGES:
            known = actor_cache.recent(credential(request), now)
            if known is None:
                known = await cached_actor(services, credential(request), now)
            if known is None:
                raise
            return known

    def as_openapi(self) -> dict[str, Any]:
        return {"rule": self.rule, "roles": None if self.roles is None else sorted(self.roles)}


def require_roles(
    rule: str, *roles: Role, allow_during_outage: bool = False, stages: frozenset[SessionStage] = ONLY_ACTIVE
) -> Any:
    """Only these roles. `allow_during_outage`: while the database is unavailable, whoever was one of them within the
    shift. `stages`: also with a session that lacks a step, for the routes of that step."""
    return Depends(AccessPolicy(rule, frozenset(roles), allow_during_outage=allow_during_outage, stages=stages))


def allow_anonymous(rule: str) -> Any:
    """Without credentials: declared, not forgotten."""
    return Depends(AccessPolicy(rule, None))


MOST_FAULTS = 20  # named in one refusal


def _shown_name(name: str) -> str:
    """A misspelt name as its sender finds it again; nothing else that was sent is repeated."""
    return name if _PLAIN_NAME.fullmatch(name) else "query"


class AuthenticatedRoute(APIRoute):
    """A route that looks at the credential before it reads the body: FastAPI reads and parses a body before it asks
    any dependency.

    What reads from the API refuses query parameters that it does not have (`has_strict_query`).

    A route whose only dependency is its policy is answered directly. FastAPI's own way leads through two exit stacks
    for dependencies with `yield`, a second handler of exceptions and nested dependencies: 7 % of a queue page."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self._tail = self.path.rpartition("}")[2]
        if is_direct(self):
            self.app = self._answer
        if has_strict_query(self):
            self._answer_known, self.app = self.app, self._answer_strictly

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if not scope["path"].endswith(self._tail):  # a tenth of the cost of the pattern, and there are 130 routes
            return Match.NONE, {}
        return super().matches(scope)

    async def _answer_strictly(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["query_string"]:
            await self._refuse_unknown_parameters(Request(scope, receive, send))
        await self._answer_known(scope, receive, send)

    async def _refuse_unknown_parameters(self, request: Request) -> None:
        unknown = [name for name in request.query_params if name not in self.query_names]
        if not unknown:
            return
        policy = access_policy(self)
        if policy is not None and policy.roles is not None:  # who may not ask is told that, and nothing else
            await policy.authorize(request)
        faults = tuple((_shown_name(name), "unknown parameter") for name in unknown[:MOST_FAULTS])
        raise Refused(Refusal(Code.INVALID, "the query is not valid", errors=faults))

    @cached_property
    def query_names(self) -> frozenset[str]:
        """The query parameters that the route has."""
        found: set[str] = set()
        left = [self.dependant]
        while left:  # those of its dependencies are its own
            needs = left.pop()
            found |= {field.alias for field in needs.query_params}
            left += needs.dependencies
        return frozenset(found)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, needs, errors = Request(scope, receive, send), self.dependant, list[Any]()
        name, policy = self._policy
        actor = await policy.authorize(request) if policy.roles is not None else None
        sent = await read_json(request) if self.body_field is not None else None
        values: dict[str, Any] = {name: RequestContext(request, actor)}
        for fields, received in ((needs.path_params, request.path_params), (needs.query_params, request.query_params)):
            if fields:
                found, faults = request_params_to_args(fields, received)
                values.update(found)
                errors += faults
        if self.body_field is not None:
            found, faults = await request_body_to_args(needs.body_params, sent, self._embed_body_fields)
            values.update(found)
            errors += faults
        if errors:
            raise RequestValidationError(errors, body=sent)
        response: Response = await self.endpoint(**values)
        await response(scope, receive, send)

    @cached_property
    def _policy(self) -> tuple[str, AccessPolicy]:
        """The policy, and the parameter that is given its context."""
        return next(
            (d.name, d.call) for d in self.dependant.dependencies if d.name and isinstance(d.call, AccessPolicy)
        )

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        policy = access_policy(self)
        if self.body_field is None or policy is None or policy.roles is None:
            return handle
        admit = policy.authorize

        async def authenticated(request: Request) -> Response:
            request.scope[ACTOR_SCOPE_KEY] = await admit(request)
            return await handle(request)

        return authenticated


def access_policy(route: APIRoute) -> AccessPolicy | None:
    """The policy a route declares. None: forgotten, and a test fails."""
    return next((d.call for d in route.dependant.dependencies if isinstance(d.call, AccessPolicy)), None)


def has_strict_query(route: APIRoute) -> bool:
    """Whether a route refuses query parameters that it does not have. Without a filter that was misspelt the answer
    would be another one, and look right. Providers add parameters of their own to the addresses of hooks, scrapers and
    load balancers to those outside `/v1`."""
    return "GET" in (route.methods or ()) and route.path.startswith("/v1/") and not route.path.startswith("/v1/hooks/")


def is_direct(route: APIRoute) -> bool:
    """Whether a route needs no more of FastAPI than the reading of path, query and JSON body, and returns a
    Response. Its policy gives its context to a parameter (one in `dependencies=[...]` has none), and no application
    can replace the policy by overriding dependencies."""
    needs = route.dependant
    return (
        [type(d.call) for d in needs.dependencies] == [AccessPolicy]
        and bool(needs.dependencies[0].name)
        and route.dependency_overrides_provider is None
        and not (needs.header_params or needs.cookie_params or needs.request_param_name or needs.response_param_name)
        and not (needs.background_tasks_param_name or needs.http_connection_param_name)
        and (route.body_field is None or type(route.body_field.field_info) is Body)
        and inspect.iscoroutinefunction(route.endpoint)
        and inspect.signature(route.endpoint).return_annotation is Response
    )


async def read_json(request: Request) -> Any:
    """The JSON of a request's body, `Undefined` where there is none; the bytes of a body whose media type is not JSON,
    which no field accepts. Raises what FastAPI raises: RequestValidationError with a fault of the type `json_invalid`,
    HTTPException 400 where it is not even text."""
    try:
        content = await request.body()
        if not content:
            return Undefined
        return await request.json() if is_json(request.headers.get("content-type", "")) else content
    except json.JSONDecodeError as fault:
        place = {"type": "json_invalid", "loc": ("body", fault.pos), "msg": "JSON decode error", "input": {}}
        raise RequestValidationError([place], body=fault.doc) from fault
    except HTTPException:
        raise
    except Exception as fault:
        raise HTTPException(400) from fault


def is_json(media_type: str) -> bool:
    """Whether a Content-Type says JSON: `application/json` or `application/...+json`, with or without parameters."""
    if media_type == "application/json":
        return True
    message = Message()
    message["content-type"] = media_type
    subtype = message.get_content_subtype()
    return message.get_content_maintype() == "application" and (subtype == "json" or subtype.endswith("+json"))


# The two headers as OpenAPI publishes them; `RequestContext` reads them.
KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "1-255 visible ASCII characters. Same key and same request: the same answer, "
    f"for {ANSWER_RETENTION // timedelta(hours=1)} hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"},
}
VERSION_HEADER = {
    "name": "If-Match",
    "in": "header",
    "required": True,  # without it the answer is 428, which says more than a 422 would
    "description": 'The version you saw, as its ETag said: `"3"`. 428 without it, 412 where the ticket has moved on.',
    "schema": {"type": "string", "pattern": r'^"?[0-9]{1,9}"?$'},
    "example": '"3"',
}
NumberPath = Annotated[
    str, Path(description="A ticket number, check digit included", max_length=40, examples=["100000006"])
]
CodePath = Annotated[str, Path(max_length=60, pattern=r"^[\x21-\x7e]+$")]


async def directory_for_department(context: RequestContext[S], code: str) -> Directory:
    """The directory, if the department is the asker's to see. 404 for one that is not there and for one that is not
    theirs alike."""
    directory: Directory = await context.services.directory.now(context.now)
    if code not in directory.departments or (
        code not in context.actor.departments and not context.actor.roles & AREA_WIDE_ROLES
    ):
        raise Refused(Refusal(Code.NOT_FOUND, "no such department"))
    return directory
