"""What gateways pushed, as rows of the inbound table: nothing in them that a database would not take."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar

from hotline.database.deadlines import within
from hotline.database.identifiers import reference
from hotline.database.outages import OUTAGES
from hotline.delivery.context import DeliveryServices
from hotline.delivery.gateways import Gateway
from hotline.delivery.payloads import cleaned, hashed_key, words_in
from hotline.inbound.model import InboundKind, InboundStatus
from hotline.inbound.push import Odd
from hotline.refusals import Code, Refusal
from hotline.triage.model import Lexicon, advise, lexicon_of

NOT_THEIRS = Refusal(Code.UNAUTHENTICATED, "not signed by this gateway")
LONGEST_RAW = 100_000
LONGEST, OVERLAP = 10_000, 200  # how much is looked through for danger words at once, and of that once more
ROW, PIECE = 100, 20_000  # what an item costs by itself, and how much is read in one piece: characters


class Item(Protocol):
    """One item of a push, with what came of it as text."""

    @property
    def raw(self) -> str: ...


I = TypeVar("I", bound=Item)
Columns = Callable[[DeliveryServices, Gateway, I, Lexicon, datetime], dict[str, Any]]


async def rows_of(
    services: DeliveryServices, gateway: Gateway, items: Sequence[I], now: datetime, columns_of: Columns[I]
) -> list[dict[str, Any]]:
    """Items as they are kept. `columns_of`: the columns of an item's row in which it differs from a blank one."""
    if not services.directory.known:  # this process has just started: it would find no danger word
        with suppress(*OUTAGES):
            async with within(services.deadlines.lookup):
                await services.directory.now(now)
    lexicon = services.directory.made_of(lexicon_of)

    def rows(some: Sequence[I]) -> list[dict[str, Any]]:
        return [
            cleaned({**_blank(gateway, item, now), **columns_of(services, gateway, item, lexicon, now)})
            for item in some
        ]

    found: list[dict[str, Any]] = []
    for some in _in_pieces(items):  # so that a call need not wait until the whole batch is done
        found += await services.offload.run(sum(map(_size, some)), rows, some)
    return found


def _size(item: Item) -> int:
    return ROW + len(item.raw) + len(getattr(item, "text", ""))


def _in_pieces(items: Sequence[I]) -> Iterator[list[I]]:
    """The items in order, as many together as are little work."""
    some: list[I] = []
    size = 0
    for item in items:
        if some and size + _size(item) > PIECE:
            yield some
            some, size = [], 0
        some.append(item)
        size += _size(item)
    if some:
        yield some


def _blank(gateway: Gateway, item: Item, now: datetime) -> dict[str, Any]:
    return {
        "id": reference(now), "gateway": gateway.name, "kind": InboundKind.BODY, "key": "", "sender": None,
        "receiver": None, "text": "", "raw": item.raw[:LONGEST_RAW], "details": {}, "sent_at": None, "received_at": now,
        "urgent": False, "partition": "", "status": InboundStatus.KEPT, "effect": None, "number": None, "why": None,
        "attempts": 0, "next_at": now, "lease_until": None, "lease_token": None, "handled_by": None,
    }  # fmt: skip


def odd_columns(
    services: DeliveryServices, gateway: Gateway, item: Odd, lexicon: Lexicon, now: datetime
) -> dict[str, Any]:
    """Of an item that nobody can read: it waits for an operator."""
    key = item.key or hashed_key(item.raw)
    # one that is kept once for many is about how the gateway is set up, not about what somebody wrote
    urgent = item.key is None and _has_danger(lexicon, f"{item.text}\n{words_in(item.raw)}")
    return {
        "key": key, "partition": key, "status": InboundStatus.ODD, "why": item.why[:500], "text": item.text,
        "urgent": urgent,
    }  # fmt: skip


def _has_danger(lexicon: Lexicon, text: str) -> bool:
    """Whether a danger word stands in a text of any length. Read in pieces that overlap: the folded form of each piece
    is kept for a while."""
    return any(advise(lexicon, text[at : at + LONGEST]).dangers for at in range(0, len(text), LONGEST - OVERLAP))
