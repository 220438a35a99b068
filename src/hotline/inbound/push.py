"""One request that a gateway pushed to us, and how it is answered. What it says is read by the gateway's own file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hotline.delivery.payloads import clean, item_raw, pairs, text_of


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


def odd_item(why: str, item: Any, *names: str, kept: str | None = None) -> Odd:
    """An item that cannot be read whole, with its text where one of these names holds it. `kept`: where not the item
    itself is what came."""
    try:
        text = clean(text_of(item, *names))
    except (ValueError, AttributeError):
        text = ""
    return Odd(why, item_raw(item) if kept is None else kept, text=text)
