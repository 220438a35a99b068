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
from hotline.delivery.payloads import (
    MAX_BATCH_ITEMS,
    clean_text,
    first_text,
    item_key,
    optional_text,
    parse_json,
    raw_item,
    unparsed_time,
    unreadable_reason,
)
from hotline.delivery.provider import Secret
from hotline.delivery.provider_client import parse_json_response, send_request
from hotline.inbound.signatures import check_address, matches_any
from hotline.inbound.webhook_request import (
    Acknowledgement,
    AuthenticationFailed,
    UnreadableItem,
    WebhookRequest,
    unreadable_item,
)
from hotline.sms.contract import DeliveryReport, OutgoingText, ReceivedText, SendResult, SmsProvider, SmsSettings
from hotline.sms.model.status import TextStatus

_UTC = ZoneInfo("UTC")
STATUS_BY_GROUP = {
    "PENDING": TextStatus.BUFFERED,
    "ACCEPTED": TextStatus.SENT,
    "DELIVERED": TextStatus.DELIVERED,
    "UNDELIVERABLE": TextStatus.UNDELIVERED,
    "EXPIRED": TextStatus.EXPIRED,
    "REJECTED": TextStatus.REJECTED,
}


class InfobipSettings(SmsSettings):
    api: WebAddress | None = setting("your own base address", required_to_send=True)
    sender: str | None = setting("a number or a name", required_to_send=True)


class Infobip:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        check_address(self.account, request)
        if self.account.secret_values("hmac"):
            given = request.headers.get("x-signature", "").removeprefix("sha256=")
            rights = [
                hmac.new(k.encode(), request.body, "sha256").hexdigest() for k in self.account.secret_values("hmac")
            ]
            if given and matches_any(given.lower(), rights):
                return
            raise AuthenticationFailed("the signature is missing or wrong")
        kind, _, credential = request.headers.get("authorization", "").partition(" ")
        try:
            login = base64.b64decode(credential, validate=True).decode() if kind.lower() == "basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            login = ""
        user, _, password = login.partition(":")
        passwords = self.account.secret_values("password")
        if not (
            login
            and passwords
            and matches_any(user, self.account.secret_values("user"))
            and matches_any(password, passwords)
        ):
            raise AuthenticationFailed("the credentials are missing or wrong")

    def texts(self, request: WebhookRequest) -> list[ReceivedText | UnreadableItem]:
        return [self._text(item, request.at) for item in parse_results(parse_json(request.body, request.charset))]

    def reports(self, request: WebhookRequest) -> list[DeliveryReport | UnreadableItem]:
        found: list[DeliveryReport | UnreadableItem] = []
        for item in parse_results(parse_json(request.body, request.charset)):
            kept = raw_item(item)
            try:
                id, word = first_text(item, "messageId"), first_text(item["status"], "groupName")  # noqa: A001
            except (ValueError, AttributeError, KeyError, TypeError) as fault:
                found.append(UnreadableItem(unreadable_reason(fault), kept))
                continue
            reference = str(item.get("callbackData") or "") or id  # we send with an id of ours
            at = self.account.time(item.get("doneAt"), _UTC, request.at)
            unread = unparsed_time(item.get("doneAt"), at)
            found.append(
                DeliveryReport(
                    item_key(id, word), id, reference, STATUS_BY_GROUP.get(word.upper()), word, kept, at, unread
                )
            )
        return found

    def acknowledge(self, accepted: int, set_aside: int) -> Acknowledgement:
        return Acknowledgement(b"{}", "application/json; charset=utf-8")

    async def send(self, client: httpx.AsyncClient, message: OutgoingText) -> SendResult:
        account = self.account
        body = {
            "messages": [
                {
                    "from": account.setting("sender"),
                    "destinations": [{"to": message.to.lstrip("+"), "messageId": message.reference}],
                    "text": message.body,
                    "notifyUrl": account.status_url,
                    "notifyContentType": "application/json",
                    "callbackData": message.reference,
                }
            ]
        }
        url = f"{account.setting('api').rstrip('/')}/sms/2/text/advanced"
        reply = await send_request(client, "POST", url, json=body, headers=self._key())
        answer = parse_json_response(reply)
        sent = answer.get("messages") if isinstance(answer, dict) else None
        if not reply.is_success:
            raise GatewayRefused(f"http {reply.status_code}")
        if not isinstance(sent, list) or not sent or not isinstance(sent[0], dict):
            raise GatewayDown("an answer of another shape")
        group = str((sent[0].get("status") or {}).get("groupName") or "")
        if group == "REJECTED":
            raise GatewayRefused(str((sent[0].get("status") or {}).get("name") or group)[:60])
        return SendResult(str(sent[0].get("messageId") or "") or None, STATUS_BY_GROUP.get(group, TextStatus.SENT))

    async def since(
        self, client: httpx.AsyncClient, moment: datetime, now: datetime
    ) -> AsyncIterator[list[ReceivedText | UnreadableItem]]:
        """Pull what waits in their inbox. Each text is given once: whatever its age, it is for us to keep."""
        url = f"{self.account.setting('api').rstrip('/')}/sms/1/inbox/reports?limit=1000"
        more = True
        while more:
            reply = await send_request(client, "GET", url, headers=self._key())
            if not reply.is_success:
                raise GatewayRefused(f"http {reply.status_code}")
            try:
                items = parse_results(parse_json_response(reply))
            except ValueError:
                raise GatewayDown("an answer of another shape") from None
            yield [self._text(item, now) for item in items]
            more = len(items) >= 1000

    def _text(self, item: Any, now: datetime) -> ReceivedText | UnreadableItem:
        kept = raw_item(item)
        try:
            id, sender = first_text(item, "messageId"), first_text(item, "from")  # noqa: A001
            words = optional_text(item, "text")
        except (ValueError, AttributeError) as fault:
            return unreadable_item(unreadable_reason(fault), item, "text")
        # 138… is Chinese
        bare = sender.isdigit() and len(sender) >= 10 and not (len(sender) == 11 and sender[0] == "1")
        sender = f"+{sender}" if bare else sender
        at, unread = self.account.parse_text_time(item.get("receivedAt"), _UTC, now)
        return ReceivedText(item_key(id), sender, str(item.get("to") or ""), clean_text(words), kept, at, unread)

    def _key(self) -> dict[str, str]:
        return {"Authorization": f"App {self.account.newest('api_key')}"}


def parse_results(found: Any) -> list[Any]:
    results = found.get("results") if isinstance(found, dict) else found
    if not isinstance(results, list) or len(results) > MAX_BATCH_ITEMS:
        raise ValueError("no list of results")
    return results


PROVIDER = SmsProvider(
    name="infobip",
    about="Infobip: JSON results, basic authentication or an HMAC of the body",
    adapter=Infobip,
    settings=InfobipSettings,
    secrets=(
        Secret("user", "of their webhooks"),
        Secret("password", "of their webhooks", authenticates=True),
        Secret("hmac", "of the body", authenticates=True),
        Secret("api_key", "of the account", required_to_send=True),
    ),
)
