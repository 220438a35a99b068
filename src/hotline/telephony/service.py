"""Calls on the exchange: events into calls, missed ones into promises, the answered one onto its operator's screen."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from hotline.database.deadlines import detached, within
from hotline.database.engine import Database
from hotline.database.identifiers import made_at, reference
from hotline.database.outages import OUTAGES
from hotline.database.prepared import Row
from hotline.delivery.account import HOME_ZONE
from hotline.delivery.gateways import Gateway
from hotline.delivery.model import GatewayKind
from hotline.delivery.payloads import cleaned, hashed_key, kept_raw
from hotline.inbound.push import Acknowledgement, Odd, Push, Unauthentic
from hotline.inbound.rows import NOT_THEIRS, odd_columns, rows_of
from hotline.organisation.model.actors import Actor, ActorKind
from hotline.organisation.store import people
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.replies import reply_type
from hotline.telephony import store as call_store
from hotline.telephony.arrivals import CallArrivals
from hotline.telephony.contract import exchange_provider
from hotline.telephony.model import (
    LONGEST_TALK,
    LONGEST_WAIT,
    CallEvent,
    CallFigure,
    CallSignal,
    VoiceCall,
    acd_figures,
    began,
    read_event,
    told,
)
from hotline.telephony.vocabulary import VoiceState
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import ParsedPhone
from hotline.tickets.context import Services
from hotline.web.idempotency import ActionResult, Reply, write_once

RETENTION = 180  # days a recording's reference is kept, unless the gateway says otherwise
EVENTS = timedelta(days=30)  # how long the events of a call are kept, and it may still change
AT_ONCE = 200  # calls that one look ends, each in a transaction of its own
LOOK_AGAIN = timedelta(minutes=10)
UNKNOWN = Refusal(Code.NOT_FOUND, "no such call")
log = structlog.get_logger("hotline.voice")


async def receive_events(services: Services, name: str, push: Push) -> Acknowledgement:
    """Keep the events of a push and what comes of them. Raises Refused: no such exchange, not authentic, not kept."""
    begun = asyncio.get_running_loop().time()
    gateway = await services.gateways.named(name, GatewayKind.VOICE, push.at)
    directory = await services.directory.cached(push.at)
    home = directory.calendars[directory.home.calendar].zone if directory.home else HOME_ZONE
    exchange = exchange_provider(gateway.provider).adapter(replace(gateway.account, home_zone=home))
    size = len(push.body) + len(push.query)
    try:
        await services.offload.run(size, exchange.authenticate, push)
    except (Unauthentic, ValueError) as wrong:
        log.warning(
            "hook.refused", gateway=name, why=str(wrong) if isinstance(wrong, Unauthentic) else "not to be read"
        )
        raise Refused(NOT_THEIRS) from None
    items: Sequence[CallEvent | Odd]
    try:
        items = await services.offload.run(size, exchange.events, push)
    except (ValueError, KeyError, TypeError, AttributeError):
        items = [Odd("the body cannot be read", kept_raw(push.body))]
    odd = await rows_of(services, gateway, [item for item in items if isinstance(item, Odd)], push.at, odd_columns)
    if odd:
        await services.inbox.keep(odd)
    events = [item for item in items if isinstance(item, CallEvent)]
    try:
        left = services.deadlines.push - (asyncio.get_running_loop().time() - begun)
        async with within(left, writes=True):  # ends the wait, not the transaction
            await detached(take_events(services, gateway, events, push.at))
    except OUTAGES:
        if services.spool is None:
            raise
        plain = [{"reference": e.reference, "key": e.key, **e.plain()} for e in events]
        await services.spool.append({"kind": "voice", "pbx": name, "events": plain, "at": push.at.isoformat()}, push.at)
    return exchange.acknowledge()


async def drain_spooled_events(services: Services, record: Mapping[str, Any]) -> None:
    """Events that were spooled; those of an exchange that is gone go with it."""
    gateway = (await services.gateways.now(services.clock())).get(record["pbx"])
    if gateway is not None:
        events = [read_event(e["reference"], e["key"], e) for e in record["events"]]
        await take_events(services, gateway, events, datetime.fromisoformat(record["at"]))


SPOOLED = {"voice": drain_spooled_events}


async def take_events(services: Services, gateway: Gateway, events: Sequence[CallEvent], now: datetime) -> None:
    """Events into calls, in one transaction; the same event twice does nothing."""
    if not events:
        return
    async with services.part(
        CallArrivals
    ).turn:  # one at a time here: pushes of one call come together, and would only wait below
        await services.db.transact(lambda c: _take(c, services, gateway, events, now))
    services.part(CallArrivals).noted.set()
    services.part(CallArrivals).noted.clear()


def _take(c: sa.Connection, services: Services, gateway: Gateway, events: Sequence[CallEvent], now: datetime) -> None:
    # always in one order, events before calls before telephone numbers: two pushes never wait for each other in a ring
    for event in sorted(events, key=lambda e: (e.reference, e.key)):
        row = {
            "pbx": gateway.name,
            "key": event.key,
            "reference": event.reference,
            "body": cleaned(event.plain()),
            "at": now,
        }
        call_store.keep_event(c, row)
    _refold(c, services, gateway, sorted({e.reference for e in events}), now)


def _refold(c: sa.Connection, services: Services, gateway: Gateway, names: Sequence[str], now: datetime) -> None:
    """Calls anew from all their events, and after them who is to be rung back."""
    phones: set[tuple[str, bool]] = set()
    for name in names:
        kept = _kept(c, gateway, name)
        if not began(kept):
            continue
        blank = {
            "id": reference(now), "pbx": gateway.name, "reference": name, "direction": kept[0].direction,
            "state": "offered", "offered_at": min(e.at for e in kept), "moved_at": now,
        }  # fmt: skip
        call_store.begin_call(c, _whole(blank))
        before = call_store.call_of(c, gateway.name, name)
        if before is None or made_at(before.id) < now - EVENTS:
            continue  # its events are forgotten: it stays as it was
        call = told(_kept(c, gateway, name))  # asked anew: others may have brought some until the call was ours
        who = _caller(services, call.phone)
        call_store.set_call(c, before.id, _image(gateway, call, who, before, now))
        phones |= {number for number in (_rings_from(who), _rings_from(_caller(services, before.raw_phone))) if number}
    for phone, read in sorted(phones):
        call_store.recount(c, phone, reference(now), now, now - EVENTS, read=read)


async def end_silent_calls(services: Services, now: datetime) -> int:
    """End the calls of which nothing was heard for too long; how many were looked at. Each for itself, and by an event
    of ours in its own log: what is told of it later still counts."""
    rows = await services.db.transact(lambda c: call_store.overdue(c, now, AT_ONCE))
    gateways = await services.gateways.now(now) if rows else {}
    for row in rows:
        gateway = gateways.get(row.pbx)
        try:
            async with services.part(CallArrivals).turn:
                await services.db.transact(partial(_end_silent, services=services, gateway=gateway, row=row, now=now))
        except Exception as fault:  # one odd call must not hold up the others: it is looked at again later
            log.error("call.end_missing.fault", id=row.id, fault=type(fault).__name__, exc_info=fault)
            later = {"end_due_at": now + LOOK_AGAIN}
            await services.db.transact(partial(call_store.set_call, id=row.id, values=later))
    return len(rows)


def _end_silent(c: sa.Connection, services: Services, gateway: Gateway | None, row: Row, now: datetime) -> None:
    events = _kept(c, gateway, row.reference) if gateway is not None else []
    if gateway is None or not began(events) or made_at(row.id) < now - EVENTS:
        call_store.end_as_it_stands(c, row.id, now)  # nothing is left to fold, nor will anything be told of it
        if rings_from := _rings_from(_caller(services, row.raw_phone)):
            phone, read = rings_from
            call_store.recount(c, phone, reference(now), now, now - EVENTS, read=read)
        log.warning("call.end_missing", pbx=row.pbx, id=row.id)
        return
    call = told(events)
    due = _end_due(gateway, call)
    if due is not None and due <= now:
        key = hashed_key("no end", row.reference, call.heard_at.isoformat())
        silence = CallEvent(row.reference, key, CallSignal.NO_END, call.heard_at, call.direction)
        _take(c, services, gateway, [silence], now)
        log.warning("call.end_missing", pbx=row.pbx, id=row.id)
    else:
        _refold(c, services, gateway, [row.reference], now)


def _kept(c: sa.Connection, gateway: Gateway, name: str) -> list[CallEvent]:
    return [read_event(name, r.key, r.body, r.at) for r in call_store.events_of(c, gateway.name, name)]


def _end_due(gateway: Gateway, call: VoiceCall) -> datetime | None:
    """When a call counts as over if nothing else is heard of it; None: it has ended."""
    if call.state is VoiceState.ENDED:
        return None
    waits = call.state is VoiceState.OFFERED
    name, limit = ("longest_wait_minutes", LONGEST_WAIT) if waits else ("longest_talk_minutes", LONGEST_TALK)
    minutes = gateway.account.settings.get(name)
    return call.heard_at + (timedelta(minutes=int(minutes)) if minutes else limit)


def _whole(row: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "phone", "raw_phone", "line", "queue", "agent", "outcome", "cause", "queued_at", "answered_at", "ended_at",
        "wait_ms", "talk_ms", "number", "recording", "recording_expires_at", "end_due_at", "time_unknown",
    )  # fmt: skip
    return {**dict.fromkeys(names), **row}


def _caller(services: Services, raw: str | None) -> ParsedPhone:
    digits = raw if raw is None or raw.startswith("+") or not raw.isdigit() else _with_country(raw)
    return replace(parse_phone(digits, services.region, services.area_code), raw=raw)  # as it is kept with the call


def _rings_from(who: ParsedPhone) -> tuple[str, bool] | None:
    """The number a caller is rung back on, and whether it could be read: one that could not is no reason to forget
    them. None: withheld, or a service's."""
    if who.phone is not None:
        return (who.phone, True) if who.caller else None
    raw = _short(who.raw) if who.unread else None
    return (raw, False) if raw else None


