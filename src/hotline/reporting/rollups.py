"""Rollups: the sums of the measures by day and dimension, kept up to date from the stream of events."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby, islice
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import sqlalchemy as sa

from hotline.database.columns import InCodes, parse_document, parse_instant
from hotline.database.engine import Database, fetch_first
from hotline.database.insert_ignore import insert_ignoring_duplicates
from hotline.database.leases import MARGIN
from hotline.database.prepared import PreparedQuery, Row
from hotline.reporting.tables import rollup as r
from hotline.tickets.model.measures import (
    HOUR_PREFIX,
    MEASURES,
    CountedKind,
    Delta,
    count_calls,
    count_measures,
    rollup_keys,
)
from hotline.tickets.tables import assignment as a
from hotline.tickets.tables import call
from hotline.tickets.tables import event as e
from hotline.tickets.tables import ticket as t

Key = tuple[str, str, str]  # dimension, day, code
Sums = dict[Key, Counter[str]]
FOLD_MARK_KEY = ("folded", "", "")  # how far the stream was folded: the row's lock lets one process fold at a time
REBUILD_PREFIX = "~"  # before the dimensions of rollups that are being made anew
EVENTS_PER_FOLD = 500  # events in one transaction
PIECE = 1000  # tickets read at once
ROOM = 50_000  # rows kept in memory while everything is counted

_MARK_QUERY = sa.select(r.c.counts).where(r.c.dimension == FOLD_MARK_KEY[0])  # within a transaction
_MARK = PreparedQuery(sa.select(r.c.counts).where(r.c.dimension == sa.literal(FOLD_MARK_KEY[0])))


@dataclass(frozen=True, slots=True)
class FoldMark:
    """How far the stream is in the rollups. `position` None: there are no rollups, or they are being rebuilt. `skip`:
    ids of later events that are already counted. `rebuilding_since`: the last sign of life of the rebuild that has
    this `token`."""

    position: int | None = None
    skip: frozenset[int] = frozenset()
    rebuilding_since: datetime | None = None
    token: str | None = None

    @classmethod
    def parse(cls, stored: Mapping[str, Any] | None) -> "FoldMark":
        """The mark of a stored document; None: nothing is stored."""
        if stored is None:
            return cls()
        since = parse_instant(stored.get("rebuilding_since"))
        return cls(stored.get("position"), frozenset(stored.get("skip", ())), since, stored.get("token"))

    def stored(self) -> dict[str, Any]:
        """As it is stored."""
        if self.position is not None:
            return {"position": self.position, "skip": sorted(self.skip)}
        since = self.rebuilding_since
        return {"rebuilding_since": since.isoformat() if since else None, "token": self.token}


async def load_fold_mark(db: Database) -> FoldMark:
    """How far the stream is in the rollups."""
    row = await fetch_first(db, _MARK)
    return FoldMark.parse(row.counts if row else None)


def read_fold_mark(c: sa.Connection) -> FoldMark:
    """The same within a transaction or a snapshot."""
    return FoldMark.parse(c.execute(_MARK_QUERY).scalar_one_or_none())


def _lock_fold_mark(c: sa.Connection) -> FoldMark:
    return FoldMark.parse(c.execute(_MARK_QUERY.with_for_update()).scalar_one_or_none())


def _store_fold_mark(c: sa.Connection, mark: FoldMark) -> None:
    c.execute(sa.update(r).where(r.c.dimension == FOLD_MARK_KEY[0]).values(counts=mark.stored()))


def local_day(moment: datetime | None, zone: ZoneInfo) -> str:
    """The ISO date of a moment in the organisation's zone; "" for a state that holds now."""
    return "" if moment is None else moment.astimezone(zone).date().isoformat()


def add_deltas(sums: Sums, deltas: Iterable[Delta], zone: ZoneInfo) -> None:
    """Sum cells under all their keys; what came in also by hour. Best given very many at once: those of one cell are
    summed before they are added under its ten keys."""
    cells: Counter[tuple[str, str, str, str, str, str]] = Counter()
    for measure, at, department, category, area, channel, n in deltas:
        day = local_day(at, zone)
        cells[(measure, day, department, category, area, channel)] += n
        if measure == "entered" and at is not None:
            cells[(f"{HOUR_PREFIX}{at.astimezone(zone).hour}", day, department, category, area, channel)] += n
    for (measure, *place), n in cells.items():
        for key in rollup_keys(*place):
            counts = sums.get(key)
            if counts is None:
                counts = sums[key] = Counter()
            counts[measure] += n


