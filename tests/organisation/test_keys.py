"""Keys: they end by default, are replaced without an outage, and show when they were used."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from hotline.tickets.context import Services
from tests.conftest import Cast, Clock, Player

NEW = {"name": "sms gateway", "roles": ["supervisor"]}


@pytest.fixture
async def boss(cast: Cast) -> Player:
    return await cast("boss")


async def status(boss: Player, secret: str) -> int:
    return (await boss.http.get("/v1/me", headers={"authorization": f"Bearer {secret}"})).status_code


async def test_a_key_ends_after_a_year_unless_it_is_said_otherwise(boss: Player, clock: Clock) -> None:
    by_default = (await boss.post("/v1/keys", NEW)).json()
    assert datetime.fromisoformat(by_default["expires_at"]) == clock() + timedelta(days=365)
    assert (await boss.post("/v1/keys", {**NEW, "expires_at": None})).json()["expires_at"] is None
    clock.forward(days=365)
    assert await status(boss, by_default["secret"]) == 401


async def test_the_last_use_of_a_key_is_shown(boss: Player, services: Services, clock: Clock) -> None:
    made = (await boss.post("/v1/keys", NEW)).json()
    assert made["last_used_at"] is None
    clock.forward(hours=1)
    assert await status(boss, made["secret"]) == 200
    await services.last_use.write(services.db)
    shown = {k["id"]: k for k in (await boss.get("/v1/keys")).json()["items"]}
    assert datetime.fromisoformat(shown[made["id"]]["last_used_at"]) == clock()


async def test_a_key_is_replaced_while_both_are_valid(boss: Player, clock: Clock) -> None:
    old = (await boss.post("/v1/keys", NEW)).json()
    headers = {"idempotency-key": "once"}
    reply = await boss.post(f"/v1/keys/{old['id']}/rotate", {"overlap_hours": 2}, headers=headers)
    new = reply.json()
    assert (reply.status_code, new["replaces"], new["roles"], new["name"]) == (
        201,
        old["id"],
        old["roles"],
        old["name"],
    )
    again = await boss.post(f"/v1/keys/{old['id']}/rotate", {"overlap_hours": 2}, headers=headers)
    assert again.json()["secret"] == new["secret"]
    clock.forward(hours=1, minutes=59)
    assert (await status(boss, old["secret"]), await status(boss, new["secret"])) == (200, 200)
    clock.forward(minutes=1, seconds=1)
    assert (await status(boss, old["secret"]), await status(boss, new["secret"])) == (401, 200)
    assert (await boss.post(f"/v1/keys/{old['id']}/rotate", {})).status_code == 404


async def test_a_key_that_ends_sooner_is_not_prolonged_by_its_replacement(boss: Player, clock: Clock) -> None:
    soon = (clock() + timedelta(hours=1)).isoformat()
    old = (await boss.post("/v1/keys", {**NEW, "expires_at": soon})).json()
    assert (await boss.post(f"/v1/keys/{old['id']}/rotate", {"overlap_hours": 48})).status_code == 201
    clock.forward(hours=1)
    assert await status(boss, old["secret"]) == 401


async def test_an_administrator_of_an_area_replaces_no_key_beyond_it(app: FastAPI, boss: Player) -> None:
    wide = (await boss.post("/v1/keys", NEW)).json()
    narrow = (await boss.post("/v1/keys", {"name": "narrow", "roles": ["admin"], "area": "rq-b3"})).json()
    transport = httpx.ASGITransport(app=app)
    headers: dict[str, Any] = {"authorization": f"Bearer {narrow['secret']}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://hotline", headers=headers) as http:
        assert (await http.post(f"/v1/keys/{wide['id']}/rotate", json={})).status_code == 404
        assert (await http.post("/v1/keys", json=NEW)).status_code == 403
        person = {"login": "x.y", "name": "x", "password": "quite another phrase 7", "roles": ["operator"]}
        assert (await http.post("/v1/people", json=person)).status_code == 403
        assert (await http.post("/v1/people", json={**person, "area": "rq-b9"})).status_code == 403
        assert (await http.post("/v1/people", json={**person, "area": "rq-b3"})).status_code == 201