def _with_country(digits: str) -> str:
    """Exchanges write 8613800138000 without a plus."""
    return f"+{digits}" if digits.startswith("86") and len(digits) == 13 else digits


def _short(said: str | None) -> str | None:
    return said[:60] if said else None


def _image(gateway: Gateway, call: VoiceCall, who: ParsedPhone, before: Row, now: datetime) -> dict[str, Any]:
    agents = gateway.account.settings.get("agents") or {}
    agent = str(agents.get(call.agent, call.agent)) if call.agent else None
    days = int(gateway.account.settings.get("retention_days") or RETENTION)
    expires = call.offered_at + timedelta(days=days)
    recorded = bool(call.recording) and expires > now
    image = {
        "direction": call.direction, "phone": who.phone, "raw_phone": _short(call.phone), "line": _short(call.line),
        "queue": _short(call.queue), "agent": agent[:60] if agent else None, "state": call.state,
        "outcome": call.outcome,
        "cause": call.cause[:40] if call.cause else None, "offered_at": call.offered_at, "queued_at": call.queued_at,
        "answered_at": call.answered_at, "ended_at": call.ended_at, "wait_ms": call.wait_ms, "talk_ms": call.talk_ms,
        "recording": dict(call.recording or {}) if recorded else None,
        "recording_expires_at": expires if recorded else None,
        "end_due_at": _end_due(gateway, call), "time_unknown": call.time_unknown,
    }  # fmt: skip
    moved = any(getattr(before, name) != image[name] for name in ("agent", "state", "outcome"))
    return {**image, "moved_at": now if moved else before.moved_at}


