"""Uses a fitted model: some twenty numpy calls for a text, no database, no scikit-learn."""

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hotline.learning.model.training import ModelHead
from hotline.learning.ngrams import LONGEST, SLOTS, hash_ngrams, ngram_at
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Kind
from hotline.triage.model.opinion import Opinion

SHOWN = 3  # n-grams named as reasons
_KINDS = {kind.value: kind for kind in Kind}
_SCALE = np.float32(2.0**112)  # the exponent of a half float counts from 15, that of a float from 127
_SIGN_AND_HALF = np.int32(~0x70001FFF)
_ONES = np.ones(2 * LONGEST, dtype=np.float32)


def pack_arrays(slots: NDArray[Any], coefficients: NDArray[Any], bias: NDArray[Any]) -> bytes:
    """The arrays of a model: `slots` (n-grams kept, ascending), a row of coefficients for each and a column per class
    of all heads, and the bias of each column."""
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        slots=slots.astype(np.int32),
        coefficients=coefficients.astype(np.float16),
        bias=bias.astype(np.float32),
    )
    return packed.getvalue()


def hash_arrays(arrays: bytes) -> str:
    """What a version is known by: SHA-256 in hex."""
    return hashlib.sha256(arrays).hexdigest()


@dataclass(frozen=True, slots=True)
class ModelMeta:
    """What is known of a version beside its arrays. `version` counts from 1."""

    version: int
    acting: bool
    heads: Sequence[ModelHead]
    thresholds: Mapping[str, float]


class LinearModel:
    """A version ready for use."""

    def __init__(self, meta: ModelMeta, arrays: bytes) -> None:
        """Raises ValueError where the arrays are not those of the heads."""
        self.meta = meta
        with np.load(io.BytesIO(arrays), allow_pickle=False) as kept:
            slots, coefficients, bias = kept["slots"], kept["coefficients"], kept["bias"]
        if coefficients.shape != (len(slots), len(bias)) or len(bias) != sum(len(h.classes) for h in meta.heads):
            raise ValueError("the arrays of the version are not complete")
        # the first row is of every n-gram that is not known
        self._weights = np.zeros((len(slots) + 1, len(bias)), dtype=np.float16)
        self._weights[1:] = coefficients
        self._row_of: NDArray[np.uint16] = np.zeros(SLOTS, dtype=np.uint16)  # MOST_NGRAMS fit in it
        self._row_of[slots] = np.arange(1, len(slots) + 1)
        self._bias = bias
        self._columns: dict[str, tuple[slice, tuple[str, ...]]] = {}
        first = 0
        for head in meta.heads:
            self._columns[head.name] = (slice(first, first + len(head.classes)), head.classes)
            first += len(head.classes)

    def form_opinion(self, text: str, directory: Directory) -> Opinion:
        """The opinion on a folded text. What the directory lacks, or has retired, is not named: then it abstains."""
        meta = self.meta
        rows = self._row_of.take(hash_ngrams(text))
        margins = self._margins(rows)
        columns, classes = self._columns["category"]
        own = margins[columns]
        best = int(own.argmax())
        category = classes[best]
        named = directory.categories.get(category)
        if named is None or not named.active:
            return Opinion(meta.version, meta.acting, None, 0.0, sure=False)
        confidence = 1.0 / float(np.exp(own - own[best]).sum())
        sure = confidence >= meta.thresholds.get(category, 2.0)
        kind, department = self._code("kind", margins), self._code("department", margins)
        unit = directory.departments.get(department) if department else None
        return Opinion(
            version=meta.version,
            acting=meta.acting,
            category=category,
            confidence=confidence,
            sure=sure,
            kind=_KINDS.get(kind or ""),
            department=unit.code if unit is not None and unit.active else None,
            ngrams=_weighty(text, rows, self._weights[rows, columns.start + best].astype(np.float32)),
        )

    def predict(self, text: str) -> tuple[str, float]:
        """The category and the confidence, whatever the directory has."""
        margins = self._margins(self._row_of.take(hash_ngrams(text)))
        columns, classes = self._columns["category"]
        own = margins[columns]
        best = int(own.argmax())
        return classes[best], 1.0 / float(np.exp(own - own[best]).sum())

    def unknown_share(self, texts: Sequence[str]) -> float | None:
        """The share of the texts' n-grams that the model does not know. None: there are none."""
        rows = [self._row_of.take(hash_ngrams(text)) for text in texts]
        total = sum(len(each) for each in rows)
        return sum(int((each == 0).sum()) for each in rows) / total if total else None

    def _margins(self, rows: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Of every column. `rows`: of each n-gram of the text."""
        if not len(rows):
            return np.asarray(self._bias)
        # three times as fast as sum()
        summed = _ONES[: len(rows)] @ _widened(self._weights.view(np.int16).take(rows, axis=0)) * _SCALE
        return np.asarray(summed / np.float32(len(rows) ** 0.5) + self._bias)

    def _code(self, head: str, margins: NDArray[np.float32]) -> str | None:
        if head not in self._columns:
            return None
        columns, classes = self._columns[head]
        own = margins[columns]
        best = int(own.argmax())
        return classes[best] if own[best] > 0 else None


def _widened(halves: NDArray[np.int16]) -> NDArray[np.float32]:
    """The bits of half floats as floats that are 2 ** 112 too small: exact, as the sum is. numpy takes eight times as
    long, and twice the memory to keep them as floats is too much."""
    wide = halves.astype(np.int32)
    wide <<= 13
    wide &= _SIGN_AND_HALF
    return wide.view(np.float32)


def _weighty(text: str, rows: NDArray[np.uint16], weights: NDArray[np.float32]) -> tuple[str, ...]:
    """The n-grams that speak most for a column, most first, each once. `rows` and `weights`: of each n-gram of the
    text."""
    found: list[str] = []
    while len(weights) and len(found) < SHOWN:
        place = int(weights.argmax())
        if weights[place] <= 0:
            break
        found.append(ngram_at(text, place))
        weights[rows == rows[place]] = 0
    return tuple(found)
