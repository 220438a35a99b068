"""Figures: kept up to date from the stream, read by day and dimension, explained down to single tickets."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import islice
from tempfile import TemporaryFile
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson
import structlog

from hotline.database.engine import CommitUnknown, DatabaseUnavailable
from hotline.database.keyset import KeysetPage
from hotline.database.prepared import Row
from hotline.organisation.model.actors import AREA_WIDE_ROLES, Actor
from hotline.organisation.model.directory import Directory, Named, zone_of
from hotline.organisation.model.scopes import scope_of
from hotline.refusals import Code, Refusal, Refused
from hotline.reporting import drill_down, rollups
from hotline.reporting.model import (
    COUNTS,
    FIGURES,
    HandlingTimes,
    Share,
    handling_times,
    period_bounds,
    rank_units,
    shares,
    with_overdue,
)
from hotline.reporting.vocabulary import Period
from hotline.streaming import store as streaming_store
from hotline.tickets.context import Services
from hotline.tickets.model.measures import DIMENSIONS, HOUR_PREFIX, TOTAL_DIMENSION
from hotline.tickets.store import counters

FOLDED_AT_ONCE = rollups.EVENTS_PER_FOLD  # events
REBUILD_ABANDONED_AFTER = timedelta(minutes=3)  # a rebuild without a heartbeat for so long has been abandoned
HEARTBEAT_SECONDS = 30.0  # seconds between two heartbeats of a rebuild
ROLLUPS_PER_TRANSACTION = 2000  # rollups in one transaction, so that other writers wait no longer
MAX_TICKETS_COUNTED_INLINE = 1000  # more tickets than this are counted in a process of their own
MAX_DAYS = 1100  # days asked for at once
HOURLY_DAYS = 7  # days of the heat by hour
log = structlog.get_logger("hotline.figures")
NOUNS = {"department": "departments", "category": "categories", "area": "areas"}


async def update_rollups(services: Services, now: datetime) -> int:
    """Add new events to the rollups and return how many. Builds the rollups if there are none."""
    await streaming_store.assign_positions(services.db)
    if not await has_rollups(services):
        await rebuild_rollups(services, now)
        return 0
    zone = zone_of(await services.directory.now(now))
    return await services.db.transact(lambda c: rollups.fold_events(c, zone))


async def has_rollups(services: Services) -> bool:
    """Whether there are rollups."""
    return (await rollups.load_fold_mark(services.db)).position is not None


async def needs_rebuild(services: Services) -> bool:
    """Whether there are no rollups and no process is building them, by the database's clock."""
    mark, at = await rollups.load_fold_mark(services.db), await services.db.time()
    since = mark.rebuilding_since
    return mark.position is None and (
        since is None or not at - REBUILD_ABANDONED_AFTER < since <= at + REBUILD_ABANDONED_AFTER
    )


async def has_many_tickets(services: Services) -> bool:
    """Whether a full count takes longer than a request may wait."""
    return sum((await counters.load_counts(services.db, "ticket", None)).values()) > MAX_TICKETS_COUNTED_INLINE


async def rebuild_rollups(services: Services, now: datetime, *, force: bool = False) -> bool:
    """Rebuild the rollups from the tickets while the server runs. False: another process is rebuilding them or took
    over. `force`: take over from a running rebuild. With many tickets this takes a processor for minutes."""
    zone, token = zone_of(await services.directory.now(now)), uuid4().hex
    await streaming_store.assign_positions(services.db)
    at = await services.db.time()
    given_up = at - REBUILD_ABANDONED_AFTER
    if not await services.db.transact(lambda c: rollups.claim_rebuild(c, at, given_up, token, force=force)):
        return False
    heartbeat = asyncio.create_task(_keep_rebuild_alive(services, token))
    try:
        return await _run_rebuild(services, zone, token)
    finally:
        heartbeat.cancel()


async def _keep_rebuild_alive(services: Services, token: str) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        # its row is held by our own piece, which shows life as well
        with contextlib.suppress(DatabaseUnavailable, CommitUnknown):
            at = await services.db.time()
            await services.db.transact(lambda c, at=at: rollups.renew_rebuild(c, at, token))  # type: ignore[misc]


