"""What every SMS provider's file speaks: what was pushed and by whom, what it holds, what is answered, what a send came
to. Each provider is one file beside this one; none of them knows a rule of ours."""

import base64
import hashlib
import hmac
import json
import re
import unicodedata
from codecs import BOM_UTF8
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, ClassVar, Protocol, runtime_checkable
from urllib.parse import parse_qsl, quote, unquote_to_bytes
from zoneinfo import ZoneInfo

import httpx
import orjson

from hotline.domain.addresses import is_among
from hotline.domain.folding import without_lone_surrogates
from hotline.domain.timestamps import DateOrder, read_time
from hotline.domain.vocabulary import TextStatus

from .notices import GatewayDown, GatewayRefused, asked_to_wait, said_of

FUTURE = timedelta(minutes=5)  # how far ahead of ours a provider's clock may be
MOST_ITEMS = 1000  # of one batch
KEY_LENGTH = 80
HOME_ZONE = "Asia/Shanghai"


class Malformed(ValueError):
    """A body that cannot be read, and why, in words of ours."""


class Unauthentic(Exception):
    """Not from this provider: nothing of it is kept. Its text says why, and repeats nothing that was sent."""


@dataclass(frozen=True, slots=True)
class Push:
    """One request of a provider. `url` is our public address of it, as the provider was told."""

    method: str
    url: str
    query: bytes  # as it came
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    remote: str
    at: datetime

    def in_query(self, encoding: str = "utf-8") -> list[tuple[str, str]]:
        """The pairs of the query, in order, blank ones kept."""
        return pairs(self.query, encoding)

    def in_form(self, encoding: str = "utf-8") -> list[tuple[str, str]]:
        """The pairs of a form body. Raises ValueError where there are more than a form has."""
        return pairs(self.body, encoding)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Text:
    """A resident's text. `key` is what tells it from every other; `part` of `parts`, where it is one of several."""

    key: str
    sender: str
    receiver: str
    text: str
    raw: str
    sent_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    reference: str | None = None  # common to the parts of one text
    part: int | None = None
    parts: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a text of ours. `status` None: a word we do not know."""

    key: str
    provider_id: str | None
    reference: str | None
    status: TextStatus | None
    word: str
    raw: str
    at: datetime | None = None
    unread: str | None = None  # how `at` was written, where it cannot be read


@dataclass(frozen=True, slots=True)
class Odd:
    """An item nobody can read. It is kept for somebody to look at."""

    why: str
    raw: str
    key: str | None = None  # where several are to be looked at once; None: each for itself
    text: str = ""  # what the resident wrote, where at least that can be read


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Exactly what the provider takes for success."""

    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Account:
    """What is set for a gateway. Every secret may have several values alive: the old one until it is dropped."""

    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, Sequence[str]]
    public_url: str
    home_zone: str = HOME_ZONE  # where the hotline stands

    def all_of(self, name: str) -> Sequence[str]:
        """The living values of a secret; none where it was never set."""
        return self.secrets.get(name, ())

    def newest(self, name: str) -> str:
        """The value we ourselves use. Raises GatewayRefused where it was never set."""
        values = self.all_of(name)
        if not values:
            raise GatewayRefused(f"the secret {name} is not set")
        return values[-1]

    def setting(self, name: str, default: str = "") -> str:
        return str(self.settings.get(name, default))

    @property
    def hook(self) -> str:
        """Where this gateway's reports come back to."""
        return f"{self.public_url.rstrip('/')}/v1/hooks/sms/{self.name}/status"

    @property
    def zone(self) -> ZoneInfo:
        """Of a provider's naive times: the clouds' own, unless it is set."""
        return ZoneInfo(self.setting("zone", HOME_ZONE))

    @property
    def local_zone(self) -> ZoneInfo:
        """Of an exchange's naive times: where the hotline stands, unless it is set."""
        return ZoneInfo(self.setting("zone", self.home_zone))

    @property
    def date_order(self) -> DateOrder | None:
        """In which order dates are written here; None: it is not set, and an ambiguous date is none."""
        order = self.setting("date_order")
        return DateOrder(order) if order else None

    def time(self, said: Any, zone: tzinfo, now: datetime) -> datetime | None:
        """A time as it was written, in UTC; None where it cannot be read for certain."""
        return read_time(said, zone, now, self.date_order)

    def text_time(self, said: Any, zone: tzinfo, now: datetime) -> tuple[datetime | None, dict[str, str]]:
        """When a text was sent, and for its details how that was written where it cannot be read: no reason to lose a
        text."""
        found = self.time(said, zone, now)
        unread = unread_of(said, found)
        return found, {"said_sent_at": unread} if unread is not None else {}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A text on its way out. `reference` is ours, the same at every try; `template` and `values` for providers that
    take no free text."""

    reference: str
    to: str  # E.164
    body: str
    template: str
    values: Mapping[str, str]
    at: datetime  # of this try: the clouds refuse a signature that is minutes old


@dataclass(frozen=True, slots=True)
class Handed:
    """The provider has it."""

    provider_id: str | None = None
    status: TextStatus = TextStatus.SENT


class Provider(Protocol):
    """One provider's way of speaking."""

    secrets: ClassVar[tuple[str, ...]]  # of which at least one must be set for anything to be believed
    reads_get: ClassVar[bool]

    def __init__(self, account: Account) -> None: ...

    def authenticate(self, push: Push) -> None:
        """Raises Unauthentic."""

    def texts(self, push: Push) -> list[Text | Odd]:
        """The texts of a push, item by item. Raises ValueError where nothing of it can be read."""

    def reports(self, push: Push) -> list[Report | Odd]:
        """The same for delivery reports."""

    def acknowledge(self, kept: int, odd: int) -> Acknowledgement: ...

    async def send(self, client: httpx.AsyncClient, message: Outgoing) -> Handed:
        """Hand one text over. Raises GatewayDown, GatewayRefused."""


