"""Rotation of a machine's key: a new one with the same rights, while the old one stays valid for a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.actors import Actor
from hotline.organisation.service.account_events import key_rotated
from hotline.organisation.service.accounts import ActorCache, NewKey, Render, can_manage, key_values, new_key
from hotline.organisation.service.credentials import grant_of
from hotline.organisation.store import people
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import record_deed
from hotline.web.idempotency import ActionResult, Reply, load_earlier_answer, write_once

NO_KEY = Refusal(Code.NOT_FOUND, "no such live key")


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """The key of that id is replaced; it stays valid for `overlap`, at most."""

    id: str
    overlap: timedelta = timedelta(hours=24)


async def rotate_key(
    services: OrganisationServices, rotation: KeyRotation, created_by: str, now: datetime
) -> dict[str, Any]:
    """On the machine itself. Raises Refused where there is no such live key."""
    row, secret = await _replacement(services, rotation, created_by, now, None)
    await services.db.transact(lambda c: _replace(c, row, rotation, None, now))
    return key_values(row, secret)


async def rotate_key_once(
    services: OrganisationServices,
    actor_cache: ActorCache,
    rotation: KeyRotation,
    request: WriteRequest,
    render: Render,
) -> ActionResult:
    """The same under an Idempotency-Key: a repeat gets the same secret. Raises Refused where it is not the asker's to
    rotate."""
    if earlier := await load_earlier_answer(services, request.key, secret=True):
        return earlier
    row, secret = await _replacement(services, rotation, request.actor.id, request.now, request.actor)

    def write(c: sa.Connection) -> Reply:
        _replace(c, row, rotation, request.actor, request.now)
        return Reply(201, render(key_values(row, secret)))

    result = await write_once(services, request.key, write, request.now, secret=True)
    actor_cache.forget()
    return result


async def _replacement(
    services: OrganisationServices, rotation: KeyRotation, created_by: str, now: datetime, granter: Actor | None
) -> tuple[dict[str, Any], str]:
    old = await people.load_key(services.db, rotation.id)
    ended = old is not None and (old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now))
    if old is None or ended or not can_manage(granter, old):
        raise Refused(NO_KEY)
    expires_at = now + services.account_rules.key_lifetime if old.expires_at is not None else None
    row, secret = await new_key(services, NewKey(old.name, grant_of(old), expires_at), created_by, now, granter)
    return {**row, "replaces": old.id}, secret


def _replace(
    c: sa.Connection, row: Mapping[str, Any], rotation: KeyRotation, granter: Actor | None, now: datetime
) -> None:
    if not people.end_key_at(c, rotation.id, now + rotation.overlap):
        raise Refused(NO_KEY)
    people.add_key(c, row)
    record_deed(c, key_rotated(row, rotation.id, granter, now))
