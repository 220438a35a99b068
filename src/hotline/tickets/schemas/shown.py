"""How tickets, orders and the rest look to the one who asks. Rendered once, by hand: these replies are the hot ones."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from pydantic import Field

from hotline.locales.labels import label_of
from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Metric
from hotline.text.phone_parsing import UNREADABLE
from hotline.text.phones import is_withheld
from hotline.tickets.lifecycle import allowed, allowed_of_order
from hotline.tickets.model.queues import waits_for
from hotline.tickets.model.routing import advice_now
from hotline.tickets.model.ticket import Assignment, Call, Clock, Facts
from hotline.tickets.model.visibility import VisibleEntry, caller_shown, may_find_callers, visible_order
from hotline.tickets.model.vocabulary import AssignmentStatus, Part, TicketStatus
from hotline.tickets.sla.colours import colour_of, has_breached
from hotline.web.field_types import Shown
from hotline.web.problems import field_rule, shown_move
from hotline.web.schemas import Label, MoveOut, Named


class ClockOut(Shown):
    id: str
    metric: str
    label: Label
    assignment: str | None
    policy: str
    started_at: datetime
    due_at: datetime | None
    first_due_at: datetime | None
    paused_at: datetime | None
    stopped_at: datetime | None
    breached_at: datetime | None
    provisional: bool
    colour: str
    level: int
    next_at: datetime | None


class EscalationOut(Shown):
    clock: str
    level: int
    metric: str
    colour: str
    told: list[str]
    due_at: datetime
    at: datetime
    late: bool


class ClockPage(Shown):
    items: list[ClockOut]
    escalations: list[EscalationOut]
    next: str | None


class AssignmentOut(Shown):
    id: str
    department: Named
    performer: Named | None
    assignee: str | None
    part: str
    status: str
    issued_at: datetime
    accept_by: datetime | None
    due_at: datetime | None
    first_due_at: datetime | None
    overdue: bool
    accepted_at: datetime | None
    contacted_at: datetime | None
    reported_at: datetime | None
    closed_at: datetime | None
    ruled: bool
    asked_due_at: datetime | None
    extensions: int
    redos: int
    result: dict[str, Any] | None
    allowed_actions: list[MoveOut]


class CallerOut(Shown):
    id: str | None
    phone: str | None
    name: str | None
    contact: str | None
    confidential: bool
    masked: bool


class UnreadOut(Shown):
    """A detail that could not be taken as it was written, and the rule it breaks. The call was taken all the same."""

    field: str
    rule: str
    rule_zh: str
    rule_zh_hant: str


class TicketOut(Shown):
    number: str
    status: str
    status_label: Label
    kind: str
    category: Named | None
    priority: str
    title: str
    narrative: str
    channel: str
    caller: CallerOut | None
    location: dict[str, Any] | None
    area: Named | None
    department: Named | None
    assignments: list[AssignmentOut]
    parent: str | None
    outer: dict[str, Any] | None
    clocks: dict[str, Any]
    waits_for: dict[str, Any] | None
    result: dict[str, Any]
    flags: list[str]
    counters: dict[str, int]
    advice: dict[str, Any] | None
    unread: list[UnreadOut] = Field(description="What could not be read when it was taken in, for the desk")
    promised_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    allowed_actions: list[MoveOut]


class CallOut(Shown):
    id: str
    channel: str
    at: datetime
    narrative: str
    unread: list[UnreadOut]


class IntakeOut(Shown):
    call: CallOut
    ticket: TicketOut
    unread: list[UnreadOut] = Field(description="What of this call could not be read; it is kept as words")
    query_code: str


class CodeOut(Shown):
    number: str
    query_code: str


class Spooled(Shown):
    reference: str
    kept: str
    unread: list[UnreadOut]


class TicketBrief(Shown):
    number: str
    status: str
    kind: str
    category: Named | None
    priority: str
    title: str
    area: Named | None
    created_at: datetime
    version: int


class TicketPage(Shown):
    items: list[TicketBrief]
    next: str | None


class WorkBrief(TicketBrief):
    until: datetime | None = Field(description="When the clock of this wait ends")
    call_backs: int = Field(description="Call-backs that reached nobody")


class WorkPage(Shown):
    items: list[WorkBrief]
    next: str | None


class OrderBrief(Shown):
    id: str
    number: str
    part: str
    status: str
    priority: str
    title: str
    due_at: datetime | None
    colour: str | None = Field(default=None, description="Where it was asked for: green, blue, yellow, red, grey")


class OrderPage(Shown):
    items: list[OrderBrief]
    next: str | None


class EntryOut(Shown):
    seq: int
    at: datetime
    by: dict[str, str]
    action: str
    status_from: str | None = Field(alias="from")
    status_to: str | None = Field(alias="to")
    reason: str | None
    changes: dict[str, Any]


class EntryPage(Shown):
    items: list[EntryOut]
    next: str | None


class CallPage(Shown):
    items: list[CallOut]
    next: str | None


class CallerCard(Shown):
    match: str = Field(description="known, maybe, unknown or withheld")
    phone: str | None
    caller: dict[str, Any] | None
    names: list[dict[str, Any]]
    open: list[dict[str, Any]]
    history: list[dict[str, Any]]
    unread: list[UnreadOut]


class CandidateOut(Shown):
    id: str
    login: str
    name: str
    department: str
    on_duty: bool
    load: int
    recommended: bool


class CandidatePage(Shown):
    items: list[CandidateOut]
    next: str | None


class HouseBoard(Shown):
    counts: dict[str, int]
    open: int


class OrderLine(Shown):
    id: str
    number: str
    status: str
    priority: str
    title: str
    issued_at: datetime
    due_at: datetime | None


class BoardOut(HouseBoard):
    department: Named
    colours: dict[str, int] = Field(description="green, blue, yellow, red, grey: how the orders' clocks look now")
    states: dict[str, dict[str, int]] = Field(description="State, then colour")
    oldest: OrderLine | None
    due_next: list[OrderLine]
    performing: dict[str, int]
    performing_open: int
    at: datetime


class BecauseOut(Shown):
    rule: str
    matched: list[str]


class Explained(Shown):
    result: dict[str, Any] | None
    because: list[BecauseOut]


class LifecycleOut(Shown):
    ticket: dict[str, Any]
    assignment: dict[str, Any]
    actions: list[dict[str, Any]]


class Health(Shown):
    status: str


class Ready(Shown):
    ready: bool
    checks: dict[str, Any]


_OF_REPORTER = frozenset({"account_id", "device_id"})  # what an Open311 client said of whoever reported


def ticket_shown(
    facts: Facts, actor: Actor, directory: Directory, now: datetime, *, revealed: bool = False
) -> dict[str, Any]:
    """A ticket for this actor: the caller masked by role, actions as the tables allow them now."""
    t = facts.ticket
    zh, en = label_of(t.status)
    inside = actor.roles != frozenset({Role.GATEWAY})
    caller = caller_shown(t, actor, revealed=revealed)
    # a contractor answers for its own order: what came of another's is not told to it
    lead = next((a for a in reversed(facts.assignments) if a.part is Part.LEAD), None)
    answers = inside and (lead is None or visible_order(lead, actor))
    return {
        "number": t.number,
        "status": t.status,
        "status_label": {"zh": zh, "en": en},
        "kind": t.kind,
        "category": directory.name_of("categories", t.category),
        "priority": t.priority,
        "title": t.title,
        "narrative": t.narrative,
        "channel": t.channel,
        "caller": caller,
        "reply_wanted": t.reply_wanted,
        "location": {"area": t.area, "address": t.address, "lat": t.lat, "lon": t.lon},
        "area": directory.name_of("areas", t.area),
        "department": directory.name_of("departments", t.department),
        "assignments": [
            order_shown(facts, a, actor, directory, now)
            for a in facts.assignments
            if inside and visible_order(a, actor)
        ],
        "flags": list(t.flags),
        "supervised": t.supervised,
        "escalated": t.escalated,
        "parent": t.parent,
        "outer": {"system": t.outer_system, "number": t.outer_number, "due_at": t.outer_due_at}
        if t.outer_number
        else None,
        "counters": {
            "calls": t.calls,
            "urges": t.urges,
            "returns": t.returns,
            "extensions": t.extensions,
            "call_backs": t.call_backs,
            "reopens": t.reopens,
            "attachments": t.attachments,
            "merged": facts.children,
        },
        "clocks": {
            "due_at": t.due_at,
            "overdue": any(_late(facts, a, now) for a in facts.assignments if a.part is Part.LEAD),
            "review_at": t.review_at,
            "provisional": any(c.provisional for c in facts.clocks),
            "running": [clock_shown(c, now) for c in clocks_seen(facts.clocks, facts, actor)] if inside else [],
        },
        "waits_for": waiting_shown(replace(facts, directory=directory), directory) if inside else None,
        "advice": _advice(facts, directory, hidden=caller is None or caller["masked"]) if inside else None,
        "unread": unread_shown(t.advice.get("unread") or ()) if inside else [],
        "result": {
            "public_reply": t.public_reply,
            "internal_result": t.internal_result if answers else None,
            "cost": t.cost if answers or not inside else None,
            "funding": t.funding if answers or not inside else None,
            "reason_code": t.reason_code,
            "channel_told": t.channel_told,
            "satisfaction": {"first": t.satisfaction_first, "final": t.satisfaction_final},
        },
        "promised_at": t.promised_at,
        "created_at": t.created_at,
        "updated_at": t.updated_at,
        "closed_at": t.closed_at,
        "version": t.version,
        "allowed_actions": [shown_move(m) for m in allowed(facts, actor, now)],
    }


def _advice(facts: Facts, directory: Directory, *, hidden: bool) -> dict[str, Any]:
    """Advice and hints; without what names the caller where the caller is not shown."""
    advice = advice_now(directory, facts.ticket, facts.assignments)
    advice.pop("unread", None)  # shown beside it
    hints = advice.get("hints")
    if hidden and isinstance(hints, Mapping) and isinstance(hints.get("form"), Mapping):
        form = {k: v for k, v in hints["form"].items() if k not in _OF_REPORTER}
        advice["hints"] = {**hints, "form": form}
    return advice


def waiting_shown(facts: Facts, directory: Directory) -> dict[str, Any] | None:
    """The queue the matter stands in and who owns it; None where it has ended."""
    waiting = waits_for(facts)
    if waiting is None:
        return None
    return {
        "queue": waiting.queue,
        "role": waiting.role and {"code": waiting.role, **dict(zip(("zh", "en"), label_of(waiting.role), strict=True))},
        "department": directory.name_of("departments", waiting.department),
        "person": waiting.person,
        "until": waiting.until,
    }


def _late(facts: Facts, a: Assignment, now: datetime) -> bool:
    """Whether a running order is past its limit, by its clock: one that waits for us is not late."""
    if a.closed_at is not None:
        return False
    clock = next((c for c in facts.clocks if c.metric is Metric.REPORT and c.assignment == a.id), None)
    return has_breached(clock, now) if clock else a.due_at is not None and now > a.due_at


def clocks_seen(clocks: Iterable[Clock], facts: Facts, actor: Actor) -> list[Clock]:
    """The ticket's clocks, and those of the orders this actor may see."""
    theirs = {a.id for a in facts.assignments if visible_order(a, actor)}
    return [c for c in clocks if c.assignment is None or c.assignment in theirs]


