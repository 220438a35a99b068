"""Passwords: which will do, how people replace their own, and first ones that somebody else set."""

from typing import Any

import pytest

from hotline.organisation.service.own_password import OLD_PASSWORD_LIMIT
from hotline.organisation.service.password_strength import is_guessable
from tests.conftest import Cast, Clock, Player, on_one_database

FIRST, OWN = "a long sentence 9", "quite another phrase 7"
LI = {"login": "li.min", "name": "李敏", "password": FIRST, "roles": ["operator"]}


@pytest.fixture
async def boss(cast: Cast) -> Player:
    return await cast("boss")


async def log_in(boss: Player, password: str) -> Any:
    given = {"login": "li.min", "password": password}
    return await boss.http.post("/v1/token", json=given, headers={"authorization": ""})


async def change(boss: Player, token: str, old: str, new: str, **headers: str) -> Any:
    sent = {"authorization": f"Bearer {token}", **headers}
    return await boss.http.post("/v1/me/password", json={"old_password": old, "new_password": new}, headers=sent)


async def me(boss: Player, token: str) -> int:
    return (await boss.http.get("/v1/me", headers={"authorization": f"Bearer {token}"})).status_code


async def test_a_first_password_opens_nothing_but_its_own_replacement(boss: Player, clock: Clock) -> None:
    made = await boss.post("/v1/people", LI)
    assert made.json()["first_password_until"] is not None
    begun = (await log_in(boss, FIRST)).json()
    assert begun["stage"] == "pending_password"
    refused = await boss.http.get("/v1/me", headers={"authorization": f"Bearer {begun['token']}"})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:hotline:problem:password-change-required")
    assert (await change(boss, begun["token"], FIRST, FIRST)).status_code == 422
    done = await change(boss, begun["token"], FIRST, OWN, **{"idempotency-key": "one"})
    assert done.status_code == 204
    again = await change(boss, begun["token"], FIRST, OWN, **{"idempotency-key": "one"})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (204, "true")
    assert await me(boss, begun["token"]) == 200
    assert (await log_in(boss, FIRST)).status_code == 401
    assert (await log_in(boss, OWN)).json()["stage"] == "active"
    listed = (await boss.get("/v1/people")).json()["items"]
    assert [p["first_password_until"] for p in listed if p["login"] == "li.min"] == [None]


async def test_a_first_password_that_nobody_used_ends(boss: Player, clock: Clock) -> None:
    await boss.post("/v1/people", LI)
    clock.forward(days=7)
    late = await log_in(boss, FIRST)
    assert late.status_code == 401 and "not used in time" in late.json()["detail"]
    again = await boss.http.patch("/v1/people/li.min", json={"password": OWN}, headers={"if-match": '"1"'})
    assert again.status_code == 200
    assert (await log_in(boss, OWN)).json()["stage"] == "pending_password"


async def test_a_new_password_ends_every_other_session_and_needs_the_old_one(boss: Player, clock: Clock) -> None:
    await boss.post("/v1/people", LI)
    token = (await log_in(boss, FIRST)).json()["token"]
    assert (await change(boss, token, FIRST, OWN)).status_code == 204
    other = (await log_in(boss, OWN)).json()["token"]
    for _ in range(OLD_PASSWORD_LIMIT.tries):
        wrong = await change(boss, token, "not the old one 1", "a third sentence 11")
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "old_password")
    assert (await change(boss, token, OWN, "a third sentence 11")).status_code == 429
    clock.now += OLD_PASSWORD_LIMIT.window
    assert (await change(boss, token, OWN, "a third sentence 11")).status_code == 204
    clock.forward(seconds=1)
    assert (await me(boss, token), await me(boss, other)) == (200, 401)


async def test_a_key_has_no_password(desk: Player) -> None:
    reply = await desk.post("/v1/me/password", {"old_password": FIRST, "new_password": OWN})
    assert reply.status_code == 404


@pytest.mark.parametrize(
    "password",
    [
        "1234567890", "aaaaaaaaaaaa", "qwertyuiop12", "passwordpassword", "Password1234", "P@ssw0rd2024!", "iloveyou1234",
        "1q2w3e4r5t6y", "abcabcabcabc", "hotline24365", "Hotline-24365!", "ruiquanxincheng", "李敏李敏李敏李敏李敏李敏",
        "li.min-24365", "short 9",
    ],
)  # fmt: skip
@on_one_database
async def test_what_is_guessed_first_is_refused(password: str, boss: Player) -> None:
    reply = await boss.post("/v1/people", {**LI, "password": password})
    assert reply.status_code == 422 and reply.json()["errors"][0]["field"] == "password"
    assert password not in reply.text


@pytest.mark.parametrize(
    "password", ["all small letters here", "我家门口有两棵枣树一棵也是", "xY9kLmQ2vR7t", "x" * 30 + OWN * 2]
)
def test_no_kind_of_character_is_asked_for(password: str) -> None:
    assert not is_guessable(password, "li", "min", "ruiquan")
