"""Reports and updates of Open311 clients: checked against the service's own questions, taken in by the same intake,
once for the sender's own number."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hotline.database.identifiers import new_reference
from hotline.database.prepared import Row
from hotline.delivery.gateways import Gateway
from hotline.delivery.payloads import clean_text, item_key, parse_local_time
from hotline.inbound import store as inbound_store
from hotline.inbound.model import Effect, InboundKind, InboundStatus
from hotline.inbound.outcome import InboundOutcome, needs_review
from hotline.inbound.rows import blank_row
from hotline.open311 import store as open311_store
from hotline.open311.model import PublicView, published_choices
from hotline.organisation.model.actors import Actor, ActorKind, Role
from hotline.organisation.model.directory import Directory
from hotline.organisation.model.items import Attribute, Category
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.model.vocabulary import AttributeType, Channel, Intake
from hotline.organisation.write_request import WriteRequest
from hotline.refusals import Code, Refusal, Refused
from hotline.text.numbering import parse_number
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.attachments import NewFile, attach
from hotline.tickets.context import Services
from hotline.tickets.intake import DUPLICATE_OUTER_ORDER, number_shown, take_call
from hotline.tickets.model.intake import IntakeRequest
from hotline.tickets.model.vocabulary import OPEN, TicketStatus
from hotline.tickets.spool_intake import intake_to_record, parse_intake_record
from hotline.tickets.store import facts as ticket_facts
from hotline.web.idempotency import RequestKey

LONGEST = 4000
UNKNOWN_SERVICE = Refusal(Code.NOT_FOUND, "service_code: no such service")
UNKNOWN_REQUEST = Refusal(Code.NOT_FOUND, "service_request_id: no such request")
EARLIER = timedelta(minutes=10)  # how far a client's clock may be behind ours
FMS = "fixmystreet_id"
_DEGREES = re.compile(r"[+-]?(\d{1,3}(\.\d*)?|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)
_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Open311Form:
    """What a client sent: single fields, and attributes with all their values."""

    fields: Mapping[str, str]
    attributes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    media_urls: Sequence[str] = ()

    def get(self, name: str) -> str | None:
        """A field that is there and not empty: an empty one is as good as none."""
        return self.fields.get(name) or None


def offered_categories(directory: Directory) -> list[Category]:
    """The services: every category that is in use and not confidential. Always all of them."""
    return [c for c in directory.categories.values() if c.active and not c.confidential]


def find_service(directory: Directory, code: str) -> Category:
    """Raises Refused where it is not offered."""
    found = directory.categories.get(code)
    if found is None or not found.active or found.confidential:
        raise Refused(UNKNOWN_SERVICE)
    return found


@dataclass(frozen=True, slots=True)
class ReportResult:
    """What a report was answered: a number, a token, or neither. `new`: it was not known before."""

    intake: Intake
    number: str | None = None
    token: str | None = None
    new: bool = True


async def submit_report(
    services: Services, form: Open311Form, files: Sequence[NewFile], actor: Actor, now: datetime
) -> ReportResult:
    """Take a report in. Raises Refused with every field that is wrong."""
    directory = await services.directory.now(now)
    field_errors: list[tuple[str, str]] = []
    code = form.get("service_code")
    if code is None:
        raise Refused(_invalid_refusal([("service_code", "required")]))
    category = find_service(directory, code)
    intake_request = _parse_report(services, category, form, field_errors)
    if field_errors:
        raise Refused(_invalid_refusal(field_errors))
    client_number = form.get("client_request_id") or next(iter(form.attributes.get(FMS, ())), None) or None
    if client_number:  # the sender's own number is the sender's for good, not for as long as an answer is kept
        sender = f"open311:{hashlib.sha256(actor.id.encode()).hexdigest()[:30]}"
        intake_request = replace(intake_request, outer_system=sender, outer_number=item_key(client_number))
    if category.intake is Intake.BATCH:
        token = await _defer_report(services, intake_request, client_number, actor, now)
        return ReportResult(Intake.BATCH, token=token)
    number, new = await _take_in_report(services, intake_request, client_number or new_reference(now), actor, now)
    if new:
        await _attach(services, number, files, client_number or number, actor, now)
    return ReportResult(category.intake, number=number, new=new)


async def _take_in_report(
    services: Services, intake_request: IntakeRequest, client_number: str, actor: Actor, now: datetime
) -> tuple[str, bool]:
    key = RequestKey(f"{actor.kind}:{actor.id}", item_key("open311", client_number), "open311")
    try:
        done = await take_call(services, intake_request, WriteRequest(actor, key, now), number_shown)
    except Refused as refused:
        if refused.refusal is not DUPLICATE_OUTER_ORDER:
            raise
        known = await ticket_facts.load_number_by_outer(
            services.db, intake_request.outer_system or "", intake_request.outer_number or ""
        )
        if known is None:
            raise
        return known, False
    return done.answer.body, not done.replayed


async def _attach(
    services: Services,
    number: str,
    files: Sequence[NewFile],
    client_number: str,
    actor: Actor,
    now: datetime,
) -> None:
    for place, file in enumerate(files):
        key = RequestKey(f"{actor.kind}:{actor.id}", item_key("open311 file", client_number, place), "open311")
        request = WriteRequest(actor, key, now, SYSTEM_SCOPE)
        await attach(services, number, file, request, lambda made: str(made.id))


async def _defer_report(
    services: Services, intake_request: IntakeRequest, client_number: str | None, actor: Actor, now: datetime
) -> str:
    """Keep a report of a batch service for the worker; its token. The same for the sender's same number."""
    name = new_reference(now)
    gateway, key = f"open311:{actor.id}"[:60], item_key(client_number or name)
    details = {"taken": intake_to_record(intake_request), "actor": actor.id, "name": actor.name,
    "home_area": actor.home_area,
               "areas": sorted(actor.areas) if actor.areas is not None else None}  # fmt: skip
    row = {
        **blank_row(gateway, now), "id": name, "kind": InboundKind.REQUEST, "key": key,
        "text": intake_request.narrative, "details": details, "partition": f"request {name}",
    }  # fmt: skip
    await services.inbox.save_to_database([row])
    found = await inbound_store.load_item_by_key(services.db, gateway, InboundKind.REQUEST, key)
    return str(found.id) if found is not None else name


