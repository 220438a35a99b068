"""What is held of a caller, to be shown to them or erased: as the commands do."""

import asyncio
from collections.abc import AsyncIterator
from tempfile import TemporaryFile
from typing import IO, Annotated

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from hotline.database.deadlines import run_detached
from hotline.organisation.dependencies import AuthenticatedRoute, credential, require_roles
from hotline.organisation.model.actors import Role
from hotline.organisation.service.second_step import require_recent_administrator
from hotline.privacy.erasing import erase_person, plan_erasure
from hotline.privacy.exporting import PersonExport, export_person, write_zip
from hotline.privacy.schemas import ErasureIn, ErasureOut, SubjectIn, erasure_reply
from hotline.privacy.subjects import find_subject
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.dependencies import TicketContext
from hotline.web.idempotency import Reply, load_earlier_answer, write_once
from hotline.web.responses import POST_REFUSALS, action_reply, json_reply, refusal_responses
from hotline.web.schemas import dump_json

router = APIRouter(prefix="/v1/privacy", tags=["privacy"], route_class=AuthenticatedRoute)
Admin = Annotated[TicketContext, require_roles("privacy.manage", Role.ADMIN)]
_PIECE = 256 * 1024


async def _check(context: TicketContext) -> None:
    """Raises Refused: a caller's data lies in every area, and is touched only soon after a log-in."""
    if context.actor.areas is not None or context.actor.departments:
        raise Refused(Refusal(Code.NOT_YOUR_ROLE, "for administrators of the whole organisation"))
    await require_recent_administrator(context.services, context.actor, credential(context.request), context.now)


@router.post(
    "/export",
    operation_id="export_person",
    response_class=Response,
    responses={
        200: {
            "description": "All that is held of the person: `person.json`, `person.txt` and their files",
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        },
        **refusal_responses(*POST_REFUSALS),
    },
)
async def export_person_data(body: SubjectIn, context: Admin) -> Response:
    """All that is held of a caller, for that person alone: a ZIP with JSON, a text to be read, and files; nothing of
    other callers. Within 15 minutes of a log-in; the security log tells of it."""
    await _check(context)
    subject = await find_subject(context.services, body.person, "person")
    found = await export_person(context.services, subject, context.now, context.actor)
    packed = await asyncio.to_thread(_pack, found)
    headers = {"Content-Disposition": f'attachment; filename="person-{found.caller[:8]}.zip"'}
    return StreamingResponse(_pieces(packed), media_type="application/zip", headers=headers)


def _pack(found: PersonExport) -> IO[bytes]:
    """In a file without a name: nothing of it stays, however the request ends."""
    packed = TemporaryFile()  # noqa: SIM115  closed once it is sent
    write_zip(found, packed)
    packed.seek(0)
    return packed


async def _pieces(packed: IO[bytes]) -> AsyncIterator[bytes]:
    with packed:
        while piece := await asyncio.to_thread(packed.read, _PIECE):
            yield piece


@router.post(
    "/erase",
    operation_id="erase_person",
    response_model=ErasureOut,
    responses=refusal_responses(*POST_REFUSALS, Code.NOT_NOW),
)
async def erase_person_data(body: ErasureIn, context: Admin) -> Response:
    """What erasing a caller would change and what stays; with `erase`, it is done. It is refused while a matter of
    theirs is open (unless `also_open`) or a record waits in the spool. Broken off, it goes on when it is asked again.
    Within 15 minutes of a log-in; the security log tells of it."""
    await _check(context)
    services, request = context.services, await context.write_request()
    if earlier := await load_earlier_answer(services, request.key):
        return action_reply(earlier)
    subject = await find_subject(services, body.person, "person")
    planned = await plan_erasure(services, subject)
    if not body.erase:
        return json_reply(erasure_reply(planned))
    work = erase_person(services, subject, context.now, context.actor, also_open=body.also_open)
    answer = dump_json(erasure_reply(planned, await run_detached(work)))
    return action_reply(await write_once(services, request.key, lambda _: Reply(200, answer), context.now))
