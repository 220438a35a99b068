"""The secret of the server, and those before it: what is sealed or signed with an earlier one stays valid."""

import hmac
import secrets
from collections.abc import Sequence
from functools import lru_cache

_FRESH = b"\x00lookup\x00"  # no setting can begin so


class ServerSecret(bytes):
    """The secret that seals and signs, as bytes. `previous`: the others that are accepted: those before it, or the one
    that follows. `lookups`: keys of hashes by which rows are found (callers, API keys, sessions), the one in use first;
    `digests`: see `digest_key`. Both are kept in the database and stay the same when the secret is replaced.
    `moves_lookups`: rows hashed with another look-up key are hashed anew with the one in use."""

    previous: tuple[bytes, ...]
    lookups: tuple[bytes, ...]
    digests: bytes
    moves_lookups: bool

    def __new__(cls, current: bytes, previous: Sequence[bytes] = ()) -> "ServerSecret":
        made = super().__new__(cls, current)
        made.previous = tuple(each for each in dict.fromkeys(previous) if each != current)
        made.use_stored_keys((current,), derive_digest_key(current))  # until those of the database are read
        return made

    def use_stored_keys(self, lookups: Sequence[bytes], digests: bytes, *, moves_lookups: bool = False) -> None:
        """Take the keys of the database."""
        self.lookups, self.digests, self.moves_lookups = tuple(lookups), digests, moves_lookups

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (bytes(self),)


def accepted_secrets(secret: bytes) -> tuple[bytes, ...]:
    """The secrets whose seals and signatures are accepted, the current one first."""
    return (secret, *secret.previous) if isinstance(secret, ServerSecret) else (secret,)


def lookup_key(secret: bytes) -> bytes:
    """The key of hashes by which rows are found. Seals and signatures never use it."""
    return lookup_keys(secret)[0]


def lookup_keys(secret: bytes) -> tuple[bytes, ...]:
    """Every key by which rows may have been hashed, the one in use first."""
    return secret.lookups if isinstance(secret, ServerSecret) else (secret,)


class LookupDigest(str):
    """A keyed hash by which rows are found. `earlier`: what it is under the other look-up keys that are accepted, so
    that a row hashed with one of them is found too while the key is replaced."""

    earlier: tuple[str, ...]

    def __new__(cls, digests: Sequence[str]) -> "LookupDigest":
        made = super().__new__(cls, digests[0])
        made.earlier = tuple(digests[1:])
        return made


def lookup_variants(value: str) -> tuple[str, ...]:
    """A value by which rows are found, the one that is written first."""
    return (value, *value.earlier) if isinstance(value, LookupDigest) else (value,)


def moves_lookups(secret: bytes) -> bool:
    """Whether what another look-up key hashed is hashed anew when it is used."""
    return isinstance(secret, ServerSecret) and secret.moves_lookups


def new_lookup_key() -> bytes:
    """A fresh look-up key. Its mark tells it from a secret that serves as the first one."""
    return _FRESH + secrets.token_bytes(32)


def lookup_key_id(key: bytes) -> str:
    """The short name of a look-up key, which tells nothing about it; empty for the first one of a database."""
    return hmac.digest(key, b"lookup id", "sha256").hex()[:8] if key.startswith(_FRESH) else ""


def digest_key(secret: bytes) -> bytes:
    """The key of hashes that stand for good: those of the chains, and of requests whose answers are kept. What they
    cover can be guessed; without the key a guess cannot be tested."""
    return secret.digests if isinstance(secret, ServerSecret) else derive_digest_key(secret)


@lru_cache(maxsize=16)
def derive_digest_key(lookup: bytes) -> bytes:
    """The first one of a database, from its look-up key."""
    return hmac.digest(lookup, b"digests", "sha256")


def keyed_digest(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256. A request needs a dozen under a few keys: the state that follows from a key is made once and
    copied, which takes a third of the time of `hmac.digest`."""
    mac = _keyed(key).copy()
    mac.update(message)
    return mac.digest()


@lru_cache(maxsize=256)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")


def matches_signature(secret: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the beginning of the HMAC-SHA-256 of the message under any accepted secret, compared in
    constant time. At least 12 bytes."""
    if len(signature) < 12:
        return False
    found = False
    for each in accepted_secrets(secret):
        found |= hmac.compare_digest(hmac.digest(each, message, "sha256")[: len(signature)], signature)
    return found