@runtime_checkable
class Lists(Protocol):
    """A provider that can be asked what it sent us."""

    def since(self, client: httpx.AsyncClient, moment: datetime, now: datetime) -> AsyncIterator[list[Text | Odd]]:
        """Texts to us since then, page by page; what is given once must be kept before the next is asked for. Raises
        GatewayDown, GatewayRefused."""


def pairs(raw: bytes, encoding: str = "utf-8") -> list[tuple[str, str]]:
    return parse_qsl(
        raw.decode("latin-1"), keep_blank_values=True, encoding=encoding, errors="replace", max_num_fields=500
    )


def same(given: str, rights: Iterable[str]) -> bool:
    """Whether a secret is one of the living ones; how long that takes tells nothing."""
    found = False
    for right in rights:
        found |= hmac.compare_digest(given.encode(), right.encode())
    return found


def is_from_gateway(account: Account, address: str | None) -> bool:
    """Whether the address is one of those that are set; any will do where none are."""
    allowed = account.settings.get("addresses") or ()
    return not allowed or is_among(address, allowed)


def check_address(account: Account, push: Push) -> None:
    """Only from the addresses that are set, where any are."""
    if not is_from_gateway(account, push.remote):
        raise Unauthentic("not from an address of this gateway")


def check_token(account: Account, push: Push) -> None:
    """For providers that sign nothing: the secret in the query, and the list of addresses."""
    check_address(account, push)
    given = next((v for k, v in push.in_query() if k == "token"), "")
    if not account.all_of("token") or not same(given, account.all_of("token")):
        raise Unauthentic("the token is missing or wrong")


def key_of(*words: Any) -> str:
    """A key that fits its column: the words themselves where they are short, else their hash."""
    plain = "|".join(str(w) for w in words)
    if len(plain) <= KEY_LENGTH and plain.isprintable():
        return plain
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def hashed_key(*words: Any) -> str:
    """Where the provider sends no id."""
    plain = "\x1f".join(str(w) for w in words)
    return "sha256-" + hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def kept_raw(raw: bytes) -> str:
    """Bytes as they came, in a form both databases take."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = "\x00"
    return text if "\x00" not in text else "base64:" + base64.b64encode(raw).decode()


def item_raw(item: Any) -> str:
    """One item of a batch, as JSON."""
    return kept_raw(orjson.dumps(item, default=str))


def why_unread(fault: Exception) -> str:
    """Why an item cannot be read, for an operator: never in the words of a program, nor with what was sent."""
    if isinstance(fault, json.JSONDecodeError):
        return "not to be read: no JSON"
    if isinstance(fault, KeyError):
        return f"not to be read: {fault.args[0]} is missing"
    return f"not to be read: {fault}"[:200] if isinstance(fault, ValueError) else "not to be read: no object"


def odd_item(why: str, item: Any, *names: str, kept: str | None = None) -> Odd:
    """An item that cannot be read whole, with its text where one of these names holds it. `kept`: where not the item
    itself is what came."""
    try:
        text = clean(text_of(item, *names))
    except (ValueError, AttributeError):
        text = ""
    return Odd(why, item_raw(item) if kept is None else kept, text=text)


def words_in(kept: str) -> str:
    """What words stand in something kept raw that nobody can read whole: in whatever charset, with the escapes of JSON
    and of forms undone, each value on a line of its own."""
    raw = base64.b64decode(kept[7:]) if kept.startswith("base64:") else kept.encode("utf-8", "replace")
    found = _decoded_whole(raw)
    if "%" in found:
        found += "\n" + _decoded_whole(unquote_to_bytes(found.replace("+", " ")))
    return clean(_ESCAPED.sub(_unescaped, _ESCAPED.sub(_unescaped, found)))  # twice: JSON may stand in JSON


def _decoded_whole(raw: bytes) -> str:
    wide = json.detect_encoding(raw)
    return raw.decode(wide, "replace") if wide.startswith(("utf-16", "utf-32")) else decoded(raw, None)[0]


_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)|[\"&{}\[\]]")


def _unescaped(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 16))
    return {None: "\n", "n": "\n", "r": "\n", "t": " "}.get(found[2], found[2] or "")


def document(body: bytes) -> Any:
    """A JSON body, with U+FFFD for each lone surrogate and without a byte order mark. Raises ValueError."""
    body = body.removeprefix(BOM_UTF8)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        if b"\\ud" not in body.lower():
            raise
    try:
        return cleaned(json.loads(body))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def text_of(item: Mapping[str, Any], *names: str) -> str:
    """The first of these that is there, as text: ids come as numbers too. Raises ValueError where none is."""
    for name in names:
        value = item.get(name)
        if isinstance(value, bool) or value is None or isinstance(value, dict | list):
            continue
        if isinstance(value, float):
            return str(int(value)) if value.is_integer() else str(value)
        return str(value)
    raise ValueError(f"{names[0]} is missing")


def clean(text: str) -> str:
    """What a database and a screen can take: no NUL, no half of a character; nothing else is touched."""
    return without_lone_surrogates(text.replace("\x00", ""))


def cleaned(value: Any) -> Any:
    """The same for everything in plain data."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(k)): cleaned(v) for k, v in value.items()}
    return [cleaned(v) for v in value] if isinstance(value, list | tuple) else value


