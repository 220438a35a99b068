"""Actors: their kinds, their roles, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """Who acts. A person holds one or more of the first six; the rest are given by the system itself."""

    OPERATOR = "operator"
    DISPATCHER = "dispatcher"
    HANDLER = "handler"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    ADMIN = "admin"
    GATEWAY = "gateway"
    PERFORMER = "performer"  # a contractor's handler, on an order its department performs but does not answer for
    RESIDENT = "resident"
    RULES = "rules"  # the triage rules and the dispatch catalogue, acting inside intake
    CLOCK = "clock"


PERSON_ROLES = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.HANDLER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN})
GRANTABLE_ROLES = PERSON_ROLES | {Role.GATEWAY}  # what a person or a key can be given
# see by area, not by order
AREA_WIDE_ROLES = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR, Role.AUDITOR, Role.ADMIN})


class ActorKind(StrEnum):
    """Who acted, as the timeline shows it."""

    PERSON = "person"
    KEY = "key"
    RESIDENT = "resident"
    RULES = "rules"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, with what standing. `departments` is the whole subtree; `areas` None means no limit by area."""

    kind: ActorKind
    id: str
    name: str
    roles: frozenset[Role]
    departments: frozenset[str] = frozenset()
    areas: frozenset[str] | None = None
    home_area: str | None = None
    contractor: bool = False  # sees place and task, never the caller

    @property
    def handler_departments(self) -> frozenset[str]:
        """The departments this actor speaks for: none where it acts for the desk."""
        acts_for_desk = Role.HANDLER not in self.roles or self.roles & AREA_WIDE_ROLES
        return frozenset() if acts_for_desk else self.departments


CLOCK = Actor(ActorKind.CLOCK, "clock", "clock", frozenset({Role.CLOCK}))
ANONYMOUS = Actor(ActorKind.PERSON, "nobody", "nobody", frozenset())  # where no credential is asked for
RULES = Actor(ActorKind.RULES, "rules", "rules", frozenset({Role.RULES}))
COMMAND_LINE = Actor(ActorKind.PERSON, "command-line", "command line", frozenset({Role.ADMIN}))


def gateway_actor(gateway: str, area: str | None, home_area: str | None) -> Actor:
    """A gateway takes calls in, and does nothing else; what it brings lies in its number's area where nothing says
    otherwise."""
    return Actor(
        ActorKind.KEY, f"gateway:{gateway}"[:60], gateway, frozenset({Role.GATEWAY}), home_area=area or home_area
    )
