"""Duty over HTTP: read, subscribed to, changed; deadlines explained; orders taken by people."""

import base64
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import icalendar
import pytest

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.tickets.context import Services
from hotline.tickets.sla.jobs import escalate_due
from tests.conftest import Cast, Clock, Player, on_one_database

DUTY = "/v1/departments/service-centre/duty"


async def test_the_duty_of_a_week_has_no_gap_and_says_who_is_called_now(desk: Player, clock: Clock) -> None:
    seen = (await desk.get(DUTY)).json()
    assert seen["gaps"] == [] and [t["shift"] for t in seen["now"]] == ["day"]
    turns = seen["turns"]
    assert all(a["end"] == b["start"] for a, b in pairwise(turns)) and len(turns) == 15
    water = (await desk.get("/v1/departments/water/duty")).json()
    assert water["now"] == [] and [t["roster"] for t in water["called"]] == ["service-centre"]


async def test_a_calendar_program_subscribes_with_the_feeds_own_token(
    desk: Player, services: Services, clock: Clock
) -> None:
    duty = (await desk.get(DUTY)).json()
    feed, token = duty["feed"], duty["feed_token"]
    assert token not in feed and "?" not in feed

    async def subscribe(path: str, password: str, **more: Any) -> httpx.Response:
        return await desk.get(path, headers={"authorization": basic(duty["feed_user"], password)}, **more)

    reply = await subscribe(feed, token)
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/calendar")
    events = list(icalendar.Calendar.from_ical(reply.text).walk("VEVENT"))
    assert len(events) > 120 and len({e["uid"] for e in events}) == len(events)
    now = next(e for e in events if e.decoded("dtstart") <= clock.now < e.decoded("dtend"))
    assert "值班长" in now["summary"]
    wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
    refused = [
        await subscribe(feed, wrong),
        await subscribe("/v1/departments/water/duty.ics", token),  # another one's
        await subscribe("/v1/departments/nowhere/duty.ics", token),
        await desk.get(feed, headers={"authorization": "Basic %"}),
        await desk.get(feed, headers={"authorization": ""}, params={"token": token}),  # in an address
    ]
    assert [reply.status_code for reply in refused] == [401] * 5 and len({reply.content for reply in refused}) == 1
    assert all(reply.headers["www-authenticate"].startswith("Basic ") for reply in refused)  # programs ask then
    services.feed_tokens_in_urls = True  # for programs that cannot log in
    address = (await desk.get(DUTY)).json()["feed"]
    assert (await desk.get(address, headers={"authorization": ""})).status_code == 200


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


async def test_an_override_is_kept_once_under_its_key_and_a_gap_shows(watch: Player, desk: Player, cast: Cast) -> None:
    body = {
        "roster": "service-centre",
        "start": "2026-11-28T02:00:00",
        "end": "2026-11-28T06:00:00",
        "member": None,
        "reason": "病假",
    }
    first = await watch.post(f"{DUTY}/overrides", body, headers={"Idempotency-Key": "o-1"})
    again = await watch.post(f"{DUTY}/overrides", body, headers={"Idempotency-Key": "o-1"})
    assert (first.status_code, again.status_code) == (201, 201) and again.headers["Idempotency-Replayed"] == "true"
    assert first.content == again.content and len(first.json()["overrides"]) == 1
    gaps = (await desk.get(DUTY)).json()["gaps"]
    assert gaps == [
        {"roster": "service-centre", "start": "2026-11-27T18:00:00+00:00", "end": "2026-11-27T22:00:00+00:00"}
    ]
    log = (await (await cast("boss")).get("/v1/directory-log", params={"after": 1})).json()["items"][-1]
    assert (log["noun"], log["code"], log["by"]["name"]) == ("rosters", "service-centre", "watch")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"roster": "nobody"}, "roster"),
        ({"member": "ghost"}, "rosters.service-centre.overrides.0.member"),
        ({"end": "2026-11-28T01:00:00"}, "rosters.service-centre.overrides.0.start"),
        ({"start": "2026-11-28T02:00:00Z"}, "start"),
        ({"reason": ""}, "reason"),
    ],
)
async def test_a_wrong_override_is_named_and_changes_nothing(change: dict[str, str], field: str, watch: Player) -> None:
    body = {
        "roster": "service-centre",
        "start": "2026-11-28T02:00:00",
        "end": "2026-11-28T06:00:00",
        "member": None,
        "reason": "x",
    }
    reply = await watch.post(f"{DUTY}/overrides", {**body, **change})
    assert reply.status_code == 422 and reply.json()["errors"][0]["field"] == field, reply.text
    assert (await watch.get(DUTY)).json()["gaps"] == []


