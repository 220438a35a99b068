"""At least once, in order for each receiver, never for ever; and a failure can be seen."""

import asyncio
import base64
from datetime import datetime
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook

from hotline.delivery import store as outbox_store
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.model import Message
from hotline.delivery.notices import WebhookClient
from hotline.delivery.outbox import send_due_messages
from hotline.runtime.retention import tidy
from hotline.text.numbering import TicketNumber
from hotline.tickets.context import Services
from tests.conftest import Clock, Player

SECRET = "whsec_" + base64.b64encode(b"0" * 32).decode()


class Far:
    """The far side: remembers what came, answers as told."""

    def __init__(self) -> None:
        self.came: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.say: Any = lambda message: 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        message = orjson.loads(request.content)
        said = self.say(message)
        if isinstance(said, Exception):
            raise said
        self.came.append(message)
        self.headers.append(dict(request.headers))
        return httpx.Response(said)


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
async def notices(far: Far) -> Any:
    client = httpx.AsyncClient(transport=httpx.MockTransport(far))
    yield WebhookClient(client, "http://far/hook", SECRET)
    await client.aclose()


async def _all(services: Services, notices: WebhookClient, clock: Clock) -> None:
    while await send_due_messages(services, DeliveryChannels(notices), clock()):
        pass


async def test_the_resident_and_the_departments_are_notified_in_order(
    lift_ticket: Any, services: Services, far: Far, notices: WebhookClient, clock: Clock
) -> None:
    await _all(services, notices, clock)
    told = [(m["type"], m["data"]["action"]) for m in far.came if m["type"] == "hotline.resident"]
    assert told == [("hotline.resident", "receive"), ("hotline.resident", "dispatch")]
    assert [m["data"]["department"] for m in far.came if m["type"] == "hotline.department"] == ["property-works"]
    assert all(m["number"] == lift_ticket["number"] for m in far.came)
    assert "138" not in str(far.came)  # nobody's number leaves with a notice
    assert await send_due_messages(services, DeliveryChannels(notices), clock()) == 0


async def test_an_independent_verifier_accepts_the_signature(far: Far, notices: WebhookClient) -> None:
    now = datetime.now().astimezone()  # the verifier reads the real clock
    await notices.send("id-1", b'{"a":1}', now)
    headers = {k: v for k, v in far.headers[0].items() if k.startswith("webhook-")}
    assert Webhook(SECRET).verify(b'{"a":1}', headers) == {"a": 1}
    with pytest.raises(Exception, match="signature"):
        Webhook(SECRET).verify(b'{"a":2}', headers)


async def test_a_far_side_that_is_down_is_tried_again_and_nothing_overtakes(
    lift_ticket: Any, services: Services, far: Far, notices: WebhookClient, clock: Clock
) -> None:
    far.say = lambda m: httpx.ConnectError("cut") if m["type"] == "hotline.resident" else 200
    await _all(services, notices, clock)
    assert [m["type"] for m in far.came] == ["hotline.department"]  # the others are not held up
    far.say = lambda m: 200
    await _all(services, notices, clock)
    assert len(far.came) == 1  # it is not yet time
    clock.forward(seconds=10)
    await _all(services, notices, clock)
    assert [m["data"]["action"] for m in far.came if m["type"] == "hotline.resident"] == ["receive", "dispatch"]


async def test_a_message_nobody_takes_ends_dead_after_eight_tries_and_can_be_sent_again(
    lift_ticket: Any, services: Services, far: Far, notices: WebhookClient, clock: Clock
) -> None:
    tries: list[str] = []

    def count(m: dict[str, Any]) -> int:
        tries.append(m["id"])
        return 503

    far.say = count
    for _ in range(40):
        await _all(services, notices, clock)
        clock.forward(hours=3)
    ended = await outbox_store.load_messages(services.db, "dead", "", 50)
    dead = [d for d in ended if d.kind != "alarm"]
    assert len(dead) == 3 and len(ended) > 3  # operators were to be told of it; by the same address, alas
    assert all(tries.count(d.id) == 8 for d in dead)
    assert "503" in dead[0].last_error
    assert await services.db.transact(lambda c: outbox_store.requeue(c, dead[0].id, clock()))
    far.say = lambda m: 200
    far.came.clear()
    await _all(services, notices, clock)
    assert [m["id"] for m in far.came] == [dead[0].id]


