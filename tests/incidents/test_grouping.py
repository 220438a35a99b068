"""Which calls are about one matter: pure rules, on the shipped community."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from time import process_time
from typing import Any

import pytest

from hotline.incidents.model.codes import IncidentCode
from hotline.incidents.model.grouping import (
    CallReport,
    Proposal,
    known_incident,
    matching_incident,
    propose,
    reach_of,
    rule_for,
    teach_wording,
    wording_data,
)
from hotline.incidents.model.incident import Incident
from hotline.incidents.model.vocabulary import IncidentState
from hotline.incidents.model.wording import Wording, features, learn_wording
from hotline.organisation.model.incident_rules import incident_rule_errors
from hotline.organisation.model.items import IncidentRule
from hotline.organisation.model.vocabulary import Kind
from hotline.text.numbering import TicketNumber
from hotline.triage.model.advising import advise
from hotline.triage.model.households import build_household_lexicon
from hotline.triage.model.places.other_estates import is_about_other_estate
from hotline.triage.model.places.reader import areas_of_matter
from tests.conftest import NOON
from tests.triage.seeded import seeded_directory, seeded_lexicon

DIRECTORY = seeded_directory("ruiquan")
LEXICON = seeded_lexicon("ruiquan")
HOUSEHOLDS = build_household_lexicon(DIRECTORY)
_serial = count(1)


def report(text: str, caller: str | None = "", **over: Any) -> CallReport:
    """A call as intake would have read it; each of another caller where none is named."""
    n = next(_serial)
    advice = advise(LEXICON, text)
    made = CallReport(
        TicketNumber(str(n)), NOON, f"c{n}" if caller == "" else caller, advice.kind, advice.category, advice.symptoms,
        advice.area or "rq", features(text), unit=advice.location.unit, private=HOUSEHOLDS.find_private(text),
        told_areas=areas_of_matter((place.code, place.role.name) for place in advice.places),
        elsewhere=is_about_other_estate(LEXICON.places, text),
    )  # fmt: skip
    return replace(made, **over)


def proposed(reports: Sequence[CallReport]) -> list[tuple[str, int]]:
    return [(p.category, p.callers) for p in propose(DIRECTORY, reports, NOON)]


def burst(n: int) -> list[CallReport]:
    return [report(f"{building}栋门口的水管爆了") for building in range(5, 5 + n)]


def test_a_main_bursts_for_a_whole_community_whatever_building_is_named() -> None:
    assert proposed(burst(5)) == [("sdq-burst", 5)]


def test_lifts_of_different_buildings_are_different_matters() -> None:
    assert proposed([report(f"{n}栋电梯坏了，不动了") for n in range(1, 9)]) == []
    assert proposed([report("3栋电梯坏了，不动了") for _ in range(5)]) == [("dt-fault", 5)]


def test_a_lift_without_a_building_is_no_matter_of_many() -> None:
    assert proposed([report("电梯坏了，不动了") for _ in range(9)]) == []


def test_one_caller_calling_again_and_withheld_numbers_are_not_counted() -> None:
    assert proposed([*burst(4), report("6栋水管爆了", caller="c-1"), report("水管爆了", caller="c-1")]) == [
        ("sdq-burst", 5)
    ]
    assert proposed([*burst(4), *(report("6栋水管爆了", caller=None) for _ in range(9))]) == []


def test_old_calls_enquiries_and_praise_are_not_counted() -> None:
    old = [replace(r, at=NOON - timedelta(minutes=11)) for r in burst(2)]
    assert proposed([*old, *burst(4)]) == []
    assert proposed([*burst(4), report("请问水管漏水怎么收费", kind=Kind.ENQUIRY)]) == []
    assert proposed([*burst(4), report("水管爆了，几点能修好", kind=Kind.ENQUIRY)]) == [("sdq-burst", 5)]
    assert proposed([*burst(4), report("水管爆了", kind=Kind.PRAISE)]) == []


def test_confidential_matters_are_never_gathered() -> None:
    assert proposed([report("3栋有人跳楼", category="za-selfharm", area="rq-b3") for _ in range(9)]) == []


def test_a_burst_main_is_confirmed_by_rule_and_a_lift_is_not() -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    (lift,) = propose(DIRECTORY, [report("3栋电梯坏了，不动了") for _ in range(50)], NOON)
    assert (main.confirmed, lift.confirmed) == (True, False)
    assert (main.symptom, main.area, main.reach) == ("pipe-burst", "rq", "rq")
    assert (lift.area, lift.reach) == ("rq-b3", "rq-b3")


def test_a_category_without_a_rule_takes_the_one_above_it_or_the_default() -> None:
    assert rule_for(DIRECTORY, "tc-barrier") == IncidentRule(code="default", category="tc-barrier")
    above = IncidentRule(code="all-utilities", category="sdq", callers=9)
    directory = replace(DIRECTORY, incident_rules={"all-utilities": above})
    assert rule_for(directory, "sdq-power") is above


def test_the_reach_is_the_community_or_what_stands_for_it() -> None:
    wide = rule_for(DIRECTORY, "sdq-burst")
    assert {reach_of(DIRECTORY, wide, area) for area in ("rq-b5", "rq-g2", "rq", "rq-garage")} == {"rq"}
    assert reach_of(DIRECTORY, wide, "yq") == "yq"
    assert reach_of(DIRECTORY, wide, None) is None
    place = rule_for(DIRECTORY, "dt-fault")
    assert reach_of(DIRECTORY, place, "rq-b3") == "rq-b3"
    assert reach_of(DIRECTORY, place, "rq-g1") is None


def known(proposal: Proposal, others: Sequence[CallReport] = ()) -> Any:
    wording = teach_wording(
        DIRECTORY, proposal.category, (r.found for r in proposal.reports), (r.found for r in others)
    )
    incident = Incident(
        IncidentCode("100009"), IncidentState.OPEN, proposal.category, proposal.area, proposal.reach, NOON, NOON, NOON,
        NOON, unit=proposal.unit, wording=wording_data(wording),
    )  # fmt: skip
    return known_incident(DIRECTORY, incident)


OTHERS = (
    "3栋电梯坏了", "9栋楼下有人打麻将", "物业费是怎么收的", "12栋楼上漏水，天花板都泡坏了", "路灯不亮", "我想问下低保怎么申请",
    "有人把车停在门口", "the lift is out of order", "rubbish has not been collected", "洗手间的下水管漏水，滴到楼下了",
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "北门的水管炸了",
        "8栋前面水从地底下往上喷，水管破了",
        "water is gushing from a broken main",
        "爆咗水管，周圍都係水",
    ],
)
def test_a_call_told_otherwise_belongs_to_it(text: str) -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    assert matching_incident(DIRECTORY, [known(main, list(map(report, OTHERS)))], report(text)) is not None


@pytest.mark.parametrize("text", OTHERS)
def test_a_call_about_something_else_does_not(text: str) -> None:
    (main,) = propose(DIRECTORY, burst(5), NOON)
    others = [report(other) for other in OTHERS if other != text]
    assert matching_incident(DIRECTORY, [known(main, others)], report(text)) is None


def test_calls_from_elsewhere_do_not_belong_to_it() -> None:
    (lift,) = propose(DIRECTORY, [report("3栋电梯坏了，不动了") for _ in range(5)], NOON)
    assert matching_incident(DIRECTORY, [known(lift)], report("3栋电梯又坏了")) is not None
    assert matching_incident(DIRECTORY, [known(lift)], report("4栋电梯坏了")) is None
    assert matching_incident(DIRECTORY, [known(lift)], report("电梯坏了")) is None


def test_little_is_concluded_from_little() -> None:
    few = learn_wording([features("水管爆了")], [])
    assert few.likeness(features("今天天气很好")) < 0
    assert few.likeness(frozenset()) < 0
    assert Wording().likeness(features("水管")) == 0


def test_long_texts_cost_no_more_than_their_beginning() -> None:
    begun = process_time()
    for _ in range(200):
        features("水管爆了快来人" * 20_000)
    assert process_time() - begun < 2


def test_each_fault_of_an_incident_rule_is_named() -> None:
    bad = IncidentRule(code="bad", category="none", callers=1, minutes=0, confirm_at=0, also=("none",))
    found = {field for _, field, _ in incident_rule_errors(replace(DIRECTORY, incident_rules={"bad": bad}))}
    assert found == {"category", "also", "callers", "minutes", "confirm_at"}
    assert list(incident_rule_errors(DIRECTORY)) == []


def test_the_number_of_a_building_is_no_wording_of_a_matter() -> None:
    assert features("my car is blocked at 16栋") == features("my car is blocked at 3号楼") == features("my car blocked")
    assert "楼" in features("楼上漏水")
