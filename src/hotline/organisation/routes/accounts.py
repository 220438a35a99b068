"""Logging in, people, and keys."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from hotline.organisation.dependencies import (
    AuthenticatedRoute,
    CodePath,
    StaffContext,
    allow_anonymous,
    credential,
    require_roles,
)
from hotline.organisation.model.actors import GRANTABLE_ROLES, Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.sessions import ANY_STAGE
from hotline.organisation.schemas.accounts import (
    ChangedPerson,
    KeyIn,
    KeyMade,
    KeyOut,
    KeyPage,
    KeyRotationIn,
    ListedPerson,
    LogIn,
    MeOut,
    PersonChange,
    PersonIn,
    PersonOut,
    PersonPage,
    TokenOut,
    me_reply,
)
from hotline.organisation.service import accounts, logging_in, person_changes, sessions
from hotline.organisation.service.key_rotation import KeyRotation, rotate_key_once
from hotline.organisation.service.second_step import require_recent_administrator
from hotline.organisation.store import people
from hotline.refusals import Code, Refusal, Refused
from hotline.text.typed_pinyin import name_sounds
from hotline.web.field_types import PlainLine
from hotline.web.forwarded import client_address
from hotline.web.responses import (
    POST_REFUSALS,
    READ_REFUSALS,
    WRITE_REFUSALS,
    action_reply,
    etag_responses,
    json_reply,
    refusal_responses,
)
from hotline.web.schemas import dump_json

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=AuthenticatedRoute)
Admin = Annotated[StaffContext, require_roles("accounts.manage", Role.ADMIN)]


async def _require_recent_log_in(context: StaffContext) -> None:
    """Raises Refused: who may get in, and as what, is changed only soon after a log-in."""
    await require_recent_administrator(context.services, context.actor, credential(context.request), context.now)


def _render_person(row: Mapping[str, Any]) -> str:
    return dump_json(PersonOut(**row))


def _render_key(row: Mapping[str, Any]) -> str:
    return dump_json(KeyMade(**row))


@router.post(
    "/token",
    operation_id="log_in",
    response_model=TokenOut,
    responses=refusal_responses(
        Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA, Code.KEY_REUSED, Code.OUTCOME_UNKNOWN, Code.STORAGE_FULL
    ),
)
async def log_in(body: LogIn, context: Annotated[StaffContext, allow_anonymous("token.ask")]) -> Response:
    """Sign in: a token for one shift. Send it as `Authorization: Bearer …`; one that is sent here ends. Wrong passwords
    are counted by username and address; `Retry-After` of a 429 says when the next attempt is accepted. An address that
    signed in recently, or a client that sends the `device` it was given then, is neither blocked nor delayed by
    attempts from elsewhere."""
    address = client_address(context.request)
    device = body.device or context.request.cookies.get(logging_in.DEVICE_COOKIE) or secrets.token_urlsafe(32)

    def render(session: sessions.StartedSession) -> str:
        return dump_json(TokenOut(session.token, "Bearer", session.expires_at, session.stage, device))

    user_agent = context.request.headers.get("user-agent", "")
    previous = accounts.session_hash(context.services, credential(context.request))
    attempt = logging_in.LogInAttempt(body.login, body.password, address, device, user_agent, previous)
    request = await context.write_request()
    return action_reply(await logging_in.log_in_once(context.services, attempt, request.key, render, request.now))


@router.delete("/token", operation_id="log_out", status_code=204, responses=refusal_responses())
async def log_out(
    context: Annotated[StaffContext, require_roles("token.end", *GRANTABLE_ROLES, stages=ANY_STAGE)], request: Request
) -> Response:
    """Sign out: the token is invalid at once."""
    await sessions.log_out(context.services, context.actor_cache, credential(request) or "", context.now, context.actor)
    return Response(status_code=204)


@router.get("/me", operation_id="read_me", response_model=MeOut, responses=refusal_responses())
async def read_me(context: Annotated[StaffContext, require_roles("me.read", *GRANTABLE_ROLES)]) -> Response:
    """Your roles, departments and areas."""
    return json_reply(me_reply(context.actor))


@router.get("/people", operation_id="list_people", response_model=PersonPage, responses=refusal_responses())
async def list_people(
    context: Admin,
    after: Annotated[PlainLine, Query(max_length=60)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Response:
    """People, by login; for an administrator of an area or department, those within it."""
    rows, place = await accounts.load_managed_page(
        context.services, context.actor, people.load_people, "login", after, limit
    )
    return json_reply(
        PersonPage(tuple(ListedPerson(**r._asdict(), sounds=tuple(name_sounds(r.name))) for r in rows), place)
    )


@router.post(
    "/people",
    operation_id="add_person",
    response_model=PersonOut,
    status_code=201,
    responses={**etag_responses(201), **refusal_responses(*POST_REFUSALS)},
)
async def add_person(body: PersonIn, context: Admin) -> Response:
    """Create a person with roles; a handler also needs a department, and an area limits what they see. Nobody grants
    more than they hold: an administrator of an area or a department only within it. The password is replaced at the
    first log-in, and ends after a week unused. Needs a log-in that is not older than 15 minutes (401)."""
    await _require_recent_log_in(context)
    grant = Grant(frozenset(body.roles), body.department, body.area)
    new = accounts.NewPerson(body.login, body.name, body.password, grant, is_first=True)
    return action_reply(
        await accounts.add_person_once(context.services, new, await context.write_request(), _render_person)
    )


@router.patch(
    "/people/{person}",
    operation_id="change_person",
    response_model=ChangedPerson,
    responses=refusal_responses(*WRITE_REFUSALS, Code.CONFLICT),
)
async def change_person(person: CodePath, body: PersonChange, context: Admin) -> Response:
    """Change the fields that are sent, of a person by login or id (`GET /v1/people` lists both). Roles and departments
    take effect at once; a new password ends every session.
    Orders of somebody who leaves a department go back to its queue; `held` says how many. The last administrator who is
    limited to no area or department cannot be closed, and keeps that role: 409. All but a name needs a log-in that is
    not older than 15 minutes (401); your own password is changed by `POST /v1/me/password` alone (409)."""
    if not body.model_fields_set <= {"name"}:
        await _require_recent_log_in(context)
    values: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    empty = [name for name in ("name", "password", "roles", "active") if name in values and values[name] is None]
    if empty:
        raise Refused(
            Refusal(Code.INVALID, "these cannot be empty", errors=tuple((name, "not null") for name in empty))
        )
    update = person_changes.PersonUpdate(person, context.version(), values)
    shown = await person_changes.change_person(
        context.services, context.actor_cache, update, context.now, context.actor
    )
    held = await context.services.held_work.count_departed(shown["id"], context.now)
    return json_reply(ChangedPerson(**shown, held=held), version=shown["version"])


@router.get("/keys", operation_id="list_keys", response_model=KeyPage, responses=refusal_responses())
async def list_keys(
    context: Admin,
    after: Annotated[PlainLine, Query(max_length=16)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 200,
) -> Response:
    """Machines' keys, without their secrets; for an administrator of an area or department, those within it."""
    rows, place = await accounts.load_managed_page(
        context.services, context.actor, people.load_keys, "id", after, limit
    )
    return json_reply(KeyPage(tuple(KeyOut(**r._asdict()) for r in rows), place))


