"""Second factors of people: one-time codes (RFC 6238) and recovery codes. Passkeys are in `passkeys`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from hotline.database.prepared import Row
from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.second_factors import (
    MOST_FACTORS,
    STEP_WINDOW,
    TIME_STEP,
    FactorKind,
    is_recovery_code,
    matching_step,
    new_recovery_codes,
    normalize_code,
    time_step,
)
from hotline.organisation.service.accounts import keyed_hash, throttle_subject, too_many_attempts
from hotline.organisation.store import second_factors as store
from hotline.organisation.tables import second_factor
from hotline.refusals import Code, Refusal, Refused
from hotline.secrets.secret_box import SealedColumn, seal, unseal
from hotline.web import throttle_store
from hotline.web.throttling import AttemptLimit, next_attempt_at

ISSUER = "24365 Hotline"  # as an authenticator shows it
# Of one person, whose password was right: five wrong codes in a quarter of an hour, thirty in a day and then one each
# quarter of an hour. Three of a million codes count at a time: 1 in 2,700 to guess one within a day.
CODE_LIMITS = {
    "second": AttemptLimit(5, timedelta(minutes=15)),
    "second-day": AttemptLimit(30, timedelta(days=1), max_delay=timedelta(minutes=15)),
}
SETUP_LIFETIME = timedelta(hours=1)  # of what was begun and not confirmed
NO_FACTOR = Refusal(Code.NOT_FOUND, "no such factor")
WRONG_CODE = Refusal(Code.INVALID, "the code is not right", errors=(("code", "wrong, used or expired"),))
TOO_MANY_FACTORS = Refusal(Code.CONFLICT, f"nobody has more than {MOST_FACTORS} factors: remove one first")


SEALED = (SealedColumn(second_factor, "secret", lambda row: seal_context(row["id"])),)


@dataclass(frozen=True, slots=True)
class NewTotp:
    """One-time codes being set up: what an authenticator is told, once. `uri`: the same as a QR code shows it."""

    id: str
    secret: str
    uri: str


@dataclass(frozen=True, slots=True)
class Factors:
    """A person's factors, and how many recovery codes are left."""

    rows: tuple[Row, ...]
    codes_left: int


async def load_factors(services: OrganisationServices, person: str) -> Factors:
    rows = await store.load_factors(services.db, person)
    return Factors(tuple(rows), await store.count_recovery_codes(services.db, person))


def seal_context(factor: str) -> str:
    """What a sealed secret is bound to."""
    return f"second factor {factor}"


def begin_totp(services: OrganisationServices, person: str, login: str, name: str, now: datetime) -> "TotpSetup":
    """One-time codes with a new secret, to be written by the caller and confirmed by a first code."""
    import pyotp

    factor, secret = str(uuid4()), pyotp.random_base32()
    uri = pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=ISSUER)
    row = _factor_row(factor, person, FactorKind.TOTP, name, now)
    row["secret"] = seal(services.secret, seal_context(factor), secret)
    return TotpSetup(NewTotp(factor, secret, uri), row)


@dataclass(frozen=True, slots=True)
class TotpSetup:
    """`row`: as it is stored, not confirmed."""

    shown: NewTotp
    row: Mapping[str, Any]

    def write(self, c: sa.Connection) -> None:
        """What was begun before and not confirmed is gone. Raises Refused where a person has too many."""
        person = self.row["person"]
        store.lock_factors(c, person)
        store.delete_unconfirmed(c, person)
        refuse_too_many(c, person)
        store.add_factor(c, self.row)


def refuse_too_many(c: sa.Connection, person: str) -> None:
    if store.count_factors(c, person) >= MOST_FACTORS:
        raise Refused(TOO_MANY_FACTORS)


def _factor_row(factor: str, person: str, kind: FactorKind, name: str, now: datetime) -> dict[str, Any]:
    return {"id": factor, "person": person, "kind": kind, "name": name, "counter": 0, "created_at": now}


def passkey_row(
    person: str, name: str, credential: str, public_key: bytes, count: int, now: datetime
) -> dict[str, Any]:
    """A passkey as it is stored; what it signed is its confirmation."""
    row = _factor_row(str(uuid4()), person, FactorKind.PASSKEY, name, now)
    return {**row, "credential": credential, "public_key": public_key, "counter": count, "confirmed_at": now}


