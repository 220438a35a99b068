"""Looks up a caller by number, for the card on an operator's screen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import Named
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.model.vocabulary import Kind, Priority
from hotline.security_log.store import SecurityEvent
from hotline.security_log.vocabulary import Deed
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import caller_id
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.tickets.store import callers
from hotline.value_objects import replace

MAX_OPEN_TICKETS, HISTORY = 50, 20


@dataclass(frozen=True, slots=True)
class KnownCaller:
    """A known caller. `name` is the one given most often."""

    id: str
    name: str | None
    note: str | None
    seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class GivenName:
    """A name given under a number, and with how many calls."""

    name: str
    calls: int


@dataclass(frozen=True, slots=True)
class CallerTicket:
    """A ticket of a caller, in brief."""

    number: str
    status: TicketStatus
    kind: Kind
    category: Named | None
    priority: Priority
    title: str
    area: Named | None
    created_at: datetime
    promised_at: datetime | None
    urges: int
    calls: int
    version: int


@dataclass(frozen=True, slots=True)
class CallerLookup:
    """What is known of a number. `unread`: (field, rule) of a number that cannot be read."""

    match: Literal["known", "maybe", "unknown", "withheld"]
    phone: str | None
    caller: KnownCaller | None = None
    names: tuple[GivenName, ...] = ()
    open: tuple[CallerTicket, ...] = ()
    history: tuple[CallerTicket, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()


def lookup_event(found: CallerLookup, actor: Actor, now: datetime) -> SecurityEvent:
    """A look-up as the security log has it: whom it found, never by which number."""
    about = ("caller", found.caller.id) if found.caller is not None else None
    return SecurityEvent(Deed.CALLER_LOOKED_UP, actor, now, about, {"match": found.match})


async def load_caller_lookup(services: Services, phone: str | None, actor: Actor, now: datetime) -> CallerLookup:
    """`known` (one name is on record for the number), `maybe`, `unknown` or `withheld`; with open tickets and history
    the actor may see. A number that cannot be read has no caller; `unread` says so."""
    directory = await services.directory.now(now)
    parsed_phone = parse_phone(phone, services.region, services.area_code)
    unknown_caller = CallerLookup(
        "unknown", parsed_phone.phone, unread=(("phone", parsed_phone.unread),) if parsed_phone.unread else ()
    )
    if parsed_phone.unread and parsed_phone.phone is None:
        return unknown_caller
    if parsed_phone.phone is None:
        return replace(unknown_caller, match="withheld")
    caller_row = await callers.load_caller(services.db, parsed_phone.phone) if parsed_phone.caller else None
    if caller_row is None:
        return unknown_caller
    scope, caller = scope_of(actor), caller_id(parsed_phone.phone, services.secret)
    names = await callers.load_caller_names(services.db, scope, caller)
    open_tickets = await callers.load_caller_tickets(services.db, scope, caller, MAX_OPEN_TICKETS, still_open=True)
    ended = await callers.load_caller_tickets(services.db, scope, caller, HISTORY, still_open=False)
    if scope.areas is not None and not (names or open_tickets or ended):  # known elsewhere is not known here
        return unknown_caller

    def caller_ticket(row: Any) -> CallerTicket:
        held = row._asdict()
        held["category"] = directory.optional_item_name("categories", row.category)
        held["area"] = directory.optional_item_name("areas", row.area)
        return CallerTicket(**held)

    return CallerLookup(
        match="known" if len(names) == 1 else "maybe",
        phone=parsed_phone.phone,
        caller=KnownCaller(caller_row.id, names[0][0] if names else None, caller_row.note, caller_row.seen_at),
        names=tuple(GivenName(name, calls) for name, calls in names),
        open=tuple(map(caller_ticket, open_tickets)),
        history=tuple(map(caller_ticket, ended)),
        unread=unknown_caller.unread,
    )
