"""Alibaba Cloud 阿里云: replies and receipts come as arrays, unsigned; sending takes a template, signed."""

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

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
from hotline.delivery.provider_client import parse_json_response, percent_encode, send_request
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

API = "https://dysmsapi.aliyuncs.com/"
_EXPIRED = ("EXPIRED", "TIMEOUT", "TIME_OUT")
_REJECTED = ("REJECT", "BLACK", "UNSUBSCRIBE", "MK:", "MI:", "MOBILE_IN_BLACK")
# what is worth another try; every other refusal of theirs is about the text, the template or the number
_LATER = (
    "isp.",
    "Throttling",
    "ServiceUnavailable",
    "InternalError",
    "isv.BUSINESS_LIMIT_CONTROL",
    "SignatureNonceUsed",
)


class AliyunSettings(TemplatedSettings):
    access_key_id: str | None = setting("of the account", required_to_send=True)
    sign_name: str | None = setting("the registered signature 签名", required_to_send=True)
    region: str | None = setting("cn-hangzhou unless set")
    api: WebAddress | None = setting("another address")


class Aliyun:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        check_token(self.account, request)

    def texts(self, request: WebhookRequest) -> list[ReceivedText | UnreadableItem]:
        return [self._text(item, request.at) for item in parse_batch(request.body, request.charset)]

    def _text(self, item: Any, now: datetime) -> ReceivedText | UnreadableItem:
        kept = raw_item(item)
        try:
            sender, words = first_text(item, "phone_number"), repair_encoding(first_text(item, "content"))
            sent, unread = self.account.parse_text_time(item.get("send_time"), self.account.zone, now)
        except (ValueError, AttributeError, KeyError) as fault:
            return unreadable_item(unreadable_reason(fault), item, "content")
        receiver = str(item.get("dest_code") or "")
        key = (
            item_key(item["sequence_id"], sender)
            if item.get("sequence_id")
            else hashed_key(sender, sent or item.get("send_time"), words, receiver)
        )
        details = {"sign": str(item.get("sign_name") or ""), **unread}
        return ReceivedText(key, sender, receiver, clean_text(words), kept, sent, details)

    def reports(self, request: WebhookRequest) -> list[DeliveryReport | UnreadableItem]:
        found: list[DeliveryReport | UnreadableItem] = []
        for item in parse_batch(request.body, request.charset):
            kept = raw_item(item)
            try:
                phone, batch = first_text(item, "phone_number"), first_text(item, "biz_id")
                good, code = item["success"], str(item.get("err_code") or "")
                at = self.account.time(item.get("report_time"), self.account.zone, request.at)
            except (ValueError, AttributeError, KeyError) as fault:
                found.append(UnreadableItem(unreadable_reason(fault), kept))
                continue
            status = _status(good, code)
            key = item_key(batch, phone, status or code)  # one batch shares one id
            found.append(
                DeliveryReport(
                    key,
                    batch,
                    str(item.get("out_id") or "") or None,
                    status,
                    code or str(good),
                    kept,
                    at,
                    unparsed_time(item.get("report_time"), at),
                )
            )
        return found

    def acknowledge(self, accepted: int, set_aside: int) -> Acknowledgement:
        return Acknowledgement('{"code":0,"msg":"接收成功"}'.encode(), "application/json; charset=utf-8")

    async def send(self, client: httpx.AsyncClient, message: OutgoingText) -> SendResult:
        account = self.account
        params = {
            "AccessKeyId": account.setting("access_key_id"),
            "Action": "SendSms",
            "Format": "JSON",
            "OutId": message.reference,
            "PhoneNumbers": message.to.removeprefix("+86") if message.to.startswith("+86") else message.to.lstrip("+"),
            "RegionId": account.setting("region", "cn-hangzhou"),
            "SignName": account.setting("sign_name"),
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": uuid4().hex,
            "SignatureVersion": "1.0",
            "TemplateCode": provider_template(account, message),
            "TemplateParam": orjson.dumps(dict(message.registered_values)).decode(),
            "Timestamp": message.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": "2017-05-25",
        }
        params["Signature"] = rpc_signature("POST", params, account.newest("access_key_secret"))
        reply = await send_request(client, "POST", account.setting("api", API), data=params)
        answer = parse_json_response(reply)
        code = str(answer.get("Code") or "") if isinstance(answer, dict) else ""
        if reply.is_success and code == "OK":
            return SendResult(str(answer.get("BizId") or "") or None)
        if not code:
            raise GatewayDown("an answer of another shape")
        raise (GatewayDown if code.startswith(_LATER) else GatewayRefused)(code[:60])


def rpc_signature(method: str, params: Mapping[str, str], secret: str) -> str:
    """Their RPC signature 1.0: sorted, percent-encoded, HMAC-SHA1 keyed by the secret and an ampersand."""
    query = "&".join(f"{percent_encode(k)}={percent_encode(params[k])}" for k in sorted(params))
    text = f"{method}&{percent_encode('/')}&{percent_encode(query)}"
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), text.encode(), "sha1")).decode()


def _status(is_delivered: Any, code: str) -> TextStatus | None:
    if is_delivered is True:
        return TextStatus.DELIVERED
    if is_delivered is not False:
        return None
    upper = code.upper()
    if any(word in upper for word in _EXPIRED):
        return TextStatus.EXPIRED
    return TextStatus.REJECTED if any(word in upper for word in _REJECTED) else TextStatus.UNDELIVERED


PROVIDER = SmsProvider(
    name="aliyun",
    about="Alibaba Cloud 阿里云: arrays, unsigned; sends templates",
    adapter=Aliyun,
    settings=AliyunSettings,
    secrets=(TOKEN, Secret("access_key_secret", "of the account", required_to_send=True)),
)
