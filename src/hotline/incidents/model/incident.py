"""The shapes the rules of incidents work on. Frozen; rules return new ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hotline.incidents.model.codes import IncidentCode
from hotline.incidents.model.vocabulary import IncidentAction, IncidentState
from hotline.organisation.model.actors import ActorKind
from hotline.organisation.model.vocabulary import Priority
from hotline.text.numbering import TicketNumber
from hotline.tickets.model.vocabulary import OPEN, TicketStatus

TELLS_MORE = "it tells of more than the incident"  # why a ticket of an incident is not merged by rule


@dataclass(frozen=True, slots=True)
class Incident:
    """Many calls about one matter. Times are UTC; category, symptom and areas are codes of the directory.

    `area`: the smallest that holds all its calls; `reach`: the one that further calls may come from. `moves`: tickets
    that are still to be taken in or out, as (number, code of the incident it goes to or None, reason). `wording`: how
    its callers tell of it, as data. `callers`, `tickets` and the last call are counted by the worker and may be a
    second old. `unit`: of the building, where it is a matter of one. `merged_into`: the code of the incident that has
    its tickets now. `announced_at`: when the officer on duty was told; `told_at`: when the callers had the final
    word; `noted`: up to which line of its timeline the parent's tells of its state."""

    code: IncidentCode
    state: IncidentState
    category: str
    area: str | None
    reach: str | None
    first_call_at: datetime
    last_call_at: datetime
    created_at: datetime
    updated_at: datetime
    symptom: str | None = None
    unit: str | None = None
    parent: TicketNumber | None = None
    moves: tuple[tuple[str, str | None, str], ...] = ()
    wording: Mapping[str, Any] = field(default_factory=dict)
    final_word: str | None = None
    callers: int = 0
    tickets: int = 0
    ended_at: datetime | None = None
    announced_at: datetime | None = None
    told_at: datetime | None = None
    merged_into: str | None = None
    entries: int = 0
    noted: int = 0
    version: int = 1


@dataclass(frozen=True, slots=True)
class IncidentEntry:
    """One line of an incident's timeline. `changes` maps a field to [before, after]."""

    code: IncidentCode
    seq: int
    at: datetime
    by_kind: ActorKind
    by_id: str
    by_name: str
    action: IncidentAction
    state_from: IncidentState | None
    state_to: IncidentState
    reason: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IncidentMember:
    """A ticket of an incident, as far as the incident needs it. `department`: of the live lead order; `dangers`: the
    text tells of a danger; `offered`: it tells of more than the incident, and is merged by hand only."""

    number: TicketNumber
    status: TicketStatus
    created_at: datetime
    version: int
    priority: Priority
    category: str | None = None
    area: str | None = None
    caller: str | None = None
    parent: TicketNumber | None = None
    department: str | None = None
    unit: str | None = None
    dangers: bool = False
    offered: bool = False

    @property
    def rings(self) -> bool:
        """Somebody may be in danger: it goes its own way, with orders of its own."""
        return self.dangers or self.priority is Priority.EMERGENCY


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """All a decision on an incident may look at. `named`: the tickets that the command names and the actor may
    see, by number, with the incident each belongs to (None: none); `ended`: those of them that have ended. `members`:
    those of its tickets that the command is about; for `confirm` those that could carry it. `target`: the incident that
    it is merged into, where the actor may see it; `is_cause_of_target`: what this incident is about causes that."""

    incident: Incident
    members: tuple[IncidentMember, ...] = ()
    target: Incident | None = None
    is_cause_of_target: bool = False
    named: Mapping[str, str | None] = field(default_factory=dict)
    ended: frozenset[str] = frozenset()
    new_code: IncidentCode | None = None  # for an incident that is split off

    @property
    def can_reopen(self) -> bool:
        """Whether its parent is worked on, so that the incident can be open again; read where it is over or ends."""
        parent = next((member for member in self.members if member.number == self.incident.parent), None)
        return parent is not None and parent.status in OPEN - {TicketStatus.RESOLVED}


@dataclass(frozen=True, slots=True)
class IncidentCommand:
    """Something asked for; `fields` by the words of IncidentField, of the right types."""

    action: IncidentAction
    version: int
    fields: Mapping[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """All that becomes true at once: each incident's new image, the version it replaces (None: it is new), and the
    lines of the timelines. The first image is of the incident that was acted on."""

    images: tuple[tuple[Incident, int | None], ...]
    entries: tuple[IncidentEntry, ...]

    @property
    def after(self) -> Incident:
        return self.images[0][0]