def _parse_report(
    services: Services, category: Category, form: Open311Form, field_errors: list[tuple[str, str]]
) -> IntakeRequest:
    """The report as intake takes it; what is wrong is added to `field_errors`."""
    lat, lon = _degrees(form, "lat", 90, field_errors), _degrees(form, "long", 180, field_errors)
    given = {name for name in ("lat", "long") if form.get(name)}
    if len(given) == 1:
        missing = "long" if "lat" in given else "lat"
        field_errors.append((missing, "lat and long belong together"))
    address = form.get("address_string")
    address_id = form.get("address_id")
    if not given and not address and not address_id:
        field_errors.append(
            ("lat, long, address_string, address_id", "say where: lat and long, address_string or address_id")
        )
    description = clean_text(form.get("description") or "").strip()
    if len(description) > LONGEST:
        field_errors.append(("description", f"at most {LONGEST} characters"))
    attributes = _attributes(category, form, field_errors)
    name = " ".join(n for n in (form.get("first_name"), form.get("last_name")) if n and n != "-")[:120] or None
    phone = form.get("phone")
    contact = form.get("email")
    who = parse_phone(phone, services.region, services.area_code)
    if who.words:  # no reason to lose a report
        contact = " ".join(c for c in (contact, who.words) if c)
    report_fields = {
        "attributes": attributes, "media_urls": [m[:500] for m in form.media_urls if m][:20],
        "account_id": form.get("account_id"), "device_id": form.get("device_id") or form.get("deviceid"),
        "address_id": address_id,
        # the public sees what the public sent: what operators make of it may hold what a caller said on the phone
        "description": description, "address": _line(address), "lat": lat, "long": lon,
    }  # fmt: skip
    return IntakeRequest(
        Channel.WEB, description or category.name, phone=phone, name=_line(name),
        contact=_line(contact), address=_line(address), lat=lat, lon=lon, category=category.code,
        form={"source": "open311", **{k: v for k, v in report_fields.items() if v or v == 0}},
    )  # fmt: skip