async def _run_rebuild(services: Services, zone: ZoneInfo, token: str) -> bool:
    with TemporaryFile() as pieces:  # ten million tickets do not fit into memory

        def count(c: Any) -> rollups.FoldMark:
            for sums in rollups.recount(c, zone):
                pieces.write(orjson.dumps([[*key, counts] for key, counts in sums.items()]) + b"\n")
            return rollups.load_snapshot_mark(c)

        mark = await services.db.snapshot(count)
        pieces.seek(0)
        for line in pieces:
            rows = iter(orjson.loads(line))
            while piece := list(islice(rows, ROLLUPS_PER_TRANSACTION)):
                sums = {(d, day, code): Counter(counts) for d, day, code, counts in piece}
                now = await services.db.time()
                if not await services.db.transact(lambda c, s=sums, at=now: rollups.add_rebuilt_sums(c, s, token, at)):  # type: ignore[misc]
                    return False
    if not await services.db.transact(lambda c: rollups.install_rebuilt(c, mark, token)):
        return False
    log.info("figures.rebuilt", position=mark.position)
    return True


async def load_rollup_drift(
    services: Services, now: datetime
) -> dict[rollups.Key, tuple[dict[str, int], dict[str, int]]]:
    """Where rollups and a full count differ: key -> (kept, counted). Slow; run at night."""
    zone = zone_of(await services.directory.now(now))

    def compare(c: Any) -> dict[rollups.Key, tuple[dict[str, int], dict[str, int]]]:
        mark = rollups.read_fold_mark(c)
        if mark.position is None:  # being made anew: there is nothing to compare with
            return {}
        kept: rollups.Sums = dict(rollups.iterate_rollups(c))
        for key, counts in rollups.load_unfolded_sums(c, mark, zone).items():
            kept.setdefault(key, Counter()).update(counts)
        true: rollups.Sums = {}
        for piece in rollups.recount(c, zone):
            for key, counts in piece.items():
                true.setdefault(key, Counter()).update(counts)
        found = {}
        for key in kept.keys() | true.keys():
            ours = {m: n for m, n in kept.get(key, Counter()).items() if n}
            theirs = {m: n for m, n in true.get(key, Counter()).items() if n}
            if ours != theirs:
                found[key] = (ours, theirs)
        return found

    return await services.db.snapshot(compare)


@dataclass(frozen=True, slots=True)
class FigureQuery:
    """A query: days from `first` to `last`, both included, grouped `by` a dimension, a period or nothing."""

    first: date
    last: date
    by: str | None = None
    filters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _RollupSelection:
    dimension: str
    codes: list[str] | None  # None: all
    group: int | None  # which half of the code names the group
    within: Mapping[str, frozenset[str]]


def _select_rollups(directory: Directory, figure_query: FigureQuery, actor: Actor) -> _RollupSelection:
    """Choose the rollups that answer a query. An actor limited to areas or departments gets only those."""
    within: dict[str, frozenset[str]] = {}
    errors: list[tuple[str, str]] = []
    if (figure_query.last - figure_query.first).days not in range(MAX_DAYS):
        errors.append(("last", f"not before `first`, and at most {MAX_DAYS} days after it"))
    for name, code in figure_query.filters.items():
        below = {
            "department": directory.department_subtrees,
            "category": directory.category_subtrees,
            "area": directory.area_subtrees,
        }
        if name != "channel" and code not in directory.noun(NOUNS[name]):
            errors.append((name, f"not in the directory's {NOUNS[name]}"))
        within[name] = below[name].get(code, frozenset({code})) if name in below else frozenset({code})
    if errors:
        raise Refused(Refusal(Code.INVALID, "these figures cannot be asked for", errors=tuple(errors)))
    if actor.areas is not None:
        within["area"] = within.get("area", actor.areas) & actor.areas
    if not actor.roles & AREA_WIDE_ROLES:
        within["department"] = within.get("department", actor.departments) & actor.departments
    names = set(within) | {name for name in DIMENSIONS if name == figure_query.by}
    first = next((name for name in ("department", "area") if name in names), "")
    if len(names) > 2 or (len(names) == 2 and not first):
        rule = "two of them at most, one of them department or area"
        raise Refused(Refusal(Code.INVALID, "these cannot be combined", errors=(("by", rule),)))
    others = sorted(names - {first})
    dimension = f"{first}/{others[0]}" if len(names) == 2 else next(iter(names), TOTAL_DIMENSION)
    group = None if figure_query.by not in DIMENSIONS else 1 if len(names) == 2 and figure_query.by != first else 0
    codes = sorted(next(iter(within.values()))) if len(names) == 1 and within else None
    return _RollupSelection(dimension, codes, group, within)


