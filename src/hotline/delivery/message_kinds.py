"""The kinds of outgoing messages: which of them can be handed over, and who sends them. The package that writes a kind
declares it; an undeclared kind goes to the notice address."""

from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from hotline.database.prepared import Row
from hotline.delivery.context import DeliveryServices
from hotline.delivery.handover import Handover
from hotline.delivery.model import AvailableChannels, Way, WayOf, by_notice

S = TypeVar("S", bound=DeliveryServices)
SendMessage = Callable[[Row, str], Coroutine[Any, Any, None]]


class MessageSender(Protocol):
    """Sends messages of its kinds; one for each worker."""

    async def prepare(self, claimed: Sequence[Row], now: datetime) -> SendMessage:
        """Read at once what these messages need. Returns what sends one of them: called with the message and the token
        of its lease, it marks the message sent or puts it back (`Handover`)."""


@dataclass(frozen=True, slots=True)
class MessageKind(Generic[S]):
    """One kind of message. `way`: which messages of it can be handed over with that reach. `sender`: makes what sends
    it; kinds that name the same function share one. `expires`: given up where it could not be handed over for 72
    hours."""

    name: str
    way: Callable[[AvailableChannels], Way]
    sender: Callable[[Handover[S]], MessageSender]
    expires: bool = True


class MessageKinds(Generic[S]):
    """The declared kinds by name. `declared` is called when they are first asked for."""

    def __init__(self, declared: Callable[[], Iterable[MessageKind[S]]]) -> None:
        self._declared = declared

    @cached_property
    def by_name(self) -> Mapping[str, MessageKind[S]]:
        found: dict[str, MessageKind[S]] = {}
        for kind in self._declared():
            if kind.name in found:
                raise ValueError(f"two packages declare messages of kind {kind.name}")
            found[kind.name] = kind
        return found

    def ways(self, reach: AvailableChannels) -> WayOf:
        """Which messages of a kind can be handed over with this reach."""

        def way_of(name: str) -> Way:
            kind = self.by_name.get(name)
            return by_notice(reach) if kind is None else kind.way(reach)

        return way_of

    @property
    def lasting(self) -> Sequence[str]:
        """The kinds that are not given up for age."""
        return [kind.name for kind in self.by_name.values() if not kind.expires]
