"""Queries of incidents and of the tickets that belong to them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, in_words
from hotline.database.engine import Database, fetch_first
from hotline.database.keyset import KeysetPage
from hotline.database.prepared import PreparedQuery, Row
from hotline.incidents.member_store import scope_form
from hotline.incidents.model.codes import IncidentCode
from hotline.incidents.model.grouping import CallReport
from hotline.incidents.model.incident import Incident, IncidentEntry
from hotline.incidents.model.vocabulary import (
    ACTIVE_STATES,
    CONFIRMED_STATES,
    ENDED_STATES,
    IncidentAction,
    IncidentState,
)
from hotline.incidents.model.wording import features
from hotline.incidents.tables import incident as i
from hotline.incidents.tables import incident_entry as e
from hotline.organisation.model.actors import ActorKind
from hotline.organisation.model.scopes import Scope
from hotline.organisation.model.vocabulary import LIVE_CHANNELS, Channel, Kind
from hotline.text.numbering import TicketNumber
from hotline.tickets.model.vocabulary import OPEN, Action, Field, TicketStatus
from hotline.tickets.store.scope import scope_parameters, ticket_scope_condition
from hotline.tickets.tables import ticket as t
from hotline.tickets.tables import timeline
from hotline.triage.model.households import HouseholdLexicon
from hotline.triage.model.lexicon import Lexicon
from hotline.triage.model.places.other_estates import is_about_other_estate
from hotline.triage.model.places.reader import areas_of_matter

MOST_REPORTS = 5000  # calls read at once when incidents are looked for
_COLUMNS = tuple(i.c[f.name] for f in fields(Incident))
_NAMES = tuple(f.name for f in fields(Incident))


def _incident_from_row(row: Row) -> Incident:
    values = dict(zip(_NAMES, row[: len(_NAMES)], strict=True))
    values["state"] = IncidentState(values["state"])
    values["moves"] = tuple((number, code, why) for number, code, why in values["moves"])
    return Incident(**values)


_JOINABLE = OPEN - {TicketStatus.RESOLVED}
_ACTIVE = PreparedQuery(
    sa.select(*_COLUMNS, t.c.status.label("parent_status"))
    .select_from(i.outerjoin(t, t.c.number == i.c.parent))
    .where(in_words(i.c.state, ACTIVE_STATES))
    .order_by(i.c.created_at, i.c.code)
)
_UNSETTLED = PreparedQuery(
    sa.select(*_COLUMNS)
    .where(in_words(i.c.state, ENDED_STATES), i.c.told_at.is_(None))
    .order_by(i.c.ended_at, i.c.code)
    .limit(100)
)


async def load_active(db: Database) -> list[tuple[Incident, bool]]:
    """The incidents that have not ended, oldest first; and whether its parent is still being worked on."""
    rows = await db.rows(_ACTIVE)
    return [(_incident_from_row(row), row.parent_status in _JOINABLE) for row in rows]


_ASKED_ABOUT = PreparedQuery(
    sa.select(*_COLUMNS)
    .select_from(i.join(t, t.c.number == i.c.parent))
    .where(
        sa.or_(
            sa.and_(in_words(i.c.state, CONFIRMED_STATES), in_words(t.c.status, _JOINABLE)),
            sa.and_(i.c.state == IncidentState.OVER.value, i.c.ended_at > sa.bindparam("over_since", type_=Instant())),
        )
    )
    .order_by(i.c.created_at, i.c.code)
)


async def load_asked_about(db: Database, over_since: datetime) -> list[Incident]:
    """The incidents that calls may be about: confirmed, not ended, and their parent is being worked on, which calls
    join; and those that are over since then. Oldest first."""
    return [_incident_from_row(row) for row in await db.rows(_ASKED_ABOUT, over_since=over_since)]


_JUST_ENDED = PreparedQuery(
    sa.select(*_COLUMNS)
    .where(
        in_words(i.c.state, ENDED_STATES),
        i.c.told_at.is_not(None),
        i.c.ended_at > sa.bindparam("since", type_=Instant()),
    )
    .order_by(i.c.ended_at, i.c.code)
    .limit(100)
)


async def load_just_ended(db: Database, since: datetime) -> list[Incident]:
    """Incidents that ended after then and whose callers were told."""
    return [_incident_from_row(row) for row in await db.rows(_JUST_ENDED, since=since)]


async def load_untold(db: Database) -> list[Incident]:
    """The incidents that have ended and whose callers were not told yet."""
    return [_incident_from_row(row) for row in await db.rows(_UNSETTLED)]


_REOPENED = PreparedQuery(
    sa.select(*_COLUMNS)
    .select_from(i.join(t, t.c.number == i.c.parent))
    .where(
        i.c.state == IncidentState.OVER.value,
        i.c.ended_at > sa.bindparam("since", type_=Instant()),
        in_words(t.c.status, _JOINABLE),
        sa.exists().where(
            timeline.c.number == i.c.parent, timeline.c.action == Action.REOPEN.value, timeline.c.at > i.c.ended_at
        ),
    )
    .limit(100)
)


async def load_reopened(db: Database, since: datetime) -> list[Incident]:
    """The incidents that are over since then, and whose parent was reopened after that."""
    return [_incident_from_row(row) for row in await db.rows(_REOPENED, since=since)]


_MERGED_CODES = PreparedQuery(
    sa.select(i.c.code).where(i.c.merged_into == sa.bindparam("code", type_=sa.String)).limit(100)
)


async def load_merged_codes(db: Database, code: str) -> list[str]:
    """The incidents that were merged into this one."""
    return [row.code for row in await db.rows(_MERGED_CODES, code=code)]


def _scoped(scope: Scope) -> sa.ColumnElement[bool]:
    """Whose incident it is: the desk's by where its calls come from, a department's by an order of its parent."""
    conditions: list[sa.ColumnElement[bool]] = []
    if scope.whole:
        conditions.append(sa.true() if scope.areas is None else InCodes(sa.func.coalesce(i.c.reach, i.c.area), "areas"))
    if scope.departments:
        held = Scope(False, scope.areas, scope.departments)
        conditions.append(ticket_scope_condition(i.c.parent, held))
    return sa.or_(*conditions) if conditions else sa.false()


@lru_cache(maxsize=8)
def _one(whole: bool, by_area: bool, by_order: bool) -> PreparedQuery:
    scope = scope_form(whole, by_area, by_order)
    return PreparedQuery(sa.select(*_COLUMNS).where(i.c.code == sa.bindparam("code", type_=sa.String), _scoped(scope)))


async def load_incident(db: Database, scope: Scope, code: IncidentCode) -> Incident | None:
    """None: not there, or not theirs to see."""
    if scope.nothing:
        return None
    query = _one(scope.whole, scope.areas is not None, bool(scope.departments))
    row = await fetch_first(db, query, code=code, **scope_parameters(scope))
    return None if row is None else _incident_from_row(row)


@lru_cache(maxsize=32)
def _listed(whole: bool, by_area: bool, by_order: bool, by_state: bool, further: bool) -> PreparedQuery:
    scope = scope_form(whole, by_area, by_order)
    query = sa.select(*_COLUMNS).where(_scoped(scope))
    if by_state:
        query = query.where(InCodes(i.c.state, "states"))
    if further:
        place = sa.tuple_(sa.bindparam("created_at", type_=Instant()), sa.bindparam("after_code", type_=sa.String))
        query = query.where(sa.tuple_(i.c.created_at, i.c.code) < place)
    return PreparedQuery(
        query.order_by(i.c.created_at.desc(), i.c.code.desc()).limit(sa.bindparam("limit", type_=sa.Integer))
    )


async def load_incidents(
    db: Database, scope: Scope, states: Sequence[IncidentState] | None, page: KeysetPage
) -> list[Incident]:
    """Incidents within the scope, newest first."""
    if scope.nothing:
        return []
    query = _listed(scope.whole, scope.areas is not None, bool(scope.departments), bool(states), page.after is not None)
    values: dict[str, Any] = {"states": sorted(states)} if states else {}
    if page.after is not None:
        values |= {"created_at": page.after[0], "after_code": page.after[1]}
    rows = await db.rows(query, limit=page.limit, **values, **scope_parameters(scope))
    return [_incident_from_row(row) for row in rows]


_STATE_CHANGES = PreparedQuery(
    sa.select(e.c.seq, e.c.state_from, e.c.state_to, e.c.reason, e.c.by_kind)
    .where(
        e.c.code == sa.bindparam("code", type_=sa.String),
        e.c.state_from != e.c.state_to,
        e.c.seq > sa.bindparam("after", type_=sa.Integer),
        e.c.seq <= sa.bindparam("last", type_=sa.Integer),
    )
    .order_by(e.c.seq)
)


async def load_state_changes(db: Database, incident: Incident) -> list[Row]:
    """The changes of an incident's state that its parent's timeline does not tell yet, in order: (seq, state_from,
    state_to, reason, by_kind)."""
    return await db.rows(_STATE_CHANGES, code=incident.code, after=incident.noted, last=incident.entries)


_CONTAINED = PreparedQuery(
    sa.select(e.c.reason)
    .where(e.c.code == sa.bindparam("code", type_=sa.String), e.c.action == IncidentAction.CONTAIN.value)
    .order_by(e.c.seq.desc())
    .limit(1)
)


async def load_contained_text(db: Database, incident: Incident) -> str | None:
    """What was told as the incident was contained. None: it is not contained now, or nothing was told."""
    if incident.state is not IncidentState.CONTAINED:
        return None
    row = await fetch_first(db, _CONTAINED, code=incident.code)
    return None if row is None else row.reason


_ENDING = PreparedQuery(
    sa.select(e.c.changes)
    .where(e.c.code == sa.bindparam("code", type_=sa.String), e.c.action == IncidentAction.END.value)
    .order_by(e.c.seq.desc())
    .limit(1)
)


async def load_english_final_word(db: Database, incident: Incident) -> str | None:
    """The final word for those who called in English. None: there is none of its own, or the incident is not over."""
    if incident.state is not IncidentState.OVER:
        return None
    row = await fetch_first(db, _ENDING, code=incident.code)
    return None if row is None else row.changes.get("text_en", (None, None))[1]


_ENTRIES = PreparedQuery(
    sa.select(*(e.c[f.name] for f in fields(IncidentEntry)))
    .where(e.c.code == sa.bindparam("code", type_=sa.String), e.c.seq > sa.bindparam("after", type_=sa.Integer))
    .order_by(e.c.seq)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)


async def load_entries(db: Database, code: IncidentCode, after: int, limit: int) -> list[IncidentEntry]:
    """The timeline behind line `after`, in order."""
    rows = await db.rows(_ENTRIES, code=code, after=after, limit=limit)
    return [
        IncidentEntry(
            r.code, r.seq, r.at, ActorKind(r.by_kind), r.by_id, r.by_name, IncidentAction(r.action),
            None if r.state_from is None else IncidentState(r.state_from), IncidentState(r.state_to), r.reason,
            r.changes,
        )
        for r in rows
    ]  # fmt: skip


_BY_HAND = (ActorKind.PERSON, ActorKind.KEY)
_TRIAGED_BY_HAND = (
    sa.select(sa.literal(1))
    .where(
        timeline.c.number == t.c.number,
        timeline.c.action == Action.TRIAGE.value,
        in_words(timeline.c.by_kind, _BY_HAND),
    )
    .exists()
    .label("chosen")
)
_CALLS = PreparedQuery(
    sa.select(
        t.c.number, t.c.created_at, t.c.caller, t.c.kind, t.c.category, t.c.area, t.c.narrative, t.c.advice, t.c.flags,
        t.c.channel, t.c.unit, t.c.address, _TRIAGED_BY_HAND,
    )
    .where(
        t.c.created_at > sa.bindparam("since", type_=Instant()),
        in_words(t.c.status, (TicketStatus.RECEIVED, TicketStatus.TRIAGED, TicketStatus.DISPATCHED)),
        t.c.incident.is_(None),
        t.c.confidential.is_(sa.false()),
        t.c.outer_number.is_(None),
        t.c.channel != Channel.IMPORT.value,
    )
    .order_by(t.c.created_at)
    .limit(MOST_REPORTS)
)  # fmt: skip


async def load_reports(
    db: Database, households: HouseholdLexicon, lexicon: Lexicon, since: datetime
) -> tuple[list[CallReport], datetime | None]:
    """The open tickets of no incident that were taken in since, oldest first: none that is confidential, another
    hotline's, imported, or taken out of an incident by hand; and no text that leaves open whether there is danger.
    With them the moment up to which they were read, where there are too many to read at once."""
    rows = await db.rows(_CALLS, since=since)
    reports = [
        CallReport(
            row.number, row.created_at, row.caller, Kind(row.kind), row.category or _advised(row.advice, "category"),
            tuple(_advised(row.advice, "symptoms") or ()), row.area, features(row.narrative),
            chosen=bool(row.chosen), unit=row.unit, private=households.find_private(row.narrative),
            told_areas=areas_of_matter((p["code"], p["role"]) for p in _advised(row.advice, "places") or ()),
            elsewhere=not row.chosen and is_about_other_estate(lexicon.places, row.narrative, row.address),
            beside=frozenset() if _rings(row.flags) else households.find_beside(row.narrative),
            asks=bool(_advised(row.advice, "ask")) and not _rings(row.flags),
        )
        for row in rows
        if not _was_taken_out(row.flags)
        and (row.channel in LIVE_CHANNELS or not _advised(row.advice, "ask"))
    ]  # fmt: skip
    return reports, rows[-1].created_at if len(rows) == MOST_REPORTS else None


def _advised(advice: Mapping[str, Any], name: str) -> Any:
    return (advice.get("triage") or {}).get(name)


_WAITING = PreparedQuery(
    sa.select(t.c.number, t.c.flags).where(
        InCodes(t.c.number, "numbers"),
        in_words(t.c.status, (TicketStatus.RECEIVED, TicketStatus.TRIAGED, TicketStatus.DISPATCHED)),
        t.c.incident.is_(None),
    )
)


async def load_still_waiting(db: Database, numbers: Sequence[str]) -> set[str]:
    """Which of these tickets are still open and belong to no incident, and were not taken out of one."""
    rows = await db.rows(_WAITING, numbers=list(numbers)) if numbers else []
    return {row.number for row in rows if not _was_taken_out(row.flags)}


def _rings(flags: Sequence[str]) -> bool:
    """A danger is known: the ticket has orders of its own whatever it belongs to."""
    return any(flag.startswith("danger:") for flag in flags)


def _was_taken_out(flags: Sequence[str]) -> bool:
    """By hand; or it was offered to an incident, and a person decides."""
    return any(flag.startswith(("left:", "offered:")) for flag in flags)


_merging = timeline.alias("merging")
_RECALLED_BY_HAND = PreparedQuery(
    sa.select(timeline.c.seq)
    .where(
        timeline.c.number == sa.bindparam("number", type_=sa.String),
        timeline.c.action == Action.RECALL.value,
        in_words(timeline.c.by_kind, _BY_HAND),
        ~sa.exists().where(
            _merging.c.number == timeline.c.number,
            _merging.c.at == timeline.c.at,
            _merging.c.action == Action.MERGE.value,
        ),
    )
    .limit(1)
)


async def was_recalled_by_hand(db: Database, number: TicketNumber) -> bool:
    """Whether somebody took back an order of this ticket, other than by merging it: it is theirs to give again."""
    return await fetch_first(db, _RECALLED_BY_HAND, number=number) is not None


_MERGERS = PreparedQuery(
    sa.select(timeline.c.changes)
    .where(timeline.c.number == sa.bindparam("number", type_=sa.String), timeline.c.action == Action.MERGE.value)
    .order_by(timeline.c.seq.desc())
    .limit(100)
)


async def was_merged_in(db: Database, number: TicketNumber, codes: Collection[str]) -> bool:
    """Whether a ticket was merged into the parent of one of these incidents, and its caller told so."""
    rows = await db.rows(_MERGERS, number=number)
    return any(row.changes.get(Field.INCIDENT, (None, None))[1] in codes for row in rows)


_LATE = PreparedQuery(
    sa.select(t.c.number, t.c.version, t.c.incident)
    .select_from(t.join(i, i.c.code == t.c.incident))
    .where(
        in_words(i.c.state, ENDED_STATES),
        i.c.ended_at > sa.bindparam("since", type_=Instant()),
        t.c.created_at >= i.c.ended_at,
        t.c.status == TicketStatus.MERGED.value,
    )
    .limit(200)
)


async def load_late(db: Database, since: datetime) -> list[Row]:
    """Tickets that were merged into an incident at the moment it ended: (number, version, incident)."""
    return await db.rows(_LATE, since=since)


def update_worker_columns(c: sa.Connection, code: str, version: int, values: Mapping[str, Any]) -> bool:
    """What the worker counts or has done; no change of the incident, so that its version stays. False: it has changed
    meanwhile."""
    done = c.execute(sa.update(i).where(i.c.code == code, i.c.version == version).values(**values))
    return done.rowcount == 1
