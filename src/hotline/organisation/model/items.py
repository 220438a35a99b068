"""The items of the directory: departments, categories, areas, calendars, policies, rosters, routes. Frozen; codes refer
to each other."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, ClassVar

from hotline.organisation.model.vocabulary import (
    AreaLevel,
    AttributeType,
    Channel,
    Counting,
    Danger,
    DayEnd,
    DepartmentKind,
    Grade,
    Hours,
    Intake,
    Kind,
    Level,
    Metric,
    Operator,
    Outer,
    Priority,
    Reach,
    Receiver,
    Starts,
    Unit,
)

_STRICT = {"extra": "forbid"}
CODE_PATTERN = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedItem:
    """An item of the directory, or of one of its lists, with the code that others name it by."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedItem(CodedItem):
    """An item with a name for people."""

    name: str
    name_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation(NamedItem):
    """The hotline itself: its name, time zone, calendar, and the dispatcher of last resort. One item, code `house`."""

    calendar: str
    fallback: str  # department of the dispatcher of last resort: routing is never empty
    sure_at: float = 0.75  # from this confidence on, rules dispatch by themselves; below it a dispatcher decides
    area: str | None = None  # the root of all areas
    committee: str | None = None  # the committee that the last steps of an escalation policy notify
    repeat_hours: int = 168  # for how long after a report another one may be of the same matter
    phone: str | None = None  # the hotline's own number, which residents' pages offer to call


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar(NamedItem):
    """Working hours as "09:00-12:00" intervals (an end not after its start lies on the next day), and the days that
    differ: true = a working day. `always`: day and night, every day; nothing else then counts."""

    zone: str
    hours: tuple[str, ...] = ()
    workdays: tuple[int, ...] = (0, 1, 2, 3, 4)  # 0 = Monday
    weekday_hours: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # "5": ["09:00-12:00"] on Saturdays
    days: Mapping[str, bool] = field(default_factory=dict)  # as the year's notice has it
    names: Mapping[str, str] = field(default_factory=dict)  # of those days
    notices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # year of a notice -> the days it gave
    papers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # year of a notice -> where it was published
    exceptions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # our own: that day's hours, none = closed
    confirmed_to: str = ""  # the last day a published notice covers
    always: bool = False
    counting: Counting = Counting.CIVIL
    day_ends: DayEnd = DayEnd.MIDNIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Department(NamedItem):
    """A unit that acts. `parent` makes the tree a handler's view follows. `successor`: takes over its running orders
    when it is retired; without one they go back to the dispatcher."""

    kind: DepartmentKind
    parent: str | None = None
    phone: str | None = None
    areas: tuple[str, ...] = ()  # where it works; empty: everywhere
    head: str | None = None  # the login of the one who answers for it
    auto_assign: bool = False  # an order that nobody accepts goes to the handler on duty with the least work
    successor: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Area(NamedItem):
    """A place, from city to building. `aliases` are what residents call it; `lat`, `lon`: its middle (WGS84), where it
    is known."""

    level: AreaLevel
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    active: bool = True
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer of a list."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute(CodedItem):
    """What Open311 clients are asked with a category, in order. `variable` false: shown only, not answered."""

    description: str
    datatype: AttributeType = AttributeType.STRING
    required: bool = False
    variable: bool = True
    datatype_description: str = ""
    values: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Category(NamedItem):
    """What a matter is about: it routes. `scheme` is the code in the outer code book; `words` hint at it. `attributes`
    and `intake` are for Open311 clients: what they are asked, and whether they get a number at once. `public_channels`:
    the channels whose matters of this category anybody may read through Open311, as state, area and dates, with the
    text that somebody wrote for the public; none unless somebody says so. `public_precision`: their coordinates are
    told as the middle of a square so many metres wide; absent: not at all."""

    parent: str | None = None
    scheme: str | None = None
    kind: Kind = Kind.REQUEST
    priority: Priority = Priority.NORMAL
    confidential: bool = False
    words: tuple[str, ...] = ()
    active: bool = True
    attributes: tuple[Attribute, ...] = ()
    intake: Intake = Intake.REALTIME
    public_channels: tuple[Channel, ...] = ()
    public_precision: int | None = None
    repeat_hours: int | None = None  # for how long a report may be repeated; absent: as its parent, or the organisation


@dataclass(frozen=True, slots=True)
class Span:
    """How long: an amount of a unit, as "7 working_days", "1.5 calendar_hours" or "0:05 calendar_hours" (5 minutes)."""

    amount: Fraction
    unit: Unit

    def __str__(self) -> str:
        if self.amount.denominator == 1:
            return f"{self.amount} {self.unit}"
        if (self.amount * 10_000).denominator == 1:
            return f"{float(self.amount)} {self.unit}"
        hours, minutes = divmod(round(self.amount * 60), 60)  # what was written in minutes stays exact
        return f"{hours}:{minutes:02d} {self.unit}"


