"""The pages of reports, rendered by the server for printing: charts as SVG, numbers as tables."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any

from markupsafe import Markup
from starlette.requests import Request

from hotline.console.figure_texts import format_duration, format_moment, format_span, group_label
from hotline.locales import translate
from hotline.organisation.model.actors import Actor
from hotline.organisation.model.directory import zone_of
from hotline.organisation.model.names import name_in
from hotline.refusals import Code, Refusal, Refused
from hotline.reporting import charts
from hotline.reporting.model import COUNTS, FIGURES, MIN_DENOMINATOR, HandlingTimes, Share, period_bounds
from hotline.reporting.service import reports
from hotline.reporting.service.figures import FigureGroup
from hotline.reporting.store import reports as report_reports
from hotline.reporting.vocabulary import Period
from hotline.tickets.context import Services


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
    labelled = [(group_label(group, by, language), group) for group in groups]
    shown = sorted(labelled, key=lambda g: -g[1].counts["accepted"] - g[1].counts["dispatched"])[:16]
    labels = [
        f"{int(d.code[5:7])}/{int(d.code[8:])}" for d in days
    ]  # every day of the period, those without anything too
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
        "enough": MIN_DENOMINATOR,
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
                "span": format_span(*period_bounds(Period(r.period), date.fromisoformat(r.first)), language),
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
        "acd": report.acd,
        "at": format_moment(report.made_at.astimezone(zone), language),
        "span": format_span(report.first, report.last, language),
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
