"""AWS two-way SMS: texts arrive in SNS envelopes signed by RSA; sending is SNS Publish, signed SigV4.

The signing certificate is never fetched while somebody waits: one we do not have yet is asked for by the worker, and
the webhook is answered 503, so that SNS brings it again."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pydantic import Field

from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import TextList, WebAddress, setting
from hotline.delivery.notices import GatewayDown, GatewayRefused
from hotline.delivery.payloads import (
    clean_text,
    first_text,
    item_key,
    optional_text,
    parse_json,
    raw_item,
    unreadable_reason,
)
from hotline.delivery.provider import Secret
from hotline.delivery.provider_client import percent_encode, send_request
from hotline.inbound.signatures import check_address, check_timestamp
from hotline.inbound.webhook_request import (
    Acknowledgement,
    AuthenticationFailed,
    UnreadableItem,
    WebhookRequest,
    unreadable_item,
)
from hotline.sms.contract import (
    DeliveryReport,
    NeedsCertificate,
    OutgoingText,
    ReceivedText,
    SendResult,
    SmsProvider,
    SmsSettings,
)

MAX_SIGNATURE_AGE = timedelta(hours=25)  # a webhook that failed is brought again with the signature it had
_HOST = re.compile(r"sns\.[a-z0-9-]{1,30}\.amazonaws\.com(\.cn)?")
_PATH = re.compile(r"/[A-Za-z0-9._-]{1,120}\.pem")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_LATER = frozenset(
    {"Throttled", "Throttling", "ThrottlingException", "KMSThrottling", "InternalError", "InternalFailure"}
)


class AwsSettings(SmsSettings):
    topics: TextList = Field(description="the ARNs that may speak to us")
    region: str | None = setting("of the account", required_to_send=True)
    access_key_id: str | None = setting("of the account", required_to_send=True)
    api: WebAddress | None = setting("another address")
    certificates: dict[str, str] | None = setting("address to PEM; kept by the worker")
    wanted_certificate: str | None = setting("the one that the worker is to fetch")


class Aws:
    def __init__(self, account: Account) -> None:
        self.account = account

    def authenticate(self, request: WebhookRequest) -> None:
        check_address(self.account, request)
        try:
            envelope = parse_json(request.body, request.charset)
        except ValueError:
            raise AuthenticationFailed("no envelope") from None
        signed = _SIGNED.get(str(envelope.get("Type"))) if isinstance(envelope, dict) else None
        if signed is None:
            raise AuthenticationFailed("no envelope")
        if envelope.get("TopicArn") not in (self.account.settings.get("topics") or ()):
            raise AuthenticationFailed("not one of the topics")
        url = str(envelope.get("SigningCertURL") or envelope.get("SigningCertUrl") or "")
        if not is_aws_certificate_url(url):
            raise AuthenticationFailed("the certificate is not theirs")
        pem = (self.account.settings.get("certificates") or {}).get(url)
        if pem is None:
            raise NeedsCertificate(url)
        text = "".join(f"{n}\n{envelope[n]}\n" for n in signed if envelope.get(n) is not None)
        digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}.get(str(envelope.get("SignatureVersion", "1")))  # noqa: S303
        try:
            certificate = x509.load_pem_x509_certificate(str(pem).encode())
            key = certificate.public_key()
            if digest is None or not isinstance(key, rsa.RSAPublicKey):
                raise AuthenticationFailed("a signature of another kind")
            if not certificate.not_valid_before_utc <= request.at <= certificate.not_valid_after_utc:
                raise AuthenticationFailed("the certificate is not valid now")
            signature = base64.b64decode(str(envelope.get("Signature") or ""), validate=True)
            key.verify(signature, text.encode(), padding.PKCS1v15(), digest)
        except (InvalidSignature, binascii.Error, ValueError):
            raise AuthenticationFailed("the signature is missing or wrong") from None
        at = self.account.time(envelope.get("Timestamp"), self.account.zone, request.at)
        check_timestamp(at, request.at, MAX_SIGNATURE_AGE)

    def texts(self, request: WebhookRequest) -> list[ReceivedText | UnreadableItem]:
        envelope = parse_json(request.body, request.charset)
        kept = raw_item({k: v for k, v in envelope.items() if k not in ("Signature", "Token")})
        if envelope["Type"] != "Notification":  # SubscribeURL is never fetched: an administrator opens it
            return [UnreadableItem(f"{envelope['Type']}: confirm it by hand, at SubscribeURL", kept)]
        message: Any = None
        try:
            message = parse_json(str(envelope["Message"]).encode())
            id, sender = first_text(message, "inboundMessageId"), first_text(message, "originationNumber")  # noqa: A001
            words = optional_text(message, "messageBody")
            receiver = str(message.get("destinationNumber") or "")
        except (ValueError, AttributeError, KeyError, TypeError) as fault:
            return [unreadable_item(unreadable_reason(fault), message, "messageBody", raw=kept)]
        at, unread = self.account.parse_text_time(envelope.get("Timestamp"), self.account.zone, request.at)
        details: dict[str, Any] = {"sns": str(envelope.get("MessageId") or ""), **unread}
        if message.get("previousPublishedMessageId"):
            details["answers"] = str(message["previousPublishedMessageId"])
        return [ReceivedText(item_key(id), sender, receiver, clean_text(words), kept, at, details)]

    def reports(self, request: WebhookRequest) -> list[DeliveryReport | UnreadableItem]:
        return [UnreadableItem("AWS sends no reports here", raw_item(parse_json(request.body, request.charset)))]

    def acknowledge(self, accepted: int, set_aside: int) -> Acknowledgement:
        return Acknowledgement()

    async def fetch_certificate(self, client: httpx.AsyncClient, url: str) -> str:
        if not is_aws_certificate_url(url):
            raise GatewayRefused("the certificate is not theirs")
        reply = await send_request(client, "GET", url)
        if not reply.is_success or len(reply.content) > 20_000:
            raise GatewayRefused(f"http {reply.status_code}")
        try:
            x509.load_pem_x509_certificate(reply.content)
        except ValueError:
            raise GatewayRefused("no certificate") from None
        return reply.text

    async def send(self, client: httpx.AsyncClient, message: OutgoingText) -> SendResult:
        account, now = self.account, message.at.astimezone(UTC)
        region = account.setting("region", "us-east-1")
        url = account.setting("api", f"https://sns.{region}.amazonaws.com/")
        params = {
            "Action": "Publish",
            "Message": message.body,
            "MessageAttributes.entry.1.Name": "AWS.SNS.SMS.SMSType",
            "MessageAttributes.entry.1.Value.DataType": "String",
            "MessageAttributes.entry.1.Value.StringValue": "Transactional",
            "PhoneNumber": message.to,
            "Version": "2010-03-31",
        }
        body = "&".join(f"{percent_encode(k)}={percent_encode(v)}" for k, v in sorted(params.items())).encode()
        headers = {
            "content-type": "application/x-www-form-urlencoded; charset=utf-8",
            "host": urlsplit(url).netloc,
            "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        }
        key = AwsKey(account.setting("access_key_id"), account.newest("secret_access_key"), region, "sns")
        headers["authorization"] = sigv4(CanonicalRequest("POST", "/", "", headers, body), key)
        reply = await send_request(client, "POST", url, content=body, headers=headers)
        try:
            tree = ElementTree.fromstring(reply.content[:100_000])  # noqa: S314 - theirs, over TLS, capped
        except ElementTree.ParseError:
            raise GatewayDown(f"http {reply.status_code}: an answer that cannot be read") from None
        found = {e.tag.rpartition("}")[2]: (e.text or "") for e in tree.iter()}
        if reply.is_success and found.get("MessageId"):
            return SendResult(found["MessageId"])
        code = found.get("Code", "")
        raise (GatewayDown if code in _LATER or not code else GatewayRefused)(code[:60] or "an answer of another shape")


def is_aws_certificate_url(url: str) -> bool:
    """Whether a certificate lies where AWS keeps its own: https, their host, no port, no user, a .pem."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme == "https"
        and bool(_HOST.fullmatch(parts.netloc))
        and port is None
        and bool(_PATH.fullmatch(parts.path))
        and not parts.query
        and not parts.fragment
    )


