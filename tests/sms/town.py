"""The services with a gateway for texts, and the residents on the other side of it."""

from typing import Any

import httpx

from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.delivery.outbox import send_due_messages
from hotline.inbound.processing import process_due
from hotline.tickets.context import Services
from tests.conftest import Clock
from tests.sms.handset import Handset
from tests.sms.providers import FAR, GENERIC

WANG, LI = "+8613800138000", "+8613900139000"
SECRET = GENERIC.secrets["secret"]


class Town:
    """The services with one gateway both ways, and the street on the other side of it."""

    def __init__(self, services: Services, http: httpx.AsyncClient, handset: Handset, clock: Clock) -> None:
        self.services, self.http, self.handset, self.clock = services, http, handset, clock
        self.ways = DeliveryChannels(texts=httpx.AsyncClient(transport=httpx.MockTransport(handset)))
        self.serial = 0

    async def gateway(self, name: str = "generic", weight: int = 50, **settings: Any) -> None:
        own = {"url": f"http://{name}.example/send", "sender": "12345", **settings}
        await create_gateway(
            self.services.gateways,
            NewGateway(name, "generic", own, {"secret": [SECRET]}, sends=True, weight=weight),
            "test",
            self.clock(),
        )

    async def writes(self, text: str, who: str = WANG, receiver: str = "12345") -> None:
        self.serial += 1
        push = FAR["generic"].text(f"m-{self.serial}", who, receiver, text, self.clock())
        reply = await self.http.request(push.method, push.path, headers=push.headers, content=push.body)
        assert reply.status_code == 200, reply.text
        await self.work()

    async def reports(self, reference: str, word: str, provider_id: str = "p-1") -> None:
        push = FAR["generic"].report(provider_id, reference, WANG, word, self.clock())
        reply = await self.http.request(push.method, push.path, headers=push.headers, content=push.body)
        assert reply.status_code == 200, reply.text

    async def work(self) -> None:
        while await process_due(self.services, self.clock()):
            pass

    async def send(self) -> list[str]:
        """Send all that is due; what reached the handsets by it."""
        before = len(self.handset.got)
        while await send_due_messages(self.services, self.ways, self.clock()):
            pass
        return [t["text"] for t in self.handset.got[before:]]
