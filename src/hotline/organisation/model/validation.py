"""Checks a directory: every fault with its noun, code and field."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from hotline.organisation.model.directory import SEED_ORDER_NOUNS, SPAN_FIELDS, Directory, is_circular, path_to_root
from hotline.organisation.model.hours import (
    INTERVALS_RULE,
    DayIntervals,
    are_iso_dates,
    hours_of_day,
    is_zone,
    parse_hours,
)
from hotline.organisation.model.incident_rules import incident_rule_errors
from hotline.organisation.model.items import (
    ANY,
    CODE_PATTERN,
    Calendar,
    Category,
    EscalationStep,
    Roster,
    Shift,
    parse_span,
    parse_step,
)
from hotline.organisation.model.vocabulary import (
    AttributeType,
    Danger,
    Hours,
    Kind,
    Priority,
    Unit,
)
from hotline.text.gap_patterns import PatternError, parse_gap_pattern


@dataclass(frozen=True, slots=True)
class ItemError:
    """One thing wrong with the directory: where (noun/code), which field, which rule."""

    noun: str
    code: str
    field: str
    rule: str


def directory_errors(directory: Directory) -> list[ItemError]:
    """Everything wrong with this candidate. Empty: it may be kept."""
    return list(_item_errors(directory))


_LISTS = frozenset({AttributeType.SINGLE, AttributeType.MULTI})
LONGEST_REPEAT_HOURS = 8760  # a year
PUBLIC_PRECISIONS = range(50, 5001)  # metres: a block of houses to a quarter
_RESERVED_CODE = "fixmystreet_id"  # stands in every definition by itself


def _attribute_errors(category: Category) -> Iterable[ItemError]:
    codes = [a.code for a in category.attributes]
    for place, attribute in enumerate(category.attributes):
        where = f"attributes.{place}"
        if not CODE_PATTERN.fullmatch(attribute.code) or attribute.code == _RESERVED_CODE:
            yield ItemError("categories", category.code, f"{where}.code", f"a-z 0-9 _ . -, and not {_RESERVED_CODE}")
        if codes.count(attribute.code) > 1:
            yield ItemError("categories", category.code, f"{where}.code", "stands there twice")
        keys = [v.key for v in attribute.values]
        if (attribute.datatype in _LISTS) != bool(keys) or len(set(keys)) != len(keys):
            yield ItemError(
                "categories", category.code, f"{where}.values", "a list has values, each once; others have none"
            )
        if not attribute.variable and attribute.required:
            yield ItemError("categories", category.code, f"{where}.required", "what is shown only cannot be required")


def _item_errors(d: Directory) -> Iterable[ItemError]:
    for noun in SEED_ORDER_NOUNS:
        for item in d.noun(noun).values():
            if not CODE_PATTERN.fullmatch(item.code):
                yield ItemError(noun, item.code, "code", "1-40 of a-z 0-9 _ . -, beginning with a letter or digit")
            for name in ("name", "name_en"):
                if hasattr(item, name) and not 1 <= len(getattr(item, name).strip()) <= 120:
                    yield ItemError(noun, item.code, name, "1-120 characters")
    for noun in ("departments", "areas", "categories"):
        items = d.noun(noun)
        for item in items.values():
            if item.parent is not None and item.parent not in items:
                yield ItemError(noun, item.code, "parent", f"unknown: {item.parent}")
            elif item.parent is not None and len(path_to_root(items, item.code)) and is_circular(items, item.code):
                yield ItemError(noun, item.code, "parent", "stands above itself")
            elif item.parent is not None and item.active and not items[item.parent].active:
                yield ItemError(noun, item.code, "parent", f"retired: {item.parent}")
    for department in d.departments.values():
        for code in department.areas:
            if code not in d.areas:
                yield ItemError("departments", department.code, "areas", f"unknown area: {code}")
        successor = department.successor
        if successor is not None and successor not in d.departments:
            yield ItemError("departments", department.code, "successor", f"unknown department: {successor}")
        elif successor == department.code:
            yield ItemError("departments", department.code, "successor", "must be another department")
    for category in d.categories.values():
        yield from _attribute_errors(category)
        if category.repeat_hours is not None and not 1 <= category.repeat_hours <= LONGEST_REPEAT_HOURS:
            yield ItemError("categories", category.code, "repeat_hours", f"1 to {LONGEST_REPEAT_HOURS} hours")
        if category.confidential and category.public_channels:
            yield ItemError(
                "categories", category.code, "public_channels", "a confidential category is never published"
            )
        if category.public_precision is not None and category.public_precision not in PUBLIC_PRECISIONS:
            rule = f"{PUBLIC_PRECISIONS[0]} to {PUBLIC_PRECISIONS[-1]} metres"
            yield ItemError("categories", category.code, "public_precision", rule)
    for area in d.areas.values():
        for name, value, most in (("lat", area.lat, 90), ("lon", area.lon, 180)):
            if value is not None and not abs(value) <= most:
                yield ItemError("areas", area.code, name, f"a number from -{most} to {most} (WGS84)")
        if (area.lat is None) != (area.lon is None):
            yield ItemError("areas", area.code, "lon" if area.lon is None else "lat", "lat and lon go together")
    yield from _organisation_errors(d)
    yield from _calendar_errors(d)
    yield from _policy_errors(d)
    yield from _escalation_errors(d)
    yield from _roster_errors(d)
    yield from _word_errors(d)
    yield from _reading_errors(d)
    yield from (ItemError("incident_rules", *wrong) for wrong in incident_rule_errors(d))
    yield from _route_errors(d)


def _organisation_errors(d: Directory) -> Iterable[ItemError]:
    if len(d.house) > 1:
        yield ItemError("house", next(reversed(list(d.house))), "code", "only one organisation")
    if d.home is None:
        if d.routes or d.policies:
            yield ItemError("house", "house", "code", "missing: routing needs a fallback department")
        return
    if d.home.fallback not in d.departments or not d.departments[d.home.fallback].active:
        yield ItemError("house", d.home.code, "fallback", f"unknown or retired department: {d.home.fallback}")
    if d.home.calendar not in d.calendars:
        yield ItemError("house", d.home.code, "calendar", f"unknown calendar: {d.home.calendar}")
    if d.home.committee is not None and d.home.committee not in d.departments:
        yield ItemError("house", d.home.code, "committee", f"unknown department: {d.home.committee}")
    if d.home.area is not None and d.home.area not in d.areas:
        yield ItemError("house", d.home.code, "area", f"unknown area: {d.home.area}")
    if not 0 < d.home.sure_at <= 1:
        yield ItemError("house", d.home.code, "sure_at", "above 0, at most 1")
    if d.home.phone is not None and not re.fullmatch(r"[0-9+*# -]{2,24}", d.home.phone):
        yield ItemError("house", d.home.code, "phone", "cannot be read as a telephone number")
    if not 1 <= d.home.repeat_hours <= LONGEST_REPEAT_HOURS:
        yield ItemError("house", d.home.code, "repeat_hours", f"1 to {LONGEST_REPEAT_HOURS} hours")


def _calendar_errors(d: Directory) -> Iterable[ItemError]:
    for c in d.calendars.values():
        if not is_zone(c.zone):
            yield ItemError("calendars", c.code, "zone", "unknown time zone")
        for name, texts in (("days", c.days), ("names", c.names), ("exceptions", c.exceptions)):
            if not are_iso_dates(texts):
                yield ItemError("calendars", c.code, name, "dates YYYY-MM-DD")
        for name, by_year in (("notices", c.notices), ("papers", c.papers)):
            if not all(re.fullmatch(r"[0-9]{4}", year) for year in by_year):
                yield ItemError("calendars", c.code, name, "keys are years YYYY")
        given = [day for days in c.notices.values() for day in days]
        if not are_iso_dates(given):
            yield ItemError("calendars", c.code, "notices", "dates YYYY-MM-DD")
        elif len(set(given)) != len(given):
            yield ItemError("calendars", c.code, "notices", "each day in one notice alone")
        if c.confirmed_to and not are_iso_dates([c.confirmed_to]):
            yield ItemError("calendars", c.code, "confirmed_to", "a date YYYY-MM-DD")
        if c.always:
            continue
        if not set(c.weekday_hours) <= set("0123456"):
            yield ItemError("calendars", c.code, "weekday_hours", "keys are 0 (Monday) to 6")
            continue
        if not set(c.workdays) <= set(range(7)) or len(set(c.workdays)) != len(c.workdays):
            yield ItemError("calendars", c.code, "workdays", "each of 0-6 at most once")
            continue
        week = [c.weekday_hours.get(str(n), c.hours) if n in c.workdays else () for n in range(7)]
        if not any(week):
            yield ItemError("calendars", c.code, "hours", "a calendar needs working time")
        for name, several in (("hours", (c.hours,)), ("weekday_hours", c.weekday_hours.values()),
                              ("exceptions", c.exceptions.values())):  # fmt: skip
            try:
                for hours in several:
                    parse_hours(tuple(hours))
            except ValueError:
                yield ItemError("calendars", c.code, name, INTERVALS_RULE)
                break
        else:
            yield from _night_shift_errors(c, week)


def _night_shift_errors(calendar: Calendar, week: list[tuple[str, ...]]) -> Iterable[ItemError]:
    """A night shift may not run into the next day's first hours."""
    days = [parse_hours(tuple(hours)) for hours in (*week, calendar.hours)]
    if any(_reaches_next_day(one, other) for one in days for other in days):
        yield ItemError("calendars", calendar.code, "hours", "a night shift runs into the next day's hours")
    for text in calendar.exceptions:
        if not are_iso_dates([text]) or text in ("0001-01-01", "9999-12-31"):
            continue
        day = date.fromisoformat(text)
        before, own, after = (parse_hours(tuple(hours_of_day(calendar, day + timedelta(days=n)))) for n in (-1, 0, 1))
        if _reaches_next_day(before, own) or _reaches_next_day(own, after):
            yield ItemError(
                "calendars", calendar.code, "exceptions", f"around {text} a night shift runs into the next day's hours"
            )


