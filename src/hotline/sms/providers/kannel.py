"""Kannel 1.4: smsbox asks our URL with everything in the query, or posts the text with X-Kannel headers.

Only 200 and 202 are success to it, and what an answer holds is sent to the resident: the answer is 200 and empty."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

import httpx

from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import WebAddress, setting
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.delivery.payloads import UNKNOWN_CHARSET, clean_text, item_key, raw_text
from hotline.delivery.provider import TOKEN, Secret
from hotline.delivery.provider_client import send_request
from hotline.inbound.signatures import check_token
from hotline.inbound.webhook_request import Acknowledgement, UnreadableItem, WebhookRequest
from hotline.sms.contract import DeliveryReport, OutgoingText, ReceivedText, SendResult, SmsProvider, SmsSettings
from hotline.sms.model.status import TextStatus
from hotline.text.charsets import decode_text

_TYPES = {
    "1": TextStatus.DELIVERED,
    "2": TextStatus.UNDELIVERED,
    "4": TextStatus.BUFFERED,
    "8": TextStatus.SENT,
    "16": TextStatus.REJECTED,
}
FINAL_REPORTS = 1 + 2 + 16
ConfRule = tuple[str, Callable[[str], bool], str]  # a setting, what it must be, and what is said where it is not
_GROUP_NEEDS: Mapping[str, Sequence[ConfRule]] = {
    "smsbox": (
        ("http-request-retry", lambda v: v.isdigit() and int(v) >= 100, "http-request-retry = 1000, or texts are lost"),
        ("reply-couldnotfetch", lambda v: v == "", 'reply-couldnotfetch = "": it is sent to the resident'),
        ("reply-couldnotrepresent", lambda v: v == "", 'reply-couldnotrepresent = "": it is sent to the resident'),
        ("reply-requestfailed", lambda v: v == "", 'reply-requestfailed = "": it is sent to the resident'),
        ("reply-emptymessage", lambda v: v == "", 'reply-emptymessage = "": it is sent to the resident'),
    ),
    "sms-service": (
        ("max-messages", lambda v: v == "0", "max-messages = 0: our answer would be sent to the resident"),
        ("get-url", lambda v: "%I" in v, "get-url needs id=%I: by it a text is known"),
        ("get-url", lambda v: "%b" in v and "%a" not in v, "get-url needs text=%b, the whole text, not %a"),
        ("get-url", lambda v: "%p" in v, "get-url needs from=%p"),
        ("get-url", lambda v: "%C" in v, "get-url needs charset=%C: Chinese comes as UTF-16 without it"),
    ),
    "sendsms-user": (
        ("max-messages", lambda v: v.isdigit() and int(v) > 1, "sendsms-user: max-messages = 10, for long texts"),
    ),
}  # fmt: skip


class KannelSettings(SmsSettings):
    url: WebAddress | None = setting("address of sendsms", required_to_send=True)
    user: str | None = setting("of sendsms", required_to_send=True)
    smsc: str | None = setting("the SMSC that our texts go by")


class Kannel:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        check_token(self.account, request)

    def texts(self, request: WebhookRequest) -> list[ReceivedText | UnreadableItem]:
        if request.method == "POST":
            head, given = request.headers, dict(request.query_pairs())
            charset = head.get("content-type", "").partition("charset=")[2] or head.get("x-kannel-charset")
            found = decode_text(request.body, charset)
            given |= {
                name: head[header]
                for name, header in (("from", "x-kannel-from"), ("to", "x-kannel-to"), ("ts", "x-kannel-time"))
                if head.get(header)
            }
        else:
            raw = _raw_params(request.query)
            given = {name: value.decode("utf-8", "replace") for name, value in raw.items()}
            charset = given.get("charset")
            found = decode_text(raw.get("text", b""), charset)
        key, sender, receiver = given.get("id", ""), given.get("from", "").strip(), given.get("to", "").strip()
        kept = _raw_push(request)
        if found is None:
            why = f"not to be read: {UNKNOWN_CHARSET}; declared: {clean_text(charset or 'none')[:40]}"
            return [UnreadableItem(why, kept)]
        words = clean_text(found.text)
        if not key or not sender:
            return [UnreadableItem("the id or the sender is missing: look at get-url", kept, text=words)]
        sent, unread = self.account.parse_text_time(given.get("ts"), UTC, request.at)
        details: dict[str, Any] = {"charset": found.charset, "smsc": given.get("smsc", ""), **unread}
        return [ReceivedText(item_key(key), sender, receiver, words, kept, sent, details)]

    def reports(self, request: WebhookRequest) -> list[DeliveryReport | UnreadableItem]:
        given = dict(request.query_pairs())
        reference, word = given.get("my", ""), given.get("type", "")
        if not reference or not word:
            return [UnreadableItem("the reference or the type is missing: look at dlr-url", _raw_push(request))]
        status = _TYPES.get(word)
        provider_id = given.get("fid") or None
        return [DeliveryReport(item_key(reference, word), provider_id, reference, status, word, _raw_push(request))]

    def acknowledge(self, accepted: int, set_aside: int) -> Acknowledgement:
        return Acknowledgement()

    async def send(self, client: httpx.AsyncClient, message: OutgoingText) -> SendResult:
        account = self.account
        back = {"token": (account.secret_values("token") or [""])[-1], "my": message.reference}
        report = f"{account.status_url}?{urlencode(back)}&type=%d&fid=%F&smsc=%i&answer=%A"
        params = {
            "username": account.setting("user"),
            "password": account.newest("password"),
            "from": account.setting("sender"),
            "to": message.to,
            "text": message.body,
            "charset": "UTF-8",
            "coding": "0" if message.body.isascii() else "2",
            "dlr-mask": str(FINAL_REPORTS),
            "dlr-url": report,
        }
        if account.settings.get("smsc"):
            params["smsc"] = account.setting("smsc")
        reply = await send_request(client, "GET", account.setting("url"), params=params)
        if reply.status_code in (200, 202):
            code = reply.text[:1]
            if code not in ("0", "3"):
                raise GatewayDown("an answer that cannot be read")
            return SendResult(None, TextStatus.BUFFERED if code == "3" else TextStatus.SENT)
        raise GatewayRefused(f"http {reply.status_code}: {reply.text[:80]}")


def _raw_params(query: bytes) -> dict[str, bytes]:
    """The query's values as bytes: a Chinese text may come as raw UTF-16BE."""
    found: dict[str, bytes] = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        found[name.decode("latin-1")] = unquote_to_bytes(value.replace(b"+", b" "))
    return found


