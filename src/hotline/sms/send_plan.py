"""Texts to residents: recipient, wording and time; the gateway that carries them; and their delivery reports."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hotline.database.prepared import Row
from hotline.delivery import attempts, gateway_store
from hotline.delivery import store as outbox_store
from hotline.delivery.gateways import Gateway
from hotline.delivery.model import Message
from hotline.locales import bilingual, translate
from hotline.locales.labels import label_key
from hotline.organisation.model.directory import Directory, zone_of
from hotline.organisation.model.names import name_in
from hotline.organisation.model.vocabulary import Level, Metric, Priority
from hotline.sms import store as sms_store
from hotline.sms.held_texts import OUTDATED, is_nothing_new, is_outdated
from hotline.sms.model.requests import EITHER_FORM, detect_language, settle_language
from hotline.sms.model.retries import CAP_RECHECK, QUIET_RECHECK
from hotline.sms.model.status import TextStatus, TextWait
from hotline.sms.model.templates import (
    CAP_EXEMPT,
    HELD_ABOVE_CAP,
    OFFICER_TEMPLATES,
    QUIET_HOURS_EXEMPT,
    STOP_LIST_EXEMPT,
    ComposedText,
    compose_text,
    incident_template,
    is_capped,
    quiet_until,
    template_for,
    withheld_reason,
)
from hotline.sms.model.weights import (
    ERRORS_WINDOW,
    SLOW_AFTER,
    SLOW_WINDOW,
    GatewayHealth,
    GatewayWeight,
    choose_gateway,
    weight_changes,
)
from hotline.sms.settings import QuietHours
from hotline.text.numbering import TicketNumber
from hotline.text.phone_parsing import parse_phone
from hotline.text.phones import caller_id
from hotline.tickets.context import Services
from hotline.tickets.lookup import choose_final_word, format_moment, progress_fields, query_code
from hotline.tickets.model.address import ticket_parts
from hotline.tickets.model.calling import advise_in_danger
from hotline.tickets.model.dangers import dangers_of
from hotline.tickets.model.ticket import Facts, Ticket
from hotline.tickets.model.vocabulary import Action
from hotline.tickets.store import history
from hotline.triage.model.guidance import DEFAULT_SERVICES
from hotline.triage.model.places.parts import NO_PARTS, PART_NAMES

_NUMBER_WORD = re.compile(r"[0-9A-Za-z]+")
_METRICS, _LEVELS = frozenset(Metric), frozenset(Level)


@dataclass(frozen=True, slots=True)
class PlannedText:
    """One text that a message asks for. `held`: why it is not sent (stopped, capped, withheld)."""

    id: str
    number: str
    to: str
    template: str
    language: str
    content: ComposedText
    values: Mapping[str, str]
    urgent: bool
    held: TextStatus | None = None
    why: str | None = None
    waits: bool = False  # the number has had its share for now
    gateway: str | None = None  # a reply leaves by the gateway it was asked on
    known: TextStatus | None = None  # where an earlier try left it; None: this is the first
    last: str | None = None  # the gateway of that try

    @property
    def needs_sending(self) -> bool:
        """Neither held back nor handed over before."""
        return self.held is None and self.known in (None, TextStatus.CREATED)


@dataclass(frozen=True, slots=True)
class SendPlan:
    """What comes of a message now: texts to send, or the moment to look again."""

    texts: tuple[PlannedText, ...] = ()
    later: datetime | None = None
    wait: TextWait = TextWait.QUIET_HOURS


def is_sent_by_sms(message: Row) -> bool:
    """Whether a message is sent as a text. An officer without a phone number gets a notice instead."""
    officer = (
        message.kind in ("duty", "escalation")
        and message.partition.startswith("duty:")
        and bool(message.payload.get("phone"))
    )
    return message.kind in ("resident", "text") or officer


def resend(c: sa.Connection, message: str, now: datetime, *, include_sent: bool = False) -> bool:
    """Send a message once more, with all its tries, and its text with it. False: it is not one that failed."""
    if not outbox_store.requeue(c, message, now, include_sent=include_sent):
        return False
    sms_store.reset_for_resend(c, message, now)
    return True


async def plan_texts(services: Services, message: Row, facts: Facts | None, now: datetime) -> SendPlan:
    """The texts of a message. Facts are its ticket's, where it has one."""
    directory = await services.directory.now(now)
    found: list[PlannedText] = []
    if message.kind == "text":
        found = _plan_reply(directory, message)
    elif facts is not None:
        found = (
            await plan_for_residents(services, directory, message, facts)
            if message.kind == "resident"
            else _plan_for_officer(services, directory, message, facts)
        )
    if not found:
        return SendPlan()
    checked = [await _with_limits(services, text, now) for text in found]
    # who called hours ago is not awake because somebody splits the ticket now
    exempt = OFFICER_TEMPLATES if message.payload.get("split_off") else QUIET_HOURS_EXEMPT | OFFICER_TEMPLATES
    quiet = quiet_hours_end(services, directory, now)
    disturbing = [t for t in checked if t.held is None and not t.urgent and t.template not in exempt]
    if quiet is not None and disturbing:
        return SendPlan(later=min(quiet, now + QUIET_RECHECK))
    if any(text.waits for text in checked):
        return SendPlan(later=now + CAP_RECHECK, wait=TextWait.CAP)
    return SendPlan(tuple(checked))


