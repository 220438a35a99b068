"""Sends texts. The texts of a message are stored before they are sent, because a report may arrive before the answer;
their results are written together with the message's state."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from hotline.database.prepared import Row
from hotline.delivery import attempts as outbox_attempts
from hotline.delivery import store as outbox_store
from hotline.delivery.gateways import Gateway
from hotline.delivery.handover import Handover, attempt_row, note_dead, retry_wait
from hotline.delivery.message_kinds import MessageKind, SendMessage
from hotline.delivery.model import AvailableChannels, Way
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.sms import store as sms_store
from hotline.sms.contract import OutgoingText, SendResult, sms_provider
from hotline.sms.held_texts import waiting_partition
from hotline.sms.model.retries import TEXT_RETRIES
from hotline.sms.model.status import TextStatus, TextWait
from hotline.sms.send_plan import (
    PlannedText,
    is_sent_by_sms,
    messages_to_merged_callers,
    new_text_row,
    pick_gateway,
    plan_texts,
)
from hotline.tickets.context import Services
from hotline.tickets.model.ticket import Facts
from hotline.tickets.store import facts as ticket_facts

log = structlog.get_logger("hotline.outbox")


def _by_gateway(reach: AvailableChannels) -> Way:
    """A reply to a text: a gateway alone takes it."""
    return Way.ALL if reach.texts else Way.NONE


def _by_gateway_or_notice(reach: AvailableChannels) -> Way:
    """To a resident: by a gateway where there is one, else to the notice address."""
    return Way.ALL if reach.texts or reach.notices else Way.NONE


def _to_officers(reach: AvailableChannels) -> Way:
    """To duty officers: by a gateway where the roster has a phone number, else to the notice address."""
    if reach.notices:
        return Way.ALL
    return Way.TO_OFFICERS if reach.texts else Way.NONE


class TextSender:
    """Sends messages as texts; to the notice address where no gateway sends or no phone number is known."""

    def __init__(self, handover: Handover[Services]) -> None:
        self._handover, self._services = handover, handover.services
        self._db = handover.batcher
        self._turns: dict[str, asyncio.Lock] = {}

    async def prepare(self, claimed: Sequence[Row], now: datetime) -> SendMessage:
        services = self._services
        senders = await services.gateways.sms_senders(now) if self._handover.channels.texts is not None else []
        by_text = [m for m in claimed if senders and is_sent_by_sms(m)]
        numbers = sorted({m.number for m in by_text if m.number})
        directory = await services.directory.now(now)
        facts = await ticket_facts.load_facts_by_number(services.db, numbers, directory) if numbers else {}
        texting = {m.id for m in by_text}

        async def send(m: Row, token: str) -> None:
            if m.id in texting:
                await self._send(m, token, facts.get(m.number), senders)
            else:
                await self._handover.notice(m, token)

        return send

    async def _send(self, m: Row, token: str, facts: Facts | None, senders: Sequence[Gateway]) -> None:
        now = self._services.clock()
        receiver = str(m.payload.get("to") or m.payload.get("phone") or (facts.ticket.phone if facts else ""))
        async with self._turns.setdefault(receiver, asyncio.Lock()):  # what a number has had is counted one by one
            plan = await plan_texts(self._services, m, facts, now)
            others = await messages_to_merged_callers(self._services, m)
            if others:
                await self._db.write(lambda c: outbox_store.add_messages(c, others))
            going = [
                (t, g)
                for t in plan.texts
                if t.needs_sending and (g := pick_gateway(senders, t, m.attempts)) is not None
            ]
            if plan.texts:
                await self._db.write(lambda c: _begin(c, plan.texts, going, now))
        if len(self._turns) > 1000:
            self._turns = {k: v for k, v in self._turns.items() if v.locked()}
        if plan.later is not None:
            later, reason = plan.later, plan.wait
            partition = waiting_partition(m.partition) if reason is TextWait.CAP else m.partition
            await self._db.write(lambda c: outbox_store.postpone(c, m.id, token, later, reason, partition))
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
        last = never or m.attempts >= max(TEXT_RETRIES.tries, m.max_attempts)
        after = max((w.after or 0.0 for w in wrong if isinstance(w, GatewayDown)), default=0.0)
        wait = timedelta(seconds=max(retry_wait(TEXT_RETRIES, m.attempts), after))
        postponed = _Postponement(
            f"{'refused' if never else 'down'}: {wrong[0]}", None if last else await self._services.db.time() + wait
        )
        await self._db.write(lambda c: _not_sent(c, m, token, tries, postponed, self._services.clock()))

    async def _send_text(self, m: Row, text: PlannedText, gateway: Gateway) -> "SendAttempt":
        """One text, once."""
        begun = time.perf_counter()
        outgoing = OutgoingText(text.id, text.to, text.content.body, text.template, text.values, self._services.clock())
        fault: GatewayDown | GatewayRefused | None = None
        handed = SendResult()
        try:
            if self._handover.channels.texts is None:
                raise GatewayDown("no gateway sends texts now")
            adapter = sms_provider(gateway.provider).adapter(gateway.account)
            handed = await adapter.send(self._handover.channels.texts, outgoing)
        except (GatewayDown, GatewayRefused) as wrong:
            fault = wrong
        # a provider module that fails counts as a provider that is down: logged, and another is tried
        except Exception as wrong:
            log.error("outbox.fault", id=text.id, gateway=gateway.name, fault=type(wrong).__name__, exc_info=wrong)
            fault = GatewayDown(f"fault: {type(wrong).__name__}")
        why = None if fault is None else f"{'refused' if isinstance(fault, GatewayRefused) else 'down'}: {fault}"
        done = self._services.clock()
        row = attempt_row(text.id, m.attempts, gateway.name, begun, done, why)
        return SendAttempt(text.id, row, fault, handed, done, _line_of(gateway))


@dataclass(frozen=True, slots=True)
class SendAttempt:
    """One try of one text, and what it came to."""

    id: str
    row: dict[str, Any]
    fault: GatewayDown | GatewayRefused | None
    result: SendResult
    at: datetime
    line: str | None


def _line_of(gateway: Gateway) -> str | None:
    """The number a reply comes back to; None where the sender is a name, or the provider's own choice."""
    sender = gateway.account.setting("sender")
    return sender if sender.lstrip("+").isdigit() else None


