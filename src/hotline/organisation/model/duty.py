"""Who is on duty: shifts in turns, overrides, gaps; and up whose chain a call for help goes. Pure; rosters are data."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.hours import parse_hours
from hotline.organisation.model.items import Member, Override, Roster, Shift

_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_SHIFT = timedelta(days=2)  # no shift lasts longer
MAX_OVERRIDE = timedelta(days=63)  # no override does


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's time on duty, in UTC. `shift` None: an override where no shift was."""

    roster: str
    department: str
    member: Member
    start: datetime
    end: datetime
    shift: str | None
    day: str | None = None  # the date that shift began on
    reason: str = ""  # of the override that put them there


def duty_turns(roster: Roster, start: datetime, end: datetime) -> list[Turn]:
    """Everybody's turns between two moments, in order, overrides applied; cut at both ends."""
    zone = ZoneInfo(roster.zone)
    members = {m.code: m for m in roster.members}
    planned = [p for p in _planned_shifts(roster, zone, start, end) if p[1] > start and p[0] < end]
    overrides = [
        (datetime.fromisoformat(o.start).replace(tzinfo=zone).astimezone(UTC),
         datetime.fromisoformat(o.end).replace(tzinfo=zone).astimezone(UTC), o)
        for o in roster.overrides
        if may_touch_window(o, start.astimezone(zone).replace(tzinfo=None), end.astimezone(zone).replace(tzinfo=None))
    ]  # fmt: skip
    ends = [m for a, b, *_ in planned for m in (a, b)] + [m for a, b, _ in overrides for m in (a, b)]
    found: list[Turn] = []
    for a, b in pairwise(sorted({start, end, *(m for m in ends if start < m < end)})):
        shifts_by_member: dict[str | None, tuple[str | None, str | None, str]] = {  # member -> (shift, its day, reason)
            code: (shift, day, "") for opens, closes, shift, code, day in planned if opens <= a < closes
        }
        for opens, closes, o in overrides:
            if not opens <= a < closes:
                continue
            if o.instead_of is None:
                shift, day = next(((s, d) for s, d, _ in shifts_by_member.values()), (None, None))
                shifts_by_member = {o.member: (shift, day, o.reason)}
            elif o.instead_of in shifts_by_member:
                shift, day, _ = shifts_by_member.pop(o.instead_of)
                shifts_by_member[o.member] = (shift, day, o.reason)
        for code, (shift, day, reason) in shifts_by_member.items():
            if code is None:
                continue
            turn = Turn(roster.code, roster.department, members[code], a, b, shift, day, reason)
            last = next((n for n in range(len(found) - 1, -1, -1) if found[n].member.code == code), None)
            if last is not None and replace(found[last], start=a, end=b) == turn and found[last].end == a:
                found[last] = replace(found[last], end=b)
            else:
                found.append(turn)
    return found


def uncut_turns(roster: Roster, start: datetime, end: datetime, margin: timedelta = MAX_OVERRIDE) -> list[Turn]:
    """The turns that touch a window, each from its true start to its true end, as far as these lie within `margin` of
    the window."""
    return [t for t in duty_turns(roster, start - margin, end + margin) if t.end > start and t.start < end]


def may_touch_window(override: Override, start: datetime, end: datetime) -> bool:
    """Whether it may touch the window, in local time."""
    begins, ends = datetime.fromisoformat(override.start), datetime.fromisoformat(override.end)
    return ends > start - _DAY and begins < end + _DAY


def _planned_shifts(
    roster: Roster, zone: ZoneInfo, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, str, str, str]]:
    """(start, end, shift, member, day) of every shift that may touch the window."""
    day = start.astimezone(zone).date() - _DAY
    while day <= end.astimezone(zone).date():
        for shift in roster.shifts:
            code = member_on_shift(shift, day)
            if code is not None:
                ((opens, closes),) = parse_hours((shift.hours,))
                last = day + _DAY if closes is None or closes <= opens else day
                until = datetime.combine(last, closes or opens.min, zone).astimezone(UTC)
                yield datetime.combine(day, opens, zone).astimezone(UTC), until, shift.code, code, day.isoformat()
        day += _DAY


def member_on_shift(shift: Shift, day: date) -> str | None:
    """Whose turn that shift is on that day, by rotation. None: it is not worked then."""
    since = date.fromisoformat(shift.since)
    if (
        day < since
        or day.weekday() not in shift.weekdays
        or (shift.until is not None and day.isoformat() > shift.until)
    ):
        return None
    return shift.turns[(day - since).days // shift.every % len(shift.turns)]


def duty_gaps(roster: Roster, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The hours between two moments when nobody is on duty, of a roster that must cover day and night."""
    if not roster.whole:
        return []
    found, reached = [], start
    for turn in sorted(duty_turns(roster, start, end), key=lambda t: t.start):
        if turn.start > reached:
            found.append((reached, turn.start))
        reached = max(reached, turn.end)
    return [*found, (reached, end)] if reached < end else found


def members_on_duty(directory: Directory, department: str, now: datetime) -> list[Turn]:
    """Who is on duty for this department at this moment, by its own rosters."""
    found: list[Turn] = []
    for roster in directory.rosters.values():
        if roster.active and roster.department == department:
            found += [t for t in uncut_turns(roster, now, now + _DAY, _SHIFT) if t.start <= now < t.end]
    return found


def duty_chain(directory: Directory, department: str | None) -> list[str]:
    """Where help is asked for, one after the other: the department, those above it, the organisation's own."""
    found: list[str] = []
    while department is not None and department in directory.departments and department not in found:
        found.append(department)
        department = directory.departments[department].parent
    home = directory.home.fallback if directory.home else None
    return found if home is None or home in found else [*found, home]


def officers_to_call(directory: Directory, department: str | None, now: datetime) -> list[Turn]:
    """The officers to call for this department now: its own, else of the nearest above it that has one."""
    for code in duty_chain(directory, department):
        if here := members_on_duty(directory, code, now):
            return here
    return []


def has_no_duty_officer(directory: Directory, department: str | None, now: datetime) -> bool:
    """Whether rosters are kept for this chain, and yet nobody is on duty anywhere along it."""
    chain = duty_chain(directory, department)
    kept = [r for r in directory.rosters.values() if r.active and r.department in chain]
    # at this instant alone: when a turn begins and ends is not asked, so no days around it are planned
    return bool(kept) and not any(duty_turns(roster, now, now + _INSTANT) for roster in kept)
