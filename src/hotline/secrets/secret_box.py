"""Secrets we must be able to use again, sealed with the server's own: a dump of the database tells none of them."""

import base64
import hmac
import secrets
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hotline.refusals import Code, Refusal, Refused

UNSEALED = Refusal(Code.UNAVAILABLE, "the secrets were sealed with another HOTLINE_SECRET")


def _key(secret: bytes) -> AESGCM:
    return AESGCM(hmac.digest(secret, b"sealing", "sha256"))


def seal(secret: bytes, place: str, value: Any) -> str:
    """`value` sealed for one place: moved to another row, it cannot be opened."""
    nonce = secrets.token_bytes(12)
    return base64.b64encode(nonce + _key(secret).encrypt(nonce, orjson.dumps(value), place.encode())).decode()


def unseal(secret: bytes, place: str, sealed: str) -> Any:
    """The value again. Raises Refused where it was sealed with another secret, or for another place."""
    raw = base64.b64decode(sealed)
    try:
        return orjson.loads(_key(secret).decrypt(raw[:12], raw[12:], place.encode()))
    except InvalidTag:
        raise Refused(UNSEALED) from None
