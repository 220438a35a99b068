"""Handlers of pushed items by kind. The package that owns a kind registers its handler."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Generic, TypeVar

from hotline.database.prepared import Row
from hotline.delivery.gateways import Gateway
from hotline.inbound.context import InboundServices
from hotline.inbound.outcome import InboundOutcome

S = TypeVar("S", bound=InboundServices)


@dataclass(frozen=True, slots=True)
class ClaimedItem:
    """A row of `inbound` under this worker's lease, with its gateway (None: it is gone) and the moment of the claim."""

    row: Row
    gateway: Gateway | None
    token: str
    now: datetime


@dataclass(frozen=True, slots=True)
class InboundHandler(Generic[S]):
    """`process(services, item)` returns the outcome of an item, or None where it has written that itself. It raises
    Refused where the item is refused; with a code of `outcome.LATER` the item is tried again."""

    kind: str
    process: Callable[[S, ClaimedItem], Awaitable[InboundOutcome | None]]


class InboundHandlers(Generic[S]):
    """The declared handlers by kind. `declared` is called when they are first asked for."""

    def __init__(self, declared: Callable[[], Iterable[InboundHandler[S]]]) -> None:
        self._declared = declared

    @cached_property
    def by_kind(self) -> Mapping[str, InboundHandler[S]]:
        found: dict[str, InboundHandler[S]] = {}
        for handler in self._declared():
            if handler.kind in found:
                raise ValueError(f"two packages process items of kind {handler.kind}")
            found[handler.kind] = handler
        return found
