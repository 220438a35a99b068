"""Deletes sessions that have ended and factors that were never confirmed; writes down now and then when sessions and
keys were used last."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from hotline.jobs import Job, RetentionRule
from hotline.organisation.context import OrganisationServices
from hotline.organisation.service.second_factors import SETUP_LIFETIME
from hotline.organisation.store import second_factors, sessions

LAST_USE_PAUSE = 20.0  # seconds between one writing down of last uses and the next


async def _forget_sessions(services: OrganisationServices, now: datetime) -> int:
    unused = now - services.account_rules.session_idle
    return await services.db.transact(lambda c: sessions.delete_expired_sessions(c, now, unused))


async def _forget_factors(services: OrganisationServices, now: datetime) -> int:
    def forget(c: sa.Connection) -> int:
        stale = second_factors.delete_stale_factors(c, now - SETUP_LIFETIME)
        return stale + second_factors.delete_expired_challenges(c, now)

    return await services.db.transact(forget)


def retention() -> Sequence[RetentionRule[OrganisationServices]]:
    return (RetentionRule("sessions", _forget_sessions), RetentionRule("second_factors", _forget_factors))


def last_use_job(services: OrganisationServices) -> Job:
    """Done by every process that is asked with credentials."""

    async def write() -> bool:
        await services.last_use.write(services.db)
        return False

    return Job("last_use", write, LAST_USE_PAUSE)
