"""The form we document for everybody else: JSON, signed as Standard Webhooks, one message or a hundred."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import httpx
import orjson

from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import WebAddress, setting
from hotline.delivery.notices import GatewayDown, WebhookClient
from hotline.delivery.payloads import (
    clean_text,
    first_text,
    item_key,
    parse_json,
    raw_item,
    unparsed_time,
    unreadable_reason,
)
from hotline.delivery.provider import Secret, webhook_secret_error
from hotline.delivery.provider_client import parse_json_response
from hotline.inbound.signatures import check_address, check_standard_webhook
from hotline.inbound.webhook_request import (
    Acknowledgement,
    MalformedBody,
    PushReceipt,
    UnreadableItem,
    WebhookRequest,
    json_acknowledgement,
    unreadable_item,
)
from hotline.replies import reply_type
from hotline.sms.contract import DeliveryReport, OutgoingText, ReceivedText, SendResult, SmsProvider, SmsSettings
from hotline.sms.model.status import TextStatus

MAX_ITEMS = 100


class GenericSettings(SmsSettings):
    url: WebAddress | None = setting("where our texts are posted", required_to_send=True)


@reply_type(from_="from")
class GenericText:
    """A text of ours, as it is posted to them. `reference`: the same at every try; `template` and `values`: the notice
    it is made of, for providers that keep the wording."""

    type: Literal["hotline.text"]
    reference: str
    to: str
    from_: str
    text: str
    template: str
    values: Mapping[str, str]


class Generic:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        check_address(self.account, request)
        check_standard_webhook(self.account.secret_values("secret"), request)

    def texts(self, request: WebhookRequest) -> list[ReceivedText | UnreadableItem]:
        return [
            self._text(item, request.at) for item in batch_list(parse_json(request.body, request.charset), "messages")
        ]

    def _text(self, item: Any, now: datetime) -> ReceivedText | UnreadableItem:
        kept = raw_item(item)
        try:
            id, sender, words = first_text(item, "id"), first_text(item, "from"), first_text(item, "text")  # noqa: A001
            sent, unread = self.account.parse_text_time(item.get("sent_at"), self.account.zone, now)
            part, parts = item.get("part"), item.get("parts")
            split = part is not None or parts is not None
            if split and not (
                type(part) is int and type(parts) is int and 1 <= part <= parts <= 255 and item.get("ref")
            ):
                raise ValueError("part, parts and ref do not fit")
        except (ValueError, AttributeError, TypeError) as fault:
            return unreadable_item(unreadable_reason(fault), item, "text")
        receiver = str(item.get("to") or "")
        if not split:
            return ReceivedText(item_key(id), sender, receiver, clean_text(words), kept, sent, unread)
        whole = item_key(item["ref"], parts)
        return ReceivedText(item_key(id), sender, receiver, clean_text(words), kept, sent, unread, whole, part, parts)

    def reports(self, request: WebhookRequest) -> list[DeliveryReport | UnreadableItem]:
        found: list[DeliveryReport | UnreadableItem] = []
        for item in batch_list(parse_json(request.body, request.charset), "reports"):
            kept = raw_item(item)
            try:
                word = first_text(item, "status")
                id, reference = str(item.get("id") or ""), str(item.get("reference") or "")  # noqa: A001
                at = self.account.time(item.get("at"), self.account.zone, request.at)
                if not id and not reference:
                    raise ValueError("id or reference is missing")
            except (ValueError, AttributeError) as fault:
                found.append(UnreadableItem(unreadable_reason(fault), kept))
                continue
            known = TextStatus(word) if word in _REPORTED else None
            found.append(
                DeliveryReport(
                    item_key(id, reference, word),
                    id or None,
                    reference or None,
                    known,
                    word,
                    kept,
                    at,
                    unparsed_time(item.get("at"), at),
                )
            )
        return found

    def acknowledge(self, accepted: int, set_aside: int) -> Acknowledgement:
        return json_acknowledgement(PushReceipt(accepted, set_aside))

    async def send(self, client: httpx.AsyncClient, message: OutgoingText) -> SendResult:
        body = GenericText(
            type="hotline.text",
            reference=message.reference,
            to=message.to,
            from_=self.account.setting("sender"),
            text=message.body,
            template=message.template,
            values=dict(message.values),
        )
        notices = WebhookClient(client, self.account.setting("url"), self.account.newest("secret"))
        reply = await notices.post(message.reference, orjson.dumps(body), message.at)
        answer = parse_json_response(reply) if reply.content else {}
        if not isinstance(answer, dict):
            raise GatewayDown("an answer of another shape")
        return SendResult(str(answer.get("id") or "") or None)


_REPORTED = frozenset({"buffered", "sent", "delivered", "undelivered", "expired", "rejected"})


def batch_list(found: Any, name: str) -> list[Any]:
    """The items of a batch, or the one that came alone. Raises ValueError."""
    if isinstance(found, dict):
        found = found[name] if isinstance(found.get(name), list) else [found]
    if not isinstance(found, list) or len(found) > MAX_ITEMS:
        raise MalformedBody(f"the body is no list of at most {MAX_ITEMS} items")
    return found


PROVIDER = SmsProvider(
    name="generic",
    about="everybody else: our JSON, signed as Standard Webhooks",
    adapter=Generic,
    settings=GenericSettings,
    secrets=(
        Secret(
            "secret", "whsec_…, for both ways", authenticates=True, required_to_send=True, fault=webhook_secret_error
        ),
    ),
)
