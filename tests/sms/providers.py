# ruff: noqa: A002  (`id` is the providers' own word)
"""The far side of every SMS provider: the requests that it would push to us, signed as it would sign them. Written from
`reference/sms-gateways.md` and the providers' documentation alone, without a look at our adapters: two readings of one
sheet that must agree."""

import base64
import copy
import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from functools import cache
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

PUBLIC = "https://hotline.example.org"
HOST = "hotline.example.org"
AT = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)  # the suite's noon: samples are signed as of then
CHINA = timezone(timedelta(hours=8))
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
LEFT_OUT = ...  # as an odd value: the provider does not send this field

Answer = tuple[int, str, bytes | None]  # status, content type prefix, exact body (None: any)
Text = tuple[str, str, str, str, datetime]  # id, sender, receiver, text, at
Pairs = list[tuple[str, str]]
GUESSED = {
    "token": "guessed",
    "auth_token": "guessed",
    "signing_keys": '{"k1": "guessed"}',
    "signature_secret": "guessed",
    "secret_key": "guessed",
    "password": "guessed",
    "secret": "whsec_" + base64.b64encode(b"guessed, 24 bytes long..").decode(),
}


@dataclass(frozen=True)
class Push:
    """One request of a provider. `path` holds the query too."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


class Far(Protocol):
    """One provider. `odd` fields replace the usual ones or are added: a list is sent repeatedly (forms and queries),
    LEFT_OUT not at all."""

    name: str
    secrets: dict[str, str]
    settings: dict[str, Any]
    success_text: Answer
    success_report: Answer
    batches: bool

    def text(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push: ...
    def texts(self, items: Sequence[Text]) -> Push: ...
    def report(self, provider_id: str, reference: str, to: str, word: str, at: datetime) -> Push: ...
    def resign(self, push: Push, **changed: Any) -> Push: ...
    def forged(self, push: Push) -> Push: ...


# Forms, queries and JSON. Bytes that are no UTF-8 travel through str as surrogates, so that nothing is lost on the way.


def odds(usual: Mapping[str, Any], odd: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**usual, **odd}.items() if value is not LEFT_OUT}


def encoded(fields: Mapping[str, Any] | Pairs) -> str:
    return urlencode(fields, doseq=True, encoding="utf-8", errors="surrogateescape")


def decoded(query: str) -> Pairs:
    return parse_qsl(query, keep_blank_values=True, errors="surrogateescape")


def changed_pairs(pairs: Pairs, changed: Mapping[str, Any]) -> Pairs:
    kept = [(key, value) for key, value in pairs if key not in changed]
    return kept + decoded(encoded(odds({}, changed)))


def get(path: str, fields: Mapping[str, Any] | Pairs) -> Push:
    return Push("GET", f"{path}?{encoded(fields)}", {})


def form(path: str, fields: Mapping[str, Any] | Pairs, content_type: str = FORM) -> Push:
    return Push("POST", path, {"Content-Type": content_type}, encoded(fields).encode())


def as_json(path: str, payload: Any, content_type: str = JSON) -> Push:
    return Push(
        "POST",
        path,
        {"Content-Type": content_type},
        json.dumps(payload, ensure_ascii=False).encode(errors="backslashreplace"),
    )


def kind(push: Push) -> str:
    return push.headers.get("Content-Type", "").partition(";")[0]


def with_query(push: Push, **fields: Any) -> Push:
    """The same with these query parameters, in front, instead of any of the same name."""
    bare, _, query = push.path.partition("?")
    kept = [pair for pair in decoded(query) if pair[0] not in fields]
    return replace(push, path=f"{bare}?{encoded([*decoded(encoded(fields)), *kept])}")


def with_headers(push: Push, **headers: str) -> Push:
    return replace(push, headers={**push.headers, **{name.replace("_", "-"): value for name, value in headers.items()}})


def with_changes(push: Push, changed: Mapping[str, Any]) -> Push:
    """The same push with other fields: in the form, in every item of the JSON, or else in the query."""
    if kind(push) == FORM:
        return replace(push, body=encoded(changed_pairs(decoded(push.body.decode()), changed)).encode())
    if kind(push) == JSON:
        payload = json.loads(push.body)
        for item in items_of(payload):
            fresh = odds(item, changed)
            item.clear()
            item.update(fresh)
        return replace(push, body=json.dumps(payload, ensure_ascii=False).encode())
    bare, _, query = push.path.partition("?")
    return replace(push, path=f"{bare}?{encoded(changed_pairs(decoded(query), changed))}")


def items_of(payload: Any) -> list[dict[str, Any]]:
    if isinstance(payload, list):
        return payload
    lists = [payload[name] for name in ("results", "messages", "reports") if name in payload]
    return lists[0] if lists else [payload]


def national(number: str) -> str:
    """As Chinese clouds write it: +86138… as 138…. What is not E.164 stays as it is."""
    return number.removeprefix("+86").removeprefix("+")


def zulu(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def naive(at: datetime, zone: timezone = UTC) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def own_id(*parts: str) -> str:
    """A UUID of the provider's own making, the same in every repeat."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts)))


