"""Actors of cached credentials, for use while the database is unavailable."""

from datetime import datetime

from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.actors import Actor
from hotline.organisation.service.accounts import keyed_hash
from hotline.organisation.service.credentials import actor_of, grant_of


async def cached_actor(services: OrganisationServices, credential: str | None, now: datetime) -> Actor | None:
    """Whose credential it was at the last refresh. Only to take something in for later."""
    found = services.credentials.find(keyed_hash(services, credential), now) if credential else None
    if found is None:
        return None
    row = found.row
    return actor_of(await services.directory.current_or_last_known(now), found.kind, row.id, row.name, grant_of(row))
