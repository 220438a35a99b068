"""The context of services that receive incoming webhooks: the inbox, and the spool behind it."""

from dataclasses import dataclass, field

from hotline.delivery.context import DeliveryServices
from hotline.inbound.inbox import Inbox
from hotline.inbound.spool import Spool


@dataclass(kw_only=True)
class InboundServices(DeliveryServices):
    """`spool`: None where nothing is taken in while the database is unavailable. `inbox` is made from the other
    fields."""

    spool: Spool | None = None
    inbox: Inbox = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.inbox = Inbox(self.db, self.spool, self.deadlines)

    def keeps_for_later(self) -> bool:
        return self.spool is not None
