"""Registers the packages below the capabilities, because those may not import `Capability`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hotline.runtime.capability import Capability

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.database.personal_data import PersonalNoun
    from hotline.inbound.spool_drain import SpoolHandler
    from hotline.jobs import Job, RetentionRule
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.retention import NightlyCheck
    from hotline.secrets.secret_box import SealedColumn
    from hotline.tickets.context import Services


def _prepare_tickets(services: Services, settings: object) -> None:
    from hotline.tickets.departures import HeldOrders

    services.held_work = HeldOrders(services)


def _ticket_routers() -> Sequence[APIRouter]:
    from hotline.tickets.routes import (
        attachments,
        bulk,
        calls,
        candidates,
        dangers,
        departments,
        dispatching,
        duplicates,
        explain,
        lookup,
        search,
        tickets,
    )

    nouns = (
        calls,
        bulk,
        tickets,
        dispatching,
        attachments,
        departments,
        candidates,
        lookup,
        search,
        explain,
        dangers,
        duplicates,
    )
    return [noun.router for noun in nouns]


def _ticket_jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.tickets.jobs import ticket_jobs

    return ticket_jobs(context.services)


def _spooled_calls() -> Mapping[str, SpoolHandler[Services]]:
    from hotline.tickets.spool_intake import SPOOLED

    return SPOOLED


def _ticket_retention() -> Sequence[RetentionRule[Services]]:
    from hotline.tickets.jobs import retention

    return retention()


def _ticket_checks() -> Sequence[NightlyCheck]:
    from hotline.tickets.jobs import check_counters

    return (lambda context: check_counters(context.services),)


def _ticket_commands() -> Sequence[Typer]:
    from hotline.tickets import commands

    return commands.GROUPS


def _organisation_commands() -> Sequence[Typer]:
    from hotline.organisation import commands

    return commands.GROUPS


def _delivery_commands() -> Sequence[Typer]:
    from hotline.delivery import commands

    return commands.GROUPS


def _organisation_routers() -> Sequence[APIRouter]:
    from hotline.organisation.routes import (
        accounts,
        calendars,
        directory,
        duty,
        duty_feeds,
        own_password,
        second_factors,
        sessions,
    )

    return [
        noun.router
        for noun in (duty, duty_feeds, calendars, directory, accounts, own_password, sessions, second_factors)
    ]


def _prepare_organisation(services: Services, settings: object) -> None:
    from hotline.organisation.service.second_step import StoredFactors

    services.second_factors = StoredFactors(services)


def _sealed_factors() -> Sequence[SealedColumn]:
    from hotline.organisation.service.second_factors import SEALED

    return SEALED


def _organisation_retention() -> Sequence[RetentionRule[Services]]:
    from hotline.organisation.jobs import retention

    return retention()


def _organisation_upkeep(services: Services) -> Sequence[Job]:
    from hotline.organisation.jobs import last_use_job

    return (last_use_job(services),)


def _outbox_jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.delivery.jobs import outbox_jobs

    return outbox_jobs(context.services, context.channels, context.on_shutdown)


def _outbox_retention() -> Sequence[RetentionRule[Services]]:
    from hotline.delivery.jobs import retention

    return retention()


def _sealed_gateways() -> Sequence[SealedColumn]:
    from hotline.delivery.gateways import SEALED

    return SEALED


def _inbound_jobs(context: WorkerContext) -> Sequence[Job]:
    from hotline.inbound.jobs import inbound_jobs

    return inbound_jobs(context.services)


def _inbound_upkeep(services: Services) -> Sequence[Job]:
    from hotline.inbound.jobs import spool_job

    return (spool_job(services),)


def _spooled_rows() -> Mapping[str, SpoolHandler[Services]]:
    from hotline.inbound.spool_drain import SPOOLED

    return SPOOLED


def _inbound_retention() -> Sequence[RetentionRule[Services]]:
    from hotline.inbound.jobs import retention

    return retention()


def _web_retention() -> Sequence[RetentionRule[Services]]:
    from hotline.web.jobs import retention

    return retention()


def _ticket_personal() -> Sequence[PersonalNoun]:
    from hotline.tickets.personal import personal

    return personal()


def _inbound_personal() -> Sequence[PersonalNoun]:
    from hotline.inbound.personal import personal

    return personal()


def _web_personal() -> Sequence[PersonalNoun]:
    from hotline.web.personal import personal

    return personal()


CORE: tuple[Capability, ...] = (
    Capability(
        name="tickets",
        routers=_ticket_routers,
        prepare=_prepare_tickets,
        jobs=_ticket_jobs,
        spooled=_spooled_calls,
        retention=_ticket_retention,
        checks=_ticket_checks,
        commands=_ticket_commands,
        personal=_ticket_personal,
    ),
    Capability(
        name="organisation",
        prepare=_prepare_organisation,
        sealed=_sealed_factors,
        routers=_organisation_routers,
        upkeep=_organisation_upkeep,
        retention=_organisation_retention,
        commands=_organisation_commands,
    ),
    Capability(
        name="delivery",
        jobs=_outbox_jobs,
        retention=_outbox_retention,
        commands=_delivery_commands,
        sealed=_sealed_gateways,
    ),
    Capability(
        name="inbound",
        jobs=_inbound_jobs,
        upkeep=_inbound_upkeep,
        spooled=_spooled_rows,
        retention=_inbound_retention,
        personal=_inbound_personal,
    ),
    Capability(name="web", retention=_web_retention, personal=_web_personal),
)
