"""Passkeys (WebAuthn), as a second factor and for a log-in without a password: both ask the authenticator to verify its
user. A challenge travels sealed and is kept only once it was answered, so that strangers write nothing."""

import hashlib
import ipaddress
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import sqlalchemy as sa

from hotline.database.offload import MAX_INLINE_SIZE
from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.second_factors import FactorKind
from hotline.organisation.service.second_factors import ISSUER, passkey_row
from hotline.organisation.store import second_factors as store
from hotline.refusals import Code, Refusal, Refused
from hotline.secrets.sealed_state import UnusableState, open_state, seal_state

T = TypeVar("T")
CHALLENGE_LIFETIME = timedelta(minutes=5)
_CONTEXT = "passkey challenge"
_REGISTER, _LOG_IN = "register", "log in"
WRONG_PASSKEY = Refusal(
    Code.INVALID, "the passkey's answer is not right", errors=(("credential", "wrong, used or expired"),)
)
NO_HOST_NAME = Refusal(
    Code.CONFLICT,
    "passkeys need a host name over https: set HOTLINE_PUBLIC_URL",
    errors=(("credential", "no host name"),),
)


@dataclass(frozen=True, slots=True)
class Ceremony:
    """`options`: what a browser gives to `navigator.credentials`, as JSON. `state`: goes back with its answer."""

    options: Mapping[str, Any]
    state: str


@dataclass(frozen=True, slots=True)
class RelyingParty:
    id: str
    origin: str


def relying_party(public_url: str) -> RelyingParty:
    """The host and origin that passkeys are bound to. Raises Refused where browsers would not make any: an address
    without a name, or one over http that is not this machine."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
        named = False
    except ValueError:
        named = bool(host)
    if not named or (parts.scheme != "https" and host != "localhost"):
        raise Refused(NO_HOST_NAME)
    return RelyingParty(host, f"{parts.scheme}://{parts.netloc}")


async def _run(services: OrganisationServices, work: Callable[..., T], *args: Any) -> T:
    """On the thread beside the loop: the library is imported with its first use, which takes a while."""
    return await services.offload.run(MAX_INLINE_SIZE + 1, work, *args)


def _seal_state(
    services: OrganisationServices, purpose: str, person: str | None, challenge: bytes, now: datetime
) -> str:
    return seal_state(services.secret, _CONTEXT, [purpose, person], [challenge.hex()], now + CHALLENGE_LIFETIME)


def _open_state(services: OrganisationServices, purpose: str, person: str | None, state: str, now: datetime) -> bytes:
    """The challenge. Raises Refused where it is another's, another thing's, or has expired."""
    try:
        (challenge,) = open_state(services.secret, _CONTEXT, [purpose, person], state, now)
    except UnusableState:
        raise Refused(WRONG_PASSKEY) from None
    return bytes.fromhex(challenge)


def _use_challenge(c: sa.Connection, challenge: bytes, now: datetime) -> None:
    """Raises Refused where it was answered before."""
    try:
        store.use_challenge(c, hashlib.sha256(challenge).hexdigest(), now + CHALLENGE_LIFETIME)
    except sa.exc.IntegrityError:
        raise Refused(WRONG_PASSKEY) from None


async def registration_options(
    services: OrganisationServices, person: str, login: str, name: str, now: datetime
) -> Ceremony:
    """What a browser needs to make a passkey of a person's."""
    party, challenge = relying_party(services.public_url), secrets.token_bytes(32)
    known = [row.credential for row in await store.load_factors(services.db, person) if row.credential is not None]

    def build() -> Any:
        import webauthn
        from webauthn.helpers import structs

        return webauthn.generate_registration_options(
            rp_id=party.id,
            rp_name=ISSUER,
            user_id=UUID(person).bytes,
            user_name=login,
            user_display_name=name,
            challenge=challenge,
            authenticator_selection=structs.AuthenticatorSelectionCriteria(
                resident_key=structs.ResidentKeyRequirement.PREFERRED,
                user_verification=structs.UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                structs.PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(credential))
                for credential in known
            ],
        )

    return await _ceremony(services, build, _seal_state(services, _REGISTER, person, challenge, now))


