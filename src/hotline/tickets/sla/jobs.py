"""The worker's job for clocks: due ones are claimed in small batches, and each escalation is applied by
`act_as_clock`."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import uuid4

import structlog

from hotline.database.prepared import Row
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Metric
from hotline.refusals import Refused
from hotline.tickets import workload
from hotline.tickets.act import act_as_clock
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Command, Facts
from hotline.tickets.model.vocabulary import Action, Field
from hotline.tickets.sla import store as sla_store
from hotline.tickets.sla.clock_updates import has_clock_changes
from hotline.tickets.sla.escalation import step_commands
from hotline.tickets.store import facts as ticket_facts
from hotline.value_objects import replace

CLAIM_LIMIT = 256  # clocks claimed together: a few transactions of the journal, written while the next are decided
RETRY_SOON, RETRY_LATER = timedelta(seconds=1), sla_store.MAX_POSTPONEMENT
log = structlog.get_logger("hotline.clocks")


@dataclass(frozen=True, slots=True)
class EscalationRun:
    """One pass over the due clocks: how many were claimed, how many of their steps fired."""

    claimed: int
    fired: int


async def escalate_due(services: Services, now: datetime, limit: int = CLAIM_LIMIT) -> EscalationRun:
    """Escalate the clocks that are longest due. Several workers may do so at once: a step is applied once, because its
    (clock, level) is unique and the second worker finds a stale version."""
    token = uuid4().hex
    claimed = await services.db.transact(lambda db: sla_store.claim_due_clocks(db, now, token, limit))
    if not claimed:
        return EscalationRun(0, 0)
    directory = await services.directory.now(now)
    by_ticket = [list(rows) for _, rows in groupby(sorted(claimed, key=lambda r: r.number), key=lambda r: r.number)]
    facts = await ticket_facts.load_facts_by_number(services.db, [rows[0].number for rows in by_ticket], directory)
    counts = await asyncio.gather(
        *(_escalate_ticket(services, directory, facts.get(rows[0].number), rows, token, now) for rows in by_ticket)
    )
    return EscalationRun(len(claimed), sum(counts))


async def _escalate_ticket(
    services: Services, directory: Directory, facts: Facts | None, rows: list[Row], token: str, now: datetime
) -> int:
    """The due clocks of one ticket, one after the other: each moves the ticket on."""
    fired = 0
    for place, row in enumerate(sorted(rows, key=lambda r: (r.next_at, r.id))):
        try:
            if place:
                facts = (await ticket_facts.load_facts_by_number(services.db, [row.number], directory)).get(row.number)
            fired += facts is not None and await _escalate_clock(services, facts, row, token, now)
        except Exception as fault:  # one faulty ticket must not delay the others
            kind = fault.refusal.code if isinstance(fault, Refused) else type(fault).__name__
            log.error("clock.fault", clock=row.id, kind=kind, exc_info=not isinstance(fault, Refused))
            await _postpone_clock(services, row, token, RETRY_LATER)
    return fired


async def _escalate_clock(services: Services, facts: Facts, row: Row, token: str, now: datetime) -> bool:
    clock = next((c for c in facts.clocks if c.id == row.id), None)
    if clock is None or clock.next_level != row.next_level or clock.next_at is None or clock.next_at > now:
        return False  # the cause has ended, or another worker was first: nothing is due any more
    commands = step_commands(clock, facts)
    if clock.metric is Metric.ACCEPT and commands[0].action is Action.AUTO_ACCEPT:
        commands[0] = await _with_auto_assignee(services, facts, commands[0], now)
    refusal = await act_as_clock(services, facts, commands, f"{clock.id}:{clock.next_level}", now)
    if refusal is None:
        return True
    log.info("clock.refused", clock=clock.id, level=clock.next_level, code=refusal.code, why=refusal.detail)
    await _postpone_clock(services, row, token, RETRY_SOON if refusal.code == "stale" else RETRY_LATER)
    return False


async def _with_auto_assignee(services: Services, facts: Facts, command: Command, now: datetime) -> Command:
    """An unsigned order of a department that wants it so goes to the handler on duty with the least work."""
    order, directory = facts.order(command.assignment or ""), facts.directory
    if order is None or directory is None or order.assignee is not None:
        return command
    department = directory.departments.get(order.department)
    if department is None or not department.auto_assign:
        return command
    chosen = await workload.choose_assignee(services.db, directory, department.code, now)
    return replace(command, fields={**command.fields, Field.ASSIGNEE: chosen}) if chosen else command


async def _postpone_clock(services: Services, row: Row, token: str, wait: timedelta) -> None:
    try:
        await services.db.transact(lambda db: sla_store.postpone_clock(db, row.id, row.number, token, wait))
    except Refused as refused:  # the database is unavailable: the lease runs out
        log.warning("clock.not_postponed", clock=row.id, code=refused.refusal.code)


async def recalculate_due(services: Services, now: datetime, limit: int = CLAIM_LIMIT) -> int:
    """Count anew the clocks whose calendar has changed since: a notice was announced, a day was declared. How many
    tickets were counted."""
    directory = await services.directory.now(now)
    for code in directory.calendars:
        version = directory.versions.get(("calendars", code), directory.version)
        numbers = await sla_store.load_outdated_tickets(services.db, code, version, limit)
        if numbers and (
            done := await _recalculate_tickets(services, directory, numbers, f"calendar {code} version {version}", now)
        ):
            return done
    return 0


async def start_missing_clocks(services: Services, now: datetime, limit: int = CLAIM_LIMIT) -> int:
    """Start the clocks of open tickets that have none: taken in before there were clocks, or imported. How many."""
    directory = await services.directory.now(now)
    return await _recalculate_tickets(
        services, directory, await sla_store.load_tickets_without_clock(services.db, limit), "no clock was running", now
    )


async def _recalculate_tickets(
    services: Services, directory: Directory, numbers: list[str], why: str, now: datetime
) -> int:
    facts = await ticket_facts.load_facts_by_number(services.db, numbers, directory)

    moved: list[Facts] = []
    still: list[Facts] = []
    for f in facts.values():
        try:
            (moved if has_clock_changes(f, now) else still).append(f)
        except Exception as fault:  # one odd ticket must not stop the others
            log.error("clock.fault", number=f.ticket.number, kind=type(fault).__name__, exc_info=fault)
    counted = 0
    if still:  # nothing to tell: the rows are marked as counted
        stands = [(f.ticket.number, f.ticket.version) for f in still]
        versions = {code: v for (noun, code), v in directory.versions.items() if noun == "calendars"}
        counted = await services.db.transact(lambda db: sla_store.mark_recalculated(db, stands, versions))
    return counted + sum(await asyncio.gather(*(_recalculate_ticket(services, f, why, now) for f in moved)))


async def _recalculate_ticket(services: Services, facts: Facts, why: str, now: datetime) -> bool:
    ticket = facts.ticket
    command = Command(Action.RECKON, ticket.version, {Field.REASON: why})
    try:
        refusal = await act_as_clock(services, facts, [command], f"reckon:{ticket.number}:{ticket.version}", now)
    except Exception as fault:
        log.error("clock.fault", number=ticket.number, kind=type(fault).__name__, exc_info=fault)
        return False
    if refusal is not None and refusal.code != "stale":
        log.warning("clock.not_recalculated", number=ticket.number, why=refusal.detail)
    return refusal is None
