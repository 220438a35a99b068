"""The shapes the rules work on: a ticket, its assignments, a command, and what becomes of it. Frozen; rules return
new ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hotline.delivery.model import Message
from hotline.organisation.model.actors import ActorKind
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Channel, Kind, Level, Metric, Priority
from hotline.text.numbering import TicketNumber
from hotline.tickets.model.vocabulary import (
    ENDED,
    LIVE,
    Action,
    AssignmentStatus,
    AttachmentPurpose,
    Outcome,
    Part,
    Satisfaction,
    TicketStatus,
)
from hotline.value_objects import replace, value_object


@value_object
class Ticket:
    """The resident's matter. Times are UTC; codes are the directory's."""

    number: TicketNumber
    status: TicketStatus
    kind: Kind
    channel: Channel
    title: str
    narrative: str
    created_at: datetime
    updated_at: datetime
    category: str | None = None
    priority: Priority = Priority.NORMAL
    caller: str | None = None  # the caller's id; None: withheld
    phone: str | None = None  # E.164, or the short number as dialled
    caller_name: str | None = None
    contact: str | None = None  # another way to reach the caller, as given
    confidential: bool = False
    reply_wanted: bool = True
    area: str | None = None
    address: str | None = None
    building: str | None = None  # the parts of the address as on doors: "12", "2", "-1", "1203"
    unit: str | None = None
    floor: str | None = None
    room: str | None = None
    lat: float | None = None
    lon: float | None = None
    department: str | None = None  # the live lead's department
    parent: TicketNumber | None = None  # merged into
    incident: str | None = None  # the code of the incident it belongs to
    outer_system: str | None = None
    outer_number: str | None = None
    outer_due_at: datetime | None = None
    due_at: datetime | None = None  # the lead order's limit while one runs
    promised_at: datetime | None = None  # what the resident was told
    review_at: datetime | None = None  # when a shelved matter is looked at again
    public_reply: str | None = None
    public_text: str | None = None  # written for the public, and published
    unpublished: bool = False  # taken back: nothing of it is public, whatever its category publishes
    internal_result: str | None = None
    cost: float | None = None  # yuan
    funding: str | None = None
    reason_code: str | None = None  # of declining or voiding
    channel_told: str | None = None
    satisfaction_first: Satisfaction | None = None
    satisfaction_final: Satisfaction | None = None
    supervised: Level | None = None
    escalated: Level | None = None
    flags: tuple[str, ...] = ()  # difficult, sensitive, hot, repeat, danger:<word>
    urges: int = 0
    calls: int = 1
    call_backs: int = 0
    returns: int = 0
    extensions: int = 0
    reopens: int = 0
    attachments: int = 0
    returned_by: tuple[str, ...] = ()  # departments whose return was approved
    ruled: tuple[str, ...] = ()  # departments ruled responsible: they may not return it again
    advice: Mapping[str, Any] = field(default_factory=dict)
    created_by: str | None = None
    closed_at: datetime | None = None
    triaged_at: datetime | None = None
    ended_at: datetime | None = None  # when it left the open states, however that was
    outcome: Outcome | None = None
    entries: int = 0  # the last number used in the timeline
    version: int = 1
    head: str | None = None  # the hash of the timeline's last line
    chained: int | None = None  # the last line that has a hash


@value_object
class Assignment:
    """One department's order to act on a ticket."""

    id: str
    number: TicketNumber
    department: str
    part: Part
    status: AssignmentStatus
    issued_at: datetime
    performer: str | None = None  # the contractor that does the work; the department answers for it
    assignee: str | None = None  # who accepted it
    assignee_name: str | None = None  # as that account is called; stands in no column of the order
    route: str | None = None  # the catalogue row that chose it; None: a person did
    due_at: datetime | None = None
    first_due_at: datetime | None = None  # kept when an extension is approved
    accept_by: datetime | None = None
    accepted_at: datetime | None = None
    signed_at: datetime | None = None  # when a person or key first showed that they have it; the clock alone never does
    contacted_at: datetime | None = None
    reported_at: datetime | None = None
    closed_at: datetime | None = None
    ruled: bool = False
    overdue: bool = False  # ended after due_at
    return_reason: str | None = None
    return_basis: str | None = None
    suggested: str | None = None  # the department the returning one suggests
    asked_due_at: datetime | None = None  # an extension is asked for and not yet decided
    extensions: int = 0
    redos: int = 0
    result: Mapping[str, Any] | None = None  # internal_result, public_reply, solved, photos, cost, funding, contacted
    priority: Priority = Priority.NORMAL  # the ticket's, kept here so that a queue needs one index
    issued_by: str | None = None  # who sent it here; an approved return is charged to them
    refused: int = 0  # returns asked for and refused: charged to the department
    sort_at: datetime | None = None  # its place in the queue: when its next clock ends, else when it was issued


