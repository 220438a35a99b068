"""Orders whose department, contractor or assignee is gone, and the command that gives each back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hotline.organisation.model.actors import Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import DepartmentKind
from hotline.tickets.model.ticket import Assignment, Command, Facts
from hotline.tickets.model.vocabulary import (
    DEPARTED,
    Action,
    AssignmentStatus,
    DepartureReason,
    Field,
    Part,
    TicketStatus,
)


class HeldOrder(Protocol):
    """Who has an order: of an assignment, or of many counted together."""

    @property
    def department(self) -> str: ...
    @property
    def performer(self) -> str | None: ...
    @property
    def assignee(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Assignee:
    """A person or a key that orders are assigned to, as the account stands now."""

    name: str
    active: bool
    roles: frozenset[Role]
    department: str | None


@dataclass(frozen=True, slots=True)
class Departure:
    """Who of those that have an order is gone. `columns`: of the order, those that name somebody who is gone."""

    reason: DepartureReason
    name: str
    columns: tuple[str, ...]


def find_departure(order: HeldOrder, directory: Directory, assignees: Mapping[str, Assignee]) -> Departure | None:
    """Who of those that have this order is gone; None: nobody. `assignees` by id: one that is missing is gone."""
    if _is_gone(directory, order.department):
        name = directory.named("departments", order.department).name
        return Departure(DepartureReason.DEPARTMENT_RETIRED, name, ("department",))
    performer = order.performer
    without_performer = performer is not None and _is_gone(directory, performer)
    units = [order.department] if performer is None or without_performer else [order.department, performer]
    reason = _assignee_reason(order, units, directory, assignees)
    columns = ("assignee",) if reason is not None else ()
    if performer is not None and without_performer:
        name = directory.named("departments", performer).name
        return Departure(DepartureReason.CONTRACTOR_RETIRED, name, ("performer", *columns))
    if reason is None or order.assignee is None:
        return None
    known = assignees.get(order.assignee)
    return Departure(reason, known.name if known else order.assignee, columns)


def departure_command(departure: Departure, order_id: str, version: int) -> Command:
    """Recall the order of a department that is retired; release any other to its department's queue."""
    action = Action.RECALL if "department" in departure.columns else Action.RELEASE
    fields = {Field.REASON_CODE: departure.reason, Field.REASON: departure.name, DEPARTED: departure.columns}
    return Command(action, version, fields, order_id)


def handover_command(departure: Departure, order: Assignment, facts: Facts, directory: Directory) -> Command | None:
    """Dispatch a ticket that was recalled from a retired department to its successor. None: there is none, it takes no
    orders, or somebody else has dispatched the ticket."""
    department = directory.departments.get(order.department)
    successor = directory.departments.get(department.successor or "") if department is not None else None
    if order.part is not Part.LEAD or facts.ticket.status is not TicketStatus.TRIAGED or successor is None:
        return None
    if not successor.active or successor.kind is DepartmentKind.COMMITTEE:
        return None
    reason = f"{departure.reason}: {departure.name}"
    fields: dict[str, Any] = {Field.DEPARTMENT: successor.code, Field.REASON: reason}
    if assists := _assists_ended_with(facts, order.id, directory, successor.code):
        fields[Field.ASSISTS] = assists
    return Command(Action.DISPATCH, facts.ticket.version, fields)


def _assists_ended_with(facts: Facts, lead: str, directory: Directory, successor: str) -> list[str]:
    """The departments whose assisting orders ended with the lead's, and which still take orders."""
    recalled = facts.order(lead)
    return [
        order.department
        for order in facts.assignments
        if recalled is not None
        and order.part is Part.ASSIST
        and (order.status, order.closed_at) == (AssignmentStatus.RECALLED, recalled.closed_at)
        and order.department != successor
        and directory.departments[order.department].active
    ]


def _is_gone(directory: Directory, department: str) -> bool:
    item = directory.departments.get(department)
    return item is None or not item.active


def _assignee_reason(
    order: HeldOrder, units: list[str], directory: Directory, assignees: Mapping[str, Assignee]
) -> DepartureReason | None:
    if order.assignee is None:
        return None
    known = assignees.get(order.assignee)
    if known is None or not known.active:
        return DepartureReason.ACCOUNT_CLOSED
    if Role.HANDLER not in known.roles:
        return DepartureReason.NO_LONGER_HANDLER
    if not any(_works_for(directory, known.department, unit) for unit in units):
        return DepartureReason.OTHER_DEPARTMENT
    return None


def _works_for(directory: Directory, department: str | None, unit: str) -> bool:
    """Whether somebody of a department may have orders of a unit: it is the same, above it or below it."""
    below = directory.department_subtrees
    return department is not None and (
        department in below.get(unit, frozenset({unit})) or unit in below.get(department, frozenset())
    )
