"""Finding: filters, pages without gap or repeat, search by one character, who is calling."""

import asyncio
from typing import Any

import pytest

from hotline.tickets.context import Services
from tests.conftest import Cast, Clock, Player, broken

WORDS = [
    "3栋路灯坏了",
    "5栋停水了，水压也低",
    "電梯異響，抖得很",
    "Street light at the north gate is out",
    "井盖坏了",
    "楼顶漏雨",
]


@pytest.fixture
async def street(desk: Player, clock: Clock) -> list[dict[str, Any]]:
    found = []
    for n, words in enumerate(WORDS):
        clock.forward(minutes=7)
        found.append(await desk.call(words, caller={"phone": f"1380013800{n}"}))
    return found


@pytest.mark.parametrize(
    ("q", "hits"),
    [
        ("灯", [0]),
        ("路灯", [0]),
        ("水", [1, 5]),  # the last by its title
        ("坏了", [0, 4]),
        ("了", [0, 1, 4]),
        ("电梯", [2]),
        ("電梯", [2]),
        ("异响", [2]),
        ("light", [3]),
        ("LIGHT", [3]),
        ("str", [3]),
        ("３栋", [0]),
        ("三栋", [0]),
        ("路灯 坏了", [0]),
        ("水压也低", [1]),
        ("雨", [5]),
        ("nothing", []),
        ("，。", []),
        ("' OR 1=1 --", []),
        ('"*', []),
        ("a & b | !c", []),
    ],
)
async def test_words_find_the_same_tickets_on_both_databases(
    q: str, hits: list[int], street: list[Any], desk: Player
) -> None:
    reply = await desk.get("/v1/tickets", params={"q": q, "sort": "created_at"})
    assert [i["number"] for i in reply.json()["items"]] == [street[n]["number"] for n in hits]


async def test_what_is_amended_is_found_by_its_new_words_alone(street: list[Any], desk: Player) -> None:
    t = await desk.act(street[4], "amend", narrative="消防栓坏了", title="消防栓", reason="听错了")
    assert t["narrative"] == "消防栓坏了"
    assert (await desk.get("/v1/tickets", params={"q": "井盖"})).json()["items"] == []
    assert [i["number"] for i in (await desk.get("/v1/tickets", params={"q": "消防栓"})).json()["items"]] == [
        t["number"]
    ]


