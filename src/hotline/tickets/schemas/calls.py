"""Calls taken in: what an operator's screen or a gateway sends, what it is answered, and who is calling."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from hotline.organisation.model.actors import Actor
from hotline.organisation.model.vocabulary import Channel, Danger, Kind, Priority
from hotline.replies import reply_type
from hotline.text.phone_parsing import UNREADABLE
from hotline.text.phones import is_withheld
from hotline.tickets.caller_lookup import CallerLookup, CallerTicket, GivenName, KnownCaller
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.model.ticket import Call, Facts
from hotline.tickets.model.visibility import can_search_by_caller, visible_caller
from hotline.tickets.model.vocabulary import Action, DeclineReason, Satisfaction
from hotline.tickets.model.vocabulary import Field as F
from hotline.tickets.schemas.tickets import TicketOut, render_unread
from hotline.triage.model.places.grammar import read_part
from hotline.triage.model.places.parts import PART_NAMES, AddressParts
from hotline.web.field_types import (
    LONGEST_DETAIL,
    CodeWord,
    Detail,
    Lat,
    Lon,
    Moment,
    Narrative,
    NullAsEmpty,
    NumberWord,
    PhoneField,
    Prose,
    Strict,
    Title,
    WrittenLine,
)
from hotline.web.schemas import ErrorOut

ChannelIn = Literal["phone", "sms", "web", "wechat", "walk_in", "grid", "hotline"]


class CallerIn(Strict):
    phone: PhoneField = Field(
        None,
        description="As dialled or typed; empty or `anonymous`: withheld. A call is never refused for it: what cannot "
        "be read as a number is kept as words, and told in `unread`",
    )
    name: Detail = None
    contact: Detail = Field(None, description="Another way to reach the caller")
    confidential: bool | None = Field(
        None, description="The caller's wish; reports of wrongdoing are confidential by default"
    )


class LocationIn(Strict):
    """Where the matter is. Each part is optional: what is missing is read from address and narrative."""

    area: CodeWord | None = None
    address: Detail = None
    building: Detail = Field(None, description="As on the door: `12`, `A`; `12栋` is read as `12`")
    unit: Detail = Field(None, description="The stairs behind one door, 单元")
    floor: Detail = Field(None, description="`5`; `-1` below ground")
    room: Detail = None
    lat: Lat | None = None
    lon: Lon | None = None

    def parts(self) -> tuple[AddressParts, dict[str, str]]:
        """The parts as they are written on doors, and by their names the words that are none."""
        given = {name: text for name in PART_NAMES if (text := getattr(self, name))}
        read = {name: read_part(name, text) for name, text in given.items()}
        return AddressParts(**read), {name: text for name, text in given.items() if read[name] is None}


class OuterIn(Strict):
    system: CodeWord = Field(description="The other hotline, such as `12345`")
    number: WrittenLine
    due_at: Moment | None = Field(None, description="The other hotline's own deadline")


class AtOnceIn(Strict):
    """Answered while the caller is on the line, without a department."""

    action: Literal["answer", "decline"]
    answer: Prose | None = None
    reason_code: DeclineReason | None = None
    channel_told: WrittenLine | None = None
    satisfaction: Satisfaction | None = None


class CallIn(Strict):
    channel: ChannelIn
    narrative: Narrative
    title: Title = None
    caller: Annotated[CallerIn, NullAsEmpty] = Field(default_factory=lambda: CallerIn.model_validate({}))
    location: Annotated[LocationIn, NullAsEmpty] = Field(default_factory=lambda: LocationIn.model_validate({}))
    kind: Kind | None = None
    category: CodeWord | None = None
    priority: Priority | None = None
    reply_wanted: bool = True
    attach_to: NumberWord | None = Field(None, description="The open ticket this call belongs to")
    outer: OuterIn | None = None
    at_once: AtOnceIn | None = None
    voice_call: UUID | None = Field(
        None, description="The call on the exchange it came by, of `GET /v1/me/calls`; its number where none is given"
    )
    notes: Annotated[tuple[Prose, ...], Field(max_length=10)] = Field(
        (),
        description="What was said and done during the call beside the matter, such as that the caller was told to "
        "call 119: a comment each, kept with the ticket in the same step",
    )
    denied_dangers: Annotated[tuple[Danger, ...], Field(max_length=20)] = Field(
        (),
        description="Dangers that the words tell of and that are not there, as the desk found out: they "
        "alert nobody. Why is to be said in `notes`",
    )

    model_config = {
        "extra": "forbid",
        "json_schema_extra": {
            "examples": [
                {
                    "channel": "phone",
                    "caller": {"phone": "13800138000", "name": "王秀英"},
                    "narrative": "3栋2单元电梯困人，有人关到电梯头了",
                    "location": {"area": "rq-b3", "unit": "2", "room": "301"},
                }
            ]
        },
    }

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.attach_to is not None and (self.outer is not None or self.at_once is not None):
            raise ValueError("attach_to joins an open ticket: outer and at_once do not go with it")
        if self.channel == "hotline" and self.outer is None and self.attach_to is None:
            raise ValueError("another hotline's order comes with outer: its system and number")
        if self.denied_dangers and not self.notes:
            raise ValueError("denied_dangers needs notes: why there is no danger")
        return self

    def to_intake_request(self) -> IntakeRequest:
        """As the service wants it."""
        at_once: dict[F, Any] = {}
        if self.at_once is not None:
            found = {
                F.ANSWER: self.at_once.answer,
                F.REASON_CODE: self.at_once.reason_code,
                F.CHANNEL_TOLD: self.at_once.channel_told,
                F.SATISFACTION: self.at_once.satisfaction,
            }
            at_once = {field: value for field, value in found.items() if value is not None}
        details = {
            "caller.phone": self.caller.phone,
            "caller.name": self.caller.name,
            "caller.contact": self.caller.contact,
            "location.address": self.location.address,
        }
        shortened_details = {field: text and text[:LONGEST_DETAIL] for field, text in details.items()}
        rule = f"too long: the first {LONGEST_DETAIL} characters are kept"
        unread = [(field, rule) for field, text in details.items() if shortened_details[field] != text]
        parts, address = self.location.parts()
        if address:
            unread += [(f"location.{name}", "not a part of an address: kept in the address") for name in address]
            said = [shortened_details["location.address"], *address.values()]
            shortened_details["location.address"] = " ".join(filter(None, said))[:LONGEST_DETAIL]
        return IntakeRequest(
            unread=tuple(unread),
            address_parts=parts,
            channel=Channel(self.channel),
            narrative=self.narrative,
            title=self.title,
            phone=shortened_details["caller.phone"],
            name=shortened_details["caller.name"],
            contact=shortened_details["caller.contact"],
            confidential=self.caller.confidential,
            reply_wanted=self.reply_wanted,
            area=self.location.area,
            address=shortened_details["location.address"],
            lat=self.location.lat,
            lon=self.location.lon,
            kind=self.kind,
            category=self.category,
            priority=self.priority,
            attach_to=self.attach_to,
            outer_system=self.outer.system if self.outer else None,
            outer_number=self.outer.number if self.outer else None,
            outer_due_at=self.outer.due_at if self.outer else None,
            at_once=Action(self.at_once.action) if self.at_once else None,
            at_once_fields=at_once,
            notes=self.notes,
            denied=self.denied_dangers,
        )


class CallerLookupIn(Strict):
    phone: Annotated[PhoneField, Field(description="As dialled or typed")]

    model_config = {"extra": "forbid", "json_schema_extra": {"examples": [{"phone": "13800138000"}]}}


@reply_type()
class CallOut:
    """A contact. The number is shown as on the ticket: whole, masked or not at all."""

    id: str
    channel: Channel
    at: datetime
    narrative: str
    taken_by: str
    phone: str | None
    raw_phone: Annotated[str | None, Field(description="The number as it was typed or dialled")]
    name: str | None
    withheld: bool
    unread: tuple[ErrorOut, ...]


@reply_type()
class TicketCall(CallOut):
    """A contact about a ticket, or about one that was merged into it."""

    number: str


@reply_type()
class CallPage:
    items: tuple[TicketCall, ...]
    next: str | None


@reply_type()
class IntakeOut:
    """A logged call and its ticket."""

    call: CallOut
    ticket: TicketOut
    query_code: str
    unread: Annotated[tuple[ErrorOut, ...], Field(description="What of this call could not be read; kept as words")]


@reply_type()
class Spooled:
    """A call kept on this machine until the database is back."""

    reference: str
    kept: Literal["spool"]
    unread: tuple[ErrorOut, ...]


@reply_type()
class CallerCard:
    """Who is calling, with their open and earlier tickets."""

    match: Literal["known", "maybe", "unknown", "withheld"]
    phone: str | None
    caller: KnownCaller | None
    names: tuple[GivenName, ...]
    open: tuple[CallerTicket, ...]
    history: tuple[CallerTicket, ...]
    unread: tuple[ErrorOut, ...]


def render_caller_card(card: CallerLookup, as_given: str | None = None) -> CallerCard:
    """The card. `as_given`: what is shown instead of a number that cannot be read."""
    phone = as_given if card.unread and card.phone is None else card.phone
    unread = render_unread(card.unread)
    return CallerCard(card.match, phone, card.caller, card.names, card.open, card.history, unread)


def render_call(call: Call | Any, actor: Actor, facts: Facts) -> CallOut:
    """A contact of this ticket, as it was taken or as a row."""
    return CallOut(**_build_call(call, actor, facts))


def render_ticket_call(row: Any, actor: Actor, facts: Facts) -> TicketCall:
    """A row of the contacts of a ticket."""
    return TicketCall(**_build_call(row, actor, facts), number=row.number)


def _build_call(call: Call | Any, actor: Actor, facts: Facts) -> dict[str, Any]:
    hidden = visible_caller(facts.ticket, actor)
    # its own ticket may have been merged into an open one
    secret = call.confidential or getattr(call, "of_confidential", False)
    merged_secret = call.number != facts.ticket.number and getattr(call, "of_confidential", False)
    unmasked = hidden is not None and not hidden.masked and not secret
    return {
        "id": call.id,
        "channel": call.channel,
        "at": call.at,
        # words too can give somebody away: those of a confidential ticket merged into this one are for the desk
        "narrative": "" if merged_secret and not can_search_by_caller(actor) else call.narrative,
        "taken_by": call.taken_by,
        "phone": call.phone if unmasked else None,
        "raw_phone": call.raw_phone if unmasked else None,
        "name": call.caller_name if unmasked else None,
        "withheld": call.phone is None and is_withheld(call.raw_phone),
        "unread": render_unread(_unread_pairs(call)),
    }


def _unread_pairs(call: Call | Any) -> Iterable[Sequence[str]]:
    if isinstance(call, Call):
        return call.unread
    kept = call.phone is None and not is_withheld(call.raw_phone)  # of an earlier call the number alone is known
    return [("caller.phone", UNREADABLE)] if kept else []
