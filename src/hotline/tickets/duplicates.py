"""Finds open or recently ended tickets that a new call may repeat."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.scopes import SYSTEM_SCOPE, Scope
from hotline.text.reasons import Because
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Ticket
from hotline.tickets.model.visibility import can_search_by_caller
from hotline.tickets.model.vocabulary import OPEN, TicketStatus, split_numbers
from hotline.tickets.store import duplicates as store
from hotline.tickets.store import facts as ticket_facts
from hotline.triage.model.places.parts import AddressParts
from hotline.triage.model.same_matter import (
    JOIN_FROM,
    OFFER_FROM,
    MatterProfile,
    compare_matters,
    profile_of_ticket,
    repeat_window,
)

MOST_OFFERED = 3
MOST_NEIGHBOURS = 40  # compared by meaning with one ticket
ENDED_WITHIN = timedelta(hours=48)  # who calls later than this after the end is heard anew


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An earlier ticket that is probably about the same matter. `score` 0-1."""

    number: str
    status: TicketStatus
    title: str
    created_at: datetime
    score: float
    same_caller: bool
    because: tuple[Because, ...]


@dataclass(frozen=True, slots=True)
class SoughtMatter:
    """What is looked for. `caller`: whose repeat it would be, None: nobody's. `number`: the ticket it is itself.
    `own_only`: not among the tickets that others called about."""

    profile: MatterProfile
    caller: str | None = None
    number: str = ""
    own_only: bool = False


def comparable_caller(caller: str | None, actor: Actor) -> str | None:
    """The caller where this actor may know whose ticket is whose; None for others, who could try out numbers on a
    masked ticket. A gateway is shown its own tickets alone, whose numbers it sent."""
    return caller if can_search_by_caller(actor) or Role.GATEWAY in actor.roles else None


async def find_duplicates(
    services: Services, sought: SoughtMatter, scope: Scope, now: datetime
) -> tuple[Duplicate, ...]:
    """The most alike tickets within the scope, MOST_OFFERED at most, the best first."""
    return tuple((await _search(services, sought, scope, now))[:MOST_OFFERED])


async def find_open_repeat(services: Services, sought: SoughtMatter, now: datetime) -> Duplicate | None:
    """The caller's own open ticket that a text is surely about, whoever else called from the same place; None: it is
    another matter, or nobody can be sure."""
    found = await _search(services, replace(sought, own_only=True), SYSTEM_SCOPE, now)
    return next((one for one in found if one.same_caller and is_open(one) and one.score >= JOIN_FROM), None)


async def _search(services: Services, sought: SoughtMatter, scope: Scope, now: datetime) -> list[Duplicate]:
    """All that are alike enough to be offered, the best first."""
    directory, profile = await services.directory.now(now), sought.profile
    areas = () if sought.own_only else directory.area_path(profile.area)
    categories = _categories_to_search(directory, profile)
    rows = await store.load_candidates(
        services.reads,
        scope,
        store.CandidateFilter(
            areas=areas,
            categories=categories,
            caller=sought.caller,
            since=now - max(repeat_window(directory, code) for code in (*categories, profile.category)),
            ended_since=now - ENDED_WITHIN,
            number=sought.number,
        ),
    )
    found: list[Duplicate] = []
    sure = 0
    for row in rows:
        if now - row.created_at > repeat_window(directory, row.category or profile.category):
            continue
        same_caller = bool(row.same_caller)
        likeness = compare_matters(profile, _profile_of_row(*row[3:11]), directory, same_caller=same_caller)
        if likeness.score >= OFFER_FROM:
            found.append(
                Duplicate(
                    row.number,
                    TicketStatus(row.status),
                    row.title,
                    row.created_at,
                    likeness.score,
                    same_caller,
                    likeness.because,
                )
            )
            sure += likeness.score >= JOIN_FROM
        if sure == MOST_OFFERED:  # in a storm all are alike
            break
    found.sort(key=lambda duplicate: (duplicate.score, duplicate.same_caller, duplicate.created_at), reverse=True)
    return found


async def find_duplicates_of(services: Services, ticket: Ticket, scope: Scope, now: datetime) -> tuple[Duplicate, ...]:
    """Tickets that may be about the same matter as this one, by the rules and by what the worker found in their
    meaning."""
    sought = SoughtMatter(profile_of(ticket), ticket.caller, ticket.number)
    apart = await _parted_by_hand(services, ticket)
    found = tuple(one for one in await find_duplicates(services, sought, scope, now) if one.number not in apart)
    known = apart | {one.number for one in found}
    for row in await store.load_suggestions(services.db, scope, ticket.number):
        if row.number not in known:
            status = TicketStatus(row.status)
            because = (Because("meaning", ()),)
            known.add(row.number)
            found += (Duplicate(row.number, status, row.title, row.created_at, row.score, False, because),)
    return found[:MOST_OFFERED]


async def _parted_by_hand(services: Services, ticket: Ticket) -> set[str]:
    """The numbers of the tickets that this one was split from, or that were split off with it: somebody decided that
    they are other matters."""
    named = set(split_numbers(ticket.flags))
    for number in tuple(named):
        other = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, number)
        named.update(split_numbers(other.ticket.flags) if other is not None else ())
    return named - {ticket.number}


async def load_neighbours(services: Services, ticket: Ticket, now: datetime) -> dict[str, MatterProfile]:
    """The profiles of other open tickets of the same place or around it, of whatever category, by number."""
    directory = await services.directory.now(now)
    areas = directory.area_path(ticket.area)[: store.AREAS_SEARCHED]
    since = now - repeat_window(directory, ticket.category)
    rows = await store.load_neighbours(services.db, areas, since, ticket.number, MOST_NEIGHBOURS)
    return {row.number: _profile_of_row(*row[3:11]) for row in rows}


def profile_of(ticket: Ticket) -> MatterProfile:
    """The profile of a ticket as it stands."""
    parts = AddressParts(ticket.building, ticket.unit, ticket.floor, ticket.room)
    return profile_of_ticket(_triage_of(ticket.advice), ticket.narrative, ticket.area, ticket.category, parts)


def is_open(duplicate: Duplicate) -> bool:
    """Whether a call may be added to it."""
    return duplicate.status in OPEN


def _categories_to_search(directory: Directory, profile: MatterProfile) -> list[str]:
    """Its own, those of its symptoms, and the next best ones."""
    of_symptoms = [directory.symptoms[code].category for code in sorted(profile.symptoms) if code in directory.symptoms]
    return list(dict.fromkeys((*filter(None, (profile.category,)), *of_symptoms, *sorted(profile.others))))


@lru_cache(maxsize=1024)  # a ticket is compared with every call from around it
def _profile_of_row(
    narrative: str, category: str | None, area: str | None, *parts_and_advice: str | None
) -> MatterProfile:
    """Of these columns: narrative, category, area, the four parts of the address, the advice as JSON."""
    *parts, advice = parts_and_advice
    kept = orjson.loads(advice or "{}")
    return profile_of_ticket(_triage_of(kept), narrative, area, category, AddressParts(*parts))


def _triage_of(advice: Mapping[str, Any]) -> Mapping[str, Any]:
    return advice.get("triage") or {}
