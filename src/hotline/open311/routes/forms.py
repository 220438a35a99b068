"""Forms that Open311 clients post: read whole for a good key, else only as far as a key can stand in them."""

import re
from collections import deque
from collections.abc import Mapping, MutableMapping
from typing import Any

from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from hotline.database.offload import Offload
from hotline.delivery.payloads import clean_text, parse_pairs
from hotline.open311.routes.request import Open311Error, Open311Request
from hotline.open311.service import Open311Form
from hotline.storage.files import store_file
from hotline.text.charsets import repair_encoding, show_escaped_bytes
from hotline.tickets.attachments import NewFile

_BRACKETS = re.compile(r"attribute\[([^\[\]]{1,80})\](?:\[\])?")
_MEDIA = re.compile(r"media(?:\[\])?|photo[0-9]*|file_.+")
MOST_FIELDS, MOST_FILES = 500, 8
MOST_BEFORE_KEY = 64 * 1024  # bytes of a form that an api_key is looked for in: it stands before the files
LARGEST_FORM = 1024 * 1024  # of a form without files


async def key_ahead(request: Request) -> tuple[Request, str]:
    """The key that stands in the first bytes of a form, and the request to go on with: it begins with them again."""
    kind = _media_type(request)
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return request, ""
    head, read, is_complete = bytearray(), deque[MutableMapping[str, Any]](), False
    try:
        while not is_complete and len(head) < MOST_BEFORE_KEY:
            message = await request.receive()
            read.append(message)
            head += message.get("body", b"")
            is_complete = not message.get("more_body", False)
    except HTTPException:
        raise Open311Error(400, "the body did not come in time") from None

    async def again() -> MutableMapping[str, Any]:
        return read.popleft() if read else await request.receive()

    return Request(request.scope, again), clean_text(
        _find_key(kind, bytes(head), request.headers["content-type"], is_complete)
    )


def _find_key(kind: str, head: bytes, content_type: str, is_complete: bool) -> str:
    """The first api_key of a form or of its beginning; empty where there is none, or it cannot be read."""
    try:
        if kind == "multipart/form-data":
            return _part_named(b"api_key", head, content_type)
        pairs = _pairs(head if is_complete else head.rpartition(b"&")[0])
        return next((value for name, value in pairs if name == "api_key" and isinstance(value, str)), "")
    except (ValueError, KeyError):
        return ""


def _part_named(name: bytes, head: bytes, content_type: str) -> str:
    """The text of a part that stands whole in the beginning of a multipart form. Raises ValueError, KeyError."""
    found: list[bytes] = []
    header: dict[str, bytes] = {"field": b"", "value": b""}
    ours = is_complete = False

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
            ours = parse_options_header(header["value"])[1].get(b"name") == name and not is_complete
        header.update(field=b"", value=b"")

    def data_comes(data: bytes, start: int, end: int) -> None:
        if ours:
            found.append(data[start:end])

    def part_ends() -> None:
        nonlocal is_complete
        is_complete = is_complete or ours

    MultipartParser(
        parse_options_header(content_type)[1][b"boundary"],
        {
            "on_part_begin": part_begins, "on_header_field": field_comes, "on_header_value": value_comes,
            "on_header_end": header_ends, "on_part_data": data_comes, "on_part_end": part_ends,
        },
    ).write(head)  # fmt: skip
    return b"".join(found).decode() if is_complete else ""


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


async def read_form(request: Request, offload: Offload) -> FormData:
    kind = _media_type(request)
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data", ""):
        raise Open311Error(400, "send a form: application/x-www-form-urlencoded or multipart/form-data")
    try:
        if kind == "application/x-www-form-urlencoded":
            raw = await request.body()
            if len(raw) > LARGEST_FORM:
                raise Open311Error(400, "the body is too large")
            charset = _charset(request)
            return FormData(await offload.run(len(raw), _pairs, raw, charset))
        if kind == "":
            return FormData([])
        form = await request.form(max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=64 * 1024)
        # Starlette reads a part that is no UTF-8 as ISO-8859-1
        return FormData([(n, repair_encoding(v) if isinstance(v, str) else v) for n, v in form.multi_items()])
    except (HTTPException, ValueError, UnicodeDecodeError, KeyError) as fault:
        if isinstance(fault, HTTPException) and fault.status_code == 413:
            raise Open311Error(400, "the body is too large") from None
        raise Open311Error(400, "the form cannot be read: UTF-8, and not more fields than a form has") from None


def _charset(request: Request) -> str | None:
    declared = parse_options_header(request.headers.get("content-type", ""))[1].get(b"charset")
    return declared.decode("latin-1") if declared else None


def _pairs(raw: bytes, charset: str | None = None) -> list[tuple[str, str | UploadFile]]:
    """The pairs of a form. What is in no character set that can be read stands in them as \\xNN: a report is not
    refused for it. Raises ValueError."""
    return [(show_escaped_bytes(name), show_escaped_bytes(value)) for name, value in parse_pairs(raw, charset)]


def fields_of(query: Mapping[str, str], data: FormData | None) -> tuple[Open311Form, list[UploadFile]]:
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
        name, value = clean_text(name), clean_text(value)
        bracket = _BRACKETS.fullmatch(name)
        if bracket:
            attributes.setdefault(bracket[1], []).append(value)
        elif name in ("media_url", "media_url[]"):
            media.append(value)
        elif value != "" and name not in fields:
            fields[name] = value
    return Open311Form(fields, attributes, media), files


async def store_files(request: Open311Request) -> list[NewFile]:
    """The pictures of a request, stored, with their names."""
    folder = request.services.files
    return [NewFile(await store_file(folder, file.read, None), _name_of(file), file) for file in request.files]


def _name_of(file: UploadFile) -> str:
    name = (file.filename or "media").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in name if c.isprintable())[:120] or "media"
