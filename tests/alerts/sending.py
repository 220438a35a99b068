"""A place in building 3, and the outbox sent until nothing is due."""

from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.outbox import send_due_messages
from hotline.tickets.context import Services
from tests.conftest import Clock

PLACE = {"area": "rq-b3", "building": "3", "unit": "2", "address": "3栋2单元801"}


async def deliver(services: Services, ways: DeliveryChannels, clock: Clock) -> None:
    while await send_due_messages(services, ways, clock()):
        pass
