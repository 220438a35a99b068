"""Retention: deletes what is past its time by the rules that packages declare, and runs their nightly checks."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property

import sqlalchemy as sa

from hotline.database.engine import Database
from hotline.database.prepared import PreparedQuery
from hotline.database.tables import retention_period as p
from hotline.jobs import LONG_PAUSE, Job, RetentionRule
from hotline.runtime.jobs import WorkerContext
from hotline.security_log.store import SYSTEM, SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed
from hotline.tickets.context import Services

TOLD_EVERY = timedelta(hours=1)  # what is deleted meanwhile is one row of the security log
NIGHTLY_CHECK_HOUR = 3  # the hour (UTC) after which the checks are made once a day
_CHOSEN = PreparedQuery(sa.select(p.c.noun, p.c.days))
NightlyCheck = Callable[[WorkerContext], Awaitable[object]]


class RetentionRules:
    """The declared rules, in order. `declared` is called when they are first asked for."""

    def __init__(self, declared: Callable[[], Iterable[RetentionRule[Services]]]) -> None:
        self._declared = declared

    @cached_property
    def rules(self) -> Sequence[RetentionRule[Services]]:
        return tuple(self._declared())


async def load_chosen_periods(db: Database) -> dict[str, int | None]:
    """The days of the nouns that an administrator chose; None: without end."""
    return {row.noun: row.days for row in await db.rows(_CHOSEN)}


def write_period(c: sa.Connection, noun: str, days: int | None, by: str, now: datetime) -> None:
    """Choose how long a noun is kept."""
    delete_period(c, noun)
    c.execute(sa.insert(p), {"noun": noun, "days": days, "changed_at": now, "changed_by": by})


def delete_period(c: sa.Connection, noun: str) -> None:
    """Keep a noun for as long as by default."""
    c.execute(sa.delete(p).where(p.c.noun == noun))


def days_of(rule: RetentionRule[Services], chosen: Mapping[str, int | None]) -> int | None:
    """How long the noun of a rule with a period is kept. None: without end."""
    return chosen.get(rule.name, rule.period.days if rule.period else None)


def moment_of(rule: RetentionRule[Services], chosen: Mapping[str, int | None], now: datetime) -> datetime | None:
    """What a rule deletes up to. None: nothing."""
    if rule.period is None:
        return now
    days = days_of(rule, chosen)
    return None if days is None else now - timedelta(days=days)


async def tidy(services: Services, now: datetime) -> dict[str, int]:
    """Apply every rule once; how many rows each deleted."""
    chosen, done = await load_chosen_periods(services.db), dict[str, int]()
    for rule in services.part(RetentionRules).rules:
        moment = moment_of(rule, chosen, now)
        done[rule.name] = 0 if moment is None else await rule.tidy(services, moment)
    return done


async def count_due(services: Services, now: datetime) -> dict[str, int]:
    """How many rows each rule with a period would delete, all batches of it; nothing is changed."""
    chosen, due = await load_chosen_periods(services.db), dict[str, int]()
    for rule in services.part(RetentionRules).rules:
        if rule.period is not None and rule.count is not None:
            moment = moment_of(rule, chosen, now)
            due[rule.name] = 0 if moment is None else await rule.count(services, moment)
    return due


def retention_job(context: WorkerContext, checks: Sequence[NightlyCheck]) -> Job:
    """Delete what is past its time; once a night, compare counters with a full count."""
    services = context.services
    checked: datetime | None = None
    deleted, told = Counter[str](), datetime.min.replace(tzinfo=UTC)
    by_period = [rule.name for rule in services.part(RetentionRules).rules if rule.period is not None]

    async def tell(now: datetime) -> None:
        """Record what was deleted by a period: at once, and then once an hour."""
        nonlocal told
        if deleted and now - told >= TOLD_EVERY:
            event = SecurityEvent(Deed.RETENTION_APPLIED, SYSTEM, now, details=dict(deleted), address=None)
            await services.db.transact(lambda c: record_deed(c, event))
            deleted.clear()
            told = now

    async def retain() -> bool:
        nonlocal checked
        now = services.clock()
        done = await tidy(services, now)
        deleted.update({name: done[name] for name in by_period if done[name]})
        await tell(now)
        if now.hour == NIGHTLY_CHECK_HOUR and (checked is None or now - checked > timedelta(hours=12)):
            checked = now
            for check in checks:
                await check(context)
        return any(done[rule.name] for rule in services.part(RetentionRules).rules if rule.repeats)

    return Job("retention", retain, LONG_PAUSE)
