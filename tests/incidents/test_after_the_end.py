"""What callers are told of an incident once it is over, in their own language, and when it is opened again."""

import pytest
from fastapi import FastAPI

from hotline.delivery.channels import DeliveryChannels
from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.incidents.test_ends import LAST_WORD, look_up
from tests.incidents.test_stories import FURTHER, act, only_incident, phone, settled, solve, storm_of_five
from tests.incidents.test_texts import handset, send_all, ways
from tests.sms.handset import Handset

__all__ = ["handset", "ways"]  # fixtures
ENGLISH = "the water main has broken, the road is covered with water"


async def test_a_caller_after_the_end_is_told_when_that_was_and_asked_whether_it_is_so(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(minutes=30)
    over = await act(switch, incident, "end", text=LAST_WORD)
    await settled(watch)
    clock.forward(minutes=20)
    later = await desk.call("9栋停水了，整栋楼都没水", caller=phone(90))
    told = later["advice"]["incident"]
    assert (told["code"], told["state"], told["merged"]) == (incident["code"], "over", False)
    assert told["ended_at"] == over["ended_at"]
    assert "还有问题" in told["say"]["zh"] and "still" in told["say"]["en"]
    assert (later["incident"], later["parent"], later["status"]) == (None, None, "dispatched")
    danger = await desk.call("5栋水管爆了，有人被水冲倒了，流了好多血", caller=phone(91))
    other = await desk.call("9栋电梯坏了", caller=phone(92))
    clock.forward(hours=2)
    late = await desk.call("9栋停水了，整栋楼都没水", caller=phone(93))
    assert [t["advice"].get("incident") for t in (danger, other, late)] == [None] * 3


async def texts(handset: Handset) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in handset.got:
        found.setdefault(text["to"], []).append(text["text"])
    handset.got.clear()
    return found


async def test_who_was_told_that_it_was_over_is_told_that_it_is_not(
    desk: Player, switch: Player, services: Services, clock: Clock, handset: Handset, ways: DeliveryChannels
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    await send_all(services, ways, clock)
    clock.forward(minutes=30)
    over = await act(switch, incident, "end", text=LAST_WORD)
    await settled(watch)
    await send_all(services, ways, clock)
    ended = {to for to, got in (await texts(handset)).items() if any(LAST_WORD in text for text in got)}
    assert len(ended) == 5
    clock.forward(minutes=30)
    await act(switch, over, "reopen", reason="又冲开了")
    clock.forward(seconds=2)
    await desk.call(FURTHER, caller=phone(20))  # it never ended for them
    await settled(watch)
    await settled(IncidentWatch(services))
    await send_all(services, ways, clock)
    told = await texts(handset)
    again_words = ("重新处置", "重新處置", "worked on again")  # one of them wrote traditional characters
    assert {to for to, got in told.items() if any(word in t for t in got for word in again_words)} == ended
    assert all(len(got) == 1 for got in told.values())
    clock.forward(minutes=20)
    again = await desk.call("5栋门口自来水管爆了，满街都是水", caller=phone(0))
    assert again["incident"] == incident["code"]
    await send_all(services, ways, clock)
    assert await texts(handset) == {}  # they know


async def test_who_calls_again_after_the_end_is_told_that_the_matter_is_known_again(
    desk: Player, switch: Player, pipes: Player, watch: Player, services: Services, clock: Clock, handset: Handset,
    ways: DeliveryChannels,
) -> None:  # fmt: skip
    _, worker, incident = await storm_of_five(desk, services)
    await send_all(services, ways, clock)
    clock.forward(minutes=30)
    await solve(switch, pipes, incident["parent"], "水管已修好")
    await settled(worker)
    await send_all(services, ways, clock)
    clock.forward(hours=2)
    await watch.act(await watch.see(incident["parent"]), "reopen", reason="又爆了")
    await settled(worker)
    await send_all(services, ways, clock)
    handset.got.clear()
    clock.forward(minutes=20)
    again = await desk.call("5栋门口自来水管爆了，满街都是水", caller=phone(0))
    assert again["incident"] == incident["code"]
    await send_all(services, ways, clock)
    assert [len(got) for got in (await texts(handset)).values()] == [1]


@pytest.mark.parametrize(
    ("words", "chinese", "english"),
    [
        ({"text": LAST_WORD, "text_en": "Water is back."}, LAST_WORD, "Water is back."),
        ({"text": LAST_WORD}, LAST_WORD, f"It has been dealt with. {LAST_WORD}"),
        ({"text": "Water is back."}, "已处理完毕。 Water is back.", "Water is back."),
    ],
)
async def test_the_final_word_is_in_the_language_of_each_caller(
    words: dict[str, str], chinese: str, english: str, desk: Player, switch: Player, services: Services, clock: Clock,
    handset: Handset, ways: DeliveryChannels,
) -> None:  # fmt: skip
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    await desk.call(ENGLISH, caller=phone(21))
    await desk.call(FURTHER, caller=phone(22))
    await settled(watch)
    await send_all(services, ways, clock)
    handset.got.clear()
    clock.forward(hours=2)
    await act(switch, await only_incident(switch), "end", **words)
    await settled(watch)
    await send_all(services, ways, clock)
    told = await texts(handset)
    assert told["+8613900000021"][0].endswith(f"{incident['code']} is over: {english}")
    assert told["+8613900000022"][0].endswith(f"{incident['code']}已结束。{chinese}")


async def test_who_was_taken_out_reads_that_their_matter_is_on_its_own(
    desk: Player, switch: Player, services: Services, app: FastAPI
) -> None:
    tickets, watch, incident = await storm_of_five(desk, services)
    child = next(t for t in tickets if t["number"] != incident["parent"])
    seen = await look_up(app, services, child["number"])
    assert seen["steps"][-1]["action"] == "merge"
    await act(switch, incident, "leave", ticket=child["number"], reason="家里的水管")
    await settled(watch)
    seen = await look_up(app, services, child["number"])
    assert seen["steps"][-1]["action"] == "unmerge"
    assert (seen["merged_into"], seen["incident"]) == (None, None)


async def test_what_was_merged_into_another_matter_is_not_told_the_end(
    desk: Player, switch: Player, services: Services, clock: Clock, handset: Handset, ways: DeliveryChannels
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    ringing = await desk.call("6栋水管爆了，有人被水冲倒，头在流血", caller=phone(98))
    other = await desk.call("9栋电梯里困了人", caller=phone(97))
    assert ringing["incident"] == incident["code"]
    await switch.act(ringing, "merge", target=other["number"])
    await act(switch, await only_incident(desk), "end", text=LAST_WORD)
    await settled(watch)
    await send_all(services, ways, clock)
    told = await texts(handset)
    assert not [t for t in told.get("+8613900000098", ()) if LAST_WORD in t]
    assert len([to for to, got in told.items() if any(LAST_WORD in t for t in got)]) == 5
