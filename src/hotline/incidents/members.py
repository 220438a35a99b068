"""Tickets into an incident and out of it. Each step goes through `tickets/act` under a key of its own, so that one that
is repeated after a crash happens once."""

from collections.abc import Collection, Mapping
from typing import Any

import structlog

from hotline.incidents import member_store, store
from hotline.incidents.member_store import MERGEABLE
from hotline.incidents.model.incident import TELLS_MORE, Incident, IncidentMember
from hotline.incidents.model.lifecycle import choose_parent
from hotline.incidents.model.vocabulary import IncidentState
from hotline.organisation.model.actors import RULES
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refused
from hotline.text.numbering import TicketNumber
from hotline.tickets.act import act
from hotline.tickets.context import Services
from hotline.tickets.model.dangers import dangers_of
from hotline.tickets.model.routing import choose_route
from hotline.tickets.model.ticket import Command, Facts, Ticket
from hotline.tickets.model.vocabulary import (
    CALLER_KNOWS,
    INCIDENT_STATE,
    OFFERED,
    OPEN,
    WITHOUT_NOTES,
    Action,
    Field,
    TicketStatus,
    left_flag,
    offered_flag,
)
from hotline.tickets.store import facts as ticket_facts
from hotline.web.idempotency import RequestKey

F = Field
_TRIES = 5  # where the ticket changes meanwhile
log = structlog.get_logger("hotline.incidents")


async def load_ticket(services: Services, number: str) -> Facts | None:
    return await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, number)


async def act_by_rule(
    services: Services, ticket: Ticket, action: Action, fields: Mapping[Any, Any], name: str | None = None
) -> bool:
    """One step of a ticket, by the rules; under a `name` it happens once, else once at a version. False: it is not
    allowed there, or the ticket has changed meanwhile."""
    name = name or f"incident:{action}:{ticket.number}:{ticket.version}"
    key = RequestKey(f"{RULES.kind}:{RULES.id}", name, "rules", keep_body=False)
    request = WriteRequest(RULES, key, services.clock(), SYSTEM_SCOPE)
    try:
        await act(services, ticket.number, Command(action, ticket.version, fields), request, lambda _: "")
    except Refused as refused:
        if refused.refusal.code not in (Code.STALE, Code.NOT_NOW, Code.INVALID):
            raise
        log.info("incident.not_moved", number=ticket.number, action=action, why=refused.refusal.code)
        return False
    return True


async def move(services: Services, number: str, to: str | None, incident: Incident, why: str) -> bool:
    """Take a ticket out of this incident (`to` None, or another one's code), and into that one. Where it is already,
    nothing happens; an ended ticket stays where it is. False: it kept changing meanwhile, and is not there yet."""
    for _ in range(_TRIES):
        facts = await load_ticket(services, number)
        if facts is None:
            return True
        ticket = facts.ticket
        if ticket.incident == incident.code and to != incident.code:
            reason = {F.REASON: f"incident {incident.code}: {why}"}
            if ticket.status is TicketStatus.MERGED:
                moved = await act_by_rule(services, ticket, Action.UNMERGE, reason)
            elif ticket.status in OPEN:
                moved = await act_by_rule(services, ticket, Action.UNLINK, reason)
            else:
                return True
        elif to is not None and ticket.status in OPEN and (ticket.incident != to or _is_decided(ticket, to, why)):
            fields: dict[Any, Any] = {F.INCIDENT: to, F.REASON: why or None}
            if why == TELLS_MORE:
                fields[OFFERED] = True
            moved = await act_by_rule(services, ticket, Action.LINK, fields)
        else:
            return True
        if not moved:
            continue
    return False


def _is_decided(ticket: Ticket, incident: str, why: str) -> bool:
    """Whether somebody joined a ticket that belongs to the incident and was not to be merged by rule."""
    return why != TELLS_MORE and offered_flag(incident) in ticket.flags


async def merge(
    services: Services, incident: Incident, member: IncidentMember, merged_codes: Collection[str] = ()
) -> bool:
    """Merge a ticket into the incident's parent: its orders are recalled, its caller is told that many have called;
    not who was told so before, as the ticket was merged in another incident that went into this one
    (`merged_codes`). While the parent has no order, one that runs is kept."""
    for _ in range(_TRIES):
        facts = await load_ticket(services, member.number)
        if facts is None or facts.ticket.incident != incident.code or facts.ticket.status not in MERGEABLE:
            return False
        if facts.lead() is not None and not await _has_order(services, incident.parent):
            return False
        fields: dict[Any, Any] = {
            F.TARGET: incident.parent,
            F.INCIDENT: incident.code,
            F.REASON: f"incident {incident.code}",
        }
        came_with = [code for code in merged_codes if left_flag(code) in facts.ticket.flags]
        if came_with and await store.was_merged_in(services.db, member.number, came_with):
            fields[CALLER_KNOWS] = True
        if await act_by_rule(services, facts.ticket, Action.MERGE, fields):
            return True
    return False


