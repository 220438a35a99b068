"""Exports and erasures of persons, and the retention of tickets and callers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.jobs import RetentionRule
    from hotline.tickets.context import Services


def _retention() -> Sequence[RetentionRule[Services]]:
    from hotline.privacy.jobs import retention

    return retention()


def _commands() -> Sequence[Typer]:
    from hotline.privacy import commands, retention_commands

    return (commands.privacy, retention_commands.retention)


def _routers() -> Sequence[APIRouter]:
    from hotline.privacy import routes

    return (routes.router,)


PRIVACY = Capability(name="privacy", routers=_routers, retention=_retention, commands=_commands)
