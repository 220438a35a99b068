"""Turns refusals into HTTP problems (RFC 9457): the only module that maps codes to statuses. A problem never repeats
what was sent."""

from typing import Any, Literal

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import Response

from hotline.database.engine import CommitUnknown, has_committed
from hotline.locales import translate_pair
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.service import SecurityLog
from hotline.security_log.store import NOBODY, SecurityEvent
from hotline.security_log.vocabulary import Deed, EventOutcome
from hotline.web.rule_texts import rule_of_error
from hotline.web.schemas import Problem, allowed_action, render_error

PROBLEM_MEDIA_TYPE = "application/problem+json"
STATUS = {
    Code.BAD_REQUEST: 400,
    Code.UNAUTHENTICATED: 401,
    Code.NOT_YOUR_ROLE: 403,
    Code.SECOND_FACTOR_REQUIRED: 403,
    Code.PASSWORD_CHANGE_REQUIRED: 403,
    Code.NOT_FOUND: 404,
    Code.UNKNOWN_ACTION: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.NOT_NOW: 409,
    Code.CONFLICT: 409,
    Code.STALE: 412,
    Code.TOO_LARGE: 413,
    Code.UNSUPPORTED_MEDIA: 415,
    Code.INCOMPLETE: 422,
    Code.INVALID: 422,
    Code.KEY_REUSED: 422,
    Code.VERSION_REQUIRED: 428,
    Code.TOO_MANY: 429,
    Code.INTERNAL: 500,
    Code.OVERLOADED: 503,
    Code.UNAVAILABLE: 503,
    Code.OUTCOME_UNKNOWN: 503,
    Code.STORAGE_FULL: 507,
}
TITLE_ZH, TITLE = ({code: translate_pair(f"problem.{code}")[n] for code in Code} for n in (0, 1))
_RETRY_AFTER = {
    Code.OVERLOADED: "1",
    Code.UNAVAILABLE: "2",
    Code.OUTCOME_UNKNOWN: "1",
    Code.STORAGE_FULL: "30",
    Code.TOO_MANY: "900",
}


_NOT_APPLIED = frozenset({Code.OVERLOADED, Code.UNAVAILABLE, Code.STORAGE_FULL})


def problem_response(refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    """The one shape of every error."""
    code = refusal.code
    applied: Literal["unknown", False] | None = None
    if STATUS[code] >= 500:  # what a retry needs to know: was anything written?
        applied = "unknown" if code in (Code.OUTCOME_UNKNOWN, Code.INTERNAL) else False
    body = Problem(
        type=f"urn:hotline:problem:{code}",
        title=TITLE[code],
        title_zh=TITLE_ZH[code],
        status=STATUS[code],
        detail=refusal.detail,
        errors=tuple(render_error(field, rule) for field, rule in refusal.errors),
        version=refusal.version,
        allowed_actions=tuple(map(allowed_action, refusal.moves)) if code in (Code.NOT_NOW, Code.STALE) else None,
        applied=applied,
    )
    extra = dict(headers or {})
    if code in _RETRY_AFTER:
        extra["Retry-After"] = _RETRY_AFTER[code] if refusal.retry_after is None else str(refusal.retry_after)
    if code is Code.UNAUTHENTICATED:
        extra.setdefault("WWW-Authenticate", 'Bearer realm="hotline"')
    return Response(body.render(), STATUS[code], extra, media_type=PROBLEM_MEDIA_TYPE)


IDENTIFIED_KEY = "hotline.identified"  # in a scope: whoever the credential belongs to, whatever they may do


async def handle_refused(request: Request, error: Exception) -> Response:
    """A Refused on its way out. One for lack of a role goes to the security log."""
    if not isinstance(error, Refused):
        raise error
    refusal = error.refusal
    if refusal.code is Code.NOT_YOUR_ROLE:
        _note_refusal(request)
    if refusal.code in _NOT_APPLIED and has_committed():  # a part of it is written: "not applied" would be a lie
        refusal = CommitUnknown().refusal
    return problem_response(refusal)


def _note_refusal(request: Request) -> None:
    services = request.app.state.services
    security_log: SecurityLog = services.security_log
    operation = getattr(request.scope.get("route"), "operation_id", None)
    event = SecurityEvent(
        Deed.REFUSED,
        request.scope.get(IDENTIFIED_KEY, NOBODY),
        services.clock(),
        details={"operation": operation or "", "method": request.method},
        outcome=EventOutcome.REFUSED,
    )
    security_log.note(event)


async def handle_validation_error(_: Request, error: Exception) -> Response:
    """What the framework could not read: names the field and the rule, never the input."""
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    if any(e["type"] == "json_invalid" for e in found):
        return problem_response(Refusal(Code.BAD_REQUEST, "the body is no JSON", errors=(("body", "not valid JSON"),)))
    return problem_response(
        Refusal(
            Code.INVALID,
            "the request is not well formed",
            errors=tuple((_field(e["loc"]), _rule(e)) for e in found[:50]),
        )
    )


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _rule(found: Any) -> str:
    """The rule of one error. A text that another type stands around is shown as a text, not as a list of items."""
    kind, message = found["type"], found["msg"]
    if kind in ("too_short", "too_long") and isinstance(found["input"], str):
        most = kind == "too_long"
        limit = found["ctx"]["max_length" if most else "min_length"]
        message = f"String should have at {'most' if most else 'least'} {limit} character{'' if limit == 1 else 's'}"
    return rule_of_error(kind, message)


def _field(place: tuple[Any, ...]) -> str:
    parts = [str(p) for p in place]
    if parts and parts[0] in ("body", "query", "path", "header"):
        parts = parts[1:] or parts
    return ".".join(p[:60] for p in parts)


def _allowed_methods(request: Request) -> str:
    """Every method of the path: the framework names only those of the first route that fits."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.router.routes):
        if (regex := getattr(route.original_route, "path_regex", None)) and regex.match(request.url.path):
            found |= route.methods or set()
    return ", ".join(sorted(found))


class TooSlow(HTTPException):
    """The body did not come to its end in time."""

    def __init__(self) -> None:
        super().__init__(400)


async def handle_http_exception(request: Request, error: Exception) -> Response:
    """The framework's own 404, 405 and the like in our shape."""
    if not isinstance(error, HTTPException):
        raise error
    code = {404: Code.NOT_FOUND, 405: Code.METHOD_NOT_ALLOWED, 413: Code.TOO_LARGE, 415: Code.UNSUPPORTED_MEDIA}.get(
        error.status_code, Code.BAD_REQUEST
    )
    detail = {
        Code.NOT_FOUND: "there is nothing at this path",
        Code.METHOD_NOT_ALLOWED: "this path has no such method",
        Code.TOO_LARGE: "the body is too large",
    }.get(code, "the body did not come in time" if isinstance(error, TooSlow) else "the request cannot be read")
    errors: tuple[tuple[str, str], ...] = ()
    if code is Code.BAD_REQUEST and not isinstance(error, TooSlow) and _is_json(request):
        errors = (("body", "JSON in UTF-8, not nested too deeply"),)
    headers = {"Allow": _allowed_methods(request)} if code is Code.METHOD_NOT_ALLOWED else None
    return problem_response(Refusal(code, detail, errors=errors), headers)
