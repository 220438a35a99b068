"""Administrative writes under an Idempotency-Key: the answer is kept in the same transaction as its effect."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from hotline.database import idempotency
from hotline.database.write_plan import Answer
from hotline.refusals import Code, Refusal, Refused
from hotline.secrets.secret_box import seal, unseal
from hotline.tickets.context import House
from hotline.tickets.model.ticket import Facts

REUSED = Refusal(
    Code.KEY_REUSED,
    "this Idempotency-Key was used with another request",
    errors=(("Idempotency-Key", "used with another request"),),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked under which key for what: `fingerprint` is a digest of method, path and body."""

    owner: str
    key: str
    fingerprint: str
    keep_body: bool = True  # a key the client did not choose can never be asked for again


@dataclass(frozen=True, slots=True)
class Done:
    """What to answer. `replayed`: it was done before, by the same key."""

    answer: Answer
    replayed: bool
    after: Facts | None = None


def kept(answer: Answer, asked: Asked) -> Answer:
    """The answer as it is kept: the body only where somebody can ask for it again."""
    return answer if asked.keep_body else replace(answer, body="")


def replayed(answer: Answer, asked: Asked) -> Done:
    """The earlier answer, if the same thing was asked."""
    if answer.fingerprint != asked.fingerprint:
        raise Refused(REUSED)
    return Done(answer, replayed=True)


# with these the database cannot be asked for an earlier answer either
_UNREACHABLE = frozenset({Code.UNAVAILABLE, Code.STORAGE_FULL, Code.OVERLOADED, Code.OUTCOME_UNKNOWN})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered: HTTP status, body as text (JSON, or empty), version as ETag."""

    status: int
    body: str = ""
    etag: str | None = None


async def earlier_answer(house: House, asked: Asked, *, secret: bool = False) -> Done | None:
    """What was answered to this key before; None: nothing. Raises Refused where it was used for another request."""
    if not asked.keep_body:
        return None
    kept = await idempotency.given(house.db, asked.owner, asked.key)
    if kept is None:
        return None
    if not hmac.compare_digest(kept.fingerprint, _fingerprint(house, asked)):
        raise Refused(REUSED)
    if secret:
        kept = replace(kept, body=unseal(house.secret, _place(asked), kept.body))
    return Done(kept, replayed=True)


async def write_once(
    house: House, asked: Asked, work: Callable[[sa.Connection], Reply], now: datetime, *, secret: bool = False
) -> Done:
    """Run `work(connection)` in one transaction and keep the reply it returns under the request's key, so that a repeat
    is given the same reply and changes nothing. `secret`: the reply is kept sealed, for it holds what is told only
    once. Raises what `work` raises, and Refused where the key was used for another request."""
    if earlier := await earlier_answer(house, asked, secret=secret):
        return earlier

    def write(c: sa.Connection) -> Answer:
        reply = work(c)
        answer = Answer(asked.owner, asked.key, _fingerprint(house, asked), reply.status, reply.body, now, reply.etag)
        if asked.keep_body:  # a key the client did not choose can never be asked for again
            body = seal(house.secret, _place(asked), answer.body) if secret else answer.body
            idempotency.keep(c, replace(answer, body=body))
        return answer

    try:
        return Done(await house.db.transact(write), replayed=False)
    except (sa.exc.IntegrityError, Refused) as fault:
        if isinstance(fault, Refused) and fault.refusal.code in _UNREACHABLE:
            raise
        if earlier := await earlier_answer(house, asked, secret=secret):  # the same key, a moment ago
            return earlier
        raise


def _fingerprint(house: House, asked: Asked) -> str:
    """Keyed with the server's secret: the body may hold a password, and a plain digest of it could be guessed at."""
    return hmac.digest(house.secret, b"answer" + asked.fingerprint.encode(), "sha256").hex()


def _place(asked: Asked) -> str:
    return f"answer {asked.owner} {asked.key}"
