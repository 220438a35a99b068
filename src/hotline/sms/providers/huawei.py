"""Huawei Cloud MSGSMS 华为云: forms, unsigned or signed SDK-HMAC-SHA256; sending with X-WSSE and a template."""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import httpx
import orjson

from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import WebAddress, setting
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.delivery.payloads import clean, item_raw, key_of, mended, pairs, unread_of
from hotline.delivery.provider import TOKEN, Secret
from hotline.delivery.provider_client import answer_of, asked, escaped
from hotline.inbound.push import Acknowledgement, Odd, Push, Unauthentic, odd_item
from hotline.inbound.signatures import check_address, check_token, check_window, same
from hotline.sms.contract import DeliveryReport, Outgoing, SendResult, SmsProvider, TemplatedSettings, Text, template_of
from hotline.sms.model.status import TextStatus

_UTC = ZoneInfo("UTC")
BACK = timedelta(hours=73)  # reports are repeated for 72 hours
_PARTS = re.compile(
    r"SDK-HMAC-SHA256 Access=([^,\s]+),\s*SignedHeaders=([A-Za-z0-9;_-]+),\s*Signature=([0-9a-fA-F]{64})"
)
STATUSES = {
    "ACCEPTD": TextStatus.BUFFERED,
    "DELIVRD": TextStatus.DELIVERED,
    "EXPIRED": TextStatus.EXPIRED,
    "DELETED": TextStatus.UNDELIVERED,
    "UNDELIV": TextStatus.UNDELIVERED,
    "UNKNOWN": TextStatus.UNDELIVERED,
    "REJECTD": TextStatus.REJECTED,
}


class HuaweiSettings(TemplatedSettings):
    api: WebAddress | None = setting("base address of the region", to_send=True)
    sender: str | None = setting("the channel number", to_send=True)


class Huawei:
    """Their pushes carry our token, or are signed where a `secret_key` is set."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, push: Push) -> None:
        if not self.account.all_of("secret_key"):
            check_token(self.account, push)
            return
        check_address(self.account, push)
        found = _PARTS.fullmatch(push.headers.get("authorization", "").strip())
        if found is None or not same(found[1], self.account.all_of("access_key")):
            raise Unauthentic("the signature is missing or wrong")
        signed = found[2].lower().split(";")
        if "x-sdk-date" not in signed:
            raise Unauthentic("the date is not signed")
        stamp = push.headers.get("x-sdk-date", "")
        rights = [sdk_signature(push, signed, stamp, key) for key in self.account.all_of("secret_key")]
        if not same(found[3].lower(), rights):
            raise Unauthentic("the signature is missing or wrong")
        try:
            at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            at = None
        check_window(at, push.at, BACK)

    def texts(self, push: Push) -> list[Text | Odd]:
        given = dict(push.in_form())
        id, sender = given.get("smsMsgId", ""), given.get("from", "")  # noqa: A001
        if not id or not sender:
            return [odd_item("smsMsgId or from is missing", given, "body")]
        at, unread = self.account.text_time(given.get("createTime"), _UTC, push.at)
        words = mended(given.get("body", ""))
        return [Text(key_of(id), sender, given.get("to", ""), clean(words), item_raw(given), at, unread)]

    def reports(self, push: Push) -> list[DeliveryReport | Odd]:
        given = dict(push.in_form())
        id, word = given.get("smsMsgId", ""), given.get("status", "")  # noqa: A001
        if not id or not word:
            return [Odd("smsMsgId or status is missing", item_raw(given))]
        key = key_of(id, given.get("sequence", "1"), word)
        status = STATUSES.get(word) or (TextStatus.UNDELIVERED if re.fullmatch(r"E[0-9A-Z]+", word) else None)
        at = self.account.time(given.get("updateTime"), _UTC, push.at)
        unread = unread_of(given.get("updateTime"), at)
        return [DeliveryReport(key, id, given.get("extend") or None, status, word, item_raw(given), at, unread)]

    def acknowledge(self, kept: int, odd: int) -> Acknowledgement:
        return Acknowledgement(b'{"returnCode":0,"returnCodeDesc":"Success"}', "application/json; charset=utf-8")

    async def send(self, client: httpx.AsyncClient, message: Outgoing) -> SendResult:
        account = self.account
        now, nonce = message.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), token_hex(16)
        digest = hashlib.sha256(f"{nonce}{now}{account.newest('app_secret')}".encode()).hexdigest()
        headers = {
            "Authorization": 'WSSE realm="SDP",profile="UsernameToken",type="Appkey"',
            "X-WSSE": f'UsernameToken Username="{account.newest("app_key")}",'
            f'PasswordDigest="{base64.b64encode(digest.encode()).decode()}",Nonce="{nonce}",Created="{now}"',
        }
        form = {
            "from": account.setting("sender"),
            "to": message.to,
            "templateId": template_of(account, message),
            "templateParas": orjson.dumps(list(message.values.values())).decode(),
            "statusCallback": account.hook,
            "extend": message.reference,
        }
        url = f"{account.setting('api').rstrip('/')}/sms/batchSendSms/v1"
        reply = await asked(client, "POST", url, data=form, headers=headers)
        said = answer_of(reply)
        code = str(said.get("code") or "") if isinstance(said, dict) else ""
        result = said.get("result") if isinstance(said, dict) else None
        if code == "000000" and isinstance(result, list) and result and isinstance(result[0], dict):
            return SendResult(str(result[0].get("smsMsgId") or "") or None)
        if not code:
            raise GatewayDown("an answer of another shape")
        raise (GatewayDown if code in ("E000000", "E000510", "E000623") else GatewayRefused)(code[:20])


def sdk_signature(push: Push, signed: list[str], stamp: str, key: str) -> str:
    """SDK-HMAC-SHA256 over method, path, query, the signed headers and the hash of the body."""
    path = "/".join(escaped(unquote(part)) for part in urlsplit(push.url).path.split("/"))
    path = path if path.endswith("/") else f"{path}/"
    query = "&".join(f"{escaped(k)}={escaped(v)}" for k, v in sorted(pairs(push.query)))
    headers = "".join(f"{name}:{push.headers.get(name, '').strip()}\n" for name in signed)
    digest = hashlib.sha256(push.body).hexdigest()
    canonical = f"{push.method}\n{path}\n{query}\n{headers}\n{';'.join(signed)}\n{digest}"
    text = f"SDK-HMAC-SHA256\n{stamp}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()


PROVIDER = SmsProvider(
    name="huawei",
    about="Huawei Cloud MSGSMS 华为云: forms; sends templates",
    adapter=Huawei,
    settings=HuaweiSettings,
    secrets=(
        TOKEN,
        Secret("access_key", "of their signed pushes"),
        Secret("secret_key", "the same", proves=True),
        Secret("app_key", "of the application", to_send=True),
        Secret("app_secret", "the same", to_send=True),
    ),
)
