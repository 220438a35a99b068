"""Texts to and from residents."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.runtime.settings import CapabilitySettings
    from hotline.tickets.context import Services


def _routers() -> Sequence["APIRouter"]:
    from hotline.sms.routes import hooks, texts

    return (
        hooks.router,
        texts.router,
    )


def _prepare(services: "Services", settings: "CapabilitySettings") -> None:
    from hotline.sms.settings import QuietHours

    services.add(QuietHours(*settings.quiet) if settings.quiet else QuietHours())


def _commands() -> "Sequence[Typer]":
    from hotline.sms import commands

    return commands.GROUPS


SMS = Capability(name="sms", routers=_routers, prepare=_prepare, commands=_commands)