def quiet_hours_end(services: Services, directory: Directory, now: datetime) -> datetime | None:
    """When the quiet hours that run now are over. None: they do not run."""
    hours = services.part(QuietHours)
    return quiet_until(now, zone_of(directory), hours.begin, hours.end)


async def _with_limits(services: Services, text: PlannedText, now: datetime) -> PlannedText:
    """Where it stands already, the stop list and the caps. Emergencies and officers pass the last two."""
    if text.held is not None:
        return text
    standing_row = await sms_store.load_send_checks(
        services.db, text.id, text.to, now - timedelta(minutes=10), now - timedelta(hours=24)
    )
    known = TextStatus(standing_row.status) if standing_row.status is not None else None
    text = replace(text, known=known, last=standing_row.gateway)
    if text.urgent or text.template in OFFICER_TEMPLATES:
        return text
    if text.template not in STOP_LIST_EXEMPT and standing_row.stopped:
        return replace(text, held=TextStatus.STOPPED, why="on the stop list")
    if text.template not in CAP_EXEMPT and known is None and is_capped(int(standing_row.recent), int(standing_row.day)):
        if text.template in HELD_ABOVE_CAP:
            return replace(text, waits=True)
        return replace(text, held=TextStatus.CAPPED, why="too many texts to this number")
    return text


def _plan_reply(directory: Directory, message: Row) -> list[PlannedText]:
    p = message.payload
    values = {**p.get("values", {}), **_common_values(directory, p["language"], message.number)}
    content = _compose_message(p["template"], p["language"], values)
    return [
        PlannedText(
            message.id,
            message.number,
            p["to"],
            p["template"],
            p["language"],
            content,
            values,
            False,
            gateway=p.get("gateway"),
        )
    ]


def _compose_message(template: str, language: str, values: Mapping[str, str]) -> ComposedText:
    return compose_text(translate(f"message_template.{template}", language), values)


def _common_values(directory: Directory, language: str, number: str) -> dict[str, str]:
    home = directory.home
    return {"hotline": "" if home is None else name_in(home, language), "number": number}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Whom a text is written for."""

    directory: Directory
    language: str


async def plan_for_residents(services: Services, directory: Directory, message: Row, facts: Facts) -> list[PlannedText]:
    """The caller of the ticket; or of one that was merged into it, whose own message names it."""
    action = Action(message.payload["action"])
    child = message.payload.get("child")
    if child is None:
        reader = _Reader(directory, await _language_of(services, facts.ticket))
        own = _plan_for_caller(services, message, facts, action, reader)
        if own is None or await is_nothing_new(services, message, own.template, own.to, own.number):
            return []
        return [await _unless_outdated(services, message, facts.ticket, own)]
    merged = await history.load_child(services.db, child, facts.ticket.number)
    if merged is None:
        return []
    ticket = replace(
        facts.ticket, number=TicketNumber(merged.number), phone=merged.phone, narrative=merged.narrative,
        confidential=merged.confidential, reply_wanted=merged.reply_wanted, caller=merged.caller,
    )  # fmt: skip
    about, reader = replace(facts, ticket=ticket), _Reader(directory, await _language_of(services, ticket))
    text = _plan_for_caller(services, message, about, action, reader, may_ask_rating=False)
    return [await _unless_outdated(services, message, ticket, text)] if text else []


async def _language_of(services: Services, ticket: Ticket) -> str:
    """In which language its caller is written to: that of their words, in the form of our last text to them where the
    words have no form."""
    told = detect_language(ticket.narrative)
    if told != EITHER_FORM or ticket.phone is None:
        return settle_language([told])
    caller = caller_id(ticket.phone, services.secret)
    narratives, last = await sms_store.load_thread_languages(services.db, ticket.phone, caller)
    return settle_language([told, last, *map(detect_language, narratives)])


async def _unless_outdated(services: Services, message: Row, own: Ticket, text: PlannedText) -> PlannedText:
    """A text is dropped where it became untrue. `own`: the caller's ticket, as it is written of here."""
    outdated = text.held is None and await is_outdated(services, message, text.template, own, text.to)
    return replace(text, held=TextStatus.CAPPED, why=OUTDATED) if outdated else text