@lru_cache(maxsize=1024)
def parse_span(text: str) -> Span:
    """A span from its text. Raises ValueError, naming the rule."""
    number, _, unit = text.strip().partition(" ")
    if unit not in set(Unit):
        raise ValueError(f"an amount and one of {', '.join(Unit)}, as 7 working_days or 0:05 calendar_hours")
    hours, colon, minutes = number.partition(":")
    if not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,4})?" if not colon else r"[0-9]{1,5}:[0-5][0-9]", number):
        raise ValueError("an amount above 0, as 7, 1.5 or 0:05")
    amount = Fraction(int(hours)) + Fraction(int(minutes), 60) if colon else Fraction(number)
    if not 0 < amount <= 10_000:
        raise ValueError("an amount above 0, at most 10000")
    if unit in (Unit.WORKING_DAYS, Unit.CALENDAR_DAYS) and amount.denominator != 1:
        raise ValueError("whole days: take hours for less")
    return Span(amount, Unit(unit))


@dataclass(frozen=True, slots=True, kw_only=True)
class SlaPolicy(CodedItem):
    """How long each part may take, for a case: kind, priority, category and area. The most specific row counts:
    priority before category before area before kind. Limits are spans, as "2 working_hours"."""

    source: str  # which rule says so, as people are told
    dispatch: str
    accept: str
    contact: str
    resolve: str
    kind: str = ANY
    priority: str = ANY
    category: str = ANY
    area: str = ANY
    redo: str | None = None  # after a reopening; absent: half of `resolve`
    call_back: str = "1 working_days"
    silence: str = "7 calendar_days"  # a resolved ticket without any answer is closed after it
    info: str = "24 calendar_hours"  # how long we wait for the caller to give what is missing
    ruling: str = "1 working_days"
    extension: str = "1 working_days"
    audit: str = "1 working_days"
    starts: Starts = Starts.RECEIVED
    outer: Outer = Outer.GOVERNS
    outer_margin: int = 1  # working days by which ours ends before an outer deadline
    calendar: str | None = None  # absent: the organisation's
    source_en: str = ""  # `source` in English


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """One step of an escalation policy: when, who is notified, which colour. `share` of the limit (1 = when it ends),
    or `later` behind its end."""

    share: Fraction | None
    later: Span | None
    tell: tuple[Receiver, ...]
    level: Level
    is_warning: bool  # before the limit ends


