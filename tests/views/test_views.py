"""Saved views: one's own, shared by a link and in a list, never with more than the reader may see."""

from typing import Any

from tests.conftest import Cast, Player, broken

MORNING = {"page": "dispatch", "name": "我的早班", "query": {"area": ["rq-b3"], "sort": "due"}}


async def names(who: Player, page: str = "dispatch") -> list[tuple[str, bool]]:
    reply = await who.get("/v1/views", params={"page": page})
    assert reply.status_code == 200, reply.text
    return [(x["name"], x["mine"]) for x in reply.json()["items"]]


async def save(who: Player, key: str | None = None, **more: Any) -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    reply = await who.post("/v1/views", MORNING | more, headers=headers)
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


async def change(who: Player, view: dict[str, Any], **values: Any) -> Any:
    headers = {"If-Match": f'"{view["version"]}"'}
    return await who.http.patch(f"/v1/views/{view['id']}", json=values, headers=headers)


async def test_a_view_is_its_owners_until_it_is_shared_and_theirs_alone_to_change(
    switch: Player, watch: Player, cast: Cast
) -> None:
    mine = await save(switch, "k")
    assert (await save(switch, "k"))["id"] == mine["id"]  # a retry keeps no second one
    assert await names(switch) == [("我的早班", True)] and await names(switch, "tickets") == []
    assert await names(watch) == [] and (await watch.get(f"/v1/views/{mine['id']}")).status_code == 404
    shared = (await change(switch, mine, shared=True, name="早班")).json()
    assert (shared["version"], shared["query"]) == (2, mine["query"])
    assert (await change(switch, mine, shared=False)).status_code == 412  # changed since
    assert await names(watch) == [("早班", False)]
    seen = (await watch.get(f"/v1/views/{mine['id']}")).json()
    assert (seen["owner"], seen["mine"], seen["query"]) == ("switch", False, {"area": ["rq-b3"], "sort": "due"})
    assert (await change(watch, seen, name="夜班")).status_code == 403
    assert (await watch.http.delete(f"/v1/views/{mine['id']}")).status_code == 403
    own = await save(watch, name="值班", query={})
    assert await names(watch) == [("值班", True), ("早班", False)]
    # a contractor is shown what is their own
    contractor = await cast("liftmen")
    assert await names(contractor) == []
    assert (await switch.http.delete(f"/v1/views/{mine['id']}")).status_code == 204
    assert (await watch.get(f"/v1/views/{mine['id']}")).status_code == 404
    assert await names(watch) == [("值班", True)] and own["owner"] == "watch"


async def test_a_shared_view_shows_each_reader_what_is_within_their_own_scope(
    desk: Player, switch: Player, cast: Cast
) -> None:
    near = await desk.call("有点事情想问问", location={"area": "rq-b3"})
    far = await desk.call("有点事情想问问", location={"area": "rq-b9"})
    view = await save(switch, shared=True, query={"area": ["rq"], "sort": "waited"})
    block = await cast("block3")

    async def shown(who: Player) -> list[str]:
        query = (await who.get(f"/v1/views/{view['id']}")).json()["query"]
        return [x["number"] for x in (await who.get("/v1/queue", params=query)).json()["items"]]

    assert await shown(switch) == [near["number"], far["number"]]
    assert await shown(block) == [near["number"]]


async def test_a_view_holds_filters_alone(switch: Player) -> None:
    for query, field in (
        ({"q": "王秀英 13800138000"}, "query.q"), ({"area": ["rq; drop"]}, "query.area.0"), ({"tab": "all"}, "query.tab"),
        ({"sort": "a b"}, "query.sort"), ({"hours": 0}, "query.hours"),
    ):  # fmt: skip
        reply = await switch.post("/v1/views", MORNING | {"query": query})
        assert reply.status_code == 422 and broken(reply.json())[0][0] == field, reply.text
    assert (await switch.post("/v1/views", MORNING | {"name": "长" * 41})).status_code == 422
    assert (await switch.get("/v1/views")).status_code == 422  # of which list?


async def test_nobody_keeps_more_than_a_hundred(switch: Player, monkeypatch: Any) -> None:
    monkeypatch.setattr("hotline.views.service.MOST_VIEWS", 2)
    await save(switch)
    await save(switch)
    reply = await switch.post("/v1/views", MORNING)
    assert (reply.status_code, broken(reply.json())[0][0]) == (422, "name")
