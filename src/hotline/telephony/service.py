"""Calls on the exchange: events into calls, missed ones into promises, the answered one onto its operator's screen."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
import structlog

from hotline.database.deadlines import database_deadline, run_detached
from hotline.database.engine import Database
from hotline.database.identifiers import new_reference, reference_time
from hotline.database.outages import OUTAGES
from hotline.database.prepared import Row
from hotline.delivery.account import HOME_ZONE
from hotline.delivery.gateways import Gateway
from hotline.delivery.model import GatewayKind
from hotline.delivery.payloads import clean_data, hashed_key, raw_text
from hotline.inbound.rows import NOT_AUTHENTIC, inbound_rows, unreadable_columns
from hotline.inbound.webhook_request import Acknowledgement, AuthenticationFailed, UnreadableItem, WebhookRequest
from hotline.organisation.model.actors import Actor, ActorKind
from hotline.organisation.model.scopes import Scope, scope_of
from hotline.organisation.store import people
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.replies import reply_type
from hotline.telephony import store as call_store
from hotline.telephony.contract import exchange_provider
from hotline.telephony.model import (
    RINGING,
    TALK_TIMEOUT,
    WAIT_TIMEOUT,
    CallEvent,
    CallFigure,
    CallSignal,
    VoiceCall,
    acd_figures,
    build_call,
    is_call,
    parse_event,
    rung_agents,
)
from hotline.telephony.push_state import CallPushState
from hotline.telephony.vocabulary import VoiceState
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import ParsedPhone
from hotline.tickets.context import Services
from hotline.web.idempotency import ActionResult, Reply, write_once

RECORDING_DAYS = 180  # days a recording's reference is kept, unless the gateway says otherwise
EVENT_RETENTION = timedelta(days=30)  # how long the events of a call are kept, and it may still change
BATCH_SIZE = 200  # calls that one look ends, each in a transaction of its own
RECHECK_AFTER = timedelta(minutes=10)
UNKNOWN_CALL = Refusal(Code.NOT_FOUND, "no such call")
log = structlog.get_logger("hotline.voice")


async def receive_events(services: Services, name: str, request: WebhookRequest) -> Acknowledgement:
    """Keep the events of a webhook and what comes of them. Raises Refused: no such exchange, not authentic, not
    kept."""
    started = asyncio.get_running_loop().time()
    gateway = await services.gateways.named(name, GatewayKind.VOICE, request.at)
    directory = await services.directory.current_or_last_known(request.at)
    home = directory.calendars[directory.home.calendar].zone if directory.home else HOME_ZONE
    exchange = exchange_provider(gateway.provider).adapter(replace(gateway.account, home_zone=home))
    size = len(request.body) + len(request.query)
    try:
        await services.offload.run(size, exchange.authenticate, request)
    except (AuthenticationFailed, ValueError) as wrong:
        log.warning(
            "hook.refused",
            gateway=name,
            why=str(wrong) if isinstance(wrong, AuthenticationFailed) else "not to be read",
        )
        raise Refused(NOT_AUTHENTIC) from None
    items: Sequence[CallEvent | UnreadableItem]
    try:
        items = await services.offload.run(size, exchange.events, request)
    except (ValueError, KeyError, TypeError, AttributeError):
        items = [UnreadableItem("the body cannot be read", raw_text(request.body))]
    review_rows = await inbound_rows(
        services, gateway, [item for item in items if isinstance(item, UnreadableItem)], request.at, unreadable_columns
    )
    if review_rows:
        await services.inbox.keep(review_rows)
    events = [item for item in items if isinstance(item, CallEvent)]
    try:
        left = services.deadlines.push - (asyncio.get_running_loop().time() - started)
        async with database_deadline(left, writes=True):  # ends the wait, not the transaction
            await run_detached(apply_events(services, gateway, events, request.at))
    except OUTAGES:
        if services.spool is None:
            raise
        event_dicts = [{"reference": e.reference, "key": e.key, **e.as_dict()} for e in events]
        await services.spool.append(
            {"kind": "voice", "pbx": name, "events": event_dicts, "at": request.at.isoformat()}, request.at
        )
    return exchange.acknowledge()


async def drain_spooled_events(services: Services, record: Mapping[str, Any]) -> None:
    """Events that were spooled; those of an exchange that is gone go with it."""
    gateway = (await services.gateways.now(services.clock())).get(record["pbx"])
    if gateway is not None:
        events = [parse_event(e["reference"], e["key"], e) for e in record["events"]]
        await apply_events(services, gateway, events, datetime.fromisoformat(record["at"]))


SPOOLED = {"voice": drain_spooled_events}


async def apply_events(services: Services, gateway: Gateway, events: Sequence[CallEvent], now: datetime) -> None:
    """Events into calls, in one transaction; the same event twice does nothing."""
    if not events:
        return
    async with services.part(
        CallPushState
    ).turn:  # one at a time here: webhooks of one call come together, and would only wait below
        await services.db.transact(lambda c: _store_events(c, services, gateway, events, now))
    services.part(CallPushState).tell()


def _store_events(
    c: sa.Connection, services: Services, gateway: Gateway, events: Sequence[CallEvent], now: datetime
) -> None:
    # always in one order, events before calls before telephone numbers: two webhooks never deadlock
    for event in sorted(map(_with_ringing_key, events), key=lambda e: (e.reference, e.key)):
        row = {
            "pbx": gateway.name,
            "key": event.key,
            "reference": event.reference,
            "body": clean_data(event.as_dict()),
            "at": now,
        }
        if event.signal in RINGING:
            call_store.put_newer_event(c, row, partial(_rings_later, event))
        else:
            call_store.insert_event(c, row)
    rang = {e.reference for e in events if e.signal in RINGING}
    _rebuild_calls(c, services, gateway, sorted({e.reference for e in events}), now, rang)


def _with_ringing_key(event: CallEvent) -> CallEvent:
    """A queue may ring at every agent each few seconds for hours: one row for each agent, however often."""
    return replace(event, key=hashed_key("ringing", event.reference, event.agent)) if event.signal in RINGING else event


def _rings_later(event: CallEvent, kept_body: Mapping[str, Any]) -> bool:
    kept = parse_event(event.reference, event.key, kept_body)
    return event.order > kept.order


def _rebuild_calls(
    c: sa.Connection,
    services: Services,
    gateway: Gateway,
    references: Sequence[str],
    now: datetime,
    rang: Collection[str] = (),
) -> None:
    """Calls anew from all their events, and after them who is to be called back. `rang`: those that ring at somebody
    else now."""
    phones: set[tuple[str, bool]] = set()
    for name in references:
        kept = _load_events(c, gateway, name)
        if not is_call(kept):
            continue
        blank = {
            "id": new_reference(now), "pbx": gateway.name, "reference": name, "direction": kept[0].direction,
            "state": "offered", "offered_at": min(e.at for e in kept), "moved_at": now,
        }  # fmt: skip
        call_store.insert_call(c, _complete_row(blank))
        current_row = call_store.lock_call(c, gateway.name, name)
        if current_row is None or reference_time(current_row.id) < now - EVENT_RETENTION:
            continue  # its events are forgotten: it stays as it was
        call = build_call(
            _load_events(c, gateway, name)
        )  # asked anew: others may have brought some until the call was ours
        who = _parse_caller(services, call.phone)
        columns = _call_columns(gateway, call, who, current_row, now)
        call_store.update_call(c, current_row.id, {**columns, **({"moved_at": now} if name in rang else {})})
        if name in rang:
            call_store.replace_rings(c, current_row.id, _rung_logins(gateway, _load_events(c, gateway, name)))
        phones |= {
            number
            for number in (_callback_number(who), _callback_number(_parse_caller(services, current_row.raw_phone)))
            if number
        }
    for phone, read in sorted(phones):
        call_store.update_return_call(c, phone, new_reference(now), now, now - EVENT_RETENTION, read=read)


async def end_silent_calls(services: Services, now: datetime) -> int:
    """End the calls of which nothing was heard for too long; how many were looked at. Each for itself, and by an event
    of ours in its own log: what is reported of it later still counts."""
    rows = await services.db.transact(lambda c: call_store.load_silent_calls(c, now, BATCH_SIZE))
    gateways = await services.gateways.now(now) if rows else {}
    for row in rows:
        gateway = gateways.get(row.pbx)
        try:
            async with services.part(CallPushState).turn:
                await services.db.transact(
                    partial(_end_silent_call, services=services, gateway=gateway, row=row, now=now)
                )
        except Exception as fault:  # one odd call must not hold up the others: it is looked at again later
            log.error("call.end_missing.fault", id=row.id, fault=type(fault).__name__, exc_info=fault)
            later = {"end_due_at": now + RECHECK_AFTER}
            await services.db.transact(partial(call_store.update_call, id=row.id, values=later))
    return len(rows)


def _end_silent_call(c: sa.Connection, services: Services, gateway: Gateway | None, row: Row, now: datetime) -> None:
    events = _load_events(c, gateway, row.reference) if gateway is not None else []
    if gateway is None or not is_call(events) or reference_time(row.id) < now - EVENT_RETENTION:
        call_store.end_without_events(c, row.id, now)  # nothing is left to fold, nor will anything be reported
        if rings_from := _callback_number(_parse_caller(services, row.raw_phone)):
            phone, read = rings_from
            call_store.update_return_call(c, phone, new_reference(now), now, now - EVENT_RETENTION, read=read)
        log.warning("call.end_missing", pbx=row.pbx, id=row.id)
        return
    call = build_call(events)
    due = _end_due_at(gateway, call)
    if due is not None and due <= now:
        key = hashed_key("no end", row.reference, call.last_received_at.isoformat())
        silence = CallEvent(row.reference, key, CallSignal.NO_END, call.last_received_at, call.direction)
        _store_events(c, services, gateway, [silence], now)
        log.warning("call.end_missing", pbx=row.pbx, id=row.id)
    else:
        _rebuild_calls(c, services, gateway, [row.reference], now)


def _load_events(c: sa.Connection, gateway: Gateway, name: str) -> list[CallEvent]:
    return [parse_event(name, r.key, r.body, r.at) for r in call_store.load_events(c, gateway.name, name)]


def _end_due_at(gateway: Gateway, call: VoiceCall) -> datetime | None:
    """When a call counts as over if nothing else is heard of it; None: it has ended."""
    if call.state is VoiceState.ENDED:
        return None
    waits = call.state is VoiceState.OFFERED
    name, limit = ("longest_wait_minutes", WAIT_TIMEOUT) if waits else ("longest_talk_minutes", TALK_TIMEOUT)
    minutes = gateway.account.settings.get(name)
    return call.last_received_at + (timedelta(minutes=int(minutes)) if minutes else limit)


def _complete_row(row: Mapping[str, Any]) -> dict[str, Any]:
    names = (
        "phone", "raw_phone", "line", "queue", "agent", "outcome", "cause", "queued_at", "answered_at", "ended_at",
        "wait_ms", "talk_ms", "number", "recording", "recording_expires_at", "end_due_at", "time_unknown",
    )  # fmt: skip
    return {**dict.fromkeys(names), **row}


def _parse_caller(services: Services, raw: str | None) -> ParsedPhone:
    digits = raw if raw is None or raw.startswith("+") or not raw.isdigit() else _with_country_code(raw)
    return replace(parse_phone(digits, services.region, services.area_code), raw=raw)  # as it is kept with the call


def _callback_number(caller: ParsedPhone) -> tuple[str, bool] | None:
    """The number a caller is called back on, and whether it could be read: one that could not is no reason to forget
    them. None: withheld, or a service's."""
    if caller.phone is not None:
        return (caller.phone, True) if caller.caller else None
    raw = _truncate(caller.raw) if caller.unread else None
    return (raw, False) if raw else None


