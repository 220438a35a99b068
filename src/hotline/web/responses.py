"""How a route answers: bytes that were rendered once, with the version as ETag."""

import zlib
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hotline.refusals import Code
from hotline.web.idempotency import ActionResult
from hotline.web.problems import PROBLEM_MEDIA_TYPE, STATUS, TITLE
from hotline.web.schemas import encode_json

ETAG = {
    "description": 'The version, as `"3"`: send it as `If-Match` with the next change',
    "schema": {"type": "string"},
}


def json_reply(body: Any, status: int = 200, version: int | None = None) -> Response:
    headers = {"ETag": f'"{version}"'} if version is not None else None
    return Response(encode_json(body), status, headers, media_type="application/json")


_WORTH_PACKING = 1000  # bytes: below it one packet holds the reply anyway


def pack_reply(
    request: Request, reply: Response, *, secrets: Sequence[str] = (), is_repeated: bool = False
) -> Response:
    """The reply, compressed for whoever reads gzip. `secrets`: what stands in it that its length must not tell of: each
    is compressed alone. `is_repeated`: many are answered the same, so the compressed bytes are kept. Not for
    replies about tickets and callers; see decision 106."""
    reply.headers["vary"] = "accept-encoding"
    body = bytes(reply.body)
    if len(body) > _WORTH_PACKING and "gzip" in request.headers.get("accept-encoding", ""):
        reply.body = _packed_once(body) if is_repeated else _packed(body, secrets)
        reply.headers["content-encoding"] = "gzip"
        reply.headers["content-length"] = str(len(reply.body))
    return reply


def _packed(body: bytes, secrets: Sequence[str] = ()) -> bytes:
    """As gzip. A full flush before and after a secret: nothing of it is found again in what stands around it, so the
    length does not depend on whether a word of the request is like it."""
    parts = [body]
    for secret in (each.encode() for each in secrets if each):
        parts = [piece for part in parts for piece in _cut_at(part, secret)]
    packer = zlib.compressobj(5, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    packed = [packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH) for part in parts[:-1]]
    return b"".join([*packed, packer.compress(parts[-1]), packer.flush()])


def _cut_at(part: bytes, secret: bytes) -> list[bytes]:
    first, *further = part.split(secret)
    return [first, *(piece for after in further for piece in (secret, after))]


_packed_once = lru_cache(maxsize=32)(_packed)


def action_reply(result: ActionResult) -> Response:
    """What was done, or what was answered when the same key did it."""
    headers = {"ETag": f'"{result.answer.etag}"'} if result.answer.etag else {}
    if result.replayed:
        headers["Idempotency-Replayed"] = "true"
    if result.answer.status == 204:
        return Response(status_code=204, headers=headers)
    return Response(result.answer.body.encode(), result.answer.status, headers, media_type="application/json")


_PROBLEM_CONTENT = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_COMMON_REFUSALS = (
    Code.BAD_REQUEST,
    Code.UNAUTHENTICATED,
    Code.NOT_YOUR_ROLE,
    Code.SECOND_FACTOR_REQUIRED,
    Code.PASSWORD_CHANGE_REQUIRED,
    Code.INVALID,
    Code.TOO_MANY,
    Code.INTERNAL,
    Code.UNAVAILABLE,
)


def refusal_responses(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route for OpenAPI; those every route can give are added here."""
    return refusal_responses_only(*codes, *_COMMON_REFUSALS)


def refusal_responses_only(*codes: Code) -> dict[int | str, dict[str, Any]]:
    """The refusals of a route that asks for no credential and reads no parameter. No `model`: FastAPI would build one
    field of `Problem` for each of 1,400 refusals."""
    by_status: dict[int | str, list[Code]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(STATUS[code], []).append(code)
    return {
        status: _refusal_response(tuple(found)) for status, found in sorted(by_status.items(), key=lambda s: int(s[0]))
    }


@cache  # 1,400 refusals are of a hundred kinds
def _refusal_response(codes: tuple[Code, ...]) -> dict[str, Any]:
    return {"description": "; ".join(f"{TITLE[c]} (`{c}`)" for c in codes), "content": _PROBLEM_CONTENT}


def etag_responses(status: int) -> dict[int | str, dict[str, Any]]:
    """The ETag of a reply, for OpenAPI. Operations that answer 428 declare it without this."""
    return {status: {"headers": {"ETag": ETAG}}}


READ_REFUSALS = (Code.NOT_FOUND,)
WRITE_REFUSALS = (
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
POST_REFUSALS = (
    Code.NOT_FOUND,
    Code.CONFLICT,
    Code.TOO_LARGE,
    Code.UNSUPPORTED_MEDIA,
    Code.KEY_REUSED,
    Code.OVERLOADED,
    Code.OUTCOME_UNKNOWN,
    Code.STORAGE_FULL,
)
