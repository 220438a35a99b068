"""Logging in, people, and keys."""

from collections.abc import Mapping
from datetime import datetime
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
from hotline.organisation.service import accounts
from hotline.organisation.store import people
from hotline.refusals import Code, Refusal, Refused
from hotline.web.field_types import Plain
from hotline.web.forwarded import client_address
from hotline.web.idempotency import ActionResult
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
    """Log in: a token for one shift. Send it as `Authorization: Bearer …`. Wrong passwords are counted by log-in and
    address; 429 says in `Retry-After` when the next attempt is accepted. An address where the log-in was right
    lately is not held up by what others try elsewhere."""
    address, device = client_address(context.request), context.request.cookies.get(accounts.DEVICE)
    asked = await context.request_key_of_body()
    done = await accounts.log_in_once(
        context.services, body.login, body.password, address, asked, _token, context.now, device
    )
    return action_reply(done)


@router.delete("/token", operation_id="log_out", status_code=204, responses=refusals())
async def log_out(context: Annotated[StaffContext, may("token.end", *GRANTED)], request: Request) -> Response:
    """Log out: the token works no more, at once."""
    await accounts.log_out(context.services, context.actor_cache, credential(request) or "")
    return Response(status_code=204)


@router.get("/me", operation_id="read_me", response_model=MeOut, responses=refusals())
async def read_me(context: Annotated[StaffContext, may("me.read", *GRANTED)]) -> Response:
    """Who you are here: roles, departments, areas."""
    return reply(me_shown(context.actor))


@router.get("/people", operation_id="list_people", response_model=PersonPage, responses=refusals())
async def list_people(
    context: Admin, after: Annotated[Plain, Query(max_length=60)] = "", limit: Annotated[int, Query(ge=1, le=500)] = 200
) -> Response:
    """People in order of login; for an administrator of a part, those of that part."""
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
    """Give a person a log-in with roles; a handler also needs a department, and an area limits the view. Nobody gives
    more than they hold: an administrator of an area or a department, only within it."""
    grant = Grant(frozenset(body.roles), body.department, body.area)
    done = await accounts.add_person(
        context.services,
        body.login,
        body.name,
        body.password,
        grant,
        await context.request_key_of_body(),
        _person,
        context.now,
        context.actor,
    )
    if not isinstance(done, ActionResult):
        raise TypeError("a request always has a key")
    return action_reply(done)


@router.patch("/people/{person}", operation_id="change_person", response_model=PersonOut, responses=refusals(*WRITE))
async def change_person(person: CodePath, body: PersonChange, context: Admin) -> Response:
    """Change what was sent. Roles and departments take effect at once; a new password ends every session."""
    values: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    empty = [name for name in ("name", "password", "roles", "active") if name in values and values[name] is None]
    if empty:
        raise Refused(
            Refusal(Code.INVALID, "these cannot be empty", errors=tuple((name, "not null") for name in empty))
        )
    shown = await accounts.change_person(
        context.services, context.actor_cache, person, context.version(), values, context.now, context.actor
    )
    return reply(PersonOut(**shown), version=shown["version"])


@router.get("/keys", operation_id="list_keys", response_model=KeyPage, responses=refusals())
async def list_keys(
    context: Admin, after: Annotated[Plain, Query(max_length=16)] = "", limit: Annotated[int, Query(ge=1, le=500)] = 200
) -> Response:
    """Keys of machines, without their secrets; for an administrator of a part, those of that part."""
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
    """A key for a machine. Its secret stands in this reply and nowhere else; a repeat with the same Idempotency-Key is
    told the same one, without it another key is made."""
    grant = Grant(frozenset(body.roles), body.department, body.area)
    expires: datetime | None = body.expires_at
    asked = await context.request_key_of_body()
    return action_reply(
        await accounts.add_key_once(
            context.services, body.name, grant, context.actor.id, expires, asked, _key, context.now, context.actor
        )
    )


@router.delete("/keys/{key}", operation_id="revoke_key", status_code=204, responses=refusals(*READ))
async def revoke_key(key: CodePath, context: Admin) -> Response:
    """Revoke a key. Other processes believe it for a second at most."""
    await accounts.revoke_key(context.services, context.actor_cache, key, context.now, context.actor)
    return Response(status_code=204)