def fold_events(c: sa.Connection, zone: ZoneInfo) -> int:
    """Add the next events to the rollups and return how many. 0 also while the rollups are being rebuilt."""
    mark = _lock_fold_mark(c)
    if mark.position is None:
        return 0
    rows = c.execute(
        sa.select(e.c.position, e.c.id, e.c.figures)
        .where(e.c.position > mark.position)
        .order_by(e.c.position)
        .limit(EVENTS_PER_FOLD)
    ).all()
    if not rows:
        return 0
    sums: Sums = {}
    counted = (row.figures for row in rows if row.figures and row.id not in mark.skip)
    add_deltas(sums, (_parse_delta(delta) for figures in counted for delta in figures), zone)
    add_sums(c, sums)
    _store_fold_mark(c, FoldMark(rows[-1].position, mark.skip - {row.id for row in rows}))
    return len(rows)


def _parse_delta(delta: Sequence[Any]) -> Delta:
    measure, at, department, category, area, channel, n = delta
    return measure, parse_instant(at), department, category, area, channel, n


# rows given as one parameter, so that a statement has one text however many there are
_GIVEN = {
    "postgresql": "json_to_recordset(CAST(:rows AS json)) AS k(dimension text, day text, code text, counts jsonb)",
    "sqlite": "(SELECT json_extract(value, '$.dimension') AS dimension, json_extract(value, '$.day') AS day,"
    " json_extract(value, '$.code') AS code, json_extract(value, '$.counts') AS counts FROM json_each(:rows)) AS k",
}
_STANDING = "SELECT r.dimension, r.day, r.code, r.counts FROM {given} JOIN rollup r USING (dimension, day, code)"
_PUT = """INSERT INTO rollup (dimension, day, code, counts) SELECT dimension, day, code, counts FROM {given} WHERE true
ON CONFLICT (dimension, day, code) DO UPDATE SET counts = excluded.counts"""
_GONE = "DELETE FROM rollup WHERE (dimension, day, code) IN (SELECT dimension, day, code FROM {given})"


def _with_rows(
    c: sa.Connection, sql: str, rows: Iterable[tuple[Key, Mapping[str, int] | None]]
) -> sa.CursorResult[Any]:
    """Run a statement over these rows: a key, and its counts where they are written."""
    given = [{"dimension": d, "day": day, "code": code, "counts": counts} for (d, day, code), counts in rows]
    statement = sa.text(sql.format(given=_GIVEN[c.dialect.name]))
    return c.execute(statement, {"rows": orjson.dumps(given).decode()})


def add_sums(c: sa.Connection, sums: Mapping[Key, Counter[str]], before: str = "") -> None:
    """Add these counts to the rows; a row whose counts are all 0 is deleted."""
    keys = iter(sorted(key for key, counts in sums.items() if any(counts.values())))
    while piece := [(before + dimension, day, code) for dimension, day, code in islice(keys, 300)]:
        found = _with_rows(c, _STANDING, ((key, None) for key in piece))
        stand = {(x.dimension, x.day, x.code): parse_document(x.counts) for x in found}
        rows, gone = [], []
        for key in piece:
            counts = Counter(stand.get(key, {}))
            counts.update(sums[(key[0].removeprefix(before), *key[1:])])
            kept = {name: n for name, n in counts.items() if n}
            if kept:
                rows.append((key, kept))
            elif key in stand:
                gone.append((key, None))
        if rows:
            _with_rows(c, _PUT, rows)
        if gone:
            _with_rows(c, _GONE, gone)


def claim_rebuild(
    c: sa.Connection, now: datetime, abandoned_before: datetime, token: str, *, force: bool = False
) -> bool:
    """Claim the rebuild under this token. True: there are no rollups (or `force` is given), and no other process
    is rebuilding them, or its lease has ended."""
    empty = {"dimension": FOLD_MARK_KEY[0], "day": FOLD_MARK_KEY[1], "code": FOLD_MARK_KEY[2], "counts": {}}
    insert_ignoring_duplicates(c, r, [empty])
    mark = _lock_fold_mark(c)
    since = mark.rebuilding_since
    # a sign of life far ahead was given by a clock that has been set back since
    if not force and (
        mark.position is not None
        or (since is not None and abandoned_before < since <= now + (now - abandoned_before) + MARGIN)
    ):
        return False
    c.execute(sa.delete(r).where(r.c.dimension.like(f"{REBUILD_PREFIX}%")))
    _store_fold_mark(c, FoldMark(rebuilding_since=now, token=token))
    return True


