"""The words of the vocabulary as people read them: (Chinese, English), from the catalogue."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from .catalogue import TEXTS, pair
from .figures import FIGURES
from .measures import JUDGED, MEASURES
from .vocabulary import Action, AssignmentStatus, Kind, Metric, Priority, Role, TicketStatus

W = TypeVar("W", bound=StrEnum)


def _said(family: str, words: Iterable[W]) -> Mapping[W, tuple[str, str]]:
    return {word: pair(f"{family}.{word}") for word in words}


def _told(family: str, words: Iterable[W]) -> Mapping[W, tuple[str, str]]:
    """Of these words, those the family has a text for: the public is told of a part alone."""
    return _said(family, [word for word in words if f"{family}.{word}" in TEXTS])


TICKET_STATUS = _said("status", TicketStatus)
ASSIGNMENT_STATUS = _said("order", AssignmentStatus)
PUBLIC_STATUS = _said("public_status", TicketStatus)  # as a resident is told
PUBLIC_ACTION = _told("public_action", Action)  # what the public is told of a ticket's history; of a quarrel, nothing
ACTION = _said("action", Action)
ROLE = _said("role", Role)
KIND = _said("kind", Kind)
PRIORITY = _said("priority", Priority)
METRIC = _said("metric", Metric)
FIGURE = {code: dict(zip(("zh", "en"), pair(f"figure.{code}"), strict=True)) for code in FIGURES}
MEASURE = {
    code: dict(zip(("zh", "en"), pair(f"measure.{code}"), strict=True)) for code in (*MEASURES, *JUDGED.values())
}