async def test_a_message_the_far_side_refuses_is_dead_at_once(
    lift_ticket: Any, services: Services, far: Far, notices: WebhookClient, clock: Clock
) -> None:
    far.say = lambda m: 400 if m["data"]["action"] == "receive" else 200
    await _all(services, notices, clock)
    assert [d.payload["action"] for d in await outbox_store.load_messages(services.db, "dead", "", 50)] == ["receive"]
    assert len(far.came) >= 2


async def test_a_worker_that_lost_its_lease_may_not_mark(lift_ticket: Any, services: Services, clock: Clock) -> None:
    mine = await services.db.transact(lambda c: outbox_store.claim(c, clock(), "mine", 1))
    assert await services.db.transact(lambda c: outbox_store.claim(c, clock(), "other", 10)) != mine
    clock.forward(seconds=60)
    theirs = await services.db.transact(lambda c: outbox_store.claim(c, clock(), "theirs", 10))
    assert mine[0].id in [m.id for m in theirs]
    assert not await services.db.transact(lambda c: outbox_store.mark_sent(c, mine[0].id, "mine"))
    assert await services.db.transact(lambda c: outbox_store.mark_sent(c, mine[0].id, "theirs"))


async def test_a_message_that_kills_its_worker_runs_out_of_tries(
    lift_ticket: Any, services: Services, clock: Clock
) -> None:
    for _ in range(12):
        await services.db.transact(lambda c: outbox_store.claim(c, clock(), "doomed", 10))
        clock.forward(minutes=1)
    done = await tidy(services, clock())
    assert done["buried"] >= 1
    assert await outbox_store.load_messages(services.db, "leased", "", 50) == []


async def test_two_workers_never_hold_the_same_message(desk: Player, services: Services, clock: Clock) -> None:
    for n in range(10):
        await desk.call(f"{n}栋停水", category="sdq-water")
    claims = await asyncio.gather(
        *(services.db.transact(lambda c, n=n: outbox_store.claim(c, clock(), f"w{n}", 4)) for n in range(6))
    )
    held = [m.id for claim in claims for m in claim]
    assert len(held) == len(set(held)) > 0


async def test_time_takes_answers_and_messages_nobody_came_for(desk: Player, services: Services, clock: Clock) -> None:
    await desk.call("路灯坏了", headers={"idempotency-key": "k"})
    clock.forward(hours=73)
    done = await tidy(services, clock())
    assert done["answers"] >= 1 and done["expired"] >= 1
    await desk.call("别的事情", headers={"idempotency-key": "k"})  # the key is free again


async def test_every_message_of_a_step_is_found_however_many_departments_it_told(
    services: Services, clock: Clock
) -> None:
    number = TicketNumber("100000006")

    def send(c: sa.Connection) -> None:
        told = {5: 19, 6: 1, 7: 8}
        outbox_store.add_messages(
            c,
            [
                Message(f"{number}.{seq}.{place}", "notice", number, f"department:{place}", {}, clock())
                for seq, count in told.items()
                for place in range(count)
            ],
        )

    await services.db.transact(send)
    found = await outbox_store.load_messages_of_step(services.db, f"{number}.5.", f"{number}.7.", f"{number}.8.")
    assert len({row.id for row in found}) == len(found) == 19 + 8
    assert [row.id for row in await outbox_store.load_messages_of_step(services.db, f"{number}.6.")] == [
        f"{number}.6.0"
    ]
