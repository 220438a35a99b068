"""The dispatcher's queue: what it proposes and why, how it is sorted and filtered, what it counts; and many tickets at
once, each with a result of its own."""

import asyncio
import contextlib
from typing import Any

from hotline.tickets.context import Services
from hotline.tickets.dispatching import QueueCounts, count_queue
from tests.conftest import Cast, Clock, Player, broken
from tests.tickets.test_returned_advice import WISH

SORTED = {"category": "wx-light", "kind": "request", "priority": "normal"}


async def queue(who: Player, **asked: Any) -> list[dict[str, Any]]:
    reply = await who.get("/v1/queue", params=asked)
    assert reply.status_code == 200, reply.text
    return list(reply.json()["items"])


async def numbers(who: Player, **asked: Any) -> list[str]:
    return [item["number"] for item in await queue(who, **asked)]


async def counts(who: Player) -> dict[str, Any]:
    return dict((await who.get("/v1/queue/counts")).json())


async def sorted_by_hand(desk: Player, switch: Player, words: str = "有点事情想问问", **more: Any) -> dict[str, Any]:
    """A ticket that waits with a category that somebody chose."""
    fresh = await desk.call(words, **more)
    return await switch.act(fresh, "triage", **SORTED)


async def send(who: Player, action: str, *items: dict[str, Any], key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return await who.post(f"/v1/tickets/bulk/{action}", {"items": list(items)}, headers=headers)


def item(ticket: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"number": ticket["number"], "version": ticket["version"], **fields}


async def test_each_waiting_ticket_tells_its_limit_its_place_where_it_may_go_and_why(
    desk: Player, switch: Player, lifts: Player, lift_ticket: dict[str, Any], clock: Clock, cast: Cast
) -> None:
    unclear = await desk.call("有点事情想问问", location={"area": "rq-b3", "building": "3", "unit": "2"})
    clock.forward(minutes=1)
    known = await sorted_by_hand(desk, switch)
    asked = await lifts.order(lift_ticket, "request_return", department="residents-affairs", **WISH)
    await switch.order(asked, "approve_return")

    by_number = {x["number"]: x for x in await queue(switch)}
    assert set(by_number) == {unclear["number"], known["number"], lift_ticket["number"]}
    first = by_number[unclear["number"]]
    assert (first["building"], first["unit"], first["returns"], first["returned_by"]) == ("3", "2", 0, [])
    clocks = (await switch.get(f"/v1/tickets/{unclear['number']}/clocks")).json()["items"]
    assert first["until"] == next(c["limit_at"] for c in clocks if c["metric"] == "dispatch")
    # nobody can say where it goes: the fallback, and that is told
    assert [(p["department"]["code"], p["sure"]) for p in first["proposals"]] == [("service-centre", False)]
    # a row of the catalogue says it
    [decided, *_] = by_number[known["number"]]["proposals"]
    routing = (await switch.see(known))["advice"]["routing"]
    assert (decided["department"]["code"], decided["level"], decided["sure"]) == (routing["lead"], 5, True)
    assert decided["because"][0]["rule"] == f"route:{routing['route']}"
    # whoever gave it back is not among them, whatever the catalogue says
    back = by_number[lift_ticket["number"]]
    assert [d["code"] for d in back["returned_by"]] == ["property-works"]
    assert (back["proposals"][0]["department"]["code"], back["proposals"][0]["level"]) == ("residents-affairs", 4)
    assert "property-works" not in [p["department"]["code"] for p in back["proposals"]]
    assert not any("property-works" in [a["code"] for a in p["assists"]] for p in back["proposals"])

    # of one ticket: who it could be given to, with load, duty and limits
    found = (await switch.get(f"/v1/tickets/{lift_ticket['number']}/departments")).json()
    assert [p["department"]["code"] for p in found["items"]] == [p["department"]["code"] for p in back["proposals"]]
    assert found["version"] == back["version"] and [d["code"] for d in found["returned_by"]] == ["property-works"]
    fallback = next(p for p in found["items"] if p["department"]["code"] == "service-centre")
    assert fallback["on_duty"] and fallback["due_at"] > fallback["accept_by"]
    before = next(p for p in found["items"] if p["department"]["code"] == "residents-affairs")["load"]
    await switch.act(await switch.see(lift_ticket), "dispatch", department="residents-affairs")
    more = await switch.act(known, "dispatch", department="residents-affairs")
    other = (await switch.get(f"/v1/tickets/{unclear['number']}/departments")).json()["items"]
    assert more["status"] == "dispatched" and before == 0
    assert [p["load"] for p in other if p["department"]["code"] == "service-centre"] == [fallback["load"]]

    # nobody is shown more than is theirs
    block = await cast("block3")
    assert await numbers(block) == [unclear["number"]]
    assert (await lifts.get("/v1/queue")).status_code == 403
    assert (await block.get(f"/v1/tickets/{known['number']}/departments")).status_code == 404


async def test_what_triage_thinks_is_proposed_with_the_category_it_would_have(desk: Player, switch: Player) -> None:
    """Not certain enough for the rules, and still the likeliest: sent by one act each, sorted on the way."""
    two = await desk.call("垃圾桶旁边好臭，还有老鼠")
    nothing = await desk.call("有点事情想问问")
    found = {x["number"]: x["proposals"] for x in await queue(switch)}
    first, *_ = found[two["number"]]
    assert (first["category"]["code"], first["level"], first["sure"]) == ("hj-pests", 3, True)
    assert first["because"][0] == {"rule": "category:hj-pests", "matched": []}
    assert [(p["category"], p["sure"]) for p in found[nothing["number"]]] == [(None, False)]
    triage = {"category": "hj-pests", "kind": "request", "priority": "normal"}
    to = {"department": first["department"]["code"]}
    [result] = (await send(switch, "dispatch", item(two, triage=triage, **to))).json()["items"]
    assert (result["status"], result["ticket_status"]) == (200, "dispatched")


async def test_what_was_dispatched_and_undone_is_proposed_as_before(
    desk: Player, switch: Player, lifts: Player, clock: Clock
) -> None:
    thought_of = await desk.call("垃圾桶旁边好臭，还有老鼠")
    known = await sorted_by_hand(desk, switch)
    before = {x["number"]: x["proposals"][0] for x in await queue(switch)}
    assert all(proposal["sure"] for proposal in before.values()) and len(before) == 2
    triage = {"category": "hj-pests", "kind": "request", "priority": "normal"}
    sent = [item(thought_of, triage=triage, department=before[thought_of["number"]]["department"]["code"]),
            item(known, department="residents-affairs")]  # fmt: skip
    results = (await send(switch, "dispatch", *sent)).json()["items"]
    assert [result["status"] for result in results] == [200, 200], results
    assert await queue(switch) == []
    clock.forward(seconds=5)
    for ticket in results:
        await switch.act(await switch.see(ticket["number"]), "undo")
    assert await queue(switch, unsure="true") == []
    after = {x["number"]: x["proposals"][0] for x in await queue(switch)}
    assert after[known["number"]] == before[known["number"]]
    for field in ("department", "sure", "assists"):
        assert after[thought_of["number"]][field] == before[thought_of["number"]][field]
    assert (await switch.see(known))["advice"]["routing"]["route"] is not None
    # one that was taken away later is another matter: somebody must look
    again = await switch.act(await switch.see(known), "dispatch", department="residents-affairs")
    clock.forward(minutes=2)
    await switch.order(again, "recall", reason="派错了", place=1)
    assert [x["number"] for x in await queue(switch, unsure="true")] == [known["number"]]


async def test_many_are_classified_at_once_each_by_its_version(desk: Player, switch: Player, lifts: Player) -> None:
    unclear = [await desk.call("有点事情想问问") for _ in range(3)]
    moved = await desk.act(unclear[2], "comment", text="来电人补充")
    items = [item(each, **SORTED) for each in unclear]
    reply = (await send(switch, "triage", *items, key="k")).json()
    assert [result["status"] for result in reply["items"]] == [200, 200, 412] and reply["refused"] == 1
    assert reply["items"][2]["problem"]["type"] == "urn:hotline:problem:stale"
    assert (await send(switch, "triage", *items, key="k")).json() == reply
    for ticket in unclear[:2]:
        seen = await switch.see(ticket)
        assert (seen["status"], seen["category"]["code"]) == ("triaged", "wx-light") and seen["undo_until"]
    assert (await switch.see(moved))["status"] == "received"
    # what was said stays in sight where the title has become that of the category
    said = {x["number"]: (x["title"], x["said"]) for x in await queue(switch)}
    words = "有点事情想问问"
    assert [said[each["number"]] for each in unclear] == [("瑞泉馨城 · 路灯故障", words)] * 2 + [(words, None)]
    secret = await desk.call("有点事情想问问" + "，很长" * 20, caller={"confidential": True})
    await switch.act(secret, "triage", **SORTED)
    asked = await switch.act(await switch.see(unclear[0]), "request_info", text="哪里？")
    await switch.act(await switch.see(unclear[1]), "dispatch", department="property-works")
    pages = [
        await switch.get("/v1/tickets", params={"clocks": "true"}), await switch.get("/v1/worklists/information"),
        await lifts.get("/v1/departments/property-works/queue", params={"colours": "true"}),
    ]  # fmt: skip
    found = [{x["number"]: x["said"] for x in page.json()["items"]} for page in pages]
    assert (found[0][secret["number"]], found[0][asked["number"]]) == (None, words)
    assert found[1:] == [{asked["number"]: words}, {unclear[1]["number"]: words}]
    lacking = await send(switch, "triage", {key: value for key, value in items[0].items() if key != "category"})
    assert lacking.status_code == 422 and lacking.json()["errors"][0]["field"] == "items.0.category"
    assert (await send(lifts, "triage", *items)).status_code == 403
    named = (await switch.get("/v1/directory/categories", params={"sounds": "true"})).json()
    assert named["sounds"]["dt-fault"] == ["diantiguzhang", "dtgz"]
    assert (await switch.get("/v1/directory/categories")).json()["sounds"] is None


async def test_the_queue_is_sorted_filtered_paged_and_counted(
    desk: Player, switch: Player, lifts: Player, clock: Clock, services: Services, cast: Cast
) -> None:
    first = await desk.call("有点事情想问问", location={"area": "rq-b9"})
    clock.forward(minutes=5)
    second = await sorted_by_hand(desk, switch, location={"area": "rq-b3"})
    clock.forward(minutes=5)
    urgent = await switch.act(
        await desk.call("说不清楚，请快点来"), "triage", category="wx", kind="request", priority="emergency"
    )
    clock.forward(minutes=5)
    lift = await desk.call("3栋2单元电梯坏了", category="dt-fault")
    asked = await lifts.order(lift, "request_return", department="residents-affairs", **WISH)
    back = await switch.order(asked, "approve_return")
    all_four = [first, second, urgent, back]

    assert await numbers(switch) == [x["number"] for x in (urgent, back, first, second)]
    assert await numbers(switch, sort="waited") == [x["number"] for x in (first, second, urgent, back)]
    assert await numbers(switch, sort="-waited") == [x["number"] for x in (back, urgent, second, first)]
    due = await queue(switch, sort="due")
    assert [x["until"] for x in due] == sorted(x["until"] for x in due) and due[0]["number"] == urgent["number"]
    assert await numbers(switch, sort="-due") == [x["number"] for x in reversed(due)]
    for sort in ("urgency", "due", "-due", "waited", "-waited"):  # page by page the same
        whole, found, cursor = await numbers(switch, sort=sort), list[str](), None
        for _ in range(6):
            more = {"cursor": cursor} if cursor else {}
            page = (await switch.get("/v1/queue", params={"sort": sort, "limit": 1, **more})).json()
            found += [x["number"] for x in page["items"]]
            if (cursor := page["next"]) is None:
                break
        assert found == whole, sort

    assert await numbers(switch, area="rq-b9") == [first["number"]]
    assert await numbers(switch, area=["rq-b9", "rq-b3"], sort="waited") == [
        x["number"] for x in (first, second, back)
    ]  # fmt: skip
    assert await numbers(switch, category="wx", sort="waited") == [
        second["number"],
        urgent["number"],
    ]  # and what is below it
    assert await numbers(switch, priority="emergency") == [urgent["number"]]
    assert await numbers(switch, returned="true") == [back["number"]]
    assert set(await numbers(switch, unsure="true")) == {first["number"]}
    clock.forward(minutes=61)
    fresh = await desk.call("有点事情想问问")
    assert await numbers(switch, hours=1) == [fresh["number"]]
    soon = await numbers(switch, due_soon="true")
    assert set(soon) == {urgent["number"], back["number"]}  # late by now
    told = await counts(switch)
    assert told == {
        "waiting": len(all_four) + 1, "emergency": 1, "due_soon": len(soon), "returned": 1, "unsure": None, "complete": True,
    }  # fmt: skip
    block = await cast("block3")
    assert await counts(block) == {
        "waiting": 2, "emergency": 0, "due_soon": 1, "returned": 1, "unsure": None, "complete": True,
    }  # fmt: skip
    wrong = await switch.get("/v1/queue", params={"sort": "title"})
    assert wrong.status_code == 422


async def test_counts_beyond_what_is_looked_through_say_at_least(
    desk: Player, switch: Player, services: Services, monkeypatch: Any
) -> None:
    monkeypatch.setattr("hotline.tickets.dispatching.MAX_COUNTED", 2)
    monkeypatch.setattr("hotline.tickets.dispatching.MAX_LOOKED_THROUGH", 2)
    for _ in range(3):
        await sorted_by_hand(desk, switch)
    unsure = await desk.call("有点事情想问问")
    for _ in range(2):
        await desk.call("有点事情想问问")
    found = await count_queue(services, switch.actor, services.clock())
    assert found == QueueCounts(6, 0, 0, 0, complete=False)
    # the unsure ones are found page by page, though a page reads but so many
    seen, cursor = list[str](), None
    for _ in range(9):
        more = {"cursor": cursor} if cursor else {}
        page = (await switch.get("/v1/queue", params={"unsure": "true", "limit": 1, "sort": "waited", **more})).json()
        seen += [x["number"] for x in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert len(seen) == 3 and seen[0] == unsure["number"]


async def test_many_are_dispatched_at_once_and_each_has_its_own_result(
    desk: Player, switch: Player, cast: Cast, services: Services
) -> None:
    tickets = [await sorted_by_hand(desk, switch) for _ in range(4)]
    unsorted = await desk.call("有点事情想问问")
    moved = await switch.act(tickets[1], "comment", text="问过了")  # somebody was there meanwhile
    assert moved["version"] != tickets[1]["version"]
    gone = await switch.act(tickets[2], "dispatch", department="property-works")
    elsewhere = await desk.call("有点事情想问问", location={"area": "rq-b9"})
    to = {"department": "residents-affairs"}
    body = [
        item(tickets[0], **to), item(tickets[1], **to), item(gone, **to), item(tickets[3], **to, assists=["repairs"]),
        {"number": "100000999", "version": 1, **to}, item(unsorted, **to, triage=SORTED), item(elsewhere, **to),
    ]  # fmt: skip
    reply = await send(switch, "dispatch", *body, key="morning")
    assert reply.status_code == 200, reply.text
    told = reply.json()
    assert [x["status"] for x in told["items"]] == [200, 412, 409, 200, 404, 200, 409]
    assert (told["done"], told["refused"]) == (3, 4)
    assert [x["number"] for x in told["items"]] == [x["number"] for x in body]
    stale, late = told["items"][1], told["items"][2]
    assert stale["problem"]["type"] == "urn:hotline:problem:stale" and stale["version"] is None
    assert late["problem"]["type"] == "urn:hotline:problem:not-now"
    for x in (told["items"][0], told["items"][3], told["items"][5]):
        seen = await switch.see(x["number"])
        assert (seen["status"], seen["version"], x["ticket_status"]) == ("dispatched", x["version"], "dispatched")
        line = (await switch.get(f"/v1/tickets/{x['number']}/timeline")).json()["items"][-1]
        assert (line["action"], line["by"]["name"]) == ("dispatch", "switch")
    assert {a["department"]["code"] for a in (await switch.see(tickets[3]))["assignments"]} == {
        "residents-affairs", "repairs",
    }  # fmt: skip
    assert (await switch.see(unsorted))["category"]["code"] == "wx-light"
    assert (await switch.see(tickets[1]))["status"] == "triaged"

    # the same again under the same key: the same answer, nothing done twice, also where it would go now
    again = await send(switch, "dispatch", *body, key="morning")
    assert again.headers["idempotency-replayed"] == "true" and again.json() == told
    assert len((await switch.see(tickets[0]))["assignments"]) == 1
    other = await send(switch, "dispatch", item(moved, **to), key="morning")
    assert (other.status_code, other.json()["type"]) == (422, "urn:hotline:problem:key-reused")

    # bodies are held to the rules of the action; the role and the scope too
    twice = await send(switch, "dispatch", item(moved, **to), item(moved, **to))
    assert (twice.status_code, broken(twice.json())[0]) == (422, ("items.0.number", "each ticket once"))
    assert (await send(switch, "dispatch", item(moved))).status_code == 422
    assert (await send(await cast("lifts"), "dispatch", item(moved, **to))).status_code == 403
    block = await cast("block3")
    [refused] = (await send(block, "dispatch", item(moved, **to))).json()["items"]
    assert refused["status"] == 404
    unknown = (await send(switch, "dispatch", item(moved, department="nobody"))).json()["items"][0]
    assert (unknown["status"], unknown["problem"]["errors"][0]["field"]) == (422, "department")


async def test_what_was_cut_off_goes_on_where_it_stopped(desk: Player, switch: Player, monkeypatch: Any) -> None:
    """The answer was lost, or the process: the same key does what was not done, and nothing twice."""
    tickets = [await sorted_by_hand(desk, switch) for _ in range(3)]
    to = {"department": "residents-affairs"}

    async def lost(*_: Any, **__: Any) -> Any:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr("hotline.tickets.bulk.write_once", lost)
        with contextlib.suppress(asyncio.CancelledError):
            await send(switch, "dispatch", *(item(x, **to) for x in tickets), key="cut")
    assert {(await switch.see(x))["status"] for x in tickets} == {"dispatched"}
    reply = await send(switch, "dispatch", *(item(x, **to) for x in tickets), key="cut")
    assert [x["status"] for x in reply.json()["items"]] == [200, 200, 200]
    for x in tickets:
        seen = await switch.see(x)
        assert len(seen["assignments"]) == 1 and seen["version"] == reply.json()["items"][tickets.index(x)]["version"]
    reused = await send(switch, "dispatch", item(tickets[0], department="property-works"), key="cut")
    assert reused.status_code == 422


async def test_many_are_merged_into_one_and_many_are_asked_for_more(desk: Player, switch: Player) -> None:
    target, *others = [await sorted_by_hand(desk, switch) for _ in range(4)]
    reply = await send(switch, "merge", *(item(x, target=target["number"]) for x in others))
    assert [x["ticket_status"] for x in reply.json()["items"]] == ["merged"] * 3, reply.text
    assert (await switch.see(target))["counters"]["merged"] == 3
    itself = await send(switch, "merge", item(await switch.see(target), target=target["number"]))
    assert itself.json()["items"][0]["status"] in (409, 422)
    vague = [await desk.call("有点事情想问问") for _ in range(2)]
    asked = await send(switch, "request_info", *(item(x, text="什么坏了，在哪里？") for x in vague))
    assert [x["ticket_status"] for x in asked.json()["items"]] == ["awaiting_info"] * 2