async def log_in_options(services: OrganisationServices, person: str | None, now: datetime) -> Ceremony:
    """What a browser needs to answer by a passkey. `person`: whose password was right; None: of anybody, by a passkey
    that names its user."""
    party, challenge = relying_party(services.public_url), secrets.token_bytes(32)
    rows = await store.load_factors(services.db, person) if person is not None else ()
    known = [row.credential for row in rows if row.credential is not None]

    def build() -> Any:
        import webauthn
        from webauthn.helpers import structs

        return webauthn.generate_authentication_options(
            rp_id=party.id,
            challenge=challenge,
            allow_credentials=[
                structs.PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(credential))
                for credential in known
            ],
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        )

    return await _ceremony(services, build, _seal_state(services, _LOG_IN, person, challenge, now))


async def _ceremony(services: OrganisationServices, build: Callable[[], Any], state: str) -> Ceremony:
    def written() -> Mapping[str, Any]:
        import webauthn

        options: Mapping[str, Any] = orjson.loads(webauthn.options_to_json(build()))
        return options

    return Ceremony(await _run(services, written), state)


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey whose answer was right, to be written in the transaction of the caller."""

    row: Mapping[str, Any]
    challenge: bytes

    def write(self, c: sa.Connection, now: datetime) -> None:
        """Raises Refused where the answer was used before, or the passkey is known."""
        _use_challenge(c, self.challenge, now)
        try:
            store.add_factor(c, self.row)
        except sa.exc.IntegrityError:
            raise Refused(Refusal(Code.CONFLICT, "this passkey is known already")) from None


@dataclass(frozen=True, slots=True)
class PasskeyAnswer:
    """What a browser answered: the state it was given, and WebAuthn's PublicKeyCredential as JSON. `name`: of a new
    passkey."""

    state: str
    credential: Mapping[str, Any]
    name: str = ""


async def check_registration(
    services: OrganisationServices, person: str, answer: PasskeyAnswer, now: datetime
) -> NewPasskey:
    """The passkey that a browser made. Raises Refused where its answer is not right."""
    party = relying_party(services.public_url)
    challenge = _open_state(services, _REGISTER, person, answer.state, now)

    def verify() -> dict[str, Any]:
        import webauthn

        found = webauthn.verify_registration_response(
            credential=dict(answer.credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
        name_of = webauthn.helpers.bytes_to_base64url
        return passkey_row(
            person, answer.name, name_of(found.credential_id), found.credential_public_key, found.sign_count, now
        )

    return NewPasskey(await _run(services, _refusing, verify), challenge)


@dataclass(frozen=True, slots=True)
class CheckedPasskey:
    """A right answer of a passkey. `use(connection)`: mark it as used, in the transaction of what it is for. Raises
    Refused where that has happened, or the passkey is gone or has counted backwards: there is a copy of it."""

    person: str
    factor: str
    count: int
    challenge: bytes
    method: str = "passkey"

    def use(self, c: sa.Connection, now: datetime) -> None:
        _use_challenge(c, self.challenge, now)
        if not store.use_passkey(c, self.factor, self.count, now):
            raise Refused(WRONG_PASSKEY)


async def check_passkey(
    services: OrganisationServices, person: str | None, answer: PasskeyAnswer, now: datetime
) -> CheckedPasskey:
    """Whose passkey answered. `person`: whose it must be; None: whoever it names. Raises Refused."""
    party = relying_party(services.public_url)
    challenge, credential = _open_state(services, _LOG_IN, person, answer.state, now), answer.credential
    row = await store.load_passkey(services.db, str(credential.get("id", "")))
    if row is None or row.kind != FactorKind.PASSKEY or (person is not None and row.person != person):
        raise Refused(WRONG_PASSKEY)

    def verify() -> int:
        import webauthn

        handle = credential.get("response", {}).get("userHandle")
        if (handle is None and person is None) or (
            handle is not None and webauthn.base64url_to_bytes(handle) != UUID(row.person).bytes
        ):
            raise Refused(WRONG_PASSKEY)
        found = webauthn.verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=row.public_key,
            credential_current_sign_count=row.counter,
            require_user_verification=True,
        )
        return int(found.new_sign_count)

    return CheckedPasskey(row.person, row.id, await _run(services, _refusing, verify), challenge)


def _refusing(verify: Callable[[], T]) -> T:
    """What a check returns. Raises Refused where it finds a fault, or what it was given is no answer of a passkey."""
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        return verify()
    except (WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
        raise Refused(WRONG_PASSKEY) from None
