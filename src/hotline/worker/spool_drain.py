"""Bringing in what was spooled while the database was away: through the same doors, under the same keys."""

from collections.abc import Mapping
from typing import Any

import structlog

from hotline.database.outages import OUTAGES, outage_of
from hotline.inbound.spool import read_row
from hotline.refusals import Refused
from hotline.telephony.service import drain_spooled_events
from hotline.tickets.context import Services
from hotline.tickets.spool_intake import drain_spooled_intake

log = structlog.get_logger("hotline.spool")


async def bring_in(services: Services) -> int:
    """Bring in what waits; how many records. With the database still away or full: none, and nothing is lost."""
    if services.spool is None or services.spool.size() == 0:
        return 0

    async def one(record: Mapping[str, Any]) -> None:
        try:
            if record["kind"] == "inbound":
                await services.inbox.keep_now([read_row(row) for row in record["rows"]])
            elif record["kind"] == "voice":
                await drain_spooled_events(services, record)
            else:
                await drain_spooled_intake(services, record)
        except Exception as fault:  # what only the database is to blame for must not be set aside
            if not isinstance(fault, Refused) and (outage := outage_of(fault)) is not None:
                raise outage from fault
            raise

    try:
        await services.db.time()
        done = await services.spool.drain(one)
    except OUTAGES:
        return 0
    except Refused as refused:
        log.warning("spool.database_unavailable", why=refused.refusal.detail)
        return 0
    if done:
        log.info("spool.drained", records=done)
    return done