def is_unsigned(status: AssignmentStatus, signed_at: Any) -> bool:
    """Whether nobody of its department has signed for an order, as it stands: not at all, or the clock alone, which
    accepts it so that time does not stop."""
    return status == AssignmentStatus.ISSUED or (status == AssignmentStatus.ACCEPTED and signed_at is None)


@value_object
class Clock:
    """One limit running on a ticket or on one of its assignments. All but the first eight follow from `marks`: what
    happened to it, in order. Times are UTC."""

    id: str
    number: TicketNumber
    assignment: str | None
    metric: Metric
    terms: Mapping[str, Any]  # what it runs under, as it was then: policy, version, source, steps, repeat
    marks: tuple[Any, ...]  # (what, when, details)
    calendar: str
    calendar_version: int
    started_at: datetime
    due_at: datetime | None = None
    first_due_at: datetime | None = None  # kept when an extension moved it
    # what escalation and breach are measured from: `due_at`, or the promised date if later
    limit_at: datetime | None = None
    paused_at: datetime | None = None
    consumed: int = 0  # before the present run: microseconds of a limit in hours, days of one in days
    stopped_at: datetime | None = None
    breached_at: datetime | None = None
    provisional: bool = False
    level: int = 0  # the last step of its escalation policy that was carried out
    next_level: int | None = None
    next_step: int | None = None  # which step of its escalation policy that will be; after the last, it is repeated
    next_at: datetime | None = None  # when the next step is due; None: stopped or standing still


@dataclass(frozen=True, slots=True)
class Escalation:
    """One step of an escalation policy, carried out. (clock, level) is unique: once, whatever workers and clocks do."""

    clock: str
    level: int
    number: TicketNumber
    assignment: str | None
    metric: Metric
    colour: Level
    told: tuple[str, ...]
    due_at: datetime  # when it should have been
    at: datetime
    late: bool


@value_object
class Entry:
    """One line of the timeline. `changes` maps a field to [before, after]."""

    number: TicketNumber
    seq: int
    at: datetime
    by_kind: ActorKind
    by_id: str
    by_name: str
    action: Action
    status_from: TicketStatus | AssignmentStatus | None
    status_to: TicketStatus | AssignmentStatus | None
    assignment: str | None = None
    reason: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    image: str | None = None  # the hash of the ticket after the change; with its last line
    hash: str | None = None  # these two are set where it is written


@value_object
class LastChange:
    """The lines of a ticket's last change, in order, and the clocks that it stopped. `told`: a message of its was sent,
    or not held back. `version`: of the ticket after it; None: its version now."""

    entries: tuple[Entry, ...]
    stopped: tuple[Clock, ...] = ()
    told: bool = False
    version: int | None = None

    @property
    def at(self) -> datetime:
        return self.entries[-1].at


