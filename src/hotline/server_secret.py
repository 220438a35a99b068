"""The secret of the server, and those before it: what is sealed or signed with an earlier one stays valid."""

import hmac
from collections.abc import Sequence


class ServerSecret(bytes):
    """The secret that seals and signs, as bytes. `previous`: those before it that are still accepted, the oldest last.
    `lookup`: the key of hashes by which rows are found (callers, API keys, sessions); it stays the same when the
    secret is replaced, because the hashes cannot be computed again."""

    previous: tuple[bytes, ...]
    lookup: bytes

    def __new__(cls, current: bytes, previous: Sequence[bytes] = ()) -> "ServerSecret":
        made = super().__new__(cls, current)
        made.previous = tuple(each for each in dict.fromkeys(previous) if each != current)
        made.lookup = (current, *made.previous)[-1]  # until the one in use is read from the database
        return made

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (bytes(self),)


def accepted_secrets(secret: bytes) -> tuple[bytes, ...]:
    """The secrets whose seals and signatures are accepted, the current one first."""
    return (secret, *secret.previous) if isinstance(secret, ServerSecret) else (secret,)


def lookup_key(secret: bytes) -> bytes:
    """The key of hashes by which rows are found. Seals and signatures never use it."""
    return secret.lookup if isinstance(secret, ServerSecret) else secret


def matches_signature(secret: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the beginning of the HMAC-SHA-256 of the message under any accepted secret, compared in
    constant time. At least 12 bytes."""
    if len(signature) < 12:
        return False
    found = False
    for each in accepted_secrets(secret):
        found |= hmac.compare_digest(hmac.digest(each, message, "sha256")[: len(signature)], signature)
    return found
