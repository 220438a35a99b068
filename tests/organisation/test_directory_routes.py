"""The organisation over REST: read by all, written by admins, kept only where all of it is right."""

from typing import Any

from tests.conftest import Cast, Player, broken

ROUTE = {"lead": "water", "category": "sdq-water", "area": "rq-b9", "basis": "试点"}


async def test_a_new_route_counts_from_the_next_call_on(desk: Player, cast: Cast) -> None:
    boss = await cast("boss")
    tag = (await boss.get("/v1/directory/routes")).headers["etag"]
    put = await boss.http.put(
        "/v1/directory/routes/r-pilot", json={**ROUTE, "lead": "property-works"}, headers={"if-match": tag}
    )
    assert (put.status_code, put.json()["lead"]) == (200, "property-works")
    assert (await desk.call("9栋停水", category="sdq-water"))["department"]["code"] == "property-works"
    assert (await desk.call("8栋停水", category="sdq-water"))["department"]["code"] == "water"
    log = (await boss.get("/v1/directory-log", params={"after": 1})).json()["items"]
    assert [(e["noun"], e["code"], e["before"], e["by"]["name"]) for e in log] == [("routes", "r-pilot", None, "boss")]


async def test_what_would_break_the_directory_is_refused_and_nothing_is_kept(cast: Cast) -> None:
    boss = await cast("boss")
    tag = (await boss.get("/v1/directory/routes")).headers["etag"]

    async def put(body: dict[str, Any], code: str = "r-x") -> tuple[int, str]:
        reply = await boss.http.put(f"/v1/directory/routes/{code}", json=body, headers={"if-match": tag})
        return reply.status_code, str(reply.json()["errors"])

    assert "unknown department" in (await put({**ROUTE, "lead": "nobody"}))[1]
    assert "overlaps" in (await put({**ROUTE, "area": "*"}))[1]
    assert (await put({**ROUTE, "extra": 1}))[0] == 422
    assert (await put({"category": "za"}))[0] == 422
    assert (await boss.get("/v1/directory/routes")).headers["etag"] == tag
    assert (await boss.http.put("/v1/directory/routes/r-x", json=ROUTE)).status_code == 428
    assert (
        await boss.http.put("/v1/directory/routes/r-x", json=ROUTE, headers={"if-match": '"77"'})
    ).status_code == 412
    assert (await boss.http.put("/v1/directory/wishes/r-x", json=ROUTE, headers={"if-match": tag})).status_code == 422


async def test_a_retired_item_can_be_read_and_no_longer_chosen(
    lift_ticket: dict[str, Any], desk: Player, cast: Cast
) -> None:
    boss = await cast("boss")
    tag = (await boss.get("/v1/directory/areas")).headers["etag"]
    gone = await boss.http.delete("/v1/directory/areas/rq-b3", headers={"if-match": tag})
    assert (gone.status_code, gone.json()["item"]["active"]) == (200, False)
    assert (await desk.see(lift_ticket))["area"]["name"] == "瑞泉馨城3栋"
    body = await desk.call("路灯坏了", location={"area": "rq-b3"}, expect=422)
    assert "retired" in body["errors"][0]["rule"]
    used = await boss.http.delete("/v1/directory/departments/water", headers={"if-match": gone.headers["etag"]})
    assert used.status_code == 422  # routes lead there
    assert "retired department" in used.text


async def test_dry_runs_say_what_would_happen_and_why(desk: Player) -> None:
    said = (await desk.post("/v1/explain/triage", {"narrative": "3栋有人关到电梯头了"})).json()
    assert (said["result"]["category"], said["result"]["priority"]) == ("dt-trapped", "emergency")
    assert said["because"][0]["rule"].startswith("danger:lift")
    assert "电梯" in said["because"][0]["matched"]
    said = (
        await desk.post("/v1/explain/routing", {"category": "dt-trapped", "at": "2026-11-25T02:00:00+08:00"})
    ).json()
    assert (said["result"]["lead"], said["result"]["route"], said["result"]["passed"]) == (
        "service-centre",
        "r-dt-trapped-duty",
        ["r-dt-trapped", "r-dt"],
    )
    assert said["because"][0]["matched"][-1] == "hours=duty"
    wrong = await desk.post("/v1/explain/routing", {"category": "nothing"})
    assert (wrong.status_code, broken(wrong.json())) == (422, [("category", "unknown")])
    assert (await desk.get("/v1/tickets")).json()["items"] == []


async def test_the_life_cycle_is_served_as_data(desk: Player) -> None:
    said = (await desk.get("/v1/lifecycle")).json()
    move = next(m for m in said["assignment"]["moves"] if m["action"] == "request_return" and m["at"] == "issued")
    assert (move["to"], move["by"], move["needs"]) == (
        "return_requested",
        ["handler"],
        ["reason_code", "basis", "department"],
    )
    assert {"code": "triaged", "label": {"zh": "待派单", "en": "To dispatch"}} in said["ticket"]["states"]
