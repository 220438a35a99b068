"""Open311 GeoReport v2 under /open311/v2: a surface of its own, with its own errors, formats and content types. No rule
lives here; what is public is decided by `open311/model`."""

import asyncio
import csv
import io
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl

import structlog
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hotline.database.deadlines import within
from hotline.database.offload import Offload
from hotline.database.prepared import Row
from hotline.delivery.payloads import clean
from hotline.inbound import store as inbound_store
from hotline.inbound.model import InboundKind
from hotline.open311 import service as open311_service
from hotline.open311 import store as open311_store
from hotline.open311.model import PublicView, form_of, published, stamp, word_of
from hotline.open311.requests import COLUMNS, cells, no_number, shown, step_name, step_sentence
from hotline.open311.serializer import Listed, One, written
from hotline.open311.service import FMS, Form, offered, service, w3c_moment
from hotline.open311.settings import Open311Settings
from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Attribute, Category
from hotline.organisation.model.vocabulary import Intake
from hotline.organisation.service.accounts import ActorCache, who_is
from hotline.organisation.store import directory as organisation_directory
from hotline.refusals import Code, Refusal, Refused
from hotline.storage.files import Stored, store
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import Action, TicketStatus
from hotline.web.forwarded import client_address
from hotline.web.limits import AddressBudget

BASE = "/open311/v2"
MOST, DAYS = 1000, timedelta(days=90)
MOST_UPDATES = 20_000  # a client asks for a day: what is cut off it would never ask for again
CSV_PAGE, CSV_MOST, CSV_MOST_PUBLIC = 2000, 200_000, 1000  # rows: of one page, with a key, without one
SERVICE_READS = 10  # times as many questions about the services: a client asks for every definition in turn
UPDATES_BACK = timedelta(hours=24)
_PATH = re.compile(r"/(?P<name>.+)\.(?P<form>xml|json|csv)")
_BRACKETS = re.compile(r"attribute\[([^\[\]]{1,80})\](?:\[\])?")
_MEDIA = re.compile(r"media(?:\[\])?|photo[0-9]*|file_.+")
MOST_FIELDS, MOST_FILES = 500, 8
MOST_BEFORE_KEY = 64 * 1024  # bytes of a form that an api_key is looked for in: it stands before the files
LARGEST_FORM = 1024 * 1024  # of a form without files
NOBODY = PublicView(())
CORS = {"Access-Control-Allow-Origin": "*"}
Scope = MutableMapping[str, Any]
log = structlog.get_logger("hotline.open311")
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Open311Error(Exception):
    """An error as this surface tells it: 403 for the key, 404 for what is not there, 429 for too many questions, 400
    for everything else. `retry_after`: in seconds."""

    def __init__(self, status: int, *said: str, retry_after: int | None = None) -> None:
        super().__init__(said[0])
        self.status, self.said, self.retry_after = status, said, retry_after


