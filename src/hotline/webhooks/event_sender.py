"""Sending to subscribers: an event is spread over the subscriptions that want it, and each delivery is then tried for
three days."""

from collections.abc import Sequence
from datetime import datetime

from hotline.database.prepared import Row
from hotline.delivery import store as outbox_store
from hotline.delivery.handover import Handover
from hotline.delivery.message_kinds import MessageKind, SendMessage
from hotline.delivery.model import AvailableChannels, Way
from hotline.delivery.notices import WebhookClient
from hotline.tickets.context import Services
from hotline.webhooks.model import WEBHOOK_RETRIES
from hotline.webhooks.service import disable_subscription, fan_out_event, prepare_delivery


def _by_hook(reach: AvailableChannels) -> Way:
    return Way.ALL if reach.hooks else Way.NONE


class EventSender:
    """Makes of an event one delivery for each subscription that wants it."""

    def __init__(self, handover: Handover[Services]) -> None:
        self._services = handover.services

    async def prepare(self, claimed: Sequence[Row], now: datetime) -> SendMessage:
        return self._send

    async def _send(self, m: Row, token: str) -> None:
        await fan_out_event(self._services, m, token)


class WebhookSender:
    """Posts a delivery to its subscriber."""

    def __init__(self, handover: Handover[Services]) -> None:
        self._handover, self._services = handover, handover.services

    async def prepare(self, claimed: Sequence[Row], now: datetime) -> SendMessage:
        return self._send

    async def _send(self, m: Row, token: str) -> None:
        client = self._handover.channels.hooks
        if client is None:
            await self._handover.notice(m, token)
            return
        delivery = await prepare_delivery(self._services, m)
        if delivery is None:  # the subscription is gone or switched off
            why = "nobody subscribes any more"
            await self._handover.batcher.write(lambda c: outbox_store.reschedule(c, m.id, token, None, why))
            return
        hook = WebhookClient(client, delivery.url, *delivery.secrets)
        refused = await self._handover.attempt(
            m, token, m.partition, WEBHOOK_RETRIES, lambda: hook.send(m.id, delivery.body, self._services.clock())
        )
        if refused is not None and refused.gone:
            await disable_subscription(self._services, delivery.subscription, "the receiver said 410 Gone")


# A delivery may have to wait behind one that is tried for three days: it does not expire.
MESSAGES: tuple[MessageKind[Services], ...] = (
    MessageKind("event", _by_hook, EventSender, expires=False),
    MessageKind("webhook", _by_hook, WebhookSender, expires=False),
)
