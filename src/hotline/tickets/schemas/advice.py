"""What triage and routing advised, as replies show it."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from hotline.locales.labels import Label
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import Danger, Kind, Priority
from hotline.replies import ABSENT, reply_from_values, reply_type
from hotline.text.reasons import Because
from hotline.tickets.model.routing import current_advice
from hotline.tickets.model.ticket import Facts
from hotline.tickets.schemas.duplicates import DuplicateOut
from hotline.tickets.schemas.incidents import IncidentAdvice
from hotline.tickets.schemas.opinions import ModelOpinion
from hotline.triage.model.places.parts import AddressParts
from hotline.triage.model.places.reader import PlaceCandidate

_REPORTER_FIELDS = frozenset({"account_id", "device_id"})  # what an Open311 client said of whoever reported


@reply_type()
class CategoryShare:
    category: str
    confidence: float


@reply_type()
class DangerQuestion:
    """A danger that the text leaves open, and the one question that decides it. `danger` null: the question is where
    it is, as an emergency does not say it; it stands first."""

    danger: Danger | None
    zh: str
    en: str


@reply_type()
class SuggestedMatter:
    """One of several matters of a narrative: its words, category and symptom."""

    text: str
    category: str
    symptom: str


PlaceRoleWord = Literal[
    "past", "passed", "unaffected", "reporter", "landmark", "speaker", "family", "matter", "given"
]  # fmt: skip


@reply_type()
class AddressPartsOut:
    """What an address names below its area: as said, null where it names none."""

    building: str | None
    unit: str | None
    floor: str | None
    room: str | None


@reply_type()
class NamedPlace:
    """A place that the text names. `at`: first character and the one behind the last in the narrative; null: in the
    address."""

    code: str | None
    name: str | None
    name_en: str | None
    words: str
    at: list[int] | None
    role: PlaceRoleWord
    building: str | None
    unit: str | None
    floor: str | None
    room: str | None


@reply_type()
class TriageAdvice:
    """What triage suggested at intake. `tell`: what the operator says on the call; `ask`: what to ask first; `matters`:
    the narrative in parts, where it tells of several; `places`: all that
    may be meant, nearest to the matter first. Tickets taken in before these were known lack the last five."""

    kind: Kind
    priority: Priority
    category: str | None
    area: str | None
    dangers: list[Danger]
    confidence: float
    others: tuple[CategoryShare, ...]
    tell: tuple[Label, ...]
    because: tuple[Because, ...]
    location: AddressPartsOut = ABSENT
    places: tuple[NamedPlace, ...] = ABSENT
    ask: tuple[DangerQuestion, ...] = ABSENT
    symptoms: list[str] = ABSENT
    matters: tuple[SuggestedMatter, ...] = ABSENT


@reply_type()
class RoutingAdvice:
    """Which department the catalogue chose, by which row; `passed` are rows that lost to it."""

    lead: str | None
    assists: list[str]
    performer: str | None
    route: str | None
    sure: bool
    because: tuple[Because, ...]
    passed: list[str]


@reply_type()
class SubmittedForm:
    """What an Open311 client sent, as it sent it. What it did not send is absent."""

    source: str
    attributes: Annotated[
        dict[str, str | list[str]], Field(description="By the code of a question of the service: the answer")
    ] = ABSENT
    media_urls: list[str] = ABSENT
    account_id: str = ABSENT
    device_id: str = ABSENT
    address_id: str = ABSENT
    description: str = ABSENT
    address: str = ABSENT
    lat: float = ABSENT
    long: float = ABSENT


@reply_type()
class Hints:
    """What the operator or client chose for the call."""

    kind: Kind = ABSENT
    category: str = ABSENT
    priority: Priority = ABSENT
    area: str = ABSENT
    building: str = ABSENT
    unit: str = ABSENT
    floor: str = ABSENT
    room: str = ABSENT
    form: SubmittedForm = ABSENT


@reply_type()
class TicketAdvice:
    """Triage, routing, hints and the model's opinion as they were at intake. What was not asked for then is absent.
    `duplicates` stands in the reply to `POST /v1/calls` alone; later `GET /v1/tickets/{number}/duplicates` looks for
    them anew."""

    triage: TriageAdvice | None = ABSENT
    routing: RoutingAdvice | None = ABSENT
    hints: Hints = ABSENT
    model: ModelOpinion = ABSENT
    incident: IncidentAdvice = ABSENT
    duplicates: Annotated[
        tuple[DuplicateOut, ...], Field(description="At most three tickets that this call may repeat")
    ] = ABSENT


def render_parts(parts: AddressParts) -> AddressPartsOut:
    return AddressPartsOut(parts.building, parts.unit, parts.floor, parts.room)


def render_place(place: PlaceCandidate) -> NamedPlace:
    return NamedPlace(**place.as_dict())


def render_advice(facts: Facts, directory: Directory, now: datetime, *, is_caller_hidden: bool) -> TicketAdvice:
    """Advice and hints; without what names the caller where the caller is not shown."""
    advice = current_advice(directory, facts.ticket, facts.assignments, now)
    advice.pop("unread", None)  # shown beside it
    hints = advice.get("hints")
    if is_caller_hidden and hints and "form" in hints:
        form = {k: v for k, v in hints["form"].items() if k not in _REPORTER_FIELDS}
        advice["hints"] = {**hints, "form": form}
    return reply_from_values(TicketAdvice, advice)
