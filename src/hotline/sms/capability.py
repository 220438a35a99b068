"""Texts to and from residents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.database.personal_data import PersonalNoun
    from hotline.delivery.message_kinds import MessageKind
    from hotline.inbound.handlers import InboundHandler
    from hotline.jobs import Job, RetentionRule
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.settings import CapabilitySettings
    from hotline.tickets.context import Services


def _routers() -> Sequence[APIRouter]:
    from hotline.sms.routes import hooks, texts

    return (
        hooks.router,
        texts.router,
    )


def _prepare(services: Services, settings: CapabilitySettings) -> None:
    from hotline.sms.settings import QuietHours

    services.add(QuietHours(*settings.quiet) if settings.quiet else QuietHours())


def _jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.sms.jobs import sms_jobs

    return sms_jobs(context)


def _messages() -> Sequence[MessageKind[Services]]:
    from hotline.sms.text_sender import MESSAGES

    return MESSAGES


def _inbound() -> Sequence[InboundHandler[Services]]:
    from hotline.sms.inbound_handlers import HANDLERS

    return HANDLERS


def _retention() -> Sequence[RetentionRule[Services]]:
    from hotline.sms.jobs import retention

    return retention()


def _commands() -> Sequence[Typer]:
    from hotline.sms import commands

    return commands.GROUPS


def _personal() -> Sequence[PersonalNoun]:
    from hotline.sms.personal import personal

    return personal()


SMS = Capability(
    name="sms",
    routers=_routers,
    prepare=_prepare,
    jobs=_jobs,
    messages=_messages,
    inbound=_inbound,
    retention=_retention,
    commands=_commands,
    personal=_personal,
)
