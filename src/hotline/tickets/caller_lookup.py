"""Who is calling: the card that pops up on an operator's screen."""

from datetime import datetime
from typing import Any

from hotline.organisation.model.actors import Actor
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.context import Services
from hotline.tickets.model.visibility import scope_of
from hotline.tickets.store import callers

OPEN_AT_MOST, HISTORY = 50, 20


async def caller_card(services: Services, phone: str | None, actor: Actor, now: datetime) -> dict[str, Any]:
    """`known` (one name is on record for the number), `maybe`, `unknown` or `withheld`; with open tickets and history
    the actor may see. Of a number that cannot be read nobody is known: `unread` says so."""
    directory = await services.directory.now(now)
    who = parse_phone(phone, services.region, services.area_code)
    nobody: dict[str, Any] = {
        "match": "unknown",
        "phone": who.phone,
        "caller": None,
        "names": [],
        "open": [],
        "history": [],
        "unread": [("phone", who.unread)] if who.unread else [],
    }
    if who.unread and who.phone is None:
        return nobody
    if who.phone is None:
        return {**nobody, "match": "withheld"}
    card = await callers.card(services.db, who.phone) if who.caller else None
    if card is None:
        return nobody
    scope = scope_of(actor)
    names = await callers.names_of(services.db, scope, card.id)
    running = await callers.tickets_of(services.db, scope, card.id, OPEN_AT_MOST, still_open=True)
    ended = await callers.tickets_of(services.db, scope, card.id, HISTORY, still_open=False)
    if scope.areas is not None and not (names or running or ended):  # known elsewhere is not known here
        return nobody

    def shown(row: Any) -> dict[str, Any]:
        return {
            **row._asdict(),
            "category": directory.name_of("categories", row.category),
            "area": directory.name_of("areas", row.area),
        }

    return {
        "match": "known" if len(names) == 1 else "maybe",
        "phone": who.phone,
        "caller": {
            "id": card.id, "name": names[0].caller_name if names else None, "note": card.note, "seen_at": card.seen_at,
        },
        "names": [{"name": n.caller_name, "calls": n.n} for n in names],
        "open": [shown(row) for row in running],
        "history": [shown(row) for row in ended],
        "unread": nobody["unread"],
    }  # fmt: skip
