"""Sessions: deleted after they have ended; when sessions and keys were used last, written down now and then."""

from collections.abc import Sequence
from datetime import datetime

from hotline.jobs import Job, RetentionRule
from hotline.organisation.context import OrganisationServices
from hotline.organisation.store import sessions

LAST_USE_PAUSE = 20.0  # seconds between one writing down of last uses and the next


async def _forget_sessions(services: OrganisationServices, now: datetime) -> int:
    unused = now - services.account_rules.session_idle
    return await services.db.transact(lambda c: sessions.delete_expired_sessions(c, now, unused))


def retention() -> Sequence[RetentionRule[OrganisationServices]]:
    return (RetentionRule("sessions", _forget_sessions),)


def last_use_job(services: OrganisationServices) -> Job:
    """Done by every process that is asked with credentials."""

    async def write() -> bool:
        await services.last_use.write(services.db)
        return False

    return Job("last_use", write, LAST_USE_PAUSE)
