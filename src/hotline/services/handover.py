"""Another hotline's orders, taken in with their outer number and deadline; the answers go out by a subscription."""

from datetime import datetime
from typing import Any

from hotline.domain.vocabulary import Channel
from hotline.gateways.hotline_12345 import read_order

from .act import Asked, Done
from .house import House
from .intake import Taken, take_call
from .texting import gateway_actor


async def take_order(house: House, gateway: str, system: str, body: Any, area: str | None, now: datetime) -> Done:
    """Take an order in, once for its number. Raises Refused."""
    order = read_order(body)
    directory = await house.directory.now(now)
    home = directory.home.area if directory.home else None
    actor = gateway_actor(gateway, area, home)
    taken = Taken(
        Channel.HOTLINE, order["narrative"], title=order["title"], phone=order["phone"], name=order["name"],
        confidential=order["confidential"], address=order["address"], kind=order["kind"], outer_system=system,
        outer_number=order["number"], outer_due_at=order.get("due_at"),
    )  # fmt: skip
    asked = Asked(f"gateway:{gateway}"[:60], f"order.{order['number']}"[:255], "order")
    return await take_call(house, taken, actor, asked, lambda facts, *_: str(facts.ticket.number), now)