def clock_shown(c: Clock, now: datetime) -> dict[str, Any]:
    """A clock: when it is due and why, how far its ladder was climbed, and its colour now."""
    zh, en = label_of(c.metric)
    return {
        "id": c.id,
        "metric": c.metric,
        "label": {"zh": zh, "en": en},
        "assignment": c.assignment,
        "policy": c.terms["policy"],
        "policy_version": c.terms["version"],
        "source": c.terms["source"],
        "ladder": c.terms["ladder"],
        "calendar": c.calendar,
        "calendar_version": c.calendar_version,
        "started_at": c.started_at,
        "due_at": c.due_at,
        "first_due_at": c.first_due_at,
        "limit_at": c.limit_at,
        "paused_at": c.paused_at,
        "stopped_at": c.stopped_at,
        "breached_at": c.limit_at if has_breached(c, now) else None,
        "provisional": c.provisional,
        "colour": colour_of(c, now),
        "level": c.level,
        "next_at": c.next_at,
    }


def order_shown(facts: Facts, a: Assignment, actor: Actor, directory: Directory, now: datetime) -> dict[str, Any]:
    return {
        "id": a.id,
        "department": directory.name_of("departments", a.department),
        "performer": directory.name_of("departments", a.performer),
        "assignee": a.assignee,
        "part": a.part,
        "status": a.status,
        "route": a.route,
        "issued_at": a.issued_at,
        "accept_by": a.accept_by,
        "due_at": a.due_at,
        "first_due_at": a.first_due_at,
        "overdue": a.overdue or _late(facts, a, now),
        "accepted_at": a.accepted_at,
        "contacted_at": a.contacted_at,
        "reported_at": a.reported_at,
        "closed_at": a.closed_at,
        "ruled": a.ruled,
        "return": {"reason_code": a.return_reason, "basis": a.return_basis, "suggested": a.suggested}
        if a.return_reason
        else None,
        "asked_due_at": a.asked_due_at,
        "extensions": a.extensions,
        "redos": a.redos,
        "result": dict(a.result) if a.result else None,
        "allowed_actions": [shown_move(m) for m in allowed_of_order(facts, a, actor, now)],
    }


