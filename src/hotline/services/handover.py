"""Another hotline's orders, taken in with their outer number and deadline; the answers go out by a subscription."""

from datetime import datetime
from typing import Any

from hotline.domain.vocabulary import Channel
from hotline.gateways.hotline_12345 import FIELD_OF, read_order

from .act import Asked, Done
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
    directory = await house.directory.now(now)
    home = directory.home.area if directory.home else None
    actor = gateway_actor(gateway, area, home)
    taken = Taken(
        Channel.HOTLINE, order["narrative"], title=order["title"], phone=order["phone"], name=order["name"],
        confidential=order["confidential"], address=order["address"], kind=order["kind"], outer_system=system,
        outer_number=order["number"], outer_due_at=order.get("due_at"), unread=order["unread"],
    )  # fmt: skip
    asked = Asked(f"gateway:{gateway}"[:60], f"order.{order['number']}"[:255], "order")
    done = await take_call(house, taken, actor, asked, lambda facts, *_: str(facts.ticket.number), now)
    unread = unread_of(taken, heard(taken.phone, house.region, house.area_code))
    return done, [(FIELD_OF[field], rule) for field, rule in unread]
