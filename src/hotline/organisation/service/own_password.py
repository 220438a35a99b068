"""How people replace their own password."""

from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from hotline.organisation.context import OrganisationServices
from hotline.organisation.service.account_events import person_event
from hotline.organisation.service.accounts import (
    ActorCache,
    check_new_password,
    throttle_subject,
    too_many_attempts,
)
from hotline.organisation.service.sessions import end_sessions_of, finish_password_step
from hotline.organisation.store import people
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import record_deed
from hotline.security_log.vocabulary import Deed
from hotline.web import throttle_store
from hotline.web.idempotency import ActionResult, Reply, load_earlier_answer, write_once
from hotline.web.throttling import AttemptLimit, next_attempt_at

# Wrong old passwords of one person: whoever found an open session must not guess on there.
OLD_PASSWORD_LIMIT = AttemptLimit(8, timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """`token`: of the session that asks; it goes on, and every other session of the person ends."""

    old: str
    new: str
    token: str


async def change_own_password(
    services: OrganisationServices, actor_cache: ActorCache, change: PasswordChange, request: WriteRequest
) -> ActionResult:
    """Replace the password of who asks. Raises Refused where the old one is wrong or the new one will not do."""
    if earlier := await load_earlier_answer(services, request.key):
        return earlier
    now, person = request.now, await people.load_person(services.db, request.actor.id)
    row = await people.load_person_by_login(services.db, person.login) if person is not None else None
    if row is None:
        raise Refused(Refusal(Code.NOT_FOUND, "only people have a password"))
    await _check_old_password(services, request, row.password, change.old)
    await check_new_password(services, change.new, row.login, row.name, now, field="new_password")
    if change.new == change.old:  # not a secret to be found out: both were sent by who asks
        rule = "another one than before"
        raise Refused(Refusal(Code.INVALID, "the password will not do", errors=(("new_password", rule),)))
    hashed = await services.hashing.hash(change.new)
    event = person_event(Deed.PASSWORD_CHANGED, row.id, request.actor, now)

    def write(c: sa.Connection) -> Reply:
        if not people.change_person(c, row.id, row.version, {"password": hashed, "first_password_until": None}):
            raise Refused(Refusal(Code.STALE, "the person has changed meanwhile"))
        end_sessions_of(c, services, row.id, change.token)
        finish_password_step(c, services, change.token, now)
        record_deed(c, event)
        return Reply(204, "")

    result = await write_once(services, request.key, write, now)
    actor_cache.forget()
    return result


async def _check_old_password(services: OrganisationServices, request: WriteRequest, hashed: str, given: str) -> None:
    """Raises Refused where it is wrong, or was too often. Counted before it is checked, as at a log-in."""
    now = request.now
    limits = {throttle_subject(services, "own-password", request.actor.id): OLD_PASSWORD_LIMIT}

    def count(c: sa.Connection) -> None:
        held = throttle_store.lock_tallies(c, limits, now)
        moment = max(next_attempt_at(limit, held[name], now) for name, limit in limits.items())
        if moment > now:
            raise Refused(too_many_attempts(moment, now, "passwords"))
        throttle_store.add_failure(c, limits, held, now)

    await services.db.transact(count)
    try:
        right = await services.hashing.verify(given, hashed, known=True)
    except Refused:  # nothing was checked
        await services.db.transact(lambda c: throttle_store.undo_failure(c, limits))
        raise
    if not right:
        rule = "not your password"
        raise Refused(Refusal(Code.INVALID, "the old password is wrong", errors=(("old_password", rule),)))
    await services.db.transact(lambda c: throttle_store.clear_failures(c, limits))