def _line(text: str | None) -> str | None:
    if text is None:
        return None
    return " ".join("".join(c if c.isprintable() else " " for c in clean_text(text[:LONGEST])).split())[:120] or None


def _degrees(form: Open311Form, name: str, most: int, field_errors: list[tuple[str, str]]) -> float | None:
    text = form.get(name)
    if text is None:
        return None
    value = float(text) if _DEGREES.fullmatch(text.strip()) else math.nan
    if not math.isfinite(value) or abs(value) > most:
        field_errors.append((name, f"a number from -{most} to {most} (WGS84)"))
        return None
    return value


def _attributes(category: Category, form: Open311Form, field_errors: list[tuple[str, str]]) -> dict[str, Any]:
    """The answers to what the service asks; answers to other questions are kept too."""
    found: dict[str, Any] = {}
    questions = {a.code: a for a in category.attributes if a.variable}
    for code, attribute in questions.items():
        values = [v for v in form.attributes.get(code, ()) if v != ""]
        if not values:
            if attribute.required:
                field_errors.append((f"attribute[{code}]", f"{code} is required"))
            continue
        fault = _fault(attribute, values)
        if fault:
            field_errors.append((f"attribute[{code}]", f"{code}: {fault}"))
        found[code] = values if attribute.datatype is AttributeType.MULTI else values[0]
    for code, given in form.attributes.items():
        if code not in questions and any(given):
            found[code[:80]] = [clean_text(v)[:1000] for v in given] if len(given) > 1 else clean_text(given[0])[:1000]
    return dict(list(found.items())[:100])


def _fault(attribute: Attribute, values: Sequence[str]) -> str | None:
    kind = attribute.datatype
    if kind is not AttributeType.MULTI and len(values) > 1:
        return "one value"
    if kind in (AttributeType.SINGLE, AttributeType.MULTI):
        keys = {v.key for v in attribute.values}
        return None if set(values) <= keys else "one of " + ", ".join(sorted(keys))
    if any(len(v) > LONGEST for v in values):
        return f"at most {LONGEST} characters"
    if kind is AttributeType.NUMBER:
        try:
            return None if math.isfinite(float(values[0])) else "a number"
        except ValueError:
            return "a number"
    if kind is AttributeType.DATETIME:
        try:
            parse_local_time(values[0], _UTC)
        except ValueError:
            return "a date-time, as 2026-11-25T08:00:00+08:00"
    return None


def _invalid_refusal(field_errors: Sequence[tuple[str, str]]) -> Refusal:
    return Refusal(Code.INVALID, "the request is not right", errors=tuple(field_errors))


async def submit_update(
    services: Services, form: Open311Form, files: Sequence[NewFile], actor: Actor, now: datetime
) -> str:
    """Keep what a client says of a request, once for its own number; the id it is kept under. Never a step by itself:
    its pictures are put to the request. Raises Refused."""
    field_errors = [(name, "required") for name in ("service_request_id", "update_id") if form.get(name) is None]
    if field_errors:
        raise Refused(_invalid_refusal(field_errors))
    updated = form.get("updated_datetime")
    if updated is not None and parse_w3c_moment(updated) is None:
        field_errors.append(("updated_datetime", "a date-time with zone, as 2026-11-25T08:00:00Z"))
    text = clean_text(form.get("description") or "").strip()
    if len(text) > LONGEST:
        field_errors.append(("description", f"at most {LONGEST} characters"))
    if field_errors:
        raise Refused(_invalid_refusal(field_errors))
    number = parse_number(form.get("service_request_id") or "")
    view = PublicView(published_choices(await services.directory.now(now)), actor.id)
    rows = await open311_store.load_requests_by_number(services.db, view, [number]) if number else []
    if not rows or number is None:
        raise Refused(UNKNOWN_REQUEST)
    word = _line(form.get("status")) or ""
    gateway, key = f"open311:{actor.id}"[:60], item_key(number, form.get("update_id"))
    details = {"word": word[:40], "at": updated, "number": number, "actor": actor.id, "name": actor.name,
               "media_urls": [m[:500] for m in form.media_urls if m][:20]}  # fmt: skip
    row = {
        **blank_row(gateway, now), "kind": InboundKind.UPDATE, "key": key, "text": text, "details": details,
        "partition": f"update {number}",
    }  # fmt: skip
    await services.inbox.save_to_database([row])
    kept = await inbound_store.load_item_by_key(services.db, gateway, InboundKind.UPDATE, key)
    await _attach(services, number, files, f"update {key}", actor, now)
    return str(kept.id) if kept is not None else str(row["id"])


