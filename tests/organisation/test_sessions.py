"""Sessions: where somebody is logged in, for how long, and who ends it."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.sessions import PENDING_LIFETIME, SessionStage, device_name
from hotline.organisation.service.accounts import ActorCache, NewPerson, add_person, authenticate
from hotline.organisation.service.sessions import advance_session
from hotline.refusals import Code, Refused
from hotline.runtime.retention import tidy
from hotline.tickets.context import Services
from tests.conftest import Cast, Clock, Player

PASSWORD = "a long sentence 9"
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 "
    "Edg/140.0.0.0"
)


@pytest.fixture
async def boss(cast: Cast) -> Player:
    return await cast("boss")


@pytest.fixture
async def li(services: Services, clock: Clock) -> dict[str, Any]:
    grant = Grant(frozenset({Role.OPERATOR}))
    return await add_person(services, NewPerson("li.min", "李敏", PASSWORD, grant), clock())


async def log_in(boss: Player, agent: str = EDGE, login: str = "li.min") -> dict[str, str]:
    """The headers of a session that was begun now."""
    given = {"login": login, "password": PASSWORD}
    reply = await boss.http.post("/v1/token", json=given, headers={"authorization": "", "user-agent": agent})
    assert reply.status_code == 200, reply.text
    return {"authorization": f"Bearer {reply.json()['token']}"}


async def test_everybody_sees_and_ends_their_own_sessions(boss: Player, li: dict[str, Any], clock: Clock) -> None:
    office = await log_in(boss)
    clock.forward(minutes=1)
    script = await log_in(boss, "curl/8.5.0")
    clock.forward(minutes=1)
    phone = await log_in(boss, "Mozilla/5.0 (Linux; Android 15) Chrome/140.0.0.0 Mobile Safari/537.36")
    listed = (await boss.http.get("/v1/me/sessions", headers=office)).json()["items"]
    assert [s["device"] for s in listed] == ["Chrome, Android", "curl/8.5.0", "Edge, Windows"]
    assert [s["is_current"] for s in listed] == [False, False, True]
    assert {s["address"] for s in listed} == {"127.0.0.1"} and {s["stage"] for s in listed} == {"active"}
    assert (await boss.http.delete(f"/v1/me/sessions/{listed[0]['id']}", headers=office)).status_code == 204
    assert (await boss.http.delete(f"/v1/me/sessions/{listed[0]['id']}", headers=office)).status_code == 404
    assert (await boss.http.get("/v1/me", headers=phone)).status_code == 401
    assert (await boss.http.get("/v1/me", headers=script)).status_code == 200
    assert (await boss.http.delete("/v1/me/sessions", headers=office)).json() == {"ended": 1}
    assert (await boss.http.get("/v1/me", headers=script)).status_code == 401
    assert (await boss.http.get("/v1/me", headers=office)).status_code == 200


async def test_a_session_of_another_is_not_mine_to_end(
    boss: Player, li: dict[str, Any], services: Services, clock: Clock
) -> None:
    await add_person(services, NewPerson("chen", "陈", PASSWORD, Grant(frozenset({Role.OPERATOR}))), clock())
    mine, theirs = await log_in(boss), await log_in(boss, login="chen")
    [listed] = (await boss.http.get("/v1/me/sessions", headers=theirs)).json()["items"]
    assert (await boss.http.delete(f"/v1/me/sessions/{listed['id']}", headers=mine)).status_code == 404
    assert (await boss.http.delete("/v1/me/sessions", headers=mine)).json() == {"ended": 0}
    assert (await boss.http.get("/v1/me", headers=theirs)).status_code == 200


async def test_an_administrator_sees_and_ends_the_sessions_of_those_they_manage(
    boss: Player, li: dict[str, Any], services: Services, clock: Clock
) -> None:
    area = Grant(frozenset({Role.ADMIN}), None, "rq-b3")
    await add_person(services, NewPerson("of.block", "of block", PASSWORD, area), clock())
    narrow, held = await log_in(boss, login="of.block"), await log_in(boss)
    await log_in(boss, "curl/8.5.0")
    for method in ("GET", "DELETE"):
        assert (await boss.http.request(method, "/v1/people/li.min/sessions", headers=narrow)).status_code == 404
        assert (await boss.http.request(method, "/v1/people/li.min/sessions", headers=held)).status_code == 403
    listed = (await boss.get(f"/v1/people/{li['id']}/sessions")).json()["items"]
    assert len(listed) == 2 and not any(s["is_current"] for s in listed)
    script = next(s for s in listed if s["device"] == "curl/8.5.0")
    assert (await boss.http.delete(f"/v1/people/LI.MIN/sessions/{script['id']}")).status_code == 204
    assert (await boss.http.delete("/v1/people/li.min/sessions")).json() == {"ended": 1}
    assert (await boss.http.get("/v1/me", headers=held)).status_code == 401


async def test_a_session_ends_unused_or_after_a_shift_however_it_is_used(
    boss: Player, li: dict[str, Any], services: Services, clock: Clock
) -> None:
    used, unused = await log_in(boss), await log_in(boss, "curl/8.5.0")
    idle = services.account_rules.session_idle
    clock.now += idle - timedelta(minutes=2)
    assert (await boss.http.get("/v1/me", headers=used)).status_code == 200
    by_itself = {**unused, "session-use": "none"}  # a page that reads again, nobody pressing anything
    assert (await boss.http.get("/v1/alerts", headers=by_itself)).status_code == 200
    await services.last_use.write(services.db)
    clock.forward(minutes=2)
    assert (await boss.http.get("/v1/me", headers=unused)).status_code == 401
    [listed] = (await boss.http.get("/v1/me/sessions", headers=used)).json()["items"]
    assert listed["ends_at"] > clock().isoformat()
    await tidy(services, clock())
    while (await boss.http.get("/v1/me", headers=used)).status_code == 200:
        await services.last_use.write(services.db)
        clock.forward(hours=1)
    assert clock() - li["created_at"] == services.account_rules.session_lifetime


async def test_a_use_is_written_down_to_the_minute_and_for_many_at_once(
    boss: Player, li: dict[str, Any], services: Services, clock: Clock
) -> None:
    held = [await log_in(boss, f"screen/{n}") for n in range(3)]
    clock.forward(seconds=30)
    for headers in held:
        await boss.http.get("/v1/me", headers=headers)
    await services.last_use.write(services.db)  # the boss's key alone: the log-ins are not a minute old
    clock.forward(seconds=30)
    for headers in held:
        await boss.http.get("/v1/me", headers=headers)
    assert await services.last_use.write(services.db) == 3
    assert await services.last_use.write(services.db) == 0
    listed = (await boss.get("/v1/people/li.min/sessions")).json()["items"]
    assert {s["seen_at"] for s in listed} == {clock().isoformat()}


class Required:
    async def is_required(self, person: str) -> bool:
        return True


async def test_a_log_in_that_lacks_a_step_opens_nothing_but_the_way_out(
    app: FastAPI, boss: Player, li: dict[str, Any], services: Services, clock: Clock
) -> None:
    services.second_factors = Required()
    given = {"login": "li.min", "password": PASSWORD}
    begun = (await boss.http.post("/v1/token", json=given, headers={"authorization": ""})).json()
    assert begun["stage"] == "pending_factor"
    pending = {"authorization": f"Bearer {begun['token']}"}
    for path in ("/v1/me", "/v1/tickets", "/v1/me/sessions", "/v1/stream"):
        reply = await boss.http.get(path, headers=pending)
        assert (reply.status_code, reply.json()["type"]) == (403, "urn:hotline:problem:second-factor-required"), path
    page = await boss.http.get("/console/take", headers={"cookie": f"hotline_session={begun['token']}"})
    assert page.status_code == 303
    await services.db.transact(
        lambda c: advance_session(c, services, begun["token"], SessionStage.ACTIVE, clock(), "password+totp")
    )
    app.state.actor_cache.drop(begun["token"])
    [listed] = (await boss.http.get("/v1/me/sessions", headers=pending)).json()["items"]
    assert (listed["method"], listed["stage"]) == ("password+totp", "active")
    again = (await boss.http.post("/v1/token", json=given, headers={"authorization": ""})).json()
    leave = {"authorization": f"Bearer {again['token']}"}
    assert (await boss.http.delete("/v1/token", headers=leave)).status_code == 204
    last = (await boss.http.post("/v1/token", json=given, headers={"authorization": ""})).json()["token"]
    clock.now += PENDING_LIFETIME
    with pytest.raises(Refused) as ended:
        await authenticate(services, ActorCache(), last, clock())
    assert ended.value.refusal.code is Code.UNAUTHENTICATED


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (EDGE, "Edge, Windows"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1",
            "Safari, iPhone",
        ),
        ("python-httpx/0.28.1", "python-httpx/0.28.1"),
        ("x" * 500, "x" * 60),
        ("a\x00\u202eb c", "ab"),
        ("", ""),
    ],
)
def test_a_device_is_named_as_people_know_it(sent: str, name: str) -> None:
    assert device_name(sent) == name
