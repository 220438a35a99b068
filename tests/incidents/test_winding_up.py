"""The end of an incident, where a ticket of it cannot be worked on or has changed meanwhile."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import structlog

from hotline.incidents import watch as worker
from hotline.incidents.members import note_state
from hotline.incidents.model.incident import Incident
from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from tests.conftest import Clock, Player
from tests.incidents.test_ends import LAST_WORD, incident_lines
from tests.incidents.test_outages import merge
from tests.incidents.test_stories import act, call_all, messages, only_incident, phone, settled, storm_of_five

LIFT = [f"3栋电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 9)]


def break_step(monkeypatch: pytest.MonkeyPatch, name: str, broken: Callable[[Any], bool]) -> None:
    """A step of the worker on one ticket fails as long as `broken` is true of it: its number, or the member."""
    works: Callable[..., Awaitable[bool]] = getattr(worker, name)

    async def fails(services: Services, *given: Any) -> bool:
        if any(broken(getattr(each, "number", each)) for each in given[:2]):
            raise RuntimeError("a ticket that cannot be worked on")
        return await works(services, *given)

    monkeypatch.setattr(worker, name, fails)


async def test_one_faulty_ticket_keeps_no_other_in_a_dismissed_incident(
    desk: Player, switch: Player, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "MOVED_AT_ONCE", 2)
    tickets = await call_all(desk, LIFT)
    watch = IncidentWatch(services)
    await settled(watch)
    faulty = {tickets[0]["number"], tickets[1]["number"]}
    break_step(monkeypatch, "move", lambda number: number in faulty)
    await act(switch, await only_incident(switch), "dismiss", reason="两部不同的电梯")
    with structlog.testing.capture_logs() as logged:
        await settled(watch)
        await settled(watch)
    assert [(await desk.see(t))["incident"] for t in tickets[2:]] == [None] * 5
    assert len([line for line in logged if line["event"] == "incident.fault"]) == 2
    faulty.clear()  # mended
    clock.forward(minutes=6)
    await settled(watch)
    assert [(await desk.see(t))["incident"] for t in tickets] == [None] * 7


async def test_a_merged_incident_with_a_faulty_ticket_is_done_with_after_an_hour(
    desk: Player, switch: Player, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, watch, main = await storm_of_five(desk, services)
    tickets = await call_all(desk, LIFT[:5], first=100)
    await settled(watch)
    lift = next(i for i in (await switch.get("/v1/incidents")).json()["items"] if i["code"] != main["code"])
    break_step(monkeypatch, "move", lambda number: number == tickets[0]["number"])
    await merge(switch, lift, main["code"])
    await settled(watch)
    assert [(await desk.see(t))["incident"] for t in tickets] == [lift["code"], *[main["code"]] * 4]
    clock.forward(hours=2)
    await settled(watch)
    with structlog.testing.capture_logs() as logged:
        clock.now += timedelta(minutes=6)
        await settled(watch)
    assert [line for line in logged if line["event"] == "incident.fault"] == []


async def test_callers_have_the_last_word_once_what_joined_is_merged_and_the_parent_says_that_it_is_over(
    desk: Player, switch: Player, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    other = await desk.call("我家地下室泡水了，请来看看", caller=phone(50), category="wx-road")
    asked = await act(switch, incident, "join", ticket=other["number"])
    clock.forward(seconds=30)
    await act(switch, asked, "end", text=LAST_WORD)
    before: list[tuple[str, int]] = []

    async def changed_meanwhile(services: Services, ended: Incident) -> bool:
        told = [m for m in await messages(services, "resident") if m.payload.get("final_word")]
        before.append(((await switch.see(other))["status"], len(told)))
        return len(before) > 1 and await note_state(services, ended)

    monkeypatch.setattr(worker, "note_state", changed_meanwhile)
    await settled(watch)
    await settled(watch)
    assert before == [("merged", 0), ("merged", 0)]
    assert await incident_lines(switch, incident["parent"]) == [("over", LAST_WORD)]
    assert len([m for m in await messages(services, "resident") if m.payload.get("final_word")]) == 6


@pytest.mark.parametrize("step", ["merge", "move", "note_state", "count_joined"])
async def test_the_last_word_waits_for_no_ticket_that_cannot_be_worked_on(
    desk: Player, switch: Player, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    faulty = await desk.call("我家地下室泡水了，请来看看", caller=phone(50), category="wx-road")
    joined = await desk.call("我家地下室泡水了，请来看看", caller=phone(51), category="wx-road")
    asked = await act(switch, incident, "join", ticket=faulty["number"])
    asked = await act(switch, asked, "join", ticket=joined["number"])
    clock.forward(seconds=30)
    await act(switch, asked, "end", text=LAST_WORD)
    of_parent = step in ("note_state", "count_joined")
    break_step(monkeypatch, step, lambda given: of_parent or given == faulty["number"])
    await settled(watch)
    await settled(watch)
    words = {m.number for m in await messages(services, "resident") if m.payload.get("final_word")}
    assert len(words) == (6 if step == "move" else 7)
    seen = await switch.see(joined)
    assert (seen["status"], seen["incident"]) == ("merged", incident["code"])