def garbled(text: str) -> str:
    """What a client makes of UTF-8 that it takes for ISO-8859-1."""
    return text.encode().decode("latin-1")


class Side:
    """What providers share. This one signs nothing and shows a token in the query."""

    name: str = ""
    success_text: Answer = (200, "", None)
    success_report: Answer = (200, "", None)
    batches: bool = False

    def __init__(self, secrets: dict[str, str], settings: dict[str, Any] | None = None) -> None:
        self.secrets, self.settings = secrets, settings or {}

    @property
    def here(self) -> str:
        return f"/v1/hooks/sms/{self.name}"

    @property
    def status(self) -> str:
        return f"{self.here}/status"

    def sealed(self, push: Push) -> Push:
        """The push with its token or signature, in place of any that it has."""
        return with_query(push, token=self.secrets["token"])

    def texts(self, items: Sequence[Text]) -> Push:
        raise NotImplementedError(f"{self.name} pushes one text at a time")

    def resign(self, push: Push, **changed: Any) -> Push:
        return self.sealed(with_changes(push, changed))

    def forged(self, push: Push) -> Push:
        """As somebody would send it who does not know our secrets."""
        stranger = copy.copy(self)
        stranger.secrets = {name: GUESSED.get(name, value) for name, value in self.secrets.items()}
        return stranger.sealed(push)