def _raw_push(request: WebhookRequest) -> str:
    query = b"&".join(p for p in request.query.split(b"&") if not p.startswith(b"token="))  # a secret is not kept
    return raw_text(query + (b"\n" + request.body if request.body else b""))


def conf_errors(text: str) -> list[str]:
    """What is wrong with a kannel.conf for us: lost texts, and answers that are sent to the resident."""
    groups: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if not equals or line.lstrip().startswith("#"):
            continue
        name, value = name.strip(), value.strip().strip('"')
        if name == "group":
            current = groups.setdefault(value, {})
        else:
            current[name] = value
    faults: list[str] = []
    for group, needs in _GROUP_NEEDS.items():
        if group not in groups:
            faults.append(f"there is no group {group}")
            continue
        for name, good, message in needs:
            found = groups[group].get(name)
            by_post = name == "get-url" and found is None and "post-url" in groups[group]
            if not by_post and (found is None or not good(found)):
                faults.append(message)
    return faults


PROVIDER = SmsProvider(
    name="kannel",
    about="Kannel 1.4: smsbox asks our URL or posts to it",
    adapter=Kannel,
    settings=KannelSettings,
    secrets=(TOKEN, Secret("password", "of sendsms", required_to_send=True)),
    reads_get=True,
    same_machine=True,
)