@lru_cache(maxsize=1024)
def parse_step(text: str) -> EscalationStep:
    """A step from its text: "80% head yellow", "+1 working_days supervisor+committee red". Raises ValueError."""
    words = text.split()
    if not words or (words[0].startswith("+") and len(words) < 3) or len(words) < 2:
        raise ValueError('a step as "80% head yellow" or "+1 working_days supervisor+committee red"')
    share, later = None, None
    if words[0].endswith("%"):
        if not re.fullmatch(r"[0-9]{1,3}%", words[0]) or not 0 < int(words[0][:-1]) <= 100:
            raise ValueError("a share of the limit from 1% to 100%")
        share, rest = Fraction(int(words[0][:-1]), 100), words[1:]
    elif words[0].startswith("+"):
        later, rest = parse_span(f"{words[0][1:]} {words[1]}"), words[2:]
        if later.unit is Unit.CALENDAR_DAYS:
            raise ValueError("later by hours or by working days")
    else:
        raise ValueError("begins with a share as 80%, or with a delay as +1 working_days")
    if not 1 <= len(rest) <= 2 or not set(rest[0].split("+")) <= set(Receiver):
        raise ValueError(f"the receivers: one or more of {', '.join(Receiver)}, joined by +")
    if len(rest) == 2 and rest[1] not in set(Level):
        raise ValueError(f"a colour: one of {', '.join(Level)}")
    receivers, level = tuple(map(Receiver, rest[0].split("+"))), Level(rest[1]) if len(rest) == 2 else Level.BLUE
    return EscalationStep(share, later, receivers, level, is_warning=share is not None and share < 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy(CodedItem):
    """Who is notified when, as a clock runs towards its limit and past it; the last words are repeated until somebody
    acts. For these metrics, at this priority."""

    metrics: tuple[Metric, ...]
    steps: tuple[str, ...]
    repeat: str  # between one repetition of the last step and the next
    priority: str = ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(CodedItem):
    """Somebody who takes turns. `code` is their login where they have one."""

    name: str
    phone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift(CodedItem):
    """Hours that somebody is on duty, on these weekdays. The turn passes on every `every` days from `since` on."""

    hours: str  # "20:00-08:00": an end not after its start lies on the next day
    turns: tuple[str, ...]
    since: str  # the date the first turn began
    every: int = 1
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    until: str | None = None  # the last date


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Somebody else for a while, local time "2026-12-31T20:00". `instead_of` None: whoever it would be."""

    __pydantic_config__: ClassVar[Any] = _STRICT
    start: str
    end: str
    member: str | None  # None: nobody
    instead_of: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster(NamedItem):
    """Who is on duty for a department, day and night."""

    department: str
    zone: str
    members: tuple[Member, ...]
    shifts: tuple[Shift, ...]
    overrides: tuple[Override, ...] = ()
    whole: bool = True  # 24 × 365 is promised: a gap is a fault in the plan
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Words(CodedItem):
    """Words that mean something. Exactly one of danger, kind, priority, ignore, past says what.

    `near`: counts only if one of these also stands in the text. `ignore`: phrases blotted out before anything is
    looked for.
    `past`: described as over; a danger in the same sentence becomes a mere flag."""

    words: tuple[str, ...]
    danger: Danger | None = None
    kind: Kind | None = None
    priority: Priority | None = None
    ignore: bool = False
    past: bool = False
    near: tuple[str, ...] = ()
    category: str | None = None  # of a danger: what the matter is about where no category's own words say so
    tell: str | None = None  # what the operator says at once
    tell_en: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WordList(CodedItem):
    """Words that stand for each other in the patterns of danger frames, under one name.

    A list named like an `Operator` says how a text is meant: over, denied, asked, feared, now. `whole`: its words name
    things, and a shorter word inside one names nothing in a symptom: the road of a road lamp is no road."""

    words: tuple[str, ...]
    whole: bool = False
    about: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom(NamedItem):
    """What is wrong, as people say it: a light that is out, a tap without water. The name stands in titles.

    Patterns: `hotline.text.gap_patterns`. `unless`: words that make it something else when they stand in the same
    sentence. `effect_of`: symptoms of which this one is a consequence, as no water is of a burst main. `travels`:
    flats some floors above or below tell of the same: gas, noise, a leak. `examples`: sentences in which it must be
    found."""

    category: str
    patterns: tuple[str, ...]
    effect_of: tuple[str, ...] = ()
    travels: bool = False
    unless: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard(NamedItem):
    """What a danger asks of the operator. `code` is one of Danger.

    `rank`: of several dangers in a text the lowest is named first. `tell`: what the operator says at once; `ask`: the
    one question that decides where a text does not."""

    rank: int
    category: str | None = None  # what the matter is about where no category's own words say so
    tell: str | None = None
    tell_en: str | None = None
    ask: str | None = None
    ask_en: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRule(CodedItem):
    """When calls of a category, or of one below it, are taken for one matter: so many `callers` within so many
    `minutes`, as far apart as `reach`. `confirm_at`: the callers at which no person need confirm it; absent: a person
    does. `also`: categories whose calls may be about the same. `private`: patterns (`hotline.text.gap_patterns`) that
    make it a matter of one household, as a leaking pipe in a kitchen: such calls are gathered by hand only."""

    category: str
    reach: Reach = Reach.PLACE
    callers: int = 5
    minutes: int = 10
    confirm_at: int | None = None
    also: tuple[str, ...] = ()
    private: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DangerFrame(CodedItem):
    """How people say that a danger is there: who or what, what happens, where. Patterns: `hotline.text.gap_patterns`.

    `unless`: words that make it something else when they stand in the same sentence. `keeps`: operators that do not
    lower it. `yields_to`: the danger that is meant alone where its own words hold some of these too: whoever is shut in
    a lift and cries is not ill. `examples`: sentences in which it must be found with its grade; `counterexamples`: in
    which it must not count."""

    danger: Danger
    patterns: tuple[str, ...]
    grade: Grade = Grade.ACT
    unless: tuple[str, ...] = ()
    yields_to: Danger | None = None
    keeps: tuple[Operator, ...] = ()
    category: str | None = None  # narrower than the hazard's
    examples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Route(CodedItem):
    """A row of the dispatch catalogue (派单目录). `*` is any; a category or an area stands for all below it too."""

    lead: str
    category: str = ANY
    kind: str = ANY
    area: str = ANY
    hours: Hours = Hours.ALWAYS
    assists: tuple[str, ...] = ()
    performer: str | None = None
    basis: str | None = None  # the duty-list row that makes the lead responsible
    active: bool = True
