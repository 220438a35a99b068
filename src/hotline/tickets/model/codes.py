"""The codes a command names, against the directory."""

from collections.abc import Mapping
from typing import Any

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import DepartmentKind
from hotline.tickets.model.vocabulary import Field

F = Field


def unknown_codes(directory: Directory, given: Mapping[Any, Any]) -> tuple[tuple[str, str], ...]:
    """Which of the codes given are not in the directory, or retired there: (field, rule)."""
    errors: list[tuple[str, str]] = []
    for field, noun in (
        (F.CATEGORY, "categories"),
        (F.AREA, "areas"),
        (F.DEPARTMENT, "departments"),
        (F.PERFORMER, "departments"),
    ):
        code = given.get(field)
        if code is not None and not _is_active(directory, noun, code):
            errors.append((field, f"unknown or retired: not in the directory's {noun}"))
    for place, code in enumerate(given.get(F.ASSISTS) or ()):
        if not _is_active(directory, "departments", code):
            errors.append((f"{F.ASSISTS}.{place}", "unknown or retired: not in the directory's departments"))
    named = [(F.DEPARTMENT, given.get(F.DEPARTMENT)), (F.PERFORMER, given.get(F.PERFORMER))]
    named += [(F.ASSISTS, code) for code in given.get(F.ASSISTS) or ()]
    for field, code in named:
        if code and not errors and directory.departments[code].kind is DepartmentKind.COMMITTEE:
            errors.append((field, "a committee oversees; it takes no orders"))
    return tuple(errors)


def _is_active(directory: Directory, noun: str, code: str) -> bool:
    item = directory.noun(noun).get(code)
    return item is not None and item.active
