"""What callers of an incident read on their phones."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.gateways import NewGateway, create_gateway
from hotline.delivery.outbox import send_due_messages
from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.incidents.test_stories import BURST, FURTHER, act, call_all, only_incident, phone, settled, solve
from tests.sms.handset import Handset
from tests.sms.providers import GENERIC

LAST_WORD = "水管已修复，18:30恢复供水"


@pytest.fixture
async def handset(services: Services, clock: Clock) -> Handset:
    gateway = NewGateway(
        "generic", "generic", {"url": "http://generic.example/send", "sender": "12345"},
        {"secret": [GENERIC.secrets["secret"]]}, sends=True, weight=50,
    )  # fmt: skip
    await create_gateway(services.gateways, gateway, "test", clock())
    return Handset()


@pytest.fixture
async def ways(handset: Handset) -> AsyncIterator[DeliveryChannels]:
    made = DeliveryChannels(texts=httpx.AsyncClient(transport=httpx.MockTransport(handset)))
    yield made
    await made.close()


async def send_all(services: Services, ways: DeliveryChannels, clock: Clock) -> None:
    while await send_due_messages(services, ways, clock()):
        pass


async def test_each_phone_reads_that_it_was_heard_and_one_final_word_in_its_language(
    desk: Player, switch: Player, services: Services, clock: Clock, handset: Handset, ways: DeliveryChannels
) -> None:
    await call_all(desk, BURST)
    watch = IncidentWatch(services)
    await settled(watch)
    clock.forward(seconds=2)
    await desk.call(FURTHER, caller=phone(20))
    await desk.call("the water main has broken, the road is covered with water", caller=phone(21))
    await settled(watch)
    await send_all(services, ways, clock)
    incident = await only_incident(switch)
    joined = [t for t in handset.got if incident["code"] in t["text"]]
    assert len(joined) == 6  # all but the caller of the parent
    handset.got.clear()
    clock.forward(hours=2)
    await act(switch, incident, "end", text=LAST_WORD)
    await settled(watch)
    await send_all(services, ways, clock)
    words = {t["to"]: t["text"] for t in handset.got}
    assert len(handset.got) == len(words) == 7
    assert all(LAST_WORD in text and incident["code"] in text for text in words.values())
    assert "is over" in words["+8613900000021"]
    assert "已结束" in words["+8613900000020"]


async def test_a_final_word_of_the_night_is_shown_as_waiting_and_follows_in_the_morning(
    desk: Player, switch: Player, services: Services, clock: Clock, handset: Handset, ways: DeliveryChannels
) -> None:
    clock.now = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)  # 23:30 in Chengdu
    await call_all(desk, BURST)
    watch = IncidentWatch(services)
    await settled(watch)
    await send_all(services, ways, clock)
    incident = await only_incident(switch)
    clock.forward(minutes=10)
    await act(switch, incident, "end", text=LAST_WORD)
    await settled(watch)
    handset.got.clear()
    await send_all(services, ways, clock)
    assert handset.got == []
    waiting = (await switch.get(f"/v1/tickets/{incident['parent']}/texts")).json()["items"][-1]
    assert (waiting["template"], waiting["status"], waiting["waits_for"]) == ("incident_over", "created", "quiet_hours")
    assert LAST_WORD in waiting["body"]
    assert datetime.fromisoformat(waiting["waits_until"]) == datetime(2026, 11, 26, tzinfo=UTC)  # 8:00
    clock.now = datetime(2026, 11, 26, 0, 1, tzinfo=UTC)
    await send_all(services, ways, clock)
    assert len([t for t in handset.got if LAST_WORD in t["text"]]) == 5
    sent = (await switch.get(f"/v1/tickets/{incident['parent']}/texts")).json()["items"][-1]
    assert (sent["status"], sent["waits_for"]) == ("sent", None)


async def ended_at_night(desk: Player, switch: Player, services: Services, clock: Clock) -> dict[str, Any]:
    """An incident whose final word waits for the morning."""
    clock.now = datetime(2026, 11, 25, 15, 30, tzinfo=UTC)
    await call_all(desk, BURST)
    await settled(IncidentWatch(services))
    incident = await only_incident(switch)
    clock.forward(minutes=10)
    await act(switch, incident, "end", text=LAST_WORD)
    await settled(IncidentWatch(services))
    return incident


async def told_in_the_morning(services: Services, ways: DeliveryChannels, clock: Clock, handset: Handset) -> list[str]:
    clock.now = datetime(2026, 11, 26, 0, 1, tzinfo=UTC)
    await send_all(services, ways, clock)
    return sorted(t["to"] for t in handset.got if LAST_WORD in t["text"])


@pytest.mark.parametrize("waits", [True, False])
async def test_a_final_word_is_not_sent_to_who_was_taken_out_meanwhile(
    waits: bool,
    desk: Player,
    switch: Player,
    services: Services,
    clock: Clock,
    handset: Handset,
    ways: DeliveryChannels,
) -> None:
    incident = await ended_at_night(desk, switch, services, clock)
    if waits:
        await send_all(services, ways, clock)
    tickets = (await switch.get(f"/v1/incidents/{incident['code']}/tickets")).json()["items"]
    apart = next(t for t in tickets if t["status"] == "merged")
    await switch.act(await switch.see(apart["number"]), "unmerge", reason="那是厨房的水管")
    told = await told_in_the_morning(services, ways, clock, handset)
    assert len(told) == 4
    (waiting,) = [
        text for text in (await switch.get(f"/v1/tickets/{apart['number']}/texts")).json()["items"]
        if text["template"] == "incident_over"
    ]  # fmt: skip
    assert (waiting["status"], waiting["waits_for"]) == ("capped", None)


async def test_a_final_word_that_waited_is_not_sent_once_the_matter_is_reopened(
    desk: Player, switch: Player, pipes: Player, watch: Player, services: Services, clock: Clock, handset: Handset,
    ways: DeliveryChannels,
) -> None:  # fmt: skip
    incident = await ended_at_night(desk, switch, services, clock)
    await send_all(services, ways, clock)
    solved = await solve(switch, pipes, incident["parent"], "已修复")
    clock.forward(minutes=5)
    await watch.act(solved, "reopen", reason="又爆了")
    await settled(IncidentWatch(services))
    assert await told_in_the_morning(services, ways, clock, handset) == []


async def test_who_calls_again_about_an_incident_is_told_once_that_the_matter_is_known(
    desk: Player, services: Services, clock: Clock, handset: Handset, ways: DeliveryChannels
) -> None:
    await call_all(desk, BURST)
    worker = IncidentWatch(services)
    await settled(worker)
    await send_all(services, ways, clock)
    clock.forward(minutes=20)
    handset.got.clear()
    for text in (FURTHER, "9栋停水了"):
        again = await desk.call(text, caller=phone(20))
        assert again["incident"] is not None
        await send_all(services, ways, clock)
        clock.forward(minutes=11)
    assert [again["incident"] in t["text"] for t in handset.got if t["to"] == "+8613900000020"] == [True]
