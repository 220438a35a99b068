"""Logging in, people, and keys."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from hotline.organisation.dependencies import AuthenticatedRoute, CodePath, StaffContext, anybody, credential, may
from hotline.organisation.model.actors import GRANTED, Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.schemas.accounts import (
    KeyIn,
    KeyMade,
    KeyOut,
    KeyPage,
    LogIn,
    MeOut,
    PersonChange,
    PersonIn,
    PersonOut,
    PersonPage,
    TokenOut,
    me_shown,
)
from hotline.organisation.service import accounts, logging_in
from hotline.organisation.store import people
from hotline.refusals import Code, Refusal, Refused
from hotline.web.field_types import Plain
from hotline.web.forwarded import client_address
from hotline.web.responses import POST, READ, WRITE, action_reply, refusals, reply, versioned
from hotline.web.schemas import dumped

router = APIRouter(prefix="/v1", tags=["accounts"], route_class=AuthenticatedRoute)
Admin = Annotated[StaffContext, may("accounts.manage", Role.ADMIN)]


def _token(row: Mapping[str, Any]) -> str:
    return dumped(TokenOut(**row))


def _person(row: Mapping[str, Any]) -> str:
    return dumped(PersonOut(**row))


def _key(row: Mapping[str, Any]) -> str:
    return dumped(KeyMade(**row))


@router.post(
    "/token",
    operation_id="log_in",
    response_model=TokenOut,
    responses=refusals(
        Code.TOO_LARGE, Code.UNSUPPORTED_MEDIA, Code.KEY_REUSED, Code.OUTCOME_UNKNOWN, Code.STORAGE_FULL
    ),
)
async def log_in(body: LogIn, context: Annotated[StaffContext, anybody("token.ask")]) -> Response:
    """Sign in: a token for one shift. Send it as `Authorization: Bearer …`. Wrong passwords are counted by username and
    address; `Retry-After` of a 429 says when the next attempt is accepted. An address that signed in recently is not
    blocked by attempts from elsewhere."""
    address, device = client_address(context.request), context.request.cookies.get(logging_in.DEVICE)
    attempt = logging_in.LogInAttempt(body.login, body.password, address, device)
    request = await context.write_request()
    return action_reply(await logging_in.log_in_once(context.services, attempt, request.key, _token, request.now))


@router.delete("/token", operation_id="log_out", status_code=204, responses=refusals())
async def log_out(context: Annotated[StaffContext, may("token.end", *GRANTED)], request: Request) -> Response:
    """Sign out: the token is invalid at once."""
    await accounts.log_out(context.services, context.actor_cache, credential(request) or "")
    return Response(status_code=204)


@router.get("/me", operation_id="read_me", response_model=MeOut, responses=refusals())
async def read_me(context: Annotated[StaffContext, may("me.read", *GRANTED)]) -> Response:
    """Your roles, departments and areas."""
    return reply(me_shown(context.actor))


@router.get("/people", operation_id="list_people", response_model=PersonPage, responses=refusals())
async def list_people(
    context: Admin, after: Annotated[Plain, Query(max_length=60)] = "", limit: Annotated[int, Query(ge=1, le=500)] = 200
) -> Response:
    """People, by login; for an administrator of an area or department, those within it."""
    rows, place = await accounts.managed(context.services, context.actor, people.listed, "login", after, limit)
    return reply(PersonPage(tuple(PersonOut(**r._asdict()) for r in rows), place))


@router.post(
    "/people",
    operation_id="add_person",
    response_model=PersonOut,
    status_code=201,
    responses={**versioned(201), **refusals(*POST)},
)
async def add_person(body: PersonIn, context: Admin) -> Response:
    """Create a person with roles; a handler also needs a department, and an area limits what they see. Nobody grants
    more than they hold: an administrator of an area or a department only within it."""
    grant = Grant(frozenset(body.roles), body.department, body.area)
    new = accounts.NewPerson(body.login, body.name, body.password, grant)
    return action_reply(await accounts.add_person_once(context.services, new, await context.write_request(), _person))


@router.patch("/people/{person}", operation_id="change_person", response_model=PersonOut, responses=refusals(*WRITE))
async def change_person(person: CodePath, body: PersonChange, context: Admin) -> Response:
    """Change the fields that are sent. Roles and departments take effect at once; a new password ends every session."""
    values: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    empty = [name for name in ("name", "password", "roles", "active") if name in values and values[name] is None]
    if empty:
        raise Refused(
            Refusal(Code.INVALID, "these cannot be empty", errors=tuple((name, "not null") for name in empty))
        )
    update = accounts.PersonUpdate(person, context.version(), values)
    shown = await accounts.change_person(context.services, context.actor_cache, update, context.now, context.actor)
    return reply(PersonOut(**shown), version=shown["version"])


@router.get("/keys", operation_id="list_keys", response_model=KeyPage, responses=refusals())
async def list_keys(
    context: Admin, after: Annotated[Plain, Query(max_length=16)] = "", limit: Annotated[int, Query(ge=1, le=500)] = 200
) -> Response:
    """Machines' keys, without their secrets; for an administrator of an area or department, those within it."""
    rows, place = await accounts.managed(context.services, context.actor, people.keys, "id", after, limit)
    return reply(KeyPage(tuple(KeyOut(**r._asdict()) for r in rows), place))


@router.post(
    "/keys",
    operation_id="add_key",
    response_model=KeyMade,
    status_code=201,
    responses=refusals(*POST),
)
async def add_key(body: KeyIn, context: Admin) -> Response:
    """Create a key for a machine. Its secret is in this reply only; a repeat with the same Idempotency-Key gets the
    same secret, a repeat without it creates another key."""
    grant = Grant(frozenset(body.roles), body.department, body.area)
    new = accounts.NewKey(body.name, grant, body.expires_at)
    return action_reply(await accounts.add_key_once(context.services, new, await context.write_request(), _key))


@router.delete("/keys/{key}", operation_id="revoke_key", status_code=204, responses=refusals(*READ))
async def revoke_key(key: CodePath, context: Admin) -> Response:
    """Revoke a key. Other processes may accept it for one more second."""
    await accounts.revoke_key(context.services, context.actor_cache, key, context.now, context.actor)
    return Response(status_code=204)
