"""Daily, weekly and monthly reports: made once by the worker when a period ends, and stored."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

import orjson
from pydantic import TypeAdapter

from hotline.locales import translate
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.directory import zone_of
from hotline.organisation.model.names import name_in
from hotline.refusals import Code, Refusal, Refused
from hotline.reporting import rollups
from hotline.reporting.model import COUNTS, FIGURES, last_complete_period, period_bounds
from hotline.reporting.service.figures import FigureGroup, FigureQuery, RankedDepartment, load_figures, load_ranking
from hotline.reporting.store import reports
from hotline.reporting.vocabulary import Period
from hotline.storage.spreadsheets import Workbook, render_csv
from hotline.streaming import store as streaming_store
from hotline.telephony.service import CallCentreFigures, load_call_centre_figures
from hotline.tickets.context import Services

REPORT_ACTOR = Actor(ActorKind.CLOCK, "clock", "clock", frozenset({Role.SUPERVISOR}))  # reads everything
BY = ("day", "department", "category", "area", "channel")
MOST_MISSED = 40  # periods made up for at once, after the worker was away
FIRST_AFTER = timedelta(minutes=10)  # after midnight: what came at the last moment has been folded


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of a period: as a whole, by each dimension, ranked, and of the call centre. `position`: the stream
    position they include."""

    period: Period
    first: date
    last: date
    zone: str
    at: datetime
    position: int | None
    whole: FigureGroup
    by: dict[str, tuple[FigureGroup, ...]]
    ranking: dict[str, tuple[RankedDepartment, ...]]
    acd: CallCentreFigures


@dataclass(frozen=True, slots=True)
class KeptReport(Report):
    """A stored report."""

    made_at: datetime


_KEPT = TypeAdapter(KeptReport)


async def make_due_reports(services: Services, now: datetime) -> int:
    """Make the missing reports of periods that have ended, back to the last one made, and return how many. A report
    waits until the rollups include everything that happened before the period's end."""
    zone = zone_of(await services.directory.now(now))
    today = (now - FIRST_AFTER).astimezone(zone).date()
    made = 0
    for period in Period:
        for first in await _missing_periods(services, period, today):
            end = datetime.combine(period_bounds(period, first)[1] + timedelta(days=1), time(), zone)
            if not await _is_folded_until(services, end):
                return made
            body = orjson.loads(orjson.dumps(await build_report(services, period, first, now)))
            await services.db.transact(
                partial(reports.store_report, period=period, first=first.isoformat(), body=body, now=now)
            )
            made += 1
    return made


async def _missing_periods(services: Services, period: Period, today: date) -> list[date]:
    """First days of the ended periods without a report, oldest first; only the last one if there is no report yet."""
    first = last_complete_period(period, today)
    newest = await reports.load_newest_report_day(services.db, period)
    found: list[date] = []
    while len(found) < MOST_MISSED and (newest is None or first.isoformat() > newest):
        found.append(first)
        if newest is None:
            break
        first = last_complete_period(period, first)
    return found[::-1]


async def _is_folded_until(services: Services, end: datetime) -> bool:
    """Whether the rollups include everything that happened before `end`."""
    mark = await rollups.load_fold_mark(services.db)
    if mark.position is None:
        return False
    return not await streaming_store.has_unfolded_events(services.db, mark.position, end)


async def build_report(services: Services, period: Period, first: date, now: datetime) -> Report:
    """The figures of a period: as a whole, by each dimension, ranked, and of the call centre."""
    begins, ends = period_bounds(period, first)
    zone = zone_of(await services.directory.now(now))
    start, end = datetime.combine(begins, time(), zone), datetime.combine(ends + timedelta(days=1), time(), zone)
    totals = await load_figures(services, REPORT_ACTOR, FigureQuery(begins, ends), now)
    return Report(
        period=period, first=begins, last=ends, zone=zone.key, at=now, position=totals.position, whole=totals.groups[0],
        by={by: (await load_figures(services, REPORT_ACTOR, FigureQuery(begins, ends, by), now)).groups for by in BY},
        ranking={code: await load_ranking(services, REPORT_ACTOR, code, FigureQuery(begins, ends), now)
                 for code, f in FIGURES.items() if f.charged_to == "department"},
        acd=await load_call_centre_figures(services, start, end, None, 15, 5),
    )  # fmt: skip


async def load_report(services: Services, period: Period, first: str) -> KeptReport:
    """A stored report. Raises Refused (not found)."""
    row = await reports.load_report(services.db, period, first)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such report: it is made when its period is over"))
    return _KEPT.validate_python({**_with_later_figures(row.body), "made_at": row.made_at})


def _with_later_figures(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """A stored report with an empty share for each figure that was added after it was made."""
    empty = {"numerator": 0, "denominator": 0, "value": None, "enough": False}

    def complete(group: Mapping[str, Any]) -> dict[str, Any]:
        return {**group, "shares": {**dict.fromkeys(FIGURES, empty), **group["shares"]}}

    groups = {by: [complete(group) for group in found] for by, found in body["by"].items()}
    return {**body, "whole": complete(body["whole"]), "by": groups}


def _report_tables(report: KeptReport, language: str) -> list[tuple[str, list[str], list[list[Any]]]]:
    """A report as tables: name, heads, rows."""
    say = partial(translate, language=language)
    shares = [
        [
            say(f"figure.{code}"),
            s.value,
            s.numerator,
            s.denominator,
            FIGURES[code].formula,
            say(f"figure.{code}.note"),
        ]
        for code, s in report.whole.shares.items()
    ]
    heads = [say(f"figures.{h}") for h in ("figure", "value", "numerator", "denominator", "formula", "note")]
    stock, times = report.whole.stock, report.whole.handling
    more: list[list[Any]] = [
        *([say(f"measure.{name}"), report.whole.counts.get(name)] for name in ("calls", "matters")),
        *([say(f"figures.{name}"), value] for name, value in (
            ("carried_over", stock and stock.carried_over), ("open_at_end", stock and stock.open),
            ("merged", stock and stock.merged),
            ("mean", times.mean), ("p50", times.p50), ("p90", times.p90))),
        *([say(f"acd.{figure.name}"), figure.value] for figure in report.acd.figures),
    ]  # fmt: skip
    tables = [
        (say("figures.shares"), heads, shares),
        (say("figures.more"), [say("figures.figure"), say("figures.value")], more),
    ]
    for by in BY:
        names = [
            say(f"figures.by.{by}"),
            *(say(f"measure.{c}") for c in COUNTS),
            *(say(f"figure.{f}") for f in FIGURES),
        ]
        rows = [
            [
                _name(group, language),
                *(group.counts.get(c) for c in COUNTS),
                *(group.shares[f].value for f in FIGURES),
            ]
            for group in report.by[by]
        ]
        tables.append((say(f"figures.by.{by}"), names, rows))
    return tables


def _name(group: FigureGroup, language: str) -> str:
    named = group.name
    return name_in(named, language) if named else group.code or "–"


def render_report_csv(report: KeptReport, language: str) -> bytes:
    """The report as CSV: all tables, one below the other."""
    rows: list[Sequence[Any]] = []
    for name, heads, lines in _report_tables(report, language):
        rows += [[name], heads, *lines, []]
    return render_csv(rows, with_bom=True)


def render_xlsx(report: KeptReport, language: str) -> bytes:
    """The report as XLSX: each table on its sheet."""
    out = io.BytesIO()
    book = Workbook(out)
    for name, heads, lines in _report_tables(report, language):
        book.begin_sheet(name, heads)
        book.add(lines)
    book.close()
    return out.getvalue()
