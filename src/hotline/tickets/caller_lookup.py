"""Who is calling: the card that pops up on an operator's screen."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import Named
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.model.vocabulary import Kind, Priority
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.context import Services
from hotline.tickets.model.vocabulary import TicketStatus
from hotline.tickets.store import callers
from hotline.value_objects import replace

OPEN_AT_MOST, HISTORY = 50, 20


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


async def caller_card(services: Services, phone: str | None, actor: Actor, now: datetime) -> CallerLookup:
    """`known` (one name is on record for the number), `maybe`, `unknown` or `withheld`; with open tickets and history
    the actor may see. Of a number that cannot be read nobody is known: `unread` says so."""
    directory = await services.directory.now(now)
    who = parse_phone(phone, services.region, services.area_code)
    nobody = CallerLookup("unknown", who.phone, unread=(("phone", who.unread),) if who.unread else ())
    if who.unread and who.phone is None:
        return nobody
    if who.phone is None:
        return replace(nobody, match="withheld")
    card = await callers.card(services.db, who.phone) if who.caller else None
    if card is None:
        return nobody
    scope = scope_of(actor)
    names = await callers.names_of(services.db, scope, card.id)
    running = await callers.tickets_of(services.db, scope, card.id, OPEN_AT_MOST, still_open=True)
    ended = await callers.tickets_of(services.db, scope, card.id, HISTORY, still_open=False)
    if scope.areas is not None and not (names or running or ended):  # known elsewhere is not known here
        return nobody

    def line(row: Any) -> CallerTicket:
        held = row._asdict()
        held["category"] = directory.name_of("categories", row.category)
        held["area"] = directory.name_of("areas", row.area)
        return CallerTicket(**held)

    return CallerLookup(
        match="known" if len(names) == 1 else "maybe",
        phone=who.phone,
        caller=KnownCaller(card.id, names[0].caller_name if names else None, card.note, card.seen_at),
        names=tuple(GivenName(n.caller_name, n.n) for n in names),
        open=tuple(map(line, running)),
        history=tuple(map(line, ended)),
        unread=nobody.unread,
    )
