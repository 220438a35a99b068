"""Sending what waits: claim, let the database go, send, mark. One poisonous or slow message never holds up the others:
what is ready is marked as it comes, and more is claimed meanwhile."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import orjson
import sqlalchemy as sa
import structlog

from hotline.database.prepared import Row
from hotline.database.write_batcher import WriteBatcher
from hotline.delivery import attempts as outbox_attempts
from hotline.delivery import store as outbox_store
from hotline.delivery.alarms import alarm
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.gateways import Gateway
from hotline.delivery.notices import GatewayDown, GatewayRefused, Notices
from hotline.delivery.store import Reach
from hotline.locales import bilingual
from hotline.sms import store as sms_store
from hotline.sms.contract import Outgoing, SendResult, sms_provider
from hotline.sms.model.status import TextStatus
from hotline.sms.outgoing import PlannedText, first_row, pick, planned, speaks_by_text, spread_over_callers
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Facts
from hotline.tickets.store import facts as ticket_facts
from hotline.webhooks import service as subscription_service

AT_ONCE = 64  # messages under way together
EXPIRES = timedelta(hours=72)
log = structlog.get_logger("hotline.outbox")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a kind of message is tried, and the seconds before each further try."""

    tries: int
    waits: Sequence[float]

    def wait(self, attempts: int) -> float:
        return self.waits[min(attempts, len(self.waits)) - 1] * random.uniform(0.8, 1.2)  # noqa: S311 - jitter


NOTICE = RetryPolicy(8, (5, 30, 120, 600, 1800, 3600, 7200))
TEXT = RetryPolicy(48, (5, 60, 300))  # about four hours
HOOK = RetryPolicy(10, (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))  # about 75 hours (Standard Webhooks)


