"""The settings and secrets of one gateway, as its provider module reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from hotline.delivery.notices import GatewayRefused
from hotline.delivery.payloads import unparsed_time
from hotline.text.timestamps import DateOrder, parse_timestamp

HOME_ZONE = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Account:
    """What is set for a gateway. Every secret may have several values alive: the old one until it is dropped."""

    name: str
    settings: Mapping[str, Any]
    secrets: Mapping[str, Sequence[str]]
    public_url: str
    home_zone: str = HOME_ZONE  # where the hotline stands

    def secret_values(self, name: str) -> Sequence[str]:
        """The living values of a secret; none where it was never set."""
        return self.secrets.get(name, ())

    def newest(self, name: str) -> str:
        """The value we ourselves use. Raises GatewayRefused where it was never set."""
        values = self.secret_values(name)
        if not values:
            raise GatewayRefused(f"the secret {name} is not set")
        return values[-1]

    def setting(self, name: str, default: str = "") -> str:
        return str(self.settings.get(name, default))

    @property
    def status_url(self) -> str:
        """Where this gateway's reports come back to."""
        return f"{self.public_url.rstrip('/')}/v1/hooks/sms/{self.name}/status"

    @property
    def zone(self) -> ZoneInfo:
        """Of a provider's naive times: the clouds' own, unless it is set."""
        return ZoneInfo(self.setting("zone", HOME_ZONE))

    @property
    def local_zone(self) -> ZoneInfo:
        """Of an exchange's naive times: where the hotline stands, unless it is set."""
        return ZoneInfo(self.setting("zone", self.home_zone))

    @property
    def date_order(self) -> DateOrder | None:
        """In which order dates are written here; None: it is not set, and an ambiguous date is none."""
        order = self.setting("date_order")
        return DateOrder(order) if order else None

    def time(self, value: Any, zone: tzinfo, now: datetime) -> datetime | None:
        """A time as it was written, in UTC; None where it cannot be read for certain."""
        return parse_timestamp(value, zone, now, self.date_order)

    def parse_text_time(self, value: Any, zone: tzinfo, now: datetime) -> tuple[datetime | None, dict[str, str]]:
        """When a text was sent, and for its details how that was written where it cannot be read: no reason to lose a
        text."""
        found = self.time(value, zone, now)
        unread = unparsed_time(value, found)
        return found, {"said_sent_at": unread} if unread is not None else {}
