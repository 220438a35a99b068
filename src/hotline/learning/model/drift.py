"""Whether a model still fits what comes in: compared once a week with the time it learned from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hotline.learning.model.calibration import Prediction, calibration_error
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


def measure_drift(week: WeekOfLabels, mix: Mapping[str, float], unknown_before: float) -> DriftFigures:
    """`mix`: the share of each category among the labels the model was fitted on, `unknown_before`: the share of
    unknown n-grams in texts of that time that it was not fitted on."""
    enough = len(week.categories) >= ENOUGH
    shift = stability_index(mix, label_mix(week.categories)) if enough else None
    error = calibration_error(week.predictions) if len(week.predictions) >= ENOUGH else None
    sure = len(week.overridden)
    overridden = sum(week.overridden) / sure if sure >= ENOUGH // 2 else None
    alarms = []
    if shift is not None and shift > MOST_SHIFT + _noise(mix, len(week.categories)):
        alarms.append("label_mix")
    if error is not None and error > MOST_ERROR:
        alarms.append("calibration")
    if overridden is not None and overridden > MOST_OVERRIDDEN:
        alarms.append("overridden")
    if enough and week.unknown is not None and week.unknown > max(LEAST_UNKNOWN, MOST_UNKNOWN * unknown_before):
        alarms.append("unknown_ngrams")
    return DriftFigures(len(week.categories), shift, error, overridden, week.unknown, tuple(alarms))


def _noise(mix: Mapping[str, float], labels: int) -> float:
    """What the index of an unchanged mix is expected to be by chance alone in a week of so many labels."""
    return max(0, len(mix) - 1) / labels
