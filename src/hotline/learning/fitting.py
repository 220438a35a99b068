"""Fits a linear model over hashed n-grams. The only module that imports scikit-learn; it runs in a process of its own:
`python -m hotline.learning.fitting` reads a task on standard input and writes the result to standard output."""

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from hotline.learning.fit_process import decode_task, encode_result
from hotline.learning.model.calibration import Prediction, choose_thresholds
from hotline.learning.model.gate import HeldOutLabel, LabelBatch, find_contradicting, is_set_aside
from hotline.learning.model.labels import label_mix
from hotline.learning.model.training import (
    HINT_WEIGHT,
    FitResult,
    FitTask,
    LabelledText,
    ModelHead,
    fold_groups,
    split_by_time,
)
from hotline.learning.ngrams import hash_ngrams
from hotline.learning.scoring import pack_arrays

Matrix = NDArray[np.float64]
MOST_NGRAMS = 32_768  # the most frequent slots are kept: 4 MB for sixty codes in the process that uses them
DIMENSIONS = 100
REDUCED_BELOW = 5_000  # labels; above, the n-grams themselves are the better features (measured)
FOLDS = 5
NICENESS = 10  # requests have priority


@dataclass(frozen=True)
class _Weights:
    """A column per class: `coefficients` by n-gram, `bias`."""

    classes: tuple[str, ...]
    coefficients: Matrix
    bias: Matrix

    def margins(self, features: Any) -> Matrix:
        return np.asarray(features @ self.coefficients + self.bias)


@dataclass(frozen=True)
class _HeldOut:
    """What models fitted without them say of the labels at `places`. `margins`: a row each."""

    places: list[int]
    classes: tuple[str, ...]
    margins: Matrix

    def predictions(self, labels: Sequence[LabelledText], temperature: float) -> list[Prediction]:
        return _predictions(self.margins, self.classes, temperature, [labels[p].category for p in self.places])


class _Corpus:
    """The texts of a task as rows over the n-grams that are kept."""

    def __init__(self, task: FitTask) -> None:
        self.labels = list(task.labelled)
        texts = [*(label.text for label in self.labels), *(text for text, _ in task.hints), *task.unlabelled]
        hashed = [hash_ngrams(text) for text in texts]
        counts = Counter(int(slot) for slots in hashed for slot in np.unique(slots))
        self.slots = np.array(sorted(slot for slot, _ in counts.most_common(MOST_NGRAMS)), dtype=np.int64)
        rows = _rows(hashed, self.slots)
        many = len(self.labels)
        self.features, self.hints = rows[:many], rows[many : many + len(task.hints)]
        self.hinted = [category for _, category in task.hints]
        self.unlabelled = rows[many + len(task.hints) :]

    @cached_property
    def reducing(self) -> TruncatedSVD:
        """Which n-grams go together in all texts, whatever their labels."""
        known = sp.vstack([self.features, self.unlabelled]).tocsr()
        size = min(DIMENSIONS, known.shape[0] - 1, known.shape[1] - 1)
        return TruncatedSVD(size, random_state=0).fit(known)

    def fit_categories(self, places: Sequence[int], *, reduced: bool = False, hinted: bool = True) -> _Weights | None:
        named = [self.labels[p].category for p in places]
        weights = [self.labels[p].weight for p in places]
        features = self.features[list(places)]
        if hinted:
            named, weights = named + self.hinted, weights + [HINT_WEIGHT] * len(self.hinted)
            features = sp.vstack([features, self.hints]).tocsr()
        if not reduced:
            return _fit(features, named, weights)
        fitted = _fit(self.reducing.transform(features), named, weights)
        # still linear in the n-grams: used like any other
        return fitted and _Weights(fitted.classes, self.reducing.components_.T @ fitted.coefficients, fitted.bias)

    def hold_out(self, places: Sequence[int], *, reduced: bool = False) -> _HeldOut | None:
        """Each label predicted without those of its labeller on that day, or without a part of them where they are more
        than a fold."""
        return self._hold_out(places, fold_groups([self.labels[p] for p in places], FOLDS), reduced, True)

    def hold_out_labellers(self, places: Sequence[int]) -> _HeldOut | None:
        """Each label predicted without those of its labeller, or of that day where there are fewer than three; from
        labels alone."""
        labels = [self.labels[p] for p in places]
        many = len({label.by for label in labels}) >= 3
        return self._hold_out(places, [x.by if many else f"{x.by} {x.day}" for x in labels], False, False)

    def _hold_out(self, places: Sequence[int], groups: Sequence[str], reduced: bool, hinted: bool) -> _HeldOut | None:
        labels = [self.labels[p] for p in places]
        if len(set(groups)) < 2:
            groups = [str(n) for n in range(len(labels))]
        classes = tuple(sorted({*(label.category for label in labels), *self.hinted}))
        margins = np.full((len(labels), len(classes)), -1.0)
        folds = GroupKFold(min(FOLDS, len(set(groups))))
        for fitted_on, held in folds.split(labels, groups=groups):
            weights = self.fit_categories([places[n] for n in fitted_on], reduced=reduced, hinted=hinted)
            if weights is None:
                return None
            columns = [classes.index(code) for code in weights.classes]
            margins[np.ix_(held, columns)] = weights.margins(self.features[[places[n] for n in held]])
        return _HeldOut(list(places), classes, margins)


