"""Seals personal data before it reaches a database: AES-GCM under keys of its own, which follow from HOTLINE_SECRET. A
copy of the database, of its log or of a backup does not reveal it.

A sealed value is text: a mark, the id of its key, and nonce and ciphertext in base64. A value without the mark was
written before personal data was sealed, and is read as it is. What is sealed cannot be compressed by the database, so a
long text is compressed before it is sealed; a byte that begins no text says so."""

import hmac
import os
import zlib
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from hotline.refusals import Code, Refusal, Refused
from hotline.server_secret import accepted_secrets, derive_digest_key, digest_key, keyed_digest, lookup_key, lookup_keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MARK = "$s1$"
JSON_MARK = f'"{MARK}'
_ID = slice(len(MARK), len(MARK) + 4)
_DATA = len(MARK) + 5  # where nonce and ciphertext begin
_NONCE = 12
_PACKED = b"\xff"  # before what is compressed: no text in UTF-8 begins with it
_WORTH_PACKING = 1000  # characters
_LONGEST_KEY = 100  # characters of what is kept ready: a number is written to several tables at once
WRONG_KEY = Refusal(Code.UNAVAILABLE, "personal data was sealed with another HOTLINE_SECRET")


class _Key:
    """What follows from one secret: ciphers by context, made when they are first needed."""

    def __init__(self, secret: bytes) -> None:
        self.root = hmac.digest(secret, b"personal data", "sha256")
        self.id = b64encode(hmac.digest(self.root, b"id", "sha256")[:3]).decode()
        self.head = f"{MARK}{self.id}$"
        self.token = hmac.digest(self.root, b"search token", "sha256")
        self._ciphers: dict[str, tuple[AESGCM, bytes]] = {}

    def cipher(self, context: str) -> "tuple[AESGCM, bytes]":
        """The cipher of a context, and the key that nonces of look-up values follow from."""
        known = self._ciphers.get(context)
        if known is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 7 MB: only where something is sealed

            key = hmac.digest(self.root, context.encode(), "sha256")
            known = self._ciphers[context] = (AESGCM(key), hmac.digest(key, b"nonce", "sha256"))
        return known


