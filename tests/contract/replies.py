"""Every reply the suite is given, held against the OpenAPI document: no key more, none missing, no media type that is not
declared."""

import functools
import gzip
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import jsonschema_rs
from fastapi import FastAPI

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
PUBLISHED = Path(__file__).parents[2] / "openapi" / "hotline.v1.json"
STREAM = "text/event-stream"
JSON = ("application/json", "application/problem+json", "application/geo+json")
COMPONENTS = "urn:components"  # of the document, for references to them
EXERCISED: set[str] = set()  # operations that were answered 2xx or 304 in this process


@functools.cache
def document() -> dict[str, Any]:
    """The document as published. To make it anew takes 1.5 s in each test process; test_promises makes it once and
    compares."""
    return dict(json.loads(PUBLISHED.read_text(encoding="utf-8")))


@functools.cache
def operations() -> dict[tuple[str, str], dict[str, Any]]:
    """(method, path) -> the operation."""
    return {(m, path): o for path, item in document()["paths"].items() for m, o in item.items()}


@functools.cache
def _open311() -> list[tuple[re.Pattern[str], str]]:
    """The paths of Open311, which is an application of its own and has no routes."""
    found = [path for _, path in operations() if path.startswith("/open311/")]
    return [
        (re.compile(re.sub(r"\\{(\w+)\\}", r"[^/]+", re.escape(p).replace(r"\{format\}", "(?:json|xml)"))), p)
        for p in found
    ]


def documented(scope: Mapping[str, Any]) -> str | None:
    """The path of the document that a request was answered by."""
    if scope["path"].startswith("/open311/"):
        return next((path for pattern, path in _open311() if pattern.fullmatch(scope["path"])), None)
    return getattr(scope.get("route"), "path", None)


def messages_of(stream: bytes) -> list[dict[str, Any]]:
    """The server-sent events of a piece of a stream, in the form of the document; `id` of bare ids and `retry` left
    out."""
    found = []
    for block in stream.split(b"\n\n"):
        fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
        if b"event" in fields:
            place = int(fields[b"id"]) if b"id" in fields else None
            found.append({"event": fields[b"event"].decode(), "id": place, "data": json.loads(fields[b"data"])})
    return found


def closed(schema: Any) -> Any:
    """The schema with every object of known properties closed: a key that is not declared is a difference."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(part) for key, part in schema.items()}
    known = isinstance(found.get("properties"), dict) and "type" in found
    if known and not isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = False
    return found


@functools.cache
def _components() -> jsonschema_rs.Registry:
    components = {"schemas": closed(document()["components"]["schemas"])}
    return jsonschema_rs.Registry([(COMPONENTS, {"components": components})], draft=jsonschema_rs.Draft202012)


@functools.cache
def _validator_of(schema: str) -> Any:
    """Most replies share a schema, and all share the components: a validator that holds these costs 2.7 MB."""
    whole = closed(json.loads(schema.replace('"#/', f'"{COMPONENTS}#/')))
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True, registry=_components())


@functools.cache
def _validator(method: str, path: str, status: str, media: str) -> Any:
    schema = operations()[(method, path)]["responses"][status]["content"][media].get("schema", {})
    return _validator_of(json.dumps(schema, sort_keys=True))


def differences(method: str, path: str, status: int, headers: Mapping[bytes, bytes], body: bytes) -> list[str]:
    """What of this reply the document does not say, or says otherwise."""
    name = f"{method.upper()} {path} {status}"
    answers = operations()[(method, path)]["responses"]
    if str(status) not in answers:
        return [f"{name}: this status is not declared"]
    answer, media = answers[str(status)], headers.get(b"content-type", b"").decode("latin-1")
    tagged = "ETag" in answer.get("headers", {})
    if tagged != (b"etag" in headers):
        return [f"{name}: an ETag is {'declared, and none was sent' if tagged else 'sent, and none is declared'}"]
    declared = answer.get("content", {})
    base = media.partition(";")[0].strip()
    known = {m.partition(";")[0].strip(): m for m in declared}
    if not body:  # an empty text is a text
        return [f"{name}: no body, where one is declared"] if declared and (base in JSON or base not in known) else []
    if base not in known and "*/*" not in known:
        return [f"{name}: {base or 'no media type'} is not declared, only {sorted(known)}"]
    if base == STREAM:
        told = messages_of(body)
    elif base in JSON and base in known:
        told = [json.loads(body)]
    else:
        return []
    validator = _validator(method, path, str(status), known[base])
    found = (error for each in told for error in validator.iter_errors(each))
    return [f"{name}: {_place(e)}: {_said(e.message)}" for e in list(found)[:5]]


def _place(error: Any) -> str:
    return "/".join("*" if isinstance(part, int) else str(part) for part in error.instance_path) or "body"


def _said(message: str) -> str:
    return message if len(message) < 300 else f"{message[:120]} … {message[-160:]}"


def _streams(headers: Mapping[bytes, bytes]) -> bool:
    return headers.get(b"content-type", b"").startswith(STREAM.encode())


class Recorder:
    """Wraps an application: collects where its replies differ from the document."""

    def __init__(self, app: Any, differences: list[str]) -> None:
        self.app, self.differences = app, differences

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, headers, body, whole = 0, dict[bytes, bytes](), bytearray(), False

        async def recorded(message: Message) -> None:
            nonlocal status, headers, whole
            if message["type"] == "http.response.start":
                status, headers = message["status"], dict(message["headers"])
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                whole = not message.get("more_body", False)
            elif message["type"] == "http.response.pathsend":
                body.extend(b"file")
                whole = True
            await send(message)

        await self.app(scope, receive, recorded)
        method, path = scope["method"].lower(), documented(scope)
        if (method, path) not in operations() or not status:
            return
        if status < 400:
            EXERCISED.add(operations()[(method, str(path))]["operationId"])
        if whole:
            told = gzip.decompress(body) if headers.get(b"content-encoding") == b"gzip" else bytes(body)
            self.differences.extend(differences(method, str(path), status, headers, told))


def recorded(app: FastAPI) -> list[str]:
    """Record the app's replies from now on; the list of differences, which grows."""
    found: list[str] = []
    app.add_middleware(Recorder, differences=found)
    return found
