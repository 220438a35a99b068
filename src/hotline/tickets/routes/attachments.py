"""Files of a ticket."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, UploadFile
from starlette.responses import FileResponse, Response

from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, NumberPath, may
from hotline.organisation.model.actors import PEOPLE, Role
from hotline.refusals import Code, Refusal, Refused
from hotline.storage.files import store
from hotline.tickets.attachments import attach, files_seen, found, may_attach
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.schemas.attachments import AttachmentOut, AttachmentPage, attachment_shown
from hotline.web.responses import POST, READ, action_reply, refusals, reply, versioned
from hotline.web.schemas import dumped

router = APIRouter(prefix="/v1/tickets", tags=["attachments"], route_class=AuthenticatedRoute)


@router.post(
    "/{number}/attachments",
    operation_id="attach_file",
    status_code=201,
    response_model=AttachmentOut,
    responses={**versioned(201), **refusals(*POST, Code.NOT_NOW)},
)
async def attach_file(
    number: NumberPath,
    file: UploadFile,
    context: Annotated[
        TicketContext, may("attachments.add", Role.OPERATOR, Role.DISPATCHER, Role.HANDLER, Role.SUPERVISOR)
    ],
) -> Response:
    """Attach a picture, recording or PDF, at most 10 MB. Its type is read from its bytes."""
    await may_attach(context.services, number, context.actor, context.now)
    name = (
        "".join(c for c in (file.filename or "file").replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable())[:120]
        or "file"
    )
    stored = await store(context.services.files, file.read, file.content_type)
    request = await context.write_request(f"{name}\n{stored.sha256}".encode())
    return action_reply(
        await attach(context.services, number, stored, name, request, lambda f: dumped(attachment_shown(f)))
    )


@router.get(
    "/{number}/attachments", operation_id="list_attachments", response_model=AttachmentPage, responses=refusals(*READ)
)
async def list_attachments(
    number: NumberPath, context: Annotated[TicketContext, may("attachments.read", *PEOPLE)]
) -> Response:
    """The files of a ticket, oldest first."""
    rows = await files_seen(context.services, number, context.actor)
    return reply(AttachmentPage(tuple(map(attachment_shown, rows)), None))


@router.get(
    "/{number}/attachments/{attachment}",
    operation_id="read_attachment",
    response_class=Response,
    responses={
        200: {
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
            "description": "The bytes, to be saved",
            "headers": {"ETag": {"description": "The SHA-256 of the bytes", "schema": {"type": "string"}}},
        },
        **refusals(*READ),
    },
)
async def read_attachment(
    number: NumberPath, attachment: CodePath, context: Annotated[TicketContext, may("attachments.read", *PEOPLE)]
) -> Response:
    """The file, as a download; browsers must not display it in a page."""
    row, path = await found(context.services, number, attachment, context.actor)
    if not path.is_file():
        raise Refused(Refusal(Code.NOT_FOUND, "the file is missing from the store"))
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(row.name)}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": f'"{row.sha256}"',
    }
    return FileResponse(path, headers=headers, media_type=row.media_type)