def _with_country_code(digits: str) -> str:
    """Exchanges write 8613800138000 without a plus."""
    return f"+{digits}" if digits.startswith("86") and len(digits) == 13 else digits


def _truncate(text: str | None) -> str | None:
    return text[:60] if text else None


def _call_columns(
    gateway: Gateway, call: VoiceCall, caller: ParsedPhone, current_row: Row, now: datetime
) -> dict[str, Any]:
    agents = gateway.account.settings.get("agents") or {}
    agent = str(agents.get(call.agent, call.agent)) if call.agent else None
    days = int(gateway.account.settings.get("retention_days") or RECORDING_DAYS)
    expires = call.offered_at + timedelta(days=days)
    recorded = bool(call.recording) and expires > now
    image = {
        "direction": call.direction, "phone": caller.phone, "raw_phone": _truncate(call.phone),
        "line": _truncate(call.line),
        "queue": _truncate(call.queue), "agent": agent[:60] if agent else None, "state": call.state,
        "outcome": call.outcome,
        "cause": call.cause[:40] if call.cause else None, "offered_at": call.offered_at, "queued_at": call.queued_at,
        "answered_at": call.answered_at, "ended_at": call.ended_at, "wait_ms": call.wait_ms, "talk_ms": call.talk_ms,
        "recording": dict(call.recording or {}) if recorded else None,
        "recording_expires_at": expires if recorded else None,
        "end_due_at": _end_due_at(gateway, call), "time_unknown": call.time_unknown,
    }  # fmt: skip
    moved = any(getattr(current_row, name) != image[name] for name in ("agent", "state", "outcome"))
    return {**image, "moved_at": now if moved else current_row.moved_at}


