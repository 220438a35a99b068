"""Which department must act: the dispatch catalogue (派单目录), most specific row first, never empty."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.duty import members_on_duty
from hotline.organisation.model.items import ANY, Route
from hotline.organisation.model.vocabulary import Hours, Kind, Priority
from hotline.text.reasons import Because
from hotline.tickets.model.dangers import categories_of_dangers, dangers_of
from hotline.tickets.model.ticket import Assignment
from hotline.tickets.model.undo import was_taken_back
from hotline.tickets.model.vocabulary import LIVE, OPEN, AssignmentStatus, Part, TicketStatus
from hotline.tickets.sla.policies import working_time_of
from hotline.value_objects import replace


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """Where a matter goes. `sure`: a row of the catalogue says so, not the fallback."""

    lead: str
    assists: tuple[str, ...]
    performer: str | None
    route: str | None
    sure: bool
    because: tuple[Because, ...]
    passed: tuple[str, ...] = ()  # rows that fit too, and lost to a more specific one

    def as_dict(self) -> dict[str, Any]:
        return {
            "lead": self.lead,
            "assists": list(self.assists),
            "performer": self.performer,
            "route": self.route,
            "sure": self.sure,
            "because": [b.as_dict() for b in self.because],
            "passed": list(self.passed),
        }


def is_unmanned(directory: Directory, department: str, now: datetime) -> bool:
    """Whether the department keeps a roster and yet nobody is on duty there: its duty desk is no place to send to."""
    keeps = any(r.active and r.department == department for r in directory.rosters.values())
    return keeps and not members_on_duty(directory, department, now)


def choose_route(
    directory: Directory,
    category: str | None,
    kind: Kind,
    area: str | None,
    now: datetime,
    dangers: Sequence[str] = (),
) -> RoutingDecision | None:
    """The lead, who assists and who performs. None only where the directory is empty.

    `dangers`: those that must be acted on. Where another leads, whoever must act on one of them by its own category
    assists, and so does its contractor, with an order of its own. A matter that no row of the catalogue is for is led
    by whoever must act on its first danger."""
    chosen = _most_specific(directory, category, kind, area, now)
    if chosen is None:
        return None
    by_danger = _routes_of_dangers(directory, dangers, category, kind, area, now)
    if not chosen.sure and by_danger:
        chosen, *by_danger = by_danger
    assists, because = [*chosen.assists], [*chosen.because]
    for found in by_danger:
        assists += (code for code in _units_of(found) if code != chosen.performer or code in found.assists)
        because += found.because
    others = tuple(dict.fromkeys(code for code in assists if code != chosen.lead))
    return replace(chosen, assists=others, because=tuple(dict.fromkeys(because)))


def danger_responders(
    directory: Directory, dangers: Sequence[str], category: str | None, kind: Kind, area: str | None, now: datetime
) -> tuple[str, ...]:
    """Whoever must act on these dangers by their own categories, beside whoever acts on this category."""
    found = _routes_of_dangers(directory, dangers, category, kind, area, now)
    return tuple(dict.fromkeys(code for routed in found for code in _units_of(routed)))


def _routes_of_dangers(
    directory: Directory, dangers: Sequence[str], category: str | None, kind: Kind, area: str | None, now: datetime
) -> list[RoutingDecision]:
    routes = (
        _most_specific(directory, code, kind, area, now) for code in categories_of_dangers(directory, dangers, category)
    )
    return [routed for routed in routes if routed is not None and routed.sure]


def _units_of(routed: RoutingDecision) -> tuple[str, ...]:
    return (routed.lead, *routed.assists, *((routed.performer,) if routed.performer else ()))


def _most_specific(
    directory: Directory, category: str | None, kind: Kind, area: str | None, now: datetime
) -> RoutingDecision | None:
    if directory.home is None:
        return None
    categories, areas = directory.category_path(category), directory.area_path(area)
    counts = working_time_of(directory, None)
    open_now = counts.is_working(now) if counts else True
    hours = (Hours.ALWAYS, Hours.WORKING if open_now else Hours.DUTY)

    def rank(row: Route) -> tuple[int, int, bool, bool, str]:
        by_category = len(categories) - categories.index(row.category) if row.category in categories else 0
        by_area = len(areas) - areas.index(row.area) if row.area in areas else 0
        return by_category, by_area, row.kind != ANY, row.hours is not Hours.ALWAYS, row.code

    of_areas, of_kinds = {ANY, *areas}, {ANY, kind}
    matching_rows = [
        row
        for named in (ANY, *categories)
        for row in directory.routes_by_category.get(named, ())
        if row.area in of_areas
        and row.kind in of_kinds
        and row.hours in hours
        and not (row.hours is Hours.DUTY and is_unmanned(directory, row.lead, now))
    ]
    matching_rows.sort(key=rank, reverse=True)
    if not matching_rows:
        nothing = Because("fallback", tuple(x for x in (category, kind, area) if x))
        return RoutingDecision(directory.home.fallback, (), None, None, False, (nothing,))
    best = matching_rows[0]
    matched = [f"category={best.category}", f"kind={best.kind}", f"area={best.area}", f"hours={best.hours}"]
    return RoutingDecision(
        lead=best.lead,
        assists=best.assists,
        performer=best.performer,
        route=best.code,
        sure=best.category != ANY,
        because=(Because(f"route:{best.code}", tuple(matched)),),
        passed=tuple(row.code for row in matching_rows[1:]),
    )


class RoutedTicket(Protocol):
    """What of a ticket its routing follows from."""

    @property
    def status(self) -> TicketStatus: ...
    @property
    def category(self) -> str | None: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def area(self) -> str | None: ...
    @property
    def priority(self) -> Priority: ...
    @property
    def flags(self) -> tuple[str, ...]: ...
    @property
    def advice(self) -> Mapping[str, Any]: ...
    @property
    def returned_by(self) -> tuple[str, ...]: ...


def current_advice(
    directory: Directory, ticket: RoutedTicket, orders: Sequence[Assignment], now: datetime
) -> dict[str, Any]:
    """The ticket's advice as it may be acted on now: the keys of `Ticket.advice`.

    Until a first order is given the routing is that of the ticket as it now stands: somebody may have corrected its
    category, kind or area. It then holds until its order ends. Once the lead's order was returned, recalled or done and
    the ticket waits for another dispatch, that routing would propose a department that is out of it. `lead` is then
    what the last approved return suggests, unless that department gave the ticket back too or is retired; else None.
    An order that was taken back at once counts for nothing: what was proposed before it is proposed again.
    `because` names the state in which the last order ended, and its department."""
    advice = dict(ticket.advice)
    leads = [order for order in orders if order.part is Part.LEAD and not was_taken_back(order)]
    waits = ticket.status in OPEN and ticket.status is not TicketStatus.RESOLVED
    if waits and not leads:
        routed = choose_route(directory, ticket.category, ticket.kind, ticket.area, now, dangers_of(ticket))
        return {**advice, "routing": routed.as_dict() if routed is not None else None}
    if not waits or any(order.status in LIVE for order in leads):
        return advice
    last = max(leads, key=lambda order: (order.closed_at or order.issued_at, order.issued_at, len(order.id), order.id))
    named = directory.departments.get(last.suggested or "") if last.status is AssignmentStatus.RETURNED else None
    fit = named is not None and named.active and named.code not in ticket.returned_by
    routing = {
        "lead": named.code if named is not None and fit else None,
        "assists": [],
        "performer": None,
        "route": None,
        "sure": False,
        "because": [Because(last.status, (last.department,)).as_dict()],
        "passed": [],
    }
    return {**advice, "routing": routing}
