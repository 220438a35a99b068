"""Sends due messages: claim, commit, send, mark. Each result is written as it comes and more is claimed meanwhile, so a
slow or failing message does not delay the others."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import uuid4

import structlog

from hotline.database.prepared import Row
from hotline.delivery import store as outbox_store
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.context import DeliveryServices
from hotline.delivery.handover import FailedTry, Handover
from hotline.delivery.message_kinds import MessageKinds, MessageSender, SendMessage
from hotline.delivery.model import NOTICE_RETRIES, AvailableChannels

AT_ONCE = 64  # messages under way together
S = TypeVar("S", bound=DeliveryServices)
log = structlog.get_logger("hotline.outbox")


class NoticeSender:
    """Sends the kinds that no package declares: to the notice address."""

    def __init__(self, handover: Handover[Any]) -> None:
        self._handover = handover

    async def prepare(self, claimed: Sequence[Row], now: datetime) -> SendMessage:
        return self._handover.notice


@dataclass
class OutboxDispatcher(Generic[S]):
    """Messages of one worker on their way, each sent by the sender of its kind."""

    services: S
    channels: DeliveryChannels
    in_flight: set["asyncio.Task[None]"] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._handover = Handover(self.services, self.channels)
        self._kinds: MessageKinds[S] = self.services.part(MessageKinds)
        self._senders: dict[Callable[[Handover[S]], MessageSender], MessageSender] = {}
        self._sending: set[str] = set()

    async def dispatch_due(self, now: datetime, at_once: int = AT_ONCE) -> int:
        """Claim what is due and set it on its way; how many."""
        room = at_once - len(self.in_flight)
        if room <= 0:
            return 0
        ways = self._kinds.ways(await self._reach(now))
        token = uuid4().hex
        sending = tuple(self._sending)
        claimed = await self.services.db.transact(lambda c: outbox_store.claim(c, now, token, room, ways, sending))
        if not claimed:
            return 0
        together: dict[MessageSender, list[Row]] = {}
        for m in claimed:
            together.setdefault(self._sender_of(m.kind), []).append(m)
        send_by = {sender: await sender.prepare(some, now) for sender, some in together.items()}
        for m in claimed:
            send = send_by[self._sender_of(m.kind)]
            task = asyncio.create_task(self._guarded(m, token, send(m, token)))
            self.in_flight.add(task)
            self._sending.add(m.id)
            task.add_done_callback(partial(self._on_settled, m.id))
        return len(claimed)

    async def _reach(self, now: datetime) -> AvailableChannels:
        texts = self.channels.texts is not None and bool(await self.services.gateways.sms_senders(now))
        return AvailableChannels(texts, self.channels.notices is not None, self.channels.hooks is not None)

    def _sender_of(self, kind: str) -> MessageSender:
        declared = self._kinds.by_name.get(kind)
        make: Callable[[Handover[S]], MessageSender] = declared.sender if declared is not None else NoticeSender
        if make not in self._senders:
            self._senders[make] = make(self._handover)
        return self._senders[make]

    def _on_settled(self, id: str, task: "asyncio.Task[None]") -> None:  # noqa: A002
        self.in_flight.discard(task)
        self._sending.discard(id)

    async def step(self, now: datetime) -> bool:
        """Dispatch, and wait a moment for the first to be done. False: nothing was due, and nothing is on its way."""
        await self.dispatch_due(now)
        under_way = bool(self.in_flight)
        if under_way:
            await asyncio.wait(self.in_flight, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
        return under_way

    async def settle_all(self) -> None:
        """Wait for all that is on its way."""
        while self.in_flight:
            await asyncio.wait(self.in_flight)

    async def _guarded(self, m: Row, token: str, sending: Coroutine[Any, Any, None]) -> None:
        """Record any exception of one message as its failed try, so that it stops no other. Where that cannot be
        written either, the lease runs out."""
        try:
            await sending
        except Exception as fault:
            log.error("outbox.fault", id=m.id, kind=m.kind, fault=type(fault).__name__, exc_info=fault)
            try:
                await self._handover.failed(m, token, NOTICE_RETRIES, FailedTry(f"fault: {type(fault).__name__}"))
            except Exception as other:
                log.error("outbox.not_released", id=m.id, fault=type(other).__name__)


async def send_due_messages(services: DeliveryServices, channels: DeliveryChannels, now: datetime) -> int:
    """One whole round, as tests take it: what is due now, sent and marked; how many."""
    dispatcher = OutboxDispatcher(services, channels)
    launched = await dispatcher.dispatch_due(now)
    await dispatcher.settle_all()
    return launched