async def login_of(services: Services, actor: Actor) -> str | None:
    """The login an exchange knows this operator by."""
    if actor.kind is not ActorKind.PERSON:
        return None
    row = await people.by_id(services.db, actor.id)
    return row.login if row else None


class KnownCalls:
    """What intake asks and notes about the calls of the exchange: `tickets.context.ExchangeCalls`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def number_of(self, call: str) -> str | None:
        """The number a call came from, as the exchange gave it where it cannot be read or was withheld; None where
        there is none, or no such call."""
        row = await call_store.a_call(self._db, call)
        return row.phone or row.raw_phone if row is not None else None

    async def link(self, call: str, number: str) -> None:
        """Note which ticket came of a call. Raises Refused where there is no such call."""
        row = await call_store.a_call(self._db, call)
        if row is None:
            raise Refused(UNKNOWN)
        await self._db.transact(lambda c: call_store.set_call(c, row.id, {"number": number}))


async def link_once(services: Services, call: str, number: str, request: WriteRequest) -> ActionResult:
    """The same under an Idempotency-Key."""
    row = await call_store.a_call(services.db, call)
    if row is None:
        raise Refused(UNKNOWN)

    def note(c: sa.Connection) -> Reply:
        call_store.set_call(c, row.id, {"number": number})
        return Reply(204)

    return await write_once(services, request.key, note, request.now)


@reply_type(start="from", end="to")
class CallCentreFigures:
    """The call centre's figures within a window; for `queue` alone where one is named."""

    start: datetime
    end: datetime
    queue: str | None
    threshold_seconds: int
    short_abandon_seconds: int
    counts: dict[str, int]
    figures: tuple[CallFigure, ...]


async def figures(
    services: Services, start: datetime, end: datetime, queue: str | None, threshold: int, short: int
) -> CallCentreFigures:
    """The call centre's figures within a window, with their formulas. `threshold` and `short` in seconds."""
    counts = await call_store.counted(services.db, start, end, queue, threshold * 1000, short * 1000)
    shown, found = acd_figures(counts, threshold, short)
    return CallCentreFigures(start, end, queue, threshold, short, shown, found)