@dataclass
class Open311Request:
    """One request with its services and its moment."""

    request: Request
    services: Services
    actor_cache: ActorCache
    directory: Directory
    now: datetime
    query: Mapping[str, str]
    form: str
    view: PublicView
    body: Form = field(default_factory=lambda: Form({}))
    files: Sequence[UploadFile] = ()


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
        path = clean(request.scope["path"].removeprefix(BASE))
        found = _PATH.fullmatch(path)
        services: Services = self._state.services
        if (
            not services.part(Open311Settings).served
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
            content, kind = await self._told(request, words, form)
        except Open311Error as wrong:
            return told(wrong, form, shared)
        except Refused as refused:
            return told(_wrong(refused.refusal), form, shared)
        except Exception as fault:  # a client of this surface reads no other errors than this surface's
            log.error("open311.fault", fault=type(fault).__name__, exc_info=fault)
            return told(Open311Error(500, "a defect of ours, noted in the log"), form, shared)
        headers = {**shared, "Content-Type": kind}
        if not isinstance(content, bytes):
            return StreamingResponse(content, 200, headers)
        return Response(b"" if request.method == "HEAD" else content, 200, headers)

    async def _told(
        self, request: Request, words: Sequence[str], form: str
    ) -> tuple[bytes | AsyncIterator[bytes], str]:
        services: Services = self._state.services
        now = services.clock()
        given = ((clean(k), clean(v)) for k, v in request.query_params.items())
        query = {k: v for k, v in given if v != ""}  # an empty one is as good as none
        asked = Open311Request(
            request, services, self._state.actor_cache, await services.directory.now(now), now, query, form, NOBODY
        )
        if request.method == "POST":
            handler = _POSTS.get(words[0]) if len(words) == 1 else None
            if handler is None:
                raise Open311Error(400, "nothing can be posted here")
            return written(await self._posted(asked, handler), form)
        if request.method not in ("GET", "HEAD"):
            raise Open311Error(400, "not this method here")
        key = query.get("api_key")
        if key is None:
            self._count(asked, services=words[0] in ("discovery", "services"))
        client = None if key is None else (await self._key_holder(asked, key)).id
        asked.view = PublicView(published(asked.directory), client)
        if form == "csv":
            _check_jurisdiction(asked, query)
            # what is wrong with the question is said before the first line
            first = await _found(asked, CSV_PAGE if client else CSV_MOST_PUBLIC)
            if request.method == "HEAD":
                return b"", "text/csv; charset=utf-8"
            return _csv(asked, first), "text/csv; charset=utf-8"
        reader = _GETS.get((words[0], len(words)))
        if reader is None or not all(words):
            raise Open311Error(404, "there is nothing at this path")
        _check_jurisdiction(asked, query)
        return written(await reader(asked, *words[1:]), form)

    def _count(self, asked: Open311Request, *, services: bool = False) -> None:
        """Raises Wrong where the address has asked too often within the minute."""
        most = asked.services.part(Open311Settings).reads
        budget, most = (self._service_reads, most * SERVICE_READS) if services else (self._reads, most)
        wait = budget.spend(client_address(asked.request), most, asked.now)
        if wait:
            raise Open311Error(429, f"at most {most} questions a minute without a key", retry_after=wait)

    async def _key_holder(self, asked: Open311Request, key: str) -> Actor:
        """Whose key it is. A wrong one counts as a question without one: guessing has an end."""
        try:
            return await _key_holder(asked, key)
        except Open311Error:
            self._count(asked)
            raise

    async def _posted(
        self, asked: Open311Request, handler: Callable[[Open311Request, Actor], Awaitable[Listed]]
    ) -> Listed:
        """The key comes first, whatever else is wrong; then the form. Without a good key no more of the body is read
        than a key can stand in."""
        key = asked.query.get("api_key")
        if not key:
            asked.request, key = await _key_ahead(asked.request)
        async with within(2 * asked.services.deadlines.lookup):
            actor = await self._key_holder(asked, key)
        data: FormData | None = None
        try:
            data = await _form(asked.request, asked.services.offload)
            asked.body, asked.files = _fields(asked.query, data)
            _check_jurisdiction(asked, asked.body.fields)
            async with within(asked.services.deadlines.write, writes=True):
                return await handler(asked, actor)
        finally:
            if data is not None:
                await data.close()


async def _key_ahead(request: Request) -> tuple[Request, str]:
    """The key that stands in the first bytes of a form, and the request to go on with: it begins with them again."""
    kind = _media_type(request)
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return request, ""
    head, read, whole = bytearray(), deque[MutableMapping[str, Any]](), False
    try:
        while not whole and len(head) < MOST_BEFORE_KEY:
            message = await request.receive()
            read.append(message)
            head += message.get("body", b"")
            whole = not message.get("more_body", False)
    except HTTPException:
        raise Open311Error(400, "the body did not come in time") from None

    async def again() -> MutableMapping[str, Any]:
        return read.popleft() if read else await request.receive()

    return Request(request.scope, again), clean(_key_in(kind, bytes(head), request.headers["content-type"], whole))


def _key_in(kind: str, head: bytes, content_type: str, whole: bool) -> str:
    """The first api_key of a form or of its beginning; empty where there is none, or it cannot be read."""
    try:
        if kind == "multipart/form-data":
            return _part_named(b"api_key", head, content_type)
        pairs = _pairs(head if whole else head.rpartition(b"&")[0])
        return next((value for name, value in pairs if name == "api_key" and isinstance(value, str)), "")
    except (ValueError, KeyError):
        return ""


def _part_named(name: bytes, head: bytes, content_type: str) -> str:
    """The text of a part that stands whole in the beginning of a multipart form. Raises ValueError, KeyError."""
    found: list[bytes] = []
    header: dict[str, bytes] = {"field": b"", "value": b""}
    ours = whole = False

    def part_begins() -> None:
        nonlocal ours
        ours = False
        header.update(field=b"", value=b"")

    def field_comes(data: bytes, start: int, end: int) -> None:
        header["field"] += data[start:end]

    def value_comes(data: bytes, start: int, end: int) -> None:
        header["value"] += data[start:end]

    def header_ends() -> None:
        nonlocal ours
        if header["field"].lower() == b"content-disposition":
            ours = parse_options_header(header["value"])[1].get(b"name") == name and not whole
        header.update(field=b"", value=b"")

    def data_comes(data: bytes, start: int, end: int) -> None:
        if ours:
            found.append(data[start:end])

    def part_ends() -> None:
        nonlocal whole
        whole = whole or ours

    MultipartParser(
        parse_options_header(content_type)[1][b"boundary"],
        {
            "on_part_begin": part_begins, "on_header_field": field_comes, "on_header_value": value_comes,
            "on_header_end": header_ends, "on_part_data": data_comes, "on_part_end": part_ends,
        },
    ).write(head)  # fmt: skip
    return b"".join(found).decode() if whole else ""


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


async def _form(request: Request, offload: Offload) -> FormData:
    kind = _media_type(request)
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data", ""):
        raise Open311Error(400, "send a form: application/x-www-form-urlencoded or multipart/form-data")
    try:
        if kind == "application/x-www-form-urlencoded":
            raw = await request.body()
            if len(raw) > LARGEST_FORM:
                raise Open311Error(400, "the body is too large")
            return FormData(await offload.run(len(raw), _pairs, raw))
        if kind == "":
            return FormData([])
        return await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=64 * 1024)
    except (HTTPException, ValueError, UnicodeDecodeError, KeyError) as fault:
        if isinstance(fault, HTTPException) and fault.status_code == 413:
            raise Open311Error(400, "the body is too large") from None
        raise Open311Error(400, "the form cannot be read: UTF-8, and not more fields than a form has") from None


