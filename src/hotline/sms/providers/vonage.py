"""Vonage (Nexmo): GET, form or JSON; parts of a long text come one by one; signed over the sorted parameters."""

import hashlib
import hmac
from datetime import timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import httpx

from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import WebAddress, setting
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.delivery.payloads import (
    clean_text,
    item_key,
    parse_json,
    parse_unix_time,
    raw_item,
    readable,
    signed_pairs,
    unparsed_time,
    unreadable_reason,
)
from hotline.delivery.provider import Secret
from hotline.delivery.provider_client import parse_json_response, send_request
from hotline.inbound.signatures import check_address, check_timestamp, matches_any
from hotline.inbound.webhook_request import (
    Acknowledgement,
    AuthenticationFailed,
    UnreadableItem,
    WebhookRequest,
    unreadable_item,
)
from hotline.sms.contract import DeliveryReport, OutgoingText, ReceivedText, SendResult, SmsProvider, SmsSettings
from hotline.sms.model.status import TextStatus

API = "https://rest.nexmo.com"
_UTC = ZoneInfo("UTC")
# a webhook that failed is repeated for 24 hours, maybe with the signature it had: one that comes twice is one by its
# key
MAX_SIGNATURE_AGE = timedelta(hours=25)
STATUSES = {
    "accepted": TextStatus.BUFFERED,
    "buffered": TextStatus.BUFFERED,
    "delivered": TextStatus.DELIVERED,
    "expired": TextStatus.EXPIRED,
    "rejected": TextStatus.REJECTED,
    "failed": TextStatus.UNDELIVERED,
    "unknown": TextStatus.UNDELIVERED,
}
_LATER = frozenset({"1", "5", "10"})  # throttled, internal error, too many binds


class VonageSettings(SmsSettings):
    api_key: str | None = setting("of the account", required_to_send=True)
    sender: str | None = setting("a number or a name", required_to_send=True)
    signature_method: Literal["md5hash", "md5", "sha1", "sha256", "sha512"] | None = setting(
        "of `sig`; sha256 unless set"
    )
    api: WebAddress | None = setting("another base address")