def _is_selected(selection: _RollupSelection, code: str) -> bool:
    """Whether a code of a pair is within the query."""
    if "/" not in selection.dimension or not selection.within:
        return True
    halves = dict(zip(selection.dimension.split("/"), code.split("/", 1), strict=True))
    return all(halves[name] in codes for name, codes in selection.within.items())


@dataclass(frozen=True, slots=True)
class Stock:
    """Open tickets at the beginning and at the end of the period, and those that came and went between. `merged`: of
    those that went, how many were merged into another, which carries their matter on; None: not counted then."""

    carried_over: int
    entered: int
    left: int
    open: int
    merged: int | None = None


@dataclass(frozen=True, slots=True)
class FigureGroup:
    """The figures of one day, department, category, area or channel; of everything where `code` is empty. Calls are
    counted for no department: where departments are asked for, `counts` has none."""

    code: str
    name: Named | None
    counts: dict[str, int]
    shares: dict[str, Share]
    handling: HandlingTimes
    stock: Stock | None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a period. `position`: the stream position they include."""

    first: date
    last: date
    by: str | None
    filters: dict[str, str]
    zone: str
    position: int | None
    at: datetime
    groups: tuple[FigureGroup, ...]


@dataclass(frozen=True, slots=True)
class RankedDepartment:
    """A department's rank among its peers. `place` None: the denominator is too small to rank."""

    department: Named | None
    peers: str
    value: float | None
    denominator: int
    place: int | None


@dataclass(frozen=True, slots=True)
class HourlyCounts:
    """Tickets received on a day by hour: 24 numbers."""

    day: str
    hours: tuple[int, ...]


async def load_figures(services: Services, actor: Actor, figure_query: FigureQuery, now: datetime) -> Figures:
    """The groups with counts, shares, handling times and backlog, and the stream position they include."""
    directory = await services.directory.now(now)
    selection = _select_rollups(directory, figure_query, actor)
    spans = _spans(figure_query)
    read = [await rollups.load_rollups(services.db, selection.dimension, *s, selection.codes) for s in spans]
    mark = await rollups.load_fold_mark(services.db)
    return _build_figures(directory, figure_query, selection, read, mark, now)


def _spans(figure_query: FigureQuery) -> tuple[tuple[str, str], ...]:
    """The days to read: of the period, after it, and what is so now."""
    first, last = figure_query.first.isoformat(), figure_query.last.isoformat()
    return (first, last), ((figure_query.last + timedelta(days=1)).isoformat(), "9999-12-31"), ("", "")


@dataclass(frozen=True, slots=True)
class CountedQuery:
    """The rows behind a number: a code of COUNTED_CODES, and a page of them. `filters` as of a FigureQuery."""

    code: str
    figure_query: FigureQuery
    page: KeysetPage


@dataclass(frozen=True, slots=True)
class FigureSet:
    """Figures of one moment. `rows`: those of the counted queries; `totals`: how many each has in all, and of how many
    tickets. `nearest`: the days that have anything on both sides of the first query's period. `exact`: all is in."""

    figures: Mapping[str, Figures]
    rows: Mapping[str, Sequence[Row]]
    nearest: tuple[date | None, date | None]
    exact: bool
    totals: Mapping[str, tuple[int, int]] = field(default_factory=dict)


def can_be_asked(directory: Directory, figure_query: FigureQuery, actor: Actor) -> bool:
    """Whether there are rollups for a query. What limits the actor counts as a filter."""
    try:
        _select_rollups(directory, figure_query, actor)
    except Refused:
        return False
    return True


