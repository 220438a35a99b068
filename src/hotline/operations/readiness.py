"""Whether a process can take in calls and texts while the database is unavailable, and what it caches for that."""

from datetime import datetime

from hotline.database.deadlines import database_deadline
from hotline.organisation.store import directory as organisation_directory
from hotline.refusals import Refused
from hotline.replies import ABSENT, reply_type
from hotline.tickets.context import Services
from hotline.value_objects import replace

REFRESH = 15.0  # seconds between two refreshes


async def refresh_caches(services: Services, now: datetime) -> bool:
    """Read directory, gateways and credentials, to know them while the database is unavailable. False: it is."""
    try:
        async with database_deadline(2 * services.deadlines.write):
            await services.directory.now(now)
            await services.gateways.now(now)
            await services.credentials.refresh(services.db, now, services.account_rules)
    except Refused:
        return False
    return True


@reply_type()
class DoctorFinding:
    """The result of a check. `says` is null if it would name tickets or people: `hotline doctor` shows those."""

    check: str
    wrong: bool
    says: str | None


@reply_type()
class ReadyChecks:
    """Results of the checks. A check that could not run is left out."""

    journal: bool = ABSENT
    journal_depth: int = ABSENT
    spool: bool = ABSENT
    spool_bytes: int = ABSENT
    directory: int | bool = ABSENT
    database: bool = ABSENT
    detail: str = ABSENT
    leaving: bool = ABSENT
    outbox_oldest_seconds: float | None = ABSENT
    inbound_waiting: int = ABSENT
    clocks_due: int = ABSENT
    clocks_oldest_seconds: float | None = ABSENT
    doctor: tuple[DoctorFinding, ...] = ABSENT


async def check_intake_ready(services: Services) -> tuple[bool, ReadyChecks]:
    """Whether a call or a text sent here would be stored, by the spool or else by the database, and what was checked.
    False as soon as the process is stopping."""
    checks = ReadyChecks(leaving=services.leaving, directory=services.directory.known)
    if services.spool is not None:
        checks = replace(checks, spool=await services.spool.is_usable())
    if services.leaving:
        return False, checks
    if checks.spool and checks.directory:
        return True, checks
    try:  # without a spool, the database must take it
        async with database_deadline(services.deadlines.lookup / 2):
            await organisation_directory.load_version(services.db)
    except Refused:
        return False, replace(checks, database=False)
    return services.journal.is_alive, replace(checks, database=True)
