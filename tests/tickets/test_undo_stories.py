"""Ten seconds to take it back, over the API: nobody is told before, nothing stays behind, and no call is lost."""

import base64
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy as sa

from hotline.audit.verification import Verified, verify
from hotline.delivery.channels import DeliveryChannels
from hotline.delivery.model import HOLD
from hotline.delivery.notices import WebhookClient
from hotline.delivery.outbox import send_due_messages
from hotline.delivery.tables import outbox
from hotline.reporting.service.figures import load_rollup_drift, update_rollups
from hotline.tickets.context import Services
from hotline.tickets.tables import call
from hotline.tickets.tables import clock as clock_table
from tests.conftest import LIFT, SECRET, Cast, Clock, Player, broken
from tests.tickets.test_attachments import jpeg

CALLER = {"phone": "13800138000", "name": "王秀英"}
UNSORTED = "楼下那个东西又那样了"
pytestmark = pytest.mark.usefixtures("held")


@pytest.fixture
def held(services: Services) -> None:
    services.hold = HOLD


@pytest.fixture
async def told(services: Services, clock: Clock) -> Any:
    """What has been handed over since it was asked last: (kind, action, status or department)."""
    came: list[Any] = []

    def far(request: httpx.Request) -> httpx.Response:
        message = orjson.loads(request.content)
        data = message["data"]
        came.append((message["type"].removeprefix("hotline."), data.get("action"), data.get("status")))
        return httpx.Response(200)

    client = httpx.AsyncClient(transport=httpx.MockTransport(far))
    notices = WebhookClient(client, "http://far/hook", "whsec_" + base64.b64encode(b"0" * 32).decode())

    async def since() -> list[Any]:
        came.clear()
        while await send_due_messages(services, DeliveryChannels(notices), clock()):
            pass
        return list(came)

    yield since
    await client.aclose()


async def _clocks(services: Services, number: str) -> dict[str, Any]:
    """The clocks that run, but for when they were counted last."""
    columns = [c for c in clock_table.columns if c.name not in ("lease_until", "lease_token")]
    query = sa.select(*columns).where(clock_table.c.number == number, clock_table.c.stopped_at.is_(None))
    return {row.id: tuple(row) for row in await services.db.transact(lambda c: c.execute(query).all())}


async def test_a_dispatch_is_taken_back_before_anybody_hears_of_it(
    desk: Player, switch: Player, lifts: Player, services: Services, clock: Clock, told: Any
) -> None:
    ticket = await desk.call(UNSORTED, caller=CALLER)
    ticket = await switch.act(ticket, "triage", category="dt-fault", kind="request", priority="normal")
    await told()
    clock.forward(minutes=7)
    before, clocks = await switch.see(ticket), await _clocks(services, ticket["number"])
    assert before["undo_until"] is None
    sent = await switch.act(ticket, "dispatch", department="property-works")
    assert "undo" in {move["action"] for move in sent["allowed_actions"]} and sent["undo_until"]
    clock.forward(seconds=9)
    assert await told() == []
    seen = await switch.see(ticket)
    assert (seen["undo_until"], seen["version"]) == (sent["undo_until"], sent["version"])
    assert (await desk.see(ticket))["undo_until"] is None  # not theirs
    refused = await desk.act(sent, "undo", expect=409)
    assert broken(refused) == [("own_step", "somebody else took the last step")]
    back = await switch.act(sent, "undo", key="back")
    assert await switch.act(sent, "undo", key="back") == back  # a retry is given the same answer
    assert {**back, "version": 0, "assignments": [], "advice": None} == {
        **before, "version": 0, "advice": None, "updated_at": back["updated_at"], "clocks": back["clocks"], "waits_for": back["waits_for"],
        "undo_until": None, "next_step": {**before["next_step"], "because": "taken_back"},
    }  # fmt: skip
    assert await _clocks(services, ticket["number"]) == clocks  # as if they had never stopped
    assert [a["status"] for a in back["assignments"]] == ["recalled"]
    assert (await lifts.get("/v1/departments/property-works/queue")).json()["items"] == []
    await lifts.see(ticket, expect=404)
    clock.forward(minutes=1)
    assert await told() == []  # neither the order nor that it was recalled
    lines = (await switch.get(f"/v1/tickets/{ticket['number']}/timeline")).json()["items"]
    assert [line["action"] for line in lines][-3:] == ["dispatch", "undo", "undo"]
    assert lines[-2]["changes"]["undone"] == [None, "dispatch"]
    again = await switch.act(back, "dispatch", department="property-works")
    clock.forward(seconds=11)
    late = await switch.act(again, "undo", expect=409)
    assert broken(late)[0][0] in ("undoable", "in_ten_seconds")
    clock.forward(seconds=4)
    assert await told() == [("resident", "dispatch", "dispatched"), ("department", "dispatch", "issued")]
    assert await told() == []
    shown = await services.db.snapshot(lambda c: verify(c, SECRET))
    assert isinstance(shown, Verified)