def read_figures(c: Any, directory: Directory, actor: Actor, figure_query: FigureQuery, now: datetime) -> Figures:
    """The figures of a period within a snapshot, with what the worker has not summed yet."""
    selection, snapshot = _select_rollups(directory, figure_query, actor), rollups.RollupSnapshot(c, zone_of(directory))
    read = [snapshot.rows(selection.dimension, *span, selection.codes) for span in _spans(figure_query)]
    return _build_figures(directory, figure_query, selection, read, snapshot.mark, now)


def counted_at_most() -> int:
    """How many rows behind a number are counted."""
    return drill_down.COUNTED_AT_MOST


async def load_figure_set(
    services: Services,
    actor: Actor,
    queries: Mapping[str, FigureQuery],
    counted: Mapping[str, CountedQuery],
    now: datetime,
) -> FigureSet:
    """Several figures and the rows behind some of their numbers, all of one snapshot of the database."""
    directory = await services.directory.now(now)
    zone = zone_of(directory)
    selections = {name: _select_rollups(directory, q, actor) for name, q in queries.items()}
    lists = {name: counted_rows_query(directory, q.code, q.figure_query, actor, now) for name, q in counted.items()}
    main = next(iter(queries))

    def read(c: Any) -> FigureSet:
        snapshot = rollups.RollupSnapshot(c, zone)
        found = {}
        for name, query in queries.items():
            selection = selections[name]
            rows = [snapshot.rows(selection.dimension, *span, selection.codes) for span in _spans(query)]
            found[name] = _build_figures(directory, query, selection, rows, snapshot.mark, now)
        first, last = _spans(queries[main])[0]
        near = snapshot.nearest_days(selections[main].dimension, first, last)
        days = tuple(date.fromisoformat(day) if day else None for day in near)
        pages = {
            name: drill_down.read_counted_rows(c, scope_of(actor), lists[name], q.page) for name, q in counted.items()
        }
        totals = {name: drill_down.count_counted_rows(c, scope_of(actor), counted) for name, counted in lists.items()}
        return FigureSet(found, pages, (days[0], days[1]), snapshot.exact, totals)

    return await services.db.snapshot(read)


def _build_figures(
    directory: Directory,
    figure_query: FigureQuery,
    selection: _RollupSelection,
    read: Sequence[Sequence[Any]],
    mark: rollups.FoldMark,
    now: datetime,
) -> Figures:
    """The figures of rollups that were read: of the period, after it, and what is so now."""
    rows, later, standing = read
    today = now.astimezone(zone_of(directory)).date().isoformat()
    groups: dict[str, Counter[str]] = {}
    for row in rows:
        if _is_selected(selection, row.code):
            groups.setdefault(_group_code(figure_query, selection, row), Counter()).update(
                with_overdue(row.day, row.counts, today)
            )
    stock = {} if figure_query.by in set(Period) else _open_at_end(figure_query, selection, standing, later)
    names = [m for m in COUNTS if m != "calls" or not selection.dimension.startswith("department")]
    listed = sorted(groups.keys() | stock.keys()) or ([] if figure_query.by else [""])
    return Figures(
        first=figure_query.first,
        last=figure_query.last,
        by=figure_query.by,
        filters=dict(figure_query.filters),
        zone=zone_of(directory).key,
        position=mark.position,
        at=now,
        groups=tuple(
            _build_group(directory, figure_query, code, groups.get(code, Counter()), stock.get(code), names)
            for code in listed
        ),
    )


def _group_code(figure_query: FigureQuery, selection: _RollupSelection, row: Row) -> str:
    if figure_query.by in set(Period):
        return period_bounds(Period(figure_query.by), date.fromisoformat(row.day))[0].isoformat()
    if selection.group is None:
        return ""
    return str(row.code.split("/", 1)[selection.group] if "/" in selection.dimension else row.code)


