"""Second factors of people: set up, confirmed, used once, removed, lost and reset."""

import asyncio
import base64
import math
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest
from fastapi import FastAPI

from hotline.organisation.model.actors import Role
from hotline.organisation.model.grants import Grant
from hotline.organisation.model.second_factors import normalize_code
from hotline.organisation.service.accounts import NewPerson, add_person
from hotline.organisation.service.second_factors import check_code
from hotline.organisation.store import second_factors as store
from hotline.refusals import Code, Refused
from hotline.runtime.retention import tidy
from hotline.tickets.context import Services
from tests.conftest import Cast, Clock, Player, broken
from tests.organisation.authenticator import PRESENT, Authenticator

PASSWORD = "a long sentence 24365"


@pytest.fixture
async def chen(app: FastAPI, services: Services, clock: Clock) -> Any:
    """Chen takes calls, and is logged in."""
    services.public_url = "https://hotline.example"
    grant = Grant(frozenset({Role.OPERATOR}))
    person = await add_person(services, NewPerson("chen", "陈", PASSWORD, grant), clock())
    http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://hotline")
    token = (await http.post("/v1/token", json={"login": "chen", "password": PASSWORD})).json()["token"]
    http.headers["authorization"] = f"Bearer {token}"
    yield Player(person["id"], http, None)  # type: ignore[arg-type]
    await http.aclose()


async def codes_set_up(chen: Player, clock: Clock) -> tuple[pyotp.TOTP, dict[str, Any]]:
    """One-time codes of Chen's, confirmed."""
    new = (await chen.post("/v1/me/factors/totp", {"name": "手机"})).json()
    totp = pyotp.TOTP(new["secret"])
    reply = await chen.post(f"/v1/me/factors/{new['id']}/confirmation", {"code": totp.at(clock())})
    assert reply.status_code == 200, reply.text
    return totp, reply.json()


async def refusal_of(services: Services, person: str, code: str, clock: Clock) -> Code | None:
    """Why a code does not count; None: it does, and is used."""
    try:
        checked = await check_code(services, person, code, clock())
        await services.db.transact(lambda c: checked.use(c, clock()))
    except Refused as refused:
        return refused.refusal.code
    return None


async def test_one_time_codes_count_once_confirmed_and_each_code_once(
    chen: Player, services: Services, clock: Clock
) -> None:
    begun = await chen.post("/v1/me/factors/totp", {"name": "手机"}, headers={"Idempotency-Key": "begin"})
    new = begun.json()
    assert begun.status_code == 201 and new["secret"] in new["uri"] and "chen" in new["uri"]
    assert new["qr"].startswith("<svg") and "http://www.w3.org/2000/svg" in new["qr"]
    assert (await chen.get("/v1/me/factors")).json()["items"] == []
    wrong = await chen.post(f"/v1/me/factors/{new['id']}/confirmation", {"code": "000000"})
    assert wrong.status_code == 422 and broken(wrong.json()) == [("code", "wrong, used or expired")]
    again = await chen.post("/v1/me/factors/totp", {"name": "手机"}, headers={"Idempotency-Key": "begin"})
    assert again.json() == new and again.headers["idempotency-replayed"] == "true"

    totp = pyotp.TOTP(new["secret"])
    confirmation = {"code": totp.at(clock())}
    path = f"/v1/me/factors/{new['id']}/confirmation"
    added = await chen.post(path, confirmation, headers={"Idempotency-Key": "confirm"})
    assert added.status_code == 200 and len(set(added.json()["recovery_codes"])) == 10
    repeated = await chen.post(path, confirmation, headers={"Idempotency-Key": "confirm"})
    assert repeated.json() == added.json()
    assert (await chen.post(path, {"code": totp.at(clock())})).status_code == 404
    mine = (await chen.get("/v1/me/factors")).json()
    assert [f["name"] for f in mine["items"]] == ["手机"] and mine["recovery_codes_left"] == 10
    assert mine["required"] is False

    assert await refusal_of(services, chen.name, totp.at(clock()), clock) is Code.INVALID  # it was the confirmation
    clock.forward(seconds=30)
    code = totp.at(clock())
    assert await refusal_of(services, chen.name, f" {code[:3]} {code[3:]}", clock) is None
    assert await refusal_of(services, chen.name, code, clock) is Code.INVALID
    ahead = totp.at(clock.now.timestamp() + 30)  # of a telephone that is fast
    assert await refusal_of(services, chen.name, totp.at(clock.now.timestamp() + 60), clock) is Code.INVALID
    assert await refusal_of(services, chen.name, ahead, clock) is None
    clock.forward(seconds=30)
    assert await refusal_of(services, chen.name, totp.at(clock()), clock) is Code.INVALID


