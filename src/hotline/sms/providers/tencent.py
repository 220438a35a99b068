"""Tencent Cloud 腾讯云: a reply is one object without an id, reports an array; sending is signed TC3-HMAC-SHA256."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import WebAddress, setting
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.delivery.payloads import (
    clean_text,
    first_text,
    hashed_key,
    item_key,
    parse_batch,
    raw_item,
    unparsed_time,
    unreadable_reason,
)
from hotline.delivery.provider import TOKEN, Secret
from hotline.delivery.provider_client import parse_json_response, send_request
from hotline.inbound.signatures import check_token
from hotline.inbound.webhook_request import Acknowledgement, UnreadableItem, WebhookRequest, unreadable_item
from hotline.sms.contract import (
    DeliveryReport,
    OutgoingText,
    ReceivedText,
    SendResult,
    SmsProvider,
    TemplatedSettings,
    provider_template,
)
from hotline.sms.model.status import TextStatus
from hotline.text.charsets import repair_encoding

HOST = "sms.tencentcloudapi.com"
_RETRYABLE_CODES = (
    "InternalError",
    "LimitExceeded",
    "RequestLimitExceeded",
    "FailedOperation.ContainSensitiveWord.Retry",
    "ResourceUnavailable",
)
_REJECTED = ("REJECT", "BLACK", "MK", "MI", "UNSUBSCRIBE")


class TencentSettings(TemplatedSettings):
    """A template is its id, or `{"id": …, "values": […]}` with our values in its order."""

    secret_id: str | None = setting("of the account", required_to_send=True)
    sdk_app_id: str | None = setting("of the application", required_to_send=True)
    sign_name: str | None = setting("the registered signature 签名")
    region: str | None = setting("ap-guangzhou unless set")
    api: WebAddress | None = setting("another address")


class Tencent:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        check_token(self.account, request)

    def texts(self, request: WebhookRequest) -> list[ReceivedText | UnreadableItem]:
        found: list[ReceivedText | UnreadableItem] = []
        for item in parse_batch(request.body, request.charset):
            kept = raw_item(item)
            try:
                mobile, words = first_text(item, "mobile"), repair_encoding(first_text(item, "text"))
                nation, extend, time = (
                    str(item.get("nationcode") or "86"),
                    str(item.get("extend") or ""),
                    item.get("time"),
                )
            except (ValueError, AttributeError) as fault:
                found.append(unreadable_item(unreadable_reason(fault), item, "text"))
                continue
            sender = mobile if mobile.startswith("+") else f"+{nation.lstrip('+')}{mobile}"
            key = hashed_key(mobile, time, words, extend)  # no id comes with it
            sent, unread = self.account.parse_text_time(time, self.account.zone, request.at)
            details = {"sign": str(item.get("sign") or ""), **unread}
            found.append(ReceivedText(key, sender, extend, clean_text(words), kept, sent, details))
        return found

    def reports(self, request: WebhookRequest) -> list[DeliveryReport | UnreadableItem]:
        found: list[DeliveryReport | UnreadableItem] = []
        for item in parse_batch(request.body, request.charset):
            kept = raw_item(item)
            try:
                sid, word = first_text(item, "sid"), first_text(item, "report_status")
            except (ValueError, AttributeError) as fault:
                found.append(UnreadableItem(unreadable_reason(fault), kept))
                continue
            error_text = str(item.get("errmsg") or "")
            received_at = item.get("user_receive_time")
            at = self.account.time(received_at, self.account.zone, request.at)
            reference = str(item.get("ext") or "") or None
            found.append(
                DeliveryReport(
                    item_key(sid, word),
                    sid,
                    reference,
                    _status(word, error_text),
                    f"{word} {error_text}".strip(),
                    kept,
                    at,
                    unparsed_time(received_at, at),
                )
            )
        return found

    def acknowledge(self, accepted: int, set_aside: int) -> Acknowledgement:
        return Acknowledgement(b'{"result":0,"errmsg":"OK"}', "application/json; charset=utf-8")

    async def send(self, client: httpx.AsyncClient, message: OutgoingText) -> SendResult:
        account = self.account
        template = (account.settings.get("templates") or {}).get(message.template)
        code = template["id"] if isinstance(template, dict) else provider_template(account, message)
        registered = list(message.registered_values)
        names = template.get("values", registered) if isinstance(template, dict) else registered
        body = orjson.dumps(
            {
                "PhoneNumberSet": [message.to],
                "SmsSdkAppId": account.setting("sdk_app_id"),
                "SignName": account.setting("sign_name"),
                "TemplateId": str(code),
                "TemplateParamSet": [str(message.values.get(n, "")) for n in names],
                "SessionContext": message.reference,
            }
        )
        answer = await self._ask(client, "SendSms", body, message.at)
        sets = answer.get("SendStatusSet")
        if not isinstance(sets, list) or not sets or not isinstance(sets[0], dict):
            raise GatewayDown("an answer of another shape")
        if sets[0].get("Code") == "Ok":
            return SendResult(str(sets[0].get("SerialNo") or "") or None)
        word = str(sets[0].get("Code"))
        raise (GatewayDown if word.startswith(_RETRYABLE_CODES) else GatewayRefused)(word[:60])

    async def _ask(self, client: httpx.AsyncClient, action: str, body: bytes, now: datetime) -> Mapping[str, Any]:
        account = self.account
        headers = {
            "content-type": "application/json; charset=utf-8",
            "host": HOST,
            "x-tc-action": action,
            "x-tc-version": "2021-01-11",
            "x-tc-timestamp": str(int(now.timestamp())),
            "x-tc-region": account.setting("region", "ap-guangzhou"),
        }
        headers["authorization"] = tc3_authorization(
            account.setting("secret_id"), account.newest("secret_key"), "sms", HOST, body, now
        )
        reply = await send_request(
            client, "POST", account.setting("api", f"https://{HOST}/"), content=body, headers=headers
        )
        parsed = parse_json_response(reply)
        answer = parsed.get("Response") if isinstance(parsed, dict) else None
        if not isinstance(answer, dict):
            raise GatewayDown("an answer of another shape")
        if isinstance(answer.get("Error"), dict):
            code = str(answer["Error"].get("Code"))
            raise (GatewayDown if code.startswith(_RETRYABLE_CODES) else GatewayRefused)(code[:60])
        return answer

    async def since(
        self, client: httpx.AsyncClient, moment: datetime, now: datetime
    ) -> AsyncIterator[list[ReceivedText | UnreadableItem]]:
        """Pull the replies Tencent holds for us. Each is given once: whatever its age, it is for us to keep."""
        more = True
        while more:
            params = {"Limit": 100, "SmsSdkAppId": self.account.setting("sdk_app_id")}
            answer = await self._ask(client, "PullSmsReplyStatus", orjson.dumps(params), now)
            items = answer.get("PullSmsReplyStatusSet") or []
            yield [_text_from_pull(item, self.account, now) for item in items]
            more = len(items) >= 100


def _text_from_pull(item: Mapping[str, Any], account: Account, now: datetime) -> ReceivedText:
    words, extend = clean_text(str(item.get("ReplyContent") or "")), str(item.get("ExtendCode") or "")
    mobile, nation = str(item.get("SubscriberNumber") or ""), str(item.get("CountryCode") or "86").lstrip("+")
    key = hashed_key(mobile, item.get("ReplyTime"), words, extend)  # the same as of its webhook
    sender = str(item.get("PhoneNumber") or "") or f"+{nation}{mobile}"
    sent, unread = account.parse_text_time(item.get("ReplyTime"), account.zone, now)
    return ReceivedText(key, sender, extend, words, raw_item(item), sent, unread)


def tc3_authorization(secret_id: str, secret_key: str, service: str, host: str, body: bytes, now: datetime) -> str:
    """The Authorization of TC3-HMAC-SHA256 for a JSON POST, content-type and host signed."""
    stamp, day = str(int(now.timestamp())), now.astimezone(UTC).date().isoformat()
    headers = f"content-type:application/json; charset=utf-8\nhost:{host}\n"
    canonical = f"POST\n/\n\n{headers}\ncontent-type;host\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{day}/{service}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for word in (day, service, "tc3_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    return f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders=content-type;host, Signature={signature}"


def _status(word: str, error_message: str) -> TextStatus | None:
    if word == "SUCCESS":
        return TextStatus.DELIVERED
    if word != "FAIL":
        return None
    upper = error_message.upper()
    if "EXPIRED" in upper:
        return TextStatus.EXPIRED
    return TextStatus.REJECTED if upper.startswith(_REJECTED) else TextStatus.UNDELIVERED


PROVIDER = SmsProvider(
    name="tencent",
    about="Tencent Cloud 腾讯云: replies without an id; sends templates",
    adapter=Tencent,
    settings=TencentSettings,
    secrets=(TOKEN, Secret("secret_key", "of the account", required_to_send=True)),
)
