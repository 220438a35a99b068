"""Hashed character n-grams: what the linear model sees of a text. The same function serves fitting and use."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ids: TypeAlias = NDArray[np.int64]
BITS = 18
SLOTS = 1 << BITS
LONGEST = 2000  # characters of a text that are looked at
_ONE, _LEFT, _RIGHT = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
_SHIFT = np.uint32(32 - BITS)


def hash_ngrams(text: str) -> Ids:
    """The slot of every character, then of every pair of neighbours, in the order of the text."""
    codes = np.frombuffer(text[:LONGEST].encode("utf-32-le", "replace"), dtype="<u4")
    if not len(codes):
        return np.empty(0, dtype=np.int64)
    hashes = np.empty(2 * len(codes) - 1, dtype=np.uint32)
    np.multiply(codes, _ONE, out=hashes[: len(codes)])
    np.bitwise_xor(codes[:-1] * _LEFT, codes[1:] * _RIGHT, out=hashes[len(codes) :])
    hashes[len(codes) :] *= _ONE
    return (hashes >> _SHIFT).astype(np.int64)


def ngram_at(text: str, place: int) -> str:
    """The n-gram whose slot stands at `place` in what `hash_ngrams` gives."""
    size = min(len(text), LONGEST)
    return text[place] if place < size else text[place - size : place - size + 2]