class Vonage:
    def __init__(self, account: Account) -> None:
        self.account = account

    def _fields(self, request: WebhookRequest, *, as_signed: bool = False) -> dict[str, str]:
        given = dict(signed_pairs(request.query) if as_signed else request.query_pairs())
        if request.media_type == "application/json":
            found = parse_json(request.body, request.charset)
            if not isinstance(found, dict):
                raise ValueError("no object")
            given |= {str(k): _field_text(v) for k, v in found.items() if v is not None}
        elif request.body:
            given |= dict(signed_pairs(request.body) if as_signed else request.form_pairs())
        return given

    def authenticate(self, request: WebhookRequest) -> None:
        check_address(self.account, request)
        try:
            given = self._fields(request, as_signed=True)
        except ValueError:
            raise AuthenticationFailed("no signature can be read") from None
        signature = given.pop("sig", "")
        method = self.account.setting("signature_method", "sha256")
        rights = [signature_of(given, secret, method) for secret in self.account.secret_values("signature_secret")]
        if not signature or not matches_any(signature.lower(), rights):
            raise AuthenticationFailed("the signature is missing or wrong")
        check_timestamp(parse_unix_time(given.get("timestamp")), request.at, MAX_SIGNATURE_AGE)

    def texts(self, request: WebhookRequest) -> list[ReceivedText | UnreadableItem]:
        given = self._fields(request)
        kept = raw_item({k: v for k, v in given.items() if k != "sig"})
        id, sender = given.get("messageId", ""), given.get("msisdn", "")  # noqa: A001
        if not id or not sender:
            return [unreadable_item("messageId or msisdn is missing", given, "text", raw=kept)]
        try:
            words, details = readable(given.get("text", "")), {"type": given.get("type", "text")}
        except ValueError as fault:
            return [unreadable_item(unreadable_reason(fault), given, "text", raw=kept)]
        if given.get("type") == "binary":
            details["data"] = given.get("data", "")
        receiver = given.get("to", "")
        at, unread = self.account.parse_text_time(given.get("message-timestamp"), _UTC, request.at)
        details |= unread
        sender = sender if not sender.isdigit() or len(sender) < 8 else f"+{sender}"  # always with its country
        if given.get("concat", "").lower() == "true":
            part, parts = given.get("concat-part", ""), given.get("concat-total", "")
            if part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts) <= 255 and given.get("concat-ref"):
                return [
                    ReceivedText(item_key(id, part), sender, receiver, clean_text(words), kept, at, details,
                         item_key(given["concat-ref"], parts), int(part), int(parts))
                ]  # fmt: skip
            details["odd_parts"] = "true"
        return [ReceivedText(item_key(id), sender, receiver, clean_text(words), kept, at, details)]

    def reports(self, request: WebhookRequest) -> list[DeliveryReport | UnreadableItem]:
        given = self._fields(request)
        kept = raw_item({k: v for k, v in given.items() if k != "sig"})
        id, word = given.get("messageId", ""), given.get("status", "")  # noqa: A001
        if not id or not word:
            return [UnreadableItem("messageId or status is missing", kept)]
        timestamp = given.get("message-timestamp")
        at = self.account.time(timestamp, _UTC, request.at)
        status = STATUSES.get(word.lower())
        return [
            DeliveryReport(
                item_key(id, word),
                id,
                given.get("client-ref") or None,
                status,
                word,
                kept,
                at,
                unparsed_time(timestamp, at),
            )
        ]

    def acknowledge(self, accepted: int, set_aside: int) -> Acknowledgement:
        return Acknowledgement()

    async def send(self, client: httpx.AsyncClient, message: OutgoingText) -> SendResult:
        account = self.account
        form = {
            "api_key": account.setting("api_key"),
            "api_secret": account.newest("api_secret"),
            "from": account.setting("sender"),
            "to": message.to.lstrip("+"),
            "text": message.body,
            "type": "text" if message.body.isascii() else "unicode",
            "client-ref": message.reference,
            "status-report-req": "1",
            "callback": account.status_url,
        }
        reply = await send_request(client, "POST", f"{account.setting('api', API)}/sms/json", data=form)
        answer = parse_json_response(reply)
        messages = answer.get("messages") if isinstance(answer, dict) else None
        if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
            raise GatewayDown("an answer of another shape")
        bad = next((m for m in messages if str(m.get("status")) != "0"), None)
        if bad is None:
            return SendResult(str(messages[0].get("message-id") or "") or None)
        why = f"status {str(bad.get('status'))[:3]}"
        raise (GatewayDown if str(bad.get("status")) in _LATER else GatewayRefused)(why)


def signature_of(fields: dict[str, str], secret: str, method: str) -> str:
    """All parameters but `sig`, sorted, `&` and `=` in the values replaced: hashed with the secret."""
    text = "".join(f"&{k}={fields[k].replace('&', '_').replace('=', '_')}" for k in sorted(fields))
    if method == "md5hash":
        return hashlib.md5(f"{text}{secret}".encode("utf-8", "surrogateescape")).hexdigest()  # noqa: S324 - the provider's choice
    if method not in ("md5", "sha1", "sha256", "sha512"):
        raise AuthenticationFailed("an unknown signature method is set")
    return hmac.new(secret.encode(), text.encode("utf-8", "surrogateescape"), method).hexdigest()


def _field_text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


PROVIDER = SmsProvider(
    name="vonage",
    about="Vonage (Nexmo): GET, form or JSON, parts one by one",
    adapter=Vonage,
    settings=VonageSettings,
    secrets=(
        Secret("signature_secret", "of their webhooks", authenticates=True),
        Secret("api_secret", "of the account", required_to_send=True),
    ),
    reads_get=True,
)
