"""Retention of the notes about sessions that began at identity providers: deleted after they have ended."""

from collections.abc import Sequence
from datetime import datetime

from hotline.jobs import RetentionRule
from hotline.oidc import store
from hotline.organisation.context import OrganisationServices


async def _forget_sessions(services: OrganisationServices, now: datetime) -> int:
    return await services.db.transact(lambda c: store.delete_expired_sessions(c, now))


def retention() -> Sequence[RetentionRule[OrganisationServices]]:
    return (RetentionRule("provider_sessions", _forget_sessions),)
