"""Doorbell: a made-up exchange in a package of its own. It posts `ring`, `open` and `gone` for each visit."""

from hotline.delivery.account import Account
from hotline.delivery.payloads import hashed_key, item_raw, key_of
from hotline.inbound.push import Acknowledgement, Odd, Push
from hotline.telephony.contract import EMPTY, Exchange, check_exchange, given_fields, text, time_of, unknown_event
from hotline.telephony.model import CallEvent, CallSignal

EVENTS = {"ring": CallSignal.OFFERED, "open": CallSignal.ANSWERED, "gone": CallSignal.HUNG_UP}


class Doorbell:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_exchange(self.account, push)

    def events(self, push: Push) -> list[CallEvent | Odd]:
        return [self._event(fields, push) for fields in given_fields(push)]

    def _event(self, fields: dict[str, object], push: Push) -> CallEvent | Odd:
        word, visit = text(fields, "event") or "", text(fields, "visit") or ""
        if word not in EVENTS:
            return unknown_event(word, item_raw(fields), push.at)
        at, unread = time_of(self.account, fields, push.at, "at")
        phone, agent = text(fields, "phone"), text(fields, "door")
        key = hashed_key(word, visit)
        return CallEvent(key_of(visit), key, EVENTS[word], at, phone=phone, agent=agent, unread=unread)

    def acknowledge(self) -> Acknowledgement:
        return EMPTY


PROVIDER = Exchange(name="doorbell", about="Doorbell: ring, open, gone", adapter=Doorbell)