def _reaches_next_day(one: DayIntervals, other: DayIntervals) -> bool:
    """Whether the last hours of one day reach into the first of the next."""
    if not one or not other:
        return False
    opens, closes = one[-1]
    return closes is not None and closes <= opens and other[0][0] < closes


def _policy_errors(d: Directory) -> Iterable[ItemError]:
    seen: dict[tuple[str, str, str, str], str] = {}
    for p in d.policies.values():
        yield from _selector_errors(d, "policies", p)
        if p.priority != ANY and p.priority not in set(Priority):
            yield ItemError("policies", p.code, "priority", "unknown priority")
        if p.area != ANY and p.area not in d.areas:
            yield ItemError("policies", p.code, "area", f"unknown area: {p.area}")
        if p.calendar is not None and p.calendar not in d.calendars:
            yield ItemError("policies", p.code, "calendar", f"unknown calendar: {p.calendar}")
        if not p.source.strip():
            yield ItemError("policies", p.code, "source", "which rule says so")
        if not 0 <= p.outer_margin <= 30:
            yield ItemError("policies", p.code, "outer_margin", "0-30 working days")
        for name in SPAN_FIELDS["policies"]:
            text = getattr(p, name)
            try:
                if text is not None:
                    parse_span(text)
            except ValueError as fault:
                yield ItemError("policies", p.code, name, str(fault))
        key = (p.kind, p.priority, p.category, p.area)
        if key in seen:
            yield ItemError(
                "policies", p.code, "kind", f"overlaps with {seen[key]}: the same kind, priority, category and area"
            )
        seen[key] = p.code
    if d.home and (ANY, ANY, ANY, ANY) not in seen:
        yield ItemError("policies", "*", "kind", "one row for every case (*, *, *, *) is needed")


