"""The registration of a capability: one object each, listed in `hotline.capabilities`. Its module imports nothing of
the capability until it is asked, so that `hotline --help` starts at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastapi import APIRouter
    from typer import Typer

    from hotline.database.personal_data import PersonalNoun
    from hotline.delivery.message_kinds import MessageKind
    from hotline.inbound.handlers import InboundHandler
    from hotline.inbound.spool_drain import SpoolHandler
    from hotline.jobs import Job, RetentionRule
    from hotline.runtime.jobs import WorkerContext
    from hotline.runtime.retention import NightlyCheck
    from hotline.secrets.secret_box import SealedColumn
    from hotline.tickets.context import Services


def _none(*_: Any) -> tuple[()]:
    return ()


def _empty() -> Mapping[str, SpoolHandler[Services]]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """Each field is called when what it gives is first needed, so that a command which serves nothing imports no route.

    `routers`: its part of the API. `prepare`: called once for a process with its services and the settings of the
    capabilities; adds parts and hooks. `jobs`: what a worker does for it; `upkeep`: what every API process does, too.
    `messages`: the kinds of outgoing messages it sends. `inbound`: how it processes what providers pushed, by kind;
    `spooled`: how it brings in what was spooled, by kind. `retention`: what it deletes in time; `checks`: what it
    compares with the truth once a night. `sealed`: the columns of its tables that hold sealed values; whatever it seals
    stands there, or is lost when the secret is replaced.
    `personal`: what its tables hold of callers.
    `commands`: its groups of commands; those of a group without a name stand at the top level."""

    name: str
    routers: Callable[[], Sequence[APIRouter]] = _none
    prepare: Callable[[Services, Any], object] = _none
    jobs: Callable[[WorkerContext], Sequence[Job]] = _none
    upkeep: Callable[[Services], Sequence[Job]] = _none
    messages: Callable[[], Sequence[MessageKind[Services]]] = _none
    inbound: Callable[[], Sequence[InboundHandler[Services]]] = _none
    spooled: Callable[[], Mapping[str, SpoolHandler[Services]]] = _empty
    retention: Callable[[], Sequence[RetentionRule[Services]]] = _none
    checks: Callable[[], Sequence[NightlyCheck]] = _none
    commands: Callable[[], Sequence[Typer]] = _none
    sealed: Callable[[], Sequence[SealedColumn]] = _none
    personal: Callable[[], Sequence[PersonalNoun]] = _none