def fit(task: FitTask) -> FitResult:
    """Fit, calibrate, and predict the labels of the gate. Raises ValueError where there are not two categories."""
    corpus = _Corpus(task)
    fitted_on, gate = split_by_time(task.labelled)
    aside = _find_set_aside(corpus, [*fitted_on, *gate])
    labels = corpus.labels
    fitted_on = [p for p in fitted_on if not is_set_aside(aside, labels[p].by, labels[p].day)]
    gate = [p for p in gate if not is_set_aside(aside, labels[p].by, labels[p].day)]
    held_out, reduced = _choose_features(corpus, fitted_on)
    weights = corpus.fit_categories(fitted_on, reduced=reduced)
    if weights is None or held_out is None:
        raise ValueError("labels of two categories at least are needed")
    truths = [labels[p].category for p in held_out.places]
    temperature = _fit_temperature(held_out.margins, held_out.classes, truths)
    heads = {"category": _Weights(weights.classes, weights.coefficients / temperature, weights.bias / temperature)}
    heads |= _other_heads(corpus, fitted_on)
    margins = weights.margins(corpus.features[gate])
    used = {name: head.classes for name, head in heads.items()}
    return FitResult(
        arrays=pack_arrays(
            corpus.slots,
            np.hstack([head.coefficients for head in heads.values()]),
            np.hstack([head.bias for head in heads.values()]),
        ),
        heads=tuple(ModelHead(name, classes) for name, classes in used.items()),
        thresholds=choose_thresholds(held_out.predictions(labels, temperature)),
        temperature=temperature,
        gate=tuple(gate),
        predictions=tuple(_predictions(margins, weights.classes, temperature, [labels[p].category for p in gate])),
        mix=label_mix(labels[p].category for p in fitted_on),
        unknown=_unknown_share(corpus, fitted_on, gate),
        fitted_on=len(fitted_on),
        reduced=reduced,
        set_aside=tuple(aside),
    )


def _find_set_aside(corpus: _Corpus, places: Sequence[int]) -> list[LabelBatch]:
    strong = [p for p in places if corpus.labels[p].strong]
    held_out = corpus.hold_out_labellers(strong) if len(strong) > FOLDS else None
    if held_out is None:
        return []
    labels = [corpus.labels[p] for p in strong]
    temperature = _fit_temperature(held_out.margins, held_out.classes, [corpus.labels[p].category for p in strong])
    predictions = held_out.predictions(corpus.labels, temperature)
    return find_contradicting(
        [HeldOutLabel(label.by, label.day, p) for label, p in zip(labels, predictions, strict=True)]
    )


def _choose_features(corpus: _Corpus, places: Sequence[int]) -> tuple[_HeldOut | None, bool]:
    """The n-grams, or what goes together among them: whichever predicts held-out labels better."""
    if len(places) <= FOLDS:
        return None, False
    plain = corpus.hold_out(places)
    if plain is None or len(places) >= REDUCED_BELOW or not corpus.unlabelled.shape[0]:
        return plain, False
    other = corpus.hold_out(places, reduced=True)
    if other is not None and _share_right(corpus, other) > _share_right(corpus, plain):
        return other, True
    return plain, False


