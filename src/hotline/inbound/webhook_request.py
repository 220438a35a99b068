"""One request that a gateway pushed to us, and how it is answered. Its content is read by the gateway's provider
module."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.delivery.payloads import clean_text, first_text, parse_pairs, raw_item
from hotline.replies import reply_type
from hotline.web.schemas import encode_json


class MalformedBody(ValueError):
    """A body that cannot be read, and why, in words of ours."""


class AuthenticationFailed(Exception):
    """Not from this provider: nothing of it is kept. Its text says why, and repeats nothing that was sent."""


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """One request of a provider. `url` is our public address of it, as configured at the provider."""

    method: str
    url: str
    query: bytes  # as it came
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    remote_address: str
    at: datetime

    def query_pairs(self) -> list[tuple[str, str]]:
        """The pairs of the query, in order, blank ones kept."""
        return parse_pairs(self.query)

    def form_pairs(self) -> list[tuple[str, str]]:
        """The pairs of a form body, in the character set it declares. Raises ValueError where there are more than a
        form has."""
        return parse_pairs(self.body, self.charset)

    @property
    def charset(self) -> str | None:
        """The character set that the body is declared to be in. None: none is declared, or UTF-8."""
        declared = self.headers.get("content-type", "").lower().partition("charset=")[2].partition(";")[0]
        declared = declared.strip().strip("\"'")
        return declared if declared and declared not in ("utf-8", "utf8") else None

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class UnreadableItem:
    """An item that cannot be read. It is kept for review."""

    why: str
    raw: str
    key: str | None = None  # where several are to be looked at once; None: each for itself
    text: str = ""  # what the resident wrote, where at least that can be read


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Exactly what the provider takes for success. JSON is one flat object of texts, numbers and booleans: so the
    OpenAPI document has it."""

    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"
    status: int = 200


@reply_type()
class PushReceipt:
    """How a webhook of the provider `generic` is answered: how many items were kept, and how many of them are set aside
    for an operator."""

    accepted: int
    set_aside: int


def json_acknowledgement(reply: Any) -> Acknowledgement:
    """The reply as JSON."""
    return Acknowledgement(encode_json(reply), "application/json; charset=utf-8")


def unreadable_item(why: str, item: Any, *names: str, raw: str | None = None) -> UnreadableItem:
    """An item that cannot be read whole, with its text where one of these names holds it. `raw`: where not the item
    itself is what came."""
    try:
        text = clean_text(first_text(item, *names))
    except (ValueError, AttributeError):
        text = ""
    return UnreadableItem(why, raw_item(item) if raw is None else raw, text=text)
