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
from hotline.delivery.payloads import (
    clean_text,
    item_key,
    parse_pairs,
    raw_item,
    readable,
    unparsed_time,
    unreadable_reason,
)
from hotline.delivery.provider import TOKEN, Secret
from hotline.delivery.provider_client import parse_json_response, percent_encode, send_request
from hotline.inbound.signatures import check_address, check_timestamp, check_token, matches_any
from hotline.inbound.webhook_request import (
    Acknowledgement,
    AuthenticationFailed,
    UnreadableItem,
    WebhookRequest,
    unreadable_item,
)
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

_UTC = ZoneInfo("UTC")
MAX_SIGNATURE_AGE = timedelta(hours=73)  # reports are repeated for 72 hours
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
    api: WebAddress | None = setting("base address of the region", required_to_send=True)
    sender: str | None = setting("the channel number", required_to_send=True)


class Huawei:
    """Their webhooks carry our token, or are signed where a `secret_key` is set."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        if not self.account.secret_values("secret_key"):
            check_token(self.account, request)
            return
        check_address(self.account, request)
        found = _PARTS.fullmatch(request.headers.get("authorization", "").strip())
        if found is None or not matches_any(found[1], self.account.secret_values("access_key")):
            raise AuthenticationFailed("the signature is missing or wrong")
        signed = found[2].lower().split(";")
        if "x-sdk-date" not in signed:
            raise AuthenticationFailed("the date is not signed")
        stamp = request.headers.get("x-sdk-date", "")
        rights = [sdk_signature(request, signed, stamp, key) for key in self.account.secret_values("secret_key")]
        if not matches_any(found[3].lower(), rights):
            raise AuthenticationFailed("the signature is missing or wrong")
        try:
            at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            at = None
        check_timestamp(at, request.at, MAX_SIGNATURE_AGE)

    def texts(self, request: WebhookRequest) -> list[ReceivedText | UnreadableItem]:
        given = dict(request.form_pairs())
        id, sender = given.get("smsMsgId", ""), given.get("from", "")  # noqa: A001
        if not id or not sender:
            return [unreadable_item("smsMsgId or from is missing", given, "body")]
        try:
            words = repair_encoding(readable(given.get("body", "")))
        except ValueError as fault:
            return [unreadable_item(unreadable_reason(fault), given, "body")]
        at, unread = self.account.parse_text_time(given.get("createTime"), _UTC, request.at)
        return [ReceivedText(item_key(id), sender, given.get("to", ""), clean_text(words), raw_item(given), at, unread)]

    def reports(self, request: WebhookRequest) -> list[DeliveryReport | UnreadableItem]:
        given = dict(request.form_pairs())
        id, word = given.get("smsMsgId", ""), given.get("status", "")  # noqa: A001
        if not id or not word:
            return [UnreadableItem("smsMsgId or status is missing", raw_item(given))]
        key = item_key(id, given.get("sequence", "1"), word)
        status = STATUSES.get(word) or (TextStatus.UNDELIVERED if re.fullmatch(r"E[0-9A-Z]+", word) else None)
        at = self.account.time(given.get("updateTime"), _UTC, request.at)
        unread = unparsed_time(given.get("updateTime"), at)
        return [DeliveryReport(key, id, given.get("extend") or None, status, word, raw_item(given), at, unread)]

    def acknowledge(self, accepted: int, set_aside: int) -> Acknowledgement:
        return Acknowledgement(b'{"returnCode":0,"returnCodeDesc":"Success"}', "application/json; charset=utf-8")

    async def send(self, client: httpx.AsyncClient, message: OutgoingText) -> SendResult:
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
            "templateId": provider_template(account, message),
            "templateParas": orjson.dumps(list(message.registered_values.values())).decode(),
            "statusCallback": account.status_url,
            "extend": message.reference,
        }
        url = f"{account.setting('api').rstrip('/')}/sms/batchSendSms/v1"
        reply = await send_request(client, "POST", url, data=form, headers=headers)
        answer = parse_json_response(reply)
        code = str(answer.get("code") or "") if isinstance(answer, dict) else ""
        result = answer.get("result") if isinstance(answer, dict) else None
        if code == "000000" and isinstance(result, list) and result and isinstance(result[0], dict):
            return SendResult(str(result[0].get("smsMsgId") or "") or None)
        if not code:
            raise GatewayDown("an answer of another shape")
        raise (GatewayDown if code in ("E000000", "E000510", "E000623") else GatewayRefused)(code[:20])


def sdk_signature(request: WebhookRequest, signed: list[str], stamp: str, key: str) -> str:
    """SDK-HMAC-SHA256 over method, path, query, the signed headers and the hash of the body."""
    path = "/".join(percent_encode(unquote(part)) for part in urlsplit(request.url).path.split("/"))
    path = path if path.endswith("/") else f"{path}/"
    query = "&".join(f"{percent_encode(k)}={percent_encode(v)}" for k, v in sorted(parse_pairs(request.query)))
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed)
    digest = hashlib.sha256(request.body).hexdigest()
    canonical = f"{request.method}\n{path}\n{query}\n{headers}\n{';'.join(signed)}\n{digest}"
    text = f"SDK-HMAC-SHA256\n{stamp}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()


PROVIDER = SmsProvider(
    name="huawei",
    about="Huawei Cloud MSGSMS 华为云: forms; sends templates",
    adapter=Huawei,
    settings=HuaweiSettings,
    secrets=(
        TOKEN,
        Secret("access_key", "of their signed webhooks"),
        Secret("secret_key", "the same", authenticates=True),
        Secret("app_key", "of the application", required_to_send=True),
        Secret("app_secret", "the same", required_to_send=True),
    ),
)