def _escalation_errors(d: Directory) -> Iterable[ItemError]:
    seen: dict[tuple[str, str], str] = {}
    for policy in d.ladders.values():
        if policy.priority != ANY and policy.priority not in set(Priority):
            yield ItemError("ladders", policy.code, "priority", "unknown priority")
        if not policy.metrics:
            yield ItemError("ladders", policy.code, "metrics", "at least one")
        for metric in policy.metrics:
            if (metric, policy.priority) in seen:
                yield ItemError(
                    "ladders", policy.code, "metrics", f"{metric}: overlaps with {seen[(metric, policy.priority)]}"
                )
            seen[(metric, policy.priority)] = policy.code
        try:
            if parse_span(policy.repeat).unit is Unit.CALENDAR_DAYS:
                raise ValueError("by hours or by working days")
        except ValueError as fault:
            yield ItemError("ladders", policy.code, "repeat", str(fault))
        steps: list[EscalationStep] = []
        for place, text in enumerate(policy.steps):
            try:
                steps.append(parse_step(text))
            except ValueError as fault:
                yield ItemError("ladders", policy.code, f"steps.{place}", str(fault))
        if len(steps) != len(policy.steps):
            continue
        shares = [s.share for s in steps if s.share is not None]
        if 1 not in shares:
            yield ItemError(
                "ladders", policy.code, "steps", "one step at 100% is needed: a missed limit is always told"
            )
        if shares != sorted(set(shares)) or any(s.share is None for s in steps[: len(shares)]):
            yield ItemError("ladders", policy.code, "steps", "in order: shares first, each once, then what comes later")


