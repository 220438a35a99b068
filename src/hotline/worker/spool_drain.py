"""Bringing in what was spooled while the database was away: through the same doors, under the same keys."""

from collections.abc import Mapping
from typing import Any

import structlog

from hotline.database.outages import OUTAGES, outage_of
from hotline.inbound.spool import read_row
from hotline.refusals import Refused
from hotline.telephony.service import take_spooled_events
from hotline.tickets.context import House
from hotline.tickets.spool_intake import take_spooled

log = structlog.get_logger("hotline.spool")


async def bring_in(house: House) -> int:
    """Bring in what waits; how many records. With the database still away or full: none, and nothing is lost."""
    if house.spool is None or house.spool.size() == 0:
        return 0

    async def one(record: Mapping[str, Any]) -> None:
        try:
            if record["kind"] == "inbound":
                await house.inbox.keep_now([read_row(row) for row in record["rows"]])
            elif record["kind"] == "voice":
                await take_spooled_events(house, record)
            else:
                await take_spooled(house, record)
        except Exception as fault:  # what only the database is to blame for must not be set aside
            if not isinstance(fault, Refused) and (outage := outage_of(fault)) is not None:
                raise outage from fault
            raise

    try:
        await house.db.time()
        done = await house.spool.drain(one)
    except OUTAGES:
        return 0
    except Refused as refused:
        log.warning("spool.waits", why=refused.refusal.detail)
        return 0
    if done:
        log.info("spool.brought_in", records=done)
    return done