async def check_first_code(
    services: OrganisationServices, person: str, factor: str, code: str, now: datetime
) -> tuple[Row, int]:
    """One-time codes as stored, and the step of the code by which they are confirmed. Raises Refused where it is wrong,
    or there is nothing to be confirmed."""
    row = await store.load_factor(services.db, person, factor)
    if row is None or row.confirmed_at is not None or row.created_at < now - SETUP_LIFETIME:
        raise Refused(NO_FACTOR)
    counted = await _count_try(services, person, now)
    step = _step_of(services, row, normalize_code(code), now)
    if step is None:
        raise Refused(WRONG_CODE)
    await services.db.transact(lambda c: throttle_store.undo_failure(c, counted))
    return row, step


def _step_of(services: OrganisationServices, row: Row, code: str, now: datetime) -> int | None:
    import pyotp

    totp = pyotp.TOTP(unseal(services.secret, seal_context(row.id), row.secret))
    at = time_step(now.timestamp())
    candidates = {s: totp.at(s * TIME_STEP) for s in range(at - STEP_WINDOW, at + STEP_WINDOW + 1)}
    return matching_step(code, candidates, row.counter)


def give_recovery_codes(
    c: sa.Connection, services: OrganisationServices, person: str, now: datetime
) -> tuple[str, ...]:
    """New recovery codes instead of those there were. The answer is the only place where they stand."""
    codes = new_recovery_codes()
    store.delete_recovery_codes(c, person)
    store.add_recovery_codes(c, person, [_hash_recovery_code(services, person, code) for code in codes], now)
    return codes


def give_first_recovery_codes(
    c: sa.Connection, services: OrganisationServices, person: str, now: datetime
) -> tuple[str, ...]:
    """Recovery codes with a person's first factor; none with a further one."""
    return give_recovery_codes(c, services, person, now) if store.count_factors(c, person) == 1 else ()


def _hash_recovery_code(services: OrganisationServices, person: str, code: str) -> str:
    return keyed_hash(services, f"recovery code {person} {normalize_code(code)}")


@dataclass(frozen=True, slots=True)
class CheckedCode:
    """A right code. `use(connection)`: mark it as used, in the transaction of what it is for. Raises Refused where it
    was used meanwhile."""

    person: str
    method: str  # totp, recovery_code
    factor: str | None
    step: int
    hashed: str
    counted: tuple[str, ...]

    def use(self, c: sa.Connection, now: datetime) -> None:
        if self.factor is not None:
            used = store.use_step(c, self.factor, self.step, now)
        else:
            used = store.use_recovery_code(c, self.person, self.hashed, now)
        if not used:
            raise Refused(WRONG_CODE)
        throttle_store.clear_failures(c, self.counted)


async def check_code(services: OrganisationServices, person: str, code: str, now: datetime) -> CheckedCode:
    """A one-time code or a recovery code of a person. Wrong ones are counted. Raises Refused: wrong, or too many."""
    given = normalize_code(code)
    counted = await _count_try(services, person, now)
    if is_recovery_code(given):
        return CheckedCode(person, "recovery_code", None, 0, _hash_recovery_code(services, person, given), counted)
    for row in await store.load_factors(services.db, person):
        if row.kind == FactorKind.TOTP and (step := _step_of(services, row, given, now)) is not None:
            return CheckedCode(person, "totp", row.id, step, "", counted)
    raise Refused(WRONG_CODE)


def throttle_subjects(services: OrganisationServices, person: str) -> dict[str, AttemptLimit]:
    """Under which names wrong codes of a person are counted, and how many are accepted."""
    return {throttle_subject(services, kind, person): limit for kind, limit in CODE_LIMITS.items()}


async def _count_try(services: OrganisationServices, person: str, now: datetime) -> tuple[str, ...]:
    """Counted before anything is checked, so that many at once are as many as one after the other. Raises Refused where
    there were too many."""
    limits = throttle_subjects(services, person)

    def count(c: sa.Connection) -> None:
        held = throttle_store.lock_tallies(c, limits, now)
        moment = max(next_attempt_at(limit, held[name], now) for name, limit in limits.items())
        if moment > now:
            raise Refused(too_many_attempts(moment, now, "codes"))
        throttle_store.add_failure(c, limits, held, now)

    await services.db.transact(count)
    return tuple(limits)