def _roster_errors(d: Directory) -> Iterable[ItemError]:
    for r in d.rosters.values():
        if r.department not in d.departments:
            yield ItemError("rosters", r.code, "department", f"unknown department: {r.department}")
        if not is_zone(r.zone):
            yield ItemError("rosters", r.code, "zone", "unknown time zone")
        members = [m.code for m in r.members]
        if not members or len(set(members)) != len(members):
            yield ItemError("rosters", r.code, "members", "at least one, each code once")
        if not r.shifts or len({s.code for s in r.shifts}) != len(r.shifts):
            yield ItemError("rosters", r.code, "shifts", "at least one, each code once")
        is_valid = True
        for place, shift in enumerate(r.shifts):
            for wrong, rule in _shift_errors(shift, set(members)):
                is_valid = False
                yield ItemError("rosters", r.code, f"shifts.{place}.{wrong}", rule)
        for what, codes in (("members", members), ("shifts", [s.code for s in r.shifts])):
            for place, named in enumerate(codes):
                if not named.strip():
                    is_valid = False
                    yield ItemError("rosters", r.code, f"{what}.{place}.code", "not empty")
        for place, member in enumerate(r.members):
            if not member.name.strip():
                yield ItemError("rosters", r.code, f"members.{place}.name", "not empty")
        for place, o in enumerate(r.overrides):
            for name, code in (("member", o.member), ("instead_of", o.instead_of)):
                if code is not None and code not in members:
                    yield ItemError("rosters", r.code, f"overrides.{place}.{name}", f"unknown member: {code}")
            try:
                start, end = datetime.fromisoformat(o.start), datetime.fromisoformat(o.end)
                if start.tzinfo or end.tzinfo or not start < end or end - start > timedelta(days=62):
                    raise ValueError
                if not (start.year >= 1990 and end.year <= 2190):
                    raise ValueError
            except ValueError:
                yield ItemError(
                    "rosters",
                    r.code,
                    f"overrides.{place}.start",
                    "local times YYYY-MM-DDTHH:MM, start before end, at most 62 days",
                )
        if is_valid and is_zone(r.zone):
            yield from _coverage_errors(r)


def _shift_errors(shift: Shift, members: set[str]) -> Iterable[tuple[str, str]]:
    try:
        parse_hours((shift.hours,))
    except ValueError:
        yield "hours", "HH:MM-HH:MM; an end not after its start lies on the next day"
    if not shift.turns or not set(shift.turns) <= members:
        yield "turns", "members of this roster, at least one"
    days = [shift.since, *([shift.until] if shift.until is not None else [])]
    if not are_iso_dates(days) or not all(1990 <= int(day[:4]) <= 2190 for day in days):
        yield "since", "dates YYYY-MM-DD, from 1990 to 2190"
    if not 1 <= shift.every <= 366:
        yield "every", "1-366 days"
    if not shift.weekdays or not set(shift.weekdays) <= set(range(7)):
        yield "weekdays", "at least one of 0-6"


def _coverage_errors(r: Roster) -> Iterable[ItemError]:
    """Holes and overlaps of an ordinary week, by the minute."""
    week = 7 * 1440
    spans: list[tuple[int, int, str]] = []
    for shift in (s for s in r.shifts if s.until is None):
        ((opens, closes),) = parse_hours((shift.hours,))
        start, end = opens.hour * 60 + opens.minute, 1440 if closes is None else closes.hour * 60 + closes.minute
        end += 1440 if end <= start else 0
        spans += [(d * 1440 + start, d * 1440 + end, shift.code) for d in shift.weekdays]
    spans += [(a - week, b - week, code) for a, b, code in spans if b > week]
    spans = sorted((max(a, 0), min(b, week), code) for a, b, code in spans)
    covered_to, last = 0, ""
    for a, b, code in spans:
        if a < covered_to:
            yield ItemError("rosters", r.code, "shifts", f"{last} and {code} overlap on {_format_week_minute(a)}")
            return
        if r.whole and a > covered_to:
            yield ItemError(
                "rosters",
                r.code,
                "shifts",
                f"nobody on duty {_format_week_minute(covered_to)} to {_format_week_minute(a)}: "
                "a hole in a 24-hour roster",
            )
            return
        covered_to, last = b, code
    if r.whole and covered_to < week and any(s.until is None for s in r.shifts):
        yield ItemError(
            "rosters",
            r.code,
            "shifts",
            f"nobody on duty from {_format_week_minute(covered_to)}: a hole in a 24-hour roster",
        )


def _format_week_minute(minute: int) -> str:
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return f"{names[minute // 1440 % 7]} {minute % 1440 // 60:02d}:{minute % 60:02d}"