class Sealing:
    """Seals with the server's secret, and reads what was sealed with one before it that is still accepted. Values that
    are looked up, and search tokens, follow from its look-up key, which is replaced by itself. A context is a column,
    or what several columns hold, such as a phone number: it cannot be read as what another holds."""

    def __init__(self, secret: bytes) -> None:
        self._secret, self._by_secret = secret, dict[bytes, _Key]()
        self._key = self._key_of(secret)
        self._readers: dict[str, Callable[[str], str]] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sealing) and self._secret == other._secret

    def __hash__(self) -> int:
        return hash(self._secret)

    def _key_of(self, secret: bytes) -> _Key:
        known = self._by_secret.get(secret)
        if known is None:
            known = self._by_secret[bytes(secret)] = _Key(secret)
        return known

    def seal(self, context: str, text: str) -> str:
        """Sealed anew each time: two sealed values do not show that what they hold is the same."""
        if not text:
            return text
        nonce, cipher = os.urandom(_NONCE), self._key.cipher(context)[0]
        return self._key.head + b64encode(nonce + cipher.encrypt(nonce, text.encode(), None)).decode()

    def seal_packed(self, context: str, text: str) -> str:
        """The same for texts that may be long, such as replies: they take a seventh of the room."""
        if len(text) < _WORTH_PACKING:
            return self.seal(context, text)
        packed = _PACKED + zlib.compress(text.encode(), 1)
        nonce, cipher = os.urandom(_NONCE), self._key.cipher(context)[0]
        return self._key.head + b64encode(nonce + cipher.encrypt(nonce, packed, None)).decode()

    def seal_key(self, context: str, text: str) -> str:
        """Sealed the same way each time, so that it can be looked up: the nonce follows from what is sealed."""
        if not text:
            return text
        return _seal_as_key(self._key_of(lookup_key(self._secret)), context, text)

    def seal_key_variants(self, context: str, text: str) -> list[str]:
        """The same under every look-up key that is accepted, the one in use first."""
        if not text:
            return [text]
        return [_seal_as_key(self._key_of(each), context, text) for each in lookup_keys(self._secret)]

    @property
    def lookups(self) -> tuple[bytes, ...]:
        """Every look-up key that is accepted."""
        return lookup_keys(self._secret)

    def unseal(self, context: str, value: str) -> str:
        """What was sealed. Raises Refused where it was sealed with a secret not known here, or for another context."""
        if not value.startswith(MARK):
            return value
        reader = self._readers.get(context)
        if reader is None:
            reader = self._readers[context] = self._make_reader(context)
        return reader(value)

    def _make_reader(self, context: str) -> Callable[[str], str]:
        """Unseals the values of one context: a queue has hundreds of them."""
        from cryptography.exceptions import InvalidTag

        head, decrypt = self._key.head, self._key.cipher(context)[0].decrypt

        def read(value: str) -> str:
            open_with = decrypt if value.startswith(head) else self._known(value[_ID]).cipher(context)[0].decrypt
            raw = a2b_base64(value[_DATA:])
            try:
                told = open_with(raw[:_NONCE], raw[_NONCE:], None)
            except InvalidTag:
                raise Refused(WRONG_KEY) from None
            return (zlib.decompress(told[1:]) if told.startswith(_PACKED) else told).decode()

        return read

    def unseal_json(self, context: str, value: str) -> str:
        """A JSON text from the JSON text that it was sealed as."""
        return self.unseal(context, value[1:-1]) if value.startswith(JSON_MARK) else value

    def _known(self, key_id: str) -> _Key:
        for secret in (*lookup_keys(self._secret), *accepted_secrets(self._secret)):
            if (key := self._key_of(secret)).id == key_id:
                return key
        raise Refused(WRONG_KEY)

    def is_current(self, value: str, *, looked_up: bool = False) -> bool:
        """Whether a value was sealed with the present secret; `looked_up`: with the look-up key."""
        return value.startswith(self.current_head(looked_up=looked_up))

    @property
    def key_id(self) -> str:
        """The id of the key that seals with the present secret."""
        return self._key.id

    @staticmethod
    def key_id_of(value: str) -> str:
        """The id of the key that sealed a value."""
        return value[_ID]

    def current_head(self, *, looked_up: bool = False) -> str:
        """How a value begins that was sealed with the present secret; `looked_up`: with the look-up key."""
        return (self._key_of(lookup_key(self._secret)) if looked_up else self._key).head

    @property
    def is_first_secret(self) -> bool:
        """Whether the look-up key and the key of digests follow from the present secret: then they need not be kept."""
        first = bytes(self._secret)
        digests = hmac.compare_digest(digest_key(self._secret), derive_digest_key(first))
        return lookup_keys(self._secret) == (first,) and digests

    @property
    def digest_key(self) -> bytes:
        """The key of hashes that cover what is sealed."""
        return digest_key(self._secret)

    def token(self, text: str) -> str:
        """What a search index holds in place of a number or a name."""
        return self._token(lookup_key(self._secret), text)

    def token_variants(self, text: str) -> list[str]:
        """The same under every look-up key that is accepted, the one in use first."""
        return [self._token(each, text) for each in lookup_keys(self._secret)]

    def _token(self, lookup: bytes, text: str) -> str:
        return "k" + keyed_digest(self._key_of(lookup).token, text.encode()).hex()[:20]


def _seal_as_key(key: _Key, context: str, text: str) -> str:
    return (_seal_key if len(text) > _LONGEST_KEY else _sealed_key)(key, context, text)


def _seal_key(key: _Key, context: str, text: str) -> str:
    cipher, nonce_key = key.cipher(context)
    plain = text.encode()
    nonce = keyed_digest(nonce_key, plain)[:_NONCE]
    return key.head + b64encode(nonce + cipher.encrypt(nonce, plain, None)).decode()


_sealed_key = lru_cache(maxsize=1024)(_seal_key)
