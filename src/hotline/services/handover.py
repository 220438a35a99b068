"""Another hotline's orders, taken in with their outer number and deadline; the answers go out by a subscription."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from hotline.db import tickets
from hotline.domain.privacy import EVERYTHING
from hotline.domain.ticket import Number
from hotline.domain.vocabulary import Channel
from hotline.gateways.hotline_12345 import FIELD_OF, read_order

from .act import FURTHEST, Asked, Done
from .house import House
from .intake import Taken, take_call, unread_of
from .phones import heard
from .texting import gateway_actor


async def take_order(
    house: House, gateway: str, system: str, body: Any, area: str | None, now: datetime
) -> tuple[Done, list[tuple[str, str]]]:
    """Take an order in, once for its number; (their field, rule) of each detail that could not be read. Raises
    Refused."""
    order = read_order(body)
    due = order.get("due_at")
    if due is not None and not now < due <= now + FURTHEST:  # no reason to refuse an order
        due, rule = None, "left out: must be later than now, by five years at most"
        order["unread"] = (*order["unread"], ("outer.due_at", rule))
    directory = await house.directory.now(now)
    home = directory.home.area if directory.home else None
    actor = gateway_actor(gateway, area, home)
    taken = Taken(
        Channel.HOTLINE, order["narrative"], title=order["title"], phone=order["phone"], name=order["name"],
        confidential=order["confidential"], address=order["address"], kind=order["kind"], outer_system=system,
        outer_number=order["number"], outer_due_at=due, unread=order["unread"],
    )  # fmt: skip
    asked = Asked(f"gateway:{gateway}"[:60], f"order.{order['number']}"[:255], "order")
    done = await take_call(house, taken, actor, asked, lambda facts, *_: str(facts.ticket.number), now)
    if due is None and order.get("due_at") is not None and done.replayed:
        facts = await tickets.facts(house.db, EVERYTHING, Number(done.answer.body))
        if facts is not None and facts.ticket.outer_due_at is not None:  # it was later than now when it came first
            taken = replace(taken, unread=order["unread"][:-1])
    unread = unread_of(taken, heard(taken.phone, house.region, house.area_code))
    return done, [(FIELD_OF[field], rule) for field, rule in unread]