async def _has_order(services: Services, number: str | None) -> bool:
    """Whether somebody works on a ticket, or is done with it."""
    facts = await load_ticket(services, number or "")
    return facts is not None and (facts.lead() is not None or facts.ticket.status is TicketStatus.RESOLVED)


async def find_parent(services: Services, incident: Incident) -> TicketNumber | None:
    """The ticket that carries the incident. One that was taken out of it by another's hand belongs to it again; one
    that was merged elsewhere, or ended without an answer, gives way to an open ticket. None: a person decides."""
    facts = await load_ticket(services, incident.parent or "")
    if facts is None or facts.ticket.status in (TicketStatus.RESOLVED, TicketStatus.CLOSED):
        return None
    ticket = facts.ticket
    if ticket.status in OPEN and ticket.incident == incident.code:
        return ticket.number
    if ticket.status in OPEN and ticket.incident is None:
        await move(services, ticket.number, incident.code, incident, "it carries the incident")
        return ticket.number
    members = await member_store.load_parent_candidates(services.db, incident.code)
    return choose_parent(incident, (member for member in members if member.number != ticket.number))


async def dispatch_parent(services: Services, incident: Incident) -> None:
    """One lead order for the incident, where its parent has none, nobody took one back, and the catalogue is sure whose
    it is."""
    facts = await load_ticket(services, incident.parent or "")
    if facts is None or facts.lead() is not None:
        return
    ticket, now = facts.ticket, services.clock()
    if ticket.status not in (TicketStatus.RECEIVED, TicketStatus.TRIAGED):
        return
    directory = await services.directory.now(now)
    category = ticket.category or incident.category
    routed = choose_route(directory, category, ticket.kind, ticket.area or incident.area, now, dangers_of(ticket))
    if routed is None or not routed.sure or routed.lead in ticket.returned_by:
        return
    if facts.assignments and await store.was_recalled_by_hand(services.db, ticket.number):
        return
    if ticket.status is TicketStatus.RECEIVED:
        fields = {F.CATEGORY: category, F.KIND: ticket.kind, F.PRIORITY: ticket.priority, F.REASON: "incident"}
        await act_by_rule(services, ticket, Action.TRIAGE, fields)
        facts = await load_ticket(services, ticket.number)
    if facts is not None and facts.ticket.status is TicketStatus.TRIAGED:
        order: dict[Any, Any] = {
            F.DEPARTMENT: routed.lead,
            F.ASSISTS: list(routed.assists),
            F.PERFORMER: routed.performer,
            "route": routed.route,
            F.REASON: f"catalogue row {routed.route}",
        }
        await act_by_rule(services, facts.ticket, Action.DISPATCH, order)


async def count_joined(services: Services, incident: Incident) -> bool:
    """Count on the parent the calls that were merged into it as they came in. False: the parent has changed
    meanwhile."""
    facts = await load_ticket(services, incident.parent or "")
    if facts is None or facts.ticket.status not in OPEN:
        return True
    further = await member_store.count_contacts(services.db, facts.ticket.number) - facts.ticket.calls
    fields = {F.TARGET: incident.code, "calls": further}
    return further <= 0 or await act_by_rule(services, facts.ticket, Action.ABSORB, fields)


async def note_state(services: Services, incident: Incident) -> bool:
    """Note on the parent that its incident is contained, worse again, or over: each change once, in order. False: the
    parent has changed meanwhile, so that the next step goes on."""
    if incident.noted >= incident.entries:
        return True
    for change in await store.load_state_changes(services.db, incident):
        facts = await load_ticket(services, incident.parent or "")
        if facts is None or facts.ticket.status in WITHOUT_NOTES:
            break
        if change.state_from == IncidentState.PROPOSED:
            continue
        fields = {F.INCIDENT: incident.code, INCIDENT_STATE: change.state_to, F.REASON: change.reason}
        name = f"incident:{incident.code}:state:{change.seq}:{facts.ticket.number}"
        if not await act_by_rule(services, facts.ticket, Action.UPDATE_INCIDENT, fields, name):
            return False
    noted = {"noted": incident.entries}
    await services.db.transact(lambda c: store.update_worker_columns(c, incident.code, incident.version, noted))
    return True