@value_object
class Facts:
    """All a decision may look at. `target` is the ticket to merge into, with its own chain of parents."""

    ticket: Ticket
    assignments: tuple[Assignment, ...] = ()
    children: int = 0  # tickets merged into this one
    target: Ticket | None = None
    target_chain: tuple[TicketNumber, ...] = ()
    target_holders: tuple[str, ...] = ()  # departments and performers with a live order on the target
    clocks: tuple[Clock, ...] = ()  # those that have not stopped
    directory: Directory | None = None  # policies, calendars, rosters; None: no clocks are kept
    # for whoever may undo it; None: it was not looked for, or lies too far back
    last: LastChange | None = field(default=None, compare=False)

    def lead(self) -> Assignment | None:
        """The live lead order, if one runs."""
        return next((a for a in self.assignments if a.part is Part.LEAD and a.status in LIVE), None)

    def order(self, assignment: str) -> Assignment | None:
        """The assignment of that id on this ticket."""
        return next((a for a in self.assignments if a.id == assignment), None)

    def assists_ended(self) -> bool:
        """Whether no assisting order runs."""
        return all(a.status in ENDED for a in self.assignments if a.part is Part.ASSIST)

    def has_order(self, department: str | None) -> bool:
        """Whether an order of this department runs."""
        return any(a.department == department and a.status in LIVE for a in self.assignments)


def is_lead_unsigned(facts: Facts) -> bool:
    """Whether a department has the ticket and nobody of it has signed for it."""
    lead = facts.lead()
    in_hand = facts.ticket.status is TicketStatus.DISPATCHED
    return in_hand and lead is not None and is_unsigned(lead.status, lead.signed_at)


@dataclass(frozen=True, slots=True)
class Command:
    """Something asked for. `fields` are already of the right types; `assignment` set: an order is meant, not the
    ticket."""

    action: Action
    version: int
    fields: Mapping[Any, Any] = field(default_factory=dict)  # by the words of `Field`
    assignment: str | None = None


@value_object
class Call:
    """One contact: a call, a text, a visit. A ticket may have many, all kept."""

    id: str
    number: TicketNumber
    channel: Channel
    at: datetime
    narrative: str
    taken_by: str
    caller: str | None = None
    phone: str | None = None
    raw_phone: str | None = None
    caller_name: str | None = None
    confidential: bool = False
    area: str | None = None  # these two as the ticket had them then: a call is counted where it was taken
    category: str | None = None
    unread: tuple[tuple[str, str], ...] = ()  # (field, rule): what could not be taken as it was written; not stored
    taken_down: Mapping[str, Any] | None = None  # beside the words, of a call that joined an open ticket


def call_of_ticket(call: Call, ticket: Ticket) -> Call:
    """The call with the area and category that its ticket has now."""
    return replace(call, area=ticket.area, category=ticket.category)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a phone number belongs to. `id` follows from the number, so that no look-up is needed to write it."""

    id: str
    phone: str
    name: str | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class TicketWrite:
    """A ticket's new image, and the version it must replace (None: it is new)."""

    ticket: Ticket
    expected: int | None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of a ticket; `sha256` names its bytes in the store."""

    id: str
    number: TicketNumber
    sha256: str
    name: str
    media_type: str
    size: int
    at: datetime
    by_id: str
    purpose: AttachmentPurpose = AttachmentPurpose.EVIDENCE


@value_object
class Change:
    """All that becomes true at once: images guarded by versions, entries, messages, counts. Data; the journal makes
    it durable."""

    after: Facts
    tickets: tuple[TicketWrite, ...]
    before: Facts | None = None  # None: the ticket is new
    assignments: tuple[Assignment, ...] = ()
    entries: tuple[Entry, ...] = ()
    messages: tuple[Message, ...] = ()
    calls: tuple[Call, ...] = ()
    callers: tuple[Caller, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    tallies: Mapping[tuple[str, str, str], int] = field(default_factory=dict)  # (noun, place, status) -> difference
    clocks: tuple[Clock, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    texts: tuple[Ticket, ...] = ()  # tickets whose words must be indexed anew
    author_departments: frozenset[str] = frozenset()  # whose handler wrote the entries; none: not one
    parent_holders: tuple[str, ...] = ()  # of the ticket this one was merged into: who has an order on it
    cancelled: tuple[Message, ...] = ()  # messages that were held back, and are not sent
    released: tuple[Message, ...] = ()  # messages that were held back, and wait no longer
    moved_from: Call | None = None  # the contact as it was counted until now, where it moves to another ticket
