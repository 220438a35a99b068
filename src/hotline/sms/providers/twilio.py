"""Twilio: forms, signed over the public URL with every parameter; the answer is empty TwiML."""

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import WebAddress, setting
from hotline.delivery.notices import GatewayRefused
from hotline.delivery.payloads import clean, document, item_raw, key_of
from hotline.delivery.provider import Secret
from hotline.delivery.provider_client import answer_of, asked
from hotline.inbound.push import Acknowledgement, Odd, Push, odd_item
from hotline.inbound.twilio_signature import check_twilio_signature
from hotline.sms.contract import DeliveryReport, Outgoing, SendResult, SmsProvider, SmsSettings, Text
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
    account_sid: str | None = setting("of the account", to_send=True)
    sender: str | None = setting("a number, or a messaging service (MG…)", to_send=True)
    api: WebAddress | None = setting("another base address, for tests")


class Twilio:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_twilio_signature(self.account, push)

    def _given(self, push: Push) -> dict[str, str]:
        if push.media_type == "application/json":
            found = document(push.body)
            if not isinstance(found, dict):
                raise ValueError("no object")
            return {str(k): str(v) for k, v in found.items() if v is not None}
        return dict(push.in_form())

    def texts(self, push: Push) -> list[Text | Odd]:
        given = self._given(push)
        id = given.get("MessageSid") or given.get("SmsSid") or ""  # noqa: A001
        if not id or not given.get("From"):
            return [odd_item("MessageSid or From is missing", given, "Body")]
        media = [given[f"MediaUrl{n}"] for n in range(20) if given.get(f"MediaUrl{n}")]
        details: dict[str, Any] = {"media": media} if media else {}
        if given.get("OptOutType"):
            details["opt_out_type"] = given["OptOutType"]
        words, receiver = clean(given.get("Body", "")), given.get("To", "")
        return [Text(key_of(id), given["From"], receiver, words, item_raw(given), None, details)]

    def reports(self, push: Push) -> list[DeliveryReport | Odd]:
        given = self._given(push)
        id, word = given.get("MessageSid") or given.get("SmsSid") or "", given.get("MessageStatus") or ""  # noqa: A001
        if not id or not word:
            return [Odd("MessageSid or MessageStatus is missing", item_raw(given))]
        reference = dict(push.in_query()).get("my")
        return [DeliveryReport(key_of(id, word), id, reference, STATUSES.get(word.lower()), word, item_raw(given))]

    def acknowledge(self, kept: int, odd: int) -> Acknowledgement:
        return Acknowledgement(b"<Response></Response>", "text/xml; charset=utf-8")

    @property
    def _base(self) -> str:
        return f"{self.account.setting('api', API)}/2010-04-01/Accounts/{self.account.setting('account_sid')}"

    def _login(self) -> tuple[str, str]:
        return self.account.setting("account_sid"), self.account.newest("auth_token")

    async def send(self, client: httpx.AsyncClient, message: Outgoing) -> SendResult:
        sender = self.account.setting("sender")
        form = {
            "MessagingServiceSid" if sender.startswith("MG") else "From": sender,
            "To": message.to,
            "Body": message.body,
            "StatusCallback": f"{self.account.hook}?my={message.reference}",
        }
        reply = await asked(client, "POST", f"{self._base}/Messages.json", data=form, auth=self._login())
        said = answer_of(reply)
        if reply.is_success and isinstance(said, dict) and said.get("sid"):
            return SendResult(str(said["sid"]), STATUSES.get(str(said.get("status")), TextStatus.SENT))
        raise GatewayRefused(f"http {reply.status_code}: code {said.get('code') if isinstance(said, dict) else '?'}")

    async def since(
        self, client: httpx.AsyncClient, moment: datetime, now: datetime
    ) -> AsyncIterator[list[Text | Odd]]:
        """Ask Twilio for the texts it took for us since then, page by page."""
        day = moment.astimezone(UTC).date().isoformat()
        url: str | None = f"{self._base}/Messages.json?PageSize=1000&DateSent%3E={day}"
        while url:
            reply = await asked(client, "GET", url, auth=self._login())
            page = answer_of(reply)
            if not reply.is_success or not isinstance(page, dict):
                raise GatewayRefused(f"http {reply.status_code}")
            yield list(_listed(page.get("messages") or [], moment, self.account, now))
            following = page.get("next_page_uri")
            url = f"{self.account.setting('api', API)}{following}" if following else None


def _listed(items: Sequence[Any], moment: datetime, account: Account, now: datetime) -> Iterator[Text | Odd]:
    for item in items:
        if not isinstance(item, dict) or item.get("direction") != "inbound" or not item.get("sid"):
            continue
        at = account.time(item.get("date_sent") or item.get("date_created"), UTC, now)
        if at is None:  # it may be older than what was asked for
            yield odd_item("a text whose time cannot be read", item, "body")
            continue
        if at >= moment:
            sender, receiver = str(item.get("from") or ""), str(item.get("to") or "")
            words = clean(str(item.get("body") or ""))
            yield Text(key_of(item["sid"]), sender, receiver, words, item_raw(item), at)


PROVIDER = SmsProvider(
    name="twilio",
    about="Twilio: signed forms, or JSON",
    adapter=Twilio,
    settings=TwilioSettings,
    secrets=(
        Secret("auth_token", "of the account", proves=True, to_send=True),
        Secret("signing_keys", "JSON: id to key", proves=True),
    ),
)