async def test_the_database_holds_no_secret_and_no_code(chen: Player, services: Services, clock: Clock) -> None:
    totp, added = await codes_set_up(chen, clock)
    (row,) = await store.load_factors(services.db, chen.name)
    assert totp.secret not in row.secret
    hashes = await services.db.transact(lambda c: c.exec_driver_sql("SELECT hash FROM recovery_code").scalars().all())
    assert len(hashes) == 10 and not set(hashes) & set(added["recovery_codes"])


async def test_recovery_codes_stand_in_once_and_are_renewed(chen: Player, services: Services, clock: Clock) -> None:
    _, added = await codes_set_up(chen, clock)
    first, second, *_ = added["recovery_codes"]
    assert await refusal_of(services, chen.name, first.upper().replace("-", " "), clock) is None
    assert await refusal_of(services, chen.name, first, clock) is Code.INVALID
    assert (await chen.get("/v1/me/factors")).json()["recovery_codes_left"] == 9
    renewed = (await chen.post("/v1/me/recovery-codes")).json()["recovery_codes"]
    assert await refusal_of(services, chen.name, second, clock) is Code.INVALID
    assert await refusal_of(services, chen.name, renewed[0], clock) is None
    other = await add_person(
        services, NewPerson("other", "other", PASSWORD, Grant(frozenset({Role.OPERATOR}))), clock()
    )
    assert await refusal_of(services, other["id"], renewed[1], clock) is Code.INVALID


async def test_wrong_codes_are_counted_for_the_person(chen: Player, services: Services, clock: Clock) -> None:
    totp, _ = await codes_set_up(chen, clock)
    clock.forward(minutes=1)
    for _ in range(5):
        assert await refusal_of(services, chen.name, "000000", clock) is Code.INVALID
    assert await refusal_of(services, chen.name, totp.at(clock()), clock) is Code.TOO_MANY
    clock.forward(minutes=15)
    assert await refusal_of(services, chen.name, totp.at(clock()), clock) is None
    clock.forward(minutes=1)
    for _ in range(5):  # the right one has cleared the count
        assert await refusal_of(services, chen.name, "000000", clock) is Code.INVALID


async def test_setting_up_is_bounded_and_forgotten(chen: Player, services: Services, clock: Clock) -> None:
    for n in range(2):
        new = (await chen.post("/v1/me/factors/totp", {"name": f"{n}"})).json()
    clock.forward(minutes=15, seconds=1)
    path = f"/v1/me/factors/{new['id']}/confirmation"
    for late in (
        await chen.post(path, {"code": pyotp.TOTP(new["secret"]).at(clock())}),
        await chen.post("/v1/me/factors/totp", {"name": "x"}),
        await chen.post("/v1/me/factors/passkey/options"),
        await chen.post("/v1/me/recovery-codes"),
        await chen.http.delete(f"/v1/me/factors/{new['id']}"),
    ):
        assert late.status_code == 401  # factors are changed by whoever has just logged in
    clock.forward(minutes=45)
    token = (await chen.post("/v1/token", {"login": "chen", "password": PASSWORD})).json()["token"]
    code = {"code": pyotp.TOTP(new["secret"]).at(clock())}
    assert (await chen.post(path, code, headers={"authorization": f"Bearer {token}"})).status_code == 404
    assert (await tidy(services, clock()))["second_factors"] == 1  # the second took the place of the first