async def test_two_swap_over_http_and_a_handler_plans_its_own_department_alone(
    watch: Player, lifts: Player, clock: Clock
) -> None:
    body = {"roster": "service-centre", "first": {"date": "2026-11-28", "shift": "night"},
            "second": {"date": "2026-11-29", "shift": "night"}, "reason": "互换"}  # fmt: skip
    before = {t["start"]: t["member"]["code"] for t in (await watch.get(DUTY)).json()["turns"] if t["shift"] == "night"}
    reply = await watch.post(f"{DUTY}/swaps", body)
    assert reply.status_code == 201, reply.text
    after = {t["start"]: t["member"]["code"] for t in (await watch.get(DUTY)).json()["turns"] if t["shift"] == "night"}
    one, other = (datetime(2026, 11, d, 12, tzinfo=UTC).isoformat() for d in (28, 29))
    assert (after[one], after[other]) == (before[other], before[one])
    assert (await lifts.post(f"{DUTY}/swaps", body)).status_code == 404  # not theirs
    mine = {**body, "roster": "property-works"}
    clash = await lifts.post("/v1/departments/property-works/duty/swaps", mine)
    assert clash.status_code == 422 and clash.json()["errors"][0]["field"] == "second"  # the same member, all week long


async def hire(services: Services, login: str, department: str = "property-works") -> str:
    grant = Grant(frozenset({Role.HANDLER}), department)
    made = await add_person(services, NewPerson(login, login, "a long sentence 9", grant), services.clock())
    return str(made["id"])  # type: ignore[index]


async def test_an_order_goes_to_a_person_by_hand_and_what_a_hand_chose_stays(
    desk: Player, lifts: Player, services: Services, lift_ticket: dict[str, Any]
) -> None:
    works_1, li = await hire(services, "works-1"), await hire(services, "li.works")
    given = await lifts.order(lift_ticket, "assign", assignee="li.works")
    assert given["assignments"][0]["assignee"] == li
    accepted = await lifts.order(given, "accept")
    assert accepted["assignments"][0]["assignee"] == li  # whoever signed for it
    await lifts.order(accepted, "claim", expect=409)
    wrong = await lifts.order(accepted, "assign", assignee="nobody", expect=422)
    assert wrong["errors"][0]["field"] == "assignee"
    other = await hire(services, "plumber", "water")
    await lifts.order(accepted, "assign", assignee=other, expect=422)  # works elsewhere
    found = (await lifts.get("/v1/departments/property-works/candidates")).json()["items"]
    by = {c["login"]: c for c in found}
    assert by["li.works"]["load"] == 1 and by["works-1"]["load"] == 0 and by["works-1"]["id"] == works_1
    assert found[0]["recommended"] and found[0]["login"] == "works-1"