async def test_what_the_rules_sent_at_a_call_is_held_and_taken_back_and_danger_is_not(
    desk: Player, lifts: Player, clock: Clock, told: Any, services: Services
) -> None:
    taken = await desk.call(LIFT, caller=CALLER, category="dt-fault")
    assert taken["status"] == "dispatched" and taken["undo_until"]
    assert await told() == [("resident", "receive", None)]  # the number is told at once
    back = await desk.act(taken, "undo")
    assert (back["status"], back["department"], back["promised_at"]) == ("triaged", None, None)
    assert {c["metric"] for c in back["clocks"]["running"]} >= {"dispatch", "resolve"}
    clock.forward(minutes=1)
    assert await told() == []
    rings = await desk.call("3栋2单元电梯里有人被困，救命", caller=CALLER)
    assert rings["priority"] == "emergency" and rings["undo_until"]
    at_once = await told()
    assert ("department", "dispatch", "issued") in at_once and any(kind == "duty" for kind, *_ in at_once)
    recalled = await desk.act(rings, "undo")
    assert recalled["status"] == "triaged"
    assert ("department", "undo", "recalled") in await told()


async def test_messages_held_back_survive_and_are_sent_once(
    desk: Player, services: Services, clock: Clock, told: Any
) -> None:
    """What is held stands in the outbox with the step, in one COMMIT: no timer of a process keeps it."""
    ticket = await desk.call(LIFT, caller=CALLER, category="dt-fault")
    rows = await services.db.transact(lambda c: c.execute(sa.select(outbox).order_by(outbox.c.id)).all())
    assert {row.id.split(".")[1]: row.next_at - clock() for row in rows}["3"] == HOLD
    assert {row.status for row in rows} == {"queued"} and all(row.number == ticket["number"] for row in rows)
    await told()
    clock.forward(seconds=14)
    assert await told() == []  # an undoing of the last second may still be on its way to the database
    clock.forward(seconds=1)
    assert len(await told()) == 2
    clock.forward(minutes=5)
    assert await told() == []


async def test_a_merge_a_close_and_a_decline_are_taken_back(
    desk: Player, switch: Player, lifts: Player, clock: Clock, told: Any
) -> None:
    parent = await desk.call(LIFT, caller=CALLER, category="dt-fault")
    child = await desk.call(LIFT, caller={"phone": "13900139000"}, category="dt-fault")
    await told()
    clock.forward(minutes=1)
    await told()
    whole, alone = await switch.see(parent), await switch.see(child)
    merged = await switch.act(child, "merge", target=parent["number"])
    assert (await switch.see(parent))["counters"]["calls"] == 2
    assert len((await lifts.get("/v1/departments/property-works/queue")).json()["items"]) == 1
    back = await switch.act(merged, "undo")
    assert (back["status"], back["parent"]) == ("dispatched", None)
    assert [a["status"] for a in back["assignments"]] == ["issued"]
    assert back["clocks"] == alone["clocks"] and back["promised_at"] == alone["promised_at"]
    after = await switch.see(parent)
    assert (after["counters"], after["flags"]) == (whole["counters"], whole["flags"])
    assert len((await lifts.get("/v1/departments/property-works/queue")).json()["items"]) == 2
    clock.forward(minutes=1)
    assert await told() == []
    # 非常不满意, pressed by mistake, closes nothing for good
    done = await lifts.order(back, "accept")
    done = await lifts.order(done, "contact_caller", contacted="电话")
    done = await lifts.order(done, "report", internal_result="已修", public_reply="已修", solved=True)
    done = await switch.order(done, "accept_report")
    clock.forward(minutes=1)
    await told()
    closed = await desk.act(done, "confirm", satisfaction="very_dissatisfied")
    assert closed["status"] == "closed"
    open_again = await desk.act(closed, "undo")
    assert (open_again["status"], open_again["result"], open_again["clocks"]) == (
        "resolved", done["result"], done["clocks"]
    )  # fmt: skip
    clock.forward(minutes=1)
    assert await told() == []
    other = await desk.call(UNSORTED, caller=CALLER)
    no = await desk.act(other, "decline", reason_code="unlawful", channel_told="110")
    assert (await desk.act(no, "undo"))["status"] == "received"


