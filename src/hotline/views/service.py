"""Saved views: kept, changed and deleted by their owner alone."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from hotline.database.prepared import Row
from hotline.organisation.model.actors import Actor
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.tickets.context import Services
from hotline.views import store
from hotline.web.idempotency import ActionResult, Reply, write_once

MOST_VIEWS = 100  # of one person
UNKNOWN_VIEW = Refusal(Code.NOT_FOUND, "no such view")
NOT_YOURS = Refusal(Code.NOT_YOUR_ROLE, "a view is changed by whoever saved it")
Show = Callable[[Mapping[str, Any]], str]


def _is_colleague(actor: Actor) -> bool:
    """Whether what others share is shown: to everybody but a contractor."""
    return not actor.contractor


async def load_views(services: Services, actor: Actor, page: str) -> Sequence[Row]:
    """The actor's views of a page, then those that colleagues share."""
    return await store.load_views(services.db, actor.id, page, colleague=_is_colleague(actor))


async def load_view(services: Services, actor: Actor, view: str) -> Row:
    """One view. Raises Refused where it is not there, or neither theirs nor shared."""
    found = await store.load_view(services.db, actor.id, view, colleague=_is_colleague(actor))
    if found is None:
        raise Refused(UNKNOWN_VIEW)
    return found


async def save_view(services: Services, values: Mapping[str, Any], request: WriteRequest, show: Show) -> ActionResult:
    """Keep a view. Raises Refused where the person has too many."""
    row = {
        **values,
        "id": str(uuid4()),
        "owner": request.actor.id,
        "owner_name": request.actor.name,
        "version": 1,
        "created_at": request.now,
        "changed_at": request.now,
    }

    def write(c: sa.Connection) -> Reply:
        if store.count_views(c, request.actor.id) >= MOST_VIEWS:
            rule = f"at most {MOST_VIEWS} views"
            raise Refused(Refusal(Code.INVALID, "too many views", errors=(("name", rule),)))
        store.insert_view(c, row)
        return Reply(201, show(row), "1")

    return await write_once(services, request.key, write, request.now)


async def _load_own(services: Services, actor: Actor, view: str) -> Row:
    found = await load_view(services, actor, view)
    if found.owner != actor.id:
        raise Refused(NOT_YOURS)
    return found


async def change_view(
    services: Services,
    actor: Actor,
    view: str,
    version: int,
    values: Mapping[str, Any],
    now: datetime,
) -> Row:
    """Set what was sent. Raises Refused: unknown, somebody else's, or changed since."""
    await _load_own(services, actor, view)
    row = {**values, "changed_at": now}
    if not await services.db.transact(lambda c: store.update_view(c, view, version, row)):
        raise Refused(Refusal(Code.STALE, "the view has changed since the version you saw"))
    return await load_view(services, actor, view)


async def delete_view(services: Services, actor: Actor, view: str) -> None:
    """Raises Refused: unknown, or somebody else's."""
    await _load_own(services, actor, view)
    await services.db.transact(lambda c: store.delete_view(c, view))
