"""The pages of figures and reports, rendered by the server for printing: charts as SVG, numbers as tables."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from hotline.database.keyset import KeysetPage
from hotline.locales import translate
from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.directory import zone_of
from hotline.organisation.model.names import name_in
from hotline.organisation.model.scopes import scope_of
from hotline.refusals import Code, Refusal, Refused
from hotline.reporting import charts
from hotline.reporting.model import COUNTS, FIGURES, HandlingTimes, Share, period_bounds
from hotline.reporting.service import reports
from hotline.reporting.service.figures import FigureGroup, FigureQuery, load_counted_tickets, load_figures, load_ranking
from hotline.reporting.store import reports as report_reports
from hotline.reporting.vocabulary import Period
from hotline.telephony.service import load_call_centre_figures
from hotline.text.bidi import isolate_text
from hotline.tickets.context import Services
from hotline.tickets.model.measures import DIMENSIONS, MEASURES, OVERDUE_NAMES
from hotline.tickets.store import lists

GROUPINGS = (*Period, *DIMENSIONS)
SHOWN = 50  # tickets behind a number, on the page; the API pages on


async def figures_page(request: Request, actor: Actor, language: str) -> Mapping[str, Any]:
    services: Services = request.app.state.services
    now = services.clock()
    directory = await services.directory.now(now)
    query = request.query_params
    today = now.astimezone(zone_of(directory)).date()
    last = _parse_day(query.get("last"), today, "last")
    first = _parse_day(query.get("first"), last - timedelta(days=29), "first")
    by = query.get("by") if query.get("by") in GROUPINGS else "department"
    figure = query.get("figure") if query.get("figure") in FIGURES else "on_time"
    filters = {"department": code} if (code := query.get("department")) else {}
    report = await load_figures(services, actor, FigureQuery(first, last, None, filters), now)
    days = (await load_figures(services, actor, FigureQuery(first, last, "day", filters), now)).groups
    groups = (await load_figures(services, actor, FigureQuery(first, last, by, filters), now)).groups
    share = f"/console/figures?first={first}&last={last}&by={by}" + (f"&department={code}" if filters else "")
    zone = zone_of(directory)
    calls = None
    if actor.roles & {Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN} and actor.areas is None:
        begins = datetime.combine(first, datetime.min.time(), zone)
        calls = await load_call_centre_figures(
            services, begins, min(now, begins + timedelta(days=(last - first).days + 1)), None, 15, 5
        )
    return {
        "wanted": FigureQuery(first, last, by, {"department": filters.get("department", "")}),
        "by": by,
        "groupings": GROUPINGS,
        "figure": figure,
        "departments": [d for d in directory.departments.values() if d.active],
        "links": Markup.escape(share),
        "listed": await _load_counted(
            services, actor, query.get("measure"), FigureQuery(first, last, None, filters), now
        ),
        "acd": calls,
        "ranking": await load_ranking(services, actor, str(figure), FigureQuery(first, last), now)
        if calls is not None
        else None,
        **_figure_context(
            language,
            str(by),
            str(figure),
            report.groups[0] if report.groups else None,
            _fill_missing_days(days, first, min(last, today)),
            groups,
        ),
        "at": now.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        "zone": zone.key,
    }


def _parse_day(given: str | None, otherwise: date, field: str) -> date:
    if not given:
        return otherwise
    try:
        day = date.fromisoformat(given)
        if not date(2000, 1, 1) <= day <= date(2199, 12, 31):
            raise ValueError
        return day
    except ValueError:
        raise Refused(Refusal(Code.INVALID, "that is no date", errors=((field, "a date as 2026-11-25"),))) from None


async def _load_counted(
    services: Services, actor: Actor, measure: str | None, figure_query: FigureQuery, now: datetime
) -> Mapping[str, Any] | None:
    if measure is None or (measure not in MEASURES and measure not in OVERDUE_NAMES.values()):
        return None
    rows = await load_counted_tickets(services, actor, measure, figure_query, now, KeysetPage(SHOWN + 1))
    zone = zone_of(await services.directory.now(now))
    numbers = sorted({r.number for r in rows if r.theirs})
    briefs = (
        await lists.load_tickets(services.db, scope_of(actor), {"found": numbers}, KeysetPage(len(numbers)))
        if numbers
        else []
    )
    titles = {r.number: r.title for r in briefs}
    return {
        "measure": measure,
        "more": len(rows) > SHOWN,
        "rows": [
            {
                "number": r.number,
                "order": r.order,
                "title": titles.get(r.number, ""),
                "at": r.at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
            }
            for r in rows[:SHOWN]
        ],
    }


def _figure_context(
    language: str,
    by: str,
    figure: str,
    totals: FigureGroup | None,
    days: Sequence[FigureGroup],
    groups: Sequence[FigureGroup],
) -> dict[str, Any]:
    """The tables and charts that both pages show."""
    say = partial(translate, language=language)
    labelled = [(_label(group, by, language), group) for group in groups]
    shown = sorted(labelled, key=lambda g: -g[1].counts["accepted"] - g[1].counts["dispatched"])[:16]
    labels = [d.code[5:] for d in days]  # every day of the period, those without anything too
    percent = [None if (v := d.shares[figure].value) is None else v * 100 for d in days]
    counted = [m for m in ("calls", "matters", "closed") if all(m in d.counts for d in days)]
    flow = [charts.Series(say(f"measure.{m}"), [d.counts[m] for d in days]) for m in counted]
    name = say(f"figure.{figure}")
    drawn = [
        (say("chart.flow"), charts.line_chart(say("chart.flow"), labels, flow)),
        (name, charts.line_chart(name, labels, [charts.Series(name, percent)], "%", 100.0)),
    ]
    if by not in set(Period) and shown:
        bars = [
            (label, round((s.value or 0) * 100, 1) if (s := group.shares[figure]).enough else None)
            for label, group in shown
        ]
        parts = [(m, say(f"measure.{m}"), charts.COLOUR[c])
                 for m, c in (("met", "green"), ("missed", "yellow"), ("overdue", "red"))]  # fmt: skip
        drawn.append((f"{name} · {say(f'figures.by.{by}')}", charts.bar_chart(name, bars, "%", 100.0)))
        due = [(label, g.counts) for label, g in shown if any(g.counts[m] for m, _, _ in parts)]
        drawn.append((say("chart.due"), charts.stacked_bar_chart(say("chart.due"), due, parts)))
    return {
        "whole": totals or _empty_group(""),
        "groups": labelled,
        "figures": list(FIGURES.values()),
        "counts": COUNTS,
        "trends": {
            code: Markup(charts.sparkline(say("figures.trend"), [d.shares[code].value for d in days]))  # noqa: S704
            for code in FIGURES
        },
        "charts": [(title, Markup(svg)) for title, svg in drawn],  # noqa: S704 - charts escape every word they are given
        "spent": lambda minutes: format_duration(minutes, language),
    }


def _fill_missing_days(days: Sequence[FigureGroup], first: date, last: date) -> list[FigureGroup]:
    """One group for each day, also for days without events."""
    known = {d.code: d for d in days}
    span = ((first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1))
    return [known.get(day) or _empty_group(day) for day in span]


def _empty_group(code: str) -> FigureGroup:
    shares = dict.fromkeys(FIGURES, Share(0, 0, None, enough=False))
    times = HandlingTimes(0, None, None, None)
    return FigureGroup(code, None, dict.fromkeys(COUNTS, 0), shares, times, None)


def _label(group: FigureGroup, by: str, language: str) -> str:
    if group.name:
        return isolate_text(name_in(group.name, language))
    if by == "channel" and group.code:
        return translate(f"channel.{group.code}", language)
    return group.code or translate("figures.nobody", language)


def format_duration(minutes: float | None, language: str) -> str:
    """Minutes as text: `1 h 5 min`."""
    if minutes is None:
        return "–"
    rounded = round(minutes)
    days, hours, left = rounded // 1440, rounded % 1440 // 60, rounded % 60
    if days:
        return translate("time.days", language, days=days, hours=hours)
    key = "time.hours" if hours else "time.minutes"
    return translate(key, language, hours=hours, minutes=left)


def _require_all_areas(actor: Actor) -> None:
    """A report covers the whole organisation. Raises Refused (not found) for an actor limited to areas."""
    if actor.areas is not None:
        raise Refused(Refusal(Code.NOT_FOUND, "reports cover the whole organisation"))


async def reports_page(request: Request, actor: Actor, language: str) -> Mapping[str, Any]:
    _require_all_areas(actor)
    services: Services = request.app.state.services
    rows = await report_reports.load_reports(services.db, 400)
    return {
        "reports": [
            {
                "period": r.period,
                "first": r.first,
                "last": period_bounds(Period(r.period), date.fromisoformat(r.first))[1],
            }
            for r in rows
        ]
    }


async def report_page(request: Request, actor: Actor, language: str) -> Mapping[str, Any]:
    services: Services = request.app.state.services
    given = request.path_params
    _require_all_areas(actor)
    if given["period"] not in set(Period) or not given["first"].replace("-", "").isdigit():
        raise Refused(Refusal(Code.NOT_FOUND, "no such report"))
    report = await reports.load_report(services, Period(given["period"]), given["first"])
    directory = await services.directory.now(services.clock())
    zone = zone_of(directory)
    home = directory.home
    return {
        "house": name_in(home, language) if home else "",
        "wanted": {"first": report.first, "last": report.last},
        "by": "department",
        "figure": "on_time",
        "ranking": report.ranking["on_time"],
        "links": None,
        "listed": None,
        "acd": report.acd,
        "at": report.made_at.astimezone(zone).strftime("%Y-%m-%d %H:%M"),
        "zone": report.zone,
        **_figure_context(
            language,
            "department",
            "on_time",
            report.whole,
            _fill_missing_days(report.by["day"], report.first, report.last),
            report.by["department"],
        ),
    }
