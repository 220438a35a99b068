"""Cursors: where a page ended, signed, and bound to the question it belongs to."""

import base64
import hashlib
import hmac
from collections import OrderedDict
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Query

from hotline.refusals import Code, Refusal, Refused

MOST = 200
Limit = Annotated[int, Query(ge=1, le=MOST, description="Items on a page")]
Cursor = Annotated[
    str | None, Query(max_length=600, description="`next` of the page before; only for the same question")
]


def sealed(secret: bytes, question: Any, place: list[Any]) -> str:
    """A cursor for the place after which the next page begins."""
    body = orjson.dumps([_mark(question), *place])
    return base64.urlsafe_b64encode(hmac.digest(secret, b"cursor" + body, "sha256")[:12] + body).decode().rstrip("=")


def opened(secret: bytes, question: Any, cursor: str | None) -> list[Any] | None:
    """The place a cursor marks. Raises Refused where it is forged, or belongs to another question."""
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        seal, body = raw[:12], raw[12:]
        right = hmac.compare_digest(seal, hmac.digest(secret, b"cursor" + body, "sha256")[:12])
        mark, *place = orjson.loads(body) if right else [None]
    except (ValueError, TypeError):
        right, mark, place = False, None, []
    if not right:
        raise Refused(
            Refusal(
                Code.BAD_REQUEST, "the cursor is not one of ours", errors=(("cursor", "use `next` as it was given"),)
            )
        )
    if mark != _mark(question):
        raise Refused(
            Refusal(
                Code.BAD_REQUEST,
                "the cursor belongs to another question",
                errors=(("cursor", "only for the same filters"),),
            )
        )
    return place


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Pages:
    """Pages kept ready as bytes, as long as their stamp says that nothing changed. A few hundred, least used out
    first."""

    def __init__(self, most: int = 512) -> None:
        self._most = most
        self._kept: OrderedDict[Any, tuple[int, datetime, bytes]] = OrderedDict()

    def has(self, question: Any) -> bool:
        """Whether a page is kept at all; only then is its stamp worth a look."""
        return question in self._kept

    def get(self, question: Any, stamp: int, now: datetime) -> bytes | None:
        kept = self._kept.get(question)
        if kept is None or kept[0] != stamp or kept[1] <= now:
            return None
        self._kept.move_to_end(question)
        return kept[2]

    def put(self, question: Any, stamp: int, until: datetime, page: bytes) -> None:
        """Keep a page read after `stamp` was; `until`: when time alone changes it."""
        self._kept[question] = (stamp, until, page)
        self._kept.move_to_end(question)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)


def _mark(question: Any) -> str:
    return hashlib.sha256(orjson.dumps(question, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
