"""The rules of learning: thresholds, calibration, gate, drift, and which version comes back."""

import random
from collections import Counter

import pytest

from hotline.learning.model.calibration import (
    Prediction,
    calibration_error,
    choose_thresholds,
    may_act,
    measure_coverage,
)
from hotline.learning.model.drift import LearnedFrom, WeekOfLabels, measure_drift, stability_index
from hotline.learning.model.gate import HeldOutLabel, find_contradicting, judge
from hotline.learning.model.training import LabelledText, fold_groups, split_by_time
from hotline.learning.model.uses import VersionUse, version_before


def guesses(category: str, confidence: float, right: int, wrong: int) -> list[Prediction]:
    return [Prediction(category, category, confidence)] * right + [Prediction("other", category, confidence)] * wrong


def test_a_threshold_needs_guesses_enough_and_right_enough() -> None:
    predictions = guesses("a", 0.9, 60, 0) + guesses("a", 0.6, 20, 20) + guesses("b", 0.99, 10, 0)
    thresholds = choose_thresholds(predictions)
    assert thresholds == {"a": 0.9}  # ten right guesses prove nothing of b, and .6 of a is right half the time
    coverage = measure_coverage(predictions, thresholds)
    assert (coverage.sure, coverage.right) == (60, 1.0) and coverage.covered == pytest.approx(60 / 110)
    assert measure_coverage([], thresholds).right is None


def test_guesses_of_one_confidence_stand_or_fall_together() -> None:
    assert choose_thresholds(guesses("a", 0.8, 40, 40)) == {}


def test_calibration_error_is_the_distance_of_word_and_deed() -> None:
    assert calibration_error(guesses("a", 0.9, 9, 1)) == pytest.approx(0)
    assert calibration_error(guesses("a", 0.9, 5, 5)) == pytest.approx(0.4)
    assert calibration_error([]) is None


def test_a_model_acts_after_three_hundred_labels_and_not_before() -> None:
    good = [(True, True)] * 299
    assert not may_act(good) and may_act([*good, (True, True)])
    assert not may_act([(False, True)] * 300)  # it was never sure
    assert not may_act([(True, n % 10 > 0) for n in range(400)])  # nine of ten


def test_the_gate_looks_at_all_and_at_each_category_of_thirty() -> None:
    old = guesses("a", 0.9, 40, 0) + guesses("b", 0.9, 30, 10)
    assert judge(old, old).passed and judge(old, None).passed
    assert not judge([], old).passed
    worse = guesses("a", 0.9, 40, 0) + guesses("b", 0.9, 28, 12)
    assert not judge(worse, old).passed
    # better in all, and one category pays for it
    traded = [Prediction("a", "a", 0.9)] * 30 + [Prediction("a", "b", 0.9)] * 10 + [Prediction("b", "b", 0.9)] * 40
    before = [Prediction("a", "a", 0.9)] * 40 + [Prediction("b", "b", 0.9)] * 20 + [Prediction("b", "c", 0.9)] * 20
    result = judge(traded, before)
    assert not result.passed and result.reasons[0].startswith("a ")
    few = [p for p in before if p.truth != "a"] + [p for p in before if p.truth == "a"][:20]
    assert judge([p if p.truth != "a" else Prediction("a", "a", 0.9) for p in few], few).passed


def held_out(by: str, day: str, right: int, wrong: int, truth: str = "x") -> list[HeldOutLabel]:
    hit, miss = Prediction("a", "a", 0.9), Prediction(truth, "a", 0.9)
    return [HeldOutLabel(by, day, hit)] * right + [HeldOutLabel(by, day, miss)] * wrong


def test_one_persons_contradictions_are_set_aside_and_several_persons_are_a_change() -> None:
    usual = held_out("a", "1", 90, 2, "q") + held_out("b", "1", 90, 1, "r") + held_out("c", "1", 90, 0)
    assert find_contradicting(usual) == []
    [batch] = find_contradicting(usual + held_out("b", "2", 0, 20))
    assert (batch.by, batch.day, batch.labels, batch.contradicted) == ("b", "2", 20, 1.0)
    assert find_contradicting(usual + held_out("b", "2", 0, 20) + held_out("c", "2", 0, 20)) == []
    spread = [label for day in range(20) for label in held_out("d", str(day), 1, 4)]
    [person] = find_contradicting(usual + spread)
    assert (person.by, person.day, person.labels) == ("d", "", 100)


