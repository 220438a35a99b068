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
from hotline.delivery.payloads import clean, document, item_raw, key_of, unix_moment, unread_of
from hotline.delivery.provider import Secret
from hotline.delivery.provider_client import answer_of, asked
from hotline.inbound.push import Acknowledgement, Odd, Push, Unauthentic, odd_item
from hotline.inbound.signatures import check_address, check_window, same
from hotline.sms.contract import DeliveryReport, Outgoing, SendResult, SmsProvider, SmsSettings, Text
from hotline.sms.model.status import TextStatus

API = "https://rest.nexmo.com"
_UTC = ZoneInfo("UTC")
# a push that failed is repeated for 24 hours, maybe with the signature it had: one that comes twice is one by its key
BACK = timedelta(hours=25)
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
    api_key: str | None = setting("of the account", to_send=True)
    sender: str | None = setting("a number or a name", to_send=True)
    signature_method: Literal["md5hash", "md5", "sha1", "sha256", "sha512"] | None = setting(
        "of `sig`; sha256 unless set"
    )
    api: WebAddress | None = setting("another base address")


class Vonage:
    def __init__(self, account: Account) -> None:
        self.account = account

    def _given(self, push: Push) -> dict[str, str]:
        given = dict(push.in_query())
        if push.media_type == "application/json":
            found = document(push.body)
            if not isinstance(found, dict):
                raise ValueError("no object")
            given |= {str(k): _plain(v) for k, v in found.items() if v is not None}
        elif push.body:
            given |= dict(push.in_form())
        return given

    def authenticate(self, push: Push) -> None:
        check_address(self.account, push)
        try:
            given = self._given(push)
        except ValueError:
            raise Unauthentic("no signature can be read") from None
        signature = given.pop("sig", "")
        method = self.account.setting("signature_method", "sha256")
        rights = [signature_of(given, secret, method) for secret in self.account.all_of("signature_secret")]
        if not signature or not same(signature.lower(), rights):
            raise Unauthentic("the signature is missing or wrong")
        check_window(unix_moment(given.get("timestamp")), push.at, BACK)

    def texts(self, push: Push) -> list[Text | Odd]:
        given = self._given(push)
        kept = item_raw({k: v for k, v in given.items() if k != "sig"})
        id, sender = given.get("messageId", ""), given.get("msisdn", "")  # noqa: A001
        if not id or not sender:
            return [odd_item("messageId or msisdn is missing", given, "text", kept=kept)]
        words, details = given.get("text", ""), {"type": given.get("type", "text")}
        if given.get("type") == "binary":
            details["data"] = given.get("data", "")
        receiver = given.get("to", "")
        at, unread = self.account.text_time(given.get("message-timestamp"), _UTC, push.at)
        details |= unread
        sender = sender if not sender.isdigit() or len(sender) < 8 else f"+{sender}"  # always with its country
        if given.get("concat", "").lower() == "true":
            part, parts = given.get("concat-part", ""), given.get("concat-total", "")
            if part.isdigit() and parts.isdigit() and 1 <= int(part) <= int(parts) <= 255 and given.get("concat-ref"):
                return [
                    Text(key_of(id, part), sender, receiver, clean(words), kept, at, details,
                         key_of(given["concat-ref"], parts), int(part), int(parts))
                ]  # fmt: skip
            details["odd_parts"] = "true"
        return [Text(key_of(id), sender, receiver, clean(words), kept, at, details)]

    def reports(self, push: Push) -> list[DeliveryReport | Odd]:
        given = self._given(push)
        kept = item_raw({k: v for k, v in given.items() if k != "sig"})
        id, word = given.get("messageId", ""), given.get("status", "")  # noqa: A001
        if not id or not word:
            return [Odd("messageId or status is missing", kept)]
        said = given.get("message-timestamp")
        at = self.account.time(said, _UTC, push.at)
        status = STATUSES.get(word.lower())
        return [
            DeliveryReport(
                key_of(id, word), id, given.get("client-ref") or None, status, word, kept, at, unread_of(said, at)
            )
        ]

    def acknowledge(self, kept: int, odd: int) -> Acknowledgement:
        return Acknowledgement()

    async def send(self, client: httpx.AsyncClient, message: Outgoing) -> SendResult:
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
            "callback": account.hook,
        }
        reply = await asked(client, "POST", f"{account.setting('api', API)}/sms/json", data=form)
        said = answer_of(reply)
        messages = said.get("messages") if isinstance(said, dict) else None
        if not isinstance(messages, list) or not messages or not isinstance(messages[0], dict):
            raise GatewayDown("an answer of another shape")
        bad = next((m for m in messages if str(m.get("status")) != "0"), None)
        if bad is None:
            return SendResult(str(messages[0].get("message-id") or "") or None)
        why = f"status {str(bad.get('status'))[:3]}"
        raise (GatewayDown if str(bad.get("status")) in _LATER else GatewayRefused)(why)


def signature_of(given: dict[str, str], secret: str, method: str) -> str:
    """All parameters but `sig`, sorted, `&` and `=` in the values replaced: hashed with the secret."""
    text = "".join(f"&{k}={given[k].replace('&', '_').replace('=', '_')}" for k in sorted(given))
    if method == "md5hash":
        return hashlib.md5(f"{text}{secret}".encode()).hexdigest()  # noqa: S324 - the provider's choice
    if method not in ("md5", "sha1", "sha256", "sha512"):
        raise Unauthentic("an unknown signature method is set")
    return hmac.new(secret.encode(), text.encode(), method).hexdigest()


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


PROVIDER = SmsProvider(
    name="vonage",
    about="Vonage (Nexmo): GET, form or JSON, parts one by one",
    adapter=Vonage,
    settings=VonageSettings,
    secrets=(
        Secret("signature_secret", "of their pushes", proves=True),
        Secret("api_secret", "of the account", to_send=True),
    ),
    reads_get=True,
)