def _begin(
    c: sa.Connection, plan: Sequence[PlannedText], going: Sequence[tuple[PlannedText, Gateway]], now: datetime
) -> None:
    sms_store.insert_texts(c, [new_text_row(text, now) for text in plan if text.known is None])
    for text in plan:
        if text.held is not None:
            sms_store.hold_unsent(c, text.id, text.held, text.why, now)
    for text, gateway in going:
        sms_store.record_attempt(c, text.id, gateway.name)


def _kept(c: sa.Connection, tries: Sequence[SendAttempt]) -> None:
    outbox_attempts.log_attempts(c, [t.row for t in tries])
    for t in tries:
        if t.fault is not None:
            sms_store.record_error(c, t.id, t.row["said"])
        else:
            found = {"provider_id": t.result.provider_id, "sent_at": t.at, "line": t.line}
            sms_store.advance_status(c, t.id, t.result.status, t.at, found)


def _sent(c: sa.Connection, m: Row, token: str, tries: Sequence[SendAttempt]) -> None:
    _kept(c, tries)
    if not outbox_store.mark_sent(c, m.id, token):
        log.info("outbox.lease_lost", id=m.id)  # another worker has it: it may be sent twice, never lost


@dataclass(frozen=True, slots=True)
class _Postponement:
    """Why a message was not sent, and when it is tried again; None: never."""

    why: str
    again: datetime | None


def _not_sent(
    c: sa.Connection, m: Row, token: str, tries: Sequence[SendAttempt], postponed: _Postponement, now: datetime
) -> None:
    _kept(c, tries)
    mine = outbox_store.reschedule(c, m.id, token, postponed.again, postponed.why, max_tries=TEXT_RETRIES.tries)
    if postponed.again is None and mine:
        for t in tries:
            if t.fault is not None:
                sms_store.advance_status(c, t.id, TextStatus.TECHNICAL_FAILURE, now, {})
        note_dead(c, m, postponed.why, now)


MESSAGES: tuple[MessageKind[Services], ...] = (
    MessageKind("text", _by_gateway, TextSender),
    MessageKind("resident", _by_gateway_or_notice, TextSender),
    MessageKind("duty", _to_officers, TextSender),
    MessageKind("escalation", _to_officers, TextSender),
)