async def messages_to_merged_callers(services: Services, message: Row) -> list[Message]:
    """A message for the caller of each ticket that was merged into this one: each is sent, and tried, by itself."""
    if message.kind != "resident" or not message.payload.get("merged") or message.payload.get("child") is not None:
        return []
    if message.payload["action"] in (Action.RECEIVE, Action.MERGE):
        return []
    children = await history.load_child_numbers(services.db, message.number)
    return [
        Message(
            f"{message.id}~{c.number}"[:40], "resident", TicketNumber(message.number), f"ticket:{c.number}",
            {**message.payload, "merged": 0, "child": c.number}, message.created_at,
        )
        for c in children
    ]  # fmt: skip


def _plan_for_caller(
    services: Services, message: Row, facts: Facts, action: Action, reader: _Reader, *, may_ask_rating: bool = True
) -> PlannedText | None:
    """The text of one step to one caller; None: this step needs none."""
    directory, language = reader.directory, reader.language
    ticket = facts.ticket
    # a ticket that was split off is as old as the call, not as its opening
    at_opening = message.created_at == ticket.created_at or bool(message.payload.get("split_off"))
    template = incident_template(message.payload) or template_for(
        action, ticket, at_opening=at_opening, may_ask_rating=may_ask_rating
    )
    if template is None or ticket.phone is None or ticket.caller is None:
        return None
    department = directory.departments.get(ticket.department or "")
    values = {
        **_common_values(directory, language, ticket.number),
        "code": query_code(services.secret, ticket.number),
        "department": "" if department is None else name_in(department, language),
        "promised": format_moment(directory, ticket.promised_at, language) if ticket.promised_at else "—",
        "review": format_moment(directory, ticket.review_at, language) if ticket.review_at else "—",
        "reply": choose_final_word(message.payload.get("final_word"), message.payload.get("final_word_en"), language)
        or ticket.public_reply
        or progress_fields(directory, facts, language)["status"],
        "channel": ticket.channel_told or "",
        "parent": ticket.parent or "",
        "incident": str(message.payload.get("incident") or ""),
        "reason": str(message.payload.get("reason") or translate("message_part.no_reason", language)),
    }
    if template == "reopened":
        limit = next((c.limit_at for c in facts.clocks if c.metric is Metric.RESOLVE and c.stopped_at is None), None)
        values["limit"] = format_moment(directory, limit, language) if limit else "—"
    if template == "emergency":
        values |= _danger_values(directory, ticket, message.created_at, language)
    if template == "info":
        due = next((c.due_at for c in facts.clocks if c.metric is Metric.INFO), None)
        values["until"] = format_moment(directory, due, language) if due else "—"
    content = _compose_message(template, language, values)
    urgent, why = ticket.priority is Priority.EMERGENCY, withheld_reason(ticket)
    if ticket.confidential:
        content = replace(content, body="")
    held = TextStatus.WITHHELD if why is not None else None
    return PlannedText(message.id, ticket.number, ticket.phone, template, language, content, values, urgent, held, why)


def _danger_values(directory: Directory, ticket: Ticket, now: datetime, language: str) -> dict[str, str]:
    """What to do in each danger of a ticket, and whom to call; the three emergency numbers where none is named."""
    advice = advise_in_danger(directory, dangers_of(ticket), ticket.area, now)
    numbers = [each.phone for each in advice.numbers] or [*DEFAULT_SERVICES]
    gap = " " if language == "en" else ""
    do = gap.join(translate(f"danger_do.{danger}", language) for danger in advice.dangers)
    return {"numbers": "/".join(numbers), "do": do}


def _normalized_phone(services: Services, raw: str) -> str:
    return parse_phone(raw, services.region, services.area_code).phone or raw


def _plan_for_officer(services: Services, directory: Directory, message: Row, facts: Facts) -> list[PlannedText]:
    """To the duty officer: what and where, never who called."""
    ticket, payload = facts.ticket, message.payload
    if not payload.get("phone"):
        return []
    language = "zh"
    category = directory.categories.get(ticket.category or "")
    area = directory.areas.get(ticket.area or "")
    values = {
        **_common_values(directory, language, ticket.number),
        "priority": translate(label_key(ticket.priority), language),
        "task": category.name if category else translate("message_part.no_category", language),
        "place": _place_words(ticket, area.name if area else "", language),
    }
    if message.kind == "escalation":
        values |= {
            "metric": translate(f"metric.{payload['metric']}", language) if payload.get("metric") in _METRICS else "",
            "colour": translate(f"level.{payload['colour']}", language) if payload.get("colour") in _LEVELS else "",
            "limit": _format_time(directory, payload.get("limit_at"), language),
        }
    content = _compose_message(message.kind, language, values)
    return [
        PlannedText(
            message.id,
            ticket.number,
            _normalized_phone(services, str(payload["phone"])),
            message.kind,
            language,
            content,
            values,
            ticket.priority is Priority.EMERGENCY,
        )
    ]