def _open_at_end(
    figure_query: FigureQuery, selection: _RollupSelection, current_rows: Sequence[Row], later: Sequence[Row]
) -> dict[str, int]:
    """Open tickets at the end of the period: those open now, less those that came since, plus those that left."""
    found: Counter[str] = Counter()
    for row in current_rows:
        if _is_selected(selection, row.code):
            found[_group_code(figure_query, selection, row)] += row.counts.get("open", 0)
    for row in later:
        if _is_selected(selection, row.code):
            found[_group_code(figure_query, selection, row)] += row.counts.get("left", 0) - row.counts.get("entered", 0)
    return dict(found)


def _build_group(
    directory: Directory,
    figure_query: FigureQuery,
    code: str,
    counts: Counter[str],
    stock: int | None,
    shown: Sequence[str],
) -> FigureGroup:
    name = directory.optional_item_name(NOUNS[figure_query.by], code) if figure_query.by in NOUNS and code else None
    entered, left = counts.get("entered", 0), counts.get("left", 0)
    return FigureGroup(
        code=code,
        name=name,
        counts={measure: counts.get(measure, 0) for measure in shown},
        shares=shares(counts),
        handling=handling_times(counts),
        stock=None if stock is None else Stock(stock - entered + left, entered, left, stock, counts.get("absorbed", 0)),
    )


async def load_ranking(
    services: Services, actor: Actor, figure: str, figure_query: FigureQuery, now: datetime
) -> tuple[RankedDepartment, ...]:
    """Departments ranked within their peer group; without a place where the denominator is too small."""
    directory = await services.directory.now(now)
    if figure not in FIGURES:
        raise Refused(Refusal(Code.NOT_FOUND, "no such figure"))
    report = await load_figures(
        services, actor, FigureQuery(figure_query.first, figure_query.last, "department", figure_query.filters), now
    )
    return rank_departments(directory, figure, report.groups)


def rank_departments(directory: Directory, figure: str, groups: Sequence[FigureGroup]) -> tuple[RankedDepartment, ...]:
    """The same, of figures by department that were read."""
    units = [
        (g.code, str(directory.departments[g.code].kind), g.shares[figure])
        for g in groups
        if g.code in directory.departments
    ]
    return tuple(
        RankedDepartment(directory.optional_item_name("departments", x.code), x.peers, x.value, x.n, x.place)
        for x in rank_units(FIGURES[figure], units)
    )


async def load_hourly_counts(services: Services, actor: Actor, now: datetime) -> tuple[HourlyCounts, ...]:
    """Tickets received by hour on each of the last seven days, within the actor's areas."""
    last = now.astimezone(zone_of(await services.directory.now(now))).date()
    first = last - timedelta(days=HOURLY_DAYS - 1)
    dimension, codes = (TOTAL_DIMENSION, None) if actor.areas is None else ("area", sorted(actor.areas))
    found: dict[str, Counter[int]] = {(first + timedelta(days=n)).isoformat(): Counter() for n in range(HOURLY_DAYS)}
    for row in await rollups.load_rollups(services.db, dimension, first.isoformat(), last.isoformat(), codes):
        for name, n in row.counts.items():
            if name.startswith(HOUR_PREFIX):
                found[row.day][int(name.removeprefix(HOUR_PREFIX))] += n
    return tuple(HourlyCounts(day, tuple(counts[h] for h in range(24))) for day, counts in sorted(found.items()))


async def load_counted_tickets(
    services: Services, actor: Actor, measure: str, figure_query: FigureQuery, now: datetime, page: KeysetPage
) -> Sequence[Row]:
    """The tickets, assignments or calls that a measure, or the failures of a figure, count in the period, by time."""
    counted = counted_rows_query(await services.directory.now(now), measure, figure_query, actor, now)
    return await drill_down.load_counted_rows(services.db, scope_of(actor), counted, page)


def counted_rows_query(
    directory: Directory, code: str, figure_query: FigureQuery, actor: Actor, now: datetime
) -> drill_down.Counted:
    zone = zone_of(directory)
    selection = _select_rollups(directory, figure_query, actor)
    first = datetime.combine(figure_query.first, time(), zone)
    before = datetime.combine(figure_query.last + timedelta(days=1), time(), zone)
    today = datetime.combine(now.astimezone(zone).date(), time(), zone)
    filters = {name: sorted(codes) for name, codes in selection.within.items()}
    return drill_down.Counted(code, first, before, today, filters)
