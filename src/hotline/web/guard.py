"""Limits and headers for every request, before routing: body size and time, content type, security headers, metrics."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.exceptions import HTTPException

from hotline.database.engine import reset_commit_flag
from hotline.refusals import NO_CREDENTIAL, Code, Refusal
from hotline.web.problems import TooSlow, problem_response

log = structlog.get_logger("hotline.api")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CONTINUATION_KEY = (
    "hotline.after"  # in a scope: what goes on when the request has been answered for, with the bare connection
)
LARGEST_BODY = 256 * 1024  # a narrative of 10,000 characters is 40 kB at most
LARGEST_PUBLIC = 16 * 1024  # from anybody: a login and a password, a number and a code
PUBLIC_PATHS = frozenset({"/v1/token", "/v1/lookup", "/v1/lookup/photo"})
PUBLIC_PAGES = "/console/"  # what is sent to the pages themselves is a step of a log-in
LARGEST_UPLOAD = 12 * 1024 * 1024  # a file of a ticket, and any body sent to /open311/
LARGEST_RESIDENT_FORM = 32 * 1024 * 1024  # three photos as a phone takes them, where no script scales them
# forms of residents' pages, which come without a credential: with photos, or words alone
RESIDENT_FORMS = {
    **dict.fromkeys(("/report", "/report/join", "/embed", "/status/step"), LARGEST_RESIDENT_FORM),
    "/report/advice": 64 * 1024,
    **dict.fromkeys(("/report/challenge", "/status"), LARGEST_PUBLIC),
}
SLOWEST_BODY = 60.0  # seconds for a whole body, however slowly it drips
LARGEST_PUSH = 1024 * 1024  # a batch of a thousand reports
REQUESTS = Counter("hotline_http_requests", "Requests by route, method and status", ["route", "method", "status"])
SECONDS = Histogram(
    "hotline_http_seconds",
    "Seconds from request to reply, by route",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1, 3, 10),
)
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
]


_JSON, _UPLOAD, _FORM = "application/json", "multipart/form-data", "application/x-www-form-urlencoded"


class TooLarge(HTTPException):
    """The body went over the limit while it was read. An HTTPException: the framework turns any other into a 400."""

    def __init__(self) -> None:
        super().__init__(413)


class RequestGuard:
    """Wraps the whole application."""

    def __init__(self, app: App, slowest_body: float | None = None) -> None:
        self.app, self._slowest_body = app, slowest_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        reset_commit_flag()
        slowest_body = self._slowest_body or SLOWEST_BODY
        started_at, status, answering = time.perf_counter(), 500, False
        headers = dict(scope["headers"])
        path = scope["path"]
        is_upload = path.endswith("/attachments")
        is_push, is_open311 = path.startswith("/v1/hooks/"), path.startswith("/open311/")
        limit = LARGEST_UPLOAD if is_upload or is_open311 else LARGEST_PUSH if is_push else LARGEST_BODY
        # an identity provider logs somebody out by a form
        is_back_channel = path.startswith("/console/oidc/") and path.endswith("/logout")
        if path in PUBLIC_PATHS or path.startswith(PUBLIC_PAGES):
            limit = LARGEST_PUBLIC

        async def send_with_headers(message: Message) -> None:
            nonlocal status, answering
            if message["type"] == "http.response.start":
                answering = True
                status = message["status"]
                named = {name for name, _ in message["headers"]}
                if _may_be_framed(message["headers"]):
                    named.add(b"x-frame-options")  # it knows no list of origins
                message["headers"] = [*message["headers"], *(h for h in _HEADERS if h[0] not in named)]
            await send(message)

        body_types: tuple[str, ...] = (_UPLOAD,) if is_upload else (_FORM,) if is_back_channel else (_JSON,)
        if path in RESIDENT_FORMS:
            limit, body_types = RESIDENT_FORMS[path], (_FORM, _UPLOAD)
        refusal = _early_refusal(scope["method"], headers, limit, body_types, any_type=is_push or is_open311)
        if refusal is not None:
            await problem_response(refusal)(scope, receive, send_with_headers)
        else:
            read, ended = 0, False

            async def receive_limited() -> Message:
                nonlocal read, ended
                if ended:
                    return await receive()
                try:
                    async with asyncio.timeout(slowest_body - (time.perf_counter() - started_at)):
                        message = await receive()
                except TimeoutError:
                    raise TooSlow from None
                ended = not message.get("more_body", False)
                read += len(message.get("body", b""))
                if read > limit:
                    raise TooLarge
                return message

            try:
                await self.app(scope, receive_limited, send_with_headers)
                if (after := scope.pop(CONTINUATION_KEY, None)) is not None:
                    for name in [name for name in scope if name.startswith("fastapi")]:
                        del scope[name]
                    await after(receive, send_with_headers, send)
            except Exception as fault:
                log.error(
                    "request.fault",
                    route=getattr(scope.get("route"), "path", "none"),
                    kind=type(fault).__name__,
                    exc_info=fault,
                )
                if not answering:
                    await problem_response(_fault())(scope, receive, send_with_headers)
        _record_request(
            getattr(scope.get("route"), "path", "none"), scope["method"], status, time.perf_counter() - started_at
        )


def _may_be_framed(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether the answer's own policy names pages that may show it."""
    policy = next((value for name, value in headers if name == b"content-security-policy"), b"frame-ancestors 'none'")
    return b"frame-ancestors" in policy and b"frame-ancestors 'none'" not in policy


_METRIC_CHILDREN: dict[tuple[str, str, int], tuple[Any, Any]] = {}


def _record_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count and time a request, by its route: never by its path, which may hold what somebody typed."""
    cell = _METRIC_CHILDREN.get((route, method, status))
    if cell is None:
        method_word = method if method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS") else "other"
        cell = (REQUESTS.labels(route, method_word, status), SECONDS.labels(route))
        if len(_METRIC_CHILDREN) < 5000:
            _METRIC_CHILDREN[(route, method, status)] = cell
    cell[0].inc()
    cell[1].observe(seconds)


def _early_refusal(
    method: str, headers: dict[bytes, bytes], limit: int, body_types: tuple[str, ...], *, any_type: bool
) -> Refusal | None:
    length = headers.get(b"content-length", b"0")
    if length.isdigit() and int(length) > limit:
        return _too_large(limit)
    if any_type:  # providers and Open311 clients send what they send
        return None
    named = headers.get(b"authorization", b"").lower().startswith(b"bearer ") or b"cookie" in headers
    if body_types == (_UPLOAD,) and method == "POST" and not named:
        return NO_CREDENTIAL  # before a single byte of the file is read
    if method in ("POST", "PUT", "PATCH") and (length != b"0" or b"transfer-encoding" in headers):
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if kind.decode("latin-1") not in body_types:
            wanted = " or ".join(body_types)
            return Refusal(Code.UNSUPPORTED_MEDIA, f"send {wanted}", errors=(("Content-Type", wanted),))
    return None


def _fault() -> Refusal:
    return Refusal(Code.INTERNAL, "something went wrong here; repeat with the same Idempotency-Key")


def _too_large(limit: int) -> Refusal:
    return Refusal(Code.TOO_LARGE, f"at most {limit} bytes", errors=(("body", f"at most {limit} bytes"),))
