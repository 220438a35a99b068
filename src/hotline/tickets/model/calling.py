"""Whom somebody in danger calls, by number, and what they do meanwhile. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Danger, Kind
from hotline.tickets.model.routing import choose_route
from hotline.triage.model.guidance import DANGER_OF_SERVICE, EmergencyService, in_naming_order, services_of


@dataclass(frozen=True, slots=True)
class NumberToCall:
    """A service and its number here."""

    service: EmergencyService
    phone: str


_LEFT_FIRST = frozenset({Danger.FIRE, Danger.GAS, Danger.CHEMICAL, Danger.COLLAPSE})


class AlertState(StrEnum):
    """Whether the people on duty know of a danger."""

    ONCE_SENT = "once_sent"  # as soon as the form is sent
    ALERTED = "alerted"
    UNREACHED = "unreached"  # what was sent has alerted nobody


@dataclass(frozen=True, slots=True)
class DangerAdvice:
    """What somebody who tells of `dangers` does: `danger_do.<danger>` of the catalogues, and whom they call. `alert`:
    whether the people on duty know of it. Without dangers there is none."""

    dangers: tuple[Danger, ...] = ()
    numbers: tuple[NumberToCall, ...] = ()
    alert: AlertState = AlertState.ONCE_SENT

    def __bool__(self) -> bool:
        return bool(self.dangers)

    @property
    def leaves_first(self) -> bool:
        """Whether they leave before they call: a call from there would cost them their lives."""
        return not _LEFT_FIRST.isdisjoint(self.dangers)


NO_DANGER = DangerAdvice()


def advise_in_danger(
    directory: Directory,
    dangers: Sequence[str],
    area: str | None,
    now: datetime,
    alert: AlertState = AlertState.ONCE_SENT,
) -> DangerAdvice:
    """The advice on these dangers, that on the place before that on the ill: who is told not to move them must be out
    of the fire first. A service whose number nobody knows here is left out. `area`: where it is."""
    known = in_naming_order(dangers)
    numbers = ((service, phone_of_service(directory, service, now, area)) for service in services_of(known))
    return DangerAdvice(known, tuple(NumberToCall(*each) for each in numbers if each[1]), alert)  # type: ignore[arg-type]


def phone_of_service(
    directory: Directory, service: EmergencyService, now: datetime, area: str | None = None
) -> str | None:
    """The number of a service: its own, else that of the department that a row of the catalogue for its very category
    sends its matters to there. None: the directory has none; whoever takes other matters is no such service."""
    if service.isdigit():
        return str(service)
    hazard = directory.hazards.get(DANGER_OF_SERVICE.get(service, ""))
    if hazard is None or hazard.category is None:
        return None
    found = choose_route(directory, hazard.category, Kind.REQUEST, area, now)
    row = directory.routes.get(found.route or "") if found is not None else None
    if found is None or row is None or row.category != hazard.category:
        return None
    units = (directory.departments.get(code or "") for code in (found.performer, found.lead))
    return next((unit.phone for unit in units if unit is not None and unit.phone), None)
