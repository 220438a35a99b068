"""What a department's successor takes over beside running orders: the rows of the catalogue, duty, and posts of the
organisation."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Route
from hotline.organisation.model.vocabulary import DepartmentKind


def succession_changes(directory: Directory, code: str) -> list[tuple[str, str, Any]]:
    """The items that name the department of that code, as they name its successor once it is retired: (noun, code,
    item). Empty where no active department may succeed it; whoever retires it then changes them first."""
    department = directory.departments[code]
    successor = directory.departments.get(department.successor or "")
    if successor is None or not successor.active or successor.code == code:
        return []
    if DepartmentKind.COMMITTEE in (department.kind, successor.kind):
        return []  # a committee supervises and takes no orders
    return list(_changes(directory, code, successor.code))


def _changes(directory: Directory, old: str, new: str) -> Iterator[tuple[str, str, Any]]:
    for route in directory.routes.values():
        if route.active and old in (route.lead, route.performer, *route.assists):
            yield "routes", route.code, _succeeded(route, old, new)
    rosters = [roster for roster in directory.rosters.values() if roster.active]
    if all(roster.department != new for roster in rosters):  # it has no plan of its own
        for roster in rosters:
            if roster.department == old:
                yield "rosters", roster.code, replace(roster, department=new)
    for home in directory.house.values():
        if home.fallback == old:
            yield "house", home.code, replace(home, fallback=new)


def _succeeded(route: Route, old: str, new: str) -> Route:
    renamed: Mapping[str, str] = {old: new}
    lead = renamed.get(route.lead, route.lead)
    assists = dict.fromkeys(renamed.get(assist, assist) for assist in route.assists)
    performer = renamed.get(route.performer, route.performer) if route.performer is not None else None
    return replace(
        route,
        lead=lead,
        assists=tuple(assist for assist in assists if assist != lead),
        performer=performer if performer != lead else None,  # whoever leads does the work without being named for it
    )