def renew_rebuild(c: sa.Connection, now: datetime, token: str) -> bool:
    """Renew the lease of the rebuild. False: another process has taken it over."""
    if not _owns_rebuild(c, token):
        return False
    _store_fold_mark(c, FoldMark(rebuilding_since=now, token=token))
    return True


def _owns_rebuild(c: sa.Connection, token: str) -> bool:
    return _lock_fold_mark(c).token == token


def add_rebuilt_sums(c: sa.Connection, sums: Mapping[Key, Counter[str]], token: str, now: datetime) -> bool:
    """Add to the new rollups and renew the lease. False: another process has taken it over."""
    if not renew_rebuild(c, now, token):
        return False
    add_sums(c, sums, REBUILD_PREFIX)
    return True


def load_snapshot_mark(c: sa.Connection) -> FoldMark:
    """Within a snapshot: the mark after the events that its tickets already include."""
    last = c.execute(sa.select(sa.func.coalesce(sa.func.max(e.c.position), 0))).scalar_one()
    skip = c.execute(sa.select(e.c.id).where(e.c.position.is_(None)).order_by(e.c.id)).scalars().all()
    return FoldMark(last, frozenset(skip))


def install_rebuilt(c: sa.Connection, mark: FoldMark, token: str) -> bool:
    """Replace the old rollups by the new. False: another process has taken the rebuild over."""
    if not _owns_rebuild(c, token):
        return False
    fresh_ones = r.c.dimension.like(f"{REBUILD_PREFIX}%")
    _execute_in_pieces(c, sa.and_(r.c.dimension != FOLD_MARK_KEY[0], ~fresh_ones), sa.delete(r))
    _execute_in_pieces(
        c, fresh_ones, sa.update(r).values(dimension=sa.func.substr(r.c.dimension, len(REBUILD_PREFIX) + 1))
    )
    _store_fold_mark(c, mark)
    return True


