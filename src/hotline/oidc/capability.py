"""Logging in at identity providers. Its pages are the console's: a browser goes there and comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from typer import Typer

    from hotline.jobs import RetentionRule
    from hotline.secrets.secret_box import SealedColumn
    from hotline.tickets.context import Services


def _prepare(services: Services, settings: object) -> None:
    from hotline.oidc.provider_client import ProviderClient
    from hotline.oidc.providers import Providers, StoredIdentities

    services.identities = StoredIdentities(services)
    services.add(Providers())
    services.add(ProviderClient(services.clock))


def _retention() -> Sequence[RetentionRule[Services]]:
    from hotline.oidc.jobs import retention

    return retention()


def _commands() -> Sequence[Typer]:
    from hotline.oidc.commands import commands

    return (commands,)


def _sealed() -> Sequence[SealedColumn]:
    from hotline.oidc.providers import SEALED

    return SEALED


OIDC = Capability(name="oidc", prepare=_prepare, retention=_retention, commands=_commands, sealed=_sealed)