async def test_removing_the_last_factor_takes_the_recovery_codes_along(
    chen: Player, services: Services, clock: Clock
) -> None:
    _, added = await codes_set_up(chen, clock)
    path = f"/v1/me/factors/{added['factor']['id']}"
    services.second_factor_required = frozenset({Role.OPERATOR})
    refused = await chen.http.delete(path)
    assert refused.status_code == 409 and (await chen.get("/v1/me/factors")).json()["required"] is True
    services.second_factor_required = frozenset({Role.ADMIN})
    assert (await chen.http.delete(path)).status_code == 204
    assert (await chen.http.delete(path)).status_code == 404
    assert (await chen.get("/v1/me/factors")).json()["recovery_codes_left"] == 0
    assert (await chen.post("/v1/me/recovery-codes")).status_code == 404


async def test_codes_are_random_and_long_enough_and_live_for_half_a_minute(
    chen: Player, services: Services, clock: Clock
) -> None:
    totp, added = await codes_set_up(chen, clock)
    again = (await chen.post("/v1/me/recovery-codes")).json()["recovery_codes"]
    codes = [normalize_code(code) for code in (*added["recovery_codes"], *again)]
    assert len(set(codes)) == 20 and all(len(code) * math.log2(len(set("".join(codes)))) > 80 for code in codes)
    assert len(base64.b32decode(totp.secret)) * 8 >= 128
    clock.forward(minutes=5)
    for age, counts in ((61, False), (-61, False), (30, True)):
        code = totp.at(clock() - timedelta(seconds=age))
        assert (await refusal_of(services, chen.name, code, clock) is None) is counts, age


async def test_a_change_of_factors_ends_every_other_session(chen: Player, clock: Clock) -> None:
    async def other() -> dict[str, str]:
        given = {"login": "chen", "password": PASSWORD}
        token = (await chen.post("/v1/token", given, headers={"authorization": ""})).json()["token"]
        assert (await chen.get("/v1/me/factors", headers={"authorization": f"Bearer {token}"})).status_code == 200
        return {"authorization": f"Bearer {token}"}

    async def ended(session: dict[str, str]) -> bool:
        assert (await chen.get("/v1/me")).status_code == 200  # the one that asks goes on
        return (await chen.get("/v1/me", headers=session)).status_code == 401

    first = await other()
    _, added = await codes_set_up(chen, clock)
    assert await ended(first)
    second = await other()
    assert (await passkey_of(chen, Authenticator())).status_code == 201
    assert await ended(second)
    third = await other()
    assert (await chen.http.delete(f"/v1/me/factors/{added['factor']['id']}")).status_code == 204
    assert await ended(third)


async def test_of_two_removals_at_once_the_last_factor_stays(chen: Player, services: Services, clock: Clock) -> None:
    for _ in range(4):  # a race: each of the two looks at what the other has not committed yet
        _, added = await codes_set_up(chen, clock)
        key = (await passkey_of(chen, Authenticator())).json()
        services.second_factor_required = frozenset({Role.OPERATOR})
        paths = [f"/v1/me/factors/{one['factor']['id']}" for one in (added, key)]
        replies = await asyncio.gather(*(chen.http.delete(path) for path in paths))
        assert sorted(reply.status_code for reply in replies) == [204, 409]
        services.second_factor_required = frozenset()
        for path in paths:
            await chen.http.delete(path)


