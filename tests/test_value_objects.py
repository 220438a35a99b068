"""Value objects behave as the frozen dataclasses they are."""

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime

import orjson
import pytest

from hotline.value_objects import replace, value_object
from tests.conftest import NOON


@value_object
class Order:
    """With and without defaults."""

    id: str
    at: datetime
    flags: tuple[str, ...] = ()
    advice: dict[str, int] = field(default_factory=dict)

    @property
    def flagged(self) -> bool:
        return bool(self.flags)


@dataclass(frozen=True)
class Plain:
    id: str
    place: int = 1


def test_a_value_object_is_made_compared_and_shown_as_a_dataclass() -> None:
    order = Order("1", at=NOON)
    assert order == Order("1", NOON, (), {})
    assert repr(order).startswith("Order(id='1', at=")
    assert not order.flagged
    assert order.advice is not Order("1", NOON).advice
    assert orjson.loads(orjson.dumps(order))["id"] == "1"
    assert dataclasses.replace(order, id="2") == Order("2", NOON)


def test_nothing_of_it_can_be_changed() -> None:
    for order in (Order("1", NOON), replace(Order("1", NOON), flags=("hot",))):
        with pytest.raises(dataclasses.FrozenInstanceError):
            order.id = "2"  # type: ignore[misc]


def test_a_copy_has_the_changes_and_leaves_the_first_alone() -> None:
    first = Order("1", NOON)
    second = replace(first, flags=("hot",), id="2")
    assert (second.id, second.flagged, second.at) == ("2", True, NOON)
    assert (first.id, first.flagged) == ("1", False)
    assert replace(Plain("1"), place=2) == Plain("1", 2)


def test_unknown_and_missing_fields_are_refused() -> None:
    with pytest.raises(TypeError):
        Order("1")  # type: ignore[call-arg]
    with pytest.raises(AttributeError):
        replace(Order("1", NOON), colour="red")
