"""Daily, weekly and monthly reports: made once by the worker when a period is over, kept as they were."""

import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

import orjson

from hotline.db import events, reports, rollups
from hotline.domain.catalogue import text
from hotline.domain.figures import COUNTS, FIGURES, last_whole, span_of
from hotline.domain.ticket import Actor, Refusal, Refused
from hotline.domain.vocabulary import ActorKind, Code, Period, Role

from .figures import Wanted, figures, ranking, zone_of
from .house import House
from .spreadsheets import Workbook, csv_lines
from .voice import figures as acd

HOUSE = Actor(ActorKind.CLOCK, "clock", "clock", frozenset({Role.SUPERVISOR}))  # sees the whole house
BY = ("day", "department", "category", "area", "channel")
FIRST_AFTER = timedelta(minutes=10)  # after midnight: what came at the last moment has been folded


async def make_due(house: House, now: datetime) -> int:
    """Make the reports of the periods that are over; how many. The stream must be folded to its end first, so that a
    report never leaves out what was already in."""
    zone = zone_of(await house.directory.now(now))
    today = (now - FIRST_AFTER).astimezone(zone).date()
    due = [(period, last_whole(period, today)) for period in Period]
    missing = [(p, first) for p, first in due if await reports.kept(house.db, p, first.isoformat()) is None]
    if not missing or (mark := await rollups.mark(house.db)) is None:
        return 0
    await events.place_waiting(house.db)
    if mark.get("position", -1) < await events.last_position(house.db):
        return 0
    for period, first in missing:
        body = orjson.loads(orjson.dumps(await told(house, period, first, now)))
        await house.db.transact(lambda c, p=period, f=first, b=body: reports.keep(c, p, f.isoformat(), b, now))  # type: ignore[misc]
    return len(missing)


async def told(house: House, period: Period, first: date, now: datetime) -> dict[str, Any]:
    """The figures of a period: as a whole, by each dimension, in order of rank, and of the call centre."""
    begins, ends = span_of(period, first)
    zone = zone_of(await house.directory.now(now))
    start, end = datetime.combine(begins, time(), zone), datetime.combine(ends + timedelta(days=1), time(), zone)
    whole = await figures(house, HOUSE, Wanted(begins, ends), now)
    return {
        "period": period, "first": begins, "last": ends, "zone": zone.key, "at": now, "position": whole["position"],
        "whole": whole["groups"][0],
        "by": {by: (await figures(house, HOUSE, Wanted(begins, ends, by), now))["groups"] for by in BY},
        "ranking": {code: await ranking(house, HOUSE, code, Wanted(begins, ends), now)
                    for code, f in FIGURES.items() if f.charged_to == "department"},
        "acd": await acd(house, start, end, None, 15, 5),
    }  # fmt: skip


async def kept(house: House, period: Period, first: str) -> Mapping[str, Any]:
    """A report as it was made. Raises Refused(NOT_FOUND)."""
    row = await reports.kept(house.db, period, first)
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "no such report: it is made when its period is over"))
    return {**row.body, "made_at": row.made_at}


def _tables(report: Mapping[str, Any], language: str) -> list[tuple[str, list[str], list[list[Any]]]]:
    """A report as tables: name, heads, rows."""
    say = partial(text, language=language)
    shares = [
        [
            say(f"figure.{code}"),
            s["value"],
            s["numerator"],
            s["denominator"],
            FIGURES[code].formula,
            say(f"figure.{code}.note"),
        ]
        for code, s in report["whole"]["shares"].items()
    ]
    heads = [say(f"figures.{h}") for h in ("figure", "value", "numerator", "denominator", "formula", "note")]
    tables = [(say("figures.shares"), heads, shares)]
    for by in BY:
        names = [
            say(f"figures.by.{by}"),
            *(say(f"measure.{c}") for c in COUNTS),
            *(say(f"figure.{f}") for f in FIGURES),
        ]
        rows = [
            [
                _name(group, language),
                *(group["counts"][c] for c in COUNTS),
                *(group["shares"][f]["value"] for f in FIGURES),
            ]
            for group in report["by"][by]
        ]
        tables.append((say(f"figures.by.{by}"), names, rows))
    return tables


def _name(group: Mapping[str, Any], language: str) -> str:
    named = group["name"]
    return str((named["name_en"] if language == "en" else named["name"]) if named else group["code"] or "–")


def as_csv(report: Mapping[str, Any], language: str) -> bytes:
    """All its tables, one below the other."""
    rows: list[Sequence[Any]] = []
    for name, heads, lines in _tables(report, language):
        rows += [[name], heads, *lines, []]
    return csv_lines(rows, first=True)


def as_xlsx(report: Mapping[str, Any], language: str) -> bytes:
    """All its tables, each on its sheet."""
    out = io.BytesIO()
    book = Workbook(out)
    for name, heads, lines in _tables(report, language):
        book.sheet(name, heads)
        book.add(lines)
    book.close()
    return out.getvalue()