async def test_only_people_have_factors_and_only_an_administrator_of_theirs_resets_them(
    chen: Player, cast: Cast, services: Services, clock: Clock
) -> None:
    await codes_set_up(chen, clock)
    desk, boss = await cast("desk"), await cast("boss")
    assert (await desk.get("/v1/me/factors")).status_code == 404
    assert (await desk.post("/v1/me/factors/totp", {"name": "x"})).status_code == 404
    assert (await desk.http.delete("/v1/people/chen/factors")).status_code == 403
    assert (await boss.http.delete("/v1/people/nobody/factors")).status_code == 404
    assert (await boss.http.delete("/v1/people/chen/factors")).status_code == 204
    assert await store.load_factors(services.db, chen.name) == []
    clock.forward(seconds=2)
    assert (await chen.get("/v1/me")).status_code == 401  # whoever had the lost telephone is out


async def passkey_of(chen: Player, key: Authenticator) -> httpx.Response:
    begun = (await chen.post("/v1/me/factors/passkey/options")).json()
    body = {"name": "安全钥匙", "state": begun["state"], "credential": key.create(begun["options"])}
    return await chen.post("/v1/me/factors/passkey", body)


async def test_a_passkey_is_added_once_and_bound_to_origin_and_verified_user(chen: Player, services: Services) -> None:
    for wrong in (
        Authenticator(origin="https://hotline.example.evil.test"),
        Authenticator(rp_id="evil.test"),
        Authenticator(flags=PRESENT),
    ):
        reply = await passkey_of(chen, wrong)
        assert reply.status_code == 422 and broken(reply.json()) == [("credential", "wrong, used or expired")]
    key = Authenticator()
    begun = (await chen.post("/v1/me/factors/passkey/options")).json()
    assert begun["options"]["authenticatorSelection"]["userVerification"] == "required"
    assert begun["options"]["rp"]["id"] == "hotline.example"
    body = {"name": "安全钥匙", "state": begun["state"], "credential": key.create(begun["options"])}
    added = await chen.post("/v1/me/factors/passkey", body)
    assert added.status_code == 201 and len(added.json()["recovery_codes"]) == 10
    assert (await chen.post("/v1/me/factors/passkey", body)).status_code == 422  # the challenge is used
    again = (await chen.post("/v1/me/factors/passkey/options")).json()
    assert [c["id"] for c in again["options"]["excludeCredentials"]] == [body["credential"]["id"]]
    body |= {"state": again["state"], "credential": key.create(again["options"])}
    assert (await chen.post("/v1/me/factors/passkey", body)).status_code == 409


async def test_rubbish_is_no_passkey(chen: Player, clock: Clock) -> None:
    key = Authenticator()
    begun = (await chen.post("/v1/me/factors/passkey/options")).json()
    good = key.create(begun["options"])
    for name, value in (("attestationObject", "oA"), ("attestationObject", "AAAA"), ("clientDataJSON", "bnVsbA"),
                        ("clientDataJSON", "W10"), ("attestationObject", good["response"]["clientDataJSON"])):  # fmt: skip
        bad = {**good, "response": {**good["response"], name: value}}
        reply = await chen.post("/v1/me/factors/passkey", {"name": "x", "state": begun["state"], "credential": bad})
        assert reply.status_code == 422, (name, value, reply.text)
    for state in ("AAAA", begun["state"][:-4] + "AAAA", "===="):
        reply = await chen.post("/v1/me/factors/passkey", {"name": "x", "state": state, "credential": good})
        assert reply.status_code == 422, state
    clock.forward(minutes=5)
    reply = await chen.post("/v1/me/factors/passkey", {"name": "x", "state": begun["state"], "credential": good})
    assert reply.status_code == 422


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8000", "http://hotline.example", "https://10.0.0.7"])
async def test_passkeys_need_a_host_name(public_url: str, chen: Player, services: Services) -> None:
    services.public_url = public_url
    reply = await chen.post("/v1/me/factors/passkey/options")
    assert reply.status_code == 409 and broken(reply.json()) == [("credential", "no host name")]