@pytest.mark.parametrize("sort", ["created_at", "-created_at", "updated_at", "-updated_at"])
async def test_pages_show_every_ticket_once(sort: str, desk: Player, clock: Clock) -> None:
    made = []
    for n in range(11):
        if n % 3 == 0:  # some share a moment
            clock.forward(seconds=1)
        made.append((await desk.call(f"{n}号的事情"))["number"])
    seen: list[str] = []
    cursor = None
    while True:
        page = (
            await desk.get("/v1/tickets", params={"sort": sort, "limit": 4, **({"cursor": cursor} if cursor else {})})
        ).json()
        seen += [i["number"] for i in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == (sorted(made, reverse=True) if sort.startswith("-") else sorted(made))


async def test_each_filter_keeps_what_it_says(desk: Player, switch: Player, clock: Clock, cast: Cast) -> None:
    lift = await desk.call("3栋电梯坏了", category="dt-fault", priority="urgent", caller={"phone": "13800138000"})
    water = await desk.call(
        "9栋停水",
        category="sdq-water",
        caller={"phone": "13800138001"},
        outer={"system": "12345", "number": "A-1"},
        channel="hotline",
    )
    loose = await desk.call("说不清楚的事", location={"area": "rq-g1"})
    confidential = await desk.call("举报吃回扣", category="za-misconduct")
    name = {
        lift["number"]: "lift",
        water["number"]: "water",
        loose["number"]: "loose",
        confidential["number"]: "confidential",
    }

    async def kept(**params: Any) -> set[str]:
        return {name[i["number"]] for i in (await desk.get("/v1/tickets", params=params)).json()["items"]}

    assert await kept(status="dispatched") == {"lift", "water", "confidential"}
    assert await kept(status=["received", "dispatched"]) == set(name.values())
    assert await kept(department="water") == {"water"}
    assert await kept(department="property") == {"lift"}  # its works department is below it
    assert await kept(performer="lifts") == {"lift"}
    who = lift["caller"]["id"]
    lifts = await cast("lifts")
    lift = await lifts.order(lift, "accept")
    assert await kept(assignee=lifts.actor.id) == {"lift"}
    mine = (await lifts.get("/v1/tickets", params={"assignee": "me"})).json()["items"]
    assert [i["number"] for i in mine] == [lift["number"]]
    assert await kept(category="dt") == {"lift"}  # the leaf below
    assert await kept(area="rq-g1") == {"lift", "loose"}  # building 3 lies in grid 1
    assert await kept(priority="urgent") >= {"lift"}
    assert await kept(kind="report") == {"confidential"}
    assert await kept(channel="hotline") == {"water"}
    assert await kept(confidential="true") == {"confidential"}
    assert await kept(outer_number="A-1") == {"water"}
    assert await kept(caller=who) == {"lift"}
    assert await kept(created_from=clock.forward(hours=1).isoformat()) == set()
    assert await kept(overdue="true") == set()
    clock.forward(days=2)
    assert await kept(overdue="true") == {"lift", "water"}  # both were urgent: 24 hours
    again = await desk.call("电梯还没好", attach_to=lift["number"])
    assert await kept(flag="repeat") == {"lift"}
    merged = await switch.act(loose, "merge", target=again["number"])
    assert await kept(parent=again["number"]) == {"loose"}
    assert merged["parent"] == again["number"]


async def test_the_queue_shows_emergencies_first_then_what_is_due(desk: Player, clock: Clock, pipes: Player) -> None:
    later = await desk.call("9栋停水", category="sdq-water", priority="normal")
    clock.forward(minutes=1)
    soon = await desk.call("10栋停水", category="sdq-water", priority="urgent")
    clock.forward(minutes=1)
    now = await desk.call("11栋地下室水管爆了，里面有人出不来", category="sdq-burst")
    order = [now["number"], soon["number"], later["number"]]
    assert [q["number"] for q in (await pipes.get("/v1/departments/water/queue")).json()["items"]] == order
    page = (await pipes.get("/v1/departments/water/queue", params={"limit": 2})).json()
    rest = (await pipes.get("/v1/departments/water/queue", params={"limit": 2, "cursor": page["next"]})).json()
    assert [q["number"] for q in page["items"] + rest["items"]] == order
    assert rest["next"] is None


async def test_the_screen_pop_says_known_maybe_unknown_or_withheld(desk: Player) -> None:
    async def pop(phone: str) -> dict[str, Any]:
        return dict((await desk.post("/v1/callers/lookup", {"phone": phone})).json())

    assert (await pop("13800138000"))["match"] == "unknown"
    t = await desk.call("停水", category="sdq-water", caller={"phone": "138-0013-8000", "name": "王秀英"})
    known = await pop("+86 13800138000")
    assert (known["match"], known["caller"]["name"], [o["number"] for o in known["open"]]) == (
        "known",
        "王秀英",
        [t["number"]],
    )
    await desk.call(
        "谢谢", caller={"phone": "13800138000", "name": "王强"}, at_once={"action": "answer", "answer": "不客气"}
    )
    both = await pop("13800138000")
    assert (both["match"], {n["name"] for n in both["names"]}, len(both["history"])) == ("maybe", {"王秀英", "王强"}, 1)
    assert (await pop("anonymous"))["match"] == "withheld"
    assert (await pop("12345"))["match"] == "unknown"  # a service number is nobody's card


async def test_a_withheld_and_a_service_number_are_kept_as_they_were(desk: Player) -> None:
    hidden = await desk.call("有人打架", caller={"phone": "anonymous"})
    assert hidden["caller"] is None
    service = await desk.call("12345转来", caller={"phone": "12345"})
    assert (service["caller"]["phone"], service["caller"]["id"]) == ("12345", None)
    calls = (await desk.get(f"/v1/tickets/{hidden['number']}/calls")).json()["items"]
    assert calls[0]["withheld"] is True


async def test_an_outer_order_comes_in_once_and_its_deadline_is_never_exceeded(desk: Player, cast: Cast) -> None:
    outer = {"system": "12345", "number": "CD-20261125-0001", "due_at": "2026-11-27T18:00:00+08:00"}
    t = await desk.call("消防通道被占", channel="hotline", category="dt-exit", outer=outer)
    assert (t["assignments"][0]["due_at"] <= "2026-11-27T10:00:00+00:00", t["promised_at"]) == (
        True,
        "2026-11-27T10:00:00+00:00",
    )
    again = await desk.call("消防通道被占", channel="hotline", category="dt-exit", outer=outer, expect=409)
    assert broken(again) == [("outer.number", "taken in before")]
    fresh = {"channel": "hotline", "narrative": "消防通道被占", "outer": {"system": "12345", "number": "CD-2"}}
    said = await asyncio.gather(*(desk.post("/v1/calls", fresh) for _ in range(4)))
    assert sorted(r.status_code for r in said) == [201, 409, 409, 409]
    gate = await cast("gate")  # which order numbers there are is nothing that a key learns by trying
    known, unknown = [
        await gate.call("消防通道被占", channel="hotline", outer={**outer, "number": number})
        for number in (outer["number"], "CD-3")
    ]
    for name in ("number", "created_at", "updated_at"):
        assert known.pop(name) != "" and unknown.pop(name) != ""
    assert known.pop("outer")["number"] == outer["number"] and unknown.pop("outer")["number"] == "CD-3"
    assert known.keys() == unknown.keys() and known["flags"] == unknown["flags"]
    named = (await desk.get("/v1/tickets", params={"flag": f"names:{t['number']}"})).json()["items"]
    assert len(named) == 1
    for odd in ({"attach_to": t["number"], "outer": fresh["outer"]}, {"channel": "hotline"}):
        assert (await desk.post("/v1/calls", {"channel": "phone", "narrative": "x", **odd})).status_code == 422


async def test_every_caller_of_a_chain_of_merges_is_kept_and_led_to_the_ticket_that_runs(
    desk: Player, switch: Player
) -> None:
    a, b, c = [
        await desk.call(f"{n}栋停水", category="sdq-water", caller={"phone": f"1380013801{n}"}) for n in (1, 2, 3)
    ]
    await switch.act(a, "merge", target=b["number"])
    await switch.act(await switch.see(b), "merge", target=c["number"])
    calls = (await desk.get(f"/v1/tickets/{c['number']}/calls")).json()["items"]
    assert {x["phone"] for x in calls} == {f"+861380013801{n}" for n in (1, 2, 3)}
    assert (await desk.see(c))["counters"]["calls"] == 3
    again = await desk.call("还没来水", attach_to=a["number"], caller={"phone": "13800138011"})
    assert (again["number"], again["counters"]["calls"]) == (c["number"], 4)
    pop = (await desk.post("/v1/callers/lookup", {"phone": "13800138011"})).json()
    assert c["number"] in [o["number"] for o in pop["open"]]


async def test_an_old_open_matter_is_not_hidden_by_newer_ended_ones(desk: Player) -> None:
    who = {"phone": "13800138000"}
    first = await desk.call("停水", category="sdq-water", caller=who)
    for _ in range(21):
        await desk.call("问一下", caller=who, at_once={"action": "answer", "answer": "好"})
    pop = (await desk.post("/v1/callers/lookup", who)).json()
    assert ([o["number"] for o in pop["open"]], len(pop["history"])) == ([first["number"]], 20)
    await desk.call("我是邻居，也停了", attach_to=first["number"], caller={"phone": "13800138099"})
    pop = (await desk.post("/v1/callers/lookup", {"phone": "13800138099"})).json()
    assert [o["number"] for o in pop["open"]] == [first["number"]]


async def test_what_nobody_has_yet_waits_in_the_dispatchers_queue_emergencies_first(
    desk: Player, switch: Player, cast: Cast, clock: Clock
) -> None:
    later = await desk.call("说不清楚的事")
    clock.forward(minutes=1)
    third = await desk.call("另一件说不清的事")
    clock.forward(minutes=1)
    first = await desk.call("还有一件", priority="emergency")
    order = [first["number"], later["number"], third["number"]]
    page = (await switch.get("/v1/queue", params={"limit": 2})).json()
    rest = (await switch.get("/v1/queue", params={"limit": 2, "cursor": page["next"]})).json()
    assert [i["number"] for i in page["items"] + rest["items"]] == order
    await switch.act(first, "triage", category="za", kind="request", priority="emergency")
    assert (await switch.get("/v1/queue")).json()["items"][0]["status"] == "triaged"
    assert (await (await cast("block3")).get("/v1/queue")).json()["items"] == []
    assert (await (await cast("lifts")).get("/v1/queue")).status_code == 403


async def test_an_emergency_without_a_category_of_its_own_goes_out_at_once(desk: Player) -> None:
    t = await desk.call("快点嘛，3栋电梯关到人了，娃儿在里头哭得凶")
    assert (t["status"], t["priority"], t["category"]["code"]) == ("dispatched", "emergency", "dt-trapped")
    t = await desk.call("婆婆晕倒了")
    assert (t["status"], t["department"]["code"]) == ("dispatched", "service-centre")


async def test_a_gateway_brings_a_text_to_its_ticket_and_sees_no_more_than_that(
    lift_ticket: Any, cast: Cast, desk: Player
) -> None:
    gate = await cast("gate")
    opened = await gate.call("电梯坏了", channel="sms", caller={"phone": "13800138000"})
    t = await gate.call("电梯还没好", channel="sms", attach_to=opened["number"], caller={"phone": "13800138000"})
    assert (t["number"], t["counters"]["calls"]) == (opened["number"], 2)
    assert (t["narrative"], t["assignments"]) == ("电梯坏了", [])
    assert (await gate.get(f"/v1/tickets/{t['number']}")).status_code == 403
    body = {"channel": "sms", "narrative": "电梯还没好", "attach_to": lift_ticket["number"]}  # opened by somebody else
    guessed, nobodys = [
        await gate.post("/v1/calls", {**body, "attach_to": n}) for n in (body["attach_to"], "100000014")
    ]
    assert guessed.status_code == nobodys.status_code == 201
    assert (await desk.see(lift_ticket))["counters"]["calls"] == 1


async def test_an_operator_of_one_block_takes_calls_for_it_alone(cast: Cast) -> None:
    block = await cast("block3")
    t = await block.call("路灯坏了", category="wx-light")
    assert t["area"]["code"] == "rq-g1"  # home, where the words name no place
    t = await block.call("9栋路灯坏了", category="wx-light")
    assert t["area"]["code"] == "rq-g1"
    assert len((await block.get("/v1/tickets")).json()["items"]) == 2
    assert (await block.get("/v1/board")).json()["open"] == 2


async def test_the_public_never_sets_the_emergency(cast: Cast, desk: Player) -> None:
    gate = await cast("gate")
    t = await gate.call("路灯不亮", priority="emergency", category="wx-light", channel="web")
    assert (t["priority"], t["assignments"], t["advice"]) == ("normal", [], None)
    assert (await desk.see(t))["advice"]["hints"]["priority"] == "emergency"  # kept beside the advice
    assert (await desk.call("路灯不亮", priority="emergency", category="wx-light"))["priority"] == "emergency"


SPOKEN = (
    "13800138002",
    "138 0013 8002",
    "+86 138-0013-8002",
    "0086 13800138002",
    "１３８００１３８００２",
    "一三八零零一三八零零二",
)
NO_PHONE = ("灯", "3栋", "12栋 1202", "light", "12345", "5号楼2单元")


async def test_what_nobody_may_read_in_an_address_is_looked_for_in_a_body(
    street: list[Any], desk: Player, cast: Cast
) -> None:
    number = street[2]["number"]

    async def found(q: str, player: Player = desk, **more: Any) -> list[str]:
        reply = await player.post("/v1/search", {"q": q, **more})
        assert reply.status_code == 200, reply.text
        return [item["number"] for item in reply.json()["items"]]

    for phone in SPOKEN:
        assert await found(phone) == [number], phone
        reply = await desk.get("/v1/tickets", params={"q": f"找 {phone}"})
        assert reply.status_code == 422 and "POST /v1/search" in reply.text and "8002" not in reply.text
        assert (await desk.get("/v1/earlier-answers", params={"q": phone})).status_code == 422
    landline = await desk.call("门坏了", caller={"phone": "028-87654321", "name": "欧阳修文"})
    confidential = await desk.call(
        "家里的事", caller={"phone": "13800138077", "name": "欧阳修文", "confidential": True}
    )
    for q in (
        "87654321",
        "028 8765 4321",
        "欧阳修文",
        landline["number"],
        f"{landline['number'][:3]} {landline['number'][3:]}",
    ):
        assert await found(q) == [landline["number"]], q
    assert await found("13800138077") == []
    assert await found(confidential["number"]) == [confidential["number"]]
    for q in (*NO_PHONE, number):
        assert (await desk.get("/v1/tickets", params={"q": q})).status_code == 200, q
    assert await found("坏了", filters={"category": ["nothing"]}) == []
    assert await found("87654321", await cast("pipes")) == []  # another department's
    first = (await desk.post("/v1/search", {"q": "坏了", "limit": 1})).json()
    rest = await desk.post("/v1/search", {"q": "坏了", "limit": 1, "cursor": first["next"]})
    assert rest.json()["items"][0]["number"] != first["items"][0]["number"]
    assert "13800138" not in first["next"]
    other = await desk.post("/v1/search", {"q": "灯", "limit": 1, "cursor": first["next"]})
    assert other.status_code == 400 and broken(other.json()) == [("cursor", "only for the same filters")]
    deeds = (await (await cast("committee")).get("/v1/security-log?deed=caller_looked_up")).text
    assert deeds.count('"match":"search"') >= len(SPOKEN) and "8002" not in deeds


async def test_names_and_words_are_found_by_their_pinyin_and_no_index_tells_a_name(
    desk: Player, services: Services
) -> None:
    ticket = await desk.call("电梯坏了，王秀英家门口", caller={"phone": "13800138000", "name": "王秀英"})
    hidden = await desk.call("有人违规收钱", caller={"phone": "13900139000", "name": "李大山", "confidential": True})

    async def found(q: str) -> list[str]:
        return [item["number"] for item in (await desk.post("/v1/search", {"q": q})).json()["items"]]

    for typed in ("dianti", "wangxiuying", "wang xiuying", "WXY", "wxy"):
        assert await found(typed) == [ticket["number"]], typed
    assert await found("weigui") == [hidden["number"]]
    for typed in ("lidashan", "lds", "dianhua", "xiuying"):
        assert await found(typed) == [], typed
    words = await services.db.transact(lambda c: str(c.exec_driver_sql("SELECT words FROM ticket_words").all()))
    assert "xiuying" not in words and "wxy" not in words
