"""The context of services that send: the gateways."""

from dataclasses import dataclass, field

from hotline.delivery.gateways import GatewayCache
from hotline.organisation.context import OrganisationServices


@dataclass(kw_only=True)
class DeliveryServices(OrganisationServices):
    """`gateways` follows from the others."""

    gateways: GatewayCache = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.gateways = GatewayCache(self.db, self.secret, self.public_url, self.directory, self.deadlines)
