"""Clocks as replies show them: when something is due and why, and what was told about it."""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from hotline.locales.labels import Label, label
from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.vocabulary import Level, Metric
from hotline.replies import reply_type
from hotline.tickets.model.ticket import Clock, Facts
from hotline.tickets.model.visibility import can_see_order
from hotline.tickets.model.vocabulary import Colour
from hotline.tickets.sla.colours import colour_of, has_breached
from hotline.tickets.sla.next_clock import NextClock


@reply_type()
class ClockOut:
    """One clock: when it started, when it is due, how many escalation steps fired, its colour now. `span`: how long it
    is by the rule it runs under now (of a reopened matter the shorter one), null where a moment was set."""

    id: str
    metric: Metric
    label: Label
    assignment: str | None
    policy: str
    policy_version: int
    source: str
    source_en: str
    span: str | None
    ladder: str | None
    calendar: str
    calendar_version: int
    started_at: datetime
    due_at: datetime | None
    first_due_at: datetime | None
    limit_at: datetime | None
    paused_at: datetime | None
    stopped_at: datetime | None
    breached_at: datetime | None
    provisional: bool
    colour: Colour
    level: int
    next_at: datetime | None


@reply_type()
class NextClockOut:
    """The clock that ends next. `colour`: the worst of all of them, as a board counts it; `running` false: it stands
    still."""

    metric: Metric
    assignment: str | None
    due_at: datetime
    colour: Colour
    running: bool


def render_next_clock(c: NextClock | None) -> NextClockOut | None:
    return None if c is None else NextClockOut(c.metric, c.assignment, c.ends_at, c.colour, c.running)


class ToldKind(StrEnum):
    """Whom an escalation step told."""

    ROLE = "role"
    DEPARTMENT = "department"
    HEAD = "head"  # of a department
    DUTY = "duty"  # an officer on duty


@reply_type()
class ToldOut:
    """Somebody an escalation step told: a role, a department, its head, or an officer by name."""

    kind: ToldKind
    role: Role | None
    department: Named | None
    name: str | None


def render_told(line: str, directory: Directory) -> ToldOut:
    """A line of the outbox as people: `role:supervisor`, `department:water`, `head:water`, `duty:<roster>:<login>`."""
    kind, _, rest = line.partition(":")
    match ToldKind(kind):
        case ToldKind.ROLE:
            return ToldOut(ToldKind.ROLE, Role(rest), None, None)
        case ToldKind.DUTY:
            roster, _, code = rest.partition(":")
            item = directory.rosters.get(roster)
            name = next((m.name for m in item.members if m.code == code), None) if item else None
            department = item.department if item else None
            return ToldOut(ToldKind.DUTY, None, directory.optional_item_name("departments", department), name)
        case other:
            return ToldOut(other, None, directory.optional_item_name("departments", rest), None)


@reply_type()
class EscalationOut:
    """An escalation step that fired: when it was due, when it fired, and whom it told."""

    clock: str
    level: int
    number: str
    assignment: str | None
    metric: Metric
    colour: Level
    told: tuple[str, ...]
    told_to: Annotated[tuple[ToldOut, ...], Field(description="`told` as people know them")]
    due_at: datetime
    at: datetime
    late: bool


@reply_type()
class ClockPage:
    items: tuple[ClockOut, ...]
    escalations: tuple[EscalationOut, ...]
    next: str | None


def visible_clocks(clocks: Iterable[Clock], facts: Facts, actor: Actor) -> list[Clock]:
    """The ticket's clocks, and those of the orders this actor may see."""
    theirs = {a.id for a in facts.assignments if can_see_order(a, actor)}
    return [c for c in clocks if c.assignment is None or c.assignment in theirs]


def render_clock(c: Clock, now: datetime) -> ClockOut:
    """A clock: when it is due and why, the escalation step it reached, and its colour now."""
    return ClockOut(
        id=c.id,
        metric=c.metric,
        label=label(c.metric),
        assignment=c.assignment,
        policy=c.terms["policy"],
        policy_version=c.terms["version"],
        source=c.terms["source"],
        source_en=c.terms.get("source_en", ""),
        span=next((mark[2]["span"] for mark in reversed(c.marks) if mark[2].get("span")), None),
        ladder=c.terms["ladder"],
        calendar=c.calendar,
        calendar_version=c.calendar_version,
        started_at=c.started_at,
        due_at=c.due_at,
        first_due_at=c.first_due_at,
        limit_at=c.limit_at,
        paused_at=c.paused_at,
        stopped_at=c.stopped_at,
        breached_at=c.limit_at if has_breached(c, now) else None,
        provisional=c.provisional,
        colour=colour_of(c, now),
        level=c.level,
        next_at=c.next_at,
    )
