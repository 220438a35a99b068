"""Which departments a waiting ticket is proposed to, how certain that is, and why; at most three, the best first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Kind, Priority
from hotline.text.reasons import Because
from hotline.tickets.model.dangers import dangers_of
from hotline.tickets.model.routing import choose_route, current_advice, danger_responders
from hotline.tickets.model.ticket import Assignment
from hotline.tickets.model.undo import was_taken_back
from hotline.tickets.model.vocabulary import TicketStatus

MAX_CANDIDATES = 3
SURE_LEVEL = 3  # from this level on a proposal may be sent together with others
DECIDED, SUGGESTED, DOUBTFUL = 5, 4, 2
# a share of the category's words: the level of a proposal that follows from it
_LEVELS = ((0.6, 4), (0.45, 3), (0.0, 2))


@dataclass(frozen=True, slots=True)
class WaitingTicket:
    """What of a ticket decides where it may go."""

    status: TicketStatus
    category: str | None
    kind: Kind
    area: str | None
    priority: Priority
    flags: tuple[str, ...]
    advice: Mapping[str, Any]
    returned_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DepartmentProposal:
    """A department that may be sent to. `category`: what the ticket is sorted under with it, where nobody has sorted it
    yet. `level`: how certain it is, 1 to 5."""

    department: str
    level: int
    assists: tuple[str, ...] = ()
    performer: str | None = None
    category: str | None = None
    because: tuple[Because, ...] = ()

    @property
    def sure(self) -> bool:
        return self.level >= SURE_LEVEL


def propose_departments(
    directory: Directory, ticket: WaitingTicket, orders: Sequence[Assignment], now: datetime
) -> list[DepartmentProposal]:
    """The departments to choose from. None of them gave the ticket back, or is retired. What was undone counts for
    nothing: the ticket has the proposals it had before."""
    orders = [order for order in orders if not was_taken_back(order)]
    found: dict[str, DepartmentProposal] = {}
    for proposal in _all_proposals(directory, ticket, orders, now):
        item = directory.departments.get(proposal.department)
        if item is None or not item.active or item.code in ticket.returned_by or item.code in found:
            continue
        assists = tuple(code for code in proposal.assists if code not in ticket.returned_by)
        found[item.code] = proposal if assists == proposal.assists else _with_assists(proposal, assists)
        if len(found) == MAX_CANDIDATES:
            break
    return list(found.values())


def _with_assists(proposal: DepartmentProposal, assists: tuple[str, ...]) -> DepartmentProposal:
    return DepartmentProposal(
        proposal.department, proposal.level, assists, proposal.performer, proposal.category, proposal.because
    )


def _all_proposals(
    directory: Directory, ticket: WaitingTicket, orders: Sequence[Assignment], now: datetime
) -> Iterator[DepartmentProposal]:
    triage = ticket.advice.get("triage") or {}
    routing = current_advice(directory, ticket, orders, now).get("routing") or {}
    guesses = _guesses(triage)
    if ticket.category is not None and routing.get("lead"):
        has_route = routing.get("route") is not None
        level = DECIDED if routing.get("sure") else DOUBTFUL if has_route or not orders else SUGGESTED
        because = tuple(Because(b["rule"], tuple(b["matched"])) for b in routing["because"])
        yield DepartmentProposal(routing["lead"], level, tuple(routing["assists"]), routing["performer"], None, because)
    dangers = dangers_of(ticket)
    if ticket.category is None:
        for category, share in guesses:
            yield from _by_category(directory, ticket, category, _level_of(share), dangers, now)
    else:
        routed = choose_route(directory, ticket.category, ticket.kind, ticket.area, now, dangers)
        if routed is not None and orders:
            yield DepartmentProposal(routed.lead, DOUBTFUL, routed.assists, routed.performer, None, routed.because)
        by_danger = danger_responders(directory, dangers, ticket.category, ticket.kind, ticket.area, now)
        for code in routed.passed if routed is not None else ():
            row = directory.routes[code]
            assists = tuple(dict.fromkeys(one for one in (*row.assists, *by_danger) if one != row.lead))
            yield DepartmentProposal(row.lead, 1, assists, row.performer, None, (Because(f"route:{code}", ()),))
        for category, _ in guesses:
            if category != ticket.category:
                yield from _by_category(directory, ticket, category, 1, dangers, now)
    for code in routing.get("assists") or ():
        yield DepartmentProposal(
            code, 1, because=tuple(Because(b["rule"], tuple(b["matched"])) for b in routing["because"])
        )
    if directory.home is not None:
        yield DepartmentProposal(directory.home.fallback, 1, because=(Because("fallback", ()),))


def _guesses(triage: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The categories that triage thought of, the likeliest first."""
    first = [(triage["category"], float(triage["confidence"]))] if triage.get("category") else []
    return first + [(other["category"], 0.0) for other in triage.get("others") or ()]


def _level_of(share: float) -> int:
    return next(level for least, level in _LEVELS if share >= least)


def _by_category(
    directory: Directory, ticket: WaitingTicket, category: str, level: int, dangers: Sequence[str], now: datetime
) -> Iterator[DepartmentProposal]:
    if category not in directory.categories:
        return
    routed = choose_route(directory, category, ticket.kind, ticket.area, now, dangers)
    if routed is None:
        return
    because = (Because(f"category:{category}", ()), *routed.because)
    sort_as = category if ticket.category is None else None
    yield DepartmentProposal(
        routed.lead, level if routed.sure else min(level, DOUBTFUL), routed.assists, routed.performer, sort_as, because
    )
