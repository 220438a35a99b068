"""What an actor may see. Every query of tickets begins with it, and every write is held to it."""

from dataclasses import dataclass

from hotline.organisation.model.actors import AREA_WIDE_ROLES, Actor, Role


@dataclass(frozen=True, slots=True)
class Scope:
    """What an actor may see of the tickets: by area (None: anywhere) for the desk, by order for departments, and by
    `creator` what that key opened itself."""

    whole: bool
    areas: frozenset[str] | None
    departments: frozenset[str]
    creator: str | None = None

    @property
    def nothing(self) -> bool:
        return not self.whole and not self.departments and self.creator is None


SYSTEM_SCOPE = Scope(True, None, frozenset())  # for the system itself: what it shows of it is decided elsewhere


def scope_of(actor: Actor) -> Scope:
    """The actor's view."""
    handler = Role.HANDLER in actor.roles
    return Scope(bool(actor.roles & AREA_WIDE_ROLES), actor.areas, actor.departments if handler else frozenset())