def _client(row: Row) -> Actor:
    d = row.details
    areas = frozenset(d["areas"]) if d.get("areas") is not None else None
    return Actor(
        ActorKind.KEY, d["actor"], d["name"], frozenset({Role.GATEWAY}), areas=areas, home_area=d.get("home_area")
    )


async def process_inbound_update(
    services: Services, row: Row, gateway: Gateway | None, now: datetime
) -> InboundOutcome:
    """An update is a contact of an open ticket; of any other it waits for review."""
    number, word = row.details["number"], row.details.get("word") or ""
    facts = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, number)
    if facts is None or facts.ticket.status not in OPEN:
        state = facts.ticket.status if facts else TicketStatus.VOID
        return needs_review(f"an update ({word or 'no word'}) on a {state} ticket", number)
    updated_at = parse_w3c_moment(row.details.get("at") or "")
    if updated_at is not None and updated_at < facts.ticket.created_at - EARLIER:
        return needs_review(f"an update ({word or 'no word'}) older than the request", number)
    words = [f"[{word}]" if word else "", row.text.strip(), *(row.details.get("media_urls") or ())]
    text = " ".join(w for w in words if w)
    intake_request = IntakeRequest(Channel.WEB, text or "…", attach_to=number)
    key = RequestKey(f"gateway:{row.gateway}"[:60], f"in.{row.id}", "inbound")
    try:
        done = await take_call(
            services, intake_request, WriteRequest(_client(row), key, now, SYSTEM_SCOPE), lambda *_: ""
        )
    except Refused as refused:
        if refused.refusal.code in (Code.NOT_NOW, Code.INVALID):
            return needs_review(f"an update ({word or 'no word'}) that came too late", number)
        raise
    return InboundOutcome(InboundStatus.DONE, Effect.JOINED, done.number or number)


async def process_inbound_request(
    services: Services, row: Row, gateway: Gateway | None, now: datetime
) -> InboundOutcome:
    """A report of a batch service becomes its ticket."""
    intake_request = parse_intake_record(row.details["taken"])
    key = RequestKey(f"gateway:{row.gateway}"[:60], f"in.{row.id}", "inbound")
    try:
        done = await take_call(services, intake_request, WriteRequest(_client(row), key, now), number_shown)
    except Refused as refused:
        if refused.refusal is DUPLICATE_OUTER_ORDER:
            known = await ticket_facts.load_number_by_outer(
                services.db, intake_request.outer_system or "", intake_request.outer_number or ""
            )
            return InboundOutcome(InboundStatus.DONE, Effect.OPENED, known)
        if refused.refusal.code is not Code.INVALID:
            raise
        return needs_review(f"refused: {refused.refusal.detail}")
    return InboundOutcome(InboundStatus.DONE, Effect.OPENED, done.answer.body)


def parse_w3c_moment(text: str) -> datetime | None:
    """A date-time with zone; a blank stands for the plus that a query lost. None: it is none."""
    words = text.strip()
    if len(words) > 6 and words[-6] == " " and words[-3] == ":":
        words = f"{words[:-6]}+{words[-5:]}"
    try:
        moment = datetime.fromisoformat(words)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and "T" in words.upper() and 1900 < moment.year < 2200 else None
