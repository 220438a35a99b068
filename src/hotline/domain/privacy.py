"""Who may see whom. The caller's data is shown by role; out of sight means the same as not there."""

from dataclasses import dataclass
from typing import Any

from .phones import masked
from .ticket import Actor, Ticket
from .vocabulary import WHOLE, Role

_FULL = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})


@dataclass(frozen=True, slots=True)
class Scope:
    """What an actor may see of the tickets: by area (None: anywhere) for the desk, by order for departments."""

    whole: bool
    areas: frozenset[str] | None
    departments: frozenset[str]

    @property
    def nothing(self) -> bool:
        return not self.whole and not self.departments


EVERYTHING = Scope(True, None, frozenset())  # for the house itself: what it shows of it is decided elsewhere


def scope_of(actor: Actor) -> Scope:
    """The actor's view. Every query of tickets begins with it."""
    handler = Role.HANDLER in actor.roles
    return Scope(bool(actor.roles & WHOLE), actor.areas, actor.departments if handler else frozenset())


def intake_scope(actor: Actor) -> Scope:
    """What a call may join: a gateway sees no ticket, and yet must bring a text to the ticket it speaks of."""
    if Role.GATEWAY in actor.roles and not actor.roles & WHOLE:
        return Scope(True, actor.areas, frozenset())
    return scope_of(actor)


def may_find_callers(actor: Actor) -> bool:
    """Whether tickets may be asked for by who called: only by those who see callers whole."""
    return bool(actor.roles & _FULL)


def phone_shown(phone: str | None, actor: Actor, *, confidential: bool) -> str | None:
    """A telephone number in a log: whole for the desk, masked for others, hidden where the matter is confidential."""
    if confidential:
        return None
    return phone if actor.roles & _FULL else masked(phone)


def caller_shown(ticket: Ticket, actor: Actor, *, revealed: bool = False) -> dict[str, Any] | None:
    """The caller as this actor sees them: whole for the desk, masked for departments and auditors, hidden where
    confidential."""
    if ticket.phone is None and ticket.caller_name is None and ticket.contact is None:
        return None
    if revealed or (actor.roles & _FULL and not ticket.confidential):
        return {
            "id": ticket.caller,
            "phone": ticket.phone,
            "name": ticket.caller_name,
            "contact": ticket.contact,
            "confidential": ticket.confidential,
            "masked": False,
        }
    if ticket.confidential or actor.contractor:
        return {
            "id": None,
            "phone": None,
            "name": None,
            "contact": None,
            "confidential": ticket.confidential,
            "masked": True,
        }
    name = ticket.caller_name
    return {
        "id": None,
        "phone": masked(ticket.phone),
        "name": f"{name[0]}**" if name else None,
        "contact": None,
        "confidential": False,
        "masked": True,
    }