async def test_a_call_that_joined_the_wrong_ticket_becomes_its_own(
    desk: Player, services: Services, clock: Clock, told: Any
) -> None:
    wrong = await desk.call(LIFT, caller=CALLER, category="dt-fault")
    clock.forward(minutes=3)
    whole = await desk.see(wrong)
    words = "5栋楼道灯不亮"
    joined = await desk.call(words, caller={"phone": "13700137000"}, attach_to=wrong["number"])
    assert joined["counters"]["calls"] == 2 and joined["undo_until"]
    back = await desk.act(joined, "undo", key="z")
    assert (back["counters"], back["flags"]) == (whole["counters"], whole["flags"])
    own = await desk.see(back["opened"])
    assert (own["narrative"], own["caller"]["phone"], own["counters"]["calls"]) == (words, "+8613700137000", 1)
    assert (await desk.act(joined, "undo", key="z"))["opened"] == back["opened"]  # once
    heard = {n: (await desk.get(f"/v1/tickets/{n}/calls")).json()["items"] for n in (wrong["number"], own["number"])}
    assert [len(items) for items in heard.values()] == [1, 1]
    rows = await services.db.transact(lambda c: c.execute(sa.select(call.c.number)).scalars().all())
    assert sorted(rows) == sorted([wrong["number"], own["number"]])
    await update_rollups(services, clock())
    assert await load_rollup_drift(services, clock()) == {}


async def test_a_call_that_joined_the_wrong_ticket_keeps_its_own_place_and_wishes(desk: Player, clock: Clock) -> None:
    wrong = await desk.call("3栋2单元电梯坏了", caller=CALLER, category="dt-fault", location={"area": "rq-b3"})
    clock.forward(minutes=1)
    where = {"area": "rq-b5", "address": "北门旁边", "building": "5", "unit": "1"}
    joined = await desk.call(
        "楼道灯不亮", caller={"phone": "13700137000", "contact": "微信 wang5"}, reply_wanted=False, location=where,
        attach_to=wrong["number"], notes=["已告知来电人拨打119"],
    )  # fmt: skip
    back = await desk.act(joined, "undo")
    own = await desk.see(back["opened"])
    lines = (await desk.get(f"/v1/tickets/{own['number']}/timeline")).json()["items"]
    assert "已告知来电人拨打119" in [line["reason"] for line in lines]
    assert own["location"] == (await desk.see(await desk.call("楼道灯不亮", location=where)))["location"]
    assert (own["reply_wanted"], own["caller"]["contact"]) == (False, "微信 wang5")


async def test_of_two_steps_of_one_request_the_last_is_undone_and_then_the_first(
    desk: Player, switch: Player, services: Services, clock: Clock
) -> None:
    sorting = {"category": "wx-light", "kind": "complaint", "priority": "urgent"}
    sorted_only, sent = await desk.call(UNSORTED), await desk.call(UNSORTED)
    clock.forward(minutes=3)
    alone = await switch.act(sorted_only, "triage", **sorting)
    body = {"number": sent["number"], "version": sent["version"], "department": "property-works", "triage": sorting}
    headers = {"idempotency-key": "both"}
    reply = await switch.post("/v1/tickets/bulk/dispatch", {"items": [body]}, headers=headers)
    assert reply.json()["items"][0]["status"] == 200, reply.text
    clock.forward(seconds=2)
    back = await switch.act(await switch.see(sent), "undo")
    assert (back["status"], back["priority"]) == ("triaged", "urgent")
    limits = [{(c["metric"], c["due_at"]) for c in each["clocks"]["running"]} for each in (alone, back)]
    assert limits[0] == limits[1] and len(limits[0]) >= 2
    # sorted and sent by one gesture, it goes back by two steps of undoing: as it was before somebody sorted it
    assert (await switch.see(sent))["undo_until"] is not None
    unsorted = await switch.act(await switch.see(sent), "undo")
    assert (unsorted["status"], unsorted["category"], unsorted["priority"]) == ("received", None, sent["priority"])
    assert (await switch.see(sent))["undo_until"] is None
    alone_too = await switch.act(await switch.see(sorted_only), "undo")  # sorting alone is taken back as well
    limits = [
        {(c["metric"], c["due_at"]) for c in x["clocks"]["running"]} for x in (sent, unsorted, sorted_only, alone_too)
    ]
    assert limits[0] == limits[1] and limits[2] == limits[3] and limits[0]
    assert alone_too["kind"] == sorted_only["kind"] and alone_too["status"] == "received"


async def test_a_further_step_tells_what_was_held_before_what_it_tells_itself(
    desk: Player, switch: Player, clock: Clock, told: Any
) -> None:
    ticket = await switch.act(await desk.call(UNSORTED, caller=CALLER), "triage", category="dt-fault", kind="request",
                              priority="normal")  # fmt: skip
    await told()
    clock.forward(minutes=1)
    sent = await switch.act(ticket, "dispatch", department="property-works")
    clock.forward(seconds=8)
    assert await told() == []
    await switch.order(sent, "recall", reason="派错了")
    heard = [(kind, status) for kind, _, status in await told() if kind == "department"]
    assert heard == [("department", "issued"), ("department", "recalled")]
    clock.forward(minutes=1)
    assert await told() == []