@pytest.mark.parametrize(("seconded", "found"), [(0, True), (1, True), (2, True), (4, True), (5, False), (20, False)])
def test_a_few_labels_of_an_accomplice_excuse_no_batch(seconded: int, found: bool) -> None:
    usual = held_out("a", "1", 90, 2, "q") + held_out("b", "1", 90, 1, "r") + held_out("c", "1", 90, 0)
    batches = find_contradicting(usual + held_out("b", "2", 0, 20) + held_out("c", "2", 0, seconded))
    assert [(batch.by, batch.day) for batch in batches] == [("b", "2")] * found


def test_two_of_few_contradictions_are_no_second_opinion() -> None:
    usual = held_out("a", "1", 90, 0) + held_out("b", "1", 90, 0) + held_out("c", "1", 90, 0)
    alone = held_out("b", "2", 0, 10)
    assert len(find_contradicting(usual + alone + held_out("c", "2", 0, 2))) == 1
    assert find_contradicting(usual + alone + held_out("c", "2", 0, 3)) == []


def test_a_specialist_and_the_busiest_are_not_set_aside() -> None:
    usual = held_out("a", "1", 90, 2, "q") + held_out("b", "1", 90, 1, "r")
    # of what only one person labels, a model fitted on the others is not sure
    unsure = Prediction("title", "a", 0.3)
    assert find_contradicting(usual + [HeldOutLabel("c", "1", unsure)] * 40) == []
    # without the busiest there is too little to know their texts by
    assert find_contradicting(held_out("a", "1", 40, 60) + held_out("b", "1", 40, 0)) == []


def test_a_model_that_knows_too_little_sets_nobody_aside() -> None:
    assert find_contradicting(held_out("a", "1", 5, 8, "x") + held_out("b", "1", 5, 8, "y")) == []


def label(n: int, day: object, category: str = "c", *, strong: bool = True, text: str | None = None) -> LabelledText:
    return LabelledText(text or str(n), category, "request", 1.0, strong, by="desk", day=str(day))


