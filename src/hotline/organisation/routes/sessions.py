"""Sessions: listed and ended by their owner, and by administrators."""

from typing import Annotated

from fastapi import APIRouter
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, StaffContext, credential, require_roles
from hotline.organisation.model.actors import PERSON_ROLES, Role
from hotline.organisation.schemas.sessions import SessionList, SessionsEnded, session_list
from hotline.organisation.service import sessions
from hotline.web.responses import READ_REFUSALS, json_reply, refusal_responses

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=AuthenticatedRoute)
Owner = Annotated[StaffContext, require_roles("sessions.own", *PERSON_ROLES)]
Admin = Annotated[StaffContext, require_roles("accounts.manage", Role.ADMIN)]


async def _end(context: StaffContext, which: sessions.SessionsToEnd) -> int:
    return await sessions.end_sessions(context.services, context.actor_cache, which, context.now)


@router.get("/me/sessions", operation_id="list_my_sessions", response_model=SessionList, responses=refusal_responses())
async def list_my_sessions(context: Owner) -> Response:
    """Where you are logged in, the newest log-in first; a key has no sessions."""
    token = credential(context.request)
    return json_reply(
        session_list(await sessions.load_sessions(context.services, context.actor.id, context.now, token))
    )


@router.delete(
    "/me/sessions", operation_id="end_my_other_sessions", response_model=SessionsEnded, responses=refusal_responses()
)
async def end_my_other_sessions(context: Owner) -> Response:
    """Log out everywhere else: every session of yours ends but this one, and your other browsers are told of dangers no
    more."""
    token = credential(context.request)
    ended = await _end(context, sessions.SessionsToEnd(context.actor.id, context.actor, keep_token=token))
    return json_reply(SessionsEnded(ended))


@router.delete(
    "/me/sessions/{session}",
    operation_id="end_my_session",
    status_code=204,
    responses=refusal_responses(*READ_REFUSALS),
)
async def end_my_session(session: CodePath, context: Owner) -> Response:
    """End one of your sessions. Its streams end within a second."""
    await _end(context, sessions.SessionsToEnd(context.actor.id, context.actor, only=session))
    return Response(status_code=204)


@router.get(
    "/people/{person}/sessions",
    operation_id="list_sessions",
    response_model=SessionList,
    responses=refusal_responses(*READ_REFUSALS),
)
async def list_sessions(person: CodePath, context: Admin) -> Response:
    """Where a person is logged in, by login or id; for an administrator of an area or department, of those within
    it."""
    row = await sessions.load_managed_person(context.services, context.actor, person)
    return json_reply(session_list(await sessions.load_sessions(context.services, row.id, context.now)))


@router.delete(
    "/people/{person}/sessions",
    operation_id="end_sessions",
    response_model=SessionsEnded,
    responses=refusal_responses(*READ_REFUSALS),
)
async def end_sessions(person: CodePath, context: Admin) -> Response:
    """Log a person out everywhere. Their browsers are told of dangers no more."""
    row = await sessions.load_managed_person(context.services, context.actor, person)
    return json_reply(SessionsEnded(await _end(context, sessions.SessionsToEnd(row.id, context.actor))))


@router.delete(
    "/people/{person}/sessions/{session}",
    operation_id="end_session",
    status_code=204,
    responses=refusal_responses(*READ_REFUSALS),
)
async def end_session(person: CodePath, session: CodePath, context: Admin) -> Response:
    """End one session of a person."""
    row = await sessions.load_managed_person(context.services, context.actor, person)
    await _end(context, sessions.SessionsToEnd(row.id, context.actor, only=session))
    return Response(status_code=204)
