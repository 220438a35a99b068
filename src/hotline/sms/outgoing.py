"""Texts of ours: to whom, in which words, whether now; by which gateway; and what its reports say afterwards."""

import hashlib
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
from hotline.locales import bilingual, text
from hotline.locales.labels import key_of
from hotline.organisation.model.directory import Directory, zone_of
from hotline.organisation.model.vocabulary import Level, Metric, Priority
from hotline.sms import store as sms_store
from hotline.sms.model.requests import language_of
from hotline.sms.model.status import TextStatus
from hotline.sms.model.templates import (
    ALWAYS,
    AT_ONCE,
    TO_OFFICERS,
    UNCAPPED,
    ComposedText,
    is_capped,
    quiet_until,
    template_for,
    withheld,
    written,
)
from hotline.sms.model.weights import (
    ERRORS_WINDOW,
    SLOW,
    SLOW_WINDOW,
    GatewayHealth,
    GatewayWeight,
    chosen,
    shifted,
)
from hotline.sms.settings import QuietHours
from hotline.text.numbering import Number
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.context import Services
from hotline.tickets.lookup import progress_of, query_code, said_time
from hotline.tickets.model.ticket import Facts
from hotline.tickets.model.vocabulary import Action
from hotline.tickets.store import history

LOOK_AGAIN = timedelta(minutes=15)  # in quiet hours: a matter may have become an emergency since
_METRICS, _LEVELS = frozenset(Metric), frozenset(Level)
PARKED = timedelta(hours=24)  # how long a report waits for the text it speaks of


@dataclass(frozen=True, slots=True)
class PlannedText:
    """One text that a message asks for. `held`: why it is not sent (stopped, capped, withheld)."""

    id: str
    number: str
    to: str
    template: str
    language: str
    letter: ComposedText
    values: Mapping[str, str]
    urgent: bool
    held: TextStatus | None = None
    why: str | None = None
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


def speaks_by_text(m: Row) -> bool:
    """Whether a message is a text's matter at all. An officer without a phone number is told otherwise."""
    officer = m.kind in ("duty", "escalation") and m.partition.startswith("duty:") and bool(m.payload.get("phone"))
    return m.kind in ("resident", "text") or officer


def send_again(c: sa.Connection, message: str, now: datetime, *, sent_too: bool = False) -> bool:
    """Send a message once more, with all its tries, and its text with it. False: it is not one that failed."""
    if not outbox_store.requeue(c, message, now, sent_too=sent_too):
        return False
    sms_store.reopen(c, message, now)
    return True


async def planned(services: Services, m: Row, facts: Facts | None, now: datetime) -> SendPlan:
    """The texts of a message. Facts are its ticket's, where it has one."""
    directory = await services.directory.now(now)
    found: list[PlannedText] = []
    if m.kind == "text":
        found = _reply(directory, m)
    elif facts is not None:
        found = (
            await _to_residents(services, directory, m, facts)
            if m.kind == "resident"
            else _to_officer(services, directory, m, facts)
        )
    if not found:
        return SendPlan()
    checked = [await _checked(services, text, now) for text in found]
    hours = services.part(QuietHours)
    quiet = quiet_until(now, zone_of(directory), hours.begin, hours.end)
    disturbing = [t for t in checked if t.held is None and not t.urgent and t.template not in AT_ONCE | TO_OFFICERS]
    if quiet is not None and disturbing:
        return SendPlan(later=min(quiet, now + LOOK_AGAIN))
    return SendPlan(tuple(checked))


async def _checked(services: Services, text: PlannedText, now: datetime) -> PlannedText:
    """Where it stands already, the stop list and the caps. Emergencies and officers pass the last two."""
    if text.held is not None:
        return text
    found = await sms_store.standing(
        services.db, text.id, text.to, now - timedelta(minutes=10), now - timedelta(hours=24)
    )
    known = TextStatus(found.status) if found.status is not None else None
    text = replace(text, known=known, last=found.gateway)
    if text.urgent or text.template in TO_OFFICERS:
        return text
    if text.template not in ALWAYS and found.stopped:
        return replace(text, held=TextStatus.STOPPED, why="on the stop list")
    if text.template not in UNCAPPED and known is None and is_capped(int(found.lately), int(found.day)):
        return replace(text, held=TextStatus.CAPPED, why="too many texts to this number")
    return text


