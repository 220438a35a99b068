"""Calls taken while the database is unavailable: spooled under a reference, and taken in afterwards."""

import hmac
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import structlog

from hotline.database.identifiers import new_reference
from hotline.inbound import store as inbound_store
from hotline.inbound.model import InboundKind, InboundStatus
from hotline.inbound.outcome import LATER
from hotline.inbound.spool_drain import SpoolHandler
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.scopes import scope_of
from hotline.organisation.model.vocabulary import Channel, Danger, Kind, Priority
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Refused
from hotline.server_secret import lookup_key
from hotline.text.numbering import parse_number
from hotline.tickets.context import Services
from hotline.tickets.intake import RenderReply, take_call
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.model.ticket import Call, Facts
from hotline.tickets.model.vocabulary import Action, Field, TicketStatus
from hotline.triage.model.places.parts import NO_PARTS, AddressParts
from hotline.value_objects import replace
from hotline.web.idempotency import RequestKey

log = structlog.get_logger("hotline.spool")


async def spool_request(
    services: Services, intake_request: IntakeRequest, request: WriteRequest, voice_call: str | None = None
) -> str:
    """Keep a call for later; the reference it can be found by. `voice_call`: the one on the exchange it came by. Raises
    Refused where there is no room."""
    if services.spool is None:
        raise TypeError("there is no spool")
    actor, key, now = request.actor, request.key, request.now
    reference_id = new_reference(now)
    if key.keep_body:  # a key of the client's own: a repeat is told the same
        reference_id = str(
            UUID(bytes=hmac.digest(lookup_key(services.secret), f"spool {key.owner} {key.key}".encode(), "sha256")[:16])
        )
    record = {
        "kind": "call", "reference": reference_id, "at": now.isoformat(), "taken": intake_to_record(intake_request),
        "asked": asdict(key),
        "voice_call": voice_call,
        "actor": {
            "kind": actor.kind, "id": actor.id, "name": actor.name, "roles": sorted(actor.roles),
            "departments": sorted(actor.departments), "areas": sorted(actor.areas) if actor.areas is not None else None,
            "home_area": actor.home_area, "contractor": actor.contractor,
        },
    }  # fmt: skip
    await services.spool.append(record, now)
    return reference_id


async def drain_spooled_intake(services: Services, record: Mapping[str, Any]) -> None:
    """Take a spooled call in, at the moment it was taken. One that is refused now is shown to operators. Raises Refused
    only for what another try can mend."""
    at = datetime.fromisoformat(record["at"])
    a = record["actor"]
    actor = Actor(
        ActorKind(a["kind"]), a["id"], a["name"], frozenset(map(Role, a["roles"])), frozenset(a["departments"]),
        frozenset(a["areas"]) if a["areas"] is not None else None, a["home_area"], a["contractor"],
    )  # fmt: skip
    number, why = None, None
    taking, voice_call = parse_intake_record(record["taken"]), record.get("voice_call")
    try:
        if voice_call is not None and taking.phone is None:
            taking = replace(taking, phone=await services.exchange.number_of(voice_call, scope_of(actor)))
        request = WriteRequest(actor, RequestKey(**record["asked"]), at)
        done = await take_call(services, taking, request, _spooled_renderer(record["reference"]))
        number = done.number or parse_answer_number(done.answer.body)
    except Refused as refused:
        if refused.refusal.code in LATER:
            raise
        why = f"refused when the database was back: {refused.refusal.detail}"
        log.warning("spool.record_refused", why=refused.refusal.code)
    intake_request = record["taken"]
    row = {
        "id": record["reference"], "gateway": "spool", "kind": InboundKind.BODY, "key": record["reference"],
        "sender": (intake_request.get("phone") or "")[:60] or None, "receiver": None,
        "text": intake_request["narrative"], "raw": "",
        "details": {}, "sent_at": None,
        "received_at": at, "urgent": False, "partition": record["reference"],
        "status": InboundStatus.ODD if why else InboundStatus.DONE, "effect": None if why else "opened",
        "number": number, "why": why, "attempts": 1, "next_at": at, "lease_until": None,
        "lease_token": None, "handled_by": None,
    }  # fmt: skip
    await services.db.transact(lambda c: inbound_store.insert_items(c, [row]))
    if voice_call is not None and number is not None:
        try:
            await services.exchange.link(voice_call, number, scope_of(actor))
        except Refused as refused:
            if refused.refusal.code in LATER:
                raise


SPOOLED: Mapping[str, SpoolHandler[Services]] = {"call": drain_spooled_intake}


def parse_answer_number(body: str) -> str | None:
    """The ticket in an answer given before, when the outcome was unknown: the whole reply, or the number alone."""
    try:
        known: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        known = None
    ticket = known.get("ticket") if isinstance(known, dict) else None
    number = parse_number(str(ticket.get("number") if isinstance(ticket, dict) else body))
    return str(number) if number is not None else None


def intake_to_record(intake_request: IntakeRequest) -> dict[str, Any]:
    """What was taken down as plain data."""
    words: dict[str, Any] = orjson.loads(orjson.dumps(asdict(intake_request), option=orjson.OPT_NON_STR_KEYS))
    if intake_request.address_parts == NO_PARTS:
        del words["address_parts"]  # code from before it reads the record as well
    for name in ("notes", "denied", "by_caller"):
        if not words[name]:
            del words[name]
    return words


def parse_intake_record(data: Mapping[str, Any]) -> IntakeRequest:
    """The same, read again."""
    words: dict[str, Any] = dict(data)
    for name, kind in (("channel", Channel), ("kind", Kind), ("priority", Priority), ("at_once", Action)):
        words[name] = kind(words[name]) if words.get(name) is not None else None
    if words.get("outer_due_at"):
        words["outer_due_at"] = datetime.fromisoformat(words["outer_due_at"])
    words["address_parts"] = AddressParts(**(words.get("address_parts") or {}))
    words["unread"] = tuple((field, rule) for field, rule in words.get("unread") or ())
    words["notes"] = tuple(words.get("notes") or ())
    words["denied"] = tuple(map(Danger, words.get("denied") or ()))
    words["at_once_fields"] = {Field(k): v for k, v in (words.get("at_once_fields") or {}).items()}
    return IntakeRequest(**words)


@dataclass(frozen=True, slots=True)
class SpooledCall:
    id: str
    number: str


@dataclass(frozen=True, slots=True)
class SpooledTicket:
    number: str
    status: TicketStatus
    version: int


@dataclass(frozen=True, slots=True)
class BroughtIn:
    """The answer to a repeated key once a spooled call is in the database: its call and ticket. `spooled`: the
    reference given before."""

    spooled: str
    call: SpooledCall
    ticket: SpooledTicket


def _spooled_renderer(reference_id: str) -> RenderReply:
    def show(facts: Facts, call: Call, *_: Any) -> str:
        ticket = SpooledTicket(facts.ticket.number, facts.ticket.status, facts.ticket.version)
        return orjson.dumps(BroughtIn(reference_id, SpooledCall(call.id, call.number), ticket)).decode()

    return show