@dataclass
class Sender:
    """Messages of one worker on their way."""

    services: Services
    ways: DeliveryChannels
    in_flight: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._db = WriteBatcher(self.services.db)
        self._turns: dict[str, asyncio.Lock] = {}
        self._sending: set[str] = set()

    async def dispatch_due(self, now: datetime, at_once: int = AT_ONCE) -> int:
        """Claim what is due and set it on its way; how many."""
        room = at_once - len(self.in_flight)
        if room <= 0:
            return 0
        senders = await self.services.gateways.senders(now) if self.ways.texts is not None else []
        reach = Reach(bool(senders), self.ways.notices is not None, self.ways.hooks is not None)
        token = uuid4().hex
        sending = tuple(self._sending)
        claimed = await self.services.db.transact(lambda c: outbox_store.claim(c, now, token, room, reach, sending))
        if not claimed:
            return 0
        by_text = [m for m in claimed if reach.texts and speaks_by_text(m)]
        directory = await self.services.directory.now(now)
        numbers = sorted({m.number for m in by_text if m.number})
        facts = await ticket_facts.facts_of(self.services.db, numbers, directory) if numbers else {}
        texting = {m.id for m in by_text}
        for m in claimed:
            work = self._text(m, token, facts.get(m.number), senders) if m.id in texting else self._other(m, token)
            task = asyncio.create_task(self._guarded(m, token, work))
            self.in_flight.add(task)
            self._sending.add(m.id)
            task.add_done_callback(partial(self._on_settled, m.id))
        return len(claimed)

    def _on_settled(self, id: str, task: "asyncio.Task[None]") -> None:  # noqa: A002
        self.in_flight.discard(task)
        self._sending.discard(id)

    async def step(self, now: datetime) -> bool:
        """Launch, and wait a moment for the first to be done. False: nothing was due, and nothing is on its way."""
        await self.dispatch_due(now)
        under_way = bool(self.in_flight)
        if under_way:
            await asyncio.wait(self.in_flight, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
        return under_way

    async def settle_all(self) -> None:
        """Wait for all that is on its way."""
        while self.in_flight:
            await asyncio.wait(self.in_flight)

    async def _guarded(self, m: Row, token: str, work: Any) -> None:
        """Whatever a message does to us, it does to itself alone; its lease ends where not even that can be written."""
        try:
            await work
        except Exception as fault:
            log.error("outbox.fault", id=m.id, kind=m.kind, fault=type(fault).__name__, exc_info=fault)
            try:
                await self._failed(m, token, f"fault: {type(fault).__name__}", NOTICE, None)
            except Exception as other:
                log.error("outbox.not_released", id=m.id, fault=type(other).__name__)

    async def _other(self, m: Row, token: str) -> None:
        if m.kind == "event":
            await subscription_service.spread(self.services, m, token)
        elif m.kind == "webhook" and self.ways.hooks is not None:
            await self._hook(m, token, self.ways.hooks)
        elif self.ways.notices is not None:
            await self._notice(m, token, self.ways.notices)
        else:
            why = "no way to them: no phone number on the roster, and HOTLINE_NOTICE_URL is not set"
            await self._failed(m, token, why, NOTICE, None, never=True)

    async def _notice(self, m: Row, token: str, notices: Notices) -> None:
        body = orjson.dumps(
            {"id": m.id, "type": f"hotline.{m.kind}", "number": m.number, "created_at": m.created_at, "data": m.payload}
        )
        await self._try(m, token, "notices", NOTICE, lambda: notices.send(m.id, body, self.services.clock()))

    async def _hook(self, m: Row, token: str, client: httpx.AsyncClient) -> None:
        delivery = await subscription_service.delivery_of(self.services, m)
        if delivery is None:  # the subscription is gone or switched off
            await self._db.write(lambda c: outbox_store.put_back(c, m.id, token, None, "nobody subscribes any more"))
            return
        hook = Notices(client, delivery.url, *delivery.secrets)
        refused = await self._try(
            m, token, m.partition, HOOK, lambda: hook.send(m.id, delivery.body, self.services.clock())
        )
        if refused is not None and refused.gone:
            await subscription_service.disable(self.services, delivery.subscription, "the receiver said 410 Gone")

    async def _try(
        self, m: Row, token: str, way: str, manner: RetryPolicy, send: Callable[[], Any]
    ) -> GatewayRefused | None:
        begun = time.perf_counter()
        try:
            await send()
        except GatewayRefused as refused:
            # a subscriber's 404 may be a deployment: only 410 says never
            never = refused.gone or manner is not HOOK
            await self._failed(m, token, f"refused: {refused}", manner, None, way=way, begun=begun, never=never)
            return refused
        except GatewayDown as down:
            await self._failed(m, token, f"down: {down}", manner, down.after, way=way, begun=begun)
            return None
        tried = _tried(m.id, m.attempts, way, begun, self.services.clock(), None)

        def mark(c: sa.Connection) -> bool:
            outbox_attempts.log(c, [tried])
            return outbox_store.mark_sent(c, m.id, token)

        if not await self._db.write(mark):
            log.info("outbox.lease_lost", id=m.id)  # another worker has it: it may be sent twice, never lost
        return None

    async def _failed(
        self, m: Row, token: str, why: str, manner: RetryPolicy, after: float | None, *,
        way: str | None = None, begun: float | None = None, never: bool = False,
    ) -> None:  # fmt: skip
        now = self.services.clock()
        again = None
        if not never and m.attempts < max(manner.tries, m.max_attempts):
            # by the database's clock, as it will be looked for
            again = await self.services.db.time() + timedelta(seconds=max(manner.wait(m.attempts), after or 0.0))
        tried = [_tried(m.id, m.attempts, way, begun, now, why)] if way and begun is not None else []

        def put(c: sa.Connection) -> None:
            outbox_attempts.log(c, tried)
            outbox_store.put_back(c, m.id, token, again, why, most=manner.tries)
            if again is None:
                _bury(c, m, why, now)

        await self._db.write(put)

    async def _text(self, m: Row, token: str, facts: Facts | None, senders: Sequence[Gateway]) -> None:
        """The texts of a message: noted before they are sent, because a report may be here before the answer; and what
        came of them together with the message's own mark."""
        now = self.services.clock()
        receiver = str(m.payload.get("to") or m.payload.get("phone") or (facts.ticket.phone if facts else ""))
        async with self._turns.setdefault(receiver, asyncio.Lock()):  # what a number has had is counted one by one
            plan = await planned(self.services, m, facts, now)
            others = await spread_over_callers(self.services, m)
            if others:
                await self._db.write(lambda c: outbox_store.add_once(c, others))
            going = [(t, g) for t in plan.texts if t.needs_sending and (g := pick(senders, t, m.attempts)) is not None]
            if plan.texts:
                await self._db.write(lambda c: _begin(c, plan.texts, going, now))
        if len(self._turns) > 1000:
            self._turns = {k: v for k, v in self._turns.items() if v.locked()}
        if plan.later is not None:
            later = plan.later
            await self._db.write(lambda c: outbox_store.put_back(c, m.id, token, later, "quiet hours", uncounted=True))
            return
        tries = [await self._send_text(m, text, gateway) for text, gateway in going]
        wrong = [t.fault for t in tries if t.fault is not None]
        if len(going) < sum(t.needs_sending for t in plan.texts):
            wrong.append(GatewayDown("no gateway sends texts now"))
        if not wrong:
            await self._db.write(lambda c: _sent(c, m, token, tries))
            return
        # one gateway's "never" may be another's "yes"
        never = all(isinstance(w, GatewayRefused) for w in wrong) and m.attempts >= len(senders)
        last = never or m.attempts >= max(TEXT.tries, m.max_attempts)
        after = max((w.after or 0.0 for w in wrong if isinstance(w, GatewayDown)), default=0.0)
        wait = timedelta(seconds=max(TEXT.wait(m.attempts), after))
        again = None if last else await self.services.db.time() + wait
        why = f"{'refused' if never else 'down'}: {wrong[0]}"
        await self._db.write(lambda c: _not_sent(c, m, token, tries, again, why, self.services.clock()))

    async def _send_text(self, m: Row, text: PlannedText, gateway: Gateway) -> "SendAttempt":
        """One text, once."""
        begun = time.perf_counter()
        outgoing = Outgoing(text.id, text.to, text.letter.body, text.template, text.values, self.services.clock())
        fault: GatewayDown | GatewayRefused | None = None
        handed = SendResult()
        try:
            if self.ways.texts is None:
                raise GatewayDown("no gateway sends texts now")
            adapter = sms_provider(gateway.provider).adapter(gateway.account)
            handed = await adapter.send(self.ways.texts, outgoing)
        except (GatewayDown, GatewayRefused) as wrong:
            fault = wrong
        except (
            Exception
        ) as wrong:  # a provider's file that breaks is a provider that is down: told, and tried elsewhere
            log.error("outbox.fault", id=text.id, gateway=gateway.name, fault=type(wrong).__name__, exc_info=wrong)
            fault = GatewayDown(f"fault: {type(wrong).__name__}")
        why = None if fault is None else f"{'refused' if isinstance(fault, GatewayRefused) else 'down'}: {fault}"
        done = self.services.clock()
        row = _tried(text.id, m.attempts, gateway.name, begun, done, why)
        return SendAttempt(text.id, row, fault, handed, done, _line_of(gateway))


@dataclass(frozen=True, slots=True)
class SendAttempt:
    """One try of one text, and what it came to."""

    id: str
    row: dict[str, Any]
    fault: GatewayDown | GatewayRefused | None
    handed: SendResult
    at: datetime
    line: str | None


def _line_of(gateway: Gateway) -> str | None:
    """The number a reply comes back to; None where the sender is a name, or the provider's own choice."""
    sender = gateway.account.setting("sender")
    return sender if sender.lstrip("+").isdigit() else None


def _begin(
    c: sa.Connection, plan: Sequence[PlannedText], going: Sequence[tuple[PlannedText, Gateway]], now: datetime
) -> None:
    sms_store.begin(c, [first_row(text, now) for text in plan if text.known is None])
    for text, gateway in going:
        sms_store.tried(c, text.id, gateway.name)


def _kept(c: sa.Connection, tries: Sequence[SendAttempt]) -> None:
    outbox_attempts.log(c, [t.row for t in tries])
    for t in tries:
        if t.fault is not None:
            sms_store.fault(c, t.id, t.row["said"])
        else:
            found = {"provider_id": t.handed.provider_id, "sent_at": t.at, "line": t.line}
            sms_store.settle(c, t.id, t.handed.status, t.at, found)


def _sent(c: sa.Connection, m: Row, token: str, tries: Sequence[SendAttempt]) -> None:
    _kept(c, tries)
    if not outbox_store.mark_sent(c, m.id, token):
        log.info("outbox.lease_lost", id=m.id)  # another worker has it: it may be sent twice, never lost


def _not_sent(
    c: sa.Connection, m: Row, token: str, tries: Sequence[SendAttempt], again: datetime | None, why: str, now: datetime
) -> None:
    _kept(c, tries)
    mine = outbox_store.put_back(c, m.id, token, again, why, most=TEXT.tries)
    if again is None and mine:
        for t in tries:
            if t.fault is not None:
                sms_store.settle(c, t.id, TextStatus.TECHNICAL_FAILURE, now, {})
        _bury(c, m, why, now)


def _tried(id: str, n: int, way: str, begun: float, at: datetime, why: str | None) -> dict[str, Any]:  # noqa: A002
    ms = int((time.perf_counter() - begun) * 1000)
    return {
        "message": id,
        "n": n,
        "way": way[:60],
        "at": at,
        "ms": ms,
        "good": why is None,
        "said": (why or "ok")[:200],
    }


def _bury(c: sa.Connection, m: Row, why: str, now: datetime) -> None:
    """A message that ended undelivered: operators are told, once an hour."""
    log.warning("outbox.dead", id=m.id, kind=m.kind, why=why)
    if m.kind != "alarm":
        alarm(c, "dead", bilingual("alarm.dead"), now)


async def send_next(services: Services, ways: DeliveryChannels, now: datetime) -> int:
    """One whole round: what is due now, sent and marked; how many."""
    sender = Sender(services, ways)
    launched = await sender.dispatch_due(now)
    await sender.settle_all()
    return launched
