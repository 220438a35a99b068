"""Telling other systems of events."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.delivery.message_kinds import MessageKind
from hotline.runtime.capability import Capability
from hotline.runtime.settings import CapabilitySettings
from hotline.tickets.context import Services
from hotline.webhooks.cache import SubscriptionCache

if TYPE_CHECKING:
    from fastapi import APIRouter


def _routers() -> Sequence["APIRouter"]:
    from hotline.webhooks import routes

    return (routes.router,)


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    subscriptions = SubscriptionCache(services.db, services.secret, services.directory, services.deadlines)
    services.add(subscriptions)
    services.before_commit.append(subscriptions.announced)


def _messages() -> Sequence[MessageKind[Services]]:
    from hotline.webhooks.sending import MESSAGES

    return MESSAGES


WEBHOOKS = Capability(name="webhooks", routers=_routers, prepare=_prepare, messages=_messages)
