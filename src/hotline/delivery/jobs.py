"""The worker's jobs for outgoing messages: send what is due, and give up what is past its time."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from hotline.database.counting import count_rows
from hotline.delivery import attempts
from hotline.delivery import store as outbox_store
from hotline.delivery.alarms import add_alarm
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.context import DeliveryServices
from hotline.delivery.message_kinds import MessageKinds
from hotline.delivery.outbox import OutboxDispatcher
from hotline.delivery.tables import attempt
from hotline.jobs import AT_ONCE, BATCH, Job, RetentionPeriod, RetentionRule
from hotline.locales import bilingual

MESSAGE_LIFETIME = timedelta(hours=72)
LOGGED = RetentionPeriod(
    180, 150, "retention.why.texts"
)  # each try: longer than the five months the regulator asks for
log = structlog.get_logger("hotline.retention")


def outbox_jobs(
    services: DeliveryServices, channels: DeliveryChannels, on_stop: list[Callable[[], Awaitable[None]]]
) -> Sequence[Job]:
    dispatcher = OutboxDispatcher(services, channels)
    on_stop.append(dispatcher.settle_all)

    async def send() -> bool:
        return await dispatcher.step(services.clock())

    return (Job("outbox", send, AT_ONCE),)


async def _expire(services: DeliveryServices, now: datetime) -> int:
    """Give up messages that could not be sent for too long, and send operators an alarm."""
    lasting = services.part(MessageKinds).lasting

    def expire(c: sa.Connection) -> int:
        count = outbox_store.expire(c, now - MESSAGE_LIFETIME, lasting)
        if count:
            log.warning("outbox.expired", count=count)
            add_alarm(c, "expired", bilingual("alarm.expired"), now)
        return count

    return await services.db.transact(expire)


async def _bury(services: DeliveryServices, now: datetime) -> int:
    return await services.db.transact(outbox_store.mark_abandoned_dead)


async def _pull_back(services: DeliveryServices, now: datetime) -> int:
    return await services.db.transact(outbox_store.correct_future_due)


async def _forget_attempts(services: DeliveryServices, before: datetime) -> int:
    return await services.db.transact(lambda c: attempts.delete_old_attempts(c, before, BATCH))


async def _count_attempts(services: DeliveryServices, before: datetime) -> int:
    return await services.db.snapshot(lambda c: count_rows(c, attempt, attempt.c.at < before))


def retention() -> Sequence[RetentionRule[DeliveryServices]]:
    return (
        RetentionRule("expired", _expire),
        RetentionRule("buried", _bury),
        RetentionRule("ahead", _pull_back),
        RetentionRule("tries", _forget_attempts, period=LOGGED, count=_count_attempts),
    )