def _pairs(raw: bytes) -> list[tuple[str, str | UploadFile]]:
    """The pairs of a form; percent signs apart, it is plain text. With U+FFFD for what is no UTF-8: a report is not
    refused for it. Raises ValueError."""
    text = raw.decode(errors="replace")
    pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=MOST_FIELDS)
    return [*pairs]


def _fields(query: Mapping[str, str], data: FormData | None) -> tuple[Form, list[UploadFile]]:
    """Query and body together, the body first; several values of one attribute kept in order."""
    fields: dict[str, str] = {}
    attributes: dict[str, list[str]] = {}
    media: list[str] = []
    files: list[UploadFile] = []
    body = data.multi_items() if data is not None else []
    for name, value in [*body, *query.items()]:
        if isinstance(value, UploadFile):
            if _MEDIA.fullmatch(name) and (value.filename or value.size):
                files.append(value)
            continue
        name, value = clean(name), clean(value)
        bracket = _BRACKETS.fullmatch(name)
        if bracket:
            attributes.setdefault(bracket[1], []).append(value)
        elif name in ("media_url", "media_url[]"):
            media.append(value)
        elif value != "" and name not in fields:
            fields[name] = value
    return Form(fields, attributes, media), files


async def _key_holder(asked: Open311Request, key: str) -> Actor:
    try:
        actor = await who_is(asked.services, asked.actor_cache, key or None, asked.now)
    except Refused as refused:
        if refused.refusal.code is not Code.UNAUTHENTICATED:
            raise
        raise Open311Error(403, "api_key missing or unknown") from None
    if Role.GATEWAY not in actor.roles:
        raise Open311Error(403, "api_key is not one of a gateway")
    return actor


