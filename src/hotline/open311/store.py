"""Queries for Open311: tickets an asker may read, and their steps. No column here identifies the reporter."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import sqlalchemy as sa

from hotline.database.columns import InCodes, Instant, in_words
from hotline.database.engine import Database, fetch_first
from hotline.database.prepared import PreparedQuery, Row
from hotline.open311.model import PUBLIC_STEPS, PublicView
from hotline.organisation.model.vocabulary import Kind
from hotline.organisation.tables import directory_log
from hotline.tickets.model.publication import NEVER_PUBLIC
from hotline.tickets.model.vocabulary import OPEN, TicketStatus
from hotline.tickets.tables import ticket as t
from hotline.tickets.tables import timeline

_NOT_HIDDEN = sa.and_(
    t.c.confidential.is_(False),
    t.c.kind != sa.literal_column(f"'{Kind.REPORT}'"),
    sa.not_(in_words(t.c.status, NEVER_PUBLIC)),
    t.c.category.is_not(None),
)
_CHOICE = t.c.category.op("||", return_type=sa.String())(sa.literal_column("'/'")).op("||", return_type=sa.String())(
    t.c.channel
)
# of that, what administrators chose to publish (`published`) and nobody took back
PUBLISHED = sa.and_(_NOT_HIDDEN, InCodes(_CHOICE, "published"), t.c.unpublished.is_(False))
# and what came with the client's own key
_PUBLIC = sa.or_(PUBLISHED, sa.and_(_NOT_HIDDEN, t.c.created_by == sa.bindparam("client", type_=sa.String)))


def _view_parameters(view: PublicView) -> dict[str, object]:
    return {"published": list(view.published_choices), "client": view.client or ""}


_settled = timeline.alias("settled")
_LAST_STEP = (  # what led to the state it stands in
    sa.select(_settled.c.action)
    .where(_settled.c.number == t.c.number, _settled.c.status_to == t.c.status)
    .where(sa.or_(_settled.c.status_from.is_(None), _settled.c.status_from != _settled.c.status_to))
    .order_by(_settled.c.seq.desc())
    .limit(1)
    .correlate(t)
    .scalar_subquery()
)
_COLUMNS = (
    t.c.number, t.c.status, t.c.category, t.c.channel, t.c.department, t.c.area, t.c.advice, t.c.created_at,
    t.c.updated_at, t.c.closed_at, t.c.promised_at, t.c.review_at, t.c.public_reply, t.c.channel_told, t.c.parent,
    t.c.satisfaction_final, t.c.created_by,
    t.c.public_text, t.c.lat, t.c.lon,
    sa.case((t.c.status == sa.literal_column(f"'{TicketStatus.CLOSED}'"), _LAST_STEP)).label("step"),
)  # fmt: skip


@lru_cache(maxsize=64)
def _listed(by_requested: bool, by_updated: bool, by_service: bool, states: str) -> PreparedQuery:
    query = sa.select(*_COLUMNS).where(_PUBLIC)
    if by_requested:
        query = query.where(
            t.c.created_at >= sa.bindparam("start", type_=Instant), t.c.created_at <= sa.bindparam("end", type_=Instant)
        )
    if by_updated:
        # every change leaves a step in the timeline, whose index is in order of time: the ticket has none by updated_at
        moved = sa.select(timeline.c.number).where(
            timeline.c.at >= sa.bindparam("after", type_=Instant),
            timeline.c.at <= sa.bindparam("before", type_=Instant),
        )
        shown = sa.func.coalesce(t.c.closed_at, t.c.updated_at, type_=Instant)
        query = query.where(
            t.c.number.in_(moved),
            shown >= sa.bindparam("after", type_=Instant),
            shown <= sa.bindparam("before", type_=Instant),
        )
    if by_service:
        query = query.where(InCodes(t.c.category, "services"))
    if states == "open":
        query = query.where(in_words(t.c.status, OPEN))
    elif states == "closed":
        query = query.where(sa.not_(in_words(t.c.status, OPEN)))
    return PreparedQuery(
        query.order_by(t.c.created_at.desc(), t.c.number.desc())
        .limit(sa.bindparam("limit", type_=sa.Integer))
        .offset(sa.bindparam("offset", type_=sa.Integer))
    )


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Within these windows (both ends in; None: any), of these services (none: all), `open`, `closed` or both ("")."""

    requested: tuple[datetime, datetime] | None
    updated: tuple[datetime, datetime] | None
    services: Sequence[str]
    states: str


