"""The page of figures, rendered by the server for printing: every number of one moment, what it is made of, and the
tickets behind it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from starlette.requests import Request

from hotline.console.figure_lists import list_filters, list_link, own_departments, render_listed
from hotline.console.figure_texts import (
    format_day,
    format_duration,
    format_moment,
    format_share,
    format_span,
    group_label,
    month_name,
)
from hotline.delivery.model import GatewayKind
from hotline.locales import translate
from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.directory import Directory, zone_of
from hotline.organisation.model.names import name_in
from hotline.organisation.model.vocabulary import Channel
from hotline.refusals import Code, Refusal, Refused
from hotline.reporting import charts
from hotline.reporting.model import (
    COUNTS,
    FIGURES,
    MIN_DENOMINATOR,
    Figure,
    Share,
    contributions,
    period_before,
    period_bounds,
    year_before,
)
from hotline.reporting.service.figures import (
    CountedQuery,
    FigureGroup,
    FigureQuery,
    Figures,
    FigureSet,
    can_be_asked,
    counted_at_most,
    load_figure_set,
    rank_departments,
)
from hotline.reporting.vocabulary import Period
from hotline.telephony.service import load_call_centre_figures
from hotline.tickets.context import Services
from hotline.tickets.model.measures import COUNTED_CODES, DIMENSIONS, FAILED_PREFIX, FAILURES, kind_of, limit_of
from hotline.web.paging import PagedQuery

GROUPINGS = (*Period, *DIMENSIONS)
PAGE = 20  # tickets behind a number on one page
MOST_MOVERS = 6  # units named of those that moved a figure
_NONE = Share(0, 0, None, enough=False)


@dataclass(frozen=True, slots=True)
class FigureView:
    """What the page was asked for."""

    first: date
    last: date
    by: str
    figure: Figure
    filters: Mapping[str, str]
    today: date
    measure: str | None

    def query(self, by: str | None = None, span: tuple[date, date] | None = None) -> FigureQuery:
        first, last = span or (self.first, self.last)
        return FigureQuery(first, last, by, self.filters)

    def link(self, **changes: Any) -> str:
        """The address of this page with some of it changed; None takes a value away."""
        values: dict[str, Any] = {"first": self.first, "last": self.last, "by": self.by, "figure": self.figure.code}
        values |= {**self.filters, **changes}
        return "/console/figures?" + urlencode({name: str(v) for name, v in values.items() if v is not None})


async def figures_page(request: Request, actor: Actor, language: str) -> Mapping[str, Any]:
    services: Services = request.app.state.services
    now = services.clock()
    directory = await services.directory.now(now)
    zone = zone_of(directory)
    view = _parse_view(request, now.astimezone(zone).date(), directory)
    cursor = request.query_params.get("cursor")
    code = view.measure or (f"{FAILED_PREFIX}{view.figure.code}" if view.figure.code in FAILURES else None)
    paged = PagedQuery(services.secret, ["figures", code, view.first, view.last, dict(view.filters), actor.id], PAGE)
    counted = {"list": CountedQuery(code, view.query(), paged.keyset(cursor))} if code is not None else {}
    steps = _steps(view)
    queries = {
        "now": view.query(),
        "before": view.query(span=period_before(view.first, view.last)),
        "year": view.query(span=year_before(view.first, view.last)),
        "steps": view.query(steps),
    }
    parts = {
        "groups": view.query(view.by),
        "units": view.query("department"),
        "units_before": view.query("department", period_before(view.first, view.last)),
    }
    # rollups are kept for two dimensions at most, and what limits the person is one: a part is missing, not the page
    queries |= {name: query for name, query in parts.items() if can_be_asked(directory, query, actor)}
    found = await load_figure_set(services, actor, queries, counted, now)
    oversees = bool(actor.roles & {Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN}) and actor.areas is None
    acd = None
    gateways = await services.gateways.now(now)
    has_exchange = any(g.active and g.kind is GatewayKind.VOICE for g in gateways.values())
    if oversees and has_exchange:
        begins = datetime.combine(view.first, time(), zone)
        ends = min(now, begins + timedelta(days=(view.last - view.first).days + 1))
        acd = await load_call_centre_figures(services, begins, ends, None, 15, 5) if ends > begins else None
    filters = list_filters((view.first, view.last), view.filters, code, own_departments(actor, directory), zone)
    ranking = None
    if oversees and "units" in found.figures:
        ranking = rank_departments(directory, view.figure.code, found.figures["units"].groups)
    page, more = paged.cut(found.rows.get("list", ()), lambda row: [row.at, row.key])
    listed = await render_listed(services, actor, page, directory) if code is not None else None
    total, tickets = _totals(found)
    return {
        "view": view,
        "wanted": view,
        "presets": _presets(view, language),
        "period": format_span(view.first, view.last, language, view.today),
        "period_before": format_span(*period_before(view.first, view.last), language, view.today),
        "groupings": GROUPINGS,
        "channels": tuple(Channel),
        "by": view.by,
        "figure": view.figure.code,
        "figures": list(FIGURES.values()),
        "departments": [d for d in directory.departments.values() if d.active],
        "tiles": [_tile(view, f, found.figures, language) for f in FIGURES.values()],
        "detail": _detail(view, found, directory, language),
        "listed": listed,
        "listed_code": code,
        "listed_total": total,
        "listed_tickets": tickets,
        "listed_kind": kind_of(code) if code is not None else None,
        "listed_limit": limit_of(code) if code is not None else None,
        "listed_filters": filters,
        "listed_link": list_link(filters),
        "next_page": view.link(measure=view.measure, cursor=more) + "#listed" if more else None,
        "first_page": view.link(measure=view.measure) + "#listed" if cursor else None,
        "whole": _whole(found.figures["now"]),
        "acd": acd,
        "exchange": has_exchange,
        "ranking": ranking,
        "flow": _flow_chart(view, found.figures["steps"], steps, language),
        "table": _table(view, found.figures["groups"], language) if "groups" in found.figures else None,
        "counts": COUNTS,
        "enough": MIN_DENOMINATOR,
        "empty": _empty_reason(view, found, language),
        "exact": found.exact,
        "share_text": format_share,
        "spent": partial(format_duration, language=language),
        "moment": lambda at: format_moment(at, language, view.today),
        "at": format_moment(now.astimezone(zone), language, view.today),
        "zone": zone.key,
    }


def _parse_view(request: Request, today: date, directory: Directory) -> FigureView:
    query = request.query_params
    last = _parse_day(query.get("last"), today, "last")
    first = _parse_day(query.get("first"), last - timedelta(days=29), "first")
    filters = {name: code for name in DIMENSIONS if (code := query.get(name))}
    if filters.get("channel") not in set(Channel):
        filters.pop("channel", None)
    by = query.get("by")
    return FigureView(
        first,
        last,
        str(by) if by in GROUPINGS else "department",
        FIGURES[query["figure"] if query.get("figure") in FIGURES else "on_time"],
        filters,
        today,
        query.get("measure") if query.get("measure") in COUNTED_CODES else None,
    )


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


def _steps(view: FigureView) -> str:
    """The columns of the chart: days of a fortnight, weeks of some months, else months."""
    length = (view.last - view.first).days + 1
    return str(Period.DAY if length <= 14 else Period.WEEK if length <= 120 else Period.MONTH)


def _presets(view: FigureView, language: str) -> list[dict[str, Any]]:
    week, month = period_bounds(Period.WEEK, view.today), period_bounds(Period.MONTH, view.today)
    spans = {
        "today": (view.today, view.today),
        "week": (week[0], view.today),
        "days30": (view.today - timedelta(days=29), view.today),
        "month": (month[0], view.today),
        "last_month": period_before(*month),
        "year": (view.today.replace(month=1, day=1), view.today),
    }
    return [
        {
            "name": translate(f"figures.preset.{name}", language),
            "link": view.link(first=first, last=last),
            "current": (first, last) == (view.first, view.last),
        }
        for name, (first, last) in spans.items()
    ]


def _whole(figures: Figures) -> FigureGroup | None:
    return figures.groups[0] if figures.groups else None


def _share(figures: Figures, code: str) -> Share:
    group = _whole(figures)
    return group.shares[code] if group is not None else _NONE


def _change(now: Share, before: Share, figure: Figure, language: str) -> dict[str, str]:
    """The difference in points, with a sign that needs no colour; `look`: whether it is better (up) or worse (down)."""
    if now.value is None or before.value is None:
        return {"text": "", "look": ""}
    points = round(now.value * 100, 1) - round(before.value * 100, 1)
    if abs(points) < 0.05:
        return {"text": translate("figures.level", language), "look": ""}
    sign = "↑" if points > 0 else "↓"
    text = translate("figures.points", language, n=f"{abs(points):.1f}")
    return {"text": f"{sign} {text}", "look": "up" if (points > 0) == figure.high else "dn"}


def _tile(view: FigureView, figure: Figure, figures: Mapping[str, Figures], language: str) -> dict[str, Any]:
    now, before, year = (_share(figures[name], figure.code) for name in ("now", "before", "year"))
    return {
        "code": figure.code,
        "link": view.link(figure=figure.code) + "#detail",
        "current": figure.code == view.figure.code,
        "share": now,
        "before": before,
        "year": year,
        "change": _change(now, before, figure, language),
        "below": " + ".join(translate(f"measure.{m}", language) for m in figure.denominator[:1]),
    }


def _totals(found: FigureSet) -> tuple[int | str | None, int | str | None]:
    """How many rows and tickets stand behind the number, as they are shown. None: there is no list."""
    rows, tickets = found.totals.get("list", (None, None))
    if rows is None or rows <= counted_at_most():
        return rows, tickets
    return f"{counted_at_most()}+", f"{tickets}+"


def _detail(view: FigureView, found: FigureSet, directory: Directory, language: str) -> dict[str, Any]:
    figure, say = view.figure, partial(translate, language=language)
    now, before = _share(found.figures["now"], figure.code), _share(found.figures["before"], figure.code)
    group = _whole(found.figures["now"])
    counts = group.counts if group is not None else {}

    def part(codes: Sequence[str], total: int) -> list[dict[str, Any]]:
        known = [counts.get(m) for m in codes]
        numbers = known if None not in known and sum(filter(None, known)) == total else [None] * len(codes)
        return [
            {"name": say(f"measure.{m}"), "n": n, "link": view.link(measure=m) + "#listed"}
            for m, n in zip(codes, numbers, strict=True)
        ]

    did, failed = (say("figures.reached"), say("figures.not_reached")) if figure.high else (
        say("figures.others"), say(f"figure.{figure.code}"))  # fmt: skip
    columns = []
    for step in found.figures["steps"].groups:
        share = step.shares[figure.code]
        missed = share.denominator - share.numerator
        above, below = (share.numerator, missed) if figure.high else (missed, share.numerator)
        rate = "–" if share.value is None else f"{format_share(share)} %"
        columns.append(charts.RateColumn(_step_label(view, step.code, language), max(0, above), max(0, below), rate))
    name = say(f"figure.{figure.code}")
    movers = []
    if "units" in found.figures and figure.denominator != ("calls",):
        units, units_before = (
            {g.code: g.shares[figure.code] for g in found.figures[key].groups} for key in ("units", "units_before")
        )
        moved = contributions(units, units_before, now, before)
        movers = _render_movers(view, moved, directory, language)
    return {
        "name": name,
        "share": now,
        "above": part(figure.numerator, now.numerator),
        "below": part(figure.denominator, now.denominator),
        "note": say(f"figure.{figure.code}.note"),
        "chart": Markup(charts.rate_chart(name, columns, (did, failed))) if any(c.reached or c.failed for c in columns)  # noqa: S704
        else None,
        "change": _change(now, before, figure, language),
        "movers": movers,
    }  # fmt: skip


def _render_movers(view: FigureView, moved: Sequence[Any], directory: Directory, language: str) -> list[dict[str, Any]]:
    most = max((abs(m.moved) for m in moved), default=0.0)
    shown = []
    for one in moved[:MOST_MOVERS]:
        name = directory.optional_item_name("departments", one.code) if one.code else None
        text = name_in(name, language) if name else translate("figures.nobody", language)
        shown.append((text, one.moved, one.share, view.link(department=one.code) + "#detail" if one.code else None))
    rest = moved[MOST_MOVERS:]
    if rest:
        total = Share(sum(m.share.numerator for m in rest), sum(m.share.denominator for m in rest), None, enough=True)
        shown.append((translate("figures.rest", language, n=len(rest)), sum(m.moved for m in rest), total, None))
    return [
        {
            "name": name,
            "points": f"{moved * 100:+.1f}".replace("-", "−"),
            "look": "up" if (moved > 0) == view.figure.high else "dn",
            "side": "left" if moved < 0 else "right",
            "wide": min(12, max(1, round(12 * abs(moved) / most))) if most else 1,
            "share": share,
            "link": link,
        }
        for name, moved, share, link in shown
    ]


def _step_label(view: FigureView, code: str, language: str) -> str:
    day, steps = date.fromisoformat(code), _steps(view)
    if steps == Period.MONTH:
        if day.year == view.today.year:
            return translate("date.month_alone", language, month=month_name(day, language))
        return translate("date.month", language, year=day.year, month=month_name(day, language))
    return f"{max(day, view.first).month}/{max(day, view.first).day}"


def _flow_chart(view: FigureView, figures: Figures, steps: str, language: str) -> Markup | None:
    say = partial(translate, language=language)
    groups = figures.groups
    counted = [m for m in ("calls", "matters", "closed") if groups and all(m in g.counts for g in groups)]
    if not counted or not any(g.counts[m] for g in groups for m in counted):
        return None
    labels = [_step_label(view, g.code, language) for g in groups]
    series = [charts.Series(say(f"measure.{m}"), [g.counts[m] for g in groups]) for m in counted]
    return Markup(charts.line_chart(say("chart.flow"), labels, series))  # noqa: S704 - it escapes its words


def _table(view: FigureView, figures: Figures, language: str) -> list[dict[str, Any]]:
    rows = []
    for group in figures.groups:
        if view.by in set(Period):
            first, last = period_bounds(Period(view.by), date.fromisoformat(group.code))
            narrow: dict[str, Any] = {"first": max(first, view.first), "last": min(last, view.last)}
        else:
            narrow = {view.by: group.code} if group.code else {}
        linked = bool(narrow)
        rows.append(
            {
                "label": group_label(group, view.by, language, view.today),
                "link": view.link(**narrow) if linked else None,
                "counts": [
                    (group.counts.get(m), view.link(**narrow, measure=m) + "#listed" if linked else None)
                    for m in COUNTS
                ],
                "shares": [
                    (group.shares[f.code], view.link(**narrow, figure=f.code) + "#detail" if linked else None)
                    for f in FIGURES.values()
                ],
            }
        )
    return rows


def _empty_reason(view: FigureView, found: FigureSet, language: str) -> dict[str, Any] | None:
    """Why a period has nothing, and the nearest one that has something."""
    group = _whole(found.figures["now"])
    if group is not None and (any(group.counts.values()) or group.handling.n):
        return None
    before, after = found.nearest
    day = before or after
    length = (view.last - view.first).days
    if day is None:
        return {"text": translate("figures.empty_ever", language), "link": None, "period": None}
    first, last = (day - timedelta(days=length), day) if day == before else (day, day + timedelta(days=length))
    key = "figures.empty_early" if before is None else "figures.empty_between" if after else "figures.empty_late"
    text = translate(key, language, day=format_day(day, language, view.today))
    return {"text": text, "link": view.link(first=first, last=last),
            "period": format_span(first, last, language, view.today)}  # fmt: skip
