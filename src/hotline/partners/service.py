"""Another hotline's orders, taken in with their outer number and deadline; the answers go out by a subscription."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from hotline.organisation.model.actors import gateway_actor
from hotline.organisation.model.scopes import SYSTEM_SCOPE
from hotline.organisation.model.vocabulary import Channel
from hotline.organisation.write_request import WriteRequest
from hotline.partners.platforms.hotline_12345 import FIELD_BY_CALL_PATH, parse_order
from hotline.text.numbering import TicketNumber
from hotline.text.phone_parsing import parse_phone
from hotline.tickets.context import Services
from hotline.tickets.intake import number_shown, take_call
from hotline.tickets.model.intake import IntakeRequest, unread_details
from hotline.tickets.sla.policies import FURTHEST
from hotline.tickets.store import facts as ticket_facts
from hotline.web.idempotency import ActionResult, RequestKey


async def take_order(
    services: Services, gateway: str, system: str, body: Any, area: str | None, now: datetime
) -> tuple[ActionResult, list[tuple[str, str]]]:
    """Take an order in, once for its number; (their field, rule) of each detail that could not be read. Raises
    Refused."""
    order = parse_order(body)
    due, unread_fields = order.due_at, order.unread
    if due is not None and not now < due <= now + FURTHEST:  # no reason to refuse an order
        due, rule = None, "left out: must be later than now, by five years at most"
        unread_fields = (*unread_fields, ("outer.due_at", rule))
    directory = await services.directory.now(now)
    home = directory.home.area if directory.home else None
    actor = gateway_actor(gateway, area, home)
    intake = IntakeRequest(
        Channel.HOTLINE, order.narrative, title=order.title, phone=order.phone, name=order.name,
        confidential=order.confidential, address=order.address, kind=order.kind, outer_system=system,
        outer_number=order.number, outer_due_at=due, unread=unread_fields,
    )  # fmt: skip
    key = RequestKey(f"gateway:{gateway}"[:60], f"order.{order.number}"[:255], "order")
    result = await take_call(services, intake, WriteRequest(actor, key, now, SYSTEM_SCOPE), number_shown)
    if due is None and order.due_at is not None and result.replayed:
        facts = await ticket_facts.load_facts(services.db, SYSTEM_SCOPE, TicketNumber(result.answer.body))
        if facts is not None and facts.ticket.outer_due_at is not None:  # it was later than now when it came first
            intake = replace(intake, unread=order.unread)
    unread = unread_details(intake, parse_phone(intake.phone, services.region, services.area_code))
    return result, [(FIELD_BY_CALL_PATH[field], rule) for field, rule in unread]