async def load_requests(
    db: Database, view: PublicView, wanted: RequestFilter, limit: int, offset: int
) -> Sequence[Row]:
    """Tickets the asker may read, newest first."""
    if view.nothing:
        return []
    values: dict[str, object] = {"limit": limit, "offset": offset, **_view_parameters(view)}
    requested, updated = wanted.requested, wanted.updated
    if requested is not None:
        values |= {"start": requested[0], "end": requested[1]}
    if updated is not None:
        values |= {"after": updated[0], "before": updated[1]}
    if wanted.services:
        values["services"] = list(wanted.services)
    query = _listed(requested is not None, updated is not None, bool(wanted.services), wanted.states)
    return await db.rows(query, **values)


_THESE = PreparedQuery(
    sa.select(*_COLUMNS)
    .where(_PUBLIC, InCodes(t.c.number, "numbers"))
    .order_by(t.c.created_at.desc(), t.c.number.desc())
)
_HIDDEN = PreparedQuery(sa.select(t.c.number).where(_NOT_HIDDEN, t.c.number == sa.bindparam("number", type_=sa.String)))
_STEP = sa.and_(in_words(timeline.c.action, PUBLIC_STEPS), in_words(timeline.c.status_to, TicketStatus))
_UPDATES = PreparedQuery(
    sa.select(
        timeline.c.number, timeline.c.seq, timeline.c.at, timeline.c.action, timeline.c.status_to, t.c.public_reply,
        t.c.channel_told, t.c.satisfaction_final, t.c.created_by,
    )
    .select_from(timeline.join(t, t.c.number == timeline.c.number))
    .where(timeline.c.at >= sa.bindparam("start", type_=Instant), timeline.c.at <= sa.bindparam("end", type_=Instant))
    .where(_STEP, _PUBLIC)
    .order_by(timeline.c.at, timeline.c.number, timeline.c.seq)
    .limit(sa.bindparam("limit", type_=sa.Integer))
)  # fmt: skip
_NOTES = PreparedQuery(
    sa.select(timeline.c.number, timeline.c.at, timeline.c.action)
    .where(InCodes(timeline.c.number, "numbers"), _STEP)
    .order_by(timeline.c.number, timeline.c.seq)
)
_CHANGED = PreparedQuery(sa.select(sa.func.max(directory_log.c.at, type_=Instant).label("at")))


async def load_requests_by_number(db: Database, view: PublicView, numbers: Sequence[str]) -> Sequence[Row]:
    """Those of these numbers that the asker may read, whatever their age or state."""
    return [] if view.nothing else await db.rows(_THESE, numbers=list(numbers), **_view_parameters(view))


async def is_hidden(db: Database, number: str) -> bool:
    """Whether a ticket is hidden from the public: confidential, a report of wrongdoing, void, without a category."""
    return await fetch_first(db, _HIDDEN, number=number) is None


async def load_updates(db: Database, view: PublicView, start: datetime, end: datetime, limit: int) -> Sequence[Row]:
    """Steps of the tickets the asker may read, from `start` to `end`, both in, oldest first."""
    return [] if view.nothing else await db.rows(_UPDATES, start=start, end=end, limit=limit, **_view_parameters(view))


async def load_notes(db: Database, numbers: Sequence[str]) -> Sequence[Row]:
    """The public history of these tickets: number, at, action."""
    return await db.rows(_NOTES, numbers=list(numbers))


async def load_directory_changed_at(db: Database) -> datetime | None:
    """When the directory was changed last."""
    row = await fetch_first(db, _CHANGED)
    return row.at if row else None
