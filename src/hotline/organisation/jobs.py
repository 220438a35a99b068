"""Retention of sessions, deleted after they have ended, and of second factors that were never confirmed."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from hotline.jobs import RetentionRule
from hotline.organisation.context import OrganisationServices
from hotline.organisation.service.second_factors import SETUP_LIFETIME
from hotline.organisation.store import people, second_factors


async def _forget_sessions(services: OrganisationServices, now: datetime) -> int:
    return await services.db.transact(lambda c: people.delete_expired_sessions(c, now))


async def _forget_factors(services: OrganisationServices, now: datetime) -> int:
    def forget(c: sa.Connection) -> int:
        stale = second_factors.delete_stale_factors(c, now - SETUP_LIFETIME)
        return stale + second_factors.delete_expired_challenges(c, now)

    return await services.db.transact(forget)


def retention() -> Sequence[RetentionRule[OrganisationServices]]:
    return (RetentionRule("sessions", _forget_sessions), RetentionRule("second_factors", _forget_factors))