def _share_right(corpus: _Corpus, held_out: _HeldOut) -> float:
    predictions = held_out.predictions(corpus.labels, 1.0)
    return sum(p.right for p in predictions) / len(predictions)


def _other_heads(corpus: _Corpus, places: Sequence[int]) -> dict[str, _Weights]:
    """Kind and department, where there are two of them at least."""
    heads: dict[str, _Weights] = {}
    labels = [corpus.labels[p] for p in places]
    kinds = _fit(corpus.features[list(places)], [x.kind for x in labels], [x.weight for x in labels])
    if kinds is not None:
        heads["kind"] = kinds
    sent = [(p, x) for p, x in zip(places, labels, strict=True) if x.department and x.department_weight > 0]
    if sent:
        features = corpus.features[[p for p, _ in sent]]
        departments = _fit(features, [x.department or "" for _, x in sent], [x.department_weight for _, x in sent])
        if departments is not None:
            heads["department"] = departments
    return heads


def _rows(hashed: Sequence[NDArray[np.int64]], slots: NDArray[np.int64]) -> Any:
    """One row a text: how often each kept n-gram stands in it, over the square root of its length in n-grams."""
    lengths = np.array([len(each) for each in hashed], dtype=np.int64)
    every = np.concatenate([*hashed, np.empty(0, dtype=np.int64)])
    texts = np.repeat(np.arange(len(hashed)), lengths)
    columns = np.searchsorted(slots, every)
    kept = columns < len(slots)
    kept[kept] = slots[columns[kept]] == every[kept]
    values = 1 / np.sqrt(np.maximum(lengths, 1))[texts[kept]]
    return sp.csr_matrix((values, (texts[kept], columns[kept])), shape=(len(hashed), len(slots)))


def _fit(features: Any, named: Sequence[str], weights: Sequence[float]) -> _Weights | None:
    if len(set(named)) < 2:
        return None
    fitted = LinearSVC(C=1.0, random_state=0).fit(features, named, sample_weight=weights)
    coefficients, bias = fitted.coef_.T, fitted.intercept_
    if len(fitted.classes_) == 2:  # one column says which of the two
        coefficients, bias = np.hstack([-coefficients, coefficients]), np.array([-bias[0], bias[0]])
    return _Weights(tuple(map(str, fitted.classes_)), coefficients, bias)


def _softmax(margins: Matrix, temperature: float) -> Matrix:
    raised = np.exp((margins - margins.max(axis=1, keepdims=True)) / temperature)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _predictions(
    margins: Matrix, classes: Sequence[str], temperature: float, truths: Sequence[str]
) -> list[Prediction]:
    if not len(truths):
        return []
    shares = _softmax(margins, temperature)
    best = shares.argmax(axis=1)
    return [
        Prediction(truth, classes[int(n)], float(share[n]))
        for truth, n, share in zip(truths, best, shares, strict=True)
    ]


def _fit_temperature(margins: Matrix, classes: Sequence[str], truths: Sequence[str]) -> float:
    """The one number that the margins are divided by, so that the likelihood of the held-out labels is highest."""
    columns = np.array([classes.index(truth) for truth in truths])
    rows = np.arange(len(columns))

    def loss(temperature: float) -> float:
        return float(-np.log(np.maximum(_softmax(margins, temperature)[rows, columns], 1e-9)).mean())

    return float(min(np.geomspace(0.05, 2.0, 60), key=loss))


def _unknown_share(corpus: _Corpus, fitted_on: Sequence[int], gate: Sequence[int]) -> float:
    """Of the n-grams of the gate's texts, how many do not stand in any of the fitted texts."""
    known = np.union1d(corpus.features[list(fitted_on)].indices, corpus.hints.indices)
    seen = corpus.features[list(gate)].indices
    return float(1 - np.isin(seen, known).mean()) if len(seen) else 0.0


def main() -> None:
    """Read a task, fit, write the result."""
    os.nice(NICENESS)
    task = decode_task(sys.stdin.buffer.read())
    with threadpool_limits(1):  # several threads of the linear algebra wait for each other on a busy machine
        result = fit(task)
    sys.stdout.buffer.write(encode_result(result))


if __name__ == "__main__":
    main()
