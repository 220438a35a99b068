"""The list behind a number on the page of figures, and the filters by which it is a list of tickets."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from hotline.database.keyset import KeysetPage
from hotline.organisation.model.actors import AREA_WIDE_ROLES, Actor
from hotline.organisation.model.directory import Directory, zone_of
from hotline.organisation.model.scopes import scope_of
from hotline.tickets.context import Services
from hotline.tickets.model.measures import DIMENSIONS, CountedKind, kind_of
from hotline.tickets.schemas.briefs import is_lead_unsigned
from hotline.tickets.store import lists


def own_departments(actor: Actor, directory: Directory) -> list[str]:
    """The departments whose figures a handler sees: those that are below none of theirs. Empty: all."""
    if actor.roles & AREA_WIDE_ROLES:
        return []
    return sorted(code for code in actor.departments if code in directory.departments
                  and directory.departments[code].parent not in actor.departments)  # fmt: skip


def list_filters(
    span: tuple[date, date], given: Mapping[str, str], code: str | None, own: Sequence[str], zone: Any
) -> dict[str, Any] | None:
    """The filters of the ticket list that holds what was counted. None: calls are no tickets."""
    if code is None or kind_of(code) is CountedKind.CALL:
        return None
    first = datetime.combine(span[0], time(), zone).astimezone(UTC)
    before = datetime.combine(span[1] + timedelta(days=1), time(), zone).astimezone(UTC)
    filters: dict[str, Any] = {"counted": code, "counted_from": first.isoformat(), "counted_before": before.isoformat()}
    for name in DIMENSIONS:
        if value := given.get(name):
            filters[name] = value if name == "channel" else [value]
        elif name == "department" and own:
            filters[name] = list(own)
    return filters


def list_link(filters: Mapping[str, Any] | None) -> str | None:
    return None if filters is None else "/console/tickets?" + urlencode(filters, doseq=True)


async def render_listed(
    services: Services, actor: Actor, rows: Sequence[Any], directory: Directory
) -> list[dict[str, Any]]:
    """The rows with their tickets: number, ticket (None: no longer theirs to see), the unit whose it is and its
    contractor, and of an order its part, its limit, when that was kept, and by how many minutes too late."""
    zone = zone_of(directory)
    numbers = sorted({r.number for r in rows if r.theirs})
    briefs = (
        await lists.load_tickets(services.db, scope_of(actor), {"found": numbers}, KeysetPage(len(numbers)))
        if numbers
        else []
    )
    known = {r.number: r for r in briefs}
    now = services.clock()
    return [
        {
            "number": r.number,
            "at": r.at.astimezone(zone),
            "ticket": known.get(r.number),
            "unsigned": r.number in known and is_lead_unsigned(known[r.number]),
            "unit": directory.optional_item_name("departments", r.unit) if r.unit else None,
            "performer": directory.optional_item_name("departments", r.performer) if r.performer else None,
            "assists": r.part == "assist",
            "due": r.due and r.due.astimezone(zone),
            "done": r.done and r.done.astimezone(zone),
            "late": ((r.done or now) - r.due).total_seconds() / 60 if r.due and (r.done or now) > r.due else None,
        }
        for r in rows
    ]
