"""People and keys: logging in, being throttled, losing a role, never seeing a secret again."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from hotline.tables import metadata
from tests.conftest import Cast, Clock, Player, keep_first_passwords, on_one_database

GOOD = {"login": "li.dispatch", "name": "李敏", "password": "correct horse 9", "roles": ["dispatcher"]}


@pytest.fixture
async def boss(cast: Cast) -> Player:
    return await cast("boss")


async def _log_in(who: Player, password: str, login: str = "li.dispatch") -> Any:
    await keep_first_passwords(who.http._transport.app.state.services)  # type: ignore[attr-defined]
    return await who.http.post("/v1/token", json={"login": login, "password": password}, headers={"authorization": ""})


async def test_a_person_logs_in_works_and_logs_out(boss: Player, clock: Clock) -> None:
    made = await boss.post("/v1/people", GOOD)
    assert (made.status_code, "password" in made.json()) == (201, False)
    token = (await _log_in(boss, GOOD["password"])).json()["token"]  # type: ignore[arg-type]
    mine = {"authorization": f"Bearer {token}"}
    me = (await boss.http.get("/v1/me", headers=mine)).json()
    assert (me["name"], me["roles"][0]["label"]["zh"]) == ("李敏", "派单员")
    assert (await boss.http.delete("/v1/token", headers=mine)).status_code == 204
    assert (await boss.http.get("/v1/me", headers=mine)).status_code == 401
    token = (await _log_in(boss, "correct horse 9")).json()["token"]
    clock.forward(hours=13)  # a shift is over
    assert (await boss.http.get("/v1/me", headers={"authorization": f"Bearer {token}"})).status_code == 401


async def test_guessing_is_stopped_and_forgotten_after_a_while(boss: Player, clock: Clock) -> None:
    await boss.post("/v1/people", GOOD)
    for _ in range(8):
        assert (await _log_in(boss, "wrong")).status_code == 401
    stopped = await _log_in(boss, "correct horse 9")
    assert (stopped.status_code, stopped.headers["retry-after"]) == (429, "900")
    clock.forward(minutes=16)
    assert (await _log_in(boss, "correct horse 9")).status_code == 200


async def test_an_unknown_login_is_told_nothing_more_than_a_wrong_password(boss: Player) -> None:
    await boss.post("/v1/people", GOOD)
    assert (await _log_in(boss, "wrong")).json() == (await _log_in(boss, "wrong", "nobody")).json()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"password": "short"}, "password"),
        ({"password": "li.dispatch1"}, "password"),
        ({"roles": []}, "roles"),
        ({"roles": ["gateway"]}, "roles"),
        ({"roles": ["clock"]}, "roles"),
        ({"roles": ["handler"]}, "department"),
        ({"department": "nobody"}, "department"),
        ({"area": "nowhere"}, "area"),
        ({"login": "with space"}, "login"),
        ({"admin": True}, "admin"),
    ],
)
@on_one_database
async def test_a_person_who_makes_no_sense_is_refused(change: dict[str, Any], field: str, boss: Player) -> None:
    reply = await boss.post("/v1/people", {**GOOD, **change})
    assert reply.status_code == 422
    assert field in [e["field"].split(".")[0] for e in reply.json()["errors"]]


async def test_an_account_is_closed_and_opened_again_by_its_login(boss: Player) -> None:
    new = {"login": "Li.Dispatch", "name": "李敏", "password": "a long pass 24365", "roles": ["dispatcher"]}
    made = (await boss.post("/v1/people", new)).json()
    closed = await boss.http.patch("/v1/people/li.dispatch", json={"active": False}, headers={"if-match": '"1"'})
    assert closed.status_code == 200
    assert (closed.json()["id"], closed.json()["active"], closed.json()["held"]) == (made["id"], False, 0)
    log_in = {"login": "li.dispatch", "password": new["password"]}
    assert (await boss.http.post("/v1/token", json=log_in)).status_code == 401
    again = await boss.http.patch("/v1/people/Li.Dispatch", json={"active": True}, headers={"if-match": '"2"'})
    assert again.status_code == 200 and again.json()["active"]
    unknown = await boss.http.patch("/v1/people/nobody", json={"active": True}, headers={"if-match": '"1"'})
    assert unknown.status_code == 404


async def test_adding_a_person_twice_with_one_key_adds_one_and_a_taken_login_is_told(boss: Player) -> None:
    key = {"idempotency-key": "p1"}
    first, again = await boss.post("/v1/people", GOOD, headers=key), await boss.post("/v1/people", GOOD, headers=key)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert (await boss.post("/v1/people", GOOD)).status_code == 409


async def test_a_change_takes_effect_at_once_and_needs_the_version(boss: Player) -> None:
    await boss.post("/v1/people", {**GOOD, "login": "first", "roles": ["admin"]})
    person = (await boss.post("/v1/people", GOOD)).json()
    token = (await _log_in(boss, "correct horse 9")).json()["token"]
    mine = {"authorization": f"Bearer {token}"}
    path = f"/v1/people/{person['id']}"
    assert (await boss.http.get("/v1/people", headers=mine)).status_code == 403
    assert (await boss.http.patch(path, json={"roles": ["admin"]})).status_code == 428
    assert (await boss.http.patch(path, json={"roles": ["admin"]}, headers={"if-match": '"7"'})).status_code == 412
    done = await boss.http.patch(path, json={"roles": ["admin"]}, headers={"if-match": '"1"'})
    assert (done.status_code, done.headers["etag"]) == (200, '"2"')
    assert (await boss.http.get("/v1/people", headers=mine)).status_code == 200
    assert (await boss.http.patch(path, json={"active": False}, headers={"if-match": '"2"'})).status_code == 200
    assert (await boss.http.get("/v1/me", headers=mine)).status_code == 401
    assert (await _log_in(boss, "correct horse 9")).status_code == 401
    assert (await boss.http.patch(path, json={"name": None}, headers={"if-match": '"3"'})).status_code == 422


async def _administrator(boss: Player, login: str, **limits: str) -> str:
    person = {**GOOD, "login": login, "roles": ["admin", "operator"], **limits}
    assert (await boss.post("/v1/people", person)).status_code == 201
    return f"/v1/people/{login}"


@pytest.mark.parametrize(
    "change",
    [
        {"active": False},
        {"roles": ["operator"]},
        {"area": "rq-b3"},
        {"department": "greening"},
        {"active": False, "roles": ["operator"]},
    ],
)
async def test_the_last_administrator_of_the_whole_stays(boss: Player, change: dict[str, Any]) -> None:
    path = await _administrator(boss, "zhao")
    await _administrator(boss, "of.an.area", area="rq-b3")
    token = (await _log_in(boss, "correct horse 9", "zhao")).json()["token"]
    mine = {"authorization": f"Bearer {token}", "if-match": '"1"'}
    refused = await boss.http.patch(path, json=change, headers=mine)
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert "last administrator of the whole" in refused.json()["detail"]
    assert {error["field"] for error in refused.json()["errors"]} == set(change)
    still = await boss.http.patch(path, json={"name": "赵平"}, headers=mine)  # logged in as before, at that version
    assert (still.status_code, still.json()["active"], still.json()["version"]) == (200, True, 2)
    await _administrator(boss, "qian")
    assert (await boss.http.patch(path, json=change, headers={**mine, "if-match": '"2"'})).status_code == 200


async def test_two_administrators_who_close_each_other_at_once_leave_one(boss: Player) -> None:
    paths = [await _administrator(boss, login) for login in ("zhao", "qian")]
    asked = (boss.http.patch(path, json={"active": False}, headers={"if-match": '"1"'}) for path in paths)
    assert sorted(reply.status_code for reply in await asyncio.gather(*asked)) == [200, 409]
    people = (await boss.get("/v1/people")).json()["items"]
    assert [person["active"] for person in people].count(True) == 1


async def test_who_gets_in_is_changed_soon_after_a_log_in_and_never_for_oneself(boss: Player, clock: Clock) -> None:
    for login in ("zhao", "qian"):
        await _administrator(boss, login)
    http, password = boss.http, "correct horse 9"

    async def fresh() -> dict[str, str]:
        return {"authorization": f"Bearer {(await _log_in(boss, password, 'zhao')).json()['token']}", "if-match": '"1"'}

    mine = await fresh()
    own = await http.patch("/v1/people/zhao", json={"password": "another sentence 9"}, headers=mine)
    assert own.status_code == 409 and "/v1/me" in own.json()["detail"]
    assert (await http.delete("/v1/people/zhao/factors", headers=mine)).status_code == 409
    assert (await _log_in(boss, password, "zhao")).status_code == 200
    key = (await http.post("/v1/keys", json={"name": "grid", "roles": ["gateway"]}, headers=mine)).json()["id"]
    clock.forward(minutes=16)
    asked: tuple[tuple[str, str, Any], ...] = (
        ("PATCH", "/v1/people/qian", {"password": "another sentence 9"}), ("PATCH", "/v1/people/qian", {"roles": ["admin"]}),
        ("PATCH", "/v1/people/qian", {"active": False}), ("PATCH", "/v1/people/qian", {"area": "rq-b3", "name": "x"}),
        ("DELETE", "/v1/people/qian/factors", None), ("POST", "/v1/people", {**GOOD, "login": "sun"}),
        ("POST", "/v1/keys", {"name": "x", "roles": ["admin"]}), ("POST", f"/v1/keys/{key}/rotate", {}),
    )  # fmt: skip
    for method, path, body in asked:
        refused = await http.request(method, path, json=body, headers=mine)
        assert refused.status_code == 401 and "15 minutes" in refused.json()["detail"], (method, path, refused.text)
    assert (await http.get("/v1/people", headers=mine)).status_code == 200
    assert (await http.patch("/v1/people/qian", json={"name": "钱"}, headers=mine)).status_code == 200
    again = {**await fresh(), "if-match": '"2"'}
    for method, path, body in (*asked[5:], *asked[:2]):
        reply = await http.request(method, path, json=body, headers=again)
        assert reply.is_success, (method, path, reply.text)
        again["if-match"] = '"3"' if method == "PATCH" else '"2"'


async def test_a_dump_of_the_database_holds_no_usable_secret(boss: Player, db: Any) -> None:
    await boss.post("/v1/people", GOOD)
    token = (await _log_in(boss, "correct horse 9")).json()["token"]
    secret = (await boss.post("/v1/keys", {"name": "gateway", "roles": ["gateway"]})).json()["secret"]

    def dump(c: sa.Connection) -> str:
        return "".join(str(c.execute(sa.select(t)).all()) for t in metadata.sorted_tables)

    held = await db.transact(dump)
    assert (
        token not in held
        and secret not in held
        and secret.split("_", 2)[2] not in held
        and "correct horse 9" not in held
    )
    listed = await boss.get("/v1/keys")
    assert secret not in listed.text and "hash" not in listed.text
