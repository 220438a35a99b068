"""What the package brings to the product. Its pages are routes of their own beside the API's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from hotline.jobs import RetentionRule
    from hotline.runtime.settings import CapabilitySettings
    from hotline.tickets.context import Services


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.public.limits import FormLimits
    from hotline.public.model import PublicSettings
    from hotline.runtime.settings import HotlineNumber

    services.add(
        PublicSettings(
            settings.embed_origins,
            settings.resident_work,
            settings.resident_reports,
            settings.resident_plain_reports,
        )
    )
    services.add(HotlineNumber(settings.resident_phone))
    services.add(FormLimits())


def _retention() -> Sequence[RetentionRule[Services]]:
    from hotline.public.jobs import retention

    return retention()


PUBLIC = Capability(name="public", prepare=_prepare, retention=_retention)