def _check_jurisdiction(asked: Open311Request, fields: Mapping[str, str]) -> None:
    """Refuse another jurisdiction with 404 where this server has a jurisdiction id; a request need not name one."""
    named = fields.get("jurisdiction_id")
    if (
        named
        and asked.services.part(Open311Settings).jurisdiction
        and named != asked.services.part(Open311Settings).jurisdiction
    ):
        raise Open311Error(404, "jurisdiction_id: no such jurisdiction")


def _wrong(refusal: Refusal) -> Open311Error:
    if refusal.code is Code.NOT_FOUND:
        return Open311Error(404, refusal.detail)
    if refusal.code in (Code.UNAUTHENTICATED, Code.NOT_YOUR_ROLE):
        return Open311Error(403, refusal.detail)
    if refusal.code in (Code.OVERLOADED, Code.UNAVAILABLE, Code.OUTCOME_UNKNOWN, Code.STORAGE_FULL):
        return Open311Error(503, refusal.detail)
    if refusal.code is Code.INTERNAL:
        return Open311Error(500, refusal.detail)
    return (
        Open311Error(400, *(f"{name}: {rule}" for name, rule in refusal.errors))
        if refusal.errors
        else Open311Error(400, refusal.detail)
    )


def told(wrong: Open311Error, form: str, headers: Mapping[str, str]) -> Response:
    errors = [{"code": wrong.status, "description": said} for said in wrong.said]
    content, kind = written(Listed("errors", "error", errors), "xml" if form == "csv" else form)
    wait = wrong.retry_after or (2 if wrong.status == 503 else None)
    extra = {} if wait is None else {"Retry-After": str(wait)}
    return Response(content, wrong.status, {**headers, "Content-Type": kind, **extra})


# What can be asked


async def _discovery(asked: Open311Request) -> One:
    changed = await open311_store.changed_at(asked.services.db)
    home = asked.directory.home
    url = f"{asked.services.public_url.rstrip('/')}{BASE}/"
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": url,
        "changeset": stamp(changed),
        "type": "production",
        "formats": Listed("formats", "format", ["text/xml", "application/json"]),
    }
    name = f"{home.name} ({home.name_en})" if home else "hotline"
    contact = asked.services.part(Open311Settings).contact or name
    return One(
        "discovery",
        {
            "changeset": stamp(changed),
            "contact": contact,
            "key_service": f"{contact}. Addresses keep the Chinese order, from large to small.",
            "endpoints": Listed("endpoints", "endpoint", [endpoint]),
        },
    )  # fmt: skip


async def _services(asked: Open311Request) -> Listed:
    """All of them or an error: a client drops what is missing, so the directory's version is asked for anew."""
    await organisation_directory.version_of(asked.services.db)
    return Listed("services", "service", [_service(asked.directory, c) for c in offered(asked.directory)])


def _service(directory: Directory, category: Category) -> dict[str, Any]:
    above = directory.categories.get(category.parent or "")
    return {
        "service_code": category.code,
        "service_name": category.name,
        "description": category.name_en,
        "metadata": True,  # every definition holds fixmystreet_id
        "type": category.intake,
        "keywords": ",".join(category.words[:10]),
        "group": above.name if above else None,
    }


def _choices(attribute: Attribute) -> Listed:
    return Listed("values", "value", [{"key": v.key, "name": v.name} for v in attribute.values])


async def _definition(asked: Open311Request, code: str) -> One:
    await organisation_directory.version_of(asked.services.db)
    category = service(asked.directory, code)
    questions = [
        {
            "variable": a.variable,
            "code": a.code,
            "datatype": a.datatype,
            "required": a.required,
            "datatype_description": a.datatype_description or None,
            "order": order,
            "description": a.description,
            **({"values": _choices(a)} if a.values else {}),
        }
        for order, a in enumerate(category.attributes, start=1)
    ]  # fmt: skip
    ours = {
        "variable": True,
        "code": FMS,
        "datatype": "string",
        "required": False,
        "datatype_description": None,
        "order": len(questions) + 1,
        "description": "The reporter's own number",
        "automated": "server_set",
    }
    return One(
        "service_definition",
        {"service_code": code, "attributes": Listed("attributes", "attribute", [*questions, ours])},
    )


