"""Who says that it is not only their own flat tells of an outage of many."""

from dataclasses import replace
from itertools import product

import pytest

from hotline.incidents.model.grouping import CallReport
from hotline.incidents.watch import IncidentWatch
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from tests.conftest import Player
from tests.incidents.test_grouping import HOUSEHOLDS, proposed, report
from tests.incidents.test_stories import call_all, only_incident, settled

DENIED = (
    "不止",
    "不只",
    "不只是",
    "不光是",
    "不单",
    "不单单是",
    "不仅",
    "不仅仅是",
    "不是只有",
    "并非只有",
    "不是就",
    "不净是",
)
DENIED_TRADITIONAL = ("不止", "不僅是", "唔止", "唔淨止", "唔單止", "唔係淨係", "並非只有", "不單是")
DENIED_ENGLISH = (
    "not only",
    "not just",
    "it's not only",
    "it isn't just",
    "it isn’t only",
    "not simply just",
    "it is not merely",
)
CLAIMED = ("只有", "就", "单单", "唯独", "仅")
CLAIMED_ENGLISH = ("only", "it is only", "it's just", "is it only")
MISSING = {"没水": "sdq-water", "停水了": "sdq-water", "停电了": "sdq-power", "没得气": "sdq-gas"}
MISSING_TRADITIONAL = {"冇水": "sdq-water", "停電": "sdq-power", "冇氣": "sdq-gas"}
MISSING_ENGLISH = {"has no water": "sdq-water", "has no power": "sdq-power", "has no gas": "sdq-gas"}


def texts() -> list[tuple[str, str]]:
    found = [(f"{no}我家{what}", by) for no, (what, by) in product(DENIED, MISSING.items())]
    found += [(f"整栋楼都{what}，{no}我们家", by) for no, (what, by) in product(DENIED, MISSING.items())]
    found += [(f"{no}我屋企{what}", by) for no, (what, by) in product(DENIED_TRADITIONAL, MISSING_TRADITIONAL.items())]
    found += [(f"{no} my flat {what}", by) for no, (what, by) in product(DENIED_ENGLISH, MISSING_ENGLISH.items())]
    return found


def many(text: str) -> list[CallReport]:
    told = report(text)
    return [replace(told, number=TicketNumber(str(n)), caller=f"c{n}") for n in range(5)]


@pytest.mark.parametrize(("text", "category"), texts())
def test_not_only_here_is_no_matter_of_one_household(text: str, category: str) -> None:
    assert category not in HOUSEHOLDS.find_private(text)
    assert (category, 5) in proposed(many(text))


def test_only_here_still_is_one() -> None:
    told = [(f"{only}我家{what}", by) for only, (what, by) in product(CLAIMED, MISSING.items())]
    told += [(f"{only} my flat {what}", by) for only, (what, by) in product(CLAIMED_ENGLISH, MISSING_ENGLISH.items())]
    assert [text for text, by in told if by not in HOUSEHOLDS.find_private(text)] == []


@pytest.mark.parametrize(
    "text", ["是不是只有我家没水", "係唔係淨係我屋企冇水", "is it only my flat that has no water?"]
)
def test_who_asks_whether_it_is_only_here_denies_nothing(text: str) -> None:
    assert "sdq-water" in HOUSEHOLDS.find_private(text)


async def test_callers_who_are_not_the_only_ones_become_an_incident(desk: Player, services: Services) -> None:
    said = [
        "不止我家没水",
        "唔止我屋企冇水",
        "Not only my flat has no water",
        "整栋都没水，不只是我家",
        "不是只有我家停水",
    ]
    await call_all(desk, said)
    await settled(IncidentWatch(services))
    incident = await only_incident(desk)
    assert (incident["category"]["code"], incident["callers"]) == ("sdq-water", 5)
