"""How many reports an hour are taken from one address: counted in the database, for every process alike."""

import math
from datetime import datetime, timedelta

import sqlalchemy as sa

from hotline.organisation.service.accounts import throttle_subject
from hotline.tickets.context import Services
from hotline.web import throttle_store
from hotline.web.addresses import rate_limit_key
from hotline.web.throttling import AttemptLimit, next_attempt_at

HOUR = timedelta(hours=1)
IN_DANGER = 3  # times as many dangers are taken as plain reports, and no more, by whichever form they come
TOLD_HOURLY = AttemptLimit(12, HOUR)  # steps with words about one ticket
STEPS_HOURLY = AttemptLimit(60, HOUR)  # steps from one address, about whatever tickets
PHOTOS_HOURLY = AttemptLimit(60, HOUR)  # from one address
URGED_DAILY = AttemptLimit(2, timedelta(days=1))  # of one ticket, by whoever holds its code


async def spend_report(services: Services, kind: str, most: int, address: str | None, now: datetime) -> int:
    """Count one more report of this kind from the address. 0: it is taken; else the seconds to wait."""
    return await spend(services, (f"report-{kind}", rate_limit_key(address)), AttemptLimit(most, HOUR), now)


async def spend_step(services: Services, number: str, address: str | None, now: datetime) -> int:
    """Count one more step about the ticket, from the address. 0: it is taken; else the seconds to wait."""
    by_ticket = await spend(services, ("told", number), TOLD_HOURLY, now)
    return by_ticket or await spend(services, ("step", rate_limit_key(address)), STEPS_HOURLY, now)


async def spend_danger(services: Services, reports: int, address: str | None, now: datetime) -> int:
    """Count one more danger from the address, by whichever form: more than the `reports` it may send beside.
    0: it is taken; else the seconds to wait."""
    return await spend_report(services, "danger", IN_DANGER * reports, address, now)


async def spend_photo(services: Services, address: str | None, now: datetime) -> int:
    """Count one more photo from the address. 0: it is taken; else the seconds to wait."""
    return await spend(services, ("photo", rate_limit_key(address)), PHOTOS_HOURLY, now)


async def spend(services: Services, subject: tuple[str, str], limit: AttemptLimit, now: datetime) -> int:
    """Count once more for a subject: a kind, and whom. 0: within the limit; else the seconds to wait."""
    name = throttle_subject(services, *subject)

    def count(c: sa.Connection) -> datetime:
        held = throttle_store.lock_tallies(c, [name], now)
        free_at = next_attempt_at(limit, held.get(name), now)
        if free_at <= now:
            throttle_store.add_failure(c, {name: limit}, held, now)
        return free_at

    return max(0, math.ceil((await services.db.transact(count) - now).total_seconds()))
