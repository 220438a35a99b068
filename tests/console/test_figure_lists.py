"""The list behind a figure holds what was counted."""

from types import SimpleNamespace
from typing import Any, cast

from hotline.console.figure_lists import list_filters, own_departments
from hotline.organisation.model.actors import Role
from tests.conftest import NOON
from tests.triage.seeded import seeded_directory


def test_a_handler_of_two_departments_is_shown_the_tickets_of_both() -> None:
    """Both are counted; of a department below one of them it is that one which the list asks for."""
    directory = seeded_directory("ruiquan")
    below = next(d.code for d in directory.departments.values() if d.parent == "property")
    mine = SimpleNamespace(roles=frozenset({Role.HANDLER}), departments=frozenset({"water", "property", below}))
    own = own_departments(cast(Any, mine), directory)
    span = (NOON.date(), NOON.date())
    found = list_filters(span, {}, "accepted", own, NOON.tzinfo)
    assert found is not None and found["department"] == ["property", "water"]
    found = list_filters(span, {"department": "water"}, "accepted", own, NOON.tzinfo)
    assert found is not None and found["department"] == ["water"]
