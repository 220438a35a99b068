"""Hashes of rows that form a chain: each covers a row's values and the hash of the row before it. They are keyed: the
values are personal data that can be guessed, and stand sealed beside them.

The encoding is the same whatever database the values come from: JSON with sorted keys, moments in UTC with
microseconds, numbers in one form."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import orjson

from hotline.server_secret import keyed_digest

GENESIS = ""  # before the first row
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS  # whose fields would not be sorted
# numbers that jsonb gives back in another form: 1e20 as digits, -0.0 without its sign. Not the 3e within an id
_UNSTABLE_NUMBER = re.compile(rb"[:,\[](?:-0\.0(?![0-9])|-?[0-9.]+[eE])")
# a row without these has no such number: a search that begins with one character is four times as quick
_MINUS_ZERO, _EXPONENT = b"-0.0", re.compile(rb"e(?<=[0-9.]e)[-+]?[0-9]+[,\]}]")


def chain_hash(key: bytes, before: str, values: Sequence[Any]) -> str:
    """The hash of a row, as 64 hexadecimal digits. `key`: `server_secret.digest_key`; `before`: the hash of the row
    before it."""
    return keyed_digest(key, before.encode() + encode_values(values)).hex()


def public_chain_hash(before: str, values: Sequence[Any]) -> str:
    """The same without a key, for values that hold no personal data: whoever is given them can compute it."""
    return hashlib.sha256(before.encode() + encode_values(values)).hexdigest()


def encode_values(values: Sequence[Any]) -> bytes:
    """The values as bytes that only these values have. A moment that is a value of its own is given as text, by
    `format_instant`; one within a document is encoded as the document is stored."""
    encoded = orjson.dumps(values, default=_encode_other, option=_OPTIONS)
    if (_MINUS_ZERO in encoded or _EXPONENT.search(encoded)) and _UNSTABLE_NUMBER.search(encoded):
        encoded = orjson.dumps(_stable(orjson.loads(encoded)), option=_OPTIONS)
    return encoded


def _encode_other(value: Any) -> Any:
    return {f.name: getattr(value, f.name) for f in fields(value)}


def _stable(value: Any) -> Any:
    if isinstance(value, float):
        if value == 0:
            return 0.0
        # beyond 64 bits the digits that jsonb gives are read as the number with an exponent that was told
        return int(value) if value.is_integer() and abs(value) >= 1e15 and -(2**63) <= value < 2**64 else value
    if isinstance(value, Mapping):
        return {key: _stable(inner) for key, inner in value.items()}
    return [_stable(inner) for inner in value] if isinstance(value, list) else value
