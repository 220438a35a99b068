"""Dates, durations and shares as people write them, for the pages of figures and reports."""

from calendar import month_abbr
from datetime import date, datetime

from hotline.locales import translate
from hotline.organisation.model.names import name_in
from hotline.reporting.model import Share
from hotline.reporting.service.figures import FigureGroup
from hotline.reporting.vocabulary import Period
from hotline.text.bidi import isolate_text


def format_day(day: date | None, language: str, today: date | None = None) -> str:
    """A date as text, with its year unless it is that of `today`."""
    if day is None:
        return "–"
    key = "date.day" if today is not None and day.year == today.year else "date.day_of_year"
    return translate(key, language, year=day.year, month=month_name(day, language), day=day.day)


def month_name(day: date, language: str) -> str:
    """Its month as dates have it: a number in Chinese."""
    return month_abbr[day.month] if language == "en" else str(day.month)


def format_span(first: date, last: date, language: str, today: date | None = None) -> str:
    """A period as text: one day as that day."""
    if first == last:
        return format_day(first, language, today)
    return f"{format_day(first, language, today)} – {format_day(last, language, today)}"


def format_moment(moment: datetime, language: str, today: date | None = None) -> str:
    """A moment, given in the organisation's zone, as text."""
    return f"{format_day(moment.date(), language, today)} {moment:%H:%M}"


def format_share(share: Share | None) -> str:
    return "–" if share is None or share.value is None else f"{share.value * 100:.1f}"


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


def group_label(group: FigureGroup, by: str, language: str, today: date | None = None) -> str:
    """What a group is of, as text."""
    if group.name:
        return isolate_text(name_in(group.name, language))
    if by == "channel" and group.code:
        return translate(f"channel.{group.code}", language)
    if by in set(Period) and group.code:
        day = date.fromisoformat(group.code)
        if by == "week":
            return translate("date.week_of", language, day=format_day(day, language, today))
        if by == "month":
            return translate("date.month", language, year=day.year, month=month_name(day, language))
        return format_day(day, language, today)
    return group.code or translate("figures.nobody", language)