def mended(text: str) -> str:
    """A text that was read as ISO-8859-1 on its way, though it was UTF-8 or GBK; any other as it is."""
    if not text or not any("\x80" <= c <= "\xff" for c in text) or any(c > "\xff" for c in text):
        return text
    raw = text.encode("latin-1")
    for charset in ("utf-8", "gb18030"):
        try:
            found = raw.decode(charset)
        except UnicodeDecodeError:
            continue
        if any(unicodedata.name(c, "").startswith("CJK") for c in found) or charset == "utf-8":
            return found
    return text


def decoded(raw: bytes, charset: str | None) -> tuple[str, str]:
    """Bytes as text, and the charset they turned out to be in: the one that is named where it fits, else by trial."""
    named = (charset or "").strip().strip("\"'").lower()
    named = {"8-bit": "", "gb2312": "gb18030", "gbk": "gb18030", "ucs-2": "utf-16-be", "utf-16": "utf-16-be"}.get(
        named, named
    )
    tried = [named] if named and named not in ("iso-8859-1", "latin-1", "latin1") else []
    for candidate in (*tried, "utf-8", "gb18030"):
        try:
            return raw.decode(candidate), candidate
        except (UnicodeDecodeError, LookupError):
            continue
    if len(raw) % 2 == 0:
        try:
            return raw.decode("utf-16-be"), "utf-16-be"
        except UnicodeDecodeError:
            pass
    return raw.decode("latin-1"), "latin-1"


def local_moment(text: str, zone: ZoneInfo) -> datetime:
    """A naive "YYYY-MM-DD HH:MM:SS" of the provider's zone. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    if not 1900 < moment.year < 2200:
        raise ValueError("no year of ours")
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def unread_of(said: Any, found: datetime | None) -> str | None:
    """How a time was written that is there and cannot be read."""
    return None if found is not None or said is None or not str(said).strip() else str(said)[:80]


def unix_moment(seconds: Any) -> datetime | None:
    try:
        found = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
    return found if 1900 < found.year < 2200 else None


def check_window(moment: datetime | None, now: datetime, back: timedelta) -> None:
    """Raises Unauthentic for a signature too old, or from the future."""
    if moment is None or not now - back <= moment <= now + FUTURE:
        raise Unauthentic("the time of the signature lies outside the window")


def escaped(value: str) -> str:
    """Percent-encoded as the clouds sign it: RFC 3986, UTF-8."""
    return quote(value, safe="-_.~")


async def asked(client: httpx.AsyncClient, method: str, url: str, **kw: Any) -> httpx.Response:
    """One request to a provider. Raises GatewayDown for what may have arrived and what is worth another try: time-outs,
    broken answers, 408, 425, 429 and 5xx. Any other answer is the caller's to judge."""
    try:
        reply = await client.request(method, url, **kw)
    except (httpx.HTTPError, httpx.InvalidURL) as cut:
        raise GatewayDown(said_of(cut)) from cut
    if reply.status_code in (408, 425, 429) or reply.is_server_error:
        raise GatewayDown(f"http {reply.status_code}", asked_to_wait(reply))
    if reply.is_redirect:
        raise GatewayRefused(f"http {reply.status_code}: redirects are not followed")
    return reply


def answer_of(reply: httpx.Response) -> Any:
    """A provider's JSON answer. Raises GatewayDown for garbage: it may have taken the text all the same."""
    try:
        found = orjson.loads(reply.content.removeprefix(BOM_UTF8))
    except ValueError:
        raise GatewayDown(f"http {reply.status_code}: an answer that cannot be read") from None
    if not isinstance(found, dict | list):
        raise GatewayDown(f"http {reply.status_code}: an answer of another shape")
    return found
