"""The jobs that look after more than one capability: clocks, deliveries, what came in, the spool, retention."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from hotline.reporting.service.figures import are_many
from hotline.runtime.jobs import AT_ONCE, SELDOM, SOON, Job, WorkerContext
from hotline.runtime.subprocess import DRIFT, LEFT
from hotline.sms.outgoing import shift_weights
from hotline.telephony.service import end_silent_calls
from hotline.tickets.sla.jobs import adopt, escalate_due, recalculate_due
from hotline.worker.certificates import fetch_wanted
from hotline.worker.inbound import take_next
from hotline.worker.outbox import Sender
from hotline.worker.retention import check_counters, check_figures, tidy
from hotline.worker.spool_drain import bring_in

HOURLY = 3600.0
NIGHT = 3  # the hour (UTC) after which the counters are checked once a day
log = structlog.get_logger("hotline.worker")


def clock_jobs(context: WorkerContext) -> Sequence[Job]:
    """Overdue clocks, limits that must be counted anew, tickets without clocks."""
    services = context.services

    async def escalate() -> bool:
        return (await escalate_due(services, services.clock())).claimed > 0

    async def recalculate() -> bool:
        return await recalculate_due(services, services.clock()) > 0

    async def give_clocks() -> bool:
        return await adopt(services, services.clock()) > 0

    return Job("clocks", escalate, AT_ONCE), Job("reckoning", recalculate, SOON), Job("adoption", give_clocks, HOURLY)


def message_jobs(context: WorkerContext) -> Sequence[Job]:
    """What goes out, what came in, and the calls of the exchange."""
    services, sender = context.services, Sender(context.services, context.channels)
    context.on_stop.append(sender.settle_all)

    async def send() -> bool:
        return await sender.step(services.clock())

    async def take() -> bool:
        return await take_next(services, services.clock()) > 0

    async def drain_spool() -> bool:
        await bring_in(services)
        return False

    async def weigh_gateways() -> bool:
        for name, weight in (await shift_weights(services, services.clock())).items():
            log.warning("gateway.weight_changed", gateway=name, weight=weight)
        return False

    async def end_calls() -> bool:
        return await end_silent_calls(services, services.clock()) > 0

    async def fetch_certificates() -> bool:
        if context.channels.texts is not None:
            await fetch_wanted(services, context.channels.texts, services.clock())
        return False

    return (
        Job("outbox", send, AT_ONCE),
        Job("inbound", take, AT_ONCE),
        Job("spool", drain_spool, SOON),
        Job("weights", weigh_gateways, 10.0),
        Job("calls", end_calls, SELDOM),
        Job("certificates", fetch_certificates, 5.0),
    )


def retention_jobs(context: WorkerContext) -> Sequence[Job]:
    """Delete what is past its time; once a night, compare counters and figures with the truth."""
    services = context.services
    checked: datetime | None = None

    async def retain() -> bool:
        nonlocal checked
        now = services.clock()
        done = await tidy(services, now)
        if now.hour == NIGHT and (checked is None or now - checked > timedelta(hours=12)):
            checked = now
            await check_counters(services)
            if context.subprocess is not None and await are_many(services):
                code, said = await context.subprocess.run("figures", "check")
                if code not in LEFT:
                    log.error("figures.drift" if code == DRIFT else "figures.check_failed", code=code, said=said)
            else:
                await check_figures(services, now)
        return done["answers"] > 0

    return (Job("retention", retain, SELDOM),)
