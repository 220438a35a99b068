"""From the first ring to the closed ticket, and the roads off it, as operators and departments go them."""

from typing import Any

from tests.conftest import Cast, Clock, Player, broken

REPORT = {
    "internal_result": "更换门机皮带",
    "public_reply": "电梯已修复，恢复运行",
    "solved": True,
    "cost": 320.5,
    "funding": "repair_fund",
}


async def test_a_broken_lift_is_taken_in_repaired_confirmed_and_closed(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player, desk: Player, clock: Clock
) -> None:
    t = lift_ticket
    assert (t["status"], t["department"]["code"], t["area"]["code"]) == ("dispatched", "property-works", "rq-b3")
    assert t["assignments"][0]["performer"]["code"] == "lifts"
    clock.forward(minutes=5)
    t = await lifts.order(t, "accept")
    t = await lifts.order(t, "contact_caller", contacted="电话 09:20")
    clock.forward(hours=3)
    t = await lifts.order(t, "report", **REPORT)
    assert (t["status"], t["assignments"][0]["status"]) == ("dispatched", "reported")
    t = await switch.order(t, "accept_report")
    assert (t["status"], t["assignments"][0]["status"]) == ("resolved", "done")
    assert t["result"]["public_reply"] == "电梯已修复，恢复运行"
    assert t["result"]["cost"] == 320.5
    t = await desk.act(t, "confirm", satisfaction="satisfied")
    assert t["status"] == "closed"
    assert t["result"]["satisfaction"] == {"first": "satisfied", "final": "satisfied"}
    told = (await desk.get(f"/v1/tickets/{t['number']}/timeline")).json()["items"]
    assert [e["action"] for e in told] == [
        "receive",
        "triage",
        "dispatch",
        "accept",
        "contact_caller",
        "report",
        "accept_report",
        "confirm",
    ]
    assert [e["seq"] for e in told] == list(range(1, 9))
    assert told[1]["by"]["kind"] == "key" and told[2]["by"]["kind"] == "rules"
    assert told[5]["changes"]["assignment.status"] == ["accepted", "reported"]


async def test_half_of_all_matters_are_answered_at_once(desk: Player) -> None:
    t = await desk.call(
        "请问物业费收费标准是多少",
        at_once={"action": "answer", "answer": "每平方米0.5元，公示在服务中心", "satisfaction": "satisfied"},
    )
    assert (t["status"], t["assignments"], t["result"]["public_reply"]) == (
        "closed",
        [],
        "每平方米0.5元，公示在服务中心",
    )


async def test_a_matter_for_the_police_is_declined_with_the_right_channel(desk: Player) -> None:
    t = await desk.call(
        "我要打官司", at_once={"action": "decline", "reason_code": "legal_procedure", "channel_told": "人民法院"}
    )
    assert (t["status"], t["result"]["reason_code"], t["result"]["channel_told"]) == (
        "declined",
        "legal_procedure",
        "人民法院",
    )


async def test_declining_without_a_channel_leaves_nothing_behind(desk: Player) -> None:
    body = await desk.call("我要打官司", at_once={"action": "decline", "reason_code": "legal_procedure"}, expect=422)
    assert broken(body) == [("channel_told", "required")]
    assert (await desk.get("/v1/tickets")).json()["items"] == []


async def test_a_wrongly_routed_order_is_returned_once_and_a_ruling_is_final(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player, cast: Cast
) -> None:
    wish = {"reason_code": "not_our_duty", "basis": "职责清单第12项", "department": "residents-affairs"}
    t = await lifts.order(lift_ticket, "request_return", **wish)
    assert t["assignments"][0]["status"] == "return_requested"
    t = await switch.order(t, "approve_return")
    assert (t["status"], t["department"], t["counters"]["returns"]) == ("triaged", None, 1)
    await lifts.see(t, expect=404)  # no longer theirs
    t = await switch.act(t, "dispatch", department="residents-affairs")
    affairs = await cast("affairs")
    t = await affairs.order(await affairs.see(t), "request_return", place=1, **{**wish, "department": "property-works"})
    t = await switch.order(t, "refuse_return", place=1, reason="首接负责")
    assert (t["assignments"][1]["status"], t["assignments"][1]["ruled"]) == ("accepted", True)
    again = await affairs.order(t, "request_return", place=1, expect=409, **{**wish, "department": "water"})
    assert "ruled responsible" in again["detail"]
    assert "report" in [a["action"] for a in again["allowed_actions"]]


