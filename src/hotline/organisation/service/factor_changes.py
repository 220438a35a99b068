"""What people do with their second factors: add, confirm, remove; and what an administrator may: reset them all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hotline.organisation.context import OrganisationServices
from hotline.organisation.model.actors import Actor, Role
from hotline.organisation.model.second_factors import FactorKind, needs_second_factor
from hotline.organisation.service import passkeys, second_factors
from hotline.organisation.service.account_events import own_event, person_event
from hotline.organisation.service.accounts import ActorCache
from hotline.organisation.service.passkeys import PasskeyAnswer
from hotline.organisation.service.second_factors import NO_FACTOR, NewTotp
from hotline.organisation.service.second_step import (
    AskingSession,
    advance_after_enrolment,
    refuse_own_account,
    require_recent_log_in,
)
from hotline.organisation.service.sessions import end_sessions_of, load_managed_person
from hotline.organisation.store import second_factors as store
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import record_deed
from hotline.security_log.vocabulary import Deed
from hotline.web import throttle_store
from hotline.web.idempotency import ActionResult, Reply, load_earlier_answer, write_once

LAST_FACTOR = Refusal(Code.CONFLICT, "your role needs a second factor: add another one before you remove this")


@dataclass(frozen=True, slots=True)
class AddedFactor:
    """A factor that counts now. `codes`: with the first one, recovery codes that are shown once."""

    row: Mapping[str, Any]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FirstCode:
    """The code by which one-time codes are confirmed."""

    factor: str
    code: str


async def begin_totp_once(
    services: OrganisationServices,
    session: AskingSession,
    name: str,
    request: WriteRequest,
    render: Callable[[NewTotp], str],
) -> ActionResult:
    """One-time codes to be confirmed within an hour."""
    person = session.row
    await require_recent_log_in(services, session, request.now)
    setup = second_factors.begin_totp(services, person.id, person.login, name, request.now)

    def begin(c: sa.Connection) -> Reply:
        setup.write(c)
        return Reply(201, render(setup.shown))

    return await write_once(services, request.key, begin, request.now, secret=True)


async def confirm_totp_once(
    services: OrganisationServices,
    actor_cache: ActorCache,
    session: AskingSession,
    proof: FirstCode,
    request: WriteRequest,
    render: Callable[[AddedFactor], str],
) -> ActionResult:
    """From now on a log-in asks for these codes; one that waited for them goes on, and every other session of the
    person ends. Raises Refused where the code is not right."""
    person, factor = session.row, proof.factor
    if earlier := await load_earlier_answer(services, request.key, secret=True):
        return earlier
    await require_recent_log_in(services, session, request.now)
    row, step = await second_factors.check_first_code(services, person.id, factor, proof.code, request.now)

    def confirm(c: sa.Connection) -> Reply:
        store.lock_factors(c, person.id)
        second_factors.refuse_too_many(c, person.id)
        if not store.confirm_factor(c, factor, step, request.now):
            raise Refused(NO_FACTOR)
        shown = {**row._asdict(), "confirmed_at": request.now, "last_used_at": request.now}
        advance_after_enrolment(c, services, session, FactorKind.TOTP, request.now)
        return Reply(200, render(_added(c, services, session, shown, request)))

    result = await write_once(services, request.key, confirm, request.now, secret=True)
    actor_cache.forget()
    return result


def _added(
    c: sa.Connection,
    services: OrganisationServices,
    session: AskingSession,
    row: Mapping[str, Any],
    request: WriteRequest,
) -> AddedFactor:
    person = session.row
    end_sessions_of(c, services, person.id, session.token)
    codes = second_factors.give_first_recovery_codes(c, services, person.id, request.now)
    record_deed(c, own_event(person, Deed.FACTOR_ADDED, request.now, kind=row["kind"]))
    return AddedFactor(row, codes)


async def add_passkey_once(
    services: OrganisationServices,
    actor_cache: ActorCache,
    session: AskingSession,
    answer: PasskeyAnswer,
    request: WriteRequest,
    render: Callable[[AddedFactor], str],
) -> ActionResult:
    """A passkey that a browser made; a log-in that waited for a factor goes on, and every other session of the person
    ends. Raises Refused where its answer is not right."""
    person = session.row
    if earlier := await load_earlier_answer(services, request.key, secret=True):
        return earlier
    await require_recent_log_in(services, session, request.now)
    new = await passkeys.check_registration(services, person.id, answer, request.now)

    def add(c: sa.Connection) -> Reply:
        store.lock_factors(c, person.id)
        second_factors.refuse_too_many(c, person.id)
        new.write(c, request.now)
        advance_after_enrolment(c, services, session, FactorKind.PASSKEY, request.now)
        return Reply(201, render(_added(c, services, session, new.row, request)))

    result = await write_once(services, request.key, add, request.now, secret=True)
    actor_cache.forget()
    return result


async def remove_factor(
    services: OrganisationServices, actor_cache: ActorCache, session: AskingSession, factor: str, now: datetime
) -> None:
    """The recovery codes go with the last one, and every other session of the person ends. Raises Refused where there
    is none of that id, or it is the last of somebody whose role needs one."""
    person = session.row
    await require_recent_log_in(services, session, now)
    required = needs_second_factor(map(Role, person.roles), services.second_factor_required)

    def remove(c: sa.Connection) -> None:
        store.lock_factors(c, person.id)
        kind = store.delete_factor(c, person.id, factor)
        if kind is None:
            raise Refused(NO_FACTOR)
        if store.count_factors(c, person.id) == 0:
            if required:
                raise Refused(LAST_FACTOR)
            store.delete_recovery_codes(c, person.id)
        end_sessions_of(c, services, person.id, session.token)
        record_deed(c, own_event(person, Deed.FACTOR_REMOVED, now, kind=kind))

    await services.db.transact(remove)
    actor_cache.forget()


async def renew_recovery_codes_once(
    services: OrganisationServices,
    session: AskingSession,
    request: WriteRequest,
    render: Callable[[tuple[str, ...]], str],
) -> ActionResult:
    """New codes; the old ones count no more. Raises Refused where there is no factor that they could stand in for."""
    person = session.row
    await require_recent_log_in(services, session, request.now)

    def renew(c: sa.Connection) -> Reply:
        if store.count_factors(c, person.id) == 0:
            raise Refused(NO_FACTOR)
        codes = second_factors.give_recovery_codes(c, services, person.id, request.now)
        record_deed(c, own_event(person, Deed.RECOVERY_CODES_MADE, request.now))
        return Reply(201, render(codes))

    return await write_once(services, request.key, renew, request.now, secret=True)


def forget_factors(c: sa.Connection, services: OrganisationServices, person: str) -> int:
    """Delete all factors and codes of a person, and what was counted against them; how many factors there were."""
    throttle_store.clear_failures(c, second_factors.throttle_subjects(services, person))
    return store.delete_factors(c, person)


async def reset_factors(
    services: OrganisationServices, actor_cache: ActorCache, person: str, now: datetime, granter: Actor | None = None
) -> int:
    """Forget the factors of whoever has this id or login, and end their sessions; how many factors there were. Raises
    Refused where the person is not the granter's to change, or is the granter."""
    row = await load_managed_person(services, granter, person)
    refuse_own_account(granter, row.id)

    def reset(c: sa.Connection) -> int:
        end_sessions_of(c, services, row.id)
        count = forget_factors(c, services, row.id)
        record_deed(c, person_event(Deed.FACTOR_REMOVED, row.id, granter, now, {"count": count}))
        return count

    count = await services.db.transact(reset)
    actor_cache.forget()
    return count