def unread_shown(unread: Iterable[Sequence[str]]) -> list[dict[str, str]]:
    """(field, rule) pairs, each rule in English and both written forms of Chinese."""
    return [field_rule(field, rule) for field, rule in unread]


def _unread_of(call: Call | Any) -> Iterable[Sequence[str]]:
    if isinstance(call, Call):
        return call.unread
    kept = call.phone is None and not is_withheld(call.raw_phone)  # of an earlier call the number alone is known
    return [("caller.phone", UNREADABLE)] if kept else []


def call_shown(call: Call | Any, actor: Actor, facts: Facts) -> dict[str, Any]:
    """A contact. The number is shown as on the ticket: whole, masked or not at all."""
    hidden = caller_shown(facts.ticket, actor)
    secret = call.confidential or getattr(
        call, "of_confidential", False
    )  # its own ticket may have been merged into an open one
    merged_secret = call.number != facts.ticket.number and getattr(call, "of_confidential", False)
    whole = hidden is not None and not hidden["masked"] and not secret
    return {
        "id": call.id,
        "channel": call.channel,
        "at": call.at,
        # words too can give somebody away: those of a confidential ticket merged into this one are for the desk
        "narrative": "" if merged_secret and not may_find_callers(actor) else call.narrative,
        "taken_by": call.taken_by,
        "phone": call.phone if whole else None,
        "raw_phone": call.raw_phone if whole else None,
        "name": call.caller_name if whole else None,
        "withheld": call.phone is None and is_withheld(call.raw_phone),
        "unread": unread_shown(_unread_of(call)),
    }


