"""What a process remembers so that it can take in calls and texts while the database is away, and whether it can."""

from datetime import datetime
from typing import Any

from hotline.database.deadlines import within
from hotline.organisation.store import directory
from hotline.refusals import Refused
from hotline.tickets.context import House

REFRESH = 15.0  # seconds between two refreshes


async def refresh(house: House, now: datetime) -> bool:
    """Read directory, gateways and credentials, so that they are known when the database is away. False: it is away."""
    try:
        async with within(2 * house.deadlines.write):
            await house.directory.now(now)
            await house.gateways.now(now)
            await house.credentials.refresh(house.db, now)
    except Refused:
        return False
    return True


async def can_take_in(house: House) -> tuple[bool, dict[str, Any]]:
    """Whether a call or a text sent here would be kept, and why: by the spool, else by the database. False as soon as
    the process was told to stop."""
    checks: dict[str, Any] = {"leaving": house.leaving, "directory": house.directory.known}
    if house.spool is not None:
        checks["spool"] = await house.spool.usable()
    if house.leaving:
        return False, checks
    if checks.get("spool") and house.directory.known:
        return True, checks
    try:  # without a spool, the database must take it
        async with within(house.deadlines.lookup / 2):
            await directory.version_of(house.db)
        checks["database"] = True
    except Refused:
        checks["database"] = False
    return bool(checks["database"] and house.journal.alive), checks
