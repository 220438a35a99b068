"""Infobip: JSON results in batches, basic authentication or an HMAC of the body; anything but 2xx is repeated."""

import base64
import binascii
import hmac
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import WebAddress, setting
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.delivery.payloads import MOST_ITEMS, clean, document, item_raw, key_of, text_of, unread_of, why_unread
from hotline.delivery.provider import Secret
from hotline.delivery.provider_client import answer_of, asked
from hotline.inbound.push import Acknowledgement, Odd, Push, Unauthentic, odd_item
from hotline.inbound.signatures import check_address, same
from hotline.sms.contract import DeliveryReport, Outgoing, SendResult, SmsProvider, SmsSettings, Text
from hotline.sms.model.status import TextStatus

_UTC = ZoneInfo("UTC")
GROUPS = {
    "PENDING": TextStatus.BUFFERED,
    "ACCEPTED": TextStatus.SENT,
    "DELIVERED": TextStatus.DELIVERED,
    "UNDELIVERABLE": TextStatus.UNDELIVERED,
    "EXPIRED": TextStatus.EXPIRED,
    "REJECTED": TextStatus.REJECTED,
}


class InfobipSettings(SmsSettings):
    api: WebAddress | None = setting("your own base address", to_send=True)
    sender: str | None = setting("a number or a name", to_send=True)


class Infobip:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_address(self.account, push)
        if self.account.all_of("hmac"):
            given = push.headers.get("x-signature", "").removeprefix("sha256=")
            rights = [hmac.new(k.encode(), push.body, "sha256").hexdigest() for k in self.account.all_of("hmac")]
            if given and same(given.lower(), rights):
                return
            raise Unauthentic("the signature is missing or wrong")
        kind, _, credential = push.headers.get("authorization", "").partition(" ")
        try:
            login = base64.b64decode(credential, validate=True).decode() if kind.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            login = ""
        user, _, password = login.partition(":")
        passwords = self.account.all_of("password")
        if not (login and passwords and same(user, self.account.all_of("user")) and same(password, passwords)):
            raise Unauthentic("the credentials are missing or wrong")

    def texts(self, push: Push) -> list[Text | Odd]:
        return [self._text(item, push.at) for item in results_of(document(push.body))]

    def reports(self, push: Push) -> list[DeliveryReport | Odd]:
        found: list[DeliveryReport | Odd] = []
        for item in results_of(document(push.body)):
            kept = item_raw(item)
            try:
                id, word = text_of(item, "messageId"), text_of(item["status"], "groupName")  # noqa: A001
            except (ValueError, AttributeError, KeyError, TypeError) as fault:
                found.append(Odd(why_unread(fault), kept))
                continue
            reference = str(item.get("callbackData") or "") or id  # we send with an id of ours
            at = self.account.time(item.get("doneAt"), _UTC, push.at)
            unread = unread_of(item.get("doneAt"), at)
            found.append(
                DeliveryReport(key_of(id, word), id, reference, GROUPS.get(word.upper()), word, kept, at, unread)
            )
        return found

    def acknowledge(self, kept: int, odd: int) -> Acknowledgement:
        return Acknowledgement(b"{}", "application/json; charset=utf-8")

    async def send(self, client: httpx.AsyncClient, message: Outgoing) -> SendResult:
        account = self.account
        body = {
            "messages": [
                {
                    "from": account.setting("sender"),
                    "destinations": [{"to": message.to.lstrip("+"), "messageId": message.reference}],
                    "text": message.body,
                    "notifyUrl": account.hook,
                    "notifyContentType": "application/json",
                    "callbackData": message.reference,
                }
            ]
        }
        url = f"{account.setting('api').rstrip('/')}/sms/2/text/advanced"
        reply = await asked(client, "POST", url, json=body, headers=self._key())
        said = answer_of(reply)
        sent = said.get("messages") if isinstance(said, dict) else None
        if not reply.is_success:
            raise GatewayRefused(f"http {reply.status_code}")
        if not isinstance(sent, list) or not sent or not isinstance(sent[0], dict):
            raise GatewayDown("an answer of another shape")
        group = str((sent[0].get("status") or {}).get("groupName") or "")
        if group == "REJECTED":
            raise GatewayRefused(str((sent[0].get("status") or {}).get("name") or group)[:60])
        return SendResult(str(sent[0].get("messageId") or "") or None, GROUPS.get(group, TextStatus.SENT))

    async def since(
        self, client: httpx.AsyncClient, moment: datetime, now: datetime
    ) -> AsyncIterator[list[Text | Odd]]:
        """Pull what waits in their inbox. Each text is given once: whatever its age, it is for us to keep."""
        url = f"{self.account.setting('api').rstrip('/')}/sms/1/inbox/reports?limit=1000"
        more = True
        while more:
            reply = await asked(client, "GET", url, headers=self._key())
            if not reply.is_success:
                raise GatewayRefused(f"http {reply.status_code}")
            try:
                items = results_of(answer_of(reply))
            except ValueError:
                raise GatewayDown("an answer of another shape") from None
            yield [self._text(item, now) for item in items]
            more = len(items) >= 1000

    def _text(self, item: Any, now: datetime) -> Text | Odd:
        kept = item_raw(item)
        try:
            id, sender, words = text_of(item, "messageId"), text_of(item, "from"), str(item.get("text") or "")  # noqa: A001
        except (ValueError, AttributeError) as fault:
            return odd_item(why_unread(fault), item, "text")
        # 138… is Chinese
        bare = sender.isdigit() and len(sender) >= 10 and not (len(sender) == 11 and sender[0] == "1")
        sender = f"+{sender}" if bare else sender
        at, unread = self.account.text_time(item.get("receivedAt"), _UTC, now)
        return Text(key_of(id), sender, str(item.get("to") or ""), clean(words), kept, at, unread)

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"App {self.account.newest('api_key')}"}


def results_of(found: Any) -> list[Any]:
    results = found.get("results") if isinstance(found, dict) else found
    if not isinstance(results, list) or len(results) > MOST_ITEMS:
        raise ValueError("no list of results")
    return results


PROVIDER = SmsProvider(
    name="infobip",
    about="Infobip: JSON results, basic authentication or an HMAC of the body",
    adapter=Infobip,
    settings=InfobipSettings,
    secrets=(
        Secret("user", "of their pushes"),
        Secret("password", "of their pushes", proves=True),
        Secret("hmac", "of the body", proves=True),
        Secret("api_key", "of the account", to_send=True),
    ),
)
