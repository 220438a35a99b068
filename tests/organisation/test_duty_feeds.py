"""Tokens of duty calendars: listed, named, renewed and revoked, and none opens anything afterwards."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.application import build_app
from hotline.composition import assemble_services
from hotline.organisation.service.accounts import ActorCache
from hotline.tickets.context import Services
from tests.conftest import Cast, Clock, Player
from tests.organisation.test_duty_routes import basic

DUTY = "/v1/departments/service-centre/duty"


async def opened(client: httpx.AsyncClient, token: str | None, department: str = "service-centre") -> int:
    """How the calendar of a department answers a program that logs in with this token."""
    path = f"/v1/departments/{department}/duty.ics"
    return (await client.get(path, headers={"authorization": basic("feed", token or "")})).status_code


@pytest.fixture
async def elsewhere(app: FastAPI, services: Services) -> httpx.AsyncClient:
    """Another process over the same database."""
    twin = build_app(lambda: None)  # type: ignore[arg-type, return-value]
    twin.state.services = assemble_services(services.db, services.clock, services.secret, services.files)
    twin.state.actor_cache = ActorCache()
    return httpx.AsyncClient(transport=httpx.ASGITransport(twin), base_url="http://test")


async def listed(player: Player) -> list[dict[str, Any]]:
    reply: httpx.Response = await player.get(f"{DUTY}/feeds")
    assert reply.status_code == 200, reply.text
    return list(reply.json()["items"])


async def test_named_tokens_are_shown_once_listed_with_their_last_use_and_revoked_at_once(
    watch: Player, desk: Player, cast: Cast, elsewhere: httpx.AsyncClient, services: Services, clock: Clock
) -> None:
    key = {"Idempotency-Key": "feed-1"}
    first = await watch.post(f"{DUTY}/feeds", {"name": "值班室电脑"}, headers=key)
    again = await watch.post(f"{DUTY}/feeds", {"name": "值班室电脑"}, headers=key)
    assert (first.status_code, again.content) == (201, first.content)
    made = first.json()
    clock.forward(minutes=1)
    other = (await watch.post(f"{DUTY}/feeds", {"name": "李主任手机"})).json()
    assert [(f["name"], f["last_used_at"]) for f in await listed(watch)] == [
        ("shared", None), ("值班室电脑", None), ("李主任手机", None),
    ]  # fmt: skip
    assert made["token"] not in (await watch.get(f"{DUTY}/feeds")).text
    clock.forward(hours=2)
    assert [
        await opened(desk.http, made["token"]),
        await opened(desk.http, (await desk.get(DUTY)).json()["feed_token"]),
    ] == [200, 200]
    assert await opened(desk.http, made["token"], "water") == 401
    await services.last_use.write(services.db)
    used = {f["name"]: f["last_used_at"] for f in await listed(watch)}
    assert used["李主任手机"] is None
    assert used["值班室电脑"] == used["shared"] == clock().isoformat()

    assert await opened(elsewhere, made["token"]) == 200
    assert (await watch.http.delete(f"{DUTY}/feeds/{made['id']}")).status_code == 204
    assert await opened(elsewhere, made["token"]) == 401
    assert (await watch.http.delete(f"{DUTY}/feeds/{made['id']}")).status_code == 404
    assert [await opened(desk.http, made["token"]), await opened(desk.http, other["token"])] == [401, 200]
    renewed = await watch.post(f"{DUTY}/feeds/{other['id']}/renew", None)
    assert renewed.status_code == 201 and renewed.json()["name"] == "李主任手机"
    assert [await opened(desk.http, other["token"]), await opened(desk.http, renewed.json()["token"])] == [401, 200]
    assert (await watch.post(f"{DUTY}/feeds/{made['id']}/renew", None)).status_code == 404

    log = (await (await cast("committee")).get("/v1/security-log", params={"about": other["id"]})).json()["items"]
    assert [(e["deed"], e["by"]["name"], e["details"]) for e in log] == [
        ("feed_token_made", "watch", {"department": "service-centre", "renewed": True}),
        ("feed_token_made", "watch", {"department": "service-centre"}),
    ]
    log = (await (await cast("committee")).get("/v1/security-log", params={"about": made["id"]})).json()["items"]
    assert [e["deed"] for e in log] == ["feed_token_revoked", "feed_token_made"]


async def test_the_shared_token_is_renewed_and_revoked_for_all_who_read_the_duty(watch: Player, desk: Player) -> None:
    before = (await desk.get(DUTY)).json()["feed_token"]
    made = await watch.post(f"{DUTY}/feeds/shared/renew", None)
    after = (await desk.get(DUTY)).json()["feed_token"]
    assert made.json()["token"] == after != before
    assert [await opened(desk.http, before), await opened(desk.http, after)] == [401, 200]
    assert (await watch.http.delete(f"{DUTY}/feeds/shared")).status_code == 204
    assert (await watch.http.delete(f"{DUTY}/feeds/shared")).status_code == 404
    assert await opened(desk.http, after) == 401 and await listed(watch) == []
    assert (await desk.get(DUTY)).json()["feed_token"] is None
    assert await opened(desk.http, (await desk.get(DUTY)).json()["feed_token"]) == 401
    third = (await watch.post(f"{DUTY}/feeds/shared/renew", None)).json()["token"]
    assert [await opened(desk.http, feed) for feed in (before, after, third)] == [401, 401, 200]
    assert await opened(desk.http, (await desk.get("/v1/departments/water/duty")).json()["feed_token"], "water") == 200


@pytest.mark.parametrize("who", ["desk", "pipes"])
async def test_tokens_are_for_whoever_plans_the_duty(who: str, watch: Player, cast: Cast) -> None:
    stranger = await cast(who)
    expected = {"desk": 403, "pipes": 404}[who]
    assert (await stranger.get(f"{DUTY}/feeds")).status_code == expected
    assert (await stranger.post(f"{DUTY}/feeds", {"name": "x"})).status_code == expected
    assert (await stranger.post(f"{DUTY}/feeds/shared/renew", None)).status_code == expected
    assert (await stranger.http.delete(f"{DUTY}/feeds/shared")).status_code == expected
    assert len(await listed(watch)) == len(await listed(await cast("committee"))) == 1


async def test_a_department_has_a_hundred_named_tokens_at_most(watch: Player, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hotline.organisation.service.duty_feeds.MOST_FEEDS", 2)
    said = [(await watch.post(f"{DUTY}/feeds", {"name": f"n{n}"})).status_code for n in range(3)]
    assert said == [201, 201, 409]