def _reply(directory: Directory, m: Row) -> list[PlannedText]:
    p = m.payload
    values = {**p.get("values", {}), **_common(directory, p["language"], m.number)}
    letter = _letter(p["template"], p["language"], values)
    return [
        PlannedText(
            m.id, m.number, p["to"], p["template"], p["language"], letter, values, False, gateway=p.get("gateway")
        )
    ]


def _letter(template: str, language: str, values: Mapping[str, str]) -> ComposedText:
    return written(text(f"letter.{template}", language), values)


def _common(directory: Directory, language: str, number: str) -> dict[str, str]:
    home = directory.home
    name = "" if home is None else home.name if language == "zh" else home.name_en
    return {"hotline": name, "number": number}


async def _to_residents(services: Services, directory: Directory, m: Row, facts: Facts) -> list[PlannedText]:
    """The caller of the ticket; or of one that was merged into it, whose own message names it."""
    action = Action(m.payload["action"])
    child = m.payload.get("child")
    if child is None:
        own = _to_resident(services, directory, m, facts, action)
        return [own] if own else []
    merged = await history.a_child(services.db, child, facts.ticket.number)
    if merged is None:
        return []
    ticket = replace(
        facts.ticket, number=Number(merged.number), phone=merged.phone, narrative=merged.narrative,
        confidential=merged.confidential, reply_wanted=merged.reply_wanted, caller=merged.caller,
    )  # fmt: skip
    text = _to_resident(services, directory, m, replace(facts, ticket=ticket), action, asks=False)
    return [text] if text else []


async def spread_over_callers(services: Services, m: Row) -> list[Message]:
    """A message for the caller of each ticket that was merged into this one: each is sent, and tried, by itself."""
    if m.kind != "resident" or not m.payload.get("merged") or m.payload.get("child") is not None:
        return []
    if m.payload["action"] in (Action.RECEIVE, Action.MERGE):
        return []
    children = await history.children_of(services.db, m.number)
    return [
        Message(
            f"{m.id}~{c.number}"[:40], "resident", Number(m.number), f"ticket:{c.number}",
            {**m.payload, "merged": 0, "child": c.number}, m.created_at,
        )
        for c in children
    ]  # fmt: skip


def _to_resident(
    services: Services, directory: Directory, m: Row, facts: Facts, action: Action, *, asks: bool = True
) -> PlannedText | None:
    """The text of one step to one caller; None: this step needs none."""
    ticket = facts.ticket
    template = template_for(action, ticket, begun=m.created_at == ticket.created_at, asks=asks)
    if template is None or ticket.phone is None or ticket.caller is None:
        return None
    language = language_of(ticket.narrative) or "zh"
    place = 0 if language == "zh" else 1
    department = directory.departments.get(ticket.department or "")
    values = {
        **_common(directory, language, ticket.number),
        "code": query_code(services.secret, ticket.number),
        "department": "" if department is None else (department.name, department.name_en)[place],
        "promised": said_time(directory, ticket.promised_at, language) if ticket.promised_at else "—",
        "review": said_time(directory, ticket.review_at, language) if ticket.review_at else "—",
        "reply": ticket.public_reply or progress_of(directory, facts, language)["status"],
        "channel": ticket.channel_told or "",
        "parent": ticket.parent or "",
        "reason": str(m.payload.get("reason") or text("letter_part.no_reason", language)),
    }
    if template == "info":
        due = next((c.due_at for c in facts.clocks if c.metric is Metric.INFO), None)
        values["until"] = said_time(directory, due, language) if due else "—"
    letter = _letter(template, language, values)
    urgent, why = ticket.priority is Priority.EMERGENCY, withheld(ticket)
    if ticket.confidential:
        letter = replace(letter, body="")
    held = TextStatus.WITHHELD if why is not None else None
    return PlannedText(m.id, ticket.number, ticket.phone, template, language, letter, values, urgent, held, why)


def _phone(services: Services, raw: str) -> str:
    return parse_phone(raw, services.region, services.area_code).phone or raw


