"""Cursors: where a page ended, signed, and bound to the query it belongs to."""

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Protocol, TypeVar

import orjson
from fastapi import Query

from hotline.database.keyset import KeysetPage
from hotline.database.page_size import MAX_PAGE_SIZE
from hotline.refusals import Code, Refusal, Refused
from hotline.server_secret import matches_signature

R = TypeVar("R")
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE, description="Items on a page")]
MAX_CURSOR = 600  # characters
Cursor = Annotated[
    str | None, Query(max_length=MAX_CURSOR, description="`next` of the page before; only for the same question")
]

MAX_ENTRIES = 500  # of a timeline on a page
EntryLimit = Annotated[int, Query(ge=1, le=MAX_ENTRIES)]
AfterEntry = Annotated[int, Query(ge=0, le=2_000_000_000, description="Entries behind this number")]


class Numbered(Protocol):
    """An entry of a timeline, numbered from 1 without gaps."""

    @property
    def seq(self) -> int: ...


def next_entries(entries: Sequence[Numbered], limit: int, last: int) -> str | None:
    """The `after` of the next page of a timeline that goes to the entry `last`; None: there is none."""
    return str(entries[-1].seq) if len(entries) == limit and entries[-1].seq < last else None


def encode_cursor(secret: bytes, query_key: Any, position: list[Any]) -> str:
    """A cursor for the place after which the next page begins."""
    body = orjson.dumps([_query_digest(query_key), *position])
    return base64.urlsafe_b64encode(hmac.digest(secret, b"cursor" + body, "sha256")[:12] + body).decode().rstrip("=")


def decode_cursor(secret: bytes, query_key: Any, cursor: str | None) -> list[Any] | None:
    """The place a cursor marks. Raises Refused where it is forged, or belongs to another query."""
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        seal, body = raw[:12], raw[12:]
        right = matches_signature(secret, b"cursor" + body, seal)
        mark, *position = orjson.loads(body) if right else [None]
    except (ValueError, TypeError):
        right, mark, position = False, None, []
    if not right:
        raise Refused(
            Refusal(
                Code.BAD_REQUEST, "the cursor is not one of ours", errors=(("cursor", "use `next` as it was given"),)
            )
        )
    if mark != _query_digest(query_key):
        raise Refused(
            Refusal(
                Code.BAD_REQUEST,
                "the cursor belongs to another question",
                errors=(("cursor", "only for the same filters"),),
            )
        )
    return position


def parse_moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class PagedQuery:
    """A question that is answered in pages of `limit` rows; `key` binds its cursors to it. One row more is read, which
    shows whether there is a next page."""

    secret: bytes
    key: Any
    limit: int

    def position(self, cursor: str | None) -> list[Any] | None:
        """Where the page before ended. Raises Refused, as `decode_cursor` does."""
        return decode_cursor(self.secret, self.key, cursor)

    def keyset(self, cursor: str | None) -> KeysetPage:
        """The rows to read where a row's place is a moment and a key. Raises Refused."""
        place = self.position(cursor)
        return KeysetPage(self.limit + 1, (parse_moment(place[0]), str(place[1])) if place else None)

    def cut(self, rows: Sequence[R], place: Callable[[R], list[Any]]) -> tuple[Sequence[R], str | None]:
        """The rows of this page, and the cursor of the next one (None: there is none). `place`: of a row."""
        page = rows[: self.limit]
        return page, encode_cursor(self.secret, self.key, place(page[-1])) if len(rows) > self.limit else None


class PageCache:
    """Pages kept ready as bytes, as long as their stamp says that nothing changed. A few hundred, least used out
    first."""

    def __init__(self, most: int = 512) -> None:
        self._most = most
        self._kept: OrderedDict[Any, tuple[int, datetime, bytes]] = OrderedDict()

    def has(self, page_key: Any) -> bool:
        """Whether a page is kept at all; only then is its stamp worth a look."""
        return page_key in self._kept

    def get(self, page_key: Any, stamp: int, now: datetime) -> bytes | None:
        kept = self._kept.get(page_key)
        if kept is None or kept[0] != stamp or kept[1] <= now:
            return None
        self._kept.move_to_end(page_key)
        return kept[2]

    def put(self, page_key: Any, stamp: int, until: datetime, page: bytes) -> None:
        """Keep a page read after `stamp` was; `until`: when time alone changes it."""
        self._kept[page_key] = (stamp, until, page)
        self._kept.move_to_end(page_key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


def _query_digest(query_key: Any) -> str:
    return hashlib.sha256(orjson.dumps(query_key, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
