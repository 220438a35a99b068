"""Incidents with more tickets than are read at once."""

from typing import Any

import pytest
import sqlalchemy as sa
import structlog

from hotline.incidents import member_store
from hotline.incidents.watch import IncidentWatch
from hotline.tickets.context import Services
from hotline.tickets.tables import call, ticket
from tests.conftest import Clock, Player
from tests.incidents.test_stories import act, call_all, messages, only_incident, settled, storm_of_five

LATER = [f"{n}栋门口的水管爆了，水往外冲" for n in range(5, 14)]


async def pages(player: Player, code: str, limit: int) -> list[list[dict[str, Any]]]:
    found, cursor = [], None
    while True:
        query = f"?limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = (await player.get(f"/v1/incidents/{code}/tickets{query}")).json()
        found.append(page["items"])
        if (cursor := page["next"]) is None:
            return found


async def test_the_tickets_of_an_incident_are_read_page_by_page(
    desk: Player, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, watch, incident = await storm_of_five(desk, services)
    clock.forward(seconds=2)
    await call_all(desk, LATER, first=20)
    await settled(watch)
    read = await pages(desk, incident["code"], 4)
    assert [len(page) for page in read] == [4, 4, 4, 2]
    numbers = [ticket["number"] for page in read for ticket in page]
    assert numbers == sorted(set(numbers), key=numbers.index)
    assert read[0][0]["caller"]["phone"].endswith("13900000000")
    assert read[0][0]["narrative"].startswith("5栋门口")
    monkeypatch.setattr("hotline.incidents.routes.MAX_TICKETS", 5)
    detail = (await desk.get(f"/v1/incidents/{incident['code']}")).json()
    assert len(detail["tickets"]) == 5
    rest = (await desk.get(f"/v1/incidents/{incident['code']}/tickets?cursor={detail['tickets_next']}")).json()
    assert [t["number"] for t in detail["tickets"] + rest["items"]] == numbers


async def test_every_ticket_is_merged_moved_and_told_however_few_are_read_at_once(
    desk: Player, switch: Player, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MERGED_AT_ONCE", "MOVED_AT_ONCE"):
        monkeypatch.setattr(f"hotline.incidents.watch.{name}", 3)
    monkeypatch.setattr(member_store, "RECIPIENT_BATCH", 3)
    monkeypatch.setattr(member_store, "MOST_CANDIDATES", 2)
    await call_all(desk, [*LATER, *LATER[:5]], first=20)
    watch = IncidentWatch(services)
    await settled(watch)
    incident = await only_incident(desk)
    (members,) = await pages(desk, incident["code"], 100)
    assert len(members) == 14
    assert [m["status"] for m in members].count("merged") == 13
    clock.forward(seconds=2)
    await act(switch, incident, "end", text="已修复")
    await settled(watch)
    words = [m.number for m in await messages(services, "resident") if m.payload.get("final_word")]
    assert len(words) == len(set(words)) == 14


@pytest.mark.unchained
async def test_a_ticket_that_cannot_be_worked_on_keeps_none_from_its_incident(
    desk: Player, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row came from elsewhere, under a number that is none."""
    monkeypatch.setattr("hotline.incidents.watch.MERGED_AT_ONCE", 2)
    (first, *_), watch, incident = await storm_of_five(desk, services)

    def copy(c: sa.Connection) -> None:
        old = dict(c.execute(sa.select(ticket).where(ticket.c.number == first["number"])).one()._asdict())
        said = dict(c.execute(sa.select(call).where(call.c.number == first["number"])).first()._asdict())  # type: ignore[union-attr]
        for n in range(3):
            strange = {"number": f"strange-{n}", "incident": None, "parent": None, "status": "received"}
            c.execute(sa.insert(ticket).values({**old, **strange}))
            c.execute(sa.insert(call).values({**said, "id": f"strange-{n}", "number": f"strange-{n}"}))

    await services.db.transact(copy)
    with structlog.testing.capture_logs() as logged:
        clock.forward(seconds=2)
        later = await call_all(desk, LATER, first=20)
        await settled(watch)
        await settled(watch)
    assert [(await desk.see(each))["status"] for each in later] == ["merged"] * len(later)
    assert len([line for line in logged if line["event"] == "incident.fault"]) == 3
    assert watch.faulty.keys() == {"strange-0", "strange-1", "strange-2"}
    with structlog.testing.capture_logs() as logged:  # looked at again, in case it was mended
        clock.forward(minutes=6)
        await settled(watch)
    assert len([line for line in logged if line["event"] == "incident.fault"]) == 3
    assert (await only_incident(desk))["code"] == incident["code"]


async def test_a_dismissed_incident_lets_all_its_tickets_go(
    desk: Player, switch: Player, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotline.incidents.watch.MOVED_AT_ONCE", 2)
    tickets = await call_all(desk, [f"3栋电梯坏了，不动了，{n}楼的人下不来" for n in range(2, 9)])
    watch = IncidentWatch(services)
    await settled(watch)
    await act(switch, await only_incident(switch), "dismiss", reason="两部不同的电梯")
    await settled(watch)
    assert [(await desk.see(ticket))["incident"] for ticket in tickets] == [None] * 7


async def test_a_look_at_an_incident_costs_the_same_statements_however_large_it_is(
    desk: Player, services: Services, clock: Clock
) -> None:
    _, watch, incident = await storm_of_five(desk, services)

    async def statements() -> int:
        clock.forward(seconds=2)
        await settled(watch)
        before = services.db.round_trips
        await watch.step()
        return services.db.round_trips - before

    few = await statements()
    await call_all(desk, LATER, first=20)
    assert await statements() <= few
    read = services.db.round_trips
    await desk.get(f"/v1/incidents/{incident['code']}")
    assert services.db.round_trips - read <= 12
