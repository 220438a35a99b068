"""Decides what a call leads to: a contact with its caller, and the ticket it opens, settled at once or triaged and
dispatched as far as the rules are certain. Everything needed is read before."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from hotline.delivery.model import Message
from hotline.organisation.model.actors import RULES, Actor, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.vocabulary import URGENCY, Channel, Danger, Kind, Priority
from hotline.refusals import Code, Refusal
from hotline.text.numbering import TicketNumber
from hotline.text.phones import LONGEST_RAW, ParsedPhone
from hotline.tickets.model import clock_effects
from hotline.tickets.model.address import choose_parts, is_same_place
from hotline.tickets.model.codes import unknown_codes
from hotline.tickets.model.new_ticket import NewTicket
from hotline.tickets.model.routing import RoutingDecision, choose_route
from hotline.tickets.model.ticket import Call, Caller, Change, Command, Entry, Facts, Ticket
from hotline.tickets.model.vocabulary import (
    SPLIT_FROM,
    Action,
    Field,
    TicketStatus,
    names_flag,
    offered_flag,
    split_from_flag,
)
from hotline.tickets.sla import clock_updates
from hotline.tickets.sla.policies import FURTHEST
from hotline.triage.model.advice import Advice
from hotline.triage.model.places.parts import NO_PARTS, AddressParts
from hotline.triage.model.titles import make_title

F = Field
DESK_ROLES = frozenset({Role.OPERATOR, Role.DISPATCHER, Role.SUPERVISOR})
# what is answered or declined at once runs against no clock
_STARTS_CLOCKS = frozenset({Action.TRIAGE, Action.DISPATCH})


@dataclass(frozen=True, slots=True)
class IntakeRequest:
    """What the operator took down. Hints (kind, category, priority, area, parts of the address) win over advice."""

    channel: Channel
    narrative: str
    title: str | None = None
    phone: str | None = None
    name: str | None = None
    contact: str | None = None
    confidential: bool | None = None
    reply_wanted: bool = True
    area: str | None = None
    address: str | None = None
    address_parts: AddressParts = NO_PARTS
    lat: float | None = None
    lon: float | None = None
    kind: Kind | None = None
    category: str | None = None
    priority: Priority | None = None
    attach_to: str | None = None
    outer_system: str | None = None
    outer_number: str | None = None
    outer_due_at: datetime | None = None
    form: Mapping[str, Any] = field(default_factory=dict)  # what an Open311 client's form said beside these
    at_once: Action | None = None  # ANSWER or DECLINE: first-call resolution
    at_once_fields: Mapping[Field, Any] = field(default_factory=dict)
    unread: tuple[tuple[str, str], ...] = ()  # (field, rule): details that could not be taken as they were written
    notes: tuple[str, ...] = ()  # what was said and done beside the matter, a comment of its own each
    denied: tuple[Danger, ...] = ()  # dangers that are not there, as the desk found out
    by_caller: bool = False  # whoever adds it has shown that the ticket of `attach_to` is theirs


@dataclass(frozen=True, slots=True)
class IncidentMatch:
    """The incident that a call is about. `state`: the word of its state; `parent`: the ticket that carries it; `say`:
    what the operator tells the caller (zh, en). `merges`: the call's ticket goes into the parent; else it only belongs
    to the incident, and has orders of its own. `offered`: it tells of more, and a person decides whether it belongs.
    `ended_at`: it was over then, and the caller is asked whether it is so; the ticket belongs to none."""

    code: str
    state: str
    category: str
    parent: TicketNumber
    merges: bool
    say: tuple[str, str]
    offered: bool = False
    ended_at: datetime | None = None

    @property
    def belongs(self) -> bool:
        """Whether the call's ticket belongs to the incident, without a person's word."""
        return not self.offered and self.ended_at is None

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "state": self.state,
            "parent": self.parent,
            "merged": self.merges,
            "offered": self.offered,
            "ended_at": self.ended_at.isoformat() if self.ended_at is not None else None,
            "say": dict(zip(("zh", "en"), self.say, strict=True)),
        }


@dataclass(frozen=True, slots=True)
class IncidentStanding:
    """Where a confirmed incident stands: the word of its state; what its callers were told at the end; the ticket that
    carries it; `told`: what was told as it was contained; `ended_at`: when it ended last; `final_word_en`: the final
    word for those who called in English."""

    code: str
    state: str
    final_word: str | None
    parent: TicketNumber | None = None
    told: str | None = None
    ended_at: datetime | None = None
    final_word_en: str | None = None


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """One call being taken in: what was said, the number as it was read, the id of its caller (None: withheld, unread,
    or a service number), the id of the call, by whom and when. `origin`: the ticket that this matter is split off; its
    contact is the one call, and the caller has waited since."""

    intake_request: IntakeRequest
    who: ParsedPhone
    caller: str | None
    call: str
    by: Actor
    at: datetime
    incident: IncidentMatch | None = None
    origin: Ticket | None = None
    named: TicketNumber | None = None  # a ticket that a machine says it belongs to, and did not open


def refusal_of(intake_request: IntakeRequest, directory: Directory, actor: Actor, now: datetime) -> Refusal | None:
    """All that is wrong at once; None: nothing. How a number, a name or an address is written is no reason to
    refuse."""
    named = {F.CATEGORY: intake_request.category, F.AREA: intake_request.area}
    where = {F.CATEGORY: "category", F.AREA: "location.area"}
    errors = [(where.get(Field(f), f), rule) for f, rule in unknown_codes(directory, named)]
    if (
        intake_request.area is not None
        and not errors
        and actor.areas is not None
        and intake_request.area not in actor.areas
    ):
        errors.append(("location.area", "outside your areas"))
    if intake_request.outer_due_at is not None and not now < intake_request.outer_due_at <= now + FURTHEST:
        errors.append(("outer.due_at", "must be later than now, by five years at most"))
    return Refusal(Code.INVALID, "the call cannot be taken in like this", errors=tuple(errors)) if errors else None


def contact_of(incoming: IncomingCall, number: TicketNumber, *, confidential: bool) -> tuple[Call, Caller | None]:
    """The call as a contact of that ticket, and whom its number belongs to."""
    intake_request, who = incoming.intake_request, incoming.who
    call = Call(
        id=incoming.call,
        number=number,
        channel=intake_request.channel,
        at=incoming.at,
        narrative=intake_request.narrative,
        taken_by=incoming.by.id,
        caller=incoming.caller,
        phone=who.phone,
        raw_phone=intake_request.phone and intake_request.phone[:LONGEST_RAW],
        caller_name=intake_request.name,
        confidential=confidential,
        unread=unread_details(intake_request, who),
    )
    if incoming.caller is None or who.phone is None:
        return call, None
    return call, Caller(incoming.caller, who.phone, None if confidential else intake_request.name, incoming.at)


def opened(incoming: IncomingCall, number: TicketNumber, advice: Advice, directory: Directory) -> Change:
    """The new ticket of that number, with its call. Raises Refused where what is to be done at once is not allowed."""
    by, at = incoming.by, incoming.at
    ticket, routed = _build_ticket(incoming, number, advice, directory)
    received = Entry(
        number, 1, at, by.kind, by.id, by.name, Action.RECEIVE, None, TicketStatus.RECEIVED,
        changes={
            "channel": [None, ticket.channel],
            **({SPLIT_FROM: [None, incoming.origin.number]} if incoming.origin is not None else {}),
        },
    )  # fmt: skip
    confirmation = Message(f"{number}.1.0", "resident", number, f"ticket:{number}", {"action": Action.RECEIVE}, at)
    new = NewTicket(ticket, received, confirmation)
    for note in incoming.intake_request.notes:  # before the steps, the last of which can be undone
        new.act(Action.COMMENT, {F.TEXT: note}, by, at)
    path = list(_automatic_actions(incoming, ticket, routed, advice))
    for place, (action, fields, actor) in enumerate(path, start=1):
        # clocks start with the last step alone: one that would end at the moment it begins measures nothing
        new.facts = replace(new.facts, directory=directory if place == len(path) and action in _STARTS_CLOCKS else None)
        new.act(action, fields, actor, at)
    if not path:
        begun = clock_updates.update_clocks(
            Facts(ticket, directory=directory), ticket, (), Command(Action.RECEIVE, 0), at
        )
        new.facts = replace(new.facts, clocks=begun.running, directory=directory)
        new.clocks = begun.touched
        new.messages += [
            replace(confirmation, id=f"{number}.1.{n}", kind="duty", partition=line, payload=more)
            for n, (line, more) in enumerate(
                clock_effects.emergency_duty_lines(new.facts, new.facts, Action.RECEIVE, at), 1
            )
        ]
    if incoming.origin is not None:
        new.messages = [
            replace(m, payload={**m.payload, "split_off": True}) if m.kind == "resident" else m for m in new.messages
        ]
        return new.change(None, None)
    return new.change(*contact_of(incoming, number, confidential=ticket.confidential))


def read_anew(
    incoming: IncomingCall, number: TicketNumber, advice: Advice, directory: Directory
) -> tuple[Ticket, tuple[tuple[Action, Mapping[Any, Any]], ...]]:
    """A ticket as intake would open it from these words, and the steps of the rules that would follow."""
    ticket, routed = _build_ticket(incoming, number, advice, directory)
    return ticket, tuple((action, fields) for action, fields, _ in _automatic_actions(incoming, ticket, routed, advice))


def _automatic_actions(
    incoming: IncomingCall, ticket: Ticket, routed: RoutingDecision | None, advice: Advice
) -> Iterator[tuple[Action, Mapping[Any, Any], Actor]]:
    """How far the matter goes at once: settled by the operator, or triaged and dispatched where the rules are sure.
    (action, its fields, by whom)."""
    intake_request, actor, incident = incoming.intake_request, incoming.by, incoming.incident
    if intake_request.at_once is not None:
        yield intake_request.at_once, dict(intake_request.at_once_fields), actor
    elif ticket.category is not None:
        by_hand = intake_request.category is not None and bool(actor.roles & {Role.OPERATOR, Role.DISPATCHER})
        triaged = {
            F.CATEGORY: ticket.category,
            F.KIND: ticket.kind,
            F.PRIORITY: ticket.priority,
            F.REASON: _reason(advice, by_hand),
        }
        yield Action.TRIAGE, triaged, actor if by_hand else RULES
        if incident is not None and incident.merges:
            yield Action.MERGE, {F.TARGET: incident.parent, F.INCIDENT: incident.code}, RULES
        elif routed is not None and routed.sure:
            yield Action.DISPATCH, _dispatch_fields(routed), RULES


def _dispatch_fields(routed: RoutingDecision) -> dict[Any, Any]:
    return {
        F.DEPARTMENT: routed.lead,
        F.ASSISTS: routed.assists,
        F.PERFORMER: routed.performer,
        "route": routed.route,
        F.REASON: f"catalogue row {routed.route}",
    }


def _build_ticket(
    incoming: IncomingCall, number: TicketNumber, advice: Advice, directory: Directory
) -> tuple[Ticket, RoutingDecision | None]:
    """What the operator said where they said it, else what the rules are sure of."""
    intake_request, parsed_phone, actor, now = incoming.intake_request, incoming.who, incoming.by, incoming.at
    home = directory.home
    sure = home is not None and advice.is_sure(home.sure_at)
    trusted = bool(actor.roles & DESK_ROLES)
    # whoever is not at the desk cannot file a danger under something else, where it would not be acted on
    heeded = trusted or not advice.dangers or advice.category is None
    given_category, given_kind = (intake_request.category, intake_request.kind) if heeded else (None, None)
    dangers = dangers_left(advice, intake_request, actor)
    unfounded = bool(advice.dangers) and not dangers  # a person says so: what the rules made of it no longer counts
    code = given_category or (advice.category if sure and not unfounded else None)
    incident = incoming.incident
    if incident is not None and incident.merges:
        code = given_category or incident.category
    category = directory.categories.get(code) if code else None
    kind = given_kind or (
        advice.kind if given_category is None or category is None or advice.kind is not Kind.REQUEST else category.kind
    )
    given_priority = intake_request.priority if trusted else None  # the public never sets "emergency"
    advised = Priority.URGENT if unfounded else advice.priority
    priority = given_priority or advised
    if given_priority is None and given_category and category is not None:
        priority = min(advised, category.priority, key=URGENCY.index)
    flags = tuple(f"danger:{d}" for d in dangers)
    origin = incoming.origin
    if origin is not None:
        flags = (*flags, split_from_flag(origin.number), *(("imported",) if "imported" in origin.flags else ()))
    if incident is not None and incident.offered:
        flags = (*flags, offered_flag(incident.code))
    if incoming.named is not None:
        flags = (*flags, names_flag(incoming.named))
    area = intake_request.area or advice.area or actor.home_area
    if actor.areas is not None and area not in actor.areas:
        area = actor.home_area
    here = is_same_place(directory, area, advice.area)
    parts = choose_parts(intake_request.address_parts, advice.location, here)
    confidential = intake_request.confidential
    if confidential is None:
        confidential = Kind.REPORT in (kind, intake_request.kind) or (category is not None and category.confidential)
    routed = choose_route(directory, code, kind, area, now, dangers)
    ticket = Ticket(
        number=number,
        status=TicketStatus.RECEIVED,
        kind=kind,
        channel=intake_request.channel,
        title=intake_request.title
        or make_title(directory, replace(advice, dangers=dangers), intake_request.narrative, intake_request.address),
        narrative=intake_request.narrative,
        created_at=origin.created_at if origin is not None else now,
        updated_at=now,
        category=code,
        priority=priority,
        caller=incoming.caller,
        phone=parsed_phone.phone,
        caller_name=intake_request.name,
        contact=intake_request.contact or parsed_phone.words,
        confidential=confidential,
        reply_wanted=intake_request.reply_wanted,
        area=area,
        address=intake_request.address,
        building=parts.building,
        unit=parts.unit,
        floor=parts.floor,
        room=parts.room,
        lat=intake_request.lat,
        lon=intake_request.lon,
        outer_system=intake_request.outer_system,
        outer_number=intake_request.outer_number,
        outer_due_at=intake_request.outer_due_at,
        promised_at=intake_request.outer_due_at,
        flags=flags,
        incident=incident.code if incident is not None and incident.belongs else None,
        created_by=origin.created_by if origin is not None else actor.id,
        advice={
            "triage": advice.as_dict(),
            "routing": routed.as_dict() if routed else None,
            "hints": _hints(intake_request),
            **({"incident": incident.as_dict()} if incident is not None else {}),
            **({"model": advice.opinion.as_dict()} if advice.opinion is not None else {}),
            **(
                {"unread": [list(field) for field in unread]}
                if (unread := unread_details(intake_request, parsed_phone))
                else {}
            ),
        },
        entries=1,
    )
    return ticket, routed


def dangers_left(advice: Advice, intake_request: IntakeRequest, actor: Actor) -> tuple[Danger, ...]:
    """The dangers that are acted on: those that the words tell of, without those that the desk found not to be
    there."""
    denied = intake_request.denied if actor.roles & DESK_ROLES else ()
    return tuple(danger for danger in advice.dangers if danger not in denied)


def unread_details(intake_request: IntakeRequest, parsed_phone: ParsedPhone) -> tuple[tuple[str, str], ...]:
    """(field, rule) of each detail that could not be taken as it was written."""
    return (*intake_request.unread, *((("caller.phone", parsed_phone.unread),) if parsed_phone.unread else ()))


def _reason(advice: Advice, by_hand: bool) -> str:
    return "chosen by the operator" if by_hand else f"confidence {advice.confidence:.2f}"


def _hints(intake_request: IntakeRequest) -> dict[str, Any]:
    hints = {
        "kind": intake_request.kind,
        "category": intake_request.category,
        "priority": intake_request.priority,
        "area": intake_request.area,
        **asdict(intake_request.address_parts),
    }
    given = {name: value for name, value in hints.items() if value is not None}
    return {**given, "form": dict(intake_request.form)} if intake_request.form else given
