"""The worker's search for repeats by meaning: for new tickets of which the rules find none."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import structlog

from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.tickets.context import Services
from hotline.tickets.duplicates import SoughtMatter, find_duplicates, load_neighbours, profile_of
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.store import duplicates as store
from hotline.triage.meaning import TextEncoder
from hotline.triage.model.same_matter import MEANING_FROM, may_mean_the_same

log = structlog.get_logger("hotline.repeats")
SEARCHED_FOR = timedelta(hours=24)  # an older ticket is past being offered
KEPT_FOR = timedelta(days=90)
_BATCH = 8  # tickets of one step


async def search_by_meaning(services: Services, encoder: TextEncoder, now: datetime) -> int:
    """Look for a repeat of each of the next new tickets, and keep what is found for the desk; how many were searched.
    Nothing is merged: a person decides."""
    tickets = await store.load_unsearched(services.db, now - SEARCHED_FOR, _BATCH)
    rows = []
    for ticket in tickets:
        try:
            rows.append(await _search_one(services, encoder, ticket, now))
        except Exception:  # one ticket must not hold up the others
            log.exception("repeats.search_failed", number=ticket.number)
            rows.append({"number": ticket.number, "other": None, "score": None, "at": now})
    if rows:
        await services.db.transact(lambda c: store.insert_searches(c, rows))
    return len(rows)


async def _search_one(services: Services, encoder: TextEncoder, ticket: Ticket, now: datetime) -> dict[str, Any]:
    row = {"number": ticket.number, "other": None, "score": None, "at": now}
    profile = profile_of(ticket)
    sought = SoughtMatter(profile, ticket.caller, ticket.number)
    if profile.area is None or await find_duplicates(services, sought, SYSTEM_SCOPE, now):
        return row
    directory = await services.directory.now(now)
    others = {
        number: other.meaning_text
        for number, other in (await load_neighbours(services, ticket, now)).items()
        if may_mean_the_same(profile, other, directory)
    }
    if not others:
        return row
    cosines = await asyncio.to_thread(encoder.similarities, profile.meaning_text, list(others.values()))
    score, number = max(zip(cosines, others, strict=True))
    return {**row, "other": number, "score": round(score, 2)} if score >= MEANING_FROM else row
