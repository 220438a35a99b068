"""Which emergencies wait for somebody, and who must know. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.directory import Directory, Named
from hotline.organisation.model.vocabulary import Danger, Priority
from hotline.tickets.model.ticket import Assignment, Change, Facts, is_unsigned
from hotline.tickets.model.vocabulary import DANGER_FLAG, LIVE, Action, AssignmentStatus, TicketStatus
from hotline.triage.model.guidance import in_naming_order

ALERT_PRIORITY = Priority.EMERGENCY
# no department has the ticket in these, unless an order of it is running
UNDISPATCHED = (TicketStatus.RECEIVED, TicketStatus.TRIAGED, TicketStatus.AWAITING_INFO)
ALERT_STATUSES = (*UNDISPATCHED, TicketStatus.DISPATCHED)
# of the desk these must know of every danger in their area; an auditor or administrator only while on duty
DESK_ROLES = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})


class WaitsFor(StrEnum):
    """What an emergency waits for."""

    DISPATCH = "dispatch"  # no department has it
    ACCEPTANCE = "acceptance"  # nobody of the department has signed for the order
    RULING = "ruling"  # the department wants to give the order back


@dataclass(frozen=True, slots=True)
class UnsignedOrder:
    """An order of an emergency that nobody has signed for."""

    id: str
    department: str
    performer: str | None
    waits_for: WaitsFor
    issued_at: datetime
    accept_by: datetime | None

    @property
    def holder(self) -> str:
        """The department whose people act: its performer's where it has one."""
        return self.performer or self.department


@dataclass(frozen=True, slots=True)
class Alert:
    """An emergency that waits. No caller and no word of theirs: place and kind alone. `address` is empty where the
    ticket is confidential."""

    number: str
    created_at: datetime
    area: str | None
    building: str | None
    unit: str | None
    address: str | None
    category: str | None
    dangers: tuple[Danger, ...]
    confidential: bool
    orders: tuple[UnsignedOrder, ...]  # none: no department has it

    @property
    def waits_for(self) -> WaitsFor:
        """What it waits for first."""
        waits = {order.waits_for for order in self.orders}
        return next((each for each in (WaitsFor.ACCEPTANCE, WaitsFor.RULING) if each in waits), WaitsFor.DISPATCH)

    @property
    def since(self) -> datetime:
        """Since when it waits for that."""
        return min((order.issued_at for order in self.orders), default=self.created_at)


def dangers_of(flags: Iterable[str]) -> tuple[Danger, ...]:
    """The dangers that a ticket's flags name, in the order in which people are told of them."""
    return in_naming_order(flag.removeprefix(DANGER_FLAG) for flag in flags if flag.startswith(DANGER_FLAG))


def knows_of_all(actor: Actor, *, on_duty: bool) -> bool:
    """Whether an actor of the desk must know of every danger within their scope."""
    return bool(actor.roles & DESK_ROLES) or on_duty


def waiting_places(facts: Facts | None) -> frozenset[str]:
    """What waits of a ticket as it stands: its unsigned orders, each with what it waits for, or its own number where no
    department has it. Empty where it is no emergency."""
    if facts is None or facts.ticket.priority is not ALERT_PRIORITY or facts.ticket.status not in ALERT_STATUSES:
        return frozenset()
    live = [order for order in facts.assignments if order.status in LIVE]
    if not live and facts.ticket.status in UNDISPATCHED:
        return frozenset({facts.ticket.number})
    unsigned = (order for order in live if _is_unsigned(order))
    return frozenset(f"{order.id} {order.status}" for order in unsigned)


def _is_unsigned(order: Assignment) -> bool:
    """Nobody of its department has it: it is not signed for, or to be given back."""
    return order.status is AssignmentStatus.RETURN_REQUESTED or is_unsigned(order.status, order.signed_at)


def raises_alert(change: Change) -> bool:
    """Whether a change makes a danger wait for somebody new, or escalates one that waits."""
    waits = waiting_places(change.after)
    escalated = any(entry.action is Action.ESCALATE for entry in change.entries)
    return bool(waits - waiting_places(change.before)) or (escalated and bool(waits))


def place_of(alert: Alert, directory: Directory, words: Mapping[str, str]) -> str:
    """Where it is, in one line: building and unit, else the area. `words`: `building` and `unit`, with {n}."""
    parts = [
        words[name].format(n=value) for name, value in (("building", alert.building), ("unit", alert.unit)) if value
    ]
    area = directory.named("areas", alert.area) if alert.area else None
    if not alert.building and area is not None:
        parts.insert(0, local_name(area, words))
    return " ".join(parts)


def local_name(item: Named, words: Mapping[str, str]) -> str:
    """An item's name in the language of `words`."""
    return item.name_en if words["language"] == "en" and item.name_en else item.name


def departments_of(alert: Alert) -> Sequence[str]:
    """The departments and performers whose order waits."""
    return [code for order in alert.orders for code in (order.department, order.performer) if code]