def _rung_logins(gateway: Gateway, events: Sequence[CallEvent]) -> dict[str, datetime]:
    """At whose telephones it rings, by log-in."""
    known = gateway.account.settings.get("agents") or {}
    return {str(known.get(agent, agent))[:60]: at for agent, at in rung_agents(events).items()}


async def load_login(services: Services, actor: Actor) -> str | None:
    """The login an exchange knows this operator by."""
    if actor.kind is not ActorKind.PERSON:
        return None
    row = await people.load_person(services.db, actor.id)
    return row.login if row else None


class StoredCalls:
    """What intake asks and notes about the calls of the exchange: `tickets.context.ExchangeCalls`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def number_of(self, call: str, scope: Scope) -> str | None:
        """The number a call came from, as the exchange gave it where it cannot be read or was withheld; None where
        there is none, or no such call within the scope."""
        row = await call_store.load_call(self._db, scope, call)
        return row.phone or row.raw_phone if row is not None else None

    async def link(self, call: str, number: str, scope: Scope) -> None:
        """Note which ticket came of a call. Raises Refused where there is no such call within the scope."""
        row = await call_store.load_call(self._db, scope, call)
        if row is None:
            raise Refused(UNKNOWN_CALL)
        await self._db.transact(lambda c: call_store.update_call(c, row.id, {"number": number}))


async def link_call(services: Services, call: str, number: str, request: WriteRequest) -> ActionResult:
    """The same under an Idempotency-Key."""
    row = await call_store.load_call(services.db, scope_of(request.actor), call)
    if row is None:
        raise Refused(UNKNOWN_CALL)

    def note(c: sa.Connection) -> Reply:
        call_store.update_call(c, row.id, {"number": number})
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


async def load_call_centre_figures(
    services: Services, start: datetime, end: datetime, queue: str | None, threshold: int, short: int
) -> CallCentreFigures:
    """The call centre's figures within a window, with their formulas. `threshold` and `short` in seconds."""
    counts = await call_store.load_call_counts(services.db, start, end, queue, threshold * 1000, short * 1000)
    shown, found = acd_figures(counts, threshold, short)
    return CallCentreFigures(start, end, queue, threshold, short, shown, found)