class Kannel(Side):
    """Section 2: get-url, post-url and dlr-url, with our token in each."""

    name = "kannel"
    success_text: Answer = (200, "text/plain", b"")
    success_report: Answer = (200, "text/plain", b"")

    def text(self, id: str, sender: str, receiver: str, text: str | bytes, at: datetime, **odd: Any) -> Push:
        """With mo-recode: everything is UTF-8 and coding 0. `text` may be raw bytes."""
        usual = {"from": sender, "to": receiver, "id": id, "smsc": "FAKE", "ts": int(at.timestamp())}
        usual |= {"coding": 0, "charset": "UTF-8", "udh": "", "text": text}
        return self.sealed(get(self.here, odds(usual, odd)))

    def utf16(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        """Without mo-recode Chinese comes as it was on the air."""
        raw = text.encode("utf-16-be")
        return self.text(id, sender, receiver, raw, at, **{"coding": 2, "charset": "UTF-16BE", **odd})

    def gbk(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        return self.text(id, sender, receiver, text.encode("gbk"), at, **{"charset": "GBK", **odd})

    def data(self, id: str, sender: str, receiver: str, raw: bytes, at: datetime, **odd: Any) -> Push:
        """A binary message. It may hold GBK."""
        return self.text(id, sender, receiver, raw, at, **{"coding": 1, "charset": "8-BIT", **odd})

    def post(
        self, id: str, sender: str, receiver: str, text: str, at: datetime, charset: str = "UTF-8", **odd: Any
    ) -> Push:
        """post-url, with send-sender on. No header holds the id: it stands in the URL as %I. `odd` are headers."""
        usual = {"Content-Type": f'text/plain; charset="{charset}"', "X-Kannel-From": sender, "X-Kannel-To": receiver}
        usual |= {"X-Kannel-Time": format_datetime(at.astimezone(UTC), usegmt=True), "X-Kannel-SMSC": "FAKE"}
        usual |= {"X-Kannel-Coding": "2" if charset == "UTF-16BE" else "0", "X-Kannel-Service": "default"}
        path = f"{self.here}?{encoded({'id': id})}"
        return self.sealed(Push("POST", path, odds(usual, odd), text.encode(charset)))

    def report(self, provider_id: str, reference: str, to: str, word: str, at: datetime) -> Push:
        fields = {"my": reference, "type": word, "fid": provider_id, "smsc": "FAKE", "answer": ""}
        return self.sealed(get(self.status, fields))


def twilio_signature(url: str, pairs: Iterable[tuple[str, str]], key: str, digest: str = "sha1") -> str:
    """Names sorted, the values of a repeated name as a sorted set: which is to sort the set of pairs."""
    said = url + "".join(name + value for name, value in sorted(set(pairs)))
    return base64.b64encode(hmac.digest(key.encode(), said.encode(errors="surrogateescape"), digest)).decode()


class Twilio(Side):
    """Section 3. The signature is over PUBLIC + path, whatever host the test client calls."""

    name = "twilio"
    success_text: Answer = (200, "text/xml", b"<Response></Response>")

    def _fields(self, id: str, sender: str, receiver: str, text: str, odd: Mapping[str, Any]) -> dict[str, Any]:
        usual = {"ToCountry": "US", "ToState": "", "SmsMessageSid": id, "NumMedia": "0", "ToCity": "", "FromZip": ""}
        usual |= {"SmsSid": id, "FromState": "", "SmsStatus": "received", "FromCity": "", "Body": text}
        usual |= {"FromCountry": "CN", "To": receiver, "ToZip": "", "NumSegments": "1", "MessageSid": id}
        usual |= {"AccountSid": self.settings["account_sid"], "From": sender, "ApiVersion": "2010-04-01"}
        return odds(usual, odd)

    def sealed(self, push: Push, public: str = PUBLIC) -> Push:
        pairs = decoded(push.body.decode()) if kind(push) == FORM else []
        if kind(push) == JSON:
            push = with_query(push, bodySHA256=hashlib.sha256(push.body).hexdigest())
        url, key, digest = public + push.path, self.secrets["auth_token"], "sha1"
        if "X-Twilio-Webhooks-Signature-Settings" in push.headers:
            key, digest = json.loads(self.secrets["signing_keys"])["k1"], "sha256"
        return with_headers(push, X_Twilio_Signature=twilio_signature(url, pairs, key, digest))

    def _form(self, path: str, fields: Mapping[str, Any], token: str) -> Push:
        push = form(path, fields, f"{FORM}; charset=UTF-8")
        return with_headers(push, User_Agent="TwilioProxy/1.1", I_Twilio_Idempotency_Token=own_id(token))

    def text(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        return self.sealed(self._form(self.here, self._fields(id, sender, receiver, text, odd), id))

    def report(self, provider_id: str, reference: str, to: str, word: str, at: datetime) -> Push:
        """The callback holds no reference of ours: MessageSid is all there is."""
        fields = {"AccountSid": self.settings["account_sid"], "ApiVersion": "2010-04-01", "From": "+15017122661"}
        fields |= {"To": to, "MessageSid": provider_id, "SmsSid": provider_id, "MessageStatus": word, "SmsStatus": word}
        fields |= {"ErrorCode": "30003"} if word in ("undelivered", "failed") else {}
        return self.sealed(self._form(self.status, fields, provider_id + word))

    def signed_with_port(self, push: Push) -> Push:
        return self.sealed(push, f"{PUBLIC}:443")

    def json_push(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        """A JSON body is covered by its hash in the query; the signature is over the URL alone."""
        return self.sealed(as_json(self.here, self._fields(id, sender, receiver, text, odd)))

    def sha256_push(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        """The newer kind, by a shared key: same string, same header for the signature."""
        push = self._form(self.here, self._fields(id, sender, receiver, text, odd), id)
        return self.sealed(with_headers(push, X_Twilio_Webhooks_Signature_Settings="key=k1,algorithm=HMAC_SHA256"))


def vonage_signature(pairs: Iterable[tuple[str, str]], secret: str, method: str) -> str:
    """Lower-case hex. `md5hash` is the plain md5 of string + secret; the others are HMACs."""
    clean = [(key, value.replace("&", "_").replace("=", "_")) for key, value in pairs if key != "sig"]
    said = "".join(f"&{key}={value}" for key, value in sorted(clean, key=lambda pair: pair[0]))
    if method == "md5hash":
        return hashlib.md5((said + secret).encode(errors="surrogateescape")).hexdigest()
    return hmac.digest(secret.encode(), said.encode(errors="surrogateescape"), method).hex()


class Vonage(Side):
    """Section 4: by GET, as a form or as JSON, as the account is set."""

    name = "vonage"

    def sealed(self, push: Push) -> Push:
        if kind(push) == JSON:
            pairs = [(key, str(value)) for key, value in json.loads(push.body).items()]
        else:
            pairs = decoded(push.body.decode() if kind(push) == FORM else push.path.partition("?")[2])
        signature = vonage_signature(pairs, self.secrets["signature_secret"], self.settings["signature_method"])
        # HMACs are shown in upper case, the plain hash in lower: the SDK folds before it compares.
        shown = signature if self.settings["signature_method"] == "md5hash" else signature.upper()
        return with_changes(push, {"sig": shown})

    def _push(self, path: str, fields: Mapping[str, Any], how: str) -> Push:
        made = as_json(path, fields) if how == "json" else form(path, fields) if how == "form" else get(path, fields)
        return self.sealed(made)

    def _stamp(self, at: datetime, token: str) -> dict[str, str]:
        return {"message-timestamp": naive(at), "timestamp": str(int(at.timestamp())), "nonce": own_id(token)}

    def text(self, id: str, sender: str, receiver: str, text: str, at: datetime, how: str = "get", **odd: Any) -> Push:
        usual = {"msisdn": sender.removeprefix("+"), "to": receiver, "messageId": id, "text": text}
        usual |= {"type": "text" if text.isascii() else "unicode", "keyword": (text.split() or [""])[0].upper()}
        return self._push(self.here, odds(usual | self._stamp(at, id), odd), how)

    def part(
        self,
        id: str,
        ref: str,
        total: int,
        part: int,
        sender: str,
        receiver: str,
        text: str,
        at: datetime,
        how: str = "get",
    ) -> Push:
        """One part of a long text, counted from 1. `id` is the part's own."""
        concat = {"concat": "true", "concat-ref": ref, "concat-total": str(total), "concat-part": str(part)}
        return self.text(id, sender, receiver, text, at, how, **concat)

    def report(self, provider_id: str, reference: str, to: str, word: str, at: datetime, how: str = "get") -> Push:
        fields = {"msisdn": to.removeprefix("+"), "to": "Hotline", "network-code": "46000", "messageId": provider_id}
        fields |= {"price": "0.03330000", "status": word, "scts": at.astimezone(UTC).strftime("%y%m%d%H%M")}
        fields |= {"err-code": "0" if word in ("delivered", "accepted", "buffered") else "1", "client-ref": reference}
        return self._push(self.status, fields | self._stamp(at, provider_id + word), how)


class Aliyun(Side):
    """Section 5.1: arrays of JSON, naive times in UTC+8."""

    name = "aliyun"
    success_text: Answer = (200, JSON, '{"code":0,"msg":"接收成功"}'.encode())
    success_report: Answer = success_text
    batches = True

    def _push(self, path: str, items: list[dict[str, Any]]) -> Push:
        return self.sealed(as_json(path, items, "application/json;charset=UTF-8"))

    def _item(self, id: str, sender: str, receiver: str, text: str, at: datetime) -> dict[str, Any]:
        item = {"phone_number": national(sender), "content": text, "send_time": naive(at, CHINA)}
        return item | {"dest_code": receiver, "sequence_id": id}

    def text(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        """An array of one. The receiver is the extension, dest_code."""
        return self._push(self.here, [odds(self._item(id, sender, receiver, text, at), odd)])

    def texts(self, items: Sequence[Text]) -> Push:
        return self._push(self.here, [self._item(*item) for item in items])

    def report(self, provider_id: str, reference: str, to: str, word: str, at: datetime) -> Push:
        """`word`: "true" or "false" of `success`; with ":CODE" behind it for an err_code."""
        success, _, code = word.partition(":")
        item: dict[str, Any] = {"phone_number": national(to), "send_time": naive(at, CHINA)}
        item |= {"report_time": naive(at + timedelta(seconds=3), CHINA), "success": success == "true"}
        item |= {"err_code": code or ("DELIVERED" if success == "true" else "UNDELIVERED")}
        item |= {"err_msg": "用户接收成功" if success == "true" else "用户接收失败", "sms_size": "1"}
        return self._push(self.status, [item | {"biz_id": provider_id, "out_id": reference}])


class Tencent(Side):
    """Section 5.2: texts as one object each, reports as an array."""

    name = "tencent"
    success_text: Answer = (200, JSON, b'{"result":0,"errmsg":"OK"}')
    success_report: Answer = success_text

    def text(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        """The provider sends no id: `id` is dropped. The receiver is the extension, extend."""
        usual: dict[str, Any] = {"extend": receiver, "mobile": national(sender), "nationcode": "86", "sign": "瑞泉馨城"}
        return self.sealed(as_json(self.here, odds(usual | {"text": text, "time": int(at.timestamp())}, odd)))

    def report(self, provider_id: str, reference: str, to: str, word: str, at: datetime) -> Push:
        """`word`: SUCCESS or FAIL; with ":MESSAGE" behind it for an errmsg."""
        status, _, message = word.partition(":")
        item = {"user_receive_time": naive(at, CHINA), "nationcode": "86", "mobile": national(to)}
        item |= {"report_status": status, "errmsg": message or ("DELIVRD" if status == "SUCCESS" else "UNDELIV")}
        item |= {"description": "用户短信送达成功" if status == "SUCCESS" else "用户短信送达失败"}
        return self.sealed(as_json(self.status, [item | {"sid": provider_id, "ext": reference}]))


def huawei_signature(push: Push, signed: Sequence[str], secret: str) -> str:
    """SDK-HMAC-SHA256 over the canonical request; `signed` are header names in lower case, sorted."""
    bare, _, query = push.path.partition("?")
    sent = {name.lower(): value.strip() for name, value in push.headers.items()}
    pairs = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted(decoded(query)))
    headers = "".join(f"{name}:{sent[name]}\n" for name in signed)
    path = quote(bare if bare.endswith("/") else bare + "/", safe="/~")
    digest = hashlib.sha256(push.body).hexdigest()
    canonical = "\n".join([push.method, path, pairs, headers, ";".join(signed), digest])
    said = f"SDK-HMAC-SHA256\n{sent['x-sdk-date']}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    return hmac.digest(secret.encode(), said.encode(), "sha256").hex()


class Huawei(Side):
    """Section 5.3: forms; signed when there is an access key, else with a token."""

    name = "huawei"

    def sealed(self, push: Push) -> Push:
        if "access_key" not in self.secrets:
            return super().sealed(push)
        signed = ["content-type", "host", "x-sdk-date"]
        signature = huawei_signature(push, signed, self.secrets["secret_key"])
        shown = f"Access={self.secrets['access_key']}, SignedHeaders={';'.join(signed)}, Signature={signature}"
        return with_headers(push, Authorization=f"SDK-HMAC-SHA256 {shown}")

    def _push(self, path: str, fields: Mapping[str, Any], at: datetime) -> Push:
        push = form(path, fields)
        if "access_key" in self.secrets:
            push = with_headers(push, Host=HOST, X_Sdk_Date=at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"))
        return self.sealed(push)

    def text(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        usual = {"smsMsgId": id, "from": sender, "to": receiver, "body": text, "createTime": zulu(at)}
        return self._push(self.here, odds(usual, odd), at)

    def report(self, provider_id: str, reference: str, to: str, word: str, at: datetime) -> Push:
        """Our reference is the extend parameter; with it the platform names the receiver too."""
        fields = {"smsMsgId": provider_id, "total": "1", "sequence": "1", "status": word, "source": "2"}
        return self._push(self.status, fields | {"updateTime": zulu(at), "extend": reference, "to": to}, at)


class Infobip(Side):
    """Section 5.4, with HTTP basic. Numbers are bare, times have a zone without a colon."""

    name = "infobip"
    batches = True
    GROUPS = {"PENDING": 1, "UNDELIVERABLE": 2, "DELIVERED": 3, "EXPIRED": 4, "REJECTED": 5}

    def sealed(self, push: Push) -> Push:
        pair = f"{self.secrets['user']}:{self.secrets['password']}"
        return with_headers(push, Authorization=f"Basic {base64.b64encode(pair.encode()).decode()}")

    def _time(self, at: datetime) -> str:
        return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def _item(self, id: str, sender: str, receiver: str, text: str, at: datetime) -> dict[str, Any]:
        keyword, _, rest = text.partition(" ")
        item: dict[str, Any] = {"messageId": id, "from": sender.removeprefix("+"), "to": receiver, "text": text}
        item |= {"cleanText": rest, "keyword": keyword.upper(), "receivedAt": self._time(at), "smsCount": 1}
        return item | {"price": {"pricePerMessage": 0, "currency": "EUR"}, "callbackData": "callbackData"}

    def _push(self, items: list[dict[str, Any]]) -> Push:
        payload = {"results": items, "messageCount": len(items), "pendingMessageCount": 0}
        return self.sealed(as_json(self.here, payload))

    def text(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        return self._push([odds(self._item(id, sender, receiver, text, at), odd)])

    def texts(self, items: Sequence[Text]) -> Push:
        return self._push([self._item(*item) for item in items])

    def report(self, provider_id: str, reference: str, to: str, word: str, at: datetime) -> Push:
        """`word` is a groupName. Our reference comes back as callbackData."""
        group = {"groupId": self.GROUPS.get(word, 9), "groupName": word, "id": 5, "name": f"{word}_TO_HANDSET"}
        item: dict[str, Any] = {"bulkId": own_id("bulk", provider_id), "messageId": provider_id, "from": "Hotline"}
        item |= {"to": to.removeprefix("+"), "sentAt": self._time(at), "doneAt": self._time(at), "smsCount": 1}
        item |= {"status": group | {"description": word.lower()}, "callbackData": reference}
        item |= {"error": {"groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR", "permanent": False}}
        return self.sealed(as_json(self.status, {"results": [item]}))


@cache
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def certificate() -> bytes:
    """PEM: what the far side serves at CERTIFICATE_URL. Made anew in every process."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(signing_key().public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(datetime(2020, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2050, 1, 1, tzinfo=UTC))
    return made.sign(signing_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-test.pem"
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def sns_string(envelope: Mapping[str, Any]) -> bytes:
    return "".join(f"{key}\n{envelope[key]}\n" for key in SIGNED[envelope["Type"]] if key in envelope).encode()


class Aws(Side):
    """Section 5.5: a text inside an SNS notification. SNS says text/plain, though the body is JSON."""

    name = "aws"

    def __init__(self, topics: list[str], version: str = "2") -> None:
        super().__init__({}, {"topics": topics})
        self.version = version

    def sealed(self, push: Push) -> Push:
        envelope = json.loads(push.body)
        digest: hashes.HashAlgorithm = hashes.SHA1() if envelope["SignatureVersion"] == "1" else hashes.SHA256()
        signature = signing_key().sign(sns_string(envelope), padding.PKCS1v15(), digest)
        return replace(push, body=json.dumps(envelope | {"Signature": base64.b64encode(signature).decode()}).encode())

    def _push(self, envelope: dict[str, Any]) -> Push:
        push = as_json(self.here, envelope, "text/plain; charset=UTF-8")
        headers = {"x-amz-sns-message-type": envelope["Type"], "x-amz-sns-message-id": envelope["MessageId"]}
        headers |= {
            "x-amz-sns-topic-arn": envelope["TopicArn"],
            "User-Agent": "Amazon Simple Notification Service Agent",
        }
        return self.sealed(replace(push, headers=push.headers | headers))

    def _envelope(self, type: str, id: str, topic: str, message: str, at: datetime) -> dict[str, Any]:
        stamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        envelope = {"Type": type, "MessageId": id, "TopicArn": topic, "Message": message, "Timestamp": stamp}
        return envelope | {"SignatureVersion": self.version, "SigningCertURL": CERTIFICATE_URL}

    def text(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        """`id` is the inboundMessageId; the SNS MessageId is made of it. Odd names in capitals go to the envelope, the
        others into the message."""
        inner: dict[str, Any] = {
            "originationNumber": sender,
            "destinationNumber": receiver,
            "messageKeyword": "HOTLINE",
        }
        inner |= {"messageBody": text, "inboundMessageId": id, "previousPublishedMessageId": own_id("previous", id)}
        message = json.dumps(odds(inner, {k: v for k, v in odd.items() if k[0].islower()}), ensure_ascii=False)
        usual = self._envelope("Notification", own_id("sns", id), self.settings["topics"][0], message, at)
        usual["UnsubscribeURL"] = "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe"
        return self._push(odds(usual, {k: v for k, v in odd.items() if k[0].isupper()}))

    def confirmation(self, topic: str, at: datetime = AT) -> Push:
        """Must cause no call to SubscribeURL."""
        said = f"You have chosen to subscribe to the topic {topic}.\nTo confirm, visit the SubscribeURL."
        envelope = self._envelope("SubscriptionConfirmation", own_id("confirmation", topic), topic, said, at)
        url = f"https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic}&Token=2336412f37fb"
        return self._push(envelope | {"SubscribeURL": url, "Token": "2336412f37fb"})

    def report(self, provider_id: str, reference: str, to: str, word: str, at: datetime) -> Push:
        raise NotImplementedError("the sheet knows no delivery reports of AWS")

    def resign(self, push: Push, **changed: Any) -> Push:
        """The changes are to the envelope; `SignatureVersion` changes the algorithm with it."""
        return self._push(odds(json.loads(push.body), changed))

    def forged(self, push: Push) -> Push:
        envelope = json.loads(push.body)
        signature = bytearray(base64.b64decode(envelope["Signature"]))
        signature[-1] ^= 1
        envelope["Signature"] = base64.b64encode(signature).decode()
        return replace(push, body=json.dumps(envelope).encode())


def webhook_signature(secret: str, id: str, timestamp: str, body: bytes) -> str:
    """Standard Webhooks, version 1."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, f"{id}.{timestamp}.".encode() + body, "sha256")).decode()


class Generic(Side):
    """Our own JSON, for whoever writes a bridge; Standard Webhooks headers."""

    name = "generic"
    success_text: Answer = (200, JSON, None)
    success_report: Answer = (200, JSON, None)
    batches = True

    def sealed(self, push: Push) -> Push:
        stamp = (push.headers["webhook-id"], push.headers["webhook-timestamp"])
        return with_headers(push, webhook_signature=webhook_signature(self.secrets["secret"], *stamp, push.body))

    def _push(self, path: str, payload: Any, at: datetime) -> Push:
        push = as_json(path, payload)
        headers = {"webhook-id": f"msg_{hashlib.sha256(push.body).hexdigest()[:24]}"}
        headers |= {"webhook-timestamp": str(int(at.timestamp()))}
        return self.sealed(replace(push, headers=push.headers | headers))

    def _item(self, id: str, sender: str, receiver: str, text: str, at: datetime) -> dict[str, Any]:
        item = {"id": id, "from": sender, "to": receiver, "text": text, "sent_at": at.isoformat()}
        return item | {"ref": None, "part": None, "parts": None}

    def text(self, id: str, sender: str, receiver: str, text: str, at: datetime, **odd: Any) -> Push:
        """One object. A part of a long text has the odd fields ref, part (from 1) and parts."""
        return self._push(self.here, odds(self._item(id, sender, receiver, text, at), odd), at)

    def texts(self, items: Sequence[Text]) -> Push:
        """Signed as of the last item's time."""
        return self._push(self.here, {"messages": [self._item(*item) for item in items]}, items[-1][4] if items else AT)

    def report(self, provider_id: str, reference: str, to: str, word: str, at: datetime) -> Push:
        item = {"id": provider_id, "reference": reference, "status": word, "at": at.isoformat()}
        return self._push(self.status, {"reports": [item]}, at)


TOPIC = "arn:aws:sns:eu-west-1:123456789012:hotline-sms"
KANNEL = Kannel({"token": "a-token-kannel-has"})
TWILIO = Twilio(
    {"auth_token": "0123456789abcdef0123456789abcdef", "signing_keys": '{"k1": "a-key-shared-with-twilio"}'},
    {"account_sid": "AC0123456789abcdef0123456789abcdef"},
)
VONAGE = Vonage({"signature_secret": "vonage-signature-secret"}, {"signature_method": "sha256"})
ALIYUN = Aliyun({"token": "a-token-aliyun-has"})
TENCENT = Tencent({"token": "a-token-tencent-has"})
HUAWEI = Huawei({"token": "a-token-huawei-has"})
INFOBIP = Infobip({"user": "infobip", "password": "pass:word"})
AWS = Aws([TOPIC])
GENERIC = Generic({"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})

FAR: dict[str, Far] = {
    far.name: far for far in (KANNEL, TWILIO, VONAGE, ALIYUN, TENCENT, HUAWEI, INFOBIP, AWS, GENERIC)
}
# The same gateways set up otherwise. Their secrets and settings differ from those in FAR.
HUAWEI_SIGNED = Huawei({"access_key": "hotline-ak", "secret_key": "hotline-sk"})
AWS_V1 = Aws([TOPIC], version="1")
VARIANTS: dict[str, Far] = {
    "huawei signed": HUAWEI_SIGNED,
    "aws v1": AWS_V1,
    **{f"vonage {m}": Vonage(VONAGE.secrets, {"signature_method": m}) for m in ("md5hash", "md5", "sha1", "sha512")},
}

# Section 6. Alibaba: the value of `success`. Infobip: group names, from its documentation. AWS: no reports in the sheet.
REPORT_WORDS: dict[str, dict[str, str]] = {
    "kannel": {"4": "buffered", "8": "sent", "1": "delivered", "2": "undelivered", "16": "rejected"},
    "twilio": {
        "queued": "buffered",
        "sent": "sent",
        "delivered": "delivered",
        "undelivered": "undelivered",
        "failed": "undelivered",
    },
    "vonage": {
        "buffered": "buffered",
        "accepted": "buffered",
        "delivered": "delivered",
        "failed": "undelivered",
        "unknown": "undelivered",
        "expired": "expired",
        "rejected": "rejected",
    },
    "aliyun": {"true": "delivered", "false": "undelivered"},
    "tencent": {"SUCCESS": "delivered", "FAIL": "undelivered"},
    "huawei": {
        "ACCEPTD": "buffered",
        "DELIVRD": "delivered",
        "UNDELIV": "undelivered",
        "DELETED": "undelivered",
        "UNKNOWN": "undelivered",
        "EXPIRED": "expired",
        "REJECTD": "rejected",
    },
    "infobip": {
        "DELIVERED": "delivered",
        "UNDELIVERABLE": "undelivered",
        "EXPIRED": "expired",
        "REJECTED": "rejected",
    },
    "aws": {},
    "generic": {word: word for word in ("buffered", "sent", "delivered", "undelivered", "expired", "rejected")},
}


def due(id: str | None, sender: str, receiver: str, text: str) -> dict[str, str | None]:
    """What must come of a sample: sender in E.164, receiver as it was sent. id None: the provider sends none."""
    return {"id": id, "sender": sender, "receiver": receiver, "text": text}


def samples(at: datetime) -> dict[str, list[tuple[Push, dict[str, str | None]]]]:
    """The documentation's samples, field by field with its values and times; only the signatures are of `at`."""
    caller, lamp = "+8613800138000", "路灯坏了"
    kannel_id = "6ab7a3a5-6b0c-4b0e-9c0e-0d5ad0c1c2f1"
    twilio = {"ToState": "CA", "FromCountry": "US", "FromZip": "02903", "FromState": "RI", "FromCity": "PROVIDENCE"}
    ahoy = ("SMe8723a5c4d6c4bdeb5a1b0ad8d4c3f1a", "+14017122661", "+15558675310", "Ahoy! We can't wait to see it.")
    vonage: dict[str, Any] = {"message-timestamp": "2020-01-01 12:00:00", "keyword": "HELLO", "api-key": "abcd1234"}
    vonage_text = ("0A0000000123ABCD1", "447700900001", "447700900000", "Hello world")
    vonage_due = due("0A0000000123ABCD1", "+447700900001", "447700900000", "Hello world")
    aliyun: dict[str, Any] = {"send_time": "2017-09-01 11:15:00", "sign_name": "阿里云"}
    aliyun_due = due("1234567890", "+8613900000001", "12345", "内容")
    infobip = {"receivedAt": "2016-10-06T09:28:39.220+0000"}
    quiz = "QUIZ Correct answer is Paris"
    aws = {"messageKeyword": "JOIN", "previousPublishedMessageId": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
    aws_id = "cae173d2-66b9-564c-8309-21f858e9fb84"
    return {
        "kannel": [
            (KANNEL.text(kannel_id, caller, "12345", "hello", at), due(kannel_id, caller, "12345", "hello")),
            (KANNEL.text(kannel_id, caller, "12345", lamp, at), due(kannel_id, caller, "12345", lamp)),
            (KANNEL.utf16(kannel_id, caller, "12345", lamp, at), due(kannel_id, caller, "12345", lamp)),
        ],
        "twilio": [(TWILIO.text(*ahoy, at, **twilio), due(*ahoy))],
        "vonage": [(VONAGE.text(*vonage_text, at, how, **vonage), vonage_due) for how in ("get", "form", "json")],
        "aliyun": [
            (ALIYUN.text("1234567890", "13900000001", "12345", "内容", at, **aliyun), aliyun_due),
            (ALIYUN.text("", "13900000001", "12345", "内容", at, sequence_id=1234567890, **aliyun), aliyun_due),
        ],
        "tencent": [
            (
                TENCENT.text("", "13800138000", "01", "用户回复的内容", at, sign="腾讯云", time=1457336869),
                due(None, caller, "01", "用户回复的内容"),
            )
        ],
        "huawei": [
            (
                HUAWEI.text("3123cf17-1f0b-4e8f-a2b1-9c3a6d2f0001", "+8615123456789", "10690001000012", "收到", at),
                due("3123cf17-1f0b-4e8f-a2b1-9c3a6d2f0001", "+8615123456789", "10690001000012", "收到"),
            )
        ],
        "infobip": [
            (
                INFOBIP.text("817790313235066447", "385916242493", "385921004026", quiz, at, **infobip),
                due("817790313235066447", "+385916242493", "385921004026", quiz),
            )
        ],
        "aws": [
            (
                AWS.text(aws_id, "+14255550182", "+12125550101", "EXAMPLE", at, **aws),
                due(aws_id, "+14255550182", "+12125550101", "EXAMPLE"),
            )
        ],
        "generic": [
            (GENERIC.text("g-1", caller, "12345", lamp, at), due("g-1", caller, "12345", lamp)),
            (GENERIC.texts([("g-2", caller, "12345", lamp, at)]), due("g-2", caller, "12345", lamp)),
        ],
    }


SAMPLES = samples(AT)
