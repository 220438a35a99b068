"""The form we document for everybody else: JSON, signed as Standard Webhooks, one message or a hundred."""

from datetime import datetime
from typing import Any

import httpx
import orjson

from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import WebAddress, setting
from hotline.delivery.notices import GatewayDown, Notices
from hotline.delivery.payloads import clean, document, item_raw, key_of, text_of, unread_of, why_unread
from hotline.delivery.provider import Secret, no_webhook_secret
from hotline.delivery.provider_client import answer_of
from hotline.inbound.push import Acknowledgement, Malformed, Odd, Push, odd_item
from hotline.inbound.signatures import check_address, check_standard
from hotline.sms.contract import DeliveryReport, Outgoing, SendResult, SmsProvider, SmsSettings, Text
from hotline.sms.model.status import TextStatus

MOST = 100


class GenericSettings(SmsSettings):
    url: WebAddress | None = setting("where our texts are posted", to_send=True)


class Generic:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_address(self.account, push)
        check_standard(self.account.all_of("secret"), push)

    def texts(self, push: Push) -> list[Text | Odd]:
        return [self._text(item, push.at) for item in items_of(document(push.body), "messages")]

    def _text(self, item: Any, now: datetime) -> Text | Odd:
        kept = item_raw(item)
        try:
            id, sender, words = text_of(item, "id"), text_of(item, "from"), text_of(item, "text")  # noqa: A001
            sent, unread = self.account.text_time(item.get("sent_at"), self.account.zone, now)
            part, parts = item.get("part"), item.get("parts")
            split = part is not None or parts is not None
            if split and not (
                type(part) is int and type(parts) is int and 1 <= part <= parts <= 255 and item.get("ref")
            ):
                raise ValueError("part, parts and ref do not fit")
        except (ValueError, AttributeError, TypeError) as fault:
            return odd_item(why_unread(fault), item, "text")
        receiver = str(item.get("to") or "")
        if not split:
            return Text(key_of(id), sender, receiver, clean(words), kept, sent, unread)
        whole = key_of(item["ref"], parts)
        return Text(key_of(id), sender, receiver, clean(words), kept, sent, unread, whole, part, parts)

    def reports(self, push: Push) -> list[DeliveryReport | Odd]:
        found: list[DeliveryReport | Odd] = []
        for item in items_of(document(push.body), "reports"):
            kept = item_raw(item)
            try:
                word = text_of(item, "status")
                id, reference = str(item.get("id") or ""), str(item.get("reference") or "")  # noqa: A001
                at = self.account.time(item.get("at"), self.account.zone, push.at)
                if not id and not reference:
                    raise ValueError("id or reference is missing")
            except (ValueError, AttributeError) as fault:
                found.append(Odd(why_unread(fault), kept))
                continue
            known = TextStatus(word) if word in _REPORTED else None
            found.append(
                DeliveryReport(
                    key_of(id, reference, word),
                    id or None,
                    reference or None,
                    known,
                    word,
                    kept,
                    at,
                    unread_of(item.get("at"), at),
                )
            )
        return found

    def acknowledge(self, kept: int, odd: int) -> Acknowledgement:
        return Acknowledgement(orjson.dumps({"accepted": kept, "set_aside": odd}), "application/json; charset=utf-8")

    async def send(self, client: httpx.AsyncClient, message: Outgoing) -> SendResult:
        body = {
            "type": "hotline.text",
            "reference": message.reference,
            "to": message.to,
            "from": self.account.setting("sender"),
            "text": message.body,
            "template": message.template,
            "values": dict(message.values),
        }
        notices = Notices(client, self.account.setting("url"), self.account.newest("secret"))
        reply = await notices.post(message.reference, orjson.dumps(body), message.at)
        said = answer_of(reply) if reply.content else {}
        if not isinstance(said, dict):
            raise GatewayDown("an answer of another shape")
        return SendResult(str(said.get("id") or "") or None)


_REPORTED = frozenset({"buffered", "sent", "delivered", "undelivered", "expired", "rejected"})


def items_of(found: Any, name: str) -> list[Any]:
    """The items of a batch, or the one that came alone. Raises ValueError."""
    if isinstance(found, dict):
        found = found[name] if isinstance(found.get(name), list) else [found]
    if not isinstance(found, list) or len(found) > MOST:
        raise Malformed(f"the body is no list of at most {MOST} items")
    return found


PROVIDER = SmsProvider(
    name="generic",
    about="everybody else: our JSON, signed as Standard Webhooks",
    adapter=Generic,
    settings=GenericSettings,
    secrets=(Secret("secret", "whsec_…, for both ways", proves=True, to_send=True, fault=no_webhook_secret),),
)