async def test_the_lead_cannot_report_while_an_assisting_department_works(
    desk: Player, switch: Player, cast: Cast
) -> None:
    affairs, lifts = await cast("affairs"), await cast("lifts")
    t = await desk.call("屋顶漏水", category="wx-roof")
    assert [a["part"] for a in t["assignments"]] == ["lead", "assist"]
    t = await affairs.order(t, "accept")
    t = await affairs.order(t, "assist", department="property-works", reason="要开检修口")
    assert [a["department"]["code"] for a in t["assignments"]] == [
        "residents-affairs",
        "property-desk",
        "property-works",
    ]
    refused = await affairs.order(t, "report", expect=409, internal_result="x", public_reply="x", solved=True)
    assert "neither reported nor been waived" in refused["detail"]
    t = await lifts.order(t, "accept", place=2)
    t = await lifts.order(t, "report", place=2, internal_result="检修口已开")
    assert t["assignments"][2]["status"] == "done"
    t = await switch.order(t, "recall", place=1, reason="不需要了")  # waived
    t = await affairs.order(t, "report", internal_result="已补", public_reply="已修好", solved=True)
    assert t["assignments"][0]["status"] == "reported"


async def test_an_extension_moves_the_limit_only_when_approved(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player
) -> None:
    t = await lifts.order(lift_ticket, "accept")
    first = t["assignments"][0]["due_at"]
    t = await lifts.order(t, "request_extension", due_at="2026-12-20T18:00:00+08:00", reason="等配件")
    assert t["assignments"][0]["due_at"] == first
    await lifts.order(t, "request_extension", due_at="2026-12-25T18:00:00+08:00", reason="等配件", expect=409)
    t = await switch.order(t, "approve_extension")
    order = t["assignments"][0]
    assert (order["due_at"], order["first_due_at"], order["asked_due_at"]) == ("2026-12-20T10:00:00+00:00", first, None)
    assert (t["promised_at"], t["counters"]["extensions"]) == ("2026-12-20T10:00:00+00:00", 1)


async def test_a_rejected_report_goes_back_and_its_clock_runs_on(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player
) -> None:
    t = await lifts.order(lift_ticket, "accept")
    t = await lifts.order(t, "report", **REPORT)
    due = t["assignments"][0]["due_at"]
    # at the ticket: it means the lead's order
    t = await switch.act(t, "reject_report", fault="no_evidence", reason="没有照片")
    assert (t["assignments"][0]["status"], t["assignments"][0]["redos"], t["assignments"][0]["due_at"]) == (
        "accepted",
        1,
        due,
    )


async def test_a_resident_who_is_not_content_has_the_matter_reopened_and_both_opinions_are_kept(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player, desk: Player, clock: Clock
) -> None:
    t = await lifts.order(lift_ticket, "accept")
    t = await lifts.order(t, "report", **REPORT)
    t = await switch.order(t, "accept_report")
    t = await desk.act(t, "confirm", satisfaction="dissatisfied")
    clock.forward(days=3)
    t = await desk.act(t, "reopen", reason="又坏了")
    assert (t["status"], t["counters"]["reopens"]) == ("triaged", 1)
    t = await switch.act(t, "dispatch", department="property-works", performer="lifts")
    t = await lifts.order(t, "accept", place=1)
    t = await lifts.order(t, "report", place=1, **REPORT)
    t = await switch.order(t, "accept_report", place=1)
    t = await desk.act(t, "confirm", satisfaction="very_satisfied")
    assert t["result"]["satisfaction"] == {"first": "dissatisfied", "final": "very_satisfied"}
    clock.forward(days=31)
    late = await desk.act(t, "reopen", reason="又坏了", expect=409)
    assert "30 days" in late["detail"]


