"""Alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter

    from hotline.delivery.message_kinds import MessageKind
    from hotline.jobs import Job
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.settings import CapabilitySettings
    from hotline.secrets.secret_box import SealedColumn
    from hotline.tickets.context import Services


def _routers() -> Sequence[APIRouter]:
    from hotline.alerts import push_routes, robot_routes, routes

    return (routes.router, push_routes.router, push_routes.of_people, robot_routes.router)


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.alerts.sending import AlertFanOut

    services.before_commit.append(AlertFanOut(services).with_alert)


def _jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.alerts.jobs import alert_jobs

    return alert_jobs(context)


def _messages() -> Sequence[MessageKind[Services]]:
    from hotline.alerts.sending import MESSAGES

    return MESSAGES


def _sealed() -> Sequence[SealedColumn]:
    from hotline.alerts.push_service import SEALED

    return SEALED


ALERTS = Capability(name="alerts", routers=_routers, prepare=_prepare, jobs=_jobs, messages=_messages, sealed=_sealed)
