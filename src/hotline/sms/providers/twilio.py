"""Twilio: forms, signed over the public URL with every parameter; the answer is empty TwiML."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import WebAddress, setting
from hotline.delivery.notices import GatewayRefused
from hotline.delivery.payloads import (
    clean_text,
    item_key,
    optional_text,
    parse_json,
    raw_item,
    readable,
    unreadable_reason,
)
from hotline.delivery.provider import Secret
from hotline.delivery.provider_client import parse_json_response, send_request
from hotline.inbound.twilio_signature import check_twilio_signature
from hotline.inbound.webhook_request import Acknowledgement, UnreadableItem, WebhookRequest, unreadable_item
from hotline.sms.contract import DeliveryReport, OutgoingText, ReceivedText, SendResult, SmsProvider, SmsSettings
from hotline.sms.model.status import TextStatus

API = "https://api.twilio.com"
STATUSES = {
    "accepted": TextStatus.BUFFERED,
    "queued": TextStatus.BUFFERED,
    "scheduled": TextStatus.BUFFERED,
    "sending": TextStatus.BUFFERED,
    "sent": TextStatus.SENT,
    "delivered": TextStatus.DELIVERED,
    "read": TextStatus.DELIVERED,
    "undelivered": TextStatus.UNDELIVERED,
    "failed": TextStatus.UNDELIVERED,
    "canceled": TextStatus.REJECTED,
}


class TwilioSettings(SmsSettings):
    account_sid: str | None = setting("of the account", required_to_send=True)
    sender: str | None = setting("a number, or a messaging service (MG…)", required_to_send=True)
    api: WebAddress | None = setting("another base address, for tests")


class Twilio:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        check_twilio_signature(self.account, request)

    def _fields(self, request: WebhookRequest) -> dict[str, str]:
        if request.media_type == "application/json":
            found = parse_json(request.body, request.charset)
            if not isinstance(found, dict):
                raise ValueError("no object")
            return {k: v if isinstance(v, str) else optional_text(found, k) for k, v in found.items()}
        return dict(request.form_pairs())

    def texts(self, request: WebhookRequest) -> list[ReceivedText | UnreadableItem]:
        given = self._fields(request)
        id = given.get("MessageSid") or given.get("SmsSid") or ""  # noqa: A001
        if not id or not given.get("From"):
            return [unreadable_item("MessageSid or From is missing", given, "Body")]
        media = [given[f"MediaUrl{n}"] for n in range(20) if given.get(f"MediaUrl{n}")]
        details: dict[str, Any] = {"media": media} if media else {}
        if given.get("OptOutType"):
            details["opt_out_type"] = given["OptOutType"]
        try:
            words, receiver = clean_text(readable(given.get("Body", ""))), given.get("To", "")
        except ValueError as fault:
            return [unreadable_item(unreadable_reason(fault), given, "Body")]
        return [ReceivedText(item_key(id), given["From"], receiver, words, raw_item(given), None, details)]

    def reports(self, request: WebhookRequest) -> list[DeliveryReport | UnreadableItem]:
        given = self._fields(request)
        id, word = given.get("MessageSid") or given.get("SmsSid") or "", given.get("MessageStatus") or ""  # noqa: A001
        if not id or not word:
            return [UnreadableItem("MessageSid or MessageStatus is missing", raw_item(given))]
        reference = dict(request.query_pairs()).get("my")
        return [DeliveryReport(item_key(id, word), id, reference, STATUSES.get(word.lower()), word, raw_item(given))]

    def acknowledge(self, accepted: int, set_aside: int) -> Acknowledgement:
        return Acknowledgement(b"<Response></Response>", "text/xml; charset=utf-8")

    @property
    def _base(self) -> str:
        return f"{self.account.setting('api', API)}/2010-04-01/Accounts/{self.account.setting('account_sid')}"

    def _basic_auth(self) -> tuple[str, str]:
        return self.account.setting("account_sid"), self.account.newest("auth_token")

    async def send(self, client: httpx.AsyncClient, message: OutgoingText) -> SendResult:
        sender = self.account.setting("sender")
        form = {
            "MessagingServiceSid" if sender.startswith("MG") else "From": sender,
            "To": message.to,
            "Body": message.body,
            "StatusCallback": f"{self.account.status_url}?my={message.reference}",
        }
        reply = await send_request(client, "POST", f"{self._base}/Messages.json", data=form, auth=self._basic_auth())
        answer = parse_json_response(reply)
        if reply.is_success and isinstance(answer, dict) and answer.get("sid"):
            return SendResult(str(answer["sid"]), STATUSES.get(str(answer.get("status")), TextStatus.SENT))
        raise GatewayRefused(
            f"http {reply.status_code}: code {answer.get('code') if isinstance(answer, dict) else '?'}"
        )

    async def since(
        self, client: httpx.AsyncClient, moment: datetime, now: datetime
    ) -> AsyncIterator[list[ReceivedText | UnreadableItem]]:
        """Ask Twilio for the texts it took for us since then, page by page."""
        day = moment.astimezone(UTC).date().isoformat()
        url: str | None = f"{self._base}/Messages.json?PageSize=1000&DateSent%3E={day}"
        while url:
            reply = await send_request(client, "GET", url, auth=self._basic_auth())
            page = parse_json_response(reply)
            if not reply.is_success or not isinstance(page, dict):
                raise GatewayRefused(f"http {reply.status_code}")
            yield list(_texts_from_page(page.get("messages") or [], moment, self.account, now))
            following = page.get("next_page_uri")
            url = f"{self.account.setting('api', API)}{following}" if following else None


def _texts_from_page(
    items: Sequence[Any], moment: datetime, account: Account, now: datetime
) -> Iterator[ReceivedText | UnreadableItem]:
    for item in items:
        if not isinstance(item, dict) or item.get("direction") != "inbound" or not item.get("sid"):
            continue
        at = account.time(item.get("date_sent") or item.get("date_created"), UTC, now)
        if at is None:  # it may be older than what was asked for
            yield unreadable_item("a text whose time cannot be read", item, "body")
            continue
        if at >= moment:
            sender, receiver = str(item.get("from") or ""), str(item.get("to") or "")
            words = clean_text(str(item.get("body") or ""))
            yield ReceivedText(item_key(item["sid"]), sender, receiver, words, raw_item(item), at)


PROVIDER = SmsProvider(
    name="twilio",
    about="Twilio: signed forms, or JSON",
    adapter=Twilio,
    settings=TwilioSettings,
    secrets=(
        Secret("auth_token", "of the account", authenticates=True, required_to_send=True),
        Secret("signing_keys", "JSON: id to key", authenticates=True),
    ),
)
