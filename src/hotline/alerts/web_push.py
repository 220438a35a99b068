"""Web Push: messages encrypted for one browser (RFC 8291, RFC 8188), and who sends them (VAPID, RFC 8292)."""

import base64
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from hotline.delivery.notices import GatewayRefused
from hotline.delivery.provider_client import send_request

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

RECORD = 4096  # bytes; what push services take at most
TOKEN_LIFE = timedelta(hours=12)  # RFC 8292 allows 24
LIFETIME = 1800  # seconds that a push service keeps a message for a device that is off: an old danger helps nobody


@dataclass(frozen=True, slots=True)
class PushTarget:
    """A browser as it subscribed: its address at the push service, its key and secret (base64url)."""

    endpoint: str
    p256dh: str
    auth: str


def decode(text: str) -> bytes:
    """Base64url without padding. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def new_private_key() -> str:
    """A private key on P-256 as base64url."""
    from cryptography.hazmat.primitives.asymmetric import ec

    return encode(ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big"))


def load_private_key(key: str) -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.derive_private_key(int.from_bytes(decode(key), "big"), ec.SECP256R1())


def public_key(key: "EllipticCurvePrivateKey") -> bytes:
    """The point, uncompressed: 65 bytes."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def is_public_key(text: str) -> bool:
    """Whether a text is a point of P-256 as browsers send it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        point = decode(text)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except (ValueError, TypeError):
        return False
    return len(point) == 65


def _derive(length: int, salt: bytes, secret: bytes, info: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length, salt, info).derive(secret)


def encrypt(
    target: PushTarget, text: bytes, sender: "EllipticCurvePrivateKey | None" = None, salt: bytes | None = None
) -> bytes:
    """A message for one browser, in one record. `sender` and `salt` are made anew for each; tests give those of the
    RFC."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sender, salt = sender or ec.generate_private_key(ec.SECP256R1()), salt or os.urandom(16)
    receiver = decode(target.p256dh)
    shared = sender.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), receiver))
    own = public_key(sender)
    secret = _derive(32, decode(target.auth), shared, b"WebPush: info\0" + receiver + own)
    key = _derive(16, salt, secret, b"Content-Encoding: aes128gcm\0")
    nonce = _derive(12, salt, secret, b"Content-Encoding: nonce\0")
    header = salt + RECORD.to_bytes(4, "big") + bytes([len(own)]) + own
    return header + AESGCM(key).encrypt(nonce, text + b"\x02", None)


def authorization(key: "EllipticCurvePrivateKey", endpoint: str, contact: str, now: datetime) -> str:
    """Who sends: a token for the origin of the push service, signed with the server's key."""
    from joserfc import jwt
    from joserfc.jwk import ECKey

    own = public_key(key)
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int((now + TOKEN_LIFE).timestamp()), "sub": contact}
    token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, ECKey.import_key(key))
    return f"vapid t={token}, k={encode(own)}"


async def send_push(
    client: httpx.AsyncClient, key: "EllipticCurvePrivateKey", target: PushTarget, text: bytes, **about: Any
) -> None:
    """Hand one message to the push service. `about`: `contact`, `topic` (a newer message of it takes the place of one
    not delivered yet) and `now`. Raises GatewayDown or GatewayRefused; `gone`: the browser has unsubscribed."""
    headers = {
        "authorization": authorization(key, target.endpoint, about["contact"], about["now"]),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": str(LIFETIME),
        "urgency": "high",
        "topic": about["topic"],
    }
    reply = await send_request(client, "POST", target.endpoint, content=encrypt(target, text), headers=headers)
    if reply.status_code in (404, 410):
        raise GatewayRefused(f"http {reply.status_code}", gone=True)
    if not reply.is_success:
        raise GatewayRefused(f"http {reply.status_code}")