def _place_words(ticket: Ticket, area: str, language: str) -> str:
    """Where the matter is. Of a confidential one only the area; a part that stands in the area's name or in the address
    is not told twice."""
    address = "" if ticket.confidential else ticket.address or ""
    parts = NO_PARTS if ticket.confidential else ticket_parts(ticket)
    told = _NUMBER_WORD.findall(f"{area} {address}")
    missing = [(name, value) for name in PART_NAMES if (value := getattr(parts, name)) and value not in told]
    words = "".join(translate(f"address.{name}", language, n=value) for name, value in missing)
    return f"{area}{words}{address}" or translate("message_part.no_place", language)


def _format_time(directory: Directory, moment: Any, language: str) -> str:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return format_moment(directory, moment, language) if moment else "—"


def new_text_row(text: PlannedText, now: datetime) -> dict[str, Any]:
    """A text's row before its first try."""
    return {
        "id": text.id, "number": text.number, "receiver": text.to[:20], "template": text.template,
        "language": text.language, "body": text.content.body, "parts": text.content.parts,
        "status": text.held or TextStatus.CREATED, "status_at": now, "created_at": now, "sent_at": None,
        "gateway": None, "line": None, "provider_id": None, "attempts": 0, "error": text.why,
    }  # fmt: skip


def pick_gateway(senders: Sequence[Gateway], text: PlannedText, attempt: int) -> Gateway | None:
    """The gateway for this try: the one the resident wrote to, else by weight, not the one that failed just now. Which
    it is follows from the text and the try, as evenly as a die."""
    by_name = {g.name: g for g in senders}
    if text.gateway in by_name and text.gateway != text.last:
        return by_name[text.gateway]
    shares = [GatewayWeight(g.name, g.weight, g.resting, g.shifted_at) for g in senders]
    roll = int.from_bytes(hashlib.sha256(f"{text.id} {attempt}".encode()).digest()[:6]) / 2**48
    name = choose_gateway(shares, roll, [text.last] if text.last else [])
    return by_name.get(name or "")


async def shift_weights(services: Services, now: datetime) -> dict[str, int]:
    """Move weight away from what fails or is slow, and back; the new weights."""
    if len(await services.gateways.sms_senders(now)) < 2:
        return {}
    tried = await attempts.load_attempt_counts(services.db, now - ERRORS_WINDOW)
    sent = await sms_store.load_delivery_counts(services.db, now - SLOW_WINDOW, now - SLOW_AFTER)
    nothing = (0, 0)
    counts = {r.way: (int(r.tries), int(r.errors or 0)) for r in tried}
    # a gateway that never reports is not slow: nothing is known of it
    slowly = {r.way: (int(r.texts), int(r.slow or 0) if r.reported else 0) for r in sent}
    health = {
        name: GatewayHealth(*counts.get(name, nothing), *slowly.get(name, nothing))
        for name in counts.keys() | slowly.keys()
    }

    def shift(c: sa.Connection) -> dict[str, int]:
        shares = [
            GatewayWeight(r.name, r.weight, r.resting, r.shifted_at) for r in gateway_store.lock_sending_gateways(c)
        ]
        moved = weight_changes(shares, health, now)
        for name, weight in moved.items():
            gateway_store.update_gateway(c, name, {"weight": weight, "shifted_at": now})
        return moved

    changed_weights = await services.db.transact(shift)
    if changed_weights:
        services.gateways.forget()
    return changed_weights


def apply_report(c: sa.Connection, row: Row, now: datetime) -> tuple[bool, Message | None]:
    """Apply a delivery report. Returns whether its text is known, and an alarm for operators."""
    details = row.details
    text = sms_store.load_reported_text(c, row.gateway, details.get("reference"), details.get("provider_id"))
    if text is None:
        return False, None
    at = (
        datetime.fromisoformat(details["at"]) if details.get("at") else row.received_at
    )  # without a time of theirs: when it came
    status = TextStatus(details["status"]) if details.get("status") else TextStatus.TECHNICAL_FAILURE
    moved = sms_store.advance_status(c, text.id, status, min(at, now), {"provider_id": details.get("provider_id")})
    if details.get("status") is None and moved:
        payload = bilingual("alarm.unknown_report", gateway=row.gateway, word=details.get("word", "")[:40])
        return True, Message(f"al.{row.id}", "alarm", TicketNumber(text.number), "role:operator", payload, now)
    return True, None
