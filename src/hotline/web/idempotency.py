"""Administrative writes under an Idempotency-Key: the answer is kept in the same transaction as its effect."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from hotline.database import idempotency
from hotline.database.context import PlatformServices
from hotline.database.engine import Database
from hotline.database.write_plan import StoredAnswer
from hotline.refusals import Code, Refusal, Refused
from hotline.secrets.secret_box import unseal
from hotline.server_secret import accepted_secrets, digest_key, keyed_digest, lookup_keys
from hotline.text.numbering import TicketNumber

ANSWER_RETENTION = timedelta(hours=72)  # what the README promises for an Idempotency-Key
REUSED = Refusal(
    Code.KEY_REUSED,
    "this Idempotency-Key was used with another request",
    errors=(("Idempotency-Key", "used with another request"),),
)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Who asked under which key for what: `fingerprint` tells one request from another, and nothing of what was asked.
    `earlier`: the same as versions before kept it, for as long as answers are kept."""

    owner: str
    key: str
    fingerprint: str
    keep_body: bool = True  # a key the client did not choose can never be asked for again
    earlier: Sequence[str] = ()


def fingerprint_request(secret: bytes, content: bytes) -> tuple[str, Sequence[str]]:
    """The fingerprint of a request with this content (method, path and body), and those of versions before. It is
    keyed: a request holds phone numbers and passwords, and a plain digest of it could be guessed at."""
    digest = hashlib.sha256(content).hexdigest()
    keys, signed = dict.fromkeys((*lookup_keys(secret), *accepted_secrets(secret))), b"answer" + digest.encode()
    earlier = [keyed_digest(key, signed).hex() for key in keys]
    return keyed_digest(digest_key(secret), b"request " + digest.encode()).hex(), (*earlier, digest)


def is_same_request(request_key: RequestKey, kept: str) -> bool:
    """Whether a kept fingerprint is that of this request."""
    found = False
    for each in (request_key.fingerprint, *request_key.earlier):
        found |= hmac.compare_digest(each.encode(), kept.encode())
    return found


@dataclass(frozen=True, slots=True)
class ActionResult:
    """What to answer. `replayed`: it was done before, by the same key."""

    answer: StoredAnswer
    replayed: bool
    number: TicketNumber | None = None  # of the ticket it was done to, where it was done now


def storable_answer(answer: StoredAnswer, request_key: RequestKey) -> StoredAnswer:
    """The answer as it is kept: the body only where it can be asked for again."""
    return answer if request_key.keep_body else replace(answer, body="")


def replay_answer(answer: StoredAnswer, request_key: RequestKey) -> ActionResult:
    """The earlier answer, if the same thing was asked."""
    if not is_same_request(request_key, answer.fingerprint):
        raise Refused(REUSED)
    return ActionResult(answer, replayed=True)


async def replayed_or_refused(db: Database, key: RequestKey, refusal: Refusal) -> ActionResult:
    """What was answered to this key before: a retry meets the world its first try made. Raises Refused where there is
    no such answer."""
    if earlier := await idempotency.load_stored_answer(db, key.owner, key.key):
        return replay_answer(earlier, key)
    raise Refused(refusal)


# with these the database cannot be asked for an earlier answer either
_UNREACHABLE = frozenset({Code.UNAVAILABLE, Code.STORAGE_FULL, Code.OVERLOADED, Code.OUTCOME_UNKNOWN})


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request is answered: HTTP status, body as text (JSON, or empty), version as ETag."""

    status: int
    body: str = ""
    etag: str | None = None


async def load_earlier_answer(
    services: PlatformServices, request_key: RequestKey, *, secret: bool = False
) -> ActionResult | None:
    """What was answered to this key before; None: nothing. Raises Refused where it was used for another request."""
    if not request_key.keep_body:
        return None
    kept = await idempotency.load_stored_answer(services.db, request_key.owner, request_key.key)
    if kept is None:
        return None
    if not is_same_request(request_key, kept.fingerprint):
        raise Refused(REUSED)
    if secret and kept.body and not kept.body.startswith(("{", "[")):  # by a version that sealed it once more
        kept = replace(kept, body=unseal(services.secret, _seal_context(request_key), kept.body))
    return ActionResult(kept, replayed=True)


async def write_once(
    services: PlatformServices,
    request_key: RequestKey,
    work: Callable[[sa.Connection], Reply],
    now: datetime,
    *,
    secret: bool = False,
) -> ActionResult:
    """Run `work(connection)` in one transaction and keep the reply it returns under the request's key, so that a repeat
    is given the same reply and changes nothing. `secret`: it holds what is told only once; like every reply it
    is kept sealed. Raises what `work` raises, and Refused where the key was used for another request."""
    if earlier := await load_earlier_answer(services, request_key, secret=secret):
        return earlier

    def write(c: sa.Connection) -> StoredAnswer:
        reply = work(c)
        answer = StoredAnswer(
            request_key.owner,
            request_key.key,
            request_key.fingerprint,
            reply.status,
            reply.body,
            now,
            reply.etag,
        )
        if request_key.keep_body:  # a key the client did not choose can never be asked for again
            idempotency.store_answer(c, answer)
        return answer

    try:
        return ActionResult(await services.db.transact(write), replayed=False)
    except (sa.exc.IntegrityError, Refused) as fault:
        if isinstance(fault, Refused) and fault.refusal.code in _UNREACHABLE:
            raise
        if earlier := await load_earlier_answer(services, request_key, secret=secret):  # the same key, a moment ago
            return earlier
        raise


def _seal_context(request_key: RequestKey) -> str:
    return f"answer {request_key.owner} {request_key.key}"