async def test_only_what_is_theirs_to_see_is_undone(cast: Cast, desk: Player, clock: Clock) -> None:
    ticket = await desk.call(LIFT, caller=CALLER, category="dt-fault")
    for name, status in {"gate": 403, "lifts": 403, "committee": 403, "pipes": 404, "switch": 409}.items():
        who = await cast(name)
        await who.act(ticket, "undo", expect=status)
    await desk.act(ticket, "comment", text="稍后再看")
    refused = await desk.act(await desk.see(ticket), "undo", expect=409)
    assert broken(refused) == [("undoable", "the last step is none that can be undone, or too long ago")]


async def test_a_result_reported_by_mistake_is_taken_back_and_its_resident_hears_and_sees_nothing(
    desk: Player, lifts: Player, pipes: Player, watch: Player, services: Services, clock: Clock, told: Any
) -> None:
    ticket = await desk.call(LIFT, caller=CALLER, category="dt-fault")
    number, path = ticket["number"], f"/v1/tickets/{ticket['number']}/attachments"
    made = await lifts.http.post(path, files={"file": ("a.jpg", jpeg(5))}, data={"purpose": "after"})
    before = await lifts.order(await lifts.see(ticket), "accept")
    clock.forward(minutes=3)
    await told()
    orders, clocks = before["assignments"], await _clocks(services, number)
    result = {"internal_result": "换皮带", "public_reply": "已修好", "solved": True, "photos": [made.json()["id"]]}
    sent = await lifts.order(before, "report", **result)
    assert sent["undo_until"] and "undo" in {move["action"] for move in sent["allowed_actions"]}
    for other in (desk, watch):
        assert (await other.see(ticket))["undo_until"] is None
    assert broken(await desk.act(sent, "undo", expect=409)) == [("own_step", "somebody else took the last step")]
    await pipes.act(sent, "undo", expect=404)
    clock.forward(seconds=9)
    assert await told() == []
    back = await lifts.act(sent, "undo", key="back")
    assert await lifts.act(sent, "undo", key="back") == back
    assert (back["status"], back["assignments"]) == ("dispatched", orders)
    assert await _clocks(services, number) == clocks  # nothing has stood still, and nobody's review runs
    clock.forward(minutes=1)
    assert await told() == []
    # reported for good, and accepted by mistake: the resident is told of neither for ten seconds
    done = await lifts.order(back, "report", **result)
    clock.forward(seconds=16)
    assert await told() == [("department", "report", "reported")]
    code = (await desk.get(f"/v1/tickets/{number}/query-code")).json()["query_code"]
    look = {"number": number, "code": code}
    reviewed = await watch.order(done, "accept_report")
    assert reviewed["status"] == "resolved" and reviewed["undo_until"]
    assert (await desk.http.post("/v1/lookup", json=look, headers={"authorization": ""})).json()["photos"] == []
    taken_back = await watch.act(reviewed, "undo")
    assert (taken_back["status"], taken_back["result"]["public_reply"]) == ("dispatched", None)
    assert [a["status"] for a in taken_back["assignments"]] == ["reported"]
    assert taken_back["assignments"][0]["result"] == done["assignments"][0]["result"]
    running = [{c["id"]: c["due_at"] for c in each["clocks"]["running"]} for each in (taken_back, done)]
    assert running[0] == running[1] and any("audit" in each for each in running[0])
    steps = (await desk.http.post("/v1/lookup", json=look, headers={"authorization": ""})).json()["steps"]
    assert steps and "resolved" not in str(steps)
    clock.forward(seconds=30)
    assert await told() == []
    again = await watch.order(taken_back, "accept_report")
    clock.forward(seconds=14)
    assert (
        await told() == []
        and (await desk.http.post("/v1/lookup", json=look, headers={"authorization": ""})).json()["photos"] == []
    )
    clock.forward(seconds=1)
    assert ("resident", "accept_report", "resolved") in await told()
    assert len((await desk.http.post("/v1/lookup", json=look, headers={"authorization": ""})).json()["photos"]) == 1
    late = await watch.act(again, "undo", expect=409)
    assert broken(late)[0][0] in ("undoable", "in_ten_seconds")
    await update_rollups(services, clock())
    assert await load_rollup_drift(services, clock()) == {}
    assert isinstance(await services.db.snapshot(lambda c: verify(c, SECRET)), Verified)