async def test_an_unreachable_resident_is_tried_three_times_before_the_ticket_closes(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player, desk: Player
) -> None:
    t = await lifts.order(lift_ticket, "accept")
    t = await lifts.order(t, "report", **REPORT)
    t = await switch.order(t, "accept_report")
    for _ in range(2):
        t = await desk.act(t, "call_back", reached="no_reply")
    await desk.act(t, "confirm", satisfaction="no_answer", expect=409)
    t = await desk.act(t, "call_back", reached="busy")
    t = await desk.act(t, "confirm", satisfaction="no_answer")
    assert (t["status"], t["counters"]["call_backs"]) == ("closed", 3)


async def test_merged_tickets_follow_their_parent_and_no_caller_is_lost(desk: Player, switch: Player, db: Any) -> None:
    parent = await desk.call("停水了", caller={"phone": "13800138001"}, category="sdq-water")
    child = await desk.call("又停水了", caller={"phone": "13800138002"}, category="sdq-water")
    await switch.act(child, "merge", target=child["number"], expect=409)  # into itself
    merged = await switch.act(child, "merge", target=parent["number"])
    assert (merged["status"], merged["parent"], merged["assignments"][0]["status"]) == (
        "merged",
        parent["number"],
        "recalled",
    )
    parent = await switch.see(parent)
    assert (parent["counters"]["calls"], parent["counters"]["merged"], parent["flags"]) == (2, 1, ["repeat"])
    back = await switch.act(parent, "merge", target=child["number"], expect=409)  # in a circle
    assert "into itself or into one of its own" in back["detail"]
    phones = [c["phone"] for c in (await desk.get(f"/v1/tickets/{parent['number']}/calls")).json()["items"]]
    assert phones == ["+8613800138001", "+8613800138002"]
    gone = await desk.act(parent, "withdraw", reason="不要了", expect=409)  # others hang on it
    assert "merged into this one" in gone["detail"]


async def test_a_repeat_call_joins_the_open_ticket_and_is_counted(lift_ticket: dict[str, Any], desk: Player) -> None:
    t = await desk.call("电梯还没好", attach_to=lift_ticket["number"], caller={"phone": "13800138000"})
    assert (t["number"], t["counters"]["calls"], t["flags"]) == (lift_ticket["number"], 2, ["repeat"])
    assert "urge" in [a["action"] for a in t["allowed_actions"]]
    t = await desk.act(t, "urge", reason="居民再次来电")
    assert t["counters"]["urges"] == 1


async def test_a_wrong_check_digit_never_hits_another_ticket(lift_ticket: dict[str, Any], desk: Player) -> None:
    wrong = lift_ticket["number"][:-1] + str((int(lift_ticket["number"][-1]) + 1) % 10)
    await desk.see(wrong, expect=404)
    body = await desk.call("电梯还没好", attach_to=wrong, expect=422)
    assert broken(body) == [("attach_to", "not a ticket number: check the digits")]


async def test_a_contractor_performs_without_ever_seeing_the_caller(lift_ticket: dict[str, Any], cast: Cast) -> None:
    liftmen = await cast("liftmen")
    seen = await liftmen.see(lift_ticket)
    assert seen["caller"] == {
        "id": None,
        "phone": None,
        "name": None,
        "contact": None,
        "confidential": False,
        "masked": True,
    }
    t = await liftmen.order(seen, "accept")
    await liftmen.order(t, "request_return", reason_code="not_our_duty", basis="x", department="water", expect=403)
    t = await liftmen.order(t, "report", **REPORT)
    assert t["assignments"][0]["status"] == "reported"
    queue = (await liftmen.get("/v1/departments/lifts/queue", params={"performing": "true"})).json()["items"]
    assert [q["number"] for q in queue] == [t["number"]]


