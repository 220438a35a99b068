"""Retention: deletes what is past its time by the rules that packages declare, and runs their nightly checks."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from hotline.jobs import LONG_PAUSE, Job, RetentionRule
from hotline.runtime.jobs import WorkerContext
from hotline.tickets.context import Services

NIGHTLY_CHECK_HOUR = 3  # the hour (UTC) after which the checks are made once a day
NightlyCheck = Callable[[WorkerContext], Awaitable[object]]


class RetentionRules:
    """The declared rules, in order. `declared` is called when they are first asked for."""

    def __init__(self, declared: Callable[[], Iterable[RetentionRule[Services]]]) -> None:
        self._declared = declared

    @cached_property
    def rules(self) -> Sequence[RetentionRule[Services]]:
        return tuple(self._declared())


async def tidy(services: Services, now: datetime) -> dict[str, int]:
    """Apply every rule once; how many rows each deleted."""
    return {rule.name: await rule.tidy(services, now) for rule in services.part(RetentionRules).rules}


def retention_job(context: WorkerContext, checks: Sequence[NightlyCheck]) -> Job:
    """Delete what is past its time; once a night, compare counters with a full count."""
    services = context.services
    checked: datetime | None = None

    async def retain() -> bool:
        nonlocal checked
        now = services.clock()
        done = await tidy(services, now)
        if now.hour == NIGHTLY_CHECK_HOUR and (checked is None or now - checked > timedelta(hours=12)):
            checked = now
            for check in checks:
                await check(context)
        return any(done[rule.name] for rule in services.part(RetentionRules).rules if rule.repeats)

    return Job("retention", retain, LONG_PAUSE)