def _execute_in_pieces(c: sa.Connection, of: sa.ColumnElement[bool], change: Any) -> None:
    """Change very many rows in portions, so that no statement reaches its time limit. The change must take a row out of
    `of`."""
    place = sa.tuple_(r.c.dimension, r.c.day, r.c.code)
    nth = sa.select(r.c.dimension, r.c.day, r.c.code).where(of).order_by(r.c.dimension, r.c.day, r.c.code)
    while (bound := c.execute(nth.offset(ROOM // 5).limit(1)).one_or_none()) is not None:
        c.execute(change.where(of, place < sa.tuple_(*bound)))
    c.execute(change.where(of))


def _fields(of: CountedKind, table: sa.Table, *more: str) -> list[sa.Column[Any]]:
    names = {test.field for m in MEASURES.values() if m.of is of for test in m.where}
    names |= {
        str(test.value) for m in MEASURES.values() if m.of is of for test in m.where if str(test.value) in table.c
    }
    names |= {m.at for m in MEASURES.values() if m.of is of and m.at} | set(more)
    return [table.c[name] for name in sorted(names)]


_TICKETS = _fields(CountedKind.TICKET, t, "number", "created_at", "category", "area", "channel")
_CALLS = _fields(CountedKind.CALL, call, "area", "category", "channel")
_ORDERS = _fields(CountedKind.ORDER, a, "id", "number", "department", "part", "status", "issued_at")


def recount(c: sa.Connection, zone: ZoneInfo) -> Iterator[Sums]:
    """A full count from tickets, assignments and calls, in pieces to be summed."""
    sums: Sums = {}
    last = ""
    while True:
        tickets = c.execute(sa.select(*_TICKETS).where(t.c.number > last).order_by(t.c.number).limit(PIECE)).all()
        if not tickets:
            break
        numbers = (tickets[0].number, tickets[-1].number)
        orders = c.execute(sa.select(*_ORDERS).where(a.c.number.between(*numbers)).order_by(a.c.number, a.c.id)).all()
        held = {number: list(found) for number, found in groupby(orders, key=attrgetter("number"))}
        counted = (count_measures(ticket, held.get(ticket.number, ())) for ticket in tickets)
        add_deltas(sums, ((*cell, n) for cells in counted for cell, n in cells.items()), zone)
        calls = c.execute(sa.select(*_CALLS).where(call.c.number.between(*numbers))).all()
        add_deltas(sums, ((*cell, n) for cell, n in count_calls(calls).items()), zone)
        last = tickets[-1].number
        if len(sums) > ROOM:
            yield sums
            sums = {}
    yield sums


def iterate_rollups(c: sa.Connection) -> Iterator[tuple[Key, Counter[str]]]:
    """Every rollup."""
    for row in c.execute(
        sa.select(r).where(r.c.dimension != FOLD_MARK_KEY[0], ~r.c.dimension.like(f"{REBUILD_PREFIX}%"))
    ):
        yield (row.dimension, row.day, row.code), Counter(row.counts)


def load_unfolded_sums(c: sa.Connection, mark: FoldMark, zone: ZoneInfo) -> Sums:
    """Within a snapshot: what the events after the mark will add."""
    sums: Sums = {}
    behind = sa.or_(e.c.position > mark.position, e.c.position.is_(None))
    rows = c.execute(sa.select(e.c.id, e.c.figures).where(behind))
    counted = (row.figures for row in rows if row.figures and row.id not in mark.skip)
    add_deltas(sums, (_parse_delta(delta) for figures in counted for delta in figures), zone)
    return sums


@lru_cache(maxsize=32)
def _rollups_query(codes: bool) -> PreparedQuery:
    query = sa.select(r.c.day, r.c.code, r.c.counts).where(
        r.c.dimension == sa.bindparam("dimension", type_=sa.String),
        r.c.day >= sa.bindparam("first", type_=sa.String),
        r.c.day <= sa.bindparam("last", type_=sa.String),
    )
    return PreparedQuery(query.where(InCodes(r.c.code, "codes")) if codes else query)


async def load_rollups(
    db: Database, dimension: str, first: str, last: str, codes: Sequence[str] | None = None
) -> Sequence[Row]:
    """The rollups of these days: day, code, counts. Days are ISO dates; "" holds the state now."""
    values = {} if codes is None else {"codes": list(codes)}
    return await db.rows(_rollups_query(codes is not None), dimension=dimension, first=first, last=last, **values)


MOST_UNFOLDED = 5_000  # events that a reader counts itself: a second's work


@dataclass(frozen=True, slots=True)
class RollupRow:
    """One rollup as `load_rollups` gives it."""

    day: str
    code: str
    counts: Mapping[str, int]


class RollupSnapshot:
    """The rollups of one moment, with what the stream has beyond them: reads agree with each other, and with a list of
    tickets read in the same snapshot. `exact`: nothing is missing; else so much waits that the worker must first fold
    it, or there are no rollups."""

    def __init__(self, c: sa.Connection, zone: ZoneInfo) -> None:
        self._connection = c
        self.mark = read_fold_mark(c)
        behind = 0
        if self.mark.position is not None:
            more = sa.or_(e.c.position > self.mark.position, e.c.position.is_(None))
            some = sa.select(e.c.id).where(more).limit(MOST_UNFOLDED + 1).subquery()
            behind = c.execute(sa.select(sa.func.count()).select_from(some)).scalar_one()
        self.exact = self.mark.position is not None and behind <= MOST_UNFOLDED
        self._unfolded = load_unfolded_sums(c, self.mark, zone) if self.exact and behind else {}

    def rows(self, dimension: str, first: str, last: str, codes: Sequence[str] | None = None) -> list[RollupRow]:
        """As `load_rollups`."""
        values = {} if codes is None else {"codes": list(codes)}
        query = _rollups_query(codes is not None).statement
        parameters = {"dimension": dimension, "first": first, "last": last, **values}
        sums = {(row.day, row.code): Counter(row.counts) for row in self._connection.execute(query, parameters)}
        wanted = None if codes is None else frozenset(codes)
        for (of, day, code), counts in self._unfolded.items():
            if of == dimension and first <= day <= last and (wanted is None or code in wanted):
                sums.setdefault((day, code), Counter()).update(counts)
        return [RollupRow(day, code, counts) for (day, code), counts in sorted(sums.items())]

    def nearest_days(self, dimension: str, first: str, last: str) -> tuple[str | None, str | None]:
        """The last day before `first` and the first one after `last` on which anything was counted."""
        days = sa.select(sa.func.max(r.c.day)).where(r.c.dimension == dimension, r.c.day < first, r.c.day > "")
        later = sa.select(sa.func.min(r.c.day)).where(r.c.dimension == dimension, r.c.day > last)
        before, after = self._connection.execute(days).scalar_one(), self._connection.execute(later).scalar_one()
        more = [day for of, day, _ in self._unfolded if of == dimension and day]
        before = max([day for day in (before, *(d for d in more if d < first)) if day], default=None)
        after = min([day for day in (after, *(d for d in more if d > last)) if day], default=None)
        return before, after
