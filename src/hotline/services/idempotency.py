"""Administrative writes under an Idempotency-Key: the answer is kept in the same transaction as its effect."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from hotline.db import answers
from hotline.db.write_plan import Answer
from hotline.refusals import Code, Refused

from .act import REUSED, Asked, Done
from .house import House
from .sealing import seal, unseal

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
    kept = await answers.given(house.db, asked.owner, asked.key)
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
            answers.keep(c, replace(answer, body=body))
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
