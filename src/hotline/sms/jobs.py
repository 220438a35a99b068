"""The worker's jobs for SMS gateways: adjust their weights, fetch certificates, delete texts past their time."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from hotline.database.counting import count_rows
from hotline.jobs import BATCH, Job, RetentionPeriod, RetentionRule
from hotline.runtime.jobs import WorkerContext
from hotline.sms import store as sms_store
from hotline.sms.certificates import fetch_wanted_certificates
from hotline.sms.send_plan import shift_weights
from hotline.sms.tables import text_out
from hotline.tickets.context import Services

KEPT = RetentionPeriod(180, 150, "retention.why.texts")  # longer than the five months the regulator asks for
log = structlog.get_logger("hotline.worker")


def sms_jobs(context: WorkerContext) -> Sequence[Job]:
    services = context.services

    async def weigh_gateways() -> bool:
        for name, weight in (await shift_weights(services, services.clock())).items():
            log.warning("gateway.weight_changed", gateway=name, weight=weight)
        return False

    async def fetch_certificates() -> bool:
        if context.channels.texts is not None:
            await fetch_wanted_certificates(services, context.channels.texts, services.clock())
        return False

    return Job("weights", weigh_gateways, 10.0), Job("certificates", fetch_certificates, 5.0)


async def _forget_texts(services: Services, before: datetime) -> int:
    return await services.db.transact(lambda c: sms_store.delete_old_texts(c, before, BATCH))


async def _count_texts(services: Services, before: datetime) -> int:
    return await services.db.snapshot(lambda c: count_rows(c, text_out, text_out.c.created_at < before))


def retention() -> Sequence[RetentionRule[Services]]:
    return (RetentionRule("texts", _forget_texts, period=KEPT, count=_count_texts),)