async def test_an_unsigned_order_of_a_willing_department_goes_to_whoever_is_on_duty_with_the_least_work(
    desk: Player, cast: Cast, services: Services, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    boss = await cast("boss")
    on_duty = (await boss.get("/v1/departments/property-works/duty")).json()["now"][0]["member"]["code"]
    ids = {login: await hire(services, login) for login in ("works-1", "works-2", "works-3")}
    item = await boss.get("/v1/directory/departments/property-works")
    reply = await boss.http.put(
        "/v1/directory/departments/property-works", json={**item.json(), "auto_assign": True, "head": "works-1"},
        headers={"If-Match": item.headers["etag"]},
    )  # fmt: skip
    assert reply.status_code == 200, reply.text
    clock.forward(hours=3)
    while (await escalate_due(services, clock.now)).claimed:
        pass
    assert (await desk.see(lift_ticket))["assignments"][0]["assignee"] == ids[on_duty]


EXPLAIN = "/v1/explain/deadline"


async def test_a_limit_by_itself_is_explained_step_by_step(desk: Player) -> None:
    reply = await desk.post(
        EXPLAIN, {"start": "2026-02-13T10:00:00+08:00", "amount": 7, "unit": "working_days", "calendar": "cn"}
    )
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["result"] == {"due_at": "2026-03-03T00:00:00+08:00", "provisional": False, "calendar": "cn"}
    assert {"rule": "worked days off (调休)", "matched": ["2026-02-14 春节", "2026-02-28 春节"]} in body["because"]
    late = (
        await desk.post(EXPLAIN, {"start": "2026-12-18T10:00:00+08:00", "amount": 15, "unit": "working_days"})
    ).json()
    assert late["result"]["provisional"] and "provisional" in late["because"][-2]["rule"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "start"),
        ({"start": "2026-02-13T10:00:00+08:00", "amount": 7}, "unit"),
        ({"start": "2026-02-13T10:00:00+08:00", "amount": 7.5, "unit": "working_days"}, "amount"),
        ({"start": "2026-02-13T10:00:00+08:00", "amount": -7, "unit": "working_days"}, "amount"),
        ({"start": "2026-02-13T10:00:00+08:00", "amount": 7, "unit": "weeks"}, "unit"),
        ({"start": "2026-02-13T10:00:00+08:00", "amount": 7, "unit": "working_days", "calendar": "mars"}, "calendar"),
        ({"start": "2026-02-13", "amount": 7, "unit": "working_days"}, "start"),
        ({"ticket": "100000006", "amount": 7}, "amount"),
        ({"clock": "resolve"}, "start"),
    ],
)
@on_one_database
async def test_a_question_that_cannot_be_answered_names_its_field(
    body: dict[str, Any], field: str, desk: Player
) -> None:
    reply = await desk.post(EXPLAIN, body)
    assert reply.status_code == 422 and reply.json()["errors"][0]["field"] == field, reply.text


async def test_a_tickets_clock_is_explained_with_all_that_happened_to_it(
    desk: Player, switch: Player, lifts: Player, pipes: Player, clock: Clock, lift_ticket: dict[str, Any]
) -> None:
    clock.forward(hours=1)
    asked = await desk.act(lift_ticket, "request_info", text="which building?")
    clock.forward(hours=2)
    told = await desk.act(asked, "provide_info", text="building 3")
    accepted = await lifts.order(told, "accept")
    longer = (clock.now + timedelta(days=9)).isoformat()
    wanted = await lifts.order(accepted, "request_extension", due_at=longer, reason="parts")
    given = await switch.order(wanted, "approve_extension")
    shown = (await desk.post(EXPLAIN, {"ticket": given["number"], "clock": "report"})).json()
    rules = [b["rule"] for b in shown["because"]]
    assert rules[0].startswith("policy urgent") and "stood still" in rules and rules[-1] == "due"
    assert any("extension moved this order's clock" in r for r in rules)
    assert shown["result"]["due_at"] == given["assignments"][0]["due_at"]
    resolve = (await desk.post(EXPLAIN, {"ticket": given["number"]})).json()
    assert resolve["result"]["metric"] == "resolve" and any("used up before" in b["rule"] for b in resolve["because"])
    assert (await pipes.post(EXPLAIN, {"ticket": given["number"]})).status_code == 404  # not theirs to see
    assert (await desk.post(EXPLAIN, {"ticket": given["number"], "clock": "lunch"})).status_code == 404
