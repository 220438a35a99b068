"""Tokens of duty calendars. A calendar program sends one instead of a log-in; it opens the calendar of one department
and nothing else.

A department has a shared token from the beginning, which follows from the server's secret and is shown with its duty;
named ones are made for one program each, and shown once. Each is looked up for every request, so what was revoked
opens nothing from then on, in every process."""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hotline.organisation.context import OrganisationServices
from hotline.organisation.store import duty_feeds as store
from hotline.organisation.store.duty_feeds import SHARED, FeedName
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.security_log.store import SecurityEvent, record_deed
from hotline.security_log.vocabulary import Deed
from hotline.server_secret import accepted_secrets
from hotline.web.idempotency import ActionResult, Reply, load_earlier_answer, write_once

MOST_FEEDS = 100  # named tokens of one department: each request compares with all of them
NO_FEED = Refusal(Code.NOT_FOUND, "no such feed")


@dataclass(frozen=True, slots=True)
class Feed:
    """A token as lists show it. `made_at` and `made_by` None: the shared one, as it was from the beginning."""

    id: str
    name: str
    made_at: datetime | None
    made_by: str | None
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class MadeFeed:
    """A token that was just made, with what a calendar program sends."""

    feed: Feed
    token: str


Render = Callable[[MadeFeed], str]


def _shared_token(secret: bytes, department: str, generation: int) -> str:
    seed = f"duty feed {department} {generation}" if generation else f"duty feed {department}"
    return hmac.new(secret, seed.encode(), hashlib.sha256).hexdigest()[:32]


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()  # of 192 random bits: no key is needed to keep it from guessing


async def shared_token(services: OrganisationServices, department: str) -> str | None:
    """The shared token of a department. None: it was revoked."""
    shared = await store.load_shared_feed(services.db, department)
    return _shared_token(services.secret, department, shared.generation) if shared.active else None


async def load_feeds(services: OrganisationServices, department: str) -> list[Feed]:
    """The tokens that open the calendar of a department: the shared one first, then the named ones by age."""
    shared = await store.load_shared_feed(services.db, department)
    found = [_shared_feed(shared)] if shared.active else []
    rows = await store.load_feeds(services.db, department)
    return found + [Feed(r.id, r.name, r.created_at, r.created_by, r.last_used_at) for r in rows]


def _shared_feed(shared: store.SharedFeed) -> Feed:
    renewed = shared.generation > 0
    made = (shared.changed_at, shared.changed_by) if renewed else (None, None)
    return Feed(SHARED, SHARED, *made, shared.last_used_at)


async def open_feed(services: OrganisationServices, department: str, token: str, now: datetime) -> bool:
    """Whether the token opens the calendar of this department; its use is noted."""
    shared = await store.load_shared_feed(services.db, department)
    found: tuple[str, datetime | None] | None = None
    if shared.active:
        for secret in accepted_secrets(services.secret):
            expected = _shared_token(secret, department, shared.generation)
            if hmac.compare_digest(token.encode(), expected.encode()):
                found = SHARED, shared.last_used_at
    hashed = _hash(token)
    for row in await store.load_feeds(services.db, department):
        if hmac.compare_digest(row.hash, hashed):
            found = row.id, row.last_used_at
    if found is None:
        return False
    services.last_use.note_feed(FeedName(department, found[0]), found[1], now)
    return True


async def add_feed_once(
    services: OrganisationServices, department: str, name: str, request: WriteRequest, render: Render
) -> ActionResult:
    """A named token; a repeat under the same Idempotency-Key gets the same one."""
    token, now = secrets.token_urlsafe(24), request.now
    row = {
        "id": secrets.token_hex(8), "department": department, "name": name, "hash": _hash(token), "created_at": now,
        "created_by": request.actor.id, "last_used_at": None, "revoked_at": None,
    }  # fmt: skip
    event = _event(Deed.FEED_TOKEN_MADE, FeedName(department, str(row["id"])), request)

    def write(c: sa.Connection) -> Reply:
        if store.count_feeds(c, department) >= MOST_FEEDS:
            raise Refused(Refusal(Code.CONFLICT, f"a department has {MOST_FEEDS} feeds at most: revoke one first"))
        store.add_feed(c, row)
        record_deed(c, event)
        return Reply(201, render(MadeFeed(Feed(str(row["id"]), name, now, request.actor.id, None), token)))

    return await write_once(services, request.key, write, now, secret=True)


async def renew_feed_once(
    services: OrganisationServices, feed: FeedName, request: WriteRequest, render: Render
) -> ActionResult:
    """Another token in place of one, which opens nothing from now on; the shared one is opened anew by it where it was
    revoked. Raises Refused where there is none of that id."""
    if earlier := await load_earlier_answer(services, request.key, secret=True):
        return earlier
    token, now, by = secrets.token_urlsafe(24), request.now, request.actor.id
    known = {row.id: row for row in await store.load_feeds(services.db, feed.department)}
    if feed.id != SHARED and feed.id not in known:
        raise Refused(NO_FEED)
    event = _event(Deed.FEED_TOKEN_MADE, feed, request, renewed=True)

    def write(c: sa.Connection) -> Reply:
        if feed.id == SHARED:
            generation = store.renew_shared_feed(c, feed.department, by, now)
            made = MadeFeed(
                Feed(SHARED, SHARED, now, by, None), _shared_token(services.secret, feed.department, generation)
            )
        else:
            if not store.renew_feed(c, feed, _hash(token)):
                raise Refused(NO_FEED)
            row = known[feed.id]
            made = MadeFeed(Feed(row.id, row.name, row.created_at, row.created_by, None), token)
        record_deed(c, event)
        return Reply(201, render(made))

    return await write_once(services, request.key, write, now, secret=True)


async def revoke_feed(services: OrganisationServices, feed: FeedName, request: WriteRequest) -> None:
    """The token opens nothing from now on. Raises Refused where there is none of that id."""
    event = _event(Deed.FEED_TOKEN_REVOKED, feed, request)

    def revoke(c: sa.Connection) -> bool:
        if feed.id == SHARED:
            done = store.revoke_shared_feed(c, feed.department, request.actor.id, request.now)
        else:
            done = store.revoke_feed(c, feed, request.now)
        if done:
            record_deed(c, event)
        return done

    if not await services.db.transact(revoke):
        raise Refused(NO_FEED)


def _event(deed: Deed, feed: FeedName, request: WriteRequest, **details: bool) -> SecurityEvent:
    return SecurityEvent(
        deed, request.actor, request.now, ("feed", feed.id), {"department": feed.department, **details}
    )
