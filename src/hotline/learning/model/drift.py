"""Whether a model still fits what comes in: compared once a week with the time it learned from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hotline.learning.model.calibration import Prediction, calibration_error, chance_error
from hotline.learning.model.labels import label_mix

MOST_SHIFT = 0.2  # population stability index of the label mix: above it, the mix is another one
MOST_ERROR = 0.1  # expected calibration error
MOST_OVERRIDDEN = 0.1  # share of its sure opinions that a person decided otherwise: twice what TARGET allows
MOST_UNKNOWN = 2.0  # how many times as many unknown n-grams as in the texts it learned from
LEAST_UNKNOWN = 0.05  # a share of unknown n-grams below this is none to speak of
ENOUGH = 50  # labels of a week; fewer say nothing
_FLOOR = 0.005  # a category that is absent counts as this share: a logarithm of nothing is no figure


@dataclass(frozen=True, slots=True)
class WeekOfLabels:
    """A week: its labels with the opinions recorded at intake, of `sure` ones whether a person decided otherwise, and
    the share of n-grams the model does not know (None: no texts)."""

    categories: Sequence[str]
    predictions: Sequence[Prediction]
    overridden: Sequence[bool]
    unknown: float | None


@dataclass(frozen=True, slots=True)
class DriftFigures:
    """A figure is None where the week has too few labels for it. `alarms`: the figures beyond their bounds."""

    labels: int
    shift: float | None
    error: float | None
    overridden: float | None
    unknown: float | None
    alarms: tuple[str, ...] = ()


def stability_index(before: Mapping[str, float], now: Mapping[str, float]) -> float:
    """Population stability index of two mixes of shares: 0 for the same, above .2 for another population."""
    total = 0.0
    for name in {*before, *now}:
        a, b = max(before.get(name, 0.0), _FLOOR), max(now.get(name, 0.0), _FLOOR)
        total += (b - a) * math.log(b / a)
    return total


@dataclass(frozen=True, slots=True)
class LearnedFrom:
    """What a version was fitted on: how many labels, the share of each category among them, and the share of unknown
    n-grams in texts of that time that it was not fitted on."""

    labels: int
    mix: Mapping[str, float]
    unknown: float


def measure_drift(week: WeekOfLabels, before: LearnedFrom) -> DriftFigures:
    """The figures of a week, and which of them are beyond their bounds by more than chance."""
    enough = len(week.categories) >= ENOUGH
    now = label_mix(week.categories)
    shift = stability_index(before.mix, now) if enough else None
    error = calibration_error(week.predictions) if len(week.predictions) >= ENOUGH else None
    sure = len(week.overridden)
    overridden = sum(week.overridden) / sure if sure >= ENOUGH // 2 else None
    alarms = []
    if shift is not None and shift > MOST_SHIFT + _chance_shift(
        len({*before.mix, *now}), before.labels, len(week.categories)
    ):
        alarms.append("label_mix")
    if error is not None and error > MOST_ERROR + chance_error(week.predictions):
        alarms.append("calibration")
    if overridden is not None and overridden > MOST_OVERRIDDEN:
        alarms.append("overridden")
    if enough and week.unknown is not None and week.unknown > max(LEAST_UNKNOWN, MOST_UNKNOWN * before.unknown):
        alarms.append("unknown_ngrams")
    return DriftFigures(len(week.categories), shift, error, overridden, week.unknown, tuple(alarms))


def _chance_shift(categories: int, before: int, now: int) -> float:
    """The index that two samples of one mix rarely exceed: times its scale it is chi-squared with one degree less than
    there are categories; this is its mean and two standard deviations."""
    degrees = max(0, categories - 1)
    return (1 / max(1, before) + 1 / max(1, now)) * (degrees + 2 * math.sqrt(2 * degrees))