@router.post(
    "/keys",
    operation_id="add_key",
    response_model=KeyMade,
    status_code=201,
    responses=refusal_responses(*POST_REFUSALS),
)
async def add_key(body: KeyIn, context: Admin) -> Response:
    """Create a key for a machine. Its secret is in this reply only; a repeat with the same Idempotency-Key gets the
    same secret, a repeat without it creates another key. Needs a log-in that is not older than 15 minutes (401)."""
    await _require_recent_log_in(context)
    grant = Grant(frozenset(body.roles), body.department, body.area)
    default = context.now + context.services.account_rules.key_lifetime
    expires_at = body.expires_at if "expires_at" in body.model_fields_set else default
    new = accounts.NewKey(body.name, grant, expires_at)
    return action_reply(await accounts.add_key_once(context.services, new, await context.write_request(), _render_key))


@router.post(
    "/keys/{key}/rotate",
    operation_id="rotate_key",
    response_model=KeyMade,
    status_code=201,
    responses=refusal_responses(*POST_REFUSALS),
)
async def rotate_key(key: CodePath, body: KeyRotationIn, context: Admin) -> Response:
    """Replace a key: the reply is a new one with the same rights, and the old one stays valid for `overlap_hours`.
    Needs a log-in that is not older than 15 minutes (401)."""
    await _require_recent_log_in(context)
    rotation = KeyRotation(key, timedelta(hours=body.overlap_hours))
    request = await context.write_request()
    return action_reply(await rotate_key_once(context.services, context.actor_cache, rotation, request, _render_key))


@router.delete("/keys/{key}", operation_id="revoke_key", status_code=204, responses=refusal_responses(*READ_REFUSALS))
async def revoke_key(key: CodePath, context: Admin) -> Response:
    """Revoke a key. Other processes may accept it for one more second."""
    await accounts.revoke_key(context.services, context.actor_cache, key, context.now, context.actor)
    return Response(status_code=204)
