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
    batch_items,
    clean,
    hashed_key,
    item_raw,
    key_of,
    mended,
    text_of,
    unread_of,
    why_unread,
)
from hotline.delivery.provider import TOKEN, Secret
from hotline.delivery.provider_client import answer_of, asked, escaped
from hotline.inbound.push import Acknowledgement, Odd, Push, odd_item
from hotline.inbound.signatures import check_token
from hotline.sms.contract import DeliveryReport, Outgoing, SendResult, SmsProvider, TemplatedSettings, Text, template_of
from hotline.sms.model.status import TextStatus

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
    access_key_id: str | None = setting("of the account", to_send=True)
    sign_name: str | None = setting("the registered signature 签名", to_send=True)
    region: str | None = setting("cn-hangzhou unless set")
    api: WebAddress | None = setting("another address")


class Aliyun:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        check_token(self.account, push)

    def texts(self, push: Push) -> list[Text | Odd]:
        return [self._text(item, push.at) for item in batch_items(push.body)]

    def _text(self, item: Any, now: datetime) -> Text | Odd:
        kept = item_raw(item)
        try:
            sender, words = text_of(item, "phone_number"), mended(text_of(item, "content"))
            sent, unread = self.account.text_time(item.get("send_time"), self.account.zone, now)
        except (ValueError, AttributeError, KeyError) as fault:
            return odd_item(why_unread(fault), item, "content")
        receiver = str(item.get("dest_code") or "")
        key = (
            key_of(item["sequence_id"], sender)
            if item.get("sequence_id")
            else hashed_key(sender, sent or item.get("send_time"), words, receiver)
        )
        details = {"sign": str(item.get("sign_name") or ""), **unread}
        return Text(key, sender, receiver, clean(words), kept, sent, details)

    def reports(self, push: Push) -> list[DeliveryReport | Odd]:
        found: list[DeliveryReport | Odd] = []
        for item in batch_items(push.body):
            kept = item_raw(item)
            try:
                phone, batch = text_of(item, "phone_number"), text_of(item, "biz_id")
                good, code = item["success"], str(item.get("err_code") or "")
                at = self.account.time(item.get("report_time"), self.account.zone, push.at)
            except (ValueError, AttributeError, KeyError) as fault:
                found.append(Odd(why_unread(fault), kept))
                continue
            status = _status(good, code)
            key = key_of(batch, phone, status or code)  # one batch shares one id
            found.append(
                DeliveryReport(
                    key,
                    batch,
                    str(item.get("out_id") or "") or None,
                    status,
                    code or str(good),
                    kept,
                    at,
                    unread_of(item.get("report_time"), at),
                )
            )
        return found

    def acknowledge(self, kept: int, odd: int) -> Acknowledgement:
        return Acknowledgement('{"code":0,"msg":"接收成功"}'.encode(), "application/json; charset=utf-8")

    async def send(self, client: httpx.AsyncClient, message: Outgoing) -> SendResult:
        account = self.account
        asks = {
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
            "TemplateCode": template_of(account, message),
            "TemplateParam": orjson.dumps(dict(message.values)).decode(),
            "Timestamp": message.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": "2017-05-25",
        }
        asks["Signature"] = rpc_signature("POST", asks, account.newest("access_key_secret"))
        reply = await asked(client, "POST", account.setting("api", API), data=asks)
        said = answer_of(reply)
        code = str(said.get("Code") or "") if isinstance(said, dict) else ""
        if reply.is_success and code == "OK":
            return SendResult(str(said.get("BizId") or "") or None)
        if not code:
            raise GatewayDown("an answer of another shape")
        raise (GatewayDown if code.startswith(_LATER) else GatewayRefused)(code[:60])


def rpc_signature(method: str, asks: Mapping[str, str], secret: str) -> str:
    """Their RPC signature 1.0: sorted, percent-encoded, HMAC-SHA1 keyed by the secret and an ampersand."""
    query = "&".join(f"{escaped(k)}={escaped(asks[k])}" for k in sorted(asks))
    text = f"{method}&{escaped('/')}&{escaped(query)}"
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), text.encode(), "sha1")).decode()


def _status(good: Any, code: str) -> TextStatus | None:
    if good is True:
        return TextStatus.DELIVERED
    if good is not False:
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
    secrets=(TOKEN, Secret("access_key_secret", "of the account", to_send=True)),
)
