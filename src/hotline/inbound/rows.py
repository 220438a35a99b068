"""Rows of the inbound table from pushed items, without characters that a database refuses."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar

from hotline.database.deadlines import database_deadline
from hotline.database.identifiers import new_reference
from hotline.database.outages import OUTAGES
from hotline.delivery.context import DeliveryServices
from hotline.delivery.gateways import Gateway
from hotline.delivery.payloads import clean_data, hashed_key, readable_text
from hotline.inbound.model import InboundKind, InboundStatus
from hotline.inbound.webhook_request import UnreadableItem
from hotline.refusals import Code, Refusal
from hotline.triage.model.advising import advise
from hotline.triage.model.lexicon import Lexicon, build_lexicon

NOT_AUTHENTIC = Refusal(Code.UNAUTHENTICATED, "not signed by this gateway")
MAX_RAW_LENGTH = 100_000
SCAN_LENGTH, SCAN_OVERLAP = 10_000, 200  # how much is looked through for danger words at once, and of that once more
ITEM_COST, CHUNK_COST = 100, 20_000  # what an item costs by itself, and how much is read in one piece: characters


class Item(Protocol):
    """One item of a webhook, with what came of it as text."""

    @property
    def raw(self) -> str: ...


I = TypeVar("I", bound=Item)
ColumnBuilder = Callable[[DeliveryServices, Gateway, I, Lexicon, datetime], dict[str, Any]]


async def inbound_rows(
    services: DeliveryServices, gateway: Gateway, items: Sequence[I], now: datetime, build_columns: ColumnBuilder[I]
) -> list[dict[str, Any]]:
    """Items as they are kept. `build_columns`: the columns of an item's row in which it differs from a blank one."""
    if not services.directory.known:  # this process has just started: it would find no danger word
        with suppress(*OUTAGES):
            async with database_deadline(services.deadlines.lookup):
                await services.directory.now(now)
    lexicon = services.directory.derived(build_lexicon)

    def rows(some: Sequence[I]) -> list[dict[str, Any]]:
        return [
            clean_data(
                {
                    **blank_row(gateway.name, now),
                    "raw": item.raw[:MAX_RAW_LENGTH],
                    **build_columns(services, gateway, item, lexicon, now),
                }
            )
            for item in some
        ]

    found: list[dict[str, Any]] = []
    for some in _chunks(items):  # so that a call need not wait until the whole batch is done
        found += await services.offload.run(sum(map(_item_cost, some)), rows, some)
    return found


def _item_cost(item: Item) -> int:
    return ITEM_COST + len(item.raw) + len(getattr(item, "text", ""))


def _chunks(items: Sequence[I]) -> Iterator[list[I]]:
    """The items in order, as many together as are little work."""
    some: list[I] = []
    size = 0
    for item in items:
        if some and size + _item_cost(item) > CHUNK_COST:
            yield some
            some, size = [], 0
        some.append(item)
        size += _item_cost(item)
    if some:
        yield some


def blank_row(gateway: str, now: datetime) -> dict[str, Any]:
    """The columns of an item of which nothing is known yet; `gateway`: by name, or who else sent it."""
    return {
        "id": new_reference(now), "gateway": gateway, "kind": InboundKind.BODY, "key": "", "sender": None,
        "receiver": None, "text": "", "raw": "", "details": {}, "sent_at": None,
        "received_at": now,
        "urgent": False, "partition": "", "status": InboundStatus.KEPT, "effect": None, "number": None, "why": None,
        "attempts": 0, "next_at": now, "lease_until": None, "lease_token": None, "handled_by": None,
    }  # fmt: skip


def unreadable_columns(
    services: DeliveryServices, gateway: Gateway, item: UnreadableItem, lexicon: Lexicon, now: datetime
) -> dict[str, Any]:
    """The row of an item that cannot be read: it waits for an operator."""
    key = item.key or hashed_key(item.raw)
    # one that is kept once for many is about how the gateway is set up, not about what a resident wrote
    urgent = item.key is None and _has_danger(lexicon, f"{item.text}\n{readable_text(item.raw)}")
    return {
        "key": key, "partition": key, "status": InboundStatus.ODD, "why": item.why[:500], "text": item.text,
        "urgent": urgent,
    }  # fmt: skip


def _has_danger(lexicon: Lexicon, text: str) -> bool:
    """Whether a danger word stands in a text of any length. Read line by line, since what one person wrote is one value
    of many, and in pieces that overlap: the folded form of each piece is kept for a while."""
    pieces = (text[at : at + SCAN_LENGTH] for at in range(0, len(text), SCAN_LENGTH - SCAN_OVERLAP))
    lines = (line for line in text.split("\n") if 1 < len(line) <= SCAN_LENGTH)
    return any(advise(lexicon, part).dangers for part in (*pieces, *lines))