def _moment(query: Mapping[str, str], name: str) -> datetime | None:
    if name not in query:
        return None
    found = w3c_moment(query[name])
    if found is None:
        raise Open311Error(400, f"{name}: a date-time with zone, as 2026-11-25T08:00:00Z")
    return found


def _window(
    query: Mapping[str, str], names: tuple[str, str], now: datetime, back: timedelta | None
) -> tuple[datetime, datetime] | None:
    """Both ends in; one alone reaches 90 days. None: neither was given, and there is no default."""
    start, end = _moment(query, names[0]), _moment(query, names[1])
    if start is None and end is None:
        return None if back is None else (now - back, now)
    start, end = start or (end or now) - DAYS, end or (start or now) + DAYS
    if start > end:
        raise Open311Error(400, f"{names[0]}: must not be later than {names[1]}")
    if end - start > DAYS:
        raise Open311Error(400, f"{names[0]}, {names[1]}: at most 90 days apart")
    # told in whole seconds: what is told with a second belongs to it
    return start.replace(microsecond=0), end.replace(microsecond=999_999)


def _whole(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name, str(usual))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Open311Error(400, f"{name}: a whole number")
    return int(text)


def _commas(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


async def _found(asked: Open311Request, limit: int | None = None, offset: int = 0) -> Sequence[Row]:
    """The requests a client asked for."""
    query = asked.query
    if "service_request_id" in query:  # overrides all other arguments
        ids = _commas(query["service_request_id"])[:MOST]
        return await open311_store.these(asked.services.db, asked.view, ids) if ids else []
    updated = _window(query, ("updated_after", "updated_before"), asked.now, None)
    requested = _window(query, ("start_date", "end_date"), asked.now, None if updated else DAYS)
    states = _commas(query.get("status", "open,closed"))
    if not set(states) <= {"open", "closed"}:
        raise Open311Error(400, "status: open, closed, or both")
    services = _commas(query.get("service_code", ""))[:MOST]
    size = min(max(_whole(query, "page_size", MOST), 1), MOST)
    page = max(_whole(query, "page", 1), 1)
    if limit is not None:
        size, page = limit, 1
    state = states[0] if len(set(states)) == 1 else ""
    wanted = open311_store.RequestFilter(requested, updated, services, state)
    offset = offset or min((page - 1) * size, 1_000_000)
    return await open311_store.listed(asked.services.db, asked.view, wanted, size, offset)


async def _requests(asked: Open311Request) -> Listed:
    rows = await _found(asked)
    return Listed("service_requests", "request", await _shown(asked, rows))


async def _request(asked: Open311Request, id: str) -> Listed:  # noqa: A002
    rows = await open311_store.these(asked.services.db, asked.view, [id])
    if not rows:
        raise Open311Error(404, "service_request_id: no such request")
    return Listed("service_requests", "request", await _shown(asked, rows))


async def _shown(asked: Open311Request, rows: Sequence[Row]) -> list[dict[str, Any]]:
    notes: dict[str, list[Row]] = {}
    more = asked.query.get("extensions") == "true"
    if more and rows:
        for note in await open311_store.notes(asked.services.db, [r.number for r in rows]):
            notes.setdefault(note.number, []).append(note)
    parents = {r.parent for r in rows if r.parent}
    public = (
        {r.number for r in await open311_store.these(asked.services.db, asked.view, sorted(parents))}
        if parents
        else set()
    )
    return [
        {
            **shown(asked.directory, row, public, own=_own(asked, row)),
            **(_more(row, notes.get(row.number, []), own=_own(asked, row)) if more else {}),
        }
        for row in rows
    ]


def _own(asked: Open311Request, row: Row) -> bool:
    """Whether a request came with the asker's own key."""
    return asked.view.client is not None and row.created_by == asked.view.client


def _more(row: Row, notes: Sequence[Row], *, own: bool) -> dict[str, Any]:
    form = form_of(row.advice) if own else {}
    given = (form.get("attributes") or {}).items()
    attributes = [{"code": code, "value": ", ".join(v) if isinstance(v, list) else str(v)} for code, v in given]
    history = [{"datetime": stamp(n.at), "description": step_name(Action(n.action)), "type": n.action} for n in notes]
    return {
        "attributes": Listed("attributes", "attribute", attributes),
        "extended_attributes": {"channel": row.channel},
        "notes": Listed("notes", "note", history),
    }


async def _token(asked: Open311Request, token: str) -> Listed:
    row = await inbound_store.by_id(asked.services.db, token)
    if row is None or row.kind != InboundKind.REQUEST:
        raise Open311Error(404, "token: no such token")
    number = None
    if row.number is not None:
        if await open311_store.is_hidden(asked.services.db, row.number):  # the token is its sender's: it needs no key
            raise Open311Error(404, "token: no such token")
        number = row.number
    return Listed(
        "service_requests", "request", [{**({"service_request_id": number} if number else {}), "token": token}]
    )


async def _updates(asked: Open311Request) -> Listed:
    window = _window(asked.query, ("start_date", "end_date"), asked.now, UPDATES_BACK)
    if window is None:
        raise Open311Error(400, "start_date and end_date")
    rows = await open311_store.updates(asked.services.db, asked.view, *window, MOST_UPDATES)
    shown_ones = [
        {
            "update_id": f"{r.number}.{r.seq}",
            "service_request_id": r.number,
            "status": word_of(TicketStatus(r.status_to), Action(r.action), r.satisfaction_final),
            "updated_datetime": stamp(r.at),
            "description": step_sentence(r, own=_own(asked, r)),
            "media_url": None,
        }
        for r in rows
    ]
    return Listed("service_request_updates", "request_update", shown_ones)


async def _csv(asked: Open311Request, rows: Sequence[Row]) -> AsyncIterator[bytes]:
    """All that fits the filters, as a table, page by page; without a key, CSV_MOST_PUBLIC at most. A cell a spreadsheet
    would run is disarmed."""
    yield _lines([COLUMNS])
    offset = 0
    while rows:
        for at in range(0, len(rows), 100):
            yield _lines(cells(asked.directory, row, own=_own(asked, row)) for row in rows[at : at + 100])
            await asyncio.sleep(0)  # others are served meanwhile
        offset += len(rows)
        ended = len(rows) < CSV_PAGE or "service_request_id" in asked.query or offset >= CSV_MOST
        if ended or asked.view.client is None:
            return
        rows = await _found(asked, CSV_PAGE, offset)


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


# What can be sent


async def _report(asked: Open311Request, actor: Actor) -> Listed:
    files = [await _stored(asked.services, f) for f in asked.files]
    done = await open311_service.report(asked.services, asked.body, files, actor, asked.now)
    if done.intake is Intake.BATCH:
        answer: dict[str, Any] = {"token": done.token}
    elif done.intake is Intake.BLACKBOX:
        answer = {"service_notice": no_number()}
    else:
        answer = {"service_request_id": done.number, "service_notice": None, "account_id": None}
    return Listed("service_requests", "request", [answer])


async def _stored(services: Services, file: UploadFile) -> tuple[Stored, str]:
    name = (file.filename or "media").replace("\\", "/").rsplit("/", 1)[-1]
    stored = await store(services.files, file.read, None)
    return stored, "".join(c for c in name if c.isprintable())[:120] or "media"


async def _update(asked: Open311Request, actor: Actor) -> Listed:
    files = [await _stored(asked.services, f) for f in asked.files]
    kept = await open311_service.update(asked.services, asked.body, files, actor, asked.now)
    return Listed("service_request_updates", "request_update", [{"update_id": kept}])


_POSTS: Mapping[str, Callable[[Open311Request, Actor], Awaitable[Listed]]] = {
    "requests": _report,
    "servicerequestupdates": _update,
}
_GETS: Mapping[tuple[str, int], Callable[..., Awaitable[Listed | One]]] = {
    ("discovery", 1): _discovery,
    ("services", 1): _services,
    ("services", 2): _definition,
    ("requests", 1): _requests,
    ("requests", 2): _request,
    ("tokens", 2): _token,
    ("servicerequestupdates", 1): _updates,
}
