"""How a route answers: bytes that were rendered once, with the version as ETag."""

from typing import Any

from starlette.responses import Response

from hotline.refusals import Code
from hotline.web.idempotency import ActionResult
from hotline.web.problems import MEDIA, STATUS, TITLE
from hotline.web.schemas import encoded

ETAG = {
    "description": 'The version, as `"3"`: send it as `If-Match` with the next change',
    "schema": {"type": "string"},
}


def reply(body: Any, status: int = 200, version: int | None = None) -> Response:
    headers = {"ETag": f'"{version}"'} if version is not None else None
    return Response(encoded(body), status, headers, media_type="application/json")


def action_reply(done: ActionResult) -> Response:
    """What was done, or what was answered when the same key did it."""
    headers = {"ETag": f'"{done.answer.etag}"'} if done.answer.etag else {}
    if done.replayed:
        headers["Idempotency-Replayed"] = "true"
    if done.answer.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(done.answer.body.encode(), done.answer.status, headers, media_type="application/json")


_ALWAYS = (
    Code.BAD_REQUEST,
    Code.UNAUTHENTICATED,
    Code.NOT_YOUR_ROLE,
    Code.INVALID,
    Code.TOO_MANY,
    Code.INTERNAL,
    Code.UNAVAILABLE,
)


def refusals(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route for OpenAPI; those every route can give are added here."""
    return refusals_only(*codes, *_ALWAYS)


def refusals_only(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route that asks for no credential and reads no parameter. No `model`: FastAPI would build one
    field of `Problem` for each of 1,400 refusals."""
    by_status: dict[int | str, list[Code]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(STATUS[code], []).append(code)
    return {
        status: {
            "description": "; ".join(f"{TITLE[c]} (`{c}`)" for c in found),
            "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, found in sorted(by_status.items(), key=lambda s: int(s[0]))
    }


def versioned(status: int) -> dict[int | str, dict[str, Any]]:
    """The ETag of a reply, for OpenAPI. Where 428 is an answer it is told without this."""
    return {status: {"headers": {"ETag": ETAG}}}


READ = (Code.NOT_FOUND,)
WRITE = (
    Code.NOT_FOUND,
    Code.NOT_NOW,
    Code.STALE,
    Code.TOO_LARGE,
    Code.UNSUPPORTED_MEDIA,
    Code.INCOMPLETE,
    Code.KEY_REUSED,
    Code.VERSION_REQUIRED,
    Code.OVERLOADED,
    Code.OUTCOME_UNKNOWN,
    Code.STORAGE_FULL,
)
POST = (
    Code.NOT_FOUND,
    Code.CONFLICT,
    Code.TOO_LARGE,
    Code.UNSUPPORTED_MEDIA,
    Code.KEY_REUSED,
    Code.OVERLOADED,
    Code.OUTCOME_UNKNOWN,
    Code.STORAGE_FULL,
)