def test_the_newest_fifth_of_strong_labels_judges() -> None:
    labels = [label(n, n // 10, strong=n % 2 == 0) for n in range(300)]
    fitted_on, gate = split_by_time(labels)
    assert gate == list(range(240, 300, 2)) and fitted_on == list(range(240))


def test_few_labels_are_judged_by_twenty_and_never_by_more_than_half() -> None:
    assert [len(split_by_time([label(n, n) for n in range(many)])[1]) for many in (60, 30, 1, 0)] == [20, 15, 0, 0]


@pytest.mark.parametrize("before", [0, 6])
def test_labels_that_are_nearly_all_of_one_day_hold_out_a_part_of_every_category(before: int) -> None:
    """A desk that catches up on a day writes category after category: its last fifth is one that nobody has seen."""
    codes = [code for code in ("a", "b", "c", "d") for _ in range(25)]
    labels = [label(n, "1") for n in range(before)] + [label(n + before, "2", code) for n, code in enumerate(codes)]
    fitted_on, gate = split_by_time(labels)
    held = Counter(labels[p].category for p in gate)
    assert set(held) == {"a", "b", "c", "d"} and all(5 <= many <= 6 for many in held.values())
    assert {labels[p].day for p in gate} == {"2"} and sorted(fitted_on + gate) == list(range(len(labels)))


def test_the_same_text_is_never_on_both_sides_of_a_day() -> None:
    labels = [label(n, "1", "ab"[n % 2], text=f"text {n % 8}") for n in range(120)]
    fitted_on, gate = split_by_time(labels)
    assert 15 <= len(gate) <= 60
    assert not {labels[p].text for p in fitted_on} & {labels[p].text for p in gate}


def test_folds_leave_most_of_a_busy_day_to_fit_on() -> None:
    labels = [label(n, "1") for n in range(95)] + [label(n + 95, "2") for n in range(5)]
    sizes = Counter(fold_groups(labels, 5))
    assert max(sizes.values()) <= 20 and len(sizes) >= 5
    few = [label(n, n // 4) for n in range(100)]
    assert set(Counter(fold_groups(few, 5)).values()) == {4}  # small days stay whole


def test_the_gate_asks_for_cases_enough_right_often_enough() -> None:
    few = judge(guesses("a", 0.9, 10, 0), None)
    assert not few.passed and few.reasons == ("judged by 10 decisions; 20 at least are needed",)
    wrong = judge(guesses("a", 0.9, 0, 20), None)
    assert not wrong.passed and wrong.reasons == ("right on 0 of 20 decisions; 40% at least are needed",)
    assert not judge(guesses("a", 0.9, 0, 20), guesses("a", 0.9, 0, 20)).passed  # the one in use is no better
    assert judge(guesses("a", 0.9, 8, 12), None).passed
    strange = judge([Prediction("new", "a", 0.9)] * 20, None, fitted={"a", "b"})
    assert "20 of the 20 decisions" in strange.reasons[0] and not strange.passed


def test_the_mix_of_labels_has_an_index() -> None:
    assert stability_index({"a": 0.5, "b": 0.5}, {"a": 0.5, "b": 0.5}) == 0
    assert stability_index({"a": 0.5, "b": 0.5}, {"a": 0.9, "b": 0.1}) > 0.2
    assert stability_index({"a": 1.0}, {"b": 1.0}) > 1


def a_week(**over: object) -> WeekOfLabels:
    usual: dict[str, object] = {
        "categories": ["a"] * 50 + ["b"] * 50,
        "predictions": guesses("a", 0.95, 95, 5),
        "overridden": [False] * 95 + [True] * 5,
        "unknown": 0.02,
    }
    return WeekOfLabels(**{**usual, **over})  # type: ignore[arg-type]


BEFORE = LearnedFrom(500, {"a": 0.5, "b": 0.5}, 0.02)


@pytest.mark.parametrize(
    ("week", "alarms"),
    [
        (a_week(), ()),
        (a_week(categories=["a"] * 95 + ["b"] * 5), ("label_mix",)),
        (a_week(predictions=guesses("a", 0.95, 70, 30)), ("calibration",)),
        (a_week(overridden=[True] * 20 + [False] * 80), ("overridden",)),
        (a_week(unknown=0.2), ("unknown_ngrams",)),
        (a_week(categories=["c"] * 10, predictions=[], overridden=[]), ()),  # too few to say anything
    ],
)
def test_each_kind_of_drift_has_its_alarm(week: WeekOfLabels, alarms: tuple[str, ...]) -> None:
    assert measure_drift(week, BEFORE).alarms == alarms


def test_chance_alone_is_no_drift() -> None:
    """A year of weeks of one mix, with opinions as right as they say."""
    chance = random.Random(5)
    shares = {f"c{n}": 1 / (n + 2) for n in range(12)}
    total = sum(shares.values())
    before = LearnedFrom(300, {code: share / total for code, share in shares.items()}, 0.02)
    alarms = 0
    for _ in range(200):
        codes = chance.choices(list(shares), list(shares.values()), k=70)
        said = [chance.uniform(0.4, 1) for _ in codes]
        predictions = [
            Prediction(c, c if chance.random() < s else "other", s) for c, s in zip(codes, said, strict=True)
        ]
        alarms += bool(measure_drift(WeekOfLabels(codes, predictions, [], 0.02), before).alarms)
    assert alarms <= 10


def uses(*steps: tuple[int, str, bool]) -> VersionUse | None:
    return version_before([VersionUse(*step) for step in steps])


def test_a_rollback_goes_to_what_was_in_use_before() -> None:
    assert uses((1, "shadow", False)) is None
    assert uses((1, "shadow", False), (1, "acting", False), (2, "acting", False)) == VersionUse(1, "acting", False)
    # rolled back from 3 to 2: the next goes to 1, not to 3 again
    back = uses((1, "acting", False), (2, "acting", False), (3, "acting", False), (2, "acting", True))
    assert back == VersionUse(1, "acting", False)
    # by hand from 5 to 2: the next goes to 5
    assert uses((5, "acting", False), (2, "shadow", False)) == VersionUse(5, "acting", False)
