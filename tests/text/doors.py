"""Every door that takes a resident's words: calls (the console's form is one), text messages, Open311, another hotline's
orders, an import. Each leads to a ticket."""

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks import Webhook

from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.importing.test_importing import moved, the_case
from tests.open311.test_open311 import Far, keyed
from tests.sms.handset import Handset
from tests.sms.test_texting import WANG, Town, newest

ORDERS_SECRET = "whsec_" + base64.b64encode(b"1" * 32).decode()
Ticket = dict[str, Any]


@dataclass
class Doors:
    """`taken` and `said`: a ticket from these words. `phone`: what stands in the field of the number; a text message
    comes from its sender's."""

    services: Services
    http: httpx.AsyncClient
    desk: Player
    clock: Clock
    folder: Path
    town: Town
    serial: int = 0
    open: set[str] = field(default_factory=set)

    async def said(self, door: str, words: str, phone: str = "13800138000") -> Ticket:
        self.serial += 1
        return await DOORS[door](self, words, phone)

    async def call(self, words: str, phone: str) -> Ticket:
        reply = await self.desk.post("/v1/calls", {"channel": "phone", "narrative": words, "caller": {"phone": phone}})
        assert reply.status_code == 201, reply.text
        return await self.desk.see(reply.json()["ticket"])

    async def text(self, words: str, phone: str) -> Ticket:
        if "text" not in self.open:
            self.open.add("text")
            await self.town.gateway()
        # each from somebody else: a second text of one person would join the first
        await self.town.writes(words, who=f"{WANG[:-2]}{self.serial - 1:02}")
        return await newest(self.desk)

    async def report(self, words: str, phone: str) -> Ticket:
        far = Far(self.http, await keyed(self.services, f"fms-{self.serial}"))
        fields = {"service_code": "sdq-water", "address_string": "9栋1单元", "description": words, "phone": phone}
        await far.post(fields)
        return await newest(self.desk)

    async def order(self, words: str, phone: str) -> Ticket:
        if "order" not in self.open:
            self.open.add("order")
            gateway = NewGateway("city", "hotline_12345", {"system": "12345"}, {"secret": [ORDERS_SECRET]}, False, 50)
            await create_gateway(self.services.gateways, gateway, "test", self.clock())
        name = f"o-{self.serial}"
        body = json.dumps({"content": words, "order_no": name, "caller_phone": phone})
        signed = Webhook(ORDERS_SECRET).sign(name, self.clock(), body)
        stamp = str(int(self.clock().timestamp()))
        headers = {"webhook-id": name, "webhook-timestamp": stamp, "webhook-signature": signed, "authorization": ""}
        reply = await self.desk.http.post("/v1/hooks/orders/city", content=body.encode(), headers=headers)
        assert reply.status_code == 200, reply.text
        return await self.desk.see(reply.json()["work_no"])

    async def imported(self, words: str, phone: str) -> Ticket:
        name = f"c-{self.serial}"
        case = {"No": name, "Text": words, "Phone": phone}
        report = await moved(self.services, self.folder, self.clock, case)
        assert (report.taken, report.refused) == (1, []), report
        return await the_case(self.services, name, self.desk)


DOORS: dict[str, Callable[[Doors, str, str], Awaitable[Ticket]]] = {
    "a call": Doors.call,
    "a text": Doors.text,
    "a report": Doors.report,
    "an order": Doors.order,
    "an import": Doors.imported,
}


def make_town(services: Services, http: httpx.AsyncClient, clock: Clock) -> Town:
    return Town(services, http, Handset(), clock)
