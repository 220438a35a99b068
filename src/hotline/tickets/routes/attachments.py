"""Files of a ticket."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, UploadFile
from starlette.responses import FileResponse, Response

from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, NumberPath, require_roles
from hotline.organisation.model.actors import PERSON_ROLES, ActorKind, Role
from hotline.refusals import Code, Refusal, Refused
from hotline.storage.file_types import name_with_extension, plain_name
from hotline.storage.files import store_file
from hotline.tickets.attachments import NewFile, attach, check_can_attach, load_attachment_file, load_visible_files
from hotline.tickets.dependencies import TicketContext
from hotline.tickets.model.vocabulary import AttachmentPurpose
from hotline.tickets.released_photos import released_ids
from hotline.tickets.schemas.attachments import AttachmentOut, AttachmentPage, FileAuthor, render_attachment
from hotline.tickets.store.history import load_file_authors
from hotline.web.responses import (
    POST_REFUSALS,
    READ_REFUSALS,
    action_reply,
    etag_responses,
    json_reply,
    refusal_responses,
)
from hotline.web.schemas import dump_json

router = APIRouter(prefix="/v1/tickets", tags=["attachments"], route_class=AuthenticatedRoute)


@router.post(
    "/{number}/attachments",
    operation_id="attach_file",
    status_code=201,
    response_model=AttachmentOut,
    responses={**etag_responses(201), **refusal_responses(*POST_REFUSALS, Code.NOT_NOW)},
)
async def attach_file(
    number: NumberPath,
    file: UploadFile,
    context: Annotated[
        TicketContext, require_roles("attachments.add", Role.OPERATOR, Role.DISPATCHER, Role.HANDLER, Role.SUPERVISOR)
    ],
    purpose: Annotated[
        AttachmentPurpose,
        Form(description="What it shows: the place `before` or `after` the work, or something else (`evidence`)"),
    ] = AttachmentPurpose.EVIDENCE,
) -> Response:
    """Attach a picture, recording or PDF, at most 10 MB. Its type is read from its bytes. A result names the photos,
    before and after, that the resident may see."""
    await check_can_attach(context.services, number, context.actor, context.now)
    name = plain_name(file.filename, "file")
    stored = await store_file(context.services.files, file.read, file.content_type)
    told = "" if purpose is AttachmentPurpose.EVIDENCE else f"\n{purpose}"  # as older keys meant
    request = await context.write_request(f"{name}\n{stored.sha256}{told}".encode())
    new = NewFile(stored, name, file, purpose)
    author = FileAuthor(context.actor.kind, context.actor.name)
    return action_reply(
        await attach(context.services, number, new, request, lambda f: dump_json(render_attachment(f, author)))
    )


@router.get(
    "/{number}/attachments",
    operation_id="list_attachments",
    response_model=AttachmentPage,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_attachments(
    number: NumberPath, context: Annotated[TicketContext, require_roles("attachments.read", *PERSON_ROLES)]
) -> Response:
    """The files of a ticket, oldest first, with who attached each."""
    facts, rows = await load_visible_files(context.services, number, context.actor)
    scans = await context.services.file_scanner.states([row.sha256 for row in rows])
    released = released_ids(facts)
    authors = await load_file_authors(context.services.db, facts.ticket.number)
    by = {by_id: FileAuthor(ActorKind(kind), name) for by_id, (kind, name) in authors.items()}
    items = (render_attachment(r, by.get(r.by_id), scans.get(r.sha256), for_resident=r.id in released) for r in rows)
    return json_reply(AttachmentPage(tuple(items), None))


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
        **refusal_responses(*READ_REFUSALS),
    },
)
async def read_attachment(
    number: NumberPath,
    attachment: CodePath,
    context: Annotated[TicketContext, require_roles("attachments.read", *PERSON_ROLES)],
) -> Response:
    """The file, as a download; browsers must not display it in a page. Its name ends as its bytes are: a picture that
    was sent as `x.html` is `x.gif`. 503 with Retry-After while it is being scanned for viruses; 404 where it is
    withheld."""
    row, path = await load_attachment_file(context.services, number, attachment, context.actor)
    if not path.is_file():
        raise Refused(Refusal(Code.NOT_FOUND, "the file is missing from the store"))
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name_with_extension(row.name, row.media_type))}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "ETag": f'"{row.sha256}"',
    }
    return FileResponse(path, headers=headers, media_type=row.media_type)
