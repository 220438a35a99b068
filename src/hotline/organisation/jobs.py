"""Retention of sessions: deleted after they have ended."""

from collections.abc import Sequence
from datetime import datetime

from hotline.jobs import RetentionRule
from hotline.organisation.context import OrganisationServices
from hotline.organisation.store import people


async def _forget_sessions(services: OrganisationServices, now: datetime) -> int:
    return await services.db.transact(lambda c: people.delete_expired_sessions(c, now))


def retention() -> Sequence[RetentionRule[OrganisationServices]]:
    return (RetentionRule("sessions", _forget_sessions),)
