"""How reliable a model's confidence is: thresholds, calibration error, the record that lets it act."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TARGET = 0.95  # share that must be right where the model decides
LABELS_TO_ACT = 300  # labels with a recorded opinion before a model may act
SURE_TO_ACT = 50  # and so many of them where it was sure: fewer prove nothing
RECENT = 1000  # labels that the record looks back on
BINS = 10


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said of a labelled text: the category, and how likely it is by its own account (0-1)."""

    truth: str
    guess: str
    confidence: float

    @property
    def right(self) -> bool:
        return self.guess == self.truth


@dataclass(frozen=True, slots=True)
class CategoryScore:
    """`labels`: texts that are of the category; f1: 0-1."""

    labels: int
    f1: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """`covered`: the share of texts on which the model is sure; `right`: the share of those that is right, None: of
    none."""

    total: int
    sure: int
    right: float | None

    @property
    def covered(self) -> float:
        return self.sure / self.total if self.total else 0.0


def choose_thresholds(predictions: Sequence[Prediction], target: float = TARGET) -> dict[str, float]:
    """For each category the lowest confidence from which on at least `target` of the guesses are right, counted with
    one right and one wrong guess added, so that few guesses prove nothing. A category without one is absent: there
    the model never decides."""
    by_guess: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        by_guess.setdefault(prediction.guess, []).append(prediction)
    thresholds: dict[str, float] = {}
    for category, guesses in sorted(by_guess.items()):
        guesses.sort(key=lambda p: -p.confidence)
        right = 0
        for count, prediction in enumerate(guesses, start=1):
            right += prediction.right
            last = count == len(guesses) or guesses[count].confidence < prediction.confidence
            if last and (right + 1) / (count + 2) >= target:
                thresholds[category] = math.floor(prediction.confidence * 1000) / 1000
    return thresholds


def measure_coverage(predictions: Sequence[Prediction], thresholds: Mapping[str, float]) -> Coverage:
    """How often the model is sure, and right where it is."""
    sure = [p for p in predictions if p.confidence >= thresholds.get(p.guess, 2.0)]
    return Coverage(len(predictions), len(sure), sum(p.right for p in sure) / len(sure) if sure else None)


def calibration_bins(predictions: Sequence[Prediction]) -> list[tuple[int, float, float]]:
    """Ten bins by confidence, lowest first: (guesses, mean confidence, share right); empty ones are zeros."""
    bins: list[list[Prediction]] = [[] for _ in range(BINS)]
    for prediction in predictions:
        bins[min(BINS - 1, int(prediction.confidence * BINS))].append(prediction)
    return [
        (len(b), sum(p.confidence for p in b) / len(b), sum(p.right for p in b) / len(b)) if b else (0, 0.0, 0.0)
        for b in bins
    ]


def calibration_error(predictions: Sequence[Prediction]) -> float | None:
    """Expected calibration error over ten bins: the mean distance of confidence and share right, weighed by guesses.
    None: no predictions."""
    if not predictions:
        return None
    return sum(n * abs(said - right) for n, said, right in calibration_bins(predictions)) / len(predictions)


def chance_error(predictions: Sequence[Prediction]) -> float:
    """The calibration error that so few predictions of a perfectly calibrated model show by chance."""
    if not predictions:
        return 0.0
    bins = calibration_bins(predictions)
    return sum(math.sqrt(n * said * (1 - min(1.0, said))) for n, said, _ in bins) / len(predictions)


def accuracy(predictions: Sequence[Prediction]) -> float | None:
    return sum(p.right for p in predictions) / len(predictions) if predictions else None


def score_categories(predictions: Sequence[Prediction]) -> dict[str, CategoryScore]:
    """The score of each category that is a truth or a guess."""
    truths: dict[str, int] = {}
    guesses: dict[str, int] = {}
    hits: dict[str, int] = {}
    for p in predictions:
        truths[p.truth] = truths.get(p.truth, 0) + 1
        guesses[p.guess] = guesses.get(p.guess, 0) + 1
        hits[p.truth] = hits.get(p.truth, 0) + p.right
    return {
        category: CategoryScore(
            truths.get(category, 0),
            2 * hits.get(category, 0) / (truths.get(category, 0) + guesses.get(category, 0)),
        )
        for category in sorted({*truths, *guesses})
    }


def may_act(recorded: Sequence[tuple[bool, bool]]) -> bool:
    """Whether a model in shadow has shown enough. `recorded`: (it was sure, it was right) of each label with an
    opinion at intake, newest last."""
    recent = recorded[-RECENT:]
    sure = [right for was_sure, right in recent if was_sure]
    return len(recorded) >= LABELS_TO_ACT and len(sure) >= SURE_TO_ACT and sum(sure) / len(sure) >= TARGET
