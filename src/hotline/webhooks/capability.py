"""Webhooks: events sent to subscribers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter

    from hotline.delivery.message_kinds import MessageKind
    from hotline.runtime.settings import CapabilitySettings
    from hotline.secrets.secret_box import SealedColumn
    from hotline.tickets.context import Services


def _routers() -> Sequence[APIRouter]:
    from hotline.webhooks import routes

    return (routes.router,)


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.delivery.egress import EgressRules
    from hotline.webhooks.cache import SubscriptionCache

    subscriptions = SubscriptionCache(services.db, services.secret, services.directory, services.deadlines)
    services.add(subscriptions)
    services.add(EgressRules(settings.egress_allow))
    services.before_commit.append(subscriptions.with_event_messages)


def _messages() -> Sequence[MessageKind[Services]]:
    from hotline.webhooks.event_sender import MESSAGES

    return MESSAGES


def _sealed() -> Sequence[SealedColumn]:
    from hotline.webhooks.cache import SEALED

    return SEALED


WEBHOOKS = Capability(name="webhooks", routers=_routers, prepare=_prepare, messages=_messages, sealed=_sealed)