def _to_officer(services: Services, directory: Directory, m: Row, facts: Facts) -> list[PlannedText]:
    """To whoever is on duty: what and where, never who called."""
    ticket, payload = facts.ticket, m.payload
    if not payload.get("phone"):
        return []
    language = "zh"
    category = directory.categories.get(ticket.category or "")
    area = directory.areas.get(ticket.area or "")
    address = "" if ticket.confidential else ticket.address or ""
    values = {
        **_common(directory, language, ticket.number),
        "priority": text(key_of(ticket.priority), language),
        "task": category.name if category else text("letter_part.no_category", language),
        "place": f"{area.name if area else ''}{address}" or text("letter_part.no_place", language),
    }
    if m.kind == "escalation":
        values |= {
            "metric": text(f"metric.{payload['metric']}", language) if payload.get("metric") in _METRICS else "",
            "colour": text(f"level.{payload['colour']}", language) if payload.get("colour") in _LEVELS else "",
            "limit": _said(directory, payload.get("limit_at"), language),
        }
    letter = _letter(m.kind, language, values)
    return [
        PlannedText(
            m.id,
            ticket.number,
            _phone(services, str(payload["phone"])),
            m.kind,
            language,
            letter,
            values,
            ticket.priority is Priority.EMERGENCY,
        )
    ]


def _said(directory: Directory, moment: Any, language: str) -> str:
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return said_time(directory, moment, language) if moment else "—"


def first_row(text: PlannedText, now: datetime) -> dict[str, Any]:
    """A text's row before its first try."""
    return {
        "id": text.id, "number": text.number, "receiver": text.to[:20], "template": text.template,
        "language": text.language, "body": text.letter.body, "parts": text.letter.parts,
        "status": text.held or TextStatus.CREATED, "status_at": now, "created_at": now, "sent_at": None,
        "gateway": None, "line": None, "provider_id": None, "attempts": 0, "error": text.why,
    }  # fmt: skip


def pick(senders: Sequence[Gateway], text: PlannedText, attempt: int) -> Gateway | None:
    """The gateway for this try: the one the resident wrote to, else by weight, not the one that failed just now. Which
    it is follows from the text and the try, as evenly as a die."""
    by_name = {g.name: g for g in senders}
    if text.gateway in by_name and text.gateway != text.last:
        return by_name[text.gateway]
    shares = [GatewayWeight(g.name, g.weight, g.resting, g.shifted_at) for g in senders]
    roll = int.from_bytes(hashlib.sha256(f"{text.id} {attempt}".encode()).digest()[:6]) / 2**48
    name = chosen(shares, roll, [text.last] if text.last else [])
    return by_name.get(name or "")


async def shift_weights(services: Services, now: datetime) -> dict[str, int]:
    """Move weight away from what fails or is slow, and back; the new weights."""
    if len(await services.gateways.senders(now)) < 2:
        return {}
    tried = await attempts.tried(services.db, now - ERRORS_WINDOW)
    sent = await sms_store.under_way(services.db, now - SLOW_WINDOW, now - SLOW)
    nothing = (0, 0)
    counts = {r.way: (int(r.tries), int(r.errors or 0)) for r in tried}
    # a gateway that never reports is not slow: nothing is known of it
    slowly = {r.way: (int(r.texts), int(r.slow or 0) if r.reported else 0) for r in sent}
    health = {
        name: GatewayHealth(*counts.get(name, nothing), *slowly.get(name, nothing))
        for name in counts.keys() | slowly.keys()
    }

    def shift(c: sa.Connection) -> dict[str, int]:
        shares = [GatewayWeight(r.name, r.weight, r.resting, r.shifted_at) for r in gateway_store.lock(c)]
        moved = shifted(shares, health, now)
        for name, weight in moved.items():
            gateway_store.change(c, name, {"weight": weight, "shifted_at": now})
        return moved

    moved = await services.db.transact(shift)
    if moved:
        services.gateways.forget()
    return moved


def apply_report(c: sa.Connection, row: Row, now: datetime) -> tuple[bool, Message | None]:
    """Set what a report says. (whether its text is known, what operators are to be told)."""
    d = row.details
    text = sms_store.find(c, row.gateway, d.get("reference"), d.get("provider_id"))
    if text is None:
        return False, None
    at = datetime.fromisoformat(d["at"]) if d.get("at") else row.received_at  # without a time of theirs: when it came
    status = TextStatus(d["status"]) if d.get("status") else TextStatus.TECHNICAL_FAILURE
    moved = sms_store.settle(c, text.id, status, min(at, now), {"provider_id": d.get("provider_id")})
    if d.get("status") is None and moved:
        payload = bilingual("alarm.unknown_report", gateway=row.gateway, word=d.get("word", "")[:40])
        return True, Message(f"al.{row.id}", "alarm", Number(text.number), "role:operator", payload, now)
    return True, None