def _brief_late(row: Any, now: datetime) -> bool:
    """Past its limit while a department works: whoever has reported, or waits for us, is not late."""
    works = row.status == TicketStatus.DISPATCHED and row.lead_at != AssignmentStatus.REPORTED
    return works and row.due_at is not None and now > row.due_at


def brief_shown(row: Any, directory: Directory, now: datetime) -> dict[str, Any]:
    """A ticket in a list: no narrative and no caller, so that a list leaks neither."""
    return {
        "number": row.number,
        "status": row.status,
        "kind": row.kind,
        "category": directory.name_of("categories", row.category),
        "priority": row.priority,
        "title": row.title,
        "channel": row.channel,
        "area": directory.name_of("areas", row.area),
        "department": directory.name_of("departments", row.department),
        "flags": row.flags,
        "confidential": row.confidential,
        "urges": row.urges,
        "calls": row.calls,
        "due_at": row.due_at,
        "overdue": _brief_late(row, now),
        "promised_at": row.promised_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "closed_at": row.closed_at,
        "version": row.version,
    }


def order_line(row: Any) -> dict[str, Any]:
    """An order in a line of a board."""
    return {name: getattr(row, name) for name in OrderLine.model_fields}


def queued_shown(row: dict[str, Any], directory: Directory, now: datetime) -> dict[str, Any]:
    """An order in a department's queue. The row is the answer but for names and for what time makes of it."""
    due = row["due_at"]
    del row["stamp"]
    row["category"] = directory.name_of("categories", row["category"])
    row["area"] = directory.name_of("areas", row["area"])
    works = row["ticket_status"] == TicketStatus.DISPATCHED and row["status"] != AssignmentStatus.REPORTED
    past = due is not None and now > (datetime.fromisoformat(due) if isinstance(due, str) else due)
    row["overdue"] = works and past  # whoever waits for us, or has reported, is not late
    return row


def entry_shown(row: Any, visible: VisibleEntry) -> dict[str, Any]:
    """One line of the timeline, as far as `visible_entry` lets it be seen."""
    return {
        "seq": row.seq,
        "at": row.at,
        "by": {"kind": row.by_kind, "id": visible.by_id, "name": visible.by_name},
        "action": row.action,
        "from": row.status_from,
        "to": row.status_to,
        "assignment": row.assignment,
        "reason": visible.reason,
        "changes": visible.changes,
    }
