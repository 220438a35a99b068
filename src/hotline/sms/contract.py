"""What the module of an SMS provider declares, and the types it uses. These modules contain no rules of the hotline."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

import httpx

from hotline.delivery import registry
from hotline.delivery.account import Account
from hotline.delivery.gateway_settings import AreaMap, GatewaySettings, TemplateMap, TextList, setting
from hotline.delivery.model import GatewayKind
from hotline.delivery.notices import GatewayRefused
from hotline.delivery.provider import GatewayProvider
from hotline.inbound.webhook_request import Acknowledgement, UnreadableItem, WebhookRequest
from hotline.sms.model.status import TextStatus


@dataclass(frozen=True, slots=True)
class ReceivedText:
    """A resident's text. `key` distinguishes it from every other; `part` of `parts`, where it is one of several."""

    key: str
    sender: str
    receiver: str
    text: str
    raw: str
    sent_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    reference: str | None = None  # common to the parts of one text
    part: int | None = None
    parts: int | None = None


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """The delivery report of a text we sent. `status` None: an unknown status word."""

    key: str
    provider_id: str | None
    reference: str | None
    status: TextStatus | None
    provider_status: str
    raw: str
    at: datetime | None = None
    unread: str | None = None  # how `at` was written, where it cannot be read


_LATER_VALUES: Mapping[str, tuple[str, ...]] = {"emergency": ("numbers", "do"), "reopened": ("limit",)}


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """A text on its way out. `reference` is ours, the same at every try; `template` and `values` for providers that
    take no free text."""

    reference: str
    to: str  # E.164
    body: str
    template: str
    values: Mapping[str, str]
    at: datetime  # of this try: the clouds refuse a signature that is minutes old

    @property
    def registered_values(self) -> Mapping[str, str]:
        """The values in the form in which a provider's template is registered. One that came later is not among them:
        a template without it would be refused, and where it has it, it is longer than a variable may be."""
        later = _LATER_VALUES.get(self.template, ())
        return {name: value for name, value in self.values.items() if name not in later}


@dataclass(frozen=True, slots=True)
class SendResult:
    """The provider has it."""

    provider_id: str | None = None
    status: TextStatus = TextStatus.SENT


class SmsAdapter(Protocol):
    """One provider's way of speaking, for one gateway of it. `texts`, `reports` and `authenticate` may run in a thread
    of their own, so they wait for nothing."""

    def __init__(self, account: Account) -> None: ...

    def authenticate(self, request: WebhookRequest) -> None:
        """Raises AuthenticationFailed, or NeedsCertificate."""

    def texts(self, request: WebhookRequest) -> list[ReceivedText | UnreadableItem]:
        """The texts of a webhook, item by item. Raises ValueError where nothing of it can be read."""

    def reports(self, request: WebhookRequest) -> list[DeliveryReport | UnreadableItem]:
        """The same for delivery reports."""

    def acknowledge(self, accepted: int, set_aside: int) -> Acknowledgement:
        """What the provider takes for success. `accepted`: items that were read, `set_aside`: those set aside."""

    async def send(self, client: httpx.AsyncClient, message: OutgoingText) -> SendResult:
        """Hand one text over. Raises GatewayDown, GatewayRefused."""


@runtime_checkable
class SupportsListing(Protocol):
    """An adapter whose provider can be asked what it sent us, for `hotline gateway reconcile`."""

    def since(
        self, client: httpx.AsyncClient, moment: datetime, now: datetime
    ) -> AsyncIterator[list[ReceivedText | UnreadableItem]]:
        """Texts to us since then, page by page; what is given once must be kept before the next is asked for. Raises
        GatewayDown, GatewayRefused."""


@runtime_checkable
class FetchesCertificates(Protocol):
    """An adapter whose provider signs with certificates: the worker fetches those it asked for by NeedsCertificate."""

    async def fetch_certificate(self, client: httpx.AsyncClient, url: str) -> str:
        """A certificate as PEM. Raises GatewayDown, GatewayRefused."""


class NeedsCertificate(Exception):
    """Signed by a certificate that we do not have yet. `url` has been checked to be the provider's."""

    def __init__(self, url: str) -> None:
        super().__init__("a certificate is being fetched")
        self.url = url


class SmsSettings(GatewaySettings):
    """What every SMS gateway may have set."""

    sender: str | None = setting("the number or name that texts are sent from")
    numbers: AreaMap | None = setting("receiving numbers to areas")
    opt_out: TextList | None = setting("the exact words that stop our texts")


class TemplatedSettings(SmsSettings):
    """Of providers that take no free text."""

    templates: TemplateMap | None = setting("our notices to their templates", required_to_send=True)


@dataclass(frozen=True, kw_only=True)
class SmsProvider(GatewayProvider):
    """An SMS provider, as its file declares it. `reads_get`: its webhooks come by GET too."""

    adapter: type[SmsAdapter]
    settings: type[SmsSettings]
    reads_get: bool = False

    @property
    def can_list(self) -> bool:
        """Whether it can be asked what it sent us."""
        return issubclass(self.adapter, SupportsListing)

    def description(self) -> str:
        """The same, and whether it can be asked."""
        listing_note = " It can be asked what it sent: hotline gateway reconcile." if self.can_list else ""
        return super().description() + listing_note


def sms_provider(name: str) -> SmsProvider:
    """The SMS provider of that name. Raises Refused: it is not installed."""
    return registry.find_provider(GatewayKind.SMS, name, SmsProvider)


def provider_template(account: Account, message: OutgoingText) -> str:
    """Their code for our notice. Raises GatewayRefused where none is registered."""
    code = (account.settings.get("templates") or {}).get(message.template)
    if not code:
        raise GatewayRefused(f"no template is set for {message.template}")
    return str(code)
