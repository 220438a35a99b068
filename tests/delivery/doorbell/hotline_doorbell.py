"""Doorbell: a made-up exchange in a package of its own. It posts `ring`, `open` and `gone` for each visit."""

from hotline.delivery.account import Account
from hotline.delivery.payloads import hashed_key, item_key, raw_item
from hotline.inbound.webhook_request import Acknowledgement, UnreadableItem, WebhookRequest
from hotline.telephony.contract import (
    EMPTY_JSON_ACK,
    Exchange,
    check_exchange_push,
    event_time,
    field_text,
    parse_event_fields,
    unknown_event,
)
from hotline.telephony.model import CallEvent, CallSignal

EVENTS = {"ring": CallSignal.OFFERED, "open": CallSignal.ANSWERED, "gone": CallSignal.HUNG_UP}


class Doorbell:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        check_exchange_push(self.account, request)

    def events(self, request: WebhookRequest) -> list[CallEvent | UnreadableItem]:
        return [self._event(fields, request) for fields in parse_event_fields(request)]

    def _event(self, fields: dict[str, object], request: WebhookRequest) -> CallEvent | UnreadableItem:
        word, visit = field_text(fields, "event") or "", field_text(fields, "visit") or ""
        if word not in EVENTS:
            return unknown_event(word, raw_item(fields), request.at)
        at, unread = event_time(self.account, fields, request.at, "at")
        phone, agent = field_text(fields, "phone"), field_text(fields, "door")
        key = hashed_key(word, visit)
        return CallEvent(item_key(visit), key, EVENTS[word], at, phone=phone, agent=agent, unread=unread)

    def acknowledge(self) -> Acknowledgement:
        return EMPTY_JSON_ACK


PROVIDER = Exchange(name="doorbell", about="Doorbell: ring, open, gone", adapter=Doorbell)