@dataclass(frozen=True, slots=True)
class CanonicalRequest:
    """The parts of a request that are signed; `query` as it is sent, `headers` by their lower-case names."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class AwsKey:
    """An access key, and the region and service it signs for."""

    id: str
    secret: str
    region: str
    service: str


def sigv4(request: CanonicalRequest, key: AwsKey) -> str:
    """The Authorization of AWS Signature Version 4; every given header is signed, `x-amz-date` among them."""
    headers = request.headers
    stamp = headers["x-amz-date"]
    day = stamp[:8]
    names = ";".join(sorted(headers))
    lines = "".join(f"{n}:{headers[n].strip()}\n" for n in sorted(headers))
    digest = hashlib.sha256(request.body).hexdigest()
    canonical = f"{request.method}\n{request.path}\n{request.query}\n{lines}\n{names}\n{digest}"
    scope = f"{day}/{key.region}/{key.service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signing = f"AWS4{key.secret}".encode()
    for word in (day, key.region, key.service, "aws4_request"):
        signing = hmac.digest(signing, word.encode(), "sha256")
    signature = hmac.new(signing, text.encode(), "sha256").hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}"


PROVIDER = SmsProvider(
    name="aws",
    about="AWS two-way SMS: SNS envelopes signed by RSA",
    adapter=Aws,
    settings=AwsSettings,
    secrets=(Secret("secret_access_key", "of the account", required_to_send=True),),
)
