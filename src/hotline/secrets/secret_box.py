"""Encrypts secrets that must be read again, with a key derived from HOTLINE_SECRET: a copy of the database alone does
not reveal them.

A sealed value is base64, and while HOTLINE_SECRET is replaced begins with the id of the secret that sealed it and a
point. Every column that holds such values is registered (`Capability.sealed`), so that `hotline secret rotate` seals
them anew. The sealed text of a value changes then: a checksum is made of what it says, never of its sealed text."""

import base64
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from hotline.refusals import Code, Refusal, Refused
from hotline.server_secret import accepted_secrets

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

WRONG_SECRET = Refusal(Code.UNAVAILABLE, "the secrets were sealed with another HOTLINE_SECRET")
ID_LENGTH = 8  # hexadecimal digits, and a point behind them


@lru_cache(maxsize=16)
def _cipher(secret: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 7 MB that a server without secrets need not hold

    return AESGCM(hmac.digest(secret, b"sealing", "sha256"))


@lru_cache(maxsize=16)
def secret_id(secret: bytes) -> str:
    """The short name of a secret, which tells nothing about it."""
    return hmac.digest(secret, b"secret id", "sha256").hex()[:ID_LENGTH]


def seal(secret: bytes, context: str, value: Any) -> str:
    """`value` (JSON) encrypted with AES-GCM for one `context`, as base64. Under another context it cannot be
    decrypted."""
    nonce = secrets.token_bytes(12)
    sealed = base64.b64encode(nonce + _cipher(secret).encrypt(nonce, orjson.dumps(value), context.encode())).decode()
    return f"{secret_id(secret)}.{sealed}" if len(accepted_secrets(secret)) > 1 else sealed


def unseal(secret: bytes, context: str, sealed: str) -> Any:
    """The value that was sealed, with the current secret or one before it that is still accepted. Raises Refused where
    it was sealed with another secret or for another context."""
    from cryptography.exceptions import InvalidTag

    sealed_by, _, text = sealed.rpartition(".")
    raw = base64.b64decode(text)
    for each in accepted_secrets(secret):
        if sealed_by and sealed_by != secret_id(each):
            continue
        try:
            return orjson.loads(_cipher(each).decrypt(raw[:12], raw[12:], context.encode()))
        except InvalidTag:
            continue
    raise Refused(WRONG_SECRET)


def is_sealed_by(secret: bytes, context: str, sealed: str) -> bool:
    """Whether this secret alone opens a value, whatever others are accepted."""
    try:
        unseal(bytes(secret), context, sealed)
    except (Refused, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of sealed values. `context`: what a row's value was sealed for, from its primary key and the columns
    `context_columns`. `where`: which rows hold a sealed value; None: all in which the column is not null."""

    table: sa.Table
    column: str
    context: Callable[[Mapping[str, Any]], str]
    context_columns: tuple[str, ...] = ()
    where: sa.ColumnElement[bool] | None = None


class SealedColumns:
    """Every column of sealed values, of every package."""

    def __init__(self, load: Callable[[], list[SealedColumn]]) -> None:
        self._load = load

    def all(self) -> list[SealedColumn]:
        return self._load()
