"""Which roles and scopes an actor may grant: nobody grants, changes or revokes more than they hold."""

from dataclasses import dataclass

from hotline.organisation.model.actors import AREA_WIDE_ROLES, Actor, Role

FieldError = tuple[str, str]  # a field and the rule it breaks


@dataclass(frozen=True, slots=True)
class Grant:
    """What somebody is given: roles, a department whose subtree they act for, an area their view is limited to."""

    roles: frozenset[Role]
    department: str | None = None
    area: str | None = None


def is_organisation_wide(actor: Actor) -> bool:
    """Whether neither an area nor a department limits this actor: what concerns everybody is theirs alone to change."""
    return actor.areas is None and not actor.departments


def scope_errors(actor: Actor, department: str | None, area: str | None) -> tuple[FieldError, ...]:
    """What of a department and an area (None: not limited by it) lies outside this actor's own."""
    faults: list[FieldError] = []
    if actor.departments and department not in actor.departments:
        faults.append(("department", "outside your departments"))
    if actor.areas is not None and area not in actor.areas:
        faults.append(("area", "outside your areas"))
    return tuple(faults)


def grant_errors(actor: Actor, grant: Grant) -> tuple[FieldError, ...]:
    """Why this actor may not give or manage this grant; empty: they may.

    An administrator gives every role within their own area. One of a department gives what acts for departments, and
    beyond it only roles they hold themselves: the others see by area, and so more than a department.
    """
    faults = list(scope_errors(actor, grant.department, grant.area))
    wider = frozenset[Role]()
    if Role.ADMIN not in actor.roles:
        wider = grant.roles - actor.roles
    elif actor.departments:
        wider = grant.roles & (AREA_WIDE_ROLES | {Role.GATEWAY}) - actor.roles
    if wider:
        faults.append(("roles", "more than you hold yourself"))
    return tuple(faults)
