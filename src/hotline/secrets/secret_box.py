"""Encrypts secrets that must be read again, with a key derived from HOTLINE_SECRET: a copy of the database alone does
not reveal them."""

import base64
import hmac
import secrets
from typing import TYPE_CHECKING, Any

import orjson

from hotline.refusals import Code, Refusal, Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

WRONG_SECRET = Refusal(Code.UNAVAILABLE, "the secrets were sealed with another HOTLINE_SECRET")


def _cipher(secret: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 7 MB that a server without secrets need not hold

    return AESGCM(hmac.digest(secret, b"sealing", "sha256"))


def seal(secret: bytes, context: str, value: Any) -> str:
    """`value` (JSON) encrypted with AES-GCM for one `context`, as base64. Under another context it cannot be
    decrypted."""
    nonce = secrets.token_bytes(12)
    return base64.b64encode(nonce + _cipher(secret).encrypt(nonce, orjson.dumps(value), context.encode())).decode()


def unseal(secret: bytes, context: str, sealed: str) -> Any:
    """The value that was sealed. Raises Refused where it was sealed with another secret or for another context."""
    from cryptography.exceptions import InvalidTag

    raw = base64.b64decode(sealed)
    try:
        return orjson.loads(_cipher(secret).decrypt(raw[:12], raw[12:], context.encode()))
    except InvalidTag:
        raise Refused(WRONG_SECRET) from None
