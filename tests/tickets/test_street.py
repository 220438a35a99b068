"""A street of fifteen communities on one server: each desk and each department sees its own, the street sees all."""

import asyncio
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from hotline.organisation import tables as organisation_tables
from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.service.accounts import NewKey, add_key
from hotline.organisation.service.seeding import seed_directory
from hotline.packaged_files import packaged_folder
from hotline.tickets.context import Services
from hotline.tickets.store import counters
from tests.conftest import Player


async def test_fifteen_communities_each_see_their_own_and_the_street_sees_all(
    app: FastAPI, services: Services, desk: Player, db: Any
) -> None:
    def clear(c: sa.Connection) -> None:
        c.execute(sa.delete(organisation_tables.directory))
        c.execute(sa.delete(organisation_tables.directory_log))

    await db.transact(clear)
    root = packaged_folder("seeds")
    directory = await seed_directory(services.directory, root / "liucheng", root, desk.actor, services.clock())
    communities = sorted(a.code for a in directory.areas.values() if a.level == "community")
    assert len(communities) == 15

    async def client(grant: Grant) -> httpx.AsyncClient:
        made = await add_key(services, NewKey("x", grant), "test", services.clock())
        headers = {"authorization": f"Bearer {made['secret']}"}
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline", headers=headers)

    operators = {c: await client(Grant(frozenset({Role.OPERATOR}), None, c)) for c in communities}
    handlers = {c: await client(Grant(frozenset({Role.HANDLER}), f"{c}-office")) for c in communities}
    street = await client(Grant(frozenset({Role.SUPERVISOR})))

    async def take(c: str, n: int) -> str:
        name = directory.areas[c].name.removesuffix("社区")
        body = {"channel": "phone", "narrative": f"{name}{n}栋楼下垃圾堆没人收", "category": "hj-rubbish"}
        reply = await operators[c].post("/v1/calls", json=body)
        assert reply.status_code == 201, reply.text
        ticket = reply.json()["ticket"]
        assert ticket["area"]["code"] == f"{c}-b{n}"
        assert ticket["department"]["code"] == f"{c}-ra"
        return str(ticket["number"])

    made = {c: await asyncio.gather(*(take(c, n) for n in range(1, 5))) for c in communities}
    for c in communities:
        for who in (operators[c], handlers[c]):
            shown = (await who.get("/v1/tickets", params={"limit": 200})).json()["items"]
            assert sorted(i["number"] for i in shown) == sorted(made[c])
        other = communities[(communities.index(c) + 1) % 15]
        assert (await handlers[c].get(f"/v1/tickets/{made[other][0]}")).status_code == 404
        assert (await handlers[c].get(f"/v1/departments/{other}-ra/queue")).status_code == 404
        queue = (await handlers[c].get(f"/v1/departments/{c}-ra/queue")).json()["items"]
        assert sorted(q["number"] for q in queue) == sorted(made[c])
        assert (await operators[c].get("/v1/board")).json()["open"] == 4
    everything = (await street.get("/v1/tickets", params={"limit": 200})).json()["items"]
    assert len(everything) == 60
    assert (await street.get("/v1/board")).json()["counts"] == {"dispatched": 60}
    assert await counters.load_counter_drift(db) == {}
    for http in (*operators.values(), *handlers.values(), street):
        await http.aclose()
