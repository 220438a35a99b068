"""The worker's jobs for tickets: search for repeats by meaning, escalate overdue clocks, recalculate limits, take
orders from those who are gone, index texts that fold otherwise than before, compare counters with a full count."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from hotline.database.counting import count_rows
from hotline.jobs import AT_ONCE, BATCH, HOURLY, LONG_PAUSE, MEDIUM_PAUSE, Job, RetentionPeriod, RetentionRule
from hotline.organisation.service import logging_in
from hotline.organisation.store import people
from hotline.tickets.context import Services
from hotline.tickets.departures import release_departed
from hotline.tickets.lookup import PER_TICKET
from hotline.tickets.repeat_search import KEPT_FOR, search_by_meaning
from hotline.tickets.sla.jobs import escalate_due, recalculate_due, start_missing_clocks
from hotline.tickets.store import counters, duplicates, search_index, signing
from hotline.tickets.tables import repeat_search
from hotline.triage.meaning import load_encoder
from hotline.web import throttle_store

# also where no account and no department has changed: a key expires, an order comes back from review
DEPARTURES_EVERY = timedelta(minutes=5)
SIGNED_SINCE = timedelta(days=2)  # a rolling replacement is over by then
SIGNED_AGAIN = timedelta(minutes=5)  # of what was looked at: a step may be committed late
log = structlog.get_logger("hotline.retention")


def ticket_jobs(services: Services) -> Sequence[Job]:
    """Repeats by meaning where the extra is installed, overdue clocks, limits that must be counted anew, tickets
    without clocks, orders signed for by older processes, texts to be indexed anew."""

    async def escalate() -> bool:
        return (await escalate_due(services, services.clock())).claimed > 0

    async def recalculate() -> bool:
        return await recalculate_due(services, services.clock()) > 0

    async def give_clocks() -> bool:
        return await start_missing_clocks(services, services.clock()) > 0

    async def index() -> bool:
        return await services.db.transact(lambda c: search_index.index_next(c, every=False)) > 0

    async def search_repeats() -> bool:
        encoder = await asyncio.to_thread(load_encoder)
        return encoder is not None and await search_by_meaning(services, encoder, services.clock()) > 0

    return (
        Job("repeats", search_repeats, MEDIUM_PAUSE),
        Job("clocks", escalate, AT_ONCE),
        Job("reckoning", recalculate, MEDIUM_PAUSE),
        Job("adoption", give_clocks, HOURLY),
        _signing_job(services),
        Job("search_index", index, HOURLY),
        _departures_job(services),
    )


def _signing_job(services: Services) -> Job:
    """Fills in who signed where processes of an older version run beside this one: at first for all of SIGNED_SINCE,
    then for what has come since the pass before."""
    since: datetime | None = None

    async def sign() -> bool:
        nonlocal since
        now = services.clock()
        begin = since or now - SIGNED_SINCE
        await services.db.transact(lambda c: signing.sign_from_timeline(c, begin))
        since = now - SIGNED_AGAIN
        return False  # all at once

    return Job("signing", sign, LONG_PAUSE)


def _departures_job(services: Services) -> Job:
    """Looks at who has orders when an account or a department has changed, and once in a while: the look reads every
    open order."""
    seen: tuple[int, int, int, int] | None = None
    access_seen, looked_at = -1, services.clock()

    async def give_back() -> bool:
        nonlocal seen, access_seen, looked_at
        now, directory = services.clock(), await services.directory.now(services.clock())
        access = await people.load_access_version(services.db)
        accounts = seen[:2] if seen and access == access_seen else await people.load_account_changes(services.db)
        departments = [version for (noun, _), version in directory.versions.items() if noun == "departments"]
        state = (*accounts, len(departments), max(departments, default=0))
        if state == seen and abs(now - looked_at) < DEPARTURES_EVERY:
            access_seen = access
            return False
        if await release_departed(services, now):
            return True
        seen, access_seen, looked_at = state, access, now
        return False

    return Job("departures", give_back, MEDIUM_PAUSE)


async def check_counters(services: Services) -> int:
    """Compare the counters with a full count; how many differ. They are reported and not corrected, since a difference
    is a defect to be found."""
    drift = await counters.load_counter_drift(services.db)
    for key, (counted, true) in list(drift.items())[:20]:
        log.error("counters.drift", noun=key[0], place=key[1], status=key[2], counted=counted, true=true)
    return len(drift)


async def _forget_searches(services: Services, before: datetime) -> int:
    """What the search by meaning found long ago."""
    return await services.db.transact(lambda c: duplicates.delete_searches(c, before, BATCH))


async def _count_searches(services: Services, before: datetime) -> int:
    return await services.db.snapshot(lambda c: count_rows(c, repeat_search, repeat_search.c.at < before))


async def _forget_throttles(services: Services, now: datetime) -> int:
    """Wrong tries at query codes and log-ins, and the places that are known."""
    tried, known = now - PER_TICKET.window, now - logging_in.KNOWN_PLACE_TTL
    return await services.db.transact(lambda c: throttle_store.delete_expired(c, tried, known))


def retention() -> Sequence[RetentionRule[Services]]:
    return (
        RetentionRule("throttles", _forget_throttles),
        RetentionRule(
            "repeat_search",
            _forget_searches,
            repeats=True,
            period=RetentionPeriod(KEPT_FOR.days),
            count=_count_searches,
        ),
    )
