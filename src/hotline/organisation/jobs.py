"""Deletes sessions that have ended and factors that were never confirmed; writes down now and then when sessions and
keys were used last."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from hotline.database.counting import count_rows
from hotline.jobs import BATCH, Job, RetentionPeriod, RetentionRule
from hotline.organisation.context import OrganisationServices
from hotline.organisation.service.second_factors import SETUP_LIFETIME
from hotline.organisation.store import duty_feeds, second_factors, sessions
from hotline.organisation.tables import feed_token

_REVOKED = RetentionPeriod(365)  # of tokens of duty calendars, from when they were revoked
LAST_USE_PAUSE = 20.0  # seconds between one writing down of last uses and the next


async def _forget_sessions(services: OrganisationServices, now: datetime) -> int:
    unused = now - services.account_rules.session_idle
    return await services.db.transact(lambda c: sessions.delete_expired_sessions(c, now, unused))


async def _forget_factors(services: OrganisationServices, now: datetime) -> int:
    def forget(c: sa.Connection) -> int:
        stale = second_factors.delete_stale_factors(c, now - SETUP_LIFETIME)
        return stale + second_factors.delete_expired_challenges(c, now)

    return await services.db.transact(forget)


async def _forget_feeds(services: OrganisationServices, before: datetime) -> int:
    return await services.db.transact(lambda c: duty_feeds.delete_revoked_feeds(c, before, BATCH))


async def _count_feeds(services: OrganisationServices, before: datetime) -> int:
    return await services.db.snapshot(lambda c: count_rows(c, feed_token, duty_feeds.is_revoked_before(before)))


def retention() -> Sequence[RetentionRule[OrganisationServices]]:
    return (
        RetentionRule("sessions", _forget_sessions),
        RetentionRule("second_factors", _forget_factors),
        RetentionRule("feed_tokens", _forget_feeds, period=_REVOKED, count=_count_feeds),
    )


def last_use_job(services: OrganisationServices) -> Job:
    """Done by every process that is asked with credentials."""

    async def write() -> bool:
        await services.last_use.write(services.db)
        return False

    return Job("last_use", write, LAST_USE_PAUSE)