async def test_a_shelved_matter_waits_with_its_orders_and_comes_back(
    lift_ticket: dict[str, Any], watch: Player, lifts: Player
) -> None:
    t = await watch.act(lift_ticket, "shelve", reason="等维修资金表决", review_at="2026-12-20T00:00:00Z")
    assert t["status"] == "shelved"
    await lifts.order(t, "accept", expect=409)
    t = await watch.act(t, "unshelve", reason="表决通过")
    assert t["status"] == "dispatched"
    await lifts.order(t, "accept")


async def test_the_counters_agree_with_the_truth_after_a_whole_day(
    lift_ticket: dict[str, Any], desk: Player, switch: Player, lifts: Player, db: Any
) -> None:
    from hotline.tickets.store import counters

    t = await lifts.order(lift_ticket, "accept")
    await switch.act(t, "recall", reason="派错了")
    for n in range(5):
        await desk.call(f"{n}栋停水了", category="sdq-water")
    assert await counters.load_counter_drift(db) == {}
    board = (await desk.get("/v1/departments/water/board")).json()
    assert (board["counts"], board["open"]) == ({"issued": 5}, 5)
    assert (await desk.get("/v1/board")).json()["counts"] == {"dispatched": 5, "triaged": 1}


async def test_the_first_opinion_is_kept_when_the_call_back_itself_reopens(
    lift_ticket: dict[str, Any], lifts: Player, switch: Player, desk: Player
) -> None:
    t = await lifts.order(lift_ticket, "accept")
    t = await lifts.order(t, "report", **REPORT)
    t = await switch.order(t, "accept_report")
    t = await desk.act(t, "reopen", reason="没修好", satisfaction="very_dissatisfied")
    assert (t["status"], t["result"]["satisfaction"]["first"]) == ("triaged", "very_dissatisfied")


async def test_a_lead_recalled_while_the_matter_is_shelved_leaves_it_shelved(
    lift_ticket: dict[str, Any], watch: Player
) -> None:
    t = await watch.act(lift_ticket, "shelve", reason="等表决", review_at="2026-12-20T00:00:00Z")
    t = await watch.order(t, "recall", reason="换单位")
    assert (t["status"], t["department"]) == ("shelved", None)
    t = await watch.act(t, "unshelve", reason="表决通过")
    assert t["status"] == "triaged"


async def test_who_acts_on_the_ticket_acts_on_the_lead_order(
    lifts: Player, switch: Player, watch: Player, lift_ticket: dict[str, Any]
) -> None:
    wish = {"reason_code": "not_our_duty", "basis": "职责清单第12项", "department": "residents-affairs"}
    returned = await lifts.order(lift_ticket, "request_return", **wish)
    ruled = await switch.act(await switch.see(returned), "approve_return")
    assert (ruled["status"], ruled["assignments"][0]["status"]) == ("triaged", "returned")
    supervised = await watch.act(await watch.see(ruled), "supervise", level="red", reason="三天无人处理")
    assert supervised["supervised"] == "red"


async def test_a_department_reports_by_the_ticket_as_well(lifts: Player, lift_ticket: dict[str, Any]) -> None:
    t = await lifts.order(lift_ticket, "accept")
    done = {"internal_result": "换了门机", "public_reply": "电梯已修好", "solved": True}
    assert (await lifts.act(t, "report", **done))["assignments"][0]["status"] == "reported"


async def test_an_extension_that_is_refused_leaves_the_limit(
    lifts: Player, switch: Player, lift_ticket: dict[str, Any]
) -> None:
    t = await lifts.order(lift_ticket, "accept")
    limit = t["assignments"][0]["due_at"]
    t = await lifts.order(t, "request_extension", due_at="2026-12-20T18:00:00+08:00", reason="等配件")
    t = await switch.order(await switch.see(t), "refuse_extension", reason="配件已到")
    assert t["assignments"][0]["due_at"] == limit