def _word_errors(d: Directory) -> Iterable[ItemError]:
    for w in d.words.values():
        meant = [w.danger is not None, w.kind is not None, w.priority is not None, w.ignore, w.past]
        if sum(meant) != 1:
            yield ItemError("words", w.code, "danger", "exactly one of danger, kind, priority, ignore, past")
        if w.category is not None and (w.danger is None or w.category not in d.categories):
            yield ItemError("words", w.code, "category", "a known category, and only with a danger")
        if not w.words or any(not word.strip() for word in w.words):
            yield ItemError("words", w.code, "words", "at least one, none empty")


def _reading_errors(d: Directory) -> Iterable[ItemError]:
    for words in d.word_lists.values():
        if not words.words or any(not word.strip() for word in words.words):
            yield ItemError("word_lists", words.code, "words", "at least one, none empty")
    for hazard in d.hazards.values():
        if hazard.code not in set(Danger):
            yield ItemError("hazards", hazard.code, "code", "one of " + ", ".join(Danger))
        if hazard.category is not None and hazard.category not in d.categories:
            yield ItemError("hazards", hazard.code, "category", f"unknown category: {hazard.category}")
    for noun in ("symptoms", "danger_frames"):
        for item in d.noun(noun).values():
            if item.category is not None and item.category not in d.categories:
                yield ItemError(noun, item.code, "category", f"unknown category: {item.category}")
            if not item.patterns:
                yield ItemError(noun, item.code, "patterns", "at least one")
            if not d.symptoms.keys() >= set(getattr(item, "effect_of", ())):
                yield ItemError(noun, item.code, "effect_of", "known symptoms")
            for text in item.patterns:
                yield from _pattern_errors(d, noun, item.code, text)


def _pattern_errors(d: Directory, noun: str, code: str, text: str) -> Iterable[ItemError]:
    try:
        pattern = parse_gap_pattern(text)
    except PatternError as wrong:
        yield ItemError(noun, code, "patterns", str(wrong))
        return
    for name in {name for group in pattern.groups for name in group.lists}:
        if name not in d.word_lists:
            yield ItemError(noun, code, "patterns", f"unknown word list: {name}")


def _selector_errors(d: Directory, noun: str, item: Any) -> Iterable[ItemError]:
    if item.category != ANY and item.category not in d.categories:
        yield ItemError(noun, item.code, "category", f"unknown category: {item.category}")
    if item.kind != ANY and item.kind not in set(Kind):
        yield ItemError(noun, item.code, "kind", "unknown kind")


def _route_errors(d: Directory) -> Iterable[ItemError]:
    rows = [r for r in d.routes.values() if r.active]
    for r in rows:
        yield from _selector_errors(d, "routes", r)
        if r.area != ANY and r.area not in d.areas:
            yield ItemError("routes", r.code, "area", f"unknown area: {r.area}")
        for name, codes in (
            ("lead", (r.lead,)),
            ("assists", r.assists),
            ("performer", (r.performer,) if r.performer else ()),
        ):
            for code in codes:
                if code not in d.departments:
                    yield ItemError("routes", r.code, name, f"unknown department: {code}")
                elif not d.departments[code].active:
                    yield ItemError("routes", r.code, name, f"retired department: {code}")
        if r.lead in r.assists:
            yield ItemError("routes", r.code, "assists", "the lead does not assist itself")
        if (r.category in d.categories and not d.categories[r.category].active) or (
            r.area in d.areas and not d.areas[r.area].active
        ):
            yield ItemError("routes", r.code, "category", "unreachable: its category or area is retired")
    cases: dict[tuple[str, str, str], dict[Hours, str]] = {}
    for r in rows:
        code_by_hours = cases.setdefault((r.category, r.kind, r.area), {})
        if r.hours in code_by_hours:
            yield ItemError(
                "routes",
                r.code,
                "category",
                f"overlaps with {code_by_hours[r.hours]}: the same category, kind, area and hours",
            )
        code_by_hours[r.hours] = r.code
    for (category, kind, area), code_by_hours in cases.items():
        split = {Hours.DUTY, Hours.WORKING} <= code_by_hours.keys()
        if Hours.ALWAYS in code_by_hours and split:
            yield ItemError(
                "routes",
                code_by_hours[Hours.ALWAYS],
                "hours",
                "unreachable: the rows for working and duty hours cover it",
            )
        if kind == ANY and all(_covers_all_hours(cases.get((category, k, area), {})) for k in Kind):
            for code in code_by_hours.values():
                yield ItemError("routes", code, "kind", "unreachable: rows for every kind cover it")


def _covers_all_hours(code_by_hours: Mapping[Hours, str]) -> bool:
    return Hours.ALWAYS in code_by_hours or {Hours.DUTY, Hours.WORKING} <= code_by_hours.keys()
