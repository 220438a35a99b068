"""The dangers of a ticket that are acted on, and the categories whose routes and limits they ask for. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Danger, Kind, Priority
from hotline.tickets.model.vocabulary import DANGER_FLAG, OPEN, TicketStatus
from hotline.triage.model.guidance import in_naming_order


class FlaggedTicket(Protocol):
    """What of a ticket says which dangers it tells of."""

    @property
    def priority(self) -> Priority: ...
    @property
    def flags(self) -> tuple[str, ...]: ...


class TrackedTicket(FlaggedTicket, Protocol):
    """A ticket with its dangers, and how it stands."""

    @property
    def status(self) -> TicketStatus: ...


class ClassifiedTicket(FlaggedTicket, Protocol):
    """What of a ticket its limits follow from."""

    @property
    def category(self) -> str | None: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def area(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class TicketCase:
    """What limits follow from. `dangers`: those that must be acted on."""

    kind: Kind
    priority: Priority
    category: str | None
    area: str | None
    dangers: tuple[str, ...] = ()


def dangers_of(ticket: FlaggedTicket) -> tuple[str, ...]:
    """The dangers that a ticket tells of and that are acted on: none once somebody found it to be no emergency."""
    if ticket.priority != Priority.EMERGENCY:
        return ()
    return tuple(flag.removeprefix(DANGER_FLAG) for flag in ticket.flags if flag.startswith(DANGER_FLAG))


def named_dangers(ticket: FlaggedTicket) -> tuple[Danger, ...]:
    """The same dangers in the order in which people are told of them."""
    return in_naming_order(dangers_of(ticket))


def dangers_in_hand(ticket: TrackedTicket) -> tuple[str, ...]:
    """The dangers that somebody acts on by this ticket or the one it was merged into: none once it has ended, so that
    the same danger told again is a new one."""
    return dangers_of(ticket) if ticket.status in OPEN or ticket.status is TicketStatus.MERGED else ()


def case_of(ticket: ClassifiedTicket, category: str | None = None) -> TicketCase:
    """The case of a ticket as it stands; `category`: as if it were sorted under that."""
    return TicketCase(ticket.kind, ticket.priority, category or ticket.category, ticket.area, dangers_of(ticket))


def categories_of_dangers(directory: Directory, dangers: Iterable[str], category: str | None) -> Sequence[str]:
    """The categories of these dangers beside that of the matter, each once."""
    hazards = (directory.hazards[danger] for danger in dangers if danger in directory.hazards)
    return [code for code in dict.fromkeys(hazard.category for hazard in hazards) if code and code != category]
